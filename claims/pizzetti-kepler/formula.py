"""Kepler's equation E - e sin E = M for the eccentric anomaly E: pizzetti, bisection in extended precision, and mpmath."""

import mpmath
import numpy as np
from pizzetti._orbit import eccentric_anomaly


def model(M, e):
    return float(eccentric_anomaly(float(M), float(e)))


def truth(x):
    """By bisection: E - e sin E grows with E."""
    M, e = np.longdouble(x[:, 0]), np.longdouble(x[:, 1])
    low, high = M - e, M + e
    for _ in range(80):
        middle = (low + high) / 2
        below = middle - e * np.sin(middle) < M
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return ((low + high) / 2).astype(float)


def digits(M, e):
    with mpmath.workdps(40):
        M, e = mpmath.mpf(float(M)), mpmath.mpf(float(e))
        return float(mpmath.findroot(lambda E: E - e * mpmath.sin(E) - M, (M - e, M + e), solver="anderson"))
