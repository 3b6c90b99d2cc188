"""Operators of onnxruntime's own: what it runs in place of several operators of a file.

`tests/program/test_onnx_fused.py` compares each with onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program.onnx_operators import OPERATORS, single
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

_UNARY = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Softplus": "softplus"}


def _activated(build: Builder, x: Value, name: bytes | str, parameters: dict[str, float]) -> Value:
    """An activation at the end of a fused operator."""
    op = name.decode() if isinstance(name, bytes) else name
    if op in ("", "Identity"):
        return x
    if op in _UNARY:
        return build.unary(_UNARY[op], x)
    if op in ("LeakyRelu", "HardSigmoid", "Softsign", "Elu"):
        return OPERATORS[op](build, parameters, [x])
    raise Unsupported(f"{op} within another operator", "an activation after it")


def _gemm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    given = {name: at[f"activation_{name}"] for name in ("alpha", "beta") if f"activation_{name}" in at}
    return _activated(build, OPERATORS["Gemm"](build, at, args), at.get("activation", b""), given)


def _conv(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    out = OPERATORS["Conv"](build, at, args[:3])
    if len(args) > 3 and args[3] is not None:
        out = build.binary("add", out, args[3])
    given = dict(zip(("alpha", "beta"), at.get("activation_params", []), strict=False))
    return _activated(build, out, at.get("activation", b""), given)


def _matmul(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    if at.get("transBatchA") or at.get("transBatchB"):
        raise Unsupported("FusedMatMul of stacked matrices", "MatMul with a matrix of weights")

    def turned(a: Any, turn: int) -> Any:
        if not turn or len(a.shape) < 2:
            return a
        return (
            a.arrange(lambda i: np.swapaxes(i, -1, -2)) if isinstance(a, Tensor) else np.swapaxes(a, -1, -2)
        )

    a, b = turned(args[0], at.get("transA", 0)), turned(args[1], at.get("transB", 0))
    out = OPERATORS["MatMul"](build, {}, [a, b])
    alpha = float(at.get("alpha", 1.0))
    return out if alpha == 1.0 else build.binary("mul", out, np.asarray(alpha))


def _bias_gelu(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    return build.unary("gelu", build.binary("add", args[0], args[1]))


def _fast_gelu(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x = args[0] if len(args) < 2 or args[1] is None else build.binary("add", args[0], args[1])
    return build.unary("gelu_tanh", x)


def _quick_gelu(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, alpha = args[0], float(at.get("alpha", single(1.702)))
    inner = x if alpha == 1.0 else build.binary("mul", x, np.asarray(alpha))
    return build.binary("mul", x, build.unary("sigmoid", inner))


def _root_mean_square_norm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """SimplifiedLayerNormalization."""
    x: Tensor = args[0]
    axes = tuple(range(at.get("axis", -1) % len(x.shape), len(x.shape)))
    total = build.sum(build.unary("pow", x, 2.0), axes).arrange(lambda i: np.expand_dims(i, axes))  # type: ignore[arg-type]
    mean = build.binary("div", total, np.asarray(float(np.prod([x.shape[a] for a in axes]))))
    size = build.unary("sqrt", build.binary("add", mean, np.asarray(at.get("epsilon", single(1e-5)))))
    return build.binary("mul", build.binary("div", x, size), args[1])


def _skip_layer_norm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """SkipLayerNormalization: the layer norm of a sum of two tensors and a bias."""
    x, skip, scale, shift, bias = [*args, None, None][:5]
    total = build.binary("add", x, skip)
    total = total if bias is None else build.binary("add", total, bias)
    at = {"axis": -1, "epsilon": at.get("epsilon", single(1e-12))}
    return OPERATORS["LayerNormalization"](build, at, [total, scale, shift])


FUSED: dict[str, Callable[[Builder, dict[str, Any], list[Any]], Value]] = {
    "FusedGemm": _gemm,
    "FusedConv": _conv,
    "FusedMatMul": _matmul,
    "BiasGelu": _bias_gelu,
    "FastGelu": _fast_gelu,
    "QuickGelu": _quick_gelu,
    "SimplifiedLayerNormalization": _root_mean_square_norm,
    "SkipLayerNormalization": _skip_layer_norm,
}
