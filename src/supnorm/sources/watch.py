"""Time limits for calls that no Python exception can interrupt.

A graph may have endless loops. onnxruntime checks ``RunOptions.terminate`` between nodes, also in loops; one thread sets
it for every call that exceeds its time (`stopped_after`). Cost: two list operations for each call.
While onnxruntime opens a graph, it computes constants and does not check ``terminate``. So this runs in a separate
thread, and the caller waits for it only for a limited time (`waited_for`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

FIXED = 10.0  # seconds that any call may take
PER_ROW = 0.05  # further seconds for each of its points
PER_BYTE = 1e-7  # further seconds for each byte of a file that is opened: 10 MB/s, a tenth of the speed of a slow disk
PERIOD = 0.2  # seconds between two checks

T = TypeVar("T")
_lock = threading.Lock()
_calls: dict[int, tuple[float, Callable[[], None]]] = {}
_thread: threading.Thread | None = None


def seconds_of(rows: int, timeout: float | None) -> float:
    """Seconds that a call of ``rows`` points may take; if the user gives ``timeout``, this many for each point.

    >>> seconds_of(8, None), seconds_of(8, 2.0)
    (10.4, 16.0)
    """
    return FIXED + PER_ROW * rows if timeout is None else timeout * rows


def seconds_to_open(size: int, timeout: float | None) -> float:
    """Seconds that opening a file of ``size`` bytes may take; a ``timeout`` for each point that is larger allows more.

    >>> seconds_to_open(50_000_000, None), seconds_to_open(50_000_000, 60.0)
    (15.0, 65.0)
    """
    return max(FIXED, timeout or 0.0) + PER_BYTE * size


def waited_for(seconds: float, work: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Run ``work`` in a separate thread and return its result, or raise its exception.

    Args:
        cancel: called when the caller stops waiting; the thread ends when ``work`` reacts to it, or with the process.

    Raises:
        TimeoutError: when it takes longer than ``seconds``.

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
    """A context in which another thread calls ``stop`` when the time is over."""
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
