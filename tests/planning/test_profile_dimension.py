"""Intrinsic dimension of sets whose dimension is known."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm.planning.profile.dimension import (
    estimates,
    intrinsic_dimension,
    mle,
    neighbour_distances,
    two_nn,
)
from supnorm.results import BadInput


def flat(rng, n, d, space):
    return rng.random((n, d)) @ np.linalg.qr(rng.standard_normal((space, d)))[0].T


def sphere(rng, n):
    x = rng.standard_normal((n, 6))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def curved(rng, n, noise=0.0):
    x = np.sin(rng.random((n, 4)) @ rng.standard_normal((4, 100)) + 6 * rng.random(100))
    return x + noise * x.std() * rng.standard_normal(x.shape)


def roll(rng, n):
    t = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([t * np.cos(t), 21 * rng.random(n), t * np.sin(t)], axis=1)


SETS = {
    "cube 2 in 10": (2, lambda r, n: flat(r, n, 2, 10)), "cube 6 in 20": (6, lambda r, n: flat(r, n, 6, 20)),
    "cube 12 in 50": (12, lambda r, n: flat(r, n, 12, 50)),
    "cube 20 in 50": (20, lambda r, n: flat(r, n, 20, 50)),
    "sphere": (5, sphere), "curved": (4, curved), "curved, 1 % noise": (4, lambda r, n: curved(r, n, 0.01)),
    "swiss roll": (2, roll),
}  # fmt: skip


@pytest.mark.parametrize("n", [500, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SETS)
def test_truth_is_inside_and_never_above(name, n):
    d, draw = SETS[name]
    found = intrinsic_dimension(draw(np.random.default_rng(7), n), np.random.default_rng(0))
    assert found.lower <= d <= found.upper
    assert found.upper <= 1.35 * d + 0.5  # an upper end that is always far away would say nothing
    assert found.single
    if name.startswith("cube"):
        assert found.linear == d


@pytest.mark.parametrize("n", [500, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", range(3))
def test_decaying_gaussian_has_no_single_dimension(n, seed):
    x = np.random.default_rng(seed).standard_normal((n, 10)) * 2.0 ** -np.arange(10)
    assert not intrinsic_dimension(x, np.random.default_rng(0)).single


@pytest.mark.parametrize("name", ["cube 6 in 20", "sphere", "curved", "swiss roll"])
def test_estimates_agree_with_scikit_dimension(name):
    skdim = pytest.importorskip("skdim")
    x = SETS[name][1](np.random.default_rng(5), 600)
    ours = estimates(x)
    assert ours[0] == pytest.approx(skdim.id.TwoNN().fit(x).dimension_, rel=0.03)
    assert ours[1] == pytest.approx(skdim.id.MLE(K=20).fit(x).dimension_, rel=1e-6)


# What scikit-dimension 0.5.0 gave for sets drawn with these seeds (benchmarks/budget/dimension.py prints more).
PEER = {
    "cube 2 in 10": (1.99, 1.97), "cube 6 in 20": (5.52, 5.25), "cube 12 in 50": (9.91, 9.46), "sphere": (5.06, 4.88),
    "curved": (3.86, 3.69), "swiss roll": (2.08, 1.94),
}  # fmt: skip


@pytest.mark.parametrize("name", PEER)
def test_estimates_agree_with_its_recorded_values(name):
    ours = estimates(SETS[name][1](np.random.default_rng(11), 2000))
    assert ours[0] == pytest.approx(PEER[name][0], rel=0.02)
    assert ours[1] == pytest.approx(PEER[name][1], abs=0.006)


def test_estimators_on_a_law_with_known_answer():
    # mu = r2/r1 of a d-dimensional Poisson process has the law 1 - mu^-d.
    rng = np.random.default_rng(0)
    mu = rng.random(20_000) ** (-1 / 3.5)
    assert two_nn(np.stack([np.ones_like(mu), mu], axis=1)) == pytest.approx(3.5, rel=0.03)
    radii = np.sort(rng.random((20_000, 20)), axis=1) ** (1 / 3.5)
    assert mle(radii) == pytest.approx(3.5, rel=0.03)


def test_neighbours_by_brute_force():
    for d in (2, 12):
        x = np.random.default_rng(0).random((200, d))
        brute = np.sort(np.linalg.norm(x[:, None] - x[None], axis=2), axis=1)[:, 1:6]
        assert neighbour_distances(x, 5) == pytest.approx(brute, abs=1e-7)


def test_few_points_are_refused():
    with pytest.raises(BadInput, match="100 distinct"):
        intrinsic_dimension(np.zeros((500, 3)), np.random.default_rng(0))
