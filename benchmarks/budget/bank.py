"""Functions on [-1, 1]^d with different best tools: the bank for the verdicts of `budget`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.budget.functions import FRESH
from numpy.typing import NDArray
from tests.planning.functions import BANK as NAMED

Array = NDArray[np.float64]


def on_cube(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: f((x + 1) / 2)


def teacher(d: int, width: int, seed: int) -> Callable[[Array], Array]:
    """A random tanh network of one hidden layer."""
    rng = np.random.default_rng(seed)
    w, b, v = rng.standard_normal((d, width)) * 1.5, rng.standard_normal(width), rng.standard_normal(width)
    return lambda x: np.tanh(x @ w + b) @ v


MORE: dict[str, tuple[Callable[[Array], Array], int]] = {
    "sum10": (lambda x: np.exp(0.5 * x).sum(axis=1), 10),
    "product5": (lambda x: np.prod(np.cos(2 * x), axis=1), 5),
    "quartic4": (lambda x: np.exp(-((x[:, 0] * x[:, 1] - x[:, 2]) ** 2) - 0.5 * x[:, 3] * x[:, 0]), 4),
    "jump2": (lambda x: np.where(x[:, 0] + 0.5 * x[:, 1] > 0.2, 1.0, 0.0) + x[:, 1], 2),
    "pole3": (lambda x: 1 / np.sqrt(((x - 0.3) ** 2).sum(axis=1)), 3),
    "root1": (lambda x: np.sqrt(np.abs(x[:, 0] - 0.3)), 1),
    "wave1": (lambda x: np.cos(60 * x[:, 0]) * np.exp(x[:, 0]), 1),
    "corner5": (lambda x: (1 + 0.2 * (x + 1).sum(axis=1)) ** -6.0, 5),
    "rational6": (lambda x: 1 / (1 + (x**2).sum(axis=1)), 6),
    "teacher5": (teacher(5, 6, 0), 5),
    "teacher8": (teacher(8, 6, 1), 8),
    "bilinear12": (lambda x: (x[:, :6] * x[:, 6:]).sum(axis=1) + x.sum(axis=1), 12),
}

BANK = NAMED | {name: (on_cube(f), d) for name, (f, d) in FRESH.items()} | MORE
