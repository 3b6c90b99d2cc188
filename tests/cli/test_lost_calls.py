"""An executor that is not ours, as Dask's, loses a call: it is repeated once, then the run ends in good order."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from tests.cli.conftest import Shell

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_searches")]

ARGUMENTS = (
    "audit", "problem.toml", "--evaluations", "100", "--seed", "2", "--cost", "expensive", "--no-power", "--quiet", "--dask",
    "tcp://nowhere:1", "--out", "run",
)  # fmt: skip


class KilledWorker(Exception):
    """As a scheduler says of a call whose worker has died."""


class Cluster(Executor):
    """Does each call at once; those whose numbers are given are lost, as futures that raise."""

    def __init__(self, lost: Any) -> None:
        self.lost, self.calls = lost, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls += 1
        if self.calls in self.lost:
            future.set_exception(KilledWorker("the worker at tcp://10.0.0.7 died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def run(shell: Shell, monkeypatch: pytest.MonkeyPatch, lost: Any, *options: str) -> tuple[Any, Cluster]:
    cluster = Cluster(lost)
    monkeypatch.setattr("supnorm.evaluation.calls.connected", lambda address: cluster)
    return shell.run(*ARGUMENTS, *options), cluster


def worst(shell: Shell) -> Any:
    document = json.loads((shell.folder / "run" / "result.json").read_text())
    return document["sup"], document["witness"], document["evaluations"]


def test_a_lost_call_is_repeated_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    done, cluster = run(shell, monkeypatch, ())
    expected, calls = worst(shell), cluster.calls
    assert calls > 4
    again, cluster = run(shell, monkeypatch, {3})
    assert again.code == done.code
    assert cluster.calls == calls + 1
    assert worst(shell) == expected
    assert not json.loads((shell.folder / "run" / "result.json").read_text())["failures"]["reference"]


def test_a_call_that_is_lost_twice_ends_the_run_and_resume_goes_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = run(shell, monkeypatch, ())
    expected = worst(shell)
    lost, cluster = run(shell, monkeypatch, range(4, 1000))
    assert cluster.calls == 6  # the fourth, the fifth in flight beside it, the fourth again
    assert lost.code == 3
    assert "lost twice (KilledWorker: the worker at tcp://10.0.0.7 died)" in lost.line
    assert "run the same command with --out run --resume" in lost.line
    resumed, _ = run(shell, monkeypatch, (), "--resume")
    assert resumed.code == done.code
    assert worst(shell) == expected
