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
from dataclasses import dataclass, field
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
from supnorm.auditing import AuditReport
from supnorm.networks import Network
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.training.assessment import Errors, Validation, audit_model
from supnorm.training.events import Tried
from supnorm.training.network_fit import NetworkFit, as_approximation
from supnorm.training.reference_points import ReferencePoints

Array = NDArray[np.float64]


@dataclass(eq=False)
class Attempt:
    """A candidate inside the loop; ``audited`` once an audit has looked at it."""

    approximation: Approximation
    errors: Errors
    seconds: float
    audited: bool = False


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
        deadline: on the monotonic clock; None without a limit.
    """

    problem: Problem
    points: ReferencePoints
    validation: Validation
    norm: str
    max_evaluations: int
    audit_evaluations: int
    seed: int
    deadline: float | None
    observer: Callable[[Any], None]
    attempts: list[Attempt] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    audits: int = 0

    @property
    def left(self) -> int:
        """Evaluations left for fitting."""
        return max(self.max_evaluations - self.points.spent, 0)

    @property
    def seconds_left(self) -> float | None:
        """Seconds left, None without a limit."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.seconds_left == 0.0

    def run(self, methods: Sequence[Any]) -> None:
        """Try the methods in turn until one is accepted."""
        for method in methods:
            if self.over:
                self.skipped.append((type(method).__name__, "the time was up"))
            elif isinstance(method, NetworkFit):
                if self._networks(method):
                    return
            elif self._classical(method):
                return

    def best(self) -> Attempt:
        """The most accurate attempt; among those within a factor 2, the one with the fewest parameters.

        Raises:
            BadInput: when no method could be used; the message lists why.
        """
        if not self.attempts:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.skipped)
            raise BadInput(f"no method could be used ({reasons})")
        least = min(a.errors.by(self.norm) for a in self.attempts)
        goal = self.problem.error.limit
        close = max(2.0 * least, 1e-14 * float(np.abs(self.validation.y).max(initial=0.0)))
        if goal is not None and least <= goal:
            close = min(max(close, least), goal)
        near = [a for a in self.attempts if a.errors.by(self.norm) <= close]
        return min(near, key=lambda a: (a.approximation.parameters, a.errors.by(self.norm)))

    def _classical(self, method: Any) -> bool:
        start = time.perf_counter()
        name = type(method).__name__
        try:
            found = self._fit_one(method)
        except NotApplicable as why:
            self.skipped.append((name, str(why)))
            return False
        return self._judge(found, time.perf_counter() - start)

    def _fit_one(self, method: Any) -> Approximation:
        domain = self.problem.domain
        if hasattr(method, "from_function"):
            share = min(int(0.4 * self.left), 50_000)
            fitted: Approximation = method.from_function(self.points.value, domain, share)
            return fitted
        x, y = self.points.design(self._samples())
        rng = np.random.default_rng(self.seed + 1)
        sampled: Approximation = method.from_samples(x, y, domain, rng)
        return sampled

    def _samples(self) -> int:
        """Design points for the classical methods on samples: a quarter of the budget, at most 4096."""
        return int(min(max(0.25 * self.max_evaluations, 16), 4096))

    def _judge(self, found: Approximation, seconds: float) -> bool:
        """Record a candidate; audit it if it looks good enough. True when it is accepted."""
        attempt = Attempt(found, self.validation.errors(found.function), seconds)
        self.attempts.append(attempt)
        self.observer(Tried(found.method, attempt.errors.rms, attempt.errors.worst))
        goal = self.problem.error.limit
        if goal is None or not attempt.errors.by(self.norm) <= goal:
            return False
        self._audit(attempt, self.audit_evaluations)
        return attempt.errors.by(self.norm) <= goal

    def _audit(self, attempt: Attempt, evaluations: int) -> AuditReport:
        """Look for the worst error with a seed of its own; the attempt's errors can only grow."""
        self.audits += 1
        function = attempt.approximation.function
        report = audit_model(self.problem, function, evaluations, self.seed + 7919 * self.audits)
        if report.worst is not None and report.worst.error > attempt.errors.worst:
            x = tuple(report.worst.x.tolist())
            attempt.errors = Errors(attempt.errors.rms, report.worst.error, x)
        attempt.audited = True
        return report

    def _networks(self, method: NetworkFit) -> bool:
        outputs = self.validation.y.shape[1]
        for i, width in enumerate(method.widths):
            size = method.size(self.problem.domain.d, outputs, width)
            wanted = int(min(method.ratio * size, method.rows))
            have = min(wanted, self.left + self.points.drawn)
            if have < size / 2 and i > 0:
                self.skipped.append((f"network width {width}", f"{size} weights for {have} samples"))
                continue
            if self.over:
                self.skipped.append((f"network width {width}", "the time was up"))
                continue
            if self._one_width(method, width, have, len(method.widths) - i):
                return True
        return self._more_time(method)

    def _one_width(self, method: NetworkFit, width: int, samples: int, remaining: int) -> bool:
        start = time.perf_counter()
        x, y = self.points.design(samples)
        rng = np.random.default_rng(self.seed + 11 * width)
        network = method.start(x, y, self.problem.domain, width, rng)
        share = self.seconds_left and self.seconds_left / (remaining + 1)
        trained = method.train(network, x, y, share, rng)
        found = as_approximation(trained, len(x))
        if self._judge(found, time.perf_counter() - start):
            return True
        return self.norm == "sup" and self._refine(method, trained.network, x, y, share)

    def _refine(self, method: NetworkFit, network: Network, x: Array, y: Array, share: float | None) -> bool:
        """Add the worst points and go on, as long as the maximum falls and could meet the goal."""
        goal = self.problem.error.limit
        for _ in range(1 if goal is None else 3):
            last = self.attempts[-1]
            hopeless = goal is not None and last.errors.rms > 0.5 * goal
            if hopeless or self.over or not isinstance(last.approximation.model, Network):
                return False
            start = time.perf_counter()
            report = self._audit(last, min(self.audit_evaluations, 8000))
            extra_x, extra_y = worst_samples(report, self.problem, y.shape[1])
            x, y = np.concatenate([x, extra_x]), np.concatenate([y, extra_y])
            trained = method.refine(network, x, y, share)
            found = as_approximation(trained, len(x))
            if self._judge(found, last.seconds + time.perf_counter() - start):
                return True
            if self.attempts[-1].errors.worst > 0.8 * last.errors.worst:
                return False
            network = trained.network
        return False

    def _more_time(self, method: NetworkFit) -> bool:
        """With a time limit: the best network is trained on until the time is up."""
        nets = [a for a in self.attempts if isinstance(a.approximation.model, Network)]
        while self.deadline is not None and (self.seconds_left or 0.0) > 1.0 and nets:
            best = min(nets, key=lambda a: a.errors.by(self.norm))
            assert isinstance(best.approximation.model, Network)
            start = time.perf_counter()
            size = best.approximation.parameters
            x, y = self.points.design(
                int(min(method.ratio * size, method.rows, self.points.drawn + self.left))
            )
            rng = np.random.default_rng(self.seed + 5)
            trained = method.train(best.approximation.model, x, y, 0.5 * (self.seconds_left or 0.0), rng)
            found = as_approximation(trained, len(x))
            if self._judge(found, best.seconds + time.perf_counter() - start):
                return True
            if self.norm == "sup" and self._refine(method, trained.network, x, y, self.seconds_left):
                return True
            if not trained.minimum.reason.startswith("budget"):
                break
            nets = [a for a in self.attempts if isinstance(a.approximation.model, Network)]
        return False


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


def worst_samples(report: AuditReport, problem: Problem, outputs: int, most: int = 60) -> tuple[Array, Array]:
    """The worst points of an audit with their reference values, thinned so that they lie apart."""
    d = problem.domain.d
    rows = report.points.rows[np.isfinite(report.points.rows).all(axis=1)]
    x, y = rows[:, :d], rows[:, d + outputs : d + 2 * outputs]
    u = problem.domain.to_unit(x)
    kept: list[int] = []
    for i in range(len(u)):
        if all(np.linalg.norm(u[i] - u[j]) > 0.01 * np.sqrt(d) for j in kept):
            kept.append(i)
        if len(kept) == most:
            break
    return x[kept], y[kept]
