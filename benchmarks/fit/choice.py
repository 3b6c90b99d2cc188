"""What `fit` chooses on the Feynman tasks, and what the others reach with as many samples.

``fit(..., tolerance=...)`` tries the methods in the order of their price and stops at the first whose audited maximum
meets the tolerance. Beside it: networks alone with as many evaluations as the winner used, without a tolerance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.fit.compare import Key
from benchmarks.fit.tasks import I_6_2, I_10_7, I_13_12, Task
from supnorm.problem import Domain
from supnorm.training import FitResult, NetworkFit, fit

TOLERANCE = 1e-6  # of the largest error, over the standard deviation of the reference
LEAST = 2000  # samples: fewer say little about networks


def choices(seeds: list[int], done: set[Key]) -> Iterator[dict[str, Any]]:
    """One row for each task: the winner, and networks on as many samples."""
    for task in (I_6_2, I_10_7, I_13_12):
        if (task.name, "", seeds[0]) in done:
            continue
        domain = Domain.from_axes(
            {f"x{i}": ends for i, ends in enumerate(zip(task.low, task.high, strict=True))}
        )
        began = time.process_time()
        chosen = fit(task.f, domain, tolerance=TOLERANCE * task.spread, seed=seeds[0])
        second = fit(task.f, domain, tolerance=TOLERANCE * task.spread, seed=seeds[0] + 1)
        spent = 0.5 * (time.process_time() - began)
        samples = chosen.winner.approximation.samples
        yield {
            "task": task.name, "method": "", "seed": seeds[0],
            "winner": chosen.winner.method, "samples": samples, "cpu_seconds": spent,
            "rms": chosen.winner.rms / task.spread, "max": chosen.winner.sup_lower / task.spread,
            "parameters": chosen.winner.approximation.parameters,
            "max_other_seed": second.winner.sup_lower / task.spread, "winner_other_seed": second.winner.method,
            "network": network(task, domain, max(samples, LEAST), seeds[0]),
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
    net = row["network"]
    said = [
        f"{row['task']:14} {name:24} rms {r['rms']:.1e}  max {r['max']:.1e}  samples {r['samples']:,}  "
        f"parameters {r['parameters']:,}  {r['cpu_seconds']:.1f} s"
        for name, r in ((row["winner"], row), (net["method"], net))
    ]
    return [*said, f"{'':14} another seed: {row['winner_other_seed']}, max {row['max_other_seed']:.1e}"]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table."""
    return [
        [row["task"], r["method"] or r["winner"], f"{r['rms']:.1e} / {r['max']:.1e}", f"{r['samples']:,}",
         f"{r['parameters']:,}", f"{r['cpu_seconds']:.1f}"]
        for row in rows for r in (row, row["network"])
    ]  # fmt: skip
