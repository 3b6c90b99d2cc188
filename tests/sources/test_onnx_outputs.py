"""Which outputs of an ONNX graph are compared: those that the problem file lists, in its order."""

from pathlib import Path

import numpy as np
import pytest

from supnorm import BadInput, open_problem
from supnorm.program import Program

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def graph(folder: Path) -> None:
    """x -> v = sin x, u = cos x, wide = (x, 2 x), label = the place of the largest, which no program has."""
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, kind: int, width: int):
        return helper.make_tensor_value_info(name, kind, ["N", width])

    double = TensorProto.DOUBLE
    nodes = [
        helper.make_node("Sin", ["x"], ["v"]),
        helper.make_node("Cos", ["x"], ["u"]),
        helper.make_node("MatMul", ["x", "W"], ["wide"]),
        helper.make_node("ArgMax", ["wide"], ["label"], axis=1),
    ]
    outputs = [value("v", double, 1), value("u", double, 1), value("wide", double, 2),
               value("label", TensorProto.INT64, 1)]  # fmt: skip
    weights = [numpy_helper.from_array(np.array([[1.0, 2.0]]), "W")]
    made = helper.make_graph(nodes, "g", [value("x", double, 1)], outputs, weights)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(made, opset_imports=opset, ir_version=9), str(folder / "m.onnx"))


def opened(folder: Path, model: str, reference: str = "None"):
    graph(folder)
    (folder / "truth.py").write_text(f"import numpy as np\ndef truth(x): return {reference}\n")
    file = folder / "problem.toml"
    file.write_text(
        f'[model]\nfile = "m.onnx"\n{model}\n[reference]\npython = "truth.py:truth"\n[domain]\nx = [0.0, 1.0]\n'
    )
    return open_problem(file)


def test_outputs_are_chosen_by_name_in_the_order_of_the_list(tmp_path: Path) -> None:
    model = opened(tmp_path, 'outputs = ["u", "v"]').model
    x = np.array([[0.3], [0.9]])
    assert model.outputs == ("u", "v")
    np.testing.assert_allclose(model.value(x), np.hstack([np.cos(x), np.sin(x)]), rtol=1e-12)
    # The label that is left out does not keep the rest from being read.
    assert isinstance(model.program, Program)
    np.testing.assert_allclose(model.program.value(x), model.value(x), rtol=1e-12)


def test_an_output_of_several_columns_is_chosen_as_a_whole(tmp_path: Path) -> None:
    model = opened(tmp_path, 'outputs = ["wide", "v"]').model
    assert model.outputs == ("wide 1", "wide 2", "v")
    np.testing.assert_allclose(model.value(np.array([[0.5]])), [[0.5, 1.0, np.sin(0.5)]])


def test_other_names_are_given_to_all_columns_in_order(tmp_path: Path) -> None:
    model = opened(tmp_path, 'outputs = ["sine", "cosine", "once", "twice", "place"]').model
    assert model.outputs == ("sine", "cosine", "once", "twice", "place")
    np.testing.assert_allclose(model.value(np.array([[0.5]]))[0, :2], [np.sin(0.5), np.cos(0.5)])


def test_a_list_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"must choose among the outputs of the graph \(v, u, wide, label\)"):
        opened(tmp_path, 'outputs = ["u", "speed"]')


def test_a_graph_with_the_shapes_of_a_fixed_batch_is_a_black_box(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    ports = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [8, 1]) for name in ("x", "y")]
    nodes = [helper.make_node("Reshape", ["x", "s"], ["r"]), helper.make_node("Sin", ["r"], ["y"])]
    made = helper.make_graph(
        nodes, "g", ports[:1], ports[1:], [numpy_helper.from_array(np.array([8, 1]), "s")]
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(made, opset_imports=opset, ir_version=9), str(tmp_path / "m8.onnx"))
    opened(tmp_path, "", "np.cos(x[:, 0])")
    file = tmp_path / "problem.toml"
    file.write_text(file.read_text().replace("m.onnx", "m8.onnx"))
    model = open_problem(file).model
    assert model.program is None
    assert any("the graph fails for one point" in note for note in model.notes)
    np.testing.assert_allclose(model.value(np.array([[0.5], [1.0], [1.5]]))[:, 0], np.sin([0.5, 1.0, 1.5]))
