"""What a release gate must see: a witness above a tolerance, and one run in one folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Shell

SLOW_MODEL = """
import signal, os
import numpy as np
from truth import truth
CALLS = []


def stops(x):
    CALLS.append(len(x))
    if sum(CALLS) > 300:
        signal.raise_signal(signal.SIGINT)
    return truth(x) + 1e-4


def ignored(x): return np.full(len(x), np.nan)
"""


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize("other", ["ignored", "stops"])
def test_compare_ends_with_1_where_a_tolerance_is_exceeded(shell: Shell, other: str, last: bool) -> None:
    """The largest code was given: an audit without a verdict, or one that is interrupted, hid the witness."""
    (shell.folder / "other.py").write_text(SLOW_MODEL)
    options = ("[error]", '[error]\nfailures = "ignore"')
    shell.write(options, name="exceeds.toml")
    shell.write(options, ("truth.py:model", f"other.py:{other}"), name="other.toml")
    if other == "stops" and not last:  # nothing is known of a model that was not audited any more
        files = ["other.toml", "exceeds.toml"]
        assert shell.run("compare", *files, "--quiet", "--out", "both").code == 3
        return
    files = ["other.toml", "exceeds.toml"] if not last else ["exceeds.toml", "other.toml"]
    done = shell.run("compare", *files, "--quiet", "--out", "both")
    rows = json.loads((shell.folder / "both" / "compare.json").read_text())["rows"]
    assert "tolerance-exceeded" in {row["status"] for row in rows}
    assert done.code == 1
    assert ("interrupted at other.toml" in done.err) == (other == "stops")
    alone = shell.run("audit", "other.toml", "--quiet", "--out", "alone").code
    assert alone == (3 if other == "stops" else 4)


@pytest.mark.slow
def test_the_report_of_a_comparison_ends_as_the_comparison_did(shell: Shell) -> None:
    """It told of the models that were audited, and nothing of the one that was refused."""
    shell.write(("tolerance = 0.1", "tolerance = 100.0"), name="good.toml")
    shell.write(
        ("tolerance = 0.1", "tolerance = 100.0"), ("truth.py:model", "truth.py:none"), name="bad.toml"
    )
    files = ("good.toml", "bad.toml", "--quiet", "--out", "both", "--evaluations", "300")
    assert shell.run("compare", *files).code == 2
    held = json.loads((shell.folder / "both" / "compare.json").read_text())
    assert list(held["refused"]) == ["bad"]
    assert 'errors="1"' in shell.run("report", "both", "--format", "junit").out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.slow
def test_an_earlier_pass_is_not_told_where_a_later_audit_was_refused_or_did_not_end(shell: Shell) -> None:
    """A build server that reports the folder after a refused audit got the pass of the day before."""
    shell.write(("tolerance = 0.1", "tolerance = 100.0"))
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 0
    was = _files(shell.folder / "run")
    assert 'errors="0" skipped="0"' in shell.run("report", "run", "--format", "junit").out
    shell.write(("[domain]", "[domian]"))
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 2
    now = _files(shell.folder / "run")
    assert "domian" in now.pop("unfinished-audit.json").decode()
    assert now == was
    told = shell.run("report", "run", "--format", "junit")
    assert told.code == 0
    assert 'errors="1"' in told.out
    assert "refused" in shell.run("report", "run", "--format", "sarif").out
    markdown = shell.run("report", "run", "--format", "markdown").out
    assert "was refused" in markdown
    assert "olerance" not in markdown  # nothing of the earlier verdict
    assert "was refused" in shell.run("report", "run").line
    assert "was refused" in shell.run("compare-runs", "run", "run").line
    # A run that was killed has left no reason.
    mark = {"verb": "audit", "begun": "2026-11-28 19:00", "why": ""}
    (shell.folder / "run" / "unfinished-audit.json").write_text(json.dumps(mark))
    assert "has written no result" in shell.run("report", "run", "--format", "markdown").out
    shell.write()
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 2  # another problem
    shell.write(("tolerance = 0.1", "tolerance = 100.0"))
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 0
    assert "unfinished-audit.json" not in _files(shell.folder / "run")
    assert 'errors="0"' in shell.run("report", "run", "--format", "junit").out


FIT = ("--method", "polynomial", "--max-evaluations", "300", "--seconds", "5", "--quiet")


@pytest.mark.slow
def test_a_fit_refuses_the_folder_of_an_audit(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    before = _files(shell.folder / "run")
    done = shell.run("fit", "problem.toml", "--out", "run", *FIT)
    assert done.code == 2
    assert "run has an audit (result.json); choose another --out" in done.line
    assert _files(shell.folder / "run") == before


@pytest.mark.slow
def test_an_audit_and_a_proof_refuse_the_folder_of_a_fit(shell: Shell) -> None:
    assert shell.run("fit", "problem.toml", "--out", "run", *FIT).code in (0, 1)
    before = _files(shell.folder / "run")
    for verb in ("audit", "certify"):
        done = shell.run(verb, "problem.toml", "--out", "run", "--quiet")
        assert done.code == 2
        assert "run has a fit (fit.json); choose another --out" in done.line
        assert _files(shell.folder / "run") == before


@pytest.mark.slow
def test_a_fit_sets_aside_what_was_proved_of_another_model(shell: Shell) -> None:
    (shell.folder / "run").mkdir()
    for name in ("certificate.json", "certify.json"):
        (shell.folder / "run" / name).write_text("of another model")
    assert shell.run("fit", "problem.toml", "--out", "run", *FIT).code in (0, 1)
    for name in ("certificate.json", "certify.json"):
        assert not (shell.folder / "run" / name).exists()
        assert (shell.folder / "run" / f"{name}.old").read_text() == "of another model"
