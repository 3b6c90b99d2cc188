"""Every verb interrupted at a random moment by a signal: what was done is kept, and --resume ends as if nothing had been.

More moments: ``python -m benchmarks.scale chaos``. They are drawn with a seed; how far a run had come at one depends on
the machine, and must not matter.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.cli.test_interrupted import FUNCTIONS, HARD, SIGNALS, SLOW
from tests.cli.test_supervisor import wait_for_none, wait_for_worker
from tests.differences import differences

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX"),
    pytest.mark.slow,
    pytest.mark.xdist_group("resume"),
    pytest.mark.usefixtures("small_searches"),
]
# The file that says what came out, and the command.
VERBS: dict[str, tuple[str, list[str]]] = {
    "audit": ("result.json", ["audit", "problem.toml", "--evaluations", "100", "--cost", "expensive"]),
    "audit, 2 workers": (
        "result.json",
        ["audit", "problem.toml", "--evaluations", "100", "--cost", "expensive", "--workers", "2"],
    ),
    "fit": ("fit.json", ["fit", "problem.toml", "--method", "polynomial", "--max-evaluations", "100"]),
    "fit, 2 workers": (
        "fit.json",
        ["fit", "problem.toml", "--method", "polynomial", "--max-evaluations", "100", "--workers", "2"],
    ),
    "certify": ("certify.json", ["certify", "hard.toml", "--tolerance", "1e-3"]),
    "certify, 2 workers": (
        "certify.json",
        ["certify", "hard.toml", "--tolerance", "1e-3", "--workers", "2"],
    ),
    "certify, an equation": ("solution.json", ["certify", "equation.toml", "--ratio", "1.2"]),
    "compare": ("compare.json", ["compare", "problem.toml", "problem.toml", "--evaluations", "100"]),
    "budget": ("budget.json", ["budget", "problem.toml", "--calls", "500"]),
}
# A front of Burgers' equation, of which a part takes some hundred boxes.
FRONT = """
import jax.numpy as jnp
def front(x): return 0.5 - 0.5 * jnp.tanh((x[:, 0] - 0.5 - 0.5 * x[:, 1]) / 0.2)
def model(x): return front(x) + 1e-3 * jnp.sin(7.0 * x[:, 0]) * jnp.cos(5.0 * x[:, 1])
"""
EQUATION = """
[model]
python = "front.py:model"
[equation]
kind = "Burgers"
viscosity = 0.05
initial = "front.py:front"
boundary = "front.py:front"
[domain]
x = [0.0, 1.0]
t = [0.0, 0.5]
"""
CLOCKED = {
    "seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "cost", "machine",
    "seconds_a_call", "spread", "latency", "microseconds",
    "versions",  # of the packages that are loaded: the process of the tests, which resumes, has loaded more
}  # fmt: skip


def timeless(value: Any) -> Any:
    """Without what a clock has measured, and what a process has loaded."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in CLOCKED}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def whole(folder: Path) -> None:
    """Files are there as a whole or not at all, and none is left that was being written.

    The file of a lock may stay: a signal can strike before its run deletes it, and the next run takes it over.
    """
    for path in folder.rglob("*"):
        assert not path.name.startswith(".") or path.name == ".lock", path
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.suffix == ".sqlite":
            with sqlite3.connect(path) as store:
                assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            store.close()


@pytest.mark.parametrize("verb", VERBS)
def test_interrupted_anywhere_and_resumed(shell: Shell, verb: str) -> None:
    name, arguments = VERBS[verb]
    shell.write(SLOW)
    (shell.folder / "hard.toml").write_text(HARD)
    (shell.folder / "hard.py").write_text(FUNCTIONS)
    (shell.folder / "equation.toml").write_text(EQUATION)
    (shell.folder / "front.py").write_text(FRONT)
    environment = {"SUPNORM_TEST_LOG": str(shell.folder / "log.txt"), "SUPNORM_TEST_SLEEP": "0.004"}
    begin = time.monotonic()
    done = shell.finish(*arguments, "--out", "whole", "--quiet", **environment)
    took = time.monotonic() - begin
    assert done.code in (0, 1, 4), done.err
    expected = timeless(json.loads((shell.folder / "whole" / name).read_text()))
    out, number = "run", SIGNALS[len(verb) % len(SIGNALS)]  # the signals take turns
    process = shell.start(*arguments, "--out", out, "--quiet", **environment)
    wait_for_worker(process)
    time.sleep(float(np.random.default_rng(len(verb)).uniform(0.1, 1.0)) * took)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode in (3, done.code), err
    assert "Traceback" not in err
    assert "bug" not in err
    wait_for_none(process.pid)
    whole(shell.folder / out)
    if process.returncode == done.code:
        return
    resumed = shell.run(*arguments, "--out", out, "--quiet", "--resume", **environment)
    if resumed.code == 2:  # it had not come so far that there was a run
        assert "--resume" in resumed.line
        return
    assert resumed.code == done.code, resumed.err
    after = timeless(json.loads((shell.folder / out / name).read_text()))
    if name in ("certify.json", "solution.json"):  # another tree of boxes, the same verdict
        assert after["status"]["code"] == expected["status"]["code"]
    else:
        assert not [*differences(after, expected)][:20]
