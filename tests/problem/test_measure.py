"""The error measure against a slow formula, one point and one output at a time."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from supnorm.problem import ErrorMeasure
from supnorm.problem.measure import KINDS, ulp_of
from supnorm.results import BadInput

Array = NDArray[np.float64]
VALUES = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 1e-300, 1e300])
)
PAIRS = st.tuples(st.integers(1, 6), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=VALUES), arrays(float, shape, elements=VALUES), st.just(shape)
    )
)
MEASURES = [
    {"kind": "absolute"},
    {"kind": "relative", "floor": 0.0},
    {"kind": "relative", "floor": 0.5},
    {"kind": "scaled", "scale": 4.0},
    {"kind": "ulp"},
    {"kind": "ulp", "floor": 0.5, "precision": "float32"},
]
SIDES = ["both", "over", "under"]


def slow_error(
    n: float,
    f: float,
    kind: str,
    side: str,
    floor: float = 0.0,
    scale: float = 1.0,
    precision: str = "float64",
) -> float:
    """The definition in the docstring of `ErrorMeasure`, for two numbers."""
    if not math.isfinite(f):
        return math.nan
    if not math.isfinite(n):
        return math.inf
    gap = n - f
    size = {"both": abs(gap), "over": max(gap, 0.0), "under": max(-gap, 0.0)}[side]
    if size == 0:
        return 0.0
    unit = math.ulp(max(abs(f), floor)) * (2.0**29 if precision == "float32" else 1.0)
    if kind == "ulp" and precision == "float32":
        unit = max(unit, 2.0**-149)
    divisor = {"absolute": 1.0, "relative": max(abs(f), floor), "scaled": scale, "ulp": unit}[kind]
    if kind == "ulp":
        return min(size / divisor, sys.float_info.max)
    return size / divisor if divisor > 0 else math.inf


def test_the_measures_tried_are_of_every_kind() -> None:
    assert {made["kind"] for made in MEASURES} == {*KINDS} - {"function"}


@given(PAIRS, st.sampled_from(MEASURES), st.sampled_from(SIDES))
def test_every_kind_and_side_follows_the_definition(pair: Any, made: dict[str, Any], side: str) -> None:
    model, reference, (n, _) = pair
    measure = ErrorMeasure(side=side, **made)
    expected = np.array(
        [
            [slow_error(a, b, side=side, **made) for a, b in zip(*rows, strict=True)]
            for rows in zip(model.tolist(), reference.tolist(), strict=True)
        ]
    )
    x = np.zeros((n, 1))
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(measure.by_output(model, reference, x), expected, rtol=1e-15)
    value, output = measure(model, reference, x)
    for i in range(n):
        row = expected[i]
        if np.isnan(row).all():
            assert math.isnan(value[i])
        else:
            assert value[i] == pytest.approx(np.nanmax(row), rel=1e-15)
            assert row[output[i]] == pytest.approx(value[i], rel=1e-15)


@given(PAIRS, st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3))
def test_a_tolerance_per_output_counts_in_multiples_of_it(pair: Any, tolerances: list[float]) -> None:
    model, reference, (n, m) = pair
    measure = ErrorMeasure(tolerance=tuple(tolerances[:m]))
    plain = ErrorMeasure().by_output(model, reference, np.zeros((n, 1)))
    value, _ = measure(model, reference, np.zeros((n, 1)))
    scaled = plain / np.array(tolerances[:m])
    best = np.where(np.isnan(scaled), -1.0, scaled).max(axis=1)
    best = np.where(best < 0, np.nan, best)
    np.testing.assert_allclose(value, best, rtol=1e-15)
    assert measure.limit == 1.0
    assert measure.per_output


def test_one_tolerance_stays_in_the_unit_of_the_error() -> None:
    measure = ErrorMeasure(tolerance=0.5)
    assert measure.limit == 0.5
    assert not measure.per_output
    value, _ = measure(np.array([[3.0, 1.0]]), np.zeros((1, 2)), np.zeros((1, 1)))
    assert value.tolist() == [3.0]


GRADIENT_CASES = [
    *({**made, "side": side} for made in MEASURES for side in SIDES),
    {"kind": "absolute", "side": "both", "tolerance": (0.5, 2.0, 1.0)},
    {"kind": "relative", "floor": 0.1, "side": "over", "tolerance": (0.5, 2.0, 1.0)},
    {"kind": "scaled", "scale": (1.0, 2.0, 4.0), "side": "both"},
]


@pytest.mark.parametrize("made", GRADIENT_CASES)
def test_gradients_against_differences(made: dict[str, Any]) -> None:
    measure = ErrorMeasure(**made)
    rng = np.random.default_rng(0)
    model, reference = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    x = np.zeros((200, 1))
    output = measure(model, reference, x)[1]
    by_model, by_reference = measure.gradient(model, reference, output)
    h = 1e-7
    for j in range(3):
        step = h * np.eye(3)[j]
        differences = [
            (measure(model + s * step, reference, x)[0], measure(model, reference + s * step, x)[0])
            for s in (1, -1)
        ]
        kinks = np.isclose(np.abs(reference), measure.floor or -1, atol=1e-5).any(axis=1)
        top = np.sort(measure.by_output(model, reference, x) / np.array(made.get("tolerance", 1.0)), axis=1)
        smooth = ~kinks & ((top[:, -1] - top[:, -2] > 1e-4) | (top[:, -1] == 0))
        for gradient, k in ((by_model, 0), (by_reference, 1)):
            numeric = (differences[0][k] - differences[1][k]) / (2 * h)
            np.testing.assert_allclose(gradient[smooth, j], numeric[smooth], rtol=1e-5, atol=1e-5)


def test_gradients_of_points_without_an_error_do_not_raise() -> None:
    measure = ErrorMeasure("relative", floor=0.0)
    model = np.array([[np.nan], [1.0], [np.inf], [0.0]])
    reference = np.array([[1.0], [np.nan], [0.0], [0.0]])
    weights = measure.gradient(model, reference, np.zeros(4, dtype=np.intp))
    assert weights[0].shape == weights[1].shape == (4, 1)


# -- the user's own error ---------------------------------------------------------------------------------


def test_a_users_error_keeps_the_rules_of_what_is_not_finite() -> None:
    def own(model: Array, reference: Array, x: Array) -> Array:
        return np.abs(model - reference).sum(axis=1) * x[:, 0]

    measure = ErrorMeasure("function", function=own)
    model = np.array([[1.0, 2.0], [np.nan, 0.0], [0.0, 0.0]])
    reference = np.array([[0.0, 0.0], [0.0, 0.0], [np.inf, 0.0]])
    value, _ = measure(model, reference, np.array([[2.0], [1.0], [1.0]]))
    np.testing.assert_array_equal(value, [6.0, np.inf, np.nan])
    assert not measure.differentiable


def test_a_users_error_of_each_output_is_infinite_or_missing_in_that_output_only() -> None:
    measure = ErrorMeasure("function", function=lambda model, reference, x: np.abs(model - reference))
    model = np.array([[1.0, np.nan], [1.0, np.inf], [2.0, 3.0]])
    reference = np.array([[0.0, 0.0], [0.0, np.nan], [np.nan, np.nan]])
    value, output = measure(model, reference, np.zeros((3, 1)))
    np.testing.assert_array_equal(value, [np.inf, 1.0, np.nan])
    np.testing.assert_array_equal(output[:2], [1, 0])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda n, f, x: (n - f)[:, 0], "must not be negative, got -1"),
        (lambda n, f, x: np.zeros(7), r"must return shape \(2,\) or \(2, m\), got \(7, 1\)"),
        (lambda n, f, x: 0.0, "must return shape"),
        (lambda n, f, x: np.zeros((2, 3)), r"got \(2, 3\) for m = 1 outputs"),
        (lambda n, f, x: 1j * np.abs(n - f), "the error function must return numbers.*complex"),
        (lambda n, f, x: ["0.5", "0.5"], "the error function must return numbers"),
    ],
)
def test_a_users_error_that_is_no_error_is_refused(function: Any, said: str) -> None:
    measure = ErrorMeasure("function", function=function)
    with pytest.raises(BadInput, match=said):
        measure(np.zeros((2, 1)), np.ones((2, 1)), np.zeros((2, 1)))


# -- masks ------------------------------------------------------------------------------------------------


def test_masked_points_have_no_error() -> None:
    x = np.array([[0.0], [1.0], [2.0]])
    model, reference = np.ones((3, 1)), np.array([[0.0], [5.0], [0.0]])
    by_point = ErrorMeasure(mask=lambda x: x[:, 0] > 0.5)
    np.testing.assert_array_equal(by_point(model, reference, x)[0], [np.nan, 4.0, 1.0])
    by_value = ErrorMeasure(mask=lambda x, f: f[:, 0] < 1)
    np.testing.assert_array_equal(by_value(model, reference, x)[0], [1.0, np.nan, 1.0])
    column = ErrorMeasure(mask=lambda x: x > 0.5)
    np.testing.assert_array_equal(column(model, reference, x)[0], [np.nan, 4.0, 1.0])


def test_a_mask_with_an_option_of_its_own_is_not_given_the_reference() -> None:
    measure = ErrorMeasure(mask=lambda x, threshold=0.5: x[:, 0] > threshold)
    x = np.array([[0.0], [1.0]])
    value, _ = measure(np.ones((2, 1)), np.full((2, 1), 100.0), x)
    np.testing.assert_array_equal(value, [np.nan, 99.0])


def test_a_mask_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadInput, match="mask must return 2 booleans for 2 points"):
        ErrorMeasure(mask=lambda x: True)(np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"kind": "absolut"}, f"error kind must be one of {', '.join(KINDS)}, got 'absolut'"),
    ({"side": "above"}, "error side must be one of both, over, under, got 'above'"),
    ({"kind": "relative"}, "a relative error needs floor"),
    ({"kind": "relative", "floor": -1.0}, "a relative error needs floor"),
    ({"kind": "relative", "floor": math.nan}, "a relative error needs floor"),
    ({"kind": "scaled"}, "scale must be positive"),
    ({"kind": "scaled", "scale": (1.0, 0.0)}, "scale must be positive"),
    ({"kind": "function"}, "give function"),
    ({"function": lambda n, f, x: 0}, "give function"),
    ({"tolerance": 0.0}, "tolerance must be positive"),
    ({"tolerance": (1.0, math.inf)}, "tolerance must be positive and finite"),
    ({"tolerance": math.nan}, "tolerance must be positive"),
]


@pytest.mark.parametrize(("made", "said"), BAD)
def test_bad_measures_are_refused(made: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        ErrorMeasure(**made)
    assert said in str(caught.value)


def test_a_wrong_number_of_scales_or_tolerances_is_refused() -> None:
    two = np.ones((1, 2))
    with pytest.raises(BadInput, match="scale has 3 numbers for 2 outputs"):
        ErrorMeasure("scaled", scale=(1.0, 1.0, 1.0))(two, two, two)
    with pytest.raises(BadInput, match="tolerance has 3 numbers for 2 outputs"):
        ErrorMeasure(tolerance=(1.0, 1.0, 1.0))(two, two, two)


def test_masks_return_booleans() -> None:
    measure = ErrorMeasure(mask=lambda x: 0.5 - x[:, 0])
    with pytest.raises(BadInput, match="mask must return booleans"):
        measure(np.ones((2, 1)), np.zeros((2, 1)), np.array([[0.25], [0.75]]))


def test_a_floor_without_a_relative_error_means_nothing() -> None:
    with pytest.raises(BadInput, match=r'scale = 2.0 has no effect for kind = "absolute"'):
        ErrorMeasure(scale=2.0)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r'floor = 0.1 has no effect for kind = "absolute"'):
        ErrorMeasure(floor=0.1)


def test_what_users_write_into_the_arrays_they_are_given_is_no_value_of_the_run() -> None:
    """An error function that copies the model's values into the reference's, or a mask that clears the points."""

    def own(n: Any, f: Any, x: Any) -> Any:
        gap = np.abs(n - f)
        np.copyto(f, n)
        x[:] = 0.0
        return gap

    def mask(x: Any, f: Any) -> Any:
        kept = f[:, 0] > 0
        x[:], f[:] = 0.0, 0.0
        return kept

    for measure in (ErrorMeasure("function", function=own), ErrorMeasure(mask=mask)):
        n, f, x = np.full((2, 1), 3.0), np.ones((2, 1)), np.full((2, 1), 7.0)
        assert measure(n, f, x)[0].tolist() == [2.0, 2.0]
        assert (n[0, 0], f[0, 0], x[0, 0]) == (3.0, 1.0, 7.0)


def test_the_unit_in_the_last_place_is_that_of_the_machine() -> None:
    """math.ulp and NumPy's spacing of float32 say the same, at powers of two, at zero and among subnormal numbers."""
    powers = 2.0 ** np.arange(-1070.0, 1024.0, 7.0)
    size = np.concatenate([[0.0, 5e-324, 2.0**-1022, sys.float_info.max], powers, powers * 1.999])
    assert ulp_of(size).tolist() == [math.ulp(s) for s in size.tolist()]
    single = np.concatenate([[0.0, 1e-45, 1.1754944e-38], 2.0 ** np.arange(-140.0, 127.0, 3.0)]).astype(
        np.float32
    )
    assert (ulp_of(single.astype(float), "float32") == np.spacing(single)).all()


def test_errors_in_ulp_at_zero_across_signs_and_beyond_the_largest_number() -> None:
    tiny, big = 5e-324, sys.float_info.max
    model = np.array(
        [
            [np.nextafter(1.0, 2.0)],
            [np.nextafter(1.0, 0.0)],
            [-0.0],
            [tiny],
            [-tiny],
            [1.0],
            [-big],
            [np.inf],
            [2.0],
        ]
    )
    reference = np.array([[1.0], [1.0], [0.0], [0.0], [tiny], [0.0], [big], [big], [np.inf]])
    x = np.zeros((9, 1))
    errors = ErrorMeasure("ulp")(model, reference, x)[0]
    # Just below 1 the numbers are half a unit of 1 apart. A sign of zero is no error. The last reference has no value.
    assert errors[:8].tolist() == [1.0, 0.5, 0.0, 1.0, 2.0, big, big, np.inf]
    assert np.isnan(errors[8])
    over = ErrorMeasure("ulp", side="over")(model, reference, x)[0]
    assert over[:2].tolist() == [1.0, 0.0]
    by_model, by_reference = ErrorMeasure("ulp").gradient(
        model[:6], reference[:6], np.zeros(6, dtype=np.intp)
    )
    assert np.isfinite(by_model).all()
    assert (by_model == -by_reference).all()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"kind": "ulp", "floor": -1.0}, "floor of an error in ulp"),
        ({"kind": "ulp", "floor": np.nan}, "floor of an error in ulp"),
        ({"kind": "ulp", "precision": "float16"}, "must be float64 or float32, got 'float16'"),
        ({"kind": "absolute", "precision": "float32"}, "has no effect"),
        ({"kind": "ulp", "scale": 2.0}, "has no effect"),
    ],
)
def test_options_of_ulp_that_mean_nothing_are_refused(made: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        ErrorMeasure(**made)


def test_memory_that_is_short_is_no_fault_of_the_error_function() -> None:
    def refused(model: Any, reference: Any, x: Any) -> Any:
        raise MemoryError("of 5 MB")

    measure, one = ErrorMeasure("function", function=refused), np.ones((1, 1))
    with pytest.raises(MemoryError, match="of 5 MB"):
        measure(one, one, one)
