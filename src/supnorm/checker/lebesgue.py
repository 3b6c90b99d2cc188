"""The largest sum of |l_n| of a node rule over grid points, in balls alone.

`graded_rule` takes these sums in float64 with a bound of their rounding. This is for checks that rest on no float64
arithmetic: slower, and nothing is to be bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product
from typing import Any

from flint import arb, arb_mat

Ball = Any
Index = tuple[int, ...]
CHUNK = 256  # grid points of one matrix: larger ones are no faster


def in_balls(grid: float, coefficients: float, points: float, nodes: float, d: int) -> float:
    """Multiplications of balls that the sums take."""
    return 1.5 * grid * (coefficients * points / 2.0**d + 6.0 * coefficients + 8.0 * nodes)


def largest_sum(
    corner: Iterable[Sequence[Sequence[Ball]]],
    points: Sequence[tuple[float, ...]],
    exponents: Mapping[Index, Sequence[Index]],
    projections: Mapping[Index, Any],
) -> Ball:
    """The largest sum over the grid.

    Args:
        corner: for each point of the grid the values T_0(y_j) .. T_D(y_j) on each axis.
        points: nodes of the rule without their mirror images.
        exponents, projections: by parity, as those of `graded_rule.Rule`.
    """
    supports: dict[Index, list[int]] = {}
    for z, p in enumerate(points):
        supports.setdefault(tuple(int(v > 0) for v in p), []).append(z)
    parts = _columns(supports, projections)
    most, left = arb(0), iter(corner)
    while chunk := list(islice(left, CHUNK)):
        blocks = {
            b: arb_mat([[_product(t, k) for k in some] for t in chunk]) for b, some in exponents.items()
        }
        sums = [arb(0)] * len(chunk)
        for support, zs in supports.items():
            for matrix in _unfolded(support, blocks, parts):
                flat = matrix.entries()
                width = len(zs)
                for i in range(len(chunk)):
                    sums[i] = sum(map(abs, flat[i * width : (i + 1) * width]), sums[i])
        for v in sums:
            most = most.max(v)
    return most.upper()


def _product(tables: Sequence[Sequence[Ball]], k: Index) -> Ball:
    value = arb(1)
    for table, power in zip(tables, k, strict=True):
        if power:
            value = value * table[power]
    return value


def _columns(
    supports: Mapping[Index, list[int]], projections: Mapping[Index, Any]
) -> dict[tuple[Index, Index], Any]:
    """The columns of each projection that belong to the points of one support."""
    parts = {}
    for b, projection in projections.items():
        rows = projection.tolist()
        for s, zs in supports.items():
            if all(v <= w for v, w in zip(b, s, strict=True)):
                parts[b, s] = arb_mat([[row[z] for z in zs] for row in rows])
    return parts


def _unfolded(
    support: Index, blocks: Mapping[Index, Any], parts: Mapping[tuple[Index, Index], Any]
) -> list[Any]:
    """l_n at grid points (rows) for the points (columns) of one support, one matrix per pattern of signs."""
    patterns = list(product(*[range(v + 1) for v in support]))
    out = {b: blocks[b] * parts[b, support] for b in patterns if (b, support) in parts}
    one = next(iter(out.values()))
    nothing = arb_mat(one.nrows(), one.ncols())
    out = {b: out.get(b, nothing) for b in patterns}
    for axis in (j for j, v in enumerate(support) if v):
        for b in [b for b in out if not b[axis]]:
            c = (*b[:axis], 1, *b[axis + 1 :])
            out[b], out[c] = out[b] + out[c], out[b] - out[c]
    return list(out.values())
