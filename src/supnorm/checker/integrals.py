"""The kind "integral": the error of a model against y(x), the integral of f(x, s) over s between two limits.

Written from docs/certificate-format.md, "Integrals". The file's functions V and L are trusted in nothing: the parts say
how near their product's derivative is to f.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from flint import arb

from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected, hexes
from supnorm.checker.roots import ALONG, HALF_WIDTH
from supnorm.checker.solved_error import divided, error_bracket, over_least, read_measure
from supnorm.checker.statement_parts import Axes, Ends, Expected, Given, Kind

KEYS = {"cuts", "relative", "floor", "unit", "side"}


def _cuts(given: Given) -> tuple[float, ...]:
    """The ends of the pieces."""
    if set(given.data) != KEYS:
        raise Rejected("malformed statement: keys of an integral")
    cuts = hexes(given.data["cuts"])
    rising = all(a < b for a, b in pairwise(cuts))
    if len(cuts) < 2 or not rising or (cuts[0], cuts[-1]) != (-1.0, 1.0):
        raise Rejected("malformed statement: the pieces of an integral")
    return cuts


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """The defect of each piece, and the correction."""
    cuts, measure, axes, programs = _cuts(given), read_measure(given.data), given.axes, given.programs
    d, pieces = len(axes.names), range(len(cuts) - 1)
    fixed = {"model", "integrand", "low", "high"}
    if set(programs) != fixed | {f"{n} {i}" for n in ("values", "basis") for i in pieces}:
        raise Rejected("malformed statement: base programs of an integral")
    for name in fixed:
        if (programs[name][0].width, programs[name][-1].width) != (d + (name == "integrand"), 1):
            raise Rejected(f"malformed statement: inputs and outputs of {name}")
    near = _near(derive, programs, cuts, d)
    wide = (_input(d + 1),)
    point, theta = derive.pick(wide, range(d)), derive.pick(wide, [d])
    exact = _exact(derive, programs, point, theta)
    made = {}
    name = "branch"
    while name in axes.names:
        name += "_"
    for i in pieces:
        slope = derive.insert(derive.partial(programs[f"basis {i}"], 0), [theta])
        along = _dot(derive, derive.insert(programs[f"values {i}"], [point]), slope)
        program = over_least(derive, derive.less(along, exact), derive.insert(near, [point]), measure)
        box = Axes((*axes.names, name), (*axes.log, False), (*axes.low, cuts[i]), (*axes.high, cuts[i + 1]))
        made[f"defect {i}"] = Expected(program, "both", box)
    error = divided(derive, derive.less(programs["model"], near), near, measure)
    return made | {"correction": Expected(error, measure.side, axes)}


def _input(d: int) -> Operation:
    return Operation("input", (), d)


def _near(
    derive: Derivation, programs: Mapping[str, Operations], cuts: tuple[float, ...], d: int
) -> Operations:
    """F: the sum over the pieces of V times the growth of L."""
    total: Operations | None = None
    for i in range(len(cuts) - 1):
        values, basis = programs[f"values {i}"], programs[f"basis {i}"]
        if (values[0].width, basis[0].width) != (d, 1) or values[-1].width != basis[-1].width:
            raise Rejected(f"malformed statement: values and basis of piece {i}")
        first, last = (
            derive.insert(basis, [(_input(d), Operation("constant", (), 1, vector=(c,)))])
            for c in cuts[i : i + 2]
        )
        piece = _dot(derive, values, derive.less(last, first))
        total = piece if total is None else derive.insert(_pair("add"), [total, piece])
    assert total is not None
    return total


def _exact(
    derive: Derivation, programs: Mapping[str, Operations], point: Operations, theta: Operations
) -> Operations:
    """Half of the distance of the limits times f between them."""
    ends = [derive.insert(programs[n], [point]) for n in ("low", "high")]
    s = derive.insert(ALONG, [*ends, theta])
    f = derive.insert(programs["integrand"], [point, s])
    return derive.insert(_pair("mul"), [derive.insert(HALF_WIDTH, ends), f])


def _pair(op: str) -> Operations:
    takes = (Operation("take", (0,), 1, columns=(j,)) for j in (0, 1))
    return (_input(2), *takes, Operation(op, (1, 2), 1))


def _dot(derive: Derivation, one: Operations, other: Operations) -> Operations:
    q = one[-1].width
    nodes = (
        _input(2 * q),
        Operation("take", (0,), q, columns=tuple(range(q))),
        Operation("take", (0,), q, columns=tuple(range(q, 2 * q))),
        Operation("mul", (1, 2), q),
        Operation("affine", (3,), 1, weight=(1.0,) * q, vector=(0.0,)),
    )
    return derive.insert(nodes, [one, other])


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The worst error, if the rule of the file has a bound; otherwise nothing but that it is not negative."""
    cuts, measure = _cuts(given), read_measure(given.data)
    delta = arb(0)
    for i in range(len(cuts) - 1):
        defect = proved[f"defect {i}"][1]
        if defect is None:
            return {"error": (arb(0), None)}
        delta += (arb(cuts[i + 1]) - arb(cuts[i])) * defect
    return {"error": error_bracket(proved["correction"], delta, measure)}


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """The bracket of the error."""
    low, high = claims["error"]
    if high == math.inf:
        return ("no upper bound of the error against an integral",)
    kind = read_measure(given.data).words
    return (f"worst error of the model against the integral ({kind}): between {low!r} and {high!r}",)


INTEGRAL = Kind(parts, claims, words)
