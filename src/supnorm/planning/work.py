"""The work of a budget in its order: question, profile, learning curves, verdict.

A budget that is interrupted reports what stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.caveats import caveats
from supnorm.planning.charts import error_curves, tolerance_table
from supnorm.planning.constructions import constructions
from supnorm.planning.cost import cost_json, cost_notes
from supnorm.planning.curves import CurveMeasurement
from supnorm.planning.guarantees import guarantees
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.pilot import Trial, pilot, pilot_calls
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.profile import profile
from supnorm.planning.profile.target import Target
from supnorm.planning.question import Plan, Question, planned_calls
from supnorm.planning.requested import PlanningCalls
from supnorm.planning.result import FoolingFunction
from supnorm.planning.table import Table, table_profile
from supnorm.planning.theory import ClassBound, NetworkClass
from supnorm.planning.unfinished import stopped, without_profile
from supnorm.planning.verdict import UNSUITABLE, Verdict, verdict
from supnorm.problem import Domain
from supnorm.results import BadInput

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class Work:
    """One budget of a function or a table.

    Attributes:
        measurement: the learning curves that are to be measured.
        given: a learning curve that was measured before.
        network: a network class to speak about as well.
        sample_budget: samples that may be spent on the surrogate.
        plan, domain, measured, cost, points: what is known so far.
        stage: what is being done, in words.
    """

    measurement: CurveMeasurement
    given: tuple[MeasuredCurve, ...]
    network: NetworkClass | None
    sample_budget: int
    plan: Plan | None = None
    domain: Domain | None = None
    measured: Profile | None = None
    cost: dict[str, Any] | None = None
    points: Array | None = None
    stage: str = ""

    def of_table(self, table: Table, rng: np.random.Generator) -> dict[str, Any]:
        """The parts of a `BudgetResult` for a table."""
        self.plan, self.domain, self.points = table.question, table.domain, table.x
        self.stage = "while the table was profiled"
        self.measured = table_profile(table, rng)
        self.stage = "while a learning curve was measured"
        learning_curves = self.given + tuple(self.measurement.of_table(table.x, table.y, table.metric))
        parts = _from_profile(
            self.plan, self.measured, learning_curves, self.network, self.sample_budget, tuple, table.x
        )
        if table.contradiction:
            parts["verdict"] = Verdict(
                UNSUITABLE, "further inputs, which tell these rows apart", (table.contradiction,)
            )
        return parts

    def of_function(
        self,
        begin: Callable[[Executor | None], Question],
        data: Array | None,
        calls: PlanningCalls,
        rng: np.random.Generator,
        pool: Executor | None,
    ) -> dict[str, Any]:
        """The parts of a `BudgetResult` for a function; ``begin`` makes its first calls.

        Raises:
            BadInput: what `ask` and `CurveMeasurement.of_function` raise.
        """
        question = begin(pool)
        target, curve = question.target, bool(self.measurement.trainers)
        most = planned_calls(target.caller.cost, calls.most)
        self.cost = cost_json(target.caller, most, curve)
        told = cost_notes(target.caller, most, calls.most is not None, curve)
        self.plan, self.domain = replace(question, notes=(*question.notes, *told)), target.domain
        self.stage = "while the function was profiled"
        self.points = None if data is None else target.domain.to_unit(data)
        self.measured = profile(target, rng, most, self.points)
        self.stage = "while a learning curve was measured"
        with question.count.paused():
            learning_curves = self.given + tuple(
                self.measurement.of_function(target, question.metric, pool, calls.workers)
            )
        self.stage = "while pilot fits were made"
        tries = partial(_pilot, target, self.measured, question, self.sample_budget, most, rng)
        parts = _from_profile(
            self.plan, self.measured, learning_curves, self.network, self.sample_budget, tries, self.points
        )
        question.count.end()
        return parts | {"cost": self.cost}

    def unfinished(self) -> dict[str, Any]:
        """The parts of a `BudgetResult` as far as they are known."""
        assert self.plan is not None
        assert self.domain is not None
        if self.measured is None:
            parts = without_profile(self.plan, self.domain.names, self.stage)
        else:
            learning_curves = self.given + self.measurement.so_far()
            parts = _from_profile(
                self.plan, self.measured, learning_curves, self.network, self.sample_budget, tuple, self.points,
                stopped(self.plan, self.stage),
            )  # fmt: skip
        return parts | {"cost": self.cost}


def _pilot(
    target: Target,
    measured: Profile,
    question: Question,
    sample_budget: int,
    calls: int,
    rng: np.random.Generator,
) -> tuple[Trial, ...]:
    """Pilot fits, where they can say something: a bounded function on a whole box."""
    whole = not target.domain.constraints and target.domain.cloud is None
    if measured.hazards.hopeless or measured.hazards.not_finite or not whole:
        return ()
    question.count.expect(pilot_calls(sample_budget, calls))
    return pilot(target, question.eps, question.p, sample_budget, calls, rng)


def _from_profile(
    question: Plan,
    measured: Profile,
    learning_curves: tuple[MeasuredCurve, ...],
    network: NetworkClass | None,
    sample_budget: int,
    tries: Callable[[], tuple[Trial, ...]],
    data: Array | None,
    answer: Verdict | None = None,
) -> dict[str, Any]:
    """The parts of a `BudgetResult`; ``answer`` in place of a verdict."""

    def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
        return guarantees(measured, eps, question.p, network), constructions(measured, eps)

    guarantee, construction = rows(question.eps)
    table = tolerance_table(rows, learning_curves, question.eps)
    return {
        "title": question.title,
        "inputs": measured.names,
        "output": question.output,
        "tolerance": question.eps,
        "p": question.p,
        "guarantee": tuple(guarantee),
        "construction": tuple(construction),
        "learning_curves": learning_curves,
        "caveats": tuple(
            caveats(measured, learning_curves, guarantee, question.eps, question.p, table=table)
        ),
        "verdict": answer
        or verdict(measured, construction, learning_curves, question.eps, question.p, sample_budget, tries),
        "profile": measured,
        "table": tuple(table),
        "curves": tuple(error_curves(table, learning_curves)),
        "notes": (*question.notes, *_missing(measured)),
        "law": question.law,
        "fooling_functions": _fooling_functions(measured, guarantee, data),
    }


def _fooling_functions(
    measured: Profile, guarantee: list[ClassBound], data: Array | None
) -> tuple[FoolingFunction, ...]:
    """What the classes of the guarantee line hold against the data in the unit cube."""
    found = []
    for row in guarantee if data is not None else []:
        if row.adversary is None or data is None:
            continue
        try:
            member = row.adversary(data)
        except BadInput:  # so many points leave nothing of this class
            continue
        domain = measured.domain
        peak = member.peak if domain is None else domain.from_unit(member.peak[None])[0]
        place = dict(zip(measured.names, map(float, peak), strict=True))
        found.append(FoolingFunction(row.name, len(data), member.height, place))
    return tuple(found)


def _missing(measured: Profile) -> tuple[str, ...]:
    found = measured.hazards
    if not found.not_finite:
        return ()
    return (
        f"{found.not_finite} of {found.scanned} points scanned in the domain had no finite value: nothing here "
        "covers them; name where the function exists as constraints of the domain",
    )
