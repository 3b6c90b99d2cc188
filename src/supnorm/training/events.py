"""What a fit tells its observer besides the events of evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """A network is going to be trained, which can take minutes: its weights, and samples."""

    weights: int
    samples: int


@dataclass(frozen=True)
class Tried:
    """A candidate was fitted; errors on the loop's validation points, in the problem's measure."""

    method: str
    rms: float
    worst: float
