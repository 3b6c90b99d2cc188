"""Forecast by a power law with a floor (M1): error = a N^-alpha + c, fitted in the logarithm, bootstrapped
over seeds.

The fit is a search over a grid of (alpha, c / a) with log a in closed form, so that 200 resamples cost
milliseconds. Alone it is too sure of itself (``benchmarks/budget/results/forecast_*.json`` have its coverage): it is one
member of the envelope in `forecast`. Cost: resamples * 1600 * training sizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve.training_run import ErrorsBySize

Array = NDArray[np.float64]
ALPHAS = np.linspace(0.0, 5.0, 51)
RESAMPLES = 200  # 20 of them lie beyond the ends of an interval of 90 %


def power_law_forecast(by_size: ErrorsBySize, size: float, level: float) -> tuple[float, float, float]:
    """Median, lower and upper end of the log error of a new run at ``size``.

    The resampling has its own fixed stream: the same learning curve gives the same forecast.

    >>> sizes = 2.0 ** np.arange(4, 10)
    >>> by_size = ErrorsBySize(sizes, tuple(np.log(4 / m**2 + 1e-3) + np.array([-0.05, 0.05]) for m in sizes))
    >>> middle, low, high = power_law_forecast(by_size, 2048.0, 0.9)
    >>> bool(low < np.log(4 / 2048**2 + 1e-3) < high)
    True
    """
    rng = np.random.default_rng(0)
    shapes, at_size = _shapes(by_size.size, size)
    weight = by_size.counts / by_size.scatter**2
    weight /= weight.sum()
    draws = np.stack([rng.choice(x, (RESAMPLES, len(x))).mean(axis=1) for x in by_size.logs], axis=1)
    # SSE after the best constant: sum w (y - s)^2 - (sum w (y - s))^2, expanded to avoid a 3-d array.
    offset = (draws * weight).sum(axis=1)[:, None] - (shapes * weight).sum(axis=1)
    cross = (draws * weight) @ shapes.T
    squares = (draws**2 * weight).sum(axis=1)[:, None] - 2 * cross + (shapes**2 * weight).sum(axis=1)
    best = (squares - offset**2).argmin(axis=1)
    future = offset[np.arange(RESAMPLES), best] + at_size[best]
    runs = future + by_size.scatter[-1] * rng.standard_normal(RESAMPLES)
    low, middle, high = np.quantile(runs, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return float(middle), float(low), float(high)


def _shapes(sizes: Array, size: float) -> tuple[Array, Array]:
    """log(N^-alpha + r) on the training sizes and at ``size``, for a grid of alpha and floors r."""
    scaled, future = sizes / sizes[0], size / sizes[0]
    floors = np.concatenate([[0.0], np.geomspace(1e-6, 10.0, 31)])
    alpha, floor = (g.ravel() for g in np.meshgrid(ALPHAS, floors, indexing="ij"))
    shapes = np.log(scaled[None, :] ** -alpha[:, None] + floor[:, None])
    return shapes, np.log(future**-alpha + floor)
