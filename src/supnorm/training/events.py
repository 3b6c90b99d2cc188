"""What a fit tells its observer besides the events of evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tried:
    """A candidate was fitted; errors on the loop's validation points, in the problem's measure."""

    method: str
    rms: float
    worst: float
