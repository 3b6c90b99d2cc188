"""JAX code of single precision is read in both modes of JAX: integers wrap in one of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.program import Unsupported, jaxpr, program_of
from supnorm.sources import from_jax

WEIGHTS = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)


def wraps(x: Any) -> Any:
    return x[:, 0] + 1e-9 * (jnp.array(65536) * 65536).astype(x.dtype)


def asks(x: Any) -> Any:
    return x[:, 0] + (0.0 if x.dtype == jnp.float64 else 1.0)


def finest(x: Any) -> Any:
    return x[:, 0] * float(jnp.finfo(x.dtype).bits)


def honest(x: Any) -> Any:
    h = jax.nn.silu(jnp.tanh(x @ WEIGHTS.T + 0.1) / 3.0)
    return jnp.sum(h, axis=1) / h.shape[1] + jax.nn.softplus(x[:, 0]) + jnp.where(x[:, 1] > 0.3, x[:, 1], 0.3)


@pytest.mark.parametrize("code", [wraps, asks, finest])
def test_code_that_is_another_one_in_single_precision_is_refused(code: Any) -> None:
    assert program_of(from_jax(code), 2).operations  # in double precision it runs as it is read
    with pytest.raises(Unsupported, match="otherwise in single precision"):
        program_of(from_jax(code, precision="float32"), 2)


def test_rounded_constants_are_the_same() -> None:
    assert program_of(from_jax(honest, precision="float32"), 2).operations


def narrow(x: Any) -> Any:
    near = jax.nn.relu(1.0 - jnp.abs(x[:, 0] - 0.1234567) * 1e6)
    return x[:, 0] + near * (1.0 - (jnp.array(65536) * 65536).astype(x.dtype) / 2.0**32)


def test_without_the_rule_another_function_is_read_than_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    model, point = from_jax(narrow, precision="float32"), np.array([[0.1234567]])
    with pytest.raises(Unsupported, match="otherwise in single precision"):
        program_of(model, 1)
    monkeypatch.setattr(jaxpr, "demand_same_in_single", lambda *_: None)
    assert model.value(point) - program_of(model, 1).value(point) > 0.9
