"""Genz's corner peak in four inputs: smooth, and large in one corner of the box only."""

import numpy as np


def corner(x):
    """(1 + sum of c_k (x_k + 1) / 2)^-5 on [-1, 1]^4, shape (n, 4) -> (n,)."""
    return (1 + 0.5 * ((x + 1) * np.array([1.5, 1.0, 2.0, 0.5])).sum(axis=1)) ** -5.0
