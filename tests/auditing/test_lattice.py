"""Many smooth peaks without derivatives: against closed forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.dividing import Dividing
from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lattice import Lattice
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]


def landscape(error: Callable[[Array], Array], d: int = 2, limit: int = 100_000) -> Landscape:
    cube = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(d)})
    return Landscape(Evaluator(Problem(error, lambda x: 0 * x[:, 0], cube)), Limit(evaluations=limit))


def ripples(x: Array) -> Array:
    """A hundred peaks, turned against the axes; the highest one has value 1 and stands at (0.62, 0.41)."""
    turned = (x - [0.62, 0.41]) @ np.array([[0.8, -0.6], [0.6, 0.8]])
    return 1 / (1 + (20 * turned**2 + 0.3 * (1 - np.cos(20 * np.pi * turned))).sum(axis=1))


def bowl(x: Array) -> Array:
    """A turned parabola of value 1 at 0.4, whose half-axes differ by a factor of 30."""
    turned = (x - 0.4) @ np.array([[0.8, -0.6], [0.6, 0.8]])
    return 1 - (turned**2 * [1.0, 900.0]).sum(axis=1) / 1000


def hat(x: Array) -> Array:
    return 1 - np.linalg.norm(x - 0.4, axis=1)


def test_an_ascent_by_differences_takes_tens_of_evaluations() -> None:
    scape = landscape(bowl)
    u = np.array([[0.45, 0.3]])
    ends = Lattice().ascend(scape, u, scape.score(u), 200, 30)
    assert ends.converged.all()
    assert ends.best[0] > 1 - 1e-9
    assert scape.spent <= 101


def test_a_kink_does_not_count_as_a_smooth_peak() -> None:
    scape = landscape(hat)
    u = np.array([[0.45, 0.3]])
    search = Lattice()
    ends = search.ascend(scape, u, scape.score(u), 1000, search.looks)
    assert not ends.converged.any()
    before = scape.spent
    many = np.random.default_rng(0).random((20, 2))
    search.run(scape, many, hat(many), 10_000)
    assert scape.spent - before <= search.looks * 5 + 4, "the other peaks are left alone"


@pytest.mark.parametrize("budget", [0, 3, 5, 17, 100])
def test_an_ascent_keeps_its_budget_and_the_box(budget: int) -> None:
    scape = landscape(lambda x: x.sum(axis=1))
    u = np.array([[0.9, 0.3], [1.0, 1.0], [0.2, 0.0]])
    ends = Lattice().ascend(scape, u, u.sum(axis=1), budget, 30)
    assert scape.spent <= budget
    assert (ends.best >= u.sum(axis=1)).all()
    assert ((ends.u >= 0) & (ends.u <= 1)).all()


def test_vectors_between_peaks_lead_to_the_highest_one() -> None:
    """Three peaks far from the highest one, and their ascents do not reach it: the lattice does."""
    steps = np.array([[0.08, 0.06], [-0.06, 0.08]])  # of the lattice, nearly
    far = np.array([[0.62, 0.41]]) + np.array([[2, 1], [1, 1], [2, 2]]) @ steps
    scape = landscape(ripples)
    search = Lattice()
    ends = search.ascend(scape, far, scape.score(far), 1000, search.steps)
    assert ends.converged.all()
    assert ends.best.max() < 0.9
    u, score = search.run(scape, far, scape.score(far), 2000)
    assert score.max() > 1 - 1e-9
    assert np.allclose(u[np.argmax(score)], [0.62, 0.41], atol=1e-4)


def test_holes_and_infinite_errors_do_not_end_it() -> None:
    def torn(x: Array) -> Array:
        return np.where(x[:, 0] > 0.7, np.nan, np.where(x[:, 1] > 0.9, np.inf, ripples(x)))

    scape = landscape(torn)
    u = np.random.default_rng(1).random((30, 2))
    score = scape.score(u)
    ends, best = Lattice().run(scape, u, score, 3000)
    assert len(ends) == len(best)
    assert best.max() >= score.max()
    assert not np.isnan(ends).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_search_finds_the_highest_of_a_hundred_peaks(seed: int) -> None:
    evaluator = landscape(ripples).evaluator
    explored(evaluator, ScreenAndAscent(), 3000, np.random.default_rng(seed))
    assert evaluator.worst > 1 - 1e-9


@pytest.mark.parametrize("d", [3, 5])
def test_a_peak_whose_curvature_jumps_counts_as_reached(d: int) -> None:
    """Its curvature depends on the direction, as at the minima of GKLS: quasi-Newton steps come near, and no nearer."""
    peak = np.linspace(0.3, 0.6, d)

    def turning(x: Array) -> Array:
        away = x - peak
        length = np.linalg.norm(away, axis=1)
        return np.asarray(1 / (1 + 5 * length**2 + 3 * length * away[:, 0] + 2 * length * away[:, 1]))

    def cone(x: Array) -> Array:
        return np.asarray(1 / (1 + np.linalg.norm(x - peak, axis=1)))

    start = peak[None] + 0.1 * np.array([1.0, -0.5, 0.3, 0.7, -0.9])[:d]
    for error, lattice, expected in (
        (turning, Lattice(), True),
        (turning, Lattice(nearly=1e-10), False),
        (cone, Lattice(), False),
        (lambda x: np.full(len(x), np.inf), Lattice(), False),
    ):
        _, score, smooth = lattice.finish(landscape(error, d), start, error(start), 2000)
        assert smooth == expected
        if smooth:
            assert score[0] > 1 - 1e-6


def two_peaks(x: Array) -> Array:
    """A broad smooth peak, and a higher one on a small part of the domain."""
    away = x - 0.3
    return np.exp(-2.0 * (away**2).sum(axis=1)) + 1.5 * np.exp(-40.0 * ((x - 0.72) ** 2).sum(axis=1))


def test_in_rounds_after_a_smooth_peak_ascents_get_what_its_polish_leaves() -> None:
    """Instead of a third round, whose half looks everywhere."""
    rounds = []
    for little in (20, 1_000_000):
        evaluator = Evaluator(landscape(two_peaks, 5).evaluator.problem, budget=10_000)
        strategy = ScreenAndAscent(little=little, dividing=Dividing(inputs=0))
        done = explored(evaluator, strategy, 10_000, np.random.default_rng(0))
        assert done.smooth
        assert evaluator.worst > 1.67
        rounds.append(done.rounds)
    assert rounds == [2, 3]
