"""Lines along the axes: against errors that are sums, whose highest hill is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lines import Lines
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
D = 6
PEAK = np.array([0.23, 0.71, 0.44, 0.86, 0.12, 0.57])  # of `ripples` and `bowl`, where they have value 1
LINES = Lines()


def bowl(x: Array) -> Array:
    return 1 / (1 + (4 * (x - PEAK) ** 2).sum(axis=1))


def ripples(x: Array) -> Array:
    """Some 19 hills along each input, as a sum over the inputs."""
    away = x - PEAK
    return 1 / (1 + (20 * away**2 + 2 * (1 - np.cos(40 * np.pi * away))).sum(axis=1))


def landscape(error: Callable[[Array], Array], limit: int = 100_000) -> Landscape:
    return Landscape(Evaluator(problem(error)), Limit(evaluations=limit))


def problem(error: Callable[[Array], Array], d: int = D) -> Problem:
    return Problem(error, lambda x: 0 * x[:, 0], Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(d)}))


def test_each_input_of_a_sum_comes_to_its_highest_hill() -> None:
    scape = landscape(ripples)
    start = PEAK + 0.05 * np.array(
        [3, -7, 5, -11, 8, -1]
    )  # a peak: its neighbours on the lines are 0.05 apart
    (u,), (score,), _ = LINES.run(scape, start[None], ripples(start[None]), 10_000)
    assert np.abs(u - PEAK).max() < 0.01
    assert score == ripples(u[None])[0]
    assert scape.spent <= len(LINES.widths) * LINES.cost(D)


def test_the_best_of_the_peaks_is_the_one_that_is_looked_at() -> None:
    far, near = PEAK + 0.2, PEAK + 0.15 * np.eye(D)[2]
    peaks = np.array([far, near, far - 0.05])
    (u,), *_ = LINES.run(landscape(ripples), peaks, ripples(peaks), 10_000)
    others = np.arange(D) != 2
    assert np.abs(u - PEAK).max() < 0.01
    assert np.abs(u - near)[others].max() < 0.01


def test_shorter_lines_show_hills_that_the_grid_was_too_coarse_for() -> None:
    def narrow(x: Array) -> Array:
        away = x - PEAK
        return 1 / (1 + (20 * away**2 + 0.4 * (1 - np.cos(60 * np.pi * away))).sum(axis=1))

    start = PEAK + np.array([3, -7, 5, -11, 8, -1]) / 30
    missed, reached = (
        lines.run(landscape(narrow), start[None], narrow(start[None]), 10_000)[0][0]
        for lines in (Lines(widths=(1.0,)), LINES)
    )
    assert np.abs(missed - PEAK).max() > 0.01
    assert np.abs(reached - PEAK).max() < 0.01


@pytest.mark.parametrize(("error", "most"), [(bowl, 32 * D), (ripples, 44 * D)])
def test_without_a_higher_hill_it_ends_soon_where_it_began(
    error: Callable[[Array], Array], most: int
) -> None:
    scape = landscape(error)
    u, score, _ = LINES.run(scape, PEAK[None], np.array([1.0]), 10_000)
    assert np.array_equal(u, PEAK[None])
    assert score[0] == 1
    assert scape.spent <= most


@pytest.mark.parametrize("budget", [0, 3 * LINES.cost(D) - 1, 3 * LINES.cost(D) + 10, 5000])
def test_lines_take_no_more_than_their_share(budget: int) -> None:
    scape = landscape(ripples)
    start = PEAK + 0.2
    _, score, _ = LINES.run(scape, start[None], ripples(start[None]), budget)
    assert scape.spent <= budget / 3
    assert (score[0] > ripples(start[None])[0]) == (budget / 3 >= LINES.cost(D))


def test_a_peak_is_never_left_for_a_lower_one() -> None:
    """Ripples that are turned against the axes, a region where the error is infinite, and an infinite peak."""
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.standard_normal((D, D)))[0]
    turned = lambda x: ripples((x - 0.5) @ turn + 0.5)  # noqa: E731
    torn = lambda x: np.where(x[:, 0] > 0.6, np.inf, ripples(x))  # noqa: E731
    for error in (turned, torn):
        for start in rng.random((5, D)) * 0.5:
            before = error(start[None])
            u, score, _ = LINES.run(landscape(error), start[None], before, 5000)
            assert score[0] >= before[0]
            assert np.isclose(score[0], error(u)[0], rtol=1e-12)
    scape = landscape(bowl)
    u, score, _ = LINES.run(scape, PEAK[None], np.array([np.inf]), 5000)
    assert scape.spent == 0
    assert np.array_equal(u, PEAK[None])
    assert np.isposinf(score[0])


def test_round_data_there_are_no_lines() -> None:
    data = np.random.default_rng(0).random((50, D))
    asked = Problem(ripples, lambda x: 0 * x[:, 0], Domain.from_samples(data))
    scape = Landscape(Evaluator(asked), Limit(evaluations=5000))
    u, *_ = LINES.run(scape, data[:1], ripples(data[:1]), 5000)
    assert scape.spent == 0
    assert np.array_equal(u, data[:1])


def kinked(hill: float) -> Callable[[Array], Array]:
    """In two inputs some 900 hills with kinks at their tops, where the lattice of peaks, which needs smooth ones, stops."""

    def error(x: Array) -> Array:
        away = x - PEAK[:2]
        return 1 / (1 + (hill * away**2 + 3 * np.abs(np.sin(30 * np.pi * away))).sum(axis=1))

    return error


def best_of(error: Callable[[Array], Array], strategy: ScreenAndAscent, seed: int) -> float:
    evaluator = Evaluator(problem(error, 2), budget=3000)
    explored(evaluator, strategy, 3000, np.random.default_rng(seed))
    assert evaluator.total <= 3000
    return evaluator.worst


def test_ripples_on_a_large_hill_have_lines_in_two_inputs_as_well() -> None:
    missing = [
        float(np.mean([1 - best_of(kinked(10.0), strategy, seed) for seed in range(4)]))
        for strategy in (ScreenAndAscent(), ScreenAndAscent(lines=Lines(share=0.0)))
    ]
    assert missing[1] > 3 * missing[0]


def test_ripples_without_a_large_hill_have_no_lines_in_two_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def run(
        lines: Lines, scape: Landscape, u: Array, score: Array, budget: int
    ) -> tuple[Array, Array, float]:
        looked.append(scape.d)
        return u[:1], score[:1], 0.0

    monkeypatch.setattr(Lines, "run", run)
    best_of(kinked(0.0), ScreenAndAscent(), 1)
    assert not looked
    best_of(kinked(10.0), ScreenAndAscent(), 1)
    assert looked


def test_the_search_of_a_sum_without_gradients_finds_its_highest_peak() -> None:
    found = []
    for strategy in (ScreenAndAscent(), ScreenAndAscent(lines=Lines(share=0.0))):
        evaluator = Evaluator(problem(ripples), budget=10_000)
        explored(evaluator, strategy, 10_000, np.random.default_rng(3))
        found.append(evaluator.worst)
        assert evaluator.total <= 10_000
    assert found[0] > 1 - 1e-6
    assert found[1] < 0.9
