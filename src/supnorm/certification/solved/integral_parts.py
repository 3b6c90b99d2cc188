"""The programs of the parts of a proof about an integral, from the base programs of the statement.

The checker derives the same (`checker/integrals.py`) and compares them as expressions: each composition here is one of
docs/certificate-format.md, "Integrals".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.certification.part import Part
from supnorm.certification.root_parts import BRANCH, QUOTIENT, RADIUS, SUM, RootMeasure, branch_name, inputs
from supnorm.certification.solved.errors import error, least, quotient
from supnorm.problem import Axis, Domain
from supnorm.program import Node, Program
from supnorm.program.derived import derivative, difference, substituted


@dataclass(frozen=True, eq=False)
class IntegralBase:
    """The base programs of a statement, and its numbers.

    Attributes:
        model, low, high: ``(n, d) -> (n, 1)``.
        integrand: f, of x and then s, ``(n, d + 1) -> (n, 1)``.
        values: V_i of x, one for each piece, ``(n, d) -> (n, q)``.
        basis: L_i of theta, ``(n, 1) -> (n, q)``.
        cuts: c_i, the ends of the pieces, from -1 to 1.
    """

    model: Program
    integrand: Program
    low: Program
    high: Program
    values: tuple[Program, ...]
    basis: tuple[Program, ...]
    cuts: tuple[float, ...]

    @property
    def programs(self) -> dict[str, Program]:
        """By their names in the file."""
        fixed = {"model": self.model, "integrand": self.integrand, "low": self.low, "high": self.high}
        values = {f"values {i}": v for i, v in enumerate(self.values)}
        return fixed | values | {f"basis {i}": v for i, v in enumerate(self.basis)}

    def data(self, measure: RootMeasure) -> dict[str, Any]:
        """The data of the statement."""
        return {
            "cuts": [v.hex() for v in self.cuts],
            **measure.entries,
        }

    @property
    def near(self) -> Program:
        """F."""
        total: Program | None = None
        for i, (values, basis) in enumerate(zip(self.values, self.basis, strict=True)):
            ends = [substituted(basis, [number(values.d, c)]) for c in self.cuts[i : i + 2]]
            piece = dot(values, difference(ends[1], ends[0]))
            total = piece if total is None else substituted(SUM, [total, piece])
        assert total is not None
        return total


def scaled(base: IntegralBase) -> Program:
    """(high - low)/2 f(x, s(theta)) of x and theta."""
    d = base.low.d
    x, theta = inputs(d + 1, range(d)), inputs(d + 1, [d])
    ends = [substituted(base.low, [x]), substituted(base.high, [x])]
    at = substituted(base.integrand, [x, substituted(BRANCH, [*ends, theta])])
    return substituted(PRODUCT, [substituted(RADIUS, ends), at])


def parts(base: IntegralBase, measure: RootMeasure, domain: Domain) -> dict[str, Part]:
    """All parts, by name."""
    d, near = domain.d, base.near
    x, theta = inputs(d + 1, range(d)), inputs(d + 1, [d])
    exact, size = scaled(base), least(substituted(near, [x]), measure)
    axes: dict[str, Axis | tuple[Any, ...]] = dict(zip(domain.names, domain.axes, strict=True))
    made = {}
    for i, (values, basis) in enumerate(zip(base.values, base.basis, strict=True)):
        along = dot(substituted(values, [x]), substituted(derivative(basis, 0), [theta]))
        wide = Domain.from_axes(axes | {branch_name(domain.names): Axis(base.cuts[i], base.cuts[i + 1])})
        made[f"defect {i}"] = Part(f"defect {i}", quotient(difference(along, exact), size), wide)
    return made | {"correction": Part("correction", error(base.model, near, measure), domain, measure.side)}


def number(d: int, v: float) -> Program:
    """A number, of d inputs."""
    return Program((Node("input", (), d), Node("constant", (), 1, value=np.array([v]))))


def dot(one: Program, other: Program) -> Program:
    """The sum of the products of the outputs."""
    q = one.m
    nodes = (
        Node("input", (), 2 * q),
        Node("take", (0,), q, columns=np.arange(q, dtype=np.intp)),
        Node("take", (0,), q, columns=np.arange(q, 2 * q, dtype=np.intp)),
        Node("mul", (1, 2), q),
        Node("affine", (3,), 1, weight=np.ones((1, q)), bias=np.zeros(1)),
    )
    return substituted(Program(nodes), [one, other])


PRODUCT = Program((*QUOTIENT.nodes[:3], Node("mul", (1, 2), 1)))
