"""Jumps are found where they are, and steep or kinked functions are not called jumps."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from supnorm.evaluation import limit
from supnorm.problem import Axis, Domain, Problem
from supnorm.training.breaks import find_jump

fitting = importlib.import_module("supnorm.training.fit")  # the room has a function of this name

CUBE = Domain(a=(0.0, 1.0), p=Axis(1.0, 100.0, scale="log"), c=(-1.0, 1.0))


@pytest.mark.parametrize("seed", range(5))
def test_a_jump_across_a_plane(seed):
    def f(x):
        return np.where(x[:, 0] < 0.37, 0.0, 1.5)[:, None] + x[:, 2:3]

    found = find_jump(f, CUBE, np.random.default_rng(seed))
    assert found.size == pytest.approx(1.5, abs=1e-6)
    assert found.x[0] == pytest.approx(0.37, abs=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.abs(x[:, :1] - 0.4),
        lambda x: np.tanh(1e3 * (x[:, :1] - 0.4)),
        lambda x: np.sqrt(np.abs(x[:, :1] - 0.4)),
        lambda x: np.zeros((len(x), 1)),
        lambda x: np.full((len(x), 1), np.nan),
    ],
)
def test_continuous_functions_have_none(f):
    assert find_jump(f, CUBE, np.random.default_rng(0)) is None


def test_it_ends_when_its_time_is_up():
    """A reference that became slow: calls were made for a minute in a fit of eight seconds."""
    calls = []

    def f(x):
        calls.append(len(x))
        return np.where(x[:, :1] < 0.37, 0.0, 1.5)

    for most in (0, 1, 5, 30):
        calls.clear()
        found = find_jump(f, CUBE, np.random.default_rng(0), late=lambda most=most: len(calls) >= most)
        assert len(calls) == most
        # A whole line has 27 calls; half a bisection finds nothing.
        assert (found is not None) == (most == 30)


@pytest.mark.slow
def test_a_fit_gives_it_a_part_of_its_time(monkeypatch):
    asked, now = [], [0.0]
    monkeypatch.setattr(limit, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def looked(value, domain, rng, lines=8, points=65, late=None):
        asked.append(late())
        for _ in range(400):
            if late():
                return None
            now[0] += 0.01
        pytest.fail("it may look as long as it likes")

    monkeypatch.setattr(fitting, "find_jump", looked)
    problem = Problem(None, lambda x: np.sin(3 * x[:, :1]), Domain(a=(0.0, 1.0)), tolerance=0.1)
    fitting.fit(problem, seconds=2.0, max_evaluations=20_000, method="polynomial")
    assert asked == [False]
