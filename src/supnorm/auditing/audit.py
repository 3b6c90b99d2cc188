"""The verb: search for the worst error of a model against a reference, and say what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import document
from supnorm.auditing.arguments import demand_norms, demand_number, power_of
from supnorm.auditing.clock import Clock, Pace
from supnorm.auditing.cost import declare, default_evaluations, demand_room
from supnorm.auditing.enumeration import Enumeration, Listed
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.auditing.facts import failures_json
from supnorm.auditing.forecast import LEAST, STATISTICS, Forecast, forecast
from supnorm.auditing.halt import HALTS, MOMENT, NOT_PLANTED, come_back, halted, moment
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.pictures import Pictures, picture_budget
from supnorm.auditing.places import find_places
from supnorm.auditing.power import POWER_TIME, Planted, Power
from supnorm.auditing.recheck import check_outputs
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.report import AuditReport
from supnorm.auditing.search import ScreenAndAscent, SearchState
from supnorm.auditing.statistics import NORMS, Moments, Sample
from supnorm.auditing.table import Compared, compare_rows, is_table
from supnorm.auditing.tally import Tally
from supnorm.evaluation import (
    EvaluationStore,
    Evaluator,
    Finished,
    Observer,
    PointStatus,
    Started,
    silent,
)
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, draw_inside
from supnorm.results import BadInput

Array = NDArray[np.float64]
Strategy = ScreenAndAscent | SurrogateSearch | Enumeration
FEW = 2000  # calls up to which an expensive reference is modelled
SECONDS_ROUND = 8192  # evaluations of the first round when seconds limit the search, at most
FIRST_BATCH = 128  # of them, at most
SAMPLE_MOST = 20_000  # independent points when only seconds limit the search
ENUMERATED = 1 - STATISTICS  # of the time: what an enumeration may take
UNLIMITED = 2**62  # evaluations
# With seconds, times of what follows the search as shares of its own:
PLACES_TIME, PICTURES_TIME = 0.2, 0.2  # and POWER_TIME
# Why no errors are planted where points are enumerated.
NONE_HIDDEN = "every point of the domain was evaluated, and there are no others where one could hide"
SOME_LEFT = "the points of the domain were evaluated one by one, and what those that were not hold is unknown"


@broken_workers_explained()
@one_thread()
@INTERRUPTS.between_batches()
def audit(
    problem: Problem,
    *,
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    executor: Executor | None = None,
    strategy: Strategy | None = None,
    pictures: Pictures | None = None,
    power: Power | bool | None = None,
    norms: Sequence[float] = NORMS,
    cost: str | None = None,
    store: EvaluationStore | None = None,
    observer: Observer = silent,
) -> AuditReport:
    """Find the worst error of ``problem.model`` against ``problem.reference``.

    Args:
        evaluations: of search and statistics together (a gradient counts 3); by default 100,000, and 400 where a
            call is expensive; without a limit when only ``seconds`` is given.
        seconds: wall-clock limit of statistics and search; places, planted errors and pictures take at most 0.8
            times as long again. The result then depends on the machine.
        seed: of everything random; with a budget of evaluations and the same ``cost`` the same seed gives the same
            result (but for a `SurrogateSearch` on workers that is not ``in_order``).
        workers: processes or threads for a reference that takes more than 1 ms a point.
        executor: any ``concurrent.futures`` executor instead.
        strategy: of the search; by default `Enumeration` where all inputs are lists of values and the budget allows
            every point, `SurrogateSearch` for a reference of more than 1 ms a point and at most 2000 evaluations,
            else `ScreenAndAscent`.
        pictures: resolutions of the charts.
        power: errors to plant, to see what such a search misses (True: the usual ones); none by default.
        norms: powers p of the sample norms L^p that are reported beside the maximum, each at least 1.
        cost: ``"cheap"`` or ``"expensive"`` (the reference; ``"expensive-model"``, ``"expensive-both"``): whether a
            call takes more than 1 ms a point. Measured where it is None, and recorded either way.
        store: where expensive calls are kept, for resuming.
        observer: gets progress events.

    Raises:
        BadInput: when the problem cannot be evaluated, model or reference is random, or a number is out of range.
        KeyboardInterrupt: by Ctrl-C before anything has an error; later the report has the status ``interrupted``.

    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> report = audit(problem, evaluations=1000)
    >>> round(report.worst.error, 6), round(float(report.worst.x[0]), 3)
    (0.25, 0.5)
    >>> report
    AuditReport('no-tolerance', worst=0.25, rms=0.1769, places=1, glitches=0)
    """
    if not isinstance(problem, Problem):
        raise BadInput(f"audit takes a supnorm.Problem, got {problem!r}; supnorm.open_problem reads a file")
    if problem.model is None:
        raise BadInput("an audit needs a model beside the reference; give one as [model]")
    demand_number("evaluations", evaluations, LEAST)
    demand_number("seconds", seconds, 0.0)
    demand_number("workers", workers, 1, whole=True)
    demand_number("seed", seed, 0, whole=True)
    evaluations = None if evaluations is None else int(evaluations)
    seed, workers = int(seed), int(workers)
    demand_norms(norms)
    power = power_of(power)
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    shown = pictures or Pictures()
    evaluator = Evaluator(
        problem, store=store, workers=workers, executor=executor, observer=observer, budget=evaluations
    )
    declare(evaluator, cost)
    recorder = Recorder(problem.domain, shown.cells(problem.domain.d), problem.error)
    evaluator.listeners.append(recorder)
    error = problem.error
    units = {*problem.reference.output_units} if error.kind == "absolute" else set()
    unit = units.pop() if len(units) == 1 else ""
    relative = error.kind == "relative"
    observer(Started(problem.title, error.limit, seed, evaluations, relative, unit, error.per_output))
    chosen: Strategy | None = None
    clock: Clock | None = None
    listed: Listed | None = None
    compared: Compared | None = None
    failures: dict[str, Any] | None = None
    planned: Forecast | None = None

    def finished() -> AuditReport:
        """Places, planted errors, pictures, and all of it written down; a part of it where the audit was stopped."""
        clocks = moment(evaluator) if state.halted else clock
        within = MOMENT if state.halted else seconds or 0.0
        found = compared.places if compared is not None else []
        if compared is None:
            landscape = Landscape(evaluator, picture_budget(evaluations, 60_000), "pictures")
            landscape.clock = clocks if state.halted else clock and clock.within(PLACES_TIME * within)
            found = find_places(landscape, state, sample, rng)
        run = document.Run(evaluator, recorder, sample, state, found, shown, rng, halted=state.halted)
        run.surrogate, run.searched = isinstance(chosen, SurrogateSearch), searched
        run.in_order = not isinstance(chosen, SurrogateSearch) or chosen.in_order
        run.listed, run.failures, run.compared = listed, failures, compared
        run.planned = planned
        if power is not None and listed is not None:
            run.power = Planted(left_out=NONE_HIDDEN if listed.exhaustive else SOME_LEFT)
        elif power is not None and state.halted:
            run.power = Planted(left_out=NOT_PLANTED)
        elif power is not None and chosen is not None and not isinstance(chosen, Enumeration):
            spent = evaluator.spent("statistics", "search")
            timed = clock and clock.within(POWER_TIME * within)
            run.power = power.measure(evaluator, chosen, spent, state, recorder.worst_rows(), rng, timed)
        run.clock = moment(evaluator) if state.halted else clock and clock.within(PICTURES_TIME * within)
        return document.build(run, seed=seed, budget=(evaluations, seconds), start=start)

    try:
        if is_table(problem):
            compared = compare_rows(evaluator, norms)
            sample, state = compared.sample, SearchState.empty(problem.domain.d)
            state.halted = compared.stopped
        else:
            evaluator.probe(rng)
            check_outputs(evaluator)
            if problem.law is not None and not problem.law.even:
                problem.law.draw(
                    1, np.random.default_rng(0)
                )  # a sampler that fails does so before the search
            given = evaluations is not None or seconds is not None
            if not given:
                evaluations = default_evaluations(evaluator)
            clock = limit_in_time(evaluator, seconds, start)
            chosen = strategy or choose_strategy(evaluator, evaluations, clock)
            if evaluations is not None:
                planned = forecast(evaluator, chosen, evaluations, power)
                demand_room(evaluator, planned.total)
                evaluator.budget = planned.total
                observer(planned.event(evaluations, given))
            evaluator.tell()
            if isinstance(chosen, Enumeration):
                sample, state, listed = enumerate_points(evaluator, chosen, evaluations, rng, norms, clock)
                if listed.exhaustive:
                    failures = failures_json(evaluator, recorder) | {"of": listed.points}
            else:
                sample, state = explore(evaluator, chosen, evaluations, seconds, start, rng, norms, clock)
        searched = evaluator.total
        try:
            result = finished()
        except HALTS as why:
            state.halted = halted(why)
            result = finished()
    finally:
        evaluator.close()
    observer(Finished())
    return result


def choose_strategy(evaluator: Evaluator, evaluations: int | None, clock: Clock | None = None) -> Strategy:
    """Where the budget allows every point of a finite domain there is nothing to search for.

    Else a few calls of an expensive reference are spent on a model of it, or the search is direct.
    """
    if _allows_all(evaluator, evaluations, clock):
        return Enumeration()
    dear = evaluator.reference.expensive and not evaluator.model.expensive
    if dear and evaluations is not None and evaluations <= FEW:
        return SurrogateSearch()
    return ScreenAndAscent()


def _allows_all(evaluator: Evaluator, evaluations: int | None, clock: Clock | None) -> bool:
    """Whether the domain is finite and all of its points can be evaluated within the budget and, likely, the time."""
    finite, points = evaluator.problem.domain.finite, None
    if finite is not None:
        left = 0.0 if clock is None else 0.75 * clock.left  # counting must not take the time of the search
        most = np.inf if evaluations is None else evaluations
        points = finite.count(most, lambda: clock is not None and clock.left < left)
    if finite is None or not points:
        return False
    if clock is None or points * clock.pace.guess <= ENUMERATED * clock.left:
        return True
    if evaluator.model.expensive or evaluator.reference.expensive:
        return False
    # The first calls, of a few points, say little of what one of many costs.
    _, x = next(finite.batches(evaluator.rows))
    before = time.perf_counter()
    evaluator.values_inside(x, "probe")
    return points / len(x) * (time.perf_counter() - before) <= ENUMERATED * clock.left


def enumerate_points(
    evaluator: Evaluator,
    strategy: Enumeration,
    evaluations: int | None,
    rng: np.random.Generator,
    norms: Sequence[float] = NORMS,
    clock: Clock | None = None,
) -> tuple[Sample, SearchState, Listed]:
    """Every point of a finite domain, and the statistics without a second call.

    Where time or evaluations end before the points do, independent points are drawn after all, with what was kept back
    for them.
    """
    problem, n = evaluator.problem, _sample_size(evaluations)
    finite, points = strategy.points(problem.domain)
    state = SearchState.empty(problem.domain.d)
    tally = Tally(problem, finite, points, n, rng, norms)
    limit = UNLIMITED if evaluations is None else evaluations - n * (points > evaluations)
    own = clock and clock.within(ENUMERATED * clock.left)
    listed = strategy.run(Landscape(evaluator, limit, clock=own), state, rng, take=tally.take)
    if listed.exhaustive:
        sample = tally.sample()
        evaluator.rms = sample.rms().value
    else:
        sample, _ = _statistics(evaluator, evaluations, rng, norms, clock, state.halted)
    return sample, state, listed


def explore(
    evaluator: Evaluator,
    strategy: ScreenAndAscent | SurrogateSearch,
    evaluations: int | None,
    seconds: float | None,
    start: float,
    rng: np.random.Generator,
    norms: Sequence[float] = NORMS,
    clock: Clock | None = None,
) -> tuple[Sample, SearchState]:
    """Statistics and search, without places, charts and document: what the benchmarks time."""
    clock = clock or limit_in_time(evaluator, seconds, start)
    sample, state = _statistics(evaluator, evaluations, rng, norms, clock)
    _search(evaluator, state, strategy, evaluations, clock, rng)
    return sample, state


def limit_in_time(evaluator: Evaluator, seconds: float | None, start: float) -> Clock | None:
    """The clock of a search that began at ``start``; None without a limit in time."""
    if seconds is None:
        return None
    import scipy.stats.qmc  # noqa: F401  takes up to a second, which is not the search's

    caller, problem = evaluator.reference, evaluator.problem
    workers = evaluator.workers if evaluator.executor is not None else 1
    spawned = caller.function.parallel == "process" and caller.function.remake is not None
    if evaluator.executor is not None and caller.expensive and spawned:  # so does the start of processes
        x = draw_inside(problem.domain, 1, np.random.default_rng(0))
        wait([caller.submit(x) for _ in range(workers)])
    # What all this and the probe took is made up for up to half of the time.
    end = max(start + seconds, time.perf_counter() + seconds / 2)
    return Clock(end, Pace(evaluator.model.cost + evaluator.reference.cost / workers))


def _sample_size(evaluations: int | None) -> int:
    """Independent points of the law."""
    return SAMPLE_MOST if evaluations is None else int(np.clip(STATISTICS * evaluations, LEAST, 100_000))


def _statistics(
    evaluator: Evaluator,
    evaluations: int | None,
    rng: np.random.Generator,
    norms: Sequence[float],
    clock: Clock | None,
    stopped: str = "",
) -> tuple[Sample, SearchState]:
    """Independent points of the law; they are the first screened points as well."""
    problem = evaluator.problem
    assert problem.law is not None
    n = _sample_size(evaluations)
    own = clock and clock.within(STATISTICS * clock.left)
    x = problem.law.draw(n, rng)
    state = SearchState.empty(problem.domain.d)
    errors = []
    moments, before = Moments(norms), evaluator.failures.without_value
    landscape = Landscape(evaluator, n, "statistics", clock=own)
    i = 0
    while i < n and not (i and landscape.late) and not (state.halted or stopped):
        rows = evaluator.rows()
        if own is not None:  # what a point costs is hardly known yet: batches grow
            rows = max(1, min(rows, own.affords, max(FIRST_BATCH, 3 * i)))
        try:
            done = landscape.values(x[i : i + rows])
        except HALTS as why:
            state.halted = halted(why)
            known = come_back(evaluator, x[i : i + rows])
            if not (i or len(known)):
                raise
            if not len(known):
                break
            done = landscape.values(known)
        i += len(done)
        ok = done.status == PointStatus.OK
        have = slice(None) if ok.all() else ok
        errors.append(done.error[have])
        moments.add(problem.error.in_units(done.model[have], done.reference[have], done.x[have]))
        state.look(problem.domain.to_unit(done.x), done)
        state.scout = state.scout or done
    failed = {side: n - before[side] for side, n in evaluator.failures.without_value.items()}
    sample = Sample(np.concatenate([np.empty(0), *errors]), problem.law.name, i, moments, failed)
    evaluator.rms = sample.rms().value
    return sample, state


def _search(
    evaluator: Evaluator,
    state: SearchState,
    strategy: ScreenAndAscent | SurrogateSearch,
    evaluations: int | None,
    clock: Clock | None,
    rng: np.random.Generator,
) -> None:
    most = np.inf if evaluations is None else evaluations - evaluator.spent("statistics")
    if not state.halted:
        try:
            _rounds(evaluator, state, strategy, most, clock, rng)
        except HALTS as why:
            state.halted = halted(why)


def _rounds(
    evaluator: Evaluator,
    state: SearchState,
    strategy: ScreenAndAscent | SurrogateSearch,
    most: float,
    clock: Clock | None,
    rng: np.random.Generator,
) -> None:
    if clock is None:
        strategy.run(Landscape(evaluator, int(most)), state, rng)
        return
    # With seconds: rounds that double, the last one cut to the time that is left.
    size = SECONDS_ROUND
    while not clock.late and evaluator.spent("search") < most:
        began, before = time.perf_counter(), evaluator.spent("search")
        limit = int(min(before + size, most))
        strategy.run(Landscape(evaluator, limit, clock=clock), state, rng, lambda: clock.late)
        state.rounds += 1
        done = evaluator.spent("search") - before
        if done < 4:
            break
        pace = (time.perf_counter() - began) / done
        size = int(min(2 * size, clock.left / pace + 1))
