"""Killed at any moment, a run goes on: same result, nothing evaluated twice but the batch in flight."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

TIMES = {"seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command"}
ARGUMENTS = ("audit", "problem.toml", "--quiet", "--evaluations", "150", "--seed", "4")
IN_FLIGHT = 12  # 0.5 s of calls of 50 ms, and the first one of a chunk whose time is not known


def result(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return {k: v for k, v in document.items() if k not in TIMES}


def points(log: Path) -> Counter[str]:
    return Counter(log.read_text().splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("after", [5, 60])
def test_kill_9_and_resume(shell: Shell, after: int) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    whole, first, second = (shell.folder / name for name in ("whole.txt", "first.txt", "second.txt"))
    process = shell.start(*ARGUMENTS, "--out", "killed", SUPNORM_TEST_LOG=str(first))
    wait_for_lines(first, after)
    process.kill()
    process.communicate()
    assert not (shell.folder / "killed" / "result.json").exists()
    assert shell.finish(*ARGUMENTS, "--out", "whole", SUPNORM_TEST_LOG=str(whole)).code == 1
    resumed = shell.finish(*ARGUMENTS, "--out", "killed", "--resume", SUPNORM_TEST_LOG=str(second))
    assert resumed.code == 1, resumed.err
    assert result(shell.folder / "killed") == result(shell.folder / "whole")
    # What the killed and the resumed run evaluated beyond the uninterrupted one was in flight.
    repeated = points(first) + points(second) - points(whole)
    assert sum(repeated.values()) <= IN_FLIGHT, repeated
    assert sum(points(whole).values()) > 150


@pytest.mark.slow
def test_kill_9_in_a_resumed_run(shell: Shell) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    logs = [shell.folder / f"{i}.txt" for i in range(3)]
    for i, extra in enumerate(([], ["--resume"])):
        process = shell.start(*ARGUMENTS, "--out", "killed", *extra, SUPNORM_TEST_LOG=str(logs[i]))
        wait_for_lines(logs[i], 30)
        process.kill()
        process.communicate()
    last = shell.finish(*ARGUMENTS, "--out", "killed", "--resume", SUPNORM_TEST_LOG=str(logs[2]))
    assert last.code == 1
    total = sum((points(log) for log in logs), Counter())
    whole = shell.folder / "whole.txt"
    assert shell.finish(*ARGUMENTS, "--out", "whole", SUPNORM_TEST_LOG=str(whole)).code == 1
    assert result(shell.folder / "killed") == result(shell.folder / "whole")
    assert sum((total - points(whole)).values()) <= 2 * IN_FLIGHT


def test_resuming_a_finished_run_evaluates_only_the_witness_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.002")
    log = shell.folder / "log.txt"
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(log))
    assert shell.run(*ARGUMENTS, "--out", "run").code == 1
    before, first = points(log), result(shell.folder / "run")
    log.unlink()
    assert shell.run(*ARGUMENTS, "--out", "run", "--resume").code == 1
    assert result(shell.folder / "run") == first
    assert sum(points(log).values()) < 0.15 * sum(before.values())


def test_without_resume_an_older_store_is_set_aside_and_not_lost(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.002")
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(shell.folder / "log.txt"))
    folder = shell.folder / "run"
    sizes = []
    for _ in range(3):
        assert shell.run("audit", "problem.toml", "--quiet", "--evaluations", "100", "--out", "run").code == 1
        sizes.append(len(list(folder.glob("evaluations.sqlite*"))))
    kept = {p.name for p in folder.glob("evaluations.sqlite*") if not p.name.endswith(("-wal", "-shm"))}
    assert len(kept) == 3, kept  # "an older store never lost"


def test_a_moved_run_is_replayed_and_its_page_rebuilt(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    shutil.move(shell.folder / "run", shell.folder / "elsewhere")
    (shell.folder / "elsewhere" / "report.html").unlink()
    assert shell.run("report", "elsewhere").code == 0
    assert "<html" in (shell.folder / "elsewhere" / "report.html").read_text()
