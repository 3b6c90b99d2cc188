"""Evaluates the reference for training at nested space-filling points, counts its calls and leaves failures out.

The points are those of `unit_design`; log axes take them in the logarithm. The first n points are a prefix of the
first 2 n, so larger fits use the values of smaller ones again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import NotApplicable
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, draw_inside
from supnorm.results import BadInput
from supnorm.training.calls import FitCalls
from supnorm.training.cost import cost_of
from supnorm.training.design import unit_design

Array = NDArray[np.float64]
FIRST = 128  # points of the first call where the time is limited
DESIGN = 0.6  # of the time left: points of the design


class ReferencePoints:
    """Values of ``problem.reference`` at given points or at points of the design.

    Args:
        calls: how the reference is called.

    Attributes:
        limit: the time when calls have to end; see `value` and `some`.
        spent: number of evaluations so far.
        failed: number of evaluations without a finite value.
        first_failure: message of the first call that failed; empty if none did.
        failed_at: the first point without a finite value, shape ``(d,)``; empty if there is none.
        drawn: number of points of the design evaluated so far.

    Raises:
        BadInput: when the run that is resumed had another cost.
    """

    def __init__(self, problem: Problem, seed: int, calls: FitCalls | None = None) -> None:
        self.problem, self.seed, self.calls = problem, seed, calls or FitCalls()
        asked = self.calls
        self.caller = Caller(problem.reference, "reference", asked.store, asked.executor, asked.workers)
        if asked.cost is not None:
            self.caller.declare(*cost_of(asked.cost))
        self.limit = Limit()
        self.spent = self.failed = 0
        self.first_failure = ""
        self.failed_at = np.empty(0)
        self._x = np.empty((0, problem.domain.d))
        self._y: Array | None = None
        self.drawn = 0

    @property
    def pace(self) -> float:
        """Seconds a point, divided by the number of workers that share the calls."""
        caller = self.caller
        return caller.cost / (caller.workers if caller.expensive and caller.executor is not None else 1)

    def value(self, x: Array) -> Array:
        """Values at ``x``, shape ``(n, m)``; NaN rows where the reference fails.

        Raises:
            NotApplicable: when there is no time for all of them.
        """
        y = self._in_time(x, self.limit, whole=True)
        if len(y) < len(x):
            raise NotApplicable("the time was up")
        return y

    def some(self, x: Array, share: float) -> Array:
        """The same for as many of the first points as a share of the time left allows, at least for one call."""
        return self._in_time(x, self.limit.within(share), whole=False)

    def _in_time(self, x: Array, limit: Limit, whole: bool) -> Array:
        """Values at the first points; ``whole``: stop as soon as the time does not allow all of them."""
        if limit.endless or not len(x):
            return self._values(x)
        parts, done = [], 0
        while done < len(x):
            if done and (limit.over or (whole and len(x) - done > limit.affords)):
                break
            # What a point costs may have changed since it was timed, so calls of a cheap reference grow.
            rows = max(1, min(limit.at_once, max(FIRST, 3 * done)))
            start = limit.spent
            parts.append(self._values(x[done : done + rows]))
            done += len(parts[-1])
            limit.pace.note(len(parts[-1]), limit.spent - start)
        return np.concatenate(parts)

    def _values(self, x: Array) -> Array:
        y, messages = self.caller.values(x, "fit")
        self.first_failure = self.first_failure or next(iter(messages.values()), "")
        self.spent += len(x)
        broken = ~np.isfinite(y).all(axis=1)
        if broken.any() and not self.failed:
            self.failed_at = x[int(np.argmax(broken))].copy()
        self.failed += int(broken.sum())
        INTERRUPTS.poll()  # raises an interrupt that the reference has caught and dropped
        return y

    def design(self, n: int) -> tuple[Array, Array]:
        """The points with a value among about ``n`` points of the design, or those that there is time for, and the values.

        Raises:
            BadInput: when no point has a value.
        """
        if n > self.drawn:
            fresh = self._inside(unit_design(n, self.problem.domain.d, self.seed))[self.drawn :]
            if len(fresh):
                y = self.some(fresh, DESIGN)
                n = self.drawn + len(y)
                finite = np.isfinite(y).all(axis=1)
                self._x = np.concatenate([self._x, fresh[: len(y)][finite]])
                self._y = y[finite] if self._y is None else np.concatenate([self._y, y[finite]])
            self.drawn = max(n, self.drawn)
        if self._y is None or not len(self._y):
            reason = f": {self.first_failure}" if self.first_failure else "; check it at one of them"
            raise BadInput(f"the reference has no finite value at any of {n} points{reason}")
        return self._x[:n], self._y[:n]

    def _inside(self, u: Array) -> Array:
        """Points of the domain for the design; if few points of the box are in the domain, uniform points instead."""
        domain = self.problem.domain
        if not domain.constraints and domain.cloud is None:
            return domain.from_unit(u)
        return draw_inside(domain, len(u), np.random.default_rng(self.seed))
