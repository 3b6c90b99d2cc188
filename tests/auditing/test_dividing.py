"""Boxes that are divided: the algorithm beside SciPy's, and the narrow peaks that a search finds with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import direct

from supnorm.auditing.dividing import Dividing
from supnorm.auditing.division import Division
from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lattice import Lattice
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.strategy import Search
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
Error = Callable[[Array], Array]
UNCUT = 99  # cuts that no box reaches
DIVIDING = Dividing()


def cube(d: int) -> Domain:
    return Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(d)})


def landscape(error: Error, domain: Domain, evaluations: int) -> Landscape:
    problem = Problem(error, lambda x: 0 * x[:, 0], domain)
    return Landscape(Evaluator(problem), Limit(evaluations=evaluations))


def peaks(d: int, seed: int) -> Error:
    """Four smooth peaks on a slope."""
    rng = np.random.default_rng([d, seed])
    centres, heights, narrow = rng.random((4, d)), rng.uniform(0.5, 1, 4), rng.uniform(5, 40, 4)
    slope = 0.1 * rng.random(d)
    return lambda u: (
        (heights * np.exp(-narrow * ((u[:, None] - centres) ** 2).sum(axis=2))).sum(axis=1) + u @ slope
    )


class Enough(Exception):
    pass


def by_scipy(error: Error, d: int, n: int) -> tuple[Array, Array]:
    """The first n points of SciPy's DIRECT, and their errors."""
    u: list[Array] = []
    score: list[float] = []

    def negative(v: Array) -> float:
        if len(u) >= n:
            raise Enough
        u.append(v.copy())
        score.append(float(error(v[None])[0]))
        return -score[-1]

    with pytest.raises(Enough):
        direct(
            negative,
            [(0, 1)] * d,
            eps=1e-4,
            maxfun=10 * n,
            maxiter=10**6,
            vol_tol=0,
            len_tol=1e-9,
            locally_biased=False,
        )
    return np.array(u), np.array(score)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_it_goes_where_scipy_goes(d: int, seed: int) -> None:
    """Boxes of a turn come in another order, and of equal ones another one; most points are the same."""
    error, n = peaks(d, seed), 600
    u, score = Division(d, UNCUT).refine(landscape(error, cube(d), n), n)
    theirs, heights = by_scipy(error, d, n)
    same = {tuple(row) for row in u.round(7)} & {tuple(row) for row in theirs.round(7)}
    assert len(same) > 0.75 * n
    assert score.max() == pytest.approx(heights.max(), rel=1e-3)


@pytest.mark.parametrize("budget", [1, 2, 3, 50, 777])
def test_the_boxes_fill_the_cube_and_the_budget_holds(budget: int) -> None:
    space = landscape(peaks(4, 0), cube(4), 1000)
    division = Division(4, 3)
    u, score = division.refine(space, budget)
    assert budget - 1 <= len(u) == space.spent <= budget
    assert (3.0 ** -division.cuts.sum(axis=1)).sum() == pytest.approx(1.0)
    half = 0.5 * 3.0**-division.cuts
    assert ((u - half >= -1e-12) & (u + half <= 1 + 1e-12)).all()
    np.testing.assert_array_equal(score, peaks(4, 0)(u))


def test_small_boxes_are_not_cut_and_it_ends_where_all_are() -> None:
    division = Division(2, 2)
    u, _ = division.refine(landscape(peaks(2, 0), cube(2), 1000), 1000)
    assert len(u) == 81
    assert (division.cuts == 2).all()
    again, _ = division.refine(landscape(peaks(2, 0), cube(2), 1000), 1000)
    assert len(again) == 0


def test_it_goes_on_where_it_ended() -> None:
    space, division = landscape(peaks(3, 1), cube(3), 1000), Division(3, 3)
    first, _ = division.refine(space, 200)
    more, _ = division.refine(space, 200)
    assert len(np.unique(division.u, axis=0)) == len(first) + len(more) == len(division.u)


def test_an_error_that_exists_nowhere_ends_it() -> None:
    space = landscape(lambda x: np.full(len(x), np.inf), cube(3), 100)
    assert len(Division(3, 3).refine(space, 100)[0]) == 1


def divided(error: Error, domain: Domain, dividing: Dividing = DIVIDING) -> tuple[Search, int, int]:
    """What is known after a division that follows 500 random points, what it spent, and what it says that its look took."""
    space, d = landscape(error, domain, 10_000), domain.d
    u = np.random.default_rng(0).random((500, d))
    search = Search.empty(d)
    search.pool.add(u, error(u))
    looked = dividing.run(space, search, Lattice())
    return search, space.spent, looked


@pytest.mark.parametrize("d", [5, 6])
def test_a_round_peak_pays_for_a_division(d: int) -> None:
    search, spent, looked = divided(peaks(d, 0), cube(d))
    assert 1 < len(search.ends.u) <= 5
    assert 4000 < spent < 5100
    assert looked == 0


@pytest.mark.parametrize("d", [4, 7])
def test_in_few_and_in_many_inputs_it_takes_nothing(d: int) -> None:
    assert divided(peaks(d, 0), cube(d))[1] == 0


def test_where_points_are_forbidden_it_takes_nothing() -> None:
    domain = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(5)}, constraints=[lambda x: x[:, 0] < 0.7])
    assert divided(peaks(5, 0), domain)[1] == 0


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda u: 1 - np.abs(u - 0.4).max(axis=1), id="kink"),
        pytest.param(lambda u: 1 - ((u - 0.4) ** 2 @ [1.0, 1.0, 1.0, 1.0, 100.0]) / 100, id="narrow"),
        pytest.param(lambda u: np.floor(4 * u).sum(axis=1), id="steps"),
    ],
)
def test_a_peak_that_is_not_smooth_and_round_costs_its_ascent_alone(error: Error) -> None:
    search, spent, looked = divided(error, cube(5))
    assert len(search.ends.u) == search.pool.used.sum() == 1
    assert 0 < spent == looked <= 320


def test_ripples_are_left_to_the_usual_search_though_they_are_round() -> None:
    def ripples(u: Array) -> Array:
        away = u - 0.37
        return 1 / (1 + (20 * away**2 + 2 * (1 - np.cos(40 * np.pi * away))).sum(axis=1))

    _, spent, looked = divided(ripples, cube(5))
    assert 0 < spent == looked <= 320
    assert divided(ripples, cube(5), Dividing(hills=1e9))[1] > 4000


def narrow(seed: int) -> Error:
    """A round hill in five inputs, with smooth peaks of radius 1/6 away from its top; the highest error is 1."""
    rng = np.random.default_rng(seed)
    top, centres = rng.uniform(0.3, 0.7, 5), rng.uniform(0.2, 0.8, (8, 5))
    heights = np.array([1.0, *rng.uniform(0.3, 0.7, 7)])

    def error(u: Array) -> Array:
        hill = 0.5 / (1 + 2 * ((u - top) ** 2).sum(axis=1))
        near = np.maximum(0.0, 1 - 36 * ((u[:, None] - centres) ** 2).sum(axis=2)) ** 2
        return np.asarray(hill + ((heights - 0.5) * near).max(axis=1))

    return error


def cut(error: Error, strategy: ScreenAndAscent) -> bool:
    """Whether a search calls the first middles of boxes."""
    calls: list[Array] = []

    def watched(u: Array) -> Array:
        calls.append(u.copy())
        return error(u)

    evaluator = Evaluator(Problem(watched, lambda x: 0 * x[:, 0], cube(5)), budget=6000)
    explored(evaluator, strategy, 6000, np.random.default_rng(0))
    assert evaluator.total <= 6000
    u = np.concatenate(calls)
    middle = np.full((1, 5), 0.5)
    first = np.concatenate([middle, middle + np.eye(5) / 3, middle - np.eye(5) / 3])
    return all(np.abs(u - row).max(axis=1).min() < 1e-12 for row in first)


def test_a_search_cuts_the_box_where_a_peak_is_smooth_and_round() -> None:
    assert cut(narrow(0), ScreenAndAscent())
    assert not cut(narrow(0), ScreenAndAscent(dividing=Dividing(inputs=0)))
    assert not cut(lambda u: 1 - np.abs(u - 0.4).max(axis=1), ScreenAndAscent())


@pytest.mark.parametrize("seed", [0, 8])
def test_a_search_finds_a_narrow_peak_that_a_screen_does_not_see(seed: int) -> None:
    """Two of 16 such errors; where peaks are so narrow, a search without it finds as many that this one misses."""
    worst = []
    for strategy in (ScreenAndAscent(dividing=Dividing(inputs=0)), ScreenAndAscent()):
        evaluator = Evaluator(Problem(narrow(seed), lambda x: 0 * x[:, 0], cube(5)), budget=6000)
        explored(evaluator, strategy, 6000, np.random.default_rng(0))
        worst.append(evaluator.worst)
    assert worst[0] < 0.6
    assert worst[1] > 0.8
