"""What stands in the place of a reference where a problem has an equation and no reference: it has no values."""

from __future__ import annotations

from typing import Any, NoReturn

from supnorm.problem.equations import Equation
from supnorm.problem.function import Function
from supnorm.results import BadInput


class Unknown:
    """The solution of an equation; every use of its values is refused."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, *given: Any) -> NoReturn:
        """Refuse.

        Raises:
            BadInput: always.
        """
        raise BadInput(
            f"the problem has an [equation] ({self.kind}) and no [reference], so only certify has an answer: it bounds the "
            "error against the solution, which nobody knows; to audit, fit or repair, give [reference], such as a numerical "
            "solution"
        )


def unknown_solution(equation: Equation) -> Function:
    """The solution of an equation as a reference without values."""
    return Function(value=Unknown(equation.kind), name="the solution of the equation")


def is_unknown(function: Function) -> bool:
    """Whether a reference is one without values.

    >>> is_unknown(unknown_solution(Equation(kind="Heat", time="t")))
    True
    """
    return isinstance(function.value, Unknown)
