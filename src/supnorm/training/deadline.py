"""The time limit of a fit."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """When a fit has to end.

    Attributes:
        end: of ``time.perf_counter()``; None without a limit.

    >>> Deadline().left is None, Deadline().over, Deadline.of(0.0, time.perf_counter()).over
    (True, False, True)
    """

    end: float | None = None

    @classmethod
    def of(cls, seconds: float | None, start: float) -> Deadline:
        """So many seconds after ``start``; None for no limit."""
        return cls(None if seconds is None else start + seconds)

    @property
    def left(self) -> float | None:
        """Seconds left, at least 0; None without a limit."""
        return None if self.end is None else max(self.end - time.perf_counter(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left == 0.0
