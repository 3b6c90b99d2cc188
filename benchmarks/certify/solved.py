"""Surrogates of flows and integrals, fitted to their values: the proved worst error beside the largest one at points.

Those of flows are polynomials with errors below 1e-5 at the samples; the others are layers of tanh with random weights
whose last layer is fitted by least squares.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np

import supnorm as sn

POINTS, SAMPLES = 100_000, 6_000


def pendulum() -> sn.Problem:
    """The angle of a pendulum that is released at rest, over two thirds of a period."""
    reference = sn.flow(
        lambda t, y, p: [y[:, 1], -np.sin(y[:, 0])], lambda p: [p[:, 0], 0.0], components=0, name="pendulum"
    )
    return polynomial(reference, sn.Domain(t=(0.0, 4.0), angle=(0.5, 1.5)))


def lotka_volterra() -> sn.Problem:
    """Prey and predators over a period, for growth rates that differ by half."""
    reference = sn.flow(
        lambda t, y, p: [y[:, 0] * (1.0 - y[:, 1]), p[:, 0] * y[:, 1] * (y[:, 0] - 1.0)],
        [1.5, 1.0],
        name="Lotka-Volterra",
    )
    return polynomial(reference, sn.Domain(t=(0.0, 6.0), rate=(0.8, 1.2)))


def planck() -> sn.Problem:
    """The share of a black body's radiation between two wavelengths; s = h c/(wavelength k T)."""
    reference = sn.integral(
        lambda x, s: 15.0 / np.pi**4 * s**3 / (np.exp(s) - 1.0),
        lambda x: x[:, 0],
        lambda x: x[:, 1],
        name="Planck",
    )
    return fitted(reference, sn.Domain(low=(1.0, 2.0), high=(3.0, 6.0)), 24)


def elliptic() -> sn.Problem:
    """The incomplete elliptic integral of the first kind."""
    reference = sn.integral(
        lambda x, s: 1.0 / np.sqrt(1.0 - x[:, 1] * np.sin(s) ** 2), 0.0, lambda x: x[:, 0], name="elliptic"
    )
    return fitted(reference, sn.Domain(phi=(0.0, 1.2), m=(0.0, 0.7)), 24)


def debye() -> sn.Problem:
    """Debye's function of order 3, 3/x^3 times the integral of s^3/(e^s - 1) from 0 to x, with s = x u.

    s/(e^s - 1) is 0/0 at s = 0, so (e^s - 1)/s is written as its series; what is left out is below 2^20/21! = 3e-14.
    """
    terms = [1.0 / factorial(k + 1) for k in range(20)]

    def growth(s: Any) -> Any:
        value = 0.0 * s
        for term in reversed(terms):
            value = value * s + term
        return value

    reference = sn.integral(lambda x, u: 3.0 * u**2 / growth(x[:, 0] * u), 0.0, 1.0, name="Debye")
    return fitted(reference, sn.Domain(x=(0.0, 2.0)), 6)


def polynomial(reference: sn.Function, domain: sn.Domain) -> sn.Problem:
    """The polynomial of the lowest total degree whose errors at the samples are at most 9e-6."""
    x = points(domain, SAMPLES, 0)
    y = reference(x)
    low, high = (np.array([getattr(a, n) for a in domain.axes]) for n in ("low", "high"))
    for degree in range(4, 24):
        powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]

        def features(z: Any, powers: Any = powers) -> Any:
            u = 2.0 * (z - low) / (high - low) - 1.0
            return np.stack([u[:, 0] ** i * u[:, 1] ** j for i, j in powers], axis=-1)

        C = np.linalg.lstsq(features(x), y, rcond=None)[0]
        if np.abs(features(x) @ C - y).max() <= 9e-6:
            return sn.Problem(lambda z, f=features, C=C: f(z) @ C, reference, domain)
    raise RuntimeError("no polynomial is near the flow")


def points(domain: sn.Domain, count: int, seed: int) -> Any:
    """Random points, a quarter of them on faces: there errors of polynomials are largest."""
    rng = np.random.default_rng(seed)
    u = rng.random((count, domain.d))
    edge = u[: count // 4]
    edge[:] = np.where(rng.random(edge.shape) < 0.5, np.round(edge), edge)
    return domain.from_unit(u)


def fitted(reference: sn.Function, domain: sn.Domain, width: int) -> sn.Problem:
    """A layer of random features, its outputs fitted to the values of the reference."""
    rng = np.random.default_rng(0)
    x = domain.from_unit(rng.random((SAMPLES, domain.d)))
    low, high = (np.array([getattr(a, n) for a in domain.axes]) for n in ("low", "high"))
    W, b = 1.5 * rng.normal(size=(width, domain.d)), rng.normal(size=width)

    def features(z: Any) -> Any:
        return np.tanh((2.0 * (z - low) / (high - low) - 1.0) @ W.T + b)

    A = np.column_stack([features(x), np.ones(len(x))])
    C = np.linalg.lstsq(A, reference(x), rcond=1e-12)[0]
    return sn.Problem(lambda z: features(z) @ C[:-1] + C[-1], reference, domain)


ROWS: dict[str, Callable[[], sn.Problem]] = {
    "pendulum, 2/3 period, flow": pendulum,
    "Lotka-Volterra, both, one period, flow": lotka_volterra,
    "Planck's band fraction, integral": planck,
    "incomplete elliptic F, integral": elliptic,
    "Debye of order 3, integral": debye,
}


def seen(problem: sn.Problem) -> float:
    """The largest error at random points, a quarter of them on faces."""
    x = points(problem.domain, POINTS, 1)
    return float(problem.error(problem.model(x), problem.reference(x), x)[0].max())
