"""Node rules of total degree: projection in ball arithmetic, and a proof of its Lebesgue constant.

A rule is given by representatives; its nodes are all their images under changes of sign and order of the
coordinates. Values are folded by the parity of the coordinates; per parity the exact least squares projection
is solved in balls. Lambda = max_y sum_n |l_n(y)| is at most its maximum over the grid of m = 3 D + 1 (from six inputs
on 2 D + 1) Chebyshev nodes per axis, divided by cos(pi D/(2 m)): along the segment of angles from the maximum to the
nearest grid point a polynomial of total degree D is a trigonometric sum with frequencies <= D, which falls no faster
than the cosine (Duffin and Schaeffer 1938). By symmetry grid points with 1 >= y_1 >= ... >= y_d >= 0 are enough.

These sums are taken in float64, u = 2^-53: a table value T_k(y), at most 1 in size, is off by u, a product of d of them by
2 d u, an entry C_en of the projection by u of itself and its radius, below 2^-52; a sum of M products and the sums of the
unfolding add (M + d) u of sum |T C| (Higham, Accuracy and Stability of Numerical Algorithms, ch. 3, in any order and
with or without fused multiply-add). So sum_n |l_n(y)| is off by at most 2 u (M + 4 d + 20) sum |C| + 2.1 M N 2^-50, and by
N u of itself. Cost: 0.1 s (d = 4, D = 8) to seconds (d = 6, D = 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod
from typing import Any

from flint import arb, arb_mat

from supnorm.checker.lebesgue import in_balls, largest_sum
from supnorm.checker.rejected import Rejected

Ball = Any
Index = tuple[int, ...]
LARGEST = 20_000  # nodes, and coefficients, that a file may ask for
LARGEST_WORK = 300_000_000  # nodes times grid points, so that a hostile file cannot stall the checker
LARGEST_TABLE = 20_000_000  # coefficients times points, for the same reason
BITS = 50  # a projection must be known to 2 more
U = 2.0**-53  # float64: half the distance of 1 to the next number
CHUNK = 256  # points of the grid at a time


@dataclass(frozen=True)
class Rule:
    """A verified rule: ``projections[b]`` maps folded values at ``points`` to the coefficients of parity b."""

    d: int
    D: int
    points: tuple[tuple[float, ...], ...]
    nodes: tuple[tuple[float, ...], ...]
    exponents: dict[Index, list[Index]]
    projections: dict[Index, Any]
    lebesgue: Ball

    @cached_property
    def table(self) -> Any:
        """The nodes as an array of NumPy, which is loaded when a certificate is checked and not before."""
        import numpy as np

        return np.array(self.nodes)

    @cached_property
    def middles(self) -> dict[Index, Any]:
        """The midpoints of the projections as arrays of NumPy."""
        import numpy as np

        return {
            b: np.array([[float(z.mid()) for z in row] for row in P.tolist()])
            for b, P in self.projections.items()
        }

    def coefficients(self, values: list[Ball]) -> dict[Index, Ball]:
        """Chebyshev coefficients of the projection of values at the nodes."""
        folded: dict[Index, list[Ball]] = {b: [] for b in self.exponents}
        start = 0
        for point in self.points:
            free = [j for j, v in enumerate(point) if v]
            some = _walsh(values[start : start + 2 ** len(free)])
            start += 2 ** len(free)
            for b in self.exponents:
                zero = any(b[j] for j, v in enumerate(point) if not v)
                position = sum(b[j] << (len(free) - 1 - i) for i, j in enumerate(free))
                folded[b].append(arb(0) if zero else some[position])
        out: dict[Index, Ball] = {}
        for b, exponents in self.exponents.items():
            column = self.projections[b] * arb_mat(len(self.points), 1, folded[b])
            out.update(zip(exponents, column.entries(), strict=True))
        return out


def _walsh(values: list[Ball]) -> list[Ball]:
    """Sums with all sign patterns; entry 0 is the plain sum."""
    if len(values) == 1:
        return values
    half = len(values) // 2
    first, second = _walsh(values[:half]), _walsh(values[half:])
    pairs = list(zip(first, second, strict=True))
    return [a + b for a, b in pairs] + [a - b for a, b in pairs]


def size_of_rule(
    d: int, D: int, representatives: tuple[tuple[float, ...], ...], arbitrary: bool = False
) -> tuple[float, float, float, float]:
    """Numbers of points, nodes and coefficients of a rule from a file, and the multiplications of balls of its proof.

    ``arbitrary``: as in `verify_rule`. The numbers are counted before anything of that size is made.

    Raises:
        Rejected: when the rule is too large or malformed.
    """
    if not (1 <= D <= 12 and 1 <= d <= 10 and comb(D + d, d) <= LARGEST):
        raise Rejected(f"a rule of degree {D} in {d} dimensions is not in the format")
    if not representatives:
        raise Rejected("a node rule has no nodes")
    for one in representatives:
        if len(one) != d or not all(0.0 <= v <= 1.0 for v in one):
            raise Rejected(
                "a representative of a node rule is not a point of the positive orthant of the cube"
            )
    nodes = sum(map(_images, representatives))
    if nodes > LARGEST:
        raise Rejected("a node rule has repeated or too many nodes")
    points = sum(map(_orders, representatives))
    grid, coefficients = comb((_grid(d, D) + 1) // 2 + d - 1, d), comb(D + d, d)
    if grid * nodes > LARGEST_WORK or coefficients * points > LARGEST_TABLE:
        raise Rejected(f"a rule of degree {D} in {d} dimensions takes too long to verify")
    # (V^T W V)^-1 V^T for each parity b, comb(d, w) of which have sum(b) = w; then sums of integers on the grid.
    sizes = [(comb(d, w), comb((D - w) // 2 + d, d)) for w in range(min(d, D) + 1)]
    solved = sum(many * (2 * points * c * c + c**3) for many, c in sizes)
    taken = 0.02 * grid * coefficients * points / 2**d + grid * (0.3 * coefficients + 0.2 * nodes)
    if arbitrary:
        taken = in_balls(grid, coefficients, points, nodes, d)
    return (
        float(points),
        float(nodes),
        float(coefficients),
        2.5 * (12.0 * points * coefficients + solved + taken),
    )


def verify_rule(
    d: int, D: int, representatives: tuple[tuple[float, ...], ...], arbitrary: bool = False
) -> Rule:
    """Verify the rule with the representatives from a file; ``arbitrary``: in balls alone, nothing in float64.

    Raises:
        Rejected: when the rule is too large, malformed, or does not determine the polynomials of degree D.
    """
    size_of_rule(d, D, representatives)
    points = [p for one in representatives for p in _arrangements(one)]
    if len(set(points)) != len(points):
        raise Rejected("a node rule has repeated or too many nodes")
    nodes = tuple(
        tuple(v * s for v, s in zip(p, signs, strict=True))
        for p in points
        for signs in product(*[(1.0, -1.0) if v else (1.0,) for v in p])
    )
    exponents: dict[Index, list[Index]] = {b: [] for b in product((0, 1), repeat=d) if sum(b) <= D}
    for k in _exponents(d, D):
        exponents[tuple(v % 2 for v in k)].append(k)
    projections = _project(points, exponents, D)
    return Rule(
        d=d,
        D=D,
        points=tuple(points),
        nodes=nodes,
        exponents=exponents,
        projections=projections,
        lebesgue=_in_balls(D, points, exponents, projections)
        if arbitrary
        else _lebesgue(D, points, exponents, projections),
    )


def _orders(point: tuple[float, ...]) -> int:
    """How many distinct orders the coordinates have."""
    return factorial(len(point)) // prod(factorial(point.count(v)) for v in set(point))


def _images(point: tuple[float, ...]) -> int:
    """How many points arise from one point by changes of sign and order."""
    return int(2 ** sum(v > 0 for v in point) * _orders(point))


def _arrangements(point: tuple[float, ...]) -> list[tuple[float, ...]]:
    """The distinct orders of coordinates, sorted."""
    if not point:
        return [()]
    rest = [(v, point[: (k := point.index(v))] + point[k + 1 :]) for v in sorted(set(point))]
    return [(v, *more) for v, left in rest for more in _arrangements(left)]


def chebyshev_table(y: Ball, D: int) -> list[Ball]:
    """T_0(y) .. T_D(y)."""
    table = [arb(1), arb(y)]
    for _ in range(D - 1):
        table.append(2 * y * table[-1] - table[-2])
    return table[: D + 1]


def _exponents(d: int, D: int) -> list[Index]:
    """All of total degree at most D, in lexicographic order."""
    out: list[Index] = [()]
    for _ in range(d):
        out = [(*k, v) for k in out for v in range(D + 1 - sum(k))]
    return out


def _products(tables: list[list[Any]], D: int) -> list[Any]:
    """T_k(y) for all exponents in the order of `_exponents`."""
    pairs = [(v, D - k) for k, v in enumerate(tables[0])]
    for table in tables[1:]:
        pairs = [(v * table[k], left - k) for v, left in pairs for k in range(left + 1)]
    return [v for v, _ in pairs]


def _project(
    points: list[tuple[float, ...]], exponents: dict[Index, list[Index]], D: int
) -> dict[Index, Any]:
    """Per parity (V^T W V)^-1 V^T with W the number of nodes per point."""
    d = len(points[0])
    tables = {v: chebyshev_table(arb(v), D) for p in points for v in p}
    rows = [_products([tables[v] for v in p], D) for p in points]
    count = [2 ** sum(v > 0 for v in p) for p in points]
    position = {k: i for i, k in enumerate(_exponents(d, D))}
    out = {}
    for b, some in exponents.items():
        V = arb_mat([[row[position[k]] for k in some] for row in rows])
        weighted = arb_mat([[row[position[k]] * w for k in some] for row, w in zip(rows, count, strict=True)])
        try:
            out[b] = (V.transpose() * weighted).solve(V.transpose())
        except ZeroDivisionError:
            raise Rejected("a node rule does not determine the polynomials of its degree") from None
        if not all(z.rad() < arb(2) ** (-BITS - 2) for z in out[b].entries()):
            raise Rejected("a node rule does not determine the polynomials of its degree")
    return out


def _grid(d: int, D: int) -> int:
    """The number of Chebyshev nodes per axis on whose grid the Lebesgue constant is bounded."""
    return (3 if d < 6 else 2) * D + 1


def _lebesgue(
    D: int,
    points: list[tuple[float, ...]],
    exponents: dict[Index, list[Index]],
    projections: dict[Index, Any],
) -> Ball:
    d = len(points[0])
    m = _grid(d, D)
    position = {k: i for i, k in enumerate(_exponents(d, D))}
    columns = {b: [position[k] for k in some] for b, some in exponents.items()}
    supports: dict[Index, list[int]] = {}
    for z, p in enumerate(points):
        supports.setdefault(tuple(int(v > 0) for v in p), []).append(z)
    parts = _parts(supports, projections)
    largest = _largest_sum(d, D, m, columns, supports, parts)
    nodes = sum(2 ** sum(s) * len(zs) for s, zs in supports.items())
    total, count = _total(points, projections), len(position)
    bound = arb(largest) * (1 + 4 * nodes * U) + total * (2 * U * (count + 4 * d + 20))
    bound += arb("2.1") * arb(2) ** -BITS * count * nodes
    return (bound / (arb.pi() * D / (2 * m)).cos()).upper()


def _in_balls(
    D: int,
    points: list[tuple[float, ...]],
    exponents: dict[Index, list[Index]],
    projections: dict[Index, Any],
) -> Ball:
    """The same bound with all sums in balls."""
    d = len(points[0])
    m = _grid(d, D)
    grid = [(arb.pi() * (2 * i + 1) / (2 * m)).cos() for i in range((m + 1) // 2)]
    tables = [chebyshev_table(y, D) for y in grid]
    corner = combinations_with_replacement(tables, d)
    largest = largest_sum(corner, points, exponents, projections)
    return (largest / (arb.pi() * D / (2 * m)).cos()).upper()


def _total(points: list[tuple[float, ...]], projections: dict[Index, Any]) -> Ball:
    """The sum of all |C| over the points and their mirror images."""
    images = [2 ** sum(v > 0 for v in p) for p in points]
    rows = (row for P in projections.values() for row in P.tolist())
    return sum((abs(C) * n for row in rows for C, n in zip(row, images, strict=True)), arb(0))


def _parts(supports: dict[Index, list[int]], projections: dict[Index, Any]) -> dict[Any, Any]:
    """The columns of each projection that belong to the points of one support, as float64 numbers."""
    import numpy as np

    parts = {}
    for b, P in projections.items():
        near = np.array([[float(z.mid()) for z in row] for row in P.tolist()])
        for s, zs in supports.items():
            if all(v <= w for v, w in zip(b, s, strict=True)):
                parts[b, s] = near[:, zs]
    return parts


def _largest_sum(
    d: int,
    D: int,
    m: int,
    columns: dict[Index, list[int]],
    supports: dict[Index, list[int]],
    parts: dict[Any, Any],
) -> float:
    """The largest sum of |l_n| over the points of the grid; by symmetry one corner of the grid suffices."""
    import numpy as np

    grid = [(arb.pi() * (2 * i + 1) / (2 * m)).cos() for i in range((m + 1) // 2)]
    table = np.array([[float(t.mid()) for t in chebyshev_table(y, D)] for y in grid])
    exponents = np.array(_exponents(d, D))
    corner = np.array(list(combinations_with_replacement(range(len(grid)), d)))
    largest = 0.0
    for i in range(0, len(corner), CHUNK):
        c = corner[i : i + CHUNK]
        products = np.ones((len(c), len(exponents)))
        for j in range(d):
            products *= table[c[:, j]][:, exponents[:, j]]
        blocks = {b: products[:, ks] for b, ks in columns.items()}
        sums = np.zeros(len(c))
        for s in supports:
            for M in _unfolded(s, blocks, parts):
                sums += np.abs(M).sum(1)
        largest = max(largest, float(sums.max()))
    return largest


def _unfolded(support: Index, blocks: dict[Index, Any], parts: dict[Any, Any]) -> list[Any]:
    """l_n at grid points (rows) for the points (columns) of one support, one matrix per pattern of signs."""
    out: dict[Index, Any] = {
        b: blocks[b] @ parts[b, support]
        for b in product(*[range(v + 1) for v in support])
        if (b, support) in parts
    }
    nothing = 0.0 * next(iter(out.values()))
    out = {b: out.get(b, nothing) for b in product(*[range(v + 1) for v in support])}
    for axis in (j for j, v in enumerate(support) if v):
        for b in [b for b in out if not b[axis]]:
            c = (*b[:axis], 1, *b[axis + 1 :])
            out[b], out[c] = out[b] + out[c], out[b] - out[c]
    return list(out.values())
