"""Ctrl-C at any call of the reference: no function of Python gives a verdict on what it did not finish.

A repair, a guard and a fit contain searches and proofs, which end at Ctrl-C with what they have. The work around them has
to end too: its verdict would rest on a search that was cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.regions import no_sizes_of_regions

import supnorm as sn
from supnorm.auditing.find_worst import find_worst
from supnorm.cli.main import run
from supnorm.interrupts import Interrupts
from supnorm.results import ExitCode, Interrupted

__all__ = ["no_sizes_of_regions"]
STOPS = 3  # calls of each work at which it is stopped


@dataclass
class Reference:
    """A function whose call number ``stop`` raises what Ctrl-C raises."""

    stop: int = -1
    calls: int = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        if self.calls == self.stop:
            raise KeyboardInterrupt
        return np.sin(2.0 * np.asarray(x)[:, 0])


def model(x: Any) -> Any:
    return np.sin(2.0 * x[:, 0]) + np.exp(-(((x[:, 0] - 0.5) / 0.05) ** 2))


def problem_of(reference: Callable[[Any], Any]) -> sn.Problem:
    return sn.Problem(model, reference, sn.Domain(x=(0.0, 1.0)), tolerance=0.05)


def _budget(reference: Callable[[Any], Any]) -> Any:
    return sn.budget(problem_of(reference), calls=500)


WORKS: dict[str, Callable[[Callable[[Any], Any]], Any]] = {
    "audit": lambda f: sn.audit(problem_of(f), evaluations=1000, power=False),
    "find_worst": lambda f: find_worst(problem_of(f), evaluations=500),
    "fit": lambda f: sn.fit(problem_of(f), method="chebyshev", calls=sn.FitCalls(audit_evaluations=1000)),
    "repair": lambda f: sn.repair(problem_of(f), evaluations=500),
    "guard": lambda f: sn.guard(problem_of(f), evaluations=500, calibration=100),
    "budget": _budget,
}


def verdict(work: Callable[[Any], Any], reference: Reference) -> str:
    try:
        result = work(reference)
    except KeyboardInterrupt:
        return "raised"
    if (status := getattr(getattr(result, "record", result), "status", None)) is None:
        return "interrupted" if getattr(result, "interrupted", False) else "no status"
    assert (status.code == "interrupted") == (status.exit == ExitCode.INTERRUPTED)
    return str(status.code)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_no_verdict_of_a_work_that_was_stopped(name: str) -> None:
    whole = Reference()
    assert verdict(WORKS[name], whole) not in ("raised", "interrupted")
    rng = np.random.default_rng(len(name))
    stops = {1, whole.calls, *rng.integers(2, whole.calls, STOPS).tolist()}
    for stop in sorted(stops):
        reference = Reference(stop)
        said = verdict(WORKS[name], reference)
        # On a busy machine the cost of a call is timed again: then another run has fewer calls, and may not reach the last.
        assert said in ("raised", "interrupted") or reference.calls < stop, (stop, whole.calls)


def test_what_takes_a_request_in_as_a_part_ends_the_whole() -> None:
    requests = Interrupts()
    with requests.handed_on():
        pass  # nobody asked
    for why, raised in ((None, KeyboardInterrupt), (Interrupted("the disk is full"), Interrupted)):
        with pytest.raises(raised), requests.handed_on():
            requests.taken(why)


CODE = """
import numpy as np
calls = []
def reference(x):
    calls.append(0)
    if len(calls) == 12:
        raise KeyboardInterrupt
    return np.sin(2.0 * x[:, 0])
def model(x):
    return np.sin(2.0 * x[:, 0]) + np.exp(-(((x[:, 0] - 0.5) / 0.05) ** 2))
"""
FILE = """
[domain]
x = [0.0, 1.0]
[model]
python = "code.py:model"
[reference]
python = "code.py:reference"
[error]
tolerance = 0.05
"""


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("verb", ["repair", "guard"])
def test_a_run_ends_where_its_first_audit_is_stopped(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "p.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    assert run([verb, "p.toml", "--out", "run", "--quiet"]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert said.count("interrupted") == said.count("\n") == 1, said
    assert (tmp_path / "run" / "before" / "result.json").exists()
    assert not (tmp_path / "run" / f"{verb}.json").exists()
