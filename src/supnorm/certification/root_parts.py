"""The programs of the parts of a proof about a root, from the base programs of the statement.

The checker derives the same (`checker/roots.py`) and compares them as expressions: each composition here is one of
docs/certificate-format.md, "Roots of equations".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.certification.part import Part
from supnorm.problem import Axis, Domain
from supnorm.program import Node, Program
from supnorm.program.derived import derivative, difference, outputs, substituted


@dataclass(frozen=True)
class RootMeasure:
    """What the error is divided by: ``unit``, or if it is relative max(|y|, floor); ``unit`` is 1 then.

    >>> RootMeasure(True, 0.0, 1.0, "both").data("y")
    {'along': 'y', 'relative': True, 'floor': '0x0.0p+0', 'unit': '0x1.0000000000000p+0', 'side': 'both'}
    """

    relative: bool
    floor: float
    unit: float
    side: str

    def data(self, along: str) -> dict[str, Any]:
        """The data of the statement; ``along``: of the base programs."""
        return {"along": along, **self.entries}

    @property
    def entries(self) -> dict[str, Any]:
        """What the data of every statement about a solved reference say of the error."""
        return {
            "relative": self.relative,
            "floor": self.floor.hex(),
            "unit": self.unit.hex(),
            "side": self.side,
        }


@dataclass(frozen=True, eq=False)
class Base:
    """The base programs of a statement: all of d inputs but ``equation``, whose last input is y."""

    model: Program
    equation: Program
    low: Program
    high: Program
    correction: Program

    @property
    def programs(self) -> dict[str, Program]:
        """By their names in the file."""
        return {
            "model": self.model,
            "equation": self.equation,
            "low": self.low,
            "high": self.high,
            "correction": self.correction,
        }

    @property
    def numbers(self) -> tuple[float, ...]:
        """Both ends, where they are numbers."""
        values = [end.nodes[-1].value for end in (self.low, self.high)]
        return tuple(float(v[0]) for v in values if v is not None)

    @property
    def along(self) -> str:
        """The input along the branch: "y" or its logarithm between numbers, else "theta" from -1 to 1."""
        if len(self.numbers) < 2:
            return "theta"
        return "log y" if self.numbers[0] > 0.0 else "y"

    @property
    def near(self) -> Program:
        """F: the model minus the correction."""
        return difference(self.model, self.correction)


def parts(base: Base, measure: RootMeasure, domain: Domain) -> dict[str, Part]:
    """All parts, by name."""
    near, divisor = base.near, size(base.near, measure)
    axes: dict[str, Axis | tuple[Any, ...]] = dict(zip(domain.names, domain.axes, strict=True))
    box = Domain.from_axes(axes)
    value = at_value(base.equation, near)
    radius = substituted(RADIUS, [base.low, base.high])
    programs = {
        "defect": value,
        "inside": substituted(INSIDE, [near, base.low, base.high]),
        "measured": substituted(MEASURED, [value, radius, divisor]),
    }
    made = {"slope": Part("slope", *_slope(base, domain))}
    made |= {name: Part(name, program, box) for name, program in programs.items()}
    signed = substituted(QUOTIENT, [base.correction, divisor])
    return made | {"correction": Part("correction", signed, domain, measure.side)}


def _slope(base: Base, domain: Domain) -> tuple[Program, Domain]:
    """1/(g_y r), with one input more: y between ends that are numbers, else theta."""
    d, rate = domain.d, derivative(base.equation, domain.d)
    x = inputs(d + 1, range(d))
    ends = [substituted(base.low, [x]), substituted(base.high, [x])]
    axis = Axis(-1.0, 1.0)
    if base.along == "theta":
        rate = substituted(rate, [x, substituted(BRANCH, [*ends, inputs(d + 1, [d])])])
    else:
        low, high = base.numbers
        axis = Axis(low, high, scale="log" if base.along == "log y" else "linear")
    axes: dict[str, Axis | tuple[Any, ...]] = dict(zip(domain.names, domain.axes, strict=True))
    wide = Domain.from_axes(axes | {branch_name(domain.names): axis})
    return substituted(SLOPE, [rate, substituted(RADIUS, ends)]), wide


def branch_name(names: tuple[str, ...]) -> str:
    """The name of the axis along the branch, which no input has.

    >>> branch_name(("x", "branch"))
    'branch_'
    """
    name = "branch"
    while name in names:
        name += "_"
    return name


def inputs(d: int, columns: Any) -> Program:
    """Some of d inputs."""
    return outputs(Program((Node("input", (), d),)), list(columns))


def at_value(equation: Program, y: Program) -> Program:
    """g(x, y(x)) as a program of x."""
    return substituted(equation, [inputs(y.d, range(y.d)), y])


def size(near: Program, measure: RootMeasure) -> Program:
    """D: what the error is divided by, with F in the place of y."""
    if not measure.relative:
        unit = np.array([measure.unit])
        return substituted(Program((Node("input", (), 1), Node("constant", (), 1, value=unit))), [near])
    nodes = [Node("input", (), 1)]
    if measure.side != "both" or measure.floor:
        nodes.append(Node("abs", (0,), 1))
    if measure.floor:
        nodes.append(Node("constant", (), 1, value=np.array([measure.floor])))
        nodes.append(Node("max", (1, 2), 1))
    return near if len(nodes) == 1 else substituted(Program(tuple(nodes)), [near])


def _take(column: int) -> Node:
    return Node("take", (0,), 1, columns=np.array([column]))


def _sum(*weights: float) -> Node:
    return Node("affine", (0,), 1, weight=np.array([weights]), bias=np.zeros(1))


QUOTIENT = Program((Node("input", (), 2), _take(0), _take(1), Node("div", (1, 2), 1)))
SUM = Program((Node("input", (), 2), _take(0), _take(1), Node("add", (1, 2), 1)))
# (low, high): half of their distance.
RADIUS = Program((Node("input", (), 2), _sum(-0.5, 0.5)))
# (low, high, theta): y.
BRANCH = Program(
    (
        Node("input", (), 3),
        _sum(0.5, 0.5, 0.0),
        _sum(-0.5, 0.5, 0.0),
        _take(2),
        Node("mul", (2, 3), 1),
        Node("add", (1, 4), 1),
    )
)
# (y, low, high): theta.
INSIDE = Program(
    (
        Node("input", (), 3),
        _take(0),
        _sum(0.0, 0.5, 0.5),
        _sum(0.0, -0.5, 0.5),
        Node("sub", (1, 2), 1),
        Node("div", (4, 3), 1),
    )
)
# (g_y, r): 1/(g_y r).
SLOPE = Program(
    (
        Node("input", (), 2),
        _take(0),
        _take(1),
        Node("mul", (1, 2), 1),
        Node("constant", (), 1, value=np.ones(1)),
        Node("div", (4, 3), 1),
    )
)
# (g, r, D): g r / D.
MEASURED = Program(
    (
        Node("input", (), 3),
        _take(0),
        _take(1),
        _take(2),
        Node("mul", (1, 2), 1),
        Node("div", (4, 3), 1),
    )
)
