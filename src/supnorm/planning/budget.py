"""The verb `budget`: from numbers alone, or for a function that is profiled and, with a trainer, climbed.

From numbers it takes milliseconds. For a function the profile spends ``calls`` evaluations (fewer for an
expensive one: about 40 seconds' worth, but at least 500), a ladder its trainings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.executor import broken_workers_explained, spread
from supnorm.evaluation.store import EvaluationStore
from supnorm.evaluation.threads import one_thread
from supnorm.planning.caveats import caveats
from supnorm.planning.charts import error_curves, tolerance_table
from supnorm.planning.climbing import Climbing, read_trainers
from supnorm.planning.constructions import constructions
from supnorm.planning.guarantees import guarantees
from supnorm.planning.ladder import Ladder
from supnorm.planning.numbers import from_numbers
from supnorm.planning.pilot import Trial, pilot, pilot_calls
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.profile import profile
from supnorm.planning.profile.target import Target
from supnorm.planning.question import (
    DEFAULT_CALLS,
    PROFILE_SECONDS,
    Plan,
    Question,
    as_problem,
    ask,
    read_norm,
)
from supnorm.planning.result import BudgetResult, Fooled
from supnorm.planning.table import as_table, read_table, table_profile
from supnorm.planning.theory import ClassBound, NetworkClass
from supnorm.planning.verdict import UNDECIDED, UNSUITABLE, Verdict, verdict
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
    purse: int = 100_000,
    calls: int | None = None,
    trainer: Any = None,
    samples: Sequence[int] = (32, 64, 128, 256, 512, 1024, 2048),
    widths: Sequence[int] = (24,),
    seeds: int = 4,
    ladder: Ladder | None = None,
    ladder_file: Path | str | None = None,
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
            what the class holds against these points (``result.fooled``).
        purse: samples that may be spent on the surrogate.
        calls: evaluations for the profile.
        trainer: climbs a ladder with it: ``trainer(x, y, width, seed)`` with x of shape ``(m, d)`` in the unit
            cube, y of shape ``(m,)``, which returns a model or a `Trained`; or a `fit` strategy that takes
            samples, such as ``NetworkFit()``. Several, in a list or by name, are climbed with equal rungs.
        samples, widths: the rungs. The ladder in samples has the largest width; three widths or more are a
            second ladder, in width, with the most samples.
        seeds, ladder_file: the trainings a rung and where runs are kept.
        ladder: one that was climbed before.
        seed: of every random choice.
        workers, executor, store: where expensive evaluations and trainings run, and where evaluations are kept.
        observer: gets, for a function whose calls take more than two seconds, `Planned` (about how many, and how long),
            `Advanced` now and then, and `Finished`; of a ladder its own events, with its time estimate.

    Raises:
        BadInput: for a missing tolerance or domain, or numbers out of range.

    >>> result = budget(inputs=12, smoothness=2, tolerance=1e-3)
    >>> result.verdict.word, round(result.guarantee[0].log10, 1)
    ('undecided', 10.1)
    """
    start = time.perf_counter()
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
            ladder,
            purse,
            fourier,
            stability,
            composition,
            manifold,
        )
        return _finish(parts, seed, start)
    if inputs is not None or smoothness is not None:
        raise BadInput("inputs and smoothness are for numbers alone; a function brings its own domain")
    rng = np.random.default_rng(seed)
    climbing = Climbing(
        trainers=read_trainers(trainer), samples=samples, widths=widths, seeds=seeds, seed=seed,
        path=None if ladder_file is None else Path(ladder_file), observer=observer,
    )  # fmt: skip
    told: dict[str, Any] = {}
    if isinstance(problem, Problem) and problem.reference.table is not None:
        problem, domain, tolerance, told = as_table(problem, output, tolerance)
    ladders: tuple[Ladder, ...] = (ladder,) if ladder is not None else ()
    if isinstance(problem, tuple):
        table = read_table(problem, domain, tolerance, norm, **told)
        plan, measured = table.question, table_profile(table, rng)
        ladders += tuple(climbing.of_table(table.x, table.y, table.metric))
        parts = _from_profile(plan, measured, ladders, shape, purse, tuple, table.x)
        if table.contradiction:
            parts["verdict"] = Verdict(
                UNSUITABLE, "further inputs, which tell these rows apart", (table.contradiction,)
            )
    else:
        given = as_problem(problem, domain, tolerance)
        with spread(given, workers, executor) as pool:
            planned = partial(_calls, calls=calls)
            question = ask(given, tolerance, norm, output, rng, store, pool, workers, planned, observer)
            points = None if data is None else _unit(data, question)
            target = question.target
            most = _calls(target.caller.cost, calls)
            if calls is None and most < DEFAULT_CALLS:
                question = replace(question, notes=(*question.notes, _timed(most, target.caller.cost)))
            plan, measured = question, profile(target, rng, most, points)
            with question.count.paused():
                ladders += tuple(climbing.of_function(target, question.metric, pool, workers))
            tries = partial(_pilot, target, measured, question, purse, most, rng)
            parts = _from_profile(plan, measured, ladders, shape, purse, tries, points)
            question.count.end()
    more = "the function itself in place of the table" if isinstance(problem, tuple) else "more calls"
    return _finish(parts, seed, start, more)


def _pilot(
    target: Target, measured: Profile, question: Question, purse: int, calls: int, rng: np.random.Generator
) -> tuple[Trial, ...]:
    """Pilot fits, where they can say something: a bounded function on a whole box."""
    whole = not target.domain.constraints and target.domain.cloud is None
    if measured.hazards.hopeless or measured.hazards.not_finite or not whole:
        return ()
    question.count.expect(pilot_calls(purse, calls))
    return pilot(target, question.eps, question.p, purse, calls, rng)


def _from_profile(
    question: Plan,
    measured: Profile,
    ladders: tuple[Ladder, ...],
    shape: NetworkClass | None,
    purse: int,
    tries: Callable[[], tuple[Trial, ...]],
    data: Array | None,
) -> dict[str, Any]:
    def rows(eps: float) -> tuple[list[ClassBound], list[ClassBound]]:
        return guarantees(measured, eps, question.p, shape), constructions(measured, eps)

    guarantee, construction = rows(question.eps)
    table = tolerance_table(rows, ladders, question.eps)
    return {
        "title": question.title,
        "inputs": measured.names,
        "output": question.output,
        "tolerance": question.eps,
        "p": question.p,
        "guarantee": tuple(guarantee),
        "construction": tuple(construction),
        "ladders": ladders,
        "caveats": tuple(caveats(measured, ladders, guarantee, question.eps, question.p, table=table)),
        "verdict": verdict(measured, construction, ladders, question.eps, question.p, purse, tries),
        "profile": measured,
        "table": tuple(table),
        "curves": tuple(error_curves(table, ladders)),
        "notes": (*question.notes, *_missing(measured)),
        "law": question.law,
        "fooled": _fooled(measured, guarantee, data),
    }


def _fooled(measured: Profile, guarantee: list[ClassBound], data: Array | None) -> tuple[Fooled, ...]:
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
        found.append(Fooled(row.name, len(data), member.height, place))
    return tuple(found)


def _missing(measured: Profile) -> tuple[str, ...]:
    found = measured.hazards
    if not found.not_finite:
        return ()
    return (
        f"{found.not_finite} of {found.scanned} points scanned in the domain had no finite value: nothing here "
        "covers them; name where the function exists as constraints of the domain",
    )


def _finish(found: dict[str, Any], seed: int, start: float, more: str = "") -> BudgetResult:
    """The result; ``more`` is what to give where the answer is undecided."""
    answer = found["verdict"]
    undecided = answer.word == UNDECIDED and found["profile"] is not None
    advice = {
        "undecided": f"Undecided: give {more}, or a trainer to climb a ladder with (--ladder).",
        "unsuitable": "No method known here promises this tolerance; see the evidence for what can be done.",
    }.get(answer.word, f"Use: {answer.tool}. Audit whatever you build: a budget is a plan, not a proof.")
    if found["profile"] is None:
        advice = (
            "Numbers about a class. Give the function itself for a profile, and a trainer for a forecast."
        )
    status = Status(answer.word, advice, ExitCode.UNDECIDED if undecided else ExitCode.DONE)
    return BudgetResult(
        **found, status=status, seed=seed, seconds=time.perf_counter() - start, versions=versions()
    )


def _unit(data: Array, question: Question) -> Array:
    points = np.asarray(data, dtype=float)
    if points.ndim != 2 or points.shape[1] != question.target.d:
        raise BadInput(f"data must have shape (N, {question.target.d}), got {points.shape}")
    return question.target.domain.to_unit(points)


def _timed(calls: int, cost: float) -> str:
    return (
        f"up to {calls:,} evaluations were planned because one took {cost:.2g} s here; a faster or slower run plans others, "
        f"and may answer otherwise: --calls {calls} repeats this one"
    )


def _calls(cost: float, calls: int | None) -> int:
    if calls is not None:
        if calls < 500:
            raise BadInput(f"calls must be at least 500, got {calls}")
        return calls
    return int(np.clip(PROFILE_SECONDS / max(cost, 1e-9), 500, DEFAULT_CALLS))
