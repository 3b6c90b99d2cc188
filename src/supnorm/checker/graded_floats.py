"""Projections by node rules, and values on product grids, in balls of float64 numbers, for all features of a node.

The numbers of `graded_rule.Rule.coefficients` and `graded_range.along`, by the arithmetic of `batch` (u = 2^-53, gamma_k
as there): a matrix P known to its float64 midpoints Q with |P - Q| <= e + u |Q|, applied to f of radius r, is off by at most
(|Q| (1 + u) + e) r + (gamma_n |Q| + e + u |Q|) |f|.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from supnorm.checker.batch import Array, Balls, U
from supnorm.checker.graded_rule import BITS, Index, Rule, chebyshev_table

Ball = Any
Groups = list[tuple[int, NDArray[np.int64], NDArray[np.int64]]]
OFF = 2.0**-BITS  # twice the radius that a projection may have, and more
KEPT = 24  # rules of which the folds are kept; a certificate has one or two degrees of 12 at most
_FOLDS: dict[int, tuple[Rule, Groups, dict[Index, list[NDArray[np.int64]]]]] = {}


def _folds(rule: Rule) -> tuple[Groups, dict[Index, list[NDArray[np.int64]]]]:
    """Points by their number of coordinates that are not zero, with the nodes of each; where each parity finds its sums.

    A position of -1 stands for a sum that is zero.
    """
    if id(rule) not in _FOLDS:
        if len(_FOLDS) >= KEPT:
            _FOLDS.clear()
        frees = [[j for j, v in enumerate(point) if v] for point in rule.points]
        starts = np.concatenate([[0], np.cumsum([2 ** len(free) for free in frees])])
        groups: Groups = []
        positions: dict[Index, list[NDArray[np.int64]]] = {b: [] for b in rule.exponents}
        for size in sorted(set(map(len, frees))):
            members = np.array([z for z, free in enumerate(frees) if len(free) == size])
            groups.append((size, members, starts[members][:, None] + np.arange(2**size)))
            for b in rule.exponents:
                at = []
                for z in members:
                    zero = any(b[j] for j in range(rule.d) if j not in frees[z])
                    bits = sum(b[j] << (size - 1 - i) for i, j in enumerate(frees[z]))
                    at.append(-1 if zero else bits)
                positions[b].append(np.array(at))
        _FOLDS[id(rule)] = (rule, groups, positions)
    return _FOLDS[id(rule)][1:]


def _signed_sums(v: Array, size: int) -> Array:
    """Sums of the last axis, of length 2^size, with all patterns of signs."""
    count, points = v.shape[:2]
    for i in range(size):
        w = v.reshape(count, points, 2**i, 2, 2 ** (size - 1 - i))
        v = np.stack([w[:, :, :, 0] + w[:, :, :, 1], w[:, :, :, 0] - w[:, :, :, 1]], 3).reshape(v.shape)
    return v


def projected(rule: Rule, values: Balls) -> list[dict[Index, Ball]]:
    """For each feature (row) the Chebyshev coefficients of the projection of its values at the nodes (columns)."""
    count = len(values.mid)
    groups, positions = _folds(rule)
    with np.errstate(all="ignore"):
        sums, radii = [], []
        for size, _, nodes in groups:
            mid = values.mid[:, nodes]
            sums.append(_signed_sums(mid, size))
            radii.append(values.rad[:, nodes].sum(-1) + 2.0 * (size + 1) * U * np.abs(mid).sum(-1))
        out: list[dict[Index, Ball]] = [{} for _ in range(count)]
        for b, exponents in rule.exponents.items():
            f, r = np.zeros((2, count, len(rule.points)))
            for (_, members, _), at, total, radius in zip(groups, positions[b], sums, radii, strict=True):
                some = at >= 0
                f[:, members[some]] = total[:, np.flatnonzero(some), at[some]]
                r[:, members[some]] = radius[:, some]
            matrix = rule.middles[b].T
            size_of = np.abs(matrix)
            gamma = 1.01 * (len(rule.points) + 4) * U
            rad = r @ (size_of * (1.0 + 2.0 * U) + OFF) + np.abs(f) @ (gamma * size_of + OFF)
            rows = Balls.of(f @ matrix, rad * (1.0 + 4.0 * gamma)).rows()
            for k, row in enumerate(rows):
                out[k].update(zip(exponents, row, strict=True))
    return out


@lru_cache(maxsize=64)
def _basis(D: int, count: int) -> Array:
    """T_k at the Chebyshev nodes, shape ``(count, D + 1)``, off by less than 2 u."""
    old, ctx.prec = ctx.prec, 120
    try:
        rows = [chebyshev_table((arb.pi() * (2 * i + 1) / (2 * count)).cos(), D) for i in range(count)]
        return np.array([[float(v.mid()) for v in row] for row in rows])
    finally:
        ctx.prec = old


def ends_on_grid(flat: list[Ball], D: int, count: int, d: int) -> tuple[Ball, Ball]:
    """A number below and one above all values on the product grid of ``count`` Chebyshev nodes.

    All entries of the basis are at most 1 in size, so that each of d products of D + 1 terms is off by at most
    (D + 4) u of the sum of the sizes of all coefficients.
    """
    basis = _basis(D, count)
    mids = np.array([float(v.mid()) for v in flat])
    total = sum((abs(v) for v in flat), arb(0)).upper()
    off = sum((abs(v - m) for v, m in zip(flat, mids.tolist(), strict=True)), arb(0))
    off += total * (2.0 * d * (D + 5) * U)
    with np.errstate(all="ignore"):
        for _ in range(d):
            mids = (basis @ mids.reshape(D + 1, -1)).T.ravel()
        low, high = float(mids.min()), float(mids.max())
    if not off.is_finite() or not np.isfinite([low, high]).all():
        return arb("nan"), arb("nan")
    return (arb(low) - off).lower(), (arb(high) + off).upper()
