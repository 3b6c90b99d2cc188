"""Graded models of one function of all features of an operation at once, in arrays of float64 numbers.

The rule of `graded.smooth`, for the functions of `graded_batch.KNOWN`. Models c, J, H are balls (`batch`). All else is a
bound of something that is not negative, made of sums, products and quotients of numbers that are not negative: its relative
error is below 1e-12 (at most ten products of polynomials, each a sum of 225 products), and `UP` enlarges it once for each
rule. A polynomial in t is kept as its coefficients of degree 0 to 13 and, in the last column, the sum of all others.

An ellipse of any half-height serves (`graded._aliasing`). Here b, of which the half-height is r b, is a float64 number that
is taken as it is, and M is the bound for the largest half-height of that row of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from math import factorial
from typing import Any

import numpy as np
from flint import arb, arb_poly, ctx

from supnorm.checker import batch, graded_batch
from supnorm.checker.batch import Array, Balls, U
from supnorm.checker.functions import range_of
from supnorm.checker.graded_feature import CORNERS, TOP, Graded
from supnorm.checker.graded_functions import ELLIPSES, LARGEST, LOGISTIC, ORDER

Ball = Any
OVER = TOP + 1  # the column of all higher degrees
UP = 1.0 + 1e-10
WAVES = ("sin", "cos", "exp")


@dataclass(frozen=True)
class Rows:
    """Models of features (rows); ``s`` has the coefficients of degree 0 to `TOP` and the sum of all others.

    ``linear`` says that H and all parts of higher degree are zero exactly, as in a first layer.
    """

    c: Balls
    J: Balls
    H: Balls
    s: Array
    rem: Array
    linear: bool = False

    @classmethod
    def of(cls, features: Sequence[Graded]) -> Rows:
        """From those of FLINT, all of which have a remainder."""
        s = np.array([[_above(f.s[k]) for k in range(TOP + 1)] + [0.0] for f in features])
        return cls(
            _balls([[f.c] for f in features]),
            _balls([f.J for f in features]),
            _balls([f.H for f in features]),
            s,
            np.array([_above(f.rem) for f in features]),
            all(not f.s.length() and all(h == 0 for h in f.H) for f in features),
        )

    def slope(self) -> Array:
        """Bound of |J.y|."""
        return np.asarray((np.abs(self.J.mid) + self.J.rad).sum(1) * UP)

    def parts(self) -> Array:
        """Norms of H and the q_k."""
        d, sizes = self.J.mid.shape[1], np.abs(self.H.mid) + self.H.rad
        if 1 < d <= CORNERS:
            corners = np.abs(self.H.mid[:, d:] @ _corners(d).T).max(1)
            # each sum is of d (d - 1)/2 numbers with signs
            curve = sizes[:, :d].sum(1) + corners + self.H.rad[:, d:].sum(1) + d * d * U * sizes[:, d:].sum(1)
        else:
            curve = sizes.sum(1)
        parts = self.s.copy()
        parts[:, 2] += curve
        return np.asarray(parts * UP)


def _above(z: Ball) -> float:
    """A float64 number not below z."""
    v = float(z.upper())
    return v * (1.0 + 4.0 * U) + batch.TINY if v >= 0.0 else float("nan")


def _balls(rows: Sequence[Sequence[Ball]]) -> Balls:
    mid = [[float(z.mid()) for z in row] for row in rows]
    rad = [
        [float((z - m).abs_upper()) for z, m in zip(row, mids, strict=True)]
        for row, mids in zip(rows, mid, strict=True)
    ]
    return Balls.of(np.array(mid), np.array(rad) * (1.0 + 4.0 * U))


@lru_cache(maxsize=16)
def _corners(d: int) -> Array:
    """The products y_i y_j, i < j (columns), in the corners with y_1 = 1 (rows)."""
    return np.array(
        [[a * b for a, b in combinations((1, *c), 2)] for c in product((1, -1), repeat=d - 1)], float
    )


@lru_cache(maxsize=1)
def _degrees() -> Array:
    """Where the product of two coefficients belongs: a row for each pair, a column for each degree, the last for others."""
    table = np.zeros((OVER + 1, OVER + 1, OVER + 1))
    for i, j in product(range(OVER + 1), repeat=2):
        table[i, j, min(i + j, OVER)] = 1.0
    return table.reshape(-1, OVER + 1)


def _times(a: Array, b: Array) -> Array:
    """The product of two polynomials of each row."""
    pairs = a[:, :, None] * b[:, None, :]
    return np.asarray(pairs.reshape(len(a), -1) @ _degrees())


def _as_parts(sizes: Array) -> Array:
    """Coefficients of degree 0 to 17."""
    return np.concatenate([sizes[:, :OVER], sizes[:, OVER:].sum(1, keepdims=True)], 1)


def smooth(op: str, features: Sequence[Graded]) -> list[Graded] | None:
    """phi of each feature; None for functions and features that are not for arrays, and where a number is too large."""
    if op not in graded_batch.KNOWN or any(f.rem is None or not f.c.is_finite() for f in features):
        return None
    with np.errstate(all="ignore"):
        x = Rows.of(features)
        models = _smooth(op, x)
    known = all(
        np.isfinite(v).all() for v in (models.c.rad, models.J.rad, models.H.rad, models.s, models.rem)
    )
    return _of_rows(op, models) if known else None


def _smooth(op: str, x: Rows) -> Rows:
    r, parts = x.slope(), x.parts()
    bent = parts.sum(1) * UP
    order = 1 if x.linear else ORDER
    a = graded_batch.coefficients(op, x.c, r, order)
    lost = _aliasing(op, x.c, r)
    steep = _steepest(op, _end(x.c, (r + bent + x.rem) * UP))
    rem = steep[0] * x.rem
    total, power = np.zeros_like(parts), np.zeros_like(parts)
    power[:, 0] = 1.0
    for i in range(order):
        sizes = np.abs(a[i].mid) + a[i].rad
        if i == 0:  # its terms of degree 0, 1, 2 stay exact
            sizes[:, :3] = 0.0
        if i == 1:  # and a_10 H
            total += sizes[:, :1] * x.s
            sizes[:, 0] = 0.0
        total += _times(_as_parts(sizes), power)
        rem = rem + lost[i] * power.sum(1)
        power = _times(power, parts)
    if order == ORDER:
        cube = bent * bent * bent
        rem = rem + steep[ORDER - 1] * cube * cube
    rem = (rem + total[:, OVER]) * UP
    return _combined(a, order, x, r, total, rem)


def _combined(a: list[Balls], order: int, x: Rows, r: Array, total: Array, rem: Array) -> Rows:
    """c, J and H: a_00 + a_01 u + a_02 T_2(u) with u = J/r, and a_10 H."""
    d = x.J.mid.shape[1]
    held = Balls(np.where(r > 0.0, r, 1.0)[:, None], np.zeros((len(r), 1)))  # without a slope, J = 0
    u = batch.divide(x.J, held)
    first, second = (Balls(a[0].mid[:, k : k + 1], a[0].rad[:, k : k + 1]) for k in (1, 2))
    pairs = [(i, i) for i in range(d)] + list(combinations(range(d), 2))
    left, right = ([p[k] for p in pairs] for k in (0, 1))
    form = batch.multiply(Balls(u.mid[:, left], u.rad[:, left]), Balls(u.mid[:, right], u.rad[:, right]))
    # (u.y)^2 is sum u_i^2/2 + sum u_i^2/2 T_2(y_i) + 2 sum u_i u_j y_i y_j
    size = np.array([0.5] * d + [2.0] * (len(pairs) - d))
    form = Balls(form.mid * size, form.rad * size)
    constant = Balls.of(
        form.mid[:, :d].sum(1, keepdims=True),
        form.rad[:, :d].sum(1, keepdims=True) + d * U * np.abs(form.mid[:, :d]).sum(1, keepdims=True),
    )
    twice = batch.add(
        batch.scale(constant, 2.0), Balls(np.ones_like(constant.mid), np.zeros_like(constant.mid)), -1.0
    )
    c = batch.add(Balls(a[0].mid[:, :1], a[0].rad[:, :1]), batch.multiply(second, twice))
    H = batch.multiply(batch.scale(second, 2.0), form)
    if order == ORDER:
        H = batch.add(H, batch.multiply(Balls(a[1].mid[:, :1], a[1].rad[:, :1]), x.H))
    s = total * UP
    s[:, :2] = s[:, OVER:] = 0.0
    return Rows(c, batch.multiply(first, u), H, s, rem)


def _of_rows(op: str, x: Rows) -> list[Graded]:
    """As FLINT's; the range of a bounded function where that is the tighter bound."""
    bounded = range_of(op)
    c, J, H = x.c.rows(), x.J.rows(), x.H.rows()
    out = []
    for i, rem in enumerate(x.rem.tolist()):
        if bounded is not None and not rem < bounded[1]:
            none = (arb(0),) * len(J[i]), (arb(0),) * len(H[i])
            out.append(Graded(bounded[0], none[0], none[1], arb_poly([]), bounded[1]))
        else:
            s = arb_poly(list(map(arb, x.s[i, :OVER].tolist())))
            out.append(Graded(c[i][0], tuple(J[i]), tuple(H[i]), s, arb(rem)))
    return out


def _end(c: Balls, reach: Array) -> Array:
    """A number not below c + reach."""
    end = c.mid[:, 0] + (c.rad[:, 0] + reach)
    return np.asarray(end + 4.0 * U * (np.abs(c.mid[:, 0]) + c.rad[:, 0] + reach))


def _steepest(op: str, end: Array) -> list[Array | float]:
    """Bounds of |phi^(i)/i!|, i = 1..6, for real arguments up to ``end``."""
    if op in LARGEST:
        return [float(v) * UP for v in LARGEST[op]]
    size = _exp_above(end) if op == "exp" else np.ones_like(end)
    return [size / factorial(i) * UP for i in range(1, ORDER + 1)]


def _exp_above(x: Array) -> Array:
    """A bound of e^x; infinite for large x."""
    ball = batch.exp(Balls(x, 4.0 * U * np.abs(x)))
    return np.asarray(np.where(np.isfinite(ball.rad), (ball.mid + ball.rad) * UP, np.inf))


@lru_cache(maxsize=16)
def _sizes(op: str, height: float, margin: float) -> float:
    """The part of M on the rectangle that depends on its height alone: `graded_functions._strip`, grown by the margin."""
    old, ctx.prec = ctx.prec, 120
    try:
        h = arb(height) + arb(margin)
        if op == "softplus":
            return float((-(h.sin().log())).upper()) * (1.0 + 4.0 * U) if h > 1.5 else 0.0
        inner = (h if op == "tanh" else h / 2).tan().max(arb(1))
        return float((inner if op == "tanh" else (1 + inner) / 2).upper()) * (1.0 + 4.0 * U)
    finally:
        ctx.prec = old


def _aliasing(op: str, c: Balls, r: Array) -> list[Array]:
    """The smallest 4 M rho^-17/(rho - 1) over the ellipses, for each Taylor coefficient."""
    tables: list[tuple[Any, float]] = (
        [(8.0 * (1.0 + r), 0.0), (3.0 * (1.0 + r), 0.0)]
        if op in WAVES
        else list(ELLIPSES["sigmoid" if op in LOGISTIC else op])
    )
    best = [np.full(len(r), np.inf) for _ in range(ORDER)]
    for height, margin in tables:
        # half-heights r b are at most `height`, also with the rounding of the quotient
        b = np.minimum(np.where(r > 0.0, height / np.where(r > 0.0, r, 1.0), 50.0) * (1.0 - 1e-12), 50.0)
        wide = np.sqrt(b * b + 1.0)
        inverse = UP / (b + wide)  # 1/rho
        above = (b + b * b / (1.0 + wide)) / UP  # rho - 1 without cancellation
        square = inverse * inverse
        fourth = square * square
        eighth = fourth * fourth
        factor = 4.0 * eighth * eighth * inverse / above * UP * UP
        for i, size in enumerate(_on_rectangle(op, c, r * wide * UP, r * b * UP, height, margin)):
            best[i] = np.fmin(best[i], factor * size * UP)
    return best


def _on_rectangle(op: str, c: Balls, reach: Array, h: Array, height: Any, margin: float) -> list[Array]:
    """M_i, i = 0..5: bounds of |phi^(i)/i!| where |Re z - c| <= ``reach`` and |Im z| <= h <= ``height``."""
    if op in WAVES:
        size = _exp_above(_end(c, reach)) if op == "exp" else 0.5 * (_exp_above(h) + 1.0) * UP
        return [size / factorial(i) for i in range(ORDER)]
    strip, tall = _sizes(op, height, margin), (height + margin) * UP
    if op == "softplus":
        end = _end(c, (reach + margin) * UP)
        ball = batch.softplus(Balls(end, np.zeros_like(end)))
        size = np.maximum(ball.mid + ball.rad, strip) * UP + tall
    elif op == "silu":
        size = (np.abs(c.mid[:, 0]) + c.rad[:, 0] + reach + margin + tall) * UP * strip
    else:
        size = np.full(len(reach), strip)
    sizes = [size]
    for _ in range(ORDER - 1):
        sizes.append(sizes[-1] * UP / margin)
    return sizes
