"""A wall-clock limit as a number of evaluations: what is left of the time, over the latest time of an evaluation.

Batches are cut to what is left, so that a limit is kept within about one call of the reference. The time of an
evaluation is an average in which a batch counts half as much as the one after it: the first calls of a function may
compile it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

FORGET = 0.5  # weight of what was measured before, at each new batch


@dataclass
class Pace:
    """Seconds of an evaluation, as measured lately; ``guess`` until then."""

    guess: float
    seconds: float = 0.0
    evaluations: float = 0.0

    def note(self, evaluations: int, seconds: float) -> None:
        """Take a batch in."""
        if evaluations > 0:
            self.seconds = FORGET * self.seconds + seconds
            self.evaluations = FORGET * self.evaluations + evaluations

    @property
    def each(self) -> float:
        """Seconds of one evaluation, at least a nanosecond."""
        return max(self.seconds / self.evaluations if self.evaluations else self.guess, 1e-9)


@dataclass(frozen=True)
class Clock:
    """A limit in time.

    Attributes:
        end: of ``time.perf_counter()``.
        pace: shared by all limits of a run.

    >>> Clock(time.perf_counter() - 1, Pace(1e-3)).affords
    0
    """

    end: float
    pace: Pace = field(default_factory=lambda: Pace(1e-9))

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(self.end - time.perf_counter(), 0.0)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.left <= 0

    @property
    def affords(self) -> int:
        """How many evaluations the time left allows; one as long as there is any."""
        left = self.left
        return max(1, int(min(left / self.pace.each, 1e15))) if left > 0 else 0

    def within(self, seconds: float) -> Clock:
        """A limit so many seconds from now."""
        return replace(self, end=time.perf_counter() + seconds)
