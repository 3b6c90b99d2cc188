"""One pass over a pair of fields: the compiled loop against NumPy, and NumPy against what the words say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supnorm.fields.accumulated import COUNTS, SUMS, Accumulated
from supnorm.fields.bits import BINS, bins_of, brackets, edges, whole_weights
from supnorm.fields.grid import Grid
from supnorm.fields.scan import likely_threshold, points_above, scan_numpy, setting

NEVER = 2**31 - 1


def empty(shape):
    return Accumulated(
        np.zeros(len(SUMS)),
        np.zeros(len(COUNTS), np.int64),
        np.zeros(BINS, np.int64),
        np.full(shape, -1, np.float32),
        np.full(shape, NEVER, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
    )


def grids():
    lat = np.linspace(90, -90, 31)
    return [
        Grid.sphere_of(lat, np.arange(0, 360, 6.0)),
        Grid.sphere_of(lat, np.arange(0, 90, 6.0)),
        Grid(np.arange(7.0), np.arange(5.0)),
        Grid(np.zeros(1), np.arange(4.0)),
        Grid(np.arange(4.0), np.zeros(1)),
        Grid.sphere_of(
            np.linspace(60, -60, 4), np.arange(300) * 1.2
        ),  # no multiple of the columns summed together
        Grid(np.arange(3.0), np.arange(129.0)),
    ]


def fields(shape, generator, dtype, faults=0.02):
    p, t = (generator.normal(size=shape).astype(dtype) for _ in range(2))
    for array, value in ((p, np.nan), (t, np.nan), (p, np.inf), (t, -np.inf)):
        array[generator.random(shape) < faults] = value
    return p, t


@pytest.mark.parametrize("calm", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int16])
@pytest.mark.parametrize("grid", grids(), ids=lambda g: f"{g.shape}{g.periodic}")
def test_the_compiled_loop_gives_what_numpy_gives(grid, dtype, calm):
    """Calm fields: most rows have all values within the bounds, which the compiled loop takes in another way."""
    pytest.importorskip("numba")
    from supnorm.fields.compiled import scan_compiled

    generator = np.random.default_rng(5)
    given = setting(grid, whole_weights(grid.weights), *((-3.0, math.inf) if calm else (-1.5, 1.0)))
    one, other = empty(grid.shape), empty(grid.shape)
    for unit in (3, 1, 2):
        if dtype is np.int16:
            p, t = (generator.integers(-3, 3, grid.shape).astype(dtype) for _ in range(2))
        else:
            p, t = fields(grid.shape, generator, dtype, 0.002 if calm else 0.02)
        # Ties, zeros with a sign, and a difference that is infinite.
        if calm and dtype in (np.float32, np.float64):
            p, t = np.round(p, 1), np.round(t, 1)
            p[-1, -1], t[-1, -1] = np.finfo(dtype).max, -np.finfo(dtype).max
        a, b = (f(p, t, unit, 0.7, into, given) for f, into in ((scan_numpy, one), (scan_compiled, other)))
        for name in ("error", "index", "first_missing", "outside_index"):
            assert getattr(a, name) == getattr(b, name), name
        if a.outside_index >= 0:
            assert a.worst_outside == b.worst_outside
        np.testing.assert_array_equal(a.indices, b.indices)
        np.testing.assert_array_equal(a.errors, b.errors)
    for name in ("counts", "histogram", "largest", "when", "missing", "outside"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(one.sums, other.sums, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("column", [0, 63, 127, 128, 299])
@pytest.mark.parametrize("bits", [0x7F800001, 0x7FC00000, 0xFFC00000, 0xFFFFFFFF, 0x7F800000, 0xFF800000])
@pytest.mark.parametrize("side", [0, 1])
def test_no_value_that_is_not_finite_is_taken_for_one(side, bits, column):
    """Quiet and signalling NaNs of both signs and infinities, as bits: no comparison and no compiler may hide one."""
    pytest.importorskip("numba")
    from supnorm.fields.compiled import scan_compiled

    grid = Grid.sphere_of(np.linspace(60, -60, 4), np.arange(300) * 1.2)
    both = [np.full(grid.shape, v, np.float32) for v in (2.0, 1.5)]
    both[side].view(np.uint32)[2, column] = bits
    into = empty(grid.shape)
    given = setting(grid, whole_weights(grid.weights), -math.inf, math.inf)
    found = scan_compiled(*both, 0, 0.0, into, given)
    missing, truth_missing = (1, 0) if side == 0 else (0, 1)
    assert into.counts.tolist() == [grid.size - 1, missing, truth_missing, 0, 0]
    assert (found.error, len(found.indices)) == (0.5, grid.size - 1)
    assert np.isfinite(into.sums).all()
    assert into.largest[2, column] == -1.0


def test_a_guessed_threshold_keeps_what_a_field_has():
    generator = np.random.default_rng(0)
    p, t = (generator.normal(size=(300, 400)) for _ in range(2))
    p[generator.random(p.shape) < 0.01] = np.nan
    above = int((np.abs(p - t) > likely_threshold(p, t, 5_000)).sum())
    assert 8_500 < above < 11_500
    assert likely_threshold(p, t, 60_000) == 0.0
    found = points_above(p, t, 2.0)
    into = empty(p.shape)
    grid = Grid(np.arange(300.0), np.arange(400.0))
    scanned = scan_numpy(p, t, 0, 2.0, into, setting(grid, whole_weights(grid.weights), -math.inf, math.inf))
    np.testing.assert_array_equal(found["indices"], scanned.indices)
    np.testing.assert_array_equal(found["errors"], scanned.errors)


def test_what_is_summed_and_counted():
    grid = Grid.sphere_of(np.array([-60.0, 0.0, 60.0]), np.arange(0.0, 360.0, 90.0))
    p, t = np.zeros((3, 4)), np.zeros((3, 4))
    p[0, 0], p[1, 1], t[2, 2], p[2, 3] = 3.0, np.nan, np.nan, -7.0
    into = empty(grid.shape)
    found = scan_numpy(p, t, 0, 2.0, into, setting(grid, whole_weights(grid.weights), -5.0, math.inf))
    assert dict(zip(COUNTS, into.counts.tolist(), strict=True)) == {
        "both": 10, "prediction_missing": 1, "truth_missing": 1, "below": 1, "above": 0,
    }  # fmt: skip
    w = grid.weights
    sums = dict(zip(SUMS, into.sums, strict=True))
    assert sums["weight"] == pytest.approx(4 * w[0] + 3 * w[1] + 3 * w[2])
    assert sums["error"] == pytest.approx(3 * w[0] - 7 * w[2])
    assert sums["square"] == pytest.approx(9 * w[0] + 49 * w[2])
    assert (found.error, found.index, found.first_missing) == (7.0, 11, 5)
    assert (found.worst_outside, found.outside_index) == (-7.0, 11)
    assert found.indices.tolist() == [0, 11]
    assert found.errors.tolist() == [3.0, -7.0]
    assert into.largest[1, 1] == -1.0
    assert into.missing[1, 1] == 1
    assert into.outside[2, 3] == 1


def test_gradients_are_those_of_the_sphere():
    """Of the field sin(longitude): the mean of its squared gradient, by hand."""
    lat, lon = np.linspace(-80, 80, 81), np.arange(0.0, 360.0, 1.0)
    grid = Grid.sphere_of(lat, lon)
    field = np.broadcast_to(np.sin(np.radians(lon)), grid.shape)
    into = empty(grid.shape)
    scan_numpy(
        2 * field, field, 0, 9.0, into, setting(grid, whole_weights(grid.weights), -math.inf, math.inf)
    )
    sums = dict(zip(SUMS, into.sums, strict=True))
    w = grid.weights[:-1]
    per_km = 1 / (np.pi / 180 * 6371.0) * np.pi / 180 / np.cos(np.radians(lat[:-1]))
    expected = (w * per_km**2).sum() / w.sum() / 2
    assert sums["gradient_truth"] / sums["gradient_weight"] == pytest.approx(expected, rel=1e-3)
    assert sums["gradient_error"] == pytest.approx(sums["gradient_truth"])  # the error is the field itself


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 1e300, allow_subnormal=True), min_size=1, max_size=60),
    st.floats(0.01, 1.0),
)
def test_every_quantile_is_in_its_bracket(values, level):
    values = np.array(values)
    counts = np.bincount(bins_of(values), minlength=BINS)
    [(low, high)] = brackets(counts, [level])
    exact = np.sort(values)[max(math.ceil(level * len(values)), 1) - 1]
    assert low <= exact <= high


def test_brackets_are_narrow():
    for value in (1e-30, 1e-3, 1.0, 299.99, 1e30):
        low, high = edges(int(bins_of(np.array([value]))[0]))
        assert low <= value <= high <= low * (1 + 2**-6.9)


def test_weighted_quantiles():
    counts = np.zeros(BINS, np.int64)
    for value, weight in ((1.0, 90), (4.0, 10)):
        counts[bins_of(np.array([value]))[0]] += weight
    (a, b), (c, d) = brackets(counts, [0.9, 0.91])
    assert a <= 1.0 <= b < 1.01
    assert c <= 4.0 <= d < 4.04
