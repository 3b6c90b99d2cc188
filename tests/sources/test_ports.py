"""Graphs whose input has more axes than points and features: convolutions over a profile or an image."""

from pathlib import Path

import numpy as np
import pytest

from supnorm import BadInput, open_problem
from supnorm.program import Program

torch = pytest.importorskip("torch")

PROBLEM = """
[model]
file = "{file}"
{inputs}
[reference]
python = "truth.py:truth"
[domain]
a = [0.0, 1.0]
b = [0.0, 1.0]
c = [0.0, 1.0]
d = [0.0, 1.0]
"""


class Profile(torch.nn.Module):
    """Two channels of two places each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(2, 3, 2, dtype=torch.float64)

    def forward(self, x):
        return torch.tanh(self.conv(x)).flatten(1)


def saved(folder: Path, form: str, sizes: tuple[int, ...], precision: str = "float32") -> torch.nn.Module:
    torch.manual_seed(0)
    net = Profile().eval()
    if form == "pt2":
        shapes = ({0: torch.export.Dim("n")},)
        torch.export.save(
            torch.export.export(net, (torch.rand(5, *sizes).double(),), dynamic_shapes=shapes),
            folder / "net.pt2",
        )
    else:
        from onnx import TensorProto, helper, numpy_helper, save

        kind = TensorProto.FLOAT if precision == "float32" else TensorProto.DOUBLE
        named = [helper.make_tensor_value_info("x", kind, ["n", *sizes])]
        result = [helper.make_tensor_value_info("y", kind, ["n", 3])]
        weights = [
            numpy_helper.from_array(v.detach().numpy().astype(precision), k)
            for k, v in net.conv.named_parameters()
        ]
        nodes = [
            helper.make_node("Conv", ["x", "weight", "bias"], ["h"]),
            helper.make_node("Tanh", ["h"], ["t"]),
            helper.make_node("Flatten", ["t"], ["y"]),
        ]
        made = helper.make_graph(nodes, "g", named, result, weights)
        opset = [helper.make_opsetid("", 18)]
        save(helper.make_model(made, opset_imports=opset, ir_version=9), str(folder / "net.onnx"))
    return net


@pytest.mark.parametrize("inputs", ["", 'inputs = ["d", "c", "b", "a"]'])
@pytest.mark.parametrize("form", ["pt2", "onnx"])
def test_points_are_laid_out_row_by_row(tmp_path: Path, form: str, inputs: str) -> None:
    if form == "onnx":
        pytest.importorskip("onnxruntime")
    net = saved(tmp_path, form, (2, 2))
    (tmp_path / "truth.py").write_text("def truth(x): return x[:, :3]\n")
    problem = tmp_path / "problem.toml"
    problem.write_text(PROBLEM.format(file=f"net.{form}", inputs=inputs))
    model = open_problem(problem).model
    x = np.random.default_rng(0).random((7, 4))
    rounding = 1e-12 if form == "pt2" else 1e-6  # onnxruntime has convolutions in float32 only
    order = slice(None, None, -1 if inputs else 1)
    expected = net(torch.from_numpy(x[:, order].reshape(7, 2, 2).copy())).detach().numpy()
    np.testing.assert_allclose(model.value(x), expected, rtol=rounding, atol=rounding)
    assert isinstance(model.program, Program)
    np.testing.assert_allclose(model.program.value(x), expected, rtol=rounding, atol=rounding)
    weights = np.ones_like(expected)
    slope = model.vjp(x)[1](weights)
    step = 1e-6 * np.eye(4)
    for j in range(4):
        difference = (model.program.value(x + step[j]) - model.program.value(x - step[j])).sum(1) / 2e-6
        np.testing.assert_allclose(slope[:, j], difference, rtol=1e-6, atol=1e-8)


def test_what_onnxruntime_does_not_have_is_not_called_damaged(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    saved(tmp_path, "onnx", (2, 2), "float64")
    (tmp_path / "truth.py").write_text("def truth(x): return x[:, :3]\n")
    problem = tmp_path / "problem.toml"
    problem.write_text(PROBLEM.format(file="net.onnx", inputs=""))
    with pytest.raises(BadInput, match="onnxruntime cannot run it; try an export in float32"):
        open_problem(problem)


def test_sizes_that_do_not_take_the_axes_are_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    saved(tmp_path, "onnx", (2, 3))
    (tmp_path / "truth.py").write_text("def truth(x): return x[:, :3]\n")
    problem = tmp_path / "problem.toml"
    problem.write_text(PROBLEM.format(file="net.onnx", inputs=""))
    with pytest.raises(BadInput, match=r"\(x \(n, 2, 3\)\) do not take the 4 axes a, b, c, d"):
        open_problem(problem)
