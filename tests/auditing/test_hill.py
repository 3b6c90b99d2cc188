"""The hill: where a later screen looks, and the narrow peaks that it finds there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.best import Best
from supnorm.auditing.dividing import Dividing
from supnorm.auditing.explore import explored
from supnorm.auditing.hill import Hill, highest, together
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lattice import Lattice
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
Constraint = Callable[[Array], NDArray[np.bool_]]
D = 5
TOP = np.array([0.35, 0.6, 0.45, 0.55, 0.4])
HILL = Hill()


def hill(x: Array) -> Array:
    return 1 - ((x - TOP) ** 2).sum(axis=1)


def apart(x: Array) -> Array:
    """Equally high in all corners."""
    return (np.abs(x - 0.5) ** 2).sum(axis=1)


def landscape(domain: Domain) -> Landscape:
    return Landscape(Evaluator(Problem(hill, lambda x: 0 * x[:, 0], domain)), Limit(evaluations=100))


def cube(constraints: Sequence[Constraint] = ()) -> Domain:
    return Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(D)}, constraints=constraints)


def screened(error: Callable[[Array], Array], n: int = 4000) -> Best:
    u = np.random.default_rng(1).random((n, D))
    known = Best(4096, D)
    known.add(u, error(u))
    return known


def test_half_of_a_screen_lies_round_the_best_points_and_inside_of_the_box() -> None:
    u = HILL.points(landscape(cube()), screened(hill), 2000, np.random.default_rng(0))
    assert u.shape == (1000, D)
    assert ((u >= 0) & (u <= 1)).all()
    assert np.abs(u.mean(axis=0) - TOP).max() < 0.06
    # Wider than the points that it learned from, and far narrower than the box.
    best = highest(screened(hill), 80)
    assert best.var() < u.var()
    assert 12 * u.var(axis=0).mean() < 0.75


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_there_is_no_hill_where_the_best_points_lie_apart(share: float) -> None:
    known = screened(apart if share else hill)
    assert len(Hill(share=share).points(landscape(cube()), known, 2000, np.random.default_rng(0))) == 0


def test_few_screened_points_show_no_hill() -> None:
    assert len(highest(screened(hill, 50), 64)) == 0
    assert not together(highest(screened(hill, 50), 64), 0.75)


def test_points_outside_of_the_domain_are_left_out() -> None:
    space = landscape(cube([lambda x: x[:, 0] + x[:, 1] <= 0.9]))
    u = HILL.points(space, screened(hill), 2000, np.random.default_rng(0))
    assert 100 < len(u) <= 1000
    assert (u[:, 0] + u[:, 1] <= 0.9 + 1e-12).all()


def last_screen(strategy: ScreenAndAscent) -> tuple[Array, float]:
    """The last points that a search without gradients screens, and what is left to the largest error, 1; no box is cut."""
    strategy = replace(strategy, dividing=Dividing(inputs=0))
    batches: list[Array] = []

    def watched(x: Array) -> Array:
        if len(x) > 500:
            batches.append(x.copy())
        return hill(x)

    evaluator = Evaluator(Problem(watched, lambda x: 0 * x[:, 0], cube()), budget=10_000)
    explored(evaluator, strategy, 10_000, np.random.default_rng(0))
    assert evaluator.total <= 10_000
    return batches[-1], 1 - evaluator.worst


def test_a_smooth_peak_ends_the_polish_and_leaves_evaluations_to_another_screen() -> None:
    """CMA-ES and its restarts leave fewer."""
    u, left = last_screen(ScreenAndAscent())
    other, _ = last_screen(ScreenAndAscent(lattice=Lattice(finished=0)))
    assert left < 1e-12
    assert len(u) > 2 * len(other)


def test_a_later_screen_looks_on_the_hill() -> None:
    u, _ = last_screen(ScreenAndAscent())
    other, _ = last_screen(ScreenAndAscent(hill=Hill(share=0.0)))
    assert 12 * u.var(axis=0).mean() < 1.0 < 12 * other.var(axis=0).mean()
