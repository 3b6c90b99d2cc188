"""A clock that no machine has a say in: what a call of the reference takes is part of the test."""

from __future__ import annotations

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
