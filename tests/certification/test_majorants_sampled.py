"""Majorants against values at a quarter of a million points: discs of all sizes, far from zero and near it.

Each is nearly attained somewhere in the sample, so that one a few per cent smaller does not hold. Values are those of
complex float64; what their rounding explains is subtracted.
"""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest
from scipy import special

from supnorm.certification import certify, majorants
from supnorm.problem import Domain, Problem

# The functions are real on the line: half a circle is enough.
Z = np.exp(1j * np.pi * np.linspace(0.0, 1.0, 65))
SIZES = np.geomspace(0.01, 30.0, 60)
CENTRES, RADII = np.concatenate([[-600.0, -100.0, 0.0], SIZES, -SIZES]), np.geomspace(0.03, 30.0, 61)
POWERS = (2.0, 3.0, 5.0, -1.0, -2.0, -2.5, -0.5, 0.5, 1.7, 2.6, 4.5)
U = 2.0**-53


def _logistic(z):
    return 1.0 / (1.0 + np.exp(-z))


def _softplus(z):
    w = np.exp(np.where(z.real > 0, -z, z))  # NumPy's complex log1p loses small numbers
    log1p = 0.5 * np.log1p(2.0 * w.real + np.abs(w) ** 2) + 1j * np.arctan2(w.imag, 1.0 + w.real)
    return np.where(z.real > 0, z, 0.0) + log1p


def _normal(z):
    return 0.5 * special.erfc(-z / np.sqrt(2.0))


def _density(c):
    return np.exp(-0.5 * c * c) / np.sqrt(2.0 * np.pi)


def _bell(c):
    return 0.25 / np.cosh(0.5 * c) ** 2


FUNCTIONS = {  # value and slope
    "tanh": (np.tanh, lambda c: 1.0 / np.cosh(c) ** 2),
    "sigmoid": (_logistic, _bell),
    "softplus": (_softplus, special.expit),
    "silu": (lambda z: z * _logistic(z), lambda c: special.expit(c) + c * _bell(c)),
    "gelu": (lambda z: z * _normal(z), lambda c: special.ndtr(c) + c * _density(c)),
    "erf": (special.erf, lambda c: 2.0 / np.sqrt(np.pi) * np.exp(-c * c)),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda c: -np.sin(c)),
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda c: 1.0 / c),
    "sqrt": (np.sqrt, lambda c: 0.5 / np.sqrt(c)),
    "reciprocal": (lambda z: 1.0 / z, lambda c: -1.0 / c**2),
}


def _worst(value, slope, bound):
    """The largest |f(c + zeta) - f(c) - f'(c) zeta| over its bound, without rounding; ``slope`` None for increments."""
    c, r = (v.ravel() for v in np.meshgrid(CENTRES, RADII))
    with np.errstate(all="ignore"):
        allowed = bound(c, r)
        known = np.isfinite(allowed) & (allowed > 1e-290)
        c, r, allowed = c[known], r[known], allowed[known]
        zeta, middle = r[:, None] * Z, value(c + 0j)[:, None]
        line = 0.0 if slope is None else slope(c)[:, None] * zeta
        there = value(c[:, None] + zeta)
        lost = 40.0 * U * (np.abs(there) + np.abs(middle) + np.abs(line))
        off = np.nan_to_num(np.abs(there - middle - line) - lost).max(1)
    assert known.sum() > 1000
    return float((off / allowed).max())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_remainders_are_nearly_attained_and_never_exceeded(name):
    assert 0.96 < _worst(*FUNCTIONS[name], majorants.REMAINDER[name]) <= 1.0


@pytest.mark.parametrize("p", POWERS)
def test_remainders_of_powers(p):
    worst = _worst(
        lambda z: z**p, lambda c: p * c ** (p - 1.0), lambda c, r: majorants.REMAINDER["pow"](c, r, p)
    )
    assert 0.99 < worst <= 1.0


@pytest.mark.parametrize("form", ["tanh_near", "tanh_far"])
def test_both_forms_of_tanh(form):
    assert 0.98 < _worst(*FUNCTIONS["tanh"], getattr(majorants, form)) <= 1.0


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_increments(name):
    bound = {"tanh": majorants.tanh_increment, "sigmoid": majorants._sigmoid_increment}[name]
    assert 0.99 < _worst(FUNCTIONS[name][0], None, bound) <= 1.0


FAR = [  # where a factor of the bound underflows and the remainder does not
    ("exp", -746.0, 599.0, ()), ("exp", -1000.0, 500.0, ()), ("sigmoid", -800.0, 500.0, ()),
    ("silu", -800.0, 500.0, ()), ("gelu", -39.0, 13.0, ()), ("reciprocal", 1e155, 1e150, ()),
    ("pow", 1e160, 1e153, (-1.5,)), ("pow", 1e30, 1e29, (-9.0,)), ("pow", 1e30, 1e29, (-9.5,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "c", "r", "extra"), FAR)
def test_factors_that_underflow(name, c, r, extra):
    bound = float(majorants.REMAINDER[name](np.array([c]), np.array([r]), *extra)[0])
    with mp.workdps(400):

        def f(z):
            return oracle.UNARY[name](z, *extra)

        # No derivative by differences: the second difference is at most twice the remainder.
        zeta = [mp.mpf(r) * z for z in (1, mp.mpc(0, 1), mp.mpc(0.6, 0.8))]
        found = max(abs(f(c + z) - 2 * f(mp.mpf(c)) + f(c - z)) / 2 for z in zeta)
    assert 1e-290 < found <= bound


NONE = [  # discs with a singularity inside, around or beside them, and bounds above the largest float
    ("log", 1.0, 1.5, ()), ("log", -2.0, 0.5, ()), ("log", 0.5, 0.5, ()), ("sqrt", 1.0, 1.5, ()), ("sqrt", -2.0, 0.5, ()),
    ("reciprocal", 1.0, 2.0, ()), ("reciprocal", -1.0, 1.0, ()), ("pow", 1.0, 1.5, (-2.0,)), ("pow", -1.0, 0.5, (1.5,)),
    ("pow", 1.0, 1.0, (1.5,)), ("tanh", 0.0, 1.58, ()), ("tanh", 1.0, 2.5, ()), ("exp", 712.0, 1.0, ()),
    ("exp", 0.0, 710.0, ()), ("sin", 1.0, 700.0, ()), ("cos", 1.0, 700.0, ()), ("erf", 0.0, 40.0, ()),
    ("gelu", 0.0, 40.0, ()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "c", "r", "extra"), NONE)
def test_no_bound_is_said(name, c, r, extra):
    with np.errstate(all="ignore"):
        assert majorants.REMAINDER[name](np.array([c]), np.array([r]), *extra)[0] == np.inf


def test_what_is_no_number_is_no_bound():
    assert majorants._guard(np.array([np.nan, 1.0]), np.array([True, False])).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("scale", [1.0, 1e60])
def test_a_function_that_underflows_in_the_middle_of_its_box(scale):
    """e^-x on [147, 1345] had a bound of zero: e^-746 is none of float64's numbers."""
    problem = Problem(lambda x: jnp.exp(-x) * scale, lambda x: 0.0 * x, Domain(x=(147.0, 1345.0)))
    result = certify(problem, ratio=1.1)
    assert result.status.code == "proved"
    assert 0.9 * result.upper <= scale * np.exp(-147.0) <= result.upper
