"""The work of a budget in its order: question, profile, learning curves, verdict.

An interrupted budget reports the fields that are known by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import tolerance_table
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
from supnorm.planning.result import Basis, BudgetResult, result_of
from supnorm.planning.table import Table, table_profile
from supnorm.planning.theory import ClassBound, NetworkClass
from supnorm.planning.verdict import UNDECIDED, UNSUITABLE, Pilot, decided, verdict
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.results.budget import CallCostRecord, FoolingFunctionRecord, TrialRecord, VerdictRecord
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class Work:
    """The budget of one function or table.

    Attributes:
        measurement: the learning curves to measure.
        given: learning curves that were measured before.
        network: a network class that the bounds also cover.
        sample_budget: samples that may be spent on the surrogate.
        plan, domain, profile, cost, points: the results so far.
        stage: what is being done: a part of the code of `stopped-...` in the words of a budget.
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

    def of_table(self, table: Table, rng: np.random.Generator) -> BudgetResult:
        """The result for a table."""
        self.plan, self.domain, self.points = table.question, table.domain, table.x
        self.stage = "table"
        self.profile = table_profile(table, rng)
        self.stage = "curve"
        curves = self.given + tuple(self.measurement.of_table(table.x, table.y, table.metric))
        verdict = None
        if (contradiction := table.contradiction) is not None:
            verdict = decided(UNSUITABLE, "further inputs, by which these rows differ", contradiction)
        return self._result(self.plan, self.profile, curves, tuple, verdict)

    def of_function(
        self,
        begin: Callable[[], Question],
        data: Array | None,
        calls: PlanningCalls,
        rng: np.random.Generator,
    ) -> BudgetResult:
        """The result for a function; ``begin`` makes its first calls.

        Raises:
            BadInput: as `ask` and `CurveMeasurement.of_function`.
        """
        question = begin()
        target, trained = question.target, bool(self.measurement.trainers)
        most = planned_calls(target.caller.cost, calls.most)
        self.cost = cost_record(target.caller, most, trained)
        notes = cost_notes(target.caller, most, calls.most is not None, trained)
        self.plan, self.domain = replace(question, notes=(*question.notes, *notes)), target.domain
        self.stage = "profile"
        self.points = None if data is None else target.domain.to_unit(data)
        self.profile = profile(target, rng, most, self.points)
        self.stage = "curve"
        with question.count.paused():
            measured = self.measurement.of_function(target, question.metric, calls)
        self.stage = "pilot"
        tries = partial(_pilot, target, self.profile, question, self.sample_budget, calls=most, rng=rng)
        result = self._result(self.plan, self.profile, self.given + tuple(measured), tries)
        question.count.end()
        return result

    def unfinished(self) -> BudgetResult:
        """The result of interrupted work; it decides nothing."""
        assert self.plan is not None
        assert self.domain is not None
        plan, verdict = self.plan, decided(UNDECIDED, "none yet", *self._stopped(self.plan))
        if self.profile is None:
            return result_of(plan, self.domain.names, verdict, cost=self.cost)
        return self._result(plan, self.profile, self.given + self.measurement.so_far(), tuple, verdict)

    def _stopped(self, plan: Plan) -> list[Fact]:
        """The stage at which the work stopped, and what is known about the function."""
        facts = [fact(f"stopped-{self.stage}")]
        if isinstance(plan, Question):
            target = plan.target
            facts.append(fact("calls-made", calls=target.calls))
            if target.smallest <= target.greatest:
                facts.append(fact("values-seen", low=target.smallest, high=target.greatest))
        return facts

    def _result(
        self,
        plan: Plan,
        measured: Profile,
        curves: tuple[MeasuredCurve, ...],
        pilot: Pilot,
        answer: VerdictRecord | None = None,
    ) -> BudgetResult:
        """The result for a profile and learning curves; ``answer`` replaces the verdict of the rules."""

        def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
            return guarantees(measured, eps, plan.p, self.network), constructions(measured, eps)

        guarantee, construction = rows(plan.eps)
        table = tolerance_table(rows, curves, plan.eps)
        caveat_rows = caveats(measured, curves, guarantee, plan.eps, plan.p, table=table)
        trials: tuple[TrialRecord, ...] = ()
        if answer is None:
            answer, trials = verdict(
                measured, construction, curves, plan.eps, plan.p, self.sample_budget, pilot=pilot
            )
        return result_of(
            replace(plan, notes=(*plan.notes, *_missing(measured))),
            measured.names,
            answer,
            basis=Basis(guarantee=tuple(guarantee), learning_curves=curves, profile=measured),
            construction=construction,
            caveats=caveat_rows,
            table=table,
            pilot=trials,
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
    """Pilot fits of a bounded function on a whole box; other functions have none."""
    whole = not target.domain.constraints and target.domain.cloud is None
    if measured.hazards.hopeless or measured.hazards.not_finite or not whole:
        return ()
    question.count.expect(pilot_calls(sample_budget, calls))
    return pilot(target, question.eps, question.p, sample_budget, calls, rng)


def _fooling_functions(
    measured: Profile, guarantee: list[ClassBound], data: Array | None
) -> tuple[FoolingFunctionRecord, ...]:
    """Members of the guarantee line's classes that vanish at the data, which are in the unit cube."""
    members = []
    for row in guarantee if data is not None else []:
        if not row.adversary or data is None:
            continue
        try:
            member = row.fooling_function(data)
        except BadInput:  # so many points leave nothing of this class
            continue
        domain = measured.domain
        peak = member.peak if domain is None else domain.from_unit(member.peak[None])[0]
        by_name = dict(zip(measured.names, map(float, peak), strict=True))
        members.append(
            FoolingFunctionRecord(name=row.name, points=len(data), height=member.height, peak=by_name)
        )
    return tuple(members)


def _missing(measured: Profile) -> tuple[Fact, ...]:
    hazards = measured.hazards
    if not hazards.not_finite:
        return ()
    return (fact("points-without-value", points=hazards.not_finite, scanned=hazards.scanned),)
