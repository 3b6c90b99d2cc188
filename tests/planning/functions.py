"""The test functions of the planning room, on [-1, 1]^d."""

from __future__ import annotations

import numpy as np

from supnorm.planning import SmoothClass
from supnorm.planning.theory import theory


def runge1(x):
    return 1 / (1 + 25 * x[:, 0] ** 2)


def abs1(x):
    return np.abs(x[:, 0] - 0.3)


def gauss2(x):
    return np.exp(-2 * ((x - 0.2) ** 2).sum(axis=1))


def comp3(x):
    return np.sin(np.pi * x[:, 0] * x[:, 1]) + x[:, 2] ** 2


def ishi3(x):
    y = np.pi * x
    return (np.sin(y[:, 0]) + 7 * np.sin(y[:, 1]) ** 2 + 0.1 * y[:, 2] ** 4 * np.sin(y[:, 0])) / 10


def kink4(x):
    return np.abs(x[:, 0] + x[:, 1] - 0.3) + 0.5 * np.abs(x[:, 2] * x[:, 3])


def fried5(x):
    u = (x + 1) / 2
    return (
        10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * (u[:, 2] - 0.5) ** 2 + 10 * u[:, 3] + 5 * u[:, 4]
    ) / 10


def ridge6(x):
    return np.cos(x.sum(axis=1))


def peak6(x):
    return np.prod(1 / (1 + (1.5 * x) ** 2), axis=1)


BANK = {
    "runge1": (runge1, 1), "abs1": (abs1, 1), "gauss2": (gauss2, 2), "comp3": (comp3, 3), "ishi3": (ishi3, 3),
    "kink4": (kink4, 4), "fried5": (fried5, 5), "ridge6": (ridge6, 6), "peak6": (peak6, 6),
}  # fmt: skip


def theory_of(d, smoothness, eps, p=np.inf, network=None, **more):
    """The theory of the class of these numbers."""
    return theory(SmoothClass(inputs=d, smoothness=smoothness, **more), eps, p, network)
