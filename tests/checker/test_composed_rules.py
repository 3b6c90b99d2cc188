"""The rules of Chebyshev models in the checker, one by one, as the format states them, where a weaker rule is wrong."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx

from supnorm.checker import composed
from supnorm.checker.composed import Feature, Log
from supnorm.checker.enclosure import Program
from supnorm.checker.node_rows import RHO, Grid
from supnorm.checker.operation import program as read_program
from supnorm.checker.polynomial import along_axes, nodes
from supnorm.program import lower_jaxpr


def _above(value, least):
    assert least * (1 - 1e-12) <= float(value.upper()) <= least * (1 + 1e-9)


def _feature(g, function, rem=0.0):
    points = np.array([[float(v.mid()) for v in row] for row in nodes(g.n, [arb(0)] * g.d, [arb(1)] * g.d)])
    return Feature(g, [arb(float(v)) for v in function(points)], arb(rem))


def _enclosed(f, n, d=1):
    source = lower_jaxpr(f, d)
    return composed.enclose(
        Program.of(read_program(source.to_json())), [arb(0)] * d, [arb(1)] * d, Grid(n, d)
    )


@pytest.mark.parametrize("n", [2, 5, 18])
def test_the_constants_of_interpolation(n):
    g, growth = Grid(n, 3), 2 / math.pi * math.log(n + 1) + 1
    _above(g.along([arb(1), arb(1), arb(1)]), 1 + growth + growth**2)
    _above(g.along([arb(0), arb(0), arb(1)]), growth**2)
    for k, (rho, tail) in enumerate(zip(RHO, g.tail, strict=True)):
        _above(tail, 4 * rho**-n / (rho - 1))
        for i in range(n + 1):
            _above(g.growth[k, i], math.cosh(i * math.log(rho)))


@pytest.mark.parametrize("op", ["exp", "sin", "log"])
def test_a_function_has_the_smallest_of_the_ellipses(op):
    """An independent sum: 4 rho^-n/(rho - 1) R(c, r), one axis after the other."""
    g = Grid(3, 2)
    x = _feature(g, lambda y: 2.0 + 0.3 * y[0] + 0.2 * y[0] * y[1])
    rest = {
        "exp": lambda r: math.exp(2) * (math.expm1(r) - r),
        "sin": lambda r: abs(math.sin(2)) * (math.cosh(r) - 1) + abs(math.cos(2)) * (math.sinh(r) - r),
        "log": lambda r: -math.log1p(-r / 2) - r / 2 if r < 2 else math.inf,
    }[op]
    total, growth = 0.0, 2 / math.pi * math.log(4) + 1
    for j, (fixed, linear) in enumerate([(0.0, 0.5), (0.3, 0.2)]):
        best = min(4 * rho**-3 / (rho - 1) * rest(fixed + linear * (rho + 1 / rho) / 2) for rho in RHO)
        total += growth**j * best
    _above(composed.plain(op, x).rem, total)


def test_a_kink_counts_the_lebesgue_constants_of_all_axes():
    """max(z, 0) for z in [-1.5, 1.5]: s = 1/2, D = 3/4; interpolation may enlarge the distance to the chord."""
    g = Grid(4, 2)
    found = composed.relu(_feature(g, lambda y: 0.5 * y[0] + 0.5 * y[1], 0.5))
    growth = (2 / math.pi * math.log(5) + 1) ** 2
    _above(found.rem, 0.25 + (1 + growth) * 0.375)


def test_the_sign_of_a_kink_is_that_of_the_feature_and_not_of_its_interpolant():
    g = Grid(4, 1)
    positive = composed.relu(_feature(g, lambda y: 1.1 + y[0], 0.2))
    negative = composed.relu(_feature(g, lambda y: -1.1 + y[0], 0.2))
    assert float(positive.rem) > 0.2
    assert float(negative.rem) > 0.0


def test_an_interval_by_the_logarithm_holds_feature_and_interpolant():
    """The feature is e^u, u in [-1, 1]; its interpolant may be further out, by the remainder."""
    g = Grid(3, 1)
    u = _feature(g, lambda y: y[0])
    x = Feature(g, _feature(g, lambda y: np.exp(y[0])).row, arb(0.25), Log(lambda: u))
    low, high = x.span()
    assert math.exp(-1) - 0.251 <= float(low) <= math.exp(-1) - 0.25
    assert float(high) >= max(float(v) for v in x.row) + 0.25


def test_the_quotient_of_another_difference_is_no_relative_error():
    """(f - g)/h, h like g in nothing: e^(log f - log g) says nothing about it."""
    (same,) = _enclosed(lambda x: (jnp.exp(0.1 * x) - jnp.exp(2.0 * x)) / jnp.exp(2.0 * x), 3)
    (other,) = _enclosed(lambda x: (jnp.exp(2.1 * x) - jnp.exp(2.0 * x)) / jnp.exp(-2.0 * x), 3)
    a = np.array([float(v.mid()) for v in along_axes(other.grid.transform, other.row, 1)])
    y = np.linspace(-1, 1, 2001)
    value = (np.exp(2.1 * y) - np.exp(2.0 * y)) * np.exp(2.0 * y)
    off = np.abs(value - np.polynomial.chebyshev.chebval(y, a)).max()
    assert off <= float(other.rem.upper())
    assert off > 1e-2
    (alone,) = _enclosed(lambda x: jnp.exp(-1.9 * x), 3)
    assert float(same.rem) <= float(alone.rem) * (1 + 1e-9)  # the rule for its own difference is used


def test_a_sum_with_a_feature_without_bound_has_none():
    """1/x has finite values at the four nodes, and a pole between them."""
    both = lambda x: jnp.stack([1.0 / x[:, 0], x[:, 0]], 1)  # noqa: E731
    (used,) = _enclosed(lambda x: both(x) @ jnp.array([[0.5], [2.0]]), 3)
    (unused,) = _enclosed(lambda x: both(x) @ jnp.array([[0.0], [2.0]]), 3)
    assert used.rem is None
    assert unused.rem is not None


@pytest.mark.parametrize(
    ("op", "p"), [("log", None), ("sqrt", None), ("reciprocal", None), ("pow", 1.5), ("pow", -2.0)]
)
def test_there_is_no_bound_where_the_remainder_reaches_what_is_undefined(op, p):
    g = Grid(4, 1)
    assert composed.plain(op, _feature(g, lambda y: 1.2 + y[0], 0.1), p).rem is not None
    assert composed.plain(op, _feature(g, lambda y: 1.2 + y[0], 0.21), p).rem is None


def test_a_logarithm_is_made_of_positive_features_alone():
    g = Grid(4, 1)
    assert composed._positive_log(_feature(g, lambda y: 1.2 + y[0], 0.21)) is None
    assert composed._positive_log(_feature(g, lambda y: -2.0 + y[0])) is None
    known = composed._positive_log(_feature(g, lambda y: 3.0 + y[0], 0.21))
    assert known is not None
    assert known.rem is not None


@pytest.mark.parametrize(("op", "p"), [("exp", None), ("sqrt", None), ("pow", 3.0), ("reciprocal", None)])
def test_a_remainder_is_carried_by_the_largest_slope(op, p):
    """Linear arguments of degree 12: almost nothing but the slope at the worse end, of feature and interpolant."""
    g, rem = Grid(12, 1), 1e-3
    found = composed.plain(op, _feature(g, lambda y: 3.0 + y[0], rem), p)
    low, high = 2.0 - rem, 4.0 + rem
    slope = {
        "exp": math.exp(high),
        "sqrt": 0.5 / math.sqrt(low),
        "pow": 3 * high**2,
        "reciprocal": low**-2,
    }[op]
    assert slope * rem <= float(found.rem) <= 1.01 * slope * rem


@pytest.mark.parametrize("name", ["max", "min", "abs", "leaky"])
def test_kinks_have_the_values_of_their_functions(name):
    functions = {
        "max": (lambda x: jnp.maximum(x, 0.3 - x), lambda y: np.maximum(y, 0.3 - y)),
        "min": (lambda x: jnp.minimum(x, 0.3 - x), lambda y: np.minimum(y, 0.3 - y)),
        "abs": (lambda x: jnp.abs(x - 0.3), lambda y: np.abs(y - 0.3)),
        "leaky": (lambda x: jnp.where(x >= 0, x, 0.2 * x), lambda y: np.where(y >= 0, y, 0.2 * y)),
    }
    traced, plain = functions[name]
    (found,) = _enclosed(traced, 4)
    y = np.cos((2 * np.arange(5) + 1) * np.pi / 10)
    assert [float(v.mid()) for v in found.row] == pytest.approx(plain(y).tolist(), abs=1e-12)


@pytest.mark.parametrize(
    ("f", "rate"),
    [
        (lambda x: jnp.exp(x) ** 3.0, 3.0),
        (lambda x: jnp.sqrt(jnp.exp(6.0 * x)), 3.0),
        (lambda x: 1.0 / jnp.exp(3.0 * x), -3.0),
        (lambda x: jnp.exp(3.0 * x) * jnp.exp(x), 4.0),
    ],
)
def test_powers_of_exponentials_have_the_remainder_of_their_own_exponent(f, rate):
    (found,) = _enclosed(f, 3)
    a = np.array([float(v.mid()) for v in along_axes(found.grid.transform, found.row, found.grid.d)])
    y = np.linspace(-1, 1, 2001)
    off = np.abs(np.exp(rate * y) - np.polynomial.chebyshev.chebval(y, a)).max()
    (same,) = _enclosed(lambda x: jnp.exp(rate * x), 3)
    assert off <= float(found.rem) <= float(same.rem) * (1 + 1e-9)


@pytest.fixture(autouse=True)
def _bits():
    old, ctx.prec = ctx.prec, 80
    yield
    ctx.prec = old
