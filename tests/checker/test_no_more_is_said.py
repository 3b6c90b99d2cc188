"""An accepted file says no more than was checked: bounds that are none, constants, units, assumptions of a runtime."""

from __future__ import annotations

import json

import numpy as np
import pytest

from supnorm.certification import certify_norms, statement_mismatch
from supnorm.certification.certificate import digest
from supnorm.certification.solution.solution_error import solution_error
from supnorm.checker import check
from supnorm.checker.claimed_single import Kernel, SingleClaim
from supnorm.cli.check_verdict import status_of, summary
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.equations import AdvectionDiffusion, Poisson

LINE = Domain(x=(0.0, 1.0))
NOTHING = {"lower": (0.0).hex(), "upper": "inf"}


def parabola(x):
    return 1.001 * x[:, 0] * (1.0 - x[:, 0]) / 2.0


@pytest.fixture(scope="module")
def solution():
    return solution_error(
        parabola, Poisson(source=1.0), LINE, ratio=3.0, reference="model"
    ).statement.to_json()


def checked(data, path):
    for part in data["parts"].values():
        part["digest"] = digest(part)
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))
    return check(path)


@pytest.mark.parametrize("norms", [["sup", "rms"], ["rms"]])
def test_a_statement_without_any_bound_is_no_proof(norms, tmp_path):
    """Its status was "proved", with the words that every box was proved again; of a mean alone the headline was ACCEPTED."""
    problem = Problem(lambda x: np.sin(x[:, 0]), lambda x: x[:, 0], LINE)
    data = json.loads(json.dumps(certify_norms(problem, norms, boxes=100).statement.to_json()))
    whole = checked(data, tmp_path / "c.json")
    assert (whole.verdict, status_of(whole).code) == ("proved", "proved")
    assert "every box of them was proved again" in whole.reason
    for part in data["parts"].values():
        part |= {"upper": "inf", "leaves": part["leaves"] | {"upper": ["inf"] * len(part["leaves"]["upper"])}}
    data["claims"] = dict.fromkeys(data["claims"], NOTHING)
    nothing = checked(data, tmp_path / "c.json")
    assert nothing.accepted
    assert (nothing.verdict, status_of(nothing).code) == ("", "no-tolerance")
    assert status_of(nothing).advice == "The file proves no upper bound."
    assert summary(nothing)[0].startswith("ACCEPTED, NO UPPER BOUND: ")
    assert "every box of them that has a bound was proved again" in nothing.reason


def test_constants_that_do_not_follow_are_not_printed(solution, tmp_path):
    """Of a barrier "none" any numbers were accepted, and printed: 0.0 times the misfit, 0.0 times the residual."""
    barrier = {"kind": "none", "axes": [], "numbers": [], "on_faces": (0.0).hex(), "inside": "inf"}
    data = solution | {"data": solution["data"] | {"barrier": barrier}, "claims": {"error": NOTHING}}
    assert "on_faces = 0 is below" in checked(data, tmp_path / "c.json").reason
    barrier |= {"on_faces": "inf"}
    assert checked(data, tmp_path / "c.json").accepted


def test_a_factor_of_a_growth_without_a_bound_is_infinite(tmp_path):
    equation = AdvectionDiffusion(1.0, velocity=(lambda x: 0.5 + x[:, 0],), source=1.0)
    found = solution_error(parabola, equation, LINE, ratio=3.0, reference="model")
    data = json.loads(json.dumps(found.statement.to_json()))
    assert checked(data, tmp_path / "c.json").accepted
    part = data["parts"]["speed 0"]
    part |= {"upper": "inf", "leaves": part["leaves"] | {"upper": ["inf"] * len(part["leaves"]["upper"])}}
    data["claims"] = {"error": NOTHING}
    assert "is below that of the theorem" in checked(data, tmp_path / "c.json").reason


def test_the_unit_of_a_statement_is_that_of_the_problem(solution, tmp_path):
    """`check --problem` printed the error of a model in metres as one in nanometres."""
    problem = Problem(Function(parabola, output_units=("m",)), None, LINE, equation=Poisson(source=1.0))
    for unit, same in (("m", True), ("nm", False), ("", False)):
        data = solution | {"unit": unit}
        assert checked(data, tmp_path / "c.json").accepted
        assert (statement_mismatch(tmp_path / "c.json", problem) is None) is same
    plain = Problem(lambda x: np.sin(x[:, 0]), lambda x: x[:, 0], LINE)
    data = certify_norms(plain, ["sup"], boxes=20).statement.to_json()
    assert checked(data, tmp_path / "c.json").accepted
    assert statement_mismatch(tmp_path / "c.json", plain) is None
    checked(data | {"unit": "nm"}, tmp_path / "c.json")
    assert "its unit 'nm' is not the problem's" in str(statement_mismatch(tmp_path / "c.json", plain))


def test_what_is_assumed_of_a_runtime_is_printed_no_larger():
    """Two digits, rounded to nearest, printed 4.8e-07 for 4.768e-07, for which alone the bound was proved."""
    kernel = Kernel(3.9999999, 4.76837158203125e-07, 1.25e-7, 10.0)
    words = SingleClaim("torch", {"tanh": kernel}, (), 0.0, 1.0).sentence()
    assert "tanh within 3.9999999 ulp + 4.76837158203125e-07 + 1.2e-07 |x|" in words
