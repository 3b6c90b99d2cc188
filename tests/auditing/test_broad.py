"""The broad chain: against ripples on one large hill, and not where there are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.best import Best
from supnorm.auditing.broad import Broad
from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
D = 6
PEAK = np.array([0.33, 0.61, 0.44, 0.66, 0.32, 0.57])
TURN = np.linalg.qr(np.random.default_rng(4).standard_normal((D, D)))[0]
BROAD = Broad()


def rippled(x: Array) -> Array:
    """Rings of ripples that shrink towards the top of one hill, after Schaffer's function, in turned pairs of inputs."""
    away = 10 * (x - PEAK) @ TURN
    s = np.sqrt(away[:, 1:] ** 2 + away[:, :-1] ** 2)
    return 1 / (1 + (np.sqrt(s) * (1 + np.sin(50 * s**0.2) ** 2)).mean(axis=1) ** 2)


def flat(x: Array) -> Array:
    """Ripples without a hill."""
    return 1 / (1 + (1 - np.cos(30 * np.pi * ((x - PEAK) @ TURN))).sum(axis=1))


def problem(error: Callable[[Array], Array]) -> Problem:
    return Problem(error, lambda x: 0 * x[:, 0], Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(D)}))


def run(error: Callable[[Array], Array], hills: float, limit: int = 4000) -> tuple[float, float, int]:
    """The best screened error, that after the leg, and what it cost."""
    scape = Landscape(Evaluator(problem(error)), Limit(evaluations=limit))
    u = np.random.default_rng(1).random((5000, D))
    known = Best(4096, D)
    known.add(u, error(u))
    found, score = BROAD.run(scape, known, known, hills, np.random.default_rng(0))
    np.testing.assert_allclose(score, error(found), rtol=1e-12)
    assert ((found >= 0) & (found <= 1)).all()
    assert scape.spent <= BROAD.share * limit
    return float(known.score.max()), float(score[0]), scape.spent


def test_a_chain_across_the_ripples_comes_to_the_top_of_the_hill() -> None:
    before, after, spent = run(rippled, hills=8.0)
    assert before < 0.7
    assert after > 0.999
    assert spent > 1000


@pytest.mark.parametrize(
    ("error", "hills", "limit"),
    [(rippled, 2.9, 4000), (flat, 8.0, 4000), (rippled, 8.0, 300)],
    ids=["no ripples on the lines", "no hill below the ripples", "too few evaluations"],
)
def test_elsewhere_it_costs_nothing(error: Callable[[Array], Array], hills: float, limit: int) -> None:
    before, after, spent = run(error, hills, limit)
    assert after == pytest.approx(before, rel=1e-12)
    assert spent == 0


def test_nothing_is_higher_than_an_infinite_error() -> None:
    scape = Landscape(Evaluator(problem(rippled)), Limit(evaluations=4000))
    known = Best(4096, D)
    known.add(np.tile(PEAK, (100, 1)), np.r_[np.inf, np.zeros(99)])
    _, score = BROAD.run(scape, known, known, 8.0, np.random.default_rng(0))
    assert np.isposinf(score[0])
    assert scape.spent == 0


def test_the_search_without_gradients_comes_to_the_top_of_a_rippled_hill() -> None:
    left: list[list[float]] = [[], []]
    for seed in range(4):
        for i, strategy in enumerate((ScreenAndAscent(), ScreenAndAscent(broad=Broad(share=0.0)))):
            evaluator = Evaluator(problem(rippled), budget=12_000)
            explored(evaluator, strategy, 12_000, np.random.default_rng(seed))
            left[i].append(1 - evaluator.worst)
            assert evaluator.total <= 12_000
    assert np.median(left[0]) < 1e-5
    assert np.median(left[1]) > 1e-3
