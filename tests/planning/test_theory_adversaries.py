"""Every bound that is "proved here": the adversary is built and checked against its class."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from tests.planning.proofs import packed_bumps, packed_cones
from tests.planning.quotients import largest_quotient

from supnorm.planning.theory.bump import bump_height, derivative_maxima, product_maxima
from supnorm.planning.theory.holder_samples import (
    hidden_cone,
    holder_samples,
    points_per_side,
)
from supnorm.planning.theory.infinitely_smooth import hidden_product, infinitely_smooth
from supnorm.planning.theory.jump_samples import jump_samples
from supnorm.planning.theory.network_class import NetworkClass, evaluate, network_class_samples
from supnorm.planning.theory.nodes import nodes_per_side
from supnorm.planning.theory.smooth_samples import (
    hidden_bump,
    inverse_width,
    smooth_samples,
)
from supnorm.planning.theory.smooth_samples_lp import bump_norm, smooth_samples_lp
from supnorm.results import BadInput


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_bump_derivatives_by_mpmath(n):
    maxima = derivative_maxima(n)
    for k in range(n + 1):
        values = [
            abs(mpmath.diff(lambda t: (4 * t * (1 - t)) ** (n + 1), mpmath.mpf(i) / 400, k))
            for i in range(401)
        ]
        assert float(max(values)) <= maxima[k] * (1 + 1e-9)
        assert float(max(values)) >= maxima[k] * 0.99


def test_product_constants_against_all_multi_indices():
    b = derivative_maxima(4)
    for d in (1, 2, 3):
        for k in range(5):
            indices = (a for a in itertools.product(range(k + 1), repeat=d) if sum(a) == k)
            brute = max(math.prod(b[i] for i in a) for a in indices)
            assert product_maxima(4, d)[k] == pytest.approx(brute, rel=1e-14)


@pytest.mark.parametrize(("n", "d", "m"), [(1, 2, 7), (2, 1, 5), (2, 3, 26), (3, 2, 15), (4, 2, 8)])
def test_hidden_bump_is_in_its_class(n, d, m):
    x = np.random.default_rng(n + d).random((m, d))
    scales = tuple(np.linspace(1.0, 5.0, n + 1))
    adversary = hidden_bump(x, scales)
    assert np.all(adversary(x) == 0.0)
    assert adversary(adversary.peak)[0] == pytest.approx(adversary.height, rel=1e-12)
    width = 1.0 / (nodes_per_side(m, d) - 1)
    reached = []
    for k in range(n + 1):
        found = largest_quotient(adversary, d, k, 0.02 * width, adversary.peak, 0.5 * width)
        assert found <= scales[k] * (1 + 1e-6)
        reached.append(found / scales[k])
    assert max(reached) > 0.6  # the height is as large as one of the bounds allows


@pytest.mark.parametrize(("n", "d", "eps"), [(2, 2, 1e-3), (3, 1, 1e-4), (2, 3, 5e-3), (4, 2, 1e-5)])
def test_one_sample_below_the_count_is_fooled(n, d, eps):
    scales = (1.0,) * (n + 1)
    bound = smooth_samples(d, scales, eps)
    count = round(10**bound.log10)
    x = np.random.default_rng(0).random((count - 1, d))
    assert bound.fooling_function(x).height > eps
    side = inverse_width(d, scales, eps) + 1
    assert bump_height(side, scales, d) <= eps  # the count is the largest that this argument gives


@pytest.mark.parametrize(("n", "d", "k"), [(2, 1, 6), (2, 2, 4), (3, 2, 3)])
def test_packed_bumps_of_all_signs_are_in_the_class(n, d, k):
    """The bounds on weights: the ball of the span of the K^d bumps is in the class."""
    rng = np.random.default_rng(k)
    for weights in (rng.choice([-1.0, 1.0], (k,) * d), rng.uniform(-1, 1, (k,) * d)):
        scales = tuple(np.linspace(1.0, 4.0, n + 1))
        packed = packed_bumps(weights, scales)
        assert packed.height == pytest.approx(np.abs(weights).max() * bump_height(k - 1, scales, d))
        nodes = np.array(list(itertools.product(range(k), repeat=d))) / (k - 1)
        assert packed(nodes) == pytest.approx(weights.ravel() * bump_height(k - 1, scales, d))
        for order in range(n + 1):
            middle, step = np.full(d, 0.5), 0.02 / k
            assert largest_quotient(packed, d, order, step, middle, 0.5) <= scales[order] * (1 + 1e-6)


def test_packed_cones_are_lipschitz():
    rng = np.random.default_rng(0)
    packed = packed_cones(rng.choice([-1.0, 1.0], (5, 5)), 3.0)
    a, b = rng.random((50_000, 2)), rng.random((50_000, 2))
    b = a + 0.2 * (b - a)
    assert np.max(np.abs(packed(a) - packed(b)) - 3.0 * np.abs(a - b).max(axis=1)) <= 1e-12
    assert abs(packed(packed.peak)[0]) == pytest.approx(packed.height) == pytest.approx(3.0 / 8)


def test_hidden_jump_separates_two_steps_that_agree_on_all_samples():
    x = np.random.default_rng(0).random((40, 3))
    adversary = jump_samples(2.0, 0.5).fooling_function(x)
    places = np.sort(np.concatenate([[0.0], x[:, 0], [1.0]]))
    i = int(np.diff(places).argmax())
    z = np.random.default_rng(1).random((5000, 3))
    steps = [lambda u, t=t: 2.0 * (u[:, 0] > t) for t in (places[i] + 1e-12, places[i + 1] - 1e-12)]
    assert np.array_equal(steps[0](x), steps[1](x))
    assert np.array_equal(0.5 * (steps[0](z) - steps[1](z)), adversary(z))
    assert adversary(adversary.peak)[0] == adversary.height == 1.0


@pytest.mark.parametrize(("order", "d", "m"), [(1.0, 1, 6), (1.0, 3, 60), (0.5, 2, 20), (0.3, 1, 9)])
def test_cone_is_holder(order, d, m):
    rng = np.random.default_rng(m)
    x, scale = rng.random((m, d)), 2.5
    cone = hidden_cone(x, order, scale)
    assert np.all(np.abs(cone(x)) <= 1e-14)
    assert cone(cone.peak)[0] == pytest.approx(cone.height)
    a, b = rng.random((50_000, d)), rng.random((50_000, d))
    b = np.where(rng.random((50_000, 1)) < 0.5, cone.peak, b)
    slack = np.abs(cone(a) - cone(b)) - scale * np.abs(a - b).max(axis=1) ** order
    assert slack.max() <= 1e-12


@pytest.mark.parametrize(
    ("order", "d", "eps"), [(1.0, 1, 0.02), (1.0, 2, 0.05), (0.5, 2, 0.3), (1.0, 1, 0.125)]
)
def test_holder_count_is_sharp(order, d, eps):
    lower, upper = holder_samples(d, order, 1.0, eps)
    k = points_per_side(order, 1.0, eps)
    assert lower.log10 == upper.log10 == pytest.approx(d * math.log10(k))
    x = np.random.default_rng(1).random((k**d - 1, d))
    assert lower.fooling_function(x).height > eps * (1 - 1e-12)
    grid = (np.stack(np.meshgrid(*[np.arange(k)] * d), -1).reshape(-1, d) + 0.5) / k
    z = np.random.default_rng(2).random((20_000, d))
    f = hidden_cone(np.random.default_rng(3).random((5, d)), order, 1.0)
    nearest = (np.minimum((z * k).astype(int), k - 1) + 0.5) / k
    assert len(grid) == round(10**upper.log10)
    assert np.abs(f(z) - f(nearest)).max() <= eps * (1 + 1e-12)


@pytest.mark.parametrize(("d", "m"), [(2, 1), (4, 3), (7, 5), (10, 31), (13, 40)])
def test_hidden_product_has_all_derivatives_below_its_size(d, m):
    x = np.random.default_rng(d).random((m, d))
    adversary = infinitely_smooth(d, 1.0, 0.99).fooling_function(x)
    assert np.abs(adversary(x)).max() <= 1e-10
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=min(d, 12))))
    corners = np.pad(corners, ((0, 0), (0, d - corners.shape[1])))
    assert np.abs(adversary(corners)).max() <= 1.0 + 1e-10
    assert abs(adversary(adversary.peak)[0]) == pytest.approx(1.0)
    if d <= 7:
        for order in range(4):
            assert largest_quotient(adversary, d, order, 0.1, np.full(d, 0.5), 0.5) <= 1.0 + 1e-8


def test_hidden_product_needs_few_samples():
    with pytest.raises(BadInput, match="fewer than 2"):
        hidden_product(np.zeros((2, 3)), 1.0)


@pytest.mark.parametrize(("n", "p"), [(1, 1.0), (2, 2.0), (3, 4.0)])
def test_bump_norm_by_quadrature(n, p):
    integral = quad(lambda t: (4 * t * (1 - t)) ** ((n + 1) * p), 0, 1)[0]
    assert bump_norm(n, p) == pytest.approx(integral ** (1 / p), rel=1e-10)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("n", "d", "p", "eps"), [(1, 2, 2.0, 5e-3), (2, 1, 2.0, 1e-4), (2, 2, 1.0, 1e-3)])
def test_lp_adversary(n, d, p, eps):
    scales = (1.0,) * (n + 1)
    bound = smooth_samples_lp(d, scales, eps, p)
    x = np.random.default_rng(0).random((int(0.99 * 10**bound.log10), d))
    adversary = bound.fooling_function(x)
    assert np.all(adversary(x) == 0.0)
    assert adversary.height > eps
    z = np.random.default_rng(1).random((400_000, d))
    assert np.mean(np.abs(adversary(z)) ** p) ** (1 / p) == pytest.approx(adversary.height, rel=0.02)
    step = 0.003
    assert largest_quotient(adversary, d, 1, step, np.full(d, 0.5), 0.5) <= 1.0 + 1e-9
    assert largest_quotient(adversary, d, n, step, np.full(d, 0.5), 0.5) <= 1.0 + 1e-6


SHAPES = [
    NetworkClass(3, 32, 1.0), NetworkClass(5, 16, 0.5), NetworkClass(4, 24, 2.0),
    NetworkClass(3, 12, 3.0, "frobenius"), NetworkClass(6, 9, 4.0, "frobenius"),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("d", "m"), [(1, 4), (2, 24), (3, 30)])
def test_hidden_network_is_in_its_class(shape, d, m):
    x = np.random.default_rng(m).random((m, d))
    adversary = network_class_samples(d, shape, 1e-3).fooling_function(x)
    assert np.abs(adversary(x)).max() <= 1e-12 * adversary.height
    assert adversary(adversary.peak)[0] == pytest.approx(adversary.height, rel=1e-10)
    z = np.random.default_rng(0).random((20_000, d))
    assert np.abs(adversary(z)).max() <= adversary.height * (1 + 1e-10)
    assert len(adversary.layers) == shape.layers
    for w, b in adversary.layers:
        assert max(w.shape) <= max(shape.width, d)
        if shape.norm == "max":
            assert max(np.abs(w).max(), np.abs(b).max()) <= shape.size * (1 + 1e-14)
        else:
            assert math.sqrt((w**2).sum() + (b**2).sum()) <= shape.size * (1 + 1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [math.inf, 2.0])
def test_network_count_is_fooled_just_below(shape, p):
    d = 2
    eps = 10 ** (shape.log10_height(d, 7.5) - (0.0 if math.isinf(p) else 1.5))
    bound = network_class_samples(d, shape, eps, p)
    count = round(10**bound.log10)
    assert 9 < count < 1000
    x = np.random.default_rng(0).random((count - 1, d))
    adversary = bound.fooling_function(x)
    assert adversary.height > eps * (1 - 1e-9)
    if math.isfinite(p):
        side = (np.arange(500) + 0.5) / 500
        z = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        assert np.mean(adversary(z) ** p) ** (1 / p) == pytest.approx(adversary.height, rel=1e-2)


def test_network_evaluation_against_torch_order():
    layers = ((np.array([[1.0, -2.0]]), np.array([0.5])), (np.array([[3.0]]), np.array([-1.0])))
    assert evaluate(layers, np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [3.5, -1.0]


def test_network_class_refuses_narrow_networks():
    with pytest.raises(BadInput, match="width 12 for 3 inputs"):
        network_class_samples(3, NetworkClass(3, 8, 1.0), 0.1)
