"""Linear algebra on one thread in supnorm's own work and in cheap calls, on the user's threads in expensive ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  so that its library is there
from threadpoolctl import ThreadpoolController

import supnorm as sn
from supnorm.approximants import ChebyshevTensor
from supnorm.auditing.find_worst import find_worst
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.processes import Processes
from supnorm.evaluation.threads import ASKED, all_threads, one_thread


def threads() -> set[int]:
    """Of the libraries in this process."""
    return {lib.num_threads for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas"}


@one_thread()
def limited() -> set[int]:
    """The same in supnorm's own work."""
    return threads()


@pytest.fixture(autouse=True)
def _two(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two threads before, and nothing asked for by the user."""
    for name in ASKED:
        monkeypatch.delenv(name, raising=False)
    before = [(lib, lib.num_threads) for lib in ThreadpoolController().lib_controllers]
    for lib, _ in before:
        lib.set_num_threads(2)
    if threads() != {2}:
        pytest.skip("these libraries take one thread only")
    yield
    for lib, n in before:
        lib.set_num_threads(n)


def test_nested_ones_end_as_they_began() -> None:
    with one_thread():
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
        with all_threads():
            assert threads() == {2}
        assert threads() == {1}
    assert threads() == {2}


def test_another_thread_of_the_program_does_not_mix_them_up() -> None:
    inside, go = threading.Event(), threading.Event()

    @one_thread()
    def other() -> None:
        inside.set()
        go.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(60)
    with one_thread():
        assert threads() == {1}
    go.set()
    thread.join()
    assert threads() == {2}


def test_an_error_leaves_them_as_they_were() -> None:
    with pytest.raises(ZeroDivisionError), one_thread(), all_threads():
        raise ZeroDivisionError
    assert threads() == {2}


def test_a_number_that_the_user_sets_counts_in_expensive_calls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counted everywhere: an audit with one seed gave two results for two numbers of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with one_thread():
        assert threads() == {1}
        with all_threads():
            assert threads() == {2}


def costing(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a point costs is said, not timed: the load of the machine does not decide a test."""
    decide = Caller.decide
    monkeypatch.setattr(Caller, "decide", lambda self, cost: decide(self, seconds))


@pytest.mark.parametrize("seconds", [0.0, 0.003])
def test_an_expensive_call_has_the_users_threads_and_a_cheap_one_has_one(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []
    costing(seconds, monkeypatch)

    def reference(x: np.ndarray) -> np.ndarray:
        seen.append(threads())
        return x[:, 0] ** 2

    problem = sn.Problem(lambda x: x[:, 0], reference, sn.Domain(x=(0.0, 1.0)))
    sn.audit(problem, evaluations=60)
    assert seen[-1] == ({2} if seconds else {1})
    assert threads() == {2}


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["budget", "certify", "find_worst", "fit"])
def test_every_verb_limits_them(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    costing(0.0, monkeypatch)

    def reference(x: np.ndarray) -> np.ndarray:
        seen.append(threads() if isinstance(x, np.ndarray) else {1})
        return x[:, 0] * x[:, 0]

    domain = sn.Domain(x=(0.0, 1.0))
    if verb == "certify":
        sn.certify(sn.Problem(lambda x: x[:, 0], reference, domain))
    elif verb == "find_worst":
        find_worst(sn.Problem(lambda x: x[:, 0], reference, domain), evaluations=60)
    elif verb == "budget":
        sn.budget(reference, domain, tolerance=1e-3)
    else:
        sn.fit(reference, domain, tolerance=1e-3, method=ChebyshevTensor())
    assert seen
    assert seen[-1] == {1}
    assert threads() == {2}


@pytest.mark.slow
def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wanted all of them: two workers on two cores had four threads, and waited for each other."""
    with Processes(os.cpu_count() or 1) as pool:
        assert pool.submit(threads).result() == {1}
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with Processes(os.cpu_count() or 1) as pool:
        assert pool.submit(threads).result() == {2}


@pytest.mark.slow
def test_our_own_work_in_a_worker_takes_one_thread() -> None:
    """A worker's share of the cores is for the user's calls; trainings of a budget run there too."""
    with Processes(1) as pool:
        assert pool.submit(limited).result() == {1}
        if (os.cpu_count() or 1) > 1:  # libraries have a most of their own on large machines
            assert min(pool.submit(threads).result()) > 1
