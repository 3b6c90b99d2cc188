"""``supnorm repair`` that is killed, or cannot write: what was computed is kept, and the run goes on to the same result."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import SMALL_SEARCHES, Shell
from tests.cli.test_disk import full
from tests.cli.test_repair_verb import PROBLEM, written
from tests.mending.cases import line

import supnorm
from supnorm.networks import load, save

pytestmark = pytest.mark.slow  # processes of their own

# A reference that logs its calls, and kills its process at the call that the environment names.
LOGGED = """
import os, signal
import numpy as np
def peak(x):
    with open("log.txt", "a") as file:
        file.write("".join(f"{v!r}\\n" for v in x[:, 0].tolist()))
    if "KILLED_AT" in os.environ:
        with open("log.txt") as file:
            if len(file.readlines()) >= int(os.environ["KILLED_AT"]):
                os.kill(os.getpid(), signal.SIGKILL)
    return np.sin(2.0 * x[:, 0]) + np.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)
"""
OPTIONS = ("repair", "line.toml", "--cost", "expensive", "--evaluations", "500", "--quiet")


def run(folder: Path, *more: str, killed_at: int | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(supnorm.__file__).parent.parent)}
    if killed_at is not None:
        environment["KILLED_AT"] = str(killed_at)
    return subprocess.run(
        [sys.executable, "-c", SMALL_SEARCHES, *OPTIONS, *more],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


def prepared(folder: Path) -> Path:
    folder.mkdir()
    save(line()[0], folder / "net.npz")
    (folder / "truth.py").write_text(LOGGED)
    (folder / "line.toml").write_text(
        PROBLEM.format(model='file = "net.npz"', tolerance=0.05).replace(
            "evaluations = 2000", "evaluations = 100"
        )
    )
    return folder


def calls(folder: Path) -> int:
    return len((folder / "log.txt").read_text().splitlines())


def test_a_repair_that_was_killed_goes_on_to_the_same_model_without_paying_twice(tmp_path: Path) -> None:
    whole = prepared(tmp_path / "whole")
    assert run(whole).returncode == 0
    total = calls(whole)
    broken = prepared(tmp_path / "broken")
    empty = run(broken, "--resume")
    assert empty.returncode == 2
    assert "has no run" in empty.stderr
    assert not (broken / "log.txt").exists() or calls(broken) < 50
    for share in (0.1, 0.6, 0.9):  # in the audit, the rounds, the verdict
        resumed = () if share == 0.1 else ("--resume",)
        done = run(broken, *resumed, killed_at=int(share * total))
        assert done.returncode == 3, done.stderr
        assert not (broken / "line-repair" / "repair.json").exists()
    done = run(broken, "--resume")
    assert done.returncode == 0, done.stderr
    assert calls(broken) < 1.5 * total  # a batch that was cut short is called again
    first, second = (load(f / "line-repair" / "model.npz").flat for f in (whole, broken))
    assert np.array_equal(first, second)
    records = [json.loads((f / "line-repair" / "repair.json").read_text()) for f in (whole, broken)]
    for key in ("status", "worst_before", "worst_after", "harm", "compared", "rounds"):
        assert records[0][key] == records[1][key], key


@pytest.mark.parametrize("ends", ["repair.json", "model.npz", "repair.html", "problem.toml"])
def test_a_full_disk_at_the_end_loses_a_file_and_not_the_words(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    folder = written(shell)
    with monkeypatch.context() as patched:
        full(patched, f"line-repair/{ends}")
        done = shell.run("repair", "line.toml", "--evaluations", "1500")
    assert done.code == 3, done.err
    assert "The largest error found fell from 1 to" in done.out
    assert f"{ends} cannot be written: {os.strerror(errno.ENOSPC)}" in done.err.strip().splitlines()[-1]
    assert not (folder / ends).exists()
    assert not list(shell.folder.rglob("supnorm-crash.txt"))
    again = shell.run("repair", "line.toml", "--evaluations", "1500", "--resume")
    assert again.code == 0, again.err
    assert (folder / ends).exists()


def test_a_result_of_another_repair_is_not_mixed_with_a_model_that_could_not_be_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page and the numbers of the last repair may not stand beside the model of this one, or the other way round."""
    folder = written(shell)
    assert shell.run("repair", "line.toml", "--evaluations", "1500", "--quiet").code == 0
    before: dict[str, Any] = json.loads((folder / "repair.json").read_text())
    model = (folder / "model.npz").read_bytes()
    with monkeypatch.context() as patched:
        full(patched, "line-repair/model.npz")
        done = shell.run("repair", "line.toml", "--evaluations", "800", "--quiet")
    assert done.code == 3, done.err
    kept = folder / "model.npz"
    assert not kept.exists() or (
        kept.read_bytes() == model and json.loads((folder / "repair.json").read_text()) == before
    )
