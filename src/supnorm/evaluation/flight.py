"""Points whose calls run on workers; the search takes them in the order of sending or of returning.

Values are stored as they return, and taken one at a time. In the order in which they were sent, the decisions of a search
do not depend on the machine, and a resumed run, which has values in the store, makes the same decisions, on any workers.
But a slow call delays further calls once as many as may be in flight have been sent. In the order in which they return, no
call waits for a slower one. Points with a stored value then come first, in the order of the store: a resumed run makes the
same decisions as the earlier run up to its end, but two runs may differ.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.evaluations import Evaluations
from supnorm.evaluation.workers import first_done
from supnorm.process import CALLS

if TYPE_CHECKING:
    from supnorm.evaluation.evaluator import Evaluator
    from supnorm.evaluation.guarded import Messages

Array = NDArray[np.float64]


class _Sent:
    """A point, the call on a worker (None: its value is known, or there are no workers), and the result of the call."""

    def __init__(self, x: Array, future: Future[Any] | None) -> None:
        self.x, self.future = x, future
        self.back: tuple[Array, Messages] | None = None


class Flight:
    """Calls of the reference in flight; the model is called when a call has returned.

    Args:
        evaluator: one whose points are sent one by one (`Evaluator.asynchronous`). Without workers, as in a run that goes on
            without those it began with, a call is made when its turn comes.
        purpose: the purpose that the evaluations count for.
        in_order: take points in the order in which they were sent; otherwise in which they return.
    """

    def __init__(self, evaluator: Evaluator, purpose: str, in_order: bool = True) -> None:
        self.evaluator, self.purpose, self.in_order = evaluator, purpose, in_order
        self._order = {key: i for i, key in enumerate(evaluator.reference.known)}
        self._flying: list[_Sent] = []

    def __len__(self) -> int:
        return len(self._flying)

    @property
    def points(self) -> Array:
        """The points of calls in flight, shape ``(len(self), d)``."""
        d = self.evaluator.problem.domain.d
        return np.array([sent.x for sent in self._flying]).reshape(-1, d)

    def send(self, x: Array) -> None:
        """Start a call at each point (n, d) of the domain; points outside are left out."""
        domain = self.evaluator.problem.domain
        if domain.constraints or domain.cloud is not None:
            x = x[domain.contains(x)]
        reference = self.evaluator.reference
        for row in x:
            here = row.tobytes() in reference.known or not reference.on_workers
            self._flying.append(_Sent(row, None if here else reference.submit(row[None])))

    def receive(self) -> Evaluations:
        """The next point that is done, with both values; waits until there is one."""
        sent = self._flying[0] if self.in_order else self._first_known()
        while sent.back is None:
            if sent.future is None:
                sent.back = self.evaluator.reference.values(sent.x[None], self.purpose)
                break
            self._land()
            if not self.in_order:
                sent = next(s for s in self._flying if s.back is not None)
        self._flying.remove(sent)
        return self.evaluator.landed(sent.x[None], *sent.back, self.purpose)

    def _first_known(self) -> _Sent:
        """A point whose call has returned or whose value is stored, in the order of the store; otherwise any."""
        last = len(self._order)
        done = [s for s in self._flying if s.back is not None]
        stored = [s for s in self._flying if s.future is None]
        stored.sort(key=lambda s: self._order.get(s.x.tobytes(), last))
        return (done or stored or self._flying)[0]

    def _land(self) -> None:
        """Wait until a call returns, and store all that have returned."""
        flying = {s.future: s for s in self._flying if s.future is not None and s.back is None}
        with CALLS.waiting():
            done = first_done(flying.keys())
        for future, sent in flying.items():
            if future in done:
                sent.back = self.evaluator.reference.land(sent.x[None], future, self.purpose)

    def cancel(self) -> None:
        """Cancel calls that no worker has begun."""
        for sent in self._flying:
            if sent.future is not None:
                sent.future.cancel()
        self._flying = []
