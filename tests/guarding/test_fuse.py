"""The guarded model as one ONNX graph: the answers of the guard, and a refusal by name of what a graph cannot hold."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import line_guard

import supnorm as sn
from supnorm.evaluation.limit import Limit
from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.export import TIES, opened, tied
from supnorm.networks import Network, Scaling
from supnorm.program import Unsupported
from supnorm.program.backend import run_program
from supnorm.program.onnx_graph import OnnxBackend, OnnxGraph
from supnorm.results import BadInput
from supnorm.training import optimise

pytest.importorskip("onnxruntime")

from benchmarks.guard.fuse import in_c
from benchmarks.guard.models import bump, bump_data, bump_guard, bump_problem

pytestmark = pytest.mark.xdist_group("line guard")

FEW = {"evaluations": 1000, "calibration": 300}


def demand_equal(safe: sn.Guard, path: Path, x: Any, near: float = 1e-12) -> Any:
    """Flags as the guard has them but for ties, values within rounding, NaN where the model is not trusted."""
    sn.fuse(safe, path)
    y, accept, estimate = opened(str(path)).run(["y", "accept", "estimate"], {"x": x})
    answer = safe(x, fallback=False)
    different = (accept == 1) != (answer.flag == 0)
    assert not (different & ~tied(safe, x)).any()
    assert different.sum() <= 1e-4 * len(x)
    both = (accept == 1) & ~different
    assert np.allclose(y[both], answer.y[both], rtol=near, atol=near)
    assert np.allclose(estimate[both], answer.estimate[both], rtol=1e-9, atol=0.0)
    assert np.isnan(y[accept == 0]).all()
    assert np.isnan(estimate[accept == 0]).all()
    assert 0.2 < accept.mean() < 1.0
    return accept


def with_bad_rows(x: Any) -> Any:
    """The points with some that are not finite or far outside."""
    x = x.copy()
    x[0], x[1], x[2], x[3] = np.nan, np.inf, -np.inf, 1e300
    return x


@pytest.mark.slow
def test_the_graph_answers_as_the_guard_at_100_000_points(tmp_path: Path) -> None:
    x = with_bad_rows(np.random.default_rng(5).uniform(-1.1, 1.1, (100_000, 2)))
    accept = demand_equal(bump_guard(), tmp_path / "g.onnx", x)
    assert not accept[:4].any()


@pytest.mark.parametrize(("language", "compiler"), [("c", "cc"), ("c++", "c++")])
def test_a_program_in_c_and_in_cpp_gets_the_same_answers(
    language: str, compiler: str, tmp_path: Path
) -> None:
    """Needs a compiler and the headers of onnxruntime, whose folder ONNXRUNTIME_HEADERS names."""
    headers = os.environ.get("ONNXRUNTIME_HEADERS", "")
    if not shutil.which(compiler) or not (Path(headers) / "onnxruntime_c_api.h").is_file():
        pytest.skip("needs a compiler and onnxruntime_c_api.h")
    x = with_bad_rows(np.random.default_rng(5).uniform(-1.1, 1.1, (300, 2)))
    sn.fuse(bump_guard(), tmp_path / "g.onnx")
    y, accept = opened(str(tmp_path / "g.onnx")).run(["y", "accept"], {"x": x})
    found = in_c(tmp_path / "g.onnx", Path(headers), x, y, accept, language)
    assert found["points"] == 300
    assert found["same"]


@pytest.mark.slow
def test_with_training_data_the_graph_has_all_layers(tmp_path: Path) -> None:
    safe = sn.guard(bump_problem(), reject=0.1, data=bump_data(), **FEW)
    layers = safe.cuts.layers
    assert {layer.name for layer in layers} == {"glitch", "learned", "second", "distance", "disagree"}
    demand_equal(
        safe, tmp_path / "g.onnx", with_bad_rows(np.random.default_rng(6).uniform(-1.1, 1.1, (20_000, 2)))
    )
    many = tuple(replace(a, points=np.zeros((3000, 2))) if a.name == "distance" else a for a in layers)  # type: ignore[type-var]
    with pytest.raises(BadInput, match="the layer distance of 3000 points"):
        sn.fuse(replace(safe, cuts=replace(safe.cuts, layers=many)), tmp_path / "none.onnx")
    assert not (tmp_path / "none.onnx").exists()


@pytest.mark.parametrize("cut", [3e-3, 0.05, 0.4])
@pytest.mark.parametrize("d", [1, 8])
def test_the_distance_to_data_rounds_by_less_than_a_tie(cut: float, d: int) -> None:
    """Points that lie at the cut within a few roundings, and at a point of the data, by either formula."""
    torch = pytest.importorskip("torch")
    from supnorm.guarding.fused import _nearest
    from supnorm.program.torch_backend import TorchBackend

    rng = np.random.default_rng(d)
    points = rng.random((300, d))
    away = rng.normal(size=(300, d))
    away *= cut / np.linalg.norm(away, axis=1, keepdims=True)
    u = np.concatenate([points + away, points, rng.random((300, d))])
    exact = np.sqrt(((u[:, None] - points) ** 2).sum(axis=2).min(axis=1))
    near = _nearest(points, cut, TorchBackend(torch.from_numpy, torch.float64), torch.from_numpy(u)).numpy()[
        :, 0
    ]
    assert np.abs(near - exact)[exact > 0.5 * cut].max() < 0.1 * TIES * cut
    assert ((near <= cut) == (exact <= cut))[np.abs(exact - cut) > TIES * cut].all()


@pytest.mark.slow
def test_a_torch_module_runs_in_its_precision(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 16), torch.nn.SiLU(), torch.nn.Linear(16, 1), torch.nn.Softplus()
    )
    problem = sn.Problem(sn.from_torch(module.eval()), bump, sn.Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)))
    safe = sn.guard(problem, reject=0.2, **FEW)
    x = with_bad_rows(np.random.default_rng(7).uniform(-1.1, 1.1, (20_000, 2)))
    demand_equal(safe, tmp_path / "g.onnx", x, 1e-5)
    import onnx

    weights = {t.data_type for t in onnx.load(tmp_path / "g.onnx").graph.initializer if t.dims == [2, 16]}
    assert onnx.TensorProto.FLOAT in weights  # of the module; the guard's own networks are of doubles


@pytest.mark.slow
def test_an_onnx_model_of_several_outputs(tmp_path: Path) -> None:
    network = Network.init(np.random.default_rng(0), 2, 3, 8, 2)
    from supnorm.networks import to_onnx

    to_onnx(network, tmp_path / "net.onnx")
    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef f(x): return np.stack([np.sin(x[:, 0]), x[:, 1], np.exp(x[:, 0])], axis=1)\n"
    )
    (tmp_path / "p.toml").write_text(
        '[model]\nfile = "net.onnx"\n[reference]\npython = "truth.py:f"\n[domain]\na = [-1.0, 1.0]\nb = [-1.0, 1.0]\n'
    )
    safe = sn.guard(sn.open_problem(tmp_path / "p.toml"), reject=0.2, **FEW)
    x = with_bad_rows(np.random.default_rng(8).uniform(-1.1, 1.1, (10_000, 2)))
    demand_equal(safe, tmp_path / "g.onnx", x)


def listed() -> sn.Problem:
    """A logarithmic axis and one that has a list of values."""
    domain = sn.Domain(p=sn.Axis(1e-2, 1e4, scale="log"), n=sn.Axis(values=(1.0, 2.0, 7.0)))
    x = domain.from_unit(np.random.default_rng(0).random((300, 2)))

    def truth(x: Any) -> Any:
        t = np.log10(x[:, 0])
        return np.sin(t) * x[:, 1] + np.exp(-((t - 1.0) ** 2) / 0.02)

    start = Network.init(
        np.random.default_rng(1), 2, 1, 8, 2, scaling=Scaling.of_domain(domain, truth(x)[:, None])
    )
    network = optimise(start, x, truth(x), limit=Limit(evaluations=20)).network
    return sn.Problem(network.as_function(), truth, domain)


@pytest.mark.slow
def test_logarithmic_axes_and_lists_of_values(tmp_path: Path) -> None:
    problem = listed()
    safe = sn.guard(
        problem, reject=0.2, data=(np.array([[1.0, 2.0], [30.0, 7.0], [2e3, 1.0]]), np.zeros(3)), **FEW
    )
    x = problem.domain.from_unit(np.random.default_rng(9).random((20_000, 2)))
    x[:50, 1] = 3.0  # no value of the list
    x[50:99, 0] *= -1.0
    accept = demand_equal(safe, tmp_path / "g.onnx", with_bad_rows(x))
    assert not accept[:99].any()


@pytest.mark.slow
@pytest.mark.parametrize("log", [False, True])
def test_proved_cells_accept_whatever_the_layers_say(log: bool, tmp_path: Path) -> None:
    """Cells of halvings, also on a logarithmic axis, and a single one; no certificate is needed to look points up."""
    domain = sn.Domain(x=sn.Axis(1e-2, 1e2, scale="log") if log else (-1.0, 1.0), y=(-1.0, 1.0))
    problem = replace(bump_problem(), domain=domain, law=None)
    safe = sn.guard(sn.Problem(problem.model, problem.reference, domain), reject=0.6, **FEW)
    low = np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]])
    high = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 1.0]])
    x = with_bad_rows(domain.from_unit(np.random.default_rng(3).random((20_000, 2))))
    for cells in (ProvedCells(low, high), ProvedCells(low[:1], high[:1])):
        with_cells = replace(safe, cells=cells)
        assert "proven" in with_cells(x, fallback=False).reason
        demand_equal(with_cells, tmp_path / "g.onnx", x)


@pytest.mark.slow
def test_what_a_graph_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    safe, path = bump_guard(), tmp_path / "g.onnx"

    def right_half(x: Any) -> Any:
        return x[:, 0] > 0.0

    def without_code(x: Any) -> Any:
        return np.array([float(v) for v in x[:, 0]])[:, None]

    cloud = sn.Domain.from_samples(bump_data()[0])
    for changed, words in (
        (
            replace(safe, domain=sn.Domain(right_half, x=(-1.0, 1.0), y=(-1.0, 1.0))),
            r"the constraints of the domain \(right_half\)",
        ),
        (replace(safe, domain=cloud), "a domain of data"),
        (replace(safe, model=sn.Function(without_code)), "a graph cannot hold the model: .*without_code"),
        (replace(safe, model=replace(safe.model, precision="float16")), "runs in float16"),
    ):
        with pytest.raises(BadInput, match=words):
            sn.fuse(changed, path)
    with pytest.raises(BadInput, match=r"ends in \.onnx"):
        sn.fuse(safe, tmp_path / "g.txt")
    assert not path.exists()


@pytest.mark.slow
def test_a_graph_that_is_not_the_guard_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(
        bump_guard(), cuts=replace(bump_guard().cuts, cuts=tuple(c - 0.3 for c in bump_guard().cuts.cuts))
    )
    monkeypatch.setattr("supnorm.guarding.export.fused", lambda guard, *rest: _fused(other, *rest))
    with pytest.raises(BadInput, match="the graph is not the guarded model: at"):
        sn.fuse(bump_guard(), tmp_path / "g.onnx")
    assert not (tmp_path / "g.onnx").exists()


def _fused(*given: Any) -> Any:
    from supnorm.guarding.fused import fused

    return fused(*given)


@pytest.mark.slow
def test_a_function_that_onnxruntime_has_in_single_precision_only_is_refused(tmp_path: Path) -> None:
    gelu = Network.init(np.random.default_rng(0), 1, 1, 4, 1, "gelu")
    safe = replace(line_guard(), model=gelu.as_function())
    with pytest.raises(BadInput, match=r"onnxruntime cannot run the graph of this model and guard: .*Erf"):
        sn.fuse(safe, tmp_path / "g.onnx")


OPERATIONS = [
    ("tanh", lambda m, x: m.tanh(x)),
    ("relu", lambda m, x: m.maximum(x, 0.0)),
    ("exp", lambda m, x: m.exp(x) / (1.0 + m.exp(x))),
    ("sin", lambda m, x: m.sin(x) * m.cos(x) - m.abs(x)),
    ("pow", lambda m, x: x**3 + (x + 3.0) ** 1.5 + x**2),
    ("log", lambda m, x: m.log(x + 3.0) + m.sqrt(x + 3.0)),
    ("softplus", lambda m, x: m.logaddexp(x, 0.0)),
    ("max", lambda m, x: m.minimum(m.maximum(x, -0.5), 0.7) * 2.0 + 1.0),
    ("where", lambda m, x: m.where(x >= 0.0, x, 0.01 * x)),
]


@pytest.mark.parametrize(("name", "f"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_programs_have_the_same_values_as_graphs_and_in_torch(name: str, f: Any) -> None:
    from onnx import TensorProto, helper

    from supnorm.program import program_of

    try:
        program = program_of(lambda x: f(np, x[:, 0]) + 0.5 * x[:, 1], 2)
    except Unsupported as error:
        pytest.skip(str(error))
    x = np.random.default_rng(0).uniform(-2.0, 2.0, (200, 2))
    graph = OnnxGraph()
    graph.apply("Identity", run_program(program.nodes, OnnxBackend(graph), "x"), output="y")
    kinds = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", k]) for n, k in (("x", 2), ("y", 1))]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "f", kinds[:1], kinds[1:], graph.constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=9,
    )
    assert np.allclose(opened(model.SerializeToString()).run(None, {"x": x})[0], program.value(x), rtol=1e-12)
    torch = pytest.importorskip("torch")
    from supnorm.program.torch_backend import TorchBackend

    on = TorchBackend(torch.from_numpy, torch.float64)
    y = run_program(program.nodes, on, torch.from_numpy(x))
    assert np.allclose(y.numpy(), program.value(x), rtol=1e-12)
