"""Code of plain arrays that only JAX can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.program import Unsupported, program_of
from supnorm.program.run_plainly import demand_as_jax_reads
from supnorm.program.watched import Unlike

Array = NDArray[np.float64]
W, V = np.random.default_rng(0).normal(size=(2, 6)), np.random.default_rng(1).normal(size=(6, 6))


def narrow(x: Array) -> Array:
    """Nearly 0 but for one point in a million, so that no comparison of values meets it."""
    return 1.0 / (1.0 + 1e14 * (x[:, 0] - 0.3217) ** 2) ** 4


def by_a_view(x: Array) -> Array:
    s = x.cumsum(axis=1)
    first = s[:, 0]
    first += narrow(x)
    return 2.0 * s[:, 0]


def its_argument(x: Array) -> Array:
    y = x
    x.cumsum(axis=1)
    x *= 1.0 + narrow(x)[:, None]
    return y[:, 0]


def told_of_an_underflow(x: Array) -> Array:
    x = x.real
    y = np.float64(2.0) * x[:, 0]
    c = (1.0 - 1e14 * (x[:, 0] - 0.3217) ** 2).clip(0.0)
    try:
        with np.errstate(under="raise"):
            (c * 1e-200) * 1e-200
    except FloatingPointError:
        y = y + 1.0
    return y


def after_jax(x: Array) -> Array:
    y = jnp.tanh(jnp.tanh(x @ W) @ V)
    x *= 1.0 + narrow(x)[:, None]
    return y[:, 0] + x[:, 0]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (after_jax, "np.multiply in place"),
        (by_a_view, "np.add in place"),
        (its_argument, "np.multiply in place"),
        (told_of_an_underflow, "told of an overflow, an underflow"),
    ],
)
def test_what_numpy_does_and_jax_does_not_is_refused(code: Callable[[Array], Array], why: str) -> None:
    with pytest.raises(Unlike, match=why):
        program_of(code, 2)


def test_a_refusal_that_the_code_catches_counts() -> None:
    def caught(x: Any) -> Any:
        s = x.cumsum(axis=1)
        try:
            s[:, 0].fill(1.0)
        except Exception:
            return s[:, 0]
        return s[:, 0]

    with pytest.raises(Unlike, match="fill"):
        program_of(caught, 2)


@pytest.mark.parametrize(
    "code",
    [
        lambda x: x.cumsum(axis=1)[:, 1],
        lambda x: jnp.sin(3.0 * x[:, 0]) + x.real[:, 1],
        lambda x: jnp.maximum(x[:, 0] - 0.5, x[:, 1]).clip(0.1),
    ],
)
def test_other_code_is_read(code: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).random((5, 2))
    np.testing.assert_allclose(program_of(code, 2).value(x)[:, 0], code(x), rtol=1e-6)  # JAX in float32


def test_an_error_of_the_call_itself_counts_for_nothing() -> None:
    def only_at_small_numbers(x: Array) -> Array:
        if x.shape[0] == 2:
            raise ValueError("not here")
        return x[:, 0]

    demand_as_jax_reads(only_at_small_numbers, 2)


@pytest.mark.parametrize("setting", ["jax_debug_nans", "jax_debug_infs"])
def test_code_is_not_read_while_jax_raises_errors_for_values(setting: str) -> None:
    """As it runs it ends at such a value, or goes on elsewhere; while it is read it has none."""
    jax.config.update(setting, True)
    try:
        with pytest.raises(Unsupported, match=setting):
            program_of(lambda x: jnp.exp(x[:, 0]), 1)
    finally:
        jax.config.update(setting, False)
    assert program_of(lambda x: jnp.exp(x[:, 0]), 1).operations
