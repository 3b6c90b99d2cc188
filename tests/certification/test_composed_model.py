"""Chebyshev models: the remainder of every operation holds, is nearly attained, and so does the bound of rounding."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import chebyshev, composed_logs, composed_model
from supnorm.certification.composed_enclosure import enclose
from supnorm.certification.composed_grid import grid
from supnorm.certification.composed_model import ChebyshevModel
from supnorm.program import lower_jaxpr

COMPOSED = {
    "logs of sums": lambda x: jnp.log(jnp.exp(x[:, 0]) / 3.7 + 2.51 / jnp.exp(2 * x[:, 1])),
    "powers": lambda x: (jnp.exp(x[:, 0]) + 1.0) ** -1.3 * jnp.sqrt(jnp.exp(x[:, 1]) * 2.0),
    "Planck": lambda x: 1.0 / (jnp.exp(2.0 / jnp.exp(x[:, 0])) - 1.0) / jnp.exp(5.0 * x[:, 1]),
    "relative": lambda x: (jnp.exp(x[:, 0]) + 0.1 * x[:, 1] - jnp.exp(x[:, 0])) / jnp.exp(x[:, 0]),
    "of exponentials": lambda x: (jnp.exp(1.01 * x[:, 0]) - jnp.exp(x[:, 0] + 0.1 * x[:, 1] ** 2))
    / jnp.exp(x[:, 0] + 0.1 * x[:, 1] ** 2),
    "cubes": lambda x: (x[:, 0] + 2.0 * x[:, 1]) ** 3 - x[:, 0] ** 2 / (4.0 + x[:, 1]),
    "kinks": lambda x: jnp.maximum(x[:, 0], jnp.abs(x[:, 1]) - 0.3) + jax.nn.leaky_relu(x[:, 0] - x[:, 1]),
}  # fmt: skip


def programs(rng):
    """Networks of every activation, arithmetic, and formulas with logarithms; by name."""
    return oracle.random_programs(rng) | {k: lower_jaxpr(f, 2) for k, f in COMPOSED.items()}


NAMES = list(programs(np.random.default_rng(0)))


def interpolant(model, y):
    """The interpolants at points ``(k, d)`` of the box, shape ``(B, w, k)``."""
    g = model.grid
    T = np.cos(np.arange(g.n + 1) * np.arccos(np.clip(y, -1, 1))[:, :, None])  # (k, d, n + 1)
    table = T[:, 0]
    for j in range(1, g.d):
        table = (table[:, :, None] * T[:, None, j]).reshape(len(y), -1)
    return g.coefficients(model.values) @ table.T


def excess(program, centre, half, n, y):
    """How far the error of interpolation is above the remainder, and the largest share of it that is reached."""
    model = enclose(program, centre, half, n)
    points = centre[:, None] + half[:, None] * y
    exact = np.swapaxes(program.value(points.reshape(-1, program.d)).reshape(len(centre), len(y), -1), 1, 2)
    off = np.abs(exact - interpolant(model, y)).max(-1)
    room = 2.0 * (1.0 + model.grid.lebesgue) * model.err
    good = np.isfinite(model.rest)
    return np.where(good, off - room - model.rest, -1.0).max(), model.rest, off


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", NAMES)
def test_the_remainder_holds(name):
    rng = np.random.default_rng(len(name))
    program = programs(rng)[name]
    known = 0
    for n in (2, 3, 5, 8):
        for size in (1.0, 0.4, 0.1):
            centre = rng.uniform(-1.0, 1.0, (12, 2))
            half = size * rng.uniform(0.2, 1.0, (12, 2))
            y = np.concatenate(
                [rng.uniform(-1, 1, (300, 2)), list(itertools.product((-1.0, 0.0, 1.0), repeat=2))]
            )
            above, rest, _ = excess(program, centre, half, n, y)
            assert above <= 0.0
            known += np.isfinite(rest).all(1).sum()
    assert known >= 48  # of 144


@pytest.mark.parametrize("d", [1, 3, 4])
def test_the_remainder_holds_in_other_dimensions(d):
    rng = np.random.default_rng(d)
    W = rng.normal(size=(d, 4))
    program = lower_jaxpr(lambda x: jnp.tanh(x @ W).sum(1) / (3.0 + jnp.cos(x.sum(1))) * jnp.exp(x[:, 0]), d)
    for n in (2, 4):
        centre, half = rng.uniform(-1, 1, (8, d)), rng.uniform(0.02, 0.3, (8, d))
        above, rest, off = excess(program, centre, half, n, rng.uniform(-1, 1, (400, d)))
        assert above <= 0.0
        assert np.isfinite(rest).mean() >= 0.75
        assert (off > 1e-4 * rest).any()  # a bound that says something


def test_a_feature_has_no_remainder_where_it_is_not_defined():
    """The interpolant of log and of powers is positive, the feature within its remainder need not be."""
    for f in (jnp.log, jnp.sqrt, lambda z: z**1.5):
        program = lower_jaxpr(lambda x, f=f: f(0.52 + 0.5 * jnp.sin(7.0 * x[:, 0])), 1)
        wide = enclose(program, np.zeros((1, 1)), np.array([[1.0]]), 3)
        assert np.isinf(wide.rest).all()


# -- each rule by itself, against what it has to hold -----------------------------------------------------


def _model(g, coefficients, rem=0.0):
    """A feature of given coefficients, shape (n + 1)^d."""
    a = np.asarray(coefficients, dtype=float).reshape(1, 1, -1)
    T = np.cos(np.arange(g.n + 1) * np.arccos(np.clip(g.nodes, -1, 1))[:, :, None])
    table = T[:, 0]
    for j in range(1, g.d):
        table = (table[:, :, None] * T[:, None, j]).reshape(len(g.nodes), -1)
    rest = np.zeros((1, 1, g.d))
    rest[..., 0] = rem
    return ChebyshevModel(g, a @ table.T, rest, np.zeros((1, 1)))


@pytest.mark.parametrize("i", range(5))
def test_the_cut_part_of_a_product(i):
    """T_i T_4 has (T_(i+4) + T_|i-4|)/2; the first is seen as something else at the nodes of degree 4."""
    g = grid(4, 1)
    one, other = np.zeros(5), np.zeros(5)
    one[i], other[4] = 1.0, 1.0
    found = composed_model.multiply(_model(g, one), _model(g, other))
    y = np.linspace(-1, 1, 2001)[:, None]
    exact = np.cos(i * np.arccos(y[:, 0])) * np.cos(4 * np.arccos(y[:, 0]))
    off = np.abs(exact - interpolant(found, y)[0, 0]).max()
    assert off <= found.rest[0, 0]
    assert (found.rest[0, 0] <= 1e-12) == (i == 0)
    assert i == 0 or off >= (0.45 if i == 1 else 0.9) * found.rest[0, 0]  # T_5 is zero at the nodes


def test_the_remainders_of_a_product():
    g = grid(3, 1)
    x, y = _model(g, [2.0, 0.5, 0, 0], 0.1), _model(g, [-3.0, 0.25, 0, 0], 0.2)
    found = composed_model.multiply(x, y).rest[0, 0]
    assert found >= (2.5 + 0.1) * (3.25 + 0.2) - 2.5 * 3.25  # what it has to hold, at an end
    assert found <= 1.001 * (2.5 * 0.2 + 3.45 * 0.1)


def test_the_remainder_of_an_argument_is_carried_by_the_largest_slope():
    g = grid(3, 1)
    x = _model(g, [1.0, 0.5, 0, 0], 0.01)
    found = composed_model.smooth("exp", x).rest[0, 0]
    still = composed_model.smooth("exp", _model(g, [1.0, 0.5, 0, 0])).rest[0, 0]
    assert found - still >= np.exp(1.51) - np.exp(1.5)
    assert found - still <= 1.001 * 0.01 * np.exp(1.51)


def test_the_interpolation_error_of_a_function():
    """1/(c + y) has its pole at c: Bernstein's ellipse is nearly as large as it may be."""
    for c in (1.1, 1.5, 3.0):
        for n in (3, 6, 12):
            g = grid(n, 1)
            x = _model(g, [c, 1.0, *[0.0] * (n - 1)])
            found = composed_model.smooth("reciprocal", x)
            y = np.linspace(-1, 1, 4001)[:, None]
            off = np.abs(1 / (c + y[:, 0]) - interpolant(found, y)[0, 0]).max()
            assert off <= found.rest[0, 0] + 1e-12


def test_each_axis_has_its_share():
    """x is interpolated exactly: only the axes in which there is something to interpolate have a remainder."""
    program = lower_jaxpr(lambda x: jnp.exp(3.0 * x[:, 1]) + x[:, 0], 2)
    model = enclose(program, np.zeros((1, 2)), np.ones((1, 2)), 6)
    assert model.rem[0, 0, 1] > 1e-4
    assert model.rem[0, 0, 0] < 1e-10
    exact = lower_jaxpr(lambda x: jnp.sin(3.0 * x[:, 0] * jnp.ones(1)) * jnp.cos(2.0 * x[:, 1]), 2)
    model = enclose(exact, np.zeros((1, 2)), np.array([[1.0, 1e-3]]), 4)
    assert model.rem[0, 0, 0] > 1e3 * model.rem[0, 0, 1]


def test_later_axes_count_the_lebesgue_constant_of_earlier_ones():
    g = grid(8, 3)
    assert np.all(g.weight >= (2 / np.pi * np.log(9) + 1) ** np.arange(3))
    assert np.all(g.weight <= 1.001 * (2 / np.pi * np.log(9) + 1) ** np.arange(3))


def test_two_remainders_of_a_feature_are_not_mixed():
    """|r| <= 1 + 0 and |r| <= 0 + 1 do not give |r| <= 0 + 0."""
    g = grid(2, 2)
    a = _model(g, np.ones(9))
    x = ChebyshevModel(g, a.values, np.array([[[1.0, 0.0]]]), a.err)
    y = ChebyshevModel(g, a.values, np.array([[[0.0, 0.9]]]), a.err)
    assert composed_logs._with(x, y).rest[0, 0] >= 0.9
    assert composed_logs._with(y, x).rest[0, 0] >= 0.9


def test_a_kink_is_within_its_chord():
    g = grid(3, 1)
    x = _model(g, [0.1, 1.0, 0, 0], 0.05)
    found = composed_model.relu(x)
    y = np.linspace(-1, 1, 4001)[:, None]
    for shift in (-0.05, 0.05):
        # the feature x + shift has other values at the nodes; what is proved is of those that x + r has, r zero at the nodes
        exact = np.maximum(0.1 + y[:, 0], 0.0)
        off = np.abs(exact - interpolant(found, y)[0, 0]).max()
        assert off + abs(shift) * 0.5 <= found.rest[0, 0]
    assert composed_model.relu(_model(g, [1.2, 1.0, 0, 0], 0.05)).rest[0, 0] <= 0.0501
    assert composed_model.relu(_model(g, [-1.2, 1.0, 0, 0], 0.05)).rest[0, 0] <= 1e-280


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", NAMES)
def test_the_bound_of_rounding_holds(name):
    """Values at the nodes, beside those in 40 digits at the exact nodes."""
    rng = np.random.default_rng(3)
    program = programs(rng)[name]
    centre, half = rng.uniform(-1, 1, (2, 2)), rng.uniform(0.01, 0.2, (2, 2))
    with mp.workdps(40):
        for n in (2, 3):
            model = enclose(program, centre, half, n)
            line = [mp.cos((2 * i + 1) * mp.pi / (2 * n + 2)) for i in range(n + 1)]
            for b in range(2):
                c, h = ([mp.mpf(float(v)) for v in row[b]] for row in (centre, half))
                for k, (i, j) in enumerate(itertools.product(range(n + 1), repeat=2)):
                    exact = oracle.evaluate(program, [c[0] + h[0] * line[i], c[1] + h[1] * line[j]])
                    for w, v in enumerate(exact):
                        assert abs(mp.mpf(float(model.values[b, w, k])) - v) <= model.err[b, w]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_bound_of_a_coefficient_holds(d):
    rng = np.random.default_rng(d)
    for n in (2, 5, 12):
        g = grid(n, d)
        values = rng.normal(size=(1, 1, (n + 1) ** d)) * 1e3
        found = g.coefficients(values)[0, 0]
        off = g.coefficient_error(np.abs(values).max(-1), np.zeros((1, 1)))[0, 0]
        with mp.workdps(30):
            T = [[mp.cos(k * (2 * i + 1) * mp.pi / (2 * n + 2)) * (2 if k else 1) / (n + 1) for i in range(n + 1)]
                 for k in range(n + 1)]  # fmt: skip
            rows = list(itertools.product(range(n + 1), repeat=d))
            for at in rng.choice(len(rows), 5):
                exact = mp.fsum(
                    mp.mpf(float(v)) * mp.fprod(T[k][i] for k, i in zip(rows[at], node, strict=True))
                    for node, v in zip(rows, values[0, 0], strict=True)
                )
                assert abs(found[at] - exact) <= off
        assert off <= 1e3 * 4.0 * 1e-16 * 2.0**d * 1e3 * n


@pytest.mark.parametrize(("n", "d"), [(1, 1), (6, 1), (5, 2), (3, 3)])
def test_the_error_of_values_in_a_coefficient_is_bounded(n, d):
    """Errors with the signs of a row of the transform add up."""
    g, size = grid(n, d), 1e-3
    row = np.abs(chebyshev.transform(n)).sum(1).max() ** d
    assert g.coefficient_error(np.zeros((1, 1)), np.full((1, 1), size))[0, 0] >= size * row * (1.0 - 1e-12)


def test_long_chains_of_positive_features_are_read():
    """Their logarithms are made by recursion, which has an end."""

    def chain(x):
        total = jnp.exp(x[:, 0])
        for k in range(300):
            total = total + 1.0 / (k + 1.0)
        return jnp.log(total)

    model = enclose(lower_jaxpr(chain, 1), np.zeros((1, 1)), np.array([[0.2]]), 5)
    assert np.isfinite(model.rest).all()


def test_models_are_the_same_whatever_boxes_are_beside():
    """A batch of boxes gives each the bound that it has alone, up to rounding."""
    program = lower_jaxpr(
        lambda x: COMPOSED["Planck"](x) / jnp.abs(jnp.exp(x[:, 1]) - 0.7 * jnp.exp(x[:, 0])), 2
    )
    rng = np.random.default_rng(0)
    centre, half = rng.uniform(-2, 2, (16, 2)), rng.uniform(0.1, 1.0, (16, 2))
    together = enclose(program, centre, half, 5).rest
    for b in range(16):
        alone = enclose(program, centre[b : b + 1], half[b : b + 1], 5).rest
        assert np.allclose(alone, together[b : b + 1], rtol=1e-6) or np.isinf(alone).all()
