"""The workers of a Dask scheduler as an executor that waits for nobody for ever and says in one line why it ends.

Dask repeats the calls of a worker whose connection ends. It leaves to its user what is watched here:

* **The scheduler is gone.** Dask marks the calls in flight as cancelled and tries to connect again. Then they are sent
  again; if no scheduler answers, they end as `Interrupted`.
* **A worker is stopped** (a frozen machine, SIGSTOP, a worker that its memory limit has paused). Its connection stays open,
  so nobody repeats its calls. A call whose worker gives no sign of life for ``patience`` seconds is handed to the other
  workers, and the first answer counts. If there are no others, all calls end as `Interrupted`.

A sign of life is a heartbeat that the scheduler has received since it was last asked, from a worker that runs calls. A call
may thus take hours without being handed on. Cost: one question to the scheduler every second, once a call has
taken a quarter of the patience.
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from supnorm.evaluation.opened_by_workers import heard, reporting
from supnorm.results import Interrupted
from supnorm.results.numbers import count, num
from supnorm.results.printable import typed_line

PATIENCE = 300.0  # seconds; Dask's own limit for a worker without heartbeats (worker-ttl) is as long
LEAST_PATIENCE = 1.0  # seconds; a worker's heart beats about every half second
TICK = 1.0  # seconds between two looks
RECOUNT = 5.0  # seconds after which the workers are counted again
ANSWER = 10.0  # seconds to wait for this count
KEPT = "stored evaluations are kept, and --resume goes on with them"


@dataclass(eq=False)
class _Call:
    """A call that was submitted.

    Attributes:
        future: what the user of the executor waits for.
        send: sends the call, with the keyword arguments of Dask's ``submit``.
        tries: what was sent, by key.
        seen: when there was last a sign of life.
        handed: whether it has been handed to other workers.
        lost: how often Dask gave it up.
    """

    future: Future[Any]
    send: Callable[..., Future[Any]]
    tries: dict[str, Future[Any]] = field(default_factory=dict)
    seen: float = 0.0
    handed: bool = False
    lost: int = 0


@dataclass(frozen=True)
class _Workers:
    """What the scheduler says of its workers.

    Attributes:
        beats: when it last heard from each, by its own clock.
        able: whether each runs calls.
        keys: the calls that it has given to each.
        waiting: the calls that it has given to none, because all are busy.
    """

    beats: Mapping[str, float]
    able: Mapping[str, bool]
    keys: Mapping[str, frozenset[str]]
    waiting: frozenset[str]

    def alive_since(self, before: _Workers | None) -> set[str]:
        """Workers that run calls and were heard since then."""
        if before is None:
            return {w for w, able in self.able.items() if able}
        return {w for w, at in self.beats.items() if self.able[w] and at > before.beats.get(w, -1.0)}


class Cluster(Executor):
    """An executor over a ``distributed.Client``; see the text of the module.

    Args:
        client: of a running scheduler. It is not closed here.
        patience: seconds without a sign of life after which a call is handed to others.
        most: calls that are to run at once; None: as many as the workers have threads.

    Attributes:
        workers: calls that ran at once when this was made; at least 1.
        seats: calls that run at once now: workers come and go during a run.
    """

    def __init__(self, client: Any, patience: float = PATIENCE, most: int | None = None) -> None:
        self.client, self.patience, self._most = client, patience, most
        self._count()
        self.workers = self.seats
        self._pool: Executor = client.get_executor(pure=False)
        self._address = str(getattr(client.scheduler, "address", "")) or "of this client"
        self._lock = threading.RLock()
        self._calls: set[_Call] = set()
        self._cut: list[_Call] = []  # whose connection has ended
        self._spare: list[Future[Any]] = []  # copies of calls that have come back
        self._watch: threading.Thread | None = None
        self._ended: str | None = None
        self._reply: _Workers | None = None
        self._answered = 0.0
        self._live: set[str] | None = None  # if a worker is silent: those that are not
        self._shut = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in ``concurrent.futures``.

        Raises:
            Interrupted: when the cluster has been given up.
        """
        work = reporting(partial(fn, **kwargs) if kwargs else fn)
        call = _Call(Future(), partial(self._pool.submit, work, *args))
        with self._lock:
            if self._ended is not None:
                raise Interrupted(self._ended)
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._calls.add(call)
            call.future.add_done_callback(partial(self._done, call))
            self._send(call, self._live)
            if self._watch is None:
                self._answered, self._reply = time.monotonic(), None
                self._watch = threading.Thread(target=self._look, daemon=True, name="supnorm cluster")
                self._watch.start()
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As in ``concurrent.futures``; the client stays open."""
        with self._lock:
            self._shut = True
            calls = list(self._calls)
        if cancel_futures:
            for call in calls:
                call.future.cancel()
        elif wait:
            for call in calls:
                with suppress(BaseException):
                    call.future.exception()

    def _count(self) -> None:
        """Count the threads of the workers."""
        self._counted = time.monotonic()
        threads = sum(self.client.nthreads(callback_timeout=ANSWER).values())
        self.seats = self._most or max(1, threads)

    # -- a call ------------------------------------------------------------------------------------

    def _send(self, call: _Call, only: set[str] | None = None) -> None:
        """Send a call, to ``only`` these workers; with the lock."""
        key = f"supnorm-{uuid.uuid4().hex}"
        call.seen = time.monotonic()
        try:
            sent = call.send(key=key, **(_among(only) if only else {}))
        except Exception as error:
            self._cut.append(call)
            if getattr(self.client, "status", "") != "connecting":
                self._end(f"the Dask scheduler {self._address} takes no calls ({typed_line(error)})")
            return
        call.tries[key] = sent
        sent.add_done_callback(partial(self._back, call, key))

    def _back(self, call: _Call, key: str, sent: Future[Any]) -> None:
        """In the thread of Dask's loop: a call has come back, was lost or was cut off."""
        with self._lock:
            call.tries.pop(key, None)
            if call.future.done():
                return
            if sent.cancelled():
                if not call.tries:
                    self._cut.append(call)
                return
            error = sent.exception()
            if error is not None and type(error).__module__.partition(".")[0] == "distributed":
                call.lost += 1  # Dask itself gave up: its workers died during the call
                if call.tries:
                    return
                if call.lost < 2:
                    self._cut.append(call)
                    return
                error = Interrupted(
                    f"a call on the workers was lost twice ({typed_line(error)}); {KEPT}; where workers lack a package, "
                    f"supnorm doctor --dask {self._address} says so"
                )
            self._end_call(call, error, sent)

    def _end_call(self, call: _Call, error: BaseException | None, sent: Future[Any] | None = None) -> None:
        """End a call, unless it has ended; with the lock, because several threads may come here."""
        if call.future.done() or not call.future.set_running_or_notify_cancel():
            return
        if error is None and sent is not None:
            call.future.set_result(heard(sent.result()))
        else:
            call.future.set_exception(error)

    def _done(self, call: _Call, future: Future[Any]) -> None:
        """A call has come back, or whoever sent it has cancelled it: copies are no longer needed."""
        with self._lock:
            self._calls.discard(call)
            # Dask's `cancel` waits for its loop, in whose thread this may run: the watch does it.
            self._spare += call.tries.values()

    def _end(self, words: str) -> None:
        """Give up the cluster: all calls end."""
        with self._lock:
            self._ended = f"{words}; {KEPT}"
            calls, self._calls, self._cut = list(self._calls), set(), []
            for call in calls:
                self._end_call(call, Interrupted(self._ended))

    # -- the watch ---------------------------------------------------------------------------------

    def _look(self) -> None:
        """In a thread of its own, as long as there are calls: cancel, send again, hand on, give up."""
        tick = min(TICK, self.patience / 5)
        while True:
            time.sleep(tick)
            with self._lock:
                spare, self._spare = self._spare, []
                if not (self._calls or spare):
                    self._watch = None
                    return
            for copy in spare:
                copy.cancel()
            if self.client.status in ("closed", "closing"):
                self._end(f"the Dask scheduler {self._address} is gone: it ended, or the network to it did")
            elif self.client.status == "running":
                with self._lock:
                    cut, self._cut = self._cut, []
                    for call in cut:
                        self._send(call, self._live)
                if time.monotonic() - self._counted > RECOUNT:
                    with suppress(Exception):  # a scheduler that does not answer is dealt with below
                        self._count()
                with self._lock:
                    since = min((call.seen for call in self._calls), default=time.monotonic())
                if time.monotonic() - since > self.patience / 4 or self._live:
                    self._ask()

    def _ask(self) -> None:
        """Ask the scheduler for signs of life; hand on calls whose workers give none."""
        now = time.monotonic()
        with self._lock:
            keys = [key for call in self._calls for key in call.tries]
        try:
            reply = _asked(self.client, keys, min(self.patience, 30.0))
        except Exception as error:
            if now - self._answered > self.patience and self.client.status == "running":
                self._end(
                    f"the Dask scheduler {self._address} has not answered for {num(now - self._answered)} seconds "
                    f"({typed_line(error)})"
                )
            return
        alive, self._reply, self._answered = reply.alive_since(self._reply), reply, now
        with self._lock:
            self._hand_on(reply, alive, now)

    def _hand_on(self, reply: _Workers, alive: set[str], now: float) -> None:
        """Send calls whose workers give no sign of life to others, once; end the work where there are none."""
        given = {key: worker for worker, keys in reply.keys.items() for key in keys}
        for call in self._calls:
            at = {given[key] for key in call.tries if key in given}
            # One that waits for a free worker waits as long as there is any. A result that stays away although it is
            # there (its worker has been stopped since), and a call that the scheduler does not know, show no life.
            if at & alive or (alive and reply.waiting.intersection(call.tries)):
                call.seen = now
        late = [call for call in self._calls if now - call.seen > self.patience]
        silent = {given[key] for call in late for key in call.tries if key in given}
        others = alive - silent
        if late and (not others or any(call.handed for call in late)):
            self._end(self._why(reply, alive))
            return
        for call in late:
            call.handed = True
            self._send(call, others)
        if late:
            self._live = others
        elif self._live is not None and alive == set(reply.beats):
            self._live = None  # all are back
        elif self._live is not None and alive:
            self._live = alive

    def _why(self, reply: _Workers, alive: set[str]) -> str:
        silent = [w for w in reply.beats if w not in alive]
        paused = sum(not reply.able[w] for w in silent)
        n = len(reply.beats)
        words = f"the scheduler has {count(n)} worker{'s' * (n != 1)}"
        if silent:
            words += f", {count(len(silent))} of them silent ({silent[0]})" + f", {count(paused)} paused" * (
                paused > 0
            )
        return f"calls on the workers of {self._address} gave no sign of life for {num(self.patience)} seconds: {words}"


def _among(workers: set[str]) -> dict[str, Any]:
    """Arguments of Dask's ``submit``: to these workers, to others only if these have left."""
    return {"workers": sorted(workers), "allow_other_workers": True}


def is_client(executor: Any) -> bool:
    """Whether this is a ``distributed.Client``; Dask is not imported for it."""
    module = sys.modules.get("distributed")
    return module is not None and isinstance(executor, module.Client)


def _asked(client: Any, keys: list[str], timeout: float) -> _Workers:
    """Ask the scheduler; raises what Dask raises where it does not answer."""

    async def ask() -> tuple[Any, Any, Any]:
        scheduler = client.scheduler
        states = await scheduler.get_task_status(keys=keys)
        return await scheduler.identity(), await scheduler.processing(workers=None), states

    identity, processing, states = client.sync(ask, callback_timeout=timeout)
    workers = identity["workers"]
    return _Workers(
        {w: float(info["last_seen"]) for w, info in workers.items()},
        {w: _able(info) for w, info in workers.items()},
        {w: frozenset(map(str, given)) for w, given in processing.items()},
        frozenset(str(key) for key, state in states.items() if state in ("released", "waiting", "queued")),
    )


def _able(info: Mapping[str, Any]) -> bool:
    """Whether a worker runs calls: a paused one finishes what it has begun, and begins nothing."""
    counts = (info.get("metrics") or {}).get("task_counts") or {}
    return info.get("status", "running") == "running" or any(
        n for state, n in counts.items() if str(state) == "executing"
    )
