"""Constructions and bounds that are proved here beside the adversaries: networks, coins, frequencies, Gram matrices."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from tests.planning.functions import theory_of
from tests.planning.proofs import cosine_network, interpolating_network, randomised_error, unmet_share

from supnorm.planning.theory.bump import bump_height
from supnorm.planning.theory.fourier import fourier_weights
from supnorm.planning.theory.network_class import evaluate
from supnorm.planning.theory.polynomials import least_squares_samples, legendre_size
from supnorm.planning.theory.randomised_samples import randomised_samples
from supnorm.planning.theory.relu_interpolation import (
    log10_weights,
    parts_needed,
    relu_interpolation,
)
from supnorm.planning.theory.smooth_samples import inverse_width
from supnorm.planning.theory.structure import manifold_rates, pinn_rate


def kuhn(f, x, parts):
    """Piecewise linear interpolation by sorting the coordinates inside each cell."""
    z = x * parts
    cell = np.minimum(np.floor(z), parts - 1)
    order = np.argsort(cell - z, axis=1)
    t = np.take_along_axis(z - cell, order, 1)
    share = np.concatenate([np.ones((len(x), 1)), t], 1) - np.concatenate([t, np.zeros((len(x), 1))], 1)
    value = share[:, 0] * f(cell / parts)
    for i in range(x.shape[1]):
        cell[np.arange(len(x)), order[:, i]] += 1
        value += share[:, i + 1] * f(cell / parts)
    return value


@pytest.mark.parametrize(("d", "parts"), [(1, 1), (1, 6), (2, 4), (3, 2), (4, 2)])
def test_the_network_is_the_interpolant(d, parts):
    f = lambda x: np.sin(x @ np.arange(1.0, d + 1) * 2)  # noqa: E731
    layers = interpolating_network(f, d, parts)
    x = np.random.default_rng(d).random((2000, d))
    assert np.abs(evaluate(layers, x) - kuhn(f, x, parts)).max() < 1e-13
    assert len(layers) == d + 2
    used = sum(np.count_nonzero(w) + np.count_nonzero(b) for w, b in layers)
    assert 0.8 * 10 ** log10_weights(d, parts) < used <= round(10 ** log10_weights(d, parts))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("d", "eps"), [(1, 1e-3), (2, 0.02), (3, 0.3)])
def test_the_network_keeps_its_promise_for_second_derivatives(d, eps):
    w = np.array([2.0, -1.5, 1.0])[:d]
    f = lambda x: np.sin(x @ w + 0.4)  # noqa: E731
    scale = np.abs(np.outer(w, w)).max()
    parts = parts_needed(d, 2, scale, eps)
    x = np.random.default_rng(0).random((20_000, d))
    error = np.abs(evaluate(interpolating_network(f, d, parts), x) - f(x)).max()
    assert eps / 12 < error <= eps
    bound = relu_interpolation(d, 2, scale, eps)
    assert bound.log10 == pytest.approx(log10_weights(d, parts))


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_network_keeps_its_promise_for_lipschitz_functions(d):
    f = lambda x: np.abs(x - 0.37).max(axis=1)  # noqa: E731
    parts = parts_needed(d, 1, 1.0, 0.2)
    x = np.random.default_rng(1).random((5000, d))
    assert 0.01 < np.abs(evaluate(interpolating_network(f, d, parts), x) - f(x)).max() <= 0.2


def test_the_explicit_count_lies_above_both_lower_bounds():
    for d, n, eps in itertools.product((1, 2, 5), (1, 2), (1e-2, 1e-4, 1e-6)):
        rows = theory_of(d, n, eps, scales=(float(d), float(d)) if n == 1 else 1.0)
        weights = [r for r in rows if r.quantity == "weights" and r.log10 is not None]
        upper = next(r for r in weights if r.line == "construction")
        assert all(r.log10 <= upper.log10 for r in weights if r.line == "guarantee")


@pytest.mark.parametrize(("n", "d"), [(2, 1), (2, 2), (3, 2)])
def test_coins_do_not_help_more_than_half(n, d):
    scales = (1.0,) * (n + 1)
    eps = bump_height(6, scales, d) / 2 * 0.999
    bound = randomised_samples(d, scales, eps)
    width = inverse_width(d, scales, 2 * eps)
    assert width == 6
    count = round(10**bound.log10 * 2) // 2
    rng = np.random.default_rng(0)
    for x in (rng.random((count - 1, d)), rng.beta(0.3, 0.3, (count - 1, d))):
        assert unmet_share(x, width) >= 0.5
        assert randomised_error(x, scales, width) > eps


def test_a_coin_tossing_method_errs_as_proved():
    """Nearest neighbours on random points, over random bumps and signs: the mean error is above the bound."""
    rng, d, width, scales = np.random.default_rng(0), 2, 5, (1.0, 1.0, 1.0)
    height = bump_height(width, scales, d)
    nodes = np.array(list(itertools.product(range(width + 1), repeat=d))) / width
    errors = []
    for _ in range(400):
        node, sign = nodes[rng.integers(len(nodes))], rng.choice([-1.0, 1.0])
        x = rng.random((17, d))  # fewer than half of the 36 nodes
        values = sign * height * np.prod(np.maximum(1 - (2 * width * (x - node)) ** 2, 0) ** 3, axis=1)
        answer = values[np.argmin(((x - node) ** 2).sum(axis=1))]
        errors.append(abs(answer - sign * height))
    assert np.mean(errors) >= height / 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize("d", [1, 4])
def test_random_frequencies_reach_the_mean_square_bound(d):
    """exp(-|x|^2/2) is the mean of cos(w.x) over a standard normal w: C = 1."""
    rng = np.random.default_rng(d)
    x = rng.uniform(-1, 1, (4000, d))
    truth = np.exp(-0.5 * (x**2).sum(axis=1))
    eps = 0.1
    neurons = round(10 ** fourier_weights(d, 1.0, eps).log10) // (d + 2)
    assert neurons == 100
    errors = []
    for _ in range(60):
        model = cosine_network(rng.standard_normal((neurons, d)), np.zeros(neurons), 1.0)
        errors.append(np.mean((model(x) - truth) ** 2))
    assert min(errors) <= eps**2
    variance = np.mean(0.5 * (1 + np.exp(-2 * (x**2).sum(axis=1))) - truth**2)
    assert np.mean(errors) == pytest.approx(variance / neurons, rel=0.4)
    assert np.mean(errors) <= eps**2


@pytest.mark.parametrize(("k", "d"), [(0, 3), (4, 1), (3, 2), (5, 3)])
def test_legendre_size_by_enumeration(k, d):
    brute = sum(
        math.prod(2 * v + 1 for v in nu) for nu in itertools.product(range(k + 1), repeat=d) if sum(nu) <= k
    )
    assert 10 ** legendre_size(k, d) == pytest.approx(brute, rel=1e-10)


@pytest.mark.parametrize(("k", "d"), [(4, 1), (2, 2)])
def test_least_squares_with_that_many_samples_is_stable(k, d):
    """The smallest eigenvalue of the Gram matrix is below 1/2 less often than promised; with few samples often."""
    m = math.ceil(10 ** least_squares_samples(legendre_size(k, d)))
    indices = [nu for nu in itertools.product(range(k + 1), repeat=d) if sum(nu) <= k]

    def smallest(rng, count):
        x = rng.uniform(-1, 1, (count, d))
        tables = [
            np.polynomial.legendre.legvander(x[:, i], k) * np.sqrt(2 * np.arange(k + 1) + 1) for i in range(d)
        ]
        basis = np.stack([np.prod([tables[i][:, v] for i, v in enumerate(nu)], axis=0) for nu in indices], 1)
        return np.linalg.eigvalsh(basis.T @ basis / count)[0]

    rng = np.random.default_rng(0)
    assert np.mean([smallest(rng, m) < 0.5 for _ in range(200)]) <= 1 / m + 0.005
    assert np.mean([smallest(rng, 3 * len(indices)) < 0.5 for _ in range(100)]) > 0.2


def test_statements_of_structure_say_what_was_read():
    rows = theory_of(3, 2, 1e-3, stability=0.125, rho=[2.0] * 3, noise=0.1)
    rows += theory_of(3, 2, 1e-3, p=2.0, fourier=2.0) + manifold_rates(2.0, 2)
    for row in rows:
        assert (row.seen != "") == (row.status == "cited" or "observed law" in row.name), row.name
        assert row.seen in ("", "theorem", "abstract", "restated", "not seen")
    names = " | ".join(row.name for row in rows)
    for part in (
        "physics-informed",
        "cosines",
        "compressed sensing",
        "randomised",
        "uniform samples",
        "W L log W",
    ):
        assert part in names


def test_a_residual_bounds_the_error_of_a_two_point_problem():
    """-u'' = f on [0, 1] with zero ends: |u - v| <= |residual| / 8, the constant given to the PINN row."""
    x = np.linspace(0, 1, 2001)
    for k in range(1, 6):
        w, residual = np.sin(k * np.pi * x), (k * np.pi) ** 2 * np.abs(np.sin(k * np.pi * x)).max()
        assert np.abs(w).max() <= residual / 8
    assert np.abs(0.5 * x * (1 - x)).max() == pytest.approx(1 / 8)  # f = 1: the constant is reached
    assert "0.008" in pinn_rate(0.125, 1e-3).class_
