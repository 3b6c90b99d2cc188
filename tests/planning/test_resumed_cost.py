"""A resumed budget plans with the first run's cost of a call: everything comes out of the store, in no time."""

import time

import numpy as np

from supnorm.evaluation import EvaluationStore
from supnorm.planning.question import ask
from supnorm.problem import Domain, Problem


def slow(x):
    time.sleep(0.002 * len(x))
    return x[:, 0] ** 2


def test_the_cost_of_a_call_comes_with_the_store(tmp_path):
    problem = Problem(None, slow, Domain(x=(0.0, 1.0)))
    callers = []
    for _ in range(2):
        store = EvaluationStore(tmp_path / "evaluations.sqlite", "same")
        question = ask(problem, 1e-3, "sup", None, np.random.default_rng(0), store)
        callers.append(question.target.caller)
        store.close()
    first, again = callers
    assert first.expensive
    assert again.called == 0
    assert again.cost == first.cost > 1e-3
