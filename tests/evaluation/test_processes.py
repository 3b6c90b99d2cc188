"""Ctrl-C goes to every process of a terminal: workers hear it in their calls, and only there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supnorm.evaluation import processes
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.processes import Processes, WorkerEnded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(params=[False, True], ids=["hearing", "deaf"])
def pool(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """One worker."""
    with Processes(1, deaf=request.param) as made:
        yield made


def interrupt(pool: Processes) -> None:
    for pid in pool.pids:
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


def loaded(module: str) -> bool:
    return module in sys.modules


@pytest.mark.sampled(1)
def test_workers_can_load_a_module_before_the_first_call(pool: Processes) -> None:
    assert not pool.submit(loaded, "colorsys").result(60)
    pool.begin("colorsys")
    assert pool.submit(loaded, "colorsys").result(60)
    pool.begin("no_such_module")
    assert pool.submit(abs, -1).result(60) == 1


@pytest.mark.slow
@pytest.mark.sampled(1)
def test_a_worker_survives_ctrl_c_while_it_starts_and_while_it_waits(pool: Processes) -> None:
    first = pool.submit(abs, -1)
    for _ in range(50):  # from the first moment of its interpreter
        interrupt(pool)
        time.sleep(0.01)
    assert first.result(60) == 1
    interrupt(pool)
    time.sleep(0.1)
    assert pool.submit(abs, -2).result(60) == 2


@pytest.mark.sampled(1)
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


class Falls:
    """What the collector of garbage deletes when Ctrl-C comes."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # the handler runs between two of these instructions
            pass


def dropped(ends: Path) -> str:
    """A call in which Python drops the KeyboardInterrupt."""
    Falls()
    wait_for(ends)
    return "done"


def test_a_ctrl_c_that_python_drops_in_a_call_is_sent_again(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The worker printed a traceback, and the end of an interrupted run waited for the whole call."""
    with Processes(1) as pool:
        call = pool.submit(dropped, tmp_path / "never")
        with pytest.raises(KeyboardInterrupt):
            call.result(60)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_calls_that_nobody_waits_for_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """SIGTERM reaches the main process alone: the calls of its workers are interrupted with it."""
    pool = Processes(1)
    call = pool.submit(busy, tmp_path / "started", tmp_path / "never")
    wait_for(tmp_path / "started")
    begin = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - begin < 50  # the call waits for 60 s
    with pytest.raises(KeyboardInterrupt):
        call.result(0)


def test_calls_that_come_at_once_start_a_worker_each() -> None:
    # A worker counted as idle until it had taken the first call; the calls that came meanwhile waited for that one worker.
    with Processes(3) as pool:
        calls = [pool.submit(os.getpid) for _ in range(5)]
        assert len({call.result(60) for call in calls}) == 3


ENDING = """
import atexit, sys, time
from pathlib import Path
from supnorm.evaluation.processes import Processes

def late(path):
    time.sleep(0.5)
    Path(path).touch()

def plant(path):
    atexit.register(late, path)

def tell(path, pid):
    print(Path(path).exists(), Path(f"/proc/{pid}").exists())

if __name__ == "__main__":
    with Processes(1) as pool:
        pool.submit(plant, sys.argv[1]).result(60)
        (pid,) = pool.pids
        atexit.register(tell, sys.argv[1], pid)  # so it is called before multiprocessing waits for its processes
    tell(sys.argv[1], 0)
"""


@pytest.mark.slow
def test_the_end_of_a_program_waits_for_workers_that_clear_away(tmp_path: Path) -> None:
    # Nobody waits for them before: an audit returned 0.4 s later. What they do at their own end is not cut off.
    (tmp_path / "ending.py").write_text(ENDING)
    source = str(Path(processes.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "ending.py", "late.txt"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("False False\nTrue False\n", "")


def test_the_parent_hears_ctrl_c_as_before() -> None:
    with Processes(1) as pool:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
        pool.submit(abs, -1).result(60)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before


@pytest.mark.slow
def test_a_worker_that_ends_before_it_is_interrupted_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker may be gone between being looked at and being interrupted."""
    asked: list[int] = []
    started, ends = tmp_path / "started", tmp_path / "ends"

    def gone(pid: int, number: int) -> None:
        asked.append(number)
        ends.touch()
        raise ProcessLookupError

    pool = Processes(1)
    assert pool.submit(abs, -1).result() == 1
    (pid,) = pool.pids
    pool.submit(busy, started, ends)
    wait_for(started)
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", gone)
        pool.shutdown(cancel_futures=True)
    assert asked == [signal.SIGINT]
    with pytest.raises(ProcessLookupError):  # it was waited for all the same
        os.kill(pid, 0)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, -1)


# -- workers that are lost ----------------------------------------------------------------------------------


def ends_at(n: int, bad: int, how: str = "exit") -> int:
    """A call that ends its process at one number."""
    if n == bad:
        if how == "exit":
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSEGV)
    return n


def ends_once(n: int, mark: Path) -> int:
    """As one that is killed for want of memory may go through when it is repeated."""
    if not mark.exists():
        mark.touch()
        os._exit(1)
    return n


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("how", ["exit", "kill", "crash"])
def test_one_call_that_ends_its_process_is_lost_and_no_other(how: str) -> None:
    with Processes(2) as pool:
        calls = [pool.submit(ends_at, n, 5, how) for n in range(12)]
        for n, call in enumerate(calls):
            if n == 5:
                said = {"exit": "exit status 0", "kill": "SIGKILL", "crash": "SIGSEGV"}[how]
                with pytest.raises(WorkerEnded, match=said):
                    call.result(60)
            else:
                assert call.result(60) == n


@pytest.mark.slow
def test_a_call_whose_worker_is_lost_is_repeated(tmp_path: Path) -> None:
    with Processes(2) as pool:
        calls = [pool.submit(ends_once, n, tmp_path / "mark") for n in range(6)]
        assert [call.result(60) for call in calls] == list(range(6))


def slowly(n: int) -> int:
    time.sleep(0.03)
    return n


@pytest.mark.slow
def test_workers_that_are_killed_again_and_again_lose_nothing() -> None:
    """Each time other calls are at work, wherever they are."""
    with Processes(2) as pool:
        calls = [pool.submit(slowly, n) for n in range(120)]
        for round_ in range(4):
            calls[25 * round_ + 10].result(60)
            if pids := pool.pids:
                os.kill(pids[round_ % len(pids)], signal.SIGKILL)
        assert [call.result(60) for call in calls] == list(range(120))


@pytest.mark.slow
def test_a_lost_worker_that_waits_is_replaced() -> None:
    with Processes(1) as pool:
        assert pool.submit(abs, -1).result(60) == 1
        os.kill(pool.pids[0], signal.SIGKILL)
        time.sleep(0.2)
        assert pool.submit(abs, -2).result(60) == 2


def test_what_cannot_travel_is_an_error_of_its_call() -> None:
    with Processes(1) as pool:
        with pytest.raises(Exception, match="pickle"):
            pool.submit(lambda: 1).result(60)
        with pytest.raises(Exception, match="pickle"):
            pool.submit(open, os.devnull).result(60)
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result(60)
        assert pool.submit(abs, -2).result(60) == 2


@pytest.mark.sampled(1)
@pytest.mark.parametrize("size", [10, 300_000])
def test_quick_calls_sent_ahead_come_back_in_order(size: int) -> None:
    """Large ones too, which would fill the pipe in both directions."""
    with Processes(2) as pool:
        made = [bytes([n]) * size for n in range(40)]
        assert list(pool.map(bytes.upper, made)) == [m.upper() for m in made]


def test_term_and_hangup_leave_workers_alone() -> None:
    with Processes(1) as pool:
        assert pool.submit(abs, -1).result(60) == 1
        pid = pool.pids[0]
        for number in (signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        time.sleep(0.2)
        assert pool.submit(os.getpid).result(60) == pid


def test_a_deaf_call_that_nobody_waits_for_ends_with_its_process(tmp_path: Path) -> None:
    pool = Processes(1, deaf=True)
    call = pool.submit(busy, tmp_path / "started", tmp_path / "never")
    wait_for(tmp_path / "started")
    pid = pool.pids[0]
    pool.shutdown(cancel_futures=True)
    assert call.done()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_workers_that_the_system_does_not_let_begin_are_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few file handles `certify --workers 2` ended with exit code 70: "a bug in supnorm: the workers cannot begin"."""

    def refused(attendant: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(processes._Attendant, "_start", refused)
    with Processes(2) as pool:
        pool.begin("math")
        while not pool.broken:
            time.sleep(0.01)
        pool.begin("math")
        with pytest.raises(OSError, match="Too many open files"), broken_workers_explained():
            pool.submit(abs, -1)


@pytest.mark.parametrize("threads", [0, 1])
def test_where_no_further_thread_can_be_started_nothing_waits_for_it(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few processes (``ulimit -u``) the end waited for a thread that had not begun, and printed a traceback."""
    start, begun = processes._Attendant.start, []

    def refused(attendant: processes._Attendant) -> None:
        if len(begun) == threads:
            raise RuntimeError("can't start new thread")
        begun.append(attendant)
        start(attendant)

    monkeypatch.setattr(processes._Attendant, "start", refused)
    with Processes(2) as pool:
        if threads:
            assert [call.result() for call in [pool.submit(abs, -k) for k in range(4)]] == [0, 1, 2, 3]
        else:
            with pytest.raises(RuntimeError, match="can't start new thread"):
                pool.submit(abs, -1)
        assert not pool._queue
    assert pool._attendants == begun
    processes._wait_for_workers()
