"""CMA-ES of many chains: against closed forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.covariance import CovarianceAdaptation
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.polish import MANY, Polish
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]


def landscape(error: Callable[[Array], Array], d: int, limit: int = 100_000) -> Landscape:
    cube = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(d)})
    return Landscape(Evaluator(Problem(error, lambda x: 0 * x[:, 0], cube)), Limit(evaluations=limit))


def long_and_narrow(d: int, seed: int) -> Callable[[Array], Array]:
    """A turned parabola of value 1 at 0.4, whose half-axes differ by a factor of 1,000."""
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]
    scale = np.geomspace(1.0, 1e3, d)
    return lambda x: 1 / (1 + (((x - 0.4) @ turn * scale) ** 2).sum(axis=1))


@pytest.mark.parametrize("d", [2, 5])
def test_a_long_narrow_peak_is_reached_within_the_stated_cost(d: int) -> None:
    scape = landscape(long_and_narrow(d, 7), d)
    u = np.full((1, d), 0.45)
    search = CovarianceAdaptation()
    ends, best = search.run(scape, u, scape.score(u), 0.01, np.random.default_rng(0), search.cost(d))
    assert best[0] > 1 - 1e-6
    np.testing.assert_allclose(ends, 0.4, atol=2e-3)
    np.testing.assert_array_equal(scape.score(ends), best)


def test_a_peak_on_a_face_stays_in_the_box() -> None:
    scape = landscape(lambda x: 1 + x[:, 0] - (x[:, 1] - 0.3) ** 2, 2)
    u = np.array([[0.9, 0.5]])
    ends, best = CovarianceAdaptation().run(scape, u, scape.score(u), 0.05, np.random.default_rng(1))
    assert best[0] > 2 - 1e-9
    assert ((ends >= 0) & (ends <= 1)).all()


def test_the_worse_half_is_given_up_and_nothing_gets_worse() -> None:
    scape = landscape(lambda x: np.cos(9 * x[:, 0]) + np.cos(7 * x[:, 1]), 2)
    u = np.random.default_rng(2).random((8, 2))
    score = scape.score(u)
    before = scape.spent
    ends, best = CovarianceAdaptation().run(scape, u, score, 0.01, np.random.default_rng(3), 1000)
    assert (best >= score).all()
    assert scape.spent - before <= 1000
    np.testing.assert_array_equal(scape.score(ends), best)


def test_a_plateau_ends_at_once() -> None:
    scape = landscape(lambda x: np.ones(len(x)), 3)
    u = np.full((2, 3), 0.5)
    CovarianceAdaptation().run(scape, u, scape.score(u), 0.01, np.random.default_rng(0))
    assert scape.spent < 500


@pytest.mark.parametrize("hole", [np.nan, np.inf, 1e308])
def test_values_that_are_no_numbers_or_huge_do_not_end_it(hole: float) -> None:
    def error(x: Array) -> Array:
        return np.asarray(np.where(x[:, 0] > 0.5, hole, x[:, 0] + x[:, 1]))

    scape = landscape(error, 2)
    u = np.array([[0.45, 0.45]])
    ends, best = CovarianceAdaptation().run(scape, u, scape.score(u), 0.1, np.random.default_rng(0))
    assert best[0] >= (1.5 - 1e-6 if np.isnan(hole) else hole)
    np.testing.assert_array_equal(scape.score(ends), best)


def test_black_boxes_of_few_inputs_get_it_where_the_budget_is_large_enough() -> None:
    assert Polish().adapts(landscape(lambda x: x[:, 0], 2), 1000)
    assert not Polish().adapts(landscape(lambda x: x[:, 0], 2), 200)
    assert not Polish().adapts(landscape(lambda x: x[:, 0], MANY), 10**9)
