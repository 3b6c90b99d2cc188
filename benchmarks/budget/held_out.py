"""Functions on [-1, 1]^d added after the rules of the verdict were last changed: run once, not tuned on."""

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
