"""``python -m benchmarks.guard fuse``: the guarded model as one ONNX graph, beside the guard in Python.

Equality at 100,000 points, and seconds of the process (not of the wall) in batches of 10,000 and of one point: of the
graph of the model alone and of that with the guard. With ``--c HEADERS`` the graph is also run through onnxruntime's C
interface: a program in C is compiled with ``cc`` against the headers in that folder and the library of the Python package.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import supnorm as sn
from benchmarks.claims.stored import stamp
from benchmarks.guard.models import bump_data, bump_guard, bump_problem
from supnorm.guarding import fuse
from supnorm.guarding.export import opened, tied
from supnorm.networks import Network, to_onnx

RESULTS = Path(__file__).parents[1] / "results" / "guard_fuse.json"
PROGRAM = Path(__file__).with_name("fused.c")
POINTS, BATCH = 100_000, 10_000


def main(arguments: list[str]) -> None:
    """Print one line a guard; with ``--save`` store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard fuse")
    parser.add_argument("--c", type=Path, help="folder with onnxruntime_c_api.h")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(arguments)
    with_data = sn.guard(bump_problem(), reject=0.1, evaluations=1500, calibration=500, data=bump_data())
    rows = []
    for name, safe in (("list and learned error", bump_guard()), ("with training data too", with_data)):
        rows.append({"guard": name, **measured(safe, args.c)})
        print(rows[-1], flush=True)
    if args.save:
        document = {
            "command": "python -m benchmarks.guard fuse --c HEADERS --save",
            "machine": f"{platform.system()} {platform.machine()}",
            "versions": {"python": platform.python_version(), "onnxruntime": version("onnxruntime")},
            "points": POINTS,
            "rows": rows,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")
        stamp("guard_fuse")


def measured(safe: sn.Guard, headers: Path | None) -> dict[str, Any]:
    """Differences from the guard in Python, and microseconds."""
    x = np.random.default_rng(5).uniform(-1.05, 1.05, (POINTS, 2))
    with tempfile.TemporaryDirectory() as folder:
        path, alone = Path(folder) / "fused.onnx", Path(folder) / "model.onnx"
        fuse(safe, path)
        network = safe.model.value.__self__  # type: ignore[attr-defined]
        assert isinstance(network, Network)
        to_onnx(network, alone)
        session, bare = opened(str(path)), opened(str(alone))
        parts = [session.run(None, {"x": x[k : k + BATCH]}) for k in range(0, POINTS, BATCH)]
        y, accept, _ = (np.concatenate(part) for part in zip(*parts, strict=True))
        answer = safe(x, fallback=False)
        different = (accept == 1) != (answer.flag == 0)
        both = (accept == 1) & ~different
        row: dict[str, Any] = {
            "different": int(different.sum()),
            "ties": int(tied(safe, x).sum()),
            "values": float(np.abs(y - answer.y)[both].max()),
            "batch": seconds(session, x[:BATCH]) / BATCH * 1e6,
            "batch_model": seconds(bare, x[:BATCH]) / BATCH * 1e6,
            "one": seconds(session, x[:1]) * 1e6,
            "one_model": seconds(bare, x[:1]) * 1e6,
        }
        if headers is not None:
            row["c"] = in_c(path, headers, x[:1000], y[:1000], accept[:1000])
        return row


def seconds(session: Any, x: Any) -> float:
    """The least time of the process for one call, of several: the machine does other work too."""
    times = []
    repeats = 1 if len(x) > 1 else 50
    for _ in range(20):
        begin = time.process_time()
        for _ in range(repeats):
            session.run(None, {"x": x})
        times.append((time.process_time() - begin) / repeats)
    return min(times)


def in_c(path: Path, headers: Path, x: Any, y: Any, accept: Any, language: str = "c") -> dict[str, Any]:
    """The same points through the C interface: whether every answer is that of Python, and microseconds of one point.

    ``language``: ``c`` or ``c++``, as which the program is compiled.

    Raises:
        RuntimeError: where the program cannot be compiled or run.
    """
    import onnxruntime

    library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    compiler = shutil.which("cc" if language == "c" else "c++")
    if compiler is None:
        raise RuntimeError(f"there is no compiler for {language}")
    program, named = path.with_name("fused"), path.with_name("libonnxruntime.so.1")
    named.symlink_to(library)  # the name under which the linker looks for it when the program starts
    build = [
        compiler,
        "-O2",
        f"-I{headers}",
        f"-x{language}",
        str(PROGRAM),
        "-xnone",
        str(named),
        f"-Wl,-rpath,{path.parent}",
        "-o",
        str(program),
    ]
    subprocess.run(build, check=True, capture_output=True, text=True)
    given = path.with_name("points.txt")
    given.write_text("\n".join(" ".join(repr(float(v)) for v in row) for row in x) + "\n")
    done = subprocess.run([program, path, given, str(x.shape[1])], check=True, capture_output=True, text=True)
    *lines, last = done.stdout.splitlines()
    found = np.array([[float(v) for v in line.split()] for line in lines])
    same = np.array_equal(found[:, 0] == 1, accept == 1) and np.array_equal(
        found[:, 1], y[:, 0], equal_nan=True
    )
    return {"points": len(x), "same": bool(same), "one": float(last.split()[1])}


if __name__ == "__main__":
    main([])
