"""Training networks: gradients, accuracy, the order of the methods, bad samples."""

import numpy as np
import pytest

from supnorm.networks import Network, Scaling
from supnorm.results import BadInput
from supnorm.training import (
    LBFGS,
    SOAP,
    Adam,
    LevenbergMarquardt,
    Limit,
    MeanSquares,
    QuasiNewton,
    choose_optimiser,
    optimise,
)
from supnorm.training import memory as memory_module


def samples(n=120):
    x = np.random.default_rng(0).uniform(-1, 1, (n, 2))
    return x, np.stack([np.sin(3 * x[:, 0]) * x[:, 1], 100 * np.exp(x[:, 0])], axis=1)


def start(x, y, width=8, **kind):
    rng = np.random.default_rng(1)
    return Network.init(rng, x.shape[1], y.shape[1], width, 2, scaling=Scaling.of_data(x, y), **kind)


def test_loss_gradient_and_jacobian_against_finite_differences():
    x, y = samples(15)
    net = start(x, y, 3)
    loss, theta = MeanSquares(net, x, y), start(x, y, 3).flat

    def residual(t):
        return ((net.with_flat(t).value(x) - y) / net.scaling.output_scale).T.ravel()

    r, jacobian = loss.residual_jacobian(theta)
    value, gradient = loss.value_and_grad(theta)
    np.testing.assert_allclose(r, residual(theta), atol=1e-13)
    assert value == pytest.approx(np.mean(residual(theta) ** 2), rel=1e-13)
    h = 1e-6
    for k in range(0, len(theta), 5):
        e = np.zeros_like(theta)
        e[k] = h
        slope = (residual(theta + e) - residual(theta - e)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, k], slope, atol=1e-7)
        assert gradient[k] == pytest.approx(2 * r @ jacobian[:, k] / len(r), abs=1e-12)


@pytest.mark.parametrize(
    "optimiser",
    [QuasiNewton(), LevenbergMarquardt(), LBFGS(), Adam(0.02), Adam(0.02, batch=40), SOAP(), SOAP(batch=40)],
)
def test_every_optimiser_trains_a_network(optimiser):
    x, y = samples()
    net = start(x, y)
    trained = optimise(net, x, y, optimiser, Limit(evaluations=300), np.random.default_rng(0))
    before = MeanSquares(net, x, y).value_and_grad(net.flat)[0]
    after = MeanSquares(net, x, y).value_and_grad(trained.network.flat)[0]
    assert after < 0.05 * before
    assert after < (1e-5 if isinstance(optimiser, QuasiNewton | LevenbergMarquardt) else 0.05)
    if getattr(optimiser, "batch", None) is None:
        assert trained.minimum.loss == pytest.approx(after, rel=1e-9)


@pytest.mark.slow
def test_self_scaled_broyden_is_decades_ahead_of_bfgs_lbfgs_and_adam():
    """The order of the published comparison: at equal steps on a two-frequency target in 1-D."""
    x = np.linspace(-1, 1, 600)[:, None]
    y = np.log(np.sin(10 * x) + 2) + np.sin(x)
    net = start(x, y, 12)
    loss = {
        name: optimise(net, x, y, method, Limit(evaluations=2500)).minimum.loss ** 0.5
        for name, method in {
            "broyden": QuasiNewton(),
            "bfgs": QuasiNewton("bfgs"),
            "lbfgs": LBFGS(),
            "adam": Adam(),
        }.items()
    }
    assert loss["broyden"] < 1e-4
    assert loss["broyden"] < 0.1 * loss["bfgs"]
    assert loss["broyden"] < 0.1 * loss["lbfgs"]
    assert loss["broyden"] < 0.01 * loss["adam"]


def test_the_same_seed_gives_the_same_network():
    x, y = samples(40)
    few, seed = Limit(evaluations=20), np.random.default_rng
    nets = [optimise(start(x, y), x, y, Adam(batch=10), few, seed(5)).network.flat for _ in range(2)]
    np.testing.assert_array_equal(*nets)


def test_training_keeps_the_scaling_and_the_names():
    x, y = samples(40)
    net = start(x, y, inputs=("a", "b"))
    trained = optimise(net, x, y, limit=Limit(evaluations=3)).network
    assert trained.scaling is net.scaling
    assert trained.inputs == ("a", "b")


def test_automatic_choice_follows_the_size():
    assert isinstance(choose_optimiser(200, 1000), LevenbergMarquardt)
    assert isinstance(choose_optimiser(200, 1_000_000), QuasiNewton)
    assert isinstance(choose_optimiser(2_000, 8_000), QuasiNewton)
    assert isinstance(choose_optimiser(50_000, 8_000), LBFGS)


def test_bad_samples_are_told():
    x, y = samples(20)
    net = start(x, y)
    with pytest.raises(BadInput, match=r"shapes \(n, 2\) and \(n, 2\), got \(20, 2\) and \(19, 2\)"):
        optimise(net, x, y[:-1])
    y[7, 0] = np.nan
    with pytest.raises(BadInput, match="labels are not finite in 1 of 20 samples, first in row 7"):
        optimise(net, x, y)


def test_a_jacobian_too_large_is_refused(monkeypatch):
    x, y = samples(200)
    net = start(x, y)
    monkeypatch.setattr(memory_module, "available_bytes", lambda: 800_000)
    with pytest.raises(BadInput, match="Jacobian of 400 residuals in 114 weights"):
        optimise(net, x, y, LevenbergMarquardt())
