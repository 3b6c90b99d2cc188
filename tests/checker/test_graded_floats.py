"""Projections and grids in balls of float64 numbers hold what FLINT finds, and are hardly wider."""

import numpy as np
import pytest
from flint import arb, ctx

from supnorm.certification.graded_rule import rule
from supnorm.checker import graded_floats
from supnorm.checker.batch import Balls
from supnorm.checker.functions import extremes
from supnorm.checker.graded_floats import ends_on_grid, projected
from supnorm.checker.graded_range import along
from supnorm.checker.graded_rule import verify_rule


@pytest.fixture(autouse=True)
def _bits(monkeypatch):
    monkeypatch.setattr(ctx, "prec", 80)


def _rule(d, D):
    return verify_rule(d, D, tuple(map(tuple, rule(d, D).representatives.tolist())))


def _ends(ball):
    """Exact ends of a ball."""
    return ball.lower(), ball.upper()


def _inside(small, large):
    (a, b), (c, e) = _ends(small), _ends(large)
    return c <= a and b <= e


@pytest.mark.parametrize(("d", "D"), [(1, 8), (2, 6), (3, 4), (3, 7), (4, 4)])
def test_projections_hold_those_of_flint(d, D):
    own = _rule(d, D)
    rng = np.random.default_rng([d, D])
    scale = 10.0 ** rng.uniform(-12, 6, (40, 1))
    mid = scale * rng.normal(size=(40, len(own.nodes)))
    rad = np.abs(mid) * 10.0 ** rng.uniform(-15, -2, (40, 1))
    found = projected(own, Balls(mid, rad))
    for k in range(40):
        # Exact values anywhere in the balls: the ends here, so that nothing is lost to FLINT's own radii.
        at = mid[k] + rad[k] * rng.choice([-1.0, 1.0], mid.shape[1]) * (1 - 1e-12)
        exact = own.coefficients([arb(float(v)) for v in at])
        wide = own.coefficients([arb(float(m), float(r)) for m, r in zip(mid[k], rad[k], strict=True)])
        assert set(exact) == set(found[k])
        for key, ball in found[k].items():
            assert _inside(arb(exact[key].mid()), ball)
            assert ball.rad() <= 1.2 * wide[key].rad() + 1e-11 * scale[k, 0]


def test_a_value_that_is_no_number_has_no_projection():
    own = _rule(2, 4)
    mid, rad = np.ones((2, len(own.nodes))), np.zeros((2, len(own.nodes)))
    mid[1, 3], rad[1, 3] = 0.0, np.inf
    good, bad = projected(own, Balls(mid, rad))
    assert abs(good[0, 0] - 1) < 1e-12
    assert not any(v.is_finite() for v in bad.values() if v != 0)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_ends_on_a_grid_hold_those_of_flint(d):
    rng = np.random.default_rng(d)
    for _ in range(70):
        D, count = int(rng.integers(1, 7)), int(rng.integers(2, 9))
        size = 10.0 ** rng.uniform(-12, 6)
        mids = size * rng.normal(size=(D + 1) ** d)
        flat = [arb(float(m), float(abs(m) * 10.0 ** rng.uniform(-16, -3))) for m in mids]
        low, high = ends_on_grid(flat, D, count, d)
        inner_low, inner_high = extremes(along([arb(float(m)) for m in mids], D, count, d))
        outer_low, outer_high = extremes(along(flat, D, count, d))
        assert low <= inner_low
        assert inner_high <= high
        width = sum((v.rad() for v in flat), arb(0)) + 1e-12 * size * len(flat)
        assert outer_low - width <= low
        assert high <= outer_high + width


def test_a_coefficient_that_is_no_number_has_no_ends():
    low, high = ends_on_grid([arb(1), arb("nan"), arb(0)], 2, 4, 1)
    assert low.is_nan()
    assert high.is_nan()


def test_without_the_bounds_of_rounding_the_balls_are_too_small(monkeypatch):
    own, rng = _rule(3, 6), np.random.default_rng(1)
    monkeypatch.setattr(graded_floats, "U", 0.0)
    monkeypatch.setattr(graded_floats, "OFF", 0.0)  # either one alone would cover what the other one is for
    mid = rng.normal(size=(40, len(own.nodes)))
    found = projected(own, Balls(mid, np.zeros_like(mid)))
    exact = [own.coefficients([arb(float(v)) for v in row]) for row in mid]
    lost = [not _inside(arb(e[k].mid()), f[k]) for e, f in zip(exact, found, strict=True) for k in f]
    assert np.mean(lost) > 0.3
    outside = 0
    for _ in range(20):
        row = [arb(float(v)) for v in rng.normal(size=5**3)]
        low, high = ends_on_grid(row, 4, 6, 3)
        inner_low, inner_high = extremes(along(row, 4, 6, 3))
        outside += bool(inner_low < low or high < inner_high)
    assert outside > 5


def test_a_projection_holds_the_rounding_of_its_signed_sums():
    """1 + 0.7 u - 1 at the four images of one node: float64 finds zero, and no other term is as large."""
    own = _rule(2, 6)
    groups, _ = graded_floats._folds(own)
    nodes = next(nodes for size, _, nodes in groups if size == 2)
    mid = np.zeros((1, len(own.nodes)))
    mid[0, nodes[0]] = [1.0, 0.7 * 2.0**-53, -1.0, 0.0]
    _holds_exactly(own, mid)


def test_a_projection_holds_the_rounding_of_its_product():
    """Terms a little below half a unit of the sum before them: each of them is lost."""
    own = _rule(3, 7)
    groups, positions = graded_floats._folds(own)
    even = (0, 0, 0)
    matrix = own.middles[even]
    row = own.exponents[even].index(even)
    mid = np.zeros((1, len(own.nodes)))
    first = True
    for (_, members, nodes), at in zip(groups, positions[even], strict=True):
        for place, member in enumerate(members):
            if at[place] < 0 or matrix[row, member] == 0.0:
                continue
            mid[0, nodes[place, 0]] = (1.0 if first else 0.999 * 2.0**-53) / matrix[row, member]
            first = False
    _holds_exactly(own, mid)


def _holds_exactly(own, mid):
    found = projected(own, Balls(mid, np.zeros_like(mid)))[0]
    exact = own.coefficients([arb(float(v)) for v in mid[0]])
    for key, ball in found.items():
        assert _inside(arb(exact[key].mid()), ball)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_ends_on_a_grid_hold_the_rounding_of_their_sums(d):
    """Exact coefficients: the bound has nothing but that."""
    rng = np.random.default_rng([7, d])
    for _ in range(20):
        row = [arb(float(v)) for v in rng.normal(size=5**d)]
        low, high = ends_on_grid(row, 4, 6, d)
        inner_low, inner_high = extremes(along(row, 4, 6, d))
        assert low <= inner_low
        assert inner_high <= high
