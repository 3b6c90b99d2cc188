"""The verb: search for the worst error of a model against a reference, and say what was found.

An audit is a chain of stages, each of which takes a `Run` and returns the next one: probe, plan, sample, search
(`supnorm.auditing.explore`), peaks, planted errors, pictures, judgement; `document` writes the last one down.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from threading import Thread

import numpy as np

from supnorm.auditing import document
from supnorm.auditing.arguments import demand_norms, power_of
from supnorm.auditing.compared import is_table
from supnorm.auditing.cost import declare, default_evaluations, demand_room
from supnorm.auditing.drawing import draw
from supnorm.auditing.explore import plan, probe, sample, search
from supnorm.auditing.forecast import LEAST, forecast
from supnorm.auditing.halt import HALTS, halted
from supnorm.auditing.judging import judge
from supnorm.auditing.parts import failures_record
from supnorm.auditing.peaks import find_peaks
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.planting import plant
from supnorm.auditing.power import Power
from supnorm.auditing.recheck import check_outputs
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.report import AuditReport
from supnorm.auditing.run import ALWAYS, Asked, Run
from supnorm.auditing.statistics import NORMS
from supnorm.auditing.strategy import Strategy
from supnorm.evaluation import Calls, Evaluator, Finished, Observer, Started, silent
from supnorm.evaluation.events import drawing
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, stream
from supnorm.results import BadInput
from supnorm.results.option import demand_number, demand_seconds, demand_seed


@broken_workers_explained()
@one_thread()
@INTERRUPTS.between_batches()
@demanded_intact()
def audit(
    problem: Problem,
    *,
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    strategy: Strategy | None = None,
    pictures: Pictures | None = None,
    power: Power | bool | None = None,
    norms: Sequence[float] = NORMS,
    calls: Calls | None = None,
    observer: Observer = silent,
    progress: bool = False,
) -> AuditReport:
    """Find the worst error of ``problem.model`` against ``problem.reference``.

    Args:
        evaluations: of search and statistics together (a gradient counts 3); without a limit when only ``seconds`` is given.
            By default 100,000; where a call is expensive 400, from 1 s a call on 200, and from 4 s on 100. Then the measured
            cost has chosen it, and ``report.record.budget`` says so.
        seconds: wall-clock limit of the whole audit but for the first calls, which check that both sides are functions
            (where these take more than half of it, the rest gets the other half all the same). Statistics and search have
            more than half; the rest is for peaks, planted errors and pictures. A call that has begun is not interrupted.
            The result then depends on the machine.
        seed: of everything random; with a budget of evaluations and the same ``cost`` the same seed gives the same
            result (but for a `SurrogateSearch` on workers that is not ``in_order``).
        strategy: of the search; by default `Enumeration` where all inputs are lists of values and the budget allows
            every point, `SurrogateSearch` for a reference of more than 1 ms a point and at most 2000 evaluations,
            else `ScreenAndAscent`.
        pictures: resolutions of the charts.
        power: errors to plant, to see what such a search misses (True: the usual ones, as on the command line). None by
            default in Python, because planting them takes about four times the evaluations of the audit itself.
        norms: powers p of the sample norms L^p that are reported beside the maximum, each at least 1.
        calls: how both sides are called: what a call costs, workers or an executor, and the store for resuming.
        observer: gets progress events.
        progress: draw them on standard error, as the command line does.

    Raises:
        BadInput: when the problem cannot be evaluated, model or reference is random, or a number is out of range.
        KeyboardInterrupt: by Ctrl-C before anything has an error; later the report has the status ``interrupted``.

    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> report = audit(problem, evaluations=1000)
    >>> round(report.worst.error, 6), round(float(report.worst.x[0]), 3)
    (0.25, 0.5)
    >>> report
    AuditReport('no-tolerance', worst=0.25, rms=0.1865, peaks=1, glitches=0)
    """
    if not isinstance(problem, Problem):
        raise BadInput(f"audit takes a supnorm.Problem, got {problem!r}; supnorm.open_problem reads a file")
    if problem.model is None:
        raise BadInput("an audit needs a model beside the reference; give one as [model]")
    demand_number("evaluations", evaluations, LEAST)
    demand_seconds(seconds)
    observer = drawing(observer, progress)
    seed = demand_seed(seed)
    demand_norms(norms)
    power, shown = power_of(power), pictures or Pictures()
    evaluations = None if evaluations is None else int(evaluations)
    start, calls = time.perf_counter(), Calls.of(calls)
    evaluator = Evaluator(problem, calls, observer=observer, budget=evaluations)
    declare(evaluator, calls.cost)
    recorder = Recorder(problem.domain, shown.cells(problem.domain.d), problem.error)
    evaluator.listeners.append(recorder)
    asked = Asked(
        evaluator=evaluator,
        rng=stream(int(seed)),
        recorder=recorder,
        start=start,
        later=_later(problem, power),
        evaluations=evaluations,
        seconds=seconds,
        seed=int(seed),
        strategy=strategy,
        power=power,
        pictures=shown,
        norms=norms,
        calls=calls,
    )
    observer(_started(asked))
    try:
        run = _searched(asked)
        try:
            report = _finished(run)
        except HALTS as why:
            report = _finished(replace(run, halted=halted(why)))
    finally:
        evaluator.close()
    observer(Finished())
    return report


def _later(problem: Problem, power: Power | None) -> tuple[str, ...]:
    """The stages after the search that will be needed."""
    planted = () if power is None else ("planted errors",)
    return (*ALWAYS, *planted, *(() if problem.recheck is None else ("second reference",)))


def _import_ahead(name: str) -> None:
    """Import a package while workers begin; where that fails, who needs it says so."""
    with suppress(Exception):
        import_module(name)


def _searched(asked: Asked) -> Run:
    """The stages up to the end of the search."""
    if (
        asked.evaluator.reference.on_workers
    ):  # the search needs it, and its import takes as long as workers begin
        Thread(target=_import_ahead, args=("scipy.stats",), name="supnorm import").start()
    run = _announced(plan(_checked(probe(asked))))
    run.begin("search")
    run = search(sample(run))
    listed = run.search.listed
    if listed is not None and listed.exhaustive:
        run = replace(run, failures=failures_record(run.evaluator, run.recorder).changed(of=listed.points))
    return run


def _finished(run: Run) -> AuditReport:
    """The stages after the search, and all of it written down; a part of it where the audit was stopped."""
    run.begin("sizes of peaks")
    run = _peaks(run)
    run.begin("planted errors")
    run = plant(run)
    run.begin("pictures")
    run = draw(run)
    run.begin("second reference")
    return document.build(judge(run))


def _started(asked: Asked) -> Started:
    """What an observer is told first."""
    problem, error = asked.problem, asked.problem.error
    units = {*problem.reference.output_units} if error.kind == "absolute" else set()
    unit = "ulp" if error.kind == "ulp" else units.pop() if len(units) == 1 else ""
    relative = error.kind == "relative"
    return Started(
        problem.title, error.limit, asked.seed, asked.evaluations, relative, unit, per_output=error.per_output
    )


def _checked(asked: Asked) -> Asked:
    """What would fail after the search fails before it; with a budget, where neither it nor a time was given."""
    problem = asked.problem
    if is_table(problem):
        return asked
    check_outputs(asked.evaluator)
    if problem.law is not None and not problem.law.even:
        problem.law.draw(1, np.random.default_rng(0))
    if asked.evaluations is None and asked.seconds is None:
        evaluations, chosen = default_evaluations(asked.evaluator, asked.calls)
        return replace(asked, evaluations=evaluations, chosen=chosen)
    return asked


def _announced(run: Run) -> Run:
    """With what is planned, which observers are told."""
    evaluator, evaluations = run.evaluator, run.evaluations
    if run.table:
        return run
    if evaluations is not None:
        planned = forecast(evaluator, run.strategy, evaluations, run.asked.power, run.asked.pictures)
        demand_room(evaluator, planned.total)
        evaluator.expect(planned.total)
        evaluator.observer(planned.event(evaluations if run.asked.chosen else 0))
        run = replace(run, planned=planned)
    evaluator.tell()
    return run


def _peaks(run: Run) -> Run:
    """The distinct peaks of what the search found; of a table its worst rows."""
    clock = run.clock_for("sizes of peaks")
    if run.search.compared is not None:
        return replace(run, peaks=tuple(run.search.compared.peaks))
    landscape = run.landscape(run.asked.pictures.budget(run.evaluations, 60_000), clock)
    return replace(run, peaks=tuple(find_peaks(landscape, run.search, run.sample, run.asked.rng)))
