"""The error of a model against a function that stands in for the exact reference, as programs: numerator over divisor."""

from __future__ import annotations

import numpy as np

from supnorm.certification.root_parts import RootMeasure
from supnorm.problem import Axis, Domain
from supnorm.program import Node, Program
from supnorm.program.derived import difference, substituted


def error(model: Program, near: Program, measure: RootMeasure) -> Program:
    """(N - F)/D for all outputs."""
    return quotient(difference(model, near), divisor(near, measure))


def quotient(top: Program, bottom: Program) -> Program:
    """The quotient of each output by each output."""
    m = top.m
    nodes = (
        Node("input", (), 2 * m),
        Node("take", (0,), m, columns=np.arange(m, dtype=np.intp)),
        Node("take", (0,), m, columns=np.arange(m, 2 * m, dtype=np.intp)),
        Node("div", (1, 2), m),
    )
    return substituted(Program(nodes), [top, bottom])


def divisor(near: Program, measure: RootMeasure) -> Program:
    """D: what the error is divided by, with F in the place of y: the unit, or max(abs F, floor)."""
    m = near.m
    nodes = [Node("input", (), m)]
    if not measure.relative:
        nodes.append(Node("constant", (), m, value=np.full(m, measure.unit)))
    else:
        nodes.append(Node("abs", (0,), m))
        if measure.floor:
            nodes.append(Node("constant", (), m, value=np.full(m, measure.floor)))
            nodes.append(Node("max", (1, 2), m))
    return substituted(Program(tuple(nodes)), [near])


def least(near: Program, measure: RootMeasure) -> Program:
    """What is nowhere above D, without a kink: the unit, the floor, or F itself."""
    if measure.relative and not measure.floor:
        return near
    number = measure.floor if measure.relative else measure.unit
    nodes = (Node("input", (), near.m), Node("constant", (), near.m, value=np.full(near.m, number)))
    return substituted(Program(nodes), [near])


def inverse(near: Program) -> Program:
    """1/F."""
    m = near.m
    nodes = (Node("input", (), m), Node("constant", (), m, value=np.ones(m)), Node("div", (1, 0), m))
    return substituted(Program(nodes), [near])


def with_axis(domain: Domain, number: int, axis: Axis, inside: bool = False) -> Domain:
    """The box with another axis; with ``inside`` the points that exist are those of the domain."""
    axes: dict[str, Axis | tuple[float, ...]] = dict(zip(domain.names, domain.axes, strict=True))
    axes[domain.names[number]] = axis
    return Domain.from_axes(axes, domain.constraints, domain.cloud) if inside else Domain.from_axes(axes)
