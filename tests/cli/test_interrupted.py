"""Ctrl-C, SIGTERM and SIGHUP: the work is kept, in every verb, with and without workers."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

import supnorm as sn
from supnorm.interrupts import INTERRUPTS

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SLOW = (REFERENCE, 'python = "truth.py:logged"\nper_point = true')
WIDE = ("tolerance = 0.1", "tolerance = 0.5")
TIMES = {
    "seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "pace", "time",
}  # fmt: skip


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def stopped(shell: Shell, process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """A process after a signal: its exit code and what it said."""
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, err


# -- audit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_an_audit_of_a_cheap_pair_keeps_what_it_found(shell: Shell, number: signal.Signals) -> None:
    """1.5 million evaluations, and even where the worst point was, were lost."""
    shell.write(WIDE)
    process = shell.start("audit", "problem.toml", "--evaluations", "50000000", "--out", "run")
    assert process.stderr is not None
    process.stderr.readline()  # of progress: the search has begun
    time.sleep(0.5)
    code, err = stopped(shell, process, number)
    assert code == 3, err
    assert "--out run --resume" in err
    document = load(shell.folder / "run" / "result.json")
    assert (document["status"]["code"], document["status"]["exit"]) == ("interrupted", 3)
    assert "Stopped by you after" in document["status"]["advice"]
    assert document["sup"]["lower"] == pytest.approx(0.3, rel=1e-2)
    assert document["witness"]["x"]["a"] == pytest.approx(0.3, abs=5e-3)
    assert document["plain_sample"]["n"] > 1000
    assert "the audit was stopped" in document["power_left_out"] or document["power_left_out"] == ""
    assert (shell.folder / "run" / "points.csv").read_text().count("\n") > 1
    assert "Interrupted" in (shell.folder / "run" / "report.html").read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_audit_of_long_calls_reports_those_that_came_back(shell: Shell, workers: str) -> None:
    """The witness is not called again: that may take as long as the user does not want to wait."""
    shell.write(SLOW)
    log = shell.folder / "log.txt"
    process = shell.start(
        "audit", "problem.toml", "--quiet", "--out", "run", "--workers", workers,
        SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.1",
    )  # fmt: skip
    wait_for_lines(log, 40)
    code, err = stopped(shell, process, signal.SIGINT)
    assert code == 3, err
    document = load(shell.folder / "run" / "result.json")
    assert document["status"]["code"] == "interrupted"
    assert document["sup"]["lower"] > 0
    calls = log.read_text().splitlines()
    at = document["witness"]["x"]
    assert sum(line == f"{at['a']!r} {at['b']!r}" for line in calls) <= 2  # the probe calls its points twice
    with sqlite3.connect(shell.folder / "run" / "evaluations.sqlite") as store:
        assert store.execute("SELECT SUM(n) FROM batches").fetchone()[0] >= 15


def test_a_second_request_ends_at_once(shell: Shell) -> None:
    """The model hangs where nothing can interrupt it but an end of the process."""
    with (shell.folder / "truth.py").open("a") as file:
        file.write(
            "def deaf(x):\n    while len(x) > 8:\n        try: time.sleep(100)\n"
            "        except KeyboardInterrupt: open('heard', 'w').close()\n    return truth(x)\n"
        )
    shell.write((REFERENCE, 'python = "truth.py:deaf"'))
    process = shell.start("audit", "problem.toml", "--quiet", "--out", "run")
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    end = time.monotonic() + 60
    while not (shell.folder / "heard").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)  # within a second it would be the same request that came twice
    time.sleep(1.2)
    code, err = stopped(shell, process, signal.SIGINT)
    assert code == 3
    assert "ended at once" in err
    assert not (shell.folder / "run" / "result.json").exists()


def test_in_python_ctrl_c_ends_the_search_and_the_report_is_returned() -> None:
    calls = []

    def model(x: Any) -> Any:
        calls.append(len(x))
        if len(calls) == 30:
            signal.raise_signal(signal.SIGINT)
        return x[:, 0] ** 2

    before = signal.getsignal(signal.SIGINT)
    report = sn.audit(
        sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)), tolerance=0.1), evaluations=1_000_000
    )
    assert report.status.code == "interrupted"
    assert report.status.exit == 3
    assert report.worst.error == pytest.approx(0.25, abs=1e-6)
    assert "above the tolerance" in report.status.advice
    assert report.document["evaluations"]["search"] < 900_000
    assert signal.getsignal(signal.SIGINT) is before
    assert not INTERRUPTS.asked


def test_in_python_ctrl_c_before_anything_was_found_is_raised() -> None:
    def model(x: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return x[:, 0]

    with pytest.raises(KeyboardInterrupt):
        sn.audit(sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0))), evaluations=1000)
    assert not INTERRUPTS.asked


@pytest.mark.parametrize("when", [1, 3, 12])
def test_an_interrupted_enumeration_is_not_exhaustive(when: int) -> None:
    calls = []

    def model(x: Any) -> Any:
        calls.append(len(x))
        if len(calls) == when + 4:  # after the probe
            signal.raise_signal(signal.SIGINT)
        return np.sin(x[:, 0]) + x[:, 1]

    domain = sn.Domain(a=sn.Axis(values=range(400)), b=sn.Axis(values=range(400)))
    report = sn.audit(sn.Problem(model, lambda x: x[:, 1], domain, tolerance=2.0), evaluations=160_000)
    assert report.status.code == "interrupted"
    assert not report.document["search"]["exhaustive"]
    assert 0 < report.document["search"]["evaluated"] < 160_000


def test_compare_keeps_the_table_of_what_is_done(shell: Shell) -> None:
    shell.write(WIDE)
    process = shell.start(
        "compare", "problem.toml", "problem.toml", "--evaluations", "50000000", "--out", "both"
    )
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(0.5)
    code, err = stopped(shell, process, signal.SIGTERM)
    assert code == 3, err
    rows = load(shell.folder / "both" / "compare.json")["rows"]
    assert [row["status"] for row in rows] == ["interrupted"]
    assert (shell.folder / "both" / "compare.html").exists()
