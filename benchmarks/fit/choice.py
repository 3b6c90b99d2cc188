"""What `fit` chooses on the Feynman tasks, and what the others reach with as many samples.

``fit(..., tolerance=...)`` tries the methods in the order of their price and stops at the first whose audited maximum
meets the tolerance. Beside it: networks alone with as many evaluations as the winner used, without a tolerance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.fit.compare import Wanted
from benchmarks.fit.tasks import I_6_2, I_10_7, I_13_12, I_29_4, Z_007, Task
from supnorm.problem import Domain, Problem
from supnorm.training import FitResult, NetworkFit, fit
from supnorm.training.assessment import audit_model

TOLERANCE = 1e-6  # of the largest error, over the standard deviation of the reference
LEAST, MOST = 2000, 5000  # samples: fewer say little about networks, more take minutes


def choices(seeds: list[int], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """One row for each task: the winner, and networks on as many samples."""
    for task in (I_6_2, I_29_4, I_10_7, Z_007, I_13_12):
        if not wanted(task.name, "", seeds[0]):
            continue
        domain = Domain.from_axes(
            {f"x{i}": ends for i, ends in enumerate(zip(task.low, task.high, strict=True))}
        )
        began = time.process_time()
        chosen = fit(task.f, domain, tolerance=TOLERANCE * task.spread, seed=seeds[0])
        spent = time.process_time() - began
        problem = Problem(None, task.f, domain)
        again = audit_model(problem, chosen.model, 20_000, seeds[0] + 500)
        assert again.worst is not None
        samples = chosen.winner.approximation.samples
        yield {
            "task": task.name, "method": "", "seed": seeds[0],
            "winner": chosen.winner.method, "samples": samples, "cpu_seconds": spent,
            "rms": chosen.winner.rms / task.spread, "max": chosen.winner.sup_lower / task.spread,
            "parameters": chosen.winner.approximation.parameters,
            "second_audit": again.worst.error / task.spread,
            "network": network(task, domain, max(samples, LEAST), seeds[0]) if samples <= MOST else None,
            "tried": [c.method for c in chosen.candidates],
        }  # fmt: skip


def network(task: Task, domain: Domain, samples: int, seed: int) -> dict[str, Any]:
    """Networks alone with as many evaluations as the winner had."""
    began = time.process_time()
    found: FitResult = fit(task.f, domain, method=NetworkFit(), max_evaluations=samples, seed=seed)
    best = found.winner
    return {"method": best.method, "rms": best.rms / task.spread, "max": best.sup_lower / task.spread,
            "samples": best.approximation.samples, "parameters": best.approximation.parameters,
            "cpu_seconds": time.process_time() - began}  # fmt: skip


def lines(row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    return [
        f"{row['task']:14} {name:24} rms {r['rms']:.1e}  max {r['max']:.1e}  second audit {again}  "
        f"samples {r['samples']:,}  parameters {r['parameters']:,}  {r['cpu_seconds']:.1f} s"
        for name, r, again in _both(row)
    ]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table."""
    return [
        [row["task"], name, f"{r['rms']:.1e} / {r['max']:.1e}", again, f"{r['samples']:,}",
         f"{r['parameters']:,}", f"{r['cpu_seconds']:.1f}"]
        for row in rows for name, r, again in _both(row)
    ]  # fmt: skip


def _both(row: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """The winner and, where there is one, the network: name, numbers, what a second audit saw."""
    found = [(row["winner"], row, f"{row['second_audit']:.1e}")]
    if row["network"] is not None:
        found.append((row["network"]["method"], row["network"], ""))
    return found
