"""A limit of work, in time and in evaluations, and its parts: one for audits, proofs, fits and optimisers.

The time of an evaluation is an average in which a batch counts half as much as the next one, because the first calls of a
function may compile it. Batches are cut to the remaining time, so a limit is exceeded by about one call of the reference
at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

# A call of a function that was timed as cheap gets at most so many points that it would take this share of the time left
# at a millisecond a point, and at least `FEWEST`. A reference that became slow (5 ms a point) after it was timed held a fit
# of 8 s up for 28 to 39 s: one call had up to 8,192 points.
CALL = 0.1
FEWEST = 64
MILLISECOND = 1e-3
FORGET = 0.5  # factor by which each new batch reduces the weight of earlier ones
MOST = 10**15  # evaluations: in practice without a limit


def seconds_now() -> float:
    """What every limit reads unless it has a clock of its own."""
    return time.perf_counter()


@dataclass
class Pace:
    """Seconds of an evaluation by the latest measurements; ``guess`` before the first measurement."""

    guess: float = 1e-9  # so small that no first batch is cut short
    seconds: float = 0.0
    evaluations: float = 0.0

    def note(self, evaluations: int, seconds: float) -> None:
        """Record the time of a batch."""
        if evaluations > 0:
            self.seconds = FORGET * self.seconds + seconds
            self.evaluations = FORGET * self.evaluations + evaluations

    @property
    def each(self) -> float:
        """Seconds of one evaluation, at least a nanosecond."""
        return max(self.seconds / self.evaluations if self.evaluations else self.guess, 1e-9)


@dataclass(frozen=True)
class Limit:
    """The time when work has to end; without arguments there is no limit.

    Attributes:
        end: of ``clock()``; infinite without a limit in time.
        evaluations: so many at most; of an optimiser its iterations, of a proof its boxes. Whoever works counts them.
        pace: pace of evaluations, which all parts of a limit share.
        begun: when the limit, or this part of it, was set; see `spent`.
        clock: seconds; ``time.process_time`` where other processes must not count.

    >>> endless, tenth = Limit(), Limit.of(10.0, 500).within(0.1)
    >>> endless.left, endless.over, endless.within(0.5).left, endless.seconds
    (inf, False, inf, None)
    >>> 0.9 < tenth.left <= 1.0, tenth.evaluations, Limit.of(0.0).over, Limit.of(0.0).affords
    (True, 50, True, 0)
    """

    end: float = math.inf
    evaluations: int = MOST
    pace: Pace = field(default_factory=Pace, compare=False)
    begun: float = field(default_factory=seconds_now, compare=False)
    clock: Callable[[], float] = field(default=seconds_now, compare=False, repr=False)

    @classmethod
    def of(
        cls, seconds: float | None, evaluations: int = MOST, clock: Callable[[], float] = seconds_now
    ) -> Limit:
        """A limit of so many seconds from now, None for no limit in time, and of so many evaluations."""
        now = clock()
        return cls(math.inf if seconds is None else now + seconds, evaluations, begun=now, clock=clock)

    @property
    def endless(self) -> bool:
        """Whether there is no limit in time."""
        return self.end == math.inf

    @property
    def spent(self) -> float:
        """Seconds since the limit was set."""
        return self.clock() - self.begun

    @property
    def left(self) -> float:
        """Seconds left, at least 0; infinite without a limit in time."""
        return max(self.end - self.clock(), 0.0)

    @property
    def seconds(self) -> float | None:
        """Seconds left; None without a limit in time."""
        return None if self.endless else self.left

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0

    @property
    def affords(self) -> int:
        """How many evaluations the time left allows, whatever `evaluations` does; one as long as there is any."""
        if self.endless:
            return MOST
        left = self.left
        return max(1, int(min(left / self.pace.each, MOST))) if left > 0 else 0

    @property
    def at_once(self) -> int:
        """How many evaluations one call may take: those that the time affords, and few of them where the time could be spent
        in a single call if they take longer than before."""
        if self.endless:
            return MOST
        return min(self.affords, max(FEWEST, int(CALL * self.left / MILLISECOND)))

    def within(self, share: float) -> Limit:
        """A part of the limit: ``share`` of its evaluations, at least one, and of the time that is left.

        Raises:
            ValueError: for a share above 1 or below 0; a part never ends after the whole limit.
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, got {share:g}")
        part = self.after(math.inf if self.endless else share * self.left)
        return part if self.evaluations == MOST else part.upto(max(int(share * self.evaluations), 1))

    def parts(self, n: int) -> Iterator[Limit]:
        """The limit in ``n`` parts with equal evaluations; each has its share of the time that is left when it begins."""
        each = self.within(1 / n).evaluations
        for k in range(n, 0, -1):
            yield self.within(1 / k).upto(each)

    def portions(self, n: int) -> Iterator[slice]:
        """Rows 0 to ``n`` in turn, until the time is up: a few at first, then at most three times as many as so far, and no
        more than the time affords. The first portion comes in any case; without a limit of time there is one of all rows.

        >>> list(Limit().portions(1000)), list(Limit.of(0.0).portions(1000))
        ([slice(0, 1000, None)], [slice(0, 1, None)])
        """
        if self.endless:
            yield from [slice(0, n)] * (n > 0)
            return
        done, start = 0, self.clock()
        while done < n and not (done and self.over):
            end = min(done + max(1, min(self.at_once, max(FEWEST, 3 * done))), n)
            yield slice(done, end)
            now = self.clock()
            self.pace.note(end - done, now - start)
            done, start = end, now

    def upto(self, evaluations: int) -> Limit:
        """The same limit in time with so many evaluations."""
        return replace(self, evaluations=evaluations)

    def after(self, seconds: float) -> Limit:
        """A limit with the same pace that ends ``seconds`` from now, even after this limit."""
        now = self.clock()
        return replace(self, end=now + seconds, begun=now)

    def at_least(self, share: float) -> Limit:
        """The limit, with no less than this share of the time that it had in the beginning: what checks functions and starts
        processes may take longer, and without time nothing would be found."""
        return (
            self
            if self.endless
            else replace(self, end=max(self.end, self.clock() + share * (self.end - self.begun)))
        )

    def timed(self, seconds: float) -> Limit:
        """The same limit for evaluations that take so many seconds each, as far as is known; with a pace of its own."""
        return replace(self, pace=Pace(seconds))

    def keeping(self, seconds: float) -> Limit:
        """The same limit without its last seconds, which are reserved for something else."""
        return replace(self, end=self.end - seconds)
