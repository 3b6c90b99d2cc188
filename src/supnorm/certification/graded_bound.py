"""The range of a polynomial of total degree on the cube, from its Chebyshev coefficients.

p = c_0 + sum_j p_j(y_j) + (terms in several variables). The univariate p_j are bounded on grids (Ehlich and
Zeller, one cosine, see `graded_rule`); the rest is bounded by the sum of its absolute coefficients. Where that is
too coarse, the part of degree <= j is evaluated on a product grid of ``grid`` nodes per axis, and only the coefficients
above j are summed: the distance of the extreme values from their middle is at most 1/cos(pi j/(2 grid)) times the
distance on the grid. All ranges take the float64 coefficients as exact numbers; the rounding of the sums is added.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.chebyshev import along_axes, basis
from supnorm.certification.rounding import Array, U, outward

Integers = NDArray[np.int64]
FINE = 4  # nodes per degree of the one-dimensional grids


def polynomial_range(
    coefficients: Array, exponents: Integers, grid: int = 0, part: int = 0
) -> tuple[Array, Array]:
    """Lower and upper ends, shapes ``(B, M, m) -> (B, m)`` each.

    ``grid`` = 0: univariate grids; else the terms of degree <= ``part`` on a product grid of ``grid`` nodes.
    """
    return _grid_range(coefficients, exponents, part, grid) if grid else _line_range(coefficients, exponents)


def _line_range(coefficients: Array, exponents: Integers) -> tuple[Array, Array]:
    d, top = exponents.shape[1], int(exponents.max())
    single = (exponents > 0).sum(1)
    total = np.abs(coefficients).sum(1)
    mixed = outward(np.abs(coefficients[:, single > 1]).sum(1), len(exponents))
    low = high = coefficients[:, int(np.flatnonzero(single == 0)[0])]
    values = basis(top, FINE * top)[:, 1:]
    for j in range(d):
        rows = [int(np.flatnonzero((single == 1) & (exponents[:, j] == k))[0]) for k in range(1, top + 1)]
        along = np.tensordot(values, coefficients[:, rows], axes=(1, 1))
        a, b = _widened(along.min(0), along.max(0), top, FINE * top)
        low, high = low + a, high + b
    slack = mixed + outward(total * (8.0 * U * (top + 8) * d))
    return low - slack, high + slack


def _grid_range(coefficients: Array, exponents: Integers, part: int, grid: int) -> tuple[Array, Array]:
    boxes, _, m = coefficients.shape
    d = exponents.shape[1]
    degrees = exponents.sum(1)
    tensor = np.zeros((boxes, *(part + 1,) * d, m))
    for row in np.flatnonzero(degrees <= part):
        tensor[(slice(None), *exponents[row])] = coefficients[:, row]
    values = along_axes(basis(part, grid), tensor, d).reshape(boxes, -1, m)
    low, high = _widened(values.min(1), values.max(1), part, grid)
    rest = outward(np.abs(coefficients[:, degrees > part]).sum(1), len(exponents))
    slack = rest + outward(np.abs(coefficients).sum(1) * (8.0 * U * d * (part + 8)))
    return low - slack, high + slack


def _widened(low: Array, high: Array, degree: int, points: int) -> tuple[Array, Array]:
    """Range of a polynomial of total degree ``degree`` from its extremes at ``points`` nodes per axis."""
    middle, radius = 0.5 * (low + high), 0.5 * (high - low)
    reach = outward(radius / math.cos(math.pi * degree / (2 * points)) + 4.0 * U * np.abs(middle))
    return middle - reach, middle + reach
