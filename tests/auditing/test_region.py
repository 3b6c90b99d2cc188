"""Volumes of regions against closed forms: balls, boxes, oblique sheets, corners; bent ones say that they are partial."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import problems

from supnorm import audit
from supnorm.auditing.frame import Frame
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.pictures import half_widths
from supnorm.auditing.region import Region, RegionVolume
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
Case = tuple[Callable[[Array], Array], Array, float]  # error, peak, true volume


def box(d: int) -> Domain:
    return Domain(**{f"x{i + 1}": (0.0, 1.0) for i in range(d)})


def unit_ball(d: int) -> float:
    return math.pi ** (d / 2) / math.gamma(1 + d / 2)


def ball(d: int, p: float, _: int) -> Case:
    radius, centre = (p / unit_ball(d)) ** (1 / d), np.full(d, 0.45)
    return lambda u: np.maximum(1 - ((u - centre) ** 2).sum(axis=1) / (2 * radius**2), 0), centre, p


def oblique_box(sides: tuple[float, ...], seed: int) -> Case:
    rng, d = np.random.default_rng(seed), len(sides)
    turn, half, centre = np.linalg.qr(rng.normal(size=(d, d)))[0], np.array(sides) / 2, np.full(d, 0.5)
    peak = centre + (rng.uniform(-0.8, 0.8, d) * half) @ turn.T
    return lambda u: 1.0 * (np.abs((u - centre) @ turn) <= half).all(axis=1), peak, math.prod(sides)


def sheet(d: int, thickness: float, seed: int) -> Case:
    """Between two parallel planes in a random direction: thickness times the area of the cut through the box."""
    rng = np.random.default_rng([seed, d])
    normal = rng.normal(size=d)
    normal /= np.linalg.norm(normal)
    through, basis, reach = rng.uniform(0.2, 0.8, d), np.linalg.svd(normal[None])[2][1:], math.sqrt(d)
    cut = through + np.random.default_rng(0).uniform(-reach, reach, (200_000, d - 1)) @ basis
    area = np.all((cut >= 0) & (cut <= 1), axis=1).mean() * (2 * reach) ** (d - 1)

    def error(u: Array) -> Array:
        along = (u - through) @ normal
        return 1.0 * ((along >= 0) & (along < thickness))

    return error, through + 0.3 * thickness * normal, float(thickness * area)


def corner(d: int, _: int) -> Case:
    """A linear error that is largest at a corner: the region is a simplex, cut off by the domain on d sides."""
    return lambda u: np.maximum(1 - u.sum(axis=1) / 0.4, 0), np.zeros(d), 0.2**d / math.factorial(d)


def shell(d: int, thickness: float, _: int) -> Case:
    """A bent sheet: part of a spherical shell round the origin."""
    outer, inner = 0.6 + thickness / 2, 0.6 - thickness / 2
    volume = unit_ball(d) * (outer**d - inner**d) / 2**d
    return (
        lambda u: 1.0 * (np.abs(np.linalg.norm(u, axis=1) - 0.6) <= thickness / 2),
        np.full(d, 0.6 / math.sqrt(d)),
        volume,
    )


def lobes(d: int, _: int) -> Case:
    """Two balls with a bridge between them: with a thin bridge the second may not be seen."""
    low, high, radius = np.full(d, 0.35), np.full(d, 0.65), 0.12
    axis = (high - low) / np.linalg.norm(high - low)

    def error(u: Array) -> Array:
        along = np.clip((u - low) @ axis, 0, np.linalg.norm(high - low))
        off = np.linalg.norm(u - low - along[:, None] * axis, axis=1)
        near = np.minimum(np.linalg.norm(u - low, axis=1), np.linalg.norm(u - high, axis=1))
        return 1.0 * ((near < radius) | (off < 0.05))

    return error, low, float(error(np.random.default_rng(0).random((400_000, d))).mean())


def measured(case: Case, seed: int) -> Region:
    error, peak, _ = case
    problem = Problem(error, lambda x: 0 * x[:, 0], box(len(peak)))
    scape = Landscape(Evaluator(problem), Limit(evaluations=100_000))
    width = half_widths(scape, peak, 1.0)
    region = RegionVolume().measure(scape, peak, 1.0, width, np.random.default_rng(seed + 100))
    assert region is not None
    return region


CONVEX: dict[str, Callable[[int], Case]] = {
    **{f"ball {d} {p:g}": (lambda s, d=d, p=p: ball(d, p, s)) for d, p in ((1, 0.01), (3, 1e-5), (6, 1e-4))},
    "box 2": lambda s: oblique_box((0.2, 1e-3), s),
    "box 4": lambda s: oblique_box((0.2, 2e-3, 0.04, 1e-5), s),
    **{
        f"sheet {d} {t:g}": (lambda s, d=d, t=t: sheet(d, t, s))
        for d, t in ((2, 1e-3), (2, 1e-8), (3, 1e-5), (4, 1e-6), (6, 1e-8))
    },
    **{f"corner {d}": (lambda s, d=d: corner(d, s)) for d in (2, 5)},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVEX)
def test_convex_regions_are_measured(name: str) -> None:
    for seed in range(4):
        case = CONVEX[name](seed)
        region, truth = measured(case, seed), case[2]
        assert truth / 1.5 < region.volume < 1.5 * truth
        assert region.low <= truth
        assert region.low > 0.5 * region.volume
        if region.whole:
            assert region.high >= truth


@pytest.mark.slow
def test_convex_regions_within_a_factor_of_1_5_in_95_per_cent_and_their_limits_hold() -> None:
    good = covered = below = tried = 0
    for name in CONVEX:
        for seed in range(20, 24):
            case = CONVEX[name](seed)
            region, truth = measured(case, seed), case[2]
            tried += 1
            good += truth / 1.5 < region.volume < 1.5 * truth
            below += region.low <= truth
            covered += region.low <= truth and (region.high >= truth or not region.whole)
    assert good >= 0.95 * tried
    assert below >= 0.95 * tried
    assert covered >= 0.95 * tried


@pytest.mark.sampled(1)
@pytest.mark.parametrize("case", [shell(2, 1e-2, 0), shell(2, 1e-4, 0), shell(2, 1e-6, 0), shell(3, 1e-4, 0)])
def test_a_bent_sheet_is_measured_in_part_and_says_so(case: Case) -> None:
    for seed in range(3):
        region = measured(case, seed)
        assert 0.01 * case[2] < region.low <= case[2]
        assert not region.whole or region.high >= case[2]


@pytest.mark.parametrize("d", [2, 3])
def test_two_lobes_with_a_bridge(d: int) -> None:
    """Non-convex regions that the frame holds are measured like others: the points do not ask for convexity."""
    case = lobes(d, 0)
    for seed in range(3):
        region = measured(case, seed)
        assert region.volume == pytest.approx(case[2], rel=0.25)
        assert region.low <= case[2]


def test_an_infinite_plateau_has_a_volume() -> None:
    def model(x: Array) -> Array:
        return np.where(((x - 0.5) ** 2).sum(axis=1) < 0.04, np.inf, x[:, 0])

    problem = Problem(model, lambda x: x[:, 0], box(2))
    scape = Landscape(Evaluator(problem), Limit(evaluations=100_000))
    region = RegionVolume().measure(scape, np.full(2, 0.5), np.inf, np.full(2, 0.1), np.random.default_rng(0))
    assert region is not None
    assert region.volume == pytest.approx(0.04 * math.pi, rel=0.1)


def test_the_share_is_of_the_domain_and_not_of_the_box() -> None:
    """A half-disc of radius 0.1 in a triangle that is half of the box."""
    domain = Domain([lambda x: x[:, 0] + x[:, 1] <= 1], a=(0.0, 1.0), b=(0.0, 1.0))

    def model(x: Array) -> Array:
        return np.where(((x - 0.5) ** 2).sum(axis=1) < 0.01, 1.0, 0.0)

    scape = Landscape(Evaluator(Problem(model, lambda x: 0 * x[:, 0], domain)), Limit(evaluations=100_000))
    peak = np.array([0.45, 0.45])
    region = RegionVolume().measure(scape, peak, 1.0, np.full(2, 0.05), np.random.default_rng(0))
    assert region is not None
    assert region.volume == pytest.approx(0.01 * math.pi, rel=0.1)


def test_too_small_a_budget_measures_nothing() -> None:
    error, peak, _ = ball(2, 0.01, 0)
    scape = Landscape(Evaluator(Problem(error, lambda x: 0 * x[:, 0], box(2))), Limit(evaluations=1000))
    assert RegionVolume().measure(scape, peak, 1.0, np.full(2, 0.05), np.random.default_rng(0)) is None


def test_a_frame_keeps_volumes_and_comes_back() -> None:
    rng = np.random.default_rng(3)
    t = rng.uniform(-1, 1, 400)
    x = np.column_stack([t, 0.3 * t**2 + 1e-7 * rng.uniform(-1, 1, 400), 1e-3 * rng.uniform(-1, 1, 400)])
    frame = Frame.fit(x)
    assert frame.bent
    z = frame.coordinates(x)
    np.testing.assert_allclose(frame.points(z), x, atol=1e-12)
    assert np.abs(z).max() < 5  # the bent sheet is round in its own frame
    step = 1e-6
    here = frame.points(np.zeros((1, 3)))
    jacobian = np.stack([(frame.points(step * e[None]) - here)[0] / step for e in np.eye(3)], axis=1)
    assert abs(np.linalg.det(jacobian)) == pytest.approx(frame.scale, rel=1e-3)


@pytest.mark.slow
def test_the_audit_reports_volumes_with_limits() -> None:
    instance = problems.thin_sheet(2, 1e-5, 1)
    report = audit(instance.problem, evaluations=30_000, seed=0)
    worst = report.worst
    assert worst is not None
    assert worst.volume is not None
    assert worst.volume_at_least is not None
    assert 0 < worst.volume_at_least <= worst.volume
    assert report.document["rms"]["at_least"] <= math.sqrt(worst.volume) * worst.error / 2
    assert replace(worst, volume_at_most=None) == worst or worst.volume_at_most >= worst.volume
