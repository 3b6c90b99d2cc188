"""Workers that cannot begin, or end too early: what the user is told, and that workers say nothing themselves."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import supnorm
from supnorm.evaluation.executor import broken_workers_explained, starts_again
from supnorm.evaluation.processes import Processes
from supnorm.results import BadInput
from supnorm.sources.userfile import load_module

SLOW = """
import time
import numpy as np
def model(x): return x[:, 0] + 0.1
def truth(a):
    time.sleep(0.003)
    return a
"""
PROBLEM = """
[model]
python = "truth.py:model"
[reference]
python = "truth.py:truth"
per_point = true
[domain]
a = { low = 0.0, high = 1.0 }
"""
AUDIT = """
import supnorm as sn
problem = sn.open_problem("problem.toml")
# guard
report = sn.audit(
    problem, evaluations=100, calls=sn.Calls(workers=2))
print("worst", round(report.worst.error, 6))
"""
CERTIFY = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import supnorm as sn
pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
import jax.numpy as jnp
wave = lambda x: jnp.sin(400 * x[:, 0]) * jnp.cos(300 * x[:, 1])  # many boxes
sn.certify(sn.Problem(wave, lambda x: 0.0 * x[:, 0], sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))), 1.1, executor=pool)
"""
VERB = """
import sys
from supnorm.cli.main import run
sys.exit(run(["audit", "problem.toml", "--workers", "2", "--evaluations", "100", "--quiet"]))
"""


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "truth.py").write_text(SLOW)
    (folder / "problem.toml").write_text(PROBLEM)
    (folder / "script.py").write_text(text)
    source = str(Path(supnorm.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("text", "line"), [(AUDIT, 5), (CERTIFY, 8)], ids=["own pool", "given pool"])
def test_a_script_without_the_guard_is_named_once(tmp_path: Path, text: str, line: int) -> None:
    done = run_script(tmp_path, text)
    assert done.returncode == 1
    # Workers are silent, but for one that starts when the main process has given up: Python itself tells that, from
    # its command line.
    told = done.stderr.split("Traceback (most recent call last):\n")[1:]
    (main,) = [text for text in told if not text.startswith('  File "<string>", line 1')]
    # Behind it Python may warn of semaphores that the workers left.
    (last,) = [text for text in main.splitlines() if "BadInput: " in text]
    assert f"BadInput: script.py, line {line}, starts workers" in last
    assert last.endswith('put it under if __name__ == "__main__":')


@pytest.mark.slow
def test_the_command_line_in_such_a_script_is_bad_input(tmp_path: Path) -> None:
    done = run_script(tmp_path, VERB)
    assert done.returncode == 2
    assert done.stderr.startswith("supnorm: script.py, line 4, starts workers")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "supnorm-crash.txt").exists()


@pytest.mark.slow
def test_with_the_guard_the_script_runs(tmp_path: Path) -> None:
    head, _, tail = AUDIT.partition("# guard")
    done = run_script(tmp_path, head + 'if __name__ == "__main__":' + tail.replace("\n", "\n    "))
    assert (done.returncode, done.stdout, done.stderr) == (0, "worst 0.1\n", "")


def test_a_worker_that_dies_is_no_bug_of_ours() -> None:
    """Killed, as for want of memory: the main file of the tests has the guard, so it is not what is named."""
    with (
        pytest.raises(BadInput, match="a worker process ended before its call was done"),
        broken_workers_explained(),
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        pool.submit(os._exit, 1).result()


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="of the user"), broken_workers_explained():
        raise RuntimeError("of the user")


@pytest.mark.slow
@pytest.mark.parametrize("imports", ["", "from .layers import x; "])
def test_a_problems_file_starts_no_workers_in_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imports: str
) -> None:
    """They would import the file too, and start their own: without end."""
    path = tmp_path / "pack" / "user.py"
    path.parent.mkdir()
    for name in ("__init__.py", "layers.py"):
        (path.parent / name).write_text("x = 1\n")
    path.write_text(
        f"{imports}from supnorm.evaluation.executor import make_executor\nfrom supnorm.problem import Function\n"
        'pool = make_executor(Function(abs, remake=abs, parallel="process"), 2)\n'
    )
    assert isinstance(load_module(path, "here").pool, Processes)
    path.write_text(path.read_text() + "\n")  # another content, another module
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "the main process")
    with pytest.raises(BadInput, match=r"user\.py, line 3, asks for workers"):
        load_module(path, "here")


@pytest.mark.parametrize(
    ("name", "expected"), [("__mp_main__", True), ("__main__", False), ("somebody", False)]
)
def test_only_the_main_file_imported_by_a_worker_starts_again(
    tmp_path: Path, name: str, expected: bool
) -> None:
    """Any other module at its top level, and functions of the main file called later, are work like any."""
    path = tmp_path / "script.py"
    path.write_text(
        "from supnorm.evaluation.executor import starts_again\n"
        "def later():\n    return starts_again()\n"
        "here = starts_again()\n"
    )
    found = runpy.run_path(str(path), run_name=name)
    assert found["here"] is expected
    assert found["later"]() is False
    assert starts_again() is False
