"""Adam (Kingma & Ba 2015) with a cosine decay of the rate.

One value and gradient per step, O(p) memory; the loss may be a random batch. Choose it for the first steps
of a large network or for random batches, and continue with a second-order method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.results.settings import Settings
from supnorm.training.decay import half_cosine
from supnorm.training.optimiser import Loss, Optimiser
from supnorm.training.stopping import Minimum, Trail

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Adam(Settings, Optimiser):
    """Adam with decay.

    Args:
        rate: at the start; falls to ``rate * final`` along a half cosine over the iterations of the limit.
        b1, b2: decay of the means of gradient and squared gradient.
        batch: number of random rows for each step; None for all rows.

    >>> from supnorm.training.optimiser import FunctionLoss
    >>> def square(theta):
    ...     return float(theta @ theta), 2.0 * theta
    >>> Adam(rate=0.1).minimise(FunctionLoss(square), np.ones(3), Limit(evaluations=300)).loss < 1e-6
    True
    """

    scheduled: ClassVar[bool] = True
    # Mean squares after 1,000 steps at width 12, medians of 3 seeds of I.6.2 and I.10.7 of `benchmarks.fit`: 2.6e-3 and
    # 3.9e-3; 0.0015: 1.2e-2, 1.0e-2; 0.006: 5.6e-4, 1.6e-3. b1 and b2 are those of the method's authors.
    rate: float = 3e-3
    final: float = 1e-2
    b1: float = 0.9
    b2: float = 0.999
    batch: int | None = None

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise from ``theta``, shape ``(p,)``; returns the best point met (with batches the last one)."""
        value_and_grad = loss.value_and_grad if self.batch is None else loss.on_batches(self.batch)
        trail = Trail.of(limit, target)
        theta, mean, square = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
        best_loss, best = math.inf, theta
        iteration = 0
        while True:
            value, gradient = value_and_grad(theta)
            if self.batch is not None or value < best_loss:
                best_loss, best = value, theta
            if (reason := trail.reason(iteration, value)) is not None:
                return Minimum(best, best_loss, iteration, iteration + 1, reason, tuple(trail.rows))
            mean = self.b1 * mean + (1.0 - self.b1) * gradient
            square = self.b2 * square + (1.0 - self.b2) * gradient**2
            iteration += 1
            corrected = np.sqrt(square / (1.0 - self.b2**iteration)) + 1e-12
            rate = half_cosine(self.rate, self.final, iteration / trail.limit.evaluations)
            theta = theta - rate * mean / ((1.0 - self.b1**iteration) * corrected)
