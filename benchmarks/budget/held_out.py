"""Functions on [-1, 1]^d that the rules of the verdict had not seen: two banks, each run before any change.

`HELD_OUT` showed two faults, which were repaired (see README); `LAST` was written after that and run once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.budget.functions import scaled
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit(x: Array) -> Array:
    return (x + 1) / 2


def wing10(x: Array) -> Array:
    s, w, a, sweep, q, taper, t, n, dg, paint = scaled(
        unit(x), (150, 200), (220, 300), (6, 10), (-10, 10), (16, 45), (0.5, 1), (0.08, 0.18), (2.5, 6),
        (1700, 2500), (0.025, 0.08),
    )  # fmt: skip
    c = np.cos(np.radians(sweep))
    core = s**0.758 * w**0.0035 * (a / c**2) ** 0.6 * q**0.006 * taper**0.04
    return (0.036 * core * (100 * t / c) ** -0.3 * (n * dg) ** 0.49 + s * paint) / 100


def currin2(x: Array) -> Array:
    u, v = unit(x).T
    damped = 1 - np.exp(-0.5 / np.maximum(v, 1e-12))
    return damped * (2300 * u**3 + 1900 * u**2 + 2092 * u + 60) / (100 * u**3 + 500 * u**2 + 4 * u + 20)


def park4(x: Array) -> Array:
    a, b, c, e = unit(x).T * 0.95 + 0.05
    return a / 2 * (np.sqrt(1 + (b + c**2) * e / a**2) - 1) + (a + 3 * e) * np.exp(1 + np.sin(c))


def gramacy6(x: Array) -> Array:
    u = unit(x)
    return np.exp(np.sin((0.9 * (u[:, 0] + 0.48)) ** 10)) + u[:, 1] * u[:, 2] + u[:, 3]


def oakley2(x: Array) -> Array:
    return 5 + x[:, 0] + x[:, 1] + 2 * np.cos(3 * x[:, 0]) + 2 * np.sin(3 * x[:, 1])


def morokoff6(x: Array) -> Array:
    return (7 / 6) ** 6 * np.prod(unit(x) * 0.99 + 0.01, axis=1) ** (1 / 6)


def zhou3(x: Array) -> Array:
    bump = lambda y: np.exp(-0.5 * (y**2).sum(axis=1))  # noqa: E731
    return bump(6 * (unit(x) - 1 / 3)) + bump(6 * (unit(x) - 2 / 3))


HELD_OUT: dict[str, tuple[Callable[[Array], Array], int]] = {
    "wing10": (wing10, 10), "currin2": (currin2, 2), "park4": (park4, 4), "gramacy6": (gramacy6, 6),
    "oakley2": (oakley2, 2), "morokoff6": (morokoff6, 6), "zhou3": (zhou3, 3),
    "genz_wave5": (lambda x: np.cos(1 + unit(x) @ np.array([1.0, 2, 0.5, 1.5, 1])), 5),
    "genz_cusp4": (lambda x: np.exp(-np.abs(unit(x) - 0.4).sum(axis=1) * 2), 4),
    "genz_gauss5": (lambda x: np.exp(-3 * ((unit(x) - 0.45) ** 2).sum(axis=1)), 5),
    "step1": (lambda x: np.where(x[:, 0] > 0.137, 1.0, 0.0) + np.sin(x[:, 0]), 1),
    "front1": (lambda x: np.tanh(60 * (x[:, 0] - 0.2)), 1),
    "max4": (lambda x: np.maximum(x[:, 0] + x[:, 1], x[:, 2] * x[:, 3]), 4),
    "ratio5": (lambda x: (x[:, 0] + 2 * x[:, 1] * x[:, 2]) / (3 + x[:, 3] + x[:, 4]), 5),
}  # fmt: skip


def cantilever6(x: Array) -> Array:
    r, e, p, q, w, t = scaled(unit(x), (3e4, 5e4), (2.6e7, 3.2e7), (400, 600), (800, 1200), (2, 4), (2, 4))
    return 4e6 / (e * w * t) * np.sqrt((q / t**2) ** 2 + (p / w**2) ** 2) * 1e3 + 1e-5 * r


def column3(x: Array) -> Array:
    y, m, p = scaled(unit(x), (4, 7), (1200, 2800), (300, 700))
    return 1 - 4 * m / (5 * 225 * y) - p**2 / (25 * 225 * y**2)


def spill4(x: Array) -> Array:
    m, d, length, tau = scaled(unit(x), (7, 13), (0.02, 0.12), (0.01, 3), (30.01, 30.295))
    s, t = 1.5, 50.0
    late = m / np.sqrt(d * (t - tau)) * np.exp(-((s - length) ** 2) / (4 * d * (t - tau)))
    return m / np.sqrt(d * t) * np.exp(-(s**2) / (4 * d * t)) + late


def holder2(x: Array) -> Array:
    z = 4 * x
    return np.abs(np.sin(z[:, 0]) * np.cos(z[:, 1]) * np.exp(np.abs(1 - np.hypot(z[:, 0], z[:, 1]) / np.pi)))


def levy4(x: Array) -> Array:
    w = 1 + (4 * x - 1) / 4
    inner = ((w[:, :-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:, :-1] + 1) ** 2)).sum(axis=1)
    return (
        np.sin(np.pi * w[:, 0]) ** 2 + inner + (w[:, -1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[:, -1]) ** 2)
    )


def camel2(x: Array) -> Array:
    a, b = 2 * x[:, 0], x[:, 1]
    return (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (-4 + 4 * b**2) * b**2


def g6(x: Array) -> Array:
    a = np.array([0.5, 1, 2, 4, 8, 16])
    return np.prod((np.abs(4 * unit(x) - 2) + a) / (1 + a), axis=1)


LAST: dict[str, tuple[Callable[[Array], Array], int]] = {
    "cantilever6": (cantilever6, 6), "column3": (column3, 3), "spill4": (spill4, 4), "holder2": (holder2, 2),
    "levy4": (levy4, 4), "camel2": (camel2, 2), "g6": (g6, 6),
    "sulfur7": (lambda x: np.prod(1.5 + unit(x), axis=1) * unit(x)[:, 0], 7),
    "layered5": (lambda x: np.tanh(2 * x[:, 0] + x[:, 1] * x[:, 2] - np.sin(2 * x[:, 3] + x[:, 4] * x[:, 0])), 5),
    "ring2": (lambda x: np.exp(-((np.hypot(x[:, 0], x[:, 1]) - 0.6) ** 2) * 20), 2),
}  # fmt: skip
