"""JAX's 64-bit mode, which is a global flag, within a ``with`` block; and the precision of a result."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from supnorm.jax_mode import jax_mode

LOWER = ("float32", "float16", "bfloat16")


def double_precision(on: bool = True) -> AbstractContextManager[Any]:
    """A context in which JAX computes in float64; afterwards the caller's setting is restored.

    >>> import jax.numpy as jnp
    >>> with double_precision():
    ...     jnp.ones(1).dtype
    dtype('float64')
    """
    if not on:
        return nullcontext()
    return jax_mode(True)


def precision_of(result: Any) -> str:
    """The precision of an array.

    >>> import numpy as np
    >>> precision_of(np.zeros(3, np.float32)), precision_of([0.5]), precision_of(np.arange(3))
    ('float32', 'float64', 'float64')
    """
    name = str(getattr(result, "dtype", "float64"))
    return name if name in LOWER else "float64"
