"""What "flow" and "integral" share: the error of a model against a function that stands in for the exact reference.

Written from docs/certificate-format.md, "Flows" and "Integrals".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected, exact
from supnorm.checker.statement_parts import Ball, Ends

SIDES = ("both", "over", "under")


@dataclass(frozen=True)
class Measured:
    """What the error is divided by, and its side."""

    relative: bool
    floor: float
    unit: float
    side: str

    @property
    def needs_inverse(self) -> bool:
        """Whether the smallest size of the reference matters."""
        return self.relative and not self.floor

    @property
    def words(self) -> str:
        """The kind of error, for people."""
        kind = f"relative, floor {self.floor!r}" if self.relative else "absolute"
        kind += "" if self.unit == 1.0 else f", divided by {self.unit!r}"
        return kind + ("" if self.side == "both" else f", {self.side}")


def read_measure(data: Mapping[str, Any]) -> Measured:
    """The options in the data of a statement."""
    relative, floor, unit, side = data["relative"], exact(data["floor"]), exact(data["unit"]), data["side"]
    if type(relative) is not bool or side not in SIDES:
        raise Rejected("malformed statement: the error of a statement")
    if not (0.0 <= floor < math.inf and 0.0 < unit < math.inf):
        raise Rejected("malformed statement: floor and unit of an error")
    if (floor and not relative) or (relative and unit != 1.0):
        raise Rejected("malformed statement: floor and unit of an error that has none")
    return Measured(relative, floor, unit, side)


def divided(derive: Derivation, top: Operations, near: Operations, measure: Measured) -> Operations:
    """A program over the divisor of the error, which is made of ``near``."""
    m = near[-1].width
    nodes = [Operation("input", (), m)]
    if measure.relative:
        nodes.append(Operation("abs", (0,), m))
        if measure.floor:
            nodes += [_filled(measure.floor, m), Operation("max", (1, 2), m)]
    else:
        nodes.append(_filled(measure.unit, m))
    return _over(derive, top, derive.insert(tuple(nodes), [near]))


def over_least(derive: Derivation, top: Operations, near: Operations, measure: Measured) -> Operations:
    """A program over what is nowhere above the divisor: the unit, the floor, or ``near`` itself."""
    if measure.needs_inverse:
        return _over(derive, top, near)
    m, number = near[-1].width, measure.floor if measure.relative else measure.unit
    return _over(derive, top, derive.insert((Operation("input", (), m), _filled(number, m)), [near]))


def _over(derive: Derivation, top: Operations, bottom: Operations) -> Operations:
    m = bottom[-1].width
    quotient = (
        Operation("input", (), 2 * m),
        Operation("take", (0,), m, columns=tuple(range(m))),
        Operation("take", (0,), m, columns=tuple(range(m, 2 * m))),
        Operation("div", (1, 2), m),
    )
    return derive.insert(quotient, [top, bottom])


def inverse(derive: Derivation, near: Operations) -> Operations:
    """One over every output."""
    m = near[-1].width
    return derive.insert((Operation("input", (), m), _filled(1.0, m), Operation("div", (1, 0), m)), [near])


def _filled(v: float, m: int) -> Operation:
    return Operation("constant", (), m, vector=(v,) * m)


def error_bracket(correction: Ends, delta: Ball | None, measure: Measured) -> tuple[Ball, Ball | None]:
    """The bracket of the error against the exact reference, which is within delta divisors of what stands for it."""
    if delta is None or (measure.relative and not (delta < 1)):
        return arb(0), None
    least, most = correction
    grow, shrink = (1 + delta, 1 - delta) if measure.relative else (arb(1), arb(1))
    low = arb(0) if least is None else ((least - delta) / grow).max(arb(0))
    return low, None if most is None else (most + delta) / shrink
