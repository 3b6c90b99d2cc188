"""Test functions of the surrogate-modelling literature, on the unit cube: none was used to design a forecast.

Formulas: Surjanovic and Bingham, Virtual Library of Simulation Experiments (sfu.ca/~ssurjano).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def scaled(u: Array, *ranges: tuple[float, float]) -> tuple[Array, ...]:
    """Columns of the unit cube mapped to the given ranges."""
    return tuple(a + (b - a) * u[:, i] for i, (a, b) in enumerate(ranges))


def branin(u: Array) -> Array:
    x, y = scaled(u, (-5, 10), (0, 15))
    bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return (bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10) / 50


def franke(u: Array) -> Array:
    x, y = 9 * u[:, 0], 9 * u[:, 1]
    return (
        0.75 * np.exp(-((x - 2) ** 2 + (y - 2) ** 2) / 4) + 0.75 * np.exp(-((x + 1) ** 2) / 49 - (y + 1) / 10)
        + 0.5 * np.exp(-((x - 7) ** 2 + (y - 3) ** 2) / 4) - 0.2 * np.exp(-((x - 4) ** 2) - (y - 7) ** 2)
    )  # fmt: skip


def hartmann3(u: Array) -> Array:
    a = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
    p = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
    return -np.exp(-(a * (u[:, None, :] - p) ** 2).sum(axis=2)) @ np.array([1.0, 1.2, 3.0, 3.2])


def ackley2(u: Array) -> Array:
    x = 4 * u - 1.7
    return -np.exp(-0.5 * np.sqrt((x**2).mean(axis=1))) - 0.1 * np.exp(np.cos(2 * np.pi * x).mean(axis=1))


def rosenbrock4(u: Array) -> Array:
    x = 4 * u - 2
    return np.log10(10 + (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1))


def otl6(u: Array) -> Array:
    b1, b2, f, c1, c2, beta = scaled(u, (50, 150), (25, 70), (0.5, 3), (1.2, 2.5), (0.25, 1.2), (50, 300))
    vb1 = 12 * b2 / (b1 + b2)
    part = beta * (c2 + 9)
    return (vb1 + 0.74) * part / (part + f) + 11.35 * f / (part + f) + 0.74 * f * part / ((part + f) * c1)


def piston7(u: Array) -> Array:
    m, s, v0, k, p0, ta, t0 = scaled(
        u, (30, 60), (0.005, 0.02), (0.002, 0.01), (1000, 5000), (9e4, 1.1e5), (290, 296), (340, 360)
    )
    a = p0 * s + 19.62 * m - k * v0 / s
    v = s / (2 * k) * (np.sqrt(a**2 + 4 * k * p0 * v0 / t0 * ta) - a)
    return 2 * np.pi * np.sqrt(m / (k + s**2 * p0 * v0 / t0 * ta / v**2))


def borehole8(u: Array) -> Array:
    rw, r, tu, hu, tl, hl, length, kw = scaled(
        u, (0.05, 0.15), (100, 50000), (63070, 115600), (990, 1110), (63.1, 116), (700, 820), (1120, 1680),
        (9855, 12045),
    )  # fmt: skip
    log = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (log * (1 + 2 * length * tu / (log * rw**2 * kw) + tu / tl)) / 100


def arm4(u: Array) -> Array:
    angle = np.cumsum(2 * np.pi * u[:, :2], axis=1)
    length = u[:, 2:]
    return np.hypot((length * np.cos(angle)).sum(axis=1), (length * np.sin(angle)).sum(axis=1))


def layer3(u: Array) -> Array:
    return np.tanh(8 * (u[:, 0] - 0.5 + 0.2 * np.sin(3 * u[:, 1]))) + u[:, 1] * u[:, 2]


FRESH: dict[str, tuple[Callable[[Array], Array], int]] = {
    "branin": (branin, 2), "franke": (franke, 2), "hartmann3": (hartmann3, 3), "ackley2": (ackley2, 2),
    "rosenbrock4": (rosenbrock4, 4), "otl6": (otl6, 6), "piston7": (piston7, 7), "borehole8": (borehole8, 8),
    "arm4": (arm4, 4), "layer3": (layer3, 3),
}  # fmt: skip
