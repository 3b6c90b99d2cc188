"""The functions of the paper on [-1, 1]^d; formulas recovered from the authors' data files, which they match to 1e-13."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def k1(x: Array) -> Array:
    """log(sin(10 x) + 2) + sin(x)."""
    return np.asarray(np.log(np.sin(10 * x[:, 0]) + 2) + np.sin(x[:, 0]))


def k10(x: Array) -> Array:
    """log(sin(100 x) + 2) + sin(10 x)."""
    return np.asarray(np.log(np.sin(100 * x[:, 0]) + 2) + np.sin(10 * x[:, 0]))


def peak(x: Array) -> Array:
    """0.98 / (1 - 0.98 sin(pi x))."""
    return np.asarray(0.98 / (1 - 0.98 * np.sin(np.pi * x[:, 0])))


def exp_cos(x: Array) -> Array:
    """exp(-sum cos(x_i) / (8 d))."""
    return np.asarray(np.exp(-np.cos(x).sum(axis=1) / (8 * x.shape[1])))


def exp_cos5(x: Array) -> Array:
    """exp(-sum cos(5 x_i))."""
    return np.asarray(np.exp(-np.cos(5 * x).sum(axis=1)))


def slower_decay(x: Array) -> Array:
    """A d-th root of a quotient of products; 1 + 4 x^2 for one input."""
    d = x.shape[1]
    if d == 1:
        return np.asarray(1 + 4 * x[:, 0] ** 2)
    half = d // 2
    above = np.prod([1 + 4.0**k * x[:, k - 1] ** 2 for k in range(1, half + 1)], axis=0)
    below = np.prod([100 + 5 * x[:, k - 1] for k in range(half + 1, d + 1)], axis=0)
    return np.asarray((above / below) ** (1.0 / d))


def halfspace(x: Array) -> Array:
    """1 where sum x_i >= 0, else 0."""
    return np.asarray((x.sum(axis=1) >= 0).astype(float))


def indicator(x: Array) -> Array:
    """1 where all |x_i| <= 1/2, else 0."""
    return np.asarray((np.abs(x).max(axis=1) <= 0.5).astype(float))


# Function, dimensions of the usual effort, samples there, and whether it is smooth.
FUNCTIONS: dict[str, tuple[Callable[[Array], Array], dict[int, int], bool]] = {
    "K1": (k1, {1: 250}, True),
    "K10": (k10, {1: 750}, True),
    "f1": (peak, {1: 250}, True),
    "exp_cos": (exp_cos, {2: 1000, 4: 1000, 8: 1000}, True),
    "exp_cos5": (exp_cos5, {1: 250, 2: 1000}, True),
    "slower_decay": (slower_decay, {2: 1000, 4: 1000}, True),
    "halfspace": (halfspace, {2: 1000}, False),
    "indicator": (indicator, {2: 1000}, False),
}
