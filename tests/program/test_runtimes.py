"""Programs of ONNX operators against onnxruntime in float64: attributes and their defaults are float32 numbers there."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from supnorm.program import lower_onnx
from supnorm.program.discrepancies import ONNXRUNTIME, TORCH, U

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


@np.errstate(over="ignore")
def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


EXACT = {
    "sigmoid": _sigmoid,
    "silu": lambda z: z * _sigmoid(z),
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "exp": np.exp,
    "softplus": lambda z: np.logaddexp(z, np.longdouble(0)),
}


def _graph(op: str) -> onnxruntime.InferenceSession:
    nodes = [helper.make_node({"silu": "Sigmoid"}.get(op, op.capitalize()), ["x"], ["y"])]
    if op == "silu":
        nodes = [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["x", "s"], ["y"])]
    shapes = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n"]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", shapes[:1], shapes[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def _points() -> np.ndarray:
    wide = np.concatenate([rng.uniform(-600, 600, 5000), np.pi / 2 * np.arange(-300, 300)])
    return np.concatenate([rng.uniform(-40, 40, 20000), rng.uniform(-4, 4, 20000), wide])


@pytest.mark.parametrize("op", sorted(EXACT))
def test_functions_of_onnxruntime_are_within_their_room(op: str) -> None:
    x = _points()
    exact = EXACT[op](x.astype(np.longdouble))
    off = np.abs(_graph(op).run(None, {"x": x})[0] - exact)
    room = sum(a.absolute + a.argument * np.abs(x) for a in ONNXRUNTIME.get(op, ()) if a.above is None)
    assert np.all(off <= 8 * U * np.abs(exact) + room + 1e-300)


@pytest.mark.parametrize("op", ["gelu", "gelu_tanh", "silu", "sigmoid", "tanh"])
def test_functions_of_torch_are_within_their_room(op: str) -> None:
    from flint import arb

    x = rng.uniform(-12, 12, 3000)
    form = {"gelu": torch.nn.functional.gelu, "silu": torch.nn.functional.silu, "sigmoid": torch.sigmoid,
            "tanh": torch.tanh, "gelu_tanh": lambda z: torch.nn.functional.gelu(z, approximate="tanh")}[op]  # fmt: skip
    if op == "gelu":
        exact = np.array([float(arb(z) * (-arb(z) / arb(2).sqrt()).erfc() / 2) for z in x])
    elif op == "gelu_tanh":
        inner = 0.7978845608028654 * (
            x.astype(np.longdouble) + np.longdouble(0.044715) * x.astype(np.longdouble) ** 3
        )
        exact = x * _sigmoid(2 * inner)
    else:
        exact = EXACT[op](x.astype(np.longdouble))
    room = sum(a.absolute + a.argument * np.abs(x) for a in TORCH.get(op, ()))
    # Its argument is rounded: composed.
    slack = 300 * U * np.abs(exact) if op == "gelu_tanh" else 8 * U * np.abs(exact)
    assert np.all(np.abs(form(torch.from_numpy(x)).numpy() - exact) <= slack + room)
