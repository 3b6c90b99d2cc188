"""Runs operators of an ONNX graph alone, all of them in one graph without connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.program.each_operator import Case
from supnorm.program.onnx_constants import IR_VERSION
from supnorm.program.operations import Unsupported


def in_one_graph(model: Any, cases: Sequence[Case]) -> list[list[list[Any]]]:
    """For each operator its results at each draw.

    Args:
        model: the file's, for versions of operators.
        cases: their tokens are the node, the attributes of the function around it, and types of all arguments.

    Raises:
        Unsupported: if onnxruntime does not run them.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes, infos, constants, wanted = [], [], [], []
    feeds: list[dict[str, Any]] = [{} for _ in cases[0].arguments]
    for i, case in enumerate(cases):
        node, given, types = case.token
        copy = type(node)()
        copy.CopyFrom(node)
        del copy.attribute[:]
        for attribute in node.attribute:
            if not attribute.ref_attr_name:
                copy.attribute.append(attribute)
            elif attribute.ref_attr_name in given:
                copy.attribute.append(helper.make_attribute(attribute.name, given[attribute.ref_attr_name]))
        for j, (name, kind) in enumerate(zip(node.input, types, strict=True)):
            if not name:
                continue
            copy.input[j] = there = f"{i}.{j}"
            first = case.arguments[0][j]
            if _is_drawn(case, j):
                wide = kind == "bfloat16"  # which NumPy does not have
                stored = np.dtype("float32" if wide else kind)
                infos.append(
                    helper.make_tensor_value_info(there, helper.np_dtype_to_tensor_dtype(stored), first.shape)
                )
                if wide:
                    copy.input[j] = f"{there} stored"
                    nodes.append(helper.make_node("Cast", [there], [copy.input[j]], to=TensorProto.BFLOAT16))
                for feed, arguments in zip(feeds, case.arguments, strict=True):
                    feed[there] = arguments[j].astype(stored)
            else:
                constants.append(numpy_helper.from_array(np.asarray(first), there))
        for k, name in enumerate(node.output):
            copy.output[k] = f"{i}-{k}" if name else ""
            wanted.append(copy.output[k])
        nodes.append(copy)
    outputs = [helper.make_empty_tensor_value_info(name) for name in wanted if name]
    graph = helper.make_graph(nodes, "operators alone", infos, outputs, constants)
    alone = helper.make_model(graph, opset_imports=list(model.opset_import))
    alone.ir_version = min(model.ir_version or IR_VERSION, IR_VERSION)
    try:
        results = _ran(alone, feeds)
    except Exception as error:  # onnxruntime's own exception classes are not public
        first = " ".join(str(error).split())[:120]
        raise Unsupported(
            f"any, because onnxruntime does not run its operators alone ({first})", "another export"
        ) from None
    return [
        [[by_name.get(f"{i}-{k}") for k in range(len(case.token[0].output))] for by_name in results]
        for i, case in enumerate(cases)
    ]


def _is_drawn(case: Case, j: int) -> bool:
    """Whether an argument is another one in each draw."""
    return case.arguments[0][j] is not case.arguments[1][j]


def _ran(model: Any, feeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs()]
    return [dict(zip(names, session.run(names, feed), strict=True)) for feed in feeds]
