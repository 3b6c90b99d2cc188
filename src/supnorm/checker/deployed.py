"""The bound of a model as it is deployed in float32: is what float32 arithmetic adds to the error as small as claimed?

docs/certificate-format.md (*Deployed models*) has the statement and its rules. On each cell the exact value v of a feature
and the computed one w obey w - v = sum_j p_j (w_j - v_j) + delta over the arguments of its operation, |delta| bounded by
the rounding of this operation, p_j by its derivatives. The outputs are off by sum S delta with S the products of the p_j
along all paths, which are accumulated from the output to the input as balls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flint import arb, arb_mat

from supnorm.checker.cells import cell_of
from supnorm.checker.claimed_single import Kernel, SingleClaim
from supnorm.checker.document import Document
from supnorm.checker.enclosure import Feature, Program, step, without_repetitions
from supnorm.checker.operation import TERNARY, Operation
from supnorm.checker.rejected import Rejected
from supnorm.checker.single_rules import (
    FLUSHED,
    LARGEST,
    SINGLE,
    around,
    between,
    reciprocal,
    rounded,
    slope,
    stored,
    within,
)
from supnorm.checker.tiling import verify_tiling

Ball = Any
Cell = tuple[list[Ball], list[Ball]]
MOST_DIVISORS = 8  # of an error; those of certify have two at most, the reference and the tolerance


@dataclass(frozen=True)
class Subject:
    """What a claim is about: the model inside the error, its sums, and for each alternative what divides its difference."""

    divisors: tuple[tuple[Program, ...], ...]
    model: Program
    sums: tuple[Sums | None, ...]

    @classmethod
    def of(cls, programs: tuple[tuple[Operation, ...], ...]) -> Subject:
        """The model in the programs of the error in units of the axes.

        Raises:
            Rejected: for an error that is not a difference, divided by some nodes, or alternatives of several models.
        """
        divisors, gaps = [], []
        for operations in map(without_repetitions, programs):
            gap, dividing = _difference(operations)
            divisors.append(tuple(Program.of(_until(operations, position)) for position in dividing))
            gaps.append(tuple(_until(operations, a) for a in operations[gap].args))
        if any(gap != gaps[0] for gap in gaps):
            raise Rejected("deployed: the alternatives are not about one model and one reference")
        model = Program.of(gaps[0][0])
        sums = tuple(Sums.of(o) if o.op == "affine" else None for o in model.operations)
        return cls(tuple(divisors), model, sums)


@dataclass(frozen=True)
class Sums:
    """Sums of products of one node: numbers of terms that are not zero, and what float32 does not hold exactly.

    Attributes:
        counts: terms of each row.
        biases: error of each bias as it is stored.
        weights: matrix of the errors of the weights as they are stored; None where there are none.
    """

    counts: tuple[int, ...]
    biases: tuple[Ball, ...]
    weights: Any

    @classmethod
    def of(cls, o: Operation) -> Sums:
        """Of an affine operation."""
        k = len(o.weight) // o.width
        rows = [o.weight[i * k : (i + 1) * k] for i in range(o.width)]
        counts = tuple(
            sum(1 for w in row if w != 0.0) + (b != 0.0) for row, b in zip(rows, o.vector, strict=True)
        )
        held = [stored(w) for w in o.weight]
        weights = None if all(h.is_zero() for h in held) else arb_mat(o.width, k, held)
        return cls(counts, tuple(map(stored, o.vector)), weights)


def _difference(operations: tuple[Operation, ...]) -> tuple[int, tuple[int, ...]]:
    """The node model - reference, and the nodes that divide it."""
    position, divisors = len(operations) - 1, []
    while operations[position].op == "div":
        position, divisor = operations[position].args
        divisors.append(divisor)
        if len(divisors) > MOST_DIVISORS:  # each is a program of its own
            raise Rejected(f"deployed: the error is divided more than {MOST_DIVISORS} times")
    if operations[position].op != "sub":
        raise Rejected("deployed: the error is not a difference of model and reference")
    return position, tuple(divisors)


def _until(operations: tuple[Operation, ...], last: int) -> tuple[Operation, ...]:
    """The operations that a node depends on, the node last; the input is always the first."""
    needed = {0, last}
    for position in range(last, -1, -1):
        if position in needed:
            needed.update(operations[position].args)
    new = {old: position for position, old in enumerate(sorted(needed))}
    return tuple(
        replace(operations[old], args=tuple(new[a] for a in operations[old].args)) for old in sorted(needed)
    )


@dataclass(frozen=True)
class Values:
    """Features on a cell: balls of the exact values, and how far computed values may be from them at most."""

    exact: list[Ball]
    off: list[Ball]

    def wide(self) -> list[Ball]:
        """Balls of the computed values."""
        return [v + around(e) for v, e in zip(self.exact, self.off, strict=True)]


def added_on(subject: Subject, claim: SingleClaim, cell: Cell) -> Ball | None:
    """What float32 adds to the error on a cell (centre and half-widths in units of the axes); None without a bound."""
    outputs = _rounding(subject, claim.functions, cell)
    if outputs is None:
        return None
    best: list[Ball | None] = [None] * len(outputs)
    for divisors in subject.divisors:
        shares: list[Ball | None] = list(outputs)
        for program in divisors:
            for k, f in enumerate(_models(program, cell)[-1]):
                size, share = arb(0) if f.eps is None else abs(_range(f)).lower(), shares[k]
                shares[k] = share / size if share is not None and size.is_finite() and size > 0 else None
        for k, share in enumerate(shares):
            now = best[k]
            if share is not None and (now is None or share < now):
                best[k] = share
    if any(b is None or not b.is_finite() for b in best):
        return None
    total = arb(0)
    for b in best:
        total = total.max(b)
    return total.upper()


def _models(program: Program, cell: Cell) -> list[list[Feature]]:
    known: list[list[Feature]] = []
    for position, o in enumerate(program.operations):
        known.append(step(program, position, [known[a] for a in o.args], *cell, scale=arb(1), real=True))
    return known


def _range(f: Feature) -> Ball:
    reach = f.reach(arb(1))
    return f.c + around(reach) if reach is not None else arb("nan")


def _rounding(subject: Subject, functions: dict[str, Kernel], cell: Cell) -> list[Ball] | None:
    """Bounds of |computed - exact| of each output on a cell; None without a bound."""
    program = subject.model
    known: list[Values] = []
    local: list[list[Ball]] = []
    factors: list[tuple[list[Ball], ...]] = []
    models = _models(program, cell)
    for position, (o, features) in enumerate(zip(program.operations, models, strict=True)):
        ranges = [_range(f) for f in features]
        args = [known[a] for a in o.args]
        if o.op in ("input", "constant", "affine", "take", "concat"):
            errors, off = _structural(subject, position, args, ranges)
            bent: tuple[list[Ball], ...] = ()
        else:
            ranges = [within(o.op, v, x) for v, x in zip(ranges, args[0].exact, strict=True)]
            errors, bent = _feature_by_feature(o, args, ranges, functions)
            off = [
                sum((abs(p[i]).upper() * x.off[i] for p, x in zip(bent, args, strict=True)), e).upper()
                for i, e in enumerate(errors)
            ]
        if not all(e.is_finite() for e in (*off, *ranges)):
            return None
        if not all(abs(v) + e < LARGEST for v, e in zip(ranges, off, strict=True)):
            return None
        known.append(Values(ranges, off))
        local.append(errors)
        factors.append(bent)
    total = _accumulated(program, local, factors)
    return total if all(v.is_finite() for v in total) else None


def _structural(
    subject: Subject, position: int, args: list[Values], ranges: list[Ball]
) -> tuple[list[Ball], list[Ball]]:
    """Rounding of a node that moves or combines features, and how far its computed values are off."""
    program = subject.model
    o = program.operations[position]
    none = [arb(0)] * o.width
    if o.op == "input":
        errors = [(SINGLE * abs(v) + FLUSHED).upper() for v in ranges]
        return errors, errors
    if o.op == "constant":
        errors = [stored(v) for v in o.vector]
        return errors, errors
    if o.op == "take":
        return none, [args[0].off[c] for c in o.columns]
    if o.op == "concat":
        return none, [e for arg in args for e in arg.off]
    sums = subject.sums[position]
    assert sums is not None
    errors = _sum_of_products(program, position, args[0], sums)
    k = len(args[0].off)
    carried = (program.sizes[position] * arb_mat(k, 1, args[0].off)).entries()
    return errors, [(a + b).upper() for a, b in zip(carried, errors, strict=True)]


def _sum_of_products(program: Program, position: int, x: Values, sums: Sums) -> list[Ball]:
    """Rounding of weight @ w + bias in any order of summation, at computed arguments w."""
    o, k = program.operations[position], len(x.off)
    up, down = [], []
    for w in x.wide():
        up.append(w.upper().max(arb(0)))
        down.append((-w).upper().max(arb(0)))
    most = arb_mat(k, 1, [a.max(b) for a, b in zip(up, down, strict=True)])
    both = arb_mat(k, 1, [a + b for a, b in zip(up, down, strict=True)])
    tilt = arb_mat(k, 1, [a - b for a, b in zip(up, down, strict=True)])
    totals, sides = (program.sizes[position] * most).entries(), (program.sizes[position] * both).entries()
    signed = (program.weights[position] * tilt).entries()
    lost = [arb(0)] * o.width
    if sums.weights is not None:
        lost = (sums.weights * most).entries()
    errors = []
    for i, count in enumerate(sums.counts):
        total, size = totals[i] + abs(o.vector[i]), abs(o.vector[i])
        partial = (sides[i] + size + abs(signed[i] + o.vector[i])) / 2  # the larger of both signs
        if not (count * SINGLE < 0.5 and total < LARGEST / 2):
            errors.append(arb("inf"))
            continue
        gamma = count * SINGLE / (1 - count * SINGLE)
        each = SINGLE * (1 + gamma) * total + max(count - 1, 0) * SINGLE * (partial + gamma * total)
        errors.append(((each + lost[i] + sums.biases[i]) * (1 + gamma) + 4 * count * FLUSHED).upper())
    return errors


def _feature_by_feature(
    o: Operation, args: list[Values], ranges: list[Ball], functions: dict[str, Kernel]
) -> tuple[list[Ball], tuple[list[Ball], ...]]:
    """Rounding and factors of a function or an arithmetic operation."""
    rule = _RULES.get(o.op)
    wide = [x.wide() for x in args]
    errors: list[Ball] = []
    factors: list[list[Ball]] = [[] for _ in args]
    for i, v in enumerate(ranges):
        exact, computed = [x.exact[i] for x in args], [w[i] for w in wide]
        if rule is not None:
            error, bent = rule(o, exact, computed, v)
        else:
            p = slope(o.op, o.parameter, computed[0])
            size = abs(v).upper() + abs(p).upper() * args[0].off[i]
            error, bent = rounded(o.op, o.parameter, size, computed[0], functions), (p,)
        errors.append(error)
        for column, p in zip(factors, bent, strict=True):
            column.append(p)
    return errors, tuple(factors)


Rule = Callable[[Operation, list[Ball], list[Ball], Ball], tuple[Ball, tuple[Ball, ...]]]


def _sum(o: Operation, v: list[Ball], w: list[Ball], out: Ball) -> tuple[Ball, tuple[Ball, ...]]:
    computed = w[0] + w[1] if o.op == "add" else w[0] - w[1]
    # the computed arguments are tied to the exact result, which has a smaller range than independent arguments
    tied = abs(out) + (w[0].rad() - v[0].rad()) + (w[1].rad() - v[1].rad())
    size = min((abs(computed).upper(), tied.upper()), key=float)
    return (SINGLE * size + FLUSHED).upper(), (arb(1), arb(1 if o.op == "add" else -1))


def _product(o: Operation, v: list[Ball], w: list[Ball], out: Ball) -> tuple[Ball, tuple[Ball, ...]]:
    return (SINGLE * abs(w[0]) * abs(w[1]) + FLUSHED).upper(), (w[1], v[0])


def _quotient(o: Operation, v: list[Ball], w: list[Ball], out: Ball) -> tuple[Ball, tuple[Ball, ...]]:
    inverse = reciprocal(w[1])
    quotient = arb(201) / 100 * SINGLE * abs(w[0]) * abs(inverse) + FLUSHED * (1 + abs(w[0]))
    return quotient.upper(), (inverse, -out * inverse)


def _extreme(o: Operation, v: list[Ball], w: list[Ball], out: Ball) -> tuple[Ball, tuple[Ball, ...]]:
    larger, smaller = w[0] > w[1], w[0] < w[1]  # neither where they overlap
    first, second = (larger, smaller) if o.op == "max" else (smaller, larger)
    share = arb(1) if first else arb(0) if second else arb(0.5, 0.5)
    return arb(0), (share, 1 - share)


def _bent(o: Operation, v: list[Ball], w: list[Ball], out: Ball) -> tuple[Ball, tuple[Ball, ...]]:
    below = {"abs": -1.0, "relu": 0.0}.get(o.op, o.parameter or 0.0)
    p = arb(1) if w[0] > 0 else arb(below) if w[0] < 0 else arb(1).union(arb(below))
    if o.op != "leaky_relu":
        return arb(0), (p,)
    s = abs(arb(below))
    return ((SINGLE * s + stored(below)) * abs(w[0]) * (1 + 4 * SINGLE) + FLUSHED).upper(), (p,)


_RULES: dict[str, Rule] = {
    "add": _sum,
    "sub": _sum,
    "neg": lambda o, v, w, out: (arb(0), (arb(-1),)),
    "mul": _product,
    "div": _quotient,
    "min": _extreme,
    "max": _extreme,
    "abs": _bent,
    "relu": _bent,
    "leaky_relu": _bent,
}


def _accumulated(
    program: Program, local: list[list[Ball]], factors: list[tuple[list[Ball], ...]]
) -> list[Ball]:
    """sum |S| delta over all nodes, for each output."""
    last = len(program.operations) - 1
    m = program.operations[last].width
    known: dict[int, Any] = {last: arb_mat(m, m, [arb(i == j) for i in range(m) for j in range(m)])}
    total = [arb(0)] * m
    for position in range(last, -1, -1):
        s = known.pop(position, None)
        if s is None:
            continue
        o = program.operations[position]
        sizes = arb_mat(m, o.width, [abs(v).upper() for v in s.entries()])
        if any(not e.is_zero() for e in local[position]):
            parts = (sizes * arb_mat(o.width, 1, local[position])).entries()
            total = [(t + p).upper() for t, p in zip(total, parts, strict=True)]
        for number, argument in enumerate(o.args):
            more = _carried(program, position, number, s, m, factors[position])
            known[argument] = known[argument] + more if argument in known else more
    return total


def _carried(
    program: Program, position: int, number: int, s: Any, m: int, factors: tuple[list[Ball], ...]
) -> Any:
    """S of one argument of a node from S of the node."""
    o = program.operations[position]
    if o.op == "affine":
        return s * program.weights[position]
    flat, w = s.entries(), o.width
    rows = [flat[i * w : (i + 1) * w] for i in range(m)]
    if o.op == "take":
        width = program.operations[o.args[0]].width
        out = [[arb(0)] * width for _ in range(m)]
        for row, target in zip(rows, out, strict=True):
            for c, v in zip(o.columns, row, strict=True):
                target[c] = target[c] + v
        return arb_mat(m, width, [v for row in out for v in row])
    if o.op == "concat":
        widths = [program.operations[a].width for a in o.args]
        start = sum(widths[:number])
        return arb_mat(m, widths[number], [v for row in rows for v in row[start : start + widths[number]]])
    return arb_mat(m, w, [v * p for row in rows for v, p in zip(row, factors[number], strict=True)])


def verify_deployed(document: Document, observer: Callable[[], None] = lambda: None) -> None:
    """Prove what a file claims about its model in float32.

    Raises:
        Rejected: when a cell does not bear it out, or the cells do not tile the box.
    """
    claim = document.deployed
    if claim is None:
        return
    if document.declared:
        raise Rejected("deployed: a model in float32 beside declared functions")
    if any(o.op in TERNARY for p in document.point_programs for o in p):
        raise Rejected("deployed: a model in float32 with a where, whose other branch rounding may take")
    verify_tiling(claim.cells)
    subject = Subject.of(document.point_programs)
    for number, cell in enumerate(claim.cells):
        observer()
        bound = added_on(subject, claim, _in_units(document, *cell_of(document, cell.level, cell.index)))
        if bound is None or not (bound <= claim.rounding):
            proved = "no bound" if bound is None else f"{float(bound):.9g}"
            raise Rejected(f"deployed: cell {number}: proved {proved}, claimed {claim.rounding:.9g}")


def _in_units(document: Document, centre: list[Ball], half: list[Ball]) -> Cell:
    """A cell of the coordinates of the proof in units of the axes."""
    cell: Cell = ([], [])
    for c, h, log in zip(centre, half, document.log, strict=True):
        if log:
            both = between((c - h).exp().lower(), (c + h).exp().upper())
            c, h = both.mid(), both.rad()
        cell[0].append(c)
        cell[1].append(h)
    return cell
