"""Balls of float64 numbers hold the exact values, at points of all sizes and for random programs, and are narrow."""

import sys
from fractions import Fraction
from itertools import chain
from pathlib import Path

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx

import supnorm as sn
from supnorm.checker import batch, check, graded_batch, leaves
from supnorm.checker.batch import Balls
from supnorm.checker.enclosure import Program, node_values
from supnorm.checker.graded_functions import series
from supnorm.checker.operation import Operation
from supnorm.checker.operation import program as read_program

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "certification"))
from single_cases import random_program

RNG = np.random.default_rng(5)
N = 300
WIDE = np.concatenate([
    RNG.uniform(-1, 1, N), RNG.uniform(-30, 30, N), RNG.uniform(-600, 600, N),
    10.0 ** RNG.uniform(-18, 2, N) * RNG.choice([-1, 1], N), [0.0, 1.0, -1.0, 20.0, -45.0],
])  # fmt: skip
POSITIVE = np.concatenate([
    10.0 ** RNG.uniform(-200, 200, N), 1 + RNG.uniform(-1e-3, 1e-3, N), RNG.uniform(0.4, 2.1, N),
    2.0 ** np.arange(-20.0, 20.0),
])  # fmt: skip
TURNS = np.concatenate([
    RNG.uniform(-10, 10, N), RNG.uniform(-1e6, 1e6, N), np.pi / 2 * np.arange(-50, 50), 10.0 ** RNG.uniform(-18, 0, N),
])  # fmt: skip
FUNCTIONS = {
    "exp": (batch.exp, mp.exp, WIDE),
    "tanh": (batch.tanh, mp.tanh, WIDE),
    "sigmoid": (batch.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), WIDE),
    "softplus": (batch.softplus, lambda x: mp.log(1 + mp.exp(x)), WIDE),
    "silu": (batch.RULES["silu"], lambda x: x / (1 + mp.exp(-x)), WIDE),
    "log": (batch.log, mp.log, POSITIVE),
    "sqrt": (batch.sqrt, mp.sqrt, POSITIVE),
    "sin": (batch.RULES["sin"], mp.sin, TURNS),
    "cos": (batch.RULES["cos"], mp.cos, TURNS),
    "cube": (lambda x: batch.power(x, 3.0), lambda x: x**3, WIDE),
    "power 13": (lambda x: batch.power(x, 13.0), lambda x: x**13, WIDE),
    "power -3": (lambda x: batch.power(x, -3.0), lambda x: x**-3, WIDE[WIDE != 0]),
    "power -2.5": (lambda x: batch.power(x, -2.5), lambda x: x ** mp.mpf(-2.5), RNG.uniform(0.1, 30, N)),
    "gelu_tanh": (batch.RULES["gelu_tanh"],
        lambda x: x / 2 * (1 + mp.tanh(mp.mpf(0.7978845608028654) * (x + mp.mpf(0.044715) * x**3))), WIDE[:600]),
}  # fmt: skip


def _shares(rule, exact, points, radius=0.0):
    """How far exact values are from midpoints, divided by the radii; points inside balls of a relative radius."""
    points = np.asarray(points, dtype=float)
    rad = radius * np.abs(points)
    with np.errstate(all="ignore"):
        ball = rule(Balls(points[None], rad[None]))
    inside = points + 0.999 * rad * RNG.uniform(-1, 1, len(points))
    shares = []
    with mp.workprec(200):
        for x, m, r in zip(inside, ball.mid[0], ball.rad[0], strict=True):
            if np.isfinite(r):
                shares.append(float(abs(exact(mp.mpf(float(x))) - mp.mpf(float(m))) / mp.mpf(float(r))))
    return shares


@pytest.mark.sampled(18)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("radius", [0.0, 1e-13, 1e-4, 0.1])
def test_a_ball_of_a_function_holds_its_values(name, radius):
    shares = _shares(*FUNCTIONS[name], radius)
    assert len(shares) > 0.5 * len(FUNCTIONS[name][2])
    assert max(shares) <= 1.0


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "sin", "softplus"])
def test_a_wrong_constant_is_seen(name, monkeypatch):
    """The tables and parts of constants are exact to the last bit that counts."""
    for table in ("_POWERS", "_LOGS"):
        monkeypatch.setattr(batch, table, getattr(batch, table) * (1.0 + 1e-13))
    monkeypatch.setattr(batch, "_PARTS", [batch._PARTS[0], batch._PARTS[1] * (1.0 + 1e-6), batch._PARTS[2]])
    assert max(_shares(*FUNCTIONS[name])) > 1.0


@pytest.mark.parametrize(
    ("name", "zero"), [("exp", "EXP_ERROR"), ("sqrt", "U"), ("cube", "U"), ("tanh", "U")]
)
def test_a_ball_without_its_rounding_is_too_small(name, zero, monkeypatch):
    monkeypatch.setattr(batch, zero, 0.0)
    assert max(_shares(*FUNCTIONS[name])) > 1.0


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("rule", "exact"),
    [
        (batch.add, lambda x, y: x + y),
        (lambda x, y: batch.add(x, y, -1.0), lambda x, y: x - y),
        (batch.multiply, lambda x, y: x * y),
        (batch.divide, lambda x, y: x / y),
        (batch.RULES["max"], max),
        (batch.RULES["min"], min),
    ],
)
def test_arithmetic_of_two_balls_holds_all_results(rule, exact):
    x, y = (RNG.uniform(-2, 2, 4000) * 10.0 ** RNG.uniform(-9, 9, 4000) for _ in range(2))
    r, s = (np.abs(v) * 10.0 ** RNG.uniform(-17, 0.2, 4000) for v in (x, y))
    with np.errstate(all="ignore"):
        ball = rule(Balls(x[None], r[None]), Balls(y[None], s[None]))
    with mp.workprec(200):
        for i in np.flatnonzero(np.isfinite(ball.rad[0])):
            for a, b in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
                value = exact(mp.mpf(x[i]) + a * mp.mpf(r[i]), mp.mpf(y[i]) + b * mp.mpf(s[i]))
                assert abs(value - mp.mpf(ball.mid[0, i])) <= mp.mpf(ball.rad[0, i])
    assert np.isinf(
        batch.divide(Balls(np.ones((1, 1)), np.zeros((1, 1))), Balls(np.ones((1, 1)), np.ones((1, 1)))).rad
    )


def test_what_is_no_number_has_an_infinite_radius():
    with np.errstate(all="ignore"):
        for rule, at in ((batch.log, -1.0), (batch.sqrt, -1.0), (batch.exp, 1e4), (batch.log, 0.0)):
            assert np.isinf(rule(Balls(np.array([[at]]), np.zeros((1, 1)))).rad)
        # A bounded function of no number is none.
        for bounded in ("tanh", "sigmoid", "sin", "cos", "relu", "abs"):
            assert np.isinf(batch.RULES[bounded](batch.log(Balls(np.array([[-1.0]]), np.zeros((1, 1))))).rad)
    rows = batch.log(Balls(np.array([[-1.0, 2.0]]), np.zeros((1, 2)))).rows()
    assert rows[0][0].is_nan()
    assert rows[0][1].is_finite()


@pytest.mark.parametrize("block", range(4))
def test_values_of_random_programs_agree_with_those_of_flint(block):
    narrow = 0
    for seed in range(50 * block, 50 * block + 50):
        program, centre, half, words = random_program(seed)
        read = Program.of(read_program(program.to_json()))
        nodes = np.random.default_rng(seed).uniform(-1, 1, (12, program.d))
        c, h = list(map(arb, centre.tolist())), list(map(arb, half.tolist()))
        fast = batch.outputs(read, batch.points_on(nodes, 0.0, c, h))
        points = [
            [a + b * t for t in nodes[:, j].tolist()] for j, (a, b) in enumerate(zip(c, h, strict=True))
        ]
        old, ctx.prec = ctx.prec, 200
        try:
            exact = node_values(read, points)[-1]
        finally:
            ctx.prec = old
        for mine, theirs in zip(chain(*fast), chain(*exact), strict=True):
            if mine.is_finite() and theirs.is_finite():
                assert mine.contains(theirs), words
                narrow += bool(mine.rad() <= 1e-11 * (1 + abs(theirs)) * 1e3)
    assert narrow > 400


@pytest.mark.parametrize("op", graded_batch.KNOWN)
def test_taylor_coefficients_hold_those_of_flint(op):
    z = RNG.uniform(-4, 4, 200)
    with np.errstate(all="ignore"):
        balls = graded_batch.series(op, Balls(z[None], np.full((1, 200), 1e-9)))
    old, ctx.prec = ctx.prec, 200
    try:
        for k, at in enumerate(z.tolist()):
            for i, exact in enumerate(series(op, arb(at) + arb(0.7e-9))):
                mid, rad = float(balls[i].mid[0, k]), float(balls[i].rad[0, k])
                assert abs(exact - mid) <= rad
                assert rad < 1e-6
    finally:
        ctx.prec = old


def test_a_proof_that_float64_leaves_undecided_is_made_again(monkeypatch, tmp_path):
    """Balls so wide that they decide nothing change no verdict: `verify` then takes those of FLINT."""
    calls = []
    honest = leaves._bounds

    def recorded(*given, fast=False, **more):
        calls.append(fast)
        return [None] if fast else honest(*given, fast=fast, **more)

    monkeypatch.setattr(leaves, "_bounds", recorded)
    one = sn.Problem(
        lambda x: jnp.tanh(x[:, 0]), lambda x: x[:, 0] - x[:, 0] ** 3 / 3, sn.Domain(x=(0.0, 1.0))
    )
    result = sn.certify(one, 1.1)
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    assert True in calls
    assert False in calls


def test_libraries_that_compute_something_else_decide_nothing(monkeypatch):
    """One point in four cells is evaluated by FLINT as well."""
    build = random_program(3)[0]
    read = Program.of(read_program(build.to_json()))
    monkeypatch.setattr(batch, "COMPARED", 1.0)
    points = batch.points_on(np.zeros((3, build.d)), 0.0, [arb(0.3)] * build.d, [arb(0.1)] * build.d)
    assert all(v.is_finite() for row in batch.outputs(read, points) for v in row)
    honest = batch.affine
    monkeypatch.setattr(batch, "affine", lambda o, x: Balls(honest(o, x).mid * 1.001, honest(o, x).rad))
    assert not any(v.is_finite() for row in batch.outputs(read, points) for v in row)


# -- each rule by itself, in exact arithmetic and at the ends of its balls --------------------------------

SIGNS = (-1, 0, 1)


def _ball(mid, rad):
    return Balls(np.array([[mid]]), np.array([[rad]]))


def _holds(ball, value, k=0):
    """Whether the ball holds an exact number; a radius of rounding alone has no room beside it."""
    return abs(value - Fraction(ball.mid[k, 0])) <= Fraction(ball.rad[k, 0])


ARITHMETIC = {
    "add": (batch.add, lambda a, b: a + b),
    "sub": (lambda x, y: batch.add(x, y, -1.0), lambda a, b: a - b),
    "mul": (batch.multiply, lambda a, b: a * b),
    "div": (batch.divide, lambda a, b: a / b),
    "scale": (lambda x, y: batch.scale(x, float(y.mid[0, 0])), lambda a, b: a * b),
    "max": (batch.RULES["max"], max),
    "min": (batch.RULES["min"], min),
}


@pytest.mark.parametrize("op", ARITHMETIC)
def test_arithmetic_holds_rounding_and_both_radii(op):
    rule, exact = ARITHMETIC[op]
    rng, rounded = np.random.default_rng(11), 0
    for a, b in rng.uniform(0.5, 2.0, (60, 2)) * rng.choice([-1.0, 1.0], (60, 2)):
        for r, s in ((0.0, 0.0), (0.25, 0.0), (0.0, 0.25), (0.25, 0.125), (3.0, 0.25)):
            ball = rule(_ball(a, r), _ball(b, 0.0 if op == "scale" else s))
            rounded += r == s == 0.0 and Fraction(ball.mid[0, 0]) != exact(Fraction(a), Fraction(b))
            for i in SIGNS:
                for j in SIGNS if op != "scale" else (0,):
                    x, y = Fraction(a) + i * Fraction(r), Fraction(b) + j * Fraction(s)
                    assert _holds(ball, exact(x, y))
    assert rounded > 10 or op in ("max", "min")


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_a_layer_holds_the_rounding_of_its_sums_and_of_its_bias(scale):
    rng = np.random.default_rng(12)
    weight, bias = scale * rng.normal(size=(30, 9)), rng.normal(size=30)
    layer = Operation("affine", (0,), 30, weight=tuple(weight.ravel().tolist()), vector=tuple(bias.tolist()))
    mid, rounded = rng.normal(size=(9, 1)), 0
    for rad in (np.zeros((9, 1)), rng.uniform(0.0, 1.0, (9, 1))):
        ball = batch.affine(layer, Balls(mid, rad))
        for k, (row, b) in enumerate(zip(weight.tolist(), bias.tolist(), strict=True)):
            value = Fraction(b) + sum(Fraction(w) * Fraction(m) for w, m in zip(row, mid[:, 0], strict=True))
            reach = sum(abs(Fraction(w)) * Fraction(r) for w, r in zip(row, rad[:, 0], strict=True))
            rounded += Fraction(ball.mid[k, 0]) != value
            assert _holds(ball, value + reach, k)
            assert _holds(ball, value - reach, k)
    assert rounded > 20


def test_a_layer_of_what_is_no_number_has_no_ball_where_it_enters():
    layer = Operation("affine", (0,), 2, weight=(1.0, 0.0, 0.0, 1.0), vector=(0.0, 0.0))
    ball = batch.affine(layer, Balls(np.array([[0.0], [1.0]]), np.array([[np.inf], [0.5]])))
    assert np.isinf(ball.rad[0, 0])
    assert ball.rad[1, 0] == pytest.approx(0.5)


def test_one_of_two_holds_both_where_the_sign_is_not_certain():
    rng = np.random.default_rng(13)
    near = [(1.0, 1.0 + 2.0**-52), (-3.0, -3.0 - 2.0**-51)]  # whose middle is no number of float64
    for a, b in (*rng.normal(size=(40, 2)), *near):
        for z, r in ((1.0, 1.0), (-1.0, 1.5), (0.0, 0.0), (0.75, 1.0), (1.0, 0.5), (-1.0, 0.25)):
            for s, t in ((0.0, 0.0), (0.25, 0.0), (0.0, 0.5)):
                ball = batch.RULES["where"](_ball(z, r), _ball(a, s), _ball(b, t))
                for value, radius, possible in ((a, s, z + r > 0.0), (b, t, z - r <= 0.0)):
                    for sign in SIGNS:
                        assert not possible or _holds(ball, Fraction(value) + sign * Fraction(radius))


def test_a_turn_is_known_up_to_where_its_parts_are_exact():
    rng = np.random.default_rng(14)
    for name in ("sin", "cos"):
        at = 10.0 ** rng.uniform(5.0, 14.0, (1, 200))
        ball = batch.RULES[name](Balls(at, np.zeros_like(at)))
        with mp.workprec(200):
            for x, m, r in zip(at[0], ball.mid[0], ball.rad[0], strict=True):
                assert abs(getattr(mp, name)(mp.mpf(x)) - mp.mpf(m)) <= mp.mpf(r)


@pytest.mark.parametrize("radius", [0.0, 0.3])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "log", "sqrt", "sin", "cos"])
def test_functions_hold_their_rounding_and_the_ends_of_their_balls(name, radius):
    rule, exact, _ = FUNCTIONS[name]
    at = np.random.default_rng(15).uniform(0.5, 4.0, 400)
    if name == "softplus":
        at[::2] *= 100.0
    for sign in (-1.0, 1.0):
        ball = rule(Balls(at[None], np.full((1, 400), radius)))
        with mp.workprec(200):
            for x, m, r in zip(at, ball.mid[0], ball.rad[0], strict=True):
                assert abs(exact(mp.mpf(x) + sign * mp.mpf(radius)) - mp.mpf(m)) <= mp.mpf(r)
