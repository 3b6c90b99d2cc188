"""Runs one tool on one task and judges what it says: only what the benchmark evaluates itself counts as found."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.problems import Instance

from benchmarks.bench.tasks import Task
from benchmarks.bench.tool import Answer, Cannot, Tool, View
from benchmarks.search.objective import Exhausted
from supnorm.problem import Problem

SECONDS = 10.0  # of processor time that a run may take
OVER = 1.02, 20  # calls beyond the budget that are let pass: probes and rechecks
EXACT = 1e-9  # relative difference of an error that is evaluated twice
Run = dict[str, Any]


def run(tool: Tool, task: Task, instance: Instance, seed: int, seconds: float = SECONDS) -> Run:
    """One run.

    Returns:
        ``best`` and ``at``: the largest error that the benchmark saw, and its input; None without one. ``upper``: the
        bound. ``calls`` of the model, ``evaluations`` through the task, ``seconds`` of processor time of the thread.
        ``note``: why there is nothing, or ``over budget``, or that a stated error is not there.
    """
    view = View(task.name, instance.problem, task.evaluations, seconds)
    answer, note, start = Answer(), "", time.thread_time()
    with view.within(seconds):
        try:
            answer = _checked(tool.find_worst(view, task.evaluations, seed), view.d)
        except Exhausted:
            raise
        except Cannot as reason:
            note = f"cannot: {reason}"
        except Exception as error:  # of somebody's code: it is said, and the other tasks go on
            note = f"failed: {type(error).__name__}: {error}".splitlines()[0][:200]
    took = time.thread_time() - start
    if view.late and not note:
        note = f"ended after {seconds:g} s"
    best, at = view.best, view.at
    if answer.point is not None and not view.read:
        error = _error_at(instance.problem, answer.point[None])
        if error > best:
            best, at = error, answer.point
    if answer.value is not None and answer.value > best * (1 + EXACT):
        note = f"states {answer.value:.6g} where there is {best:.6g}"
    if view.calls > OVER[0] * task.evaluations + OVER[1] and not view.read:
        best, at, note = -np.inf, None, f"over budget: {view.calls:,} calls of {task.evaluations:,}"
    return {
        "best": None if best == -np.inf else str(best) if np.isinf(best) else float(best),
        "at": None if at is None else [float(v) for v in at],
        "upper": answer.upper,
        "calls": view.calls,
        "evaluations": view.spent,
        "seconds": round(took, 4),
        "note": note,
    }


def _checked(answer: Answer | None, d: int) -> Answer:
    """What a tool returned, with numbers as numbers; a TypeError or ValueError where it is something else."""
    if answer is None:
        return Answer()
    if not isinstance(answer, Answer):
        raise TypeError(f"find_worst returned {type(answer).__name__}, not an Answer or None")
    point = None if answer.point is None else np.asarray(answer.point, dtype=float).reshape(d)
    value, upper = (None if number is None else float(number) for number in (answer.value, answer.upper))
    if upper is not None and np.isnan(upper):
        raise ValueError("the bound is not a number")
    return Answer(point, value, upper)


def _error_at(problem: Problem, x: NDArray[np.float64]) -> float:
    """The error at one point; minus infinity outside of the domain and where there is none."""
    if not problem.domain.contains(x)[0]:
        return -np.inf
    with np.errstate(all="ignore"):
        error = problem.error(problem.model.value(x), problem.reference.value(x), x)[0][0]
    return -np.inf if np.isnan(error) else float(error)
