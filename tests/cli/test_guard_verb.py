"""``supnorm guard``: lines, JSON, files and page in the folder, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.cli.test_repair_verb import written
from tests.mending.cases import line, peak

import supnorm as sn
from supnorm.cli.guard import _next
from supnorm.results import NotWritten
from supnorm.results.guarding import GuardRecord


@pytest.mark.slow
def test_a_guard_is_written_and_read_again(shell: Shell) -> None:
    written(shell, 0.02)
    done = shell.run(
        "guard", "line.toml", "--reject", "0.25", "--evaluations", "1500", "--calibration", "500"
    )
    assert done.code == 0, done.err
    assert "guarded: The largest error found among accepted inputs is" in done.out
    folder = shell.folder / "line-guard"
    record = json.loads((folder / "guard.json").read_text())
    assert record["command"].startswith(
        "supnorm guard line.toml --reject 0.25 --evaluations 1500 --calibration 500"
    )
    assert "--cost cheap" in record["command"]  # so that no clock decides it again
    assert (record["cost"]["class"], record["cost"]["by"]) == ("cheap", "measured")
    safe = sn.load_guard(folder / "model.guard", line()[0].as_function(), peak)
    assert safe(np.array([[0.5]])).flag.tolist() == [1]
    assert (folder / "guard.html").exists()
    assert (folder / "before" / "report.html").exists()
    _the_next_command_fits(folder / "guard.json")


def _the_next_command_fits(path: Path) -> None:
    """A guard above the tolerance ended with "next: supnorm serve", which serves it."""
    record = GuardRecord.read(path)

    def said(code: str, tolerance: float | None) -> list[str]:
        ended = record.changed(status=replace(record.status, code=code), tolerance=tolerance)
        return _next(ended, Path("a b.toml"), path.parent / "model.guard", named=False)

    assert said("guarded", 0.02) == said("guarded", None) == ["next: supnorm serve 'a b.toml'"]
    assert said("risk-not-shown", 0.02) == []
    for cut in record.curve:
        (line,) = said("tolerance-exceeded", max(cut.fresh, cut.searched))
        share = float(line.removeprefix("next: supnorm guard 'a b.toml' --reject "))
        chosen = next(one for one in record.curve if one.rejected == share)
        assert share <= cut.rejected
        assert max(chosen.fresh, chosen.searched) <= max(cut.fresh, cut.searched)
    assert said("guard-not-effective", 0.0) == ["next: supnorm repair 'a b.toml'"]


@pytest.mark.slow
def test_a_guard_that_accepts_errors_above_the_tolerance_exits_with_1(shell: Shell) -> None:
    written(shell, 1e-9)
    done = shell.run("guard", "line.toml", "--evaluations", "1000", "--calibration", "300", "--json")
    assert done.code == 1
    assert json.loads(done.out)["status"]["code"] in ("tolerance-exceeded", "guard-not-effective")


@pytest.mark.slow
def test_a_risk_chooses_the_rejected_share(shell: Shell) -> None:
    written(shell, 0.02)
    few = ("--evaluations", "1500", "--calibration", "500", "--confidence", "0.9")
    done = shell.run("guard", "line.toml", "--risk", "0.02", *few)
    folder = shell.folder / "line-guard"
    record = json.loads((folder / "guard.json").read_text())
    assert record["choice"]["share"] in (0.1, 0.15, 0.2, 0.3)
    assert record["promise"]["fraction_at_most"] == 0.02
    assert "--risk 0.02" in record["command"]
    assert "--reject" not in record["command"]
    assert "least share with which these points show this" in done.out
    assert "least share with which these points show this" in (folder / "guard.html").read_text()


@pytest.mark.slow
def test_a_graph_is_written_beside_the_guard(shell: Shell) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    written(shell, 0.02)
    few = ("--reject", "0.25", "--evaluations", "1000", "--calibration", "300")
    done = shell.run("guard", "line.toml", *few, "--fuse", "line.onnx")
    assert done.code == 0, done.err
    session = onnxruntime.InferenceSession(str(shell.folder / "line.onnx"))
    y, accept, _ = session.run(None, {"x": np.array([[0.0], [0.5]])})
    assert accept.tolist() == [1, 0]
    assert np.isnan(y[:, 0]).tolist() == [False, True]
    refused = shell.run("guard", "line.toml", *few, "--fuse", "line.txt")
    assert refused.code == 2
    assert "give a name that ends in .onnx" in refused.line


def test_a_risk_and_a_share_exclude_each_other(shell: Shell) -> None:
    written(shell)
    for options, words in (
        (("--risk", "0.01", "--reject", "0.1"), "give one of both"),
        (("--level", "0.1"), "give --risk too"),
    ):
        done = shell.run("guard", "line.toml", *options)
        assert done.code == 2
        assert words in done.line


@pytest.mark.parametrize("verb", ["guard", "repair"])
def test_a_proof_that_cannot_be_made_is_refused_before_the_audit(shell: Shell, verb: str) -> None:
    written(shell)
    file = shell.folder / "line.toml"
    code = "import math\ndef one(x):\n    return math.sin(2.0 * x) if x < 0.3 else 0.0\n"
    (shell.folder / "truth.py").write_text(code)
    file.write_text(
        file.read_text().replace('python = "truth.py:peak"', 'python = "truth.py:one"\nper_point = true')
    )
    done = shell.run(verb, "line.toml", "--certify")
    assert done.code == 2
    assert "per_point = true" in done.line
    assert not (shell.folder / f"line-{verb}" / "before").exists()


def test_what_cannot_be_used_is_refused_in_one_line(shell: Shell) -> None:
    written(shell)
    for options, words in ((("--reject", "1.5"), "--reject"), (("--report", "nowhere"), "nowhere")):
        done = shell.run("guard", "line.toml", *options)
        assert done.code == 2
        assert words in done.err
        assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_graph_that_cannot_be_written_takes_no_verdict_away(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard was saved, and neither its verdict nor its folder was named."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    written(shell, 0.02)

    def refused(*given: object) -> None:
        raise NotWritten("both.onnx cannot be written: No space left on device")

    monkeypatch.setattr("supnorm.guarding.fuse", refused)
    few = ("--reject", "0.25", "--evaluations", "1000", "--calibration", "300", "--fuse", "both.onnx")
    done = shell.run("guard", "line.toml", *few, "--quiet")
    assert done.code == 3
    assert "The largest error found among accepted inputs is" in done.out
    assert (shell.folder / "line-guard" / "guard.json").exists()
