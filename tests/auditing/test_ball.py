"""The ball of a planted bump fills the share of the domain that it claims, wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing import ball
from supnorm.auditing.ball import radius_of_share
from supnorm.problem import Axis, Domain

Array = NDArray[np.float64]


def box(d: int) -> Domain:
    return Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})


def filled(domain: Domain, draw: Array, share: float, centre: Array, rng: np.random.Generator) -> float:
    """Share of points drawn in the domain that the ball holds, over the wanted one."""
    radius = radius_of_share(domain, centre, share, rng)
    return float(np.mean(np.linalg.norm(draw - centre, axis=1) <= radius)) / share


@pytest.mark.parametrize(("d", "share"), [(1, 1e-2), (4, 1e-2), (8, 1e-3), (20, 1e-3)])
def test_in_a_box_near_faces_and_corners(d: int, share: float) -> None:
    rng = np.random.default_rng([d, 0])
    draw = rng.random((150_000, d))
    ratios = [filled(box(d), draw, share, c, rng) for c in rng.random((6, d))]
    assert 0.75 < np.mean(ratios) < 1.3, ratios


def test_a_corner_of_a_square_needs_twice_the_radius() -> None:
    rng = np.random.default_rng(0)
    inner = radius_of_share(box(2), np.full(2, 0.5), 1e-4, rng)
    assert inner == pytest.approx(np.sqrt(1e-4 / np.pi), rel=1e-12)
    assert radius_of_share(box(2), np.zeros(2), 1e-4, rng) == pytest.approx(2 * inner, rel=0.2)


def test_under_constraints_the_share_is_one_of_what_exists() -> None:
    # An eighth of the square.
    domain = Domain([lambda x: x[:, 0] + x[:, 1] < 0.5], a=(0.0, 1.0), b=(0.0, 1.0))
    rng = np.random.default_rng(1)
    draw = rng.random((400_000, 2))
    draw = draw[domain.contains(draw)]
    ratios = [filled(domain, draw, s, c, rng) for s in (1e-2, 1e-3) for c in draw[:4]]
    assert 0.75 < np.mean(ratios) < 1.3, ratios


@pytest.mark.slow
@pytest.mark.parametrize("side", [0.1, 0.01])
def test_where_constraints_leave_little_of_the_box(side: float) -> None:
    """Too few of the first points lay in the domain, and the share was taken for one of the box."""
    domain = Domain([lambda x: (x < side).all(axis=1)], a=(0.0, 1.0), b=(0.0, 1.0))
    rng = np.random.default_rng(3)
    draw = side * rng.random((400_000, 2))
    ratios = [filled(domain, draw, s, c, rng) for s in (0.1, 1e-2, 1e-3) for c in draw[:4]]
    assert 0.7 < np.mean(ratios) < 1.3, ratios
    assert 0.4 < min(ratios) < max(ratios) < 2.0


def test_on_discrete_axes() -> None:
    domain = Domain(n=Axis(0, 0, values=(1, 2, 4)), x=(0.0, 1.0))
    rng = np.random.default_rng(2)
    draw = domain.to_unit(domain.from_unit(rng.random((200_000, 2))))
    ratios = [filled(domain, draw, 1e-2, c, rng) for c in draw[:4]]
    assert 0.75 < np.mean(ratios) < 1.3, ratios


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("d", "share"), [(6, 1e-2), (16, 1e-3)])
def test_round_data_on_a_surface(d: int, share: float) -> None:
    rng = np.random.default_rng(d)
    domain = Domain.from_samples(np.sin(rng.random((1500, 2)) @ rng.normal(0, 1.5, (2, d))))
    assert domain.cloud is not None
    draw = domain.cloud.draw(40_000, rng)
    ratios = [filled(domain, draw, share, c, rng) for c in domain.cloud.draw(4, rng)]
    assert 0.7 < np.mean(ratios) < 1.4, ratios


def test_points_in_blocks_give_the_same_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 10,000 inputs the points of one go would take 1.3 GB."""
    found = []
    for numbers in (1 << 21, 3 * 1000):
        monkeypatch.setattr(ball, "NUMBERS", numbers)
        found.append(radius_of_share(box(3), np.zeros(3), 1e-3, np.random.default_rng(0)))
    assert found[0] == found[1]
