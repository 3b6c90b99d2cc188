"""The kind "root": the error of a model against the root y(x) of g(x, y) = 0 between two ends.

Written from docs/certificate-format.md, "Roots of equations". The file's correction S is trusted in nothing: F = N - S may
be anywhere, and the parts say how near the root it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected
from supnorm.checker.solved_error import Measured, error_bracket, read_measure
from supnorm.checker.statement_parts import Axes, Ends, Expected, Given, Kind

PROGRAMS = {"model", "equation", "low", "high", "correction"}


def _take(column: int) -> Operation:
    return Operation("take", (0,), 1, columns=(column,))


def _weighted(*weights: float) -> Operation:
    return Operation("affine", (0,), 1, weight=weights, vector=(0.0,))


def _input(d: int) -> Operation:
    return Operation("input", (), d)


def _number(v: float) -> Operation:
    return Operation("constant", (), 1, vector=(v,))


# The compositions of the format: their inputs are the outputs of other programs.
RATIO: Operations = (_input(2), _take(0), _take(1), Operation("div", (1, 2), 1))
HALF_WIDTH: Operations = (_input(2), _weighted(-0.5, 0.5))
ALONG: Operations = (
    _input(3),
    _weighted(0.5, 0.5, 0.0),
    _weighted(-0.5, 0.5, 0.0),
    _take(2),
    Operation("mul", (2, 3), 1),
    Operation("add", (1, 4), 1),
)
POSITION: Operations = (
    _input(3),
    _take(0),
    _weighted(0.0, 0.5, 0.5),
    _weighted(0.0, -0.5, 0.5),
    Operation("sub", (1, 2), 1),
    Operation("div", (4, 3), 1),
)
FLATNESS: Operations = (
    _input(2),
    _take(0),
    _take(1),
    Operation("mul", (1, 2), 1),
    _number(1.0),
    Operation("div", (4, 3), 1),
)
SHIFT: Operations = (
    _input(3),
    _take(0),
    _take(1),
    _take(2),
    Operation("mul", (1, 2), 1),
    Operation("div", (4, 3), 1),
)


def _options(data: Mapping[str, Any]) -> Measured:
    """What the error is divided by, and its side."""
    if set(data) != {"along", "relative", "floor", "unit", "side"}:
        raise Rejected("malformed statement: keys of a root")
    return read_measure(data)


def _divisor(derive: Derivation, near: Operations, data: Mapping[str, Any]) -> Operations:
    """D: what the error is divided by, at F."""
    measure = _options(data)
    if not measure.relative:
        return derive.insert((_input(1), _number(measure.unit)), [near])
    nodes = [_input(1)]
    if measure.side != "both" or measure.floor:
        nodes.append(Operation("abs", (0,), 1))
    if measure.floor:
        nodes += [_number(measure.floor), Operation("max", (1, 2), 1)]
    return near if len(nodes) == 1 else derive.insert(tuple(nodes), [near])


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """Slope, defect, inside, measured and correction."""
    programs, axes, d = given.programs, given.axes, len(given.axes.names)
    if set(programs) != PROGRAMS:
        raise Rejected("malformed statement: base programs of a root")
    for name, one in programs.items():
        if (one[0].width, one[-1].width) != (d + (name == "equation"), 1):
            raise Rejected(f"malformed statement: inputs and outputs of {name}")
    model, equation, low, high, correction = (
        programs[n] for n in ("model", "equation", "low", "high", "correction")
    )
    near = derive.less(model, correction)
    divisor = _divisor(derive, near, given.data)
    point = derive.pick((_input(d),), range(d))
    value = derive.insert(equation, [point, near])
    half = derive.insert(HALF_WIDTH, [low, high])
    made = {
        "defect": (value, "both"),
        "inside": (derive.insert(POSITION, [near, low, high]), "both"),
        "measured": (derive.insert(SHIFT, [value, half, divisor]), "both"),
        "correction": (derive.insert(RATIO, [correction, divisor]), given.data["side"]),
    }
    expected = {name: Expected(program, side, axes) for name, (program, side) in made.items()}
    return expected | {"slope": _slope(given, derive, equation, low, high)}


def _slope(
    given: Given, derive: Derivation, equation: Operations, low: Operations, high: Operations
) -> Expected:
    """The part with one input more: y where both ends are numbers, else theta from -1 to 1."""
    axes, d, along = given.axes, len(given.axes.names), given.data["along"]
    point = derive.pick((_input(d + 1),), range(d))
    ends = [derive.insert(low, [point]), derive.insert(high, [point])]
    rate = derive.partial(equation, d)
    a, b = -1.0, 1.0
    if along == "theta":
        y = derive.insert(ALONG, [*ends, derive.pick((_input(d + 1),), [d])])
        rate = derive.insert(rate, [point, y])
    elif along in ("y", "log y"):
        a, b = _end(low), _end(high)
        if not (a < b and (along == "y" or a > 0.0)):
            raise Rejected("malformed statement: the ends of the root")
    else:
        raise Rejected("malformed statement: data of a root")
    program = derive.insert(FLATNESS, [rate, derive.insert(HALF_WIDTH, ends)])
    name = "branch"
    while name in axes.names:
        name += "_"
    log = along == "log y"
    wider = Axes((*axes.names, name), (*axes.log, log), (*axes.low, a), (*axes.high, b))
    return Expected(program, "both", wider)


def _end(program: Operations) -> float:
    """The number that a program of an end is."""
    last = program[-1]
    if last.op != "constant" or len(last.vector) != 1 or not math.isfinite(last.vector[0]):
        raise Rejected("malformed statement: an end of the root is no number")
    return last.vector[0]


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The worst error, if there is exactly one root; otherwise nothing is proved but that it is not negative."""
    measure = _options(given.data)
    slope, defect, inside, measured = (proved[n][1] for n in ("slope", "defect", "inside", "measured"))
    nothing = {"error": (arb(0), None)}
    if slope is None or defect is None or inside is None or measured is None:
        return nothing
    if not (inside + defect * slope <= 1):
        return nothing
    return {"error": error_bracket(proved["correction"], measured * slope, measure)}


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """What is stated: that there is one root, and the bracket of the error."""
    low, high = claims["error"]
    if high == math.inf:
        return ("no upper bound of the error against a root of an equation",)
    return (
        "the equation has exactly one root between its ends; worst error of the model against it "
        f"({_options(given.data).words}): between {low!r} and {high!r}",
    )


ROOT = Kind(parts, claims, words)
