"""What `fit` chooses on the Feynman tasks, and what the others reach with as many samples.

``fit(..., tolerance=...)`` tries the methods in the order of their price and stops at the first whose audited maximum
meets the tolerance. Beside it: networks alone with as many evaluations as the winner used, without a
tolerance. Then the best of `fit` on fixed samples, where it cannot ask. I.30.5, arcsin(lambda / (n d)), has an infinite
slope in the corner where its argument is 1, so that no method meets the tolerance: there `fit` has a minute, and the
candidate with the least root mean square stands beside the winner.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.fit.compare import Wanted
from benchmarks.fit.tasks import I_6_2, I_10_7, I_13_12, I_29_4, I_30_5, II_8_31, Z_007, Z_008, Task
from supnorm.problem import Domain, Problem
from supnorm.training import Candidate, NetworkFit, fit
from supnorm.training.assessment import audit_model

TOLERANCE = 1e-6  # of the largest error, over the standard deviation of the reference
LEAST, MOST = 2000, 5000  # samples: fewer say little about networks, more take minutes
FIXED = 2000


def choices(seeds: list[int], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """One row for each task; ``shown`` has the winner first, then what stands beside it."""
    seed = seeds[0]
    for task in (II_8_31, Z_008, I_6_2, I_29_4, I_10_7, I_30_5, Z_007, I_13_12):
        if wanted(task.name, "", seed):
            shown = singular(task, seed) if task is I_30_5 else asked(task, seed)
            yield {"task": task.name, "method": "", "seed": seed, "shown": shown}
    name = f"{I_13_12.name}, {FIXED} fixed samples"
    if wanted(name, "", seed):
        yield {"task": name, "method": "", "seed": seed, "shown": fixed(I_13_12, FIXED, seed)}


def asked(task: Task, seed: int) -> list[dict[str, Any]]:
    """What fit chooses where it may ask, audited a second time; networks with as many evaluations."""
    domain = box(task)
    began = time.process_time()
    chosen = fit(task.f, domain, tolerance=TOLERANCE * task.spread, seed=seed)
    spent = time.process_time() - began
    again = audit_model(Problem(None, task.f, domain), chosen.model, 20_000, seed + 500)
    assert again.worst is not None
    shown = [numbers(chosen.winner, task, spent, again.worst.error / task.spread)]
    samples = chosen.winner.approximation.samples
    if samples <= MOST:
        began = time.process_time()
        found = fit(task.f, domain, method=NetworkFit(), max_evaluations=max(samples, LEAST), seed=seed)
        shown.append(numbers(found.winner, task, time.process_time() - began))
    return shown


def singular(task: Task, seed: int) -> list[dict[str, Any]]:
    """What a minute of fit reaches where the tolerance is out of reach, and its candidate of least RMS."""
    domain = box(task)
    began = time.process_time()
    found = fit(task.f, domain, tolerance=TOLERANCE * task.spread, seconds=60.0, seed=seed)
    spent = time.process_time() - began
    again = audit_model(Problem(None, task.f, domain), found.model, 20_000, seed + 500)
    assert again.worst is not None
    best = min(found.candidates, key=lambda c: c.rms)
    return [
        numbers(found.winner, task, spent, again.worst.error / task.spread),
        numbers(best, task, best.seconds),
    ]


def fixed(task: Task, samples: int, seed: int) -> list[dict[str, Any]]:
    """The best network and two others on uniform random samples; errors on those not trained on, and on fresh points."""
    x, y = task.points(np.random.default_rng(seed).random((samples, task.d)))
    found = fit((x, y), box(task), seed=seed)
    networks = [c for c in found.candidates if c.method.startswith("network")]
    others = [c for c in found.candidates if c not in networks]
    best = []
    for candidate in [*networks[:1], *others[:2]]:
        fresh = task.errors(candidate.approximation.function)
        best.append(numbers(candidate, task, candidate.seconds, fresh[1]))
    return best


def box(task: Task) -> Domain:
    """The task's domain."""
    return Domain.from_axes({f"x{i}": ends for i, ends in enumerate(zip(task.low, task.high, strict=True))})


def numbers(candidate: Candidate, task: Task, seconds: float, again: float | None = None) -> dict[str, Any]:
    """One line of the table; errors over the standard deviation of the reference."""
    a = candidate.approximation
    return {"method": a.method, "rms": candidate.rms / task.spread, "max": candidate.sup_lower / task.spread,
            "again": again, "samples": a.samples, "parameters": a.parameters, "seconds": seconds}  # fmt: skip


def lines(row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    return ["  ".join(cells) for cells in body([row])]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table."""
    return [
        [row["task"], r["method"], f"{r['rms']:.1e} / {r['max']:.1e}",
         "" if r["again"] is None else f"{r['again']:.1e}", f"{r['samples']:,}", f"{r['parameters']:,}",
         f"{r['seconds']:.1f}"]
        for row in rows for r in row["shown"]
    ]  # fmt: skip
