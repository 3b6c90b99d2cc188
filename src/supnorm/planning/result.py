"""The result of `budget`: a record, and the objects behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr

from supnorm.planning.charts import error_curves, interaction_graph
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile_record import profile_record
from supnorm.planning.question import Plan
from supnorm.planning.theory.statement import ClassBound
from supnorm.results import Status, versions
from supnorm.results.budget import (
    BudgetRecord,
    CallCostRecord,
    CaveatRecord,
    ChartsRecord,
    ErrorForecastRecord,
    FoolingFunctionRecord,
    NeedRecord,
    ToleranceRecord,
    TrialRecord,
    VerdictRecord,
)
from supnorm.results.numbers import num
from supnorm.results.writing import write_whole
from supnorm.wording.budget import BUDGET
from supnorm.wording.budget_record import summary


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The objects behind a budget, for further questions.

    Attributes:
        guarantee: statements, which build fooling functions: ``basis.guarantee[0].fooling_function(x)``.
        learning_curves: curves, which forecast other sizes: ``basis.learning_curves[0].forecast(1024)``.
        profile: the profile of the function; None for a class.
    """

    guarantee: tuple[ClassBound, ...] = ()
    learning_curves: tuple[MeasuredCurve, ...] = ()
    profile: Profile | None = None


class BudgetResult(BudgetRecord):
    """What a surrogate with a given tolerance costs, and which one to take.

    ``basis`` answers further questions: its statements build fooling functions, its learning curves forecast other sizes.
    """

    _basis: Basis = PrivateAttr(default_factory=Basis)

    @property
    def basis(self) -> Basis:
        """The objects behind the result; empty if it was read from a file."""
        return self._basis

    def __repr__(self) -> str:
        """One line; ``print`` shows the summary."""
        verdict = self.verdict
        asked = f"tolerance={num(self.tolerance, 4)}, norm={self.norm!r}"
        return f"BudgetResult({verdict.word!r}, tool={verdict.tool!r}, {asked})"

    def changed(self, **fields: Any) -> Self:
        """A copy with other values of some fields, on the same `basis`."""
        copy = super().changed(**fields)
        copy._basis = self._basis
        return copy

    def summary(self) -> str:
        """The answer as text, for a terminal."""
        return summary(self)

    def __str__(self) -> str:
        return self.summary()

    def save(self, path: Path | str) -> None:
        """Write the JSON; the file appears whole or not at all."""
        write_whole(path, self.to_json() + "\n")


def result_of(
    plan: Plan,
    inputs: tuple[str, ...],
    verdict: VerdictRecord,
    *,
    basis: Basis | None = None,
    construction: Sequence[ClassBound] = (),
    caveats: tuple[CaveatRecord, ...] = (),
    table: tuple[ToleranceRecord, ...] = (),
    pilot: tuple[TrialRecord, ...] = (),
    fooling_functions: tuple[FoolingFunctionRecord, ...] = (),
    cost: CallCostRecord | None = None,
) -> BudgetResult:
    """The result of a plan, still without seed, time and advice.

    Args:
        plan: what was asked.
        inputs: their names.
        verdict, pilot: the tool to use, and what was tried for that.
        basis: what the answer rests on.
        construction: named methods with their counts.
        caveats: the eight exceptions.
        table: the lines for several tolerances (`charts.tolerance_table`).
        fooling_functions: members of the class that vanish at the given data.
        cost: what a call costs; None where nothing was called.
    """
    basis = basis or Basis()
    profile, curves = basis.profile, basis.learning_curves
    forecast = list[ErrorForecastRecord | NeedRecord]()
    for curve in curves:
        forecast += [*curve.errors_ahead(), curve.need(plan.eps)]
    result = BudgetResult(
        title=plan.title,
        inputs=inputs,
        output=plan.output,
        unit=plan.unit,
        tolerance=plan.eps,
        norm="sup" if math.isinf(plan.p) else f"L^{num(plan.p)}",
        law=plan.law,
        status=Status(verdict.word, ""),
        guarantee=tuple(basis.guarantee),
        fooling_functions=fooling_functions,
        construction=tuple(construction),
        forecast=tuple(forecast),
        caveats=caveats,
        verdict=verdict,
        pilot=pilot,
        profile=None if profile is None else profile_record(profile, plan.eps, plan.p),
        learning_curves=tuple(curve.record() for curve in curves),
        charts=ChartsRecord(
            table=table,
            curves=error_curves(table, curves) if table else (),
            graph=None if profile is None else interaction_graph(profile),
        ),
        notes=tuple(map(BUDGET.say, plan.notes)),
        cost=cost,
        command="",
        seed=0,
        seconds=0.0,
        versions=versions(),
    )
    result._basis = basis
    return result
