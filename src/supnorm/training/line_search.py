"""Weak-Wolfe line search by bisection and doubling.

Finds t with f(x + t d) <= f + c1 t f' and f'(x + t d) >= c2 f' (Lewis & Overton 2013, algorithm 2.6). It
starts at t = 1, which quasi-Newton directions accept nine times in ten; each trial costs one value and
gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.training.stopping import ValueAndGrad

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Step:
    """An accepted point: step length, point, value, gradient; ``evaluations`` spent; ``found`` or not."""

    length: float
    theta: Array
    loss: float
    gradient: Array
    evaluations: int
    found: bool


def weak_wolfe(
    value_and_grad: ValueAndGrad,
    theta: Array,
    loss: float,
    gradient: Array,
    direction: Array,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    first: float = 1.0,
    trials: int = 30,
) -> Step:
    """A step along ``direction``; ``found`` is False when none lowers the loss within ``trials``.

    A trial that lowers the loss but never meets the curvature condition is accepted after the last trial.
    """
    slope = float(gradient @ direction)
    low, high, t = 0.0, np.inf, first
    best: Step | None = None
    for trial in range(1, trials + 1):
        point = theta + t * direction
        value, slopes = value_and_grad(point)
        if not value <= loss + c1 * t * slope:  # also when the value is NaN
            high = t
        else:
            best = Step(t, point, value, slopes, trial, value < loss)
            if float(slopes @ direction) >= c2 * slope:
                return best
            low = t
        t = 2.0 * low if np.isinf(high) else 0.5 * (low + high)
    if best is None:
        return Step(0.0, theta, loss, gradient, trials, False)
    return Step(best.length, best.theta, best.loss, best.gradient, trials, best.found)
