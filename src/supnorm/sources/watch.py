"""Time limits for calls that no Python exception reaches.

A graph may hold loops without end. onnxruntime looks at ``RunOptions.terminate`` between its nodes, in loops too;
one thread sets it for every call that is over its time (`stopped_after`). Cost: two list operations a call.
While a graph is opened, onnxruntime computes its constants and does not look at ``terminate``: this runs in a thread of
its own, and the caller waits for this thread only as long as it may take (`waited_for`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

FIXED = 10.0  # seconds that any call may take
PER_ROW = 0.05  # and for each of its points
PER_BYTE = 1e-7  # and for each byte of a file that is opened: 10 MB/s, a tenth of what a slow disk gives
PERIOD = 0.2  # seconds between two looks

T = TypeVar("T")
_lock = threading.Lock()
_calls: dict[int, tuple[float, Callable[[], None]]] = {}
_thread: threading.Thread | None = None


def seconds_of(rows: int, timeout: float | None) -> float:
    """Seconds that a call of ``rows`` points may take: ``timeout`` for each if the user gives it.

    >>> seconds_of(8, None), seconds_of(8, 2.0)
    (10.4, 16.0)
    """
    return FIXED + PER_ROW * rows if timeout is None else timeout * rows


def seconds_to_open(size: int, timeout: float | None) -> float:
    """Seconds that opening a file of ``size`` bytes may take; a larger ``timeout``, of a point, allows more.

    >>> seconds_to_open(50_000_000, None), seconds_to_open(50_000_000, 60.0)
    (15.0, 65.0)
    """
    return max(FIXED, timeout or 0.0) + PER_BYTE * size


def waited_for(seconds: float, work: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Run ``work`` in a thread of its own and return its result, or raise its exception.

    Args:
        cancel: called when the caller stops waiting; the thread ends when ``work`` reacts to it, or with the process.

    Raises:
        TimeoutError: when it takes longer.

    >>> waited_for(5.0, lambda: 2, lambda: None)
    2
    """
    ended, outcome = threading.Event(), dict[str, Any]()

    def worked() -> None:
        try:
            outcome["result"] = work()
        except BaseException as error:
            outcome["error"] = error
        ended.set()

    threading.Thread(target=worked, name="supnorm-open", daemon=True).start()
    try:
        if not ended.wait(seconds):
            raise TimeoutError(f"took over {seconds:g} s")
    except BaseException:
        cancel()
        raise
    if "error" in outcome:
        raise outcome.pop("error")
    result: T = outcome["result"]
    return result


@contextmanager
def stopped_after(seconds: float, stop: Callable[[], None]) -> Iterator[None]:
    """Inside, ``stop`` is called from another thread when the time is over."""
    global _thread
    key = threading.get_ident()
    with _lock:
        _calls[key] = time.monotonic() + seconds, stop
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_watch, name="supnorm-watch", daemon=True)
            _thread.start()
    try:
        yield
    finally:
        with _lock:
            _calls.pop(key, None)


def _watch() -> None:
    idle = 0
    while idle < 50:  # a thread without calls to watch ends
        time.sleep(PERIOD)
        now = time.monotonic()
        with _lock:
            idle = 0 if _calls else idle + 1
            late = [stop for deadline, stop in _calls.values() if now > deadline]
        for stop in late:
            stop()
