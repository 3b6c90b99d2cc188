"""Verifies one certificate: its tiling, axes, programs, witness and every leaf, in ball arithmetic."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import reduce
from typing import Any

from flint import arb, ctx

from supnorm.checker import declared as black
from supnorm.checker import polynomial
from supnorm.checker.cells import cell_of
from supnorm.checker.cost import Meter
from supnorm.checker.deployed import verify_deployed
from supnorm.checker.document import Document
from supnorm.checker.enclosure import Program, node_values
from supnorm.checker.leaf import demand_bounded
from supnorm.checker.least import ends_of, least
from supnorm.checker.leaves import claims
from supnorm.checker.rejected import Rejected
from supnorm.checker.same import verify_same
from supnorm.checker.sharing import verify_leaves
from supnorm.checker.tiling import verify_tiling

Ball = Any
Functions = Mapping[str, black.Values]  # "model", "reference": points to values
# Bits for values at single points: near a pole, balls of 80 bits may lose more digits than float64.
AT_POINTS = 320
# At the witness then more than the 512 that the certifier tries last, as for the sine of sqrt(1e280).
AT_WITNESS = (AT_POINTS, 640)
ROUNDED = 2e-15  # by how much, of its size or of 1, an end of a box may be beyond a logarithm; the certifier rounds by 4e-16
COMPARED = 4096  # recorded values that are compared with the user's function, at random nodes


@contextmanager
def bits(precision: int) -> Iterator[None]:
    """Balls have so many bits inside."""
    old, ctx.prec = ctx.prec, precision
    try:
        yield
    finally:
        ctx.prec = old


def verify(
    document: Document,
    points: Sequence[tuple[Sequence[float], float, float]] | None,
    observer: Callable[[int, int], None],
    functions: Functions,
    workers: int,
    meter: Meter,
    arbitrary: bool = False,
    executor: Executor | None = None,
) -> None:
    """Verify every claim of a certificate; ``arbitrary`` and ``executor`` as in `check`.

    Raises:
        Rejected: naming what is not proved.
    """
    if document.lines is None:  # else whoever reads the leaves sees to both
        verify_tiling(document.leaves)
        demand_bounded(document.leaves, document.upper)
    _verify_axes(document)
    at_points = tuple(map(Program.of, document.point_programs))
    verify_same(document)
    _verify_witness(document, at_points)
    _verify_points(document, at_points, points or (), functions)
    _verify_names(document)
    _verify_recorded(document, functions)
    meter.read()
    verify_deployed(document, meter.read)
    verify_leaves(document, workers, observer, meter, arbitrary, executor)


def tied(document: Document, points: Sequence[Any] | None, functions: Functions) -> bool:
    """Whether the problem's errors can be compared: points are given, and so are all functions with recorded values."""
    return bool(points) and all(one.which in functions for one in document.declared)


def _verify_points(
    document: Document,
    at_points: tuple[Program, ...],
    points: Sequence[tuple[Sequence[float], float, float]],
    functions: Functions,
) -> None:
    """Check that the user's errors at points are those of the programs."""
    if not tied(document, points, functions):
        return
    for x, error, allowance in points:
        if error - allowance > document.upper:
            raise Rejected(f"the problem has error {error:.6g} at {tuple(x)}, above the claimed upper bound")
        ends = zip(document.axis_low, x, document.axis_high, strict=True)
        if not all(a <= v <= b for a, v, b in ends):
            raise Rejected(f"the certificate's domain does not contain {tuple(x)}, a point of the problem")
        known = [functions[one.which]([list(x)])[0] for one in document.declared]
        with bits(AT_POINTS):
            recomputed = reduce(arb.max, _errors_at(document, at_points, x, known, exact=True))
        if not (abs(recomputed - error) <= arb(allowance)):
            ours, theirs = _distinct(float(recomputed.mid()), error)
            raise Rejected(f"the programs have error {ours} at {tuple(x)}, the problem {theirs}")


def _distinct(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as tell them apart.

    >>> _distinct(1.1, 1.2), _distinct(1.1, 1.1 + 2.6e-8)
    (('1.1', '1.2'), ('1.1', '1.100000026'))
    """
    for digits in (6, 10, 17):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def _verify_names(document: Document) -> None:
    """Check that values are recorded only for cells that a proof uses."""
    used = {
        black.cell_name(level, index, degree[0])
        for level, index, degree, *_ in (claims(document.leaves) if document.declared else ())
    }
    for one in document.declared:
        if not used.issuperset(one.values):
            raise Rejected(f"values of the {one.which} are recorded for a cell that no proof uses")


def _verify_recorded(document: Document, functions: Functions) -> None:
    """Compare recorded values of declared functions, at the witness and at random nodes, with the user's functions."""
    for one in document.declared:
        function = functions.get(one.which)
        if function is None:
            continue
        try:
            if document.witness is not None and one.witness is not None:
                allowed = [2 * float(one.loss(v).upper()) for v in one.witness]
                black.compare(one, [list(document.witness)], [one.witness], function, allowed)
            for name, rows in _drawn(one).items():
                x, allowed = _nodes_of(document, one, name)
                black.compare(
                    one, [x[i] for i in rows], [one.values[name][i] for i in rows], function, allowed
                )
        except black.Wrong as error:
            raise Rejected(str(error)) from None


def _drawn(one: black.Declared) -> dict[str, list[int]]:
    """Rows of up to `COMPARED` random nodes of all cells, by the name of the cell. No file can foresee which."""
    every = [(name, i) for name, rows in one.values.items() for i in range(len(rows))]
    drawn: dict[str, list[int]] = {}
    for name, i in random.SystemRandom().sample(every, min(len(every), COMPARED)):
        drawn.setdefault(name, []).append(i)
    return drawn


def _nodes_of(document: Document, one: black.Declared, name: str) -> tuple[list[list[float]], list[float]]:
    """The nodes of a cell in x, and for each output how far a value there may be from the recorded one."""
    level, index, n = (tuple(map(int, part.split(","))) for part in name.split("/"))
    centre, half = cell_of(document, level, index)
    columns = polynomial.nodes(n[0], centre, half)
    t = [[float(v.mid()) for v in row] for row in zip(*columns, strict=True)]
    x = [[math.exp(v) if log else v for v, log in zip(row, document.log, strict=True)] for row in t]
    allowances = []
    for k, tail in enumerate(black.tails(one, document.box, n[0], centre, half)):
        largest = arb(max(abs(v[k]) for v in one.values[name]))
        off = None if tail is None else black.noise(one, document.box, n[0], half, largest, tail=tail, k=k)
        allowances.append(0.0 if off is None else 2 * float(off.upper()))
    return x, allowances


def _verify_axes(document: Document) -> None:
    """Check that the axes are intervals, and that the box in t is theirs, but for the rounding of logarithms.

    The largest error in a larger box would be a bound as well, but not its mean, and declarations are about the axes.
    """
    columns = zip(
        document.axis_low, document.axis_high, document.low, document.high, document.log, strict=True
    )
    for a, b, low, high, log in columns:
        if not (-math.inf < a < b < math.inf):
            raise Rejected("malformed certificate: low must be below high on every axis")
        good = (
            a > 0 and arb(low) <= arb(a).log() and arb(b).log() <= arb(high)
            if log
            else low <= a and b <= high
        )
        if not good:
            raise Rejected("the box does not contain the axes")
        near = (
            arb(a).log() - arb(low) <= ROUNDED * max(abs(low), 1.0)
            and arb(high) - arb(b).log() <= ROUNDED * max(abs(high), 1.0)
            if log
            else (low, high) == (a, b)
        )
        if not near:
            raise Rejected("the box is larger than the axes")


def _sided(v: Ball, side: str) -> Ball:
    if side == "both":
        return abs(v)
    return (v if side == "over" else -v).max(arb(0))


def _errors_at(
    document: Document,
    programs: tuple[Program, ...],
    x: Sequence[float],
    known: Sequence[Sequence[float]],
    exact: bool = False,
) -> list[Ball]:
    """The error of each output at x.

    ``known`` are the values of each declared function at x, exact or with their declared accuracy.
    """
    rows = []
    for p in programs:
        signed = _signed(p, x)
        for one, value in zip(document.declared, known, strict=True):
            signed = [
                s + w * (arb(v) if exact else arb(v) + arb(0, 1) * one.loss(v))
                for s, w, v in zip(signed, one.weight, value, strict=True)
            ]
        rows.append([_sided(s, document.side) for s in signed])
    return [_smallest(alternatives, exact) for alternatives in zip(*rows, strict=True)]


def _smallest(alternatives: Sequence[Ball], exact: bool) -> Ball:
    """The smallest alternative; beside errors of a problem one without a value, as 2/0 in a formula, is none."""
    known = [v for v in alternatives if not v.is_nan()] if exact else []
    return reduce(arb.min, known or alternatives)


def _least_at(
    document: Document, programs: tuple[Program, ...], x: Sequence[float], known: Sequence[Sequence[float]]
) -> list[Ball]:
    """A lower bound of the error of each output at x; it is below `_errors_at` if the programs have room (`least`)."""
    ends = [ends_of(p.operations) for p in programs]
    if document.declared or not any(ends):
        return _errors_at(document, programs, x, known)
    rows = []
    for one, p in zip(ends, programs, strict=True):
        if one is None:
            raise Rejected("only some of the alternatives have room for branches of the code")
        rows.append(least(one, node_values(p, [[arb(v)] for v in x]), document.side))
    return [reduce(arb.min, alternatives) for alternatives in zip(*rows, strict=True)]


def _signed(program: Program, x: Sequence[float]) -> list[Ball]:
    """The outputs of a program at x; a quotient that is the last operation is the error relative to its denominator."""
    known = node_values(program, [[arb(v)] for v in x])
    last = program.operations[-1]
    if last.op != "div":
        return [row[0] for row in known[-1]]
    return [relative(a[0], b[0]) for a, b in zip(*(known[arg] for arg in last.args), strict=True)]


def relative(gap: Ball, size: Ball) -> Ball:
    """gap/size. If the size is exactly zero, the error is zero for a gap of zero, and infinite for any other gap."""
    if size == 0:  # false for a ball around zero
        return arb(0) if gap == 0 else arb("inf") if gap > 0 else arb("-inf") if gap < 0 else arb("nan")
    return gap / size


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
    known = [one.witness for one in document.declared]
    if any(v is None for v in known):
        raise Rejected("the value of a declared function at the witness is missing")
    for precision in AT_WITNESS:
        with bits(precision):
            errors = _least_at(document, at_points, document.witness, known)  # type: ignore[arg-type]
            if any(error.is_finite() and error >= document.lower for error in errors):
                return
    raise Rejected(f"the error at the witness is not proved to be at least {document.lower:.6g}")
