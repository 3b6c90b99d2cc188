"""What a problem whose reference is an integral gives of a statement of the kind "integral"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from supnorm.certification.rounding import Array
from supnorm.certification.solved.flow_tie import measure_of, solved_assumptions
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.function import as_function
from supnorm.program import Program, Unsupported
from supnorm.results import BadInput
from supnorm.sources.integral import Integrand, integrand_of


def read(integrand: Integrand, d: int) -> tuple[Program, Program, Program]:
    """The programs of f and of both limits.

    Raises:
        BadInput: naming what cannot be read.
    """
    try:
        return integrand.program(d), integrand.limit(integrand.low, d), integrand.limit(integrand.high, d)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the integral {integrand.name}: {error}") from None


def functions(problem: Problem) -> Mapping[str, Function]:
    """Model, integrand and limits; nothing for a problem whose reference is no integral."""
    integrand = integrand_of(problem.reference)
    if integrand is None:
        return {}
    d = problem.domain.d
    programs = read(integrand, d)
    values = (lambda z: integrand.f(z[:, :d], z[:, d]), integrand.low, integrand.high)
    made = {"model": problem.model}
    for name, program, value in zip(("integrand", "low", "high"), programs, values, strict=True):
        function = as_function(value, name) if callable(value) else Function(program.value, name=name)
        made[name] = Function(function.value, name=name, program=program)
    return made


def data(problem: Problem) -> Mapping[str, Any]:
    """The data of the statement without the pieces; nothing for a problem whose reference is no integral."""
    if integrand_of(problem.reference) is None:
        return {}
    measure = measure_of(problem.error)
    return {
        "relative": measure.relative,
        "floor": measure.floor.hex(),
        "unit": measure.unit.hex(),
        "side": measure.side,
    }


def points(problem: Problem, x: Array) -> Mapping[str, Array]:
    """Points at which f is compared: with a random s between the limits."""
    known = functions(problem)
    if not known:
        return {}
    low, high = (known[n].value(x)[:, 0] for n in ("low", "high"))
    shares = np.random.default_rng(1).random(len(x))
    return {"integrand": np.column_stack([x, low + (high - low) * shares])}


def assumptions(programs: Mapping[str, Program], domain: Domain) -> tuple[str, ...]:
    """What the proof rests on, in words; it speaks of the programs and of the whole box."""
    given = [programs[name] for name in ("model", "integrand", "low", "high")]
    return solved_assumptions("exact-integral", given, domain)
