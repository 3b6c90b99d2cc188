"""The budget of a class of functions: what theory says about the class."""

from __future__ import annotations

import math

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import tolerance_table
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.question import Plan
from supnorm.planning.result import Basis, BudgetResult, result_of
from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.theory import ClassBound, NetworkClass, theory
from supnorm.planning.theory.statement import CONSTRUCTION, GUARANTEE
from supnorm.planning.verdict import verdict
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.wording import fact


def from_class(
    known: SmoothClass,
    tolerance: float | None,
    p: float,
    network: NetworkClass | None,
    curves: tuple[MeasuredCurve, ...],
    sample_budget: int,
) -> BudgetResult:
    """The result for a class; see `budget` for the arguments.

    Raises:
        BadInput: without a tolerance, or for a class with nothing but a number of inputs.
    """
    if tolerance is None or not (known.says_something or network):
        raise BadInput(
            "budget needs a function with its domain, or numbers: inputs, tolerance and one of "
            "smoothness, rho, fourier, stability, network"
        )

    lost: list[str] = []

    def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
        # The table has tolerances 1000 times tighter, which may underflow, and 100 times looser, which may overflow.
        within = 0 < eps < math.inf or eps == tolerance
        statements = theory(known, eps, p, network, lost if eps == tolerance else None) if within else []
        lower, upper = ([r for r in statements if r.line == line] for line in (GUARANTEE, CONSTRUCTION))
        return lower, upper

    guarantee, construction = rows(tolerance)
    if lost and not guarantee and not construction:
        raise BadInput(
            f"tolerance {num(tolerance)}: of this class no count lies within the range of float64; give numbers nearer to 1"
        )
    left_out = (fact("beyond-float64", statements="; ".join(lost)),) if lost else ()
    table = tolerance_table(rows, curves, tolerance)
    decided, pilot = verdict(None, construction, curves, tolerance, p, sample_budget)
    return result_of(
        Plan(eps=tolerance, p=p, output="", notes=(fact("unit-cube"), *left_out)),
        tuple(f"x{i + 1}" for i in range(known.inputs)) if known.inputs <= 100 else (),
        decided,
        basis=Basis(guarantee=tuple(guarantee), learning_curves=curves),
        construction=construction,
        caveats=caveats(None, curves, guarantee, tolerance, p, stability=known.stability, table=table),
        table=table,
        pilot=pilot,
    )
