"""Fitting where the reference can be asked: cheap classical methods first, then networks, until it is
accurate.

Three groups in the order of their price: methods that choose their own points, methods on the nested design,
networks of growing width. A candidate that looks good enough on the validation points is audited with a seed
of its own; what the audit finds goes into its errors, so a candidate that only looked good falls back and the
work goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import (
    Approximation,
    ChebyshevTensor,
    GaussianProcess,
    NotApplicable,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    RandomFeatures,
    SimplexInterpolation,
    SparseLegendre,
    TensorTrain,
)
from supnorm.auditing.find_worst import WorstFound, find_worst
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.training.assessment import Errors, Validation
from supnorm.training.cost import word_of
from supnorm.training.deadline import Deadline
from supnorm.training.events import Tried
from supnorm.training.network_fit import NetworkFit
from supnorm.training.reference_points import ReferencePoints

Array = NDArray[np.float64]
Trail = tuple[tuple[float, float], ...]
LEAST = 20  # evaluations of an audit: with fewer it says no more than the validation points


@dataclass(eq=False)
class Attempt:
    """A candidate inside the loop; ``audited`` once an audit has looked at it.

    Attributes:
        trail: processor seconds and relative training error along the way, for networks.
    """

    approximation: Approximation
    errors: Errors
    seconds: float
    audited: bool = False
    trail: Trail = ()


@dataclass
class ActiveFit:
    """State of one fit.

    Attributes:
        problem: without a model; its tolerance is the goal.
        points: the reference, counted.
        validation: points that judge candidates inside the loop.
        norm: ``"sup"`` or ``"l2"``.
        max_evaluations: of the reference, for fitting and validation.
        audit_evaluations: of each audit.
        deadline: the time limit.
        interrupted: by Ctrl-C; what was tried until then counts.
        smooth: False once a jump was found: no continuous model can meet a small tolerance.
    """

    problem: Problem
    points: ReferencePoints
    validation: Validation
    norm: str
    max_evaluations: int
    audit_evaluations: int
    seed: int
    deadline: Deadline
    observer: Callable[[Any], None]
    smooth: bool = True
    interrupted: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    audits: int = 0

    @property
    def left(self) -> int:
        """Evaluations left for fitting."""
        return max(self.max_evaluations - self.points.spent, 0)

    def run(self, methods: Sequence[Any]) -> None:
        """Try the methods in turn until one is accepted; Ctrl-C ends that once there is a candidate.

        Raises:
            KeyboardInterrupt: without a candidate.
        """
        try:
            self._run(methods)
        except KeyboardInterrupt:
            if not self.attempts:
                raise
            INTERRUPTS.taken()
            self.interrupted = True

    def _run(self, methods: Sequence[Any]) -> None:
        from supnorm.training.network_search import NetworkSearch

        for method in methods:
            if self.deadline.over and not self._on_what_is_there(method):
                self.skipped.append((type(method).__name__, "the time was up"))
            elif isinstance(method, NetworkFit):
                if NetworkSearch(self, method).run():
                    return
            elif self._classical(method):
                return

    def _on_what_is_there(self, method: Any) -> bool:
        """Whether the time is up before any candidate, but calls of a dear reference were paid for that will do."""
        ready = hasattr(method, "from_samples") and not hasattr(method, "from_function")
        return (
            ready
            and not isinstance(method, NetworkFit)
            and self.points.caller.expensive
            and not self.attempts
        )

    def best(self) -> Attempt:
        """The most accurate attempt; among those within a factor 2, the one with the fewest parameters.

        Raises:
            BadInput: when no method could be used; the message lists why.
        """
        if not self.attempts:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.skipped)
            raise BadInput(f"no method could be used ({reasons})")
        known = [a for a in self.attempts if not np.isnan(a.errors.by(self.norm))]
        if not known:
            raise BadInput("the error function gives no number at any of the points that judge candidates")
        least = min(a.errors.by(self.norm) for a in known)
        goal = self.problem.error.limit
        close = max(2.0 * least, 1e-14 * float(np.abs(self.validation.y).max(initial=0.0)))
        if goal is not None and least <= goal:
            close = min(max(close, least), goal)
        near = [a for a in self.attempts if a.errors.by(self.norm) <= close]
        if self.norm == "sup" and self.points.caller.expensive:
            # Nobody will audit the others (see `settle`): what a few points say of them is no match for an audit.
            near = [a for a in near if a.audited] or near
        return min(near, key=lambda a: (a.approximation.parameters, a.errors.by(self.norm)))

    def settle(self, most: int = 10) -> None:
        """Norm "sup": audit the best candidate until the best one is audited, ``most`` times; cheap references only.

        Validation points alone flatter: a peak in a corner is not among them, and the candidate that has it would win.
        """
        for _ in range(0 if self.norm != "sup" or self.interrupted or self.points.caller.expensive else most):
            best = self.best()
            if best.audited:
                return
            self.audit(best, min(self.audit_evaluations, 8000))

    def _classical(self, method: Any) -> bool:
        start = time.perf_counter()
        name = type(method).__name__
        try:
            found = self._fit_one(method)
        except NotApplicable as why:
            self.skipped.append((name, str(why)))
            return False
        return self.judge(found, time.perf_counter() - start)

    def _fit_one(self, method: Any) -> Approximation:
        domain = self.problem.domain
        if hasattr(method, "from_function"):
            share = min(int(0.4 * self.left), 50_000)
            fitted: Approximation = method.from_function(self.points.value, domain, share)
            return fitted
        x, y = self.points.design(
            min(self._samples(), self.points.drawn) if self.deadline.over else self._samples()
        )
        rng = np.random.default_rng(self.seed + 1)
        sampled: Approximation = method.from_samples(x, y, domain, rng)
        return sampled

    def _samples(self) -> int:
        """Design points for the classical methods on samples: a quarter of the budget, at most 4096."""
        return int(min(max(0.25 * self.max_evaluations, 16), 4096))

    def judge(self, found: Approximation, seconds: float, trail: Trail = ()) -> bool:
        """Record a candidate; audit it if it looks good enough. True when it is accepted."""
        attempt = Attempt(found, self.validation.errors(found.function), seconds, trail=trail)
        self.attempts.append(attempt)
        self.observer(Tried(found.method, attempt.errors.rms, attempt.errors.worst))
        goal = self.problem.error.limit
        if goal is None or not attempt.errors.by(self.norm) <= goal:
            return False
        self.audit(attempt, self.audit_evaluations)
        return attempt.errors.by(self.norm) <= goal

    def audit(self, attempt: Attempt, evaluations: int) -> WorstFound | None:
        """Look for the worst error with a seed of its own; the attempt's errors can only grow.

        Where calls are dear it takes at most half of the time left; None where that allows next to none.
        """
        seconds, caller = None, self.points.caller
        if self.deadline.left is not None and caller.expensive:
            seconds = 0.5 * self.deadline.left
            evaluations = min(evaluations, int(seconds / self.points.pace))
            if evaluations < LEAST:
                return None
        self.audits += 1
        judged = replace(self.problem, model=attempt.approximation.function)
        found = find_worst(
            judged, evaluations=evaluations, seconds=seconds, seed=self.seed + 7919 * self.audits,
            store=None if caller.store is None else caller.store.only("reference"),
            workers=caller.workers, executor=caller.executor, cost=word_of(caller),
        )  # fmt: skip
        worst = found.witness
        if worst is not None and worst.error > attempt.errors.worst:
            attempt.errors = Errors(attempt.errors.rms, worst.error, tuple(worst.x.tolist()))
        attempt.audited = True
        return found


def automatic(d: int) -> list[Any]:
    """The methods that `fit` tries for ``d`` inputs, in order."""
    grids: list[Any] = [ChebyshevTensor(), PiecewiseChebyshev() if d == 1 else TensorTrain()]
    own_points = grids[::-1] if d >= 4 else grids  # a full grid is dear from four inputs on
    sampled: list[Any] = [RandomFeatures(), PolynomialLeastSquares()]
    if d >= 2:
        sampled.append(PolynomialLeastSquares("hyperbolic"))
    if d >= 3:
        sampled.append(SparseLegendre())
    return [*own_points, *sampled, GaussianProcess(), SimplexInterpolation(), NetworkFit()]
