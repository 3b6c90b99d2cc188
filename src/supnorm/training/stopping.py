"""When an optimiser stops, and the sentence that gives the reason."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit

Array = NDArray[np.float64]
Record = tuple[int, float, float]
ITERATIONS = 10_000  # of an optimiser without a limit

REACHED = "tolerance reached: the loss is at or below its target"
ITERATIONS_DONE = "budget used: all iterations are done"
SECONDS = "budget used: the time is over"
FLOOR = "float64 floor: steps no longer change the loss"
LINE_SEARCH = "line search failed: no step along the gradient lowers the loss"
DIVERGED = "diverged: the loss is not finite; start again with another seed or a smaller rate"


@dataclass(frozen=True)
class Trail:
    """What an optimiser is asked once an iteration: whether to stop. The record of a training on the way.

    Attributes:
        limit: of time and of iterations, which are its evaluations.
        target: stop when the loss is this small.
        rows: (iteration, processor seconds, loss) at iterations that grow by a tenth; they decide nothing.
    """

    limit: Limit
    target: float = 0.0
    began: float = field(default_factory=time.process_time)
    rows: list[Record] = field(default_factory=list)

    @classmethod
    def of(cls, limit: Limit | None, target: float) -> Trail:
        """Of the limit, by default that of `ITERATIONS`."""
        return cls(limit or Limit(evaluations=ITERATIONS), target)

    def reason(self, iteration: int, loss: float) -> str | None:
        """Why to stop now, or None to go on."""
        reason = self._reason(iteration, loss)
        if reason is not None or not self.rows or iteration >= 1.1 * self.rows[-1][0] + 1:
            self.rows.append((iteration, time.process_time() - self.began, loss))
        return reason

    def _reason(self, iteration: int, loss: float) -> str | None:
        if not np.isfinite(loss):
            return DIVERGED
        if loss <= self.target:
            return REACHED
        if iteration >= self.limit.evaluations:
            return ITERATIONS_DONE
        return SECONDS if self.limit.over else None


@dataclass(frozen=True, eq=False)
class Minimum:
    """The result of an optimiser.

    Attributes:
        theta: the parameters, shape ``(p,)``.
        loss: the loss at these parameters.
        iterations, evaluations: numbers of steps, and of calls of the loss (or of residual and Jacobian).
        reason: the sentence that says why it stopped.
        trail: (iteration, processor seconds, loss) during the run.
    """

    theta: Array
    loss: float
    iterations: int
    evaluations: int
    reason: str
    trail: tuple[Record, ...] = ()
