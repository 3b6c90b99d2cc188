"""Colebrook's equation for the Darcy friction factor, solved in two ways, and formulas of fluids that stand in for it."""

import mpmath
import numpy as np
from fluids.friction import Clamond, Papaevangelo_2010


def clamond(reynolds, roughness):
    return Clamond(reynolds, roughness)


def papaevangelo(reynolds, roughness):
    return Papaevangelo_2010(reynolds, roughness)


def colebrook(reynolds, roughness):
    """The friction factor by Newton's method for u = 1 / sqrt(f), in extended precision; arrays."""
    reynolds, roughness = np.longdouble(reynolds), np.longdouble(roughness)
    a, b = roughness / np.longdouble("3.7"), np.longdouble("2.51") / reynolds
    u = np.full(np.shape(reynolds), np.longdouble(7))
    for _ in range(60):
        inside = a + b * u
        u = np.maximum(
            u - (u + 2 * np.log10(inside)) / (1 + 2 / np.log(np.longdouble(10)) * b / inside),
            np.longdouble(1e-3),
        )
    return (1 / u**2).astype(float)


def truth(x):
    return colebrook(x[:, 0], x[:, 1])


def digits(reynolds, roughness):
    """By bisection in 50 digits: u + 2 log10(a + b u) grows with u."""
    with mpmath.workdps(50):
        a, b = (
            mpmath.mpf(float(roughness)) / mpmath.mpf("3.7"),
            mpmath.mpf("2.51") / mpmath.mpf(float(reynolds)),
        )
        low, high = mpmath.mpf(0), mpmath.mpf(100)
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (low, middle) if middle + 2 * mpmath.log10(a + b * middle) > 0 else (middle, high)
        return float(1 / low**2)
