"""The verb `budget`: for a class of functions, or for a function or table that is profiled and perhaps trained on.

For a class it takes milliseconds. For a function the profile spends ``calls`` evaluations (fewer for an
expensive one: about 40 seconds' worth, but at least 500), a learning curve its trainings.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.calls import Calls
from supnorm.evaluation.executor import broken_workers_explained, spread
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.planning.curves import CurveMeasurement
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.numbers import from_class
from supnorm.planning.question import as_problem, ask, read_norm
from supnorm.planning.requested import LearningCurve, PlanningCalls
from supnorm.planning.result import Answer, BudgetResult, written_down
from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.table import table_of
from supnorm.planning.theory import NetworkClass
from supnorm.planning.verdict import UNDECIDED, UNSUITABLE, Verdict
from supnorm.planning.work import Work
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, ExitCode, Status

Array = NDArray[np.float64]


@overload
def budget(
    what: SmoothClass,
    *,
    tolerance: float,
    norm: str | float = "sup",
    network: NetworkClass | None = None,
    sample_budget: int = 100_000,
    curve: MeasuredCurve | None = None,
    seed: int = 0,
) -> BudgetResult: ...


@overload
def budget(
    what: Problem | Callable[..., Any] | tuple[Array, Array],
    domain: Domain | None = None,
    *,
    tolerance: float | None = None,
    norm: str | float = "sup",
    output: int | str | None = None,
    network: NetworkClass | None = None,
    sample_budget: int = 100_000,
    curve: LearningCurve | MeasuredCurve | None = None,
    calls: int | Calls | None = None,
    seed: int = 0,
) -> BudgetResult: ...


@broken_workers_explained()
@one_thread()
def budget(
    what: SmoothClass | Problem | Callable[..., Any] | tuple[Array, Array],
    domain: Domain | None = None,
    *,
    tolerance: float | None = None,
    norm: str | float = "sup",
    output: int | str | None = None,
    network: NetworkClass | None = None,
    sample_budget: int = 100_000,
    curve: LearningCurve | MeasuredCurve | None = None,
    calls: int | Calls | None = None,
    seed: int = 0,
) -> BudgetResult:
    """How many samples and weights a tolerance costs, which exceptions apply, and whether a network is the
    tool.

    Args:
        what: a `SmoothClass`; or a `Problem`, whose ``data`` are inputs of its law; a function ``(n, d) -> (n,)`` or
            ``(n, m)``; a table ``(x, y)``, shapes ``(N, d)`` and ``(N,)``.
        domain: of a function; of a table its box by default.
        tolerance: the largest error allowed, in the problem's error measure; by default the problem's own.
        norm: ``"sup"``, ``"l2"``, ``"l1"`` or a number p >= 1.
        output: which output is planned; by default the hardest.
        network: a network class to speak about as well.
        sample_budget: samples that may be spent on the surrogate.
        curve: trainings to be made, or a curve that was measured before.
        calls: how planning calls the function (`PlanningCalls` also says how often), or how often.
        seed: of every random choice.

    Ctrl-C ends it with what was measured until then, as soon as there is anything: the status is ``"interrupted"``, and
    the verdict decides nothing.

    Raises:
        BadInput: for a missing tolerance or domain, or numbers out of range.
        KeyboardInterrupt: before the first points have a value.

    >>> result = budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3)
    >>> result.verdict.word, round(result.guarantee[0].log10, 1)
    ('undecided', 10.1)
    """
    start, p = time.perf_counter(), read_norm(norm)
    measured = (curve,) if isinstance(curve, MeasuredCurve) else ()
    requested = curve if isinstance(curve, LearningCurve) else None
    if isinstance(what, SmoothClass):
        if domain is not None or output is not None or requested is not None or calls is not None:
            raise BadInput("a class of functions cannot be called or trained on: give the function itself")
        return _finish(from_class(what, tolerance, p, network, measured, sample_budget), seed, start)
    asked = (
        PlanningCalls.of(calls) if calls is None or isinstance(calls, Calls) else PlanningCalls(most=calls)
    )
    rng = np.random.default_rng(seed)
    work = Work(
        measurement=CurveMeasurement.of(requested, seed, asked.observer),
        given=measured,
        network=network,
        sample_budget=sample_budget,
    )
    table = table_of(what, domain, tolerance, p, output)
    try:
        if table is not None:
            answer = work.of_table(table, rng)
        else:
            problem = as_problem(what, domain, tolerance)
            with spread(problem, asked) as calling:
                begin = partial(ask, problem, tolerance, p, output, rng, calling)
                answer = work.of_function(begin, problem.data, calling, rng)
    except KeyboardInterrupt:
        if work.plan is None:
            raise
        INTERRUPTS.taken()
        return _finish(work.unfinished(), seed, start, interrupted=True)
    more = "the function itself in place of the table" if table is not None else "more calls"
    return _finish(answer, seed, start, more)


def _finish(
    answer: Answer, seed: int, start: float, more: str = "", interrupted: bool = False
) -> BudgetResult:
    """The result; ``more`` is what to give where the answer is undecided."""
    verdict, numbers_alone = answer.verdict, answer.basis.profile is None
    if interrupted:
        advice = f"{verdict.evidence[0].capitalize()}: this is what was measured until then, and it decides nothing."
        status = Status("interrupted", advice, ExitCode.INTERRUPTED)
    else:
        undecided = verdict.word == UNDECIDED and not numbers_alone
        advice = _advice(verdict, more)
        if numbers_alone:
            advice = (
                "Numbers about a class. Give the function itself for a profile, and a trainer for a forecast."
            )
        status = Status(verdict.word, advice, ExitCode.UNDECIDED if undecided else ExitCode.DONE)
    return written_down(answer, status, seed, time.perf_counter() - start)


def _advice(verdict: Verdict, more: str) -> str:
    if verdict.word == UNDECIDED:
        return f"Undecided: give {more}, or a trainer to measure a learning curve with (--learning-curve)."
    if verdict.word == UNSUITABLE:
        return "No method known here promises this tolerance; see the evidence for what can be done."
    return f"Use: {verdict.tool}. Audit whatever you build: a budget is a plan, not a proof."
