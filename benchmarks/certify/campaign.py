"""The soundness campaign: random problems, whose proved bounds must hold at every sampled point.

Case k has its own dimension, activation (in turn, so that all occur) and, for odd k, a reference that has
nothing to do with the network; else the reference is the network plus a known function of size 1e-1 to 1e-8.
The error is sampled with the problem's own functions, not with the programs that were certified: so the
reading of the code is tested as well. Every certificate goes through the independent checker.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from supnorm.certification import certify
from supnorm.checker import check
from supnorm.problem import Problem

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import cases

FIRST = {1: 50_000, 2: 50_000, 3: 70_000, 4: 70_000, 5: 70_000, 6: 70_000}  # seeds that nothing was tuned on
DIMENSIONS = {1: 60, 2: 80, 3: 50, 4: 20, 5: 6, 6: 4}  # number of cases
BOXES = {1: 1000, 2: 1000, 3: 300, 4: 30, 5: 12, 6: 6}  # tried at most; the rest stays undecided
CHUNK = 100_000


def plan() -> list[tuple[int, int, str]]:
    """Seed, dimension and activation of every case."""
    names = list(cases.ACTIVATIONS)
    wanted = [d for d, count in DIMENSIONS.items() for _ in range(count)]
    # Two cases in a row share the activation, so that each meets both kinds of reference.
    return [(FIRST[d] + k, d, names[k // 2 % len(names)]) for k, d in enumerate(wanted)]


def sampled(problem: Problem, extra: np.ndarray | None, points: int, seed: int) -> float:
    """The largest error at random points, the ends of an ascent from the best, and an extra point."""
    rng = np.random.default_rng(seed)
    axes = problem.domain.axes
    low, high = np.array([a.low for a in axes]), np.array([a.high for a in axes])
    best, size = np.zeros((0, len(axes))), np.zeros(0)

    def keep(x: np.ndarray) -> None:
        nonlocal best, size
        with jax.enable_x64(True):
            found = problem.error(problem.model.value(x), problem.reference.value(x), x)[0]
        best, size = np.concatenate([best, x]), np.concatenate([size, found])
        order = np.argsort(-size)[:16]
        best, size = best[order], size[order]

    for start in range(0, points, CHUNK):
        keep(low + (high - low) * rng.random((min(CHUNK, points - start), len(axes))))
    for step in 0.03 * 0.6 ** np.arange(40):  # random ascent: no derivative, so no code shared with certify
        moved = best[:, None] + step * (high - low) * rng.normal(size=(len(best), 64, len(axes)))
        keep(np.clip(moved.reshape(-1, len(axes)), low, high))
    if extra is not None:
        keep(extra[None])
    return float(size.max())


def one(seed: int, d: int, activation: str, points: int) -> dict[str, Any]:
    """Certify, sample and check one problem."""
    problem, label = cases.random_case(seed, (d,), activation)
    start = time.process_time()
    result = certify(problem, 1.1, boxes=BOXES[d])
    proved = time.process_time()
    largest = sampled(problem, None if result.witness is None else result.witness.x, points, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.json"
        result.certificate.save(path)
        began = time.process_time()
        verdict = check(path)
        checked = time.process_time() - began
    slack = result.rounding if np.isfinite(result.rounding) else 0.0
    sound = largest <= result.upper + slack and result.lower <= largest + slack
    return {
        "case": label, "seed": seed, "d": d, "activation": activation, "unrelated": bool(seed % 2),
        "lower": result.lower, "sampled": largest, "upper": result.upper, "points": points,
        "boxes": result.boxes, "code": result.status.code, "sound": bool(sound), "accepted": verdict.accepted,
        "reason": None if verdict.accepted else verdict.reason,
        "seconds": {"certify": proved - start, "check": checked},
    }  # fmt: skip


def run(
    done: dict[str, dict[str, Any]], which: Callable[[int, str], bool], points: int,
    save: Callable[[str, dict[str, Any]], None], stop: Callable[[], bool],
) -> None:  # fmt: skip
    """The cases that are not done yet, each saved as soon as it is known."""
    for seed, d, activation in plan():
        if str(seed) in done or not which(d, activation):
            continue
        if stop():
            return
        row = one(seed, d, activation, points)
        save(str(seed), row)
        good = "" if row["sound"] and row["accepted"] else "   <-- NOT SOUND OR NOT ACCEPTED"
        took = " ".join(f"{k} {v:.1f} s" for k, v in row["seconds"].items())
        print(f"{row['case']}: [{row['lower']:.4g}, {row['upper']:.4g}] sampled {row['sampled']:.4g}, "
              f"{row['boxes']} boxes, {row['code']}, {took}{good}", flush=True)  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts over all cases."""
    sizes = [r["sampled"] for r in rows]
    return {
        "cases": len(rows),
        "sound": sum(r["sound"] for r in rows),
        "accepted": sum(r["accepted"] for r in rows),
        "unrelated": sum(r["unrelated"] for r in rows),
        "proved within 10 %": sum(r["code"] == "proved" for r in rows),
        "by dimension": {str(d): sum(r["d"] == d for r in rows) for d in DIMENSIONS},
        "by activation": {a: sum(r["activation"] == a for r in rows) for a in cases.ACTIVATIONS},
        "errors from": min(sizes, default=0.0),
        "errors to": max(sizes, default=0.0),
        "points each": min((r["points"] for r in rows), default=0),
    }
