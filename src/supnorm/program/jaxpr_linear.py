"""JAX primitives that are affine in their inputs, as one matrix, which is computed by applying them to unit vectors.

The matrix is exact: each entry is a weight or a one, as long as no constant is added to an entry that also
depends on the input. Such a use is refused.
Cost: one evaluation per feature of the inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

LINEAR = (
    "pad",
    "scatter-add",
    "scatter",
    "cumsum",
    "conv_general_dilated",
    "dynamic_update_slice",
    "reduce_window_sum",
)


def linear(build: Builder, equation: Any, args: list[Any]) -> Value:
    """The result of a primitive that is affine in the arguments that depend on the input.

    Raises:
        Unsupported: when it is not affine (it multiplies two arguments that depend on the input).
    """
    name = equation.primitive.name
    positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
    joined = build.concatenate([args[i].arrange(np.ravel) for i in positions], 0)
    assert isinstance(joined, Tensor)
    sizes = [args[i].index.size for i in positions]
    units = np.concatenate([np.zeros((1, sum(sizes))), np.eye(sum(sizes)), np.ones((1, sum(sizes)))])
    results = np.stack([_apply(equation, args, positions, sizes, row) for row in units])
    eps = float(np.finfo(results.dtype).eps)
    shift, *columns, every = results.reshape(len(units), -1).astype(np.float64)
    weights = np.asarray(columns).reshape(sum(sizes), -1) - shift
    mixed = np.any((weights != 0) & (shift != 0)[None])
    # `every` is a sum of the weights, each rounded to the type of the result.
    rounding = eps * len(units) * (np.abs(weights).sum(0) + np.abs(shift))
    if mixed or not (np.abs(weights.sum(0) + shift - every) <= rounding).all():
        raise Unsupported(f"{name} of these arguments", "slicing, concatenation and affine maps")
    out = build.affine(joined, weights.T, shift)
    return out.arrange(lambda i: i.reshape(results[0].shape))


def _apply(equation: Any, args: list[Any], positions: list[int], sizes: list[int], row: Any) -> Any:
    given = list(args)
    for i, part in zip(positions, np.split(row, np.cumsum(sizes)[:-1]), strict=True):
        given[i] = part.reshape(args[i].shape).astype(equation.invars[i].aval.dtype)
    out = equation.primitive.bind(*given, **equation.params)
    return np.asarray(out[0] if equation.primitive.multiple_results else out)
