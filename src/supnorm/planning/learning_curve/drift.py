"""Forecast by a drifting slope (M2): log error against log size is a line whose slope wanders.

The state is the level and the slope per doubling. The slope makes a random walk of scale q a doubling; q is unknown and
integrated over a grid with a half-normal prior of scale .16. A Kalman filter gives the level k doublings ahead
and the likelihood of each q; a new run adds the scatter of single runs; Student-5 tails. The prior was tuned
together with the envelope of `forecast` on nine network and ten Gaussian-process learning curves: with .35 the envelope
covered 1.0 at x8 for Gaussian processes with a half-width of x7, with .12 it covered .85 to .90.
Cost: O(training sizes * grid).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve.training_run import ErrorsBySize

Array = NDArray[np.float64]
DRIFTS = np.geomspace(0.01, 1.5, 25)
PRIOR_DRIFT = 0.16  # see above
PRIOR_SLOPE = (-0.7, 1.5)  # mean and deviation of the slope per doubling, natural logarithm: error ~ 1/N
TAILS = 5.0  # degrees of freedom of Student's law: single runs stray further than a normal law has it


def drift_forecast(by_size: ErrorsBySize, size: float, level: float) -> tuple[float, float, float]:
    """Median, lower and upper end of the log error of a new run at ``size``, with coverage ``level``.

    >>> sizes = 2.0 ** np.arange(4, 10)
    >>> by_size = ErrorsBySize(sizes, tuple(np.log(1 / m) + np.array([-0.1, 0.1]) for m in sizes))
    >>> middle, low, high = drift_forecast(by_size, 1024.0, 0.9)
    >>> bool(low < np.log(1 / 1024) < high), bool(abs(middle - np.log(1 / 1024)) < 0.2)
    (True, True)
    """
    parts, weight = _by_drift(by_size, size)
    mean, deviation = parts[0], np.sqrt(parts[1] + by_size.scatter[-1] ** 2)
    low, middle, high = (
        _quantile(mean, deviation, weight, p) for p in ((1 - level) / 2, 0.5, (1 + level) / 2)
    )
    return middle, low, high


def local_slope(by_size: ErrorsBySize) -> tuple[float, float]:
    """The exponent alpha of error ~ size^-alpha at the largest size, and its standard deviation."""
    parts, weight = _by_drift(by_size, by_size.size[-1])
    slope, variance = parts[3], parts[4]
    mean = float(weight @ slope)
    total = float(weight @ (variance + (slope - mean) ** 2))
    return -mean / np.log(2.0), float(np.sqrt(total) / np.log(2.0))


def _by_drift(by_size: ErrorsBySize, size: float) -> tuple[Array, Array]:
    """What `_filter` gives for each drift, a row for each number, and the posterior weights of the drifts."""
    parts = np.array(list(zip(*(_filter(by_size, size, q) for q in DRIFTS), strict=True)))
    likelihood = parts[2] - 0.5 * (DRIFTS / PRIOR_DRIFT) ** 2 + np.log(DRIFTS)
    weight = np.exp(likelihood - likelihood.max())
    return parts, weight / weight.sum()


def _filter(by_size: ErrorsBySize, size: float, q: float) -> tuple[float, float, float, float, float]:
    """Mean and variance of the level at ``size``, log likelihood, slope and its variance at the top."""
    y, noise = by_size.mean, by_size.scatter**2 / by_size.counts
    state = np.array([y[0], PRIOR_SLOPE[0]])
    cov = np.diag([noise[0], PRIOR_SLOPE[1] ** 2])
    likelihood = 0.0
    for i in range(1, len(y)):
        state, cov = _step(state, cov, float(np.log2(by_size.size[i] / by_size.size[i - 1])), q)
        innovation, variance = y[i] - state[0], cov[0, 0] + noise[i]
        likelihood += -0.5 * float(np.log(variance) + innovation**2 / variance)
        gain = cov[:, 0] / variance
        state, cov = state + gain * innovation, cov - np.outer(gain, cov[0])
    slope, slope_variance = float(state[1]), float(cov[1, 1])
    state, cov = _step(state, cov, float(np.log2(size / by_size.size[-1])), q)
    return float(state[0]), float(cov[0, 0]), likelihood, slope, slope_variance


def _step(state: Array, cov: Array, h: float, q: float) -> tuple[Array, Array]:
    """``h`` doublings on: integrated random walk of the slope."""
    move = np.array([[1.0, h], [0.0, 1.0]])
    grown = q**2 * np.array([[h**3 / 3.0, h**2 / 2.0], [h**2 / 2.0, h]])
    return move @ state, move @ cov @ move.T + grown


def _quantile(mean: Array, deviation: Array, weight: Array, p: float) -> float:
    """Quantile of a mixture of Student-5 laws, by bisection."""
    from scipy.special import stdtr

    low, high = float((mean - 40 * deviation).min()), float((mean + 40 * deviation).max())
    for _ in range(80):
        middle = 0.5 * (low + high)
        below = float(weight @ stdtr(TAILS, (middle - mean) / deviation))
        low, high = (middle, high) if below < p else (low, middle)
    return 0.5 * (low + high)
