"""What a problem whose reference is a root gives of a statement of the kind "root"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.between_ends import ENDS, called_between, functions_of, points_between
from supnorm.certification.root_parts import Base, RootMeasure
from supnorm.certification.rounding import Array
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.program import Program, Unsupported, program_of
from supnorm.results import BadInput
from supnorm.sources.root import Equation, equation_of


def measure_of(measure: ErrorMeasure) -> RootMeasure:
    """What the error of a problem is divided by.

    Raises:
        BadInput: for kinds and options that this proof does not have.
    """
    if measure.kind not in ("absolute", "relative", "scaled"):
        what = f"the kind of error {measure.kind!r}"
    elif measure.per_output:
        what = "tolerances of outputs"
    else:
        what = "a mask" if measure.mask is not None else ""
    if what:
        raise BadInput(
            f"certify has no proof for {what} beside a root of an equation; use an absolute, relative or scaled error with "
            "one tolerance and without a mask"
        )
    scale = measure.scale if measure.kind == "scaled" and measure.scale is not None else 1.0
    unit = float(np.atleast_1d(np.asarray(scale, dtype=float))[0])
    relative = measure.kind == "relative"
    return RootMeasure(relative, float(measure.floor or 0.0) if relative else 0.0, unit, measure.side)


def read(equation: Equation, d: int) -> tuple[Program, Program, Program]:
    """The programs of g and of both ends.

    Raises:
        BadInput: naming what cannot be read.
    """
    try:
        return equation.program(d), equation.end(equation.low, d), equation.end(equation.high, d)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the equation of {equation.name}: {error}") from None


def called(equation: Equation, x: Array) -> Array:
    """What calls with arrays give: g in the middle between both ends, and the ends; shape ``(n, 3)``."""
    ends, name = (equation.low, equation.high), equation.name
    return called_between(equation.g, ends, x, f"g of {name}", f"between of {name}")


def functions(problem: Problem) -> Mapping[str, Function]:
    """Model, equation and ends; nothing for a problem whose reference is no root."""
    equation = equation_of(problem.reference)
    if equation is None:
        return {}
    d = problem.domain.d
    programs = read(equation, d)
    values = (lambda z: equation.g(z[:, :d], z[:, d]), equation.low, equation.high)
    return functions_of(problem.model, "equation", values, programs)


def data(problem: Problem) -> Mapping[str, Any]:
    """The data of the statement; nothing for a problem whose reference is no root."""
    equation = equation_of(problem.reference)
    if equation is None:
        return {}
    d = problem.domain.d
    model = program_of(problem.model, d)
    base = Base(model, *read(equation, d), model)
    return measure_of(problem.error).data(base.along)


def points(problem: Problem, x: Array) -> Mapping[str, Array]:
    """Points at which g is compared: with a random y between the ends."""
    return points_between(functions(problem), "equation", x)


def assumptions(programs: Mapping[str, Program], domain: Domain) -> tuple[str, ...]:
    """What the proof rests on, in words; it speaks of the programs and of the whole box."""
    return assumptions_in_words(domain, [programs[n] for n in ("model", "equation", *ENDS)], "exact-root")
