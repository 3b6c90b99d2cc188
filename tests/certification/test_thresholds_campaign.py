"""A small campaign of code that chooses between formulas (`python -m benchmarks.soundness thresholds`): nothing is false."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from benchmarks.soundness import million, thresholds
from benchmarks.soundness.judging import WRONG

import supnorm as sn
from supnorm.certification import LinearBounds, affine_model
from supnorm.checker import check, enclosure


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(million, "POINTS", 20_000)
    monkeypatch.setattr(million, "PART", 5_000)


@pytest.mark.slow
def test_bounds_hold_at_thresholds_and_are_accepted(small, tmp_path):
    """One, two and three inputs, each measure and strategy, NumPy and JAX; 33 has a threshold at an end of its domain."""
    found = [
        thresholds.judged(n, 1, tmp_path / "c.json") for n in (2, 3, 4, 5, 8, 10, 11, 13, 15, 24, 33, 48)
    ]
    assert {one.verdict for one in found} <= {"true", "true and accepted"}, found


@pytest.mark.slow
def test_a_choice_that_is_taken_as_certain_is_found_out(small, tmp_path, monkeypatch):
    """The campaign can fail: the certifier takes one formula on a whole box."""
    honest = affine_model.where

    def certain(z, above, other):
        return honest(dataclasses.replace(z, J=0 * z.J, eps=0 * z.eps, err=0 * z.err), above, other)

    monkeypatch.setitem(affine_model.COMPOSED, "where", certain)
    verdicts = [thresholds.judged(n, 1, tmp_path / "c.json").verdict for n in (4, 25, 45)]
    assert set(verdicts) <= set(WRONG)


def test_points_lie_on_both_sides_of_each_threshold():
    drawn = thresholds.random_problem(4, 1)
    x = drawn.at_thresholds(np.random.default_rng(0), 400)
    test, _ = drawn.tests[0]
    assert len(x) > 100
    assert 0.2 < test(np, x).mean() < 0.8


def test_a_box_that_a_threshold_crosses_is_halved_although_rounding_may_choose():
    """What rounding may choose is as large as the jump on such a box. The work ended there: 2.7 was the bound, of 0.01."""
    domain = sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    result = sn.certify(
        sn.Problem(_chosen(lambda x: 0.0 * x), _chosen(lambda x: 0.01 * x), domain),
        1.1,
        strategy=LinearBounds(),
        boxes=4000,
    )
    assert 0.009 < result.lower <= result.upper < 0.02


def _chosen(more):
    return lambda x: (
        np.maximum(np.where(x @ np.array([0.7, 0.6]) > 0.61, np.sin(3.0 * x[:, 0]), 2.0 + x[:, 1]), 0.5)
        + more(x[:, 0])
    )


@pytest.mark.parametrize("end", [0.7, 0.5])
def test_certificates_are_accepted_where_a_threshold_is_an_end_of_a_box(tmp_path, end):
    """There rounding says whether the formula is certain, and the checker rounds otherwise."""

    def model(x):
        return np.where(x[:, 0] > end, np.exp(x[:, 1]), np.tanh(np.where(x[:, 0] < 0.3, x[:, 1], -x[:, 0])))

    problem = sn.Problem(
        model, lambda x: model(x) + 1e-4 * np.sin(x[:, 0] + x[:, 1]), sn.Domain(x=(0.0, 0.7), y=(0.0, 1.0))
    )
    result = sn.certify(problem, 1.1, strategy=LinearBounds(), boxes=300)
    result.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


def test_the_hull_of_two_formulas_is_no_larger_than_both_together():
    """With the mean of their slopes it was, so that tighter formulas could have a larger hull."""
    scales = np.ones(1)

    def feature(c, slopes, eps):
        J = np.array([[slopes]])
        return affine_model.AffineModel(np.array([[c]]), J, np.array([[[eps]]]), np.zeros((1, 1)), scales)

    z, above, other = (
        feature(0.0, [1.0, 0.0], 0.0),
        feature(1.0, [3.0, -1.0], 0.1),
        feature(0.5, [1.0, 2.0], 0.2),
    )
    hull = affine_model.where(z, above, other)
    assert hull.J.tolist() == [[[1.0, 0.0]]]
    low, high = hull.c[0, 0] - hull.reach[0, 0, 0], hull.c[0, 0] + hull.reach[0, 0, 0]
    assert (low, high) == pytest.approx((1.0 - 4.1, 1.0 + 4.1))
    assert [
        float(enclosure._in_common(*map(enclosure.arb, pair))) for pair in ((3, 1), (-1, 2), (-2, -3))
    ] == [1, 0, -2]
