"""BFGS, self-scaled BFGS and self-scaled Broyden with a dense inverse Hessian.

    H+ = (1/tau) [H - H y y'H / y'Hy + phi v v'] + s s'/y's,   v = sqrt(y'Hy) (s / y's - H y / y'Hy)

BFGS: tau = phi = 1. SSBFGS: tau = min(1, y's / s'Bs), phi = 1. SSBroyden: tau and phi of Al-Baali's switching
rule as in Urban, Stefanou & Pons (arXiv 2405.04230, eqs. 12-20) and Kiyani et al. (arXiv 2501.16371).

BLAS updates one triangle with rank two, and the scale factor is stored separately: O(p^2) for p weights
(SciPy's BFGS multiplies full matrices, O(p^3)). Memory 8 p^2 bytes, which is checked first. Choose SSBroyden for 100
to 10,000 weights and targets below 1e-4, `LBFGS` for more weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from supnorm.evaluation.limit import Limit
from supnorm.results.settings import Limits, Settings
from supnorm.training.line_search import Step, weak_wolfe
from supnorm.training.memory import require_memory
from supnorm.training.optimiser import Loss, Optimiser
from supnorm.training.stopping import FLOOR, LINE_SEARCH, Minimum, Trail

Array = NDArray[np.float64]
# First trial over last step length: 1.2 gradients a step, instead of 1.7 if all trials begin at 1.
GROWTH = 1.3
UPDATES = ("bfgs", "ssbfgs", "ssbroyden")


@dataclass(frozen=True)
class QuasiNewton(Settings, Optimiser):
    """Dense quasi-Newton method.

    Args:
        update: ``"ssbroyden"``, ``"ssbfgs"`` or ``"bfgs"``.
        c1, c2: constants of the weak Wolfe conditions.

    Raises:
        BadInput: for an unknown update.

    >>> from supnorm.training.optimiser import FunctionLoss
    >>> def square(theta):
    ...     return float(theta @ theta), 2.0 * theta
    >>> QuasiNewton().minimise(FunctionLoss(square), np.ones(3), target=1e-20).reason
    'tolerance reached: the loss is at or below its target'
    """

    update: str = "ssbroyden"
    # c1 and c2: the usual ones for quasi-Newton steps (Nocedal and Wright 2006, section 3.1)
    c1: float = 1e-4
    c2: float = 0.9

    LIMITS: ClassVar[Limits] = {"update": tuple(UPDATES)}

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise from ``theta``, shape ``(p,)``.

        Raises:
            BadInput: when the p x p matrix does not fit into memory.
        """
        trail = Trail.of(limit, target)
        require_memory(8.0 * len(theta) ** 2, f"the inverse Hessian of {len(theta)} weights", "use LBFGS()")
        inverse = _InverseHessian(len(theta))
        value, gradient = loss.value_and_grad(theta)
        iteration, evaluations, flat, length = 0, 1, 0, 1.0
        while (reason := trail.reason(iteration, value)) is None:
            direction = -inverse.times(gradient)
            if float(direction @ gradient) >= 0:
                inverse.reset()
                direction = -gradient
            first = (
                length if inverse.updates else min(1.0, 1.0 / max(float(np.linalg.norm(gradient)), 1e-300))
            )
            step = weak_wolfe(
                loss.value_and_grad, theta, value, gradient, direction, c1=self.c1, c2=self.c2, first=first
            )
            evaluations += step.evaluations
            if not step.lowered:
                if not inverse.updates:
                    reason = LINE_SEARCH if float(gradient @ gradient) > 1e-28 * max(value, 1e-30) else FLOOR
                    break
                inverse.reset()
                continue
            inverse.learn(step, theta, gradient, self.update)
            length = min(1.0, GROWTH * step.length)
            flat = flat + 1 if step.loss > value * (1.0 - 1e-12) else 0
            theta, value, gradient, iteration = step.theta, step.loss, step.gradient, iteration + 1
            if flat >= 20:
                reason = FLOOR
                break
        return Minimum(theta, value, iteration, evaluations, reason, tuple(trail.rows))


class _InverseHessian:
    """H = factor * matrix, on the lower triangle of a Fortran-ordered array."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reset()

    def reset(self) -> None:
        self.matrix = np.asfortranarray(np.eye(self.size))
        self.factor = 1.0
        self.updates = 0

    def times(self, vector: Array) -> Array:
        product: Array = blas.dsymv(self.factor, self.matrix, vector, lower=1)
        return product

    def learn(self, step: Step, theta: Array, gradient: Array, update: str) -> None:
        s, y = step.theta - theta, step.gradient - gradient
        ys = float(y @ s)
        if ys <= 1e-16 * float(np.linalg.norm(y) * np.linalg.norm(s)):
            return  # without curvature along the step, the update would lose positive definiteness
        if not self.updates:
            self.factor = ys / float(y @ y)
        u = blas.dsymv(1.0, self.matrix, y, lower=1)
        q = float(y @ u)
        b = -step.length * float(s @ gradient) / ys  # s'Bs / y's, because B s = -t g
        if q <= 0 or b <= 0:
            self.reset()
            return
        tau, phi = _tau_phi(update, b, self.factor * q / ys, self.size)
        factor = self.factor / tau
        alpha = phi * q / ys**2 + 1.0 / (factor * ys)
        other = -phi / ys * u + 0.5 * alpha * s
        self.matrix = blas.dsyr2(1.0, s, other, a=self.matrix, lower=1, overwrite_a=1)
        if phi != 1.0:
            self.matrix = blas.dsyr((phi - 1.0) / q, u, a=self.matrix, lower=1, overwrite_a=1)
        self.factor = factor
        self.updates += 1
        if not 1e-8 < factor < 1e8:
            self.matrix *= factor
            self.factor = 1.0


def _tau_phi(update: str, b: float, h: float, size: int) -> tuple[float, float]:
    """Scaling and Broyden parameter from b = s'Bs / y's and h = y'Hy / y's; h b >= 1 up to rounding."""
    if update == "bfgs":
        return 1.0, 1.0
    shrink = min(1.0, 1.0 / b)
    a = h * b - 1.0
    if update == "ssbfgs" or a <= 1e-14:
        return shrink, 1.0
    c = np.sqrt(a / (a + 1.0))
    rho = min(1.0, h * (1.0 - c))
    theta = max((rho - 1.0) / a, min(1.0 / rho, (1.0 - b) / b))
    sigma = max(1.0 + theta * a, 1e-300)
    factor = sigma ** (-1.0 / max(size - 1, 1))
    tau = shrink * min(factor, 1.0 / theta) if theta > 0 else min(shrink * factor, sigma)
    return float(max(tau, 1e-12)), float((1.0 - theta) / sigma)
