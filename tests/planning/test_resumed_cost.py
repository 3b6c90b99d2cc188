"""A resumed budget plans with the first run's cost of a call: everything comes out of the store, in no time."""

import time

import numpy as np
import pytest
from tests.clocks import Ticking

from supnorm.evaluation import EvaluationStore
from supnorm.planning import PlanningCalls, budget
from supnorm.planning.question import ask
from supnorm.problem import Domain, Problem


def slow(x):
    time.sleep(0.002 * len(x))
    return x[:, 0] ** 2


@pytest.mark.slow
def test_the_cost_of_a_call_comes_with_the_store(tmp_path):
    problem = Problem(None, slow, Domain(x=(0.0, 1.0)))
    callers = []
    for _ in range(2):
        store = EvaluationStore(tmp_path / "evaluations.sqlite", "same")
        question = ask(problem, 1e-3, np.inf, None, np.random.default_rng(0), PlanningCalls(store=store))
        callers.append(question.target.caller)
        store.close()
    first, again = callers
    assert first.expensive
    assert again.called == 0
    assert again.cost == first.cost > 1e-3


def test_a_first_call_that_compiles_does_not_make_a_cheap_reference_dear(monkeypatch):
    """Two runs of the same command planned 45,000 and 3,700 calls, by how long the compilation took."""
    called = []

    def compiled(x):
        clock.now += 0.0 if called else 0.4
        called.append(len(x))
        return np.sin(x[:, 0])

    clock = Ticking(1e-4, compiled, monkeypatch)
    question = ask(
        Problem(None, clock.reference, Domain(x=(0.0, 1.0))), 1e-3, np.inf, None, np.random.default_rng(0)
    )
    assert question.target.caller.cost == pytest.approx(1e-4)
    assert sum(called) <= 3 * 256


@pytest.mark.slow
def test_a_plan_that_depends_on_the_clock_says_so():
    def dear(x):
        time.sleep(0.001 * len(x))
        return x[:, 0] ** 2

    domain = Domain(x=(0.0, 1.0))
    timed = budget(dear, domain, tolerance=0.1, sample_budget=100, calls=None)
    assert any("--calls" in note.text for note in timed.notes)
    fixed = budget(dear, domain, tolerance=0.1, sample_budget=100, calls=500)
    assert not any("--calls" in note.text for note in fixed.notes)
