"""Boosting: sums of networks are networks, and the published teacher-student record is reached."""

import numpy as np
import pytest

from supnorm.networks import Architecture, Network, Part, Scaling
from supnorm.results import BadInput
from supnorm.training import Boosting, Limit, QuasiNewton, optimise
from supnorm.training.boosting import side_by_side
from supnorm.training.stopping import FLOOR


def network(seed, width=5, shift=0.0, **kind):
    scaling = Scaling([0.5, -1.0], [2.0, 3.0], [shift, 1.0], [1.0 + seed, 0.1], log=(False, False))
    return Network.init(np.random.default_rng(seed), 2, 2, width, 3, scaling=scaling, **kind)


@pytest.mark.parametrize("activation", ["tanh", "sin", ("tanh", "sin", "silu")])
def test_networks_side_by_side_are_the_sum(activation):
    a, b = network(1, activation=activation), network(2, 7, 0.3, activation=activation)
    both = side_by_side(a, b)
    x = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    np.testing.assert_allclose(both.value(x), a.value(x) + b.value(x), rtol=1e-13, atol=1e-13)
    assert both.widths == (12, 12, 12)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (network(1), network(2, activation="sin")),
        (network(1), Network.init(np.random.default_rng(0), 2, 2, 5, 3)),
        (network(1), Network.init(np.random.default_rng(0), 2, 1, 5, 3)),
    ],
)
def test_networks_that_do_not_fit_are_told(first, second):
    with pytest.raises(BadInput, match="same depth, activations and input scaling"):
        side_by_side(first, second)
    with pytest.raises(BadInput, match="boosting needs a plain network"):
        Boosting().add(
            network(1, residual=True), np.zeros((4, 2)), np.zeros((4, 2)), Limit(evaluations=1), None
        )


def test_boosting_at_the_floor_changes_nothing():
    net = network(1)
    x = np.random.default_rng(0).uniform(-3, 3, (60, 2))
    trained = Boosting(3, frequency=1.0).add(
        net, x, net.value(x), Limit(evaluations=5), np.random.default_rng(0)
    )
    assert trained.network is net
    assert trained.minimum.reason == FLOOR


@pytest.mark.slow
def test_the_published_teacher_student_error_is_undercut():
    """Published: RMSE 4.1e-8 after stage 1, 3.2e-13 boosted (Michaud, Liu & Tegmark, 100,000 points)."""
    rng = np.random.default_rng(100)
    layers = []
    for rows, columns in ((3, 1), (3, 3), (1, 3)):
        b = 1 / np.sqrt(columns)
        layers.append((rng.uniform(-b, b, (rows, columns)), rng.uniform(-b, b, rows)))
    part = Part(Architecture(1, 1, (3, 3), "tanh"), tuple(layers))
    teacher = Network((part,), Scaling.none(1, 1))
    x = rng.uniform(-1, 1, (1000, 1))
    y = teacher.value(x)
    student = Network.init(np.random.default_rng(0), 1, 1, 20, 2, scaling=Scaling.of_data(x, y))
    grid = np.linspace(-1, 1, 20_001)[:, None]

    def rmse(net):
        return np.sqrt(np.mean((net.value(grid) - teacher.value(grid)) ** 2))

    first = optimise(student, x, y, QuasiNewton(), Limit(evaluations=3000)).network
    assert rmse(first) < 4.1e-8
    boosted = Boosting(20, optimiser=QuasiNewton()).add(
        first, x, y, Limit(evaluations=3000), np.random.default_rng(2)
    )
    assert rmse(boosted.network) < 3.2e-13
    assert rmse(boosted.network) < 0.1 * rmse(first)
