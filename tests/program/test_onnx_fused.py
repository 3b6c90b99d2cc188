"""Operators of onnxruntime's own, each against onnxruntime."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from supnorm.program import Unsupported, lower_onnx

OWN = "com.microsoft"
random = np.random.default_rng(5)
W, V = random.normal(size=(4, 3)), random.normal(size=(3, 4))
BIAS, ONES = random.normal(size=3), 1.0 + 0.1 * random.normal(size=4)
KERNEL = random.normal(size=(2, 1, 3))


def graph(op: str, attributes, constants, domain: str = OWN, shape=(4,), out=None):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype("float32"))
    ports = [
        [helper.make_tensor_value_info("x", kind, ["n", *shape])],
        [helper.make_tensor_value_info("y", kind, None if out is None else ["n", *out])],
    ]
    given = [
        numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items() if v is not None
    ]
    names = [k if v is not None else "" for k, v in constants.items()]
    node = helper.make_node(op, ["x", *names], ["y"], domain=domain, **attributes)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(OWN, 1)]
    return helper.make_model(
        helper.make_graph([node], "g", *ports, given), opset_imports=opsets, ir_version=8
    )


CASES = {
    "gemm": ("FusedGemm", {"activation": "Tanh", "alpha": 0.5, "beta": 2.0}, {"W": W, "b": BIAS}),
    "gemm turned": ("FusedGemm", {"activation": "Relu", "transB": 1}, {"W": W.T, "b": BIAS}),
    "gemm leaky": ("FusedGemm", {"activation": "LeakyRelu", "activation_alpha": 0.2}, {"W": W, "b": BIAS}),
    "gemm sigmoid": ("FusedGemm", {"activation": "Sigmoid"}, {"W": W}),
    "gemm softplus": ("FusedGemm", {"activation": "Softplus"}, {"W": W, "b": BIAS}),
    "matmul": ("FusedMatMul", {"alpha": 0.25}, {"W": W}),
    "matmul turned": ("FusedMatMul", {"alpha": -3.0, "transB": 1}, {"W": W.T}),
    "gelu": ("Gelu", {}, {}),
    "bias gelu": ("BiasGelu", {}, {"b": ONES}),
    "fast gelu": ("FastGelu", {}, {}),
    "fast gelu with a bias": ("FastGelu", {}, {"b": ONES}),
    "quick gelu": ("QuickGelu", {}, {}),
    "quick gelu of one": ("QuickGelu", {"alpha": 1.0}, {}),
    "quick gelu of three": ("QuickGelu", {"alpha": 3.0}, {}),
    "root mean square": ("SimplifiedLayerNormalization", {"epsilon": 0.1}, {"g": ONES}),
    "root mean square, default": ("SimplifiedLayerNormalization", {}, {"g": ONES}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_of_onnxruntime(name: str) -> None:
    op, attributes, constants = CASES[name]
    model = graph(op, attributes, constants, "" if op.startswith("Simplified") else OWN)
    compare(model, random.normal(size=(7, 4)))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shift", [False, True])
def test_a_layer_norm_of_a_sum(bias: bool, shift: bool) -> None:
    given = {"g": ONES, "h": ONES**2 if shift else None, "b": V[0] if bias else None}
    names = ["e", "x", *(k if v is not None else "" for k, v in given.items())]
    node = helper.make_node("SkipLayerNormalization", names, ["y"], domain=OWN, epsilon=0.25)
    first = helper.make_node("Tanh", ["x"], ["e"])
    model = graph("Gelu", {}, given)
    del model.graph.node[:]
    model.graph.node.extend([first, node])
    compare(model, random.normal(size=(7, 4)))


@pytest.mark.parametrize(
    ("activation", "parameters"), [("Relu", []), ("LeakyRelu", [0.3]), ("HardSigmoid", [0.4, 0.2])]
)
def test_a_convolution_with_its_activation(activation: str, parameters: list[float]) -> None:
    at = {"activation": activation, "pads": [1, 1]} | (
        {"activation_params": parameters} if parameters else {}
    )
    model = graph("FusedConv", at, {"K": KERNEL, "b": [0.1, -0.2]}, shape=(1, 4))
    compare(model, random.normal(size=(5, 1, 4)))


def test_what_is_not_known_is_refused() -> None:
    for op, attributes in (
        ("FusedGemm", {"activation": "ThresholdedRelu"}),
        ("FusedMatMul", {"transBatchA": 1}),
    ):
        with pytest.raises(Unsupported):
            lower_onnx(graph(op, attributes, {"W": W}))


def compare(model, x) -> None:
    x = np.float32(x)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    run = session.run(None, {"x": x})[0].reshape(len(x), -1)
    read = lower_onnx(model).value(x.reshape(len(x), -1).astype(float))
    np.testing.assert_allclose(run, read, atol=4e-6)
