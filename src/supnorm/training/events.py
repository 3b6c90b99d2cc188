"""Events that a fit sends to its observer, besides those of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from supnorm.results.numbers import ErrorUnit


@dataclass(frozen=True)
class CallsAhead:
    """Before the first expensive calls: how many evaluations fitting takes at most, and about how many seconds.

    ``cost``: seconds of a call; ``chosen``: nobody has given the number, nor a time.
    """

    evaluations: int
    cost: float
    seconds: float
    chosen: bool


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
