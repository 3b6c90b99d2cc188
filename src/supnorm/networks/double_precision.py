"""JAX in 64 bits for a block of code, without touching the global flag."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def double_precision() -> AbstractContextManager[Any]:
    """A context in which JAX computes in float64; the caller's own setting returns afterwards.

    >>> import jax.numpy as jnp
    >>> with double_precision():
    ...     jnp.ones(1).dtype
    dtype('float64')
    """
    import jax

    if hasattr(jax, "enable_x64"):
        context: AbstractContextManager[Any] = jax.enable_x64(True)
        return context
    from jax.experimental import enable_x64  # before jax 0.8

    older: AbstractContextManager[Any] = enable_x64(True)
    return older
