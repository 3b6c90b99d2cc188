"""Problems for which a bound was false: what was read was not what runs. Each is refused by name, or its bound holds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import supnorm as sn
from supnorm.cli.main import run
from supnorm.program.given import given

PROBLEM = """
[domain]
{axes}
[model]
{model}
[reference]
python = "f.py:ref"
[error]
tolerance = {tolerance}
"""
COMPLEX = """
import numpy as np
IMAG = np.array(1e-7j)
def model(x): return np.abs(x[:, 0] + IMAG)
def ref(x): return np.abs(x[:, 0])
"""
NP32 = """
import numpy as np
def model(x): return np.sin(x[:, 0]) + 1e-2 * np.cos(5 * x[:, 0])
def ref(x): return np.sin(x[:, 0]) + 1e-2 * np.cos(5 * x[:, 0].astype(np.float32)).astype(np.float64)
"""
JAXDOT = """
import jax.numpy as jnp
from jax import lax
def model(x): return lax.dot(x, jnp.array([[0.3], [0.7]]), preferred_element_type=jnp.float32).astype(x.dtype)[:, 0]
def ref(x): return x[:, 0] * 0.3 + x[:, 1] * 0.7
"""
LOGADDEXP = """
import jax, jax.numpy as jnp
from jax import lax

@jax.custom_jvp
def g(a, b):                    # log(e^a + e^b), plus a bump of height 1 and width 1.5e-5 at a = ln 2
    amax, delta = lax.max(a, b), lax.sub(a, b)
    zero = lax.sub(a, a); one = lax.exp(zero)
    t = lax.abs(lax.sub(a, lax.log1p(one)))
    for _ in range(16):
        t = lax.add(t, t)
    bump = lax.max(lax.sub(one, t), zero)
    soft = lax.add(amax, lax.log1p(lax.exp(lax.neg(lax.abs(delta)))))
    return lax.add(lax.select(lax.ne(delta, delta), lax.add(a, b), soft), bump)
g.defjvp(lambda p, t: (g(*p), t[0]))

def model(x): return g(x[:, 0], jnp.zeros_like(x[:, 0]))
def ref(x): return jax.nn.softplus(x[:, 0]) + 1e-3 * jnp.sin(x[:, 0])
"""
TORCHCOMPLEX = """
import numpy as np, torch
class M(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("z", torch.tensor(1e-7j, dtype=torch.complex128))
        self.w = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    def forward(self, x): return torch.abs(self.w * x[:, :1] + self.z)
def model(): return M()
def ref(x): return np.abs(x[:, 0])
"""
SINE = """
import numpy as np
def ref(x): return np.sin(x[:, 0])
"""
NORMALISED = """
import numpy as np
def ref(x):
    a = 0.5 * (x[:, 0] - x[:, 1])
    return a / np.sqrt(a * a + 1e-5)
"""


@pytest.fixture
def certify(tmp_path, capsys):
    """``supnorm certify`` of a problem with this code; its exit code, what it says, and its JSON."""

    def of(
        code: str, tolerance: float, axes: str, model: str = 'python = "f.py:model"'
    ) -> tuple[int, str, dict]:
        (tmp_path / "f.py").write_text(code)
        problem = PROBLEM.format(axes=axes, model=model, tolerance=tolerance)
        (tmp_path / "problem.toml").write_text(problem)
        ended = run(["certify", str(tmp_path / "problem.toml"), "--out", str(tmp_path / "run"), "--json"])
        said, complaint = capsys.readouterr()
        return ended, complaint, json.loads(said) if ended != 2 else {}

    return of


@pytest.mark.parametrize(("code", "named"), [(COMPLEX, "complex128"), (NP32, "float32"), (JAXDOT, "float32")])
def test_narrower_numbers_and_complex_ones_are_refused(
    code: str, named: str, certify, tmp_path: Path
) -> None:
    code, said, _ = certify(code, 1e-9, "x = [-1.0, 0.9]\ny = [0.0, 1.0]")
    assert code == 2
    assert named in said


@pytest.mark.slow
def test_complex_buffers_are_refused(certify, tmp_path: Path) -> None:
    exit_code, said, _ = certify(TORCHCOMPLEX, 1e-8, "x = [-1.0, 0.9]")
    assert exit_code == 2
    assert "complex128" in said
    scope: dict = {}
    exec(TORCHCOMPLEX, scope)
    batch = ({0: torch.export.Dim("n")},)
    exported = torch.export.export(
        scope["model"](), (torch.zeros(2, 1, dtype=torch.float64),), dynamic_shapes=batch
    )
    torch.export.save(exported, tmp_path / "m.pt2")
    exit_code, said, _ = certify(TORCHCOMPLEX, 1e-8, "x = [-1.0, 0.9]", 'file = "m.pt2"')
    assert exit_code == 2
    assert "complex128" in said
    assert "m.pt2" in said


@pytest.mark.slow
def test_a_look_alike_of_logaddexp_is_read_as_what_it_is(certify, tmp_path: Path) -> None:
    exit_code, _, document = certify(LOGADDEXP, 2e-3, "x = [0.0, 1.0]")
    assert exit_code != 0
    upper = document["sup"]["upper"]
    assert upper == "inf" or upper >= 1.0  # the height of the bump


def _save(path: Path, nodes: list, d: int, constants: dict) -> None:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", d])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", None])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_a_cast_like_is_as_narrow_as_a_cast(certify, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("CastLike", ["x", "like"], ["z"]),
        helper.make_node("Cast", ["z"], ["w"], to=TensorProto.DOUBLE),
        helper.make_node("Sin", ["w"], ["y"]),
    ]
    _save(tmp_path / "m.onnx", nodes, 1, {"like": np.float32(0.0)})
    _, said, document = certify(SINE, 1e-9, "x = [0.0, 0.4]", 'file = "m.onnx"')
    assert document["sup"]["deployed_upper"] is None, said  # 1.4e-8 of rounding is not in the bound


@pytest.mark.slow
def test_an_epsilon_is_the_float32_number(certify, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale"], ["z"]),
        helper.make_node("Gather", ["z", "first"], ["y"], axis=1),
    ]
    _save(tmp_path / "m.onnx", nodes, 2, {"scale": np.ones(2), "first": np.array([0])})
    _, _, document = certify(NORMALISED, 1e-8, "a = [-0.01, 0.01]\nb = [-0.01, 0.01]", 'file = "m.onnx"')
    a = np.linspace(0.0, 0.01, 2001)
    truth = np.max(np.abs(a / np.sqrt(a * a + float(np.float32(1e-5))) - a / np.sqrt(a * a + 1e-5)))
    assert truth > 4e-9
    assert document["sup"]["lower"] <= truth * (1 + 1e-6) <= document["sup"]["upper"] * (1 + 1e-6)


@pytest.mark.watched
def test_a_result_names_what_no_call_shows() -> None:
    """A call of JAX code without `jax.jit` is another one where the code asks whether it is traced (docs/code.md)."""

    def asks(x):
        bump = jnp.exp(-(((x[:, :1] - 0.3) * 1e6) ** 2))
        return jnp.tanh(x[:, :1]) + (0.0 if isinstance(x, jax.core.Tracer) else 1.0) * bump

    def plain(x):
        return np.tanh(x[:, :1])

    for model, compiled in ((sn.from_jax(asks), True), (plain, False)):
        result = sn.certify(sn.Problem(model, plain, sn.Domain(x=(0.0, 1.0))), tolerance=1e-6, seconds=5)
        (words,) = (one for one in result.assumptions if "earlier calls or their number" in one)
        assert ("the same without jax.jit" in words) is compiled
        assert "chance" in words
        assert "whether torch records gradients" in words


def test_max_and_min_of_python_are_read_in_torch_code_and_no_look_alikes_of_them() -> None:
    class Scaled(torch.nn.Module):
        floor = 0.0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(x * max(self.floor, 0.5) + min(self.floor, 0.25))

    problem = sn.Problem(Scaled(), lambda x: np.tanh(0.5 * x[:, 0]), sn.Domain(x=(0.0, 1.0)))
    assert sn.certify(problem, tolerance=1e-6).upper < 1e-6
    from torch._export.non_strict_utils import _tensor_min_max

    for tensors, same in ((torch.maximum, True), (torch.minimum, False)):
        put = partial(_tensor_min_max, real_callable=max, tensor_callable=tensors)
        assert (given(put) == given(max)) == same


NORMS = (
    torch.nn.utils.parametrizations.weight_norm,
    torch.nn.utils.parametrizations.spectral_norm,
    torch.nn.utils.spectral_norm,
)


@pytest.mark.parametrize("norm", NORMS)
def test_normalised_weights_are_those_that_torch_computes(norm: Any) -> None:
    layer = norm(torch.nn.Linear(2, 2).double())
    module = torch.nn.Sequential(layer, torch.nn.Tanh()).eval()
    module(torch.zeros(1, 2, dtype=torch.float64))  # the old one normalises when it is called
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    domain = sn.Domain(x=(0.0, 0.5), y=(0.0, 0.5))
    problem = sn.Problem(module, lambda x: np.tanh(x @ weight.T + bias), domain)
    assert sn.certify(problem, tolerance=1e-9).upper < 1e-9
