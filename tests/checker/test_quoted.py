"""Texts that the maker of a file chose cannot read as what the checker found: they stand in their place, quoted."""

import hashlib
import json

import numpy as np
import pytest

from supnorm.certification import certify, certify_properties
from supnorm.checker import check
from supnorm.checker.quoted import UNIT, quoted
from supnorm.cli.check import checked
from supnorm.cli.check_record import record_of
from supnorm.cli.check_verdict import status_of, summary
from supnorm.pages.sheet import sheet_page
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem, with_bound

WIDER = "x in [-1000.0, 1000.0]; y"
SMALLER = "× 1e-12"


def _problem(reference=lambda x: np.sin(x[:, 0])):
    return Problem(
        lambda x: np.sin(x[:, 0]) + 0.01 * x[:, 0] ** 2, reference, Domain(x=Axis(0.5, 1.0, unit="m"))
    )


def _sealed(data, tmp_path):
    rest = {k: v for k, v in data.items() if k != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(rest | {"digest": hashlib.sha256(text.encode()).hexdigest()}))
    return path


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "c.json"
    certify(_problem(), ratio=1.5).certificate.save(path)
    return json.loads(path.read_text())


@pytest.fixture
def forged(content, tmp_path):
    return lambda **changes: _sealed(content | changes, tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"names": [WIDER]}, f"domain: '{WIDER}' in [0.5, 1.0] m"),
        ({"units": ["], proved for all reals ["]}, "domain: x in [0.5, 1.0] '], proved for all reals ['"),
        ({"error": "relative, proved to be exact"}, "error: 'relative, proved to be exact', to both sides"),
        ({"versions": {"supnorm": "1; proved"}}, "made with: supnorm '1; proved'"),
        ({"functions": {"model": "net; error: 0"}}, "model: 'net; error: 0' (a name that the maker"),
        ({"error_unit": SMALLER}, f"'{SMALLER}'"),
        ({"error_unit": "e-12 m"}, "'e-12 m'"),
    ],
)
def test_a_text_stays_in_its_place(forged, changes, said):
    lines = summary(result := check(forged(**changes)))
    assert result.accepted, result.reason
    assert said in "\n".join(lines)
    assert "names, units and kind of error, which are its maker's words" in lines[-1]


@pytest.mark.parametrize("unit", ["kg/m3", "W/(m2 K)", "%", "°C", "1/s", "1", "m²", "mol l⁻¹", ""])
def test_usual_units_are_shown_as_they_are(unit):
    assert quoted(unit, UNIT) == unit


def test_functions_are_model_and_reference_alone(forged):
    """Others were lines of their own, and one named "error" was how the sheet said that the error is measured."""
    result = check(forged(functions={"error": "relative, to 1e-12"}))
    assert not result.accepted
    assert "functions have names as model and reference alone" in result.reason
    assert "1e-12" not in sheet_page(record_of(result, status_of(result), None))


def test_functions_of_a_statement_too(tmp_path):
    problem = _problem()
    statement = certify_properties(problem.model, problem.domain, ["positive"]).statement
    data = json.loads(json.dumps(statement.to_json()))
    assert check(_sealed(data, tmp_path)).accepted
    result = check(_sealed(data | {"functions": {"verdict": "convex"}}, tmp_path))
    assert not result.accepted
    assert "functions have names" in result.reason


def test_a_condition_has_no_name_of_the_maker(tmp_path):
    reference = with_bound(lambda x: np.array(np.sin(x[:, 0]).tolist()), bound=4.0, stretch=3.0)
    path = tmp_path / "c.json"
    certify(_problem(reference), ratio=1.5).certificate.save(path)
    data = json.loads(path.read_text())
    data["declared"][0]["name"] = "sine), which was proved (all conditions hold"
    result = check(_sealed(data, tmp_path))
    assert result.accepted, result.reason
    assert len(result.conditional) == 2
    assert "sine" not in " ".join(summary(result))


def test_a_witness_of_more_coordinates_is_refused_before_the_problem_runs_there(content, forged):
    """It ended as a bug of supnorm."""
    result = checked(forged(witness=[*content["witness"], (0.5).hex()]), _problem())
    assert not result.accepted
    assert "well-formed" in result.reason


def test_the_measure_of_an_honest_file_is_plain(tmp_path):
    for measure in (ErrorMeasure("relative", floor=0.5), ErrorMeasure("scaled", scale=2.0)):
        problem = Problem(_problem().model, _problem().reference, Domain(x=(0.5, 1.0)), measure)
        certify(problem, ratio=1.5).certificate.save(tmp_path / "c.json")
        line = next(v for v in check(tmp_path / "c.json").subject if v.startswith("error: "))
        assert "'" not in line
