"""The verb `budget`: from numbers alone, or for a function that is profiled and, with a trainer, measured.

From numbers it takes milliseconds. For a function the profile spends ``calls`` evaluations (fewer for an
expensive one: about 40 seconds' worth, but at least 500), a learning curve its trainings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.executor import broken_workers_explained, spread
from supnorm.evaluation.store import EvaluationStore
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.planning.cost import declare, demand_seconds
from supnorm.planning.curves import CurveMeasurement, read_trainers
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.numbers import from_numbers
from supnorm.planning.question import Question, as_problem, ask, read_norm
from supnorm.planning.result import BudgetResult
from supnorm.planning.table import as_table, read_table
from supnorm.planning.theory import NetworkClass
from supnorm.planning.verdict import UNDECIDED
from supnorm.planning.work import Work, planned_calls
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, ExitCode, Status, versions

Array = NDArray[np.float64]


@broken_workers_explained()
@one_thread()
def budget(
    problem: Problem | Callable[..., Any] | tuple[Array, Array] | None = None,
    domain: Domain | None = None,
    *,
    tolerance: float | None = None,
    norm: str | float = "sup",
    inputs: int | None = None,
    smoothness: float | None = None,
    derivative_scales: float | Sequence[float] = 1.0,
    rho: Sequence[float] | None = None,
    noise: float = 0.0,
    fourier: float | None = None,
    stability: float | None = None,
    composition: Sequence[tuple[float, float]] = (),
    manifold: float | None = None,
    shape: NetworkClass | None = None,
    output: int | str | None = None,
    data: Array | None = None,
    sample_budget: int = 100_000,
    calls: int | None = None,
    cost: float | None = None,
    trainer: Any = None,
    samples: Sequence[int] = (32, 64, 128, 256, 512, 1024, 2048),
    widths: Sequence[int] = (24,),
    seeds: int = 4,
    curve: MeasuredCurve | None = None,
    curve_file: Path | str | None = None,
    seed: int = 0,
    workers: int = 1,
    executor: Executor | None = None,
    store: EvaluationStore | None = None,
    observer: Callable[[Any], None] = lambda event: None,
) -> BudgetResult:
    """How many samples and weights a tolerance costs, which exceptions apply, and whether a network is the
    tool.

    Args:
        problem: a `Problem`; a function ``(n, d) -> (n,)`` or ``(n, m)``; a table ``(x, y)``, shapes
            ``(N, d)`` and ``(N,)``; None for numbers alone.
        domain: of the function, when ``problem`` is not a `Problem`; of a table its box by default.
        tolerance: the largest error allowed, in the problem's error measure; by default the problem's own.
        norm: ``"sup"``, ``"l2"``, ``"l1"`` or a number p >= 1.
        inputs, smoothness, derivative_scales, rho, noise, fourier, stability, composition, manifold: the class,
            for numbers alone; see `theory`.
        shape: a network class to speak about as well.
        output: which output is planned; by default the hardest.
        data: inputs of the law, shape ``(N, d)``, in the domain's units: for the intrinsic dimension, and for
            what the class holds against these points (``result.fooling_functions``).
        sample_budget: samples that may be spent on the surrogate.
        calls: evaluations for the profile.
        cost: seconds that a call takes a point, which decides how many are planned; by default the first calls tell. With
            the same cost the same seed gives the same result.
        trainer: measures a learning curve with it: ``trainer(x, y, width, seed)`` with x of shape ``(m, d)`` in the unit
            cube, y of shape ``(m,)``, which returns a model or a `Trained`; or a `fit` strategy that takes
            samples, such as ``NetworkFit()``. Several, in a list or by name, are measured with equal training sizes.
        samples, widths: the training sizes. The learning curve in samples has the largest width; three widths or more are a
            second learning curve, in width, with the most samples.
        seeds, curve_file: the trainings for each training size, and where runs are kept.
        curve: one that was measured before.
        seed: of every random choice.
        workers, executor, store: where expensive evaluations and trainings run, and where evaluations are kept.
        observer: gets, for a function whose calls take more than two seconds, `Planned` (about how many, and how long),
            `Advanced` now and then, and `Finished`; of a learning curve its own events, with its time estimate.

    Ctrl-C ends it with what was measured until then, as soon as there is anything: the status is ``"interrupted"``, and
    the verdict decides nothing.

    Raises:
        BadInput: for a missing tolerance or domain, or numbers out of range.
        KeyboardInterrupt: before the first points have a value.

    >>> result = budget(inputs=12, smoothness=2, tolerance=1e-3)
    >>> result.verdict.word, round(result.guarantee[0].log10, 1)
    ('undecided', 10.1)
    """
    start = time.perf_counter()
    demand_seconds(cost)
    if problem is None:
        parts = from_numbers(
            inputs,
            smoothness,
            tolerance,
            read_norm(norm),
            derivative_scales,
            rho,
            noise,
            shape,
            curve,
            sample_budget,
            fourier,
            stability,
            composition,
            manifold,
        )
        return _finish(parts, seed, start)
    if inputs is not None or smoothness is not None:
        raise BadInput("inputs and smoothness are for numbers alone; a function brings its own domain")
    rng = np.random.default_rng(seed)
    measurement = CurveMeasurement(
        trainers=read_trainers(trainer), samples=samples, widths=widths, seeds=seeds, seed=seed,
        path=None if curve_file is None else Path(curve_file), observer=observer,
    )  # fmt: skip
    told: dict[str, Any] = {}
    if isinstance(problem, Problem) and problem.reference.table is not None:
        problem, domain, tolerance, told = as_table(problem, output, tolerance)
    work = Work(measurement, () if curve is None else (curve,), shape, sample_budget)
    try:
        if isinstance(problem, tuple):
            parts = work.of_table(read_table(problem, domain, tolerance, norm, **told), rng)
        else:
            given = as_problem(problem, domain, tolerance)
            planned = partial(planned_calls, calls=calls)

            def begin(pool: Executor | None) -> Question:
                return ask(
                    given, tolerance, norm, output, rng, store, pool, workers, planned, observer,
                    lambda caller: declare(caller, cost),
                )  # fmt: skip

            with spread(given, workers, executor) as pool:
                parts = work.of_function(begin, data, calls, rng, pool, workers)
    except KeyboardInterrupt:
        if work.plan is None:
            raise
        INTERRUPTS.taken()
        return _finish(work.unfinished(), seed, start, interrupted=True)
    more = "the function itself in place of the table" if isinstance(problem, tuple) else "more calls"
    return _finish(parts, seed, start, more)


def _finish(
    found: dict[str, Any], seed: int, start: float, more: str = "", interrupted: bool = False
) -> BudgetResult:
    """The result; ``more`` is what to give where the answer is undecided."""
    answer = found["verdict"]
    undecided = answer.word == UNDECIDED and found["profile"] is not None
    advice = {
        "undecided": f"Undecided: give {more}, or a trainer to measure a learning curve with (--learning-curve).",
        "unsuitable": "No method known here promises this tolerance; see the evidence for what can be done.",
    }.get(answer.word, f"Use: {answer.tool}. Audit whatever you build: a budget is a plan, not a proof.")
    if interrupted:
        said = f"{answer.evidence[0].capitalize()}: this is what was measured until then, and it decides nothing."
        status = Status("interrupted", said, ExitCode.INTERRUPTED)
        return BudgetResult(
            **found, status=status, seed=seed, seconds=time.perf_counter() - start, versions=versions()
        )
    if found["profile"] is None:
        advice = (
            "Numbers about a class. Give the function itself for a profile, and a trainer for a forecast."
        )
    status = Status(answer.word, advice, ExitCode.UNDECIDED if undecided else ExitCode.DONE)
    return BudgetResult(
        **found, status=status, seed=seed, seconds=time.perf_counter() - start, versions=versions()
    )
