"""Jumps of labels over one input: steps that the neighbouring samples do not explain.

A gap between neighbouring samples contains a jump if its step is

* more than 3 times each of the three steps on either side (one wrong label makes two steps and is not called a jump),
* more than 4 times the rise over the gap of the straight lines through the four samples on either side,
* more than 8 times the mean step (noise), and more than 1 % of the range (rounding).

Samples cannot distinguish a jump from a rise that they do not resolve: both are reported. `python -m benchmarks.fit
--part jumps` counts how often jumps are reported for smooth, steep, kinked, singular and noisy functions, and how often a
jump is found (docs/fit.md). A jump with fewer than four samples on one side is not found.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
SIDE = 3  # number of steps on either side
SAMPLES = 4  # number of samples for the line on either side
# The numbers of the rules above; `python -m benchmarks.fit --part jumps` counts wrong and missed jumps.
STEPS, SLOPES, MEAN, RANGE = 3.0, 4.0, 8.0, 0.01


def line_jumps(t: Array, y: Array) -> NDArray[np.int64]:
    """The indices k where labels ``y (n, m)`` jump between ``t[k]`` and ``t[k + 1]``; ``t (n,)`` increases.

    >>> t = np.linspace(0.0, 1.0, 40)
    >>> line_jumps(t, np.sin(t)[:, None] + (t > 0.5)[:, None]).tolist()
    [19]
    """
    if len(t) < 2 * SAMPLES:
        return np.empty(0, dtype=np.int64)
    jumps = [_one_output(t, column) for column in y.T]
    return np.unique(np.concatenate(jumps))


def _one_output(t: Array, y: Array) -> NDArray[np.int64]:
    steps, gaps = np.abs(np.diff(y)), np.diff(t)
    k = np.arange(SIDE, len(steps) - SIDE)
    around = sliding_window_view(steps, 2 * SIDE + 1)
    others = np.delete(around, SIDE, axis=1).max(axis=1)
    slopes = np.abs(_slopes(t, y))
    rise = gaps[k] * np.maximum(slopes[k - SAMPLES + 1], slopes[k + 1])
    least = max(MEAN * float(steps.mean()), RANGE * float(np.ptp(y)))
    jumps = (steps[k] > STEPS * others) & (steps[k] > SLOPES * rise) & (steps[k] > least)
    indices: NDArray[np.int64] = k[jumps]
    return indices


def _slopes(t: Array, y: Array) -> Array:
    """Slopes of the least-squares lines through samples j ... j + 3, for all j."""
    x = sliding_window_view(t, SAMPLES)
    x = x - x.mean(axis=1, keepdims=True)
    squares = np.sum(x * x, axis=1)
    products = np.sum(x * sliding_window_view(y, SAMPLES), axis=1)
    slopes: Array = products / np.where(squares > 0, squares, 1.0)
    return slopes
