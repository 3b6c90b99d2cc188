"""Stirling numbers of the second kind: SciPy's approximation, SciPy's integers, and mpmath."""

import mpmath
import numpy as np
from scipy.special import stirling2


def model(x):
    return stirling2(x[:, 0].astype(int), x[:, 1].astype(int), exact=False)


def truth(x):
    return np.array([float(v) for v in stirling2(x[:, 0].astype(int), x[:, 1].astype(int), exact=True)])


def digits(n, k):
    return float(mpmath.stirling2(int(n), int(k), exact=True))


def exists(x):
    return x[:, 1] <= x[:, 0]
