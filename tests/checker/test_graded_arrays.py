"""Graded models in arrays hold those of FLINT at random features, each rule of them is needed, and they are no wider."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_poly, ctx

from supnorm.checker import graded, graded_arrays, graded_batch
from supnorm.checker.batch import Balls
from supnorm.checker.graded import Graded

OPS = graded_batch.KNOWN


@pytest.fixture(autouse=True)
def _bits(monkeypatch):
    old, ctx.prec = ctx.prec, 160
    yield
    ctx.prec = old


def _features(seed, count=12, d=3):
    """Features of many sizes; some without a slope, some without a bend, some exact."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        size = 10.0 ** rng.uniform(-4, 0.2)
        J = rng.normal(size=d) * size * (k % 5 != 0)
        H = rng.normal(size=d * (d + 1) // 2) * 0.3 * size * (k % 3 != 0)
        s = np.abs(rng.normal(size=14)) * 0.05 * size**2 * 0.5 ** np.arange(14) * (k % 3 != 0)
        s[:2] = 0.0
        rem = float(10.0 ** rng.uniform(-18, -1)) * (k % 4 != 0)
        off = 1e-12 * (k % 2)
        c, *rows = (
            [arb(v, off) for v in some.tolist()]
            for some in (rng.normal(size=1) * 10.0 ** rng.uniform(-2, 0.6), J, H)
        )
        out.append(Graded(c[0], *map(tuple, rows), arb_poly(list(map(arb, s.tolist()))), arb(rem)))
    return out


def _inside(ball, rng):
    """An exact number of a ball."""
    return ball.mid() + ball.rad() * float(rng.choice([-1.0, 0.9, 1.0]))


def _linear(seed, d=3):
    """Features of a first layer: without a bend, exactly."""
    return [Graded(x.c, x.J, (arb(0),) * len(x.H), arb_poly([]), x.rem) for x in _features(seed, d=d)]


def _judge(op, seed, count=12, d=3, features=None):
    """What of the models of FLINT, for exact features of the balls, is not in those of arrays; how much wider these are."""
    rng = np.random.default_rng(seed)
    features = features or _features(seed, count, d)
    found = graded_arrays.smooth(op, features)
    assert found is not None
    rows = graded_arrays.Rows.of(features)
    wider, missed = 0.0, []
    for k, (x, r, parts, mine) in enumerate(
        zip(features, rows.slope().tolist(), rows.parts(), found, strict=True)
    ):
        exact = Graded(
            _inside(x.c, rng), *(tuple(_inside(v, rng) for v in some) for some in (x.J, x.H)), x.s, x.rem
        )
        sizes = [(arb(r), exact.slope), (arb(float(parts[2])), exact.parts[2])]
        missed += [f"size of {k}: {a} < {b}" for a, b in sizes if not a >= b]
        exact.__dict__.update(slope=arb(r))  # the interpolants of both are on the same interval
        theirs = graded.smooth(op, exact)
        pairs = [(mine.c, theirs.c), *zip((*mine.J, *mine.H), (*theirs.J, *theirs.H), strict=True)]
        missed += [f"value of {k}: {a} without {b}" for a, b in pairs if not a.contains(b)]
        bounds = [(mine.rem, theirs.rem), *((mine.s[k], theirs.s[k]) for k in range(14))]
        # equal bounds of FLINT are balls of 30 bits
        missed += [
            f"bound of {k}: {a} < {b}"
            for a, b in bounds
            if not float(a.upper()) >= float(b.upper()) * (1 - 1e-8)
        ]
        wider = max(wider, *((float(a.upper()) - 1e-10) / (float(b.upper()) + 1e-13) for a, b in bounds))
    return missed, wider


@pytest.mark.sampled(3)
@pytest.mark.parametrize("op", OPS)
def test_models_hold_those_of_flint(op):
    for seed, d in ((1, 3), (2, 1), (3, 5)):
        missed, wider = _judge(op, seed, d=d)
        assert not missed
        assert wider < 2.5  # an aliasing error may be twice as large


@pytest.mark.parametrize("op", OPS)
def test_models_of_a_first_layer_hold_those_of_flint(op):
    features = _linear(4)
    assert graded_arrays.Rows.of(features).linear
    missed, wider = _judge(op, 4, features=features)
    assert not missed
    assert wider < 2.5


def test_only_what_is_exactly_linear_is_taken_as_linear(monkeypatch):
    first = _linear(4)[0]
    none = first.H[1:]
    for H, s in (
        ((arb(0, 1e-300), *none), arb_poly([])),
        ((arb("nan"), *none), arb_poly([])),
        ((arb(1e-300), *none), arb_poly([])),
        (first.H, arb_poly([0, 0, arb(0, 1e-300)])),
        (first.H, arb_poly([0, 0, arb("nan")])),
    ):
        bent = Graded(first.c, first.J, H, s, first.rem)
        assert not graded_arrays.Rows.of([*_linear(5), bent]).linear
    honest = graded_arrays.Rows.of  # a mutant: everything is taken as linear
    monkeypatch.setattr(graded_arrays.Rows, "of", lambda features: replace(honest(features), linear=True))
    assert all(_judge(op, 1)[0] for op in OPS)


def _scaled(name, factor):
    honest = getattr(graded_arrays, name)

    def weak(*given):
        found = honest(*given)
        return [v * factor for v in found] if isinstance(found, list) else found * factor

    return name, weak


def _narrow(name):
    """A rule whose models c, J, H lose their roundings and radii."""
    honest = getattr(graded_arrays, name)

    def weak(*given):
        x = honest(*given)
        thin = (Balls(b.mid, 0.0 * b.rad) for b in (x.c, x.J, x.H))
        return graded_arrays.Rows(*thin, x.s, x.rem)

    return name, weak


def _moved(name, c=0.0, H=1.0):
    honest = getattr(graded_arrays, name)

    def weak(*given):
        x = honest(*given)
        return graded_arrays.Rows(Balls(x.c.mid + c, x.c.rad), x.J, Balls(x.H.mid * H, x.H.rad), x.s, x.rem)

    return name, weak


def _without_over():
    honest = graded_arrays._times

    def weak(a, b):
        out = honest(a, b)
        out[:, graded_arrays.OVER] = 0.0
        return out

    return "_times", weak


MUTANTS = {
    "remainders of derivatives": lambda: _scaled("_steepest", 0.5),
    "products of parts": lambda: _scaled("_times", 0.99),
    "parts of high degree": _without_over,
    "roundings": lambda: _narrow("_combined"),
    "constants": lambda: _moved("_combined", c=1e-9),
    "forms": lambda: _moved("_combined", H=0.999),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_rule_is_needed(name, monkeypatch):
    monkeypatch.setattr(graded_arrays, *MUTANTS[name]())
    assert any(_judge("tanh", seed)[0] for seed in range(3))


@pytest.mark.parametrize("name", ["slope", "parts"])
def test_sizes_of_models_are_needed(name, monkeypatch):
    honest = getattr(graded_arrays.Rows, name)
    monkeypatch.setattr(graded_arrays.Rows, name, lambda self: 0.999 * honest(self))
    assert any(_judge("tanh", seed)[0] for seed in range(3))


@pytest.mark.parametrize("op", OPS)
def test_the_error_of_interpolation_is_bounded(op):
    """On wide intervals interpolation by 18 nodes is off by what the aliasing bound must cover, at points between."""
    c, r = np.linspace(-2.0, 2.0, 9), np.full(9, {"tanh": 3.0, "softplus": 6.0}.get(op, 5.0))
    held = Balls(c[:, None], np.zeros((9, 1)))
    with np.errstate(all="ignore"):
        (a,) = graded_batch.coefficients(op, held, r, 1)
        lost = graded_arrays._aliasing(op, held, r)[0]
    y = np.linspace(-1, 1, 201)
    waves = np.cos(np.arange(18)[:, None] * np.arccos(y))
    at = c[:, None] + r[:, None] * y
    exact = {
        "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "exp": np.exp, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "softplus": lambda x: np.log1p(np.exp(x)), "silu": lambda x: x / (1 + np.exp(-x)),
    }[op](at)  # fmt: skip
    gap = np.abs(a.mid @ waves - exact).max(1)
    assert (gap <= lost + 1e-11).all()
    assert (lost < 1e6 * gap + 1e-9).all()


@pytest.mark.parametrize("op", OPS)
def test_aliasing_is_no_smaller_than_that_of_the_format(op):
    """The same ellipses in FLINT, with the half-heights that were taken: none is below it by more than its digits."""
    for c, r in ((0.3, 0.7), (-1.5, 2.0), (4.0, 0.05), (0.0, 1.2)):
        with np.errstate(all="ignore"):
            mine = graded_arrays._aliasing(op, Balls(np.array([[c]]), np.zeros((1, 1))), np.array([r]))
        rows = [
            graded._aliasing(op, arb(c), arb(r), b, e, None)
            for b, e in graded.ellipses(op, arb(c), arb(r), None)
        ]
        theirs = graded._smallest(rows)
        for a, b in zip(mine, theirs, strict=False):
            assert float(a[0]) >= float(b) * (1 - 1e-8)


def test_what_is_not_for_arrays_is_left_to_flint():
    features = _features(5)
    assert graded_arrays.smooth("log", features) is None
    lost = [*features[:-1], Graded(features[-1].c, features[-1].J, features[-1].H, features[-1].s, None)]
    assert graded_arrays.smooth("tanh", lost) is None
    # A part that is no number: neither this feature nor the others are taken as if they had no bend.
    parts = arb_poly([arb(0), arb(0), arb("nan")])
    strange = [*features[:-1], Graded(features[-1].c, features[-1].J, features[-1].H, parts, arb(0))]
    assert graded_arrays.smooth("tanh", strange) is None
    huge = [Graded(arb(1e9), x.J, x.H, x.s, x.rem) for x in features]
    assert graded_arrays.smooth("exp", huge) is None


def test_a_bend_that_is_not_a_number_is_no_missing_bend(monkeypatch):
    """Mixed terms near 1e308 add up to inf - inf: tanh of them is anywhere in [-1, 1], and not 0.

    A forged file used this: |tanh| <= 1e-13 was accepted.
    """
    rng, none, zero = np.random.default_rng(0), arb_poly([]), arb(0)
    for d in (4, 6, 8):
        H = np.concatenate([np.zeros(d), rng.choice([-1.7e308, 1.7e308], d * (d - 1) // 2)]).tolist()
        models = graded_arrays.smooth("tanh", [Graded(zero, (zero,) * d, tuple(map(arb, H)), none, zero)])
        assert models is None or models[0].rem >= 1
    honest = graded_arrays.Rows.parts
    monkeypatch.setattr(graded_arrays.Rows, "parts", lambda self: np.nan * honest(self))
    assert all(graded_arrays.smooth(op, _features(7)) is None for op in OPS)


def test_the_range_of_a_function_bounds_wide_features():
    wide = [Graded(x.c, x.J, x.H, x.s, arb(100)) for x in _features(6)]
    for model in graded_arrays.smooth("sigmoid", wide):
        assert model.c == 0.5
        assert model.rem == 0.5


def _exact_coefficients(op, c, r):
    """Coefficients of phi on [c - r, c + r] by the definition."""
    phi = {
        "tanh": lambda z: z.tanh(), "sin": lambda z: z.sin(), "cos": lambda z: z.cos(), "exp": lambda z: z.exp(),
        "sigmoid": lambda z: 1 / (1 + (-z).exp()), "softplus": lambda z: (1 + z.exp()).log(),
        "silu": lambda z: z / (1 + (-z).exp()),
    }[op]  # fmt: skip
    turns = [arb.pi() * (2 * i + 1) / 36 for i in range(18)]
    values = [phi(arb(c) + arb(r) * t.cos()) for t in turns]
    return [
        sum((v * (k * t).cos() for v, t in zip(values, turns, strict=True)), arb(0)) * (2 if k else 1) / 18
        for k in range(18)
    ]


@pytest.mark.parametrize("op", OPS)
def test_coefficients_hold_the_rounding_of_their_nodes(op):
    """At 300 a node is off by 300 u: so much is sin off, and exp of its value."""
    for c in (300.3, -300.7, 77.77, 1000.1):
        if op != "exp" or c < 700.0:
            (found,) = graded_batch.coefficients(
                op, Balls(np.array([[c]]), np.zeros((1, 1))), np.array([0.1]), 1
            )
            exact = _exact_coefficients(op, c, 0.1)
            assert all(a.contains(b) for a, b in zip(found.rows()[0], exact, strict=True))


def test_the_transform_holds_its_rounding():
    _, matrix = graded_batch._tables()
    values = np.random.default_rng(3).normal(size=(20, 18))
    found = graded_batch._combined(matrix, Balls(values, np.zeros_like(values))).rows()
    turns = [arb.pi() * (2 * i + 1) / 36 for i in range(18)]
    for row, balls in zip(values.tolist(), found, strict=True):
        for k, ball in enumerate(balls):
            exact = sum((v * (k * t).cos() for v, t in zip(row, turns, strict=True)), arb(0))
            assert ball.contains(exact * (2 if k else 1) / 18)


def test_a_quotient_by_a_whole_number_holds_its_rounding():
    x = Balls(np.array([[1.0, 1.0, 0.1]]), np.array([[0.0, 1e-3, 0.0]]))
    for whole in (3, 7, 120):
        found = graded_batch._over(x, whole).rows()[0]
        assert all(
            b.contains(v / whole) for b, v in zip(found, (arb(1), arb("1.001"), arb(0.1)), strict=True)
        )


def test_an_end_is_not_below_the_sum():
    rng = np.random.default_rng(4)
    mid, rad, reach = rng.normal(size=(100, 1)), rng.random((100, 1)) * 1e-3, rng.random(100)
    found = graded_arrays._end(Balls(mid, rad), reach)
    for end, *parts in zip(
        found.tolist(), mid[:, 0].tolist(), rad[:, 0].tolist(), reach.tolist(), strict=True
    ):
        assert Fraction(end) >= sum(map(Fraction, parts))
