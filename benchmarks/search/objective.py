"""The error over the unit box as a plain objective: counted, and stopped when a budget is used up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Problem

Array = NDArray[np.float64]
GRADIENT = 3  # evaluations that a value with its gradient counts as, for everybody
HUGE = 1e300  # what a peer is told where the error is infinite


class Exhausted(Exception):
    """The budget of evaluations or seconds is used up."""


class Objective:
    """What a peer maximises.

    Args:
        problem: model, reference, domain.
        evaluations: after these the next call raises `Exhausted`.

    Attributes:
        best: the largest error seen; it counts whatever a peer returns.
        spent: evaluations so far.
        free: calls of the model alone, beside those in ``spent``: they cost nothing where the reference is dear.
        crashes: errors of the peer's own.
        late: set when the time is over; the next call raises.
    """

    def __init__(self, problem: Problem, evaluations: int) -> None:
        self.problem, self.evaluations = problem, evaluations
        self.d = problem.domain.d
        self.best, self.spent, self.free, self.crashes, self.late = -np.inf, 0, 0, 0, False

    @property
    def left(self) -> int:
        """Evaluations left."""
        return self.evaluations - self.spent

    @property
    def differentiable(self) -> bool:
        """Whether `slope` can be called."""
        return self.problem.model.vjp is not None and self.problem.reference.vjp is not None

    def batch(self, u: Array) -> Array:
        """Errors at ``u`` (n, d), shape ``(n,)``; a batch beyond the budget is cut, counted and then raises."""
        self._check()
        part = u[: self.left]
        x = self._place(part)
        with np.errstate(all="ignore"):
            model, reference = self.problem.model.value(x), self.problem.reference.value(x)
        score = self._note(x, model, reference, 1)
        if len(part) < len(u):
            raise Exhausted
        return score

    def sides(self, u: Array) -> tuple[Array, Array]:
        """Model and reference at ``u``, each ``(n,)``: for a peer that models the reference. Counted like `batch`."""
        self.batch(u)
        x = self._place(u)
        return self.problem.model.value(x)[:, 0], self.problem.reference.value(x)[:, 0]

    def model(self, u: Array) -> Array:
        """The model alone at ``u``, shape ``(n,)``; counted in ``free``, not in ``spent``."""
        self.free += len(u)
        return self.problem.model.value(self._place(u))[:, 0]

    def single(self, v: Array) -> float:
        """The error at one point ``v`` (d,)."""
        return float(self.batch(np.asarray(v, dtype=float)[None])[0])

    def slope(self, u: Array) -> tuple[Array, Array]:
        """Errors and gradients in the unit box at ``u`` (n, d); 3 evaluations a point."""
        self._check()
        part = u[: self.left // GRADIENT]
        if not len(part):
            raise Exhausted
        x = self._place(part)
        with np.errstate(all="ignore"):
            y, pull_model = self.problem.model.vjp(x)
            f, pull_reference = self.problem.reference.vjp(x)
            score = self._note(x, y, f, GRADIENT)
            output = self.problem.error(y, f, x)[1]
            weights = self.problem.error.gradient(y, f, output)
            gradient = pull_model(weights[0]) + pull_reference(weights[1])
            gradient = np.nan_to_num(gradient * self.problem.domain.slope(x))
        if len(part) < len(u):
            raise Exhausted
        return score, gradient

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """End what runs inside when the budget is used up, or after so many seconds of processor time, if any are given.

        A timer interrupts also those that think for long without asking for values.
        """

        def ring(*_: object) -> None:
            self.late = True
            raise Exhausted

        before = signal.signal(signal.SIGPROF, ring)
        signal.setitimer(signal.ITIMER_PROF, seconds or 0)
        try:
            yield
        except Exhausted:
            pass
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _check(self) -> None:
        if self.left <= 0 or self.late:
            raise Exhausted

    def _place(self, u: Array) -> Array:
        return self.problem.domain.from_unit(np.clip(u, 0.0, 1.0))

    def _note(self, x: Array, y: Array, f: Array, cost: int) -> Array:
        error = self.problem.error(y, f, x)[0]
        domain = self.problem.domain
        if domain.constraints or domain.cloud is not None:
            error = np.where(domain.contains(x), error, np.nan)
        self.spent += cost * len(x)
        score = np.where(np.isnan(error), -np.inf, error)
        self.best = max(self.best, float(score.max()))
        return np.clip(np.where(np.isnan(error), 0.0, error), -HUGE, HUGE)
