"""A lower bound of the error at a point, if the programs of a file have room for branches of the code.

Such a program ends with both ends of the values that the code may give, ``concat(gap + D, gap - D)`` with a constant D.
Constants and a size of the reference may divide both ends; if that size has room R, it is ``relu(|f| - R)``. The upper
bound of a certificate bounds the larger end. The error of the running code may be as small as |gap| - D, divided by a
size as large as |f| + R (docs/certificate-format.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.operation import Operation

Ball = Any
Rows = list[list[Ball]]


@dataclass(frozen=True)
class Ends:
    """Positions of the operations of a program with room.

    Attributes:
        gap: the difference of model and reference.
        room: D for each output.
        divisors: positions of the divisors of both ends, with the room R of each (zeros without room).
    """

    gap: int
    room: tuple[float, ...]
    divisors: tuple[tuple[int, tuple[float, ...]], ...]


def ends_of(operations: Sequence[Operation]) -> Ends | None:
    """The last operations of a program without repetitions if it has room; None otherwise."""
    last, quotients = operations[-1], []
    while last.op == "div":
        quotients.append(last.args[1])
        last = operations[last.args[0]]
    if last.op != "concat" or len(last.args) != 2:
        return None
    above, below = (operations[i] for i in last.args)
    if (above.op, below.op) != ("add", "sub") or above.args != below.args:
        return None
    gap, room = above.args
    if operations[room].op != "constant":
        return None
    width = above.width
    divisors = tuple(_divisor(operations, i, width) for i in reversed(quotients))
    return Ends(gap, operations[room].vector, divisors)


def _divisor(operations: Sequence[Operation], at: int, width: int) -> tuple[int, tuple[float, ...]]:
    """The position of |f| in a divisor (of the divisor itself if it has no room), and the room R."""
    o = operations[at]
    if o.op == "concat":  # the divisor of both ends
        at = o.args[0]
        o = operations[at]
    if o.op in ("relu", "max") and operations[o.args[0]].op == "sub":  # max(v, 0) is written as relu(v)
        size, room = operations[o.args[0]].args
        if operations[room].op == "constant":
            return size, operations[room].vector
    return at, (0.0,) * width


def least(ends: Ends, known: list[Rows], side: str) -> list[Ball]:
    """Lower bounds of the error of each output; ``known`` are the values of every operation at one point."""
    bounds = []
    for k, room in enumerate(ends.room):
        gap = known[ends.gap][k][0]
        size = abs(gap) if side == "both" else gap if side == "over" else -gap
        value = (size - abs(arb(room))).max(arb(0))
        for at, extra in ends.divisors:
            divisor = abs(known[at][k][0]) + abs(arb(extra[k]))
            value = arb(0) if value == 0 else value / divisor
        bounds.append(value)
    return bounds
