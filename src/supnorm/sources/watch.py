"""A time limit for calls that no Python exception reaches: a watching thread asks them to stop.

A graph may hold loops without end. onnxruntime looks at ``RunOptions.terminate`` between its nodes, in loops too;
one thread sets it for every call that is over its time. Cost: two list operations a call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FIXED = 10.0  # seconds that any call may take
PER_ROW = 0.05  # and for each of its points
PERIOD = 0.2  # seconds between two looks

_lock = threading.Lock()
_calls: dict[int, tuple[float, Callable[[], None]]] = {}
_thread: threading.Thread | None = None


def seconds_of(rows: int, timeout: float | None) -> float:
    """How long a call of ``rows`` points may take: ``timeout`` each where the user says so.

    >>> seconds_of(8, None), seconds_of(8, 2.0)
    (10.4, 16.0)
    """
    return FIXED + PER_ROW * rows if timeout is None else timeout * rows


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
    while idle < 50:  # a thread that waits for nothing ends
        time.sleep(PERIOD)
        now = time.monotonic()
        with _lock:
            idle = 0 if _calls else idle + 1
            late = [stop for deadline, stop in _calls.values() if now > deadline]
        for stop in late:
            stop()
