"""An executor over a Dask client: what happens to its calls, told by a client and a scheduler that tests move by hand."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from supnorm.evaluation.caller import Caller
from supnorm.evaluation.calls import Calls
from supnorm.evaluation.cluster import Cluster
from supnorm.evaluation.processes import Processes
from supnorm.problem import Function
from supnorm.results import BadInput, Interrupted

PATIENCE = 0.05


class KilledWorker(Exception):
    """As Dask raises it."""

    __module__ = "distributed.scheduler"


class Pool(Executor):
    """Keeps what was sent, by key: the function, its arguments, and the workers that may run it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, Any, Future[Any]]] = []

    def submit(
        self,
        fn: Any,
        /,
        *args: Any,
        key: str = "",
        workers: Any = None,
        allow_other_workers: bool = True,
        **kwargs: Any,
    ) -> Future[Any]:
        future: Future[Any] = Future()
        self.sent.append((key, lambda: fn(*args, **kwargs), workers, future))
        return future


class Client:
    """Two workers, a and b; the calls are given to ``holder``; workers in ``silent`` send no heartbeats."""

    class scheduler:
        address = "tcp://here:1"

    def __init__(self) -> None:
        self.status, self.pool, self.holder, self.threads = "running", Pool(), "a", 2
        self.silent: set[str] = set()
        self.paused: set[str] = set()
        self.waiting: set[str] = set()
        self.forgotten: set[str] = set()
        self.beats = {"a": 0.0, "b": 0.0}

    def nthreads(self, callback_timeout: float) -> dict[str, int]:
        return {"a": 1, "b": self.threads - 1}

    def get_executor(self, pure: bool) -> Pool:
        assert pure is False  # otherwise Dask gives a call that is repeated the result of the lost one
        return self.pool

    def sync(self, ask: Any, callback_timeout: float) -> Any:
        for worker in self.beats:
            self.beats[worker] += worker not in self.silent
        entries = {
            w: {"last_seen": at, "status": "paused" if w in self.paused else "running"}
            for w, at in self.beats.items()
        }
        keys: dict[str, list[str]] = {w: [] for w in self.beats}
        for key, _, only, future in self.pool.sent:
            if not (future.done() or key in self.waiting or key in self.forgotten):
                keys[only[0] if only else self.holder].append(key)
        return {"workers": entries}, keys, dict.fromkeys(self.waiting, "queued")


def answer(sent: tuple[str, Any, Any, Future[Any]]) -> None:
    sent[3].set_result(sent[1]())


def wait_for(what: Any) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_calls_come_back_and_a_call_that_is_cancelled_is_cancelled_on_the_cluster() -> None:
    client = Client()
    cluster = Cluster(client, PATIENCE)
    first, second = cluster.submit(pow, 2, 3), cluster.submit(pow, 2, 4)
    answer(client.pool.sent[0])
    assert first.result(60) == 8
    assert second.cancel()
    wait_for(client.pool.sent[1][3].cancelled)


def test_the_silent_worker_of_a_call_is_passed_over_and_the_first_answer_counts() -> None:
    client = Client()
    cluster = Cluster(client, PATIENCE)
    call = cluster.submit(pow, 2, 3)
    time.sleep(3 * PATIENCE)
    assert len(client.pool.sent) == 1  # it beats: a call may take long
    client.silent = {"a"}
    wait_for(lambda: len(client.pool.sent) == 2)
    assert client.pool.sent[1][2] == ["b"]
    answer(client.pool.sent[1])
    assert call.result(60) == 8
    wait_for(client.pool.sent[0][3].cancelled)
    wait_for(lambda: cluster._watch is None)
    later = cluster.submit(pow, 2, 5)
    assert client.pool.sent[2][2] == ["b"]  # a is still silent
    answer(client.pool.sent[2])
    assert later.result(60) == 32


def test_a_call_waits_for_a_free_worker_and_one_that_the_scheduler_does_not_know_is_sent_again() -> None:
    client = Client()
    call = Cluster(client, PATIENCE).submit(pow, 2, 3)
    key = client.pool.sent[0][0]
    client.waiting = {key}
    time.sleep(3 * PATIENCE)
    assert len(client.pool.sent) == 1
    client.waiting, client.forgotten = set(), {key}
    wait_for(lambda: len(client.pool.sent) == 2)
    answer(client.pool.sent[1])
    assert call.result(60) == 8


@pytest.mark.parametrize("how", ["silent", "paused"])
def test_without_another_worker_all_calls_end_in_one_line(how: str) -> None:
    client = Client()
    cluster = Cluster(client, PATIENCE)
    calls = [cluster.submit(pow, 2, n) for n in range(3)]
    setattr(client, how, {"a", "b"})
    for call in calls:
        with pytest.raises(
            Interrupted, match=r"no sign of life for 0\.05 seconds: the scheduler has 2 workers"
        ):
            call.result(60)
    with pytest.raises(Interrupted, match="--resume"):
        cluster.submit(pow, 2, 3)


def test_a_connection_that_is_cut_for_a_moment_costs_nothing() -> None:
    client = Client()
    call = Cluster(client, PATIENCE).submit(pow, 2, 3)
    client.status = "connecting"
    client.pool.sent[0][3].cancel()
    time.sleep(2 * PATIENCE)
    assert not call.done()
    client.status = "running"
    wait_for(lambda: len(client.pool.sent) == 2)
    answer(client.pool.sent[1])
    assert call.result(60) == 8


def test_a_scheduler_that_is_gone_ends_the_calls() -> None:
    client = Client()
    call = Cluster(client, PATIENCE).submit(pow, 2, 3)
    client.pool.sent[0][3].cancel()
    client.status = "closed"
    with pytest.raises(Interrupted, match="the Dask scheduler tcp://here:1 is gone"):
        call.result(60)


def test_what_dask_gives_up_is_sent_once_more_and_what_the_function_raises_is_not() -> None:
    client = Client()
    cluster = Cluster(client, PATIENCE)
    lost, raised = cluster.submit(pow, 2, 3), cluster.submit(pow, 2, "x")
    client.pool.sent[1][3].set_exception(TypeError("no power"))
    with pytest.raises(TypeError, match="no power"):
        raised.result(60)
    client.pool.sent[0][3].set_exception(KilledWorker("died"))
    wait_for(lambda: len(client.pool.sent) == 3)
    client.pool.sent[2][3].set_exception(KilledWorker("died"))
    with pytest.raises(Interrupted, match=r"lost twice \(KilledWorker: died\)"):
        lost.result(60)


@pytest.mark.parametrize(("asked", "kept"), [(1, 2), (7, 7)])
def test_a_client_keeps_all_its_workers_busy_unless_a_number_is_declared(
    monkeypatch: pytest.MonkeyPatch, asked: int, kept: int
) -> None:
    monkeypatch.setattr("supnorm.evaluation.calls.is_client", lambda given: isinstance(given, Client))
    given: Any = Client()
    calls = Calls(executor=given, workers=asked, patience=60.0)
    assert isinstance(calls.executor, Cluster)
    assert (calls.workers, calls.executor.patience) == (kept, 60.0)
    assert Calls.of(calls) is calls


def test_an_address_is_an_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supnorm.evaluation.calls.is_client", lambda given: isinstance(given, Client))
    monkeypatch.setattr("supnorm.evaluation.calls.connected", lambda address: Client())
    calls = Calls(dask="tcp://here:1")
    assert isinstance(calls.executor, Cluster)
    assert replace(calls, cost="cheap").executor is calls.executor
    with pytest.raises(BadInput, match="dask or executor, not both"):
        Calls(dask="tcp://here:1", executor=calls.executor)


def test_workers_that_come_later_are_used() -> None:
    client = Client()
    cluster = Cluster(client, PATIENCE)
    cluster._counted -= 60
    call = cluster.submit(pow, 2, 3)
    client.threads = 5
    wait_for(lambda: cluster.seats == 5)
    answer(client.pool.sent[0])
    assert call.result(60) == 8
    assert cluster.workers == 2  # what a search has decided by does not change


@pytest.mark.parametrize(("alone", "started"), [(60.0, 0), (0.0, 3)])
def test_workers_start_beside_a_first_call_that_takes_long(
    monkeypatch: pytest.MonkeyPatch, alone: float, started: int
) -> None:
    monkeypatch.setattr("supnorm.evaluation.caller.ALONE", alone)
    pool = Pool()

    def slow(x: Any) -> Any:
        wait_for(lambda: len(pool.sent) >= started)
        return x

    function = Function(slow, remake=partial(Function, abs), parallel="process")
    caller = Caller(function, "reference", executor=pool, workers=3)
    caller.values(np.zeros((8, 1)), "probe")
    assert len(pool.sent) == started
    for _, call, _, _ in pool.sent:
        assert call() is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says that a process is stopped")
def test_a_process_of_our_own_that_is_stopped_is_replaced() -> None:
    with Processes(1, patience=0.2) as pool:
        assert pool.submit(abs, -1).result(60) == 1
        (first,) = pool.pids
        os.kill(first, signal.SIGSTOP)
        assert pool.submit(abs, -2).result(60) == 2
        assert pool.pids != [first]
