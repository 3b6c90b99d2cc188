"""How many times longer than the certifier the checker works: processor seconds of both, in one run.

    python -m benchmarks.certify.checking --save                           this checkout, also in FLINT's balls alone
    git worktree add --detach ../before 25f44d4
    python -m benchmarks.certify.checking --before ../before               and another one's checker on the same files

Each row is certified here and saved. Each checker checks the file in a fresh process of its own. Seconds are processor time
of one thread after the imports: what a proof by one process takes, node rules included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.certify import formulas, formulas_unseen, friction, records, solved
from benchmarks.certify.targets import shifted
from benchmarks.claims.stored import stamp
from supnorm.certification import certify

ROOT = Path(__file__).parents[2]
ROWS: dict[str, tuple[Callable[[], Any], float]] = {
    "1-D 2x32 tanh": (partial(shifted, 1, 32, 2, "tanh", 1e-6), 1.01),
    "2-D 2x32 tanh": (partial(shifted, 2, 32, 2, "tanh", 1e-4), 1.1),
    "2-D 3x64 tanh": (partial(shifted, 2, 64, 3, "tanh", 1e-4), 1.1),
    "2-D formula: Haaland, Colebrook": (partial(formulas.problem, "2-D pipe: Haaland, Colebrook"), 1.1),
    "2-D formula: Wien, Planck": (partial(formulas.problem, "2-D radiation: Wien, Planck"), 1.1),
    "3-D formula: Manning, Colebrook": (
        partial(formulas_unseen.problem, "3-D channel: Manning, Colebrook"),
        1.1,
    ),
    "4-D formula: exchanger": (partial(formulas_unseen.problem, "4-D exchanger: mean, logarithmic"), 1.1),
    "3-D 2x32 tanh": (partial(shifted, 3, 32, 2, "tanh", 1e-2), 1.1),
    "4-D 2x16 tanh": (partial(shifted, 4, 16, 2, "tanh", 1e-2), 1.5),
    "5-D 1x8 tanh": (partial(shifted, 5, 8, 1, "tanh", 1e-1), 2.0),
    "root: Haaland, Colebrook": (friction.ROWS["Haaland 1983"], 1.05),
    "root: network 2x24, Kepler": (friction.ROWS["Kepler, network 2x24, e <= .9"], 1.05),
    "flow: pendulum": (solved.pendulum, 1.1),
    "flow: Lotka-Volterra": (solved.lotka_volterra, 1.1),
    "integral: Planck": (solved.planck, 1.1),
    "integral: elliptic": (solved.elliptic, 1.1),
}
CODE = """
import sys, time
from supnorm.checker import check
start = time.process_time()
result = check(sys.argv[1], **({"arbitrary": True} if len(sys.argv) > 2 else {}))
print(time.process_time() - start, int(result.accepted), result.leaves, result.reason.replace(chr(10), " "))
"""


def checked(path: Path, source: Path, *more: str) -> tuple[float, int]:
    """Processor seconds and leaves of the check by the checker of one checkout; ``more``: anything for FLINT's balls alone.

    Raises:
        SystemExit: when it does not accept the file.
    """
    given = {**os.environ, "PYTHONPATH": str(source / "src"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", CODE, str(path), *more], env=given, capture_output=True, text=True, cwd=source
    )
    if ended.returncode:
        raise SystemExit(ended.stderr)
    seconds, accepted, leaves, reason = ended.stdout.split(maxsplit=3)
    if accepted != "1":
        raise SystemExit(f"the checker of {source} rejects {path.name}: {reason}")
    return float(seconds), int(leaves)


def measured(
    problem: Any, ratio: float, folder: Path, before: Path | None, arbitrary: bool
) -> dict[str, float]:
    """Seconds of the certifier and of each checker, and the number of leaves."""
    start = time.process_time()
    result = certify(problem, ratio)
    certifying = time.process_time() - start
    path = folder / "certificate.json"
    result.certificate.save(path)
    sources = {"after": ROOT, **({} if before is None else {"before": before})}
    seconds: dict[str, float] = {}
    leaves = 0
    for name, source in sources.items():
        seconds[name], leaves = checked(path, source)
    if arbitrary:
        seconds["arbitrary"] = checked(path, ROOT, "arbitrary")[0]
    return {"certify": certifying, "leaves": leaves, **seconds}


def words(name: str, row: dict[str, float]) -> str:
    """One line of the table."""
    times = {
        k: f"{row[k]:7.2f} s = {row[k] / row['certify']:5.1f} times"
        for k in ("before", "after", "arbitrary")
        if k in row
    }
    return f"{name:34s} {row['leaves']:5.0f} leaves  certified in {row['certify']:6.2f} s  " + "  ".join(
        f"checked {'' if k == 'after' and 'before' not in row else k + ' '}{v}" for k, v in times.items()
    )


def main() -> None:
    """Print a line for each row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.certify.checking", description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout whose checker is measured beside this one's")
    parser.add_argument("--only", default="", help="rows whose name contains this text")
    parser.add_argument("--arbitrary", action="store_true", help="also check in balls of FLINT alone")
    parser.add_argument("--save", action="store_true", help="keep the rows")
    given = parser.parse_args()
    records.RESULTS = records.RESULTS.with_name("certify_checked.json")
    certify(shifted(1, 8, 1, "tanh", 1e-2), 1.1)  # imports
    certify(shifted(3, 4, 1, "tanh", 1e-1), 3.0)
    with tempfile.TemporaryDirectory() as folder:
        for name, (make, ratio) in ROWS.items():
            if given.only in name:
                row = measured(make(), ratio, Path(folder), given.before, given.arbitrary)
                if given.save:
                    records.put("checking", name, row)
                print(words(name, row), flush=True)
    if given.save:
        stamp("certify_checked", add=True)


if __name__ == "__main__":
    main()
