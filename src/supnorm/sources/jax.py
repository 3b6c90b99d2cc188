"""JAX functions ``(n, d) -> (n,)`` or ``(n, m)``: compiled, in float64, with their derivative.

Batches are padded to powers of two, so that JAX compiles about twenty times in a run and not for every new size.
The 64-bit mode of JAX is on only inside each call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, as_columns
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.problem.function import Pullback
from supnorm.sources.batching import in_batches, power_of_two

Array = NDArray[np.float64]
ROWS = 65_536  # rows of one call: bounds the memory of a large network


def from_jax(
    function: Callable[[Any], Any], *, name: str = "", precision: str = "float64", rows: int = ROWS
) -> Function:
    """A JAX function of batches as a `Function` with a derivative.

    Args:
        function: ``(n, d) -> (n,)`` or ``(n, m)``, traceable by JAX; each row must depend on its own
            point only.
        name: the name in messages; by default the name of ``function``.
        precision: ``"float64"``, or ``"float32"`` to run it as JAX does by default.
        rows: largest number of points of one call.

    Raises:
        BadInput: at a call, when the result does not fit the number of points.

    >>> import jax.numpy as jnp
    >>> f = from_jax(lambda x: jnp.sin(x[:, 0]) * x[:, 1], name="f")
    >>> y, pull = f.vjp(np.array([[0.0, 2.0]]))
    >>> pull(np.ones((1, 1)))
    array([[2., 0.]])
    """
    import jax

    label = name or getattr(function, "__name__", "JAX function")
    double = precision == "float64"
    dtype = np.float64 if double else np.float32

    def columns(x: Any) -> Any:
        y = function(x)
        return y[:, None] if y.ndim == 1 else y

    compiled = jax.jit(columns)
    pulled = jax.jit(lambda x, weights: jax.vjp(columns, x)[1](weights)[0])

    def value(x: Array) -> Array:
        def call(part: Array) -> Array:
            return as_columns(compiled(part.astype(dtype)), len(part), label)

        with double_precision(double):
            return in_batches(call, x, rows, power_of_two)

    def vjp(x: Array) -> tuple[Array, Pullback]:
        y = value(x)
        m = y.shape[1]

        def call(part: Array) -> Array:
            points, weights = part[:, m:].astype(dtype), part[:, :m].astype(dtype)
            return np.asarray(pulled(points, weights), dtype=np.float64)

        def pull(weights: Array) -> Array:
            with double_precision(double):
                return in_batches(call, np.concatenate([weights, x], axis=1), rows, power_of_two)

        return y, pull

    return Function(
        Coded(value, function, "jax", compiled=compiled), name=label, vjp=vjp, precision=precision
    )
