"""A problem folder to run the command line in, and ways to run it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.schema import demand_as_published

import supnorm
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.cli.main import run

FILES = ("result.json", "certify.json", "fit.json", "budget.json", "compare.json")
TRUTH = """
import os, time
import numpy as np
def model(x): return np.exp(x[:, 0]) * x[:, 1] + 0.3 * np.exp(-((x[:, 0] - 0.3) / 0.02) ** 2)
def truth(x): return np.exp(x[:, 0]) * x[:, 1]
def agrees(x): return truth(x) + 1e-4
def contradicts(x): return model(x)
def nowhere(x): return np.full(len(x), np.nan)
def raises(x): raise ArithmeticError("no convergence in 50 steps")
def two(x): return np.column_stack([x[:, 0], x[:, 1]])
def three_inputs(a, b, c): return a + b + c
def dropout(x): return truth(x) + 1e-3 * np.random.default_rng().normal(size=len(x))
def batched(x): return truth(x) - truth(x).mean()
def left(x): return x[:, 0] < 0.5
def right(x): return x[:, 0] > 0.5
def bad_error(n, f, x): raise KeyError("scale")
def bad_mask(x): raise KeyError("mask")
def bad_sampler(n, rng): raise KeyError("sampler")
def bad_constraint(x): raise KeyError("constraint")
def low(n, rng): return rng.random((n, 2)) * 0.5 + [0.0, 0.5]
def logged(a, b):
    time.sleep(float(os.environ.get("SUPNORM_TEST_SLEEP", "0.05")))
    with open(os.environ["SUPNORM_TEST_LOG"], "a") as file:
        file.write(f"{a!r} {b!r}\\n")
    hold = os.environ.get("SUPNORM_TEST_HOLD")
    if hold is not None and sum(1 for _ in open(os.environ["SUPNORM_TEST_LOG"])) >= int(hold):
        time.sleep(600)  # until a signal comes: the test need not be quick to send it
    return float(np.exp(a) * b)
"""
PROBLEM = """
title = "A bump"
[model]
python = "truth.py:model"
[reference]
python = "truth.py:truth"
[error]
tolerance = 0.1
[domain]
a = { low = 0.0, high = 1.0, unit = "m" }
b = { low = 0.5, high = 2.0 }
[audit]
evaluations = 1000
power = false
"""

# Where what is found does not matter: searches on what stands in for an expensive reference take 0.3 s each with 30,000.
SMALL = 300
SMALL_SEARCHES = f"""
import sys
from supnorm.supervisor import supervise
def small():
    from dataclasses import astuple
    from supnorm.auditing.expensive import SurrogateSearch
    SurrogateSearch.__init__.__defaults__ = astuple(SurrogateSearch(inner={SMALL}))
    from supnorm.__main__ import work
    return work()
sys.exit(supervise(small))
"""


@dataclass
class Outcome:
    """What a run of the command line left."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on stderr; fails when there are more, or a traceback."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert lines[0].startswith("supnorm: ")
        return lines[0]


@dataclass
class Shell:
    """A folder with ``truth.py`` and ``problem.toml``, and the command line in it."""

    folder: Path
    capture: pytest.CaptureFixture[str] | None  # None where only other processes are run
    code: str | None = None  # of processes, where it is not that of the command line

    def write(self, *changes: tuple[str, str], name: str = "problem.toml") -> Path:
        """The problem file with parts replaced."""
        text = PROBLEM
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *arguments: str | Path, **environment: str) -> Outcome:
        """In this process, which has imported everything: a process of its own takes 2 s of processor time for that."""
        assert self.capture is not None
        self.capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run([str(a) for a in arguments])
        out, err = self.capture.readouterr()
        return Outcome(int(code), out, err)

    def start(
        self, *arguments: str | Path, code: str | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """In a process of its own, as a user starts it; by other ``code`` where a constant has to be another one."""
        source, code = str(Path(supnorm.__file__).parent.parent), code or self.code
        return subprocess.Popen(
            [sys.executable, *(["-m", "supnorm"] if code is None else ["-c", code]), *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": source, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # tests look for processes that are left over in it
        )

    def finish(self, *arguments: str | Path, **environment: str) -> Outcome:
        """The same, to its end."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=600)
        return Outcome(process.returncode, out, err)


def stored(folder: Path) -> set[str]:
    """The points of the reference that a run has stored, as ``logged`` writes them."""
    (path,) = folder.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as store:
        blobs = [x for (x,) in store.execute("SELECT x FROM batches WHERE side='reference'")]
    return {f"{a!r} {b!r}" for blob in blobs for a, b in np.frombuffer(blob).reshape(-1, 2).tolist()}


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    (tmp_path / "truth.py").write_text(TRUTH)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    monkeypatch.chdir(tmp_path)
    yield Shell(tmp_path, capsys)
    for name in FILES:  # written by processes of their own, too
        for path in tmp_path.rglob(name):
            demand_as_published(path.read_text())


@pytest.fixture
def small_searches(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits of expensive references search little, in this process and in those that the shell starts."""
    monkeypatch.setattr(SurrogateSearch.__init__, "__defaults__", astuple(SurrogateSearch(inner=SMALL)))
    shell.code = SMALL_SEARCHES
