"""Each rule of Chebyshev models carries the rounding errors and remainders of its arguments, and adds its own."""

import math
import sys
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

from supnorm.certification import composed_logs, composed_model
from supnorm.certification.composed_certificate import composed_range, remainder_loss, rounding_loss
from supnorm.certification.composed_grid import grid
from supnorm.certification.composed_model import ChebyshevModel, Log
from supnorm.certification.rounding import U
from supnorm.program import Node
from supnorm.program.discrepancies import Discrepancy
from supnorm.program.operations import UNARY

enclosure = sys.modules["supnorm.certification.composed_enclosure"]
ERR, REM = 1e-3, 1e-2


def _model(values, n=4, err=0.0, rem=0.0):
    """One feature of one input on one box, by a function of the nodes."""
    g = grid(n, 1)
    v = np.asarray(values(g.nodes[:, 0]), dtype=float) + np.zeros(n + 1)
    return ChebyshevModel(g, v[None, None], np.full((1, 1, 1), rem), np.full((1, 1), err))


RULES = {  # the rule, and by how much it multiplies what its argument, between 2 and 4, carries
    "affine": (lambda x: composed_model.affine(x, np.array([[-3.0]]), np.array([1.0])), 3.0),
    "add": (lambda x: composed_logs.add(x, x), 2.0),
    "subtract": (lambda x: composed_logs.subtract(x, x), 2.0),
    "scale": (lambda x: composed_model.scale(x, -5.0), 5.0),
    "multiply": (lambda x: composed_logs.multiply(x, x), 8.0),
    "divide": (lambda x: composed_logs.divide(_model(lambda y: 1.0 + 0.0 * y), x), 0.25),
    "exp": (lambda x: composed_logs.smooth("exp", x), math.exp(4.0)),
    "log": (lambda x: composed_logs.smooth("log", x), 0.5),
    "power": (lambda x: composed_logs.smooth("pow", x, -1.5), 1.5 * 2.0**-2.5),
    "relu": (composed_model.relu, 1.0),
    "abs": (enclosure.absolute, 1.0),
    "leaky_relu": (lambda x: enclosure.leaky_relu(x, 0.3), 1.0),
    "gelu_tanh": (enclosure.gelu_tanh, 0.9),
}


@pytest.mark.parametrize("name", RULES)
def test_rounding_and_remainders_of_arguments_are_carried(name):
    rule, factor = RULES[name]
    found = rule(_model(lambda y: 3.0 + y, err=ERR, rem=REM))
    assert found.err[0, 0] >= factor * ERR
    assert found.rem[0, 0, 0] >= factor * REM


@pytest.mark.parametrize("name", RULES)
def test_each_rule_adds_its_own_rounding(name):
    if name not in ("relu", "abs"):
        found = RULES[name][0](_model(lambda y: 3.0 + y))
        assert found.err[0, 0] >= 0.5 * U * np.abs(found.values).max()


def test_functions_have_no_bound_where_a_node_has_no_value():
    for op, values in (("log", lambda y: y), ("sqrt", lambda y: y - 0.9), ("reciprocal", lambda y: 0.0 * y)):
        found = composed_model.smooth(op, _model(values))
        assert np.isinf(found.rem).all()
        assert np.isinf(found.err).all()


def test_rounding_enters_the_sizes_and_the_bound():
    x = _model(lambda y: 0.5 * y, err=ERR)
    assert x.sizes.reach[0, 0] >= 0.5 + ERR
    assert rounding_loss(x)[0, 0] >= x.grid.lebesgue * ERR
    low, high = composed_range(x, remainder_loss(replace(x, rem=x.rem + REM)), 0)
    assert low[0, 0] <= -0.5 - REM - ERR
    assert high[0, 0] >= 0.5 + REM + ERR


def test_nodes_are_within_their_rounding():
    g = grid(7, 1)
    centre, half = np.array([[1e8 + 0.3], [3.0], [1e-300]]), np.array([[0.7], [1e-9], [1e-301]])
    found = enclosure.variables(centre, half, g)
    with mp.workdps(40):
        for box in range(3):
            for i in range(8):
                node = mp.cos(mp.pi * (2 * i + 1) / 16)
                exact = mp.mpf(centre[box, 0]) + mp.mpf(half[box, 0]) * node
                assert abs(exact - mp.mpf(found.values[box, 0, i])) <= found.err[box, 0]


def test_what_a_runtime_adds_is_rounding():
    x = _model(lambda y: 3.0 + y)
    node = Node("sin", (0,), 1, discrepancies=(Discrepancy(0.25, 0.5),))
    assert enclosure.apply(node, [x], x).err[0, 0] >= 0.25 + 0.5 * 4.0
    of_value = Node("exp", (0,), 1, discrepancies=(Discrepancy(value=0.25),))
    assert enclosure.apply(of_value, [x], x).err[0, 0] >= 0.25 * math.exp(4.0)
    moved = Node("exp", (0,), 1, discrepancies=(Discrepancy(moved=0.125),))
    assert enclosure.apply(moved, [x], x).err[0, 0] >= math.exp(4.5) - math.exp(4.0)
    branch = Node("softplus", (0,), 1, discrepancies=(Discrepancy(0.25, above=2.0),))
    assert enclosure.apply(branch, [x], x).err[0, 0] < 0.25  # the error program has room for branches


@pytest.mark.parametrize("value", [1e-300, 0.1, 0.9999999, 3.0, 1e300])
def test_the_logarithm_of_a_constant_is_within_its_rounding(value):
    kept = composed_logs.constant(np.array([value]), _model(lambda y: y)).log
    with mp.workdps(40):
        off = abs(mp.log(mp.mpf(value)) - mp.mpf(kept.values[0, 0, 0]))
        assert off <= kept.err[0, 0]
        assert off <= kept.sizes.reach[0, 0]


def test_an_interval_by_the_logarithm_holds_feature_and_interpolant():
    u = _model(lambda y: y)
    x = replace(_model(np.exp, rem=0.25, err=ERR), logs=(Log(lambda: u),))
    middle, radius = x.span
    assert middle[0, 0] - radius[0, 0] <= math.exp(-1.0) - 0.25 - ERR
    assert middle[0, 0] + radius[0, 0] >= math.e + 0.25 + ERR
    assert radius[0, 0] <= 0.5 * (math.e - math.exp(-1.0)) + 0.26  # and is not wider than that


def test_a_size_is_the_feature_itself_only_where_that_is_certain():
    sure, crossing = _model(lambda y: 1.3 + y, rem=0.2), _model(lambda y: 1.1 + y, rem=0.2)
    assert enclosure.absolute(sure).rem[0, 0, 0] == pytest.approx(0.2)
    assert enclosure.absolute(crossing).rem[0, 0, 0] > 0.21
    assert composed_model.relu(crossing).rem[0, 0, 0] > 0.21


def test_the_quotient_of_another_difference_is_no_relative_error():
    """(f - g)/h, h like g in nothing."""
    f, g, h = (composed_logs.smooth("exp", _model(lambda y, k=k: k * y, n=3)) for k in (2.1, 2.0, -2.0))
    found = composed_logs.divide(composed_logs.subtract(f, g), h)
    y = np.linspace(-1.0, 1.0, 2001)
    a = found.grid.coefficients(found.values)[0, 0]
    value = (np.exp(2.1 * y) - np.exp(2.0 * y)) * np.exp(2.0 * y)
    off = np.abs(value - np.polynomial.chebyshev.chebval(y, a)).max()
    assert 1e-2 < off <= found.rest[0, 0]


def test_the_composed_gelu_has_the_values_of_the_operation():
    x = _model(lambda y: 1.0 + 0.3 * y)
    found = enclosure.gelu_tanh(x)
    assert np.abs(found.values - UNARY["gelu_tanh"](x.values)).max() <= 2.0 * found.err[0, 0] <= 1e-9


@pytest.fixture(autouse=True)
def _as_in_enclose():
    with np.errstate(all="ignore"):
        yield
