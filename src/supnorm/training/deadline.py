"""The time limit of a fit, and what of it is reserved for the audit at its end."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """When a fit has to end.

    Attributes:
        end: of ``time.perf_counter()``; None without a limit.
        reserved: seconds before the end that are not for fitting: the audit of the winner takes them.

    >>> Deadline().left is None, Deadline().over, Deadline.of(0.0, time.perf_counter()).over
    (True, False, True)
    >>> late = Deadline.of(10.0, time.perf_counter(), reserved=10.0)
    >>> late.over, round(late.to_end)
    (True, 10)
    """

    end: float | None = None
    reserved: float = 0.0

    @classmethod
    def of(cls, seconds: float | None, start: float, reserved: float = 0.0) -> Deadline:
        """So many seconds after ``start``; None for no limit."""
        return cls(None if seconds is None else start + seconds, reserved)

    @property
    def left(self) -> float | None:
        """Seconds left for fitting, at least 0; None without a limit."""
        return None if self.end is None else max(self.end - self.reserved - time.perf_counter(), 0.0)

    @property
    def to_end(self) -> float | None:
        """Seconds left in all, at least 0; None without a limit."""
        return None if self.end is None else max(self.end - time.perf_counter(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the time for fitting is up."""
        return self.left == 0.0
