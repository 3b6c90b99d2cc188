"""Jumps of labels over one input: found where they are, and steep, kinked or noisy labels are not called jumps."""

import numpy as np
import pytest

from supnorm.approximants import NotApplicable, PiecewiseLeastSquares, line_jumps, load_function, save
from supnorm.problem import Axis, Domain

LINE = Domain(x=(-1.0, 1.0))


def samples(n, seed):
    return np.sort(np.random.default_rng([seed, 60]).uniform(-1.0, 1.0, n))


def two_jumps(t):
    return np.where(t < -0.3, np.sin(4 * t), np.where(t < 0.4, 2.0 + t**2, np.exp(t)))


@pytest.mark.parametrize("seed", range(5))
def test_jumps_are_found_where_they_are(seed):
    t = samples(200, seed)
    k = line_jumps(t, two_jumps(t)[:, None])
    assert len(k) == 2
    assert t[k[0]] < -0.3 <= t[k[0] + 1]
    assert t[k[1]] < 0.4 <= t[k[1] + 1]


@pytest.mark.parametrize(
    "f",
    [
        lambda t, rng: np.tanh(len(t) * (t - 0.1) / 8),  # four mean distances wide
        lambda t, rng: np.exp(4 * t),
        lambda t, rng: 1.0 / (1.02 + t),
        lambda t, rng: 1.0 / (1.0 + 100 * t**2),
        lambda t, rng: np.abs(t - 0.1),
        lambda t, rng: np.sqrt(np.abs(t - 0.1)),
        lambda t, rng: np.round(np.sin(5 * t), 2),
        lambda t, rng: rng.normal(size=len(t)),
        lambda t, rng: np.sin(5 * t) + 0.05 * rng.normal(size=len(t)),
        lambda t, rng: np.sin(5 * t) + 3.0 * (rng.random(len(t)) < 0.01),
        lambda t, rng: np.zeros(len(t)),
    ],
)
def test_continuous_or_noisy_labels_are_seldom_called_jumps(f):
    """At most one design in a hundred, for 100 samples."""
    wrong = 0
    for seed in range(100):
        t = samples(100, seed)
        wrong += len(line_jumps(t, f(t, np.random.default_rng(seed))[:, None])) > 0
    assert wrong <= 1


def test_a_jump_ten_times_the_noise_is_found_more_often_than_not():
    found = 0
    for seed in range(50):
        t = samples(300, seed)
        y = np.sin(2 * t) + 0.5 * (t > 0.1) + 0.05 * np.random.default_rng(seed).normal(size=300)
        found += len(line_jumps(t, y[:, None])) == 1
    assert found > 25


def test_too_few_samples_say_nothing():
    assert line_jumps(np.arange(7.0), np.eye(7)).tolist() == []


def test_pieces_are_as_accurate_as_their_samples_allow(tmp_path):
    t = np.cos(np.pi * (np.arange(200) + 0.5) / 200)
    found = PiecewiseLeastSquares().from_samples(t[:, None], two_jumps(t)[:, None], LINE)
    assert found.method == "piecewise polynomial"
    sizes = [float(note.split(" between")[0].removeprefix("jump of ")) for note in found.notes]
    assert sizes == pytest.approx([3.02, 0.654], abs=0.01)
    x = np.linspace(-1.0, 1.0, 4001)
    away = np.min(np.abs(x[:, None] - np.array([-0.3, 0.4])), axis=1) > 0.02
    error = np.abs(found.function.value(x[:, None])[:, 0] - two_jumps(x))
    assert error[away].max() < 1e-9
    save(found.model, tmp_path / "pieces.npz")
    again = load_function(tmp_path / "pieces.npz").value(x[:, None])
    np.testing.assert_array_equal(again, found.function.value(x[:, None]))


def test_logarithmic_axes_and_several_outputs():
    domain = Domain(p=Axis(1.0, 1e4, scale="log"))
    p = domain.from_unit(np.linspace(0.0, 1.0, 120)[:, None])
    y = np.concatenate([np.log(p), np.where(p > 100.0, 5.0, 0.0)], axis=1)
    found = PiecewiseLeastSquares().from_samples(p, y, domain)
    np.testing.assert_allclose(found.function.value(p), y, atol=1e-9)


def test_it_says_where_it_is_of_no_use():
    x = np.random.default_rng(0).random((50, 2))
    square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    with pytest.raises(NotApplicable, match="for one input"):
        PiecewiseLeastSquares().from_samples(x, x[:, :1], square)
    with pytest.raises(NotApplicable, match="no jump between neighbouring samples"):
        PiecewiseLeastSquares().from_samples(x[:, :1], x[:, :1], Domain(a=(0.0, 1.0)))
