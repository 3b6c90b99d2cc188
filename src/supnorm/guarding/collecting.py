"""All evaluations of a search, with their errors: what a guard learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.cost import cost_record, declare
from supnorm.auditing.explore import plan, probe, sample, search
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.run import Asked
from supnorm.evaluation import Calls, Evaluations, Evaluator, PointStatus
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, stream
from supnorm.results.audit_cost import CostRecord

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Collected:
    """Points ``x (n, d)``, the reference ``y (n, m)`` and errors ``(n,)``, infinite where the model has no value.

    ``cost``: what a call was found to cost, or was declared to; None of points that are put together.
    """

    x: Array
    y: Array
    error: Array
    cost: CostRecord | None = None

    def rows(self, taken: NDArray[Any]) -> Collected:
        """Some of the points, by a mask or by their numbers."""
        return Collected(self.x[taken], self.y[taken], self.error[taken])

    def __add__(self, other: Collected) -> Collected:
        """These points and then the others."""
        both = ((self.x, other.x), (self.y, other.y), (self.error, other.error))
        x, y, error = map(np.concatenate, both)
        return Collected(x, y, error)


def collect(problem: Problem, evaluations: int, seconds: float | None, seed: int, calls: Calls) -> Collected:
    """Search for the worst error and keep every point that was evaluated.

    Raises:
        BadInput: when the problem cannot be evaluated, or model or reference is random.
        KeyboardInterrupt: by Ctrl-C at any time.
    """
    evaluator = Evaluator(problem, calls, budget=evaluations)
    declare(evaluator, calls.cost)
    parts: list[tuple[Array, Array, Array]] = []

    def listen(batch: Evaluations) -> None:
        counts = (batch.status == PointStatus.OK) & ~np.isnan(batch.error)
        parts.append((batch.x[counts], batch.reference[counts], batch.error[counts]))

    recorder = Recorder(problem.domain, 2, problem.error)
    evaluator.listeners += [recorder, listen]
    asked = Asked(
        evaluator=evaluator,
        rng=stream(seed),
        evaluations=evaluations,
        seconds=seconds,
        seed=seed,
    )
    try:
        with (
            INTERRUPTS.handed_on()
        ):  # the search ends with what it has, and the guard is none of fewer points
            search(sample(plan(probe(asked))))
    finally:
        evaluator.close()
    if not parts:
        return Collected(
            np.empty((0, problem.domain.d)), np.empty((0, 1)), np.empty(0), cost_record(evaluator)
        )
    x, y, error = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Collected(x, y, error, cost_record(evaluator))
