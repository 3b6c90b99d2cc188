"""Events about the calls of a function, which can take minutes, for the observer of planning.

`Planned` comes as soon as the first calls have shown how long one takes, and again if later calls take another time;
`Advanced` follows after every quarter of a second of calls, then `Finished`. Calls of less than two seconds altogether
cause no event. Trainings have other events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from supnorm.evaluation import Advanced, Finished
from supnorm.evaluation.caller import Caller

# tests/planning/test_progress.py guards these four.
WARM = 1.0  # seconds of calls after which one batch says what a call costs; imports and compilation seldom take longer
LONG = 2.0  # seconds of calls below which nothing is announced
TICK = 0.25  # seconds of calls from one `Advanced` to the next, at least
OFF = 1.5  # a plan whose time is wrong by this factor is announced again


@dataclass(frozen=True)
class Planned:
    """The approximate number of all calls, including those already made, and the time that they take.

    Attributes:
        cost: seconds of one call on one worker.
    """

    title: str
    calls: int
    cost: float
    seconds: float


class CallCount:
    """Counts the calls of a function, for an observer.

    Args:
        caller: caller of the function; this object sets its `heard`.
        title: title of the problem.
        plan: gives the number of all calls from the seconds of one.
        workers: number of workers that share the calls.
        observer: gets the events.

    Attributes:
        done, expected: calls so far, and in all.
    """

    def __init__(
        self,
        caller: Caller,
        title: str,
        plan: Callable[[float], int],
        workers: int,
        observer: Callable[[Any], None],
    ) -> None:
        self.caller, self.title, self.plan, self.workers, self.observer = (
            caller,
            title,
            plan,
            workers,
            observer,
        )
        self.done = self.expected = self._batches = 0
        self._announced: Planned | None = None
        self._shown = 0.0
        caller.heard = self.hear

    def hear(self, points: int) -> None:
        """Count a batch of calls."""
        self.done += points
        self._batches += 1
        if self._batches > 1 or self.caller.seconds >= WARM:
            if self._announced is None:
                self.tell()
            if self._announced is None or self.caller.seconds < self._shown + TICK:
                return
            self._shown = self.caller.seconds
            self.observer(Advanced(self.done, max(self.expected, self.done), math.nan, math.nan, 0))

    def tell(self) -> None:
        """Announce the plan for the present cost of a call, unless it was announced before."""
        cost = self.caller.cost
        self.expected = self.plan(cost)
        shared = self.workers if self.caller.expensive and self.caller.executor is not None else 1
        planned = Planned(self.title, self.expected, cost, self.expected * cost / shared)
        before = self._announced
        if before is None and planned.seconds < LONG:
            return
        if before is None or not before.seconds / OFF <= planned.seconds <= before.seconds * OFF:
            self._announced = planned
            self.observer(planned)

    def end(self) -> None:
        """Stop counting; the calls are made."""
        self.caller.heard = None
        if self._announced is not None:
            self.observer(Finished())

    def expect(self, more: int) -> None:
        """Expect so many more calls."""
        self.expected = self.done + more

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, calls are not counted, because trainings announce a time themselves."""
        self.caller.heard = None
        try:
            yield
        finally:
            self.caller.heard = self.hear
