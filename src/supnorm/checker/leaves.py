"""Proves the claim about each leaf again, from the program, in ball arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from flint import arb, ctx

from supnorm.checker import composed, polynomial
from supnorm.checker import declared as black
from supnorm.checker import pieces as piecewise
from supnorm.checker.cells import MOST_PARTS, cell_of, inside
from supnorm.checker.document import Document
from supnorm.checker.enclosure import FORMS, Form, Program, model, values
from supnorm.checker.functions import extremes, smaller
from supnorm.checker.graded import leaf_ranges
from supnorm.checker.graded_rule import Rule, verify_rule
from supnorm.checker.leaf import Leaf
from supnorm.checker.rejected import Rejected

Ball = Any
Integers = tuple[int, ...]
# level, index, degree, rho, grid, graded, bits
Proof = tuple[Integers, Integers, Integers, tuple[float, ...], Integers, Integers, Integers]
# In place of the parameter of an ellipse: Chebyshev models on the parts of the cell between cuts.
BY_PARTS = -1.0
PIECES = -2  # in place of a degree: the bound by linear pieces
LARGEST_WORK = 2_000_000  # points of one grid, so that a hostile file cannot stall the checker
LARGEST_TABLE = 300_000  # cosines of one axis, for the same reason
LARGEST_EVALUATION = 10_000_000  # features at the nodes of a leaf
LARGEST_GRADED = 20  # inputs of a graded model, whose forms have an entry for each pair of inputs
# Share of a claim that the rounding of node values may take before they are evaluated with adjoints, which takes four times
# as long. Leaves of `certify` have claims that are proved with a hundredth to spare.
SHARE = 1e-3


@dataclass(frozen=True)
class Claim:
    """How one alternative of a leaf is bounded, by the numbers that the format has for it.

    Attributes:
        degree, rho, grid: of the interpolant.
        graded: the rule of a graded model; negative for none.
        bits: precision of the proof; 0 for the checker's own.
    """

    degree: int
    rho: float
    grid: int
    graded: int
    bits: int = 0

    @staticmethod
    def of(proof: Proof) -> list[Claim]:
        """Those of a proof, one for each alternative."""
        return [Claim(*numbers) for numbers in zip(*proof[2:], strict=True)]


@dataclass(frozen=True, eq=False)
class _Cell:
    """The exact cell of a leaf.

    Attributes:
        centre, half: its middle and half-widths.
        position: of the leaf in the file.
        level, index: its place in the tiling.
        fast: whether values are balls of float64 numbers.
        claimed: the smallest bound that is claimed by means of this cell.
        thorough: whether Chebyshev models try all ellipses.
    """

    centre: list[Ball]
    half: list[Ball]
    position: int
    level: Integers = ()
    index: Integers = ()
    fast: bool = False
    claimed: float = 0.0
    thorough: bool = False


def claims(leaves: tuple[Leaf, ...]) -> dict[Proof, list[int]]:
    """The proofs of all leaves, each with the positions of the leaves that share it."""
    shared: dict[Proof, list[int]] = {}
    for position, leaf in enumerate(leaves):
        if leaf.upper == float("inf"):
            continue
        up = [a - b for a, b in zip(leaf.level, leaf.proof_level, strict=True)]
        index = tuple(i >> k for i, k in zip(leaf.index, up, strict=True))
        key = (leaf.proof_level, index, leaf.degree, leaf.rho, leaf.grid, leaf.graded, leaf.bits)
        shared.setdefault(key, []).append(position)
    return shared


def rules_of(document: Document) -> set[int]:
    """The degrees of the node rules that leaves use; all that the file has, if its leaves are in lines."""
    if document.lines:
        return set(document.rules)
    pairs = (pair for leaf in document.leaves for pair in zip(leaf.degree, leaf.graded, strict=True))
    return {v for degree, graded in pairs if graded >= 0 for v in (degree, graded)}


class Leaves:
    """The parts that the proofs of all leaves share: the programs and the proved node rules.

    Args:
        document: need not have its leaves.
        rules: degrees of the node rules that the leaves use (`rules_of`).
        arbitrary: nothing is computed in float64; every number is a ball of FLINT.
    """

    def __init__(self, document: Document, rules: Collection[int], arbitrary: bool = False) -> None:
        self.document, self.arbitrary = document, arbitrary
        self.programs = tuple(Program.of(p, document.low) for p in document.programs)
        d = len(document.names)
        self.rules = {
            D: verify_rule(d, D, points, arbitrary) for D, points in document.rules.items() if D in rules
        }

    def verify(
        self,
        proof: Proof,
        positions: list[int],
        claims_of: list[float],
        undecided: Callable[[], None] = lambda: None,
    ) -> None:
        """Verify the claims of the leaves at these positions, which share one proof.

        ``undecided`` hears that the proof is made again in FLINT's balls, and may refuse it.
        """
        outputs: list[Ball | None] = []
        bound = None
        if not self.arbitrary:
            least = min(claims_of)
            bound = _largest_of(
                _bounds(
                    self.document, self.programs, proof, positions[0], self.rules, fast=True, claimed=least
                )
            )
        if bound is None or not all(bound <= claimed for claimed in claims_of):  # undecided in float64 balls
            if not self.arbitrary and max(proof[2]) > 0:  # what has no nodes takes as long as before
                undecided()
            outputs = _bounds(self.document, self.programs, proof, positions[0], self.rules)
            bound = _largest_of(outputs)
        if {0.0, BY_PARTS} & set(proof[3]) and (
            bound is None or not all(bound <= claimed for claimed in claims_of)
        ):
            outputs = _bounds(self.document, self.programs, proof, positions[0], self.rules, thorough=True)
            bound = _largest_of(outputs)
        for form in FORMS[1:] if 0 in proof[2] else ():
            if bound is None or not all(bound <= claimed for claimed in claims_of):
                other = _bounds(self.document, self.programs, proof, positions[0], self.rules, form=form)
                outputs = [smaller(a, b) for a, b in zip(outputs, other, strict=True)]
                bound = _largest_of(outputs)
        for position, claimed in zip(positions, claims_of, strict=True):
            if bound is None or not (bound <= claimed):
                shown = "no bound" if bound is None else f"{float(bound.upper()):.9g}"
                raise Rejected(f"leaf {position}: proved {shown}, claimed {claimed:.9g}", position)


def _bounds(
    document: Document,
    programs: tuple[Program, ...],
    proof: Proof,
    position: int,
    rules: dict[int, Rule],
    fast: bool = False,
    form: Form = FORMS[0],
    claimed: float = 0.0,
    thorough: bool = False,
) -> list[Ball | None]:
    """Bound of the error of each output on a cell: that of the smallest alternative.

    ``fast``: values at nodes are balls of float64 numbers (`batch`, and for a small ``claimed`` bound `adjoints`).
    ``form``: of affine bounds. ``thorough``: Chebyshev models try
    all ellipses (`composed`).
    """
    level, index, *_ = proof
    bounds: list[Ball | None] = [None] * programs[0].operations[-1].width
    for program, claim in zip(programs, Claim.of(proof), strict=True):
        if claim.degree < 0 and claim.degree != PIECES:
            continue
        arrays = fast and (not claim.bits or (_by_nodes(claim) and not document.declared))
        with _at_least(0 if arrays else claim.bits):
            cell = _Cell(*cell_of(document, level, index), position, level, index, arrays, claimed, thorough)
            if claim.graded >= 0 and not document.declared:
                ranges = _graded(program, cell, claim, rules)
            elif claim.graded >= 0:
                continue
            else:
                ranges = _ranges(
                    document, program, cell, claim, black.cell_name(level, index, claim.degree), form
                )
            for k, ends in enumerate(ranges):
                bounds[k] = smaller(bounds[k], None if ends is None else _largest(*ends, document.side))
    return bounds


def _largest_of(bounds: list[Ball | None]) -> Ball | None:
    """Bound of the error of all outputs; None where one has none."""
    if any(bound is None or not bound.is_finite() for bound in bounds):
        return None
    return extremes([arb(0), *bounds])[1]


def _by_nodes(claim: Claim) -> bool:
    """Whether the bound is that of an interpolant whose distance an ellipse bounds."""
    return claim.degree > 0 and claim.graded < 0 and claim.rho > 1.0


@contextmanager
def _at_least(bits: int) -> Iterator[None]:
    """Balls of at least so many bits inside."""
    old = ctx.prec
    ctx.prec = max(old, bits)
    try:
        yield
    finally:
        ctx.prec = old


def demand_tensor(features: int, d: int, n: int, rho: float, grid: int, position: int) -> None:
    """Check that a leaf's interpolant is within the limits of the format.

    Raises:
        Rejected: when it is not.
    """
    fits = (n + 1) * max(n + 1, grid * n) <= LARGEST_TABLE and max(grid * n, n + 1) ** d <= LARGEST_WORK
    fits = fits and (n + 1) ** d * features <= LARGEST_EVALUATION
    if not (rho in (0.0, BY_PARTS) or 1.0 < rho < 1e6) or grid < 0 or grid == 1 or not fits:
        raise Rejected(f"leaf {position}: degree {n}, rho {rho}, grid {grid} cannot be used", position)


def demand_graded(d: int, D: int, grid: int, m: int, rules: Collection[int], position: int) -> None:
    """Check that a graded leaf is within the limits of the format, and that its rules exist.

    Raises:
        Rejected: when it is not.
    """
    count, part = divmod(grid, 100)
    known = (D == 1 or D in rules) and (m == 0 or (m >= 2 and m in rules))
    table = count * (part + 1) <= LARGEST_TABLE
    fits = grid == 0 or (table and 2 <= part <= D and 2 * part <= count and count**d <= LARGEST_WORK)
    if not (known and fits and d <= LARGEST_GRADED):
        raise Rejected(f"leaf {position}: graded degree {D}, grid {grid}, rule {m} cannot be used", position)


def _parts(document: Document, cell: _Cell) -> list[tuple[list[Ball], list[Ball]]]:
    """The parts of a cell between cuts."""
    if not document.cuts:
        raise Rejected(f"leaf {cell.position}: rho -1.0 cannot be used in a file without cuts", cell.position)
    axes = [list(pairwise(ends)) for ends in inside(document, cell.level, cell.index)]
    if math.prod(map(len, axes)) > MOST_PARTS:
        raise Rejected(f"leaf {cell.position}: more than {MOST_PARTS} parts", cell.position)
    return [
        ([arb((a + b) / 2) for a, b in part], [arb((b - a) / 2) for a, b in part]) for part in product(*axes)
    ]


def _union(parts: list[list[tuple[Ball, Ball] | None]]) -> list[tuple[Ball, Ball] | None]:
    """The range of each output on all parts; None where one part has none."""
    joined: list[tuple[Ball, Ball] | None] = []
    for ranges in zip(*parts, strict=True):
        known = [r for r in ranges if r is not None]
        whole = len(known) == len(ranges)
        joined.append(
            (extremes([r[0] for r in known])[0], extremes([r[1] for r in known])[1]) if whole else None
        )
    return joined


def _largest(low: Ball, high: Ball, side: str) -> Ball:
    if side == "both":
        return high.max(-low)
    return (high if side == "over" else -low).max(arb(0))


def _graded(
    program: Program, cell: _Cell, claim: Claim, rules: dict[int, Rule]
) -> list[tuple[Ball, Ball] | None]:
    """The bound by a graded model: degree D, tightened by the rule of degree m > 0."""
    D, grid, m = claim.degree, claim.grid, claim.graded
    demand_graded(len(cell.centre), D, grid, m, rules, cell.position)
    rule = rules.get(D) if D > 1 else None
    return leaf_ranges(
        program, cell.centre, cell.half, D, grid, tight=rules.get(m), rule=rule, fast=cell.fast
    )


def _ranges(
    document: Document, program: Program, cell: _Cell, claim: Claim, name: str, form: Form
) -> list[tuple[Ball, Ball] | None]:
    """A range of each output on the cell; None without a bound."""
    centre, half, position, d = cell.centre, cell.half, cell.position, len(cell.centre)
    n, rho, grid = claim.degree, claim.rho, claim.grid
    if n == PIECES:
        if d > 2 or document.declared:
            raise Rejected(f"leaf {position}: pieces are for one or two inputs and programs", position)
        return piecewise.ranges(program, centre, half)
    if n == 0:
        features = model(program, centre, half, arb(1), real=True, form=form)
        if document.declared:
            return [None] * len(features)
        return [None if f.eps is None else (f.c - f.reach(arb(1)), f.c + f.reach(arb(1))) for f in features]
    demand_tensor(sum(o.width for o in program.operations), d, n, rho, grid, position)
    if rho in (0.0, BY_PARTS):
        if document.declared:
            raise Rejected(f"leaf {position}: Chebyshev models are for programs", position)
        cells = [(centre, half)] if rho == 0.0 else _parts(document, cell)
        return _union(
            [composed.leaf_ranges(program, c, h, n, grid, cell.fast, cell.thorough) for c, h in cells]
        )
    return _interpolant_ranges(document, program, cell, claim, name)


def _interpolant_ranges(
    document: Document, program: Program, cell: _Cell, claim: Claim, name: str
) -> list[tuple[Ball, Ball] | None]:
    """The ranges of interpolants whose distance from the outputs is bounded on an ellipse."""
    centre, half, d = cell.centre, cell.half, len(cell.centre)
    n, rho, grid = claim.degree, claim.rho, claim.grid
    scale = (arb(rho) + 1 / arb(rho)) / 2
    features = model(program, centre, half, scale, real=False)
    if all(f.eps is None for f in features):
        return [None] * len(features)
    if cell.fast and not document.declared:
        slacks = [None if f.eps is None else f.eps * polynomial.tail(n, arb(rho), d) for f in features]
        return [
            None if slack is None or ends is None else (ends[0] - slack, ends[1] + slack)
            for slack, ends in zip(slacks, _in_arrays(program, cell, claim), strict=True)
        ]
    if cell.fast:
        from supnorm.checker import batch

        at_nodes = batch.outputs(program, batch.points_on(batch.tensor_nodes(n, d), batch.U, centre, half))
    else:
        at_nodes = values(program, polynomial.nodes(n, centre, half))
    ranges: list[tuple[Ball, Ball] | None] = []
    for k, (f, row) in enumerate(zip(features, at_nodes, strict=True)):
        if f.eps is None:
            ranges.append(None)
            continue
        slack = f.eps * polynomial.tail(n, arb(rho), d)
        row, more = _with_declared(document, cell, n, k, row, name)
        if more is None:
            return [None] * len(features)
        low, high = polynomial.interpolant_range(row, n, d, grid, ctx.prec)
        ranges.append((low - slack - more, high + slack + more))
    return ranges


def _in_arrays(program: Program, cell: _Cell, claim: Claim) -> list[tuple[Ball, Ball] | None]:
    """The ranges of the interpolants of all outputs, from values in arrays."""
    from supnorm.checker import adjoints, batch, interpolant_floats

    n, d = claim.degree, len(cell.centre)
    points = batch.points_on(batch.tensor_nodes(n, d), batch.U, cell.centre, cell.half)
    known = None if claim.bits else batch.all_values(program, points)[-1]  # `bits` says that rounding counts
    if known is None or any(off > SHARE * cell.claimed for off in interpolant_floats.carried(known, n, d)):
        known = adjoints.outputs(program, points)
    return interpolant_floats.ranges(known, n, d, claim.grid)


def _with_declared(
    document: Document, cell: _Cell, n: int, k: int, row: list[Ball], name: str
) -> tuple[list[Ball], Ball | None]:
    """Node values of output k plus those of declared functions, and the bound of their tails and noise."""
    more = arb(0)
    for one in document.declared:
        recorded = one.values.get(name)
        if recorded is None or len(recorded) != len(row):
            text = f"leaf {cell.position}: values of the {one.which} at the nodes are missing"
            raise Rejected(text, cell.position)
        tail = black.tails(one, document.box, n, cell.centre, cell.half)[k]
        if tail is None:
            return row, None
        largest = max(abs(v[k]) for v in recorded)
        noise = black.noise(one, document.box, n, cell.half, arb(largest), tail=tail, k=k)
        if noise is None:
            return row, None
        weight = arb(one.weight[k])
        row = [z + weight * arb(v[k]) for z, v in zip(row, recorded, strict=True)]
        more += abs(weight) * (tail + black.lebesgue(n) ** len(cell.centre) * noise)
    return row, more
