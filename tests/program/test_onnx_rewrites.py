"""What onnxruntime makes of a graph before it runs it: no claim and no file of ours rests on operations that it changes."""

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
from supnorm.program import Unsupported, lower_onnx
from supnorm.program.onnx_rewrites import left_out, taken_for_another

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


@pytest.mark.parametrize("op", NEAR)
def test_a_graph_of_which_onnxruntime_leaves_out_a_part_is_refused(op: str) -> None:
    with pytest.raises(Unsupported, match=f"{op} with .* which onnxruntime may leave out"):
        lower_onnx(with_constant(op, NEAR[op] + (2e-8 if NEAR[op] else 3e-47), False))
    lower_onnx(with_constant(op, NEAR[op] + (2e-7 if NEAR[op] else 3e-45), False))
    lower_onnx(with_constant(op, NEAR[op], False))


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


def problem(model, folder: Path):
    onnx.save(model, str(folder / "m.onnx"))
    (folder / "truth.py").write_text("import numpy as np\ndef f(x): return np.cos(x)\n")
    text = '[model]\nfile = "m.onnx"\n[reference]\npython = "truth.py:f"\n[domain]\nx = [0.5, 2.0]\n'
    (folder / "problem.toml").write_text(text)
    return open_problem(folder / "problem.toml")


@pytest.mark.parametrize("form", ["erf", "tanh"])
def test_constants_beside_those_of_gelu_have_no_bound_as_they_run(form: str, tmp_path: Path) -> None:
    x = np.linspace(0.5, 2.0, 50, dtype=np.float32).reshape(-1, 1)
    model = gelu(form, 8e-6)
    # onnxruntime computes with the constants of GELU: the values are a hundred roundings away from those of the file.
    assert np.abs(values(model, x) - values(model, x, optimised=False)).max() > 50 * 2.0**-24
    said = runs_in_single(problem(model, tmp_path).model, 1)
    assert "which it may replace by a number nearby" in said


def test_what_is_taken_for_another_number_is_known() -> None:
    random = np.random.default_rng(4)
    x, changed = np.linspace(0.5, 2.0, 50, dtype=np.float32).reshape(-1, 1), 0
    for d in random.uniform(-2e-5, 2e-5, 30):
        for form in ("erf", "tanh"):
            model = gelu(form, d)
            numbers = [numpy_helper.to_array(i) for i in model.graph.initializer]
            off = np.abs(values(model, x) - values(model, x, optimised=False)).max()
            if off > 20 * 2.0**-24:  # more than rounding
                changed += 1
                assert any(taken_for_another(a) for a in numbers if a.size == 1), (form, d)
    assert changed > 20


@pytest.mark.parametrize("form", ["erf", "tanh"])
def test_exact_constants_of_gelu(form: str, tmp_path: Path) -> None:
    said = runs_in_single(problem(gelu(form, 0.0), tmp_path).model, 1)
    if form == "erf":  # the operator Gelu of onnxruntime was measured, its form with tanh was not
        assert said[0] == "onnxruntime"
    else:
        assert "FastGelu (which it runs in place of others)" in said


def test_layer_normalisation_from_elementary_operators_has_no_bound_as_it_runs(tmp_path: Path) -> None:
    """onnxruntime computes the variance from the mean of squares: where the mean is large, digits are lost."""
    nodes = [
        *[("MatMul", ["x", "W"], ["h"]), ("ReduceMean", ["h"], ["m"]), ("Sub", ["h", "m"], ["d"])],
        *[("Pow", ["d", "two"], ["p"]), ("ReduceMean", ["p"], ["v"]), ("Add", ["v", "eps"], ["e"])],
        *[("Sqrt", ["e"], ["s"]), ("Div", ["d", "s"], ["q"]), ("Mul", ["q", "g"], ["r"])],
        *[("Add", ["r", "b"], ["l"]), ("MatMul", ["l", "V"], ["y"])],
    ]
    constants = {"W": [[1.0, 0.5, -0.3, 0.2]], "V": [[1.0], [2.0], [3.0], [-1.0]], "two": 2.0, "eps": 0.1}
    model = graph(nodes, constants | {"g": [1.0] * 4, "b": [0.0] * 4}, "float32")
    for node in model.graph.node:
        if node.op_type == "ReduceMean":
            node.attribute.extend([helper.make_attribute("axes", [-1])])
    said = runs_in_single(problem(model, tmp_path).model, 1)
    assert "LayerNormalization (which it runs in place of others)" in said
