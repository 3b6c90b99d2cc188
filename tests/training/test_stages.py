"""Stages of training: where samples go, refinement at the worst points, layers one by one, boosting in `fit`."""

import numpy as np
import pytest

from supnorm.networks import Network, Scaling
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.training import (
    ArgmaxRefinement,
    FitCalls,
    GreedyLayers,
    Limit,
    NetworkFit,
    QuasiNewton,
    fit,
    optimise,
)
from supnorm.training.design import unit_design
from supnorm.training.refinement import thinned


@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_designs_are_nested_and_reach_the_faces(d):
    u = unit_design(500, d, seed=3)
    np.testing.assert_array_equal(unit_design(100, d, seed=3), u[:100])
    assert u.min() >= 0.0
    assert u.max() <= 1.0
    on_face = ((u == 0.0) | (u == 1.0)).any(axis=1).mean()
    assert d == 1 or 0.1 < on_face < 0.6
    corners = {tuple(row) for row in u[::16] if set(row) <= {0.0, 1.0}}
    assert len(corners) == (min(2**d, 32) if d <= 10 else 0)
    low, high = (u < 0.1).mean(axis=0), (u > 0.9).mean(axis=0)
    np.testing.assert_allclose(low, high, atol=0.06)  # both ends of every input get their share
    assert (low > 0.12).all()
    assert (((u > 0.4) & (u < 0.6)).mean(axis=0) > 0.1).all()  # and the middle is not empty


def test_thinned_points_lie_apart():
    u = np.random.default_rng(0).random((400, 2))
    kept = thinned(u, np.arange(400), 0.1, 30)
    gaps = np.linalg.norm(u[kept][:, None] - u[kept][None], axis=2) + np.eye(len(kept))
    assert len(kept) == 30
    assert gaps.min() > 0.1


@pytest.mark.slow
def test_worst_points_lower_the_maximum_more_than_random_ones():
    """A steep ridge that the samples hardly see; the control adds as many random points."""

    def f(x):
        return np.tanh(12 * (x[:, :1] + x[:, 1:] - 0.4)) + 0.3 * x[:, :1]

    rng = np.random.default_rng(0)
    screen = unit_design(4096, 2, 5)
    check = np.random.default_rng(9).random((20_000, 2))

    def ask(worst):
        def points(network, round_):
            gap = np.abs(network.value(screen) - f(screen))[:, 0]
            order = np.argsort(-gap) if worst else np.random.default_rng(round_).permutation(len(screen))
            rows = thinned(screen, order, 0.015, 30)
            return screen[rows], f(screen[rows])

        return points

    ratios = []
    for _ in range(3):
        x = rng.random((150, 2))
        start = Network.init(rng, 2, 1, 8, 2, scaling=Scaling.of_data(x, f(x)))
        first = optimise(start, x, f(x), QuasiNewton(), Limit(evaluations=400)).network
        after = [
            ArgmaxRefinement(4, QuasiNewton()).run(first, x, f(x), ask(worst), Limit(evaluations=800)).network
            for worst in (True, False)
        ]
        errors = [np.abs(n.value(check) - f(check)).max() for n in (first, *after)]
        assert errors[1] < 0.5 * errors[0]
        ratios.append(errors[1] / errors[2])
    assert np.median(ratios) < 0.8


@pytest.mark.slow
def test_layers_one_by_one_start_a_deep_sigmoid_like_network():
    """Six layers with weak first weights: plain training from the same seed is far behind."""
    x = np.linspace(-1.0, 1.0, 120)[:, None]
    y = np.sin(6 * x) * np.exp(x)
    net = Network.init(np.random.default_rng(0), 1, 1, 8, 6, scaling=Scaling.of_data(x, y))
    greedy = GreedyLayers(optimiser=QuasiNewton()).train(
        net, x, y, Limit(evaluations=600), np.random.default_rng(1)
    )
    assert greedy.network.parts[0].architecture == net.parts[0].architecture
    assert greedy.minimum.loss < 1e-8
    assert float(np.mean((greedy.network.value(x) - y) ** 2)) < 1e-8 * float(np.var(y)) * 1.01


def test_layer_wise_training_needs_a_plain_network():
    net = Network.init(np.random.default_rng(0), 1, 1, 4, 2, residual=True)
    x = np.linspace(0, 1, 9)[:, None]
    with pytest.raises(BadInput, match="layer-wise training needs hidden layers in one part"):
        GreedyLayers().train(net, x, x, Limit(evaluations=10), np.random.default_rng(0))


@pytest.mark.slow
def test_fit_adds_a_network_on_the_residual_where_one_stalls():
    """Narrow networks cannot do it alone; the accepted one is wider than any that was asked for."""

    def f(x):
        return np.sin(5 * x[:, 0]) + 0.2 * np.cos(17 * x[:, 0])

    strategy = NetworkFit(widths=(8,), optimiser=QuasiNewton(), iterations=1500)
    domain = Domain(x=(-1.0, 1.0))
    result = fit(
        f, domain, tolerance=1e-6, norm="l2", method=strategy, calls=FitCalls(audit_evaluations=2000)
    )
    assert result.status.code == "nothing-found"
    assert result.winner.approximation.model.widths[0] > 8
    assert len(result.winner.trail) > 10
    seconds = [t for t, _ in result.winner.trail]
    assert seconds == sorted(seconds)


@pytest.mark.slow
def test_fit_takes_modular_networks(tmp_path):
    from supnorm.approximants import load

    def f(x):
        return np.sin(x[:, 0] * x[:, 1]) / (1 + x[:, 2])

    domain = Domain(a=(0.0, 1.5), b=(0.0, 1.5), c=(0.0, 1.0))
    strategy = NetworkFit(widths=(10,), depth=1, takes=((0, 1), (3, 2)), starts=3, iterations=1200)
    result = fit(f, domain, tolerance=1e-3, method=strategy, calls=FitCalls(audit_evaluations=2000))
    model = result.winner.approximation.model
    assert model.takes == strategy.takes
    assert result.winner.approximation.parameters == strategy.size(3, 1, 10) == model.size
    assert result.winner.sup_lower < 1e-2
    result.save(tmp_path)
    x = domain.from_unit(np.random.default_rng(0).random((10, 3)))
    np.testing.assert_array_equal(load(tmp_path / "model.npz").value(x), result.model.value(x))
