"""ONNX operators that draw random numbers are no constants, and those in training mode are not what is exported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from supnorm.program import Unsupported
from supnorm.program.onnx import lower_onnx

onnx = pytest.importorskip("onnx")
DOUBLE = 11


def _model(*nodes: Any, **held: Any) -> Any:
    from onnx import helper, numpy_helper

    info = [helper.make_tensor_value_info(name, DOUBLE, ["n", 2]) for name in "xy"]
    init = [numpy_helper.from_array(np.asarray(v), k) for k, v in held.items()]
    made = [helper.make_node(op, i, o, **at) for op, i, o, at in nodes]
    graph = helper.make_graph(made, "g", info[:1], info[1:], init)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


@pytest.mark.parametrize("op", ["RandomUniform", "RandomNormal"])
def test_rare_chance_is_refused(op: str) -> None:
    model = _model(
        (op, [], ["r"], {"shape": [1, 1], "dtype": DOUBLE}), ("Less", ["r", "rare"], ["l"], {}),
        ("Cast", ["l"], ["c"], {"to": DOUBLE}), ("Add", ["x", "c"], ["y"], {}), rare=-1e9,
    )  # fmt: skip
    with pytest.raises(Unsupported, match=op):
        lower_onnx(model)


def test_draws_of_constants_are_refused() -> None:
    with pytest.raises(Unsupported, match="Bernoulli"):
        lower_onnx(_model(("Bernoulli", ["p"], ["b"], {}), ("Add", ["x", "b"], ["y"], {}), p=[[1e-9]]))


def test_training_mode_is_refused() -> None:
    with pytest.raises(Unsupported, match="training"):
        lower_onnx(_model(("Dropout", ["x", "r", "t"], ["y"], {}), r=1e-9, t=True))
    held = {k: [1.0, 1.0] for k in ("s", "b", "m", "v")}
    node = ("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "", ""], {"training_mode": 1})
    with pytest.raises(Unsupported, match="training"):
        lower_onnx(_model(node, **held))
    assert lower_onnx(_model(("Dropout", ["x", "r", "t"], ["y"], {}), r=0.5, t=False)).d == 2
