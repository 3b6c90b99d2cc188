"""Chebyshev coefficients of functions and their derivatives for all features of a node at once, in balls of float64 numbers.

The same numbers as `graded_functions.series` at the 18 nodes of [c - r, c + r] and the transform to coefficients, by the
arithmetic of `batch`. Functions that are not here are left to FLINT.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np
from flint import arb, ctx

from supnorm.checker import batch
from supnorm.checker.batch import Array, Balls, U

Ball = Any
ORDER, POINTS = 6, 18  # as in `graded_functions` and `graded`
LOGISTIC = ("sigmoid", "softplus", "silu")
KNOWN = ("tanh", "sin", "cos", "exp", *LOGISTIC)


@lru_cache(maxsize=1)
def _tables() -> tuple[Array, Array]:
    """The nodes in [-1, 1], shape ``(18,)``, and the matrix from values there to coefficients, each off by u of itself."""
    old, ctx.prec = ctx.prec, 120
    try:
        nodes = [(arb.pi() * (2 * i + 1) / (2 * POINTS)).cos() for i in range(POINTS)]
        rows = [
            [
                (arb.pi() * k * (2 * i + 1) / (2 * POINTS)).cos() * (2 if k else 1) / POINTS
                for i in range(POINTS)
            ]
            for k in range(POINTS)
        ]
        return np.array([float(v) for v in nodes]), np.array([[float(v) for v in row] for row in rows])
    finally:
        ctx.prec = old


def interpolants(
    op: str, centres: list[Ball], reaches: list[Ball], order: int
) -> list[list[list[Ball]]] | None:
    """For each feature the coefficients of phi^(i)/i!, i < order, on [c - r, c + r]; None for other functions."""
    if op not in KNOWN:
        return None
    c, off_c = _floats(centres)
    r, off_r = _floats(reaches)
    with np.errstate(all="ignore"):
        wide = Balls(c[:, None], (off_c + off_r)[:, None])
        columns = [v.rows() for v in coefficients(op, wide, r, order)]
    return [[columns[i][f] for i in range(order)] for f in range(len(centres))]


def coefficients(op: str, c: Balls, r: Array, order: int) -> list[Balls]:
    """The same in arrays, for each i < order, shape ``(features, 18)``: c is a column, r are numbers."""
    nodes, transform = _tables()
    mid = c.mid + r[:, None] * nodes
    rad = c.rad + 6.0 * U * (np.abs(c.mid) + np.abs(r)[:, None])
    z = Balls.of(mid, np.broadcast_to(rad, mid.shape))
    return [_combined(transform, v) for v in series(op, z, order)]


def _floats(balls: list[Ball]) -> tuple[Array, Array]:
    mids = [float(b.mid()) for b in balls]
    radii = [float((b - m).abs_upper()) for b, m in zip(balls, mids, strict=True)]
    return np.array(mids), np.array(radii) * (1.0 + 4.0 * U)


def _combined(matrix: Array, x: Balls) -> Balls:
    """x @ matrix.T for a matrix whose entries are off by u of themselves."""
    size = np.abs(matrix).T
    gamma = 1.01 * (matrix.shape[1] + 3) * U
    return Balls.of(
        x.mid @ matrix.T, (x.rad @ size + gamma * ((np.abs(x.mid) + x.rad) @ size)) * (1.0 + 2.0 * gamma)
    )


def series(op: str, z: Balls, order: int = ORDER) -> list[Balls]:
    """phi^(i)(z)/i!, i < order, entry by entry."""
    if order == 1:
        return [batch.RULES[op](z)]
    if op == "tanh":
        return _tanh(z, order)
    if op in LOGISTIC:
        halves = _tanh(batch.scale(z, 0.5), order)
        s = [batch.scale(t, 2.0 ** (-i - 1)) for i, t in enumerate(halves)]
        s[0] = batch.sigmoid(z)
        if op == "sigmoid":
            return s
        if op == "softplus":
            return [batch.softplus(z)] + [_over(s[i], i + 1) for i in range(order - 1)]
        products = [batch.multiply(z, t) for t in s]
        return [products[0]] + [batch.add(products[i], s[i - 1]) for i in range(1, order)]
    first, second = (
        batch.RULES["exp" if op == "exp" else "sin"](z),
        batch.RULES["exp" if op == "exp" else "cos"](z),
    )
    turns = [first, second, batch.scale(first, -1.0), batch.scale(second, -1.0)]
    if op == "cos":
        turns = [*turns[1:], turns[0]]
    if op == "exp":
        turns = [first] * 4
    return [_over(turns[i % 4], factorial(i)) for i in range(order)]


def _over(x: Balls, whole: int) -> Balls:
    """x divided by a whole number."""
    mid = x.mid / whole
    return Balls.of(mid, x.rad / whole + U * np.abs(mid))


def _tanh(z: Balls, order: int) -> list[Balls]:
    """t' = 1 - t^2."""
    t = [batch.tanh(z)]
    one = Balls(np.ones_like(z.mid), np.zeros_like(z.rad))
    for k in range(order - 1):
        square = batch.multiply(t[0], t[k])
        for j in range(1, k + 1):
            square = batch.add(square, batch.multiply(t[j], t[k - j]))
        following = batch.add(one, square, -1.0) if k == 0 else batch.scale(square, -1.0)
        t.append(_over(following, k + 1))
    return t
