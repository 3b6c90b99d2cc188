"""Difference quotients: an average of a derivative, so never above its maximum."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def multi_indices(d: int, order: int) -> Iterator[tuple[int, ...]]:
    """All multi-indices of ``d`` entries with the given sum."""
    return (a for a in itertools.product(range(order + 1), repeat=d) if sum(a) == order)


def quotient(f: Callable[[Array], Array], x: Array, alpha: tuple[int, ...], h: float) -> Array:
    """The forward difference quotient of ``f`` of order ``alpha`` at the rows of ``x``, step ``h``."""
    if sum(alpha) == 0:
        return f(x)
    i = next(j for j, a in enumerate(alpha) if a)
    lower = tuple(a - (j == i) for j, a in enumerate(alpha))
    step = np.zeros(x.shape[1])
    step[i] = h
    return (quotient(f, x + step, lower, h) - quotient(f, x, lower, h)) / h


def largest_quotient(
    f: Callable[[Array], Array], d: int, order: int, h: float, around: Array, width: float
) -> float:
    """The largest quotient of that order over 4000 points of the cube within ``width`` of ``around``."""
    rng = np.random.default_rng(order)
    low = np.clip(around - width, 0.0, 1.0 - order * h)
    high = np.clip(around + width, 0.0, 1.0 - order * h)
    x = low + rng.random((4000, d)) * (high - low)
    return max(float(np.abs(quotient(f, x, a, h)).max()) for a in multi_indices(d, order))
