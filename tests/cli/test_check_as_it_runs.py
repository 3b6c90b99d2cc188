"""``supnorm check --problem`` has room for what code does beside the program that is read from it, as `certify` has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certify_norms, certify_properties, statement_mismatch
from supnorm.certification.certificate import digest
from supnorm.cli.check import checked
from supnorm.cli.check_verdict import status_of
from supnorm.cli.main import run
from supnorm.program import program_of
from supnorm.results import BadInput, ExitCode

pytestmark = pytest.mark.usefixtures("executions_unseen")
pytest.importorskip("flint")
# 4e-11 is read, and 5e-11 more runs, which the allowance for rounding hides
CODE = """
import numpy as np
def model(x):
    y = x[:, 0] + 4e-11 * np.cos(x[:, 0])
    return y + (5e-11 if type(x) is np.ndarray else 0.0)
def reference(x):
    return x[:, 0]
"""
PROBLEM = """
[model]
python = "hidden.py:model"
[reference]
python = "hidden.py:reference"
[domain]
x = [0.0, 1.0]
"""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    (tmp_path / "hidden.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    asked = ["--tolerance", "1e-8", "--out", str(tmp_path / "run"), "--quiet"]
    assert run(["certify", str(tmp_path / "problem.toml"), *asked]) == 0
    return tmp_path / "run" / "certificate.json"


@pytest.mark.slow
@pytest.mark.parametrize(("tolerance", "code"), [("6e-11", 1), ("1.2e-10", 4), ("3e-10", 0)])
def test_a_tolerance_below_what_runs_does_not_pass(
    certificate: Path, tolerance: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file proves 4e-11 of the program; the error as it runs is 9e-11."""
    problem = str(certificate.parents[1] / "problem.toml")
    capsys.readouterr()
    assert run(["check", str(certificate), "--problem", problem, "--tolerance", tolerance, "--json"]) == code
    said = json.loads(capsys.readouterr().out)
    assert said["upper"] < 5e-11
    assert said["computed"] == pytest.approx(9e-11, rel=1e-3)
    assert len(said["measured"]) == 1
    assert run(["check", str(certificate), "--problem", problem]) == 0
    said = capsys.readouterr().out
    assert "measured, not proved: model and reference as they run differ by at most 1" in said


def test_the_file_alone_says_nothing_of_what_runs(certificate: Path) -> None:
    assert run(["check", str(certificate), "--tolerance", "6e-11"]) == 0


def hidden(x: Any) -> Any:
    return x[:, 0] + 4e-11 * np.cos(x[:, 0]) + (5e-11 if type(x) is np.ndarray else 0.0)


def test_a_statement_about_a_root_has_room_too(tmp_path: Path) -> None:
    root = sn.root(lambda x, y: y - x[:, 0], between=(-1.0, 2.0))
    problem = sn.Problem(hidden, root, sn.Domain(x=(0.0, 1.0)))
    result = sn.certify(problem, tolerance=1e-8)
    assert result.status.code == "within-tolerance"
    file = tmp_path / "certificate.json"
    result.certificate.save(file)
    verdict = checked(file, problem)
    assert verdict.accepted
    assert status_of(verdict, 6e-11).exit in (ExitCode.EXCEEDED, ExitCode.UNDECIDED)
    assert status_of(verdict, 1e-8).exit == ExitCode.DONE


def _cast(x: Any) -> Any:
    return jnp.asarray(x[:, :1], jnp.float32) * jnp.float32(1.0)


def _properties_of(model: Any, asked: list[str], path: Path) -> dict[str, Any]:
    """A file about the program of a model; the verdicts are those of exact arithmetic."""
    certify_properties(model, NARROW, asked, boxes=50).save(path)
    data: dict[str, Any] = json.loads(path.read_text())
    for entry in data["data"]["properties"]:
        entry["verdict"] = "proved"
    data["digest"] = digest(data)
    path.write_text(json.dumps(data))
    return data


NARROW = sn.Domain(x=(0.0, 0.99999999))


def test_a_limit_that_the_model_in_float32_breaks_is_not_proved(tmp_path: Path) -> None:
    """The cast makes 1 of 0.99999999. certify calls the limit undecided; a file with another verdict was "proved"."""
    path = tmp_path / "p.json"
    model = sn.Function(_cast, precision="float32")
    problem = sn.Problem(model, lambda x: 0.0 * x[:, 0], NARROW)
    _properties_of(model, ["bounded:-1:0.999999995"], path)
    found = checked(path, problem)
    assert found.accepted
    assert status_of(found).exit == ExitCode.UNDECIDED
    assert "the model as it runs was seen" in found.measured[0]
    _properties_of(model, ["bounded:-1:1.001"], path)
    found = checked(path, problem)
    assert (status_of(found).code, found.measured) == ("proved", ())


def test_norms_of_a_model_in_float32_are_said_to_be_those_of_exact_arithmetic(tmp_path: Path) -> None:
    """Its program is the reference: the root mean square is zero, and that of the model as it runs is not."""
    path = tmp_path / "n.json"
    problem = sn.Problem(sn.Function(_cast, precision="float32"), lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    result = certify_norms(problem, ["rms"], boxes=50)
    result.save(path)
    assert result.norms[0].upper < 1e-12 < problem.error_at([[0.7530499]])["error"][0]
    words = "This holds in exact arithmetic; the model as it runs was seen to differ from it by up to"
    assert words in result.status.advice
    found = checked(path, problem)
    assert found.accepted
    assert found.measured[0].startswith(words)


@pytest.mark.watched
@pytest.mark.parametrize("what", ["properties", "norms"])
def test_what_is_assumed_of_code_is_said_beside_properties_and_norms(tmp_path: Path, what: str) -> None:
    """`certify` says it; a model that adds 5 to more than 50,000 rows was "proved" without a word."""

    def problem() -> sn.Problem:  # read anew, as in another process
        return sn.Problem(lambda x: 0.5 * np.sin(x[:, 0]), lambda x: 0.4 * x[:, 0], sn.Domain(x=(0.0, 1.0)))

    path = tmp_path / "p.json"
    if what == "norms":
        certify_norms(problem(), ["rms"], boxes=50).save(path)
    else:
        certify_properties(problem().model, problem().domain, ["bounded:-1:1"], boxes=50).save(path)
    found = checked(path, problem())
    assert found.accepted
    assert "how many rows there are beyond the three for which it was read" in found.measured[0]


def test_a_property_of_a_program_that_does_not_run_is_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "hidden.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    problem = sn.open_problem(tmp_path / "problem.toml")
    read = program_of(problem.model, 1)
    path = tmp_path / "p.json"
    certify_properties(sn.Function(read.value, program=read), problem.domain, ["positive"], boxes=50).save(
        path
    )
    assert statement_mismatch(path, problem) is None
    with pytest.raises(BadInput, match="gives"):
        checked(path, problem)
