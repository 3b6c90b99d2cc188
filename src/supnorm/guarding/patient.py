"""Calls of a reference that may raise, hang or answer in another shape: NaN then, after a bounded time, and never a hang.

Each call runs in a thread of its own that the end of the process does not wait for. A call that is given up on keeps its
turn until it comes back, so that a reference that hangs cannot fill the process with threads: later calls wait for a turn no
longer than their own patience.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AT_ONCE = 8  # calls of a reference that several threads may call
PIECE = 64  # rows of a call that lets others go first: they wait for one such call at most
LATER = 1.0  # seconds that such a call waits for others, so that it comes at last where they never end


class Late(Exception):
    """The patience is over."""


class Patient:
    """A reference with bounded patience.

    Args:
        value: maps ``(n, d)`` to ``(n, m)``.
        patience: seconds for one `values`, all its calls together.
        at_once: calls that may run at the same time.

    >>> def down(x):
    ...     raise OSError("no route to host")
    >>> Patient(down, 1.0).values(np.zeros((2, 1)), 1).tolist()
    [[nan], [nan]]
    """

    def __init__(self, value: Callable[[Array], Any], patience: float, at_once: int = 1) -> None:
        self._given = value, patience, at_once
        self._turns = threading.Semaphore(at_once)
        # Calls that wait or run, but for those that let others go first.
        self._count, self._asking = threading.Condition(), 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets one whose turns are all free."""
        return Patient, self._given

    def values(self, x: Array, outputs: int, last: bool = False) -> Array:
        """Values ``(n, outputs)``; NaN where the reference fails, answers in another shape or takes too long.

        Where a call of several points raises, its halves are called, so that one bad point does not take the others.
        ``last``: let other calls go first, and keep none of them waiting for more than 64 points.
        """
        found = np.full((len(x), outputs), np.nan)
        if last:
            for k in range(0, len(x), PIECE):
                with self._count:
                    self._count.wait_for(lambda: not self._asking, LATER)
                with suppress(Late):
                    self._fill(found[k : k + PIECE], x[k : k + PIECE], time.monotonic() + self._given[1])
            return found
        with self._count:
            self._asking += 1
        try:
            with suppress(Late):
                self._fill(found, x, time.monotonic() + self._given[1])
        finally:
            with self._count:
                self._asking -= 1
                self._count.notify_all()
        return found

    def _fill(self, found: Array, x: Array, until: float) -> None:
        """Write the values into ``found``, whose rows stay NaN where there is none."""
        raised, value = self._called(x, until)
        if not raised:
            if value.shape == found.shape:
                found[:] = value
        elif len(x) > 1:
            half = len(x) // 2
            self._fill(found[:half], x[:half], until)
            self._fill(found[half:], x[half:], until)

    def _called(self, x: Array, until: float) -> tuple[bool, Array]:
        """Whether the call raised, and else its value."""
        # Calls that raise at once would else go on for all points.
        if (left := until - time.monotonic()) <= 0.0 or not self._turns.acquire(timeout=left):
            raise Late
        came, result = threading.Event(), [(True, np.empty(0))]

        def call() -> None:
            try:
                result[0] = (False, np.asarray(self._given[0](x), dtype=np.float64))
            except BaseException:  # whatever code of the user raises, sys.exit too: there is no value
                pass
            finally:
                self._turns.release()
                came.set()

        threading.Thread(target=call, name="supnorm reference", daemon=True).start()
        if not came.wait(max(until - time.monotonic(), 0.0)):
            raise Late
        return result[0]
