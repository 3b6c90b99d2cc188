"""Executors of users: those that refuse, cancel or lose calls, or return something else, end a run in one line."""

from __future__ import annotations

import functools
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from supnorm import Calls, Domain, Function, Problem, audit
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.executor import MOST, make_executor
from supnorm.results import BadInput, Interrupted

SQUARE = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
TRUTH = Function(lambda x: np.sin(3.0 * x[:, :1]), parallel="thread")


def audited(reference: Function = TRUTH, **calls: Any) -> Any:
    problem = Problem(lambda x: np.sin(3.0 * x[:, 0]) + 0.1 * x[:, 1], reference, SQUARE)
    return audit(problem, evaluations=60, power=None, calls=Calls(cost="expensive:16", **calls))


class Refuses(Executor):
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("no cluster")


class Cancels(Executor):
    """As a pool that another part of the program shuts down: `wait` never sees that these calls have ended."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        return future


class Returns(Executor):
    def __init__(self, change: Any) -> None:
        self.change = change

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(self.change(*fn(*args)))
        return future


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "told"),
    [
        (Refuses(), "the executor takes no calls .RuntimeError: no cluster"),
        (Cancels(), "lost twice .CancelledError"),
        (Returns(lambda y, texts, seconds: 42), "lost twice .TypeError"),
        (Returns(lambda y, texts, seconds: (y[:-1], texts, seconds)), "did not return the values of a call of 8 points"),
        (Returns(lambda y, texts, seconds: (y.tolist(), texts, seconds)), "did not return the values"),
        (Returns(lambda y, texts, seconds: (y, texts, "soon")), "did not return the values"),
        (Returns(lambda y, texts, seconds: (y, None, seconds)), "did not return the values"),
    ],
)  # fmt: skip
def test_an_executor_that_does_not_work_interrupts_the_run(executor: Executor, told: str) -> None:
    with pytest.raises(Interrupted, match=told):
        audited(executor=executor)


def test_a_pool_that_was_shut_down_interrupts_the_run() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(Interrupted, match="cannot schedule new futures after shutdown"):
        audited(executor=pool)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"executor": "pool"}, "executor must be one of concurrent.futures, or a Dask Client, got 'pool'"),
        ({"executor": 4}, "executor must be"),
        ({"store": "evaluations.sqlite"}, "store must be an EvaluationStore"),
    ],
)
def test_what_is_no_executor_or_store_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        Calls(**given)


@pytest.mark.parametrize("calls", [{"cost": "cheap"}, "cheap", 4])
def test_calls_are_an_object_of_this_class(calls: Any) -> None:
    with pytest.raises(BadInput, match=r"calls must be a Calls\(\.\.\.\), got"):
        audit(Problem(lambda x: x[:, 0], TRUTH, SQUARE), evaluations=60, calls=calls)


def test_how_a_function_is_called_in_parallel_is_one_of_three_words() -> None:
    with pytest.raises(BadInput, match="parallel must be one of process, thread, none, got 'threads'"):
        Function(lambda x: x, parallel="threads")


@pytest.mark.parametrize(
    ("remake", "told"),
    [(lambda: TRUTH, "cannot be sent to another process"), (functools.partial(int, 5), "remake must make a Function")],
)  # fmt: skip
def test_a_function_that_cannot_be_made_again(remake: Any, told: str) -> None:
    reference = Function(TRUTH.value, parallel="process", remake=remake)
    with pytest.raises(BadInput, match=told):
        audited(reference, executor=Returns(lambda *result: result))


def test_more_workers_than_a_machine_bears_are_refused() -> None:
    with pytest.raises(
        BadInput, match=f"workers must be at most {MOST} on this machine, got 1000000; more need an exec"
    ):
        make_executor(TRUTH, 10**6)


class Loses(Executor):
    """Does each call at once, and loses those whose numbers are given."""

    def __init__(self, *lost: int) -> None:
        self.lost, self.sizes = lost, []

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.sizes.append(len(given[2]) if fn.__name__ == "several" else 1)
        if len(self.sizes) in self.lost:
            future.set_exception(ConnectionError("gone"))
        else:
            future.set_result(fn(*given))
        return future


@pytest.mark.parametrize("lost", [(), (9,)])
def test_short_calls_are_sent_together_and_pieces_of_a_lost_call_alone(lost: tuple[int, ...]) -> None:
    seen = []

    def value(x: np.ndarray) -> np.ndarray:
        seen.append(len(x))
        return np.where(x > 0.99, np.nan, 2 * x) if x[0, 0] != 0.5 else 1 / 0

    x = np.concatenate([np.linspace(0.0, 1.0, 199), [0.5]])[:, None]
    pool = Loses(*lost)
    caller = Caller(Function(value, parallel="thread"), "reference", executor=pool, workers=2)
    caller.declare(expensive=True, rows=1)
    y, messages = caller.values(x, "search")
    assert set(seen) == {1}  # the function gets each piece as if it had been sent alone
    assert max(pool.sizes) > 8
    assert sum(pool.sizes) == 200 + (pool.sizes[8] if lost else 0)
    assert len(caller.known) == 199  # of equal points one
    np.testing.assert_array_equal(y[:, 0], np.where((x > 0.99) | (x == 0.5), np.nan, 2 * x)[:, 0])
    assert set(messages) == {99, 199}
