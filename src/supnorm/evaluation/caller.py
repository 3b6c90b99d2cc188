"""Calls one function: in batches, on workers, with the store; it isolates failures and measures the time.

A batch that raises is called again in parts until the points that raise are alone (`guarded.py`).
Calls that take more than 1 ms a point are *expensive*: they are stored, cut into chunks of about half a
second so that a kill loses little, and sent to the workers of the executor if the function allows it. The number of
rows of a chunk is declared, or measured once and recorded, because the last digits of values may depend on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import Messages, guarded, halved
from supnorm.evaluation.sending import Sender
from supnorm.evaluation.shared_map import grown, rows_in
from supnorm.evaluation.spot_check import demand_same_function
from supnorm.evaluation.store import EvaluationStore
from supnorm.evaluation.threads import all_threads
from supnorm.evaluation.workers import first_done
from supnorm.problem import Function
from supnorm.process import CALLS
from supnorm.results import BadInput

Array = NDArray[np.float64]
EXPENSIVE = 1e-3  # seconds a point: a function that takes longer is expensive, and its calls are stored
# A busy machine can stretch a timing by this factor, so nearer to a threshold another run may decide otherwise. This is
# a judgement; tests of the notes in auditing, planning and training guard it.
NEAR = 4.0
# Seconds for storing one number of a result: 36 ns were measured at most, times three. So storing a call of more than 10,000
# outputs takes longer than repeating a call of 1 ms.
KEEPING = 1e-7
CHUNK_SECONDS = 0.5
ALONE = 0.1  # seconds: a call of at least this time hides the cost of sending it to a worker alone
REMEMBERED = 100_000  # values of an expensive function that are remembered if there is no store
NUMBERS = 50_000_000  # numbers of these values, 0.4 GB; beyond, a value is called again when it is needed
CHEAP_BATCH = 8192  # rows of a cheap call: a few MB for a network of width 64, which fit into the cache


class Caller:
    """One side of a problem (``"model"``, ``"reference"`` or ``"recheck"``).

    Args:
        function: the function that is called.
        side: its name in the store and in messages.
        store: stores expensive calls; None stores nothing.
        executor: runs expensive calls; None runs them in this process.
        workers: number of workers; twice as many chunks are in flight at once.

    Attributes:
        hurried: `alone` returns a stored value of an expensive function instead of calling it again.
        rows: rows of a call of an expensive function; None until the number is declared or decided.
        one_by_one: whether a search sends points to the workers one by one; None until it is declared or decided.
        ahead: the number of workers for which it then chooses points, 0 for in rounds; None until that is decided. It stays
            that of the run's beginning on any other workers, and without any: the points depend on it.
        timed: whether a clock has decided that in this run.
        noise: difference of two calls of one point in the probe, relative to the size of the values; 0 for rounding.
        noise_between: the kinds of these two calls, in words.
        heard: called after each batch with the number of points that returned or were in the store, for progress.
    """

    def __init__(
        self,
        function: Function,
        side: str,
        store: EvaluationStore | None = None,
        executor: Executor | None = None,
        workers: int = 1,
    ) -> None:
        self.function, self.side, self.store = function, side, store
        self.executor, self.workers = executor, workers
        # What sends calls of an expensive function to workers, if it may be called there.
        self.sender = (
            None
            if executor is None or function.parallel == "none"
            else Sender(function, side, executor, workers)
        )
        self.known = store.load(side) if store else {}
        if store is not None:
            demand_same_function(store, side, function)
        self.outputs: int | None = len(next(iter(self.known.values()))[0]) if self.known else None
        before = store.number(f"seconds a point, {side}") if store else None
        self.cost = before or 0.0
        self.measured = before is not None
        stored = store.recall(f"expensive, {side}") if store else None
        self.decided: bool | None = None if before is None else self.cost >= self.expensive_from
        if stored is not None:
            self.decided = stored.startswith("yes")
        self.declared = stored is not None and stored.endswith("declared")
        rows = store.rows(f"rows a call, {side}") if store else None
        self.rows = self._rows_for(before) if rows is None and before is not None else rows
        each = store.recall(f"one by one, {side}") if store else None
        self.one_by_one: bool | None = None if before is None else self.cost >= ALONE
        if each is not None:
            self.one_by_one = each == "yes"
        ahead = store.number(f"ahead, {side}") if store else None
        self.ahead = None if ahead is None else int(ahead)
        self.timed = False
        self.seconds = 0.0
        self.called = 0
        self.hurried = False
        self.noise = 0.0
        self.noise_between = ""
        self.heard: Callable[[int], None] | None = None
        self._begun: dict[bytes, Future[Any]] = {}  # calls of one point alone, for `alone`

    @property
    def expensive(self) -> bool:
        """Whether a point takes more than `expensive_from`: as declared, or as measured; `decide` fixes it."""
        return self.cost >= self.expensive_from if self.decided is None else self.decided

    @property
    def expensive_from(self) -> float:
        """Seconds above which a point is expensive: 1 ms, or the time to store its outputs if they are more than 10,000."""
        return max(EXPENSIVE, KEEPING * (self.outputs or 1))

    @property
    def on_workers(self) -> bool:
        """Whether calls of an expensive function run on workers."""
        return self.sender is not None

    def declare(
        self,
        expensive: bool,
        rows: int | None = None,
        one_by_one: bool | None = None,
        ahead: int | None = None,
    ) -> None:
        """Declare before the first call whether a point takes more than 1 ms; then it is not measured.

        Args:
            rows: rows of a call, if the function is expensive; with None they follow from the cost that `decide` gets.
            one_by_one: whether a search sends points to workers one by one; None as for ``rows``.
            ahead: for how many workers it then chooses points; None: those that there are.

        Raises:
            BadInput: when the run that is resumed has decided otherwise.
        """
        if self.decided is not None and self.decided != expensive:
            was = "expensive" if self.decided else "cheap"
            raise BadInput(
                f"--resume: the {self.side} counted as {was} in the run that is resumed; leave --cost out to go on with it"
            )
        self.decided, self.declared = expensive, True
        if self.rows is None:  # otherwise the rows of the run that is resumed stay
            self.rows = rows
        if self.one_by_one is None:
            self.one_by_one = one_by_one
        if self.ahead is None:
            self.ahead = ahead

    def decide(self, cost: float) -> None:
        """Fix the cost of a point, because the cutting and storing of calls must not change with the machine's load.

        A resumed run takes over the decision of the earlier run.
        """
        if self.ahead is None:
            self.ahead = self.workers if self.on_workers else 0
        if self.measured:
            return
        self.cost, self.measured = max(cost, 1e-9), True
        if self.decided is None:
            self.decided = cost >= self.expensive_from
        if self.rows is None:
            self.rows = self._rows_for(self.cost)
        if self.one_by_one is None:
            self.one_by_one, self.timed = cost >= ALONE, True
        if self.store is not None:
            self.store.remember(f"seconds a point, {self.side}", repr(self.cost))
            words = ("yes" if self.decided else "no") + (", declared" if self.declared else "")
            self.store.remember(f"expensive, {self.side}", words)
            self.store.remember(f"rows a call, {self.side}", str(self.rows))
            self.store.remember(f"one by one, {self.side}", "yes" if self.one_by_one else "no")
            self.store.remember(f"ahead, {self.side}", str(self.ahead))

    def cut_by(self, rows: int) -> None:
        """Fix fewer rows of a call than `decide` did, so that the calls of both sides of a problem have the same rows."""
        if rows != self.rows and self.store is not None:
            self.store.remember(f"rows a call, {self.side}", str(rows))
        self.rows = rows

    def _rows_for(self, cost: float) -> int:
        """Rows of a call of about half a second; of 0.1 s on workers, which is long beside sending and keeps all busy."""
        return rows_in(0.1 if self.on_workers else CHUNK_SECONDS, cost)

    def values(self, x: Array, purpose: str) -> tuple[Array, Messages]:
        """Values at ``x``, shape ``(n, m)``, and messages for the rows whose call failed (NaN)."""
        with np.errstate(all="ignore"):
            return self.quietly(x, purpose)

    def quietly(self, x: Array, purpose: str) -> tuple[Array, Messages]:
        """`values` for a caller that has already set ``np.errstate``, once for both sides."""
        if not self.known and not self.expensive and len(x) <= CHEAP_BATCH:
            if self.called and self.outputs is not None:  # the common case, without detours
                y, messages = self._here(x, purpose)
                if y.shape[1] == self.outputs:
                    return y, messages
                return np.full((len(x), self.outputs), np.nan), messages
            return self._fresh(x, purpose)
        keys = [row.tobytes() for row in x] if self.known or self.expensive else []
        stored = [i for i, key in enumerate(keys) if key in self.known]
        missing = np.ones(len(x), dtype=bool)
        missing[stored] = False
        if stored and self.heard is not None:
            self.heard(len(stored))
        rows = np.flatnonzero(missing)
        y, fresh = self._fresh(x[rows], purpose) if len(rows) else (np.empty((0, self.outputs or 1)), {})
        result = np.full((len(x), y.shape[1] if len(rows) else self.outputs or 1), np.nan)
        result[rows] = y
        messages = {int(rows[i]): text for i, text in fresh.items()}
        for i in stored:
            result[i], text = self.known[keys[i]]
            if text is not None:
                messages[i] = text
        return result, messages

    def begin_alone(self, points: Sequence[Array]) -> None:
        """Start a call of each point ``(d,)`` alone on the workers; `alone` waits for its value.

        Of one point nothing is started: this process calls it as fast. Nor where calls are not expensive, or `hurried`.
        """
        if self.on_workers and self.expensive and not self.hurried and len(points) > 1:
            self._begun.update((x.tobytes(), self.submit(x[None])) for x in points)

    def alone(self, x: Array) -> Array:
        """The value at one point, called alone and never taken from the store unless `hurried`; shape ``(m,)``."""
        begun = self._begun.pop(x.tobytes(), None)
        if self.hurried and self.expensive and (known := self.known.get(x.tobytes())) is not None:
            return known[0]
        if begun is not None and self.sender is not None:
            with CALLS.waiting():
                return np.asarray(self.sender.outcome(x[None], begun, self.outputs)[0][0])
        CALLS.begin(self.side, x, 1, self.expensive)
        try:
            with all_threads() if self.expensive else nullcontext():
                return np.asarray(guarded(self.function.value, x[None], self.outputs)[0][0])
        finally:
            CALLS.end()

    def _fresh(self, x: Array, purpose: str) -> tuple[Array, Messages]:
        parts: list[Array] = []
        messages: Messages = {}
        done = 0
        for y, texts in self._chunks(x, purpose):
            parts.append(y)
            messages.update({done + i: text for i, text in texts.items()})
            done += len(y)
        widths = {part.shape[1] for part in parts if part.shape[1]}
        width = self.outputs or max(widths, default=1)
        parts = [p if p.shape[1] == width else np.full((len(p), width), np.nan) for p in parts]
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)), messages

    def _chunks(self, x: Array, purpose: str) -> Iterator[tuple[Array, Messages]]:
        if not self.expensive:
            head = x[: CHEAP_BATCH if self.called else 8]
            yield self._here(head, purpose)
            for i in range(len(head), len(x), CHEAP_BATCH):
                if self.expensive:
                    yield from self._chunks(x[i:], purpose)
                    return
                yield self._here(x[i : i + CHEAP_BATCH], purpose)
            return
        size = self.rows or self._rows_for(self.cost)
        pieces = [x[i : i + size] for i in range(0, len(x), size)]
        if self.sender is None:
            yield from (self._here(piece, purpose) for piece in pieces)
        else:
            yield from self._in_parallel(pieces, purpose, self.sender)

    def _here(self, x: Array, purpose: str) -> tuple[Array, Messages]:
        start, expensive = time.perf_counter(), self.expensive
        first = not self.called and not expensive
        getting_ready = self.sender.get_ready(ALONE) if first and self.sender is not None else None
        # The point is recorded for long calls, and for the first calls, which may turn out to be long.
        CALLS.begin(self.side, x[0] if expensive or not self.called else None, len(x), expensive)
        try:
            if expensive:
                with all_threads():
                    y, messages = halved(self.function.value, x, self.outputs)
            else:
                y, messages = halved(self.function.value, x, self.outputs)
        finally:
            CALLS.end()
            if getting_ready is not None:
                getting_ready.cancel()
        self._note(x, y, messages, time.perf_counter() - start, purpose)
        return y, messages

    def _in_parallel(
        self, pieces: list[Array], purpose: str, sender: Sender
    ) -> Iterator[tuple[Array, Messages]]:
        """Keep twice as many calls in flight as run at once, store each when it returns, and yield the pieces in order.

        A call has several pieces where these turn out to be short; the function gets each piece alone.
        """
        futures: dict[Future[Any], range] = {}
        ready: dict[int, tuple[Array, Messages]] = {}
        following, begun, group = 0, 0, 1
        try:
            while following < len(pieces):
                while begun < len(pieces) and len(futures) < 2 * sender.room:
                    end = begun + min(group, math.ceil((len(pieces) - begun) / sender.room))
                    futures[sender.send(pieces[begun:end], self.outputs)] = range(begun, end)
                    begun = end
                with CALLS.waiting():
                    done = first_done(futures)
                for future in done:
                    part, spent = futures.pop(future), 0.0
                    outcomes = sender.outcomes([pieces[i] for i in part], future, self.outputs)
                    for i, (y, messages, seconds) in zip(part, outcomes, strict=True):
                        self._note(pieces[i], y, messages, seconds, purpose)
                        ready[i], spent = (y, messages), spent + seconds
                    group = grown(group, len(part), spent, sender.room)
                while following in ready:
                    yield ready.pop(following)
                    following += 1
        finally:
            for future in futures:
                future.cancel()

    def submit(self, x: Array) -> Future[Any]:
        """Start a call on the workers; `land` takes its result."""
        assert self.sender is not None
        return self.sender.send([x], self.outputs)

    def land(self, x: Array, future: Future[Any], purpose: str) -> tuple[Array, Messages]:
        """Record and store a call that has returned."""
        assert self.sender is not None
        y, messages, seconds = self.sender.outcome(x, future, self.outputs)
        self._note(x, y, messages, seconds, purpose)
        return y, messages

    def _note(self, x: Array, y: Array, messages: Messages, seconds: float, purpose: str) -> None:
        if self.outputs is None and len(messages) < len(x):
            self.outputs = y.shape[1]
        self.seconds += seconds
        self.called += len(x)
        if not self.measured:
            self.cost = seconds / len(x)
        room = (len(self.known) + len(x)) * (self.outputs or 1) <= NUMBERS
        if self.expensive and (self.store is not None or (len(self.known) < REMEMBERED and room)):
            y = y if y.shape[1] == (self.outputs or 1) else np.full((len(x), self.outputs or 1), np.nan)
            # Before they are stored: where the disk is full, the report has these values all the same.
            for i, row in enumerate(x if room else x[:0]):
                self.known[row.tobytes()] = y[i], str(messages[i]) if i in messages else None
            if self.store is not None:
                self.store.append(self.side, purpose, x, y, messages, seconds)
        if self.heard is not None:
            self.heard(len(x))
