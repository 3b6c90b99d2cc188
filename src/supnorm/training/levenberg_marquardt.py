"""Levenberg-Marquardt with geodesic acceleration.

    (J'J + lambda mean(diag J'J) I) v = -J'r,    step = v + a / 2,    (same matrix) a = -J' r_vv

r_vv is the second derivative of the residuals along v, from one more residual at h = 0.1 (Transtrum & Sethna,
arXiv 1201.5885); a step with 2|a| > 0.75|v| is rejected. lambda falls by 5 on success and doubles on failure.
The normal equations square the condition number: if Cholesky fails, QR of the stacked (J; sqrt(lambda) I) is used.
Cost n p^2 + p^3/3 per step, memory 8 n p + 8 p^2 bytes, which is checked first. Choose it up to about 300 weights,
and to continue from a good point (when worst points are added); choose `QuasiNewton` for more weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from supnorm.evaluation.limit import Limit
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings
from supnorm.training.memory import require_memory
from supnorm.training.optimiser import Loss, Optimiser
from supnorm.training.stopping import FLOOR, LINE_SEARCH, Minimum, Trail

Array = NDArray[np.float64]
Solve = Callable[[Array], Array]


@dataclass(frozen=True)
class LevenbergMarquardt(Settings, Optimiser):
    """Levenberg-Marquardt for losses |r|^2 / n.

    Args:
        damping: lambda at the start, relative to the mean diagonal of J'J.
        geodesic: use the second-order correction.
        down, up: factors of lambda after an accepted and a rejected step.

    >>> from supnorm.training.optimiser import FunctionLoss
    >>> def line(theta):
    ...     return theta - 2.0, np.eye(2)
    >>> LevenbergMarquardt().minimise(FunctionLoss.of_residuals(line), np.zeros(2), target=1e-20).theta.round(6)
    array([2., 2.])
    """

    price: ClassVar[int] = 4  # steps of a gradient method that one of its steps costs, about
    # The numbers are mean squares after 120 iterations at width 12, medians of 3 seeds of I.6.2 and I.10.7 of
    # `benchmarks.fit`, which guards them; with the values below they are 1.8e-10 and 3.8e-10.
    damping: float = 1e-2  # 0.005: 1.8e-10, 3.8e-10; 0.02: 1.7e-10, 2.7e-10
    geodesic: bool = True
    down: float = 5.0  # 2.5: 3.3e-11, 7.1e-11; 10: 2.7e-10, 1.3e-9
    up: float = 2.0  # 1.4: 1.4e-10, 1.9e-10; 4: 2.0e-10, 1.6e-10
    acceleration: float = 0.75  # 0.375: 6.5e-10, 6.6e-10; 1.5: 1.2e-10, 1.9e-10

    LIMITS: ClassVar[Limits] = {"down": Allowed(above=0)}

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise the mean square of the residuals from ``theta``, shape ``(p,)``.

        Raises:
            BadInput: when the p x p matrix does not fit into memory, or the loss has no residuals.
        """
        trail = Trail.of(limit, target)
        require_memory(16.0 * len(theta) ** 2, f"the normal matrix of {len(theta)} weights", "use LBFGS()")
        r, jacobian = loss.residual_jacobian(theta)
        normal = jacobian.T @ jacobian
        value, damping = _mean_square(r), self.damping
        iteration, evaluations, flat, refused = 0, 1, 0, 0
        while (reason := trail.reason(iteration, value)) is None:
            trial = self._trial(loss.residual, theta, r, jacobian, normal, damping)
            iteration, evaluations = iteration + 1, evaluations + 2
            new = _mean_square(loss.residual(theta + trial)) if trial is not None else np.inf
            if trial is None or not new < value:
                damping, refused = damping * self.up, refused + 1
                if damping > 1e16 or refused > 60:
                    reason = FLOOR if value < 1e-26 else LINE_SEARCH
                    break
                continue
            flat = flat + 1 if new > value * (1.0 - 1e-10) else 0
            theta = theta + trial
            r, jacobian = loss.residual_jacobian(theta)
            normal = jacobian.T @ jacobian
            value, damping, refused = _mean_square(r), max(damping / self.down, 1e-18), 0
            if flat >= 10:
                reason = FLOOR
                break
        return Minimum(theta, value, iteration, evaluations, reason, tuple(trail.rows))

    def _trial(
        self,
        residual: Callable[[Array], Array],
        theta: Array,
        r: Array,
        jacobian: Array,
        normal: Array,
        damping: float,
    ) -> Array | None:
        """The step, or None if its second-order correction is too large to be trusted."""
        solve = _solver(jacobian, normal, damping)
        velocity = -solve(r)
        if not self.geodesic:
            return velocity
        h = 0.1
        bend = (2.0 / h) * ((residual(theta + h * velocity) - r) / h - jacobian @ velocity)
        if not np.isfinite(bend).all():
            return None
        turn = -solve(bend)
        size = float(np.linalg.norm(velocity))
        if 2.0 * float(np.linalg.norm(turn)) > self.acceleration * size:
            return None
        return velocity + 0.5 * turn


def _solver(jacobian: Array, normal: Array, damping: float) -> Solve:
    """``solve(r)`` = (J'J + lambda I)^-1 J'r by Cholesky, or by QR if Cholesky fails."""
    shift = damping * float(np.trace(normal)) / len(normal)
    normal = normal.copy()
    normal.flat[:: len(normal) + 1] += shift
    try:
        factor = linalg.cho_factor(normal, lower=True, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        return _orthogonal_solver(jacobian, max(shift, 1e-300))

    def solve(r: Array) -> Array:
        answer: Array = linalg.cho_solve(factor, jacobian.T @ r, check_finite=False)
        return answer

    return solve


def _orthogonal_solver(jacobian: Array, shift: float) -> Solve:
    n, p = jacobian.shape
    stacked = np.vstack([jacobian, np.sqrt(shift) * np.eye(p)])
    q, upper = linalg.qr(stacked, mode="economic", overwrite_a=True, check_finite=False)
    upper.flat[:: p + 1] += np.where(np.diag(upper) == 0, 1e-300, 0.0)

    def solve(r: Array) -> Array:
        answer: Array = linalg.solve_triangular(upper, q[:n].T @ r, check_finite=False)
        return answer

    return solve


def _mean_square(r: Array) -> float:
    return float(r @ r) / len(r)
