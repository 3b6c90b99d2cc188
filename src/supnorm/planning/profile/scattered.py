"""What scattered data show about smoothness: how differences between close neighbours grow with their distance.

The median of |f(x) - f(y)| over pairs at distance r grows like r^min(s, 1). Orders above 1 cannot be distinguished
from scattered data: the slope saturates. It is the order at typical points: a single kink does not move the
median. Cost: O(N log N).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def difference_order(x: Array, y: Array) -> float:
    """``min(s, 1)`` from points ``x``, shape ``(N, d)``, in the unit cube, and values ``y``, shape ``(N,)``.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.random((2000, 1))
    >>> round(difference_order(x, np.exp(x[:, 0])), 1)
    1.0
    """
    from scipy.spatial import cKDTree

    distance, index = cKDTree(x).query(x, k=min(16, len(x)))
    r, delta = distance[:, 1:].ravel(), np.abs(y[:, None] - y[index[:, 1:]]).ravel()
    positive = (r > 0) & (delta > 0)
    if positive.sum() < 50:
        return float("nan")
    r, delta = np.log(r[positive]), np.log(delta[positive])
    edges = np.quantile(r, np.linspace(0.0, 1.0, 9))
    group = np.clip(np.searchsorted(edges, r) - 1, 0, 7)
    centre = np.array([np.median(r[group == g]) for g in range(8)])
    level = np.array([np.median(delta[group == g]) for g in range(8)])
    return float(np.clip(np.polyfit(centre, level, 1)[0], 0.0, 1.0))
