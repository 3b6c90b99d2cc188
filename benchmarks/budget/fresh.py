"""Functions on the unit cube for the final check of the forecast: written before any learning curve of them was measured.

Closed or quickly solved formulas of physics and engineering, kinks and layers, and draws from seeded families (random
fields, random polynomials, random networks of sines), in 1 to 6 inputs. None was left out after a result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.budget.functions import scaled
from numpy.typing import NDArray

Array = NDArray[np.float64]


def airy1(u: Array) -> Array:
    """The Airy function from its oscillations into its decay."""
    from scipy.special import airy

    return airy(-8 + 10 * u[:, 0])[0]


def pendulum1(u: Array) -> Array:
    """Period of a pendulum over its amplitude, 0 to 175 degrees: a logarithmic singularity close by."""
    from scipy.special import ellipk

    return ellipk(np.sin(np.radians(175 * u[:, 0]) / 2) ** 2)


def fermi1(u: Array) -> Array:
    """A Fermi edge on a slow wave."""
    return 1 / (1 + np.exp((u[:, 0] - 0.6) / 0.015)) + 0.3 * np.cos(4 * u[:, 0])


def kepler2(u: Array) -> Array:
    """Eccentric minus mean anomaly, eccentricity up to .9, by Newton's method."""
    mean, e = 2 * np.pi * u[:, 0], 0.9 * u[:, 1]
    x = mean + e * np.sin(mean)
    for _ in range(30):
        x = np.clip(x - (x - e * np.sin(x) - mean) / (1 - e * np.cos(x)), mean - 1, mean + 1)
    return x - mean


def fresnel2(u: Array) -> Array:
    """Reflectance over angle and ratio of indices: a root and total reflection."""
    angle, ratio = np.radians(89 * u[:, 0]), 0.7 + 0.8 * u[:, 1]
    inside = np.sqrt(np.maximum(ratio**2 - np.sin(angle) ** 2, 0.0))
    return ((np.cos(angle) - inside) / (np.cos(angle) + inside)) ** 2


def colebrook2(u: Array) -> Array:
    """Friction factor of a rough pipe over log Reynolds number and log roughness, by fixed points."""
    reynolds, rough = 10 ** (3.6 + 4.4 * u[:, 0]), 10 ** (-6 + 4.7 * u[:, 1])
    x = np.full(len(u), 7.0)
    for _ in range(60):
        x = -2 * np.log10(rough / 3.7 + 2.51 * x / reynolds)
    return 100 / x**2


def heat3(u: Array) -> Array:
    """A rod that starts at 1 between cold ends: place, time, conductivity."""
    x, time, k = scaled(u, (0, 1), (0.02, 1), (0.05, 0.5))
    odd = np.arange(1, 60, 2)
    terms = np.sin(np.pi * odd * x[:, None]) * np.exp(-((np.pi * odd) ** 2) * (k * time)[:, None]) / odd
    return 4 / np.pi * terms.sum(axis=1)


def waals3(u: Array) -> Array:
    """Van der Waals pressure over temperature, volume and attraction, reduced units."""
    t, v, a = scaled(u, (0.8, 2), (0.45, 4), (2, 4))
    return np.arcsinh(8 * t / (3 * v - 1) - a / v**2)


def option4(u: Array) -> Array:
    """Price of a call: spot, strike, time to expiry, volatility; a layer at short times."""
    from scipy.special import ndtr

    s, k, t, v = scaled(u, (60, 140), (80, 120), (0.02, 2), (0.1, 0.6))
    d = (np.log(s / k) + (0.02 + v**2 / 2) * t) / (v * np.sqrt(t))
    return (s * ndtr(d) - k * np.exp(-0.02 * t) * ndtr(d - v * np.sqrt(t))) / 20


def stars5(u: Array) -> Array:
    """Potential of three softened masses; two of them move along lines."""
    x = 2 * u[:, :2] - 1
    first = np.stack([u[:, 2] - 0.8, np.full(len(u), -0.3)], axis=1)
    second = np.stack([np.full(len(u), 0.5), 1 - u[:, 3]], axis=1)
    soft = 0.1 + 0.3 * u[:, 4]
    pull = lambda p: 1 / np.sqrt(((x - p) ** 2).sum(axis=1) + soft**2)  # noqa: E731
    return pull(first) + 0.7 * pull(second) + 0.5 * pull(np.zeros(2))


def gear5(u: Array) -> Array:
    """A rectified wave of a product, plus a smooth part: kinks on curved sheets."""
    return np.abs(np.sin(2 * u[:, 0] * u[:, 1] + 2 * u[:, 2] - 1)) + np.exp(-u[:, 3]) * u[:, 4]


def reach6(u: Array) -> Array:
    """Height of the tip of an arm with three joints and three lengths."""
    angle = np.cumsum(np.pi * (u[:, :3] - 0.5), axis=1)
    return ((0.3 + u[:, 3:]) * np.sin(angle)).sum(axis=1)


def planes(d: int, count: int, seed: int) -> Callable[[Array], Array]:
    """The maximum of random planes."""
    rng = np.random.default_rng(seed)
    slope, level = rng.standard_normal((d, count)), 0.5 * rng.standard_normal(count)
    return lambda u: ((2 * u - 1) @ slope + level).max(axis=1)


def field(d: int, length: float, seed: int) -> Callable[[Array], Array]:
    """A random field with a Gaussian spectrum: 200 waves."""
    rng = np.random.default_rng(seed)
    wave, phase = rng.standard_normal((d, 200)) / length, rng.uniform(0, 2 * np.pi, 200)
    return lambda u: np.cos((2 * u - 1) @ wave + phase).sum(axis=1) / 10


def polynomial(d: int, terms: int, seed: int) -> Callable[[Array], Array]:
    """Random monomials of degree up to 4."""
    rng = np.random.default_rng(seed)
    powers = np.stack(
        [np.bincount(rng.integers(d, size=rng.integers(1, 5)), minlength=d) for _ in range(terms)]
    )
    weight = rng.standard_normal(terms)
    return lambda u: ((2 * u - 1)[:, None, :] ** powers).prod(axis=2) @ weight


def sines(d: int, width: int, seed: int) -> Callable[[Array], Array]:
    """A random network of two layers of sines."""
    rng = np.random.default_rng(seed)
    first, second = (
        1.5 * rng.standard_normal((d, width)),
        rng.standard_normal((width, width)) / np.sqrt(width),
    )
    last, bias = rng.standard_normal(width), rng.uniform(-np.pi, np.pi, (2, width))
    return lambda u: np.sin(2 * np.sin((2 * u - 1) @ first + bias[0]) @ second + bias[1]) @ last


FINAL: dict[str, tuple[Callable[[Array], Array], int]] = {
    "airy1": (airy1, 1), "pendulum1": (pendulum1, 1), "fermi1": (fermi1, 1), "kepler2": (kepler2, 2),
    "fresnel2": (fresnel2, 2), "colebrook2": (colebrook2, 2), "heat3": (heat3, 3), "waals3": (waals3, 3),
    "option4": (option4, 4), "stars5": (stars5, 5), "gear5": (gear5, 5), "reach6": (reach6, 6),
    "planes5": (planes(5, 6, 11), 5), "planes2": (planes(2, 5, 12), 2), "field3": (field(3, 0.6, 13), 3),
    "field6": (field(6, 2.0, 14), 6), "polynomial6": (polynomial(6, 20, 15), 6), "sines4": (sines(4, 6, 16), 4),
}  # fmt: skip
