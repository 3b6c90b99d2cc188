"""Programs of ONNX operators against onnxruntime in float64: attributes and their defaults are float32 numbers there."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from supnorm.program import lower_onnx

rng = np.random.default_rng(1)
NORMAL = rng.normal(size=(6, 4))
SPREAD = NORMAL[3] ** 2
OPERATORS: list[tuple[str, int, list[Any], dict[str, Any]]] = [
    ("LeakyRelu", 18, [], {}),
    ("LeakyRelu", 18, [], {"alpha": 0.3}),
    ("Elu", 18, [], {}),
    ("Elu", 18, [], {"alpha": 0.7}),
    ("Selu", 18, [], {}),
    ("Selu", 18, [], {"alpha": 1.3, "gamma": 1.1}),
    ("HardSigmoid", 18, [], {}),
    ("HardSigmoid", 18, [], {"alpha": 0.3, "beta": 0.4}),
    ("HardSwish", 18, [], {}),
    ("Mish", 18, [], {}),
    ("Softsign", 18, [], {}),
    ("Softplus", 18, [], {}),
    ("Gelu", 20, [], {"approximate": "tanh"}),
    ("PRelu", 16, [NORMAL[0]], {}),
    ("Softmax", 13, [], {}),
    ("LayerNormalization", 17, [NORMAL[0], NORMAL[1]], {}),
    ("LayerNormalization", 17, [NORMAL[0], NORMAL[1]], {"epsilon": 1e-3}),
    ("LayerNormalization", 17, [NORMAL[0]], {"epsilon": 1e-9}),
    ("BatchNormalization", 15, [NORMAL[0], NORMAL[1], NORMAL[2], 1e-4 * SPREAD], {}),
    ("BatchNormalization", 15, [NORMAL[0], NORMAL[1], NORMAL[2], 1e-4 * SPREAD], {"epsilon": 1e-3}),
    ("Gemm", 13, [NORMAL[:4, :3], NORMAL[5, :3]], {"alpha": 0.1, "beta": 0.3}),
    ("Clip", 13, [np.array(-0.1), np.array(0.2)], {}),
]


@pytest.mark.parametrize(("op", "opset", "constants", "attributes"), OPERATORS)
def test_operators(op: str, opset: int, constants: list[Any], attributes: dict[str, Any]) -> None:
    inputs = [f"c{i}" for i in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *inputs], ["y"], **attributes)],
        "one operator",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", None])],
        [numpy_helper.from_array(np.asarray(c), name) for c, name in zip(constants, inputs, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    for scale in (3.0, 1e-2):  # small inputs show an epsilon
        x = scale * rng.normal(size=(500, 4))
        runs = session.run(None, {"x": x})[0]
        allowed = 1e-15 + 5e-15 * np.abs(runs).max()  # what is near zero was subtracted from one
        np.testing.assert_allclose(lower_onnx(model).value(x), runs, rtol=0.0, atol=allowed)
