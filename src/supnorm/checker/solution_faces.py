"""The faces of a box in the kind "solution": what is given on them, and the programs and axes of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supnorm.checker.derived import Operations
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
