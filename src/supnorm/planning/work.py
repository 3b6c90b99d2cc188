"""The work of a budget in its order: question, profile, learning curves, verdict.

A budget that is interrupted reports what stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import error_curves, tolerance_table
from supnorm.planning.constructions import constructions
from supnorm.planning.cost import cost_notes, cost_record
from supnorm.planning.curves import CurveMeasurement
from supnorm.planning.guarantees import guarantees
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.pilot import pilot, pilot_calls
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.profile import profile
from supnorm.planning.profile.target import Target
from supnorm.planning.question import Plan, Question, planned_calls
from supnorm.planning.requested import PlanningCalls
from supnorm.planning.result import Answer, Basis
from supnorm.planning.table import Table, table_profile
from supnorm.planning.theory import ClassBound, NetworkClass
from supnorm.planning.unfinished import stopped
from supnorm.planning.verdict import UNSUITABLE, Verdict, verdict
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.results.budget import CallCostRecord, FoolingFunctionRecord, TrialRecord

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class Work:
    """One budget of a function or a table.

    Attributes:
        measurement: the learning curves that are to be measured.
        given: a learning curve that was measured before.
        network: a network class to speak about as well.
        sample_budget: samples that may be spent on the surrogate.
        plan, domain, profile, cost, points: what is known so far.
        stage: what is being done, in words.
    """

    measurement: CurveMeasurement
    given: tuple[MeasuredCurve, ...]
    network: NetworkClass | None
    sample_budget: int
    plan: Plan | None = None
    domain: Domain | None = None
    profile: Profile | None = None
    cost: CallCostRecord | None = None
    points: Array | None = None
    stage: str = ""

    def of_table(self, table: Table, rng: np.random.Generator) -> Answer:
        """The answer for a table."""
        self.plan, self.domain, self.points = table.question, table.domain, table.x
        self.stage = "while the table was profiled"
        self.profile = table_profile(table, rng)
        self.stage = "while a learning curve was measured"
        curves = self.given + tuple(self.measurement.of_table(table.x, table.y, table.metric))
        answer = self._answer(self.plan, self.profile, curves, tuple)
        if not table.contradiction:
            return answer
        tool = "further inputs, which tell these rows apart"
        return replace(answer, verdict=Verdict(UNSUITABLE, tool, (table.contradiction,)))

    def of_function(
        self,
        begin: Callable[[], Question],
        data: Array | None,
        calls: PlanningCalls,
        rng: np.random.Generator,
    ) -> Answer:
        """The answer for a function; ``begin`` makes its first calls.

        Raises:
            BadInput: what `ask` and `CurveMeasurement.of_function` raise.
        """
        question = begin()
        target, trained = question.target, bool(self.measurement.trainers)
        most = planned_calls(target.caller.cost, calls.most)
        self.cost = cost_record(target.caller, most, trained)
        notes = cost_notes(target.caller, most, calls.most is not None, trained)
        self.plan, self.domain = replace(question, notes=(*question.notes, *notes)), target.domain
        self.stage = "while the function was profiled"
        self.points = None if data is None else target.domain.to_unit(data)
        self.profile = profile(target, rng, most, self.points)
        self.stage = "while a learning curve was measured"
        with question.count.paused():
            measured = self.measurement.of_function(target, question.metric, calls)
        self.stage = "while pilot fits were made"
        tries = partial(_pilot, target, self.profile, question, self.sample_budget, most, rng)
        answer = self._answer(self.plan, self.profile, self.given + tuple(measured), tries)
        question.count.end()
        return answer

    def unfinished(self) -> Answer:
        """The answer as far as it is known; it decides nothing."""
        assert self.plan is not None
        assert self.domain is not None
        plan, verdict = self.plan, stopped(self.plan, self.stage)
        if self.profile is not None:
            return self._answer(plan, self.profile, self.given + self.measurement.so_far(), tuple, verdict)
        return Answer(
            title=plan.title,
            inputs=self.domain.names,
            output=plan.output,
            tolerance=plan.eps,
            p=plan.p,
            verdict=verdict,
            notes=plan.notes,
            law=plan.law,
            cost=self.cost,
        )

    def _answer(
        self,
        plan: Plan,
        measured: Profile,
        curves: tuple[MeasuredCurve, ...],
        tries: Callable[[], tuple[TrialRecord, ...]],
        decided: Verdict | None = None,
    ) -> Answer:
        """What follows from a profile and learning curves; ``decided`` in place of a verdict."""

        def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
            return guarantees(measured, eps, plan.p, self.network), constructions(measured, eps)

        guarantee, construction = rows(plan.eps)
        table = tolerance_table(rows, curves, plan.eps)
        return Answer(
            title=plan.title,
            inputs=measured.names,
            output=plan.output,
            tolerance=plan.eps,
            p=plan.p,
            basis=Basis(guarantee=tuple(guarantee), learning_curves=curves, profile=measured),
            construction=tuple(construction),
            caveats=caveats(measured, curves, guarantee, plan.eps, plan.p, table=table),
            verdict=decided
            or verdict(measured, construction, curves, plan.eps, plan.p, self.sample_budget, tries),
            table=table,
            curves=error_curves(table, curves),
            notes=(*plan.notes, *_missing(measured)),
            law=plan.law,
            fooling_functions=_fooling_functions(measured, guarantee, self.points),
            cost=self.cost,
        )


def _pilot(
    target: Target,
    measured: Profile,
    question: Question,
    sample_budget: int,
    calls: int,
    rng: np.random.Generator,
) -> tuple[TrialRecord, ...]:
    """Pilot fits, where they can say something: a bounded function on a whole box."""
    whole = not target.domain.constraints and target.domain.cloud is None
    if measured.hazards.hopeless or measured.hazards.not_finite or not whole:
        return ()
    question.count.expect(pilot_calls(sample_budget, calls))
    return pilot(target, question.eps, question.p, sample_budget, calls, rng)


def _fooling_functions(
    measured: Profile, guarantee: list[ClassBound], data: Array | None
) -> tuple[FoolingFunctionRecord, ...]:
    """Members of the classes of the guarantee line that vanish at the data in the unit cube."""
    members = []
    for row in guarantee if data is not None else []:
        if row.adversary is None or data is None:
            continue
        try:
            member = row.adversary(data)
        except BadInput:  # so many points leave nothing of this class
            continue
        domain = measured.domain
        peak = member.peak if domain is None else domain.from_unit(member.peak[None])[0]
        by_name = dict(zip(measured.names, map(float, peak), strict=True))
        members.append(
            FoolingFunctionRecord(name=row.name, points=len(data), height=member.height, peak=by_name)
        )
    return tuple(members)


def _missing(measured: Profile) -> tuple[str, ...]:
    hazards = measured.hazards
    if not hazards.not_finite:
        return ()
    return (
        f"{hazards.not_finite} of {hazards.scanned} points scanned in the domain had no finite value: nothing here "
        "covers them; name where the function exists as constraints of the domain",
    )
