"""The cost of proving a certificate, counted from the document before anything is proved.

One operation is a multiplication in a matrix of balls; all other work is expressed in these: making a ball in Python
counts as six, a hyperbolic tangent as 30, the model of one feature as some hundred. The document determines how much there
is of each kind: nodes of the grids, features of the programs, forms of the graded models, representatives of the rules.
Whether the rounding of an interpolant's values in arrays is bounded with adjoints is asked at a few points (`array_cost`).
A proof that arrays leave undecided is made again in FLINT's balls, which takes ten times as long and more. Honest files
have no such proofs; `in_balls` counts each before it is made.

The file does not tell how many polygons the pieces of a leaf have (`POLYGONS` is assumed) or which features turn out to be
affine, and a rejected leaf ends the work. So the count is a forecast, within a factor of three on honest files
(`supnorm.checker.cost.SECOND` lists them). `Meter` stops a proof that takes several times as long.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

from supnorm.checker.cells import MOST_PARTS, inside
from supnorm.checker.cost import Cost
from supnorm.checker.document import Document
from supnorm.checker.graded_rule import size_of_rule
from supnorm.checker.leaf import Leaf
from supnorm.checker.leaves import (
    BY_PARTS,
    PIECES,
    Claim,
    Proof,
    claims,
    demand_graded,
    demand_tensor,
    rules_of,
)
from supnorm.checker.program_cost import BALL, BYTES, SAVED, Size, projected

USUAL = 80  # bits of `check`
# Twice the bits take 1.3 times the time. From 128 to 512 bits two polynomials and two networks took 1.4 to 2.1 times as
# long, by this forecast 1.3 to 2.2 times.
SLOWER = 0.3
LEAF = 3000.0  # operations for reading a leaf of a file in lines: 50 us, some times what it takes on an idle machine
POLYGONS = 30.0  # polygons of a leaf by linear pieces: the file does not contain their number


def cost_of(document: Document, points: int = 0, arbitrary: bool = False) -> tuple[Cost, array[float]]:
    """The forecast for a document, and the operations of each proof. Leaves in lines are all read for it.

    Args:
        points: number of points at which the programs are compared with a problem.
        arbitrary: as in `check`.

    Raises:
        Rejected: for sizes that no honest file has, and as `Lines.blocks`.
    """
    d = len(document.names)
    count = _Count.of(document, rules_of(document), points, arbitrary)
    at_points = tuple(map(Size.of, document.point_programs))
    total, each_proof, of_leaves, tiling, biggest = Cost(), array("d"), 0.0, 0.0, 0.0
    for p in at_points:
        each = p.values(1.0 + points)
        total = total + Cost(3.0 * each.operations, each.bytes)  # in 320 bits
    for first, leaves in document.blocks():
        shared = claims(leaves)
        count.begin(leaves, shared)
        each_proof.extend(count.proof(key, first + positions[0]) for key, positions in shared.items())
        of_leaves = max(of_leaves, _of_leaves(document, len(leaves)))
        tiling += _tiling(leaves, d)
        biggest = max(biggest, *(c.bytes for c in count.known.values()), 0.0)
    total = total + Cost(tiling + 4.0 * sum(p.weights + 30.0 * len(p.operations) for p in count.programs))
    for points_, nodes, coefficients, work in count.rules.values():
        total = total + Cost(work, points_ * coefficients * 3.0 * BYTES + nodes * (d + 2.0) * 40.0)
    if document.deployed is not None and at_points:
        each = at_points[0].single(d, document.point_programs[0][-1].width)
        cells = float(len(document.deployed.cells))
        total = total + Cost(cells * (each.operations + 60.0 * d), each.bytes + cells * 400.0)
    # Every proof adds operations; the bytes are those that stay in memory (tables, rules) plus those of the largest proof.
    of_tables = sum(BYTES * a * b for a, b in count.tables)
    made = sum(40.0 * a * b for a, b in count.tables)
    held = _held(document) + of_leaves
    return Cost(
        total.operations + made + math.fsum(each_proof), total.bytes + held + of_tables + biggest
    ), each_proof


def reading_of(document: Document) -> Cost:
    """What it takes to read the leaves of a file in lines once, by their number in its head; nothing for any other file."""
    d, a = len(document.names), len(document.programs)
    return Cost(document.count * (LEAF + 30.0 * (d + a)) if document.lines else 0.0)


def in_balls(document: Document, proof: Proof, position: int) -> float:
    """Seconds of a proof in FLINT's balls, for one that arrays leave undecided; ``position`` is that of a leaf of it."""
    pairs = (pair for pair in zip(proof[2], proof[5], strict=True) if pair[1] >= 0)
    count = _Count.of(document, {v for pair in pairs for v in pair}, 0, arbitrary=True)
    return Cost(count.proof(proof, position)).seconds


@dataclass(frozen=True, eq=False)
class _Count:
    """What the proofs of a document cost; each kind of proof is counted once, or once for each line of leaves.

    Attributes:
        document: the document.
        programs: the sizes of its programs.
        rules: points, nodes, coefficients and operations of the node rules in use.
        arbitrary: as in `check`.
        least: of each kind, the smallest claim among the present leaves; empty where nothing is in arrays.
        known: what was counted of the present leaves.
        tables, radii: what was counted of all.
    """

    document: Document
    programs: tuple[Size, ...]
    rules: dict[int, tuple[float, float, float, float]]
    arbitrary: bool
    least: dict[object, float] = field(default_factory=dict)
    known: dict[object, Cost] = field(default_factory=dict)
    tables: set[tuple[int, int]] = field(default_factory=set)
    radii: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document, degrees: set[int], points: int, arbitrary: bool) -> _Count:
        """With the node rules of these degrees."""
        d = len(document.names)
        rules = {
            D: size_of_rule(d, D, points, arbitrary) for D, points in document.rules.items() if D in degrees
        }
        return cls(document, tuple(map(Size.of, document.programs)), rules, arbitrary)

    def begin(self, leaves: tuple[Leaf, ...], shared: dict[Proof, list[int]]) -> None:
        """The present leaves, and their proofs."""
        self.known.clear()
        self.least.clear()
        for key, positions in () if self.arbitrary else shared.items():
            claimed = min(leaves[position].upper for position in positions)
            self.least[key[2:]] = min(claimed, self.least.get(key[2:], math.inf))

    def proof(self, key: Proof, position: int) -> float:
        """The operations of one proof."""
        kind = key[2:]
        if kind not in self.known:
            alternatives = list(enumerate(Claim.of(key)))
            for k, claim in alternatives:
                _demand(
                    self.programs[k], len(self.document.names), claim, self.rules, self.document, position
                )
            self.known[kind] = sum((self._alternative(k, c, kind) for k, c in alternatives), Cost())
        return self.known[kind].operations * _parts(self.document, key)

    def _alternative(self, k: int, claim: Claim, kind: object) -> Cost:
        """The cost of the bound of one alternative on one cell."""
        p, d, n, m = self.programs[k], len(self.document.names), claim.degree, claim.graded
        if n < 0 and n != PIECES:
            return Cost()
        if m >= 0 and not self.document.declared:
            return _in_bits(self._graded(p, claim), claim.bits)
        one = p.model(d)
        if n == PIECES:
            per = min(POLYGONS, 600_000.0 / p.features)
            return _in_bits(Cost(per * one.operations, per * one.bytes), claim.bits)
        if n <= 0 or m >= 0:
            return _in_bits(one, claim.bits)
        if claim.rho > 0.0 and not (self.arbitrary or self.document.declared):
            # NumPy may be missing where nothing is in arrays.
            from supnorm.checker.array_cost import in_arrays

            radius = self._radius(k, claim)
            arrays = in_arrays(p, n, claim.grid, d, claim.bits, radius, self.least[kind])
            if arrays is not None:
                self.tables.add((n + 1, n + 1))
                self.tables.add((claim.grid * n, n + 1))
                return one + arrays
            return one + self._interpolant(p, claim, balls=True)  # arrays leave it undecided
        return self._interpolant(p, claim, self.arbitrary)

    def _radius(self, k: int, claim: Claim) -> float:
        if claim.bits:
            return math.inf
        from supnorm.checker.array_cost import rounding

        if k not in self.radii:
            self.radii[k] = rounding(self.programs[k], self.document.low, self.document.high)
        return self.radii[k]

    def _graded(self, p: Size, claim: Claim) -> Cost:
        d, n, rules = len(self.document.names), claim.degree, self.rules
        tight = rules[claim.graded][:3] if claim.graded in rules else None
        cost = p.graded(d, tight, self.arbitrary)
        if n not in rules:
            return cost
        points, nodes, coefficients, _ = rules[n]
        cost = cost + (p.values(nodes) if self.arbitrary else p.batch(nodes))
        count, part = divmod(claim.grid, 100)
        range_cost = product_grid(part + 1.0, count, d) if claim.grid else 5.0 * d * n * (n + BALL)
        projections = p.outputs * (projected((points, nodes, coefficients)) + range_cost)
        return cost + Cost(projections, count**d * 2.0 * BYTES)

    def _interpolant(self, p: Size, claim: Claim, balls: bool) -> Cost:
        """Of values at nodes, whose range is taken in FLINT's balls; ``balls``: they themselves are such, too."""
        d, n, grid = len(self.document.names), claim.degree, claim.grid
        nodes, balls = (n + 1.0) ** d, balls or bool(claim.bits)
        if claim.rho in (0.0, BY_PARTS):
            cost = p.composed(d, n, balls)
        else:
            cost = p.model(d) + (p.values(nodes) if balls else p.batch(nodes))
        cost = cost + Cost(nodes * d * 3.0 * BALL, nodes * d * BYTES)
        self.tables.add((n + 1, n + 1))
        each = product_grid(n + 1.0, n + 1, d)
        if grid:
            self.tables.add((grid * n, n + 1))
            each += product_grid(n + 1.0, grid * n, d)
        recorded = len(self.document.declared) * nodes * 12.0 * BALL
        ranges = Cost(p.outputs * (each + recorded), 3.0 * BYTES * max((float(grid) * n) ** d, nodes))
        return _in_bits(cost + ranges, claim.bits)


def _demand(
    p: Size,
    d: int,
    claim: Claim,
    rules: dict[int, tuple[float, float, float, float]],
    document: Document,
    position: int,
) -> None:
    """Check the limits of one leaf before its cost is counted."""
    n, grid, m = claim.degree, claim.grid, claim.graded
    if n > 0 and m < 0:
        demand_tensor(p.features, d, n, claim.rho, grid, position)
    elif n >= 0 and m >= 0 and not document.declared:
        demand_graded(d, n, grid, m, rules, position)


def _parts(document: Document, key: Proof) -> float:
    """The number of parts of a cell that cuts divide, if a proof is about them."""
    if BY_PARTS not in key[3]:
        return 1.0
    number = math.prod(len(ends) - 1 for ends in inside(document, key[0], key[1]))
    return float(min(number, MOST_PARTS))


def _in_bits(cost: Cost, bits: int) -> Cost:
    """The cost of a proof in balls of so many bits, 0 for the usual number."""
    longer = max(bits, USUAL) / USUAL
    return Cost(cost.operations * (1.0 + SLOWER * (longer - 1.0)), cost.bytes * longer)


def product_grid(terms: float, count: int, d: int) -> float:
    """Cost of a polynomial with ``terms`` coefficients per axis at ``count`` points per axis."""
    total, size = 0.0, terms**d
    for _ in range(d):
        after = size / terms * count
        total += after * terms * (SAVED if terms >= 64 else 1.0) + (size + 3.0 * after) * BALL
        size = after
    return total + 4.0 * size * BALL


def _held(document: Document) -> float:
    """Bytes of the document itself without leaves: weights, recorded values."""
    weights = sum(
        len(o.weight) + len(o.vector) for p in (*document.programs, *document.point_programs) for o in p
    )
    recorded = sum(len(rows) * len(one.weight) for one in document.declared for rows in one.values.values())
    return 32.0 * weights + 60.0 * recorded


def _of_leaves(document: Document, count: int) -> float:
    """Bytes of so many leaves."""
    return count * (300.0 + 60.0 * (3 * len(document.names) + 4 * len(document.programs)))


def _tiling(leaves: tuple[Leaf, ...], d: int) -> float:
    """Cost of verifying the tiling: each leaf passes through the levels of its cell."""
    return sum(10.0 * d + 8.0 * (1 + d) * sum(leaf.level) for leaf in leaves)
