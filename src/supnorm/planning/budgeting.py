"""The verb `budget`: plan a surrogate of a class of functions, of a function, or of a table.

A class takes milliseconds. The profile of a function spends ``calls`` evaluations: by default about 40 seconds of them, at
least 500. A learning curve takes as long as its trainings.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.calls import Calls
from supnorm.evaluation.executor import broken_workers_explained, with_executor
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.planning.curves import CurveMeasurement
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.numbers import from_class
from supnorm.planning.question import as_problem, ask, read_norm
from supnorm.planning.requested import LearningCurve, PlanningCalls
from supnorm.planning.result import BudgetResult
from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.table import table_of
from supnorm.planning.theory import NetworkClass
from supnorm.planning.verdict import UNDECIDED, UNSUITABLE
from supnorm.planning.work import Work
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, ExitCode, Status
from supnorm.results.option import Allowed, demand_allowed, demand_number, demand_seed
from supnorm.wording.budget_record import answer, phrase

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
@demanded_intact()
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
    """Tell how many samples and weights a tolerance costs, which exceptions apply, and whether a network is the right tool.

    Args:
        what: a `SmoothClass`, a `Problem` (its ``data`` are inputs of its law), a function ``(n, d) -> (n,)`` or
            ``(n, m)``, or a table ``(x, y)`` of shapes ``(N, d)`` and ``(N,)``.
        domain: the domain of a function; a table has its own box by default.
        tolerance: the largest error allowed, in the problem's error measure; by default the problem's own.
        norm: ``"sup"``, ``"l2"``, ``"l1"`` or a number p >= 1.
        output: the output to plan; by default the hardest one.
        network: a network class that the bounds also cover.
        sample_budget: samples that may be spent on the surrogate.
        curve: the trainings to make, or a curve that was measured before.
        calls: how planning calls the function (`PlanningCalls` also says how often), or how often.
        seed: the seed of every random choice.

    Ctrl-C ends the work. If a point has a value by then, the result holds what was measured, with the status
    ``"interrupted"`` and a verdict that decides nothing.

    Raises:
        BadInput: for a missing tolerance or domain, or numbers out of range.
        KeyboardInterrupt: when Ctrl-C comes before the first points have a value.

    >>> result = budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3)
    >>> result.verdict.word, round(result.guarantee[0].log10, 1)
    ('undecided', 10.1)
    """
    start, p, seed = time.perf_counter(), read_norm(norm), demand_seed(seed)
    _demand_kinds(tolerance, network, curve, sample_budget)
    measured = (curve,) if isinstance(curve, MeasuredCurve) else ()
    requested = curve if isinstance(curve, LearningCurve) else None
    if isinstance(what, SmoothClass):
        if domain is not None or output is not None or requested is not None or calls is not None:
            raise BadInput("a class of functions cannot be called or trained on: give the function itself")
        result = from_class(what, tolerance, p, network, measured, sample_budget)
        return _finished(result, seed, start, "about-a-class")
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
            result = work.of_table(table, rng)
        else:
            problem = as_problem(what, domain, tolerance)
            with with_executor(problem, asked) as calling:
                begin = partial(ask, problem, tolerance, p, output, rng=rng, calls=calling)
                result = work.of_function(begin, problem.data, calling, rng)
    except KeyboardInterrupt:
        if work.plan is None:
            raise
        INTERRUPTS.taken()
        return _finished(work.unfinished(), seed, start, "decides-nothing")
    return _finished(result, seed, start, "give-calls" if table is None else "give-function")


def _demand_kinds(tolerance: Any, network: Any, curve: Any, sample_budget: Any) -> None:
    """Refuse what is no number, no network class and no curve; limits of tolerances are those of each question.

    Raises:
        BadInput: naming the argument.
    """
    if tolerance is not None:
        demand_allowed("tolerance", tolerance, Allowed())
    if network is not None and not isinstance(network, NetworkClass):
        raise BadInput(f"network must be a supnorm.NetworkClass, got {type(network).__name__}")
    if curve is not None and not isinstance(curve, LearningCurve | MeasuredCurve):
        raise BadInput(f"curve must be a LearningCurve or a MeasuredCurve, got {type(curve).__name__}")
    demand_number("sample_budget", sample_budget, 10, whole=True)


def _finished(result: BudgetResult, seed: int, start: float, code: str) -> BudgetResult:
    """The result with its advice; ``code`` is the advice where nothing is decided."""
    verdict, ending = result.verdict, ExitCode.DONE
    if code == "decides-nothing":
        word, ending = "interrupted", ExitCode.INTERRUPTED
        advice = f"{verdict.evidence[0].text} {phrase(code)}"
    elif verdict.word == UNDECIDED:
        word, advice = UNDECIDED, f"{answer(verdict)} {phrase(code)}"
        ending = ExitCode.DONE if code == "about-a-class" else ExitCode.UNDECIDED
    else:
        word = verdict.word
        advice = f"{answer(verdict)} {phrase('see-evidence' if word == UNSUITABLE else 'plan-not-proof')}"
    status = Status(word, advice, ending)
    return result.changed(status=status, seed=seed, seconds=time.perf_counter() - start)
