"""ATen operators of products of matrices and tensors, attention among them, and those that join tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program import onnx_operators as shared
from supnorm.program.aten_values import moved, row, value
from supnorm.program.operations import Unsupported
from supnorm.program.sums import einsum
from supnorm.program.tracing import Builder, Tensor, Value


def _matmul(build: Builder, a: Any, b: Any) -> Value:
    a, b = value(a), value(b)
    if len(b.shape) < 3 or len(a.shape) < 2:
        return shared.OPERATORS["MatMul"](build, {}, [a, b])
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    first, second = (
        moved(
            one,
            lambda i: np.broadcast_to(i, (*lead, *i.shape[-2:])).reshape(math.prod(lead), *i.shape[-2:]),
        )
        for one in (a, b)
    )
    parts = [
        shared.OPERATORS["MatMul"](build, {}, [row(one, k) for one in (first, second)])
        for k in range(math.prod(lead))
    ]
    return moved(stack(build, parts), lambda i: i.reshape(*lead, *i.shape[1:]))  # type: ignore[no-any-return]


def _linear(build: Builder, x: Any, weight: Any, bias: Any = None) -> Value:
    out = _matmul(build, x, moved(weight, np.transpose))
    return out if bias is None else build.binary("add", out, value(bias))


def _addmm(build: Builder, bias: Any, a: Any, b: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Value:
    product = _matmul(build, a, b)
    if alpha != 1.0:
        product = build.binary("mul", product, np.asarray(float(alpha)))
    shift = value(bias) if beta == 1.0 else build.binary("mul", value(bias), np.asarray(float(beta)))
    return build.binary("add", product, shift)


def _bilinear(build: Builder, a: Any, b: Any, weight: Any, bias: Any = None) -> Value:
    out = einsum(build, "ni,oij,nj->no", value(a), value(weight), value(b))
    return out if bias is None else build.binary("add", out, value(bias))


def tensordot(build: Builder, a: Any, b: Any, of_a: Sequence[int], of_b: Sequence[int]) -> Value:
    """The sum of products over pairs of axes; the axes that are left follow each other."""
    a, b = value(a), value(b)
    of_a, of_b = [k % len(a.shape) for k in of_a], [k % len(b.shape) for k in of_b]
    first = [k for k in range(len(a.shape)) if k not in of_a]
    second = [k for k in range(len(b.shape)) if k not in of_b]
    shape = (*(a.shape[k] for k in first), *(b.shape[k] for k in second))
    summed = math.prod(a.shape[k] for k in of_a)
    left = moved(a, lambda i: i.transpose(*first, *of_a).reshape(-1, summed))
    right = moved(b, lambda i: i.transpose(*of_b, *second).reshape(summed, -1))
    return moved(build.contract(left, right), lambda i: i.reshape(shape))  # type: ignore[no-any-return]


def _attention(
    build: Builder,
    query: Any,
    key: Any,
    of_keys: Any,
    mask: Any = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    *,
    scale: Any = None,
    enable_gqa: bool = False,
) -> Value:
    """softmax(query keyᵀ scale + mask) of_keys. A masked key has a weight of zero, and no power of e that is zero."""
    if dropout or enable_gqa:
        raise Unsupported("torch attention with dropout or grouped queries", "model.eval(), as many heads")
    query, key = value(query), value(key)
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    scores = _matmul(build, query, moved(key, lambda i: np.swapaxes(i, -1, -2)))
    scores = build.binary("mul", scores, np.asarray(factor))
    taken: Any = np.ones(scores.shape[-2:], dtype=bool)
    taken = np.tril(taken) if is_causal else taken
    if mask is not None:
        if not isinstance(mask, np.ndarray):
            raise Unsupported("torch attention with a mask that depends on the input", "a constant mask")
        if mask.dtype == bool:
            taken = np.logical_and(taken, mask)
        else:
            added = entry.constant(mask, "a mask")
            masked = added == -np.inf  # NaN is no mask: torch gives NaN
            taken = np.logical_and(taken, ~masked)
            scores = build.binary("add", scores, np.where(masked, 0.0, added))
    if not taken.any(axis=-1).all():
        raise Unsupported("torch attention that masks all keys of a query", "at least one key for each query")
    powers = build.unary("exp", scores)
    if not taken.all():
        powers = build.binary("mul", powers, taken.astype(float))
    assert isinstance(powers, Tensor)
    total = moved(build.sum(powers, (-1,)), lambda i: np.expand_dims(i, -1))
    return _matmul(build, build.binary("div", powers, total), of_keys)


def join(build: Builder, parts: Any, dim: int = 0) -> Value:
    """Tensors joined along an axis."""
    return build.concatenate([value(p) for p in parts], dim % len(value(parts[0]).shape))


def stack(build: Builder, parts: Any, dim: int = 0) -> Value:
    """Tensors joined along a new axis."""
    axis = dim % (len(value(parts[0]).shape) + 1)
    lifted = [moved(p, lambda i: np.expand_dims(i, axis)) for p in parts]
    return build.concatenate([value(p) for p in lifted], axis)


def _joined_as(least: Callable[[Any], Any], axis: int, build: Builder, parts: Any) -> Value:
    """Tensors joined along an axis after each has the axes that it has at least."""
    lifted = [moved(value(p), least) for p in parts]
    return join(build, lifted, 0 if len(lifted[0].shape) == 1 else axis)


PRODUCTS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    **{name: _matmul for name in ("matmul", "mm", "bmm", "mv", "dot")},
    "addmm": _addmm,
    "baddbmm": _addmm,
    "bilinear": _bilinear,
    "tensordot": tensordot,
    "einsum": lambda build, text, parts, path=None: einsum(build, text, *map(value, parts)),
    "scaled_dot_product_attention": _attention,
    "cat": join,
    "concat": join,
    "stack": stack,
    "hstack": partial(_joined_as, np.atleast_1d, 1),
    "vstack": partial(_joined_as, np.atleast_2d, 0),
    "dstack": partial(_joined_as, np.atleast_3d, 2),
    "column_stack": partial(_joined_as, lambda i: i[:, None] if i.ndim == 1 else i, 1),
}
