"""Root mean squares and other power means of numbers whose powers would overflow, or vanish.

Squares of numbers above 1e154 are infinite, and squares of numbers below 1e-162 are 0. So numbers of unusual size are
first divided by the largest of them. All other numbers are divided by 1, which does not change even their last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Of a power in double and in single precision: sums of larger ones might overflow; below its inverse too little is left.
MOST, MOST_IN_SINGLE = 1e250, 1e30


def unit(values: Array, power: float, axis: int | None = None) -> Array:
    """The divisor of numbers before they are raised to a power: 1 unless the power could overflow or vanish.

    Args:
        axis: a unit for each column with 0, shape ``(m,)``; one for all without.

    >>> float(unit(np.array([1.0, -3.0]), 2.0)), float(unit(np.array([1.0, -3e200]), 2.0))
    (1.0, 3e+200)
    """
    finite = np.isfinite(values)
    top = np.maximum(
        np.max(values, where=finite, initial=0.0, axis=axis),
        -np.min(values, where=finite, initial=0.0, axis=axis),
    )
    single = top.dtype == np.float32
    high = (MOST_IN_SINGLE if single else MOST) ** (1 / power)
    smallest = np.finfo(np.float32 if single else np.float64).tiny
    return np.where((1 / high < top) & (top < high), 1.0, np.maximum(top, smallest))


def rms(values: Array, axis: int | None = None) -> Array:
    """Root mean square of all numbers, or of each column with ``axis = 0``.

    >>> rms(np.array([3e200, 3e200])).item()
    3e+200
    """
    size = unit(values, 2.0, axis)
    return np.asarray(size * np.sqrt(np.mean((values / size) ** 2, axis=axis)))


def mean_and_deviation(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each column of ``values (n, m)``, shapes ``(m,)``.

    >>> [[f"{x:.6g}" for x in v] for v in mean_and_deviation(np.array([[1e-200, 1.0], [3e-200, 3.0]]))]
    [['2e-200', '2'], ['1e-200', '1']]
    """
    size = unit(values, 2.0, axis=0)
    scaled = values / size
    return size * scaled.mean(0), size * scaled.std(0)
