"""Node rules: exact on their polynomials, and their Lebesgue constant proved from above."""

import math

import numpy as np
import pytest

from supnorm.certification import GradedCertificate, graded_rule
from supnorm.certification.graded_bound import polynomial_range
from supnorm.certification.graded_rule import chebyshev_values, rule

RULES = [(1, 6), (2, 5), (3, 4), (3, 7), (4, 4), (4, 6), (6, 3)]


def largest_sum(r, rng, count=20_000):
    """sum_n |l_n(y)| at random points, faces and corners, then a search near the best."""
    y = rng.uniform(-1, 1, size=(count, r.d))
    y = np.where(rng.random(y.shape) < 0.3, np.sign(y), y)
    operator = r.coefficients(np.eye(len(r.nodes))[None])[0]
    best, size = y[:1], 0.0
    for step in (None, 0.1, 0.03, 0.01, 0.003):
        if step is not None:
            y = np.clip(best + step * rng.normal(size=(2000, r.d)), -1, 1)
        sums = np.concatenate([
            np.abs(chebyshev_values(part, r.exponents) @ operator).sum(1)
            for part in np.array_split(y, 10)
        ])  # fmt: skip
        if sums.max() > size:
            best, size = y[sums.argmax()][None], float(sums.max())
    return size


@pytest.mark.parametrize(("d", "D"), RULES)
def test_the_lebesgue_constant_is_above_every_sample_and_not_far(d, D):
    """Lowering it by the part between the two would be noticed; that part is the cosine of the grid."""
    r = rule(d, D)
    found = largest_sum(r, np.random.default_rng(0))
    assert found <= r.lebesgue
    m = (3 if d < 6 else 2) * D + 1
    assert r.lebesgue * np.cos(np.pi * D / (2 * m)) <= found * 1.002


def test_without_the_cosine_it_would_be_too_small(monkeypatch):
    """A grid that misses the largest sums: what is found there is below the truth."""
    r = rule(2, 5)
    blocks = graded_rule.parities(2, 5)
    points = np.concatenate([np.array(sorted(set(map(tuple, np.abs(r.nodes).tolist()))))])
    parts = graded_rule.project(points, blocks)
    truth = largest_sum(r, np.random.default_rng(0))
    coarse = graded_rule.lebesgue(points, parts, blocks, 5, 1.0)
    assert coarse >= truth
    monkeypatch.setattr(graded_rule.math, "cos", lambda angle: 1.0)
    assert graded_rule.lebesgue(points, parts, blocks, 5, 1.0) < truth


@pytest.mark.parametrize(("d", "D"), RULES)
def test_polynomials_of_the_degree_are_reproduced(d, D):
    r, rng = rule(d, D), np.random.default_rng(1)
    coefficients = rng.normal(size=len(r.exponents))
    values = chebyshev_values(r.nodes, r.exponents) @ coefficients
    found = r.coefficients(values[None, :, None])[0, :, 0]
    size = np.abs(coefficients).sum()
    assert np.abs(found - coefficients).sum() <= 1.01 * r.defect * size + 1e-300
    assert r.defect < 1e-7


@pytest.mark.parametrize(("grid", "part"), [(0, 0), (6, 2), (6, 3), (12, 4)])
@pytest.mark.parametrize("weak", [False, True])
def test_ranges_of_polynomials(grid, part, weak, monkeypatch):
    """They hold all values; without the margin of the grid, or without the mixed terms, they would not."""
    from supnorm.certification import graded_bound

    if weak:
        monkeypatch.setattr(graded_bound, "_widened", lambda low, high, degree, points: (low, high))
    exponents = rule(3, 5).exponents
    degrees, rng = exponents.sum(1), np.random.default_rng(2)
    y = np.concatenate([rng.uniform(-1, 1, size=(4000, 3)), rng.choice([-1.0, 0.0, 1.0], size=(200, 3))])
    values = chebyshev_values(y, exponents)
    caught = False
    for _ in range(20):
        coefficients = rng.normal(size=len(exponents))
        single = (exponents > 0).sum(1) == 1
        coefficients[~single if grid == 0 else degrees > part] = 0.0  # what is summed in size adds slack
        low, high = polynomial_range(coefficients[None, :, None], exponents, grid, part)
        p = values @ coefficients
        caught |= bool(p.min() < low[0, 0] or p.max() > high[0, 0])
    assert caught == weak


def test_the_sum_of_the_mixed_terms_is_needed():
    exponents = rule(3, 5).exponents
    coefficients = np.where((exponents > 0).sum(1) > 1, 1.0, 0.0)
    _, high = polynomial_range(coefficients[None, :, None], exponents)
    assert high[0, 0] >= coefficients.sum()
    _, high = polynomial_range(coefficients[None, :, None], exponents, 6, 2)
    assert high[0, 0] >= chebyshev_values(np.ones((1, 3)), exponents)[0] @ coefficients


def test_the_table_of_nodes_holds_what_certificates_ask_for():
    """Representatives of different orbits, few enough for the checker, and better than those found on the spot."""
    table = graded_rule._table()
    asked = {f"{d} inputs, degree {D}" for d in (3, 4, 5, 6) for D in GradedCertificate().menu(d)}
    assert set(table) == asked
    for name, (points, _, mark) in table.items():
        assert mark == table[name].made(name)
        d, D = int(name.split()[0]), int(name.split()[-1])
        nodes = np.concatenate([graded_rule.orbit(p) for p in points])
        assert all(p == sorted(p, reverse=True) and p[0] <= 1.0 and p[-1] >= 0.0 for p in points)
        assert nodes.shape[1] == d
        assert len(np.unique(nodes, axis=0)) == len(nodes)
        assert (2.0 ** (nodes > 0).sum(1)).sum() <= 2.5 * math.comb(D + d, d)
    assert rule(4, 6).lebesgue < 0.9 * graded_rule.prove(4, 6, graded_rule.choose(4, 6)).lebesgue


KNOWN = [
    pytest.param(name, marks=pytest.mark.slow if name in ("6 inputs, degree 9", "5 inputs, degree 9") else ())
    for name in graded_rule._table()
]


@pytest.mark.parametrize("name", KNOWN)
def test_the_table_has_the_constant_of_each_rule(name: str) -> None:
    """A little above what is computed here: rounding differs between machines."""
    d, D = int(name.split()[0]), int(name.split()[-1])
    known = graded_rule._table()[name]
    proved = graded_rule.prove(d, D, known.orbits).lebesgue
    assert proved * (1 + 1e-9) <= known.lebesgue <= proved * (1 + 1e-7)
    assert rule(d, D).lebesgue == known.lebesgue


def test_a_damaged_table_gives_no_smaller_constant(monkeypatch):
    """The stored constant is of the stored points; where one was changed, it is computed again."""
    name = "3 inputs, degree 5"
    known = graded_rule._table()[name]
    good = rule(3, 5).lebesgue
    moved = [[*known.points[0]], *known.points[1:-1], [1.0, 1.0, 0.3]]
    for broken in (
        known._replace(lebesgue=1.5),
        known._replace(lebesgue=float("nan")),
        known._replace(mark=""),
        known._replace(points=moved),
        graded_rule._table()["3 inputs, degree 7"],
    ):
        monkeypatch.setattr(graded_rule, "_table", lambda broken=broken: {name: broken})
        graded_rule.rule.cache_clear()
        computed = graded_rule.prove(3, 5, broken.orbits).lebesgue
        assert rule(3, 5).lebesgue == computed
        assert computed == pytest.approx(good, rel=1e-7) or broken.points != known.points
    graded_rule.rule.cache_clear()
