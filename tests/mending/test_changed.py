"""Harm is looked for where the models differ: at peaks of the difference, and where the old model was right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.mending.cases import SQUARE

import supnorm as sn
from supnorm.evaluation.limit import Limit
from supnorm.mending.both import Both
from supnorm.mending.changed import where_changed
from supnorm.mending.task import Task, Wrong
from supnorm.mending.verdict import Compared, Harm, against, judge
from supnorm.problem import ErrorMeasure, Function
from supnorm.training.reference_points import ReferencePoints

Array = Any


def near(x: Array, centre: tuple[float, float], radius: float) -> Array:
    return np.linalg.norm(x - np.array(centre), axis=1) < radius


def wide(x: Array) -> Array:
    """A region of a tenth of the square, where the old model is wrong by 1."""
    return 1.0 * near(x, (0.3, 0.2), 0.36)


def narrow(x: Array) -> Array:
    """Two hundredths of this region across, where it is right."""
    return 1.0 * near(x, (0.45, 0.05), 0.025)


def reference(x: Array) -> Array:
    return np.sin(x[:, 0]) + narrow(x)


def old(x: Array) -> Array:
    return np.sin(x[:, 0]) + np.maximum(wide(x), narrow(x))


def task_of(model: Any, truth: Any, error: ErrorMeasure | None = None) -> Task:
    problem = sn.Problem(model, truth, SQUARE, error or ErrorMeasure())
    points = ReferencePoints(problem, 0)
    return Task(problem, points, Wrong.none(2), 1.0, 0.1, None, Limit(), Limit(), 0, lambda event: None)


def test_from_an_infinite_error_to_another_none_grows() -> None:
    assert Harm(np.zeros(1), np.inf, np.inf, 0).growth == 0.0


def growth(task: Task, found: Both) -> float:
    assert np.array_equal(found.before, task.errors(task.problem.model, found.x, found.y))
    return float(found.growth.max(initial=0.0))


@pytest.mark.parametrize("seed", range(3))
def test_a_bump_in_which_the_old_model_was_right_is_found(seed: int) -> None:
    """Half a thousandth of the square, 0.005 of the part where the models differ."""
    task = task_of(old, reference)
    mended = Function(lambda x: np.sin(x[:, 0])[:, None])
    found = where_changed(task, mended, 0.1, 2500, seed)
    assert growth(task, found) == 1.0
    assert task.truth.spent <= 2600


def test_a_spike_of_the_mended_model_is_found_although_the_error_is_asked_at_few_points() -> None:
    """The difference is free: 100 calls of the reference see a spike that fills a thousandth of the square."""

    def spike(x: Array) -> Array:
        return np.exp(-((x - np.array([-0.41, 0.63])) ** 2).sum(axis=1) / 0.001)

    task = task_of(lambda x: np.sin(x[:, 0]), lambda x: np.sin(x[:, 0]))
    mended = Function(lambda x: (np.sin(x[:, 0]) + spike(x))[:, None])
    peaks = [growth(task, where_changed(task, mended, 0.1, 100, seed)) for seed in range(3)]
    assert min(peaks) > 0.5


def test_models_that_are_the_same_cost_few_calls() -> None:
    task = task_of(old, reference)
    found = where_changed(task, task.problem.model, 0.1, 2500, 0)
    assert growth(task, found) == 0.0
    assert task.truth.spent <= 1100  # no point lies where they differ


@pytest.mark.parametrize(
    "error",
    [
        ErrorMeasure("relative", floor=0.5),
        ErrorMeasure("scaled", scale=2.0),
        ErrorMeasure("function", function=lambda m, f, x: np.abs(m - f)),
        ErrorMeasure(mask=lambda x, y: x[:, 0] > -2.0),
        ErrorMeasure(tolerance=(0.5,)),
    ],
)
def test_any_measure_of_the_error_is_looked_at(error: ErrorMeasure) -> None:
    task = task_of(old, reference, error)
    found = where_changed(task, Function(lambda x: np.sin(x[:, 0])[:, None]), 0.1, 2500, 0)
    assert growth(task, found) > 0.4


def test_the_time_ends_the_verdict_and_few_points_accept_no_model() -> None:
    ticks = iter(range(10**9))
    task = task_of(old, reference)
    task.limit = task.whole = Limit.of(5.0, clock=lambda: 1.0 * next(ticks))  # a second for each look at it
    verdict = judge(task, Function(lambda x: reference(x)[:, None]), [], 100, expensive=False)
    assert verdict.compared.n < 100
    assert [reason.code for reason in verdict.against] == ["few-compared"]


def test_an_error_that_is_smaller_by_rounding_alone_is_the_same() -> None:
    task, same = task_of(old, reference), Compared(2000, 0.1, 0.1, 0)
    harm = Harm(np.zeros(2), 1.0, 1.0, 100)
    assert [one.code for one in against(task, 1.0 - 1e-12, harm, same)] == ["not-smaller"]
    assert against(task, 0.99, harm, same) == []


def test_the_verdict_says_it() -> None:
    task = task_of(old, reference)
    verdict = judge(task, Function(lambda x: np.sin(x[:, 0])[:, None]), [], 10_000, expensive=False)
    assert verdict.harm.growth == 1.0
    assert not verdict.accepted
