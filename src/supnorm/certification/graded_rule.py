"""Node rules of total degree: points whose values determine a polynomial of degree D near the error.

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

Nodes: orbits of points under changes of sign and order. `nodes.json` holds the orbits for the degrees that certificates
use, each with its Lambda (`python -m benchmarks.certify nodes` makes it; a test computes Lambda again). For other degrees
`choose` takes them from a Chebyshev grid, one orbit after the other, each time the one with the largest gain of log det of
the Gram matrix per node (approximate Fekete points, Bos, De Marchi, Sommariva and Vianello 2010).

All matrices split by the parities of the exponents. Parities with the same number of odd exponents give the same matrix
up to the order of the coordinates, so L is stored as 2^d small matrices, d + 1 of them different. Its symmetry is exact
also in float64.
Cost where Lambda is not known: less than a second up to four inputs, a few seconds for d = 6, D = 8, once per process.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.graded import TOP
from supnorm.certification.rounding import Array, U, gamma
from supnorm.results import BadInput

Integers = NDArray[np.int64]
FEWEST, MOST = 1.25, 1.9  # nodes per coefficient: the cheapest rule between these numbers is chosen


@dataclass(frozen=True, eq=False)
class Rule:
    """A node rule and the numbers that are proved about it.

    Attributes:
        d, D: dimension and total degree.
        representatives: one point of each orbit, 1 >= y_1 >= ... >= y_d >= 0, shape ``(o, d)``.
        exponents: of the M coefficients, parity after parity, shape ``(M, d)``.
        nodes: shape ``(N, d)``.
        folding: the index of the node for each pattern of signs and each point of the positive orthant, shape
            ``(2^d, p)``; a point with a coordinate zero occurs for several patterns.
        projections: for each parity the map from sums over the patterns to coefficients, shapes ``(M_b, p)``.
        lebesgue: proved bound of Lambda.
        total: sum of the sizes of all entries of L, for the rounding of coefficients.
        defect: |L p - p| <= defect |p| for p of degree D: the operator's own rounding.
    """

    d: int
    D: int
    representatives: Array
    exponents: Integers
    nodes: Array
    folding: NDArray[np.intp]
    projections: tuple[tuple[tuple[int, ...], Array], ...]
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
        folded = flat[self.folding].reshape((2,) * self.d + (-1, boxes * m))
        _butterfly(folded, self.d)
        rows = np.concatenate([part @ folded[b] for b, part in self.projections])
        return np.asarray(rows.reshape(-1, boxes, m).transpose(1, 0, 2))

    def rounding(self, largest: Array) -> Array:
        """Bound of the distance between the polynomials of computed and of exact coefficients, for |values| <= largest."""
        return np.asarray(largest * (gamma(self.folding.shape[1] + self.d + 4) * self.total))


@lru_cache(maxsize=64)
def rule(d: int, D: int) -> Rule:
    """The rule of total degree ``D`` in ``d`` dimensions.

    Raises:
        BadInput: when the orbits of the grid do not determine the polynomials of that degree.

    >>> r = rule(2, 4)
    >>> len(r.exponents), len(r.nodes) >= 15, r.lebesgue < 15
    (15, True, True)
    """
    name = f"{d} inputs, degree {D}"
    known = _table().get(name)
    if known is None:
        return prove(d, D, choose(d, D))
    return prove(d, D, known.orbits, known.lebesgue if known.mark == known.made(name) else None)


LARGEST_RULE = 2500  # coefficients of a rule that is chosen and is not in the table


def affordable(d: int, D: int) -> bool:
    """Whether `rule` is in the table, or small enough to be chosen in seconds."""
    known = f"{d} inputs, degree {D}" in _table()
    return 1 <= D < TOP and (known or math.comb(D + d, d) <= LARGEST_RULE)


class Known(NamedTuple):
    """A rule of the table: a point of each orbit, a bound of Lambda, which `prove` computed, and the mark of both.

    The bound is of these points only. Where the mark is another one (the file was edited, or is damaged) `prove` computes
    the bound again.
    """

    points: list[list[float]]
    lebesgue: float
    mark: str = ""

    def made(self, name: str) -> str:
        """The mark that belongs to a rule of this name."""
        return hashlib.sha256(json.dumps([name, self.points, self.lebesgue]).encode()).hexdigest()[:16]

    @property
    def orbits(self) -> list[Array]:
        """The orbits of the points."""
        return [orbit(point) for point in self.points]


@cache
def _table() -> dict[str, Known]:
    held = json.loads((files(__package__) / "nodes.json").read_text())
    return {name: Known(one["points"], one["lebesgue"], one.get("mark", "")) for name, one in held.items()}


def orbit(point: list[float]) -> Array:
    """All orders of the coordinates of a point of the positive orthant."""
    return np.array(sorted(set(itertools.permutations(point))))


def choose(d: int, D: int) -> list[Array]:
    """Choose orbits on a Chebyshev grid greedily, as many as should give the cheapest certificates."""
    blocks = parities(d, D)
    orbits = _greedy(d, D, blocks)
    M = math.comb(D + d, d)
    best: tuple[float, list[Array]] | None = None
    for count in range(1, len(orbits) + 1):
        chosen = orbits[:count]
        size = sum(_full_size(o) for o in chosen)
        if size < M * FEWEST and count < len(orbits):
            continue
        parts = project(np.concatenate(chosen), blocks)
        if parts is None:
            continue
        cost = size * lebesgue(np.concatenate(chosen), parts, blocks, D, 1.2) ** (d / (D + 1.0))
        if best is None or cost < best[0]:
            best = cost, chosen
    if best is None:
        raise BadInput(f"there is no node rule of total degree {D} in {d} inputs; choose another degree")
    return best[1]


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
    """Bound of the error of T_k: for each variable k times the error of the angle (8 ulps of pi) plus that of the cosine."""
    return d * (D + 1) * 40.0 * U


def parities(d: int, D: int) -> list[tuple[tuple[int, ...], Integers]]:
    """Exponents of total degree at most D by parity; parities with as many odd exponents list them in matching orders."""
    every = np.array([k for k in itertools.product(range(D + 1), repeat=d) if sum(k) <= D], dtype=np.int64)
    first = {p: every[(every % 2 == [1] * p + [0] * (d - p)).all(1)] for p in range(min(d, D) + 1)}
    patterns = itertools.product((0, 1), repeat=d)
    return [(b, first[sum(b)][:, _odd_first(b)]) for b in patterns if sum(b) <= D]


def _odd_first(b: tuple[int, ...]) -> Integers:
    """The position of each coordinate when the odd ones come first."""
    return np.argsort(np.argsort([-v for v in b], kind="stable"), kind="stable")


def _greedy(d: int, D: int, blocks: list[tuple[tuple[int, ...], Integers]]) -> list[Array]:
    """Orbits (points of the positive orthant), those with the largest gain first, up to `MOST` nodes per coefficient."""
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
            and project(np.concatenate([orbits[i] for i in chosen]), blocks) is not None
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


def project(points: Array, blocks: list[tuple[tuple[int, ...], Integers]]) -> list[Array] | None:
    """For each parity the map from values at the points of the orthant to coefficients; None if a matrix is singular."""
    first: dict[int, Array] = {}
    for b, exps in blocks:
        if b == (1,) * sum(b) + (0,) * (len(b) - sum(b)):
            values = chebyshev_values(points, exps)
            gram = values.T @ (_copies(points)[:, None] * values)
            if not np.linalg.cond(gram) <= 1e7:
                return None
            first[sum(b)] = np.asarray(np.linalg.solve(gram, values.T), dtype=np.float64)
    columns = [_positions(points, points[:, np.argsort(_odd_first(b))]) for b, _ in blocks]
    return [first[sum(b)][:, column] for (b, _), column in zip(blocks, columns, strict=True)]


def lebesgue(
    points: Array, parts: list[Array], blocks: list[tuple[tuple[int, ...], Integers]], D: int, fine: float
) -> float:
    """Bound of Lambda by the grid of about ``fine`` D nodes per axis, without rounding."""
    d = points.shape[1]
    m = math.ceil(fine * D) + 1
    grid = np.cos((np.arange(m) + 0.5) * np.pi / m)[: (m + 1) // 2]
    corner = np.array(list(itertools.combinations_with_replacement(grid, d)))
    exponents = np.concatenate([exps for _, exps in blocks])
    ends = np.cumsum([len(exps) for _, exps in blocks])[:-1]
    largest = 0.0
    step = max(200_000 // (len(points) * 2**d), 1)
    for i in range(0, len(corner), step):
        some = corner[i : i + step]
        parity = np.zeros((2,) * d + (len(some), len(points)))
        values = np.split(chebyshev_values(some, exponents), ends, axis=1)
        for (b, _), part, here in zip(blocks, parts, values, strict=True):
            parity[b] = here @ part
        _butterfly(parity, d)
        sizes = np.abs(parity, out=parity).reshape(2**d, len(some), len(points)).sum(0)
        largest = max(largest, float((sizes @ (_copies(points) / 2.0**d)).max()))
    return largest / math.cos(math.pi * D / (2 * m))


def _butterfly(values: Array, d: int) -> None:
    """Sums with all patterns of signs along the first ``d`` axes (of length 2), in place."""
    for axis in range(d):
        even, odd = np.moveaxis(values, axis, 0)
        difference = even - odd
        even += odd
        odd[...] = difference


def prove(d: int, D: int, orbits: list[Array], known: float | None = None) -> Rule:
    """The rule of these orbits, with the numbers that are proved about it.

    Args:
        d: number of dimensions.
        D: total degree.
        orbits: see `choose`.
        known: a bound of Lambda of these orbits, with room for rounding, if it was computed before.

    Raises:
        BadInput: when the orbits do not determine the polynomials of total degree ``D``.
    """
    blocks, points = parities(d, D), np.concatenate(orbits)
    parts = project(points, blocks)
    if parts is None:
        raise BadInput(f"these nodes do not determine the polynomials of total degree {D} in {d} inputs")
    nodes, folding = _unfold(points)
    exponents = np.concatenate([exps for _, exps in blocks])
    total = float(sum((np.abs(part) @ _copies(points)).sum() for part in parts)) * (1.0 + 1e-12)
    if known is None:
        values_off = (_value_error(d, D) + gamma(len(exponents) + 4)) * total
        # From six inputs on, a finer grid takes more time than its Lambda (a tenth smaller) saves.
        fine = 3.0 if d < 6 else 2.0
        known = (lebesgue(points, parts, blocks, D, fine) + 2.0 * values_off) * (1.0 + 1e-9)
    share = _copies(points) / 2.0**d  # a power of two: no rounding
    return Rule(
        d=d,
        D=D,
        representatives=np.array([np.sort(o[0])[::-1] for o in orbits]),
        exponents=exponents,
        nodes=nodes,
        folding=folding,
        projections=tuple((b, part * share) for (b, _), part in zip(blocks, parts, strict=True)),
        lebesgue=known,
        total=total,
        defect=_defect(D, points, blocks, parts),
    )


def _unfold(points: Array) -> tuple[Array, NDArray[np.intp]]:
    """All nodes, and the index of the node for each pattern of signs and each point."""
    d = points.shape[1]
    start = np.concatenate([[0], np.cumsum(_copies(points))[:-1]]).astype(np.intp)
    nodes, folding = [], np.zeros((2**d, len(points)), dtype=np.intp)
    patterns = np.array(list(itertools.product((0, 1), repeat=d)), dtype=np.intp)
    for i, point in enumerate(points):
        free = [j for j in range(d) if point[j]]
        for pattern in itertools.product((0, 1), repeat=len(free)):
            nodes.append(point.copy())
            nodes[-1][free] *= 1.0 - 2.0 * np.array(pattern)
        folding[:, i] = start[i] + patterns[:, free] @ (1 << np.arange(len(free))[::-1])
    return np.array(nodes), folding


def _positions(table: Array | Integers, wanted: Array | Integers) -> NDArray[np.intp]:
    """Row of ``table`` that equals each row of ``wanted``."""
    known = {tuple(row): i for i, row in enumerate(table.tolist())}
    return np.array([known[tuple(row)] for row in wanted.tolist()])


def _defect(
    D: int, points: Array, blocks: list[tuple[tuple[int, ...], Integers]], parts: list[Array]
) -> float:
    """|L p - p| <= sum of the row norms of (L V - 1) times 2^(d/2) |p| (Parseval), with all rounding.

    Rows and columns of different parities meet in zeros, by the exact symmetry of nodes and L.
    """
    d, weights, loss = points.shape[1], _copies(points), 0.0
    for (_, exps), part in zip(blocks, parts, strict=True):
        off = np.abs((part * weights) @ chebyshev_values(points, exps) - np.eye(len(exps)))
        rows = np.abs(part) @ weights
        off += rows[:, None] * (gamma(len(points) + 4) * 1.001 + _value_error(d, D))
        loss += float(np.sqrt((off * off).sum(1)).sum())
    return loss * math.sqrt(2.0**d) * (1.0 + 1e-9)
