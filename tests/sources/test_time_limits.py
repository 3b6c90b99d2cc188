"""Opening and first running of a model file end: graphs that compute without end are refused in one line."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources import torch_export, watch
from supnorm.sources.open import open_function

X = np.random.default_rng(0).random((5, 2))
LONG = """
import os, sys
from pathlib import Path
import numpy as np
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources import watch
from supnorm.sources.open import open_function
watch.FIXED = 0.3
try:
    open_function(SourceSpec(file="long.onnx"), Path(sys.argv[1]), ("a", "b"), np.zeros((5, 2)), False, where="[model]")
except BadInput as refused:
    print(refused, flush=True)
os._exit(0)  # the thread that still computes is not waited for
"""


def test_work_of_another_thread_is_waited_for_no_longer_than_it_may_take() -> None:
    cancelled = threading.Event()

    def endless() -> None:
        cancelled.wait(60.0)

    with pytest.raises(TimeoutError, match=r"over 0\.05 s"):
        watch.waited_for(0.05, endless, cancelled.set)
    assert cancelled.is_set()


def test_what_other_threads_return_and_raise_comes_back() -> None:
    def wrong() -> None:
        raise KeyError("a")

    assert watch.waited_for(60.0, lambda: 3, lambda: None) == 3
    with pytest.raises(KeyError):
        watch.waited_for(60.0, wrong, lambda: None)


@pytest.mark.slow
def test_an_onnx_file_whose_constants_take_for_ever_is_refused(tmp_path: Path) -> None:
    # No loop: a chain of products of constants, which onnxruntime computes while it opens the file.
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    node, told = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    fill = onnx.numpy_helper.from_array(np.array([1e-3]))
    nodes = [node("ConstantOfShape", ["s"], ["m0"], value=fill)]
    nodes += [node("MatMul", [f"m{i}", f"m{i}"], [f"m{i + 1}"]) for i in range(2000)]
    nodes += [node("ReduceSum", ["m2000"], ["k"], keepdims=0), node("Add", ["x", "k"], ["y"])]
    graph = onnx.helper.make_graph(
        nodes, "g", [told("x", onnx.TensorProto.DOUBLE, [None, 2])], [told("y", onnx.TensorProto.DOUBLE, None)],
        [onnx.numpy_helper.from_array(np.array([1500, 1500]), "s")],
    )  # fmt: skip
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "long.onnx")
    command = [sys.executable, "-c", LONG, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert "cannot be opened: computing its constants takes over 0.3" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.slow  # torch.export
def test_a_torch_graph_that_takes_for_ever_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")

    class Deep(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            for _ in range(50):
                x = torch.tanh(x)
            return x[:, :1]

    free = ({0: torch.export.Dim("n")},)
    program = torch.export.export(Deep(), (torch.zeros(4, 2, dtype=torch.float64),), dynamic_shapes=free)
    torch.export.save(program, tmp_path / "deep.pt2")
    spec = SourceSpec(file="deep.pt2")
    open_function(spec, tmp_path, ("a", "b"), X, False, where="[model]")
    monkeypatch.setattr(torch_export, "seconds_of", lambda rows, timeout: 1e-9 * rows)
    with pytest.raises(BadInput, match=r"\[model\] file = \"deep\.pt2\" .*its graph took over") as caught:
        open_function(spec, tmp_path, ("a", "b"), X, False, where="[model]")
    assert "\n" not in str(caught.value)
