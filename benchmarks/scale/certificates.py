"""``python -m benchmarks.scale.certificates``: processor seconds and memory of proofs of many boxes.

The error is 1, as exp(x y) + 1 against exp(x y) by linear bounds, so that a ratio of 1 + 1.2/n needs about 1.3 n boxes.
Each step is a process of its own: `certify` until the goal is reached; `write`, which reads the file and writes it again
(without the proof); `check`; `resume`, which proves all boxes of the file again. A file is in lines, or one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claims.stored import stamp

RESULTS = Path(__file__).parents[1] / "results" / "boxes.json"
STEPS = ("certify", "write", "check", "resume")
FORMS = ("lines", "object")
Row = dict[str, Any]


def _problem() -> Any:
    import jax.numpy as jnp

    from supnorm.problem import Domain, Problem

    return Problem(
        lambda x: jnp.exp(x[:, 0] * x[:, 1]) + 1.0,
        lambda x: jnp.exp(x[:, 0] * x[:, 1]),
        Domain(x=(0.0, 1.0), y=(0.0, 1.0)),
    )


def step(name: str, count: int, form: str, path: Path) -> Row:
    """One step in this process: boxes, processor seconds without imports, peak memory of the process, bytes of the file."""
    if name == "check":  # its memory is that of the checker alone
        from supnorm.checker import check

        begun = time.process_time()
        verdict = check(path, memory=2e10)
        assert verdict.accepted, verdict.reason
        boxes = verdict.leaves
    else:
        from supnorm.certification import LinearBounds, certify

        writer = importlib.import_module("supnorm.certification.certificate")
        writer.MANY = 1 if form == "lines" else 10**12
        problem, goal = _problem(), 1.0 + 1.2 / count
        certify(problem, ratio=1.5, strategy=LinearBounds())  # JAX compiles
        begun = time.process_time()
        if name == "write":
            from supnorm.certification.error_program import error_program
            from supnorm.certification.resume import load_bracket
            from supnorm.certification.shelf import Shelf

            error = error_program(problem)
            shelf = Shelf(error.d, len(error.alternatives))
            bracket = load_bracket(path, error, lambda x: x[:, 0] >= 0.0, shelf=shelf)
            certificate, begun = writer.Certificate.of(bracket, problem.domain, (), {}), time.process_time()
            path = path.with_suffix(".again")
        else:
            resume, boxes = (path, 0) if name == "resume" else (None, 10**8)
            result = certify(problem, ratio=goal, boxes=boxes, strategy=LinearBounds(), resume=resume)
            assert result.status.code == "proved", result.status
            certificate = result.certificate
        boxes = len(certificate.leaves)
        if name == "write":
            certificate.save(path)
    seconds, memory = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if name == "certify":
        certificate.save(path)
    return {
        "step": name, "asked": count, "form": form, "boxes": boxes, "seconds": round(seconds, 1),
        "mb": round(memory * 1024 / 1e6), "bytes": path.stat().st_size,
    }  # fmt: skip


def measured(counts: Sequence[int], steps: Sequence[str], forms: Sequence[str], folder: Path) -> list[Row]:
    """All steps for each number of boxes and form; the proof itself is made once, for lines."""
    rows: list[Row] = []
    for count in counts:
        for form in forms:
            path = folder / f"{count}-{form}.json"
            for name in ("certify", *steps) if form == "lines" else ("convert", *steps):
                if name == "certify" and path.exists():
                    continue
                if name == "convert":
                    source = folder / f"{count}-lines.json"
                    path.write_bytes(source.read_bytes())
                    _run("write", count, form, path)
                    path.with_suffix(".again").replace(path)
                    continue
                row = _run(name, count, form, path)
                rows.append(row)
                print(
                    f"{row['boxes']:9,d} boxes {form:6s} {name:8s} {row['seconds']:8.1f} s {row['mb']:6d} MB "
                    f"{row['bytes'] / 1e6:7.1f} MB of file",
                    flush=True,
                )
    return rows


def _run(name: str, count: int, form: str, path: Path) -> Row:
    command = [sys.executable, "-m", "benchmarks.scale.certificates", "--step", name, "--boxes", str(count),
               "--forms", form, "--file", str(path)]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row: Row = json.loads(told.splitlines()[-1])
    return row


def said(result: Mapping[str, Any]) -> dict[str, str]:
    """For the pages: a table."""
    lines = ["| boxes | form | step | seconds | MB | MB of file |", "|--:|---|---|--:|--:|--:|"]
    lines += [
        f"| {r['boxes']:,} | {'in lines' if r['form'] == 'lines' else 'one object'} | {r['step']} | {r['seconds']:,.1f} | "
        f"{r['mb']:,} | {r['bytes'] / 1e6:.1f} |"
        for r in result["rows"]
    ]
    return {"table": "\n".join(lines), "load": f"{result['load'][0]:.0f}"}


def main() -> None:
    """Print one line a step; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.certificates")
    parser.add_argument("--boxes", type=lambda v: int(float(v)), nargs="+", default=[10**4, 10**5, 10**6])
    parser.add_argument("--steps", nargs="+", choices=STEPS[1:], default=STEPS[1:])
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--folder", type=Path, help="keeps the files, and takes certificates that are there")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        print(json.dumps(step(args.step, args.boxes[0], args.forms[0], args.file)))
        return
    with tempfile.TemporaryDirectory() as home:
        rows = measured(args.boxes, args.steps, args.forms, args.folder or Path(home))
    if args.save:
        save(rows)


def save(rows: Sequence[Row]) -> None:
    """Put rows into the results, in the place of those of the same number, form and step."""
    before = json.loads(RESULTS.read_text("utf-8"))["rows"] if RESULTS.exists() else []
    of = {(row["asked"], row["form"], row["step"]): row for row in (*before, *rows)}
    order = {name: k for k, name in enumerate((*FORMS, *STEPS))}
    document = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load": os.getloadavg(),
        "rows": [of[key] for key in sorted(of, key=lambda key: (key[0], order[key[1]], order[key[2]]))],
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    stamp("boxes", add=True)


if __name__ == "__main__":
    main()
