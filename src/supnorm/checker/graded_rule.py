"""Node rules of total degree in ball arithmetic: projection, and a proof of its Lebesgue constant.

A rule is given by representatives; its nodes are all their images under changes of sign and order of the
coordinates. Values are folded by the parity of the coordinates; per parity the exact least squares projection
is solved in balls. Lambda = max_y sum_n |l_n(y)| is at most its maximum over the grid of m = 3 D + 1 Chebyshev
nodes per axis, divided by cos(pi D/(2 m)): along the segment of angles from the maximum to the nearest grid
point a polynomial of total degree D is a trigonometric sum with frequencies <= D, which falls no faster than
the cosine (Duffin and Schaeffer 1938). By symmetry grid points with 1 >= y_1 >= ... >= y_d >= 0 are enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations, product
from math import comb, prod
from typing import Any

from flint import arb, arb_mat

from supnorm.checker.document import Rejected

Ball = Any
Index = tuple[int, ...]
LARGEST = 20_000  # nodes, and coefficients, that a file may ask for


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


def verify_rule(d: int, D: int, representatives: tuple[tuple[float, ...], ...]) -> Rule:
    """The rule of representatives from a file.

    Raises:
        Rejected: when it is too large, malformed, or does not determine the polynomials of degree D.
    """
    if not (1 <= D <= 12 and 1 <= d <= 10 and comb(D + d, d) <= LARGEST):
        raise Rejected(f"a rule of degree {D} in {d} dimensions is not in the format")
    points: list[tuple[float, ...]] = []
    for one in representatives:
        if len(one) != d or not all(0.0 <= v <= 1.0 for v in one):
            raise Rejected(
                "a representative of a node rule is not a point of the positive orthant of the cube"
            )
        points.extend(sorted(set(permutations(one))))
    if len(set(points)) != len(points) or sum(2 ** sum(v > 0 for v in p) for p in points) > LARGEST:
        raise Rejected("a node rule has repeated or too many nodes")
    nodes = tuple(
        tuple(v * s for v, s in zip(p, signs, strict=True))
        for p in points
        for signs in product(*[(1.0, -1.0) if v else (1.0,) for v in p])
    )
    exponents = {b: list(_exponents(D, b)) for b in product((0, 1), repeat=d) if sum(b) <= D}
    projections = {b: _project(points, e) for b, e in exponents.items()}
    return Rule(
        d, D, tuple(points), nodes, exponents, projections, _lebesgue(D, points, exponents, projections)
    )


def _exponents(D: int, b: Index) -> Iterator[Index]:
    ranges = [range(v, D + 1, 2) for v in b]
    return (k for k in product(*ranges) if sum(k) <= D)


def chebyshev_table(y: Ball, D: int) -> list[Ball]:
    """T_0(y) .. T_D(y)."""
    table = [arb(1), arb(y)]
    for _ in range(D - 1):
        table.append(2 * y * table[-1] - table[-2])
    return table[: D + 1]


def _vandermonde(points: list[tuple[Any, ...]], exponents: list[Index], D: int) -> Any:
    tables: dict[Any, list[Ball]] = {}
    rows = []
    for p in points:
        per_axis = []
        for v in p:
            key = v if isinstance(v, float) else id(v)
            if key not in tables:
                tables[key] = chebyshev_table(arb(v), D)
            per_axis.append(tables[key])
        rows.append([prod((t[k] for t, k in zip(per_axis, e, strict=True)), start=arb(1)) for e in exponents])
    return arb_mat(rows)


def _project(points: list[tuple[float, ...]], exponents: list[Index]) -> Any:
    """(V^T W V)^-1 V^T with W the number of nodes per point."""
    D = max(max(e) for e in exponents)
    V = _vandermonde(points, exponents, max(D, 1))
    count = [2 ** sum(v > 0 for v in p) for p in points]
    weighted = arb_mat([[z * w for z in row] for row, w in zip(V.tolist(), count, strict=True)])
    try:
        solved = (V.transpose() * weighted).solve(V.transpose())
    except ZeroDivisionError:
        raise Rejected("a node rule does not determine the polynomials of its degree") from None
    if not all(z.is_finite() for z in solved.entries()):
        raise Rejected("a node rule does not determine the polynomials of its degree")
    return solved


def _lebesgue(
    D: int,
    points: list[tuple[float, ...]],
    exponents: dict[Index, list[Index]],
    projections: dict[Index, Any],
) -> Ball:
    d = len(points[0])
    m = 3 * D + 1
    grid = [(arb.pi() * (2 * i + 1) / (2 * m)).cos() for i in range((m + 1) // 2)]
    corner = list(combinations_with_replacement(grid, d))
    repeated = [2 ** sum(v == 0 for v in p) for p in points]
    parities = list(product((0, 1), repeat=d))
    largest = arb(0)
    step = max(200_000 // (len(points) * 2**d), 1)
    for i in range(0, len(corner), step):
        some = corner[i : i + step]
        blocks = []
        for b in parities:
            if b in exponents:
                blocks.append((_vandermonde(some, exponents[b], max(D, 1)) * projections[b]).entries())
            else:
                blocks.append([arb(0)] * (len(some) * len(points)))
        for k in range(len(some)):
            total = arb(0)
            for z in range(len(points)):
                column = _walsh([block[k * len(points) + z] for block in blocks])
                total += sum(map(abs, column), arb(0)) / repeated[z]
            largest = total.upper() if total.upper() > largest else largest
    return (largest / (arb.pi() * D / (2 * m)).cos()).upper()
