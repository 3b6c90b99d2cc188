"""Events that a fit sends to its observer, besides those of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from supnorm.results.numbers import ErrorUnit


@dataclass(frozen=True)
class Training:
    """The training of a network begins, which can take minutes: numbers of weights and samples."""

    weights: int
    samples: int


@dataclass(frozen=True)
class Tried:
    """A candidate was fitted; errors on the loop's validation points, in the measure of the problem, and their unit."""

    method: str
    rms: float
    worst: float
    unit: ErrorUnit = ErrorUnit("absolute")
