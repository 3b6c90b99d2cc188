"""``python -m tests.broken_readers FOLDER COUNT KIND...``: readers on broken copies of good files, each in bounded time.

Every case may take `SECONDS` of processor time; then the process ends by SIGPROF, compiled code or not: an exception would
not reach a loop of a library. A line says what was done, before (the case) and after it (what came of it).
"""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.soundness import broken_files, valid_files

from supnorm.results import BadInput
from supnorm.results.printable import OBEYED

SECONDS = 10.0  # no good file of these takes a tenth of a second
Reader = Callable[[Path], Any]


def main(folder: Path, count: int, kinds: list[str]) -> None:
    """Break the file of each kind ``count`` times."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for kind in kinds:
        name, read = KINDS[kind](folder / kind)
        path = folder / kind / name
        good = path.read_bytes()
        for seed in range(count):
            rng = np.random.default_rng([seed, len(kind)])
            way = broken_files.pick(rng, broken_files.WAYS[path.suffix])
            try:
                broken = way(rng, good)
            except Exception:  # some breakings of broken things are not possible
                broken = broken_files.broken_bytes(rng, good)
            path.write_bytes(broken)
            print(f"{kind} {seed} {way.__name__}:", end=" ", flush=True)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                read(path)
                print("read")
            except BadInput as refused:
                told = str(refused)
                odd = len(told) > 2000 or OBEYED.search(told) or len(told.splitlines()) != 1
                print(f"in odd words: {told[:200]!r}" if odd else "refused")
            except BaseException as error:
                print(f"{type(error).__name__}: {str(error)[:200]!r}")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0.0)
                path.write_bytes(good)


def _problem(folder: Path) -> Any:
    from supnorm.sources import open_problem

    problem = open_problem(folder / "problem.toml")
    x = np.array([[0.2, 0.4], [0.7, 0.1]])
    with contextlib.suppress(Exception):  # of a point: the evaluator counts it as a failed one
        problem.model.value(x)
    return problem


def _written(folder: Path, file: str) -> Reader:
    """A problem whose model, or reference, is a file; how it is opened."""
    folder.mkdir()
    (folder / "truth.py").write_text(valid_files.CODE)
    columns = 'inputs = ["a", "b"]\noutputs = ["y"]\n' if file in valid_files.TABLES else ""
    side = f'file = "{file}"\n{columns}' if file != "problem.toml" else 'python = "truth.py:model"\n'
    if file == "law.npz":
        side = 'python = "truth.py:model"\n'
    sides = ("reference", "model") if file in valid_files.TABLES else ("model", "reference")
    text = f'[{sides[0]}]\n{side}[{sides[1]}]\npython = "truth.py:truth"\n{valid_files.TAIL}'
    (folder / "problem.toml").write_text(text + '[law]\nfile = "law.npz"\n' * (file == "law.npz"))
    return lambda path: _problem(path.parent)


def _file(file: str) -> Callable[[Path], tuple[str, Reader]]:
    def make(folder: Path) -> tuple[str, Reader]:
        read = _written(folder, file)
        MAKERS[file](folder / file)
        return file, read

    return make


def _grid() -> tuple[Any, Any, Any]:
    a, b = (part.ravel() for part in np.meshgrid(*[np.linspace(0.1, 0.9, 6)] * 2, indexing="ij"))
    return a, b, np.sin(3 * a) + b**2


def _csv(path: Path) -> None:
    np.savetxt(path, np.stack(_grid(), axis=1), delimiter=",", header="a,b,y", comments="")


def _parquet(path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(zip("aby", _grid(), strict=True))), path)


def _netcdf(path: Path) -> None:
    import xarray

    a, b, y = (part.reshape(6, 6) for part in _grid())
    xarray.Dataset({"y": (("a", "b"), y)}, {"a": a[:, 0], "b": b[0]}).to_netcdf(path, engine="h5netcdf")


def _network(path: Path) -> None:
    from supnorm.networks import Network, save

    save(Network.init(np.random.default_rng(0), 2, 1, 8, 2, "tanh"), path)


def _onnx(path: Path) -> None:
    from supnorm.networks import Network, to_onnx

    to_onnx(Network.init(np.random.default_rng(0), 2, 1, 8, 2, "tanh"), path)


def _exported(path: Path) -> None:
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    x = torch.zeros(4, 2, dtype=torch.float64)
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), path)


MAKERS: dict[str, Callable[[Path], None]] = {
    "t.csv": _csv, "t.parquet": _parquet, "t.nc": _netcdf, "net.npz": _network, "net.onnx": _onnx, "net.pt2": _exported,
}  # fmt: skip


def _law(folder: Path) -> tuple[str, Reader]:
    read = _written(folder, "law.npz")
    np.savez(folder / "law.npz", x=np.random.default_rng(0).random((50, 2)))
    return "law.npz", read


def _toml(folder: Path) -> tuple[str, Reader]:
    return "problem.toml", _written(folder, "problem.toml")


def _result(folder: Path) -> tuple[str, Reader]:
    from supnorm.auditing import load_report

    _run(folder)
    return "run/result.json", lambda path: load_report(path.parent)


def _points(folder: Path) -> tuple[str, Reader]:
    from supnorm.auditing import load_report

    _run(folder)
    return "run/points.csv", lambda path: load_report(path.parent)


def _run(folder: Path) -> None:
    from supnorm.auditing import audit

    _written(folder, "problem.toml")
    audit(_problem(folder), evaluations=100).save(folder / "run")


def _store(folder: Path) -> tuple[str, Reader]:
    from supnorm.evaluation import EvaluationStore

    folder.mkdir()
    path = folder / "evaluations.sqlite"
    with contextlib.closing(EvaluationStore(path, "f")) as store:
        x = np.random.default_rng(0).random((200, 2))
        for i in range(0, 200, 10):
            store.append("reference", "search", x[i : i + 10], x[i : i + 10, :1], {0: "failed"}, 0.1)
        store.remember("seconds a point, reference", "0.1")

    def read(path: Path) -> None:
        with contextlib.closing(EvaluationStore(path, "f")) as store:
            store.load("reference")
            store.number("seconds a point, reference")

    return "evaluations.sqlite", read


def _certificate(folder: Path) -> tuple[str, Reader]:
    from supnorm.certification import certify
    from supnorm.checker import check

    _written(folder, "net.npz")
    _network(folder / "net.npz")
    (folder / "problem.toml").write_text(
        (folder / "problem.toml").read_text().replace('python = "truth.py:truth"', 'file = "net.npz"')
    )
    certify(_problem(folder), seconds=20).certificate.save(folder / "certificate.json")

    def read(path: Path) -> None:
        """A certificate that is rejected counts as one that is refused."""
        result = check(path)
        if not result.accepted:
            raise BadInput(result.reason)

    return "certificate.json", read


KINDS: dict[str, Callable[[Path], tuple[str, Reader]]] = {
    "problem": _toml, "law": _law, "result": _result, "points": _points, "store": _store, "certificate": _certificate,
    **{file: _file(file) for file in MAKERS},
}  # fmt: skip

if __name__ == "__main__":
    with contextlib.redirect_stderr(io.StringIO()):
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
