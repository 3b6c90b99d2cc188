"""What a problem with an equation gives of a statement of the kind "solution"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supnorm.certification.solution.programs import POINTS, Posed, constant, pose
from supnorm.certification.solution.result import assumptions_of, equation_data, programs_of, unit_of
from supnorm.problem import Function, Problem
from supnorm.problem.equations import Term
from supnorm.problem.function import as_function


def _posed(problem: Problem) -> Posed | None:
    return None if problem.equation is None else pose(problem.equation, problem.domain)


def functions(problem: Problem) -> Mapping[str, Function]:
    """Model and formulas by the names of the base programs; nothing for a problem without an equation."""
    posed, equation = _posed(problem), problem.equation
    if posed is None or equation is None:
        return {}
    terms: dict[str, Term | str | None] = {f"velocity {i}": b for i, b in enumerate(equation.velocity)}
    terms |= {name: getattr(equation, name) for name in ("reaction", "source", "boundary", "initial")}
    for axis, ends in equation.pairs.items():
        for end, one in zip(("low", "high"), ends, strict=True):
            at = f"flux {problem.domain.names.index(axis)} {end}"
            terms |= {at: None if one is None else one.value}
    programs = programs_of(posed, constant(0.0, posed.d), None)  # the model is read elsewhere
    made: dict[str, Function] = {"model": problem.model}
    for name in programs.keys() - {"model"}:
        term = terms[name]
        value = as_function(term, name).value if callable(term) else programs[name].value
        made[name] = Function(value, name=name, program=programs[name])
    return made


def data(problem: Problem) -> Mapping[str, Any]:
    """What the data of the statement have to say of the equation; nothing for a problem without one."""
    posed = _posed(problem)
    return {} if posed is None else {"equation": equation_data(posed)}


def assumptions(problem: Problem) -> tuple[str, ...]:
    """What the statement assumes, in words."""
    posed = _posed(problem)
    return () if posed is None else assumptions_of(posed, POINTS)


def unit(problem: Problem) -> str:
    """The unit of the statement's numbers: that of the model's output."""
    return unit_of(problem.model)
