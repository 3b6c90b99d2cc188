"""ONNX operators that compute, as compositions of the operations of a program.

Attributes and their defaults are float32 numbers: also in float64 graphs onnxruntime computes with float32(1e-5)
(`tests/program/test_runtimes.py` compares each operator with onnxruntime).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.composed import COMPOSED, elu, hard_sigmoid, power, prelu
from supnorm.program.operations import Unsupported
from supnorm.program.pooling import Windows, max_pool
from supnorm.program.sums import cumsum, einsum
from supnorm.program.tracing import Builder, Tensor, Value


def axes_of_reduction(x: Any, at: dict[str, Any], args: list[Any]) -> list[int]:
    """The axes over which a reduction goes: those given, all where none are, or none where the node says so."""
    axes = np.asarray(args[1]).ravel().tolist() if len(args) > 1 and args[1] is not None else at.get("axes")
    if not axes and at.get("noop_with_empty_axes"):
        return []
    return [int(a) % len(x.shape) for a in axes] if axes else list(range(len(x.shape)))


def reduce(build: Builder, op: str, at: dict[str, Any], args: list[Any]) -> Value:
    """ReduceSum, ReduceMean, ReduceMax and ReduceMin."""
    x = args[0]
    axes = axes_of_reduction(x, at, args)
    if not axes:
        return x  # type: ignore[no-any-return]
    if op in ("ReduceMax", "ReduceMin"):
        out = build.fold("max" if op == "ReduceMax" else "min", x, axes)
    else:
        out = build.sum(x, axes)
        if op == "ReduceMean":
            out = build.binary("div", out, np.asarray(float(np.prod([x.shape[a] for a in axes]))))
    if at.get("keepdims", 1) and isinstance(out, Tensor):
        return out.arrange(lambda i: np.expand_dims(i, tuple(axes)))
    return out


def _gemm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    a, b = args[0], args[1]
    if at.get("transA"):
        a = a.arrange(np.transpose) if isinstance(a, Tensor) else np.transpose(a)
    if at.get("transB"):
        b = b.arrange(np.transpose) if isinstance(b, Tensor) else np.transpose(b)
    out = build.contract(a, b)
    if at.get("alpha", 1.0) != 1.0:
        out = build.binary("mul", out, np.asarray(float(at["alpha"])))
    if len(args) < 3 or args[2] is None:
        return out
    bias = args[2]
    if at.get("beta", 1.0) != 1.0:
        bias = build.binary("mul", bias, np.asarray(float(at["beta"])))
    return build.binary("add", out, bias)


def _matmul(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    a, b = args
    if len(a.shape) < 1 or len(b.shape) not in (1, 2):
        raise Unsupported("MatMul of stacked matrices", "MatMul with a matrix of weights")
    lead = a.shape[:-1]
    left = (
        a.arrange(lambda i: i.reshape(-1, i.shape[-1]))
        if isinstance(a, Tensor)
        else a.reshape(-1, a.shape[-1])
    )
    vector = len(b.shape) == 1
    right = b if not vector else (b.arrange(lambda i: i[:, None]) if isinstance(b, Tensor) else b[:, None])
    out = build.contract(left, right)
    shape = lead + (() if vector else (b.shape[1],))
    return out.arrange(lambda i: i.reshape(shape)) if isinstance(out, Tensor) else out.reshape(shape)


def _pow(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    return power(build, *args)


def _clip(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    low = args[1] if len(args) > 1 else at.get("min")
    high = args[2] if len(args) > 2 else at.get("max")
    x: Value = args[0]
    x = x if low is None else build.binary("max", x, low if isinstance(low, Tensor) else np.asarray(low))
    return (
        x if high is None else build.binary("min", x, high if isinstance(high, Tensor) else np.asarray(high))
    )


def _gelu(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    form = at.get("approximate", b"none")
    return build.unary("gelu_tanh" if form in (b"tanh", "tanh") else "gelu", args[0])


def _gelu_by_parts(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """ONNX's definition of Gelu in float64, by other operators with float32 constants."""
    x = args[0]
    if at.get("approximate", b"none") not in (b"tanh", "tanh"):
        return _gelu(build, at, args)
    cubic = build.binary("mul", build.unary("pow", x, 3.0), np.asarray(single(0.044715)))
    inner = build.binary("mul", build.binary("add", x, cubic), np.asarray(math.sqrt(single(2.0 / math.pi))))
    raised = build.binary("add", build.unary("tanh", inner), _ONE)
    return build.binary("mul", build.binary("mul", x, np.asarray(0.5)), raised)


def mish(build: Builder, x: Value) -> Value:
    """x tanh(softplus(x))."""
    return build.binary("mul", x, build.unary("tanh", build.unary("softplus", x)))


def _celu(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    alpha = float(at.get("alpha", 1.0))
    return elu(build, args[0], alpha, 1.0, 1.0 / alpha)


def _softsign(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    return build.binary("div", args[0], build.binary("add", build.unary("abs", args[0]), _ONE))


def _softmax(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    axes = tuple(at.get("axes", (at.get("axis", -1) % len(args[0].shape),)))
    powers = build.unary("exp", args[0])
    assert isinstance(powers, Tensor)
    total = build.sum(powers, axes).arrange(lambda i: np.expand_dims(i, axes))
    return build.binary("div", powers, total)


def _layer_norm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x: Tensor = args[0]
    first = at.get("axis", -1) % len(x.shape)
    axes = tuple(range(first, len(x.shape)))
    count = np.asarray(float(np.prod([x.shape[a] for a in axes])))

    def mean(t: Value) -> Value:
        assert isinstance(t, Tensor)
        total = build.sum(t, axes).arrange(lambda i: np.expand_dims(i, axes))
        return build.binary("div", total, count)

    centred = build.binary("sub", x, mean(x))
    variance = build.binary(
        "add", mean(build.unary("pow", centred, 2.0)), np.asarray(at.get("epsilon", _EPSILON))
    )
    scaled = build.binary("mul", build.binary("div", centred, build.unary("sqrt", variance)), args[1])
    return scaled if len(args) < 3 or args[2] is None else build.binary("add", scaled, args[2])


def _batch_norm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, scale, bias, mean, variance = args
    shape = (-1,) + (1,) * (len(x.shape) - 2)
    scale, bias, mean, variance = (
        entry.constant(a, "BatchNormalization").reshape(shape) for a in (scale, bias, mean, variance)
    )
    deviation = np.sqrt(variance + at.get("epsilon", _EPSILON))
    return build.binary("add", build.binary("mul", build.binary("sub", x, mean), scale / deviation), bias)


def pads_of(at: dict[str, Any], spatial: Any, sizes: Any, strides: Any, dilations: Any) -> list[int]:
    """Numbers of zeros before each spatial axis, then after each; SAME_UPPER puts an odd one after, SAME_LOWER before."""
    how = at.get("auto_pad", b"NOTSET")
    how = how.decode() if isinstance(how, bytes) else how
    if how == "VALID":  # pads do not count beside it
        return [0] * 2 * len(spatial)
    if how == "NOTSET":
        return at.get("pads", [0] * 2 * len(spatial))  # type: ignore[no-any-return]
    before, after = [], []
    for length, size, stride, dilation in zip(spatial, sizes, strides, dilations, strict=True):
        windows = -(-length // stride)
        total = (windows - 1) * stride + dilation * (size - 1) + 1 - length
        if (
            total < -1
        ):  # onnxruntime's pads are negative then; with -1 it leaves the last value out, which none has
            raise Unsupported("auto_pad where windows leave values out", "pads")
        total = max(total, 0)
        before.append(total // 2 if how == "SAME_UPPER" else total - total // 2)
        after.append(total - before[-1])
    return [*before, *after]


def _conv(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """Convolution as one dense affine map with exact copies of the kernel's weights at each position."""
    x, kernel = args[0], entry.constant(args[1], "Conv")
    spatial = x.shape[2:]
    rank = len(spatial)
    if len(kernel.shape) != len(x.shape):
        raise Unsupported(
            "Conv of an input with fewer or more axes than its kernel", "a batch axis, channels, and the rest"
        )
    strides, dilations = at.get("strides", [1] * rank), at.get("dilations", [1] * rank)
    sizes, group = kernel.shape[2:], at.get("group", 1)
    pads = pads_of(at, spatial, sizes, strides, dilations)
    windows = tuple(
        (spatial[k] + pads[k] + pads[rank + k] - dilations[k] * (sizes[k] - 1) - 1) // strides[k] + 1
        for k in range(rank)
    )
    channels, count = x.shape[1], kernel.shape[0]
    weight = np.zeros((count, *windows, channels, *spatial))
    for out in np.ndindex(count, *windows):
        first = (out[0] * group // count) * kernel.shape[1]
        for tap in np.ndindex(*sizes):
            corner = tuple(out[k + 1] * strides[k] + tap[k] * dilations[k] - pads[k] for k in range(rank))
            if all(0 <= p < s for p, s in zip(corner, spatial, strict=True)):
                weight[(*out, slice(first, first + kernel.shape[1]), *corner)] = kernel[
                    (out[0], slice(None), *tap)
                ]
    bias = np.zeros(count) if len(args) < 3 or args[2] is None else entry.constant(args[2], "Conv")
    total = np.broadcast_to(bias.reshape(-1, *(1,) * rank), (count, *windows)).ravel()
    matrix = weight.reshape(count * math.prod(windows), -1)
    points = [x.arrange(lambda i, k=k: i[k]) for k in range(x.shape[0])]
    rows = [
        build.affine(one, matrix, total).arrange(lambda i: i.reshape(1, count, *windows)) for one in points
    ]
    return rows[0] if len(rows) == 1 else build.concatenate(rows, 0)


def _max_pool(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, sizes = args[0], at["kernel_shape"]
    rank = len(sizes)
    strides, dilations = at.get("strides", [1] * rank), at.get("dilations", [1] * rank)
    if at.get("auto_pad", b"NOTSET") not in (b"NOTSET", "NOTSET", b"VALID", "VALID") and {*dilations} != {1}:
        # onnxruntime pads as if the windows had no gaps, and the operator's definition says nothing of it.
        raise Unsupported("MaxPool with auto_pad and dilations", "its pads")
    pads = pads_of(at, x.shape[2:], sizes, strides, dilations)
    return max_pool(build, x, Windows(sizes, strides, pads, dilations, bool(at.get("ceil_mode", 0))))


def _elementary(name: str, build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    return COMPOSED[name](build, args[0])


def _running(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """CumSum."""
    if isinstance(args[1], Tensor):
        raise Unsupported("CumSum along an axis that depends on the input", "CumSum along a constant axis")
    axis = int(np.ravel(args[1])[0])
    return cumsum(build, args[0], axis, bool(at.get("reverse", 0)), bool(at.get("exclusive", 0)))


def _einsum(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    text = at["equation"]
    return einsum(build, text.decode() if isinstance(text, bytes) else text, *args)


def single(number: float) -> float:
    """The float32 number that is an attribute's default.

    >>> single(0.01)
    0.009999999776482582
    """
    return float(np.float32(number))


_ONE = np.asarray(1.0)
_EPSILON = single(1e-5)
_SELU = (1.67326319217681884765625, 1.05070102214813232421875)  # ONNX: alpha and gamma, float32 numbers
OPERATORS: dict[str, Callable[[Builder, dict[str, Any], list[Any]], Value]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pow": _pow,
    "Clip": _clip,
    "Gelu": _gelu,
    "Gelu64": _gelu_by_parts,
    "Softmax": _softmax,
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "MaxPool": _max_pool,
    "Concat": lambda build, at, args: build.concatenate(args, at["axis"]),
    "LeakyRelu": lambda build, at, args: build.unary(
        "leaky_relu", args[0], float(at.get("alpha", single(0.01)))
    ),
    "Elu": lambda build, at, args: elu(build, args[0], at.get("alpha", 1.0)),
    "Selu": lambda build, at, args: elu(build, args[0], at.get("alpha", _SELU[0]), at.get("gamma", _SELU[1])),
    "Celu": _celu,
    "PRelu": lambda build, at, args: prelu(build, args[0], entry.constant(args[1], "PRelu")),
    "Mish": lambda build, at, args: mish(build, args[0]),
    "HardSigmoid": lambda build, at, args: hard_sigmoid(
        build, args[0], at.get("alpha", single(0.2)), at.get("beta", 0.5)
    ),
    "HardSwish": lambda build, at, args: build.binary(
        "mul", args[0], hard_sigmoid(build, args[0], single(1.0 / 6.0))
    ),
    "Softsign": _softsign,
    **{
        name: partial(_elementary, name.lower())
        for name in ("Tan", "Sinh", "Cosh", "Asin", "Acos", "Asinh", "Acosh", "Atanh", "Sign")
    },
    "CumSum": _running,
    "Einsum": _einsum,
    "Reciprocal": lambda build, at, args: build.binary("div", _ONE, args[0]),
}
