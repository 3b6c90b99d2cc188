"""Code of JAX whose functions are off by more than 8 units: what certify says of it, and the files of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy import special
from onnx import TensorProto, helper, numpy_helper

from supnorm import Domain, Problem, certify
from supnorm.certification import mismatch, values_of_problem
from supnorm.certification.affine_model import of_node, variables
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.checker import check
from supnorm.jax_mode import jax_mode
from supnorm.problem import Function
from supnorm.program import Node, Program, jaxpr, lower_jaxpr, lower_onnx
from supnorm.program.discrepancies import Discrepancy

LOW, HIGH = -0.4142, -0.405  # here log1p is off by 60 to 120 units


def _logarithm(tmp_path: Path) -> Function:
    """log(1 + x) in ONNX, of which onnxruntime computes each operation to a unit."""
    nodes = [helper.make_node("Add", ["x", "one"], ["s"]), helper.make_node("Log", ["s"], ["y"])]
    ends = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", 1]) for n in "xy"]
    graph = helper.make_graph(
        nodes, "g", ends[:1], ends[1:], [numpy_helper.from_array(np.array([1.0]), "one")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    program = lower_onnx(model)
    return Function(program.value, name="logarithm", program=program)


def _log1p(x: Any) -> Any:
    return jnp.log1p(x[:, 0])


def test_the_bound_as_it_runs_holds_beside_log1p_of_jax(tmp_path: Path) -> None:
    problem = Problem(_logarithm(tmp_path), _log1p, Domain(x=(LOW, HIGH)))
    result = certify(problem, tolerance=1e-12)
    deployed = result.record.sup.deployed_upper
    x = np.random.default_rng(3).uniform(LOW, HIGH, (20_000, 1))
    with jax_mode(True):
        worst = np.abs(problem.model.value(x) - problem.reference.value(x)).max()
    assert worst > 1.2e-14
    assert deployed is not None
    assert worst <= result.record.rounding <= deployed < 1e-12
    assert result.record.agreement.beyond_rounding == 0.0
    assert any("JAX's float64 log1p is off by at most 5.7e-14 |f(x)|" in a for a in result.record.assumptions)


def _gammaln(x: Any) -> Any:
    return special.gammaln(x[:, 0])


def test_what_jax_is_off_is_rounding_and_no_disagreement() -> None:
    problem = Problem(lambda x: _gammaln(x) + 1e-12, _gammaln, Domain(x=(0.5, 3.0)))
    result = certify(problem, seconds=30)
    assert result.record.agreement.difference > 1e-15
    assert result.record.agreement.beyond_rounding == 0.0
    assert result.record.sup.upper_kind == "exact-arithmetic"
    assert any("lgamma is off" in a for a in result.record.assumptions)
    assert result.record.sup.deployed_upper is None


def test_a_file_of_a_time_without_these_rooms_is_true_but_its_assumptions_are_not_those_of_the_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(lambda x: jnp.cosh(x[:, 0]) + 0.1, lambda x: jnp.cosh(x[:, 0]), Domain(x=(0.0, 1.0)))
    with monkeypatch.context() as before:
        before.setattr(jaxpr, "of_jax", lambda *_: {})
        certify(problem, ratio=1.1).certificate.save(tmp_path / "before.json")
    why = mismatch(tmp_path / "before.json", problem)
    assert why is not None
    assert "JAX's float64 cosh is off" in why
    assert "certify again" in why
    assert check(tmp_path / "before.json").accepted
    certify(problem, ratio=1.1).certificate.save(tmp_path / "now.json")
    assert mismatch(tmp_path / "now.json", problem) is None
    assert check(tmp_path / "now.json", problem_points=values_of_problem(problem)).accepted


def test_float32_code_claims_nothing_of_how_it_runs() -> None:
    def code(x: Any) -> Any:
        return special.erfc(x.astype(jnp.float32)[:, 0])

    model = Function(code, precision="float32")
    with jax.enable_x64(False):
        result = certify(Problem(model, code, Domain(x=(5.0, 8.0))), seconds=10)
    assert result.record.sup.deployed_upper is None
    assert not any("beyond 8 units" in a for a in result.record.assumptions)


def _model_of(node: Node, at: float, reach: float) -> Any:
    x = variables(np.array([[at]]), np.array([[reach]]), np.ones(1))
    return of_node(node, [x], x)


def test_rooms_of_values_and_arguments_are_rounding_on_boxes() -> None:
    plain = _model_of(Node("exp", (0,), 1), 3.0, 1.0)
    of_value = _model_of(Node("exp", (0,), 1, discrepancies=(Discrepancy(value=0.25),)), 3.0, 1.0)
    moved = _model_of(Node("exp", (0,), 1, discrepancies=(Discrepancy(moved=0.125),)), 3.0, 1.0)
    assert plain.err[0, 0] < 1e-12
    assert of_value.err[0, 0] >= 0.25 * np.exp(4.0)
    assert moved.err[0, 0] >= np.exp(4.5) - np.exp(4.0)


@pytest.mark.parametrize("ends", [(0.0, 1e-3), (0.0, 1.0)])
def test_cube_roots_keep_their_bound_at_zero_beside_their_room(ends: tuple[float, float]) -> None:
    program = lower_jaxpr(lambda x: jnp.cbrt(x[:, 0]), 1)
    nodes = [
        n if n.op != "cbrt" else Node("cbrt", n.args, 1, discrepancies=(Discrepancy(value=0.25),))
        for n in program.nodes
    ]
    low, high = (np.array([[e]]) for e in ends)
    box = 0.5 * (low + high), 0.5 * (high - low), np.ones(1)
    plain, _ = propagate(program, *box, low=asked(program, low[0]))
    model, _ = propagate(Program(tuple(nodes)), *box, low=asked(program, low[0]))
    assert np.isfinite(model.reach).all()
    assert model.reach == pytest.approx(plain.reach)
    assert model.err[0, 0] >= 0.25 * ends[1] ** (1.0 / 3.0)
