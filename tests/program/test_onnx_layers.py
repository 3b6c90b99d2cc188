"""ONNX operators of norms, windows and moves against onnxruntime in float64, at points of several sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from supnorm.program import Unsupported, lower_onnx

rng = np.random.default_rng(1)
NORMAL = rng.normal(size=(6, 4))
AXES = np.array([2, 1])
# of these onnxruntime has kernels of float32 alone
SINGLE = ("InstanceNormalization", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ConvTranspose")
LINES, PICTURES = (3, 4), (4, 4, 2)  # shapes of a point
OPERATORS: list[tuple[str, int, tuple[int, ...], list[Any], dict[str, Any]]] = [
    *((op, 18, LINES, [AXES], {}) for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd")),
    *((op, 13, LINES, [], {"axes": [-1], "keepdims": 0}) for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare")),
    ("ReduceLogSumExp", 13, LINES, [], {"axes": [1, 2], "keepdims": 0}),
    ("ReduceLogSum", 18, LINES, [AXES], {}),
    ("ReduceL2", 18, LINES, [], {"noop_with_empty_axes": 1}),
    ("LogSoftmax", 13, LINES, [], {}),
    ("LogSoftmax", 13, LINES, [], {"axis": 1}),
    ("LogSoftmax", 11, LINES, [], {"axis": 1}),
    ("LogSoftmax", 11, LINES, [], {}),
    ("LpNormalization", 13, LINES, [], {}),
    ("LpNormalization", 13, LINES, [], {"axis": 1, "p": 1}),
    ("InstanceNormalization", 6, LINES, [NORMAL[0, :3], NORMAL[1, :3]], {}),
    ("InstanceNormalization", 6, LINES, [NORMAL[0, :3], NORMAL[1, :3]], {"epsilon": 1e-2}),
    ("InstanceNormalization", 6, PICTURES, [NORMAL[0], NORMAL[1]], {}),
    ("AveragePool", 11, LINES, [], {"kernel_shape": [2]}),
    ("AveragePool", 11, LINES, [], {"kernel_shape": [3], "pads": [1, 2], "strides": [2]}),
    ("AveragePool", 11, LINES, [], {"kernel_shape": [3], "pads": [1, 0], "count_include_pad": 1}),
    ("AveragePool", 11, PICTURES, [], {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("AveragePool", 11, PICTURES, [], {"kernel_shape": [2, 2], "auto_pad": "VALID", "pads": [0, 1, 1, 1]}),
    ("AveragePool", 11, PICTURES, [], {"kernel_shape": [3, 1], "auto_pad": "SAME_LOWER", "strides": [2, 1]}),
    ("GlobalAveragePool", 13, LINES, [], {}),
    ("GlobalMaxPool", 13, PICTURES, [], {}),
    ("ConvTranspose", 11, LINES, [rng.normal(size=(3, 2, 3))], {}),
    ("ConvTranspose", 11, LINES, [rng.normal(size=(3, 2, 3)), NORMAL[0, :2]],
     {"strides": [2], "pads": [1, 0], "output_padding": [1], "dilations": [2]}),
    ("ConvTranspose", 11, PICTURES, [rng.normal(size=(4, 1, 2, 2))], {"group": 2, "strides": [1, 2], "pads": [0, 1, 1, 0]}),
    ("Pad", 13, LINES, [np.array([0, 1, 0, 0, 0, 2]), np.array(0.7)], {}),
    ("Pad", 18, LINES, [np.array([1, 2]), np.array(-0.3), np.array([-1])], {"mode": "constant"}),
    ("Pad", 18, LINES, [np.array([1, 2]), None, np.array([2])], {}),
    ("Pad", 13, LINES, [np.array([0, 0, 1, 0, 0, 2])], {"mode": "reflect"}),
    ("Pad", 13, LINES, [np.array([0, 1, 1, 0, 2, 2])], {"mode": "edge"}),
    ("Pad", 19, LINES, [np.array([0, 1, 1, 0, 1, 2])], {"mode": "wrap"}),
    ("Tile", 13, LINES, [np.array([1, 2, 3])], {}),
    ("GatherElements", 13, LINES, [np.array([[[2, 0, -1, 1]]])], {"axis": 1}),
    ("DepthToSpace", 13, PICTURES, [], {"blocksize": 2}),
    ("DepthToSpace", 13, PICTURES, [], {"blocksize": 2, "mode": "CRD"}),
    ("SpaceToDepth", 13, PICTURES, [], {"blocksize": 2}),
]  # fmt: skip


def _model(
    op: str, opset: int, shape: tuple[int, ...], constants: list[Any], attributes: dict[str, Any], free: bool
) -> Any:
    numbers = np.float32 if op in SINGLE else np.float64
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(numbers))
    constants = [c if c is None or c.dtype.kind == "i" else c.astype(numbers) for c in constants]
    inputs = [f"c{i}" if c is not None else "" for i, c in enumerate(constants)]
    if op == "GatherElements" and free:
        constants = [np.broadcast_to(constants[0], (1, *constants[0].shape[1:]))]
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["r"]), helper.make_node(op, ["r", *inputs], ["y"], **attributes)],
        "one operator",
        [helper.make_tensor_value_info("x", kind, ["n" if free else 1, int(np.prod(shape))])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.array([-1, *shape]), "shape")]
        + [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, inputs, strict=True) if c is not None],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


@pytest.mark.parametrize(("op", "opset", "shape", "constants", "attributes"), OPERATORS)
def test_operators(
    op: str, opset: int, shape: tuple[int, ...], constants: list[Any], attributes: dict[str, Any]
) -> None:
    free = op not in ("GatherElements",)
    model = _model(op, opset, shape, constants, attributes, free)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    program = lower_onnx(model)
    for scale in (3.0, 1e-2, 1e-6):  # small inputs show an epsilon
        x = scale * rng.normal(size=(40, int(np.prod(shape)))).astype(np.float32)
        x = np.abs(x) if op == "ReduceLogSum" else x
        given = x if op in SINGLE else x.astype(float)
        expected = np.concatenate([session.run(None, {"x": row[None]})[0].reshape(1, -1) for row in given])
        room = (2e-5, 1e-6 * scale) if op in SINGLE else (1e-9, 1e-13)
        np.testing.assert_allclose(program.value(x.astype(float)), expected, *room)


@pytest.mark.parametrize(
    ("op", "opset", "constants", "attributes", "words"),
    [
        ("AveragePool", 11, [], {"kernel_shape": [2], "ceil_mode": 1}, "ceil_mode"),
        ("AveragePool", 19, [], {"kernel_shape": [2], "dilations": [2]}, "dilations"),
        ("MaxPool", 12, [], {"kernel_shape": [2], "dilations": [2], "auto_pad": "SAME_UPPER"}, "auto_pad"),
        ("MaxPool", 12, [], {"kernel_shape": [2], "dilations": [2], "auto_pad": "SAME_LOWER"}, "auto_pad"),
        ("MaxPool", 12, [], {"kernel_shape": [1], "strides": [4], "auto_pad": "SAME_UPPER"}, "auto_pad"),
        ("AveragePool", 11, [], {"kernel_shape": [1], "strides": [4], "auto_pad": "SAME_LOWER"}, "auto_pad"),
        ("Conv", 11, [np.ones((1, 3, 1))], {"strides": [4], "auto_pad": "SAME_UPPER"}, "auto_pad"),
        ("ConvTranspose", 11, [np.ones((3, 2, 2))], {"auto_pad": "SAME_UPPER"}, "auto_pad"),
        ("ConvTranspose", 11, [np.ones((3, 2, 2))], {"output_shape": [5]}, "output_shape"),
        ("Pad", 13, [np.array([0, 0, -1, 0, 0, 0])], {}, "negative"),
        ("Pad", 13, [np.array([1, 0, 0, 0, 0, 0])], {}, "."),
    ],
)
def test_what_stands_in_the_way_is_named(
    op: str, opset: int, constants: list[Any], attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Unsupported, match=words):
        lower_onnx(_model(op, opset, LINES, constants, attributes, free=True))


def test_two_versions_of_the_operators_are_refused() -> None:
    """onnxruntime takes the last one, the larger one was read: Softmax of two versions has other sums."""
    model = _model("Softmax", 13, LINES, [], {"axis": 1}, free=True)
    model.opset_import.append(helper.make_opsetid("ai.onnx", 11))
    with pytest.raises(Unsupported, match="two versions of ONNX's operators"):
        lower_onnx(model)


def test_other_results_of_an_operator_and_empty_tensors_are_named() -> None:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(np.float64))
    constants = {"w": np.ones(4), "two": np.array([2]), "one": np.array([1])}
    graphs = [
        ([helper.make_node("LayerNormalization", ["x", "w"], ["l", "m"]), helper.make_node("Add", ["l", "m"], ["y"])],
         "Add of m, another result"),
        ([helper.make_node("LayerNormalization", ["x", "w"], ["l", "y"])], "output y, which is not the first"),
        ([helper.make_node("Slice", ["x", "two", "one", "one"], ["y"])], "without numbers"),
        ([helper.make_node("Slice", ["x", "two", "one", "one"], ["e"]), helper.make_node("ReduceMax", ["e"], ["y"])],
         "ReduceMax of a tensor without numbers"),
    ]  # fmt: skip
    for nodes, words in graphs:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", kind, ["n", 4])],
            [helper.make_empty_tensor_value_info("y")],
            [numpy_helper.from_array(v, k) for k, v in constants.items()],
        )
        with pytest.raises(Unsupported, match=words):
            lower_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9))
