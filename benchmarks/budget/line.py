"""Forecast by a straight line in log-log (M0), with the usual t interval: the baseline that others print.

It does not foresee the floor of the training, so its intervals cover less than they say (benchmarks/budget/README.md, rows
*line*); it stands here to be compared with. Cost: O(runs).
"""

from __future__ import annotations

import numpy as np

from supnorm.planning.learning_curve.training_run import ErrorsBySize


def line_forecast(by_size: ErrorsBySize, size: float, level: float) -> tuple[float, float, float]:
    """Median, lower and upper end of the log error of a new run at ``size``.

    >>> sizes = 2.0 ** np.arange(4, 8)
    >>> by_size = ErrorsBySize(sizes, tuple(np.log(1 / m) + np.array([-0.1, 0.1]) for m in sizes))
    >>> [round(float(np.exp(v) * 256), 1) for v in line_forecast(by_size, 256.0, 0.9)]
    [1.0, 0.7, 1.3]
    """
    from scipy.special import stdtrit

    x = np.concatenate([np.full(len(v), np.log(s)) for s, v in zip(by_size.size, by_size.logs, strict=True)])
    y = np.concatenate(by_size.logs)
    slope, intercept = np.polyfit(x, y, 1)
    spare = len(y) - 2
    variance = ((y - slope * x - intercept) ** 2).sum() / spare
    at = np.log(size)
    leverage = 1.0 + 1.0 / len(y) + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    half = float(stdtrit(spare, 0.5 * (1 + level)) * np.sqrt(variance * leverage))
    middle = float(slope * at + intercept)
    return middle, middle - half, middle + half
