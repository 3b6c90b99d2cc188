"""Derived programs: their values, and the same expressions as the checker derives on its own."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.checker.derived import Derivation, same_expression
from supnorm.checker.operation import program as read_program
from supnorm.program import Unsupported, program_of
from supnorm.program.derived import derivative, difference, outputs, square_of_gradient, substituted

FUNCTIONS = {
    "products": lambda x: x[:, 0] * x[:, 1] * jnp.exp(x[:, 0]) - x[:, 1] / x[:, 0],
    "quotient of a constant": lambda x: 2.0 / x[:, 0] + x[:, 1] - 1.0 / (1.0 + x[:, 1] ** 2),
    "powers": lambda x: x[:, 0] ** 2.5 + x[:, 1] ** 3 + x[:, 0] ** -1.0 + x[:, 1] ** 0.1 + x[:, 0] ** 1.0,
    "roots and logarithms": lambda x: jnp.sqrt(x[:, 0]) * jnp.log(x[:, 1]) - jnp.cos(x[:, 0] * x[:, 1]),
    "trigonometry": lambda x: -jnp.sin(3.0 * x[:, 0]) * jnp.cos(x[:, 1]),
    "tanh": lambda x: jnp.tanh(x @ jnp.array([[1.0, 2.0], [-1.0, 0.5]]) + 0.1) @ jnp.array([1.0, -2.0]),
    "sigmoid": lambda x: jax.nn.sigmoid(x[:, 0]) * x[:, 1],
    "softplus": lambda x: jax.nn.softplus(x[:, 0] - x[:, 1]),
    "silu": lambda x: jax.nn.silu(x[:, 0] * x[:, 1]),
    "gelu_tanh": lambda x: jax.nn.gelu(x[:, 0] - 0.3 * x[:, 1]),
    "constant": lambda x: 0.0 * x[:, 0] + 3.0,
    "one input only": lambda x: jnp.stack([x[:, 0] ** 2, jnp.exp(x[:, 1])], axis=1),
    "an input": lambda x: x[:, 1:],
}
X = np.random.default_rng(1).uniform(0.3, 2.0, (40, 2))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_differences_and_of_the_checker(name):
    program = program_of(FUNCTIONS[name], 2)
    operations = read_program(program.to_json())
    for first in range(2):
        once = derivative(program, first)
        e = 1e-6 * np.eye(2)[first]
        slope = (program.value(X + e) - program.value(X - e)) / 2e-6
        assert np.allclose(once.value(X), slope, rtol=2e-7, atol=2e-7)
        derived = Derivation().partial(operations, first)
        assert same_expression(derived, read_program(once.to_json()))
        for second in range(2):
            twice = derivative(once, second)
            f = 1e-6 * np.eye(2)[second]
            bend = (once.value(X + f) - once.value(X - f)) / 2e-6
            assert np.allclose(twice.value(X), bend, rtol=2e-6, atol=2e-6)
            assert same_expression(Derivation().partial(derived, second), read_program(twice.to_json()))


def test_other_derived_programs():
    two, outer = program_of(FUNCTIONS["one input only"], 2), program_of(FUNCTIONS["products"], 2)
    y = two.value(X)
    inside = substituted(outer, [outputs(two, [1]), outputs(two, [0])])
    assert np.allclose(inside.value(X), outer.value(y[:, ::-1]), rtol=1e-14)
    assert np.allclose(difference(outer, np.array([0.5])).value(X), outer.value(X) - 0.5)
    assert np.allclose(difference(outer, inside).value(X), outer.value(X) - inside.value(X))
    square = sum(derivative(outer, j).value(X) ** 2 for j in range(2))
    assert np.allclose(square_of_gradient(outer).value(X), square, rtol=1e-12)
    derive, a, b = Derivation(), read_program(two.to_json()), read_program(outer.to_json())
    again = derive.insert(b, [derive.pick(a, [1]), derive.pick(a, [0])])
    pairs = [
        (again, inside),
        (derive.less_numbers(b, [0.5]), difference(outer, np.array([0.5]))),
        (derive.less(b, again), difference(outer, inside)),
        (derive.steepness(b), square_of_gradient(outer)),
        (derive.insert(b, [a]), substituted(outer, [two])),
    ]
    for mine, other in pairs:
        assert same_expression(mine, read_program(other.to_json()))
    assert not same_expression(pairs[0][0], pairs[4][0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.abs(x[:, 0]),
        lambda x: jax.nn.relu(x[:, 0]),
        lambda x: jnp.maximum(x[:, 0], x[:, 1]),
        lambda x: jax.scipy.special.erf(x[:, 0]),
        lambda x: jax.nn.gelu(x[:, 0], approximate=False),
    ],
)
def test_what_has_no_exact_derivative_is_refused_by_name(function):
    with pytest.raises(Unsupported, match="in a derivative"):
        derivative(program_of(function, 2), 0)
