"""The float32 functions of torch and onnxruntime are as accurate as is assumed, on all magnitudes."""

import numpy as np
import pytest

from supnorm.program.onnx import lower_onnx
from supnorm.program.operations import UNARY
from supnorm.program.single_precision import kernels

POINTS = 200_000
EXPONENTS = {"square": 2.0, "pow": -1.5}


def _arguments(op, most):
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**32, POINTS, dtype=np.uint64).astype(np.uint32).view(np.float32)
    bits = bits[np.isfinite(bits)]
    x = np.concatenate(
        [bits, *(rng.uniform(-w, w, POINTS) for w in (2, 20, 100)), 10.0 ** rng.uniform(-6, 3, POINTS)]
    )
    x = x.astype(np.float32)
    x = x[np.isfinite(x) & (np.abs(x) <= min(most, 1e37))]
    return np.abs(x) if op in ("log", "sqrt", "pow") else x


def _torch(op):
    torch = pytest.importorskip("torch")
    named = {
        "silu": torch.nn.functional.silu,
        "gelu": torch.nn.functional.gelu,
        "softplus": torch.nn.functional.softplus,
    }
    if op in EXPONENTS:
        return lambda x: torch.pow(torch.from_numpy(x), EXPONENTS[op]).numpy()
    call = named.get(op) or getattr(torch, op)
    return lambda x: call(torch.from_numpy(x)).numpy()


def _onnxruntime(op):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    make = onnx.helper.make_node
    held, nodes = [], [make(op.capitalize(), ["x"], ["y"])]
    if op == "silu":
        nodes = [make("Sigmoid", ["x"], ["s"]), make("Mul", ["x", "s"], ["y"])]
    if op in EXPONENTS:
        held = [onnx.helper.make_tensor("p", 1, [], [EXPONENTS[op]])]
        nodes = [make("Pow", ["x", "p"], ["y"])]
    ends = [onnx.helper.make_tensor_value_info(n, 1, ["n"]) for n in "xy"]
    graph = onnx.helper.make_graph(nodes, "one", ends[:1], ends[1:], held)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


RUN = {"torch": _torch, "onnxruntime": _onnxruntime}


@pytest.mark.parametrize(("runtime", "op"), [(r, op) for r in RUN for op in kernels(r)])
def test_a_function_is_as_accurate_as_is_assumed(runtime, op):
    kernel = kernels(runtime)[op]
    x = _arguments(op, kernel.most)
    wide = x.astype(float)
    with np.errstate(all="ignore"):
        exact = UNARY["pow"](wide, EXPONENTS[op]) if op in EXPONENTS else UNARY[op](wide)
        run = RUN[runtime](op)(x).astype(float)
    use = np.isfinite(exact) & (np.abs(exact) < 3.3e38)
    allowed = kernel.ulps * 2.0**-23 * np.abs(exact) + kernel.absolute + kernel.argument * np.abs(wide)
    allowed += 2.0**-120 * (1.0 + np.abs(wide))
    off = np.abs(run[use] - exact[use])
    assert (off <= allowed[use]).all(), (wide[use][(off - allowed[use]).argmax()], off.max())


@pytest.mark.parametrize(("kind", "said"), [("float32", 0), ("float64", 1)])
def test_how_float64_sigmoid_differs_is_said_of_float64_only(tmp_path, kind, said):
    onnx = pytest.importorskip("onnx")
    number = getattr(onnx.TensorProto, kind.replace("float32", "FLOAT").replace("float64", "DOUBLE"))
    ends = [onnx.helper.make_tensor_value_info(n, number, ["n", 1]) for n in "xy"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Sigmoid", ["x"], ["y"])], "one", ends[:1], ends[1:]
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    program = lower_onnx(made)
    assert len([remark for remark in program.remarks if "Sigmoid" in remark]) == said
    assert any(node.discrepancies for node in program.nodes)
