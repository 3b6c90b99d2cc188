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

OTHERS = 4  # further points at which a primitive has to be affine
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
    if name == "scatter" and equation.params.get("update_jaxpr") is not None:
        raise Unsupported("scatter with a function (x.at[i].apply)", "the function of all entries, and where")
    if name == "scatter-add" and not _is_sum(equation.params.get("update_jaxpr")):
        raise Unsupported("scatter-add with another function than the sum", "x.at[i].add(y)")
    positions = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
    joined = build.concatenate([args[i].arrange(np.ravel) for i in positions], 0)
    assert isinstance(joined, Tensor)
    sizes = [args[i].index.size for i in positions]
    count = sum(sizes)
    others = np.random.default_rng(0).integers(
        -9, 10, (OTHERS, count)
    )  # products with them round hardly more than ones do
    units = np.concatenate([np.zeros((1, count)), np.eye(count), others])
    results = np.stack([_apply(equation, args, positions, sizes, row) for row in units])
    eps = float(np.finfo(results.dtype).eps)
    results_at = results.reshape(len(units), -1).astype(np.float64)
    shift, columns, every = results_at[0], results_at[1 : 1 + count], results_at[1 + count :]
    weights = columns.reshape(count, -1) - shift
    mixed = np.any((weights != 0) & (shift != 0)[None])
    # `every` is a sum of the weights times whole numbers, each rounded to the type of the result.
    rounding = eps * len(units) * (np.abs(others) @ np.abs(weights) + np.abs(shift))
    if mixed or not (np.abs(others @ weights + shift - every) <= rounding).all():
        raise Unsupported(f"{name} of these arguments", "slicing, concatenation and affine maps")
    out = build.affine(joined, weights.T, shift)
    return out.arrange(lambda i: i.reshape(results[0].shape))


def _is_sum(jaxpr: Any) -> bool:
    """Whether a function of two numbers is their sum, and no other one."""
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    if inner is None:
        return True
    return (
        len(inner.eqns) == 1
        and inner.eqns[0].primitive.name in ("add", "add_any")
        and [*inner.eqns[0].invars] == [*inner.invars]
        and [*inner.outvars] == [*inner.eqns[0].outvars]
    )


def _apply(equation: Any, args: list[Any], positions: list[int], sizes: list[int], row: Any) -> Any:
    given = list(args)
    for i, part in zip(positions, np.split(row, np.cumsum(sizes)[:-1]), strict=True):
        given[i] = part.reshape(args[i].shape).astype(equation.invars[i].aval.dtype)
    out = equation.primitive.bind(*given, **equation.params)
    return np.asarray(out[0] if equation.primitive.multiple_results else out)
