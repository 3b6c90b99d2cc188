"""``supnorm replay`` of a point that the run found not to be reproducible; ``replay`` and ``report`` that are stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from tests.cli.conftest import Shell

STATEFUL = """
import os
CALLS = []
def stateful(x):
    CALLS.append(1)
    wrong = 0.5 * (len(CALLS) == 12) + float(os.environ.get("SUPNORM_TEST_WRONG", "0"))
    return truth(x) + 1e-3 * x[:, 1] + wrong
def stopped(x):
    if "SUPNORM_TEST_SIGNAL" in os.environ:
        os.kill(os.getpid(), int(os.environ["SUPNORM_TEST_SIGNAL"]))
    return model(x)
"""
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def prepared(shell: Shell, function: str) -> None:
    with (shell.folder / "truth.py").open("a") as file:
        file.write(STATEFUL)
    shell.write(("truth.py:model", f"truth.py:{function}"))


@pytest.mark.slow
def test_an_error_that_the_run_found_not_reproducible(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was "NOT the same error as in the run" and exit 1, where the run itself had said so."""
    prepared(shell, "stateful")
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    document = json.loads((shell.folder / "run" / "result.json").read_text())
    (finding,) = [f for f in document["findings"] if f["code"] == "not-reproducible"]
    assert document["sup"]["lower"] > 0.5 > finding["alone"]["error"]
    replayed = shell.run("replay", "run", "--json")
    data = json.loads(replayed.out)
    assert replayed.code == 0
    assert data["error"] == pytest.approx(finding["alone"]["error"])
    assert data["not_reproducible"] == {key: finding[key]["error"] for key in ("batch", "alone")}
    said = shell.run("replay", "run")
    assert said.code == 0
    assert "NOT the same" not in said.out
    assert "one that it computed here too; the run found that this error is not reproducible" in said.out
    monkeypatch.setenv("SUPNORM_TEST_WRONG", "7")  # neither of the two errors
    other = shell.run("replay", "run")
    assert other.code == 1
    assert "NOT the same error as in the run; the run found that this error is not reproducible" in other.out


@pytest.mark.slow
def test_nothing_is_said_of_a_point_that_is_reproducible(shell: Shell) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    done = shell.run("replay", "run", "--json")
    assert json.loads(done.out)["not_reproducible"] is None
    assert "not reproducible" not in shell.run("replay", "run").out


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_replay_that_is_stopped(shell: Shell, number: signal.Signals) -> None:
    prepared(shell, "stopped")
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    before = (shell.folder / "run" / "result.json").read_bytes()
    done = shell.finish("replay", "run", SUPNORM_TEST_SIGNAL=str(int(number)))
    assert done.code == 3
    assert done.line == "supnorm: interrupted; replay writes nothing: run the same command again"
    assert (shell.folder / "run" / "result.json").read_bytes() == before


WRITER = """
import os, sys
from supnorm.cli.main import begin
real = os.fsync
def fsync(descriptor):
    os.kill(os.getpid(), {number})
    real(descriptor)
os.fsync = fsync
sys.exit(begin(["report", "run"]))
"""


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_report_that_is_stopped_while_it_writes(shell: Shell, number: signal.Signals) -> None:
    shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    page = shell.folder / "run" / "report.html"
    page.write_text("as it was")
    source = WRITER.format(number=int(number))
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=shell.folder, capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 3, done.stderr
    assert (
        done.stderr.strip()
        == "supnorm: interrupted; the page is as it was before: run the same command again"
    )
    assert page.read_text() == "as it was"
    assert not [path.name for path in page.parent.iterdir() if path.name.startswith(".")]


def test_a_row_of_a_table_is_named_and_nothing_is_said_in_words_of_python(shell: Shell) -> None:
    (shell.folder / "t.csv").write_text("a,b,truth,pred\n1,1,1,1.5\n1,1,2,\n1,1,3,9\n2,2,1,1\n")
    side = '[{}]\nfile = "t.csv"\ninputs = ["a", "b"]\noutputs = ["{}"]\n'
    (shell.folder / "t.toml").write_text(side.format("model", "pred") + side.format("reference", "truth"))
    assert shell.run("audit", "t.toml", "--quiet", "--out", "rows").code == 0
    said = shell.run("replay", "rows").out
    assert [" ".join(line.split()) for line in said.splitlines()[:6]] == [
        "row 2",
        "x a = 1.0, b = 1.0",
        "model no value",
        "reference 2.0",
        "error infinite",
        "error then infinite",
    ]
    assert json.loads(shell.run("replay", "rows", "2", "--json").out)["row"] == 3
