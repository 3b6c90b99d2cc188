"""Node rules of total degree: where an error is sampled so that a polynomial of degree D follows from it.

A rule is a node set X in the cube [-1, 1]^d that is unchanged by every change of sign and order of the
coordinates, and the least squares projection L from values at X to the Chebyshev coefficients of a
polynomial of total degree D. L reproduces such polynomials, so for p in P_D and |e - p| <= delta on the cube

    |e - L e| <= (1 + Lambda) delta,   Lambda = max_y sum_n |l_n(y)|,   L e = sum_n e(x_n) l_n.

**Lambda is proved by a grid** (Ehlich and Zeller 1964, for total degree). Let p in P_D attain its largest
absolute value, ||p||, at cos(theta), and let cos(theta') be any point with |theta'_j - theta_j| <= eta for
all j. Then s -> p(cos(theta + s (theta' - theta)/eta)) is a trigonometric sum with frequencies
|sum_j +-k_j v_j| <= D (since |v_j| <= 1 and sum_j k_j <= D), bounded by ||p||, with its maximum at s = 0: by
Duffin and Schaeffer (1938) it is at least ||p|| cos(D s) for D s <= pi/2. So

    ||p|| <= max over the grid of m Chebyshev nodes per axis of |p| / cos(pi D/(2 m)),

one cosine, not one per axis. With p = sum_n sign(l_n(y*)) l_n for the y* of Lambda, |p| <= sum_n |l_n| and
p(y*) = Lambda = ||p||: the same bound holds for Lambda. By symmetry only grid points with
1 >= y_1 >= ... >= y_d >= 0 are needed: 2380 instead of 531,441 for d = 4, D = 9.

Nodes: orbits of points of a Chebyshev grid, added greedily by gain of log det of the Gram matrix per node
(approximate Fekete points, Bos, De Marchi, Sommariva and Vianello 2010, orbit by orbit). The Gram matrix
splits by the parities of the exponents. Cost: about 1 s (d = 4, D = 9) to 10 s (d = 6, D = 7), once per
process; Lambda is 22 and 55 there with 1.8 times as many nodes as coefficients.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import Array, U, gamma
from supnorm.results import BadInput

Integers = NDArray[np.int64]
FEWEST, MOST = 1.25, 1.9  # nodes per coefficient, between which the cheapest rule is chosen


@dataclass(frozen=True, eq=False)
class Rule:
    """A node rule with what is proved about it.

    Attributes:
        d, D: dimension and total degree.
        representatives: one point of each orbit, 1 >= y_1 >= ... >= y_d >= 0, shape ``(o, d)``.
        exponents: of the M coefficients, shape ``(M, d)``.
        nodes: shape ``(N, d)``.
        operator: from values to coefficients, shape ``(M, N)``.
        lebesgue: proved bound of Lambda.
        total: sum of |operator|, for the rounding of coefficients.
        defect: |L p - p| <= defect |p| for p of degree D: the operator's own rounding.
    """

    d: int
    D: int
    representatives: Array
    exponents: Integers
    nodes: Array
    operator: Array
    lebesgue: float
    total: float
    defect: float

    @property
    def degrees(self) -> Integers:
        """Total degree of each coefficient, shape ``(M,)``."""
        return np.asarray(self.exponents.sum(1))

    def coefficients(self, values: Array) -> Array:
        """Chebyshev coefficients from values ``(B, N, m)``; returns ``(B, M, m)``."""
        boxes, count, m = values.shape
        flat = np.ascontiguousarray(values.transpose(1, 0, 2)).reshape(count, boxes * m)
        return np.asarray((self.operator @ flat).reshape(-1, boxes, m).transpose(1, 0, 2))

    def rounding(self, largest: Array) -> Array:
        """How far the polynomial of computed coefficients is from that of exact ones, for |values| <= largest."""
        return np.asarray(largest * (gamma(len(self.nodes) + 2) * self.total))


@lru_cache(maxsize=64)
def rule(d: int, D: int) -> Rule:
    """The rule of total degree ``D`` in ``d`` dimensions.

    Raises:
        BadInput: when the orbits of the grid do not determine the polynomials of that degree.

    >>> r = rule(2, 4)
    >>> len(r.exponents), len(r.nodes) >= 15, r.lebesgue < 15
    (15, True, True)
    """
    blocks = _blocks(d, D)
    orbits = _greedy(d, D, blocks)
    M = math.comb(D + d, d)
    best: tuple[float, tuple[Array, ...]] | None = None
    for count in range(1, len(orbits) + 1):
        chosen = orbits[:count]
        size = sum(_full_size(o) for o in chosen)
        if size < M * FEWEST and count < len(orbits):
            continue
        parts = _projection(np.concatenate(chosen), blocks)
        if parts is None:
            continue
        cost = size * _lebesgue(np.concatenate(chosen), parts, blocks, D, 1.2) ** (d / (D + 1.0))
        if best is None or cost < best[0]:
            best = cost, tuple(chosen)
    if best is None:
        raise BadInput(f"there is no node rule of total degree {D} in {d} inputs; choose another degree")
    return _finish(d, D, best[1], blocks)


def chebyshev_values(y: Array, exponents: Integers) -> Array:
    """T_k(y) for each point and exponent, shape ``(n, M)``; off by at most `_value_error`."""
    d, top = y.shape[1], int(exponents.max()) if exponents.size else 0
    table = np.cos(np.arccos(y)[:, :, None] * np.arange(top + 1))
    table[..., 1::2] *= (y != 0.0)[:, :, None]
    out = table[:, 0][:, exponents[:, 0]]
    for j in range(1, d):
        out = out * table[:, j][:, exponents[:, j]]
    return np.asarray(out)


def _value_error(d: int, D: int) -> float:
    """Each T_k of one variable: k times the error of the angle (8 ulps of pi) and of the cosine."""
    return d * (D + 1) * 40.0 * U


def _blocks(d: int, D: int) -> list[tuple[tuple[int, ...], Integers]]:
    """Exponents of total degree at most D by parity."""
    every = np.array([k for k in itertools.product(range(D + 1), repeat=d) if sum(k) <= D], dtype=np.int64)
    parities = itertools.product((0, 1), repeat=d)
    return [(b, every[(every % 2 == b).all(1)]) for b in parities if sum(b) <= D]


def _greedy(d: int, D: int, blocks: list[tuple[tuple[int, ...], Integers]]) -> list[Array]:
    """Orbits (points of the positive orthant) in the order in which they pay, up to `MOST` nodes."""
    steps = D // 2 + 2
    grid = np.cos(np.arange(steps) * np.pi / (2 * steps - 2))
    grid[0], grid[-1] = 1.0, 0.0
    M = math.comb(D + d, d)
    indices = itertools.combinations_with_replacement(range(steps), d)
    orbits = [grid[np.array(list(_orders(i)))] for i in indices if _orbit_size(i, steps) <= 2 * M]
    canonical = [(exps, math.comb(d, sum(b))) for b, exps in blocks if sorted(b, reverse=True) == list(b)]
    grams = [np.stack([_gram(o, exps) for o in orbits]) for exps, _ in canonical]
    present = [1e-6 * np.eye(len(exps)) for exps, _ in canonical]
    size = np.array([_full_size(o) for o in orbits])
    free = np.ones(len(orbits), dtype=bool)
    chosen: list[int] = []
    while free.any():
        if (
            size[chosen].sum() >= MOST * M
            and _projection(np.concatenate([orbits[i] for i in chosen]), blocks) is not None
        ):
            break
        rows = np.flatnonzero(free)
        gain = np.zeros(len(rows))
        for (_, times), more, now in zip(canonical, grams, present, strict=True):
            gain += times * (np.linalg.slogdet(now + more[rows])[1] - np.linalg.slogdet(now)[1])
        best = int(rows[np.argmax(np.round(gain / size[rows], 9))])
        chosen.append(best)
        free[best] = False
        present = [now + more[best] for now, more in zip(present, grams, strict=True)]
    return [orbits[i] for i in chosen]


def _orders(values: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The different orders of a tuple."""
    if not values:
        yield ()
    for first in sorted(set(values)):
        at = values.index(first)
        for rest in _orders(values[:at] + values[at + 1 :]):
            yield (first, *rest)


def _orbit_size(indices: tuple[int, ...], steps: int) -> int:
    """Nodes of an orbit; index ``steps - 1`` is a coordinate 0, which has no second sign."""
    orders = math.factorial(len(indices))
    for i in set(indices):
        orders //= math.factorial(indices.count(i))
    return int(orders * 2 ** (len(indices) - indices.count(steps - 1)))


def _copies(points: Array) -> Array:
    """How many nodes share a point of the positive orthant up to signs."""
    return np.asarray(2.0 ** (points != 0).sum(1))


def _full_size(points: Array) -> int:
    return int(_copies(points).sum())


def _gram(points: Array, exponents: Integers) -> Array:
    """Gram matrix of the orbit in a basis of about unit norm."""
    values = chebyshev_values(points, exponents) * np.sqrt(2.0) ** (exponents > 0).sum(1)
    return np.asarray(values.T @ (_copies(points)[:, None] * values))


def _projection(points: Array, blocks: list[tuple[tuple[int, ...], Integers]]) -> list[Array] | None:
    """Per parity, the map from folded values at the points of the orthant to coefficients; None if singular."""
    out = []
    for _, exps in blocks:
        values = chebyshev_values(points, exps)
        gram = values.T @ (_copies(points)[:, None] * values)
        if not np.linalg.cond(gram) <= 1e7:
            return None
        out.append(np.asarray(np.linalg.solve(gram, values.T), dtype=np.float64))
    return out


def _lebesgue(
    points: Array, parts: list[Array], blocks: list[tuple[tuple[int, ...], Integers]], D: int, fine: float
) -> float:
    """Bound of Lambda by the grid of about ``fine`` D nodes per axis, rounding left out."""
    d = points.shape[1]
    m = math.ceil(fine * D) + 1
    grid = np.cos((np.arange(m) + 0.5) * np.pi / m)[: (m + 1) // 2]
    corner = np.array(list(itertools.combinations_with_replacement(grid, d)))
    largest = 0.0
    step = max(200_000 // (len(points) * 2**d), 1)
    for i in range(0, len(corner), step):
        some = corner[i : i + step]
        parity = np.zeros((2,) * d + (len(some), len(points)))
        for (b, exps), part in zip(blocks, parts, strict=True):
            parity[b] = chebyshev_values(some, exps) @ part
        for axis in range(d):
            even, odd = np.moveaxis(parity, axis, 0)
            difference = even - odd
            even += odd
            odd[...] = difference
        sizes = np.abs(parity).reshape(2**d, len(some), len(points)).sum(0)
        largest = max(largest, float((sizes @ (_copies(points) / 2.0**d)).max()))
    return largest / math.cos(math.pi * D / (2 * m))


def _finish(
    d: int, D: int, orbits: tuple[Array, ...], blocks: list[tuple[tuple[int, ...], Integers]]
) -> Rule:
    points = np.concatenate(orbits)
    parts = _projection(points, blocks)
    assert parts is not None
    nodes, source, signs = _unfold(points)
    operator = np.concatenate([
        part[:, source] * np.prod(np.where(np.array(b) == 1, signs, 1.0), 1)
        for (b, _), part in zip(blocks, parts, strict=True)
    ])  # fmt: skip
    exponents = np.concatenate([exps for _, exps in blocks])
    total = float(np.abs(operator).sum()) * (1.0 + 1e-12)
    lopsided = _asymmetry(d, nodes, exponents, operator) * d * d * operator.size
    values_off = (_value_error(d, D) + gamma(len(exponents) + 4)) * total
    lebesgue = (_lebesgue(points, parts, blocks, D, 3.0) + 2.0 * (lopsided + values_off)) * (1.0 + 1e-9)
    return Rule(
        d, D, np.array([o.max(0) * 0 + np.sort(o[0])[::-1] for o in orbits]), exponents, nodes, operator,
        lebesgue, total, _defect(d, D, nodes, exponents, operator),
    )  # fmt: skip


def _unfold(points: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """All nodes with the orthant point each comes from and its signs (1 on zero coordinates)."""
    nodes, source, signs = [], [], []
    for i, point in enumerate(points):
        for sign in itertools.product(*[(1.0, -1.0) if v else (1.0,) for v in point]):
            nodes.append(point * sign)
            source.append(i)
            signs.append(sign)
    return np.array(nodes), np.array(source), np.array(signs)


def _asymmetry(d: int, nodes: Array, exponents: Integers, operator: Array) -> float:
    """Largest change of an entry when two neighbouring coordinates are exchanged; signs are exact."""
    worst = 0.0
    for j in range(d - 1):
        order = np.arange(d)
        order[[j, j + 1]] = order[[j + 1, j]]
        rows = _positions(exponents, exponents[:, order])
        columns = _positions(nodes, nodes[:, order])
        worst = max(worst, float(np.abs(operator[rows][:, columns] - operator).max()))
    return worst


def _positions(table: Array | Integers, wanted: Array | Integers) -> NDArray[np.intp]:
    """Row of ``table`` that equals each row of ``wanted``."""
    known = {tuple(row): i for i, row in enumerate(table.tolist())}
    return np.array([known[tuple(row)] for row in wanted.tolist()])


def _defect(d: int, D: int, nodes: Array, exponents: Integers, operator: Array) -> float:
    """|L p - p| <= sum of the row norms of (L V - 1) times 2^(d/2) |p| (Parseval), with all rounding."""
    values = chebyshev_values(nodes, exponents)
    off = np.abs(operator @ values - np.eye(len(exponents)))
    rows = np.abs(operator).sum(1)
    off = off + rows[:, None] * (gamma(len(nodes) + 4) * 1.001 + _value_error(d, D))
    return float(np.sqrt((off * off).sum(1)).sum()) * math.sqrt(2.0**d) * (1.0 + 1e-9)
