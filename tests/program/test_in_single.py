"""JAX code of single precision is read in the mode of JAX in which it runs: integers wrap in one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.problem import as_function
from supnorm.program import Unsupported, jaxpr, program_of
from supnorm.sources import from_jax
from supnorm.sources.python import per_point

WEIGHTS = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
POINTS = np.random.default_rng(1).random((50, 2)).astype(np.float32).astype(float)


def wraps(x: Any) -> Any:
    return x[:, 0] + 1e-9 * (jnp.array(65536) * 65536).astype(x.dtype)


def scaled(x: Any) -> Any:
    """The wrapped integer is far below 1e-6 and enlarged again behind an operation that is not linear."""
    small = (jnp.array(65536) * 65536).astype(x.dtype) * 1e-17 * x[:, 0]
    return x[:, 1] + jnp.tanh(small) * 1e8


def in_a_table(x: Any) -> Any:
    ends = jnp.array([0.0, 0.5, 1.0 + (jnp.array(65536) * 65536).astype(float) * 1e-9])
    return jnp.interp(x[:, 0], ends, jnp.array([0.0, 1.0, 0.0]))


def asks(x: Any) -> Any:
    return x[:, 0] + (0.0 if x.dtype == jnp.float64 else 1.0)


def asks_of_another(x: Any) -> Any:
    return x[:, 0] * (1.0 if jnp.zeros(1).dtype == jnp.float64 else 2.0)


def finest(x: Any) -> Any:
    return x[:, 0] * float(jnp.finfo(x.dtype).bits)


def largest(x: Any) -> Any:
    return x[:, 0] * (jnp.arange(3) + 2147483647).sum() * 1e-9


def honest(x: Any) -> Any:
    h = jax.nn.silu(jnp.tanh(x @ WEIGHTS.T + 0.1) / 3.0)
    h = jnp.cumsum(jnp.pad(h, ((0, 0), (1, 0))), axis=1)
    return jnp.sum(h, axis=1) / h.shape[1] + jax.nn.softplus(x[:, 0]) + jnp.where(x[:, 1] > 0.3, x[:, 1], 0.3)


def rounds_twice(x: Any) -> Any:
    return jax.lax.reduce_precision(x[:, 0], 8, 23)


CODES = [wraps, scaled, in_a_table, asks, asks_of_another, finest, largest, honest]


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_code_in_single_precision_is_read_as_it_runs(code: Callable[[Any], Any], double: bool) -> None:
    with jax.enable_x64(double):  # as a process may have set it
        for model in (
            from_jax(code, precision="float32"),
            replace(as_function(code, "model"), precision="float32"),
        ):
            runs, read = model.value(POINTS), program_of(model, 2).value(POINTS)
            np.testing.assert_allclose(read, runs, rtol=1e-5, atol=1e-6)


def plain(x: Any) -> Any:
    return x[:, 0] + 1e-9 * float(jnp.array(65536) * 65536)


@pytest.mark.parametrize("double", [False, True])
def test_arrays_of_jax_in_numpy_code_are_computed_as_it_runs(double: bool) -> None:
    with jax.enable_x64(double):
        model = replace(as_function(plain, "model"), precision="float32")
        assert abs(model.value(POINTS) - program_of(model, 2).value(POINTS)).max() < 1e-6


def test_rounding_to_fewer_bits_is_refused() -> None:
    assert program_of(from_jax(rounds_twice, precision="float32"), 2).operations
    with pytest.raises(Unsupported, match="fewer bits"):
        program_of(from_jax(lambda x: jax.lax.reduce_precision(x[:, 0], 8, 22), precision="float32"), 2)


def test_in_the_other_mode_another_function_is_read_than_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    model = from_jax(wraps, precision="float32")
    monkeypatch.setattr(jaxpr, "as_it_runs", lambda *_: (True, np.float64))
    assert abs(model.value(POINTS) - program_of(model, 2).value(POINTS)).max() > 4.0


def test_code_of_points_runs_as_it_is_read() -> None:
    def of_point(a: float) -> Any:
        return a + 1e-9 * (jnp.array(65536) * 65536)

    assert per_point(of_point, 1, "model").value(np.array([[0.5]])) > 4.7
