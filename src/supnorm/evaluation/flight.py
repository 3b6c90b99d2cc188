"""Points on their way to the workers: each comes back when it is done, none waits for a slower one.

Values come back one at a time. Points whose value is in the store come first, in the order in which they were
stored: a run that is resumed makes the same decisions as the run it goes on with, as far as that one had come.
Beyond the store the order is that of the workers, so what is decided from it depends on the machine.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.evaluations import Evaluations
from supnorm.process import CALLS

if TYPE_CHECKING:
    from supnorm.evaluation.evaluator import Evaluator

Array = NDArray[np.float64]


class Flight:
    """Calls of the reference in flight; the model is called when they have come back.

    Args:
        evaluator: one whose reference runs on workers (`Evaluator.asynchronous`).
        purpose: what the evaluations are counted as.
    """

    def __init__(self, evaluator: Evaluator, purpose: str) -> None:
        self.evaluator, self.purpose = evaluator, purpose
        self._order = {key: i for i, key in enumerate(evaluator.reference.known)}
        self._flying: list[tuple[Array, Future[Any] | None]] = []

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def points(self) -> Array:
        """Where calls are in flight, shape ``(len(self), d)``."""
        d = self.evaluator.problem.domain.d
        return np.array([x for x, _ in self._flying]).reshape(-1, d)

    def send(self, x: Array) -> None:
        """Start a call at each point (n, d) of the domain; points outside are left out."""
        domain = self.evaluator.problem.domain
        if domain.constraints or domain.cloud is not None:
            x = x[domain.contains(x)]
        for row in x:
            known = row.tobytes() in self.evaluator.reference.known
            self._flying.append((row, None if known else self.evaluator.reference.submit(row[None])))

    def receive(self) -> Evaluations:
        """The next point that is done, with both values; waits until there is one."""
        stored = [i for i, (_, future) in enumerate(self._flying) if future is None]
        if stored:
            last = len(self._order)
            i = min(stored, key=lambda j: self._order.get(self._flying[j][0].tobytes(), last))
        else:
            with CALLS.waiting():
                done = wait([f for _, f in self._flying if f is not None], return_when=FIRST_COMPLETED).done
            i = next(j for j, (_, future) in enumerate(self._flying) if future in done)
        row, future = self._flying.pop(i)
        x = row[None]
        f, messages = self.evaluator.reference.land(x, future, self.purpose)
        return self.evaluator.landed(x, f, messages, self.purpose)

    def cancel(self) -> None:
        """Take back what no worker has begun."""
        for _, future in self._flying:
            if future is not None:
                future.cancel()
        self._flying = []
