"""Features at nodes in arrays hold what FLINT's balls show, and each bound of their rounding is needed."""

import math
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from flint import arb

from supnorm.checker.operation import Operation
from supnorm.checker.operation import program as read_program

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "certification"))
from single_cases import random_program

from supnorm.checker import batch, composed, interpolant_floats, node_rows
from supnorm.checker.batch import Balls
from supnorm.checker.enclosure import Program
from supnorm.checker.node_rows import Grid

SEED = 20


def _row(rng, grid, rad=0.0):
    """Values of many sizes at the nodes, as arrays."""
    count = len(grid.index)
    mid = rng.normal(size=(1, count)) * 10.0 ** rng.uniform(-8.0, 3.0, (1, count))
    return Balls(mid, np.full((1, count), rad))


def _exact(values, grid):
    """Coefficients of the interpolant by the definition, in mpmath."""
    n = grid.n
    table = [
        [(1 if k == 0 else 2) * mp.cos(mp.pi * k * (2 * i + 1) / (2 * n + 2)) / (n + 1) for i in range(n + 1)]
        for k in range(n + 1)
    ]
    return {
        k: mp.fsum(
            v * mp.fprod(table[a][b] for a, b in zip(k, i, strict=True))
            for v, i in zip(values, grid.index, strict=True)
        )
        for k in grid.index
    }


def _judge(seed, extreme):
    """Whether the sizes of a random row hold those of exact values within its radii."""
    rng = np.random.default_rng([SEED, seed])
    n, d = [(int(rng.integers(1, 13)), 1), (int(rng.integers(1, 5)), 2), (2, 3)][seed % 3]
    grid = Grid(n, d)
    row = _row(rng, grid, 1e-3 if extreme else 0.0)
    signs = rng.choice([-1.0, 1.0], len(grid.index)) if extreme else np.zeros(len(grid.index))
    c, parts = node_rows.sizes(row, grid)
    with mp.workdps(40):
        values = [
            mp.mpf(m) + mp.mpf(s) * mp.mpf(1e-3) for m, s in zip(row.mid[0].tolist(), signs, strict=True)
        ]
        exact = _exact(values, grid)
        assert abs(exact[(0,) * d] - mp.mpf(float(c.mid()))) <= mp.mpf(float(c.rad())) * (
            1 + mp.mpf(2) ** -20
        )
        for j in range(d):
            for i in range(n + 1):
                total = mp.fsum(abs(a) for k, a in exact.items() if k[j] == i and any(k))
                assert total <= mp.mpf(float(parts[j][i].upper())) * (1 + mp.mpf(2) ** -50)


def _judge_all(extreme):
    for seed in range(100):
        _judge(seed, extreme)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("extreme", [False, True])
def test_sizes_of_random_rows_hold_the_exact_ones(extreme):
    _judge_all(extreme)


@pytest.mark.parametrize("extreme", [False, True])
def test_sizes_without_their_rounding_or_radii_are_caught(extreme, monkeypatch):
    honest = node_rows._coefficient_error
    weak = (
        (lambda n, d, largest, rad: honest(n, d, largest, 0.0)) if extreme else (lambda *a: 0.01 * honest(*a))
    )
    monkeypatch.setattr(node_rows, "_coefficient_error", weak)
    with pytest.raises(AssertionError):
        _judge_all(extreme)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("block", range(4))
def test_models_in_arrays_meet_those_of_flint(block):
    """60 random programs each: values at nodes overlap, and remainders differ by rounding alone."""
    bounded = 0
    for number in range(60):
        rng = np.random.default_rng([SEED, block, number])
        source, centre, half, _ = random_program(60 * block + number)
        program, d = Program.of(read_program(source.to_json())), source.d
        n = int(rng.integers(2, 5))
        if (n + 1) ** d > 300:
            continue
        grid = Grid(n, d)
        centre, half = list(map(arb, centre.tolist())), list(map(arb, half.tolist()))
        slow = composed.enclose(program, centre, half, grid)
        fast = composed.enclose(program, centre, half, grid, fast=True)
        for a, b in zip(slow, fast, strict=True):
            if a.rem is None or b.rem is None or not node_rows.finite(b.row):
                continue
            bounded += 1
            assert all(x.overlaps(y) for x, y in zip(a.row, node_rows.balls(b.row), strict=True))
            size = float(b.top) + float(b.rem)
            assert abs(float(a.rem) - float(b.rem)) <= 1e-6 * size + 1e-9 * (1.0 + size)
            for samples in (0, 3):
                ends, exact = (composed._range(row, grid, samples) for row in (b.row, node_rows.balls(b.row)))
                near = 1e-9 * (1.0 + size) + 1e3 * float(b.row.rad.max())
                assert all(abs(float(u) - float(v)) <= near for u, v in zip(ends, exact, strict=True))
                assert all(ends[0] <= v.upper() and v.lower() <= ends[1] for v in node_rows.balls(b.row))
    assert bounded > 30


def test_a_fault_of_functions_in_arrays_gives_no_bound(monkeypatch):
    """FLINT is asked at a point of some cells; here of all."""
    monkeypatch.setattr(batch, "COMPARED", 1.0)
    program = _program()
    box = [arb(0.5)], [arb(0.25)]
    grid = Grid(6, 1)
    assert composed.enclose(program, *box, grid, fast=True)[0].rem is not None
    monkeypatch.setattr(batch, "EXP_ERROR", 0.0)
    monkeypatch.setattr(batch, "_exp", lambda x: np.exp(x) * (1.0 + 1e-9))
    assert composed.enclose(program, *box, grid, fast=True)[0].rem is None


def test_ranges_of_arrays_are_found_in_arrays(monkeypatch):
    """By FLINT's matrices they took half of the time of a leaf."""

    def never(*given):
        raise AssertionError

    monkeypatch.setattr(composed, "MANY", 1)
    box = [arb(0.5)], [arb(0.25)]
    slow = composed.leaf_ranges(_program(), *box, 6, 3)[0]
    monkeypatch.setattr(composed, "interpolant_range", never)
    fast = composed.leaf_ranges(_program(), *box, 6, 3, fast=True)[0]
    assert all(abs(float(a) - float(b)) < 1e-9 for a, b in zip(slow, fast, strict=True))


def _program():
    return Program.of(
        (
            Operation("input", (), 1),
            Operation("exp", (0,), 1),
            Operation("mul", (0, 1), 1),
        )
    )


def test_constants_hold_their_balls():
    like = Balls(np.zeros((1, 3)), np.zeros((1, 3)))
    for value in (arb(1) / 3, arb(2).log(), arb(0.1, 1e-3), arb(-7)):
        row = node_rows.constant(like, 3, value)
        assert all(b.contains(value) for b in node_rows.balls(row))
    assert not node_rows.finite(node_rows.constant(like, 3, arb("nan")))


def test_what_is_no_number_has_no_size():
    grid = Grid(3, 1)
    c, parts = node_rows.sizes(Balls(np.ones((1, 4)), np.array([[0.0, math.inf, 0.0, 0.0]])), grid)
    assert not c.is_finite()
    assert not any(v.is_finite() for v in parts[0])


def test_ranges_in_arrays_hold_the_rounding_of_coefficients():
    """The values 1 and 1 - u: float64 finds the mean 1, and the interpolant reaches further down than it says."""
    row = np.array([1.0, 1.0 - 2.0**-53])
    slope = (arb(row[0]) - arb(row[1])) / arb(2).sqrt()  # the nodes are +-1/sqrt(2)
    middle = (arb(row[0]) + arb(row[1])) / 2
    for grid in (0, 3):
        ((low, high),) = interpolant_floats.ranges(Balls(row[None], np.zeros((1, 2))), 1, 1, grid)
        assert low <= middle - slope
        assert middle + slope <= high


@pytest.mark.parametrize(("n", "d"), [(5, 1), (3, 2), (2, 3)])
def test_ranges_in_arrays_hold_the_radii_of_values(n, d):
    """Values of the signs of Lebesgue's function in a corner: their interpolant is as large as it may be there."""
    grid = Grid(n, d)
    line = [
        arb(v) for v in (node_rows._float_transform(n).T @ np.ones(n + 1)).tolist()
    ]  # sum of T_k(1) over coefficients
    weight = np.array([math.prod(float(line[i]) for i in index) for index in grid.index])
    rad = 1e-3
    ((low, high),) = interpolant_floats.ranges(
        Balls(np.zeros((1, len(weight))), np.full((1, len(weight)), rad)), n, d, 3
    )
    assert high >= rad * np.abs(weight).sum() * (1.0 - 1e-12)
    assert low <= -rad * np.abs(weight).sum() * (1.0 - 1e-12)
