"""Outputs with roundings times derivatives hold FLINT's values, each rule is needed, and deep programs stay narrow."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx
from tests.checker.test_hostile import _write

import supnorm as sn
from supnorm.checker import adjoints, batch, check, interpolant_floats, leaves, polynomial
from supnorm.checker.batch import Balls
from supnorm.checker.enclosure import Program, node_values
from supnorm.checker.operation import Operation
from supnorm.checker.operation import program as read_program
from supnorm.program import Node
from supnorm.program import Program as Written

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "certification"))
from single_cases import random_program

PLACES = {"log": 1.3, "sqrt": 0.9, "div": 1.2, "pow": 0.8}


def _read(written):
    return Program.of(read_program(written.to_json()))


def _exact(program, columns):
    old, ctx.prec = ctx.prec, 300
    try:
        return node_values(program, [[arb(v) for v in row] for row in columns])[-1]
    finally:
        ctx.prec = old


def _outside(program, middle, radius, rng, samples=40):
    """The largest distance of exact values on the balls around points from midpoints, as a share of the radii."""
    points = Balls(middle, np.full(middle.shape, radius))
    found = adjoints.outputs(program, points)
    worst = 0.0
    for k in range(samples):
        signs = rng.choice([-1.0, 1.0], middle.shape) if k % 2 else rng.uniform(-1, 1, middle.shape)
        exact = _exact(program, middle + radius * signs)
        for row, mids, rads in zip(exact, found.mid.tolist(), found.rad.tolist(), strict=True):
            for v, m, r in zip(row, mids, rads, strict=True):
                if r < np.inf and v.is_finite():
                    worst = max(worst, float(abs(v - m)) / r)
    return worst


def _alone(op):
    """phi of one or two inputs, and phi of what it moves far: the second slope needs the distance of the first."""
    k = 2 if op in ("add", "sub", "mul", "div", "max", "min") else 1
    more = {"parameter": {"pow": 2.6, "leaky_relu": 0.3}.get(op)}
    inputs = [Node("input", (), k), *(Node("take", (0,), 1, columns=np.array([j])) for j in range(k))]
    return _read(Written((*inputs, Node(op, tuple(range(1, k + 1)), 1, **more))))


def _judge(op):
    rng = np.random.default_rng(7)
    k = 2 if op in ("add", "sub", "mul", "div", "max", "min") else 1
    middle = np.full((k, 12), PLACES.get(op, 0.4)) + rng.uniform(-0.2, 0.2, (k, 12))
    return _outside(_alone(op), middle, 3e-3, rng)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("op", adjoints.DERIVATIVES)
def test_each_derivative_is_needed(op, monkeypatch):
    """The balls hold the values on wide balls of the inputs, and with nine tenths of the derivative they do not."""
    assert 0.8 < _judge(op) <= 1.0
    honest = adjoints.DERIVATIVES[op]
    weak = lambda args, value, given: tuple(batch.scale(s, 0.9) for s in honest(args, value, given))  # noqa: E731
    monkeypatch.setitem(adjoints.DERIVATIVES, op, weak)
    assert _judge(op) > 1.0


@pytest.mark.sampled(1)
@pytest.mark.parametrize("block", range(12))
def test_random_programs_hold_the_values_of_flint(block):
    known = 0
    for seed in range(700 + 4 * block, 704 + 4 * block):
        written, centre, half, words = random_program(seed)
        rng = np.random.default_rng(seed)
        middle = centre[:, None] + half[:, None] * rng.uniform(-1, 1, (written.d, 6))
        for radius in (0.0, 1e-9, 1e-4):
            share = _outside(_read(written), middle, radius, rng, samples=2)
            assert share <= 1.0, words
            known += share > 0.0
    assert known > 1


def _cancelling():
    """1e-9 of x beside 1e8: all that is left of x is rounding."""
    ones, huge = np.ones((1, 1)), np.array([1e8])
    return _read(
        Written((
            Node("input", (), 1), Node("affine", (0,), 1, weight=1e-9 * ones, bias=huge),
            Node("affine", (1,), 1, weight=ones, bias=-huge), Node("sin", (2,), 1),
        ))
    )  # fmt: skip


def test_roundings_are_counted(monkeypatch):
    """Without the roundings of affine operations, the balls do not hold what is lost beside 1e8."""
    rng = np.random.default_rng(3)
    middle = rng.uniform(-1, 1, (1, 20))
    assert _outside(_cancelling(), middle, 0.0, rng, 2) <= 1.0
    honest = batch.affine
    monkeypatch.setattr(
        batch, "affine", lambda o, x: Balls(honest(o, x).mid, np.full_like(honest(o, x).rad, 1e-300))
    )
    assert _outside(_cancelling(), middle, 0.0, rng, 2) > 1.0


def test_derivatives_are_those_on_balls(monkeypatch):
    """e^(x + r) - e^x is more than r e^x: a derivative at the midpoint alone is too small."""
    rng = np.random.default_rng(4)
    program, middle = _alone("exp"), rng.uniform(-1, 1, (1, 10))
    assert _outside(program, middle, 0.2, rng) <= 1.0
    honest = adjoints.DERIVATIVES["exp"]
    at = lambda args, value, given: honest([Balls(a.mid, 0.0 * a.rad) for a in args], value, given)  # noqa: E731
    monkeypatch.setitem(adjoints.DERIVATIVES, "exp", at)
    assert _outside(program, middle, 0.2, rng) > 1.0


def test_distances_are_carried_to_the_derivatives(monkeypatch):
    """In e^(3 x) the outer slope is taken at 3 x +- 3 r: without the distance of 3 x it is too small."""
    rng = np.random.default_rng(5)
    program = _read(
        Written((
            Node("input", (), 1), Node("affine", (0,), 1, weight=np.full((1, 1), 3.0), bias=np.zeros(1)),
            Node("exp", (1,), 1),
        ))
    )  # fmt: skip
    middle = rng.uniform(-1, 1, (1, 10))
    assert _outside(program, middle, 0.1, rng) <= 1.0
    honest = adjoints._forward

    def weak(o, args, points):
        value, off, by = honest(o, args, points)
        return (Balls(value.mid, 0.0 * value.rad) if o.op == "affine" else value), off, by

    monkeypatch.setattr(adjoints, "_forward", weak)
    assert _outside(program, middle, 0.1, rng) > 1.0


def test_repeated_columns_and_shared_arguments_add_up():
    """x taken twice, and used by two operations: the derivative is the sum over all ways."""
    rng = np.random.default_rng(6)
    program = _read(
        Written((
            Node("input", (), 2), Node("take", (0,), 3, columns=np.array([0, 0, 1])),
            Node("concat", (1, 0), 5), Node("mul", (2, 2), 5),
            Node("affine", (3,), 1, weight=rng.normal(size=(1, 5)), bias=np.zeros(1)),
        ))
    )  # fmt: skip
    middle = rng.uniform(-1, 1, (2, 8))
    assert 0.5 < _outside(program, middle, 1e-5, rng) <= 1.0


def _deep(rng, layers=9, width=20):
    nodes = [Node("input", (), 2)]
    for _ in range(layers):
        size = nodes[-1].width
        weight = rng.normal(size=(width, size)) * 1.5 / np.sqrt(size)
        nodes.append(Node("affine", (len(nodes) - 1,), width, weight=weight, bias=rng.normal(size=width)))
        nodes.append(Node("tanh", (len(nodes) - 1,), width))
    nodes.append(Node("affine", (len(nodes) - 1,), 1, weight=rng.normal(size=(1, width)), bias=np.zeros(1)))
    return _read(Written(tuple(nodes)))


def test_deep_networks_are_narrow():
    rng = np.random.default_rng(8)
    program = _deep(rng)
    points = Balls(rng.uniform(-1, 1, (2, 10)), np.full((2, 10), 1e-16))
    forward, found = batch.all_values(program, points)[-1], adjoints.outputs(program, points)
    assert (found.rad < 1e-3 * forward.rad).all()
    assert (found.rad < 1e-11).all()


def test_what_has_no_rule_or_no_value_has_no_bound():
    program = _alone("log")
    assert np.isinf(
        adjoints.outputs(program, Balls(np.array([[-1.0, 1e-3]]), np.full((1, 2), 1e-2))).rad
    ).all()
    assert np.isinf(adjoints.outputs(_alone("erf"), Balls(np.zeros((1, 2)), np.zeros((1, 2)))).rad).all()


def test_points_are_evaluated_in_parts(monkeypatch):
    rng = np.random.default_rng(9)
    program = _deep(rng, 2, 5)
    points = Balls(rng.uniform(-1, 1, (2, 50)), np.full((2, 50), 1e-12))
    whole = adjoints.outputs(program, points)
    monkeypatch.setattr(adjoints, "CHUNK", 1)
    parts = adjoints.outputs(program, points)
    assert parts.mid.shape == whole.mid.shape
    assert np.abs(parts.rad - whole.rad).max() < 1e-15


# The range of interpolants from float64 values.


def _true_range(values, n, d):
    """Values of the interpolant at many points, from coefficients in FLINT."""
    old, ctx.prec = ctx.prec, 200
    try:
        flat = polynomial.coefficients_of(list(map(arb, values.tolist())), n, d, 200)
        samples = polynomial.along_axes(polynomial._basis(n, {1: 37, 2: 17, 3: 5}[d], 200), flat, d)
    finally:
        ctx.prec = old
    return min(map(float, samples)), max(map(float, samples))


def _misses(n, d, grid, rows):
    """Whether some interpolant of exact values leaves its range: values moved so that their sum of |l_i| is attained."""
    missed = False
    for mid, rad in rows:
        (found,) = interpolant_floats.ranges(Balls(mid[None], rad[None]), n, d, grid)
        units = np.eye(len(mid))
        at = np.linspace(-1, 1, 41)
        cheb = np.cos(np.arange(n + 1)[:, None] * np.arccos(at)) if d == 1 else None
        signs = [np.ones(len(mid)), -np.ones(len(mid))]
        if d == 1:
            lagrange = cheb.T @ interpolant_floats._float_transform(n) @ units
            worst = np.abs(lagrange).sum(1).argmax()
            signs += [np.sign(lagrange[worst]), -np.sign(lagrange[worst])]
        for sign in signs:
            low, high = _true_range(mid + rad * sign, n, d)
            missed = missed or low < float(found[0]) or high > float(found[1])
    return missed


def _rows(n, d, rng):
    count = (n + 1) ** d
    nodes = batch.tensor_nodes(n, d)
    waves = np.cos(n * np.arccos(np.clip(nodes, -1, 1))).prod(1) + 0.0
    flat = [np.zeros(count), np.full(count, 1e3), rng.normal(size=count), 1e-8 * rng.normal(size=count)]
    lone = np.where(np.arange(count) == count // 2, 1.0, 0.0)
    return [(m, np.full(count, r)) for m in (*flat, waves, lone, nodes[:, 0] ** n) for r in (0.0, 1e-3)]


CASES = [(1, 1, 0), (2, 1, 2), (5, 1, 3), (3, 2, 0), (4, 2, 2), (2, 3, 2)]


@pytest.mark.parametrize(("n", "d", "grid"), CASES)
def test_ranges_hold_the_interpolants(n, d, grid):
    assert not _misses(n, d, grid, _rows(n, d, np.random.default_rng(n)))


def test_each_part_of_the_range_is_needed(monkeypatch):
    """Lebesgue's constant, the coefficients, the distance between nodes of the grid, the rounding of the transform."""
    one = _rows(1, 1, np.random.default_rng(1))
    monkeypatch.setattr(interpolant_floats, "lebesgue", lambda n: arb(1))
    assert _misses(1, 1, 0, one)
    monkeypatch.undo()
    honest = interpolant_floats._along
    monkeypatch.setattr(interpolant_floats, "_along", lambda m, flat, d: 0.9 * honest(m, flat, d))
    assert _misses(5, 1, 3, _rows(5, 1, np.random.default_rng(2)))
    monkeypatch.undo()
    monkeypatch.setattr(polynomial, "_cosine", lambda a, b: arb(1))
    assert _misses(2, 1, 2, _rows(2, 1, np.random.default_rng(2)))


@pytest.mark.parametrize("grid", [0, 2, 3])
def test_ranges_are_those_of_flint_and_no_narrower(grid):
    rng = np.random.default_rng(11)
    n, d = 6, 2
    values = rng.normal(size=(3, (n + 1) ** d))
    found = interpolant_floats.ranges(Balls(values, np.zeros_like(values)), n, d, grid)
    for row, (low, high) in zip(values, found, strict=True):
        first, last = polynomial.interpolant_range(list(map(arb, row.tolist())), n, d, grid, 80)
        assert low <= first
        assert last <= high
        assert float(high - last) < 1e-11
        assert float(first - low) < 1e-11


def test_without_the_rounding_of_the_transform_ranges_are_too_narrow(monkeypatch):
    rng = np.random.default_rng(12)
    monkeypatch.setattr(interpolant_floats, "_coefficient_error", lambda *given: 0.0)
    monkeypatch.setattr(interpolant_floats, "U", 0.0)
    missed = 0
    for _ in range(20):
        values = rng.normal(size=(1, 49))
        ((low, high),) = interpolant_floats.ranges(Balls(values, np.zeros_like(values)), 6, 2, 3)
        first, last = polynomial.interpolant_range(list(map(arb, values[0].tolist())), 6, 2, 3, 200)
        missed += not (low <= first and last <= high)
    assert missed


def test_leaves_that_name_bits_are_proved_in_arrays_and_no_smaller_claim_is(monkeypatch, tmp_path):
    """A claim just below what FLINT proves is refused, by either arithmetic; the honest one needs no node in FLINT."""
    one = sn.Problem(lambda x: jnp.tanh(3.0 * x[:, 0]), lambda x: x[:, 0] * 0.99, sn.Domain(x=(0.0, 1.0)))
    sn.certify(one, 1.1).certificate.save(tmp_path / "c.json")
    data = json.loads((tmp_path / "c.json").read_text())
    count = len(data["leaves"]["upper"])
    data["leaves"]["bits"] = [[128]] * count
    assert sum(n[0] > 0 for n in data["leaves"]["degree"])
    _write(tmp_path / "bits.json", data)
    calls = []
    honest = leaves.values
    monkeypatch.setattr(leaves, "values", lambda *given: calls.append(1) or honest(*given))
    assert check(tmp_path / "bits.json").accepted
    assert not calls
    proved = []
    real = leaves._bounds
    monkeypatch.setattr(
        leaves, "_bounds", lambda *given, **more: proved.append(real(*given, **more)) or proved[-1]
    )
    check(tmp_path / "bits.json", arbitrary=True)
    assert calls
    below = max(float(leaves._largest_of(bounds).lower()) for bounds in proved) * (1.0 - 1e-12)
    data["leaves"]["upper"] = [min(float.fromhex(v), below).hex() for v in data["leaves"]["upper"]]
    data.update(upper=below.hex(), lower=(0.0).hex(), witness=None)
    _write(tmp_path / "forged.json", data)
    result = check(tmp_path / "forged.json")
    assert not result.accepted
    assert "claimed" in result.reason


# -- each rule by itself, in exact arithmetic -------------------------------------------------------------


def _columns(values):
    return np.array(values, dtype=float)[:, None]


def test_the_way_back_through_a_layer_holds_rounding_and_radius():
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(24, 40))
    layer = Operation("affine", (0,), 24, weight=tuple(weight.ravel().tolist()), vector=(0.0,) * 24)
    middle, rounded = rng.normal(size=24), 0
    for radius in (np.zeros(24), rng.uniform(0.0, 1.0, 24)):
        (back,) = adjoints._backward(layer, Balls(_columns(middle), _columns(radius)), (), [40])
        for j in range(40):
            rows = list(
                zip(map(Fraction, middle), map(Fraction, radius), map(Fraction, weight[:, j]), strict=True)
            )
            exact, most = sum(m * w for m, _, w in rows), sum(r * abs(w) for _, r, w in rows)
            rounded += Fraction(back.mid[j, 0]) != exact
            assert abs(Fraction(back.mid[j, 0]) - exact) + most <= Fraction(back.rad[j, 0])
    assert rounded > 40


def test_the_way_back_through_columns_that_are_taken_again_holds_the_rounding_of_their_sum():
    columns = (0, 1, 0, 0, 1, 0)
    middle, radius = [1.0, 0.1, 2.0**-54, 0.3, 0.7, 1e-17], [0.5, 0.0, 0.25, 0.0, 0.125, 0.0]
    for radii in (radius, [0.0] * 6):
        take = Operation("take", (0,), 6, columns=columns)
        (back,) = adjoints._backward(take, Balls(_columns(middle), _columns(radii)), (), [2])
        for j in range(2):
            exact = sum(Fraction(m) for m, c in zip(middle, columns, strict=True) if c == j)
            most = sum(Fraction(r) for r, c in zip(radii, columns, strict=True) if c == j)
            assert abs(Fraction(back.mid[j, 0]) - exact) + most <= Fraction(back.rad[j, 0])


@pytest.mark.parametrize("low", [-1.0, 0.0, 0.1, 0.3, 0.7, 2.3, -1.7, 1.0 - 2.0**-53, 1.0 + 2.0**-52])
def test_a_kink_has_both_slopes_where_its_sign_is_not_certain(low):
    x = Balls(np.array([[1.0, -1.0, 1.0, -1.0, 1.0]]), np.array([[1.0, 1.0, 0.95, 0.95, 1.5]]))
    kink = adjoints._kink(x, low)
    for k, slopes in enumerate(((1.0, low), (1.0, low), (1.0,), (low,), (1.0, low))):
        for slope in slopes:
            assert abs(Fraction(slope) - Fraction(kink.mid[0, k])) <= Fraction(kink.rad[0, k])


def test_values_on_the_way_have_their_own_rounding_beside_what_moved_them():
    rng = np.random.default_rng(3)
    zero = np.zeros((1, 1))
    for a, b in rng.normal(size=(40, 2)):
        args = [Balls(np.array([[v]]), zero) for v in (a, b)]
        value, _, _ = adjoints._forward(Operation("mul", (0, 1), 1), args, args[0])
        assert abs(Fraction(a) * Fraction(b) - Fraction(value.mid[0, 0])) <= Fraction(value.rad[0, 0])
