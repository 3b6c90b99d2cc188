"""The points of a finite domain: each once, in parts, whatever constraints say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from supnorm.problem import Axis, Domain, draw_inside
from supnorm.problem.finite import BLOCK, FinitePoints

Array = NDArray[np.float64]


def points_of(domain: Domain) -> FinitePoints:
    assert domain.finite is not None
    return domain.finite


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.integers(1, 50),
    st.integers(0, 20),
)
def test_every_point_that_exists_comes_once(lengths: list[int], rows: int, most: int) -> None:
    axes: dict[str, Axis | tuple[float, ...]] = {
        f"a{i}": Axis(values=tuple(k * k - 3.0 for k in range(n))) for i, n in enumerate(lengths)
    }
    domain = Domain.from_axes(axes, [lambda x: x.sum(axis=1) <= most])
    grid = np.meshgrid(*(np.asarray(a.values) for a in domain.axes), indexing="ij")
    every = np.stack([g.ravel() for g in grid], axis=1)
    expected = {tuple(row) for row in every[every.sum(axis=1) <= most]}
    finite = points_of(domain)
    numbers, parts = [], []
    for number, x in finite.batches(lambda: rows):
        assert 0 < len(x) == len(number) <= rows
        assert np.array_equal(finite.at(number), x)
        assert np.array_equal(finite.numbers(x), number)
        numbers.append(number)
        parts += [tuple(row) for row in x]
    assert len(parts) == len(expected) == finite.count()
    assert set(parts) == expected
    assert finite.size == len(every)
    if numbers:
        assert len(np.unique(np.concatenate(numbers))) == len(parts)


def test_what_comes_first_is_spread_over_the_domain() -> None:
    axis = Axis(values=tuple(range(100)))
    _, x = next(points_of(Domain(a=axis, b=axis)).batches(lambda: 200))
    cells = np.unique(x // 25, axis=0)
    assert len(cells) == 16  # in order they would lie in two values of a


def test_a_continuous_input_data_and_too_many_values_are_not_finite() -> None:
    n = Axis(values=(1, 2, 4))
    assert Domain(n=n, x=(0.0, 1.0)).finite is None
    assert Domain.from_samples(np.random.default_rng(0).random((20, 2))).finite is None
    assert Domain.from_axes({f"a{i}": n for i in range(20)}).finite is None


def test_counting_stops_where_it_is_told_to() -> None:
    axis = Axis(values=tuple(range(200)))
    asked = 0

    def allowed(x: Array) -> NDArray[np.bool_]:
        nonlocal asked
        asked += len(x)
        return np.asarray(x[:, 0] <= x[:, 1])

    finite = points_of(Domain(allowed, a=axis, b=axis))
    assert finite.count(100) is None
    assert asked == BLOCK
    assert finite.count(1e6, stop=lambda: True) is None
    assert finite.count(20_099) is None
    assert finite.count(20_100) == 20_100
    before = asked
    assert finite.count() == 20_100  # known by now
    assert asked == before
    assert points_of(Domain(a=axis, b=axis)).count(39_999) is None


@pytest.mark.slow
def test_the_few_points_of_a_huge_grid_can_be_drawn() -> None:
    """Fewer than 1 in 100,000 points of the grid exist: they are not found by drawing from it."""
    axes: dict[str, Axis | tuple[float, ...]] = {f"a{i}": Axis(values=tuple(range(10))) for i in range(6)}
    domain = Domain.from_axes(axes, [lambda x: x.sum(axis=1) <= 1])
    x = draw_inside(domain, 700, np.random.default_rng(0))
    assert x.shape == (700, 6)
    points, counts = np.unique(x, axis=0, return_counts=True)
    assert len(points) == 7
    assert counts.min() > 60  # 100 expected, with a standard deviation of 9
