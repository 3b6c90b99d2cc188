"""CMA-ES of many chains: against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.covariance import CovarianceAdaptation, _Chains, _rule
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


def test_a_chain_leaves_a_plateau_that_is_wider_than_its_step() -> None:
    scape = landscape(lambda x: 1 - 0.1 * np.floor(10 * np.abs(x - 0.5).max(axis=1)), 3)
    u = np.array([[0.85, 0.85, 0.2]])
    _, best = CovarianceAdaptation().run(scape, u, scape.score(u), 0.003, np.random.default_rng(0), 2000)
    assert best[0] == 1.0


@pytest.mark.parametrize(("d", "generations"), [(2, 10), (3, 15), (4, 20), (8, 20)])
def test_the_lower_chain_is_given_up_sooner_in_few_inputs(d: int, generations: int) -> None:
    scape = landscape(lambda x: x.sum(axis=1), d)
    u = np.stack([np.full(d, 0.1), np.full(d, 0.6)])
    search = CovarianceAdaptation(steps=generations + 1)
    search.run(scape, u, u.sum(axis=1), 0.001, np.random.default_rng(0))
    assert scape.spent == (2 * generations + 1) * search.points(d)
    assert replace(search, halve_every=0).between(d) == 0


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


def test_a_generation_changes_the_covariance_as_the_tutorial_writes_it() -> None:
    d, rng = 3, np.random.default_rng(5)
    rule = _rule(d, n := 9)
    chains = _Chains.at(np.full((1, d), 0.5), 0.1, rule, CovarianceAdaptation(), rng)
    points = 0.5 + 0.1 * rng.standard_normal((1, n, d))
    chains.adapt(points, rule, 0)
    # Equations 49 to 53 and table 1 of arXiv 1604.00772, with C = I before.
    raw = np.log((n + 1) / 2) - np.log(np.arange(1, n + 1))
    good, bad = raw[raw > 0][: n // 2], raw[raw < 0]
    mass, mass_bad = good.sum() ** 2 / (good**2).sum(), bad.sum() ** 2 / (bad**2).sum()
    one = 2 / ((d + 1.3) ** 2 + mass)
    many = min(1 - one, 2 * (0.25 + mass + 1 / mass - 2) / ((d + 2) ** 2 + mass))
    least = min(1 + one / many, 1 + 2 * mass_bad / (mass + 2), (1 - one - many) / (d * many))
    weights = np.concatenate(
        [good / good.sum(), np.zeros(n - len(good) - len(bad)), least * bad / -bad.sum()]
    )
    y = (points[0] - 0.5) / 0.1
    move = weights[: n // 2] @ y[: n // 2]
    along = (4 + mass / d) / (d + 4 + 2 * mass / d)
    short = (mass + 2) / (d + mass + 5)
    path = np.sqrt(short * (2 - short) * mass) * move
    mean_length = np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2))
    slow = float(np.linalg.norm(path) / np.sqrt(1 - (1 - short) ** 2) < (1.4 + 2 / (d + 1)) * mean_length)
    long = slow * np.sqrt(along * (2 - along) * mass) * move
    shape = (1 + one * (1 - slow) * along * (2 - along) - one - many * weights.sum()) * np.eye(d)
    shape += one * np.outer(long, long)
    for w, step in zip(weights, y, strict=True):
        shape += many * (w if w >= 0 else w * d / (step @ step)) * np.outer(step, step)
    np.testing.assert_allclose(chains.shape[0], shape, rtol=1e-12, atol=1e-14)


def test_what_is_left_looks_beyond_the_hill_that_was_found() -> None:
    """Ten hills an input; the start is on the flank of one beside the highest."""

    def hills(x: Array) -> Array:
        return np.asarray(
            1 / (1 + (20 * (x - 0.5) ** 2 + 0.1 - 0.1 * np.cos(20 * np.pi * (x - 0.5))).sum(axis=1))
        )

    for seed in (1, 2, 3):
        highest = []
        for alone in (0, 2):
            scape = landscape(hills, 2)
            u = np.array([[0.62, 0.42]])
            polish = Polish(alone=alone)
            ends, best = polish.run(scape, u, scape.score(u), 3000, np.random.default_rng(seed))
            assert scape.spent <= 3000 + len(u)
            np.testing.assert_array_equal(scape.score(ends), best)
            highest.append(best.max())
        assert highest[0] < 0.9
        assert highest[1] > 1 - 1e-6
