"""`check`: does a certificate prove what it claims? Every leaf is proved again in ball arithmetic.

The program behind the certificate is taken as it stands in the file: whether it *is* the user's model and
reference is a question of its own, answered by values at points (``problem_points``) or by its hash.
Cost: about 0.1 s a leaf for a 3x64 network in two dimensions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import arb, ctx, fmpq

from supnorm.checker import polynomial
from supnorm.checker.document import Document, Leaf, Rejected, read
from supnorm.checker.enclosure import Program, model, values
from supnorm.checker.functions import smaller
from supnorm.checker.graded import leaf_ranges
from supnorm.checker.graded_rule import Rule, verify_rule
from supnorm.checker.tiling import verify_tiling

Ball = Any
Integers = tuple[int, ...]
# level, index, degree, rho, grid, graded
Proof = tuple[Integers, Integers, Integers, tuple[float, ...], Integers, Integers]
PRECISION = 80
LARGEST_WORK = 2_000_000  # points of one grid, so that a hostile file cannot stall the checker


@dataclass(frozen=True)
class CheckResult:
    """The verdict on a certificate.

    Attributes:
        accepted: whether every claim was proved again.
        reason: why not; or what was verified.
        leaf: the offending leaf, where there is one.
        leaves: number of leaves in the file.
        lower, upper: the claims.
        problem_checked: whether the programs were compared with values of the user's problem.
        seconds: time used.
    """

    accepted: bool
    reason: str
    leaf: int | None
    leaves: int
    lower: float
    upper: float
    problem_checked: bool
    seconds: float


def check(
    path: Path | str,
    problem_points: Sequence[tuple[Sequence[float], float, float]] | None = None,
    observer: Callable[[int, int], None] | None = None,
) -> CheckResult:
    """Check a certificate file.

    Args:
        path: of the file.
        problem_points: triples (x, error, allowance) from the user's own problem: the programs must give
            the same error at x, up to the allowance.
        observer: called with (leaves done, leaves) as work goes on.
    """
    start = time.monotonic()
    old, ctx.prec = ctx.prec, PRECISION
    document: Document | None = None
    reason, leaf, accepted = "", None, True
    try:
        document = read(path)
        _verify(document, problem_points, observer or (lambda done, total: None))
    except Rejected as problem:
        reason, leaf, accepted = str(problem), problem.leaf, False
    finally:
        ctx.prec = old
    if accepted:
        tied = "the programs agree with the problem at the given points" if problem_points else (
            "the programs were taken from the file; whether they are your model and reference was not checked"
        )  # fmt: skip
        reason = f"every leaf was proved again in {PRECISION}-bit ball arithmetic; {tied}"
    count, lower, upper = (
        (len(document.leaves), document.lower, document.upper) if document else (0, 0.0, 0.0)
    )
    return CheckResult(
        accepted, reason, leaf, count, lower, upper, problem_points is not None, time.monotonic() - start
    )


def _verify(
    document: Document,
    points: Sequence[tuple[Sequence[float], float, float]] | None,
    observer: Callable[[int, int], None],
) -> None:
    verify_tiling(document.leaves)
    if not all(leaf.upper <= document.upper for leaf in document.leaves):
        raise Rejected("the claimed upper bound is below that of a leaf")
    _verify_axes(document)
    programs = tuple(map(Program.of, document.programs))
    at_points = tuple(map(Program.of, document.point_programs))
    _verify_same(document, programs, at_points)
    _verify_witness(document, at_points)
    for x, error, allowance in points or ():
        ends = zip(document.axis_low, x, document.axis_high, strict=True)
        if not all(a <= v <= b for a, v, b in ends):
            raise Rejected(f"the certificate's domain does not hold {tuple(x)}, a point of the problem")
        found = _error_at(at_points, x, document.side)
        if not (abs(found - error) <= arb(allowance)):
            raise Rejected(
                f"the programs have error {float(found.mid()):.6g} at {tuple(x)}, the problem {error:.6g}"
            )
    proved: dict[Proof, Ball | None] = {}
    rules = {D: verify_rule(len(document.names), D, points) for D, points in document.rules.items()}
    for position, leaf in enumerate(document.leaves):
        _verify_leaf(document, programs, leaf, position, proved, rules)
        observer(position + 1, len(document.leaves))


def _verify_axes(document: Document) -> None:
    """The box in t holds the axes."""
    columns = zip(
        document.axis_low, document.axis_high, document.low, document.high, document.log, strict=True
    )
    for a, b, low, high, log in columns:
        good = (
            a > 0 and arb(low) <= arb(a).log() and arb(b).log() <= arb(high)
            if log
            else low <= a and b <= high
        )
        if not good:
            raise Rejected("the box does not hold the axes")


def _verify_same(document: Document, programs: tuple[Program, ...], at_points: tuple[Program, ...]) -> None:
    """Programs of t and of x are the same function, at random points (and identical without log axes)."""
    if len(programs) != len(at_points):
        raise Rejected("programs of t and of x do not correspond")
    if not any(document.log):
        if document.programs != document.point_programs:
            raise Rejected("programs of t and of x differ")
        return
    rng = random.Random(0)
    for _ in range(8):
        t = [arb(a + (b - a) * rng.random()) for a, b in zip(document.low, document.high, strict=True)]
        x = [v.exp() if log else v for v, log in zip(t, document.log, strict=True)]
        for p, q in zip(programs, at_points, strict=True):
            pairs = zip(values(p, [[v] for v in t]), values(q, [[v] for v in x]), strict=True)
            if not all(a[0].overlaps(b[0]) for a, b in pairs):
                raise Rejected("programs of t and of x differ")


def _sided(v: Ball, side: str) -> Ball:
    if side == "both":
        return abs(v)
    signed = v if side == "over" else -v
    return (signed + abs(signed)) / 2


def _error_at(programs: tuple[Program, ...], x: Sequence[float], side: str) -> Ball:
    rows = [[_sided(row[0], side) for row in values(p, [[arb(v)] for v in x])] for p in programs]
    best: Ball | None = None
    for alternatives in zip(*rows, strict=True):
        least = alternatives[0]
        for other in alternatives[1:]:
            least = least if least.mid() <= other.mid() else other
        best = least if best is None or least.mid() > best.mid() else best
    return best


def _verify_witness(document: Document, at_points: tuple[Program, ...]) -> None:
    if document.witness is None:
        if document.lower > 0:
            raise Rejected("a lower bound without a witness")
        return
    if len(document.witness) != len(document.names):
        raise Rejected("the witness has the wrong number of coordinates")
    ends = zip(document.axis_low, document.witness, document.axis_high, strict=True)
    if not all(a <= v <= b for a, v, b in ends):
        raise Rejected("the witness is outside the domain")
    if not (_error_at(at_points, document.witness, document.side) >= document.lower):
        raise Rejected(f"the error at the witness is not proved to be at least {document.lower:.6g}")


def _verify_leaf(
    document: Document,
    programs: tuple[Program, ...],
    leaf: Leaf,
    position: int,
    proved: dict[Proof, Ball | None],
    rules: dict[int, Rule],
) -> None:
    """The claim about a leaf, from the bound of the cell it rests on, which other leaves may share."""
    if leaf.upper == float("inf"):
        return
    up = [a - b for a, b in zip(leaf.level, leaf.proof_level, strict=True)]
    index = tuple(i >> k for i, k in zip(leaf.index, up, strict=True))
    key = (leaf.proof_level, index, leaf.degree, leaf.rho, leaf.grid, leaf.graded)
    if key not in proved:
        proved[key] = _bound(document, programs, key, position, rules)
    bound = proved[key]
    if bound is None or not (bound <= leaf.upper):
        shown = "no bound" if bound is None else f"{float(bound.upper()):.9g}"
        raise Rejected(f"leaf {position}: proved {shown}, claimed {leaf.upper:.9g}", position)


def _bound(
    document: Document, programs: tuple[Program, ...], proof: Proof, position: int, rules: dict[int, Rule]
) -> Ball | None:
    """Bound of the error on a cell: per output the smallest alternative, of these the largest."""
    level, index, degree, rho, grid, graded = proof
    centre, half = _cell(document, level, index)
    bounds: list[Ball | None] = [None] * programs[0].operations[-1].width
    for a, program in enumerate(programs):
        if degree[a] < 0:
            continue
        if graded[a] >= 0:
            ranges = _graded_ranges(program, centre, half, degree[a], grid[a], graded[a], position, rules)
        else:
            ranges = _ranges(program, centre, half, degree[a], rho[a], grid[a], position)
        for k, ends in enumerate(ranges):
            bounds[k] = smaller(bounds[k], None if ends is None else _largest(*ends, document.side))
    largest: Ball | None = arb(0)
    for bound in bounds:
        if bound is None or not bound.is_finite():
            return None
        largest = largest if largest >= bound else bound.upper()
    return largest


def _cell(
    document: Document, levels: tuple[int, ...], indices: tuple[int, ...]
) -> tuple[list[Ball], list[Ball]]:
    """Centre and half-widths of the exact cell."""
    centre, half = [], []
    for low, high, level, index in zip(document.low, document.high, levels, indices, strict=True):
        a, width = _rational(low), _rational(high) - _rational(low)
        centre.append(arb(a + width * fmpq(2 * index + 1, 2 ** (level + 1))))
        half.append(arb(width * fmpq(1, 2 ** (level + 1))))
    return centre, half


def _rational(v: float) -> Any:
    return fmpq(*v.as_integer_ratio())


def _largest(low: Ball, high: Ball, side: str) -> Ball:
    if side == "both":
        return high if high > -low else -low
    end = high if side == "over" else -low
    return end if end > 0 else arb(0)


def _graded_ranges(
    program: Program, centre: list[Ball], half: list[Ball], D: int, grid: int, m: int, position: int,
    rules: dict[int, Rule],
) -> list[tuple[Ball, Ball] | None]:  # fmt: skip
    """The same by a graded model: degree D, tightened by the rule of degree m > 0."""
    count, part = divmod(grid, 100)
    usable = D >= 1 and (D == 1 or D in rules) and (m == 0 or (m >= 2 and m in rules))
    if not usable or (
        grid and not (2 <= part <= D and 2 * part <= count and count ** len(centre) <= LARGEST_WORK)
    ):
        raise Rejected(f"leaf {position}: graded degree {D}, grid {grid}, rule {m} cannot be used", position)
    return leaf_ranges(program, centre, half, D, grid, rules.get(m), rules.get(D) if D > 1 else None)


def _ranges(
    program: Program, centre: list[Ball], half: list[Ball], n: int, rho: float, grid: int, position: int
) -> list[tuple[Ball, Ball] | None]:
    """A range of each output on the cell; None where there is none."""
    d = len(centre)
    if n == 0:
        return [
            None if f.eps is None else (f.c - f.reach(arb(1)), f.c + f.reach(arb(1)))
            for f in model(program, centre, half, arb(1), real=True)
        ]
    size = max((grid * n) ** d, (n + 1) ** d)
    if not (1.0 < rho < 1e6) or grid < 0 or grid == 1 or size > LARGEST_WORK:
        raise Rejected(f"leaf {position}: degree {n}, rho {rho}, grid {grid} cannot be used", position)
    scale = (arb(rho) + 1 / arb(rho)) / 2
    features = model(program, centre, half, scale, real=False)
    if any(f.eps is None for f in features):
        return [None] * len(features)
    at_nodes = values(program, polynomial.nodes(n, centre, half))
    ranges: list[tuple[Ball, Ball] | None] = []
    for f, row in zip(features, at_nodes, strict=True):
        low, high = polynomial.interpolant_range(row, n, d, grid, ctx.prec)
        slack = f.eps * polynomial.tail(n, arb(rho), d)
        ranges.append((low - slack, high + slack))
    return ranges
