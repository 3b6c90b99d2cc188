"""Does the verdict of `budget` name the best tool? All tools get the same number of samples; errors are
measured.

TrainingRun: python -m benchmarks.budget.verdicts BANK OUT.json [--samples 2000] [--cache DIR] [--only NAME ...]
with BANK design (55 functions, the rules were adjusted on them) or unseen (24, run once with the final rules).
For each function: the verdict for a tolerance of 1e-3 of half the range with a sample budget of N samples, and the
largest error found of each tool built from at most N samples.

*Agreement*: where some tool reaches the tolerance, the tool named has an error within a factor 2 of the smallest
(or both are below 1e-9); where none does, the word is "unsuitable" or "undecided". *Right*: the tool named
reaches the tolerance where any does. *Regret*: the error of the named tool over the smallest. A verdict that is
only "undecided" although a tool reaches the tolerance is counted by the tool it names, and such verdicts are
counted beside. The profile's and pilot's own calls are not in N, and are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.budget.bank import BANK as FIRST
from benchmarks.budget.held_out import HELD_OUT, LAST
from benchmarks.budget.tools import Climber, cube, measure
from benchmarks.budget.unseen import UNSEEN

import supnorm
from supnorm.planning import BudgetResult, MeasuredCurve, budget
from supnorm.planning.learning_curve import train_on_function

BANKS: dict[str, dict[str, tuple[Any, ...]]] = {"design": {**FIRST, **HELD_OUT, **LAST}, "unseen": UNSEEN}
TOLERANCE, FLOOR = 1e-3, 1e-9
FAMILY = {
    "Chebyshev tensor grid": "grid", "piecewise polynomial grid": "grid",
    "sum of fits of few inputs each": "sum", "product of fits of few inputs each": "product",
    "rotate to the active directions, then a grid": "ridge", "sparse polynomial": "sparse",
    "tensor train": "train", "Gaussian process": "process", "network": "network",
}  # fmt: skip


def plan(f: Any, d: int, n: int, scale: float, path: Path | None) -> BudgetResult:
    """The verdict; a learning curve of networks is measured where no classical tool is named."""
    result = budget(f, cube(d), tolerance=TOLERANCE * scale, sample_budget=n)
    if result.verdict.word == "classical better":
        return result
    # The learning curve stops at half the sample budget: the rest has to be forecast.
    by_size = [n // 16, n // 8, n // 4, n // 2]
    runs = train_on_function(
        lambda u: f(2 * u - 1), d, Climber(), samples=by_size, widths=[1], seeds=3, path=path
    )
    return budget(f, cube(d), tolerance=TOLERANCE * scale, sample_budget=n, curve=MeasuredCurve(tuple(runs)))


def measured(
    name: str, entry: tuple[Any, ...], n: int, result: BudgetResult, scale: float, cache: Path | None
) -> dict[str, float]:
    """Errors of all tools; kept in the cache, since they do not depend on the rules."""
    path = None if cache is None else cache / f"{name}-{n}.json"
    if path is not None and path.exists():
        kept: dict[str, float] = json.loads(path.read_text())
        return kept
    found = measure(entry[0], entry[-1] if len(entry) > 2 else entry[0], entry[1], n, result, scale)
    if path is not None:
        path.write_text(json.dumps(found))
    return found


def judge(name: str, entry: tuple[Any, ...], n: int, cache: Path | None) -> dict[str, Any]:
    f, d = entry[0], entry[1]
    scale = 0.5 * float(np.ptp(f(np.random.default_rng(0).uniform(-1, 1, (4096, d)))))
    start = time.process_time()
    result = plan(f, d, n, scale, None if cache is None else cache / f"{name}-learning curve.jsonl")
    seconds = time.process_time() - start
    found = measured(name, entry, n, result, scale, cache)
    best = min(found, key=lambda k: found[k])
    named, word = FAMILY.get(result.verdict.tool, "none"), result.verdict.word
    error, reachable = found.get(named, np.inf), found[best] <= TOLERANCE
    gave_up = word in ("unsuitable", "undecided")
    agrees = max(error, FLOOR) <= 2 * max(found[best], FLOOR) if reachable else gave_up
    return {
        "function": name, "d": d, "word": word, "named": named, "best": best, "errors": found,
        "agrees": bool(agrees), "right": bool(error <= TOLERANCE if reachable else gave_up),
        "reachable": bool(reachable), "undecided": bool(word == "undecided" and reachable),
        "regret": float(max(error, FLOOR) / max(found[best], FLOOR)) if reachable and named in found else None,
        "evidence": [e.text for e in result.verdict.evidence], "calls": result.profile.calls if result.profile else 0,
        "planning_seconds": seconds,
    }  # fmt: skip


def interval(hits: int, total: int, level: float = 0.9) -> list[float]:
    """Clopper-Pearson interval of a share.

    >>> [round(v, 2) for v in interval(20, 24)]
    [0.66, 0.94]
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, total - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, total - hits)) if hits < total else 1.0
    return [low, high]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    agreed, right = sum(r["agrees"] for r in rows), sum(r["right"] for r in rows)
    regrets = sorted(r["regret"] for r in rows if r["regret"] is not None)
    return {
        "functions": len(rows), "agree": agreed, "agree_interval": interval(agreed, len(rows)),
        "right": right, "right_interval": interval(right, len(rows)),
        "undecided": sum(r["undecided"] for r in rows),
        "unnamed": sum(r["reachable"] and r["regret"] is None for r in rows),
        "median_regret": float(np.median(regrets)), "largest_regret": regrets[-1],
    }  # fmt: skip


def line(r: dict[str, Any]) -> str:
    shown = " ".join(f"{k}:{v:.0e}" for k, v in sorted(r["errors"].items(), key=lambda i: i[1]))
    marks = ("agrees" if r["agrees"] else "-") + " " + ("right" if r["right"] else "WRONG")
    return f"{r['function']:12} {r['word']:19} named {r['named']:8} best {r['best']:8} {marks:13} {shown}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bank", choices=BANKS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--only", nargs="*")
    given = parser.parse_args()
    bank = BANKS[given.bank]
    if given.cache:
        given.cache.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in given.only or bank:
        rows.append(judge(name, bank[name], given.samples, given.cache))
        print(line(rows[-1]), flush=True)
    found = summary(rows)
    print(json.dumps(found))
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {"supnorm": getattr(supnorm, "__version__", ""), "numpy": np.__version__}
    content = {"bank": given.bank, "samples": given.samples, "rows": rows, **found, **machine, **versions}
    given.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
