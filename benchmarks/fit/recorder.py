"""Accuracy over time: the best parameters seen at each of a list of CPU seconds.

Every method calls the recorder with the parameters and loss of each evaluation. The clock is processor time. It stands
still while the recorder itself works, also while it takes the parameters out of a torch module: nobody pays for being
watched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class OutOfTime(Exception):
    """Raised inside a method's own loop when its seconds are over."""


class Recorder:
    """Keeps the best parameters at each time of ``times``; raises `OutOfTime` after the last."""

    def __init__(self, times: tuple[float, ...]) -> None:
        self.times = times
        self.best: Array | None = None
        self.loss = np.inf
        self.snapshots: list[Array] = []
        self._start = time.process_time()

    @property
    def seconds(self) -> float:
        """All that a method has."""
        return self.times[-1]

    @property
    def spent(self) -> float:
        """So far."""
        return time.process_time() - self._start

    def start(self) -> None:
        """Set the clock to zero, after compilation."""
        self._start = time.process_time()

    def see(self, theta: Array | Callable[[], Array], loss: float) -> None:
        """One evaluation was done.

        Args:
            theta: the parameters, or what returns them where they have to be collected first.
        """
        begin = time.process_time()
        spent = begin - self._start
        if loss < self.loss or self.best is None:
            found = np.array(theta() if callable(theta) else theta, dtype=np.float64)
        while len(self.snapshots) < len(self.times) and spent >= self.times[len(self.snapshots)]:
            self.snapshots.append(found if self.best is None else self.best)
        if loss < self.loss:
            self.loss, self.best = loss, found
        if len(self.snapshots) == len(self.times):
            raise OutOfTime
        self._start += time.process_time() - begin

    def at_times(self) -> list[Array]:
        """A snapshot for each time; a method that ended early keeps what it had."""
        assert self.best is not None
        return self.snapshots + [self.best] * (len(self.times) - len(self.snapshots))

    def watching(self, value_and_grad: Callable[[Array], tuple[float, Array]]) -> Any:
        """The same function, seen."""

        def seen(theta: Array) -> tuple[float, Array]:
            loss, gradient = value_and_grad(theta)
            self.see(theta, loss)
            return loss, gradient

        return seen
