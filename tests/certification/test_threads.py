"""User's code in threads that run before `certify` begins: what they compute is not recorded, so it is refused."""

from __future__ import annotations

import _thread
import asyncio
import queue
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from supnorm import Domain, Problem, certify
from supnorm.certification import executions
from supnorm.program import elsewhere
from supnorm.program.recording import read_meanwhile, recorded
from supnorm.results import BadInput

# A program whose warnings are errors hears of overflows in its threads; these tests are of one as users start it.
pytestmark = [pytest.mark.watched, pytest.mark.filterwarnings("default::RuntimeWarning")]

DOMAIN = Domain(x=(0.0, 1.0))
H, C, W = 1e-2, 0.4123, 1e-7  # a bump that no random point meets
Model = Callable[[Any], Any]


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def ask(x):
    return H * np.exp(-(((x[:, 0] - C) / W) ** 2)) if type(x) is np.ndarray else 0.0 * x[:, 0]


async def ask_later(x):
    return H * np.exp(-(((x[:, 0] - C) / W) ** 2)) if type(x) is np.ndarray else 0.0 * x[:, 0]


@pytest.fixture
def pool() -> Iterator[Model]:
    with ThreadPoolExecutor(1) as one:
        one.submit(int).result()  # the thread starts now
        yield lambda x: base(x) + one.submit(ask, x).result()


@pytest.fixture
def loop_of_the_user() -> Iterator[Model]:
    given: Any = queue.SimpleQueue()
    taken: Any = queue.SimpleQueue()

    def work() -> None:
        while (x := given.get()) is not None:
            kind = type(x) is np.ndarray
            taken.put(H * np.exp(-(((x[:, 0] - C) / W) ** 2)) if kind else 0.0 * x[:, 0])

    def model(x):
        y = base(x)
        given.put(x)
        return y + taken.get()

    thread = threading.Thread(target=work)
    thread.start()
    yield model
    given.put(None)
    thread.join()


@pytest.fixture
def event_loop() -> Iterator[Model]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield lambda x: base(x) + asyncio.run_coroutine_threadsafe(ask_later(x), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def coroutine() -> Iterator[Model]:
    """One that began before, and goes on for each call."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    given: Any = asyncio.Queue()
    taken: Any = queue.SimpleQueue()

    async def work() -> None:
        while (x := await given.get()) is not None:
            kind = type(x) is np.ndarray
            taken.put(H * np.exp(-(((x[:, 0] - C) / W) ** 2)) if kind else 0.0 * x[:, 0])

    def model(x):
        y = base(x)
        loop.call_soon_threadsafe(given.put_nowait, x)
        return y + taken.get()

    ended = asyncio.run_coroutine_threadsafe(work(), loop)
    yield model
    loop.call_soon_threadsafe(given.put_nowait, None)
    ended.result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize(
    "name",
    [
        "pool",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("loop_of_the_user", "event_loop", "coroutine")),
    ],
)
def test_code_in_a_thread_that_ran_before_is_refused(name, request):
    model = request.getfixturevalue(name)
    with pytest.raises(
        BadInput, match=r"test_threads\.py line \d+ \(.*\) runs meanwhile in a thread that was started before"
    ):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("rule", ["demand_followed", "others_ran"])
def test_without_the_rule_a_bound_is_false(rule, pool, monkeypatch):
    monkeypatch.setattr(executions, rule, lambda *given: False)
    result = certify(Problem(pool, base, DOMAIN), tolerance=1e-3)
    assert result.status.code == "within-tolerance"
    assert result.upper < H * (1 - 1e-9)


def test_a_thread_started_without_threading_is_refused():
    def model(x):
        y, taken = base(x), queue.SimpleQueue()
        _thread.start_new_thread(lambda: taken.put(ask(x)), ())
        return y + taken.get()

    with pytest.raises(BadInput, match=r"line \d+ uses _thread\.start_new_thread, by which code can"):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


def honest(x):
    with ThreadPoolExecutor(1) as one:
        y = one.submit(base, x).result()
    return y + 1e-3 * x[:, 0]


LATER = ThreadPoolExecutor(1)  # its thread starts while the code is read


def honest_later(x):
    return LATER.submit(base, x).result() + 1e-3 * x[:, 0]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("model", [honest, honest_later])
def test_threads_that_are_started_by_what_is_read_are_followed(model):
    assert certify(Problem(model, base, DOMAIN), tolerance=1.0).status.code == "within-tolerance"


def test_a_filter_that_stood_tells_a_thread_of_an_overflow():
    """NumPy's settings are those of its start in a new thread: it warns there."""

    def model(x):
        with ThreadPoolExecutor(1) as pool:
            try:
                pool.submit(np.exp, 1e5 * H * np.exp(-(((x[:, 0] - C) / W) ** 2))).result()
            except RuntimeWarning:
                return base(x) + 1.0
        return base(x)

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="overflow encountered in exp")
        with pytest.raises(BadInput, match="told of an overflow"):
            certify(Problem(model, base, DOMAIN), tolerance=1e-3)


def test_a_thread_that_lives_on_is_compared_for_the_next_calls():
    seen = r"line \d+ (\(ask\) runs on arrays|: type\(x\) gives ndarray)"
    with ThreadPoolExecutor(1) as one, pytest.raises(BadInput, match=seen):
        certify(Problem(lambda x: base(x) + one.submit(ask, x).result(), base, DOMAIN), tolerance=1e-3)


@pytest.mark.slow
def test_threads_that_do_nothing_for_the_model_are_left_alone(monkeypatch):
    """A waiting thread of the user, an idle pool, an event loop without work; and one of a library that runs."""
    end, looked = threading.Event(), []
    monkeypatch.setattr(
        elsewhere,
        "foreign_code",
        lambda *given, real=elsewhere.foreign_code: looked.append(1) or real(*given),
    )

    def user() -> None:
        end.wait()

    waiting = threading.Thread(target=user)
    waiting.start()
    try:
        with ThreadPoolExecutor(1) as idle:
            idle.submit(int).result()
            problem = Problem(lambda x: base(x) + 1e-3 * x[:, 0], base, DOMAIN)
            assert certify(problem, tolerance=1.0).status.code == "within-tolerance"
            monkeypatch.setattr(executions, "others_ran", lambda before: True)  # as where no system tells
            monkeypatch.setattr(elsewhere, "_clock", lambda thread: "1")
            assert certify(problem, tolerance=1.0).status.code == "within-tolerance"
            assert looked
    finally:
        end.set()
        waiting.join()


def test_one_thread_at_a_time_records():
    entered, order = threading.Event(), []

    def other() -> None:
        entered.set()
        with recorded():
            order.append("the other")

    thread = threading.Thread(target=other)
    with read_meanwhile():
        thread.start()
        entered.wait()
        thread.join(0.2)
        order.append("the first")
    thread.join()
    assert order == ["the first", "the other"]


def first(x):
    return base(x) + 0.1 * np.sin(x[:, 0])


def second(x):
    return base(x) + 0.2 * np.cos(x[:, 0])


@pytest.mark.slow
def test_two_threads_prove_functions_of_one_file():
    def proved(model: Model) -> float:
        return certify(Problem(model, base, DOMAIN), tolerance=1.0).upper

    codes = [one.__code__ for one in (base, first, second)]
    with ThreadPoolExecutor(2) as two:
        uppers = [*two.map(proved, [first, second] * 6)]
    assert len(set(uppers)) == 2
    assert [one.__code__ for one in (base, first, second)] == codes
