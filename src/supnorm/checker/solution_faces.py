"""The faces of a box in the kind "solution": what is given on them, and the programs and axes of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from supnorm.checker.derived import Derivation, Growing, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected, exact, whole
from supnorm.checker.statement_parts import Axes

ENDS = ("low", "high")


@dataclass(frozen=True)
class Flux:
    """dv/dn + coefficient * v = value on a face, n the outward normal."""

    coefficient: float
    value: float | Operations


def sides_of(
    entries: Sequence[Mapping[str, Any]], space: Sequence[int]
) -> dict[tuple[int, str], Mapping[str, Any]]:
    """The entries of the faces with a flux, by axis and end."""
    made: dict[tuple[int, str], Mapping[str, Any]] = {}
    for entry in entries:
        if set(entry) != {"axis", "end", "coefficient", "value"}:
            raise Rejected("malformed statement: keys of a side")
        key = (whole(entry["axis"]), entry["end"])
        if key[0] not in space or key[1] not in ENDS or key in made:
            raise Rejected("malformed statement: a side that does not exist, or twice")
        made[key] = entry
    return made


def periodic_of(
    entries: Sequence[int], space: Sequence[int], sides: Mapping[tuple[int, str], Any]
) -> tuple[int, ...]:
    """The periodic axes, rising; none of them has a flux."""
    axes = tuple(whole(entry) for entry in entries)
    rising = all(a < b for a, b in pairwise(axes))
    if not rising or not set(axes) <= set(space) - {axis for axis, _ in sides}:
        raise Rejected("malformed statement: periodic axes")
    return axes


def with_equal_ends(derive: Derivation, v: Operations, axis: int, low: float, high: float) -> Operations:
    """v less the function that differs by as much between both ends of an axis, in its values and in its slopes."""
    d = v[0].width
    grow, slope = Growing(d, derive), derive.partial(v, axis)
    weight = tuple(1.0 if i == j and i != axis else 0.0 for i in range(d) for j in range(d))

    def jump(program: Operations) -> int:
        ends = []
        for at in (high, low):
            offset = tuple(at if i == axis else 0.0 for i in range(d))
            inner = (Operation("input", (), d), Operation("affine", (0,), d, weight=weight, vector=offset))
            ends.append(grow.run(derive.insert(program, [inner]), 0)[-1])
        return grow.call("sub", *ends)

    end = grow.run(v, 0)[-1]
    values, slopes = jump(v), jump(slope)
    x = grow.put(Operation("take", (0,), 1, columns=(axis,)))
    a, b = grow.numbers([low]), grow.numbers([high])
    width, above, below = grow.call("sub", b, a), grow.call("sub", x, a), grow.call("sub", x, b)
    linear = grow.call("mul", values, grow.call("div", above, width))
    bent = grow.call("div", grow.call("mul", above, below), grow.call("mul", grow.numbers([2.0]), width))
    total = grow.call("add", linear, grow.call("mul", slopes, bent))
    return grow.until(grow.call("sub", end, total))


def coefficient_of(text: str) -> float:
    value = exact(text)
    if not 0.0 <= value < float("inf"):
        raise Rejected("malformed statement: the coefficient of a flux must be at least 0")
    return value


def embedding(d: int, axis: int, at: float) -> Operations:
    """From the other inputs to the box; with one input from this input, which has no effect."""
    others = [j for j in range(d) if j != axis] or [-1]
    weight = tuple(1.0 if i == j else 0.0 for i in range(d) for j in others)
    offset = tuple(at if i == axis else 0.0 for i in range(d))
    n = len(others)
    return (Operation("input", (), n), Operation("affine", (0,), d, weight=weight, vector=offset))


def without(axes: Axes, axis: int) -> Axes:
    keep = [i for i in range(len(axes.names)) if i != axis] or [axis]
    return Axes(
        tuple(axes.names[i] for i in keep),
        tuple(axes.log[i] for i in keep),
        tuple(axes.low[i] for i in keep),
        tuple(axes.high[i] for i in keep),
    )
