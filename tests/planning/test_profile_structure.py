"""Interactions, products, ridges, inner functions and hazards with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from tests.planning.functions import BANK

from supnorm.evaluation.caller import Caller
from supnorm.planning.profile import Target, profile
from supnorm.planning.profile.active import active_subspace
from supnorm.planning.profile.composition import inner_function, inner_functions
from supnorm.planning.profile.hazards import hazards, scan_points
from supnorm.planning.profile.interactions import interactions, largest_clique
from supnorm.planning.profile.lines import walk
from supnorm.planning.profile.sensitivity import sensitivity
from supnorm.problem import Axis, Domain, as_function

BLOCKS = {
    "comp3": [[0, 1], [2]], "ishi3": [[0, 2], [1]], "kink4": [[0, 1], [2, 3]],
    "fried5": [[0, 1], [2], [3], [4]], "gauss2": [[0, 1]], "ridge6": [[0, 1, 2, 3, 4, 5]],
}  # fmt: skip


def cube(name):
    f, d = BANK[name]
    return (lambda u: f(2 * u - 1)), d


@pytest.mark.parametrize("name", BLOCKS)
def test_interaction_graph(name):
    f, d = cube(name)
    assert interactions(f, d, 200, 1.0, 0.0, np.random.default_rng(0)).blocks() == BLOCKS[name]


@pytest.mark.parametrize(
    ("name", "product"), [("gauss2", True), ("peak6", True), ("comp3", False), ("kink4", False)]
)
def test_products(name, product):
    f, d = cube(name)
    factors = interactions(f, d, 200, 0.5, 0.0, np.random.default_rng(0)).factors()
    assert (factors == [[i] for i in range(d)]) is product
    assert (len(factors) > 1) is product


def test_shifted_product():
    f = lambda u: 3.7 + np.exp(u[:, 0]) * (1 + u[:, 1] * u[:, 2])  # noqa: E731
    found = interactions(f, 3, 200, 2.0, 0.0, np.random.default_rng(0))
    assert found.shift == pytest.approx(3.7)
    assert found.factors() == [[0], [1, 2]]
    assert found.blocks() == [[0, 1, 2]]


def test_noise_is_not_an_interaction():
    rng = np.random.default_rng(0)
    f = lambda u: u[:, 0] ** 2 + u[:, 1] + 1e-3 * rng.standard_normal(len(u))  # noqa: E731
    assert interactions(f, 2, 400, 1.0, 1e-3, rng).blocks() == [[0], [1]]


def test_a_narrow_interaction_counts_in_the_maximum():
    corner = lambda u: u.sum(axis=1) + np.exp(-400 * ((1 - u[:, 0]) ** 2 + (1 - u[:, 1]) ** 2))  # noqa: E731
    found = interactions(corner, 3, 800, 1.0, 0.0, np.random.default_rng(0))
    assert found.additive[0, 1] > 0.9
    assert found.additive_rms[0, 1] < 0.6 * found.additive[0, 1]
    assert found.blocks() == [[0, 1], [2]]


def test_largest_clique_of_a_path_and_a_star():
    path = np.diag(np.ones(4), 1).astype(bool)
    assert largest_clique(path | path.T) == 2
    full = ~np.eye(5, dtype=bool)
    assert largest_clique(full) == 5
    assert largest_clique(np.zeros((3, 3), dtype=bool)) == 1
    assert largest_clique(~np.eye(60, dtype=bool)) == 60  # and not after 2^60 steps
    nx = pytest.importorskip("networkx")
    for seed in range(5):
        graph = nx.gnp_random_graph(14, 0.5, seed=seed)
        brute = max(map(len, nx.find_cliques(graph)))
        assert largest_clique(nx.to_numpy_array(graph).astype(bool)) == brute


def test_ridge_has_one_direction_although_all_indices_are_equal():
    f, d = cube("ridge6")
    rng = np.random.default_rng(0)
    found = active_subspace(f, d, 200, 1.0, rng)
    assert found.dimension == 1
    assert np.abs(found.directions[0]) == pytest.approx(np.full(6, 6**-0.5), abs=1e-6)
    assert found.residual < 1e-10
    indices = sensitivity(f, d, 1024, rng)
    assert np.ptp(indices.total) < 0.1
    assert indices.total.sum() == pytest.approx(2.25, abs=0.2)


def test_a_direction_that_matters_only_in_a_corner_fails_the_test_in_the_maximum():
    f = lambda u: np.sin(u[:, 0]) + 0.1 * np.maximum(u[:, 1] + u[:, 2] - 1.95, 0) ** 2 * 400  # noqa: E731
    found = active_subspace(f, 3, 40, 1.0, np.random.default_rng(3), threshold=0.2)
    assert found.dimension == 1
    assert found.residual > 1e-2


def test_sensitivity_of_a_linear_function():
    found = sensitivity(lambda u: u @ np.array([1.0, 2.0, 0.0]), 3, 2048, np.random.default_rng(0))
    assert found.total == pytest.approx([0.2, 0.8, 0.0], abs=0.03)
    assert sensitivity(lambda u: np.full(len(u), np.nan), 2, 64, np.random.default_rng(0)) is None


def test_inner_function_of_two_inputs():
    f = lambda u: np.exp((u[:, 0] + u[:, 1] ** 2) * u[:, 2]) + np.sin((u[:, 0] + u[:, 1] ** 2) * 3)  # noqa: E731
    rng = np.random.default_rng(0)
    assert inner_functions(f, 3, [[0, 1, 2]], rng) == [[0, 1]]
    assert inner_function(f, 3, [1, 2], 40, rng) > 0.1


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_blow_up_is_found(power):
    f = lambda u: np.linalg.norm(u - np.array([0.123, 0.77, 0.4]), axis=1) ** -power  # noqa: E731
    rng = np.random.default_rng(0)
    x = scan_points(3, 1024, rng)
    found = hazards(f, x, f(x), np.ones(len(x), bool), rng)
    assert found.hopeless
    assert found.blow_up == pytest.approx([0.123, 0.77, 0.4], abs=1e-3)


@pytest.mark.parametrize("name", BANK)
def test_no_false_alarm(name):
    f, d = cube(name)
    rng = np.random.default_rng(0)
    x = scan_points(d, 512, rng)
    assert not hazards(f, x, f(x), np.ones(len(x), bool), rng).hopeless


def test_a_pole_in_two_corners_is_seen_as_not_finite():
    with np.errstate(divide="ignore"):
        f = lambda u: 1 / (u[:, 0] + u[:, 1])  # noqa: E731
        rng = np.random.default_rng(0)
        x = scan_points(2, 64, rng)
        found = hazards(f, x, f(x), np.ones(len(x), bool), rng)
    assert found.not_finite == 1
    assert found.first.tolist() == [0.0, 0.0]


def target(f, **axes):
    return Target(Caller(as_function(f, "f"), "f"), Domain.from_axes(axes))


def test_a_jump_is_found_and_located():
    f = lambda u: np.sin(u[:, 0]) + 0.3 * (u[:, 0] > 0.4321)  # noqa: E731
    line = walk(f, (0, np.zeros(1), np.ones(1)), 256, 2000)
    assert line.jump == pytest.approx(0.3, abs=1e-6)
    assert line.jump_at[0] == pytest.approx(0.4321, abs=1e-6)
    layer = walk(lambda u: np.tanh(2000 * (u[:, 0] - 0.4321)), (0, np.zeros(1), np.ones(1)), 256, 3000)
    assert layer.spectrum.kind == "unresolved"
    assert layer.jump == 0.0
    root = walk(lambda u: np.sqrt(np.abs(u[:, 0] - 0.4321)), (0, np.zeros(1), np.ones(1)), 256, 2000)
    assert root.jump == 0.0


@pytest.mark.parametrize(
    ("name", "kind", "n"),
    [
        ("runge1", "geometric", 4),
        ("abs1", "algebraic", 1),
        ("kink4", "algebraic", 1),
        ("peak6", "geometric", 4),
    ],
)
def test_whole_profile(name, kind, n):
    f, d = BANK[name]
    t = target(f, **{f"x{i}": (-1.0, 1.0) for i in range(d)})
    found = profile(t, np.random.default_rng(1), calls=60_000)
    assert found.kind == kind
    assert found.class_order() == n
    assert found.calls == t.calls <= 1.2 * 60_000
    scales = found.derivative_scales(n)
    assert len(scales) == n + 1
    if name == "peak6":  # by hand: df/dx_i <= 2 * 1.5 * 9/(8 sqrt 3), times 1.5 for safety, from below
        assert 0.5 * 1.95 < scales[1] < 2 * 1.5 * 1.95


def test_profile_of_a_domain_with_constraints_and_a_discrete_axis():
    def f(x):
        return np.where(x[:, 0] + x[:, 1] < 1.5, np.exp(x[:, 0] * x[:, 1]) + x[:, 2], np.nan)

    domain = Domain.from_axes(
        {"a": (0.0, 1.0), "b": (0.0, 1.0), "n": Axis(0, 0, values=(1.0, 2.0, 5.0))},
        [lambda x: x[:, 0] + x[:, 1] < 1.5],
    )
    found = profile(Target(Caller(as_function(f, "f"), "f"), domain), np.random.default_rng(0), calls=20_000)
    assert found.hazards.not_finite == 0
    assert found.interactions.blocks() == [[0, 1], [2]]
    assert found.kind == "geometric"
    assert all(line.axis != 2 for line in found.lines)
    assert any(not line.complete for line in found.lines)


def test_few_calls_leave_tests_out_and_say_so():
    f, d = BANK["peak6"]
    found = profile(
        target(f, **{f"x{i}": (-1.0, 1.0) for i in range(d)}), np.random.default_rng(0), calls=600
    )
    assert "no-sensitivity" in [test.code for test in found.left_out]


def test_a_profile_of_few_calls_spends_no_more_on_what_it_does_not_use():
    """Measures to the extremes took more calls than all that was allowed; their lines are drawn where there is room only."""
    for d in (2, 3, 6):
        few = target(lambda x: np.sin(x.sum(axis=1)), **{f"x{i}": (-1.0, 1.0) for i in range(d)})
        assert profile(few, np.random.default_rng(0), calls=600).calls == few.calls <= 1.2 * 600


def test_inner_functions_are_sought_inside_the_unit_cube():
    seen = []

    def f(u):
        seen.append(u.copy())
        return np.exp(u[:, 0] * u[:, 1]) * u[:, 2]

    inner_function(f, 3, [0, 1], 20, np.random.default_rng(0))
    points = np.concatenate(seen)
    assert points.min() >= 0
    assert points.max() <= 1
