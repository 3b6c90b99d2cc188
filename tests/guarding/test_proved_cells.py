"""What a guard calls proven is proved, also after it was read from a file; odd inputs and edited files are refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.guarding.test_guard import GRID
from tests.mending.cases import LINE, line, line_guard

import supnorm as sn
from supnorm.certification import CertifyResult
from supnorm.certification.cells import prove_cells
from supnorm.guarding.cells import ProvedCells, demand_program, identity, in_box
from supnorm.guarding.fused import model_program
from supnorm.guarding.saving import digest
from supnorm.networks import Network
from supnorm.program import program_of
from supnorm.program.single_precision import Origin
from supnorm.results import BadInput
from supnorm.training.emit import emit

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once


@pytest.fixture(scope="module")
def safe() -> sn.Guard:
    """A guard without proved cells."""
    return line_guard()


def spike_at_one(x: Any) -> Any:
    return np.exp(-(((x[:, 0] - 1.0) / 0.3) ** 2))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_on_a_list_of_values_only_values_with_a_small_error_are_proven(scale: str) -> None:
    """Certificates cut the box of the ends; the number of a value in its list is no place in it."""
    small = Network.init(np.random.default_rng(0), 1, 1, 4, 1).as_function()
    values = [0.2, 1.0, 2.0, 30.0, 200.0]
    domain = sn.Domain(x=sn.Axis(values=values))
    if scale == "log":
        domain = sn.Domain(x=sn.Axis(0.2, 200.0, scale="log"))
    x = np.array(values)[:, None]
    error = np.abs(small.value(x)[:, 0] - spike_at_one(x))
    tolerance = 1.05 * float(np.sort(error)[-2])
    proof = prove_cells(sn.Problem(small, spike_at_one, domain, tolerance=tolerance), tolerance)
    held = ProvedCells.of(proof, tolerance).hold(x, domain)
    assert error[1] > tolerance
    assert held.tolist() == [True, False, True, True, True]


def test_what_runs_is_compared_with_what_was_read_in_the_worst_proved_cell() -> None:
    """A network whose code does something else there was called proven: only random points and kinks were compared."""
    small = Network.init(np.random.default_rng(0), 1, 1, 4, 1).as_function()

    def proof(model: sn.Function) -> CertifyResult:
        return prove_cells(sn.Problem(model, spike_at_one, sn.Domain(x=(0.2, 30.0)), tolerance=0.9), 0.9)

    boxes = proof(small).certificate.boxes
    worst = int(np.where(boxes.upper <= 0.9, boxes.upper, -1.0).argmax())
    centre = 0.2 + 29.8 * (boxes.index[worst, 0] + 0.5) * 2.0 ** -float(boxes.level[worst, 0])

    def otherwise(x: Any) -> Any:
        return small.value(x) + 0.01 * (abs(x - centre) < 1e-7)

    with pytest.raises(BadInput, match="a branch that was not read"):
        proof(replace(small, value=otherwise))


def test_a_point_within_the_margin_of_either_border_of_a_cell_is_not_proven() -> None:
    """Also for other runtimes, which have the ends of the cells; the borders of the whole domain are none of these."""
    cells, domain = (
        ProvedCells(np.array([[0.5], [0.0]]), np.array([[0.75], [0.25]])),
        sn.Domain(x=(-1.0, 1.0)),
    )
    for inside, sign in ((0.5, 1.0), (0.75, -1.0), (0.25, -1.0)):
        u = inside + sign * np.array([[0.0], [0.5e-9], [2e-9]])
        assert cells.contain(u).tolist() == [False, False, True]
    assert cells.contain(np.array([[0.0], [1e-12]])).all()
    *_, leaf, low, high = cells.lookup(domain)
    assert sorted(set(leaf.tolist())) == [0, 1, 2]
    for k, (ends, first, last) in enumerate(
        zip((low, high), ([0.5, 0.0], [0.75, 0.25]), (1.0, -1.0), strict=True)
    ):
        assert ends[2, 0] == (np.inf, -np.inf)[k]
        assert ((ends[:2, 0] - first) * last).round(12).tolist() == ([1e-9, 0.0] if k == 0 else [1e-9, 1e-9])


CHOICE = """<ir_version: 10, opset_import: ["" : 20]>
g (double[N,2] x) => (double[N,1] y) {
  w = Constant<value = double[2,1] {0.3, 0.7}>()
  c = Constant<value = double[1] {0.45}>()
  e = Constant<value = double[1] {0.001}>()
  one = Constant<value = double[1] {1.0}>()
  z = MatMul(x, w)
  t = Less(z, c)
  s = Sin(z)
  a = Add(s, one)
  r = Mul(s, e)
  b = Add(s, r)
  y = Where(t, a, b)
}
"""


ELSEWHERE = """import numpy as np


def reference(x):
    z = 0.3 * x[:, :1] + 0.7 * x[:, 1:]
    return np.where(z < 0.47, np.sin(z) + 1.0, np.sin(z))
"""


def test_the_jump_at_a_threshold_is_no_rounding_of_other_boxes(tmp_path: Path) -> None:
    """Beside a threshold rounding may add the whole jump; no other box was proven, either."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    onnx.save(onnx.parser.parse_model(CHOICE), tmp_path / "m.onnx")
    (tmp_path / "code.py").write_text(ELSEWHERE)
    (tmp_path / "p.toml").write_text(
        '[model]\nfile = "m.onnx"\n[reference]\npython = "code.py:reference"\n[domain]\nx = [0.0, 1.0]\ny = [0.0, 1.0]\n'
    )
    problem = sn.open_problem(tmp_path / "p.toml")
    proof = prove_cells(problem, 0.05)
    assert proof.rounding is not None
    assert proof.rounding > 0.9
    cells = ProvedCells.of(proof, 0.05)
    assert np.prod(cells.high - cells.low, axis=1).sum() > 0.8
    rng = np.random.default_rng(0)
    x = rng.random((400_000, 2))
    at = rng.choice([0.45, 0.47], len(x)) + rng.integers(-8, 9, len(x)) * 10.0 ** -rng.integers(1, 17, len(x))
    x[::2, 1] = np.clip((at[::2] - 0.3 * x[::2, 0]) / 0.7, 0.0, 1.0)
    error = np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]
    held = cells.hold(x, problem.domain)
    assert (error > 0.9).sum() > 1000
    assert held.mean() > 0.3
    assert error[held].max() <= 0.05


@pytest.mark.slow
def test_the_rounding_of_a_box_is_not_lost_beside_a_huge_bound_of_another() -> None:
    """The bound of the whole domain is 5e19, where whole thousands are lost; the rounding is 83,000 there."""
    model = Network.init(np.random.default_rng(0), 1, 1, 4, 1).as_function()
    problem = sn.Problem(model, lambda x: 0.0 * x[:, 0] + 1e20 * np.maximum(x[:, 0] - 0.5, 0.0), LINE)
    proof = prove_cells(problem, 2.0, boxes=300)
    (certificate,) = proof.by_box
    leaves = certificate.leaves.whole
    upper, rounding = leaves.boxes.upper, leaves.proof.rounding
    k = int(np.argmax(rounding / upper))
    assert rounding[k] > 1e-6 * upper[k]
    low = leaves.boxes.index[k, 0] * 2.0 ** -float(leaves.boxes.level[k, 0])
    for share, holds in ((0.995, False), (1.005, True)):
        assert (low in ProvedCells.of(proof, float(upper[k] + share * rounding[k])).low[:, 0]) == holds


def test_in_a_narrow_axis_far_from_zero_the_margin_covers_the_rounding_of_the_coordinates() -> None:
    domain = sn.Domain(x=sn.Axis(1e300, 1.000001e300, scale="log"), y=(1e9, 1e9 + 1e-4))
    _, margin = in_box(domain.from_unit(np.random.default_rng(0).random((100, 2))), domain)
    assert (margin > [4e-7, 8e-3]).all()
    assert (margin < [1e-5, 0.1]).all()


@pytest.fixture(scope="module")
def proved() -> sn.Guard:
    problem = sn.Problem(line()[0].as_function(), lambda x: np.sin(2.0 * x[:, 0]), LINE, tolerance=0.05)
    return sn.guard(problem, sn.audit(problem, evaluations=500), prove=True, evaluations=500, calibration=200)


@pytest.mark.slow
def test_proved_cells_are_refused_for_a_model_that_only_nearly_agrees(
    proved: sn.Guard, tmp_path: Path
) -> None:
    """1e-7 beside the model: the probes agree, but a proof for the one says nothing of the other."""
    proved.save(tmp_path / "a.guard")
    net = line()[0]
    sn.load_guard(tmp_path / "a.guard", net.as_function())
    beside = replace(net.scaling, output_shift=net.scaling.output_shift + 1e-7)
    with pytest.raises(BadInput, match="its cells are proved for another model"):
        sn.load_guard(tmp_path / "a.guard", replace(net, scaling=beside).as_function())


def rewritten(path: Path, to: Path, change: Any, again: bool) -> Path:
    """The file after a change of its arrays and words, with its digest computed again or not."""
    arrays = dict(np.load(path))
    words = json.loads(str(arrays.pop("metadata")))
    change(words, arrays)
    if again:
        words["digest"] = digest(words, arrays)
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(words)), **arrays)
    to.write_bytes(buffer.getvalue())
    return to


CHANGES = {
    "cells": lambda w, a: a.update(cells_low=np.zeros((1, 1)), cells_high=np.ones((1, 1))),
    "cuts": lambda w, a: w.update(cuts=[1e300] * len(w["cuts"])),
    "factor": lambda w, a: w.update(factor=1e-9),
    "record": lambda w, a: w["record"].update(worst_accepted=0.0),
    "axes": lambda w, a: w["record"]["axes"][0].update(low=-3.0),
    "digest": lambda w, a: (w.update(cuts=[1e300] * len(w["cuts"])), w.pop("digest")),
    "no digest": lambda w, a: w.update(cuts=[1e300] * len(w["cuts"]), digest=""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_was_edited_is_refused(proved: sn.Guard, tmp_path: Path, name: str) -> None:
    proved.save(tmp_path / "a.guard")
    path = rewritten(tmp_path / "a.guard", tmp_path / "b.guard", CHANGES[name], again=False)
    with pytest.raises(BadInput, match=r"b\.guard: it was changed after"):
        sn.load_guard(path, line()[0].as_function())


@pytest.mark.slow
def test_a_fallback_that_the_proof_is_not_about_is_refused(proved: sn.Guard, tmp_path: Path) -> None:
    """What is proven is the distance to the reference of the proof."""
    proved.save(tmp_path / "a.guard")
    model, other = line()[0].as_function(), lambda x: np.sin(2.0 * x[:, 0]) + 1.0
    again = sn.load_guard(tmp_path / "a.guard", model, lambda x: np.sin(2.0 * x[:, 0]))
    assert "proven" in again(GRID).reason
    for change in (
        lambda: sn.load_guard(tmp_path / "a.guard", model, other),
        lambda: again.with_reference(sn.Problem(model, other, LINE).reference),
    ):
        with pytest.raises(BadInput, match="its cells are proved for another reference"):
            change()
    assert "proven" in again.with_reference(None)(GRID).reason


HOSTILE = {
    "overlap": lambda w, a: a.update(cells_low=np.zeros((2, 1)), cells_high=np.array([[1.0], [0.5]])),
    "outside": lambda w, a: a.update(cells_low=np.array([[-1.0]]), cells_high=np.array([[2.0]])),
    "empty": lambda w, a: a.update(cells_low=np.array([[0.5]]), cells_high=np.array([[0.5]])),
    "wide": lambda w, a: a.update(cells_low=np.zeros((1, 2)), cells_high=np.ones((1, 2))),
    "flat": lambda w, a: a.update(cells_low=np.zeros(1), cells_high=np.ones(1)),
    "number": lambda w, a: a.update(cells_low=np.zeros(()), cells_high=np.ones(())),
    "no model": lambda w, a: w.update(program=""),
    "no reference": lambda w, a: w.update(reference=""),
    "probe": lambda w, a: w["record"].update(probe={}),
    "ragged probe": lambda w, a: w["record"].update(probe={"x": [[0.0], [0.0, 1.0]], "y": [[0.0]]}),
    "wide probe": lambda w, a: w["record"].update(probe={"x": [[0.0, 1.0]], "y": [[0.0]]}),
    "outputs": lambda w, a: w["record"].update(outputs=-1),
    "many outputs": lambda w, a: w["record"].update(outputs=2),
    "rivals": lambda w, a: w.update(layers=[*w["layers"], "disagree"], cuts=[*w["cuts"], 1.0], rivals=-5),
    "no second model": lambda w, a: w.update(
        layers=[*w["layers"], "second"], cuts=[*w["cuts"], 1.0], second=None
    ),
    "weights": lambda w, a: w.update(second={"weights": [0.0], "floor": None, "sign": 0.0}),
    "sign": lambda w, a: w.update(second={"weights": [1.0], "floor": None, "sign": 3.0}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(proved: sn.Guard, tmp_path: Path, name: str) -> None:
    proved.save(tmp_path / "a.guard")
    path = rewritten(tmp_path / "a.guard", tmp_path / "b.guard", HOSTILE[name], again=True)
    with pytest.raises(BadInput, match=r"b\.guard") as caught:
        sn.load_guard(path, line()[0].as_function())(GRID[:5])
    assert "\n" not in str(caught.value)


class Unwilling:
    """Raises when it is asked for its numbers."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise self.error


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "x",
    [
        [[10**400]],
        [["0.5"]],
        np.array([["2020-01-01"]], dtype="datetime64[D]"),
        np.array([["0.5"]], dtype=object),
        np.zeros((1, 1), dtype=complex),
        np.ma.masked_array(np.zeros((1, 1), dtype=complex), mask=[[True]]),
        Unwilling(RuntimeError("no")),
        Unwilling(KeyError("no")),
    ],
    ids=["huge", "text", "dates", "text among objects", "complex", "masked complex", "runtime", "key"],
)
def test_whatever_an_object_raises_is_one_refusal(safe: sn.Guard, x: Any) -> None:
    with pytest.raises(BadInput, match="the points must be real numbers"):
        safe(x)


def test_a_masked_number_is_missing(safe: sn.Guard) -> None:
    answer = safe(np.ma.masked_array([[0.0], [0.0]], mask=[[True], [False]]))
    assert answer.flag.tolist() == [2, 0]
    assert answer.reason[0] == "not finite"


def test_a_branch_of_the_code_is_a_part_of_what_cells_are_proved_for() -> None:
    """Torch's softplus goes on along a line above its threshold: with another one the program is the same, the error not."""
    torch = pytest.importorskip("torch")
    from supnorm.sources.torch import from_torch

    high, low = (from_torch(torch.nn.Softplus(threshold=t).double()) for t in (50.0, 1.0))
    proved = identity(program_of(high, 1))
    assert program_of(low, 1).hash == program_of(high, 1).hash
    domain = sn.Domain(x=(-2.0, 3.0))
    demand_program(high, domain, proved, "reference")
    with pytest.raises(BadInput, match="its cells are proved for another reference"):
        demand_program(low, domain, proved, "reference")


@pytest.mark.watched
def test_code_that_runs_otherwise_than_it_is_read_is_not_what_cells_are_proved_for() -> None:
    """Its program is the proved one, and it agrees at all points that are compared."""

    def honest(x: Any) -> Any:
        return x[:, 0] + 0.0 * np.exp(-(((x[:, 0] - 0.3217) * 1e7) ** 2))

    def asks(x: Any) -> Any:
        height = 1.0 if type(x) is np.ndarray else 0.0
        return x[:, 0] + height * np.exp(-(((x[:, 0] - 0.3217) * 1e7) ** 2))

    domain = sn.Domain(x=(0.0, 1.0))
    first, second = sn.Function(honest), sn.Function(asks)
    proved = identity(program_of(first, 1))
    assert identity(program_of(second, 1)) == proved
    demand_program(first, domain, proved, "reference")
    with pytest.raises(BadInput, match="runs on arrays and was not executed while the code was read"):
        demand_program(second, domain, proved, "reference")


def test_cells_that_are_proved_in_double_precision_are_not_those_of_single_precision() -> None:
    double, single = (sn.Function(lambda x: 0.5 * x[:, 0], precision=p) for p in ("float64", "float32"))
    domain = sn.Domain(x=(0.0, 1.0))
    assert program_of(double, 1).hash == program_of(single, 1).hash
    with pytest.raises(BadInput, match="its cells are proved for another model"):
        demand_program(single, domain, identity(program_of(double, 1)), "model")
    demand_program(single, domain, identity(program_of(single, 1), "float32"), "reference")


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_cells_are_refused_for_the_program_that_another_runtime_runs(precision: str) -> None:
    """Torch may compute the same operations in another order: the bound of the rounding is not about it."""
    torch = pytest.importorskip("torch")
    from supnorm.sources.torch import from_torch

    module = torch.nn.Linear(1, 1)
    model = from_torch(module.double() if precision == "float64" else module)
    graph = program_of(model, 1)
    domain = sn.Domain(x=(0.0, 1.0))
    onnx = replace(graph, origin=Origin("onnxruntime"))
    file = replace(model, program=onnx)
    demand_program(file, domain, identity(onnx, precision), "model")
    with pytest.raises(BadInput, match=r"that of this one has none|cells are proved for another model"):
        demand_program(model, domain, identity(onnx, precision), "model")


@pytest.mark.parametrize("ending", [".c", ".F90", ".onnx"])
def test_a_branch_that_a_program_lacks_is_never_left_out_of_a_file(ending: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from supnorm.sources.torch import from_torch

    model = from_torch(torch.nn.Softplus(threshold=1.0).double())
    below, across = (sn.Domain(x=(-2.0, high)) for high in (0.9, 3.0))
    emit(model, below, tmp_path / f"below{ending}")
    with pytest.raises(
        BadInput, match=r"has a branch that its program does not take .*would not take it either"
    ):
        emit(model, across, tmp_path / f"across{ending}")
    with pytest.raises(BadInput, match=r"has a branch that its program does not take .*a graph would not"):
        model_program(model, across)
    assert not (tmp_path / f"across{ending}").exists()
