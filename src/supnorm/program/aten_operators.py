"""ATen operators: those that move entries, those that do nothing, those that compute."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program import onnx_operators as shared
from supnorm.program.composed import (
    COMPOSED,
    atan2,
    elu,
    hard_sigmoid,
    power,
    prelu,
    special,
    with_parameter,
)
from supnorm.program.discrepancies import linear_above
from supnorm.program.operations import Unsupported
from supnorm.program.pooling import Windows, max_pool
from supnorm.program.sums import cumsum, einsum
from supnorm.program.tracing import Builder, Tensor, Value

SAME = frozenset(
    {
        "clone",
        "contiguous",
        "detach",
        "alias",
        "to",
        "_to_copy",
        "type_as",
        "lift_fresh_copy",
        "dropout",
        "_to",
        "native_dropout",
        "float",
        "double",
        "lift_fresh",
        "_assert_tensor_metadata",
        "positive",
    }
)

# operations that return a new tensor; the result of any other may share the memory of its argument
COPIES = frozenset({"clone", "_to_copy", "lift_fresh_copy", "repeat", "index_select", "flip"})

NEAREST = {
    "floor": "none: a step has no certificate",
    "round": "none: a step has no certificate",
    "sign": "none: a step has no certificate",
    "lstm": "unrolled linear layers and tanh",
    "gru": "unrolled linear layers and tanh",
    "norm": "sqrt of a sum of squares",
    "scaled_dot_product_attention": "none yet: a softmax of products is wide; use an MLP",
    "bernoulli": "none: random",
    "rand_like": "none: random",
    "randn_like": "none: random",
}


def _flatten(i: Any, start: int = 0, end: int = -1) -> Any:
    start, end = start % i.ndim, end % i.ndim
    return i.reshape(*i.shape[:start], -1, *i.shape[end + 1 :])


def _slice(i: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    cut: list[Any] = [slice(None)] * i.ndim
    cut[dim] = slice(start, None if end is None or end > 2**40 else end, step)
    return i[tuple(cut)]


def _split(i: Any, size: Any, dim: int = 0) -> list[Any]:
    cuts = np.cumsum(size)[:-1] if isinstance(size, list) else range(size, i.shape[dim], size)
    return list(np.split(i, list(cuts), dim))


def _expand(i: Any, sizes: Any, implicit: bool = False) -> Any:
    lead = len(sizes) - i.ndim
    return np.broadcast_to(i, [i.shape[k - lead] if s == -1 else s for k, s in enumerate(sizes)])


MOVES: dict[str, Callable[..., Any]] = {
    "view": lambda i, shape: i.reshape(shape),
    "reshape": lambda i, shape: i.reshape(shape),
    "_unsafe_view": lambda i, shape: i.reshape(shape),
    "flatten": _flatten,
    "unflatten": lambda i, dim, sizes: i.reshape(
        *i.shape[: dim % i.ndim], *sizes, *i.shape[dim % i.ndim + 1 :]
    ),
    "unsqueeze": lambda i, dim: np.expand_dims(i, dim if dim >= 0 else i.ndim + 1 + dim),
    "squeeze": lambda i, dim=None: np.squeeze(i, tuple(dim) if isinstance(dim, list) else dim),
    "t": np.transpose,
    "numpy_T": np.transpose,
    "transpose": lambda i, a, b: np.swapaxes(i, a, b),
    "permute": lambda i, order: np.transpose(i, order),
    "expand": _expand,
    "repeat": lambda i, counts: np.tile(i, counts),
    "select": lambda i, dim, at: np.take(i, at, axis=dim),
    "slice": _slice,
    "index_select": lambda i, dim, at: np.take(i, np.asarray(at).astype(int), axis=dim),
    "flip": lambda i, dims: np.flip(i, tuple(dims)),
    "unbind": lambda i, dim=0: [np.take(i, k, axis=dim) for k in range(i.shape[dim])],
    "split": _split,
    "split_with_sizes": _split,
    "chunk": lambda i, parts, dim=0: _split(i, -(-i.shape[dim] // parts), dim),
}


def _array(x: Any) -> Any:
    return x if isinstance(x, Tensor) else entry.constant(x, "a torch operation")


def _unary(op: str, build: Builder, x: Any) -> Value:
    return build.unary(op, _array(x))


def _special(op: str, build: Builder, x: Any) -> Value:
    return special(build, op, _array(x))


def _composed(form: Callable[[Builder, Value], Value], build: Builder, x: Any) -> Value:
    return form(build, _array(x))


def _binary(
    op: str, build: Builder, a: Any, b: Any, *, alpha: float = 1.0, rounding_mode: Any = None
) -> Value:
    if rounding_mode is not None:
        raise Unsupported("torch aten.div with rounding", "none: a step has no certificate")
    second = _array(b) if alpha == 1.0 else build.binary("mul", _array(b), np.asarray(float(alpha)))
    return build.binary(op, _array(a), second)


def _linear(build: Builder, x: Any, weight: Any, bias: Any = None) -> Value:
    out = _matmul(build, x, _moved(weight, np.transpose))
    return out if bias is None else build.binary("add", out, _array(bias))


def _moved(x: Any, move: Callable[[Any], Any]) -> Any:
    return x.arrange(move) if isinstance(x, Tensor) else move(np.asarray(x))


def _matmul(build: Builder, a: Any, b: Any) -> Value:
    a, b = _array(a), _array(b)
    if len(a.shape) == 3 and len(b.shape) == 3 and a.shape[0] == b.shape[0]:
        parts = [[_moved(m, partial(np.take, indices=k, axis=0)) for m in (a, b)] for k in range(a.shape[0])]
        return _stack(build, [shared.OPERATORS["MatMul"](build, {}, pair) for pair in parts])
    return shared.OPERATORS["MatMul"](build, {}, [a, b])


def _addmm(build: Builder, bias: Any, a: Any, b: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Value:
    product = _matmul(build, a, b)
    if alpha != 1.0:
        product = build.binary("mul", product, np.asarray(float(alpha)))
    shift = _array(bias) if beta == 1.0 else build.binary("mul", _array(bias), np.asarray(float(beta)))
    return build.binary("add", product, shift)


def _clamp(
    build: Builder, x: Any, low: Any = None, high: Any = None, *, min: Any = None, max: Any = None
) -> Value:
    low, high = min if low is None else low, max if high is None else high
    x = _array(x)
    x = x if low is None else build.binary("max", x, _array(low))
    return x if high is None else build.binary("min", x, _array(high))


def _softplus(build: Builder, x: Any, beta: float = 1.0, threshold: float = 20.0) -> Value:
    scaled = _array(x) if beta == 1.0 else build.binary("mul", _array(x), np.asarray(float(beta)))
    if not isinstance(scaled, Tensor):
        raise Unsupported("torch aten.softplus of constants", "their values")
    out = build.unary("softplus", scaled, discrepancies=(linear_above(float(threshold)),))
    return out if beta == 1.0 else build.binary("div", out, np.asarray(float(beta)))


def _channels(slope: Any, x: Any) -> Any:
    """Slopes of a PReLU (one for all, or one for each channel on the second axis), in a shape that broadcasts with x."""
    slope = entry.constant(slope, "torch aten.prelu")
    return slope.reshape(-1, *(1,) * (len(x.shape) - 2)) if slope.size > 1 else slope


def _gelu(build: Builder, x: Any, *, approximate: str = "none") -> Value:
    return build.unary("gelu_tanh" if approximate == "tanh" else "gelu", _array(x))


def _reduce(
    op: str, build: Builder, x: Any, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Value:
    axes = list(range(len(x.shape))) if dims is None or dims == [] else np.atleast_1d(dims).tolist()
    if not isinstance(x, Tensor):
        fold: Any = getattr(np, op.removeprefix("Reduce").lower())
        return np.asarray(fold(_array(x), axis=tuple(axes), keepdims=keepdim))
    return shared.reduce(build, op, {"axes": axes, "keepdims": int(keepdim)}, [_array(x)])


def _softmax(build: Builder, x: Any, dim: int, half: Any = None, *, dtype: Any = None) -> Value:
    return shared.OPERATORS["Softmax"](build, {"axis": dim}, [_array(x)])


def _layer_norm(
    build: Builder,
    x: Any,
    shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn: bool = True,
) -> Value:
    scale = np.ones(tuple(shape)) if weight is None else _array(weight)
    shift = None if bias is None else _array(bias)
    at = {"axis": -len(shape), "epsilon": float(eps)}
    return shared.OPERATORS["LayerNormalization"](build, at, [_array(x), scale, shift])


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
    return shared.OPERATORS["BatchNormalization"](build, at, [_array(x), scale, shift, mean, variance])


def _conv(
    build: Builder,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    *rest: Any,
) -> Value:
    rank = len(np.shape(weight)) - 2
    if isinstance(padding, str):
        raise Unsupported(f"torch convolution with padding {padding!r}", "padding as numbers")
    if rest and isinstance(rest[0], bool):  # aten.convolution: transposed, output_padding, groups
        if rest[0]:
            raise Unsupported("torch aten.convolution transposed", "a linear layer")
        group = rest[2]
    else:
        group = rest[0] if rest else 1

    def each(v: Any) -> list[int]:
        listed = np.atleast_1d(v).tolist()
        return [int(n) for n in (listed * rank if len(listed) == 1 else listed)]

    at = {"strides": each(stride), "dilations": each(dilation), "pads": each(padding) * 2, "group": group}
    return shared.OPERATORS["Conv"](build, at, [_array(x), np.asarray(weight), bias])


def _max_pool(
    rank: int,
    build: Builder,
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Value:
    def each(v: Any) -> list[int]:
        listed = np.atleast_1d(v).tolist()
        return [int(n) for n in (listed * rank if len(listed) == 1 else listed)]

    strides = each(size if stride is None or stride == [] else stride)
    return max_pool(
        build, _array(x), Windows(each(size), strides, each(padding) * 2, each(dilation), ceil_mode)
    )


def _power(build: Builder, base: Any, exponent: Any) -> Value:
    return power(build, _array(base), _array(exponent))


def _join(build: Builder, parts: Any, dim: int = 0) -> Value:
    return build.concatenate([_array(p) for p in parts], dim % len(_array(parts[0]).shape))


def _stack(build: Builder, parts: Any, dim: int = 0) -> Value:
    axis = dim % (len(_array(parts[0]).shape) + 1)
    lifted = [_moved(p, lambda i: np.expand_dims(i, axis)) for p in parts]
    return build.concatenate([_array(p) for p in lifted], axis)


def _filled(value: float) -> Callable[..., Value]:
    return lambda build, x, **options: np.full(x.shape, value)


# Alpha and scale of torch and ONNX.
_SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_PLAIN = ("neg", "abs", "relu", "tanh", "sigmoid", "silu", "sin", "cos", "exp", "log", "sqrt", "erf", "atan")
_OTHER = {  # names of torch for what has others in `COMPOSED`
    **{f"special_bessel_{kind}{n}": f"{kind}{n}" for kind in "jy" for n in (0, 1)},
    **{f"special_modified_bessel_{kind}{n}": f"{kind}{n}" for kind in "ik" for n in (0, 1)},
    **{f"special_scaled_modified_bessel_k{n}": f"k{n}e" for n in (0, 1)},
    **{
        f"special_{name}": name
        for name in ("i0e", "i1", "i1e", "ndtr", "log_ndtr", "entr", "erfc", "ndtri", "erfinv")
    },
    **{f"special_{name}": name for name in ("expm1", "log1p", "exp2", "logit")},
}
_TWO = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "minimum": "min", "maximum": "max"}

OPERATORS: dict[str, Callable[..., Any]] = {
    **{op: partial(_unary, op) for op in _PLAIN},
    **{name: partial(_composed, f) for name, f in COMPOSED.items()},
    **{name: partial(_composed, COMPOSED[other]) for name, other in _OTHER.items()},
    **{
        name: partial(_special, name.removeprefix("special_"))
        for name in ("lgamma", "digamma", "special_erfcx")
    },
    **{
        name: partial(_special, op)
        for name, op in (("special_gammaln", "lgamma"), ("special_psi", "digamma"))
    },
    **{
        name: lambda build, s, x, op=op: with_parameter(build, op, _array(s), _array(x), op)
        for name, op in (
            ("igamma", "gammainc"),
            ("igammac", "gammaincc"),
            ("special_gammainc", "gammainc"),
            ("special_gammaincc", "gammaincc"),
        )
    },
    "atan2": lambda build, y, x: atan2(build, _array(y), _array(x)),
    "arctan2": lambda build, y, x: atan2(build, _array(y), _array(x)),
    "cumsum": lambda build, x, dim, dtype=None: cumsum(build, x, dim),
    "einsum": lambda build, text, parts, path=None: einsum(build, text, *map(_array, parts)),
    **{name: partial(_binary, op) for name, op in _TWO.items()},
    "rsub": lambda build, a, b, alpha=1.0: _binary("sub", build, b, a, alpha=alpha),
    "linear": _linear,
    "matmul": _matmul,
    "mm": _matmul,
    "bmm": _matmul,
    "mv": _matmul,
    "addmm": _addmm,
    "clamp": _clamp,
    "clamp_min": lambda build, x, low: _clamp(build, x, low),
    "clamp_max": lambda build, x, high: _clamp(build, x, None, high),
    "hardtanh": lambda build, x, low=-1.0, high=1.0: _clamp(build, x, low, high),
    "relu6": lambda build, x: _clamp(build, x, 0.0, 6.0),
    "leaky_relu": lambda build, x, slope=0.01: build.unary("leaky_relu", _array(x), float(slope)),
    "softplus": _softplus,
    "elu": lambda build, x, alpha=1.0, scale=1.0, stretch=1.0: elu(build, _array(x), alpha, scale, stretch),
    "selu": lambda build, x: elu(build, _array(x), _SELU[0], _SELU[1]),
    "celu": lambda build, x, alpha=1.0: elu(build, _array(x), alpha, 1.0, 1.0 / alpha),
    "prelu": lambda build, x, slope: prelu(build, _array(x), _channels(slope, x)),
    "mish": lambda build, x: shared.mish(build, _array(x)),
    "hardsigmoid": lambda build, x: hard_sigmoid(build, _array(x)),
    "hardswish": lambda build, x: build.binary("mul", _array(x), hard_sigmoid(build, _array(x))),
    "gelu": _gelu,
    "log_sigmoid": lambda build, x: build.unary(
        "neg", build.unary("softplus", build.unary("neg", _array(x)))
    ),
    "pow": _power,
    "sum": partial(_reduce, "ReduceSum"),
    "mean": partial(_reduce, "ReduceMean"),
    "amax": partial(_reduce, "ReduceMax"),
    "amin": partial(_reduce, "ReduceMin"),
    "softmax": _softmax,
    "_softmax": _softmax,
    "layer_norm": _layer_norm,
    "native_layer_norm": lambda *a, **k: [_layer_norm(*a, **k), None, None],
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": lambda *a, **k: [_batch_norm(*a, **k), None, None],
    "convolution": _conv,
    "conv1d": _conv,
    "conv2d": _conv,
    "conv3d": _conv,
    **{f"max_pool{rank}d": partial(_max_pool, rank) for rank in (1, 2, 3)},
    **{
        f"max_pool{rank}d_with_indices": lambda *a, rank=rank, **k: [_max_pool(rank, *a, **k), None]
        for rank in (2, 3)
    },
    "cat": _join,
    "concat": _join,
    "stack": _stack,
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "full_like": lambda build, x, value, **options: np.full(x.shape, float(value)),
    "full": lambda build, shape, value, **options: np.full(tuple(shape), float(value)),
    "zeros": lambda build, shape, **options: np.zeros(tuple(shape)),
    "ones": lambda build, shape, **options: np.ones(tuple(shape)),
    "scalar_tensor": lambda build, value, **options: np.asarray(float(value)),
    "arange": lambda build, *ends, **options: np.arange(*ends, dtype=float),
}
