"""What onnxruntime makes of a graph before it runs it: supnorm reads that graph, and writes none that it changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from supnorm import open_problem
from supnorm.certification.deployed import runs_in_single
from supnorm.networks import Network, to_onnx
from supnorm.networks.export_onnx import document
from supnorm.networks.lowering import to_program
from supnorm.program.onnx_rewrites import left_out

NEAR = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}


def graph(nodes, constants, precision, d=1):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(precision))
    ports = [[helper.make_tensor_value_info(n, kind, ["n", k])] for n, k in (("x", d), ("y", 1))]
    given = [numpy_helper.from_array(np.asarray(v, precision), k) for k, v in constants.items()]
    made = helper.make_graph([helper.make_node(*node) for node in nodes], "g", *ports, given)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def values(model, x, optimised=True):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    data = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def with_constant(op, c, left, precision="float64"):
    """abs(x) and a constant, and an operator after it, as onnxruntime leaves out only what is in the middle."""
    there = ["c", "a"] if left else ["a", "c"]
    nodes = [("Abs", ["x"], ["a"]), (op, there, ["t"]), ("Mul", ["t", "scale"], ["y"])]
    return graph(nodes, {"c": [c], "scale": [3.0 if NEAR[op] else 1e46]}, precision)


@pytest.mark.parametrize("op", NEAR)
@pytest.mark.parametrize("left", [False, True])
def test_what_onnxruntime_leaves_out_is_known(op: str, left: bool) -> None:
    random = np.random.default_rng(3)
    x, wrong = np.array([[2.0 if NEAR[op] else 2e-46]]), 0
    for size in 10.0 ** random.uniform(*((-10.0, -6.0) if NEAR[op] else (-50.0, -40.0)), 24):
        c = NEAR[op] + size * random.choice([-1.0, 1.0])
        model = with_constant(op, c, left)
        changed = values(model, x).item() != values(model, x, optimised=False).item()
        known = left_out(op, np.array([c]) if left else None, None if left else np.array([c]))
        assert known or not changed, (op, left, c)
        wrong += changed
    assert bool(wrong) == (not left or op in ("Add", "Mul"))


def problem(model, folder: Path, inputs: str = "x"):
    onnx.save(model, str(folder / "m.onnx"))
    (folder / "truth.py").write_text("import numpy as np\ndef f(x): return np.cos(x[:, 0])\n")
    axes = "".join(f"{name} = [0.5, 2.0]\n" for name in inputs)
    text = f'[model]\nfile = "m.onnx"\n[reference]\npython = "truth.py:f"\n[domain]\n{axes}'
    (folder / "problem.toml").write_text(text)
    return open_problem(folder / "problem.toml")


@pytest.mark.parametrize("op", NEAR)
@pytest.mark.parametrize("left", [False, True])
def test_what_is_read_is_what_onnxruntime_leaves(op: str, left: bool, tmp_path: Path) -> None:
    c = 1.0 + (2e-7 if left else 2e-8) if NEAR[op] else 2e-45 if left else 2e-47
    model = problem(with_constant(op, c, False), tmp_path).model
    x = np.array([[0.5], [0.75], [1.0], [2.0]]) * (1.0 if NEAR[op] else 1e-46)
    file = onnx.load(str(tmp_path / "m.onnx"))
    np.testing.assert_allclose(model.program.value(x), values(file, x), rtol=1e-14)
    changed = np.abs(values(file, x) / values(file, x, optimised=False) - 1.0).max() > 1e-9
    assert changed != left


@pytest.mark.parametrize(("scale", "shift"), [(1.0 + 2e-8, 3e-47), (1.0 - 1e-8, 0.0), (1e-46, -2e-47)])
def test_files_of_supnorm_keep_their_constants(scale: float, shift: float, tmp_path: Path) -> None:
    net = Network.init(np.random.default_rng(1), 1, width=4)
    ends = replace(
        net.scaling,
        input_scale=np.array([1.0 + 1e-8]),
        input_shift=np.array([1e-47]),
        output_scale=np.array([scale]),
        output_shift=np.array([shift]),
    )
    net = replace(net, scaling=ends)
    x = np.linspace(-1.0, 1.0, 9).reshape(-1, 1)
    to_onnx(net, tmp_path / "m.onnx")
    for file in ((tmp_path / "m.onnx").read_bytes(), document(to_program(net.parts, net.takes, net.scaling))):
        np.testing.assert_allclose(values(file, x), net.value(x), rtol=1e-13)


def gelu(form: str, d: float):
    """GELU of float32 with constants that are off by this share."""
    off = 1.0 + d
    if form == "erf":
        inner = [("Abs", ["x"], ["h"]), ("Div", ["h", "root"], ["s"]), ("Erf", ["s"], ["t"])]
    else:
        inner = [
            *[("Abs", ["x"], ["h"]), ("Pow", ["h", "three"], ["p"]), ("Mul", ["p", "a"], ["q"])],
            *[("Add", ["h", "q"], ["r"]), ("Mul", ["r", "b"], ["s"]), ("Tanh", ["s"], ["t"])],
        ]
    outer = [("Add", ["t", "one"], ["u"]), ("Mul", ["h", "u"], ["w"]), ("Mul", ["w", "half"], ["z"])]
    if form != "erf":
        outer[1:] = [("Mul", ["h", "half"], ["w"]), ("Mul", ["w", "u"], ["z"])]
    constants = {"root": 2.0**0.5 * off, "one": off, "half": 0.5 * off, "three": 3.0}
    constants |= {"a": 0.044715 * off, "b": 0.7978845608 * off, "W": [[1.0]]}
    nodes = [*inner, *outer, ("MatMul", ["z", "W"], ["y"])]
    used = {name for _, names, _ in nodes for name in names}
    return graph(nodes, {k: v for k, v in constants.items() if k in used}, "float32")


@pytest.mark.parametrize("form", ["erf", "tanh"])
def test_constants_beside_those_of_gelu_are_read_as_they_run(form: str, tmp_path: Path) -> None:
    x = np.linspace(0.5, 2.0, 50, dtype=np.float32).reshape(-1, 1)
    graph = gelu(form, 8e-6)
    # onnxruntime computes with the constants of GELU: the values are a hundred roundings away from those of the file.
    assert np.abs(values(graph, x) - values(graph, x, optimised=False)).max() > 50 * 2.0**-24
    model = problem(graph, tmp_path).model
    assert np.abs(model.program.value(x.astype(float)) - values(graph, x)).max() < 8 * 2.0**-24


def test_layer_normalisation_is_read_as_it_runs(tmp_path: Path) -> None:
    """onnxruntime takes any power, and a difference the other way round, for the square of layer normalisation."""
    for power, order in ((4.0, ("h", "m")), (2.0, ("m", "h")), (2.0, ("h", "m"))):
        nodes = [
            *[("MatMul", ["x", "W"], ["h"]), ("ReduceMean", ["h"], ["m"]), ("Sub", order, ["d"])],
            *[("Pow", ["d", "power"], ["p"]), ("ReduceMean", ["p"], ["v"]), ("Add", ["v", "eps"], ["e"])],
            *[("Sqrt", ["e"], ["s"]), ("Div", ["d", "s"], ["q"]), ("Mul", ["q", "g"], ["r"])],
            *[("Add", ["r", "b"], ["l"]), ("MatMul", ["l", "V"], ["y"])],
        ]
        given = {"W": [[1.0, 0.5, -0.3, 0.2]], "V": [[1.0], [2.0], [3.0], [-1.0]], "power": power, "eps": 0.5}
        model = graph(nodes, given | {"g": [1.0] * 4, "b": [0.0] * 4}, "float64")
        for node in model.graph.node:
            if node.op_type == "ReduceMean":
                node.attribute.extend([helper.make_attribute("axes", [-1])])
        x = np.linspace(0.5, 2.0, 50).reshape(-1, 1)
        np.testing.assert_allclose(
            problem(model, tmp_path).model.program.value(x), values(model, x), atol=1e-13
        )


def test_layer_normalisation_of_float32_has_no_bound_as_it_runs(tmp_path: Path) -> None:
    """onnxruntime computes the variance from the mean of squares: where the mean is large, digits are lost."""
    nodes = [
        ("MatMul", ["x", "W"], ["h"]),
        ("LayerNormalization", ["h", "g", "b"], ["l"]),
        ("MatMul", ["l", "V"], ["y"]),
    ]
    given = {"W": [[1.0, 0.5]], "V": [[1.0], [2.0]], "g": [1.0] * 2, "b": [0.0] * 2}
    said = runs_in_single(problem(graph(nodes, given, "float32"), tmp_path).model, 1)
    assert "how onnxruntime rounds LayerNormalization" in said
