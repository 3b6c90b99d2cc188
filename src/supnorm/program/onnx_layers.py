"""ONNX operators of norms, pooling, padding and transposed convolution, by the same forms as those of torch.

`tests/program/test_onnx_layers.py` compares each with onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.aten_norms import group_norm, log_softmax, log_sum_exp, product, reduced, vector_norm
from supnorm.program.aten_values import moved
from supnorm.program.aten_windows import mean_pool, pad, transposed
from supnorm.program.onnx_operators import axes_of_reduction, pads_of, single
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

# (build, tensor, axes, whether these stay with length one)
Reduction = Callable[[Builder, Any, list[int], bool], Value]


def _reduction(form: Reduction, build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x = args[0]
    axes = axes_of_reduction(x, at, args)
    if not axes:  # noop_with_empty_axes: the function of each entry
        lifted = moved(x, lambda i: i[..., None])
        return form(build, lifted, [len(x.shape)], False)
    return form(build, x, axes, bool(at.get("keepdims", 1)))


def _square_sum(build: Builder, x: Any, axes: list[int], keep: bool) -> Value:
    return reduced("ReduceSum", build, build.unary("pow", x, 2.0), axes, keep)


def _log_sum(build: Builder, x: Any, axes: list[int], keep: bool) -> Value:
    return build.unary("log", reduced("ReduceSum", build, x, axes, keep))


def _product(build: Builder, x: Any, axes: list[int], keep: bool) -> Value:
    return product(build, x, axes, keep)


def _norm(order: float, build: Builder, x: Any, axes: list[int], keep: bool) -> Value:
    return vector_norm(build, x, order, axes, keep)


def _normalized(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """LpNormalization."""
    return build.binary(
        "div", args[0], vector_norm(build, args[0], float(at.get("p", 2)), [at.get("axis", -1)], True)
    )


def _log_softmax(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x = args[0]
    return log_softmax(build, x, list(at["axes"]) if "axes" in at else at.get("axis", -1))


def _instance_norm(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, scale, bias = args
    return group_norm(build, x, x.shape[1], scale, bias, at.get("epsilon", single(1e-5)))


def _mean_pool(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, sizes = args[0], at["kernel_shape"]
    rank = len(sizes)
    if at.get("ceil_mode") or any(d != 1 for d in at.get("dilations", [1])):
        raise Unsupported("AveragePool with ceil_mode or dilations", "padding, and windows without gaps")
    strides = at.get("strides", [1] * rank)
    pads = pads_of(at, x.shape[2:], sizes, strides, [1] * rank)
    return mean_pool(build, x, sizes, strides, pads, bool(at.get("count_include_pad", 0)))


def _whole(op: str, build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    """GlobalAveragePool and GlobalMaxPool."""
    return reduced(op, build, args[0], list(range(2, len(args[0].shape))), True)


def _transposed(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, kernel = args[0], entry.constant(args[1], "ConvTranspose")
    rank = len(kernel.shape) - 2
    how = at.get("auto_pad", b"NOTSET")
    if "output_shape" in at or how not in (b"NOTSET", "NOTSET"):
        raise Unsupported("ConvTranspose with auto_pad or output_shape", "its pads")
    return transposed(
        build,
        x,
        kernel,
        args[2] if len(args) > 2 else None,
        at.get("strides", [1] * rank),
        at.get("pads", [0] * 2 * rank),
        at.get("output_padding", [0] * rank),
        at.get("group", 1),
        at.get("dilations", [1] * rank),
    )


def _pad(build: Builder, at: dict[str, Any], args: list[Any]) -> Value:
    x, given = args[0], [*args[1:], None, None, None][:3]
    if any(isinstance(one, Tensor) for one in given):
        raise Unsupported("Pad by numbers that depend on the input", "constant pads")
    pads = np.ravel(at["pads"] if given[0] is None else given[0]).astype(int).tolist()
    filled = at.get("value", 0.0) if given[1] is None else np.ravel(given[1])[0]
    rank = len(x.shape)
    axes = range(rank) if given[2] is None else [int(a) % rank for a in np.ravel(given[2])]
    widths = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        widths[axis] = (pads[k], pads[k + len(pads) // 2])
    mode = at.get("mode", b"constant")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    return pad(build, x, widths, {"edge": "replicate", "wrap": "circular"}.get(mode, mode), float(filled))


LAYERS: dict[str, Callable[[Builder, dict[str, Any], list[Any]], Value]] = {
    "ReduceL1": partial(_reduction, partial(_norm, 1.0)),
    "ReduceL2": partial(_reduction, partial(_norm, 2.0)),
    "ReduceSumSquare": partial(_reduction, _square_sum),
    "ReduceLogSum": partial(_reduction, _log_sum),
    "ReduceLogSumExp": partial(_reduction, log_sum_exp),
    "ReduceProd": partial(_reduction, _product),
    "LpNormalization": _normalized,
    "LogSoftmax": _log_softmax,
    "InstanceNormalization": _instance_norm,
    "AveragePool": _mean_pool,
    "GlobalAveragePool": partial(_whole, "ReduceMean"),
    "GlobalMaxPool": partial(_whole, "ReduceMax"),
    "ConvTranspose": _transposed,
    "Pad": _pad,
}
