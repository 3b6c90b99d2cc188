"""The range of polynomials on the cube, from Chebyshev coefficients or in its corners, in ball arithmetic."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Any

from flint import arb, arb_mat

from supnorm.checker.functions import extremes
from supnorm.checker.graded_rule import chebyshev_table

Ball = Any
FINE = 4  # nodes of a univariate grid, in degrees


@cache
def corners(d: int) -> Any:
    """The products y_i y_j, i < j (columns), in the corners with y_1 = 1 (rows); other corners have the same products."""
    rows = [[a * b for a, b in combinations((1, *c), 2)] for c in product((1, -1), repeat=d - 1)]
    return arb_mat(rows)


def polynomial_range(
    coefficients: dict[tuple[int, ...], Ball], d: int, D: int, grid: int, fast: bool = False
) -> tuple[Ball, Ball]:
    """The range by univariate grids (grid = 0), or by a product grid of grid // 100 nodes for degrees <= grid % 100.

    ``fast``: values on grids are balls of float64 numbers.
    """
    ends = _ends
    if fast:
        from supnorm.checker.graded_floats import ends_on_grid as ends
    if grid:
        count, part = divmod(grid, 100)
        tensor = [
            coefficients.get(k, arb(0)) if sum(k) <= part else arb(0)
            for k in product(range(part + 1), repeat=d)
        ]
        low, high = widened(*ends(tensor, part, count, d), part, count)
        rest = sum((abs(a) for k, a in coefficients.items() if sum(k) > part), arb(0))
        return low - rest, high + rest
    low = high = coefficients[(0,) * d]
    for j in range(d):
        line = [coefficients[tuple(k if i == j else 0 for i in range(d))] for k in range(1, D + 1)]
        a, b = widened(*ends([arb(0), *line], D, FINE * D, 1), D, FINE * D)
        low, high = low + a, high + b
    rest = sum((abs(a) for k, a in coefficients.items() if sum(v > 0 for v in k) > 1), arb(0))
    return low - rest, high + rest


def _ends(flat: list[Ball], D: int, count: int, d: int) -> tuple[Ball, Ball]:
    """The lowest and the highest value on the product grid."""
    return extremes(along(flat, D, count, d))


def along(flat: list[Ball], D: int, count: int, d: int) -> list[Ball]:
    """Values on the product grid of ``count`` Chebyshev nodes."""
    basis = arb_mat([chebyshev_table((arb.pi() * (2 * i + 1) / (2 * count)).cos(), D) for i in range(count)])
    for _ in range(d):
        k = basis.ncols()
        flat = (basis * arb_mat(k, len(flat) // k, flat)).transpose().entries()
    return flat


def widened(low: Ball, high: Ball, D: int, count: int) -> tuple[Ball, Ball]:
    """The range of a polynomial of total degree D from its extremes on a grid of ``count`` nodes an axis."""
    reach = (high - low) / 2 / (arb.pi() * D / (2 * count)).cos()
    return (low + high) / 2 - reach, (low + high) / 2 + reach
