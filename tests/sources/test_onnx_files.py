"""Weights of ONNX files that lie in other files, and sparse ones: read as onnxruntime runs them, or refused by name."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.program import Program
from supnorm.results import BadInput

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
X = np.linspace(-1.0, 1.0, 9)[:, None]


def graph() -> Any:
    """tanh(W x), without W."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in "xy"]
    nodes = [helper.make_node("MatMul", ["x", "W"], ["a"]), helper.make_node("Tanh", ["a"], ["y"])]
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def opened(folder: Path, model: Any) -> sn.Problem:
    """A problem with this model, and tanh(1.5 x) as the reference."""
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    (folder / "truth.py").write_text("import numpy as np\ndef f(x):\n    return np.tanh(1.5 * x[:, 0])\n")
    (folder / "problem.toml").write_text(
        '[model]\nfile = "m.onnx"\n[reference]\npython = "truth.py:f"\n[error]\ntolerance = 1e-9\n'
        "[domain]\nx = [-1.0, 1.0]\n"
    )
    return sn.open_problem(folder / "problem.toml")


def elsewhere(folder: Path, data: bytes, **places: str) -> sn.Problem:
    """The problem with W in a file beside the model."""
    from onnx import TensorProto

    model = graph()
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type, tensor.data_location = "W", TensorProto.DOUBLE, TensorProto.EXTERNAL
    tensor.dims.extend([1, 1])
    for key, value in {"location": "w.bin", **places}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (folder / "w.bin").write_bytes(data)
    return opened(folder, model)


def sparse(folder: Path, values: list[float], indices: Any, dims: tuple[int, ...] = (1, 1)) -> sn.Problem:
    """The problem with a sparse W."""
    from onnx import helper, numpy_helper

    model = graph()
    parts = (
        numpy_helper.from_array(np.array(values), "W"),
        numpy_helper.from_array(np.array(indices, dtype=np.int64)),
    )
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(*parts, dims))
    return opened(folder, model)


def demand_read(problem: sn.Problem, weight: float) -> None:
    """The model runs, and is read, as tanh(weight x)."""
    wanted = np.tanh(weight * X)
    assert np.allclose(problem.model.columns(X), wanted, rtol=1e-14, atol=0.0)
    assert isinstance(problem.model.program, Program)
    assert np.allclose(
        sn.certify(problem, ratio=1.1).lower, np.abs(wanted - np.tanh(1.5 * X)).max(), atol=1e-3
    )


@pytest.mark.whole
@pytest.mark.parametrize("places", [{}, {"length": "0"}, {"length": "8"}, {"offset": "0"}])
def test_a_file_may_hold_more_than_the_weights(tmp_path: Path, places: dict[str, str]) -> None:
    """Without a length certify refused it as a graph that "fails for one point"."""
    demand_read(elsewhere(tmp_path, struct.pack("<dd", 1.5, 9.0), **places), 1.5)


def test_weights_begin_where_the_model_says(tmp_path: Path) -> None:
    demand_read(elsewhere(tmp_path, struct.pack("<dd", 1.5, 1.25), offset="8"), 1.25)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("size", "places", "said"),
    [
        (3, {}, "W needs 8 bytes from byte 0 on, and the model names 8 of the 3 bytes of the file"),
        (16, {"offset": "12"}, "W needs 8 bytes from byte 12 on"),
        (16, {"length": "4"}, "the model names 4 of the 16 bytes"),
        (16, {"length": str(2**62)}, "needs 8 bytes"),
        (16, {"offset": "-8"}, "the offset -8 of W is no whole number from 0 on"),
        (16, {"length": "0x8"}, "the length 0x8 of W is no whole number"),
    ],
)
def test_places_that_lie_are_named(tmp_path: Path, size: int, places: dict[str, str], said: str) -> None:
    """The message was that of onnxruntime: "Exception during initialization: initializer.cc:51"."""
    with pytest.raises(BadInput) as refused:
        elsewhere(tmp_path, bytes(size), **places)
    assert said in str(refused.value)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("values", "indices", "weight"), [([1.5], [0], 1.5), ([1.5], [[0, 0]], 1.5), ([], [], 0.0)]
)
def test_sparse_weights_are_read_as_they_run(
    tmp_path: Path, values: list[float], indices: Any, weight: float
) -> None:
    """A file that onnxruntime runs was refused, by audit too: "cannot be read: it has no 'W'"."""
    demand_read(sparse(tmp_path, values, indices), weight)


def test_a_sparse_weight_that_is_given_twice_is_run_and_not_read(tmp_path: Path) -> None:
    problem = sparse(tmp_path, [1.5, 2.0], [0, 0])
    assert np.isfinite(problem.model.columns(X)).all()
    with pytest.raises(BadInput, match="sparse initializer W"):
        sn.certify(problem)


def test_sparse_weights_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    """onnxruntime makes a dense array of each: a file of 200 bytes asks for 8 TB."""
    with pytest.raises(BadInput, match=r"memory|TB|GB"):
        sparse(tmp_path, [1.5], [0], (10**6, 10**6))


def test_a_graph_that_onnxruntime_cannot_optimise_is_no_damaged_file(tmp_path: Path) -> None:
    """It was called cut short or damaged; no program runs it with the usual options."""
    from onnx import helper, numpy_helper

    model = graph()
    del model.graph.node[:]
    model.graph.node.extend(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Clip", ["r", "least"], ["y"])]
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.5), "least"))
    try:
        problem = opened(tmp_path, model)
    except BadInput as why:
        assert "onnxruntime fails while it optimises the graph" in str(why)  # noqa: PT017
    else:  # a later version may run it
        assert problem.model(np.array([[0.25], [0.75]])).ravel().tolist() == [0.5, 0.75]
