"""When an optimiser stops and the sentence that says why."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Record = tuple[int, float, float]

REACHED = "tolerance reached: the loss is at or below its target"
ITERATIONS = "budget used: all iterations are done"
SECONDS = "budget used: the time is over"
FLOOR = "float64 floor: steps no longer change the loss"
LINE_SEARCH = "line search failed: no step along the gradient lowers the loss"
DIVERGED = "diverged: the loss is not finite; start again with another seed or a smaller rate"


@dataclass(frozen=True)
class Stop:
    """Limits of one run of an optimiser.

    Args:
        iterations: at most this many steps.
        seconds: at most this long; results then depend on the machine.
        loss: stop when the loss is this small.
        clock: that ``seconds`` are read from; ``time.process_time`` on a busy machine.
    """

    iterations: int = 10_000
    seconds: float | None = None
    loss: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def started(self) -> Watch:
        """The same limits with the clock running."""
        return Watch(self, self.clock())


@dataclass(frozen=True)
class Watch:
    """Limits with a start time; `reason` is asked once per iteration.

    Attributes:
        trail: rows (iteration, processor seconds, loss) at iterations that grow by a tenth: the record of a
            training, which decides nothing.
    """

    stop: Stop
    start: float
    began: float = field(default_factory=time.process_time)
    trail: list[Record] = field(default_factory=list)

    def reason(self, iteration: int, loss: float) -> str | None:
        """Why to stop now, or None to go on."""
        reason = self._reason(iteration, loss)
        if reason is not None or not self.trail or iteration >= 1.1 * self.trail[-1][0] + 1:
            self.trail.append((iteration, time.process_time() - self.began, loss))
        return reason

    def _reason(self, iteration: int, loss: float) -> str | None:
        if not np.isfinite(loss):
            return DIVERGED
        if loss <= self.stop.loss:
            return REACHED
        if iteration >= self.stop.iterations:
            return ITERATIONS
        if self.stop.seconds is not None and self.stop.clock() - self.start >= self.stop.seconds:
            return SECONDS
        return None


@dataclass(frozen=True, eq=False)
class Minimum:
    """What an optimiser hands back.

    Attributes:
        theta: the parameters, shape ``(p,)``.
        loss: there.
        iterations, evaluations: steps done, and calls of the loss (or of residual and Jacobian).
        reason: the sentence that says why it stopped.
        trail: (iteration, processor seconds, loss) along the way.
    """

    theta: Array
    loss: float
    iterations: int
    evaluations: int
    reason: str
    trail: tuple[Record, ...] = ()
