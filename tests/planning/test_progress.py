"""What `budget` tells an observer about the calls of a function."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from supnorm.evaluation import Advanced, Finished
from supnorm.planning import PlanningCalls, budget, progress
from supnorm.planning.progress import CallCount, Planned
from supnorm.problem import Domain


@pytest.mark.slow
def test_the_plan_comes_with_the_first_calls_and_every_call_is_counted(monkeypatch):
    monkeypatch.setattr(progress, "LONG", 0.5)
    told, calls = [], []

    def slow(x):
        time.sleep(1.5e-3 * len(x))
        calls.append((len(told), len(x)))
        return np.exp(x[:, 0]) * x[:, 1]

    budget(
        slow,
        Domain(a=(0.0, 1.0), b=(0.5, 2.0)),
        tolerance=1e-3,
        calls=PlanningCalls(most=500, observer=told.append),
    )
    assert isinstance(told[0], Planned)
    assert isinstance(told[-1], Finished)
    plans = [e for e in told if isinstance(e, Planned)]
    assert plans[0].calls == 256 + 500
    assert plans[0].seconds >= 756 * 1.5e-3
    at = told.index(plans[0])
    # And not at the end.
    assert sum(n for before, n in calls if before <= at) <= 0.9 * sum(n for _, n in calls)
    done = [e.done for e in told if isinstance(e, Advanced)]
    assert done == sorted(done)
    assert 2 <= len(done) <= 12  # not one for every batch
    # The calls that time a point, at most the first 256 once more, are no evaluations of the plan.
    every = sum(n for _, n in calls)
    assert 0.5 * (every - 260) <= done[-1] < every


def test_a_first_call_that_compiles_is_not_taken_for_the_time_of_all():
    told = []
    caller = SimpleNamespace(cost=0.5, seconds=0.4, expensive=True, executor=None, heard=None)
    count = CallCount(caller, "f", lambda cost: 500, 1, told.append)
    count.hear(8)
    assert told == []  # 0.4 s of 8 points may be those of a compiler
    caller.cost, caller.seconds = 0.01, 0.48
    count.hear(8)
    assert told[0] == Planned("f", 500, 0.01, 5.0)
    caller.cost = 0.011
    count.tell()
    assert len([e for e in told if isinstance(e, Planned)]) == 1  # as good as before
    caller.cost = 0.02
    count.tell()
    assert told[-1] == Planned("f", 500, 0.02, 10.0)


def test_workers_share_the_time():
    told = []
    caller = SimpleNamespace(cost=1.0, seconds=8.0, expensive=True, executor=object(), heard=None)
    CallCount(caller, "f", lambda cost: 500, 4, told.append).hear(8)
    assert told[0].seconds == 125.0


def test_of_one_input_no_more_calls_are_made_than_were_asked_for():
    """Following the largest and the smallest value took 1,900 calls of 500."""
    calls = []

    def f(x):
        calls.append(len(x))
        return np.exp(x[:, 0])

    found = budget(f, Domain(x=(0.0, 1.0)), tolerance=1e-3, calls=500)
    assert sum(calls) <= 1.2 * (256 + 500)
    assert found.profile.kind == "geometric"


def test_of_a_quick_function_nothing_is_told():
    told = []
    budget(
        lambda x: x[:, 0],
        Domain(x=(0.0, 1.0)),
        tolerance=1e-3,
        calls=PlanningCalls(most=500, observer=told.append),
    )
    assert told == []
