"""Plain code that JAX reads and NumPy runs: methods of JAX's arrays do not always give what NumPy's give."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn

pytestmark = pytest.mark.watched
total_and_one = operator.methodcaller("sum", axis=1, initial=1.0)


def narrow(x: Any) -> Any:
    """1 at one point, and 0 a millionth beside it, by operators alone."""
    return 2.0 ** -(((x[:, 0] - 0.3217) / 1e-7) ** 2)


def by_a_method(x: Any) -> Any:
    return x[:, 0] + narrow(x) * (0.0 * x).sum(axis=1, initial=1.0)


def by_a_function(x: Any) -> Any:
    return x[:, 0] + narrow(x) * np.sum(0.0 * x, axis=1, initial=1.0)


def by_other_code(x: Any) -> Any:
    return x[:, 0] + narrow(x) * total_and_one(0.0 * x)


class Total:
    """An attribute that calls code of a library."""

    total = property(operator.methodcaller("sum", axis=1, initial=1.0))

    def __init__(self, x: Any) -> None:
        self.sum = (0.0 * x).sum


def by_a_property(x: Any) -> Any:
    return x[:, 0] + narrow(x) * Total(x).total


def by_an_iterator(x: Any) -> Any:
    y = 0.0
    for one in map(functools.partial(np.sum, axis=1, initial=1.0), [0.0 * x]):
        y = one
    return x[:, 0] + narrow(x) * y


def large(x: Any) -> Any:
    """What is left out is small beside what the array is made of."""
    return x[:, 0] + narrow(x) * (1e18 * x - 1e18 * x).sum(axis=1, initial=1.0)


def by_a_context(x: Any) -> Any:
    """A name has the array by ``with``: no expression gives it."""

    class Held:
        __enter__ = staticmethod(functools.partial((0.0 * x).sum, axis=1, initial=1.0))

        def __exit__(self, *error: object) -> None:
            return None

    with Held() as y:
        return x[:, 0] + narrow(x) * y


def by_an_argument(x: Any) -> Any:
    """A library calls the code with an array that it has computed."""
    of_initial = functools.partial((0.0 * x).sum, 1, None, None, False)
    return jax.tree.map(lambda y: x[:, 0] + narrow(x) * y, jax.tree.map(of_initial, {"initial": 1.0}))[
        "initial"
    ]


def beside_a_large_column(x: Any) -> Any:
    """What is left out is small beside another column."""
    both = (x * np.array([1e17, 0.0])).reshape(-1, 2, 1).sum(axis=2, initial=1.0)
    return x[:, 0] + narrow(x) * both[:, 1]


def after_many_constants(x: Any) -> Any:
    """Of so many values of one expression supnorm keeps only some."""
    y = 0.0
    for one in (*[np.zeros((1, 1))] * 1001, 0.0 * x):
        y = one.sum(axis=1, initial=1.0)
    return x[:, 0] + narrow(x) * y


@pytest.mark.parametrize(
    "model",
    [
        *(by_a_method, by_a_function, by_other_code, by_a_property, by_an_iterator, large),
        *(by_a_context, by_an_argument, beside_a_large_column, after_many_constants),
    ],
)
def test_what_a_method_of_jax_leaves_out_is_not_proved(model: Callable[[Any], Any]) -> None:
    problem = sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    if float(jnp.zeros(1).sum(initial=1.0)) == 1.0:  # this JAX heeds it, and the code is read as it runs
        assert sn.certify(problem, tolerance=1e-3).lower > 0.9
        return
    with pytest.raises(sn.BadInput, match="gives something else with arrays of NumPy"):
        sn.certify(problem, tolerance=1e-3)


def test_the_start_of_a_flow_is_compared_where_only_its_rates_are_read_by_numpy() -> None:
    flow = sn.flow(lambda t, y, p: 0.0 * y, lambda p: by_a_method(p)[:, None])
    problem = sn.Problem(lambda x: x[:, 1], flow, sn.Domain(t=(0.0, 1.0), p=(0.0, 1.0)))
    if float(jnp.zeros(1).sum(initial=1.0)) == 1.0:
        assert sn.certify(problem, tolerance=1e-3).status.code != "within-tolerance"
        return
    with pytest.raises(sn.BadInput, match="gives something else with arrays of NumPy"):
        sn.certify(problem, tolerance=1e-3)


def test_honest_code_of_methods_is_read() -> None:
    def total(x: Any, weights: Any) -> Any:
        return (x.cumsum(axis=1) * weights).sum(axis=-1)

    def model(x: Any) -> Any:
        both = x.swapaxes(0, 1).swapaxes(1, 0)
        return total(both, np.array([1e6, -1e6])).clip(-4e6, 4e6) + both.std(axis=1) + both.prod(axis=1)

    def reference(x: Any) -> Any:
        return -1e6 * x[:, 1] + abs(x[:, 0] - x[:, 1]) / 2.0 + x[:, 0] * x[:, 1] + 1e-3

    result = sn.certify(sn.Problem(model, reference, sn.Domain(x=(0.1, 1.0), y=(2.0, 3.0))), tolerance=1e-2)
    assert result.status.code == "within-tolerance"
