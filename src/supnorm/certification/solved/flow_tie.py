"""What a problem whose reference is a flow gives of a statement of the kind "flow"."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from supnorm.certification import root_tie
from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.rounding import Array
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, Unsupported
from supnorm.program.derived import derivative
from supnorm.results import BadInput
from supnorm.sources.flow import Dynamics, dynamics_of


def measure_of(measure: ErrorMeasure) -> RootMeasure:
    """What the error of a problem is divided by.

    Raises:
        BadInput: for kinds and options that this proof does not have.
    """
    scale = np.atleast_1d(np.asarray(1.0 if measure.scale is None else measure.scale, dtype=float))
    if measure.kind == "scaled" and len({*scale.tolist()}) > 1:
        raise BadInput(
            "certify has no proof for different scales of outputs beside a reference that is solved; give one scale"
        )
    return root_tie.measure_of(measure)


def read(dynamics: Dynamics, d: int) -> tuple[Program, Program]:
    """The programs of f and y0.

    Raises:
        BadInput: naming what cannot be read.
    """
    try:
        initial = dynamics.initial(d)
        field = dynamics.field(d, initial.m)
        for j in range(field.m):
            derivative(field, d + j)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the equation of {dynamics.name}: {error}") from None
    return field, initial


def called(dynamics: Dynamics, x: Array) -> Array:
    """What calls with arrays give: y0 and f at the start, for the times and parameters of the points, ``(n, 2 k)``."""
    p, n = x[:, dynamics.parameters(x.shape[1])], len(x)
    with double_precision("jax" in sys.modules):
        start = dynamics.states(p) if callable(dynamics.y0) else np.array(dynamics.y0)
        y = np.array(np.broadcast_to(np.asarray(start, dtype=float), (n, np.shape(start)[-1])))
        f = np.asarray(dynamics.rates(x[:, dynamics.time], y, p), dtype=float)
    return np.column_stack([y, np.broadcast_to(f, y.shape)])


def functions(problem: Problem) -> Mapping[str, Function]:
    """Model, equation and start; nothing for a problem whose reference is no flow."""
    dynamics = dynamics_of(problem.reference)
    if dynamics is None:
        return {}
    d = problem.domain.d
    field, initial = read(dynamics, d)
    p, time = dynamics.parameters(d), dynamics.time

    def rates(z: Array) -> Array:
        return np.asarray(dynamics.rates(z[:, time], z[:, d:], z[:, p])).reshape(len(z), -1)

    def states(x: Array) -> Array:
        return np.asarray(dynamics.states(x[:, p])).reshape(len(x), -1)

    start = states if callable(dynamics.y0) else initial.value
    return {
        "model": problem.model,
        "field": Function(rates, name="field", program=field),
        "initial": Function(start, name="initial", program=initial),
    }


def data(problem: Problem) -> Mapping[str, Any]:
    """The data of the statement without what the proof may choose; nothing for a problem whose reference is no flow."""
    dynamics = dynamics_of(problem.reference)
    if dynamics is None:
        return {}
    return {
        "time": dynamics.time,
        "start": dynamics.start.hex(),
        "outputs": dynamics.outputs(dynamics.initial(problem.domain.d).m),
        **measure_of(problem.error).entries,
    }


def points(problem: Problem, x: Array) -> Mapping[str, Array]:
    """Points at which f is compared: with a state of the flow there."""
    dynamics = dynamics_of(problem.reference)
    if dynamics is None:
        return {}
    from dataclasses import replace

    from supnorm.sources.flow import of_dynamics

    y = of_dynamics(replace(dynamics, components=None)).value(x)
    return {"field": np.column_stack([x, y])}


def assumptions(programs: Mapping[str, Program], domain: Domain) -> tuple[str, ...]:
    """What the proof rests on, in words; it speaks of the programs and of the whole box."""
    return assumptions_in_words(domain, [programs[n] for n in ("model", "field", "initial")], "exact-flow")
