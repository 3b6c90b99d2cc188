"""The whole search on small instances of the bank, and its parts one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from tests import problems
from tests.bank import BANK
from tests.problems import Instance, RandomNet, Watch, assert_found, assert_honest, found

from supnorm import ScreenAndAscent, audit
from supnorm.auditing.ascent import Ascent, projected
from supnorm.auditing.cost import declare
from supnorm.auditing.differential_evolution import DifferentialEvolution
from supnorm.auditing.discontinuities import Discontinuities
from supnorm.auditing.distinct import cluster_sizes, distinct
from supnorm.auditing.evolution import EvolutionStrategy
from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.points import fill_gaps, snap_to_faces, sobol_sequence, vertex_seeds
from supnorm.auditing.polish import Polish
from supnorm.auditing.surprise import misfit
from supnorm.auditing.thinning import linkage_radius, thin
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, Function, Problem

Array = NDArray[np.float64]


@pytest.mark.slow
@pytest.mark.parametrize("instance", BANK, ids=lambda i: i.name)
def test_small_instances_are_found_with_20_000_evaluations(instance: Instance) -> None:
    watch = Watch(instance.problem)
    report = audit(watch.problem, evaluations=20_000, seed=0)
    assert_honest(report, instance)
    assert_found(report, instance)
    lower = report.document["sup"]["lower"]
    assert lower >= np.nanmax(watch.errors()) * (1 - 1e-12)
    if instance.at is not None:  # at the right place, too
        assert report.worst is not None
        u, at = (instance.problem.domain.to_unit(x[None])[0] for x in (report.worst.x, instance.at))
        assert np.linalg.norm(u - at) < 0.1
    counts = report.document["evaluations"]
    assert counts["search"] + counts["statistics"] <= 20_000 + 8  # and the probe
    assert counts["pictures"] <= 2 * 20_000


def success(instances: list[Instance], evaluations: int) -> int:
    hits = 0
    for i, instance in enumerate(instances):
        report = audit(instance.problem, evaluations=evaluations, seed=100 + i)
        assert_honest(report, instance)
        hits += found(report, instance)
    return hits


def searched(problem: Problem, evaluations: int, seed: int, strategy: ScreenAndAscent | None = None) -> float:
    """The largest error that statistics and search see, without charts."""
    evaluator = Evaluator(problem, budget=evaluations)
    rng = np.random.default_rng(seed)
    explored(evaluator, strategy or ScreenAndAscent(), evaluations, rng)
    return evaluator.worst


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["smooth", "hat"])
@pytest.mark.parametrize("gradients", [True, False])
def test_bumps_on_one_ten_thousandth_of_four_dimensions(shape: str, gradients: bool) -> None:
    """d = 4, p = 1e-4, 1e4 evaluations: success >= 95 %; 1 miss of 6 is no evidence against it."""
    bank = [problems.planted_bump(4, 1e-4, seed, shape, gradients) for seed in range(6)]
    hits = success(bank, 10_000)
    assert binomtest(hits, 6, 0.95 if gradients else 0.9, alternative="less").pvalue > 0.01, hits


@pytest.mark.slow
@pytest.mark.parametrize(("d", "displaced"), [(2, 1e-6), (4, 1e-6), (2, 1e-8)])
def test_thin_sheets_are_found(d: int, displaced: float) -> None:
    """Sheets displaced by 1e-6 in d = 2..4: >= 90 % of runs with 1e5 evaluations."""
    bank = [problems.thin_sheet(d, displaced, seed) for seed in range(4)]
    hits = success(bank, 100_000)
    assert binomtest(hits, 4, 0.9, alternative="less").pvalue > 0.01, hits


@pytest.mark.slow
@pytest.mark.parametrize("d", [6, 8, 12])
def test_genuine_networks_in_many_dimensions(d: int) -> None:
    """2,000 evaluations reach 97 % of the best known, as a median."""
    shares = []
    for seed in range(3):
        instance = problems.genuine_net(d, seed)
        report = audit(instance.problem, evaluations=2000, seed=seed)
        assert_honest(report, instance)
        assert report.worst is not None
        shares.append(report.worst.error / instance.sup)
    assert np.median(shares) >= 0.97


@pytest.mark.slow
def test_data_domains_are_searched_where_the_data_are() -> None:
    shares = []
    for seed in range(4):
        instance = problems.data_manifold(seed)
        report = audit(instance.problem, evaluations=10_000, seed=seed)
        assert_honest(report, instance)
        assert report.worst is not None
        assert report.worst.off_data is not None
        assert report.worst.off_data <= 1.0 + 1e-9
        shares.append(report.worst.error)
    assert np.median(shares) >= 0.99
    assert min(shares) >= 0.9


def test_a_model_without_any_error_has_none() -> None:
    net = RandomNet.draw(2, 0)
    domain = problems.box(2)
    same = problems.function_of(domain, (net,), True)
    report = audit(Problem(same, same, domain), evaluations=1000)
    assert report.worst is not None
    assert report.worst.error == 0.0
    assert report.document["rms"]["value"] == 0.0
    assert not report.glitches
    assert "still grew" not in report.status.advice


def test_a_constant_error_is_one_place() -> None:
    net = RandomNet.draw(3, 0)
    domain = problems.box(3)
    model = problems.function_of(domain, (net, lambda u: (np.full(len(u), 0.25), np.zeros_like(u))), True)
    report = audit(Problem(model, problems.function_of(domain, (net,), True), domain), evaluations=2000)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(0.25)
    assert len(report.peaks) == 1


def test_a_reference_without_any_value_ends_undecided() -> None:
    report = audit(
        Problem(lambda x: x[:, 0], lambda x: np.full(len(x), np.nan), Domain(x=(0.0, 1.0))), evaluations=500
    )
    assert report.worst is None
    assert report.status.code == "no-value"
    assert int(report.status.exit) == 4
    assert report.document["failures"]["reference"] == report.document["failures"]["count"] > 0
    assert report.to_dict()["sup"]["lower"] is None


def test_discrete_axes_are_searched_over_their_values() -> None:
    domain = Domain(n=Axis(0, 0, values=(1, 2, 3, 5, 8)), x=(0.0, 1.0))

    def error(x: Array) -> Array:
        assert np.isin(x[:, 0], [1, 2, 3, 5, 8]).all()
        return np.where(x[:, 0] == 5, np.exp(-((x[:, 1] - 0.3) ** 2) / 1e-4), 0.1)

    report = audit(Problem(error, lambda x: 0 * x[:, 0], domain), evaluations=3000)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(1.0, rel=1e-6)
    assert report.worst.x[0] == 5


def test_the_worst_output_is_named() -> None:
    def model(x: Array) -> Array:
        bump = np.exp(-((x[:, :1] - 0.7) ** 2) / 1e-3)
        return np.concatenate([0.1 * x, bump, np.zeros((len(x), 500))], axis=1)

    report = audit(Problem(model, lambda x: np.zeros((len(x), 502)), Domain(x=(0.0, 1.0))), evaluations=2000)
    assert report.worst is not None
    assert report.worst.output == 1
    assert report.document["witness"]["output"] == "y2"
    assert report.worst.error == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("evaluations", [100, 137, 500])
def test_tiny_budgets_are_kept(evaluations: int) -> None:
    instance = problems.planted_bump(3, 1e-2, 0, gradients=False)
    report = audit(instance.problem, evaluations=evaluations)
    assert_honest(report, instance)
    counts = report.document["evaluations"]
    assert counts["search"] + counts["statistics"] <= evaluations + 8
    assert counts["pictures"] <= max(evaluations, 200)  # a dear reference is not spent on pictures


@pytest.mark.slow
def test_seconds_end_the_search_and_the_result_says_so() -> None:
    instance = problems.planted_bump(3, 1e-3, 0)
    report = audit(instance.problem, seconds=0.5)
    assert report.document["evaluations"]["search"] > 0
    assert report.document["budget"] == {"evaluations": None, "seconds": 0.5}
    assert any("limited by seconds" in note for note in report.document["notes"])
    assert_honest(report, instance)


# -- its parts --------------------------------------------------------------------------------------------


def landscape(instance: Instance, limit: int = 100_000) -> Landscape:
    return Landscape(Evaluator(instance.problem), Limit(evaluations=limit))


def against_zero(values: Callable[[Array], Array], slopes: Callable[[Array], Array], d: int) -> Problem:
    """A model with derivatives beside a reference that is zero, on the unit box."""
    model = Function(
        lambda x: values(x)[:, None], vjp=lambda x: (values(x)[:, None], lambda w: w * slopes(x))
    )
    zero = Function(lambda x: np.zeros((len(x), 1)), vjp=lambda x: (np.zeros((len(x), 1)), lambda w: 0.0 * x))
    return Problem(model, zero, Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)}))


def test_derivatives_that_are_zero_nearly_everywhere_are_left_alone() -> None:
    """Stairs have derivatives by name only: they are searched as well as black boxes, and the report says so."""
    d, followed, black = 12, [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        centres, width = rng.uniform(0.1, 0.9, (8, d)), rng.uniform(0.17, 0.6, 8)
        height = np.append(rng.uniform(0.5, 0.9, 7), 1.0)

        def stairs(x: Array, c: Array = centres, w: Array = width, h: Array = height) -> Array:
            hills = h * np.exp(-((x[:, None] - c) ** 2).sum(axis=2) / (2 * w**2))
            return np.asarray(np.floor(40 * hills.max(axis=1)) / 40)

        problem = against_zero(stairs, np.zeros_like, d)
        followed.append(searched(problem, 3000, seed))
        without = replace(problem.model, vjp=None), replace(problem.reference, vjp=None)
        black.append(searched(Problem(*without, problem.domain), 3000, seed))
    assert np.mean(followed) > np.mean(black) - 0.05
    report = audit(problem, evaluations=1000, seed=0, power=False)
    assert report.document["gradients"] == "none"
    assert "zero-derivatives" in [f["code"] for f in report.document["findings"]]


def test_gradients_are_followed_beside_a_corner_without_model_values() -> None:
    """Infinite errors have no derivative: they fill the list of the best and do not say that derivatives are zero."""

    def model(x: Array) -> Array:
        return np.where((x < 0.5).all(axis=1), np.nan, np.sin(3 * x).sum(axis=1))

    problem = against_zero(model, lambda x: 3 * np.cos(3 * x), 3)
    report = audit(problem, evaluations=3000, seed=0, power=False)
    assert report.worst is not None
    assert report.worst.error == math.inf
    assert report.document["gradients"] == "both"
    assert "zero-derivatives" not in [f["code"] for f in report.document["findings"]]


def test_gradients_and_polish_climb_narrow_curved_ridges_by_themselves() -> None:
    """Rosenbrock's valley, upside down: no differential evolution runs where gradients lead."""

    def terms(x: Array) -> tuple[Array, Array]:
        return 4 * x[:, 1:] - 2 - (4 * x[:, :-1] - 2) ** 2, 4 * x - 3

    def ridge(x: Array) -> Array:
        across, along = terms(x)
        return np.asarray(1 / (1 + 100 * (across**2).sum(axis=1) + (along[:, :-1] ** 2).sum(axis=1)))

    def slope(x: Array) -> Array:
        across, along = terms(x)
        inner = np.zeros_like(x)
        inner[:, 1:] += 800 * across
        inner[:, :-1] += -1600 * across * (4 * x[:, :-1] - 2) + 8 * along[:, :-1]
        return np.asarray(-(ridge(x) ** 2)[:, None] * inner)

    problem = against_zero(ridge, slope, 4)
    evaluator = Evaluator(problem, budget=20_000)
    search = explored(evaluator, ScreenAndAscent(), 20_000, np.random.default_rng(0))
    assert evaluator.worst > 1 - 1e-9
    assert search.informative


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_projected_gradients_do_not_leave_the_box(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    u = rng.choice([0.0, 0.5, 1.0], size=(20, d))
    step = projected(u, rng.normal(size=(20, d)))
    moved = u + 1e-3 * step
    assert ((moved >= 0) & (moved <= 1)).all()


def test_ascent_never_ends_below_its_start_and_counts_every_step() -> None:
    scape = landscape(problems.planted_bump(3, 1e-2, 0))
    u = np.random.default_rng(0).random((50, 3))
    before = scape.score(u)
    spent = scape.evaluator.spent("search")
    whole = Ascent(halve_every=0)
    ends, best = whole.run(scape, u, 0.1)
    assert (best >= before - 1e-12).all()
    np.testing.assert_allclose(scape.score(ends), best, rtol=1e-9)
    assert scape.evaluator.spent("search") - spent <= 50 * whole.cost + 50


def test_halving_costs_less_and_keeps_the_best_chains() -> None:
    scape = landscape(problems.planted_bump(3, 1e-2, 0))
    u = np.random.default_rng(0).random((64, 3))
    spent = []
    for method in (Ascent(halve_every=0, smallest=0.0), Ascent(smallest=0.0)):
        before = scape.evaluator.spent("search")
        assert method.run(scape, u, 0.1)[1].max() > 0.99
        spent.append(scape.evaluator.spent("search") - before)
    assert spent[1] < 0.5 * spent[0]


def test_chains_follow_a_ridge_of_curved_sides() -> None:
    """Curvatures of 1 to 100: 24 steps along the gradient stay further below the top, or 42 with a coarser step."""
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    shape = turned @ np.diag(np.geomspace(1.0, 100.0, 6)) @ turned.T
    top = rng.uniform(0.4, 0.6, 6)
    ridge = against_zero(
        lambda x: 1e3 - 0.5 * ((x - top) @ shape * (x - top)).sum(axis=1), lambda x: -(x - top) @ shape, 6
    )
    u = rng.uniform(0.3, 0.7, (100, 6))
    left = []
    for way in (LONG, replace(LONG, memory=1e-9)):
        left.append(
            float(
                np.median(1e3 - way.run(Landscape(Evaluator(ridge), Limit(evaluations=100_000)), u, 0.1)[1])
            )
        )
    assert left[0] < min(1.5e-3, 0.5 * left[1]), left


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1e150, 1e200])
def test_slopes_whose_squares_are_no_numbers_end_their_chains_only(size: float) -> None:
    """A third input that says how large the slope is, but never moves: no chain asks for a point that is none."""
    asked = []

    def slopes(x: Array) -> Array:
        asked.append(x)
        return np.where(x[:, 2:] < 0.5, 1.0, size) * (1.0 - x) * [1.0, 1.0, 0.0]

    problem = against_zero(lambda x: 3.0 - 0.5 * ((1.0 - x[:, :2]) ** 2).sum(axis=1), slopes, 3)
    scape = Landscape(Evaluator(problem), Limit(evaluations=100_000))
    u = np.random.default_rng(0).random((40, 3))
    before = scape.score(u)
    ends, best = LONG.run(scape, u, 0.1)
    assert np.isfinite(np.concatenate(asked)).all()
    assert (best >= before).all()
    np.testing.assert_allclose(ends[u[:, 2] < 0.5][:, :2], 1.0, atol=1e-6)


LONG = Ascent(halve_every=0)


def test_evolution_climbs_a_hat_without_derivatives() -> None:
    instance = problems.planted_bump(3, 1e-2, 0, "hat", gradients=False)
    scape = landscape(instance)
    assert instance.at is not None
    centre = instance.problem.domain.to_unit(instance.at[None])
    u = np.clip(centre + 0.05 * np.random.default_rng(0).normal(size=(20, 3)), 0, 1)
    ends, best = EvolutionStrategy().run(scape, u, scape.score(u), 0.05, np.random.default_rng(1))
    assert best.max() > 1 - 1e-5
    assert np.median(best) > 0.95  # chains that fell behind were given up
    np.testing.assert_allclose(scape.score(ends), best, rtol=1e-9)


def test_differential_evolution_keeps_its_best_and_its_budget() -> None:
    scape = landscape(problems.planted_bump(4, 1e-2, 0, gradients=False))
    u = np.random.default_rng(0).random((40, 4))
    score = scape.score(u)
    before = scape.evaluator.total
    new, better = DifferentialEvolution().run(scape, u, score, 2000, np.random.default_rng(1))
    assert (better >= score).all()
    assert ((new >= 0) & (new <= 1)).all()
    assert scape.evaluator.total - before <= 2000
    assert better.max() > score.max()


@pytest.mark.parametrize("gradients", [True, False])
def test_polish_finds_the_last_digits_of_a_kink(gradients: bool) -> None:
    instance = problems.kink(3, 0)
    problem = instance.problem
    if not gradients:
        problem = Problem(problem.model.value, problem.reference.value, problem.domain)
    scape = Landscape(Evaluator(problem), Limit(evaluations=100_000))
    assert instance.at is not None
    u = problem.domain.to_unit(instance.at[None]) + 1e-3
    ends, best = Polish().run(scape, u, scape.score(u), 5000, np.random.default_rng(0))
    assert best[0] > 1 - 1e-7
    np.testing.assert_allclose(scape.score(ends), best, rtol=1e-12)


@given(st.integers(2, 300), st.integers(1, 4), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_thinned_starts_are_apart_and_the_best_is_kept(n: int, d: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    u, score = rng.random((n, d)), rng.random(n)
    radius = linkage_radius(n, d)
    chosen = thin(u, score, radius, k)
    assert chosen[0] == np.argmax(score)
    assert len(chosen) == len(set(chosen.tolist())) == min(k, n)
    # Without the dropped points that fill up, by the definition; distances are compared in single precision.
    apart = thin(u, score, radius, k, fill=False).tolist()
    assert chosen[: len(apart)].tolist() == apart
    near = np.linalg.norm(u[:, None] - u[None], axis=2)
    for at, i in enumerate(apart):
        assert (near[i, apart[:at]] > radius - 1e-4).all()
    for i in np.argsort(-score)[: 4 * k]:
        better = [j for j in apart if score[j] > score[i]]
        assert i in apart or len(better) == k or (near[i, better] < radius + 1e-4).any()
    assert (np.diff(score[chosen[len(apart) :]]) <= 0).all()


def test_the_linkage_radius_is_the_formula() -> None:
    for n, d in ((100, 1), (5000, 3), (100_000, 8)):
        expected = math.pi**-0.5 * (math.gamma(1 + d / 2) * 4 * math.log(n) / n) ** (1 / d)
        assert linkage_radius(n, d) == pytest.approx(expected)


def test_face_snapping_reaches_faces_edges_and_corners() -> None:
    u = snap_to_faces(sobol_sequence(3, np.random.default_rng(0))(4000), np.random.default_rng(1))
    on = np.isin(u, [0.0, 1.0]).sum(axis=1)
    assert set(on.tolist()) == {0, 1, 2, 3}
    assert abs(np.mean(on) - 1.5) < 0.1  # q ~ U(0, 1): half of the coordinates
    corners = {tuple(row) for row in u[on == 3]}
    assert len(corners) == 8


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 40))
def test_filled_gaps_are_as_narrow_as_the_number_of_points_allows(t: list[float], n: int) -> None:
    fresh = fill_gaps(np.array(t), n)
    assert len(fresh) <= n
    ends = np.sort([0.0, *t, 1.0])
    widest = np.diff(np.sort([*ends, *fresh])).max()
    # With every part a little narrower than the widest more than n points would be needed.
    needed = np.ceil(np.diff(ends) / (widest * (1 - 1e-6))).clip(1).sum() - (len(ends) - 1)
    assert needed > n


@pytest.mark.sampled(1)
@pytest.mark.parametrize("shape", ["smooth", "hat"])
def test_a_bump_on_one_ten_thousandth_of_one_input_is_found(shape: str) -> None:
    for seed in range(3):
        instance = problems.planted_bump(1, 1e-4, seed, shape)
        assert searched(instance.problem, 10_000, seed) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("gradients", [True, False])
def test_flanks_betray_a_glitch_that_no_point_has_hit(gradients: bool) -> None:
    problem = problems.planted_bump(2, 1e-6, 8, gradients=gradients).problem
    found = [searched(problem, 100_000, seed) >= 0.99 for seed in range(8)]
    blind = [searched(problem, 100_000, seed, ScreenAndAscent(flanks=0)) >= 0.99 for seed in range(8)]
    assert sum(found) >= 5
    assert sum(blind) <= 4


def test_a_point_off_its_neighbours_plane_stands_out_whatever_its_sign() -> None:
    rng = np.random.default_rng(0)
    u = rng.random((2000, 2))
    for sign in (1.0, -1.0):
        e = u @ [1.0, -2.0] + 0.5
        e[77] += sign * 1e-4
        assert np.argmax(misfit(u, e)) == 77


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_vertex_seeds_lie_on_d_kinks_of_the_first_layer(scale: str) -> None:
    rng = np.random.default_rng(0)
    domain = Domain(a=Axis(1.0, 9.0, scale=scale), b=(-5.0, -1.0), c=(0.0, 1e-3))
    x = domain.from_unit(rng.random((40, 3)))
    weights = rng.normal(size=(40, 3)) / np.array([8.0, 4.0, 1e-3])
    bias = -(weights * x).sum(axis=1)  # every kink passes through the box
    u = vertex_seeds((weights, bias), domain, 200, rng)
    assert len(u) == 200
    assert ((u >= 0) & (u <= 1)).all()
    z = np.abs(domain.from_unit(u) @ weights.T + bias)
    zeros = np.sort(z, axis=1)
    assert zeros[:, 1].max() < 1e-6
    assert np.mean(zeros[:, 2] < 1e-6) > 0.85  # the others drew one neuron twice
    assert len(vertex_seeds((weights[:2], bias[:2]), domain, 10, rng)) == 0


def test_seeds_in_many_inputs_lie_where_four_neurons_vanish() -> None:
    rng = np.random.default_rng(0)
    d, low, width = 9, -1.0, 4.0
    weights, bias = rng.normal(size=(20, d)), 0.3 * rng.normal(size=20)
    domain = Domain(**{f"x{i}": (low, low + width) for i in range(d)})
    u = vertex_seeds((weights, bias), domain, 300, rng)
    assert len(u) == 300
    assert ((u >= 0) & (u <= 1)).all()
    at = np.abs((low + width * u) @ weights.T + bias)
    assert (np.sort(at, axis=1)[:, 3] < 1e-3).all()  # in single precision
    assert len(np.unique(u.round(6), axis=0)) == 300


@pytest.mark.slow
def test_vertex_seeds_find_glitches_in_the_weights_of_relu_networks() -> None:
    """audit.md: a glitch of volume 1e-6 in d = 4 trained into the weights: kinks betray the place."""

    def hit(seed: int, readable: bool) -> bool:
        rng = np.random.default_rng(seed)
        d, width = 4, 24
        domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
        weights = rng.normal(size=(width, d))
        bias = -(weights * rng.random((width, d))).sum(axis=1)
        centre, half = rng.uniform(0.2, 0.8, d), 0.5 * 1e-6 ** (1 / d)
        sharp = np.linalg.qr(rng.normal(size=(d, d)))[0]

        def layer(x: Array) -> Array:
            return 0.01 * np.maximum(x @ weights.T + bias, 0).sum(axis=1) / width

        def model(x: Array) -> Array:  # a hat of three kinks in each of four directions: 12 more neurons
            z = (x - centre) @ sharp.T / half
            return layer(x) + np.maximum(1 - np.abs(z).sum(axis=1) / 2, 0)

        first = np.concatenate([weights, *(3 * [sharp / half])])
        shift = np.concatenate([bias, *(-(sharp / half) @ centre + k for k in (-1, 0, 1))])
        function = Function(
            lambda x: model(x)[:, None], first_layer=(first, shift) if readable else None, name="relu"
        )
        report = audit(Problem(function, layer, domain), evaluations=20_000, seed=seed)
        assert report.worst is not None
        return report.worst.error >= 0.99

    read, blind = (sum(hit(seed, readable) for seed in range(8)) for readable in (True, False))
    assert read >= 7
    assert blind <= 4


def test_neighbours_of_data_stay_within_the_balls() -> None:
    rng = np.random.default_rng(0)
    cloud = Domain.from_samples(rng.uniform(0.2, 0.8, (30, 3))).cloud
    assert cloud is not None
    u = cloud.draw(2000, rng)
    gaps = np.linalg.norm(u[:, None] - cloud.points[None], axis=2).min(axis=1)
    assert gaps.max() <= cloud.radius * (1 + 1e-12)
    assert np.median(gaps) > 0.3 * cloud.radius


@pytest.mark.slow
def test_distinct_peaks_are_distinct() -> None:
    heights, centres = [1.0, 0.8, 0.6], np.array([[0.2, 0.2], [0.8, 0.3], [0.4, 0.9]])

    def peaks(u: Array) -> tuple[Array, Array]:
        w = np.exp(-((u[:, None] - centres[None]) ** 2).sum(axis=2) / 0.005) * np.array(heights)
        return w.sum(axis=1), np.zeros_like(u)

    domain = problems.box(2)
    problem = problems.problem_of(domain, RandomNet.draw(2, 1), peaks, gradients=False)
    rng = np.random.default_rng(0)
    u = np.concatenate([c + 2e-2 * rng.normal(size=(20, 2)) for c in centres])
    scape = Landscape(Evaluator(problem), Limit(evaluations=100_000))
    kept = distinct(scape, u, scape.score(u), 12)
    nearest = np.linalg.norm(u[kept][:, None] - centres[None], axis=2).argmin(axis=1)
    assert nearest.tolist() == [0, 1, 2]
    report = audit(problem, evaluations=20_000)
    assert [round(p.error, 3) for p in report.peaks[:3]] == heights
    found_at = domain.to_unit(np.stack([p.x for p in report.peaks[:3]]))
    np.testing.assert_allclose(found_at, centres, atol=1e-3)


@pytest.mark.parametrize(("word", "lines"), [("one-by-one:4", 4), ("in-rounds", 1)])
def test_a_call_has_lines_for_all_workers(word: str, lines: int) -> None:
    """Fifteen calls leave one of four workers without work at the end. In rounds the points are those of any workers."""
    domain = problems.box(2)
    evaluator = Evaluator(Problem(lambda x: np.ones(len(x)), lambda x: np.zeros(len(x)), domain))
    declare(evaluator, f"expensive:1:{word}")
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(0.1)
    rng = np.random.default_rng(0)
    u = rng.random((6, 2))
    sizes: list[int] = []
    evaluator.listeners.append(lambda done: sizes.append(len(done)))
    distinct(Landscape(evaluator, Limit(evaluations=15 * 5)), u, np.ones(6), 12)
    assert sizes[0] == 15 * lines
    assert sum(sizes) == 15 * 5


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_every_end_is_a_peak_or_joined_to_one_and_lines_go_in_few_calls(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres, heights = rng.random((6, d)), rng.uniform(0.2, 1.0, 6)

    def hills(u: Array) -> Array:
        return np.asarray(
            np.max(heights * np.exp(-((u[:, None] - centres) ** 2).sum(axis=2) / 0.02), axis=1) + 1e-3
        )

    calls = []
    model = Function(lambda x: (calls.append(len(x)), hills(x))[1][:, None])
    unit = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    scape = Landscape(
        Evaluator(Problem(model, Function(lambda x: np.zeros((len(x), 1))), unit)), Limit(evaluations=10**6)
    )
    u = rng.random((150, d))
    u[:60] = np.clip(centres[rng.integers(6, size=60)] + 0.03 * rng.normal(size=(60, d)), 0, 1)
    score = scape.score(u)
    calls.clear()
    kept = distinct(scape, u, score, len(u))
    assert len(calls) <= 3 * (len(kept) + len(u) / 32 + 1)
    t = np.linspace(0, 1, 17)[1:-1, None]

    def valley(i: int, j: int) -> bool:
        line = hills(u[i] + t * (u[j] - u[i]))
        return bool(line.min() < 0.9 * min(score[i], score[j]))

    assert score[kept[0]] == score.max()
    assert (np.diff(score[kept]) <= 0).all()
    for n, i in enumerate(kept[1:], 1):
        higher = kept[:n]
        nearest = higher[np.argsort(np.linalg.norm(u[higher] - u[i], axis=1))[:3]]
        assert all(valley(i, j) for j in nearest)
    for i in set(range(len(u))) - set(kept.tolist()):
        close = np.linalg.norm(u - u[i], axis=1) <= 1e-3 * np.sqrt(d) * (1 + 1e-9)
        assert (close & (score >= score[i])).sum() > 1 or not all(
            valley(i, j) for j in kept if score[j] >= score[i]
        )


def test_clusters_are_groups_of_ends() -> None:
    u = np.array([[0.1, 0.1], [0.101, 0.1], [0.5, 0.5], [0.9, 0.1], [0.9005, 0.1], [0.901, 0.1]])
    assert cluster_sizes(u, 0.01) == [3, 2, 1]
    assert cluster_sizes(u[:1], 0.01) == [1]
    assert cluster_sizes(u[:0], 0.01) == []


@pytest.mark.parametrize("d", [1, 2, 3])
def test_seams_are_followed_to_the_worst_point_of_the_sheet(d: int) -> None:
    instance = problems.thin_sheet(d, 1e-6, 1)
    scape = landscape(instance)
    rng = np.random.default_rng(0)
    scout = scape.evaluator.values(instance.problem.domain.from_unit(rng.random((4000, d))), "statistics")
    assert np.nanmax(scout.error) < 0.01  # sampling does not see it
    u, score = Discontinuities().run(scape, scout, 12_000, rng)
    assert score.max() >= 0.99 * instance.sup
    np.testing.assert_allclose(scape.score(u), score)
    assert scape.evaluator.spent("search") <= 12_000 + len(u)


def test_a_smooth_pair_has_no_seams_and_costs_little() -> None:
    instance = problems.genuine_net(3, 0, starts=16)
    scape = landscape(instance)
    rng = np.random.default_rng(0)
    scout = scape.evaluator.values(instance.problem.domain.from_unit(rng.random((4000, 3))), "statistics")
    u, _ = Discontinuities().run(scape, scout, 12_000, rng)
    assert len(u) == 0
    assert scape.evaluator.spent("search") <= 3000


def test_one_point_has_no_neighbour_and_shows_no_jump() -> None:
    """Calls so slow that a time limit leaves one independent point: the search went on and ended with a traceback."""
    instance = problems.thin_sheet(2, 1e-6, 1)
    scape = landscape(instance)
    scout = scape.evaluator.values(instance.problem.domain.from_unit(np.full((1, 2), 0.3)), "statistics")
    u, score = Discontinuities().run(scape, scout, 12_000, np.random.default_rng(0))
    assert (len(u), len(score)) == (0, 0)


@pytest.mark.slow
def test_the_shares_of_the_search_are_its_own() -> None:
    """A strategy is a frozen set of hyper-parameters; another one searches differently and stays honest."""
    instance = problems.planted_bump(3, 1e-3, 0)
    plain = ScreenAndAscent(screen=0.9, faces=0.0)
    report = audit(instance.problem, evaluations=5000, strategy=plain)
    assert_honest(report, instance)
    usual = audit(instance.problem, evaluations=5000)
    assert report.document["charts"]["progress"] != usual.document["charts"]["progress"]


def test_gaps_where_no_point_exists_are_not_filled_for_ever() -> None:
    """With one input and a constraint the screen spends its share on points that exist, in a few batches."""
    asked = 0

    def middle(x: Array) -> Array:
        nonlocal asked
        asked += 1
        return np.asarray(np.abs(x[:, 0] - 0.5) < 0.05)

    def model(x: Array) -> Array:
        return np.where(np.abs(x[:, 0] - 0.515) < 5e-5, 1.0, x[:, 0])  # a thousandth of what exists

    report = audit(Problem(model, lambda x: x[:, 0], Domain([middle], x=(0.0, 1.0))), evaluations=10_000)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(0.485, abs=1e-4)
    assert asked < 3000


@pytest.mark.slow
def test_points_are_gathered_where_few_of_the_box_exist() -> None:
    """A thousandth of the box exists: the screen evaluates hundreds of points at once, not one or two."""
    calls: list[int] = []

    def model(x: Array) -> Array:
        calls.append(len(x))
        return np.asarray(x.sum(axis=1) ** 2)

    def ring(x: Array) -> Array:
        return np.asarray(np.abs(np.linalg.norm(x - 0.5, axis=1) - 0.4) < 2e-4)

    problem = Problem(model, lambda x: 0.0 * x[:, 0], Domain([ring], x=(0.0, 1.0), y=(0.0, 1.0)))
    evaluator = Evaluator(problem, budget=2000)
    explored(evaluator, ScreenAndAscent(), 2000, np.random.default_rng(0))
    assert evaluator.worst > 0.99 * (1 + 0.4 * np.sqrt(2)) ** 2
    assert sum(calls) >= 1900
    assert len(calls) < 400


def test_no_more_vertices_are_asked_for_than_a_layer_has() -> None:
    """In one input a layer of five neurons has five kinks: thousands of seeds were the same five points."""
    rng = np.random.default_rng(0)
    weights, bias = np.ones((5, 1)), -np.linspace(0.1, 0.9, 5)
    seeds = vertex_seeds((weights, bias), Domain(x=(0.0, 1.0)), 4000, rng)
    assert 1 <= len(seeds) <= 5
    assert np.isin(seeds.round(9), np.linspace(0.1, 0.9, 5).round(9)).all()
    plane = vertex_seeds(
        (rng.normal(size=(9, 2)), rng.normal(size=9)), Domain(x=(0.0, 1.0), y=(0.0, 1.0)), 4000, rng
    )
    assert len(plane) <= math.comb(9, 2)
