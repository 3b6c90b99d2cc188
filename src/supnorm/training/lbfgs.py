"""Limited-memory BFGS: the two-loop recursion of Nocedal (1980) with a weak-Wolfe line search.

O(memory * p) per step and 16 * memory * p bytes. Choose it above about 10,000 weights, or if a dense matrix
does not fit into memory; otherwise choose `QuasiNewton`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.results.settings import Settings
from supnorm.training.line_search import weak_wolfe
from supnorm.training.optimiser import Loss, Optimiser
from supnorm.training.stopping import FLOOR, LINE_SEARCH, Minimum, Trail

Array = NDArray[np.float64]
Pairs = deque[tuple[Array, Array, float]]


@dataclass(frozen=True)
class LBFGS(Settings, Optimiser):
    """Limited-memory BFGS.

    Args:
        memory: number of stored pairs of steps and gradient differences.

    >>> from supnorm.training.optimiser import FunctionLoss
    >>> def square(theta):
    ...     return float(theta @ theta), 2.0 * theta
    >>> LBFGS().minimise(FunctionLoss(square), np.ones(3), target=1e-20).iterations
    2
    """

    # Mean squares after 600 iterations at width 12, medians of 3 seeds of I.6.2 and I.10.7 of `benchmarks.fit`: 1.2e-6 and
    # 1.3e-6; 25 pairs: 2.5e-6 and 3.2e-6; 100 pairs: 1.3e-6 and 1.1e-6.
    memory: int = 50

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise from ``theta``, shape ``(p,)``."""
        trail = Trail.of(limit, target)
        value, gradient = loss.value_and_grad(theta)
        pairs: Pairs = deque(maxlen=self.memory)
        iteration, evaluations, flat = 0, 1, 0
        while (reason := trail.reason(iteration, value)) is None:
            direction = -_times(pairs, gradient)
            first = 1.0 if pairs else min(1.0, 1.0 / max(float(np.linalg.norm(gradient)), 1e-300))
            step = weak_wolfe(loss.value_and_grad, theta, value, gradient, direction, first=first)
            evaluations += step.evaluations
            if not step.lowered:
                if not pairs:
                    reason = LINE_SEARCH if float(gradient @ gradient) > 1e-28 * max(value, 1e-30) else FLOOR
                    break
                pairs.clear()
                continue
            s, y = step.theta - theta, step.gradient - gradient
            if float(s @ y) > 1e-16 * float(np.linalg.norm(s) * np.linalg.norm(y)):
                pairs.append((s, y, 1.0 / float(s @ y)))
            flat = flat + 1 if step.loss > value * (1.0 - 1e-12) else 0
            theta, value, gradient, iteration = step.theta, step.loss, step.gradient, iteration + 1
            if flat >= 20:
                reason = FLOOR
                break
        return Minimum(theta, value, iteration, evaluations, reason, tuple(trail.rows))


def _times(pairs: Pairs, gradient: Array) -> Array:
    """Inverse Hessian times ``gradient`` by the two-loop recursion."""
    vector, weights = gradient.copy(), []
    for s, y, rho in reversed(pairs):
        weights.append(rho * float(s @ vector))
        vector -= weights[-1] * y
    if pairs:
        s, y, _ = pairs[-1]
        vector *= float(s @ y) / float(y @ y)
    for (s, y, rho), weight in zip(pairs, reversed(weights), strict=True):
        vector += (weight - rho * float(y @ vector)) * s
    return vector
