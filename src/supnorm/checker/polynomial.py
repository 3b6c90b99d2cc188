"""Tensor Chebyshev interpolation in ball arithmetic: nodes, coefficients, range, tail."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

from flint import arb, arb_mat

from supnorm.checker.functions import extremes

Ball = Any


def _cosine(numerator: int, denominator: int) -> Ball:
    return (arb.pi() * numerator / denominator).cos()


@lru_cache(maxsize=64)
def _transform(n: int, precision: int) -> Any:
    """The matrix from values at the nodes to coefficients."""
    rows = [
        [_cosine(k * (2 * i + 1), 2 * n + 2) * (2 if k else 1) / (n + 1) for i in range(n + 1)]
        for k in range(n + 1)
    ]
    return arb_mat(rows)


@lru_cache(maxsize=64)
def _basis(n: int, count: int, precision: int) -> Any:
    return arb_mat([[_cosine(k * (2 * i + 1), 2 * count) for k in range(n + 1)] for i in range(count)])


def nodes(n: int, centre: list[Ball], half: list[Ball]) -> list[list[Ball]]:
    """Coordinates (rows) of the (n + 1)^d nodes, the last axis running fastest."""
    one = [_cosine(2 * i + 1, 2 * n + 2) for i in range(n + 1)]
    points = list(product(range(n + 1), repeat=len(centre)))
    return [[centre[j] + half[j] * one[p[j]] for p in points] for j in range(len(centre))]


def along_axes(matrix: Any, flat: list[Ball], d: int) -> list[Ball]:
    """The matrix applied to each axis: d times to the first axis, which then becomes the last one."""
    for _ in range(d):
        k = matrix.ncols()
        result = matrix * arb_mat(k, len(flat) // k, flat)
        flat = result.transpose().entries()
    return flat


def coefficients_of(flat: list[Ball], n: int, d: int, precision: int) -> list[Ball]:
    """The Chebyshev coefficients of the interpolant of values at the nodes, the last axis running fastest."""
    return along_axes(_transform(n, precision), flat, d)


def interpolant_range(flat: list[Ball], n: int, d: int, grid: int, precision: int) -> tuple[Ball, Ball]:
    """Lower and upper end of the interpolant of values at the nodes."""
    coefficients = coefficients_of(flat, n, d, precision)
    if grid == 0:
        radius = sum((abs(c) for c in coefficients[1:]), arb(0))
        return (coefficients[0] - radius).lower(), (coefficients[0] + radius).upper()
    samples = along_axes(_basis(n, grid * n, precision), coefficients, d)
    low, high = extremes(samples)
    reach = (high - low) / 2 / _cosine(1, 2 * grid) ** d
    return ((low + high) / 2 - reach).lower(), ((low + high) / 2 + reach).upper()


def tail(n: int, rho: Ball, d: int) -> Ball:
    """A factor: times M it bounds the distance of the interpolant from an analytic function bounded by M on the ellipses."""
    return 4 * d / (rho**n * (rho - 1)) * ((rho + 1) / (rho - 1)) ** (d - 1)
