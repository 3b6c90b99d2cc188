"""One feature at all nodes of a cell: as a list of FLINT's balls, or as balls with float64 midpoints in arrays (`batch`).

Chebyshev models (`composed`) are the same with both; arrays are for cells of many nodes (`program_cost.MANY`).
Coefficients of a row in arrays: each of the d products with the transform, whose rows have 1-norm at most 2 and whose
entries are off by u, adds at most 2 gamma_(n+3) of the largest number and doubles what was there. The exact numbers are at
most 2^j (M + r) after j products. Together

    |a~ - a| <= (2 (1 + gamma))^d (r + d gamma (M + r)),    M, r the largest midpoint and radius.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import product as tuples
from typing import TYPE_CHECKING, Any

from flint import arb, arb_mat, ctx

from supnorm.checker.enclosure import point_function
from supnorm.checker.operation import Operation
from supnorm.checker.polynomial import _transform, along_axes

if TYPE_CHECKING:
    from supnorm.checker.batch import Balls

Ball = Any
Row = Any  # list[Ball] | Balls
U = 2.0**-53
# Parameters of the ellipses that are tried. Any number above 1 would do.
RHO = (1.2, 1.4, 1.7, 2.1, 2.7, 3.5, 4.6, 6.2, 8.5, 12.0, 18.0, 32.0, 80.0)


class Grid:
    """What all features of a leaf share: degree, inputs, and the constants of interpolation.

    ``thorough``: every ellipse is tried. Otherwise ``nearest`` has the position of the one that was best for a function.
    """

    def __init__(self, n: int, d: int, thorough: bool = False) -> None:
        self.n, self.d, self.thorough = n, d, thorough
        self.nearest: dict[str, int] = {}
        self.transform = _transform(n, ctx.prec)
        self.index = list(tuples(range(n + 1), repeat=d))
        # Row j (n + 1) + i sums the coefficients with k_j = i.
        self.members = arb_mat([[int(k[j] == i) for k in self.index] for j in range(d) for i in range(n + 1)])
        self.lebesgue = (2 * arb(n + 1).log() / arb.pi() + 1).upper()
        rho = [arb(r) for r in RHO]
        self.growth = arb_mat([[(r**i + 1 / r**i) / 2 for i in range(n + 1)] for r in rho])
        self.tail = [(4 / (r**n * (r - 1))).upper() for r in rho]

    def along(self, parts: list[Ball]) -> Ball:
        """The interpolation error from that of each axis: one axis after the other, each of an interpolant of the last."""
        return sum((self.lebesgue**j * part for j, part in enumerate(parts)), arb(0)).upper()


@lru_cache(maxsize=8)
def grid_of(n: int, d: int, precision: int, thorough: bool = False) -> Grid:
    """The same grid for all leaves of its degree."""
    return Grid(n, d, thorough)


def quiet(fast: bool) -> AbstractContextManager[Any]:
    """Without warnings of NumPy, where arrays are used: what is no number has an infinite radius."""
    if not fast:
        return nullcontext()
    import numpy as np

    return np.errstate(all="ignore")


def constant(like: Row | None, count: int, value: Ball) -> Row:
    """A number at every node, in the form of ``like``; in FLINT's balls where that is None."""
    if like is None or isinstance(like, list):
        return [value] * count
    import numpy as np

    from supnorm.checker.batch import Balls

    middle = float(value.mid()) if value.is_finite() else float("nan")
    off = float((value - middle).abs_upper()) * (1.0 + 4.0 * U) if value.is_finite() else 0.0
    return Balls.of(np.full((1, count), middle), np.full((1, count), off))


def plus(x: Row, y: Row) -> Row:
    """x + y."""
    if isinstance(x, list):
        return [a + b for a, b in zip(x, y, strict=True)]
    from supnorm.checker import batch

    return batch.add(x, y)


def times(x: Row, factor: Ball) -> Row:
    """factor x."""
    if isinstance(x, list):
        return [factor * v for v in x]
    return product(x, constant(x, x.mid.shape[1], factor))


def product(x: Row, y: Row) -> Row:
    """x y."""
    if isinstance(x, list):
        return [a * b for a, b in zip(x, y, strict=True)]
    from supnorm.checker import batch

    return batch.multiply(x, y)


def positive(x: Row) -> Row:
    """max(x, 0)."""
    if isinstance(x, list):
        return [v.max(arb(0)) for v in x]
    from supnorm.checker import batch

    return batch.RULES["relu"](x)


def function(op: str, parameter: Any, x: Row) -> Row:
    """phi(x)."""
    if isinstance(x, list):
        call = point_function(op, parameter)
        return [call(v) for v in x]
    from supnorm.checker import batch

    if op == "reciprocal":
        return batch.divide(constant(x, x.mid.shape[1], arb(1)), x)
    return batch.function(op, parameter, [x])


def affine(o: Operation, weights: Ball, rows: list[Row]) -> list[Row]:
    """weight @ x + bias of the rows x."""
    if isinstance(rows[0], list):
        k, count = len(rows), len(rows[0])
        values = (weights * arb_mat(k, count, [v for row in rows for v in row])).entries()
        return [[v + b for v in values[i * count : (i + 1) * count]] for i, b in enumerate(o.vector)]
    import numpy as np

    from supnorm.checker import batch

    joined = batch.Balls(np.concatenate([r.mid for r in rows]), np.concatenate([r.rad for r in rows]))
    outputs = batch.affine(o, joined)
    return [batch.Balls(outputs.mid[i : i + 1], outputs.rad[i : i + 1]) for i in range(o.width)]


def finite(x: Row) -> bool:
    """Whether every value is a number."""
    if isinstance(x, list):
        return bool(sum(x, arb(0)).is_finite())  # a sum with a ball that is not is not
    return bool((x.rad < float("inf")).all())


def balls(x: Row) -> list[Ball]:
    """As FLINT's balls."""
    return x if isinstance(x, list) else x.rows()[0]


def sizes(x: Row, grid: Grid) -> tuple[Ball, list[list[Ball]]]:
    """The constant coefficient, and for each axis j the sums of |a_k|, k != 0, over k_j = 0, .., n."""
    n, d = grid.n, grid.d
    if isinstance(x, list):
        coefficients = along_axes(grid.transform, x, d)
        size = arb_mat(len(x), 1, [arb(0), *map(abs, coefficients[1:])])
        sums = (grid.members * size).entries()
        return coefficients[0], [sums[j * (n + 1) : (j + 1) * (n + 1)] for j in range(d)]
    return _sizes_in_arrays(x, n, d)


def _sizes_in_arrays(x: Balls, n: int, d: int) -> tuple[Ball, list[list[Ball]]]:
    import numpy as np

    count = len(x.mid[0])
    if not finite(x):
        return arb("nan"), [[arb("nan")] * (n + 1) for _ in range(d)]
    matrix, a = _float_transform(n), x.mid[0]
    for _ in range(d):
        a = (matrix @ a.reshape(n + 1, -1)).T.ravel()
    largest, rad = float(np.abs(x.mid).max()), float(x.rad.max())
    off = _coefficient_error(n, d, largest, rad)
    if not np.isfinite(off):
        return arb("nan"), [[arb("nan")] * (n + 1) for _ in range(d)]
    size = np.abs(a)
    size[0] = 0.0
    cube = size.reshape((n + 1,) * d)
    more = (count // (n + 1)) * off  # of the coefficients in one sum
    parts = []
    for j in range(d):
        sums = cube.sum(axis=tuple(i for i in range(d) if i != j))
        parts.append([arb((float(v) + more) * (1.0 + 1e-10 + 2.0 * count * U)) for v in sums])
    return arb(float(a[0]), off), parts


def _coefficient_error(n: int, d: int, largest: float, rad: float) -> float:
    """How far coefficients may be off, from the largest midpoint and radius of the values."""
    gamma = 1.01 * (n + 3) * U
    return float((2.0 * (1.0 + gamma)) ** d * (rad + d * gamma * (largest + rad)) * (1.0 + 1e-12) + 1e-300)


@lru_cache(maxsize=64)
def _float_transform(n: int) -> Any:
    """The nearest numbers to the entries of the transform."""
    import numpy as np

    old, ctx.prec = ctx.prec, 120
    try:
        one = [
            [
                (arb.pi() * (k * (2 * i + 1)) / (2 * n + 2)).cos() * (2 if k else 1) / (n + 1)
                for i in range(n + 1)
            ]
            for k in range(n + 1)
        ]
        return np.array([[float(v.mid()) for v in row] for row in one])
    finally:
        ctx.prec = old
