"""A budget from numbers alone: the theory of a class, nothing about a function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import error_curves, tolerance_table
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.theory import ClassBound, NetworkClass, theory
from supnorm.planning.theory.statement import CONSTRUCTION, GUARANTEE
from supnorm.planning.verdict import verdict
from supnorm.results import BadInput


def from_numbers(
    inputs: int | None,
    smoothness: float | None,
    tolerance: float | None,
    p: float,
    scales: float | Sequence[float],
    rho: Sequence[float] | None,
    noise: float,
    shape: NetworkClass | None,
    curve: MeasuredCurve | None,
    sample_budget: int,
    fourier: float | None = None,
    stability: float | None = None,
    composition: Sequence[tuple[float, float]] = (),
    manifold: float | None = None,
) -> dict[str, Any]:
    """The parts of a `BudgetResult`; see `budget` for the arguments."""
    if (
        inputs is None
        or tolerance is None
        or (smoothness is None and rho is None and shape is None and fourier is None and stability is None)
    ):
        raise BadInput(
            "budget needs a function with its domain, or numbers: inputs, tolerance and one of "
            "smoothness, rho, shape, fourier, stability"
        )
    order = math.inf if smoothness is None else smoothness
    learning_curves = (curve,) if curve is not None else ()

    def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
        found = theory(
            inputs, order, eps, p, scales, shape, rho, noise, fourier, stability, composition, manifold
        )
        if smoothness is None:  # the class of all derivatives bounded was not asked for
            found = [row for row in found if "all derivatives" not in row.name]
        return [r for r in found if r.line == GUARANTEE], [r for r in found if r.line == CONSTRUCTION]

    guarantee, construction = rows(tolerance)
    table = tolerance_table(rows, learning_curves, tolerance)
    return {
        "title": "",
        "inputs": tuple(f"x{i + 1}" for i in range(inputs)) if inputs <= 100 else (),
        "output": "",
        "tolerance": tolerance,
        "p": p,
        "guarantee": tuple(guarantee),
        "construction": tuple(construction),
        "learning_curves": learning_curves,
        "caveats": tuple(caveats(None, learning_curves, guarantee, tolerance, p, stability, table)),
        "verdict": verdict(None, construction, learning_curves, tolerance, p, sample_budget),
        "profile": None,
        "table": tuple(table),
        "curves": tuple(error_curves(table, learning_curves)),
        "notes": ("inputs are scaled to the unit cube; tolerance and derivative bounds share one unit",),
        "law": "",
    }
