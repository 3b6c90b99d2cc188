"""An audit between two of its stages: what was asked, and what the stages so far have found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.forecast import Forecast
from supnorm.auditing.halt import Halt, moment
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.peak import Peak
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.power import Planted, Power
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.statistics import NORMS, Sample
from supnorm.auditing.strategy import Search, Strategy
from supnorm.evaluation import Calls, Evaluator, Stage
from supnorm.evaluation.limit import Limit
from supnorm.problem import Problem
from supnorm.results import Witness
from supnorm.results.audit import Finding
from supnorm.results.audit_points import FailuresRecord
from supnorm.results.charts import ChartsRecord

# What each stage after the search may take, in multiples of the time of statistics and search. Without a limit the peaks of
# cheap pairs of 1 to 4 inputs took 0.03 to 0.24 s of processor, the usual planted errors 0.4 to 2.1 s and pictures 0.01 to
# 0.03 s: a search of 5 s leaves room for all of them. The rest is for slower pairs, for what writes the result down, and for
# what a stage takes beyond its share (tests/auditing/test_limit.py).
LATER = {
    "sizes of peaks": 0.2,
    "planted errors": 0.4,
    "pictures": 0.2,
    "second reference": 0.1,
    "writing": 0.1,
}
ALWAYS = ("sizes of peaks", "pictures", "writing")  # of an audit


def weights_of(later: Sequence[str]) -> dict[str, float]:
    """The weights of those stages, in the order in which they are done."""
    return {name: weight for name, weight in LATER.items() if name in later}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an audit is asked for (see `audit`), and what its stages work with.

    Attributes:
        evaluator, rng, recorder: the door to both functions, where random numbers come from, and who listens at the door
            for the pages; they are the same for all stages.
        start: of the audit, in ``time.perf_counter()``.
        later: stages after the search for which it leaves time; none where only a search is wanted.
        evaluations, seconds, seed, strategy, power, pictures, norms: as of `audit`.
        chosen: whether the measured cost of a call has chosen ``evaluations``.
        calls: how both sides are called.
    """

    evaluator: Evaluator
    rng: np.random.Generator
    recorder: Recorder | None = None
    start: float = field(default_factory=time.perf_counter)
    later: tuple[str, ...] = ()
    evaluations: int | None = None
    seconds: float | None = None
    seed: int = 0
    strategy: Strategy | None = None
    power: Power | None = None
    pictures: Pictures = field(default_factory=Pictures)
    norms: Sequence[float] = NORMS
    chosen: bool = False
    calls: Calls = field(default_factory=Calls)

    @property
    def problem(self) -> Problem:
        """What is audited."""
        return self.evaluator.problem


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is known after a stage; each stage takes one and returns the next one.

    Attributes:
        asked: what was asked for.
        strategy: that searches.
        evaluations: of statistics and search together; None where only time limits them.
        clock: when statistics and search have to end.
        whole: when everything has to end.
        planned: evaluations at most, for all purposes; None where only time limits the search.
        search: what it has found.
        searched: evaluations when the search ended: later ones are pictures, rechecks and planted errors.
        failures: points without a value when the search ended, where every point was evaluated: what is evaluated once
            more for pictures is left out.
        peaks: the worst first.
        planted: errors that were planted, and how often they were found.
        charts: data of the page's charts; None until they are drawn.
        recheck_failures: why the second reference gave no value, where it gave none.
        recheck_late: peaks at which there was no time to call it.
        unused: findings about inputs that have an effect on one side only.
        suspects: rows of the reference's table with labels that are probably wrong.
        halted: what cut the audit short; None where nothing did.
    """

    asked: Asked
    strategy: Strategy
    evaluations: int | None
    clock: Limit
    search: Search
    whole: Limit = field(default_factory=Limit)
    planned: Forecast | None = None
    searched: int = 0
    failures: FailuresRecord | None = None
    peaks: tuple[Peak, ...] = ()
    planted: Planted = Planted()
    charts: ChartsRecord | None = None
    recheck_failures: tuple[str, ...] = ()
    recheck_late: int = 0
    suspects: tuple[int, ...] = ()
    unused: tuple[Finding, ...] = ()
    halted: Halt | None = None

    @property
    def evaluator(self) -> Evaluator:
        """The door to both functions."""
        return self.asked.evaluator

    @property
    def problem(self) -> Problem:
        """What is audited."""
        return self.evaluator.problem

    @property
    def recorder(self) -> Recorder:
        """What has listened at the door."""
        assert self.asked.recorder is not None, "stages after the search need one"
        return self.asked.recorder

    @property
    def sample(self) -> Sample:
        """The statistics."""
        assert self.search.sample is not None, "statistics come before"
        return self.search.sample

    @property
    def table(self) -> bool:
        """Whether the rows of a table are compared."""
        return is_table(self.problem)

    @property
    def witness(self) -> Witness | None:
        """The worst point; None where nothing had an error."""
        return self.peaks[0].witness if self.peaks else None

    @property
    def gradients(self) -> str:
        """Where derivatives exist and can be followed: ``"both"``, ``"model"`` or ``"none"``."""
        return self.evaluator.gradients if self.search.informative else "none"

    def clock_for(self, stage: str) -> Limit:
        """The time of a stage after the search: its share of what is left, or a moment where the audit was stopped.

        What a stage does not need is left to the later ones.
        """
        if self.halted:
            return moment(self.evaluator)
        weights = weights_of(self.asked.later)
        names = list(weights)
        return self.whole.within(weights[stage] / sum(weights[name] for name in names[names.index(stage) :]))

    def begin(self, stage: str) -> None:
        """Tell observers that a stage begins: ``search``, or one of those after it."""
        names = ("search", *(name for name in weights_of(self.asked.later) if name != "writing"))
        if self.halted or self.table or stage not in names:
            return
        total, most = self.evaluator.total, None if self.planned is None else self.planned.at_most(stage)
        if most is not None and stage == "pictures":
            most -= self.evaluator.spent("pictures")  # for sizes of peaks
        self.evaluator.observer(Stage(stage, 1 + names.index(stage), len(names), total, most))

    def share_of(self, stage: str) -> float:
        """What a stage after the search gets of the whole time, if the earlier ones take their shares."""
        weights = weights_of(self.asked.later)
        return weights[stage] / (1 + sum(weights.values()))

    def landscape(self, evaluations: int, clock: Limit) -> Landscape:
        """The error for a stage after the search, within so many evaluations."""
        limit = clock.upto(self.evaluator.spent("pictures") + evaluations)
        return Landscape(self.evaluator, limit, "pictures", informative=self.search.informative)
