"""Honest files of extreme problems are accepted: centres that float64 rounds, exponentials beyond all balls."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import arb, arb_poly

from supnorm.certification import certify
from supnorm.checker import check
from supnorm.checker.enclosure import Feature, smooth
from supnorm.checker.functions import range_of, range_on, value_and_slope
from supnorm.checker.graded import Graded
from supnorm.checker.graded import smooth as graded_smooth
from supnorm.problem import Domain, Problem

CASES = {  # rejected before: "proved no bound", or a larger bound than claimed
    "softplus, 4e125": (jax.nn.softplus, 1.0, (4.18643e125, 4.18645e125)),
    "silu, 1e71": (jax.nn.silu, 1.0, (2.89762e71, 2.89763e71)),
    "silu of 1e38 x": (jax.nn.silu, 1.56e38, (38.4348, 106.844)),
    "sigmoid of 1e51 x": (jax.nn.sigmoid, 1.82e51, (1.2e7, 1.2e7 + 10)),
    "softplus of 5e65 x": (jax.nn.softplus, 5.45e65, (-741.033, 512.989)),
    "cos, 1e131": (jnp.cos, 1.0, (3.794e131, 3.7941e131)),
    "cos of 2e9 x": (jnp.cos, 2.33e9, (4448.69, 4458.69)),
    "sin of 1e55 x": (jnp.sin, 2.22e55, (-0.0480694, 0.033874)),
    "sin, 1e111": (jnp.sin, 1.0, (1e111, 3e111)),
    "erf of 1e56 x": (jax.scipy.special.erf, 1e56, (0.3, 1.7)),
    "gelu of 1e30 x": (lambda z: jax.nn.gelu(z, approximate=False), 1e30, (-2.0, 3.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_honest_files_of_extreme_problems_are_accepted(name, tmp_path):
    function, factor, ends = CASES[name]
    problem = Problem(lambda x: function(factor * x), lambda x: 0.001 * function(factor * x), Domain(x=ends))
    result = certify(problem, ratio=1.1, seconds=0.3)
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason
    assert verdict.upper == result.upper


GRADED = {
    "tanh": (jnp.tanh, 4.1e130, (-0.0012, -0.0005)),
    "gelu": (lambda z: jax.nn.gelu(z, approximate=False), 3.85e28, (-0.0034, 0.0014)),
    "sigmoid": (jax.nn.sigmoid, 5.42e126, (-0.038, 0.03)),
    "erf": (jax.scipy.special.erf, 2.96e30, (0.0443793, 0.054671)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GRADED)
def test_graded_files_of_extreme_problems_are_accepted(name, tmp_path):
    """Ellipses so flat that rho - 1 is lost in 80 bits."""
    function, factor, ends = GRADED[name]
    problem = Problem(
        lambda x: function(factor * x[:, :1]) + 0.3 * function(factor * x[:, 1:2]) + 0.1 * function(factor * x[:, 2:]),
        lambda x: 0.001 * function(factor * x[:, :1]), Domain(x=ends, y=ends, z=ends),
    )  # fmt: skip
    result = certify(problem, ratio=1.1, seconds=0.3)
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


@pytest.mark.parametrize("op", ["sigmoid", "softplus", "silu", "gelu"])
def test_values_and_slopes_hold_the_true_ones_however_large(op):
    true = {
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: z + mpmath.log1p(mpmath.exp(-z)) if z > 0 else mpmath.log1p(mpmath.exp(z)),
        "silu": lambda z: z / (1 + mpmath.exp(-z)),
        "gelu": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    }[op]
    with mpmath.workdps(60):
        for z in (0.0, 1e-20, 0.3, -0.3, 5.0, -5.0, 40.0, -40.0, 700.0, -700.0, 1e4, -1e4, 1e18, 1e25, 1e95):
            v, s = value_and_slope(op, arb(z))
            assert v.is_finite()
            assert s.is_finite()
            step = mpmath.mpf(10) ** -25 * max(1, abs(z))
            slope = (true(mpmath.mpf(z) + step) - true(mpmath.mpf(z) - step)) / (2 * step)
            for ball, exact, room in ((v, true(mpmath.mpf(z)), 0), (s, slope, mpmath.mpf(10) ** -20)):
                low, high = (mpmath.mpf(e.mid().str(50, radius=False)) for e in (ball.lower(), ball.upper()))
                wide = mpmath.mpf(10) ** -40 * (1 + abs(exact)) + room
                assert low - wide <= exact <= high + wide, (op, z)
                assert high - low <= mpmath.mpf(10) ** -5 * (1 + abs(exact)), (op, z)


@pytest.mark.parametrize("z", [-20.0, -45.0, -352.0, -700.0, 45.0, 700.0])
def test_softplus_of_large_numbers_keeps_its_digits(z):
    """The logarithm of 1 + exp(z) had none of them, and a true certificate of a difference of 2e-20 was rejected."""
    value, _ = value_and_slope("softplus", arb(z))
    assert value.rel_accuracy_bits() > 40


@pytest.mark.parametrize("op", ["tanh", "erf", "sin", "cos", "sigmoid"])
def test_the_range_of_a_bounded_function_is_that_of_its_values(op):
    middle, half = range_of(op)
    wide = Feature(arb(0.3), (arb(1e9),), arb(1e7))
    found = smooth(op, wide, arb(1), real=True)
    assert (found.c - middle) == 0
    assert found.eps == half
    assert all(j == 0 for j in found.J)
    values = [value_and_slope(op, arb(float(z)))[0] for z in np.linspace(-50, 50, 2001)]
    assert all(abs(v - middle) <= half + arb(2) ** -45 for v in values)
    assert max(float(abs(v - middle).mid()) for v in values) > 0.999 * float(half)  # and no wider
    on_a_disc = smooth(op, wide, arb(1), real=False)
    assert on_a_disc.eps is None or on_a_disc.eps > 1e6  # off the real line they are not bounded
    narrow = smooth(op, Feature(arb(0.3), (arb(1e-3),), arb(0)), arb(1), real=True)
    assert narrow.eps < 1e-5


@pytest.mark.parametrize("op", ["tanh", "erf", "sin", "cos", "sigmoid"])
def test_what_is_no_number_has_no_range(op):
    """The sine of the logarithm of -1 is not within [-1, 1]: there is none."""
    for c, eps in ((arb("nan"), arb(1)), (arb(0), arb("inf")), (arb("inf"), arb(1)), (arb(0), None)):
        found = smooth(op, Feature(c, (arb(1),), eps), arb(1), real=True)
        assert found.eps is None or not found.eps.is_finite(), (c, eps)
        whole = Graded(c, (arb(1),), (arb(0),), arb_poly([]), eps)
        model = graded_smooth(op, whole)
        assert model.rem is None or not model.rem.is_finite(), (c, eps)


def test_functions_without_a_range_have_none():
    assert all(range_of(op) is None for op in ("exp", "softplus", "silu", "gelu", "sqrt", "log", "pow"))


def test_the_range_of_erfc_on_an_interval_has_its_values():
    generator = np.random.default_rng(4)
    for _ in range(300):
        low = float(generator.normal() * 10.0 ** generator.uniform(-2, 3))
        high = low + 10.0 ** float(generator.uniform(-3, 3))
        middle, half = range_on("erfc", arb(low), arb(high))
        for part in (0.0, 0.3, 1.0):
            value = (arb(low) + part * (arb(high) - arb(low))).erfc()
            assert not abs(value - middle) > half  # of balls: it is not certainly outside
    assert range_on("erfc", arb(1e25), arb(1e26))[1] < 1e-300
    assert range_on("tanh", arb(1), arb(2)) == (0, 1)
