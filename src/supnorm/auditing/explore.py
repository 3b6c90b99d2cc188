"""The first stages of an audit: probe, plan, sample, search. A loop over many models needs no others."""

from __future__ import annotations

import time
from concurrent.futures import wait
from dataclasses import replace

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.enumeration import Enumeration, finite_points
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.auditing.forecast import LEAST, STATISTICS
from supnorm.auditing.halt import HALTS, come_back, halted
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.run import Asked, Run, weights_of
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.statistics import Moments, Sample
from supnorm.auditing.strategy import Search, Strategy
from supnorm.auditing.table import CompareRows
from supnorm.evaluation import Evaluator, PointStatus
from supnorm.evaluation.limit import MOST, Limit, Pace
from supnorm.problem import draw_inside

FEW = 2000  # calls up to which an expensive reference is modelled
SECONDS_ROUND = 8192  # evaluations of the first round when seconds limit the search, at most
FIRST_BATCH = 128  # of them, at most
STARTING = 60.0  # seconds: an executor whose workers have not begun by then is not waited for
SAMPLE_MOST = 20_000  # independent points when only seconds limit the search
# Of the time: what counting the points of a finite domain may take, which costs their constraints; in vain it leaves three
# quarters to the search.
COUNTED = 0.25
# Share of the time that an enumeration may take; the rest is for statistics where it stops early.
ENUMERATED = 1 - STATISTICS


def probe(asked: Asked) -> Asked:
    """Call both functions at a few points and see that they are functions; rows of a table are not called."""
    if not is_table(asked.problem):
        asked.evaluator.probe(asked.rng)
    return asked


def plan(asked: Asked) -> Run:
    """How to search, within what budget and what time."""
    evaluator, evaluations, d = asked.evaluator, asked.evaluations, asked.problem.domain.d
    if is_table(asked.problem):
        nothing = Search.empty(d, norms=asked.norms)
        return Run(asked=asked, strategy=CompareRows(), evaluations=None, clock=Limit(), search=nothing)
    whole = limit_in_time(evaluator, asked.seconds, asked.start)
    # The other stages have their shares.
    clock = whole.within(1 / (1 + sum(weights_of(asked.later).values())))
    chosen = asked.strategy or choose_strategy(evaluator, evaluations, clock)
    draws = SAMPLE_MOST if evaluations is None else int(np.clip(STATISTICS * evaluations, LEAST, 100_000))
    known = Search.empty(d, draws, asked.norms)
    return Run(asked=asked, strategy=chosen, evaluations=evaluations, clock=clock, search=known, whole=whole)


def choose_strategy(evaluator: Evaluator, evaluations: int | None, clock: Limit | None = None) -> Strategy:
    """Where the budget allows every point of a finite domain there is nothing to search for.

    Else a few calls of an expensive reference are spent on a model of it, or the search is direct.
    """
    if _allows_all(evaluator, evaluations, clock or Limit()):
        return Enumeration()
    modelled = evaluator.reference.expensive and not evaluator.model.expensive
    if modelled and evaluations is not None and evaluations <= FEW:
        return SurrogateSearch()
    return ScreenAndAscent()


def _allows_all(evaluator: Evaluator, evaluations: int | None, clock: Limit) -> bool:
    """Whether the domain is finite and all of its points can be evaluated within the budget and, likely, the time."""
    finite, points = evaluator.problem.domain.finite, None
    if finite is not None:
        counting = clock.within(COUNTED)
        points = finite.count(np.inf if evaluations is None else evaluations, lambda: counting.over)
    if finite is None or not points:
        return False
    if points * clock.pace.guess <= ENUMERATED * clock.left:
        return True
    if evaluator.model.expensive or evaluator.reference.expensive:
        return False
    # The first calls, of a few points, say little of what one of many costs.
    _, x = next(finite.batches(evaluator.rows))
    before = time.perf_counter()
    evaluator.values_inside(x, "probe")
    return points / len(x) * (time.perf_counter() - before) <= ENUMERATED * clock.left


def limit_in_time(evaluator: Evaluator, seconds: float | None, start: float) -> Limit:
    """When an audit that began at ``start`` has to end."""
    if seconds is None:
        return Limit()
    import scipy.stats.qmc  # noqa: F401  takes up to a second, which is not the search's

    caller, problem = evaluator.reference, evaluator.problem
    workers = evaluator.workers if evaluator.executor is not None else 1
    spawned = caller.function.parallel == "process" and caller.function.remake is not None
    if evaluator.executor is not None and caller.expensive and spawned:  # so does the start of processes
        x = draw_inside(problem.domain, 1, np.random.default_rng(0))
        wait([caller.submit(x) for _ in range(workers)], timeout=STARTING)
    pace = Pace(evaluator.model.cost + evaluator.reference.cost / workers)
    return Limit(start + seconds, pace=pace, begun=start).at_least(0.5)


def sample(run: Run) -> Run:
    """Independent points of the law, where the strategy begins with them: they are its first screened points as well."""
    return replace(run, search=_drawn(run, run.search)) if run.strategy.traits.samples else run


def search(run: Run) -> Run:
    """Spend the rest of the budget on the search; it draws independent points where it brought no statistics."""
    known, evaluator = run.search, run.evaluator
    if not known.halted:
        try:
            known = _at_once(run) if run.clock.endless or not run.strategy.traits.rounds else _in_rounds(run)
        except HALTS as why:
            if known.sample is None:
                raise
            known.halted = halted(why)
    if known.sample is None:
        rest = Search.empty(run.problem.domain.d, known.draws, known.norms)
        rest.halted = known.halted
        drawn = _drawn(run, rest)
        known.sample, known.halted = drawn.sample, drawn.halted
    run = replace(run, search=known, searched=evaluator.total, halted=known.halted)
    evaluator.announce(run.sample.rms().value)
    return run


def explored(evaluator: Evaluator, strategy: Strategy, evaluations: int, rng: np.random.Generator) -> Search:
    """Statistics and search with a strategy, and nothing else: what benchmarks measure."""
    asked = Asked(evaluator=evaluator, rng=rng, evaluations=evaluations, strategy=strategy)
    return search(sample(plan(asked))).search


def _drawn(run: Run, known: Search) -> Search:
    """Evaluate independent points of the law."""
    evaluator, problem, n = run.evaluator, run.problem, known.draws
    assert problem.law is not None
    x = problem.law.draw(n, run.asked.rng)
    errors = [np.empty(0)]
    moments, before = Moments(known.norms), evaluator.failures.without_value
    landscape = Landscape(evaluator, run.clock.within(STATISTICS).upto(n), "statistics")
    i = 0
    while i < n and not (i and landscape.late) and not known.halted:
        rows = evaluator.rows()
        if not run.clock.endless:  # what a point costs is hardly known yet: batches grow
            rows = max(1, min(rows, landscape.limit.at_once, max(FIRST_BATCH, 3 * i)))
        part = x[i : i + rows]
        try:
            done = landscape.values(part)
        except HALTS as why:
            known.halted = halted(why)
            part = part[come_back(evaluator, part)]
            if not (i or len(part)):
                raise
            if not len(part):
                break
            done = landscape.values(part)
        i += len(done)
        ok = done.status == PointStatus.OK
        have = slice(None) if ok.all() else ok
        errors.append(done.error[have])
        moments.add(problem.error.in_units(done.model[have], done.reference[have], done.x[have]))
        known.look(problem.domain.to_unit(done.x), done)
        known.scout = known.scout or done
    failed = {side: n - before[side] for side, n in evaluator.failures.without_value.items()}
    known.sample = Sample(np.concatenate(errors), problem.law.name, i, moments, failed)
    evaluator.announce(known.sample.rms().value)
    return known


def _at_once(run: Run) -> Search:
    """The whole budget in one search; an enumeration that cannot reach all points leaves that of the statistics."""
    evaluator, strategy, known = run.evaluator, run.strategy, run.search
    limit = MOST if run.evaluations is None else run.evaluations - evaluator.spent("statistics")
    clock = run.clock
    if strategy.traits.enumerates:
        reserved = run.evaluations is not None and finite_points(run.problem.domain)[1] > run.evaluations
        limit -= known.draws * reserved
        clock = clock.within(ENUMERATED)
    return strategy.run(Landscape(evaluator, clock.upto(limit)), known, run.asked.rng)


def _in_rounds(run: Run) -> Search:
    """With seconds: rounds that double, the last one cut to the time that is left."""
    evaluator, clock, known = run.evaluator, run.clock, run.search
    most = MOST if run.evaluations is None else run.evaluations - evaluator.spent("statistics")
    size = SECONDS_ROUND
    while not clock.over and evaluator.spent("search") < most:
        began, before = time.perf_counter(), evaluator.spent("search")
        limit = min(before + size, most)
        known = run.strategy.run(Landscape(evaluator, clock.upto(limit)), known, run.asked.rng)
        known.rounds += 1
        done = evaluator.spent("search") - before
        if done < 4:
            break
        pace = max((time.perf_counter() - began) / done, 1e-9)  # a clock may stand still, or be set back
        size = int(min(2 * size, clock.left / pace + 1))
    return known
