"""Interpolation tables as programs: piecewise polynomials of one variable, and products of them on grids.

A piecewise polynomial with knots t_0 < .. < t_K that is continuous is its value at t_0 plus what it gains on each piece,

    f(x) = f(t_0) + sum_k [p_k(u_k) - p_k(0)],    u_k = min(max(x, t_k), t_(k+1)) - t_k,

p_k being the polynomial of piece k in x - t_k. So it is a program of minima, maxima, powers and one affine operation. Beyond
the ends it continues with the polynomials of the outer pieces (their maximum, minimum is left out), keeps the value of the
end, or has a limit (`node.Limit`): the domain may not reach beyond it. On a grid, the basis functions of each axis are such
functions.

Tables carry rounded coefficients, so their pieces do not quite meet. How far the sum is from the table is computed in
rational numbers and is a discrepancy of the program. A table with larger gaps has a jump, and is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from supnorm.program.discrepancies import Discrepancy
from supnorm.program.node import Node
from supnorm.program.operations import Array, Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

Beyond = Literal["continue", "keep", "limit"]
# Share of the values beside a knot. Of 1,120 tables of SciPy (knots and values over many decades) the pieces met within 7
# units of 2^-53; what is beyond is no rounding, so a proof of the continuous program would say nothing about the table.
JUMP = 2.0**-45
CONVERTED = 1e-9  # share of the largest value, where pieces meet in exact arithmetic: the rounding of their coefficients
MOST_WEIGHTS = 20_000_000  # of one affine operation; a program of more takes gigabytes


@dataclass(frozen=True, eq=False)
class Piecewise:
    """``m`` functions of one variable that are polynomials between the same knots.

    Attributes:
        knots: increasing, shape ``(K + 1,)``.
        coefficients: of x - t_k in increasing powers, shape ``(K, degree + 1, m)``.
        below, above: what the functions are beyond the ends.
        name: for messages.
        continuous: whether the functions are continuous and only their coefficients are rounded.
    """

    knots: Array
    coefficients: Array
    below: Beyond
    above: Beyond
    name: str = "a table"
    continuous: bool = False

    @classmethod
    def of(
        cls, knots: Array, coefficients: Array, below: Beyond, above: Beyond, name: str = "a table"
    ) -> Piecewise:
        """Without empty pieces; checks the numbers.

        Raises:
            Unsupported: for numbers that are not finite and real, or knots that decrease.
        """
        if np.iscomplexobj(coefficients) or not np.isfinite(coefficients).all():
            raise Unsupported(f"{name} with values that are not finite real numbers", "a table without gaps")
        knots = np.asarray(knots, dtype=np.float64)
        wide = np.diff(knots) > 0
        if not wide.any() or (np.diff(knots) < 0).any() or not np.isfinite(knots).all():
            raise Unsupported(f"{name} with knots that do not increase", "sorted knots")
        pieces = np.flatnonzero(wide)
        ends = np.concatenate([knots[pieces], knots[pieces[-1] + 1 :][:1]])
        return cls(ends, np.asarray(coefficients, dtype=np.float64)[pieces], below, above, name)

    def gap(self) -> float:
        """How far the sum of the gains may be from the polynomials themselves.

        Raises:
            Unsupported: when two pieces do not meet.
        """
        largest = Fraction(0)
        knots, rounding = [Fraction(t) for t in self.knots.tolist()], self._rounding()
        # Most pieces of a basis are zero, and meet.
        used = (self.coefficients != 0.0).any(axis=1)
        for j in range(used.shape[1]):
            total = Fraction(0)
            for k in np.flatnonzero(used[:-1, j] | used[1:, j]).tolist():
                gap, h = Fraction(0), knots[k + 1] - knots[k]
                for c in reversed(self.coefficients[k, :, j].tolist()):
                    gap = gap * h + Fraction(c)
                gap -= Fraction(float(self.coefficients[k + 1, 0, j]))
                if abs(gap) > rounding[j, k]:
                    where = f"at {self.knots[k + 1]:.6g}"
                    raise Unsupported(
                        f"{self.name} with a jump of {float(gap):.3g} {where}", "a continuous table"
                    )
                total += gap
                largest = max(largest, abs(total))
        return float(largest) * (1.0 + 1e-15)

    def _rounding(self) -> Array:
        """How far pieces may be from each other by rounding, for each function and each knot between two of them."""
        size = np.abs(self.coefficients)
        if self.continuous:
            return np.broadcast_to(CONVERTED * size[:, 0].max(), (size.shape[2], len(size)))
        with np.errstate(over="ignore", invalid="ignore"):
            ends = np.einsum("kpm,kp->mk", size, np.diff(self.knots)[:, None] ** np.arange(size.shape[1]))
        allowed = JUMP * (ends[:, :-1] + size[1:, 0].T)
        return np.where(np.isfinite(allowed), allowed, 0.0)


def evaluate(build: Builder, table: Piecewise, x: Tensor) -> Tensor:
    """The functions at each feature of ``x``; returns ``x.shape + (m,)``."""
    gap = table.gap()
    parts, shape = [], (*x.shape, table.coefficients.shape[2])
    for column in x.index.ravel().tolist():
        parts.append(_at(build, table, Tensor(x.node, np.array([column])), gap))
    joined = build.concatenate(parts, 0)
    assert isinstance(joined, Tensor)
    return joined.arrange(lambda i: i.reshape(shape))


def _at(build: Builder, table: Piecewise, x: Tensor, gap: float) -> Tensor:
    knots = table.knots
    if x.node == 0:
        build.cuts.setdefault(int(x.index[0]), set()).update(knots.tolist())
    low = knots[0] if table.below == "limit" else -np.inf
    high = knots[-1] if table.above == "limit" else np.inf
    if np.isfinite(low) or np.isfinite(high):
        build.limits.append((x, float(low), float(high), table.name))
    u = build.binary("sub", _within(build, table, x), knots[:-1])
    assert isinstance(u, Tensor)
    pieces, powers, m = table.coefficients.shape
    used = [p for p in range(1, powers) if np.any(table.coefficients[:, p])]
    terms = [u if p == 1 else build.unary("pow", u, float(p)) for p in used] or [u]
    weight = np.concatenate(
        [table.coefficients[:, p] for p in used or [1]] if used else [np.zeros((pieces, m))]
    )
    whole = build.concatenate(terms, 0)
    assert isinstance(whole, Tensor)
    node = build.flat(whole, whole.shape)
    return build.add_node(
        Node(
            "affine",
            (node,),
            m,
            weight=np.ascontiguousarray(weight.T),
            bias=table.coefficients[0, 0].copy(),
            discrepancies=(Discrepancy(gap),) if gap else (),
        )
    )


def _within(build: Builder, table: Piecewise, x: Tensor) -> Tensor:
    """min(max(x, t_k), t_(k+1)) for each piece, without what the outer ones lack."""
    knots, inner = table.knots, table.knots[1:-1]
    first = np.concatenate([[knots[0]] if table.below == "keep" else [], inner])
    last = np.concatenate([inner, [knots[-1]] if table.above == "keep" else []])
    raised: Value = x
    if len(first):
        raised = build.binary("max", x.arrange(lambda i: np.repeat(i, len(first))), first)
        if len(first) < len(knots) - 1:
            raised = build.concatenate([x, raised], 0)
    assert isinstance(raised, Tensor)
    if not len(last):
        return raised
    within = build.binary("min", raised.arrange(lambda i: i[: len(last)]), last)
    rest = raised.arrange(lambda i: i[len(last) :])
    joined = build.concatenate([within, rest], 0) if rest.index.size else within
    assert isinstance(joined, Tensor)
    return joined


def linear(knots: Array, values: Array, below: Beyond, above: Beyond, name: str) -> Piecewise:
    """The functions that interpolate ``values``, shape ``(K + 1, m)``, linearly."""
    knots, values = np.asarray(knots, dtype=np.float64), np.asarray(values)
    if values.ndim == 1:
        values = values[:, None]
    with np.errstate(all="ignore"):
        slopes = np.diff(values, axis=0) / np.diff(knots)[:, None]
    return Piecewise.of(knots, np.stack([values[:-1], slopes], axis=1), below, above, name)


def on_grid(build: Builder, bases: Iterable[Piecewise], coefficients: Array, columns: list[Tensor]) -> Tensor:
    """sum_ij.. c_ij.. b_i(x_1) b_j(x_2) ..: one affine operation for the first axis, products for the others.

    Args:
        build: gets the operations.
        bases: the basis functions of each axis.
        coefficients: shape ``(n_1, .., n_d)``.
        columns: the d inputs, one feature each.

    Raises:
        Unsupported: when the table is too large.
    """
    if coefficients.size > MOST_WEIGHTS:
        raise Unsupported(f"a table of {coefficients.size} values", f"at most {MOST_WEIGHTS} values")
    values = [evaluate(build, b, x).arrange(np.ravel) for b, x in zip(bases, columns, strict=True)]
    rest = coefficients.shape[1:]
    current = build.affine(values[0], coefficients.reshape(len(coefficients), -1).T)
    for axis in range(1, len(values)):
        n, others = rest[axis - 1], int(np.prod(rest[axis:], dtype=int))
        factor = values[axis].arrange(lambda i, k=others: np.repeat(i, k))  # type: ignore[misc]
        product = build.binary("mul", current, factor)
        assert isinstance(product, Tensor)
        current = build.sum(product.arrange(lambda i, n=n, k=others: i.reshape(n, k)), (0,))  # type: ignore[misc]
    return current


def _demand_few(n: int, name: str) -> None:
    """Check that a matrix of ``n`` functions on as many pieces is no larger than one operation may be."""
    if n * n > MOST_WEIGHTS:
        raise Unsupported(
            f"{name} with {n} values along one axis", f"at most {math.isqrt(MOST_WEIGHTS)} along each"
        )


def hats(knots: Array, beyond: Beyond, name: str) -> Piecewise:
    """The piecewise linear functions that are 1 at one knot and 0 at the others.

    Raises:
        Unsupported: when they are too many.
    """
    _demand_few(len(knots), name)
    return linear(knots, np.eye(len(knots)), beyond, beyond, name)


def basis_splines(knots: Array, degree: int, beyond: Beyond, name: str) -> Piecewise:
    """The B-splines of these knots, on their base interval.

    Raises:
        Unsupported: when they are too many.
    """
    from scipy.interpolate import BSpline

    n = len(knots) - degree - 1
    _demand_few(n, name)
    return of_spline(BSpline(knots, np.eye(n), degree), beyond, name)


def of_spline(spline: object, beyond: Beyond, name: str) -> Piecewise:
    """A BSpline of SciPy on its base interval, its coefficients of any shape ``(n, ..)`` flattened to ``(n, m)``."""
    from scipy.interpolate import BSpline, PPoly

    assert isinstance(spline, BSpline)
    c = np.asarray(spline.c)
    columns = np.moveaxis(c.reshape(len(c), -1), 1, 0)
    first, last = spline.k, len(spline.t) - spline.k - 1
    inner = spline.t[(spline.t > spline.t[first]) & (spline.t < spline.t[last])]
    continuous = np.unique(inner, return_counts=True)[1].max(initial=0) <= spline.k
    pieces = [PPoly.from_spline((spline.t, np.ascontiguousarray(v), spline.k)).c for v in columns]
    ascending = np.stack(pieces, axis=2)[::-1, first:last]
    made = Piecewise.of(spline.t[first : last + 1], np.moveaxis(ascending, 0, 1), beyond, beyond, name)
    return replace(made, continuous=bool(continuous))


def of_polynomials(knots: Array, c: Array, beyond: Beyond, name: str) -> Piecewise:
    """Coefficients of SciPy's PPoly, shape ``(degree + 1, K, ..)`` in decreasing powers."""
    ascending = np.moveaxis(np.asarray(c), 0, 1)[:, ::-1]
    flat: NDArray[np.float64] = ascending.reshape(*ascending.shape[:2], -1)
    return Piecewise.of(knots, flat, beyond, beyond, name)
