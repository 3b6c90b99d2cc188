"""Tensor Chebyshev interpolation on boxes: nodes, coefficients, tails, and the maximum of the polynomial.

Tail. The polydisc of radius A = (rho + 1/rho)/2 in the scaled variables holds a product of Bernstein
ellipses. If |g| <= M on it, the Chebyshev coefficients obey |a_k| <= 2^(number of k_j > 0) M rho^-|k|
(Trefethen, Approximation Theory and Approximation Practice, Theorem 8.1, in each variable). Those with some
k_j > n sum to at most M d 2 rho^-n/(rho - 1) ((rho + 1)/(rho - 1))^(d-1); each counts once in the truncated
series and at most once more by aliasing on the nodes, so twice this sum bounds |g - interpolant|.

Maximum. Ehlich and Zeller (1964): a polynomial of degree n in each variable is at most its maximum over the
product grid of N > n Chebyshev nodes, divided by cos(pi n/(2N)) per variable.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from supnorm.certification.rounding import Array, U, outward

LARGEST_GRID = 200_000  # points of one Ehlich-Zeller grid: 1.6 MB per box and output


@lru_cache(maxsize=64)
def nodes(n: int) -> Array:
    """The n + 1 zeros of T_{n+1}."""
    return np.cos((2 * np.arange(n + 1) + 1) * np.pi / (2 * n + 2))


@lru_cache(maxsize=64)
def transform(n: int) -> Array:
    """Matrix from values at the nodes to coefficients, shape ``(n + 1, n + 1)``."""
    angles = (2 * np.arange(n + 1) + 1) * np.pi / (2 * n + 2)
    matrix = 2.0 / (n + 1) * np.cos(np.arange(n + 1)[:, None] * angles)
    matrix[0] /= 2.0
    return matrix


@lru_cache(maxsize=64)
def basis(n: int, points: int) -> Array:
    """T_0..T_n at the zeros of T_points, shape ``(points, n + 1)``."""
    angles = (2 * np.arange(points) + 1) * np.pi / (2 * points)
    return np.cos(angles[:, None] * np.arange(n + 1))


@lru_cache(maxsize=64)
def tensor_nodes(n: int, d: int) -> Array:
    """The product grid, shape ``((n + 1)^d, d)``."""
    return np.stack(np.meshgrid(*[nodes(n)] * d, indexing="ij"), -1).reshape(-1, d)


def lebesgue(n: int, d: int) -> float:
    """Bound of the Lebesgue constant of the product grid (Rivlin: 2/pi log(n+1) + 1 per variable)."""
    return (2.0 / math.pi * math.log(n + 1) + 1.0) ** d * (1.0 + 1e-12)


def along_axes(matrix: Array, tensor: Array, d: int) -> Array:
    """The matrix applied to axes 1..d of ``tensor``, shape ``(B, k, .., k, m)``."""
    for axis in range(1, d + 1):
        tensor = np.moveaxis(np.tensordot(matrix, tensor, axes=(1, axis)), 0, axis)
    return tensor


def tail_factor(n: int, rho: Array, d: int) -> Array:
    """2 d 2 rho^-n/(rho - 1) ((rho + 1)/(rho - 1))^(d-1): times M it bounds the interpolation error."""
    return outward(2.0 * d * 2.0 * rho**-n / (rho - 1.0) * ((rho + 1.0) / (rho - 1.0)) ** (d - 1), 64 + 4 * n)


def transform_rounding(n: int, d: int, largest: Array) -> Array:
    """Bound of the distance between the polynomials of the computed and of the exact coefficients, anywhere in the box.

    Each axis takes a sum of n + 1 products with factors of size 2/(n+1), which are known to a few units in the last
    place; ``largest`` is max |value| at the nodes.
    """
    return outward(largest * (4.0 * U * d * (n + 6) * (2.0 * (n + 1)) ** d))


def polynomial_range(coefficients: Array, n: int, d: int, grid: int) -> tuple[Array, Array]:
    """Bounds of the polynomial from below and above, shapes ``(B, m)``.

    Args:
        coefficients: shape ``(B, n+1, .., n+1, m)``.
        grid: 0 for the sum of absolute coefficients; else K, for an Ehlich-Zeller grid of (K n)^d points.
    """
    boxes, m = len(coefficients), coefficients.shape[-1]
    flat = coefficients.reshape(boxes, -1, m)
    total = np.abs(flat).sum(1)
    rounding = outward(total * (4.0 * U * (n + 1) ** d), 4)
    if not grid:
        radius = outward(np.abs(flat[:, 1:]).sum(1), (n + 1) ** d)
        return flat[:, 0] - radius - rounding, flat[:, 0] + radius + rounding
    values = along_axes(basis(n, grid * n), coefficients, d).reshape(boxes, -1, m)
    low, high = values.min(1), values.max(1)
    middle, radius = 0.5 * (low + high), 0.5 * (high - low)
    rounding = rounding + outward(total * (8.0 * U * d * (n + 8)))
    reach = outward((radius + rounding) / math.cos(math.pi / (2 * grid)) ** d)
    slack = reach + rounding + 4.0 * U * np.abs(middle)
    return middle - slack, middle + slack
