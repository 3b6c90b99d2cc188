"""How the verdict depends on the calls that the planner may spend: the 24 unseen functions, four numbers of calls.

TrainingRun: python -m benchmarks.budget.planning_calls [--calls 500 2000 20000 200000] [--only NAME ...] --save

For each function and number of planning calls: the verdict for a tolerance of 1e-3 of half the range with a sample budget
of 2,000, no learning curve measured, and how often the function was really called. Which tool is best at 2,000 samples is
taken from `verdicts` (results/verdicts_unseen.json); it does not depend on the verdict. Two questions are kept apart:

* where some tool reaches the tolerance: is a tool *named* whose error is within a factor 2 of the smallest (or both are
  below 1e-9), is a *wrong* one named, or does the verdict *give up* (unsuitable, or undecided without such a tool)?
* where no tool reaches it: does the verdict give up, or does it name a tool all the same?
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.budget.tools import cube
from benchmarks.budget.unseen import UNSEEN
from benchmarks.budget.verdicts import FAMILY, FLOOR, TOLERANCE, interval
from benchmarks.claims.stored import stamp
from numpy.typing import NDArray

from supnorm.planning import budget

RESULTS = Path(__file__).parent / "results"
OUT = RESULTS / "planning_calls.json"
CALLS = (500, 2_000, 20_000, 200_000)


def judge(name: str, calls: int, errors: dict[str, float], samples: int) -> dict[str, Any]:
    """One verdict: what it says, what it cost, and how it compares with the measured tools."""
    f, d = UNSEEN[name][0], UNSEEN[name][1]
    scale = 0.5 * float(np.ptp(f(np.random.default_rng(0).uniform(-1, 1, (4096, d)))))
    spent = 0

    def counted(x: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal spent
        spent += len(x)
        return np.asarray(f(x))

    start = time.process_time()
    result = budget(counted, cube(d), tolerance=TOLERANCE * scale, sample_budget=samples, calls=calls)
    best = min(errors.values())
    named, word = FAMILY.get(result.verdict.tool, "none"), result.verdict.word
    error = errors.get(named, np.inf)
    return {
        "function": name, "calls": calls, "spent": spent, "word": word, "named": named,
        "reachable": best <= TOLERANCE, "error": error if np.isfinite(error) else None,
        "good": bool(max(error, FLOOR) <= 2 * max(best, FLOOR)),
        "gave up": word == "unsuitable" or (word == "undecided" and named == "none"),
        "seconds": time.process_time() - start,
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of one number of planning calls."""
    within = [r for r in rows if r["reachable"]]
    beyond = [r for r in rows if not r["reachable"]]
    named = [r for r in within if not r["gave up"]]
    good = sum(r["good"] for r in named)
    return {
        "spent": (min(r["spent"] for r in rows), max(r["spent"] for r in rows)),
        "reachable": len(within), "good": good, "interval": interval(good, len(within)),
        "wrong": [r["function"] for r in named if not r["good"]], "gave up": len(within) - len(named),
        "unreachable": len(beyond), "given up rightly": sum(r["gave up"] for r in beyond),
        "named all the same": [r["function"] for r in beyond if not r["gave up"]],
    }  # fmt: skip


def main() -> None:
    """Judge, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="+", default=CALLS)
    parser.add_argument("--only", nargs="*")
    parser.add_argument(
        "--save", action="store_true", help=f"keep in {OUT.name}; what is kept is not judged again"
    )
    given = parser.parse_args()
    measured = json.loads((RESULTS / "verdicts_unseen.json").read_text())
    errors = {row["function"]: row["errors"] for row in measured["rows"]}
    kept = json.loads(OUT.read_text())["rows"] if given.save and OUT.exists() else []
    done = {(r["function"], r["calls"]) for r in kept}
    for calls in given.calls:
        for name in given.only or UNSEEN:
            if (name, calls) in done:
                continue
            kept.append(judge(name, calls, errors[name], measured["samples"]))
            row = kept[-1]
            print(f"{calls:7d} {name:13s} {row['spent']:7d} calls  {row['word']:17s} {row['named']:8s} "
                  f"{'good' if row['good'] else '-':5s} {'reachable' if row['reachable'] else ''}", flush=True)  # fmt: skip
            if given.save:
                OUT.write_text(json.dumps({"samples": measured["samples"], "rows": kept}, indent=1) + "\n")
                stamp("verdicts", add=True)
        print(calls, summary([r for r in kept if r["calls"] == calls]))


if __name__ == "__main__":
    main()
