"""Events that a repair sends to its observer, besides those of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from supnorm.results.numbers import ErrorUnit


@dataclass(frozen=True)
class Mending:
    """A round is over: ``calls`` of the reference of ``budget``, the worst error found after it and before the repair."""

    calls: int
    budget: int
    worst: float
    before: float
    unit: ErrorUnit = ErrorUnit("absolute")
