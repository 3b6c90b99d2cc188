"""Networks against independent evaluations: mpmath, JAX, finite differences."""

import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supnorm.networks import ACTIVATIONS, Architecture, Network, Scaling, double_precision
from supnorm.results import BadInput

KINDS = [{}, {"residual": True}, {"fourier": 3}, {"width": (5, 7), "depth": 2}, {"depth": 0}]
SCALING = Scaling([1.0, 0.0, 3.0], [2.0, 1.0, 0.5], [5.0, 1.0], [2.0, 0.1], log=(False, False, True))


def make(activation: str = "tanh", scaling: Scaling | None = SCALING, **kind) -> Network:
    options = {"width": 6, "depth": 3} | kind
    return Network.init(np.random.default_rng(3), 3, 2, activation=activation, scaling=scaling, **options)


def exact_activation(name: str, z):
    return {
        "tanh": mpmath.tanh,
        "sin": mpmath.sin,
        "relu": lambda t: max(t, mpmath.mpf(0)),
        "silu": lambda t: t / (1 + mpmath.exp(-t)),
        "gelu": lambda t: t * mpmath.ncdf(t),
        "softplus": lambda t: mpmath.log1p(mpmath.exp(t)),
    }[name](z)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_value_agrees_with_a_50_digit_evaluation(activation):
    net = make(activation)
    x = np.random.default_rng(0).uniform(0.5, 4.0, 3)
    with mpmath.workdps(50):
        s = net.scaling
        z = [mpmath.log(v) if flag else mpmath.mpf(v) for v, flag in zip(x, s.log, strict=True)]
        z = [(a - b) / c for a, b, c in zip(z, s.input_shift, s.input_scale, strict=True)]
        for i, (weights, bias) in enumerate(net.parts[0].layers):
            z = [mpmath.fdot(row.tolist(), z) + b for row, b in zip(weights, bias, strict=True)]
            if i < len(net.parts[0].layers) - 1:
                z = [exact_activation(activation, v) for v in z]
        y = [float(v * c + b) for v, b, c in zip(z, s.output_shift, s.output_scale, strict=True)]
    np.testing.assert_allclose(net.value(x[None])[0], y, rtol=1e-13, atol=1e-14)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_jax_is_the_same_function_of_inputs_and_parameters(activation, kind):
    net = make(activation, **kind)
    other = net.with_flat(net.flat * 0.9 + 0.01)
    x = np.random.default_rng(1).uniform(0.5, 4.0, (40, 3))
    with double_precision():
        y = np.asarray(net.jax_apply(x, other.flat))
    np.testing.assert_allclose(y, other.value(x), rtol=1e-13, atol=1e-13)
    assert np.abs(other.value(x) - net.value(x)).max() > 1e-3


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_vjp_agrees_with_jax(activation, kind):
    import jax
    import jax.numpy as jnp

    net = make(activation, **kind)
    rng = np.random.default_rng(2)
    x, weight = rng.uniform(0.5, 4.0, (20, 3)), rng.standard_normal((20, 2))
    y, pull = net.vjp(x)
    with double_precision():
        expected = jax.jit(jax.grad(lambda t: jnp.sum(net.jax_apply(t) * weight)))(jnp.asarray(x))
    np.testing.assert_allclose(y, net.value(x), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(pull(weight), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_program_is_the_same_function(activation, kind):
    net = make(activation, **kind)
    x = np.random.default_rng(2).uniform(0.5, 4.0, (30, 3))
    program = net.as_function().program
    np.testing.assert_allclose(program.value(x), net.value(x), rtol=1e-13, atol=1e-13)
    assert activation in program.operations or len(net.parts[0].layers) == 1


def test_first_layer_is_in_the_inputs_own_units():
    scaling = Scaling([1.0, 0.0, 3.0], [2.0, 1.0, 0.5], [0.0, 0.0], [1.0, 1.0])
    net = make("relu", scaling, depth=1)
    weights, bias = net.as_function().first_layer
    x = np.random.default_rng(0).uniform(-2, 4, (10, 3))
    (_, _), (w2, b2) = net.parts[0].layers
    np.testing.assert_allclose(np.maximum(x @ weights.T + bias, 0) @ w2.T + b2, net.value(x), atol=1e-12)


def test_first_layer_is_unknown_behind_a_logarithm_or_fourier_features():
    assert make().as_function().first_layer is None
    assert make(scaling=None, fourier=2).as_function().first_layer is None


def test_large_batches_are_evaluated_in_blocks_and_agree():
    net = make()
    x = np.random.default_rng(0).uniform(0.5, 4.0, (5000, 3))
    np.testing.assert_allclose(net.value(x)[[0, 2500, 4999]], net.value(x[[0, 2500, 4999]]), rtol=1e-13)


def test_a_function_can_be_made_again_in_another_process():
    function = make().as_function()
    again = pickle.loads(pickle.dumps(function.remake))()
    x = np.ones((2, 3))
    np.testing.assert_array_equal(again.value(x), function.value(x))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.lists(st.integers(1, 5), max_size=3), st.integers(0, 2))
def test_flat_parameters_round_trip(d, m, widths, fourier):
    net = Network.init(np.random.default_rng(0), d, m, widths, fourier=fourier)
    assert len(net.flat) == net.size
    np.testing.assert_array_equal(net.with_flat(net.flat).flat, net.flat)


def test_units_of_the_first_layer_cover_the_box():
    net = Network.init(np.random.default_rng(0), 1, 1, 200, 1)
    weights, bias = net.parts[0].layers[0]
    zeros = -bias / weights[:, 0]
    assert np.abs(zeros).max() <= 1.0
    assert np.histogram(zeros, 4, (-1, 1))[0].min() > 20


def test_scaling_standardises_outputs_and_sends_axes_to_the_unit_box():
    from supnorm.problem import Axis, Domain

    domain = Domain(a=(2.0, 6.0), p=Axis(1e2, 1e6, scale="log"))
    y = np.random.default_rng(0).normal(3.0, 2.0, (500, 1))
    scaling = Scaling.of_domain(domain, y)
    np.testing.assert_allclose(
        scaling.enter(np.array([[2.0, 1e2], [6.0, 1e6], [4.0, 1e4]])).sum(1), [-2, 2, 0]
    )
    assert scaling.leave(np.array([[1.0]])) == pytest.approx(y.mean() + y.std())


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: Architecture(2, 1, (4,), "tan"), "activation must be one of"),
        (lambda: Architecture(0, 1, (4,)), "number of inputs must be a whole number of at least 1, got 0"),
        (lambda: Architecture(2, 1, (4, 0)), "width of hidden layer 2"),
        (lambda: Architecture(2, 1, (4, 4), ("tanh",)), "one activation per hidden layer"),
        (lambda: Scaling([0.0], [0.0], [0.0], [1.0]), "input_scale must be positive"),
        (lambda: make().value(np.zeros((3, 2))), r"points of shape \(n, 3\), got \(3, 2\)"),
        (lambda: make().with_flat(np.zeros(3)), "parameters, got"),
        (lambda: make(scaling=Scaling.none(2, 2)), "the scaling is for 2 inputs"),
    ],
)
def test_bad_input_is_told(make_it, message):
    with pytest.raises(BadInput, match=message):
        make_it()
