"""`--dask` of audit and budget: a scheduler and two workers of their own; same answer, and an interruption goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

import supnorm

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

TRAINERS = """
import os, time
import numpy as np
def nearest(x, y, width, seed):
    time.sleep(float(os.environ.get("SUPNORM_TEST_TRAINING", "0")))
    with open("trainings.txt", "a") as file:
        file.write(f"{os.getpid()} {len(x)} {seed}\\n")
    return lambda u: y[((u[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)]
"""
TIMES = {
    "seconds",
    "cost",
    "command",
}  # cost: as measured; command: with it
ARGUMENTS = (
    "budget", "problem.toml", "--learning-curve", "mine.py:nearest,polynomial", "--training-sizes", "16,32,64",
    "--trainings", "3", "--calls", "600", "--seed", "5", "--out", "run",
)  # fmt: skip


@pytest.fixture
def address(shell: Shell) -> Iterator[str]:
    """A scheduler and two workers that run in the shell's folder, started as a user starts them."""
    (shell.folder / "mine.py").write_text(TRAINERS)
    source = str(Path(supnorm.__file__).parent.parent)
    place = {
        **os.environ,
        "PYTHONPATH": source,
        "SUPNORM_TEST_TRAINING": "1.5",
        "SUPNORM_TEST_SLEEP": "0.002",
    }
    place["SUPNORM_TEST_LOG"] = str(shell.folder / "calls.txt")
    file = shell.folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [
        ["scheduler", "--port", "0", *common],
        ["worker", "--nworkers", "2", "--nthreads", "1", *common],
    ]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            line = [sys.executable, "-m", "dask", *command]
            with (shell.folder / f"{command[0]}.log").open("w") as log:
                processes.append(subprocess.Popen(line, cwd=shell.folder, env=place, stdout=log, stderr=log))
            wait_for_lines(file, 1)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=300)


def answer(folder: Path) -> Any:
    return without_times(json.loads((folder / "run" / "budget.json").read_text()))


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def trainings(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "trainings.txt").read_text().splitlines()]


def test_a_cluster_gives_the_same_answer_and_an_interruption_goes_on(shell: Shell, address: str) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    here = {"SUPNORM_TEST_LOG": str(shell.folder / "calls.txt"), "SUPNORM_TEST_SLEEP": "0.002"}
    alone = shell.finish(*ARGUMENTS, **here)
    assert alone.code in (0, 4), alone.err
    expected = answer(shell.folder)
    assert len({pid for pid, *_ in trainings(shell.folder)}) == 1

    (shell.folder / "trainings.txt").unlink()
    process = shell.start(*ARGUMENTS, "--dask", address, **here)
    wait_for_lines(shell.folder / "trainings.txt", 5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert "run the same command with --resume" in err
    assert "Traceback" not in err
    time.sleep(2.5)  # longer than a training: those that had begun end
    done = trainings(shell.folder)
    assert len({pid for pid, *_ in done}) == 2  # both workers trained
    assert len(done) < 9  # and what had not begun was called off

    resumed = shell.finish(*ARGUMENTS, "--dask", address, "--resume", **here)
    assert resumed.code == alone.code, resumed.err
    assert answer(shell.folder) == expected
    again = Counter((size, seed) for _, size, seed in trainings(shell.folder))
    assert len(again) == 9
    assert sum(again.values()) <= 9 + 3  # the trainings in flight are done again, no more


def test_no_scheduler_is_one_line(shell: Shell) -> None:
    done = shell.run("budget", "problem.toml", "--dask", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "no scheduler answers" in done.line


def test_an_audit_on_a_cluster_gives_the_same_answer(shell: Shell, address: str) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    found, calls = {}, {}
    for name, more in {"alone": (), "cluster": ("--dask", address)}.items():
        log = shell.folder / f"{name}.txt"
        done = shell.finish(
            "audit", "problem.toml", "--evaluations", "150", "--seed", "5", "--out", name, "--json", *more,
            SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.05",
        )  # fmt: skip
        assert done.code in (0, 1), done.err
        found[name] = json.loads(done.out)["sup"]
        calls[name] = len(log.read_text().splitlines())
    assert found["cluster"]["lower"] == pytest.approx(found["alone"]["lower"], rel=1e-9)
    served = len((shell.folder / "calls.txt").read_text().splitlines())
    assert calls["cluster"] + served == calls["alone"] > 150
    assert served > 4 * calls["cluster"]
