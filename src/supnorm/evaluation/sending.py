"""Sends calls of one function to workers, and takes their results: whose fault a lost call was shows when it is repeated."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import Messages
from supnorm.evaluation.processes import WorkerEnded
from supnorm.evaluation.remote import ready_in, remote, several, timed
from supnorm.evaluation.workers import demand_result, is_ours, sent
from supnorm.problem import Function
from supnorm.results import BadInput, Interrupted
from supnorm.results.printable import one_line

Array = NDArray[np.float64]
Outcome = tuple[Array, Messages, float]  # values, messages by row, seconds


@dataclass(frozen=True)
class Sender:
    """Sends calls of a function to the workers of an executor.

    Attributes:
        function: the function, which allows calls on workers.
        side: its name in messages.
        executor, workers: where the calls run, and on how many workers.
    """

    function: Function
    side: str
    executor: Executor
    workers: int

    @property
    def room(self) -> int:
        """Calls that run at once now; an executor that knows counts its workers again."""
        return getattr(self.executor, "seats", None) or self.workers

    def get_ready(self, seconds: float) -> threading.Timer | None:
        """Let the workers start beside the first call if that takes long; they import for a second or two."""
        if self.function.parallel == "thread" or self.function.remake is None:
            return None
        return ready_in(seconds, self.executor, self.workers, self._recipe)

    def send(self, pieces: Sequence[Array], outputs: int | None) -> Future[Any]:
        """Start a call that gives the function each of the pieces ``(n, d)`` alone.

        Args:
            outputs: how many outputs it has, if that is known.
        """
        here = self.function.parallel == "thread" or self.function.remake is None
        call, given = (timed, self.function.value) if here else (remote, self._recipe())
        if len(pieces) == 1:
            return sent(self.executor, call, given, pieces[0], outputs)
        return sent(self.executor, several, call, given, pieces, outputs)

    def _recipe(self) -> bytes:
        """How another process makes the function again.

        Raises:
            BadInput: when it cannot be pickled.
        """
        try:
            return pickle.dumps(self.function.remake)
        except Exception as error:
            raise BadInput(
                f"remake of the {self.side} cannot be sent to another process ({one_line(str(error), 80)}): give a "
                'function of a module, or parallel = "thread"'
            ) from None

    def outcomes(self, pieces: Sequence[Array], future: Future[Any], outputs: int | None) -> list[Outcome]:
        """The results of a call; if it was lost, each of its pieces is called alone, which shows whose fault it was."""
        if len(pieces) > 1:
            try:
                parts = zip(future.result(), pieces, strict=True)
                return [demand_result(result, len(x)) for result, x in parts]
            except Exception as error:
                final = is_ours(self.executor) or isinstance(error, BadInput | Interrupted)
                if final and not isinstance(error, WorkerEnded):
                    raise
        alone = [self.send([x], outputs) for x in pieces] if len(pieces) > 1 else [future]
        return [self.outcome(x, one, outputs) for x, one in zip(pieces, alone, strict=True)]

    def outcome(self, x: Array, future: Future[Any], outputs: int | None, again: bool = True) -> Outcome:
        """The result of a call of one piece. If the process of a call of one point ends, the call counts as failed.

        Raises:
            Interrupted: when the user's executor has lost the call, and the call that repeated it.
        """
        try:
            y, messages, seconds = demand_result(future.result(), len(x))
        except WorkerEnded as ended:
            if len(x) == 1:
                return np.full((1, outputs or 1), np.nan), {0: f"process: {ended}"}, 0.0
            parts = [self.outcome(row[None], self.send([row[None]], outputs), outputs) for row in x]
            width = max(len(y[0]) for y, _, _ in parts)
            rows = [y if y.shape[1] == width else np.full((1, width), np.nan) for y, _, _ in parts]
            texts = {i: text[0] for i, (_, text, _) in enumerate(parts) if text}
            return np.concatenate(rows), texts, sum(seconds for _, _, seconds in parts)
        except Exception as error:
            if is_ours(self.executor) or isinstance(error, BadInput | Interrupted):
                raise
            if again:  # exceptions of the function are part of its result, so this one means that the workers have failed
                return self.outcome(x, self.send([x], outputs), outputs, again=False)
            raise Interrupted(
                f"a call on the workers was lost twice ({type(error).__name__}: {error}); stored evaluations are kept, and "
                "--resume goes on with them"
            ) from error
        return y, messages, seconds
