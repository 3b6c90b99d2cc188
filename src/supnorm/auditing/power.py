"""What would this search have missed? Plant known errors in the user's own problem and search again.

Bumps and sheets (`plants`) stand at random places, in a random output. A run counts as found when it reports at
least 95 % of the planted height where the plant is, which is above everything the problem itself has shown.

Runs search the real pair, with a tenth of the audit's evaluations each by default, so the table understates the
full search. Where a call costs more than 1 ms they search a `StandIn` instead, which the table names. An audit that
models its reference (`SurrogateSearch`) is repeated with the full number of calls, up to 200, and bumps are
planted once in the model and once in the reference: few calls find a narrow error of the model, which is free to
look at, and miss one of the reference. Ten runs have a standard error of up to 16 percentage points.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.cost import stand_in_evaluator
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.plants import Bump, Plant, PlantLens, Sheet, planted_problem
from supnorm.auditing.stand_in import StandIn, stand_in
from supnorm.auditing.strategy import Search, Strategy
from supnorm.evaluation import Evaluations, Evaluator, Planting, PointStatus
from supnorm.evaluation.limit import Limit, Pace
from supnorm.problem import Domain, Problem, draw_inside
from supnorm.results import BadInput
from supnorm.results.audit import PlantedRecord
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings
from supnorm.wording import Fact, Narrator, fact
from supnorm.wording.result import AUDIT

Array = NDArray[np.float64]
# Of its planted height. A definition: a plant whose height is known to within 5 % counts as found.
FOUND = 0.95
CALLS = 200  # of a run that models the reference, at most: each takes seconds
STAND_IN_CALLS = 10_000  # of a run on a stand-in, at most
TRIED = 50  # places for a plant, at most
# Of the time for planted errors, for fitting a stand-in: of 300 points it took 0.14 s, and 12 runs on it 0.1 s.
STAND_IN_TIME = 0.25
FIT_SECONDS = 0.5  # without them no process is fitted: importing what fits it takes as long
LEAST_SEARCH = 200  # evaluations of a run
LEAST = 40  # evaluations of a run, where time limits it


@dataclass(frozen=True)
class Planted:
    """What was planted and found, a row a height and plant, and why some or all of it was left out."""

    rows: tuple[PlantedRecord, ...] = ()
    left_out: tuple[Fact, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlantingTask:
    """The search that is repeated with planted errors.

    Attributes:
        evaluator, rng: of the audit.
        strategy: that searched.
        evaluations: of the audit's search and statistics.
        search, worst_rows: what it found: a stand-in goes through these values.
        limit: the time that the runs share; what it leaves no run for is left out.
        share: what they get of the time of an audit.
        copy: searched in place of the pair.
    """

    evaluator: Evaluator
    rng: np.random.Generator
    strategy: Strategy
    evaluations: int
    search: Search
    worst_rows: Array
    limit: Limit = field(default_factory=Limit)
    share: float = 1.0
    copy: StandIn | None = None


@dataclass(frozen=True)
class Power(Settings):
    """Which errors are planted, and how often.

    Attributes:
        heights: in multiples of the worst error found; above 1, or the problem's own peak would count.
        volumes: fractions of the domain that a bump fills at half height.
        sheets: displacements of the two jumps of a sheet, in the unit box; empty for none.
        runs: for each height and volume.
        evaluations: of each run; None for a tenth of the audit's.

    Raises:
        BadInput: for a height of at most 1, a volume or displacement outside (0, 0.5], no runs.
    """

    heights: tuple[float, ...] = (1.2,)  # what is planted is the question that power answers (docs/audit.md)
    volumes: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    sheets: tuple[float, ...] = (1e-6,)
    runs: int = 10
    evaluations: int | None = None

    LIMITS: ClassVar[Limits] = {
        "heights": Allowed(),
        "volumes": Allowed(),
        "sheets": Allowed(),
        "runs": Allowed(low=1, high=10_000, whole=True),
        "evaluations": Allowed(low=20, high=1e11, whole=True),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for height in self.heights:
            if not 1 < height < np.inf:
                raise BadInput(f"power: heights are multiples of the worst error, above 1, got {height}")
        for name in ("volumes", "sheets"):
            for size in getattr(self, name):
                if not 0 < size <= 0.5:
                    raise BadInput(f"power: {name} are fractions of the domain, in (0, 0.5], got {size}")

    def measure(self, task: PlantingTask) -> Planted:
        """One row a height and plant: found, runs, evaluations of each run, what was searched.

        Everything evaluated counts: a run that sees a worse error of the problem itself raises the worst.
        """
        evaluator, strategy, worst = task.evaluator, task.strategy, task.evaluator.worst
        if why := self._no_height(worst):
            return Planted(left_out=(fact("plants-without-height", left=why),))
        if evaluator.model.expensive or evaluator.reference.expensive or strategy.traits.models_reference:
            seconds = task.limit.left * STAND_IN_TIME
            if seconds < FIT_SECONDS:
                least = float(np.ceil(FIT_SECONDS / STAND_IN_TIME / task.share))
                return Planted(left_out=(fact("plants-without-time", seconds=least),))
            always = ("reference",) if strategy.traits.models_reference else ()
            copy = stand_in(evaluator, task.search.scout, task.worst_rows, always, seconds)
            if copy is None:
                return Planted(left_out=(fact("plants-without-values"),))
            task = replace(task, copy=copy, limit=replace(task.limit, pace=Pace(0.0)))
        kinds = self._kinds(evaluator.problem, strategy, worst)
        if not kinds:
            own = strategy.traits.models_reference and not evaluator.problem.error.differentiable
            return Planted(left_out=(fact("plants-in-own-error" if own else "plants-without-size"),))
        rows, late, hidden = [], 0, 0
        for i, limit in enumerate(task.limit.parts(len(kinds))):
            (plant, side), numbers = kinds[i], (i * self.runs, len(kinds) * self.runs)
            done, seen = self._runs(replace(task, limit=limit), plant, side, numbers)
            late += not (done or seen)
            hidden += seen
            if done:
                rows.append(_row(plant, side, done, task.copy))
        left = (fact("plants-too-late", n=late, of=len(kinds)),) if late else ()
        return Planted(tuple(rows), left + ((fact("plants-unseen", n=hidden),) if hidden else ()))

    def _kinds(self, problem: Problem, strategy: Strategy, worst: float) -> list[tuple[Plant, str]]:
        """What is planted, and in which side."""
        return [
            (plant, side)
            for factor in self.heights
            for plant in self._plants(problem, factor * worst)
            for side in _sides(strategy, problem, plant)
        ]

    def searches(self, problem: Problem, strategy: Strategy) -> int:
        """How many searches for planted errors `measure` makes at most."""
        return len(self._kinds(problem, strategy, 1.0)) * self.runs

    def _runs(
        self, task: PlantingTask, plant: Plant, side: str, numbers: tuple[int, int]
    ) -> tuple[list[tuple[bool, int]], int]:
        """The runs of one kind that there was time for, and in how many the plant could show nowhere.

        Args:
            numbers: runs of other kinds before, and runs of all kinds.
        """
        done: list[tuple[bool, int]] = []
        hidden = 0
        for k, limit in enumerate(task.limit.parts(self.runs)):
            task.evaluator.observer(Planting(numbers[0] + k, numbers[1]))
            if limit.affords < LEAST:
                break
            run = self._run(replace(task, limit=limit), plant, side)
            hidden += run is None
            done += [run] if run is not None else []
        return done, hidden

    def _no_height(self, worst: float) -> str:
        """What the worst error is of which no height is a multiple; empty where each is one."""
        with np.errstate(over="ignore"):
            too_high = not np.isfinite(np.float64(worst) * max(self.heights, default=1.0))
        if worst > 0 and not too_high:
            return ""
        what = "infinite" if worst == np.inf else "zero" if worst == 0 else "not known"
        return "too large to be multiplied" if np.isfinite(worst) and too_high else what

    def planned(self, evaluator: Evaluator, strategy: Strategy, evaluations: int) -> int:
        """Evaluations of the pair that `measure` takes at most; none where a stand-in is searched, or nothing is."""
        if strategy.traits.enumerates or strategy.traits.models_reference:
            return 0
        if evaluator.model.expensive or evaluator.reference.expensive:
            return 0
        each = self.evaluations or max(evaluations // 10, LEAST_SEARCH)
        kinds = len(self.heights) * len(self._plants(evaluator.problem, 1.0))
        return kinds * self.runs * (each + TRIED)

    def _run(self, task: PlantingTask, plant: Plant, side: str) -> tuple[bool, int] | None:
        """Whether one planted error was found, and with how many evaluations; None where it cannot show."""
        evaluator, copy, strategy, limit = task.evaluator, task.copy, task.strategy, task.limit
        outputs = evaluator.reference.outputs or evaluator.model.outputs or 1
        base = evaluator if copy is None else stand_in_evaluator(copy.problem)
        planted = placed(base, plant, task.rng, outputs)
        if not planted.can_show:
            return None
        if strategy.traits.models_reference:
            assert copy is not None
            each = self.evaluations or min(task.evaluations, CALLS)
            return modelled_run(
                copy.problem, planted.plant, side, strategy.lean(each), limit.upto(each), task.rng
            )
        each = self.evaluations or max(task.evaluations // 10, LEAST_SEARCH)
        if copy is not None:
            each = min(each, STAND_IN_CALLS)
        if not limit.endless:
            each = max(LEAST, min(each, limit.affords))
        before = base.spent("power")
        informative = task.search.informative or copy is not None
        landscape = Landscape(base, limit.upto(before + each), "power", informative=informative, lens=planted)
        search(landscape, strategy, task.rng)
        return planted.worst >= FOUND * plant.height, base.spent("power") - before

    def _plants(self, problem: Problem, height: float) -> Sequence[Plant]:
        bumps: list[Plant] = [Bump(height, v) for v in self.volumes]
        if problem.domain.d == 1 or not problem.error.differentiable:
            return bumps
        return bumps + [Sheet(height, s) for s in self.sheets]


def _sides(strategy: Strategy, problem: Problem, plant: Plant) -> tuple[str, ...]:
    """In which side the plant is put: for a direct search it makes no difference."""
    if not strategy.traits.models_reference:
        return ("error",)
    if not problem.error.differentiable:  # how a user's own error grows with a side is not known
        return ()
    return ("both",) if isinstance(plant, Sheet) else ("model", "reference")


def _row(plant: Plant, side: str, done: list[tuple[bool, int]], copy: StandIn | None) -> PlantedRecord:
    return PlantedRecord(
        height=plant.height,
        volume=plant.volume,
        shape=plant.shape,
        side=side,
        found=sum(found for found, _ in done),
        runs=len(done),
        evaluations=sum(spent for _, spent in done) // len(done),
        pair="the audited pair" if copy is None else "a stand-in",
        searched=Narrator(AUDIT).text(fact("audited-pair") if copy is None else copy.fact),
    )


def search(landscape: Landscape, strategy: Strategy, rng: np.random.Generator) -> Search:
    """The audit's search on a planted problem: independent points first, then the strategy."""
    domain = landscape.evaluator.problem.domain
    known = Search.empty(domain.d)
    done = landscape.at(draw_inside(domain, max(landscape.remaining // 5, 20), rng))
    known.scout = done
    known.look(domain.to_unit(done.x), done)
    return strategy.run(landscape, known, rng)


def placed(base: Evaluator, plant: Plant, rng: np.random.Generator, outputs: int) -> PlantLens:
    """The plant at a random place where it can show.

    Under a mask, without a value, or on the side that does not count no search could find it.
    """
    for _ in range(TRIED):
        planted = PlantLens(base, plant.somewhere(base.problem.domain, rng, outputs))
        if planted.can_show:
            return planted.sized(rng)
    return planted


def modelled_run(
    problem: Problem, plant: Plant, side: str, strategy: Strategy, limit: Limit, rng: np.random.Generator
) -> tuple[bool, int]:
    """Whether a search that models the reference finds a plant, and with how many calls."""
    evaluator = stand_in_evaluator(planted_problem(problem, plant, side))
    seen = _Sighting(plant, problem)
    evaluator.listeners.append(seen)
    search(Landscape(evaluator, limit), strategy, rng)
    return seen.worst >= FOUND * plant.height, evaluator.spent("search")


def search_seconds(power: Power, domain: Domain, strategy: Strategy, evaluations: int) -> float:
    """How long a search for an error takes that is planted in a stand-in: one is made, between two formulas.

    What model and reference are makes no difference, because neither is called: the time goes into the search. 0 for a
    strategy that does not model the reference: its searches go through the stand-in that there will be.
    """
    if not strategy.traits.models_reference:
        return 0.0
    easy = Problem(lambda x: np.zeros(len(x)), lambda x: np.sin(3.0 * domain.to_unit(x)).sum(axis=1), domain)
    rng, each = np.random.default_rng(0), power.evaluations or min(evaluations, CALLS)
    plant = Bump(1.0, 1e-3).somewhere(domain, rng, 1)
    began = 0.0
    for calls in (min(20, each), each):  # what the first one imports is not part of the time
        began = time.perf_counter()
        modelled_run(easy, plant, "model", strategy.lean(calls), Limit(evaluations=calls), rng)
    return time.perf_counter() - began


class _Sighting:
    """Listens for the largest error where a plant shows: a copy of the pair may have other peaks."""

    def __init__(self, plant: Plant, problem: Problem) -> None:
        self.plant, self.problem, self.worst = plant, problem, -np.inf

    def __call__(self, done: Evaluations) -> None:
        u = self.problem.domain.to_unit(done.x)
        if isinstance(self.plant, Bump):
            shows = self.plant.added(u)[0] > 0
        else:
            model, reference = self.plant.sides(u)
            shows = model != reference
        shows &= done.status == PointStatus.OK
        self.worst = max(self.worst, float(done.error[shows].max(initial=-np.inf)))
