"""Variance-based sensitivity indices (Sobol), by SciPy. They bound the mean square, never the maximum.

Cost: n (d + 2) calls, n a power of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.sobol import read_table

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sensitivity:
    """First-order and total indices, shape ``(d,)``, for the uniform law on the unit cube."""

    first: Array
    total: Array
    n: int


def sensitivity(f: Callable[[Array], Array], d: int, n: int, rng: np.random.Generator) -> Sensitivity | None:
    """Sobol indices; None when a value is missing or the function is constant.

    >>> indices = sensitivity(lambda u: u[:, 0] + 2 * u[:, 1], 2, 1024, np.random.default_rng(0))
    >>> [round(float(t), 1) for t in indices.total]
    [0.2, 0.8]
    """
    from scipy.stats import sobol_indices, uniform

    if d == 1:
        return Sensitivity(np.ones(1), np.ones(1), 0)
    bad = False

    def rows(x: Array) -> Array:
        nonlocal bad
        values = f(np.ascontiguousarray(x.T))
        bad = bad or not np.isfinite(values).all() or bool(np.ptp(values) == 0.0)
        return np.where(np.isfinite(values), values, 0.0) + (0.0 if not bad else np.arange(len(values)))

    read_table()
    indices = sobol_indices(func=rows, n=n, dists=[uniform()] * d, rng=rng)
    if bad:
        return None
    return Sensitivity(np.asarray(indices.first_order), np.asarray(indices.total_order), n)
