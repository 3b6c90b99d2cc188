"""Whether each operator of an ONNX graph certainly computes each row of a batch for itself.

All tensors have two axes then, points and features: no operator here adds, drops or moves an axis, and none joins rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_NUMBERS = frozenset(
    {
        "Abs",
        "Acos",
        "Acosh",
        "Add",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "BatchNormalization",
        "Cast",
        "CastLike",
        "Celu",
        "Clip",
        "Constant",
        "Cos",
    }
    | {
        "Cosh",
        "Div",
        "Dropout",
        "Elu",
        "Erf",
        "Exp",
        "Gelu",
        "Greater",
        "GreaterOrEqual",
        "HardSigmoid",
        "HardSwish",
    }
    | {
        "Identity",
        "LeakyRelu",
        "Less",
        "LessOrEqual",
        "Log",
        "Max",
        "Min",
        "Mish",
        "Mul",
        "Neg",
        "Pow",
        "PRelu",
    }
    | {
        "Reciprocal",
        "Relu",
        "Selu",
        "Shrink",
        "Sigmoid",
        "Sign",
        "Sin",
        "Sinh",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Sub",
        "Sum",
    }
    | {"Tan", "Tanh", "ThresholdedRelu", "Where"}
)
ALONG = {
    "Concat": 0,
    "Split": 0,
    "Gather": 0,
    "Softmax": -1,
    "LogSoftmax": -1,
    "LayerNormalization": -1,
}  # by default
FEATURES = (1, -1)  # the axis


def each_row_alone(model: Any) -> bool:
    """Whether it is certain; a graph of which it is not may still do so.

    Args:
        model: an ``onnx.ModelProto``.
    """
    graph = model.graph
    held = {one.name: one for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            held |= dict([(node.output[0], a.t) for a in node.attribute if a.name == "value"])
    given = [one.type.tensor_type.shape.dim for one in graph.input if one.name not in held]
    if model.functions or graph.sparse_initializer or any(len(axes) != 2 for axes in given):
        return False
    return all(_is_row_by_row(node, held) for node in graph.node)


def _is_row_by_row(node: Any, held: Mapping[str, Any]) -> bool:
    op = node.op_type
    weights = [list(held[name].dims) if name in held else None for name in node.input]
    if node.domain not in ("", "ai.onnx"):
        return False
    if op in ("Gemm", "MatMul"):
        turned = any(a.name == "transA" and a.i for a in node.attribute)
        return not turned and weights[0] is None and weights[1] is not None and len(weights[1]) == 2
    if op == "Slice" or op in ALONG:
        return _is_along_features(node, held, weights)
    # A constant of several rows would be added to as many points; one of three axes would make three of two.
    return op in OF_NUMBERS and all(w is None or len(w) < 2 or (len(w) == 2 and w[0] == 1) for w in weights)


def _is_along_features(node: Any, held: Mapping[str, Any], weights: list[list[int] | None]) -> bool:
    from onnx import numpy_helper

    if any(w is not None for w in (weights if node.op_type == "Concat" else weights[:1])):
        return False  # what is made of a constant has more axes than two where the constant has
    if node.op_type == "Slice":
        axes = held.get(node.input[3]) if len(node.input) > 3 else None
        return axes is not None and set(numpy_helper.to_array(axes).ravel().tolist()) <= {*FEATURES}
    if node.op_type == "Gather" and (weights[1] is None or len(weights[1]) != 1):
        return False  # a number in place of a vector drops the axis
    return next((a.i for a in node.attribute if a.name == "axis"), ALONG[node.op_type]) in FEATURES
