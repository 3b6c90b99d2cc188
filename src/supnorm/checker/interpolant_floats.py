"""The range of tensor Chebyshev interpolants of values that are balls of float64 numbers, in arrays.

The numbers of `polynomial.interpolant_range` with two differences. The midpoints are transformed alone, and their radii r
enter at the end by Lebesgue's constant: |I v - I m| <= Lambda^d max r for |v - m| <= r at the nodes, where balls that go
through the transform grow by (2 (n + 1))^d. And the transform is in float64 (u = 2^-53): coefficients are off by
`node_rows._coefficient_error`, sums of N of them by N u of themselves and N times that; the d products with values T_k(y),
which are at most 1 in size and off by u, by 2 d (n + 5) u of the sum of all sizes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx

from supnorm.checker import polynomial
from supnorm.checker.batch import Array, Balls, U
from supnorm.checker.declared import lebesgue
from supnorm.checker.node_rows import _coefficient_error, _float_transform

Ball = Any


def carried(values: Balls, n: int, d: int) -> list[Ball]:
    """For each row, how far interpolants of the exact values may be from that of the midpoints."""
    constant = (lebesgue(n) ** d).upper()
    return [constant * arb(r) if r < np.inf else arb("inf") for r in values.rad.max(1).tolist()]


def ranges(values: Balls, n: int, d: int, grid: int) -> list[tuple[Ball, Ball] | None]:
    """Ends of the interpolant of each row of values at the nodes, the last axis running fastest; None without a bound."""
    every: list[tuple[Ball, Ball] | None] = []
    with np.errstate(all="ignore"):
        for row, off in zip(values.mid, carried(values, n, d), strict=True):
            ends = _ends(row, n, d, grid) if off.is_finite() else None
            every.append(None if ends is None else ((ends[0] - off).lower(), (ends[1] + off).upper()))
    return every


def _ends(row: Array, n: int, d: int, grid: int) -> tuple[Ball, Ball] | None:
    a = _along(_float_transform(n), row, d)
    off = _coefficient_error(n, d, float(np.abs(row).max()), 0.0)
    size = np.abs(a)
    if not np.isfinite(size).all() or not np.isfinite(off):
        return None
    room = arb(len(a)) * off
    total = arb(float(size.sum())) * (1.0 + 2.0 * U * len(a)) + room
    if grid == 0:
        size[0] = 0.0
        radius = arb(float(size.sum())) * (1.0 + 2.0 * U * len(a)) + room
        return arb(float(a[0])) - radius, arb(float(a[0])) + radius
    samples = _along(_basis(n, grid * n), a, d)
    room = room + total * (2.0 * d * (n + 5) * U)
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all():
        return None
    first, last = arb(low) - room, arb(high) + room
    reach = (last - first) / 2 / polynomial._cosine(1, 2 * grid) ** d
    middle = (first + last) / 2
    return middle - reach, middle + reach


def _along(matrix: Array, flat: Array, d: int) -> Array:
    """The matrix applied to each axis."""
    for _ in range(d):
        flat = (matrix @ flat.reshape(matrix.shape[1], -1)).T.ravel()
    return flat


@lru_cache(maxsize=64)
def _basis(n: int, count: int) -> Array:
    """T_k at the Chebyshev nodes, shape ``(count, n + 1)``, off by u."""
    old, ctx.prec = ctx.prec, 120
    try:
        return np.array(
            [
                [float((arb.pi() * (k * (2 * i + 1)) / (2 * count)).cos().mid()) for k in range(n + 1)]
                for i in range(count)
            ]
        )
    finally:
        ctx.prec = old
