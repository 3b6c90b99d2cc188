"""Ctrl-C goes to every process of a terminal: workers hear it in their calls, and only there."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supnorm.evaluation.executor import Processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(params=[False, True], ids=["hearing", "deaf"])
def pool(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """One worker."""
    with Processes(1, deaf=request.param) as made:
        yield made


def interrupt(pool: Processes) -> None:
    for pid in pool._processes:
        os.kill(pid, signal.SIGINT)


def wait_for(path: Path, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def busy(started: Path, ends: Path) -> str:
    """A call that lasts until a file appears."""
    started.touch()
    wait_for(ends)
    return "done"


def test_a_worker_survives_ctrl_c_while_it_starts_and_while_it_waits(pool: Processes) -> None:
    first = pool.submit(abs, -1)
    for _ in range(50):  # from the first moment of its interpreter
        interrupt(pool)
        time.sleep(0.01)
    assert first.result(60) == 1
    interrupt(pool)
    time.sleep(0.1)
    assert pool.submit(abs, -2).result(60) == 2


def test_a_call_hears_ctrl_c_unless_the_worker_is_deaf(pool: Processes, tmp_path: Path) -> None:
    started, ends = tmp_path / "started", tmp_path / "ends"
    call = pool.submit(busy, started, ends)
    wait_for(started)
    interrupt(pool)
    if pool.deaf:
        ends.touch()
        assert call.result(60) == "done"
    else:
        with pytest.raises(KeyboardInterrupt):
            call.result(60)
    assert pool.submit(abs, -3).result(60) == 3  # the worker goes on


def test_calls_that_nobody_waits_for_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """SIGTERM reaches the main process alone: the calls of its workers are interrupted with it."""
    pool = Processes(1)
    call = pool.submit(busy, tmp_path / "started", tmp_path / "never")
    wait_for(tmp_path / "started")
    begin = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - begin < 10
    with pytest.raises(KeyboardInterrupt):
        call.result(0)


def test_the_parent_hears_ctrl_c_as_before() -> None:
    with Processes(1) as pool:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
        pool.submit(abs, -1).result(60)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before


def test_a_worker_that_ends_before_it_is_interrupted_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that breaks while it starts may be gone between being looked at and being interrupted."""

    asked: list[int] = []

    def gone(pid: int, number: int) -> None:
        asked.append(number)
        raise ProcessLookupError

    pool = Processes(1)
    assert pool.submit(abs, -1).result() == 1
    (worker,) = pool._processes.values()
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", gone)
        pool.shutdown(cancel_futures=True)
    assert asked == [signal.SIGINT]
    assert not worker.is_alive()  # it was waited for all the same
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, -1)
