"""ATen operators of means, variances and norms, the normalisations of layers among them.

torch computes them by algorithms of its own (Welford's for a variance, scaled sums for a norm); what is read of them is
equal to these in real arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import onnx_operators as shared
from supnorm.program.aten_values import axes_of, moved, value, with_axes
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value


def reduced(
    op: str, build: Builder, x: Any, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Value:
    """``"ReduceSum"``, ``"ReduceMean"``, ``"ReduceMax"`` or ``"ReduceMin"`` over axes."""
    x = value(x)
    axes = axes_of(x, dims)
    if not isinstance(x, Tensor):
        fold: Any = getattr(np, op.removeprefix("Reduce").lower())
        return np.asarray(fold(x, axis=tuple(axes), keepdims=keepdim))
    return shared.reduce(build, op, {"axes": axes, "keepdims": int(keepdim)}, [x])


def _extremum(op: str, build: Builder, x: Any, other: Any = None, keepdim: bool = False) -> Any:
    """``max`` and ``min``: of two tensors, of all entries, or over an axis, whose second result are places."""
    binary = {"ReduceMax": "max", "ReduceMin": "min"}[op]
    if other is None:
        return reduced(op, build, x)
    if is_any(type(other), int):
        return [reduced(op, build, x, other, keepdim), None]
    return build.binary(binary, value(x), value(other))


def product(build: Builder, x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Value:
    """The product of the entries over axes."""
    x = value(x)
    axes = axes_of(x, dim)
    if not isinstance(x, Tensor):
        return np.asarray(np.prod(x, axis=tuple(axes), keepdims=keepdim))
    return with_axes(build.fold("mul", x, axes), axes, keepdim)


def _layer_norm(
    build: Builder,
    x: Any,
    shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn: bool = True,
) -> Value:
    scale = np.ones(tuple(shape)) if weight is None else value(weight)
    shift = None if bias is None else value(bias)
    at = {"axis": -len(shape), "epsilon": float(eps)}
    return shared.OPERATORS["LayerNormalization"](build, at, [value(x), scale, shift])


def _root_mean_square_norm(build: Builder, x: Any, shape: Any, weight: Any = None, eps: Any = None) -> Value:
    x = value(x)
    least = np.finfo(build.precision if build.precision in ("float32", "float64") else "float32").eps
    squares = reduced("ReduceMean", build, build.unary("pow", x, 2.0), list(range(-len(shape), 0)), True)
    room = build.binary("add", squares, np.asarray(float(least if eps is None else eps)))
    scaled = build.binary("div", x, build.unary("sqrt", room))
    return scaled if weight is None else build.binary("mul", scaled, value(weight))


def _per_channel(x: Value, weight: Any) -> Value:
    """A number for each channel (the second axis of ``x``), in a shape that broadcasts with ``x``."""
    return value(weight).reshape(-1, *(1,) * (len(x.shape) - 2))  # type: ignore[union-attr]


def group_norm(
    build: Builder,
    x: Any,
    groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn: bool = True,
) -> Value:
    """Entries of groups of channels (the second axis), less their mean and over their deviation."""
    x = value(x)
    parts = moved(x, lambda i: i.reshape(i.shape[0], groups, -1))
    out = moved(_layer_norm(build, parts, [parts.shape[-1]], None, None, eps), lambda i: i.reshape(x.shape))
    out = out if weight is None else build.binary("mul", out, _per_channel(x, weight))
    return out if bias is None else build.binary("add", out, _per_channel(x, bias))


def _batch_norm(
    build: Builder, x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *rest: Any
) -> Value:
    training = next((r for r in rest if isinstance(r, bool)), False)
    eps = rest[-2] if len(rest) > 3 else rest[-1] if rest else 1e-5
    if training:
        raise Unsupported("torch aten.batch_norm in training mode", "model.eval() before it is exported")
    size = np.shape(mean)
    scale = np.ones(size) if weight is None else weight
    shift = np.zeros(size) if bias is None else bias
    at = {"epsilon": float(eps)}
    return shared.OPERATORS["BatchNormalization"](build, at, [value(x), scale, shift, mean, variance])


def _instance_norm(
    build: Builder,
    x: Any,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    of_input: bool,
    momentum: float,
    eps: float,
    cudnn: bool = True,
) -> Value:
    if not of_input:
        return _batch_norm(build, x, weight, bias, mean, variance, False, momentum, eps, cudnn)
    if mean is not None:
        raise Unsupported("torch aten.instance_norm in training mode", "model.eval() before it is exported")
    return group_norm(build, x, value(x).shape[1], weight, bias, eps)


def _variance(
    build: Builder,
    x: Any,
    dim: Any = None,
    unbiased: Any = True,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> tuple[Value, Value]:
    """Variance and mean; ``dim`` may be ``unbiased``, as in ``var(x, unbiased)``."""
    if is_any(type(dim), bool):
        dim, unbiased = None, dim
    x = value(x)
    axes = axes_of(x, dim)
    count = math.prod(x.shape[a] for a in axes)
    less = float(correction) if correction is not None else float(bool(unbiased))
    if not count > less:
        raise Unsupported(f"torch variance of {count} numbers with a correction of {less:g}", "more numbers")
    mean = reduced("ReduceMean", build, x, axes, True)
    squares = build.unary("pow", build.binary("sub", x, mean), 2.0)
    total = reduced("ReduceSum", build, squares, axes, keepdim)
    mean = mean if keepdim else moved(mean, lambda i: np.squeeze(i, tuple(axes)))
    return build.binary("div", total, np.asarray(count - less)), mean


def _dispersion(root: bool, with_mean: bool) -> Callable[..., Any]:
    """``var`` and ``std``, with the mean as a second result or not."""

    def operator(build: Builder, x: Any, *args: Any, **named: Any) -> Any:
        variance, mean = _variance(build, x, *args, **named)
        first = build.unary("sqrt", variance) if root else variance
        return [first, mean] if with_mean else first

    return operator


def vector_norm(
    build: Builder, x: Any, order: Any = 2, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Value:
    """The norm of the numbers over axes: a root of a sum of powers, a sum of absolute values or the largest of them."""
    x, order = value(x), 2.0 if order is None else float(order)
    axes = axes_of(x, dims)
    if math.isinf(order):
        return reduced("ReduceMax" if order > 0 else "ReduceMin", build, build.unary("abs", x), axes, keepdim)
    if order == 1.0:
        return reduced("ReduceSum", build, build.unary("abs", x), axes, keepdim)
    if order == 2.0:
        return build.unary("sqrt", reduced("ReduceSum", build, build.unary("pow", x, 2.0), axes, keepdim))
    if order < 1.0:
        raise Unsupported(f"torch norm of the order {order:g}", "an order of 1 and more, or infinity")
    powers = build.unary("pow", x if order % 2.0 == 0.0 else build.unary("abs", x), order)
    return build.unary("pow", reduced("ReduceSum", build, powers, axes, keepdim), 1.0 / order)


def _any_norm(
    build: Builder, x: Any, order: Any = None, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Value:
    """``linalg_norm``: the norm of a vector, or of all entries; a matrix has others where an order is given."""
    several = len(axes_of(value(x), dims)) != 1
    if isinstance(order, str) or (several and order is not None):
        raise Unsupported(f"torch norm {order!r} of matrices", "torch.linalg.vector_norm")
    return vector_norm(build, x, order, dims, keepdim)


def _pairwise_distance(
    build: Builder, a: Any, b: Any, order: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Value:
    difference = build.binary("add", build.binary("sub", value(a), value(b)), np.asarray(float(eps)))
    return vector_norm(build, difference, order, -1, keepdim)


def _cosine_similarity(build: Builder, a: Any, b: Any, dim: int = 1, eps: float = 1e-8) -> Value:
    a, b = value(a), value(b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = (moved(one, lambda i: np.broadcast_to(i, shape)) for one in (a, b))
    unit = [
        build.binary("max", vector_norm(build, one, 2, dim, True), np.asarray(float(eps))) for one in (a, b)
    ]
    products = build.binary("mul", build.binary("div", a, unit[0]), build.binary("div", b, unit[1]))
    return reduced("ReduceSum", build, products, dim)


def log_sum_exp(build: Builder, x: Any, dims: Any, keepdim: bool = False) -> Value:
    """The logarithm of the sum of powers of e over axes."""
    return build.unary("log", reduced("ReduceSum", build, build.unary("exp", value(x)), dims, keepdim))


def log_softmax(build: Builder, x: Any, dim: Any, half: Any = None, *, dtype: Any = None) -> Value:
    """The logarithm of `softmax`."""
    return build.binary("sub", value(x), log_sum_exp(build, x, dim, True))


def softmax(build: Builder, x: Any, dim: int, half: Any = None, *, dtype: Any = None) -> Value:
    """Powers of e over their sum along an axis."""
    return shared.OPERATORS["Softmax"](build, {"axis": dim}, [value(x)])


NORMS: dict[str, Callable[..., Any]] = {
    "sum": lambda *a, **k: reduced("ReduceSum", *a, **k),
    "mean": lambda *a, **k: reduced("ReduceMean", *a, **k),
    "amax": lambda *a, **k: reduced("ReduceMax", *a, **k),
    "amin": lambda *a, **k: reduced("ReduceMin", *a, **k),
    "max": lambda *a, **k: _extremum("ReduceMax", *a, **k),
    "min": lambda *a, **k: _extremum("ReduceMin", *a, **k),
    "prod": product,
    "softmax": softmax,
    "_softmax": softmax,
    "log_softmax": log_softmax,
    "_log_softmax": log_softmax,
    "logsumexp": log_sum_exp,
    "layer_norm": _layer_norm,
    "native_layer_norm": lambda *a, **k: [_layer_norm(*a, **k), None, None],
    "rms_norm": _root_mean_square_norm,
    "group_norm": group_norm,
    "instance_norm": _instance_norm,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": lambda *a, **k: [_batch_norm(*a, **k), None, None],
    "var": _dispersion(root=False, with_mean=False),
    "std": _dispersion(root=True, with_mean=False),
    "var_mean": _dispersion(root=False, with_mean=True),
    "std_mean": _dispersion(root=True, with_mean=True),
    "linalg_vector_norm": vector_norm,
    "norm": vector_norm,
    "linalg_norm": _any_norm,
    "pairwise_distance": _pairwise_distance,
    "cosine_similarity": _cosine_similarity,
}
