"""The programs of the parts of a proof about a flow, from the base programs of the statement.

The checker derives the same (`checker/flows.py`) and compares them as expressions: each composition here is one of
docs/certificate-format.md, "Flows".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.certification.part import Part
from supnorm.certification.root_parts import RootMeasure, inputs
from supnorm.certification.solved.errors import error, inverse, with_axis
from supnorm.problem import Axis, Domain
from supnorm.program import Node, Program
from supnorm.program.derived import derivative, difference, outputs, substituted


@dataclass(frozen=True, eq=False)
class FlowBase:
    """The base programs of a statement, and its numbers.

    Attributes:
        model: ``(n, d) -> (n, m)``.
        field: f, of x and then y, ``(n, d + k) -> (n, k)``.
        initial: y0, ``(n, d) -> (n, k)``.
        paths: one for each slice, ``(n, d) -> (n, k)``.
        time: the number of the axis of time.
        times: of the ends of the slices; the first is that of ``initial``.
        outputs: the components that the outputs of the model stand for.
        scale: w_j, for each component.
        reach: b_ij, for each slice the half-widths of the tube.
        growth: m_i, for each slice.
    """

    model: Program
    field: Program
    initial: Program
    paths: tuple[Program, ...]
    time: int
    times: tuple[float, ...]
    outputs: tuple[int, ...]
    scale: tuple[float, ...]
    reach: tuple[tuple[float, ...], ...]
    growth: tuple[float, ...]

    @property
    def programs(self) -> dict[str, Program]:
        """By their names in the file."""
        paths = {f"path {i}": path for i, path in enumerate(self.paths)}
        return {"model": self.model, "field": self.field, "initial": self.initial} | paths

    def data(self, measure: RootMeasure) -> dict[str, Any]:
        """The data of the statement."""
        return {
            "time": self.time,
            "start": self.times[0].hex(),
            "times": [v.hex() for v in self.times],
            "outputs": list(self.outputs),
            "scale": [v.hex() for v in self.scale],
            "reach": [[v.hex() for v in row] for row in self.reach],
            "growth": [v.hex() for v in self.growth],
            **measure.entries,
        }


KINDS = ("jump", "defect", "growth", "correction")  # "inverse" goes with the last one


def parts(
    base: FlowBase, measure: RootMeasure, domain: Domain, kinds: tuple[str, ...] = KINDS
) -> dict[str, Part]:
    """All parts of some kinds, by name, slice after slice."""
    made: dict[str, Part] = {}
    d, k = domain.d, len(base.scale)
    z = inputs(d + k, range(d))
    rates = substituted(growth_of(base.scale), [derivative(base.field, d + j) for j in range(k)])
    before = base.initial
    for i, path in enumerate(base.paths):
        a, b = base.times[i : i + 2]
        box = with_axis(domain, base.time, Axis(a, b))
        programs: dict[str, tuple[Program, Domain, str]] = {}
        if "jump" in kinds:
            jump = substituted(difference(path, before), [at_time(d, base.time, a)])
            others = _without(domain, base.time, (base.times[0], base.times[-1]))
            programs["jump"] = (substituted(scaled_by(base.scale), [jump]), others, "both")
        if "defect" in kinds:
            defect = difference(derivative(path, base.time), at_state(base.field, path))
            programs["defect"] = (substituted(scaled_by(base.scale), [defect]), box, "both")
        if "growth" in kinds:
            tube = [substituted(path, [z]), inputs(d + k, range(d, d + k))]
            at = substituted(rates, [z, substituted(tube_of(base.reach[i]), tube)])
            programs["growth"] = (
                difference(at, np.full(k, base.growth[i])),
                _with_deviations(box, k),
                "over",
            )
        time = domain.axes[base.time]
        if b > time.low and "correction" in kinds:
            shown, ends = outputs(path, base.outputs), (max(a, time.low), b)
            inside = Axis(*ends, scale=time.scale)
            if measure.relative and not measure.floor:
                programs["inverse"] = (inverse(shown), with_axis(domain, base.time, inside), "both")
            shown = error(base.model, shown, measure)
            programs["correction"] = (shown, with_axis(domain, base.time, inside, inside=True), measure.side)
        made |= {f"{name} {i}": Part(f"{name} {i}", *one) for name, one in programs.items()}
        before = path
    return made


def at_state(field: Program, path: Program) -> Program:
    """f(x, P(x)) as a program of x."""
    return substituted(field, [inputs(path.d, range(path.d)), path])


def at_time(d: int, time: int, t: float) -> Program:
    """The point with the time t, from the other inputs; with one input from this one, without effect."""
    weight, bias = np.eye(d), np.zeros(d)
    weight[time, time], bias[time] = 0.0, t
    if d > 1:
        weight = np.delete(weight, time, axis=1)
    return Program((Node("input", (), weight.shape[1]), Node("affine", (0,), d, weight=weight, bias=bias)))


def scaled_by(scale: tuple[float, ...]) -> Program:
    """w_j z_j."""
    k = len(scale)
    return Program(
        (Node("input", (), k), Node("constant", (), k, value=np.array(scale)), Node("mul", (0, 1), k))
    )


def tube_of(reach: tuple[float, ...]) -> Program:
    """P_j + b_j theta_j, from P and theta."""
    k = len(reach)
    first, last = np.arange(k, dtype=np.intp), np.arange(k, 2 * k, dtype=np.intp)
    return Program(
        (
            Node("input", (), 2 * k),
            Node("take", (0,), k, columns=first),
            Node("take", (0,), k, columns=last),
            Node("constant", (), k, value=np.array(reach)),
            Node("mul", (3, 2), k),
            Node("add", (1, 4), k),
        )
    )


def growth_of(scale: tuple[float, ...]) -> Program:
    """S_jj + sum over l != j of |S_jl|, from the columns of J one after the other."""
    k, w = len(scale), np.array(scale)
    column, row = np.divmod(np.arange(k * k), k)
    nodes = [
        Node("input", (), k * k),
        Node("constant", (), k * k, value=w[row]),
        Node("mul", (1, 0), k * k),
        Node("constant", (), k * k, value=w[column]),
        Node("div", (2, 3), k * k),
        Node("take", (4,), k * k, columns=(row * k + column).astype(np.intp)),
        Node("add", (4, 5), k * k),
        Node("constant", (), k * k, value=np.full(k * k, 0.5)),
        Node("mul", (7, 6), k * k),
        Node("take", (8,), k, columns=np.arange(0, k * k, k + 1, dtype=np.intp)),
    ]
    if k > 1:
        off = np.flatnonzero(row != column).astype(np.intp)
        nodes += [
            Node("take", (8,), len(off), columns=off),
            Node("abs", (10,), len(off)),
            Node(
                "affine", (11,), k, weight=(row[off] == np.arange(k)[:, None]).astype(float), bias=np.zeros(k)
            ),
            Node("add", (9, 12), k),
        ]
    return Program(tuple(nodes))


def deviation_names(names: tuple[str, ...], k: int) -> list[str]:
    """The names of the axes across the tube, which no input has."""
    stem = "deviation"
    while any(name.startswith(stem) for name in names):
        stem += "_"
    return [f"{stem} {j}" for j in range(k)]


def _without(domain: Domain, time: int, ends: tuple[float, float]) -> Domain:
    """The box of the other axes; the axis of time where there is no other."""
    if domain.d == 1:
        return Domain.from_axes({domain.names[0]: Axis(*ends)})
    return Domain.from_axes(
        {n: a for j, (n, a) in enumerate(zip(domain.names, domain.axes, strict=True)) if j != time}
    )


def _with_deviations(box: Domain, k: int) -> Domain:
    axes: dict[str, Axis | tuple[Any, ...]] = dict(zip(box.names, box.axes, strict=True))
    return Domain.from_axes(axes | {name: Axis(-1.0, 1.0) for name in deviation_names(box.names, k)})
