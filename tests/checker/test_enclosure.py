"""The checker's enclosures against arbitrary precision, and each of their rules weakened."""

import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx

from supnorm.checker import enclosure, functions
from supnorm.checker.operation import program as _program
from supnorm.program import lower_jaxpr

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "certification"))
import oracle

SMOOTH = (
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "gelu",
    "erf",
    "sin",
    "cos",
    "exp",
    "log",
    "sqrt",
    "reciprocal",
    "pow",
)


def _cases(name, count=60):
    rng = np.random.default_rng(sum(map(ord, name)) + 1)
    for _ in range(count):
        c, r, p = float(rng.normal() * 2.0), float(10 ** rng.uniform(-3, 0.3)), None
        if name in ("log", "sqrt", "pow", "reciprocal"):
            c = abs(c) + 0.05
            r *= 0.7 * min(c, 1.0)
        if name == "pow":
            p = float(rng.choice([2.0, 3.0, 5.0, -1.0, -2.0, 0.5, 1.7, -0.5]))
        yield c, r, p


def _exact(name, p):
    return (lambda z: oracle.UNARY["pow"](z, p)) if name == "pow" else oracle.UNARY[name]


def _worst(name):
    """The largest linear remainder on circles over its bound."""
    ratios = []
    with mp.workdps(30):
        for c, r, p in _cases(name):
            bound = functions.remainder(name, arb(c), arb(r), p)
            if bound is None or not bound.upper() > 0:
                continue
            call = _exact(name, p)
            slope = mp.diff(call, mp.mpf(c))
            circle = [r * mp.expjpi(mp.mpf(k) / 8) for k in range(16)]
            largest = max(abs(call(mp.mpf(c) + z) - call(mp.mpf(c)) - slope * z) for z in circle)
            ratios.append(float(largest / mp.mpf(float(bound.upper()))))
    assert len(ratios) > 15
    return max(ratios)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", SMOOTH)
def test_linear_remainders_are_bounds_and_needed(name):
    """A third less would be too small."""
    assert 0.7 < _worst(name) <= 1 + 1e-12


@pytest.mark.parametrize(
    ("name", "c", "r", "p"),
    [("gelu", 0.0, 1.5, None), ("pow", 2.0, 1.0, 3.5), ("pow", 2.0, 1.5, 2.3), ("pow", 2.0, 1.0, -1.5),
     ("pow", -2.0, 1.0, -3.0), ("pow", 0.0, 1.0, 4.0), ("log", 1.0, 0.9, None), ("sqrt", 1.0, 0.95, None)],
)  # fmt: skip
def test_discs_where_one_term_of_a_bound_carries_it(name, c, r, p):
    bound = float(functions.remainder(name, arb(c), arb(r), p).upper())
    with mp.workdps(30):
        call = _exact(name, p)
        value, slope = call(mp.mpf(c)), mp.diff(call, mp.mpf(c))
        rest = [
            abs(call(c + z) - value - slope * z) for z in (r * mp.expjpi(mp.mpf(k) / 8) for k in range(16))
        ]
    assert 0.01 * bound < max(rest) <= bound * (1 + 1e-12)


PARTS = {
    "_tanh": ("silu", 0.3),
    "_logistic": ("softplus", 0.5),
    "_gaussian": ("gelu", 0.5),
    "_power_remainder": ("sqrt", 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_weakened_part_is_noticed(part, monkeypatch):
    name, factor = PARTS[part]
    honest = getattr(functions, part)

    def weak(*a):
        found = honest(*a)
        if isinstance(found, tuple):
            return tuple(None if v is None else factor * v for v in found)
        return None if found is None else factor * found

    monkeypatch.setattr(functions, part, weak)
    assert _worst(name) > 1.0


@pytest.mark.parametrize(
    ("name", "c", "r", "p"),
    [("tanh", 0.0, 1.58, None), ("tanh", 1.0, 1.87, None), ("sigmoid", 0.0, 3.15, None), ("softplus", 0.5, 3.19, None),
     ("log", 1.0, 1.0, None), ("sqrt", 2.0, 2.0, None), ("reciprocal", -1.0, 1.0, None), ("pow", 0.5, 0.6, 1.5),
     ("pow", -1.0, 0.1, 0.5)],
)  # fmt: skip
def test_a_disc_that_meets_a_singularity_has_no_bound(name, c, r, p):
    assert functions.remainder(name, arb(c), arb(r), p) is None


@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_slopes(name):
    with mp.workdps(30):
        for c, _, p in _cases(name, 12):
            value, slope = functions.value_and_slope(name, arb(c), p)
            call = _exact(name, p)
            for found, exact in ((value, call(mp.mpf(c))), (slope, mp.diff(call, mp.mpf(c)))):
                assert abs(mp.mpf(str(found.mid()).strip("[]").split(" ")[0]) - exact) <= 1e-12 * (
                    1 + abs(exact)
                )


PROGRAMS = oracle.random_programs(np.random.default_rng(3))


def _violation(program, seed=1, trials=3):
    """The largest |value - affine part| / eps on random cells (real) and polydiscs (complex)."""
    rng, worst = np.random.default_rng(seed), 0.0
    read = enclosure.Program.of(_program(program.to_json()))
    with mp.workdps(25):
        for _ in range(trials):
            centre, half = rng.uniform(-0.7, 0.7, 2), 10 ** rng.uniform(-2.5, -0.7)
            for scale, real in ((1.0, True), (1.5, False)):
                features = enclosure.model(read, [arb(v) for v in centre], [arb(half)] * 2, arb(scale), real)
                if any(f.eps is None for f in features):
                    continue
                for _ in range(5):
                    y = rng.uniform(-1, 1, 2).astype(complex) if real else oracle.circle(rng, scale, 2)
                    y = [mp.mpf(v.real) if real else mp.mpc(v) for v in y]
                    exact = oracle.evaluate(
                        program, [mp.mpf(c) + mp.mpf(half) * v for c, v in zip(centre, y, strict=True)]
                    )
                    for f, e in zip(features, exact, strict=True):
                        line = mp.mpf(float(f.c)) + sum(
                            mp.mpf(float(j)) * v for j, v in zip(f.J, y, strict=True)
                        )
                        worst = max(worst, float((abs(e - line) - 1e-14) / mp.mpf(max(float(f.eps), 1e-30))))
    return worst


@pytest.mark.parametrize("name", PROGRAMS)
def test_models_hold(name):
    assert _violation(PROGRAMS[name], trials=2) <= 1.0


def _without(function):
    """The function with the eps of its arguments forgotten."""
    from dataclasses import replace

    honest = getattr(enclosure, function)

    def weak(*args, **options):
        lost = [replace(a, eps=arb(0)) if isinstance(a, enclosure.Feature) and a.eps is not None else
                [replace(f, eps=arb(0)) for f in a] if isinstance(a, list) else a for a in args]  # fmt: skip
        return honest(*lost, **options)

    return weak


MUTANTS = ("_affine", "plus", "times", "smooth", "product")


@pytest.mark.slow
@pytest.mark.parametrize("function", MUTANTS)
def test_a_dropped_term_is_noticed(function, monkeypatch):
    if function == "product":
        _product = enclosure.product

        def weak(x, y, scale):
            found = _product(x, y, scale)
            if found.eps is None:
                return found
            return enclosure.Feature(found.c, found.J, abs(x.c) * y.eps + abs(y.c) * x.eps)
    else:
        weak = _without(function)
    monkeypatch.setattr(enclosure, function, weak)
    assert max(_violation(p) for p in PROGRAMS.values()) > 1.0


@pytest.mark.parametrize("weak", [False, True])
def test_the_chord_of_a_kink_is_needed(weak):
    import jax.numpy as jnp

    read = enclosure.Program.of(_program(lower_jaxpr(lambda x: jnp.maximum(x, 0.0), 1).to_json()))
    worst = 0.0
    for c in np.linspace(-0.9, 0.9, 19):
        (f,) = enclosure.model(read, [arb(c)], [arb(1)], arb(1), True)
        y = np.linspace(-1, 1, 201)
        off = np.abs(np.maximum(c + y, 0) - float(f.c) - float(f.J[0]) * y).max()
        worst = max(worst, off / (float(f.eps) * (0.9 if weak else 1.0)))
    assert (worst <= 1 + 1e-12) == (not weak)
    (f,) = enclosure.model(read, [arb(0.5)], [arb(1)], arb(1.5), False)
    assert f.eps is None


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "gelu", "erf", "sin", "cos"])
def test_slopes_and_curvatures_on_the_line_are_bounded_sharply(name):
    """The remainder on an interval is r^2/2 sup |phi''| for small and r (sup |phi'| + |phi'(c)|) for large radii."""
    slope, small, large = arb("0.25"), arb(2) ** -40, arb(2) ** 20
    with ctx.workprec(53):
        curvature = (2 * functions.real_remainder(name, small, slope) / small**2).upper()
        steepness = (functions.real_remainder(name, large, slope) / large - slope).upper()
    with mp.workdps(30):
        # As they are: rounded to float64 the bound of erf' can be below 2/sqrt(pi).
        curvature, steepness = (mp.ldexp(*map(int, v.man_exp())) for v in (curvature, steepness))
        points = [mp.mpf(k) / 40 for k in range(-320, 321)]
        first = max(abs(mp.diff(oracle.UNARY[name], z)) for z in points)
        second = max(abs(mp.diff(oracle.UNARY[name], z, 2)) for z in points)
    assert first <= steepness <= 1.002 * first
    assert second <= curvature <= 1.002 * second


def test_the_chord_carries_the_remainder_of_its_argument():
    """z = 0.2 + y + e, |e| <= 1/2: the chord with its band is attained at both ends, and at the kink."""
    z = enclosure.Feature(arb("0.2"), (arb(1),), arb("0.5"))
    f = enclosure.relu(z, arb(1), True)
    y, e = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-0.5, 0.5, 101))
    off = np.abs(np.maximum(0.2 + y + e, 0.0) - float(f.c) - float(f.J[0]) * y).max()
    assert 0.999 * float(f.eps) < off <= float(f.eps) * (1 + 1e-12)


def test_a_layer_of_features_without_bound_has_none_where_it_uses_them():
    from supnorm.program import Node, Program

    weight = np.array([[2.0, 1.0], [0.0, 1.0]])
    nodes = (
        Node("input", (), 2), Node("take", (0,), 1, columns=np.array([0])), Node("log", (1,), 1),
        Node("take", (0,), 1, columns=np.array([1])), Node("concat", (2, 3), 2),
        Node("affine", (4,), 2, weight=weight, bias=np.zeros(2)),
    )  # fmt: skip
    read = enclosure.Program.of(_program(Program(nodes).to_json()))
    for scale, real in ((arb(1), True), (arb(2), False)):
        uses, does_not = enclosure.model(read, [arb(0), arb(3)], [arb(1), arb(1)], scale, real)
        assert uses.eps is None
        assert does_not.eps == 0


def test_factors_scale_the_remainder():
    f = enclosure.Feature(arb(1), (arb(2),), arb("0.25"))
    for factor in (-3, 4):
        g = enclosure.times(f, arb(factor))
        assert (float(g.c), float(g.J[0]), float(g.eps)) == (factor, 2 * factor, abs(factor) / 4)


@pytest.mark.parametrize("op", ["tanh", "sigmoid", "softplus", "silu"])
def test_what_holds_on_the_line_is_no_bound_on_polydiscs(op):
    """Each has a pole at a distance of pi/2 or pi: on the real interval there is a bound, on the disc of 6 none."""
    z = enclosure.Feature(arb(0), (arb(2),), arb(0))
    assert enclosure.smooth(op, z, arb(1), True).eps is not None
    assert enclosure.smooth(op, z, arb(3), False).eps is None


@pytest.mark.parametrize("op", ["sin", "cos", "erf", "gelu"])
def test_remainders_on_polydiscs_hold_in_imaginary_directions(op):
    """Where growth is exponential, which no bound on the line knows."""
    f = enclosure.smooth(op, enclosure.Feature(arb("0.3"), (arb(1),), arb(0)), arb(3), False)
    with mp.workdps(30):
        z = mp.mpc(0, 3)
        there = oracle.UNARY[op](mp.mpf("0.3") + z)
        off = abs(there - mp.mpf(float(f.c)) - mp.mpf(float(f.J[0])) * z)
    assert 1.5 < off <= float(f.eps)
