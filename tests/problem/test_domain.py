"""Which points exist: constraints, data clouds; and how laws draw them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from supnorm.problem import Axis, Domain, Law, Problem, draw_inside
from supnorm.results import BadInput


def disc(x: np.ndarray) -> np.ndarray:
    return np.asarray((x**2).sum(axis=1) <= 1.0)


def upper(x: np.ndarray) -> np.ndarray:
    return np.asarray(x[:, 1] > 0)


@pytest.mark.parametrize("shape", [(6, 3), (0, 2), (12,), (6, 2, 1)])
def test_a_law_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    """Six points of three numbers are not nine of two; none at all would be asked for again without end."""
    domain = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    law = Law.from_sampler(lambda n, rng: rng.random(shape), domain, "odd")
    with pytest.raises(BadInput, match=r"law odd: .* shape \(n, 2\), got"):
        law.draw(6, np.random.default_rng(0))
    line = Law.from_sampler(lambda n, rng: rng.random(n), Domain(x=(0.0, 1.0)), "flat")
    assert line.draw(6, np.random.default_rng(0)).shape == (6, 1)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"data": np.zeros((5, 3))}, r"data must have shape \(N, 2\), a column for each axis, got \(5, 3\)"),
        ({"data": np.zeros(5)}, r"data must have shape \(N, 2\)"),
        ({"data": [[0.5, np.nan]]}, "data must be finite"),
        ({"data": "train.csv"}, "data must be numbers"),
        ({"law": lambda n, rng: rng.random((n, 2))}, "law must be a supnorm.Law, got function"),
        ({"error": "relative"}, "error must be a supnorm.ErrorMeasure, got str"),
    ],
)
def test_parts_of_a_problem_are_looked_at_before_any_work(part: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Problem(None, lambda x: x[:, 0], Domain(x=(0.0, 1.0), y=(0.0, 1.0)), **part)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="names has 1 names for 2 columns"):
        Domain.from_samples(np.random.default_rng(0).random((9, 2)), ("x",))


def test_maps_act_by_axis() -> None:
    domain = Domain(T=(275.0, 1070.0, "K"), p=Axis(1e4, 1e8, scale="log"), n=Axis(0, 0, values=(1, 2, 8)))
    u = np.random.default_rng(0).random((50, 3))
    x = domain.from_unit(u)
    for i, axis in enumerate(domain.axes):
        np.testing.assert_array_equal(x[:, i], axis.from_unit(u[:, i]))
        np.testing.assert_array_equal(domain.slope(x)[:, i], axis.slope(x[:, i]))
    np.testing.assert_allclose(domain.to_unit(x)[:, :2], u[:, :2], atol=1e-14)


@given(st.integers(0, 2**32 - 1))
def test_linear_maps_stay_in_the_box_to_the_last_bit(seed: int) -> None:
    """Whether low + width rounds to high, below or above it; points outside the unit box are moved to its faces."""
    rng = np.random.default_rng(seed)
    low = rng.normal(size=3) * 10.0 ** rng.integers(-3, 4, 3)
    high = low + rng.random(3) * 10.0 ** rng.integers(-6, 7, 3) + 1e-9
    domain = Domain(**{name: (a, b) for name, a, b in zip("abc", low, high, strict=True)})
    u = rng.random((40, 3))
    u[0], u[1], u[2], u[3], u[4] = 0.0, 1.0, np.nextafter(1.0, 0.0), -0.25, 1.25
    x = domain.from_unit(u)
    for row, end in ((0, low), (1, high), (3, low), (4, high)):
        np.testing.assert_array_equal(x[row], end)
    assert ((x >= low) & (x <= high)).all()
    exact = low + u * (high - low)
    np.testing.assert_allclose(x[5:], exact[5:], rtol=1e-15, atol=4e-16 * np.abs([low, high]).max())


@given(st.integers(0, 2**32 - 1))
def test_all_constraints_must_hold(seed: int) -> None:
    domain = Domain([disc, upper], x=(-1.0, 1.0), y=(-1.0, 1.0))
    points = np.random.default_rng(seed).uniform(-1.2, 1.2, (100, 2))
    np.testing.assert_array_equal(domain.contains(points), disc(points) & upper(points) & (points[:, 1] <= 1))


def test_constraints_see_only_points_of_the_box() -> None:
    def strict(x: np.ndarray) -> np.ndarray:
        assert (np.abs(x) <= 1).all()
        return x[:, 0] < 2

    domain = Domain([strict], x=(-1.0, 1.0))
    assert domain.contains(np.array([[5.0], [0.5], [-7.0]])).tolist() == [False, True, False]


def test_constraints_that_fail_say_how_they_are_called() -> None:
    def broken(x: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("oh")

    def scalar(x: np.ndarray) -> bool:
        return True

    inside = np.zeros((3, 1))
    with pytest.raises(BadInput, match=r"constraint broken failed: ZeroDivisionError: oh.*\(n, 1\)"):
        Domain([broken], x=(-1.0, 1.0)).contains(inside)
    with pytest.raises(BadInput, match="constraint scalar must return 3 booleans"):
        Domain([scalar], x=(-1.0, 1.0)).contains(inside)


def test_an_empty_domain_is_told_and_not_searched_for_ever() -> None:
    def nowhere(x: np.ndarray) -> np.ndarray:
        return x[:, 0] > 2

    with pytest.raises(BadInput, match="fewer than 1 in 100,000"):
        draw_inside(Domain([nowhere], x=(0.0, 1.0)), 10, np.random.default_rng(0))


def test_a_problem_keeps_its_law_inside_its_domain() -> None:
    """An audit over [0, 1] reported its worst error at 1.98."""
    law = Law("wide", lambda n, rng: 2.0 * rng.random((n, 1)))
    axes = Domain(a=(0.0, 1.0))
    problem = Problem(lambda x: x[:, 0], lambda x: 0.0 * x[:, 0], axes, law=law)
    assert problem.law is not None
    assert 0.9 < problem.law.draw(100, np.random.default_rng(0)).max() <= 1.0
    assert replace(problem, title="other").law is problem.law


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_uniform_law_is_uniform_on_each_axis(scale: str) -> None:
    domain = Domain(x=Axis(2.0, 50.0, scale=scale), y=(0.0, 1.0))
    points = Law.uniform(domain).draw(4000, np.random.default_rng(1))
    u = domain.to_unit(points)
    assert kstest(u[:, 0], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(u.T)[0, 1]) < 0.08
    assert ("log-uniform in x" in Law.uniform(domain).name) == (scale == "log")


def test_the_uniform_law_with_constraints_is_uniform_inside() -> None:
    domain = Domain([disc], x=(-1.0, 1.0), y=(-1.0, 1.0))
    points = Law.uniform(domain).draw(5000, np.random.default_rng(2))
    assert domain.contains(points).all()
    assert kstest((points**2).sum(axis=1), "uniform").pvalue > 1e-4  # r^2 is uniform on a disc


def test_the_same_rng_draws_the_same_points() -> None:
    law = Law.uniform(Domain([disc], x=(-1.0, 1.0), y=(-1.0, 1.0)))
    a, b = (law.draw(1000, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_samplers_are_conditioned_on_the_domain() -> None:
    domain = Domain(x=(0.0, 1.0))
    law = Law.from_sampler(lambda n, rng: rng.normal(0, 1, (n, 1)), domain, "normal")
    points = law.draw(3000, np.random.default_rng(4))
    assert points.shape == (3000, 1)
    assert domain.contains(points).all()
    from scipy.stats import truncnorm

    assert kstest(points[:, 0], truncnorm(0, 1).cdf).pvalue > 1e-4


def test_a_sampler_that_misses_the_domain_is_told() -> None:
    law = Law.from_sampler(lambda n, rng: rng.random((n, 1)) + 5, Domain(x=(0.0, 1.0)), "shifted")
    with pytest.raises(BadInput, match="law shifted: fewer than 1 in 10,000"):
        law.draw(100, np.random.default_rng(0))


def test_samples_outside_are_left_out_and_counted() -> None:
    data = np.array([[0.1], [0.2], [3.0]])
    law = Law.from_samples(data, Domain(x=(0.0, 1.0)))
    assert law.name == "sample (2 points)"
    assert set(law.draw(200, np.random.default_rng(0)).ravel()) == {0.1, 0.2}
    with pytest.raises(BadInput, match="none of the 3 points"):
        Law.from_samples(data + 7, Domain(x=(0.0, 1.0)))


# -- domains known by data --------------------------------------------------------------------------------


def test_r95_is_the_quantile_of_nearest_neighbour_distances() -> None:
    data = np.random.default_rng(5).normal(size=(300, 3)) * [1.0, 10.0, 0.1]
    domain = Domain.from_samples(data, ["a", "b", "c"])
    unit = (data - data.min(0)) / (data.max(0) - data.min(0))
    gaps = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert domain.cloud is not None
    assert domain.cloud.radius == pytest.approx(np.quantile(gaps.min(axis=1), 0.95))
    assert domain.names == ("a", "b", "c")


def test_the_cloud_is_the_union_of_balls() -> None:
    data = np.random.default_rng(6).random((200, 2))
    domain = Domain.from_samples(data)
    assert domain.contains(data).all()
    points = np.random.default_rng(7).random((2000, 2))
    inbox = ((points >= data.min(0)) & (points <= data.max(0))).all(axis=1)
    assert domain.cloud is not None
    nearest = np.linalg.norm(domain.to_unit(points)[:, None] - domain.cloud.points[None], axis=2).min(axis=1)
    np.testing.assert_array_equal(domain.contains(points), inbox & (nearest <= domain.cloud.radius))
    np.testing.assert_allclose(domain.data_distance(points), nearest / domain.cloud.radius)
    law = Law.uniform(domain)
    assert law.name == "data points (200 points)"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.array([[0.0, 1.0], [1.0, 1.0]]), "input x2 never varies"),
        (np.array([[0.0], [np.nan]]), "must be finite"),
        (np.array([[0.0]]), "(N, d)|two|2"),
    ],
)
def test_data_that_span_no_domain_are_refused(data: np.ndarray, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Domain.from_samples(data)


def test_two_columns_of_data_need_two_names() -> None:
    with pytest.raises(BadInput, match="names must be different, got a, a"):
        Domain.from_samples(np.random.default_rng(0).random((9, 2)), ["a", "a"])


def test_values_of_a_list_are_drawn_alike_whatever_the_scale_of_their_pictures() -> None:
    domain = Domain(n=Axis(values=(1, 10, 100), scale="log"), p=Axis(1.0, 2.0, scale="log"))
    assert Law.uniform(domain).name == "uniform (log-uniform in p)"


def test_a_discrete_value_between_two_admissible_ones_does_not_exist() -> None:
    domain = Domain(n=Axis(0, 0, values=(1, 2, 4)))
    assert domain.contains(np.array([[2.0], [3.0]])).tolist() == [True, False]


@pytest.mark.parametrize("values", [np.float64, np.int64, object])
def test_constraints_return_booleans(values: type) -> None:
    """0.5 - x is true on both sides of 0.5."""
    domain = Domain([lambda x: (0.5 - x[:, 0]).astype(values)], x=(0.0, 1.0))
    with pytest.raises(BadInput, match="must return booleans"):
        domain.contains(np.array([[0.25], [0.75]]))


@pytest.mark.slow
def test_few_points_of_the_box_are_drawn_in_many_goes() -> None:
    """A draw is limited to a million points; those beyond were counted as tried, and domains refused for it."""
    domain = Domain([lambda x: x[:, 0] < 5e-4], x=(0.0, 1.0))
    points = draw_inside(domain, 50_000, np.random.default_rng(0))
    assert points.shape == (50_000, 1)
    assert kstest(points[:, 0] / 5e-4, "uniform").pvalue > 1e-4


def test_a_domain_of_2_in_100_000_points_is_not_refused_by_chance() -> None:
    domain = Domain([lambda x: x[:, 0] < 2e-5], x=(0.0, 1.0))
    for seed in range(20):
        assert len(draw_inside(domain, 8, np.random.default_rng(seed))) == 8


@pytest.mark.slow
def test_a_law_with_2_in_10_000_points_in_the_domain_is_not_refused_by_chance() -> None:
    law = Law.from_sampler(lambda n, rng: rng.random((n, 1)), Domain(x=(0.0, 2e-4)), "wide")
    for seed in range(20):
        assert len(law.draw(100, np.random.default_rng(seed))) == 100


def test_the_law_that_nobody_gave_follows_the_domain() -> None:
    """A problem with another domain kept the law of the first: shares of that were said to be shares of this."""
    small, large = Domain(x=(0.0, 0.5)), Domain(x=(0.0, 10.0))
    problem = Problem(lambda x: x, lambda x: x, small)
    wider = replace(problem, domain=large)
    assert wider.law is not None
    assert wider.law.even
    assert wider.law.draw(1000, np.random.default_rng(0)).max() > 9
    given = replace(problem, law=Law.uniform(small))
    assert given.law is not None
    assert given.law.even
    elsewhere = replace(given, domain=large)
    assert elsewhere.law is not None
    assert not elsewhere.law.even
    assert elsewhere.law.draw(1000, np.random.default_rng(0)).max() < 0.5


def test_numbers_without_a_logarithm_lie_below_a_logarithmic_axis() -> None:
    axis = Axis(1e-3, 1.0, scale="log")
    np.testing.assert_array_equal(
        axis.to_unit(np.array([-1.0, 0.0, 1e-3, 1.0])), [-np.inf, -np.inf, 0.0, 1.0]
    )


def test_one_constraint_needs_no_list_and_no_name() -> None:
    domain = Domain(lambda x: x[:, 0] < 0.5, a=(0.0, 1.0))
    assert domain.contains(np.array([[0.4], [0.6]])).tolist() == [True, False]
    with pytest.raises(BadInput, match="constraints come first, without a name"):
        Domain(constraints=[lambda x: x[:, 0] < 0.5], a=(0.0, 1.0))  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", [[1, 2, 3], [1, 2, 4, 8, 16], (0.0, 1.0, 5)])
def test_a_list_of_values_is_not_taken_for_ends_and_unit(axis: object) -> None:
    """Three numbers were the ends 1 and 2 with the unit 3: a third of the domain, without a word."""
    with pytest.raises(BadInput, match=r"axis n: .*Axis\(values=\[1, 2, 5\]\)"):
        Domain(n=axis)  # type: ignore[arg-type]


def test_what_says_which_points_exist_is_shown() -> None:
    assert "constraints" not in repr(Domain(x=(0, 1)))
    assert repr(Domain([disc, upper], x=(0, 1), y=(0, 1))).endswith(", constraints=2)")
    assert repr(Domain(disc, x=(0, 1), y=(0, 1))).endswith(", constraints=1)")
    among = Domain.from_samples(np.random.default_rng(0).random((30, 2)))
    assert repr(among).endswith(", data=30 points)")


def test_a_dictionary_of_axes_in_the_place_of_constraints_says_where_it_belongs() -> None:
    with pytest.raises(
        BadInput, match=r"^a dictionary of axes: give it to Domain.from_axes, or as Domain\(\*\*axes\)$"
    ):
        Domain({"x": (0.0, 1.0)})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [3, "x > 0", [3], [disc, None]])
def test_constraints_that_are_no_functions_are_refused(given: Any) -> None:
    """They ended in a TypeError of Python's."""
    with pytest.raises(BadInput, match=r"constraints must be a function of points \(n, d\), or a list"):
        Domain.from_axes({"x": (0.0, 1.0)}, constraints=given)


@pytest.mark.parametrize("axes", [3, ["x"], (Axis(0.0, 1.0),)])
def test_axes_that_are_no_dictionary_are_refused(axes: Any) -> None:
    with pytest.raises(BadInput, match="axes must be a dictionary by name"):
        Domain.from_axes(axes)


def test_one_constraint_is_taken_without_a_list() -> None:
    """`Domain(disc, x=...)` takes it, and `from_axes` did not."""
    one = Domain.from_axes({"x": (-1.0, 1.0), "y": (-1.0, 1.0)}, constraints=disc)
    assert one.constraints == (disc,)
