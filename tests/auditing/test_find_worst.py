"""A search alone finds what an audit finds, with fewer calls."""

from __future__ import annotations

import time

import numpy as np
import pytest

from supnorm.auditing import audit
from supnorm.auditing.find_worst import find_worst
from supnorm.problem import Axis, Domain, Problem

SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def bump(x):
    return x[:, 1] + 0.3 * np.exp(-(((x[:, 0] - 0.3) / 0.1) ** 2) - ((x[:, 1] - 0.6) / 0.1) ** 2)


def test_the_worst_point_and_the_rows():
    found = find_worst(Problem(bump, lambda x: x[:, 1], SQUARE), evaluations=3000)
    assert found.witness.error == pytest.approx(0.3, rel=1e-9)
    assert found.witness.x == pytest.approx([0.3, 0.6], abs=1e-4)
    assert found.rows.shape[1] == 2 + 1 + 1 + 2
    assert found.rows[0, 4] == pytest.approx(found.witness.error, rel=1e-9)
    assert (np.diff(found.rows[:, 4]) <= 0).all()


@pytest.mark.slow
def test_a_dear_reference_is_called_for_the_search_alone():
    calls = []

    def dear(x):
        calls.append(len(x))
        time.sleep(1.1e-3 * len(x))
        return x[:, 1]

    problem = Problem(bump, dear, SQUARE)
    find_worst(problem, evaluations=100)
    assert sum(calls) <= 100 + 20 + 5  # a probe of 8, its time and repetition, and the worst point alone
    calls.clear()
    audit(problem, evaluations=100)
    assert sum(calls) > 150


def test_points_of_a_finite_domain_are_all_seen():
    domain = Domain(a=Axis(values=(0.0, 1.0, 2.0)), b=Axis(values=(0.0, 5.0)))
    found = find_worst(Problem(lambda x: x[:, 0] * x[:, 1], lambda x: 0 * x[:, 0], domain), evaluations=1000)
    assert found.witness.error == 10.0
    assert len(found.rows) <= 6
