"""JAX's 64-bit mode within a ``with`` block, so that nothing of one mode gets into the other.

JAX 0.10 keeps what it has made of a NumPy array that is a constant of traced code, by the array alone. So what was traced
in one mode gives its constants to the other one, as long as JAX remembers it: weights of a model that the user has traced
in 32 bits are rounded to float32 in 64 bits, or JAX refuses to run the model; and after a proof in 64 bits the user's own
call in 32 bits fails. `separate_constants` has JAX keep constants for each mode.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def jax_mode(double: bool) -> Iterator[None]:
    """A context in which JAX computes in 64 bits, or in 32; afterwards the caller's setting is restored.

    >>> import jax.numpy as jnp
    >>> with jax_mode(True):
    ...     jnp.ones(1).dtype
    dtype('float64')
    """
    separate_constants()
    with _switched(double):
        yield


def _switched(double: bool) -> Any:
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(double)
    from jax.experimental import enable_x64  # before jax 0.8

    return enable_x64(double)


@functools.cache
def separate_constants() -> None:
    """Have JAX keep constants for each of its modes, if it is a version that mixes them.

    There is no setting for this.
    """
    try:
        from jax._src import dtypes, literals
        from jax._src.config import enable_x64
        from jax._src.lib import weakref_lru_cache

        canonical, register = dtypes.canonicalize_value, dtypes.register_canonicalize_value_handler
        typed, cache = literals.TypedNdArray, weakref_lru_cache.weak_key_weak_value_cache
        demand_valid = dtypes.check_valid_dtype
    except (ImportError, AttributeError):  # versions before, which keep nothing of this kind
        return
    array = np.zeros(1)
    with _switched(True):
        first = canonical(array)
    with _switched(False):
        if canonical(array) is not first:
            return

    def constant(x: Any) -> Any:
        # As JAX does itself: else it would take bytes in the other order for native ones.
        demand_valid(x.dtype)
        return typed(np.asarray(x, dtypes.canonicalize_dtype(x.dtype)))

    constants = {mode: cache(constant) for mode in (False, True)}
    register(np.ndarray, lambda x: constants[bool(enable_x64.value)](x))
