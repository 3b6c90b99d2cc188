"""The networks of a fit: growing widths, refinement at the worst points, more time, boosting.

Each width is trained, judged, and (norm "sup") refined where an audit finds it worst. With a time limit the best one
is trained on while that helps. When it no longer helps and the tolerance is not met, a second and a third
network are added on the residual (`Boosting`), up to three inputs: there a single network stalls where the
sum does not; from four inputs on it gains too little for its price.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.problem import Problem
from supnorm.training.active_fit import ActiveFit, Attempt, Trail
from supnorm.training.boosting import Boosting, can_be_boosted
from supnorm.training.events import Training
from supnorm.training.network_fit import NetworkFit, as_approximation
from supnorm.training.refinement import thinned
from supnorm.training.stopping import Stop
from supnorm.training.train import Trained

Array = NDArray[np.float64]
STAGES = 2  # networks added on the residual
MOST_INPUTS = 3  # for boosting


@dataclass
class NetworkSearch:
    """Tries the networks of ``method`` in ``fit``."""

    fit: ActiveFit
    method: NetworkFit

    def run(self) -> bool:
        """True when one was accepted."""
        fit, method = self.fit, self.method
        outputs = fit.validation.y.shape[1]
        for i, width in enumerate(method.widths):
            size = method.size(fit.problem.domain.d, outputs, width)
            have = min(int(min(method.ratio * size, method.rows)), fit.left + fit.points.drawn)
            if have < size / 2 and i > 0:
                fit.skipped.append((f"network width {width}", f"{size} weights for {have} samples"))
            elif fit.deadline.over:
                fit.skipped.append((f"network width {width}", "the time was up"))
            elif self._one_width(width, have, len(method.widths) - i):
                return True
        return self._more_time() or self._boost()

    def _one_width(self, width: int, samples: int, remaining: int) -> bool:
        fit, start = self.fit, time.perf_counter()
        x, y = fit.points.design(samples)
        if fit.deadline.over and fit.attempts:  # the calls of a dear reference have taken what was left
            fit.skipped.append((f"network width {width}", "the time was up"))
            return False
        rng = np.random.default_rng(fit.seed + 11 * width)
        network = self.method.start(x, y, fit.problem.domain, width, rng)
        share = fit.deadline.left and fit.deadline.left / (remaining + 1)
        self._announce(network.size, len(x))
        trained = self.method.train(network, x, y, share, rng)
        if self._judge(trained, len(x), start):
            return True
        return fit.norm == "sup" and self._refine(trained.network, x, y, share)

    def _refine(self, network: Network, x: Array, y: Array, share: float | None) -> bool:
        """Add the worst points and go on, as long as the maximum falls and could meet the goal."""
        fit, goal = self.fit, self.fit.problem.error.limit
        for _ in range(1 if goal is None else 3):
            last = fit.attempts[-1]
            hopeless = goal is not None and last.errors.rms > 0.5 * goal
            if hopeless or fit.deadline.over:
                return False
            start = time.perf_counter()
            found = fit.audit(last, min(fit.audit_evaluations, 8000))
            if found is None:
                return False
            extra_x, extra_y = worst_samples(found.rows, fit.problem, y.shape[1])
            x, y = np.concatenate([x, extra_x]), np.concatenate([y, extra_y])
            self._announce(network.size, len(x))
            trained = self.method.refine(network, x, y, share)
            if self._judge(trained, len(x), start, last):
                return True
            if fit.attempts[-1].errors.worst > 0.8 * last.errors.worst:
                return False
            network = trained.network
        return False

    def _more_time(self) -> bool:
        """With a time limit: the best network is trained on while it gets better."""
        fit = self.fit
        while fit.deadline.end is not None and (fit.deadline.left or 0.0) > 1.0 and (best := self._best()):
            start, before = time.perf_counter(), best.errors.by(fit.norm)
            x, y = self._samples(best)
            rng = np.random.default_rng(fit.seed + 5)
            self._announce(best.approximation.parameters, len(x))
            trained = self.method.train(_model(best), x, y, 0.3 * (fit.deadline.left or 0.0), rng)
            if self._judge(trained, len(x), start, best):
                return True
            if fit.norm == "sup" and self._refine(trained.network, x, y, fit.deadline.left):
                return True
            stalled = min(a.errors.by(fit.norm) for a in self._networks()) > 0.7 * before
            if stalled or not trained.minimum.reason.startswith("budget"):
                return False
        return False

    def _boost(self) -> bool:
        """Further networks on the residual of the best one, while each halves the error."""
        fit = self.fit
        limited = fit.problem.error.limit is not None or fit.deadline.end is not None
        if not (limited and fit.smooth and fit.problem.domain.d <= MOST_INPUTS):
            return False
        for stage in range(STAGES):
            best, left = self._best(), fit.deadline.left
            if best is None or (left is not None and left < 1.0):
                return False
            network = _model(best)
            if not can_be_boosted(network):
                return False
            width = max(self.method.widths)
            more = self.method.size(fit.problem.domain.d, fit.validation.y.shape[1], width)
            start, (x, y) = time.perf_counter(), self._samples(best, more)
            rng = np.random.default_rng(fit.seed + 101 + stage)
            stop = Stop(self.method.iterations if left is None else 10**7, left and left / (STAGES - stage))
            boosting = Boosting(width, optimiser=self.method.optimiser)
            self._announce(more, len(x))
            trained = boosting.add(network, x, y, stop, rng)
            if self._judge(trained, len(x), start, best):
                return True
            if fit.attempts[-1].errors.by(fit.norm) > 0.5 * best.errors.by(fit.norm):
                return False
        return False

    def _judge(
        self,
        trained: Trained,
        samples: int,
        start: float,
        before: Attempt | None = None,
    ) -> bool:
        """Hand the network to the fit; one that was trained on carries what was spent before."""
        found = as_approximation(trained, samples)
        if before is not None:
            found = replace(found, samples=max(samples, before.approximation.samples))
        spent = time.perf_counter() - start + (before.seconds if before else 0.0)
        return self.fit.judge(found, spent, _joined(before.trail if before else (), trained))

    def _announce(self, weights: int, samples: int) -> None:
        """Say what is going to take a while."""
        self.fit.observer(Training(weights, min(samples, self.method.rows)))

    def _networks(self) -> list[Attempt]:
        return [a for a in self.fit.attempts if isinstance(a.approximation.model, Network)]

    def _best(self) -> Attempt | None:
        return min(self._networks(), key=lambda a: a.errors.by(self.fit.norm), default=None)

    def _samples(self, attempt: Attempt, more: int = 0) -> tuple[Array, Array]:
        """For a network of the attempt's parameters and ``more``."""
        fit, most = self.fit, self.method.ratio * (attempt.approximation.parameters + more)
        return fit.points.design(int(min(most, self.method.rows, fit.points.drawn + fit.left)))


def worst_samples(rows: Array, problem: Problem, outputs: int, most: int = 60) -> tuple[Array, Array]:
    """The worst rows of a search (see `WorstFound`) with their reference values, thinned so that they lie apart."""
    d = problem.domain.d
    rows = rows[np.isfinite(rows).all(axis=1)]
    x, y = rows[:, :d], rows[:, d + outputs : d + 2 * outputs]
    kept = thinned(problem.domain.to_unit(x), np.arange(len(x)), 0.01 * np.sqrt(d), most)
    return x[kept], y[kept]


def _model(attempt: Attempt) -> Network:
    model = attempt.approximation.model
    assert isinstance(model, Network)
    return model


def _joined(before: Trail, trained: Trained) -> Trail:
    """Processor seconds and root of the loss, which is relative to the spread of the samples."""
    shift = before[-1][0] if before else 0.0
    own = tuple((shift + seconds, float(np.sqrt(loss))) for _, seconds, loss in trained.minimum.trail)
    return before + own
