"""Constants that an ONNX graph computes from constants."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported

IR_VERSION = 10  # onnxruntime refuses files of later versions than it knows
# operators that give the same result for constants in every implementation of IEEE 754
EXACT = frozenset(
    {
        "Constant",
        "Identity",
        "ConstantOfShape",
        "Shape",
        "Cast",
        "CastLike",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "Slice",
        "Gather",
        "Expand",
        "Concat",
        "Neg",
        "Abs",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Sqrt",
        "Min",
        "Max",
        "Where",
        "Split",
        "Range",
        "Dropout",
    }
)

_CHANCE = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"}
)


def folded(node: Any, args: list[Any], opset: int) -> list[Any]:
    """Operations on constants alone: by onnxruntime, which runs the file, where others may give something else.

    Integers that overflow, and NaN, are such; what onnxruntime does not compute alone, onnx's reference implementation does.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    inside = {n.op_type for a in node.attribute if a.HasField("g") for n in a.g.node}
    if not _CHANCE.isdisjoint({node.op_type, *inside}):
        raise Unsupported(f"ONNX {node.op_type}", "none: each call draws other numbers")
    if any(a.ref_attr_name for a in node.attribute):
        raise Unsupported(f"{node.op_type} of constants, by an attribute of a function", "an initializer")
    if any(_from_around(a.g) for a in node.attribute if a.HasField("g")):
        raise Unsupported(f"{node.op_type} of constants, with values from around it", "an initializer")
    given = {f"c{i}": np.asarray(a) for i, a in enumerate(args) if a is not None}
    names = [f"c{i}" if a is not None else "" for i, a in enumerate(args)]
    copy = helper.make_node(node.op_type, names, list(node.output), domain=node.domain)
    copy.attribute.extend(node.attribute)
    infos = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for k, v in given.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    model = helper.make_model(
        helper.make_graph([copy], "constants", infos, outputs), opset_imports=[helper.make_opsetid("", opset)]
    )
    if node.op_type not in EXACT:
        with suppress(Exception):
            return _by_onnxruntime(model, given)
    try:
        return list(ReferenceEvaluator(model).run(None, given))
    except Exception as error:
        raise Unsupported(f"{node.op_type} of constants ({error})", "an initializer with the value") from None


def _by_onnxruntime(model: Any, given: dict[str, Any]) -> list[Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    model.ir_version = min(model.ir_version, IR_VERSION)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [*session.run(None, given)]


def _from_around(graph: Any) -> bool:
    """Whether a graph inside of an operator names a value that it does not have itself, or has such a graph inside."""
    known = {v.name for v in (*graph.input, *graph.initializer)} | {
        name for n in graph.node for name in n.output
    }
    inner = any(a.HasField("g") for node in graph.node for a in node.attribute)
    return inner or not known.issuperset(name for n in graph.node for name in n.input if name)
