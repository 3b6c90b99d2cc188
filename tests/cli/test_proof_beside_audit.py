"""A certificate and an audit in one folder: neither says less than the other knows, and neither loses the other's work."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Shell

import supnorm.certification

pytestmark = pytest.mark.slow

NEEDLE = """
import numpy as np
def truth(x): return np.sin(3 * x[:, 0]) + 0 * x[:, 1]
def model(x): return truth(x) + 1e-2 * np.exp(-3e5 * ((x[:, 0] - 0.3217) ** 2 + (x[:, 1] - 0.777) ** 2))
"""
PROBLEM = """
[model]
python = "needle.py:model"
[reference]
python = "needle.py:truth"
[error]
tolerance = 2e-3
[domain]
x = [0.0, 1.0]
y = [0.0, 1.0]
[audit]
evaluations = 200
power = false
"""


@pytest.fixture
def needle(shell: Shell) -> Shell:
    """An error that `certify` finds, because it reads the code, and an audit of 200 evaluations does not."""
    (shell.folder / "needle.py").write_text(NEEDLE)
    (shell.folder / "problem.toml").write_text(PROBLEM)
    return shell


@pytest.mark.parametrize("first", ["audit", "certify"])
def test_a_witness_of_the_proof_above_the_tolerance_is_in_the_verdict_of_the_audit(
    needle: Shell, first: str
) -> None:
    codes = {verb: needle.run(verb, "problem.toml", "--out", "run", "--quiet").code for verb in
             ((first, "certify") if first == "audit" else (first, "audit"))}  # fmt: skip
    assert codes["certify"] == 1
    assert codes["audit"] == (0 if first == "audit" else 1)  # it did not know yet
    document = json.loads((needle.folder / "run" / "result.json").read_text())
    assert document["status"]["code"] == "tolerance-exceeded"
    assert document["status"]["exit"] == 1
    assert document["sup"]["lower"] == document["witness"]["error"] == pytest.approx(1e-2)
    assert document["witness"]["x"] == pytest.approx({"x": 0.3217, "y": 0.777}, abs=1e-6)
    assert document["peaks"][0] == document["witness"]
    assert document["norms"]["sup"] == document["sup"]["lower"]
    assert document["findings"][0]["code"] == "computed-by-certify"
    points = (needle.folder / "run" / "points.csv").read_text().splitlines()
    assert float(points[1].split(",")[-1]) == document["sup"]["lower"]
    assert needle.run("report", "run").code == 0
    assert "TOLERANCE EXCEEDED" in needle.run("audit", "problem.toml", "--out", "run").out
    assert needle.run("replay", "run").code == 0


def test_a_bound_is_not_written_into_an_audit_that_states_other_units(needle: Shell) -> None:
    """Units change words only, so the fingerprint is the same; a page must not have the words of both."""
    audited = needle.run("audit", "problem.toml", "--out", "run", "--quiet")
    before = (needle.folder / "run" / "result.json").read_text()
    text = (needle.folder / "problem.toml").read_text()
    (needle.folder / "problem.toml").write_text(
        text.replace("x = [0.0, 1.0]", 'x = { low = 0.0, high = 1.0, unit = "km" }')
    )
    proved = needle.run("certify", "problem.toml", "--out", "run")
    assert (audited.code, proved.code) == (0, 1)
    assert "states inputs in other units" in proved.err
    assert "km" in (needle.folder / "run" / "certificate.json").read_text()
    assert (needle.folder / "run" / "result.json").read_text() == before


def test_a_known_worst_point_stays_as_the_audit_measured_it(needle: Shell) -> None:
    (needle.folder / "needle.py").write_text(NEEDLE.replace("3e5", "3"))
    audit = ("audit", "problem.toml", "--out", "run", "--quiet", "--evaluations", "3000")
    assert needle.run(*audit).code == 1
    before = json.loads((needle.folder / "run" / "result.json").read_text())
    assert needle.run("certify", "problem.toml", "--out", "run", "--quiet", "--ratio", "1.5").code == 1
    after = json.loads((needle.folder / "run" / "result.json").read_text())
    assert after["peaks"] == before["peaks"]
    assert after["findings"] == before["findings"]
    assert after["sup"]["lower"] == before["sup"]["lower"] <= after["sup"]["upper"]


def test_ctrl_c_while_a_proof_is_taken_in_loses_no_audit(
    needle: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    needle.run("certify", "problem.toml", "--out", "run", "--quiet")

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(supnorm.certification, "certify", stopped)
    done = needle.run("audit", "problem.toml", "--out", "run", "--quiet")
    assert done.code == 0
    assert "not in this report: you stopped before it was compared" in done.err
    assert (
        json.loads((needle.folder / "run" / "result.json").read_text())["status"]["code"] == "nothing-found"
    )
    assert (needle.folder / "run" / "report.html").exists()
