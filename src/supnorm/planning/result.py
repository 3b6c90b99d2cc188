"""The answer of `budget`: a record, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import PrivateAttr

from supnorm.planning.charts import interaction_graph
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile_record import profile_record
from supnorm.planning.summary import summary
from supnorm.planning.theory.statement import ClassBound
from supnorm.planning.verdict import Verdict
from supnorm.results import Status, versions
from supnorm.results.budget import (
    BudgetRecord,
    CallCostRecord,
    CaveatRecord,
    ChartCurveRecord,
    ChartsRecord,
    ErrorForecastRecord,
    FoolingFunctionRecord,
    NeedRecord,
    ToleranceRecord,
    VerdictRecord,
)
from supnorm.results.writing import write_whole

AHEAD = (2.0, 4.0, 8.0)  # times the largest size


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a budget rests on, for further questions.

    Attributes:
        guarantee: statements that build fooling functions: ``basis.guarantee[0].adversary(x)``.
        learning_curves: that forecast other sizes: ``basis.learning_curves[0].forecast(1024)``.
        profile: of the function; None from numbers alone.
    """

    guarantee: tuple[ClassBound, ...] = ()
    learning_curves: tuple[MeasuredCurve, ...] = ()
    profile: Profile | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a budget found, before it is written down.

    Attributes:
        title, law: of the problem.
        inputs: names.
        output: the planned output; empty from numbers alone.
        tolerance: absolute, in the unit of the function.
        p: the norm.
        basis: what it rests on.
        construction: named methods with their counts.
        caveats: the eight exceptions.
        verdict: is a network the tool, and what else.
        table, curves: for charts; see `supnorm.planning.charts`.
        notes: what was converted or assumed.
        fooling_functions: members of the class that vanish at the given data.
        cost: what a call costs; None where nothing was called.
    """

    title: str
    inputs: tuple[str, ...]
    output: str
    tolerance: float
    p: float
    verdict: Verdict
    notes: tuple[str, ...]
    law: str = ""
    basis: Basis = field(default_factory=Basis)
    construction: tuple[ClassBound, ...] = ()
    caveats: tuple[CaveatRecord, ...] = ()
    table: tuple[ToleranceRecord, ...] = ()
    curves: tuple[ChartCurveRecord, ...] = ()
    fooling_functions: tuple[FoolingFunctionRecord, ...] = ()
    cost: CallCostRecord | None = None


class BudgetResult(BudgetRecord):
    """What a surrogate with a given tolerance costs, and which one to take.

    ``basis`` holds what can be asked further: statements that build fooling functions, learning curves that forecast, and
    the profile.
    """

    _basis: Basis = PrivateAttr(default_factory=Basis)

    @property
    def basis(self) -> Basis:
        """What the answer rests on; empty for one that was read from a file."""
        return self._basis

    def __repr__(self) -> str:
        """One line; ``print`` shows the summary."""
        verdict = self.verdict
        return f"BudgetResult({verdict.word!r}, tool={verdict.tool!r}, tolerance={self.tolerance:.4g}, norm={self.norm!r})"

    def summary(self) -> str:
        """The answer as text, for a terminal."""
        return summary(self)

    def __str__(self) -> str:
        return self.summary()

    def save(self, path: Path | str) -> None:
        """Write the JSON; the file appears whole or not at all."""
        write_whole(path, self.to_json() + "\n")


def written_down(answer: Answer, status: Status, seed: int, seconds: float) -> BudgetResult:
    """The result of an answer."""
    basis, profile = answer.basis, answer.basis.profile
    result = BudgetResult(
        title=answer.title,
        inputs=answer.inputs,
        output=answer.output,
        tolerance=answer.tolerance,
        norm="sup" if math.isinf(answer.p) else f"L^{answer.p:g}",
        law=answer.law,
        status=status,
        guarantee=tuple(row.record() for row in basis.guarantee),
        fooling_functions=answer.fooling_functions,
        construction=tuple(row.record() for row in answer.construction),
        forecast=tuple(row for curve in basis.learning_curves for row in _forecast(curve, answer.tolerance)),
        caveats=answer.caveats,
        verdict=VerdictRecord(
            word=answer.verdict.word, tool=answer.verdict.tool, evidence=answer.verdict.evidence
        ),
        pilot=answer.verdict.trials,
        profile=None if profile is None else profile_record(profile, answer.tolerance, answer.p),
        learning_curves=tuple(curve.record() for curve in basis.learning_curves),
        charts=ChartsRecord(
            table=answer.table,
            curves=answer.curves,
            graph=None if profile is None else interaction_graph(profile),
        ),
        notes=answer.notes,
        cost=answer.cost,
        command="",
        seed=seed,
        seconds=seconds,
        versions=versions(),
    )
    result._basis = basis
    return result


def _forecast(curve: MeasuredCurve, tolerance: float) -> list[ErrorForecastRecord | NeedRecord]:
    rows: list[ErrorForecastRecord | NeedRecord] = []
    for ahead in AHEAD:
        size = ahead * float(curve.by_size.size[-1])
        predicted = curve.forecast(size)
        rows.append(
            ErrorForecastRecord(
                learning_curve=curve.name,
                quantity=f"{curve.metric} error at {size:g} {curve.axis}",
                value=predicted.value,
                interval=(predicted.lower, predicted.upper),
                confidence=curve.level,
                regime=curve.regime,
            )
        )
    need = curve.need(tolerance)
    rows.append(
        NeedRecord(
            learning_curve=curve.name,
            quantity=f"{curve.axis} needed for the tolerance",
            value=need.size,
            interval=None,
            confidence=curve.level,
            regime=curve.regime,
            reached=need.reached,
            samples=need.samples,
            weights=need.weights,
            iterations=need.iterations,
        )
    )
    return rows
