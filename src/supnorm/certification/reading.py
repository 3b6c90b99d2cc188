"""Reads the programs of a problem for a proof; what Python executes meanwhile is compared with what it executes in calls."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from supnorm.certification.branch_room import branch_room, in_words
from supnorm.certification.executions import Executions, demand_called
from supnorm.certification.finite import demand_finite
from supnorm.certification.measured import Measuring
from supnorm.certification.rounding import Array
from supnorm.certification.table_limits import demand_within
from supnorm.foreign import home_of, is_library
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.estimators import NamedColumns
from supnorm.program import Narrowed, Program, Unreadable, Unsupported, program_of
from supnorm.program.foreign_code import foreign_code
from supnorm.program.recording import read_meanwhile
from supnorm.results import BadInput

Programs = TypeVar("Programs")


def read_and_called(
    read: Callable[[], Programs], value: Callable[[Array], Array], domain: Domain
) -> Programs:
    """The programs of code that a solver of the reference calls (an equation, a field, limits).

    Args:
        read: reads all of this code.
        value: calls all of it for points of the domain, ``(n, d) -> (n, k)``.

    Raises:
        BadInput: naming what does something else with arrays than while it was read.
    """
    with read_meanwhile() as seen:
        programs = read()
    demand_called(value, seen, read, domain)
    return programs


def read_side(function: Function, what: str, measuring: Measuring, branches: bool = False) -> Program | None:
    """The program of a function; None for a function that cannot be read but has declared bounds.

    ``branches``: whether the caller's rules hold for programs that jump (``where``).
    """
    with read_meanwhile() as seen:
        program = read(function, what, measuring.problem.domain, branches)
    if program is not None:
        measuring.enter(function, program, what, Executions.of(function, program, what, seen))
    return program


def read(function: Function, what: str, domain: Domain, branches: bool = False) -> Program | None:
    """The same, without a comparison with the function as it runs."""
    if function.table is not None:
        raise BadInput(
            f"certify needs the {what} on the whole domain, but {function.name or 'it'} is a table, known at its "
            "points; use audit, which compares the values at these points"
        )
    try:
        try:
            program = program_of(function, domain.d, limited=True, branches=branches)
        except Narrowed:  # plain code shows its precision only by its values
            if function.precision != "float64":
                raise
            with suppress(Exception):  # a call that fails shows none
                function.value(domain.from_unit(np.full((1, domain.d), 0.5)))
            program = program_of(function, domain.d, limited=True, branches=branches)
    except Unsupported as error:
        if function.declared is not None:
            return None
        where, why = _line(error), _estimator(function) or error
        raise BadInput(
            f"certify cannot read the {what}{where}: {why}; or declare a bound of it for a conditional certificate "
            f"([{what}] declared = {{ bound = .. }}, or with_bound)"
        ) from None
    if program.d != domain.d:
        raise BadInput(f"the {what} has {program.d} inputs, the domain {domain.d}")
    demand_finite(program, what)
    demand_within(program, domain, what)
    _demand_derivatives(function, domain, what)
    return program


def _estimator(function: Function) -> Unsupported | None:
    """Why an estimator of a package cannot be read, which its own code does not tell the user; None for other code."""
    code = function.value.code if isinstance(function.value, Coded) else None
    owner = code.estimator if isinstance(code, NamedColumns) else getattr(code, "__self__", None)
    home = sys.modules.get(home_of(type(owner)))
    if not callable(getattr(owner, "predict", None)) or not is_library(getattr(home, "__file__", None) or ""):
        return None
    return Unreadable(
        f"it is a {type(owner).__name__} of {home_of(type(owner)).partition('.')[0]}, whose operations are not known",
        "the same model as NumPy, JAX or torch code, .pt2 or ONNX",
    )


def _line(error: BaseException | None) -> str:
    """The last line of the user's own code on the way to an error, " (model.py line 7)"; empty where there is none."""
    while error is not None:
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
            if not foreign_code(frame.f_code, frame.f_globals):
                return f" ({Path(frame.f_code.co_filename).name} line {line})"
        error = error.__context__  # a reader tells what JAX or NumPy raised
    return ""


def _demand_derivatives(function: Function, domain: Domain, what: str) -> None:
    """Refuse derivatives of code that takes branches which its program does not take: their program has lost them."""
    made_of = function.value.made_of if isinstance(function.value, Coded) else None
    if made_of is None:
        return
    room = branch_room(program_of(made_of, domain.d, limited=True, branches=True), domain)
    if np.any(room):
        raise BadInput(
            f"the {what} has a branch that its program does not take ({in_words(room)}), where it has no derivative; choose "
            "a larger threshold or a smaller domain"
        )
