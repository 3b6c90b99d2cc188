"""Powers that code computes by products: their rounding is within the bound that is stated, of every kind of model."""

from math import comb

import mpmath as mp
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certify, composed_relative
from supnorm.certification.composed_enclosure import apply, variables
from supnorm.certification.composed_grid import grid
from supnorm.certification.composed_relative import Relative
from supnorm.certification.propagation import propagate
from supnorm.certification.rounding import U, of_function
from supnorm.program import Node, Program

POWERS = (31, 127, 255, -63)


def _off(p):
    """What x^p by JAX is off near 1, relative to its value."""
    x = 1.0 + 1e-7 * np.random.default_rng(0).random(2000)
    found = sn.from_jax(lambda z: z[:, 0] ** p).value(x[:, None])[:, 0]
    with mp.workdps(60):
        return max(abs(float(mp.mpf(v) / mp.mpf(z) ** p - 1)) for v, z in zip(found, x, strict=True))


@pytest.mark.parametrize("p", POWERS)
def test_products_are_off_by_more_than_a_library_and_less_than_assumed(p):
    assert of_function("exp") < _off(p) <= of_function("pow", float(p))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("p", POWERS)
def test_models_of_powers_have_room_for_products(p):
    """An argument near 1 that is exact."""
    program = Program((Node("input", (), 1), Node("pow", (0,), 1, parameter=float(p))))
    one, tiny = np.ones((1, 1)), np.full((1, 1), 1e-7)
    assert propagate(program, one, tiny, np.ones(1))[0].err[0, 0] >= _off(p)
    start = variables(one, tiny, grid(3, 1))
    start.err[:] = 0.0
    assert apply(program.nodes[1], [start], start).err[0, 0] >= _off(p)
    exact = Relative.of(*(np.zeros((1, 1)),) * 3)
    assert composed_relative.of_power(exact, float(p)).off[0, 0] >= _off(p)


def test_powers_of_a_library_keep_their_bound():
    assert {of_function("pow", p) for p in (2.0, 0.5, -0.5, 16.0, -15.0, 100.5)} == {16.0 * U}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("p", [127, 255])
def test_a_float64_error_is_within_bound_and_rounding(p):
    """The argument is off by one unit, which the power multiplies by p, and its products add as much again."""
    scale = 1e-7
    taylor = [comb(p, k) * scale**k for k in range(6)]

    def series(x):
        y = taylor[5]
        for c in taylor[4::-1]:
            y = y * x[:, 0] + c
        return y

    power = sn.from_jax(lambda x: (1.0 + scale * x[:, 0]) ** p)
    problem = sn.Problem(power, sn.from_jax(series), sn.Domain(x=(0.0, 1.0)))
    result = certify(problem, 2.0, boxes=100)
    x = np.random.default_rng(0).random((50_000, 1))
    seen = np.abs(problem.model.value(x) - problem.reference.value(x)).max()
    assert 150 * p / 127 * U < seen <= result.upper + result.rounding <= 3.0 * seen
