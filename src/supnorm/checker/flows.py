"""The kind "flow": the error of a model against the solution of y' = f(x, y), y(start) = y0, one of the inputs x being time.

Written from docs/certificate-format.md, "Flows". The file's paths, tubes and growth rates are trusted in nothing: the
paths may be anywhere, and the parts say how near the solution they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected, exact, hexes, whole
from supnorm.checker.solved_error import Measured, divided, error_bracket, inverse, read_measure
from supnorm.checker.statement_parts import Axes, Ball, Ends, Expected, Given, Kind

KEYS = {"time", "start", "times", "outputs", "scale", "reach", "growth", "relative", "floor", "unit", "side"}
MOST = 32  # components: the rates of growth have their square


@dataclass(frozen=True)
class _Read:
    """The numbers of a statement."""

    time: int
    times: tuple[float, ...]
    outputs: tuple[int, ...]
    scale: tuple[float, ...]
    reach: tuple[tuple[float, ...], ...]
    growth: tuple[float, ...]
    measure: Measured

    @property
    def slices(self) -> int:
        return len(self.times) - 1


def _read(given: Given) -> _Read:
    data, axes = given.data, given.axes
    if set(data) != KEYS:
        raise Rejected("malformed statement: keys of a flow")
    read = _Read(
        whole(data["time"]),
        hexes(data["times"]),
        tuple(whole(v) for v in data["outputs"]),
        hexes(data["scale"]),
        tuple(hexes(row) for row in data["reach"]),
        hexes(data["growth"]),
        read_measure(data),
    )
    k, n = len(read.scale), read.slices
    if k > MOST:
        raise Rejected(f"a flow of more than {MOST} components")
    if not 0 <= read.time < len(axes.names) or n < 1 or not k:
        raise Rejected("malformed statement: time of a flow")
    rising = all(a < b for a, b in zip(read.times, read.times[1:], strict=False))
    finite = all(math.isfinite(v) for v in (*read.times, *read.growth))
    if (
        not rising
        or not finite
        or read.times[-1] != axes.high[read.time]
        or read.times[0] > axes.low[read.time]
    ):
        raise Rejected("malformed statement: the slices of a flow")
    if exact(data["start"]) != read.times[0]:
        raise Rejected("malformed statement: the first slice of a flow does not begin at its start")
    positive = all(0.0 < v < math.inf for row in (read.scale, *read.reach) for v in row)
    if not positive or len(read.growth) != n or len(read.reach) != n or any(len(r) != k for r in read.reach):
        raise Rejected("malformed statement: the numbers of a flow")
    if not read.outputs or not all(0 <= j < k for j in read.outputs):
        raise Rejected("malformed statement: the outputs of a flow")
    return read


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """Jump, defect and growth of each slice; inverse and correction of those that the domain meets."""
    read, axes, programs = _read(given), given.axes, given.programs
    d, k, m, n = len(axes.names), len(read.scale), len(read.outputs), read.slices
    widths = {"model": (d, m), "field": (d + k, k), "initial": (d, k)} | {
        f"path {i}": (d, k) for i in range(n)
    }
    if set(programs) != set(widths):
        raise Rejected("malformed statement: base programs of a flow")
    for name, width in widths.items():
        if (programs[name][0].width, programs[name][-1].width) != width:
            raise Rejected(f"malformed statement: inputs and outputs of {name}")
    field, weigh = programs["field"], _weigh(read.scale)
    rates = derive.insert(_gershgorin(read.scale), [derive.partial(field, d + j) for j in range(k)])
    point = derive.pick((_input(d),), range(d))
    wide = (_input(d + k),)
    at, aside = derive.pick(wide, range(d)), derive.pick(wide, range(d, d + k))
    made: dict[str, Expected] = {}
    before = programs["initial"]
    for i in range(n):
        path, a, b = programs[f"path {i}"], read.times[i], read.times[i + 1]
        slice_of = _changed(axes, read.time, a, b, False)
        gap = derive.insert(derive.less(path, before), [_frozen(d, read.time, a)])
        made[f"jump {i}"] = Expected(derive.insert(weigh, [gap]), "both", _others(axes, read))
        defect = derive.less(derive.partial(path, read.time), derive.insert(field, [point, path]))
        made[f"defect {i}"] = Expected(derive.insert(weigh, [defect]), "both", slice_of)
        state = derive.insert(_around(read.reach[i]), [derive.insert(path, [at]), aside])
        growth = derive.less_numbers(derive.insert(rates, [at, state]), [read.growth[i]] * k)
        made[f"growth {i}"] = Expected(growth, "over", _across(slice_of, k))
        low = axes.low[read.time]
        if b > low:
            shown = derive.pick(path, read.outputs)
            inside = _changed(axes, read.time, max(a, low), b, axes.log[read.time])
            if read.measure.needs_inverse:
                made[f"inverse {i}"] = Expected(inverse(derive, shown), "both", inside)
            error = divided(derive, derive.less(programs["model"], shown), shown, read.measure)
            made[f"correction {i}"] = Expected(error, read.measure.side, inside)
        before = path
    return made


def _input(d: int) -> Operation:
    return Operation("input", (), d)


def _constant(values: tuple[float, ...]) -> Operation:
    return Operation("constant", (), len(values), vector=values)


def _weigh(scale: tuple[float, ...]) -> Operations:
    k = len(scale)
    return (_input(k), _constant(scale), Operation("mul", (0, 1), k))


def _around(reach: tuple[float, ...]) -> Operations:
    """P + b theta."""
    k = len(reach)
    return (
        _input(2 * k),
        Operation("take", (0,), k, columns=tuple(range(k))),
        Operation("take", (0,), k, columns=tuple(range(k, 2 * k))),
        _constant(reach),
        Operation("mul", (3, 2), k),
        Operation("add", (1, 4), k),
    )


def _frozen(d: int, time: int, t: float) -> Operations:
    """The point at one time, from the other inputs; with a single input its weight is zero."""
    columns = [j for j in range(d) if j != time] or [time]
    weight = tuple(1.0 if j == c and j != time else 0.0 for j in range(d) for c in columns)
    shift = tuple(t if j == time else 0.0 for j in range(d))
    return (_input(len(columns)), Operation("affine", (0,), d, weight=weight, vector=shift))


def _gershgorin(scale: tuple[float, ...]) -> Operations:
    """The sums of the rows of the symmetric part of W J W^-1; J comes column by column."""
    k = len(scale)
    entries = [
        (row, column) for column in range(k) for row in range(k)
    ]  # (row, column) is entry column k + row
    size = k * k
    made = [
        _input(size),
        _constant(tuple(scale[row] for row, _ in entries)),
        Operation("mul", (1, 0), size),
        _constant(tuple(scale[column] for _, column in entries)),
        Operation("div", (2, 3), size),
        Operation("take", (4,), size, columns=tuple(row * k + column for row, column in entries)),
        Operation("add", (4, 5), size),
        _constant((0.5,) * size),
        Operation("mul", (7, 6), size),
        Operation("take", (8,), k, columns=tuple(j * k + j for j in range(k))),
    ]
    if k > 1:
        off = [e for e in entries if e[0] != e[1]]
        weight = tuple(1.0 if row == j else 0.0 for j in range(k) for row, _ in off)
        made += [
            Operation("take", (8,), len(off), columns=tuple(column * k + row for row, column in off)),
            Operation("abs", (10,), len(off)),
            Operation("affine", (11,), k, weight=weight, vector=(0.0,) * k),
            Operation("add", (9, 12), k),
        ]
    return tuple(made)


def _changed(axes: Axes, j: int, low: float, high: float, log: bool) -> Axes:
    """The box with another axis in the place of one."""

    def put(values: tuple[Any, ...], v: Any) -> tuple[Any, ...]:
        return (*values[:j], v, *values[j + 1 :])

    return Axes(axes.names, put(axes.log, log), put(axes.low, low), put(axes.high, high))


def _others(axes: Axes, read: _Read) -> Axes:
    """The box without time; with time alone this one, from the start on."""
    j = read.time
    if len(axes.names) == 1:
        return Axes(axes.names, (False,), (read.times[0],), (read.times[-1],))
    lists = ((*v[:j], *v[j + 1 :]) for v in (axes.names, axes.log, axes.low, axes.high))
    return Axes(*lists)


def _across(axes: Axes, k: int) -> Axes:
    """The box with one axis from -1 to 1 for each component."""
    stem = "deviation"
    while any(name.startswith(stem) for name in axes.names):
        stem += "_"
    names = tuple(f"{stem} {j}" for j in range(k))
    return Axes(
        (*axes.names, *names),
        (*axes.log, *(False,) * k),
        (*axes.low, *(-1.0,) * k),
        (*axes.high, *(1.0,) * k),
    )


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The worst error, if the solution exists and stays in all tubes; otherwise nothing but that it is not negative."""
    read = _read(given)
    far = _distances(read, proved)
    low: Ball = arb(0)
    high: Ball | None = arb(0)
    for i in range(read.slices):
        if f"correction {i}" not in proved:
            continue
        delta = _in_error(read, proved, i, far[i]) if i < len(far) else None
        least, most = error_bracket(proved[f"correction {i}"], delta, read.measure)
        low = low.max(least)
        high = None if most is None or high is None else high.max(most)
    return {"error": (low, high)}


def _distances(read: _Read, proved: Mapping[str, Ends]) -> list[Ball]:
    """Bounds of the weighted norm of the distance of the solution from its path, slice after slice, while there are any."""
    k = len(read.scale)
    widen, begin = arb(k).sqrt(), arb(0)
    far: list[Ball] = []
    for i in range(read.slices):
        jump, defect, growth = (proved[f"{name} {i}"][1] for name in ("jump", "defect", "growth"))
        if jump is None or defect is None or growth is None:
            break
        rate, h = arb(read.growth[i]) + growth, arb(read.times[i + 1]) - arb(read.times[i])
        begin = begin + widen * jump
        grown = (rate * h).exp()
        share = h if rate == 0 else (rate * h).expm1() / rate
        end = grown * begin + share * widen * defect
        most = begin.max(end)
        if not all(most < arb(w) * arb(b) for w, b in zip(read.scale, read.reach[i], strict=True)):
            break
        far.append(most)
        begin = end
    return far


def _in_error(read: _Read, proved: Mapping[str, Ends], i: int, far: Ball) -> Ball | None:
    """The distance as a share of what the error is divided by."""
    distance = arb(0)
    for j in read.outputs:
        distance = distance.max(far / arb(read.scale[j]))
    if not read.measure.relative:
        return distance / arb(read.measure.unit)
    if not read.measure.needs_inverse:
        return distance / arb(read.measure.floor)
    steep = proved[f"inverse {i}"][1]
    return None if steep is None else distance * steep


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """What is stated: that the flow exists, and the bracket of the error."""
    low, high = claims["error"]
    read = _read(given)
    if high == math.inf:
        return ("no upper bound of the error against the solution of an initial value problem",)
    name = given.axes.shown[read.time]
    return (
        f"the solution of the initial value problem exists on the whole box ({read.slices} slices of {name}, from "
        f"{read.times[0]!r}); worst error of the model against it ({read.measure.words}): between {low!r} and {high!r}",
    )


FLOW = Kind(parts, claims, words)
