"""What a problem whose reference is an integral gives of a statement of the kind "integral"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.between_ends import ENDS, called_between, functions_of, points_between
from supnorm.certification.rounding import Array
from supnorm.certification.solved.flow_tie import measure_of
from supnorm.problem import Domain, Function, Problem
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


def called(integrand: Integrand, x: Array) -> Array:
    """What calls with arrays give: f in the middle between both limits, and the limits; shape ``(n, 3)``."""
    ends, name = (integrand.low, integrand.high), integrand.name
    return called_between(integrand.f, ends, x, f"f of {name}", f"a limit of {name}")


def functions(problem: Problem) -> Mapping[str, Function]:
    """Model, integrand and limits; nothing for a problem whose reference is no integral."""
    integrand = integrand_of(problem.reference)
    if integrand is None:
        return {}
    d = problem.domain.d
    programs = read(integrand, d)
    values = (lambda z: integrand.f(z[:, :d], z[:, d]), integrand.low, integrand.high)
    return functions_of(problem.model, "integrand", values, programs)


def data(problem: Problem) -> Mapping[str, Any]:
    """The data of the statement without the pieces; nothing for a problem whose reference is no integral."""
    if integrand_of(problem.reference) is None:
        return {}
    return measure_of(problem.error).entries


def points(problem: Problem, x: Array) -> Mapping[str, Array]:
    """Points at which f is compared: with a random s between the limits."""
    return points_between(functions(problem), "integrand", x)


def assumptions(programs: Mapping[str, Program], domain: Domain) -> tuple[str, ...]:
    """What the proof rests on, in words; it speaks of the programs and of the whole box."""
    return assumptions_in_words(
        domain, [programs[n] for n in ("model", "integrand", *ENDS)], "exact-integral"
    )
