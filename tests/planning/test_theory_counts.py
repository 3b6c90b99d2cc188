"""Counts of the theory against brute force, measured errors and a table made by another program."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from tests.planning.functions import theory_of

from supnorm.planning.theory import NetworkClass
from supnorm.planning.theory.piecewise import cells_per_side, lebesgue_constant
from supnorm.planning.theory.polynomials import (
    degree_needed,
    hyperbolic_cross,
    least_squares_samples,
    log10_total_degree,
    polynomial_counts,
    tensor_degrees,
)
from supnorm.planning.theory.smooth_samples import inverse_width
from supnorm.planning.theory.structure import composition_exponent
from supnorm.results import BadInput

TABLE = (Path(__file__).parent / "data" / "theory_tables.txt").read_text()
EPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_cells_against_the_table(n):
    block = TABLE.split(f"C^{n} unit ball, sup norm")[1].split("###")[0]
    rows = re.findall(r"^(\d+) (.+)$", block, re.M)
    assert len(rows) >= 10
    for d, cells in ((int(a), b.split()) for a, b in rows):
        for eps, printed in zip(EPS, cells, strict=True):
            width = inverse_width(d, (1.0,) * (n + 1), eps)
            if "*" in printed:
                assert d * math.log10(max(width, 1)) <= d // 2 * math.log10(2) + 1e-9
            elif printed == "v":
                assert width <= 1
            else:
                assert d * math.log10(width) == pytest.approx(float(printed), abs=0.051)


def test_total_degree_and_cross_against_the_table():
    block = TABLE.split("### analytic rho")[1]
    for rho, d, rest in re.findall(r"^([\d.]+) (\d+) (k=.+)$", block, re.M):
        for k, total, cross in re.findall(r"k=(\d+):[\d.]+/([\d.]+)/([\d.]+)", rest):
            assert log10_total_degree(int(k), int(d)) == pytest.approx(float(total), abs=0.051)
            assert math.log10(hyperbolic_cross(int(k), int(d))) == pytest.approx(float(cross), abs=0.051)
        assert float(rho) > 1


@pytest.mark.parametrize(("k", "d"), [(0, 3), (5, 1), (7, 3), (11, 4)])
def test_hyperbolic_cross_by_enumeration(k, d):
    brute = sum(math.prod(v + 1 for v in nu) <= k + 1 for nu in itertools.product(range(k + 1), repeat=d))
    assert hyperbolic_cross(k, d) == brute


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9])
def test_lebesgue_constant_by_evaluation(n):
    nodes = np.cos((2 * np.arange(1, n + 1) - 1) * np.pi / (2 * n))
    x = np.linspace(-1, 1, 4001)
    cardinal = [
        np.prod([(x - b) / (a - b) for b in nodes if b != a], axis=0) * np.ones_like(x) for a in nodes
    ]
    assert lebesgue_constant(n) == pytest.approx(np.abs(cardinal).sum(axis=0).max(), rel=1e-9)


def piecewise_error(f, n, cells):
    """Sup error of piecewise tensor Chebyshev interpolation of a bivariate function on the unit square."""
    nodes = 0.5 + 0.5 * np.cos((2 * np.arange(1, n + 1) - 1) * np.pi / (2 * n))
    z = np.random.default_rng(0).random((20_000, 2))
    cell = np.minimum((z * cells).astype(int), cells - 1)
    local = z * cells - cell
    cardinal = [
        np.stack(
            [np.prod([(t - b) / (a - b) for b in nodes if b != a], axis=0) * np.ones_like(t) for a in nodes]
        )
        for t in local.T
    ]
    value = np.zeros(len(z))
    for i, j in itertools.product(range(n), repeat=2):
        points = np.stack([(cell[:, 0] + nodes[i]) / cells, (cell[:, 1] + nodes[j]) / cells], axis=1)
        value += cardinal[0][i] * cardinal[1][j] * f(points)
    return np.abs(value - f(z)).max()


@pytest.mark.parametrize(("n", "eps"), [(1, 0.05), (2, 1e-2), (3, 1e-3), (4, 1e-4)])
def test_piecewise_construction_keeps_its_promise(n, eps):
    k = 3.0
    cells = cells_per_side(2, n, k**n, eps)
    error = piecewise_error(lambda x: np.sin(k * x[:, 0] + 0.3) * np.cos(k * x[:, 1]), n, cells)
    assert error <= eps
    assert error > eps / 40  # the count is not wildly generous


@pytest.mark.parametrize(("rho", "eps"), [(1.5, 1e-3), (2.0, 1e-8)])
def test_degree_keeps_its_promise(rho, eps):
    pole = 0.5 * (rho + 1 / rho) * 1.0001
    grid = 0.5 * (
        rho * np.exp(1j * np.linspace(0, 2 * np.pi, 4000))
        + np.exp(-1j * np.linspace(0, 2 * np.pi, 4000)) / rho
    )
    f = lambda x: 1.0 / (pole * 1.2 - x)  # noqa: E731
    bound = np.abs(f(grid)).max()
    k = degree_needed(rho, bound, eps)
    interpolant = np.polynomial.chebyshev.Chebyshev.interpolate(f, k)
    x = np.linspace(-1, 1, 5001)
    assert np.abs(interpolant(x) - f(x)).max() <= eps


def test_tensor_degrees_keep_their_promise():
    rho, eps = [1.6, 2.2], 1e-5
    f = lambda x, y: 1.0 / (1.8 - x) / (2.2 - y)  # noqa: E731
    edge = [0.5 * (r + 1 / r) for r in rho]
    bound = max(1 / (1.8 - edge[0]) / 1.2, 1 / 0.8 / (2.2 - edge[1]))
    degrees = tensor_degrees(rho, bound, eps)
    nodes = [np.polynomial.chebyshev.chebpts1(k + 1) for k in degrees]
    values = f(nodes[0][:, None], nodes[1][None, :])
    t = np.linspace(-1, 1, 301)
    fit = [np.polynomial.chebyshev.chebvander(t, k) @ np.linalg.inv(np.polynomial.chebyshev.chebvander(n, k))
           for n, k in zip(nodes, degrees, strict=True)]  # fmt: skip
    assert np.abs(fit[0] @ values @ fit[1].T - f(t[:, None], t[None, :])).max() <= eps
    tensor = polynomial_counts(rho, bound, eps)[0]
    assert round(10**tensor.log10) == (degrees[0] + 1) * (degrees[1] + 1)


def test_least_squares_samples_solve_their_equation():
    for log_s in (1.0, 3.0, 6.0):
        log_m = least_squares_samples(log_s) * math.log(10)
        assert math.exp(log_m) / log_m * (1 - math.log(2)) / 4 == pytest.approx(10**log_s, rel=1e-9)


def test_composition_exponent():
    assert composition_exponent([2, 2, 2], [2, 2, 2]) == 1.0
    assert composition_exponent([5, 1], [2.0, 1.0]) == 2.5
    assert composition_exponent([1, 3], [4.0, 0.5]) == 6.0


def test_weights_never_below_what_samples_say():
    for n in (1, 2, 3):
        rows = {b.name: b for b in theory_of(6, n, 1e-5)}
        any_choice, continuous = (rows[k] for k in rows if "weights" in k and rows[k].log10 is not None)
        assert any_choice.log10 < continuous.log10
        samples = next(b for b in rows.values() if b.quantity == "samples" and b.line == "guarantee")
        assert continuous.log10 == samples.log10


def test_lower_bounds_stay_below_constructions():
    for d, n, eps in itertools.product((1, 3, 10), (0.5, 1, 2, 4), (1e-1, 1e-3, 1e-6)):
        rows = theory_of(d, n, eps, scales=(float(d) if n == 1 else 1.0))
        numbers = [b for b in rows if b.quantity == "samples" and b.log10 is not None]
        lower = max(b.log10 for b in numbers if (b.line == "guarantee" and not b.vacuous) or b.log10 == 0)
        upper = min(b.log10 for b in numbers if b.line == "construction")
        assert lower <= upper + 1e-9


def test_vacuous_is_said():
    rows = theory_of(1, 4, 1e-2)
    assert all(b.vacuous for b in rows if b.line == "guarantee" and b.log10 is not None)
    assert not theory_of(1, 4, 1e-9)[0].vacuous


def test_scaling_of_the_tolerance():
    a = theory_of(3, 2, 1e-3, scales=10.0)[0].log10
    assert a == theory_of(3, 2, 1e-4)[0].log10


def test_every_row_is_complete():
    shape = NetworkClass(4, 64, 1.0)
    rows = theory_of(4, 2, 1e-3, network=shape, rho=[2.0] * 4, noise=0.1) + theory_of(4, 2, 1e-3, p=2.0)
    rows += theory_of(4, math.inf, 1e-3)
    assert len(rows) > 15
    for row in rows:
        table = row.to_dict()
        assert row.status in ("proved", "cited", "conditional", "heuristic")
        assert row.line in ("guarantee", "construction")
        assert table["class"]
        assert table["source"]
        assert row.log10 is None or math.isfinite(row.log10)


def test_counts_beyond_all_machine_numbers():
    """Grids of 10^20 points a side, and 1,000 inputs: whole numbers of any size, or their logarithms."""
    rows = (
        theory_of(12, 0.3, 1e-6)
        + theory_of(1000, 12, 10.0)
        + theory_of(2, math.inf, 1e-3, rho=[1.0000001] * 2)
    )
    assert max(row.log10 for row in rows if row.log10 is not None) > 240
    assert all(row.log10 is None or row.log10 >= 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        ((0, 2, 0.1), {}, "inputs"),
        ((2, 2.5, 0.1), {}, "smoothness"),
        ((2, 2, -1.0), {}, "tolerance"),
        ((2, 40, 0.1), {}, "smoothness"),
        ((2, 2, 0.1, 0.5), {}, "norm"),
        ((2, 2, 0.1), {"scales": (1.0, 2.0)}, "derivative"),
    ],
)
def test_bad_numbers_are_named(arguments, more, message):
    with pytest.raises(BadInput, match=message):
        theory_of(*arguments, **more)
