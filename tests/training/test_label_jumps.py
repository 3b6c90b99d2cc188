"""Jumps of labels over several inputs, and what a fit of fixed samples says of them."""

import numpy as np
import pytest

from supnorm.approximants import PiecewiseLeastSquares, PolynomialLeastSquares, SimplexInterpolation
from supnorm.problem import Domain
from supnorm.results import ExitCode
from supnorm.training import NetworkFit, fit
from supnorm.training.fit import strategies
from supnorm.training.fit_data import fit_data
from supnorm.training.label_jumps import label_jump


def box(d):
    return Domain.from_axes({f"x{i + 1}": (0.0, 1.0) for i in range(d)})


def points(n, d, seed):
    return np.random.default_rng([seed, d, 61]).random((n, d))


@pytest.mark.parametrize(("d", "n"), [(2, 300), (2, 1000), (3, 500)])
def test_a_jump_across_a_plane_is_found(d, n):
    found = 0
    for seed in range(10):
        x = points(n, d, seed)
        y = np.where(x.sum(axis=1) > 0.5 * d, 1.0, 0.0) + np.sin(3 * x[:, 0])
        jump = label_jump(x, y[:, None], box(d))
        if jump is not None:
            found += 1
            assert 0.6 < jump.size < 1.5
            assert (jump.low.sum() - 0.5 * d) * (jump.high.sum() - 0.5 * d) < 0  # on both sides
    assert found == 10


SMOOTH = {
    "steep": lambda x, rng: np.tanh((x.sum(1) - 1) * len(x) ** (1 / x.shape[1]) / 4),
    "exponential": lambda x, rng: np.exp(6 * x.mean(1)),
    "peak": lambda x, rng: 1 / (1 + 25 * ((x - 0.5) ** 2).sum(1)),
    "kink": lambda x, rng: np.abs(x[:, 0] - 0.3 * x[:, 1]),
    "noise": lambda x, rng: rng.normal(size=len(x)),
    "noisy wave": lambda x, rng: np.sin(3 * x).sum(1) + 0.1 * rng.normal(size=len(x)),
    "constant": lambda x, rng: np.ones(len(x)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(("d", "n"), [(2, 300), (3, 500), (5, 500)])
def test_continuous_or_noisy_labels_are_seldom_called_jumps(name, d, n):
    called = 0
    for seed in range(20):
        x = points(n, d, seed)
        y = SMOOTH[name](x, np.random.default_rng(seed))
        called += label_jump(x, y[:, None], box(d)) is not None
    assert called <= 1


def test_one_bad_label_is_no_jump():
    x = points(400, 2, 0)
    y = np.sin(3 * x).sum(1)
    y[17] += 10.0
    assert label_jump(x, y[:, None], box(2)) is None


@pytest.mark.slow
def test_fixed_samples_with_a_jump_are_fitted_in_pieces_and_told():
    x = np.random.default_rng(3).uniform(-1.0, 1.0, (1000, 1))
    y = np.where(x[:, 0] < 0.1, np.sin(4 * x[:, 0]), 0.5 * np.cos(9 * x[:, 0]) + 0.5)
    assert any(isinstance(m, PiecewiseLeastSquares) for m in strategies("auto", 1, fixed=True))
    quick = [PiecewiseLeastSquares(), SimplexInterpolation(), PolynomialLeastSquares()]
    result = fit_data((x, y), None, quick)
    assert result.winner.method == "piecewise polynomial"
    told = [note for note in result.notes if note.startswith("the labels jump by 0.4")]
    assert len(told) == 1
    assert "the candidate that jumps there is the piecewise polynomial" in result.notes[1]
    away = np.linspace(-0.99, 0.99, 2000)[:, None]
    away = away[np.abs(away[:, 0] - 0.1) > 0.02]
    truth = np.where(away < 0.1, np.sin(4 * away), 0.5 * np.cos(9 * away) + 0.5)
    assert np.abs(result.model.value(away) - truth).max() < 1e-3


def test_two_inputs_are_told_to_split():
    x = points(800, 2, 1)
    y = np.where(x.sum(1) > 1.0, 2.0, 0.0) + x[:, 0]
    result = fit((x, y), tolerance=0.1, method=PolynomialLeastSquares())
    assert result.status.exit == ExitCode.EXCEEDED
    assert "No continuous model can meet the tolerance, because the labels jump by 2" in result.status.advice
    assert result.notes[1] == "fit the samples on either side of the jump separately"


def test_steep_but_resolved_labels_are_not_told_to_jump():
    x = np.random.default_rng(5).uniform(-1.0, 1.0, (300, 1))
    result = fit((x, np.tanh(30 * x[:, 0])), method=NetworkFit(widths=(6,), iterations=200))
    assert result.notes == ()
