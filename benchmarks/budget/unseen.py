"""Functions on [-1, 1]^d that no rule of the verdict had seen: written before any of them was run.

Standard names of the emulation and integration lists (Surjanovic and Bingham, Virtual Library of Simulation
Experiments; Genz 1984; Friedman 1991) that the other banks do not use, with their usual ranges or a cut-out.
An entry is (function, inputs) or, with noise, (function, inputs, truth): errors are measured against the truth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from benchmarks.budget.functions import scaled
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit(x: Array) -> Array:
    return (x + 1) / 2


def morris20(x: Array) -> Array:
    """Morris 1991, 20 inputs, with the random small coefficients left out."""
    u = unit(x)
    w = 2 * (u - 0.5)
    for i in (2, 4, 6):
        w[:, i] = 2 * (1.1 * u[:, i] / (u[:, i] + 0.1) - 0.5)
    total = 20 * w[:, :10].sum(axis=1)
    pairs = w[:, :6].sum(axis=1) ** 2 - (w[:, :6] ** 2).sum(axis=1)
    s = w[:, :5]
    e1, e2, e3 = (np.sum(s**k, axis=1) for k in (1, 2, 3))
    triples = (e1**3 - 3 * e1 * e2 + 2 * e3) / 6
    return (total - 15 * pairs / 2 - 10 * triples + 5 * np.prod(w[:, :4], axis=1)) / 100


def griewank3(x: Array) -> Array:
    z = 5 * x
    return (z**2).sum(axis=1) / 40 - np.prod(np.cos(z / np.sqrt([1.0, 2.0, 3.0])), axis=1)


def ackley3(x: Array) -> Array:
    """A cut-out that does not hold the cusp."""
    z = 1.25 + 0.5 * x
    return -2 * np.exp(-0.2 * np.sqrt((z**2).mean(axis=1))) - 0.1 * np.exp(np.cos(2 * np.pi * z).mean(axis=1))


def genz_jump3(x: Array) -> Array:
    u = unit(x)
    inside = (u[:, 0] < 0.45) & (u[:, 1] < 0.55)
    return np.where(inside, np.exp(u @ np.array([1.0, 0.8, 0.6])), 0.0)


def dette3(x: Array) -> Array:
    a, b, c = unit(x).T
    return 4 * (a - 2 + 8 * b - 8 * b**2) ** 2 + (3 - 4 * b) ** 2 + 16 * np.sqrt(c + 1) * (2 * c - 1) ** 2


def lim2(x: Array) -> Array:
    a, b = unit(x).T
    return ((30 + 5 * a * np.sin(5 * a)) * (4 + np.exp(-5 * b)) - 100) / 6


def bratley6(x: Array) -> Array:
    u = unit(x)
    return sum((-1.0) ** i * np.prod(u[:, :i], axis=1) for i in range(1, 7))


def parkb4(x: Array) -> Array:
    a, b, c, e = unit(x).T
    return 2 / 3 * np.exp(a + b) - e * np.sin(c) + c


def welch20(x: Array) -> Array:
    z = 0.5 * x
    return (
        5 * z[:, 11] / (1 + z[:, 0]) + 5 * (z[:, 3] - z[:, 19]) ** 2 + z[:, 4] + 40 * z[:, 18] ** 3
        - 5 * z[:, 18] + 0.05 * z[:, 1] + 0.08 * z[:, 2] - 0.03 * z[:, 5] + 0.03 * z[:, 6]
        - 0.09 * z[:, 8] - 0.01 * z[:, 9] - 0.07 * z[:, 10] + 0.25 * z[:, 12] ** 2 - 0.04 * z[:, 13]
        + 0.06 * z[:, 14] - 0.01 * z[:, 16] - 0.03 * z[:, 17]
    )  # fmt: skip


def shekel4(x: Array) -> Array:
    z = 5 + 5 * x
    centres = np.array([[4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7]], dtype=float)
    beta = np.array([0.1, 0.2, 0.2, 0.4, 0.4])
    return -(1 / (((z[:, None, :] - centres) ** 2).sum(axis=2) + beta)).sum(axis=1)


def hartmann6(x: Array) -> Array:
    a = np.array([
        [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ])  # fmt: skip
    p = 1e-4 * np.array([
        [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
    ])  # fmt: skip
    return -np.exp(-(a * (unit(x)[:, None, :] - p) ** 2).sum(axis=2)) @ np.array([1.0, 1.2, 3.0, 3.2])


def goldstein2(x: Array) -> Array:
    a, b = (2 * x).T
    first = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    second = 30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    return np.log(first * second) / 2.427


def schwefel3(x: Array) -> Array:
    z = 200 * x
    return (z * np.sin(np.sqrt(np.abs(z)))).sum(axis=1) / 100


def bukin2(x: Array) -> Array:
    a, b = -10 + 5 * x[:, 0], 3 * x[:, 1]
    return 100 * np.sqrt(np.abs(b - 0.01 * a**2)) + 0.01 * np.abs(a + 10)


def flood8(x: Array) -> Array:
    q, k, zv, zm, hd, cb, length, width = scaled(
        unit(x), (500, 3000), (15, 55), (49, 51), (54, 56), (7, 9), (55, 56), (4990, 5010), (295, 305)
    )
    depth = (q / (width * k * np.sqrt((zm - zv) / length))) ** 0.6
    return zv + depth - hd - cb


def cliff2(x: Array) -> Array:
    u = unit(x)
    return (np.tanh(9 * (u[:, 1] - u[:, 0])) + 1) / 9


def friedman4(x: Array) -> Array:
    """Friedman's second function; the first input starts at 1 so that the root has no zero."""
    a, b, c, e = scaled(unit(x), (1, 100), (40 * np.pi, 560 * np.pi), (0.05, 1), (1, 11))
    return np.sqrt(a**2 + (b * c - 1 / (b * e)) ** 2) / 1000


def noise(x: Array) -> Array:
    """Reproducible noise of unit deviation, by scrambling the digits of the inputs."""
    mixed = np.abs(np.sin(x @ (12.9898 * np.arange(1, x.shape[1] + 1) + 78.233)) * 43758.5453) % 1.0
    return np.sqrt(12.0) * (mixed - 0.5)


def cheng2(x: Array) -> Array:
    return np.cos(x[:, 0] + x[:, 1]) * np.exp(x[:, 0] * x[:, 1])


UNSEEN: dict[str, tuple[Any, ...]] = {
    "morris20": (morris20, 20), "griewank3": (griewank3, 3), "ackley3": (ackley3, 3),
    "genz_jump3": (genz_jump3, 3), "dette3": (dette3, 3), "lim2": (lim2, 2), "bratley6": (bratley6, 6),
    "parkb4": (parkb4, 4), "welch20": (welch20, 20), "shekel4": (shekel4, 4), "hartmann6": (hartmann6, 6),
    "goldstein2": (goldstein2, 2), "schwefel3": (schwefel3, 3), "bukin2": (bukin2, 2), "flood8": (flood8, 8),
    "cliff2": (cliff2, 2), "friedman4": (friedman4, 4),
    "styblinski5": (lambda x: (((5 * x) ** 4 - 16 * (5 * x) ** 2 + 25 * x) / 2).sum(axis=1) / 100, 5),
    "forrester1": (lambda x: (3 * x[:, 0] + 1) ** 2 * np.sin(6 * x[:, 0] + 2), 1),
    "hinge5": (lambda x: np.maximum(x @ np.array([1.0, 0.8, 0.6, 0.4, 0.2]) - 0.2, 0.0), 5),
    "hinges3": (lambda x: np.abs(x[:, 0] - 0.3 * x[:, 1]) + np.maximum(x[:, 1] + x[:, 2], 0.1), 3),
    "step1b": (lambda x: np.where(x[:, 0] > -0.31, np.exp(x[:, 0]), np.cos(3 * x[:, 0]) - 2), 1),
    "noisy_cheng2": (lambda x: cheng2(x) + 2e-4 * noise(x), 2, cheng2),
    "network4": (lambda x: 1 / (1 + np.exp(-4 * x[:, 0] - 2 * x[:, 1])) - np.tanh(
        3 * x[:, 2] * x[:, 0] + 2 * x[:, 3]) * np.tanh(2 * x[:, 1] - x[:, 3]), 4),
}  # fmt: skip
