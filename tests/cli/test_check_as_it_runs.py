"""``supnorm check --problem`` has room for what code does beside the program that is read from it, as `certify` has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.cli.check import checked
from supnorm.cli.check_verdict import status_of
from supnorm.cli.main import run
from supnorm.results import ExitCode

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
