"""A budget that is stopped reports what was measured, and a resumed one ends as if nothing had been; costs are recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.evaluation import EvaluationStore, caller, probe
from supnorm.pages.budget_page import budget_page
from supnorm.planning import LearningCurve, PlanningCalls, budget
from supnorm.planning.learning_curve import TrainingEnded
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.results.budget import BudgetRecord

Array = NDArray[np.float64]
SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


class Ticking:
    """A clock by which each call takes so many seconds a point, and Ctrl-C after so many points."""

    def __init__(self, seconds: float, stop: float = np.inf) -> None:
        self.seconds, self.stop, self.now, self.points = seconds, stop, 0.0, 0

    def perf_counter(self) -> float:
        return self.now

    def reference(self, x: Array) -> Array:
        self.points += len(x)
        if self.points > self.stop:
            self.stop = np.inf
            raise KeyboardInterrupt
        self.now += self.seconds * len(x)
        return np.asarray(np.exp(x[:, 0]) * np.cos(3 * x[:, 1]))


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Any:
    def begin(
        seconds: float, stop: float = np.inf, curve: LearningCurve | None = None, **calls: Any
    ) -> dict[str, Any]:
        clock = Ticking(seconds, stop)
        for module in (caller, probe):
            monkeypatch.setattr(module, "time", clock)
        found = budget(
            clock.reference,
            SQUARE,
            tolerance=1e-2,
            sample_budget=100,
            curve=curve,
            calls=PlanningCalls(**calls),
        ).to_dict()
        return {k: v for k, v in found.items() if k not in ("seconds", "versions")}

    return begin


def mean(x: Array, y: Array, width: int, seed: int) -> Any:
    return lambda u: np.full(len(u), y.mean() + 1e-3 * seed % 7 / len(y))


def test_calls_are_planned_by_a_recorded_cost(plan: Any) -> None:
    measured = plan(0.03)
    assert measured["cost"] == {
        "seconds": pytest.approx(0.03),
        "by": "measured",
        "calls": 1333,
        "tests": None,
    }
    (note,) = measured["notes"]
    assert "Up to 1,333 evaluations were planned because one took 0.03 s here" in note["text"]
    declared = plan(0.002, cost=measured["cost"]["seconds"])
    assert declared["cost"]["by"] == "declared"
    assert not declared["notes"]
    same = ("cost", "notes")
    assert {k: v for k, v in declared.items() if k not in same} == {
        k: v for k, v in measured.items() if k not in same
    }


def test_a_call_that_is_surely_cheap_needs_no_word(plan: Any) -> None:
    assert not plan(1e-6, most=500, curve=LearningCurve(trainers=mean, sizes=(8, 16, 32), repeats=1))["notes"]


def test_a_timing_near_a_threshold_of_the_learning_curve_is_told(plan: Any) -> None:
    found = plan(4e-4, most=500, curve=LearningCurve(trainers=mean, sizes=(8, 16, 32), repeats=1))
    assert found["cost"]["tests"] == 2000
    assert any("tested on 2,000 points each" in note["text"] for note in found["notes"])


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), "cheap", True])
def test_a_cost_is_a_number_of_seconds(cost: Any) -> None:
    with pytest.raises(BadInput, match="cost must be the seconds that a call takes"):
        PlanningCalls(cost=cost)


@pytest.mark.parametrize("stop", [300, 500, 700])
def test_stopped_and_resumed_it_ends_as_if_nothing_had_been(plan: Any, tmp_path: Path, stop: int) -> None:
    whole = plan(0.03)
    store = EvaluationStore(tmp_path / "budget.sqlite", "same")
    part = plan(0.03, stop, store=store)
    store.close()
    assert part["status"]["code"] == "interrupted"
    assert part["status"]["exit"] == 3
    assert part["verdict"]["word"] == "undecided"
    assert ("values-seen" in [e["code"] for e in part["verdict"]["evidence"]]) == (stop > 300)
    json.dumps(part, allow_nan=False)
    assert "You stopped the budget while" in budget_page(
        BudgetRecord.from_dict(part | {"seconds": 1.0, "versions": {}})
    )
    store = EvaluationStore(tmp_path / "budget.sqlite", "same")
    assert plan(1e-6, store=store) == whole  # its clock would plan another number of calls
    with pytest.raises(BadInput, match=r"a call counted as 0\.03 s in the run that is resumed"):
        plan(1e-6, store=store, cost=0.5)
    store.close()


def test_before_the_first_points_nothing_is_known(plan: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        plan(0.03, 100)


def test_a_learning_curve_that_is_stopped_reports_its_whole_training_sizes(plan: Any, tmp_path: Path) -> None:
    trained = []

    def stopped(x: Array, y: Array, width: int, seed: int) -> Any:
        trained.append(len(x))
        if len(trained) > 9:
            raise KeyboardInterrupt
        return mean(x, y, width, seed)

    def requested(trainer: Any, file: Path | None) -> LearningCurve:
        return LearningCurve(trainers=trainer, sizes=(8, 16, 32, 64, 128), repeats=2, file=file)

    path = tmp_path / "curve.jsonl"
    part = plan(0.03, most=500, curve=requested(stopped, path))
    assert part["status"]["code"] == "interrupted"
    assert part["profile"] is not None
    assert part["guarantee"]
    assert part["construction"]
    (curve,) = part["learning_curves"]
    # Of 128 one of two was trained.
    assert [point["size"] for point in curve["training_sizes"]] == [8, 16, 32, 64]
    whole = plan(0.03, most=500, curve=requested(mean, None))
    heard: list[Any] = []
    resumed = plan(0.03, most=500, curve=requested(mean, path), observer=heard.append)
    assert sum(isinstance(event, TrainingEnded) for event in heard) == 1
    assert resumed["verdict"] == whole["verdict"]
    assert resumed["learning_curves"][0]["training_sizes"] == whole["learning_curves"][0]["training_sizes"]
