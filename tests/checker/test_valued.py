"""Derivatives of functions without values: 1/x is a number below zero, log x is none."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from flint import arb

from supnorm.certification import certify_norms, certify_properties
from supnorm.certification.bracket import Goal
from supnorm.certification.certificate import digest
from supnorm.certification.part import Part, prove
from supnorm.certification.statement import Statement
from supnorm.checker import check
from supnorm.checker.enclosure import Program, values
from supnorm.checker.operation import program as read_program
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem
from supnorm.program import program_of
from supnorm.program.derived import derivative, difference, outputs
from supnorm.results import BadInput

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of logarithms that do not exist
BELOW, AROUND = Domain(x=(-2.0, -1.0)), Domain(x=(-1.0, 1.0))


def log(x):
    return np.log(x[:, 0])


def rising(x):
    return np.log(x[:, 0]) + x[:, 0]


def saved(statement, path):
    statement.save(path)
    return check(path)


def of_slope(f, domain, which, shift, kind):
    """A file about the derivative alone, by a maker who does not ask whether there are values."""
    base = program_of(f, 1)
    slope = derivative(outputs(base, [0]), 0)
    side = {"min": "under", "max": "over"}[which]
    part = Part(f"{which} 0/0", difference(slope, np.array([shift])), domain, side)
    proof = prove(part, Goal(1.1, None), Limit.of(60.0, 500))
    verdict, sign = kind
    data = {
        "properties": [{"property": "monotone", "output": 0, "axis": 0, "sign": sign, "verdict": verdict}],
        "shifts": {f"{which} 0/0": shift.hex()},
    }
    return Statement("properties", domain, {"model": base}, data, {part.name: proof})


def test_a_bound_of_the_slope_of_a_function_without_values_is_rejected(tmp_path):
    """Of log x on [-2, -1] `check` accepted that it never rises."""
    verdict = saved(of_slope(log, BELOW, "max", -2.0, ("proved", -1)), tmp_path / "p.json")
    assert "the function has no value at the witness" in verdict.reason
    verdict = saved(of_slope(log, BELOW, "max", 0.0, ("undecided", -1)), tmp_path / "q.json")
    assert "no value at any of" in verdict.reason
    assert saved(
        of_slope(log, Domain(x=(1.0, 2.0)), "max", 0.5, ("undecided", -1)), tmp_path / "r.json"
    ).accepted


def test_a_slope_at_a_point_without_a_value_refutes_nothing(tmp_path):
    """log x + x rises wherever it has a value; its slope at -0.5 is -1."""
    statement = of_slope(rising, AROUND, "min", 3.0, ("undecided", 1))
    data = json.loads(json.dumps(statement.to_json()))
    data["data"]["properties"][0]["verdict"] = "refuted"
    part = data["parts"]["min 0/0"]
    part |= {"witness": [(-0.5).hex()], "lower": (3.9).hex()}
    part["digest"] = digest(part)
    data["claims"]["min 0/0"]["upper"] = (3.0 - 3.9 + 1e-12).hex()
    data["digest"] = digest(data)
    (tmp_path / "p.json").write_text(json.dumps(data))
    assert "no value at the witness" in check(tmp_path / "p.json").reason
    forged = copy.deepcopy(data)
    forged["parts"]["min 0/0"] |= {"witness": [(0.9).hex()], "lower": (0.5).hex()}
    forged["parts"]["min 0/0"]["digest"] = digest(forged["parts"]["min 0/0"])
    forged["claims"]["min 0/0"]["upper"] = (3.0 - 0.5 + 1e-12).hex()
    forged["data"]["properties"][0]["verdict"] = "undecided"
    forged["digest"] = digest(forged)
    (tmp_path / "p.json").write_text(json.dumps(forged))
    assert check(tmp_path / "p.json").accepted


def test_certify_says_nothing_of_derivatives_without_values(tmp_path):
    with pytest.raises(BadInput, match="no finite value at any"):
        certify_properties(log, BELOW, ["monotone:-x"])
    with pytest.raises(BadInput, match="no finite value at any"):
        certify_norms(Problem(log, lambda x: 1.01 * log(x), BELOW), ["w1inf"])
    result = certify_properties(rising, AROUND, ["monotone:x"], boxes=200)
    assert result.answers[0].status == "undecided"
    assert saved(result.statement, tmp_path / "p.json").accepted
    whole = certify_properties(rising, Domain(x=(0.5, 1.0)), ["monotone:x", "lipschitz"], boxes=200)
    assert [a.status for a in whole.answers] == ["proved", "proved"]
    assert saved(whole.statement, tmp_path / "q.json").accepted


def test_the_power_zero_is_one_also_where_its_argument_has_no_value(tmp_path):
    """Its derivative is zero, so a file may say of log(x)^0 + x that it rises on [-1, 1]: it does, wherever it runs."""
    jnp, torch = pytest.importorskip("jax.numpy"), pytest.importorskip("torch")
    x = np.linspace(-1.0, 1.0, 9)[:, None]
    f = lambda x: np.log(x[:, 0]) ** 0.0 + x[:, 0]  # noqa: E731
    read = program_of(f, 1)
    expected = 1.0 + x[:, 0]
    assert f(x).tolist() == read.value(x)[:, 0].tolist() == expected.tolist()
    assert np.asarray(jnp.log(jnp.asarray(x[:, 0])) ** 0.0).tolist() == [1.0] * 9
    assert (torch.log(torch.asarray(x[:, 0])) ** 0.0).tolist() == [1.0] * 9
    checked = Program.of(read_program(read.to_json()))
    assert [float(v.mid()) for v in values(checked, [[arb(v) for v in x[:, 0]]])[0]] == expected.tolist()
    result = certify_properties(f, AROUND, ["monotone:x"], boxes=20)
    assert result.answers[0].status == "proved"
    assert saved(result.statement, tmp_path / "p.json").accepted
