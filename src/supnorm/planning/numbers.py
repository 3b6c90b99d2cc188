"""A budget for a class of functions: what the theory says of it, nothing about a function."""

from __future__ import annotations

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import error_curves, tolerance_table
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.result import Answer, Basis
from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.theory import ClassBound, NetworkClass, theory
from supnorm.planning.theory.statement import CONSTRUCTION, GUARANTEE
from supnorm.planning.verdict import verdict
from supnorm.results import BadInput


def from_class(
    known: SmoothClass,
    tolerance: float | None,
    p: float,
    network: NetworkClass | None,
    curves: tuple[MeasuredCurve, ...],
    sample_budget: int,
) -> Answer:
    """The answer for a class; see `budget` for the arguments.

    Raises:
        BadInput: without a tolerance, or for a class of which only the inputs are known.
    """
    if tolerance is None or not (known.says_something or network):
        raise BadInput(
            "budget needs a function with its domain, or numbers: inputs, tolerance and one of "
            "smoothness, rho, fourier, stability, network"
        )

    def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
        statements = theory(known, eps, p, network)
        return [r for r in statements if r.line == GUARANTEE], [
            r for r in statements if r.line == CONSTRUCTION
        ]

    guarantee, construction = rows(tolerance)
    table = tolerance_table(rows, curves, tolerance)
    return Answer(
        title="",
        inputs=tuple(f"x{i + 1}" for i in range(known.inputs)) if known.inputs <= 100 else (),
        output="",
        tolerance=tolerance,
        p=p,
        basis=Basis(guarantee=tuple(guarantee), learning_curves=curves),
        construction=tuple(construction),
        caveats=caveats(None, curves, guarantee, tolerance, p, known.stability, table),
        verdict=verdict(None, construction, curves, tolerance, p, sample_budget),
        table=table,
        curves=error_curves(table, curves),
        notes=("inputs are scaled to the unit cube; tolerance and derivative bounds share one unit",),
    )
