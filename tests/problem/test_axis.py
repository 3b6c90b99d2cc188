"""Axis and domain: the maps between the inputs' units and the unit box, and which points exist."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from supnorm.problem import Axis, Domain
from supnorm.results import BadInput

UNIT = st.floats(0, 1)


@st.composite
def linear(draw: st.DrawFn) -> Axis:
    low = draw(st.floats(-1e12, 1e12))
    high = draw(st.floats(-1e12, 1e12))
    assume(high - low > max(1e-9 * max(abs(low), abs(high)), 1e-200))
    return Axis(low, high)


@st.composite
def logarithmic(draw: st.DrawFn) -> Axis:
    low = 10.0 ** draw(st.floats(-200, 200))
    return Axis(low, low * 10.0 ** draw(st.floats(0.01, 50)), scale="log")


@st.composite
def discrete(draw: st.DrawFn) -> Axis:
    numbers = draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20, unique=True))
    return Axis(0, 0, values=tuple(float(n) / 8 for n in numbers))


CONTINUOUS = st.one_of(linear(), logarithmic())


@pytest.mark.slow
@example(Axis(1.0015218288182184, 1.0248502690458878, scale="log"))  # two logarithms, an ulp apart
@given(st.one_of(CONTINUOUS, discrete()))
def test_the_ends_are_exact(axis: Axis) -> None:
    assert axis.from_unit(np.array([0.0, 1.0])).tolist() == [axis.low, axis.high]
    if axis.values is None:
        assert axis.to_unit(np.array([axis.low, axis.high])).tolist() == [0.0, 1.0]


@given(CONTINUOUS, st.lists(UNIT, min_size=1, max_size=20))
def test_round_trip_through_the_axis(axis: Axis, points: list[float]) -> None:
    u = np.array(points)
    x = axis.from_unit(u)
    assert ((x >= axis.low) & (x <= axis.high)).all()
    # A coordinate near low of a far and narrow axis keeps fewer digits: |low| eps / width.
    if axis.log:
        blur = 1e-15 * (abs(math.log(axis.low)) + 40) / math.log(axis.high / axis.low)
    else:
        blur = 4e-16 * max(abs(axis.low), abs(axis.high)) / (axis.high - axis.low)
    np.testing.assert_allclose(axis.to_unit(x), u, rtol=0, atol=10 * blur + 1e-15)


@given(CONTINUOUS, st.lists(UNIT, min_size=2, max_size=20))
def test_the_map_keeps_the_order(axis: Axis, points: list[float]) -> None:
    assert (np.diff(axis.from_unit(np.sort(points))) >= 0).all()


@given(CONTINUOUS, st.floats(0.01, 0.99))
def test_slope_is_the_derivative(axis: Axis, u: float) -> None:
    assume(axis.high - axis.low > 1e-4 * max(abs(axis.low), abs(axis.high)))
    h = 1e-5
    x = axis.from_unit(np.array([u - h, u, u + h]))
    np.testing.assert_allclose(axis.slope(x[1:2])[0], (x[2] - x[0]) / (2 * h), rtol=1e-4)


@given(linear(), st.floats(0.001, 10))
def test_points_outside_land_outside(axis: Axis, far: float) -> None:
    width = axis.high - axis.low
    u = axis.to_unit(np.array([axis.low - far * width, axis.high + far * width]))
    assert u[0] < 0
    assert u[1] > 1


@given(discrete(), st.lists(UNIT, min_size=1))
def test_discrete_axes_take_only_their_values(axis: Axis, points: list[float]) -> None:
    assert axis.values is not None
    x = axis.from_unit(np.array(points))
    assert set(x) <= set(axis.values)
    np.testing.assert_array_equal(axis.from_unit(axis.to_unit(x)), x)
    assert (axis.slope(x) == 0).all()


@given(discrete())
def test_discrete_values_are_equally_likely(axis: Axis) -> None:
    assert axis.values is not None
    n = len(axis.values)
    x = axis.from_unit((np.arange(60 * n) + 0.5) / (60 * n))
    assert np.unique(x, return_counts=True)[1].tolist() == [60] * n


def test_a_log_axis_is_uniform_in_the_logarithm() -> None:
    axis = Axis(1e-3, 1e3, scale="log")
    np.testing.assert_allclose(axis.from_unit(np.linspace(0, 1, 7)), 10.0 ** np.arange(-3, 4), rtol=1e-14)


BAD_AXES: list[tuple[dict[str, Any], str]] = [
    ({"low": 1.0, "high": 1.0}, "low must be below high, got low = 1, high = 1"),
    ({"low": 2.0, "high": 1.0}, "low must be below high"),
    ({"low": math.nan, "high": 1.0}, "low must be finite, got nan"),
    ({"low": 0.0, "high": math.inf}, "high must be finite, got inf"),
    ({"low": 0.0, "high": 1.0, "scale": "log"}, "a log axis needs low > 0, got low = 0"),
    ({"low": -1.0, "high": 1.0, "scale": "log"}, "a log axis needs low > 0"),
    ({"low": 0.0, "high": 1.0, "scale": "ln"}, 'scale must be "linear" or "log", got \'ln\''),
    ({"low": "0", "high": 1.0}, "low must be a number, got '0'"),
    ({"low": True, "high": 2.0}, "low must be a number, got True"),
    ({"low": 0, "high": 0, "values": ()}, "values must be"),
    ({"low": 0, "high": 0, "values": (1.0, 1.0)}, "distinct"),
    ({"low": 0, "high": 0, "values": (1.0, math.inf)}, "finite"),
    ({"values": (1.0, 2.0), "scale": "ln"}, 'scale must be "linear" or "log", got \'ln\''),
    ({"values": (0.0, 2.0), "scale": "log"}, "a log axis needs low > 0, got low = 0"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD_AXES)
def test_bad_axes_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        Axis(**arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_domain_names_the_axis_that_is_bad() -> None:
    with pytest.raises(BadInput, match="axis width: low must be below high"):
        Domain(length=(0.0, 1.0), width=(2.0, 1.0))
    with pytest.raises(BadInput, match=r"axis width: give \(low, high\)"):
        Domain(width=(2.0,))
    with pytest.raises(BadInput, match=r"axis width: give \(low, high\)"):
        Domain(width=3.0)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="low must be finite, got nan"):
        Axis()
    with pytest.raises(BadInput, match="at least one axis"):
        Domain()


def test_a_width_beyond_all_numbers_is_refused() -> None:
    for made in ({"low": -1e308, "high": 1e308}, {"low": 0, "high": 0, "values": (-1e308, 1e308)}):
        with pytest.raises(BadInput, match="width"):
            Axis(**made)  # type: ignore[arg-type]
