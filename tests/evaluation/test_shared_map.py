"""A function of many items on an executor: order, calls in flight, groups, and what is left when it ends early."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from supnorm.evaluation import shared_map
from supnorm.evaluation.shared_map import shared


class Clocked(Executor):
    """Calls come back newest first, and each item takes so many seconds by its clock."""

    def __init__(self, seats: int, seconds: float = 1.0) -> None:
        self.seats, self.seconds, self.most = seats, seconds, 0
        self.waiting: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []
        self.sizes: list[int] = []

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, given))
        self.sizes.append(len(given[-1]))
        self.most = max(self.most, len(self.waiting))
        return future

    def answer(self, futures: Any) -> set[Future[Any]]:
        future, fn, given = self.waiting.pop()
        results, _ = fn(*given)
        future.set_result((results, self.seconds * len(results)))
        return {future}


def run(monkeypatch: pytest.MonkeyPatch, pool: Clocked, n: int) -> list[int]:
    monkeypatch.setattr(shared_map, "first_done", pool.answer)
    return list(shared(pool, abs, [-i for i in range(n)]))


@pytest.mark.parametrize("seconds", [1.0, 1e-3, 1e-6])
def test_results_come_in_order_and_a_bounded_number_of_calls_is_in_flight(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    pool = Clocked(3, seconds)
    assert run(monkeypatch, pool, 500) == list(range(500))
    assert pool.most <= shared_map.AHEAD * 3
    assert sum(pool.sizes) == 500


def test_quick_items_are_grouped_up_to_the_time_of_a_call_and_slow_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, quick = Clocked(2, 1.0), Clocked(2, shared_map.CALL / 50)
    run(monkeypatch, slow, 200)
    run(monkeypatch, quick, 2000)
    assert set(slow.sizes) == {1}
    assert max(quick.sizes) == 50
    assert quick.sizes[-1] < 50  # at the end all workers get a share


def test_who_stops_asking_cancels_what_is_in_flight() -> None:
    pool = Clocked(2)
    items = shared(pool, abs, [-1, -2, -3, -4, -5, -6])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_map, "first_done", lambda running: {pool_first(pool)})
        assert next(items) == 1
        items.close()
    assert all(future.cancelled() for future, *_ in pool.waiting)
    assert pool.waiting


def pool_first(pool: Clocked) -> Future[Any]:
    future, fn, given = pool.waiting.pop(0)
    future.set_result((fn(*given)[0], 1.0))
    return future


def test_threads_take_a_function_that_cannot_be_pickled_and_errors_are_raised() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(shared(pool, lambda v: 2 * v, range(20))) == list(range(0, 40, 2))
        with pytest.raises(ZeroDivisionError):
            list(shared(pool, (1).__truediv__, [1, 0, 2]))
