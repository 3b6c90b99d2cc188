"""ONNX and torch.export files are trained further and written back with the same graph and signature."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import line, peak, square

import supnorm as sn
from supnorm.mending.graph_file import tunable_file
from supnorm.networks.export_onnx import to_onnx
from supnorm.networks.export_torch import to_torch
from supnorm.results import BadInput

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
SHORT = sn.Exchange(rounds=2, iterations=25)
GRID = np.linspace(-1.0, 1.0, 4001)[:, None]


def write_problem(folder: Path, file: str, d: int = 1, more: str = "") -> sn.Problem:
    (folder / "code.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.sin(2.0 * x[:, 0]) + np.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)\n"
        "def g(x):\n    return np.sin(x.sum(axis=1)) + np.exp(-((x - np.array([0.3, -0.2])) ** 2).sum(axis=1) / 0.01)\n"
    )
    axes = "".join(f"{name} = [-1.0, 1.0]\n" for name in "xy"[:d])
    text = f'[model]\nfile = "{file}"\n{more}[reference]\npython = "code.py:{"fg"[d - 1]}"\n[domain]\n{axes}'
    (folder / "problem.toml").write_text(text)
    return sn.open_problem(folder / "problem.toml")


def exported(path: Path, module: Any, d: int, dtype: Any) -> None:
    rows = torch.export.Dim("rows")
    points = torch.zeros((2, d), dtype=dtype)
    program, archive = torch.export.export(module, (points,), dynamic_shapes=({0: rows},)), io.BytesIO()
    torch.export.save(program, archive)
    path.write_bytes(archive.getvalue())


def written(folder: Path, kind: str, dtype: Any = None) -> str:
    dtype = dtype or torch.float64
    if kind == "onnx":
        to_onnx(line()[0], folder / "net.onnx")
    else:
        exported(folder / "net.pt2", to_torch(line()[0]).to(dtype), 1, dtype)
    return f"net.{kind}"


def signature(path: Path) -> Any:
    if path.suffix == ".onnx":
        graph = onnx.load(str(path)).graph
        nodes = [(n.op_type, list(n.input), list(n.output)) for n in graph.node]
        return (
            nodes,
            [i.SerializeToString() for i in (*graph.input, *graph.output)],
            [c.name for c in graph.initializer],
        )
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return [(i.filename, i.file_size) for i in archive.infolist()], archive.read(
            "archive/models/model.json"
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_a_file_is_mended_and_keeps_its_kind_and_signature(kind: str, tmp_path: Path) -> None:
    file = written(tmp_path, kind)
    problem = write_problem(tmp_path, file)
    mended = sn.repair(problem, sn.audit(problem, evaluations=1000), method=SHORT, evaluations=1500)
    assert mended.record.method == "exchange"
    assert mended.accepted
    assert mended.verdict is not None
    assert mended.verdict.worst < 0.2 * mended.worst_before
    folder = tmp_path / "mended"
    assert mended.save(folder).files == (f"model.{kind}",)
    assert signature(folder / f"model.{kind}") == signature(tmp_path / file)
    again = write_problem(tmp_path, f"mended/model.{kind}")
    assert np.array_equal(again.model.value(GRID), mended.model.value(GRID))
    assert np.abs(again.model.value(GRID)[:, 0] - peak(GRID)).max() <= 1.01 * mended.verdict.worst


@pytest.mark.slow
def test_a_file_in_single_precision_is_judged_in_single_precision(tmp_path: Path) -> None:
    problem = write_problem(tmp_path, written(tmp_path, "pt2", torch.float32))
    mended = sn.repair(problem, sn.audit(problem, evaluations=1000), method=SHORT, evaluations=1500)
    assert mended.accepted
    assert mended.model.precision == "float32"
    mended.save(tmp_path / "mended")
    again = write_problem(tmp_path, "mended/model.pt2")
    assert np.array_equal(again.model.value(GRID), mended.model.value(GRID))


@pytest.mark.slow
def test_only_weights_of_linear_layers_are_trained(tmp_path: Path) -> None:
    problem = write_problem(tmp_path, written(tmp_path, "onnx"))
    made = tunable_file(problem)
    assert made.size == line()[0].size  # the scaling is no weight
    assert np.array_equal(made.value(GRID), problem.model.value(GRID))


@pytest.mark.slow
def test_inputs_in_another_order_are_trained_in_that_order(tmp_path: Path) -> None:
    to_onnx(square(), tmp_path / "net.onnx")
    problem = write_problem(tmp_path, "net.onnx", 2, 'inputs = ["y", "x"]\n')
    made = tunable_file(problem)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 2))
    with torch.no_grad():
        assert np.allclose(made.module(torch.from_numpy(x)).numpy(), square().value(x[:, ::-1]))


def unusual(folder: Path, op: str) -> None:
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((1, 1)), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node(op, ["z"], ["y"])]
    ends = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", 1]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        folder / "net.onnx",
    )


@pytest.mark.slow
def test_an_operator_that_cannot_be_trained_is_named_and_the_model_is_patched_by_default(
    tmp_path: Path,
) -> None:
    unusual(tmp_path, "Floor")
    problem = write_problem(tmp_path, "net.onnx")
    with pytest.raises(BadInput, match=r"net\.onnx cannot be trained: torch does not run Floor here"):
        sn.repair(problem, method="exchange", evaluations=500)
    report = sn.audit(problem, evaluations=500)
    assert sn.repair(problem, report, evaluations=500).record.method == "patch"


@pytest.mark.slow
def test_a_file_without_weights_and_one_with_a_fixed_batch_are_refused(tmp_path: Path) -> None:
    module = torch.nn.Sequential(
        torch.nn.Linear(1, 4, dtype=torch.float64), torch.nn.Linear(4, 1, dtype=torch.float64)
    )
    program, archive = torch.export.export(module, (torch.zeros((3, 1), dtype=torch.float64),)), io.BytesIO()
    torch.export.save(program, archive)
    (tmp_path / "net.pt2").write_bytes(archive.getvalue())
    with pytest.raises(BadInput, match="takes exactly 3 rows"):
        sn.repair(write_problem(tmp_path, "net.pt2"), method="exchange")
    exported(tmp_path / "net.pt2", torch.nn.Tanh(), 1, torch.float64)
    with pytest.raises(BadInput, match="no weights that can be trained"):
        sn.repair(write_problem(tmp_path, "net.pt2"), method="exchange")
