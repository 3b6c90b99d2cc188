"""Interpolation tables as programs: SciPy's objects, np.interp and jnp.interp against themselves, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import interpolate

from supnorm.program import Unsupported, lower_jaxpr, lower_numpy, program_of
from supnorm.program.tables import Piecewise, basis_splines

rng = np.random.default_rng(0)
KNOTS = np.sort(np.concatenate([[0.0, 3.0], rng.uniform(0.0, 3.0, 7)]))
VALUES = np.sin(2.0 * KNOTS) + KNOTS
GRID = (np.linspace(0, 3, 6), np.sort(np.r_[0, 3, rng.uniform(0, 3, 4)]), np.linspace(0, 3, 6))
CUBE = rng.normal(size=(6, 6, 6))
X = np.concatenate([rng.uniform(0, 3, (200, 1)), KNOTS[:, None]])
SPLINE = interpolate.CubicSpline(KNOTS, VALUES)

ONE = {
    "pchip": interpolate.PchipInterpolator(KNOTS, VALUES),
    "cubic": SPLINE,
    "Hermite": interpolate.CubicHermiteSpline(KNOTS, VALUES, np.cos(KNOTS)),
    "Akima": interpolate.Akima1DInterpolator(KNOTS, VALUES),
    "B-spline of degree 1": interpolate.make_interp_spline(KNOTS, VALUES, k=1),
    "B-spline of degree 3": interpolate.make_interp_spline(KNOTS, VALUES, k=3),
    "B-spline of degree 5": interpolate.make_interp_spline(KNOTS, VALUES, k=5),
    "B-spline of two outputs": interpolate.make_interp_spline(KNOTS, np.c_[VALUES, VALUES**2], k=3),
    "smoothing spline": interpolate.UnivariateSpline(KNOTS, VALUES, s=0.01),
    "interp1d": interpolate.interp1d(KNOTS, VALUES),
    "Bernstein": interpolate.BPoly.from_derivatives(KNOTS, np.c_[VALUES, np.cos(KNOTS)]),
    "two outputs": interpolate.CubicSpline(KNOTS, np.c_[VALUES, VALUES**2]),
    "np.interp": lambda x: np.interp(x[:, 0], KNOTS, VALUES),
    "a derivative": lambda x: SPLINE(x[:, 0], 1),
    "in code": lambda x: np.exp(-SPLINE(x[:, 0])) * x[:, 0] + SPLINE(x[:, 0] ** 2 / 3.0),
}


@pytest.mark.parametrize("name", ONE)
def test_one_variable(name):
    program = lower_numpy(ONE[name], 1)
    expected = np.asarray(ONE[name](X)).reshape(len(X), -1)
    np.testing.assert_allclose(program.value(X), expected, rtol=1e-13, atol=1e-13)
    assert set(KNOTS) >= {v for _, knots in program.cuts for v in knots} - {0.0, 3.0}


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("method", ["linear", "slinear", "cubic"])
def test_grids(d, method):
    table = interpolate.RegularGridInterpolator(
        GRID[:d], CUBE[(slice(None),) * d + (0,) * (3 - d)], method=method
    )
    x = rng.uniform(0, 3, (200, d))
    program = lower_numpy(table, d)
    np.testing.assert_allclose(program.value(x)[:, 0], table(x), rtol=1e-12, atol=1e-12)
    assert [limit.column for limit in program.limits] == list(range(d))
    by_columns = lower_numpy(lambda x: table(tuple(x[:, j] for j in range(d))), d)
    np.testing.assert_allclose(by_columns.value(x), program.value(x), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("method", ["linear", "slinear", "cubic"])
def test_a_grid_whose_values_were_changed_later_is_read_as_scipy_evaluates_it(method):
    """SciPy keeps a spline of the values that it was given: of the methods, only linear sees others later."""
    table = interpolate.RegularGridInterpolator(GRID[:2], CUBE[:, :, 0].copy(), method=method)
    before = table(np.array([[0.5, 0.5]]))
    table.values[:] += 1.0
    x = rng.uniform(0, 3, (50, 2))
    np.testing.assert_allclose(lower_numpy(table, 2).value(x)[:, 0], table(x), rtol=1e-12, atol=1e-12)
    assert (table(np.array([[0.5, 0.5]])) == before).all() == (method != "linear")


def test_a_grid_of_one_axis_needs_no_matrix_of_its_knots():
    """With a basis function for each of 20,001 knots the reader took gigabytes, and hours, beyond every --seconds."""
    knots = np.linspace(0.0, 1.0, 20_001)
    table = interpolate.RegularGridInterpolator((knots,), np.sin(3.0 * knots))
    program = lower_numpy(table, 1)
    x = rng.uniform(0.0, 1.0, (20, 1))
    np.testing.assert_allclose(program.value(x)[:, 0], table(x), rtol=1e-11)
    assert max(node.weight.size for node in program.nodes if node.weight is not None) <= 50_000


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_a_grid_with_too_many_knots_along_an_axis_is_refused(method):
    if method == "linear":
        ends = np.linspace(0.0, 1.0, 5_001), np.array([0.0, 1.0])
        table = interpolate.RegularGridInterpolator(ends, np.zeros((5_001, 2)), method=method)
        with pytest.raises(Unsupported, match="5001 values along one axis"):
            lower_numpy(table, 2)
    else:
        with pytest.raises(Unsupported, match="5001 values along one axis"):
            basis_splines(np.arange(5_005.0), 3, "limit", "a table")


def test_beyond_the_ends():
    """Each as it says: the end's value, the outer polynomials, or nothing."""
    z = np.linspace(-2.0, 5.0, 60)[:, None]
    kept = lower_numpy(ONE["np.interp"], 1)
    np.testing.assert_allclose(kept.value(z)[:, 0], ONE["np.interp"](z), rtol=1e-14)
    continued = lower_numpy(SPLINE, 1)
    np.testing.assert_allclose(continued.value(z), SPLINE(z), rtol=1e-12)
    assert kept.limits == continued.limits == ()
    none = (
        interpolate.CubicSpline(KNOTS, VALUES, extrapolate=False),
        interpolate.interp1d(KNOTS, VALUES),
        interpolate.interp1d(KNOTS, VALUES, bounds_error=False, fill_value=7.0),
        interpolate.UnivariateSpline(KNOTS, VALUES, ext=1),
        lambda x: SPLINE(x[:, 0], extrapolate=False),
        lambda x: np.interp(x[:, 0], KNOTS, VALUES, left=-1.0, right=9.0),
    )
    for table in none:
        (limit,) = lower_numpy(table, 1).limits
        assert (limit.low, limit.high) == (0.0, 3.0)
    (limit,) = lower_numpy(lambda x: np.interp(x[:, 0], KNOTS, VALUES, left=-1.0), 1).limits
    assert (limit.low, limit.high) == (0.0, np.inf)
    const = interpolate.UnivariateSpline(KNOTS, VALUES, s=0.01, ext=3)
    np.testing.assert_allclose(lower_numpy(const, 1).value(z), const(z), rtol=1e-12)


def test_limits_pass_through_programs_of_programs():
    from supnorm.program import Builder

    inner = lower_numpy(lambda x: interpolate.interp1d(KNOTS, VALUES)(2.0 * x[:, 0]), 1)
    build = Builder(1)
    program = build.finish(build.inline(inner, build.unary("sin", build.input)))
    (limit,) = program.limits
    assert program.nodes[limit.node].op == "mul"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (interpolate.PPoly(np.array([[1.0, 2.0]]), np.array([0.0, 1.0, 2.0])), "jump of -1 at 1"),
        (interpolate.CubicSpline(KNOTS, np.r_[VALUES[:-1], VALUES[0]], bc_type="periodic"), "periodic"),
        (interpolate.interp1d(KNOTS, VALUES, kind="previous"), "step"),
        (interpolate.interp1d(KNOTS, VALUES, kind="cubic"), "CubicSpline"),
        (interpolate.RegularGridInterpolator(GRID[:1], CUBE[:, 0, 0], method="nearest"), "step"),
        (interpolate.RegularGridInterpolator(GRID[:1], CUBE[:, 0, 0], method="pchip"), "linear or cubic"),
        (lambda x: SPLINE(x[:, 0], 4), "values that are not|jump|constant|polynomial"),
        (lambda x: np.interp(x[:, 0], KNOTS, np.where(KNOTS > 1.0, np.nan, KNOTS)), "not finite"),
        (lambda x: np.interp(x[:, 0], KNOTS[::-1], VALUES), "do not increase"),
        (lambda x: np.interp(x[:, 0], KNOTS, VALUES, period=3.0), "period"),
        (lambda x: np.interp(0.5, x[:, 0], x[:, 0]), "depends on the input"),
        (lambda x: interpolate.PchipInterpolator(KNOTS, VALUES)(x[:, 0], 3), "jump"),
    ],
)
def test_what_is_no_continuous_table_is_refused_by_name(table, words):
    if "constant" in words:  # the fourth derivative of a cubic spline is zero
        assert not program_of(table, 1).value(X).any()
        return
    with pytest.raises(Unsupported, match=words):
        program_of(table, 1)


def test_classes_are_as_before_after_reading():
    before = interpolate.CubicSpline.__call__
    lower_numpy(SPLINE, 1)
    with pytest.raises(Unsupported):
        lower_numpy(interpolate.RegularGridInterpolator(GRID[:1], CUBE[:, 0, 0], method="nearest"), 1)
    assert interpolate.CubicSpline.__call__ is before


NARROW = np.array([0.0, 0.3, 0.3 + 1e-7, 1.0])
JUMPING = {
    "1e-9 of the values": interpolate.PPoly(np.array([[1e9, 1e9 + 0.5, 1e9]]), NARROW),
    "beside an output of larger values": interpolate.PPoly(
        np.array([[[1e9, 1.0], [1e9, 1.5], [1e9, 1.0]]]), NARROW
    ),
    "beside a piece of larger values": interpolate.PPoly(
        np.array([[0, 0, 0, 1e9, 0], [1.0, 1.5, 1.0, 1.0, 1e9 + 1.0]]), np.array([*NARROW, 2.0, 3.0])
    ),
    "of pieces whose powers overflow": interpolate.PPoly(
        np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.5]]), np.array([0.0, 1e160, 2e160])
    ),
    "at knots of a spline": interpolate.BSpline(
        np.repeat(NARROW, 2), np.repeat([1.0, 1.0 + 1e-10, 1.0], 2), 1
    ),
}


@pytest.mark.parametrize("name", JUMPING)
def test_a_jump_that_is_small_beside_other_values_is_no_rounding(name):
    """Its continuous program was proved within 1e-6 of the values that this table has without its step of 0.5."""
    with pytest.raises(Unsupported, match="with a jump of"):
        lower_numpy(lambda x: JUMPING[name](x[:, 0]), 1)


def test_the_gap_of_rounded_pieces_is_known():
    """Pieces with a gap of 2e-14: the program is off by that, and says so."""
    c = np.array([[[0.0], [1.0]], [[1.0 + 2e-14], [1.0]], [[2.0 + 2e-14], [-1.0]]])
    table = Piecewise.of(np.array([0.0, 1.0, 2.0, 3.0]), c, "continue", "continue")
    assert abs(table.gap() - 2e-14) < 1e-15
    fitted = lower_numpy(SPLINE, 1)
    assert any(a.absolute > 0 for node in fitted.nodes for a in node.discrepancies)


def test_jax():
    with jax.enable_x64(True):
        program = lower_jaxpr(lambda x: jnp.interp(x[:, 0], KNOTS, VALUES), 1)
        with pytest.raises(Unsupported):
            lower_jaxpr(lambda x: jnp.interp(x[:, 0], KNOTS, VALUES, period=3.0), 1)
    z = np.linspace(-1.0, 4.0, 50)[:, None]
    np.testing.assert_allclose(program.value(z)[:, 0], np.interp(z[:, 0], KNOTS, VALUES), rtol=1e-13)
