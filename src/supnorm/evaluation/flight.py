"""Points on their way to the workers, each taken when it is its turn: in the order in which they were sent, or came back.

Values are stored as they come back, and taken one at a time. In the order in which they were sent what is decided from
them does not depend on the machine, and a run that is resumed, with values in the store, makes the same decisions. A
slow call then holds up those sent after it once there are as many as may be in flight. In the order in which they come
back none waits for a slower one; points whose value is in the store come first then, as they were stored: a resumed run
makes the same decisions as the run it goes on with, as far as that one had come, but two runs need not agree.
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
    from supnorm.evaluation.guarded import Messages

Array = NDArray[np.float64]


class _Sent:
    """A point, the call on a worker (None: its value is known), and what has come back of it."""

    def __init__(self, x: Array, future: Future[Any] | None) -> None:
        self.x, self.future = x, future
        self.back: tuple[Array, Messages] | None = None


class Flight:
    """Calls of the reference in flight; the model is called when they have come back.

    Args:
        evaluator: one whose reference runs on workers (`Evaluator.asynchronous`).
        purpose: what the evaluations are counted as.
        in_order: take points as they were sent; else as they come back.
    """

    def __init__(self, evaluator: Evaluator, purpose: str, in_order: bool = True) -> None:
        self.evaluator, self.purpose, self.in_order = evaluator, purpose, in_order
        self._order = {key: i for i, key in enumerate(evaluator.reference.known)}
        self._flying: list[_Sent] = []

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def points(self) -> Array:
        """Where calls are in flight, shape ``(len(self), d)``."""
        d = self.evaluator.problem.domain.d
        return np.array([sent.x for sent in self._flying]).reshape(-1, d)

    def send(self, x: Array) -> None:
        """Start a call at each point (n, d) of the domain; points outside are left out."""
        domain = self.evaluator.problem.domain
        if domain.constraints or domain.cloud is not None:
            x = x[domain.contains(x)]
        reference = self.evaluator.reference
        for row in x:
            known = row.tobytes() in reference.known
            self._flying.append(_Sent(row, None if known else reference.submit(row[None])))

    def receive(self) -> Evaluations:
        """The next point that is done, with both values; waits until there is one."""
        sent = self._flying[0] if self.in_order else self._first_known()
        while sent.back is None:
            if sent.future is None:
                sent.back = self.evaluator.reference.land(sent.x[None], None, self.purpose)
                break
            self._land()
            if not self.in_order:
                sent = next(s for s in self._flying if s.back is not None)
        self._flying.remove(sent)
        return self.evaluator.landed(sent.x[None], *sent.back, self.purpose)

    def _first_known(self) -> _Sent:
        """One that has come back or whose value is stored, as they were stored; else any."""
        last = len(self._order)
        done = [s for s in self._flying if s.back is not None]
        stored = [s for s in self._flying if s.future is None]
        stored.sort(key=lambda s: self._order.get(s.x.tobytes(), last))
        return (done or stored or self._flying)[0]

    def _land(self) -> None:
        """Wait until a call comes back, and store all that have."""
        flying = {s.future: s for s in self._flying if s.future is not None and s.back is None}
        with CALLS.waiting():
            done = wait(list(flying), return_when=FIRST_COMPLETED).done
        for future, sent in flying.items():
            if future in done:
                sent.back = self.evaluator.reference.land(sent.x[None], future, self.purpose)

    def cancel(self) -> None:
        """Take back what no worker has begun."""
        for sent in self._flying:
            if sent.future is not None:
                sent.future.cancel()
        self._flying = []
