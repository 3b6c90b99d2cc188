"""``supnorm check --problem`` ties a certificate to the problem: its values and its whole domain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import supnorm
from supnorm.cli.check import progress
from supnorm.cli.main import run

pytest.importorskip("flint")
CODE = """
import jax.numpy as jnp
def model(x): return x[:, 0] - x[:, 0] ** 3 / 6
def other(x): return x[:, 0] - x[:, 0] ** 3 / 5
def sine(x): return jnp.sin(x[:, 0])
"""


def problem(folder: Path, name: str, model: str, high: float) -> Path:
    (folder / "truth.py").write_text(CODE)
    path = folder / name
    path.write_text(
        f'[model]\npython = "truth.py:{model}"\n[reference]\npython = "truth.py:sine"\n'
        f"[domain]\nx = {{ low = 0.0, high = {high} }}\n"
    )
    return path


def test_a_certificate_is_accepted_for_its_own_problem_only(tmp_path: Path) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    out = tmp_path / "run"
    assert run(["certify", str(own), "--out", str(out), "--quiet"]) == 0
    file = str(out / "certificate.json")
    assert run(["check", file]) == 0
    assert run(["check", file, "--problem", str(own)]) == 0
    wider = problem(tmp_path, "wider.toml", "model", 1.0)
    assert run(["check", file, "--problem", str(wider)]) == 1
    narrower = problem(tmp_path, "narrower.toml", "model", 0.25)
    assert run(["check", file, "--problem", str(narrower)]) == 1
    changed = problem(tmp_path, "changed.toml", "other", 0.5)
    assert run(["check", file, "--problem", str(changed)]) == 1


def test_a_file_that_is_no_certificate_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "cert.json").write_text("garbage")
    assert run(["check", str(tmp_path / "cert.json")]) == 1
    assert run(["check", str(tmp_path / "absent.json")]) == 2


def test_progress_counts_leaves_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell = progress(every=0.0)
    for done in range(1, 5):
        tell(done, 4)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(" leaves")[0].strip() for line in lines] == ["2 of 4", "3 of 4"]


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = problem(tmp_path, "own.toml", "model", 0.5)
    assert run(["certify", str(own), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    capsys.readouterr()
    assert run(["check", str(tmp_path / "run" / "certificate.json"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


LONG = """
import jax.numpy as jnp
import numpy as np
rng = np.random.default_rng(0)
W, b, U, c, V = (rng.normal(size=s) for s in ((2, 32), 32, (32, 32), 32, (32, 1)))
def model(x): return jnp.tanh(jnp.tanh(1.5 * x @ W + b) @ U / 6 + c) @ V
def truth(x): return model(x) + 1e-2 * jnp.sin(3 * x[:, :1])
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate whose check takes several seconds of two processes."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "long.py").write_text(LONG)
    (folder / "problem.toml").write_text(
        '[model]\npython = "long.py:model"\n[reference]\npython = "long.py:truth"\n'
        "[domain]\nx = { low = -1.0, high = 1.0 }\ny = { low = -1.0, high = 1.0 }\n"
    )
    given = str(folder / "problem.toml"), "--ratio", "1.002", "--out", str(folder / "run")
    assert run(["certify", *given, "--quiet"]) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.05, 1.0], ids=["while workers import", "while they prove"])
def test_ctrl_c_ends_all_processes_in_one_line(long: Path, seconds: float) -> None:
    """As a terminal sends it: to the workers too."""
    before = sorted(long.rglob("*"))
    source = str(Path(supnorm.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "supnorm", "check", "run/certificate.json", "--workers", "2"],
        cwd=long, env={**os.environ, "PYTHONPATH": source}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: members(process.pid) >= 4)  # itself, two workers, and what tracks their semaphores
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, ""), err
    assert err.startswith("supnorm: interrupted: run/certificate.json is neither accepted nor rejected")
    assert err.count("\n") == 1
    wait_until(lambda: members(process.pid) == 0)
    assert sorted(long.rglob("*")) == before


def members(group: int) -> int:
    """Living processes of a process group."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return sum(int(pgid) == group and not stat.startswith("Z") for pgid, stat in rows)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
