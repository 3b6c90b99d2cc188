"""Modular networks: the same function by every road, saved and exported, and trained beside a dense one."""

import jax
import numpy as np
import pytest

from supnorm.networks import (
    Network,
    Part,
    Scaling,
    double_precision,
    load,
    save,
    to_onnx,
    to_torch,
)
from supnorm.results import BadInput
from supnorm.training import LevenbergMarquardt, Limit, MeanSquares, optimise

DISTANCE = ((0, 1), (2, 3), (4, 5))  # two pairs of inputs, then both results


def example(m=1, log=()):
    rng = np.random.default_rng(5)
    scaling = Scaling(np.full(4, 0.5), np.full(4, 2.0), np.arange(m) + 1.0, np.full(m, 3.0), log)
    return Network.modular(rng, 4, m, takes=DISTANCE, width=(3, 4, 5), scaling=scaling, inputs="abcd")


def points(n=30):
    return np.random.default_rng(1).uniform(0.5, 3.0, (n, 4))


def test_value_is_the_composition_of_its_parts():
    net, x = example(), points()
    z = (x - 0.5) / 2.0
    first, second = net.parts[0].value(z[:, :2]), net.parts[1].value(z[:, 2:])
    y = net.parts[2].value(np.concatenate([first, second], axis=1)) * 3.0 + 1.0
    np.testing.assert_allclose(net.value(x), y, atol=1e-13)
    assert net.size == 3 * 3 + 4 + 4 * 3 + 5 + 5 * 3 + 6


@pytest.mark.slow
@pytest.mark.parametrize("log", [(), (False, True, False, True)])
def test_every_road_gives_the_same_numbers(log):
    net, x = example(2, log), points()
    y = net.value(x)
    np.testing.assert_allclose(net.as_function().program.value(x), y, atol=1e-13)
    with double_precision():
        np.testing.assert_allclose(net.jax_apply(x), y, atol=1e-13)
        slopes = np.asarray(jax.jit(jax.vmap(jax.jacrev(net.jax_apply)))(x))
    weight = np.random.default_rng(2).standard_normal(y.shape)
    pulled = net.vjp(x)[1](weight)
    np.testing.assert_allclose(pulled, np.einsum("nm,nmd->nd", weight, slopes), atol=1e-12)


@pytest.mark.slow
def test_parameter_derivatives_agree_with_jax():
    net, x = example(2), points(7)
    y = np.zeros((7, 2))
    loss = MeanSquares(net, x, y)
    residual, jacobian = loss.residual_jacobian(net.flat)
    value, gradient = loss.value_and_grad(net.flat)
    with double_precision():
        scaled = jax.jit(jax.jacrev(lambda theta: (net.jax_apply(x, theta) / 3.0).T.ravel()))(net.flat)
    np.testing.assert_allclose(jacobian, np.asarray(scaled), atol=1e-12)
    np.testing.assert_allclose(gradient, 2 * residual @ jacobian / residual.size, atol=1e-12)
    assert value == pytest.approx(np.mean(residual**2))


def test_saved_and_exported_networks_are_the_same(tmp_path):
    from supnorm.approximants import load as load_model

    net, x = example(2, (False, True, False, True)), points()
    save(net, tmp_path / "m.npz")
    again = load(tmp_path / "m.npz")
    np.testing.assert_array_equal(again.value(x), net.value(x))
    assert again.inputs == tuple("abcd")
    assert again.takes == net.takes
    np.testing.assert_array_equal(load_model(tmp_path / "m.npz").value(x), net.value(x))


def test_onnx_in_double_precision(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    net, x = example(2), points()
    to_onnx(net, tmp_path / "m.onnx")
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": x})[0], net.value(x), atol=1e-13)


def test_torch_in_double_precision():
    torch = pytest.importorskip("torch")
    net, x = example(2, (False, True, False, True)), points()
    module = to_torch(net)
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), net.value(x), atol=1e-13)
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert trained == net.size
    many = torch.tensor(np.stack([x, x[::-1]]))  # a batch of batches
    np.testing.assert_allclose(module(many)[1].detach().numpy(), net.value(x[::-1]), atol=1e-13)


@pytest.mark.parametrize(
    "takes", [((0, 1), (2, 5), (4, 5)), ((0, 0), (2, 3), (4, 5)), ((0, 1), (2, 3), (4,))]
)
def test_channels_that_cannot_be(takes):
    parts = (Part.init(np.random.default_rng(0), 2, 1, 3, 1, "tanh"),) * 3
    with pytest.raises(BadInput, match="different channels below"):
        Network(parts, Scaling.none(4, 1), takes)


@pytest.mark.slow
def test_groups_of_a_composition_beat_a_dense_network_of_more_weights():
    """A sine of a product over a ratio, best of three starts for both."""

    def f(x):
        return np.sin(x[:, :1] * x[:, 1:2]) / (1.0 + (x[:, 2:3] / x[:, 3:]) ** 2)

    rng = np.random.default_rng(0)
    x, fresh = rng.uniform(1.0, 3.0, (1200, 4)), rng.uniform(1.0, 3.0, (4000, 4))
    scaling = Scaling.of_data(x, f(x))
    kinds = {
        "modular": lambda: Network.modular(rng, 4, takes=DISTANCE, width=14, scaling=scaling),
        "dense": lambda: Network.init(rng, 4, 1, 12, 2, scaling=scaling),
    }
    rms, sizes = {}, {}
    for kind, make in kinds.items():
        starts = [optimise(make(), x, f(x), LevenbergMarquardt(), Limit(evaluations=40)) for _ in range(3)]
        best = min(starts, key=lambda t: t.minimum.loss).network
        trained = optimise(best, x, f(x), LevenbergMarquardt(), Limit(evaluations=120)).network
        rms[kind] = float(np.sqrt(np.mean((trained.value(fresh) - f(fresh)) ** 2)))
        sizes[kind] = trained.size
    assert sizes["modular"] < sizes["dense"]
    assert rms["modular"] < 0.7 * rms["dense"]  # the published margin is 1.5 to 2


def test_modular_networks_can_be_certified():
    """Two networks that differ a little: the proved bound is above every difference seen, and close to it."""
    from supnorm.certification import certify
    from supnorm.problem import Domain, Problem

    rng = np.random.default_rng(3)
    net = Network.modular(rng, 2, takes=((0,), (1,), (2, 3)), width=3)
    other = net.with_flat(net.flat * (1 + 1e-3 * rng.standard_normal(net.size)))
    domain = Domain(a=(-1.0, 1.0), b=(-1.0, 1.0))
    proof = certify(Problem(net.as_function(), other.as_function(), domain), ratio=1.2, seconds=20.0)
    x = rng.uniform(-1, 1, (20_000, 2))
    seen = float(np.abs(net.value(x) - other.value(x)).max())
    assert seen <= proof.upper < 1.5 * seen
