"""A function of many items on an executor: results in order, a bounded number of calls in flight, quick items grouped.

The function gets each item alone, however many a call carries, so the results do not depend on the number of workers, on
their speed, or on what was lost and sent again. The function itself is pickled once, and a worker keeps it. A call takes a
millisecond or two to send and to return (Dask), so it carries as many items as take `CALL` seconds by the time of those
before it, unless workers would then be idle.
"""

from __future__ import annotations

import functools
import math
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from supnorm.evaluation.workers import first_done, seats

Item = TypeVar("Item")
Result = TypeVar("Result")
CALL = 0.1  # seconds
# Seconds of a call for each worker that calls at once: one thread of a scheduler passes all calls on, and Dask's took 4 ms
# for one (`benchmarks.scale constants`). A thousand workers with calls of 0.1 s would ask it for ten thousand a second.
PASSED_ON = 4e-3
GROWTH = 4  # a call carries at most so many times the items of the one before it
AHEAD = 2  # calls in flight for each call that the workers run at once
WAITING = 4  # results, in calls for each worker, that may wait for the one before them


def shared(
    executor: Executor | None, work: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    """``work(item)`` for each item, in order.

    Args:
        executor: where it runs; None: here, one after the other.
        work: can be pickled, unless the executor has threads.
        items: as many as there are; they are sent little by little.

    Raises:
        Interrupted: when the workers are lost.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(shared(pool, abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    if executor is None or len(items) < 2:
        yield from map(work, items)
        return
    what = _recipe(work)
    running: dict[Future[tuple[list[Result], float]], int] = {}
    ready: dict[int, list[Result]] = {}
    calls: deque[int] = deque()  # in the order of their items
    begun = sent = 0
    group, room = 1, seats(executor)
    try:
        while calls or begun < len(items):
            while (
                begun < len(items)
                and len(running) < AHEAD * room
                and len(calls) < WAITING * room + AHEAD * room
            ):
                group = min(group, math.ceil((len(items) - begun) / room))
                part = list(items[begun : begun + group])
                running[executor.submit(_each, what, part)] = sent
                calls.append(sent)
                begun, sent = begun + len(part), sent + 1
            for future in first_done(running):
                results, seconds = future.result()
                ready[running.pop(future)] = results
                group = grown(group, len(results), seconds, room)
            room = seats(executor)
            while calls and calls[0] in ready:
                yield from ready.pop(calls.popleft())
    finally:
        for future in running:
            future.cancel()


def grown(group: int, n: int, seconds: float, room: int = 1) -> int:
    """Items of the next call, from the seconds that a call of ``n`` took; with ``room`` for so many calls at once.

    >>> grown(1, 1, 0.02), grown(1, 1, 0.5), grown(8, 8, 0.1), grown(8, 1, 0.1, room=250)
    (4, 1, 8, 10)
    """
    return min(GROWTH * group, max(1, round(max(CALL, PASSED_ON * room) * n / max(seconds, 1e-9))))


def rows_in(seconds: float, cost: float) -> int:
    """Rows that take about ``seconds`` at ``cost`` seconds each; a power of 4, so that another run finds the same number.

    >>> rows_in(0.5, 1.03e-3), rows_in(0.5, 0.97e-3), rows_in(0.5, 2.0)
    (256, 256, 1)
    """
    return int(4 ** max(0, math.floor(math.log(seconds / max(cost, 1e-9), 4))))


def _recipe(work: Callable[..., Any]) -> Any:
    """The function as bytes, which a worker turns into the function once; as it is where it cannot be pickled."""
    try:
        return pickle.dumps(work)
    except Exception:
        return work  # threads take it; processes say what is wrong with it


@functools.lru_cache(maxsize=4)
def _made(recipe: bytes) -> Callable[..., Any]:
    # Pickled by this program a moment ago; it never comes from a file.
    work: Callable[..., Any] = pickle.loads(recipe)
    return work


def _each(what: Any, items: list[Any]) -> tuple[list[Any], float]:
    """The results of some items, and the seconds that they took."""
    start = time.perf_counter()
    work = _made(what) if isinstance(what, bytes) else what
    return [work(item) for item in items], time.perf_counter() - start
