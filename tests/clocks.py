"""A clock that no machine has a say in: what a call of the reference takes is part of the test."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.evaluation import caller, probe

Array = NDArray[np.float64]


class Ticking:
    """Each call of ``reference`` takes so many seconds a point, by the clock that evaluation reads.

    Args:
        seconds: that a point takes.
        function: what is returned; (n, d) to (n,).
        monkeypatch: puts this clock in the place of ``time``.
    """

    def __init__(
        self, seconds: float, function: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.seconds, self.function, self.now = seconds, function, 0.0
        for module in (caller, probe):
            monkeypatch.setattr(module, "time", self)

    def perf_counter(self) -> float:
        """Seconds so far."""
        return self.now

    def reference(self, x: Array) -> Array:
        """The values at points (n, d), n times the seconds of a point later."""
        self.now += self.seconds * len(x)
        return self.function(x)


class Costly:
    """The whole process on a clock that only calls of functions move, each by what it costs, and each reading a little.

    Args:
        monkeypatch: puts this clock in the place of ``time.perf_counter``.
        tick: seconds of a reading.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tick: float = 1e-6) -> None:
        self.now, self.longest, self.calls, self.tick = 0.0, 0.0, 0, tick
        monkeypatch.setattr(time, "perf_counter", self.perf_counter)

    def perf_counter(self) -> float:
        """Seconds so far."""
        self.now += self.tick
        return self.now

    def costing(
        self, function: Callable[[Array], Array], seconds: float, later: float | None = None, fast: int = 500
    ) -> Callable[[Array], Array]:
        """The function whose points take so many seconds each, and ``later`` seconds after the first ``fast`` ones."""
        seen = 0

        def called(x: Array) -> Array:
            nonlocal seen
            slow = 0 if later is None else min(max(seen + len(x) - fast, 0), len(x))
            took = (len(x) - slow) * seconds + slow * (later or 0.0)
            seen += len(x)
            self.now += took
            self.longest = max(self.longest, took)
            self.calls += 1
            return function(x)

        return called
