"""Wrong bounds are caught: each mutation of a proof's constant or construction breaks a property that holds without it.

The properties are those that the proofs claim: vanishing at the samples, the height, the class (derivatives,
constant, weights), and the count.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.planning.proofs import interpolating_network, randomised_error
from tests.planning.quotients import largest_quotient

from supnorm.planning.theory import (
    bump,
    holder_samples,
    infinitely_smooth,
    network_class,
    nodes,
    relu_interpolation,
    smooth_samples,
)
from supnorm.planning.theory.network_class import NetworkClass


def bump_faults(adversary, x, scales):
    """What is wrong with a bump as a member of the class that hides from the samples."""
    d, found = x.shape[1], []
    width = 1.0 / (nodes.nodes_per_side(len(x), d) - 1)
    if np.any(adversary(x) != 0.0):
        found.append("seen")
    if not math.isclose(adversary(adversary.peak)[0], adversary.height, rel_tol=1e-9):
        found.append("height")
    for k, scale in enumerate(scales):
        if largest_quotient(adversary, d, k, 0.02 * width, adversary.peak, 0.5 * width) > scale * (1 + 1e-6):
            found.append("class")
    return set(found)


def hide(n=2, d=2, m=15):
    x = np.random.default_rng(3).random((m, d))
    scales = tuple(np.linspace(1.0, 5.0, n + 1))
    return smooth_samples.hidden_bump(x, scales), x, scales


def test_the_true_bump_has_no_fault():
    assert bump_faults(*hide()) == set()


def test_a_bump_twice_as_high_leaves_the_class(monkeypatch):
    true = bump.bump_height
    monkeypatch.setattr(smooth_samples, "bump_height", lambda *a: 2.0 * true(*a))
    assert "class" in bump_faults(*hide())


def test_a_bump_with_the_constants_of_one_variable_leaves_the_class(monkeypatch):
    # With M_k of d = 1 the mixed derivatives are forgotten: the product of two first derivatives is larger.
    monkeypatch.setattr(bump, "product_maxima", lambda n, d: tuple(bump.derivative_maxima(n)[:1] * (n + 1)))
    assert "class" in bump_faults(*hide())


def test_a_bump_twice_as_wide_is_seen(monkeypatch):
    true = bump.bump
    monkeypatch.setattr(smooth_samples, "bump", lambda x, c, width, n: true(x, c, width / 2.0, n))
    assert "seen" in bump_faults(*hide())


def test_a_bump_in_an_occupied_place_is_seen(monkeypatch):
    monkeypatch.setattr(smooth_samples, "empty_node", lambda x, k: np.rint(x[0] * (k - 1)) / (k - 1))
    assert "seen" in bump_faults(*hide())


@pytest.mark.parametrize(("n", "d", "eps"), [(2, 2, 1e-3), (3, 1, 1e-4)])
def test_a_count_one_cell_larger_is_not_proved(monkeypatch, n, d, eps):
    scales = (1.0,) * (n + 1)
    true = smooth_samples.inverse_width
    monkeypatch.setattr(smooth_samples, "inverse_width", lambda *a: true(*a) + 1)
    bound = smooth_samples.smooth_samples(d, scales, eps)
    x = np.random.default_rng(0).random((round(10**bound.log10) - 1, d))
    assert bound.fooling_function(x).height <= eps


def holder_faults(cone, x, order, scale):
    rng, found = np.random.default_rng(0), set()
    if np.abs(cone(x)).max() > 1e-12:
        found.add("seen")
    a, b = rng.random((50_000, x.shape[1])), rng.random((50_000, x.shape[1]))
    b = np.where(rng.random((50_000, 1)) < 0.5, cone.peak, b)
    if (np.abs(cone(a) - cone(b)) - scale * np.abs(a - b).max(axis=1) ** order).max() > 1e-12:
        found.add("class")
    return found


@pytest.mark.parametrize(("factor", "fault"), [(1.0, set()), (1.1, {"class"})])
def test_a_steeper_cone_leaves_the_class(factor, fault):
    x = np.random.default_rng(0).random((20, 2))
    cone = holder_samples.hidden_cone(x, 1.0, 2.5 * factor)
    assert holder_faults(cone, x, 1.0, 2.5) == fault


def test_a_cone_in_an_occupied_place_is_useless(monkeypatch):
    monkeypatch.setattr(holder_samples, "empty_node", lambda x, k: x[0].copy())
    cone = holder_samples.hidden_cone(np.random.default_rng(0).random((20, 2)), 1.0, 2.5)
    assert cone.height == 0.0


def test_a_sukharev_count_without_its_half_is_refuted():
    """K = ceil(1/r) in place of ceil(1/(2r)): the midpoint grid reaches eps with fewer samples."""
    k = holder_samples.points_per_side(1.0, 1.0, 0.05)
    wrong = math.ceil(1.0 / 0.05)
    z = np.random.default_rng(2).random((20_000, 1))
    nearest = (np.minimum((z * k).astype(int), k - 1) + 0.5) / k
    assert k < wrong
    assert np.abs(z - nearest).max() <= 0.05  # so no lower bound above k can be true


def test_products_of_all_inputs_in_place_of_pairs_leave_the_class():
    """Products of single inputs (not pair sums) have derivatives of size 2, above their sup of 1."""
    x = np.random.default_rng(0).random((3, 4))
    true = infinitely_smooth.hidden_product(x, 1.0)
    single = lambda z: np.prod(2 * z[:, :2] - 1, axis=1)  # noqa: E731
    assert largest_quotient(true, 4, 1, 0.1, np.full(4, 0.5), 0.5) <= 1 + 1e-8
    assert largest_quotient(single, 4, 1, 0.1, np.full(4, 0.5), 0.5) > 1.5


def test_too_many_samples_see_every_product():
    with pytest.raises(Exception, match="fewer than"):
        infinitely_smooth.hidden_product(np.random.default_rng(0).random((4, 4)), 1.0)
    matrix = infinitely_smooth.monomials(np.random.default_rng(0).random((4, 4)), 2)
    assert np.linalg.svd(matrix)[1][-1] > 1e-3  # no product vanishes at four points


def network_faults(shape, x):
    d, found = x.shape[1], set()
    adversary = network_class.hidden_network(x, shape)
    if np.abs(adversary(x)).max() > 1e-12 * adversary.height:
        found.add("seen")
    if not math.isclose(adversary(adversary.peak)[0], adversary.height, rel_tol=1e-9):
        found.add("height")
    for w, b in adversary.layers:
        size = (
            max(np.abs(w).max(), np.abs(b).max())
            if shape.norm == "max"
            else math.sqrt((w**2).sum() + (b**2).sum())
        )
        if size > shape.size * (1 + 1e-12) or max(w.shape) > max(shape.width, d):
            found.add("class")
    return found


SHAPES = [NetworkClass(4, 24, 0.5), NetworkClass(3, 12, 3.0, "frobenius")]


def mutated_layers(build, change):
    def mutant(*arguments):
        layers = [(w.copy(), b.copy()) for w, b in build(*arguments)]
        change(layers)
        return tuple(layers)

    return mutant


MUTATIONS = {
    "a first layer without biases": (lambda la: la[0][1].__imul__(0.0), {"seen", "height"}),
    "a second layer without its bias": (lambda la: la[1][1].__imul__(0.0), {"seen", "height"}),
    "larger weights in the last layer": (lambda la: la[-1][0].__imul__(1.5), {"class", "height"}),
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.norm)
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutated_networks_are_caught(monkeypatch, shape, name):
    x = np.random.default_rng(1).random((20, 2))
    assert network_faults(shape, x) == set()
    change, expected = MUTATIONS[name]
    part = "max_norm_peak" if shape.norm == "max" else "frobenius_peak"
    if name == "a second layer without its bias" and shape.norm == "max":
        change = lambda la: la[0][1].__imul__(np.abs(la[0][1]) < shape.size)  # noqa: E731 - its constant units
    monkeypatch.setattr(network_class, part, mutated_layers(getattr(network_class, part), change))
    assert network_faults(shape, x) & expected


def test_a_network_count_one_larger_is_not_proved(monkeypatch):
    shape, eps = NetworkClass(3, 32, 1.0), 0.3
    true = network_class.peaks_per_side
    monkeypatch.setattr(network_class, "peaks_per_side", lambda *a: true(*a) + 1)
    bound = network_class.network_class_samples(2, shape, eps)
    x = np.random.default_rng(0).random((round(10**bound.log10) - 1, 2))
    assert bound.fooling_function(x).height <= eps * (1 + 1e-9)


def test_coins_at_the_full_count_are_not_proved():
    """Without the halving: samples on every second node meet more than half, and the bound fails."""
    scales, d, width = (1.0, 1.0, 1.0), 1, 6
    eps = bump.bump_height(width, scales, d) / 2 * 0.999
    x = np.linspace(0, 1, width + 1)[:-1, None]  # one below the full count
    assert randomised_error(x, scales, width) < eps


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("d", "n"), [(1, 2), (2, 2)])
def test_fewer_parts_break_the_promise_of_the_relu_network(d, n):
    eps, f = 1e-2, lambda x: 0.5 * ((x - 0.5) ** 2).sum(axis=1) * 4
    parts = relu_interpolation.parts_needed(d, n, 4.0, eps)
    x = np.random.default_rng(0).random((20_000, d))
    good, bad = (
        np.abs(network_class.evaluate(interpolating_network(f, d, k), x) - f(x)).max()
        for k in (parts, max(parts // 3, 1))
    )
    assert good <= eps < bad
