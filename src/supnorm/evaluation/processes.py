"""Worker processes, each with a thread that serves it; if a worker ends, only its call is lost.

``concurrent.futures.ProcessPoolExecutor`` gives up all calls when one worker ends, and cannot tell which call ended it.
Here a worker has one call at a time (and one more waiting if calls are quick), so the call is known, and a new worker
repeats it once. A call that ends its process twice raises `WorkerEnded`; the other calls go on. Workers end with the
process that started them, however that ends (`supnorm.process.end_with`). On Linux a worker that is stopped (SIGSTOP)
during a call for ``patience`` seconds counts as ended. Cost: about 0.2 ms a call.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from supnorm.evaluation.cluster import PATIENCE
from supnorm.evaluation.opened_by_workers import heard, reporting
from supnorm.evaluation.worker_process import MASKS, load, serve
from supnorm.process import ENDS, how_it_ended, is_stopped
from supnorm.results import Interrupted

QUICK = 0.05  # seconds: after a call that was shorter, the next one is sent in advance
AHEAD = 1 << 16  # most bytes of such a call: more would not fit into the pipe while the worker is busy
STARTS = 2, 10  # workers in a row that may end before they are ready, if none was ever ready and if one was
GRACE = 5.0  # seconds to wait for an interrupted call, or for a worker that has to end
LOOK = 5.0  # seconds between two looks at the worker of a long call


_CLEARING: set[_Attendant] = set()  # of pools that are shut; their workers may still be clearing away


def _wait_for_workers() -> None:
    for attendant in tuple(_CLEARING):
        attendant.join(2 * GRACE)  # it kills a worker that takes longer than `GRACE`


class WorkerEnded(Interrupted):
    """The process of a call ended during it, and so did the one that repeated it."""


@dataclass(eq=False)
class _Call:
    """A call that was submitted.

    Attributes:
        data: the function and its arguments, pickled.
        lost: how many workers have ended during it.
    """

    future: Future[Any]
    data: bytes
    lost: int = 0
    begun: bool = False


class Processes(Executor):
    """Spawned workers that react to Ctrl-C only during calls: not while they start, and not while they wait.

    Spawned, not forked: JAX and torch hold threads that do not survive a fork. The process that started them handles SIGTERM
    and SIGHUP.

    Args:
        workers: how many, at most.
        deaf: Ctrl-C does not interrupt calls either; the process that waits for them decides.
        patience: seconds after which a worker that is stopped is replaced.
    """

    def __init__(self, workers: int, deaf: bool = False, patience: float = PATIENCE) -> None:
        self.workers, self.deaf, self.patience = workers, deaf, patience
        self.broken = self.proven = False
        self._why: BaseException | None = None  # of `broken`
        self._queue: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._attendants: list[_Attendant] = []
        self._shut = self._given_up = False
        # Otherwise the interpreter would wait for workers that nobody tells to end.
        atexit.register(self.kill)

    @property
    def pids(self) -> list[int]:
        """Process ids of the running workers."""
        workers = [a.process for a in self._attendants]
        return [p.pid for p in workers if p is not None and p.pid is not None]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in ``concurrent.futures``."""
        future: Future[Any] = Future()
        try:
            data = bytes(ForkingPickler.dumps((reporting(fn), args, kwargs)))
        except Exception as error:
            future.set_exception(error)
            return future
        with self._changed:
            if self.broken:
                raise BrokenProcessPool("the workers cannot begin") from self._why
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.append(_Call(future, data))
            idle = sum(attendant.idle for attendant in self._attendants)
            if len(self._attendants) < self.workers and len(self._queue) > idle:
                self._add_attendant()
            self._changed.notify()
        return future

    def _add_attendant(self) -> None:
        """Start one more; where no further thread can be started, those that there are take its calls.

        Raises:
            RuntimeError: when there is none, so that nobody would take the call that was queued last.
        """
        attendant = _Attendant(self)
        try:
            attendant.start()
        except RuntimeError:
            if not self._attendants:
                self._queue.pop()
                raise
        else:
            self._attendants.append(attendant)

    def begin(self, module: str) -> None:
        """Start all workers, and let each load a module, while this process does something else.

        Where they cannot begin, the first call that needs one tells it.
        """
        with suppress(BrokenProcessPool):
            for _ in range(self.workers):
                self.submit(load, module)

    def take(self, attendant: _Attendant, longest: int | None = None) -> _Call | None:
        """The next call, or None if there is none; an idle attendant waits for one until the pool is shut down."""
        with self._changed:
            attendant.idle = not attendant.sent
            while True:
                while self._queue:
                    if longest is not None and len(self._queue[0].data) > longest:
                        return None
                    call = self._queue.popleft()
                    if call.begun or call.future.set_running_or_notify_cancel():
                        call.begun, attendant.idle = True, False
                        return call
                if not attendant.idle or self._shut:
                    return None
                self._changed.wait()

    def put_back(self, calls: deque[_Call]) -> None:
        """Put back calls that had been sent to a lost worker; they are taken first."""
        with self._changed:
            self._queue.extendleft(reversed(calls))
            self._changed.notify_all()

    def give_up(self, error: BaseException) -> None:
        """Let all submitted calls fail, because no worker can begin."""
        with self._changed:
            self.broken, self._why = True, error
            calls, self._queue = self._queue, deque()
            self._changed.notify_all()
        for call in calls:
            if call.begun or call.future.set_running_or_notify_cancel():
                call.future.set_exception(error)

    @property
    def given_up(self) -> bool:
        """Whether the calls are no longer needed."""
        return self._given_up

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As in ``concurrent.futures``; with ``cancel_futures`` running calls are interrupted as by Ctrl-C.

        Calls of deaf workers, and calls that do not end soon, are ended with their process. No call runs afterwards.
        Workers that had none then may still be clearing away (0.2 to 0.4 s with four of them): the end of this
        process waits for them (`_wait_for_workers`).
        """
        with self._changed:
            self._shut = True
            if cancel_futures:
                self._given_up = True
                for call in self._queue:
                    call.future.cancel()
            self._changed.notify_all()
        atexit.unregister(self.kill)
        interrupted = [a for a in self._attendants if cancel_futures and a.sent]
        for attendant in interrupted:
            attendant.interrupt(self.deaf)
        if not wait:
            return
        end = time.monotonic() + GRACE
        for attendant in self._attendants:
            left = max(0.0, end - time.monotonic()) if cancel_futures else None
            attendant.done.wait(left)
            if attendant in interrupted:
                attendant.join(left)
            if attendant.is_alive() and not attendant.done.is_set():
                attendant.interrupt(kill=True)
                attendant.join(GRACE)
        _CLEARING.difference_update([a for a in _CLEARING if not a.is_alive()])
        _CLEARING.update(self._attendants)
        atexit.unregister(_wait_for_workers)
        atexit.register(_wait_for_workers)  # anew, to run before what multiprocessing does at the end

    def kill(self) -> None:
        """End all workers at once."""
        self._shut = self._given_up = True
        for attendant in self._attendants:
            attendant.interrupt(kill=True)

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.shutdown(cancel_futures=kind is not None)


class _Attendant(threading.Thread):
    """Sends calls to one worker, takes their results, replaces a lost worker."""

    def __init__(self, pool: Processes) -> None:
        super().__init__(daemon=True, name="supnorm worker")
        self.pool = pool
        self.process: Any = None
        self.connection: Connection | None = None
        self.idle = True  # it takes a call as soon as it runs
        self.ready = False
        self.starts = 0
        self.sent: deque[_Call] = deque()
        self.done = threading.Event()  # no call runs, and none will

    def run(self) -> None:
        """Work until the pool is shut and no call is left."""
        quick = False
        try:
            while True:
                while len(self.sent) < (2 if quick else 1):
                    call = self.pool.take(self, longest=AHEAD if self.sent else None)
                    if call is None:
                        break
                    if not self._send(call):
                        return
                if not self.sent:
                    return
                began = time.monotonic()
                if not self._receive():
                    return
                quick = time.monotonic() - began < QUICK
        finally:
            self._dismiss()

    def interrupt(self, kill: bool = False) -> None:
        """End the running call: by Ctrl-C, or with its process."""
        process = self.process
        if process is None or process.pid is None or not (kill or self.sent):
            return
        with suppress(ProcessLookupError, OSError):  # the worker has ended meanwhile
            if kill or not MASKS:
                process.kill()
            else:
                os.kill(process.pid, signal.SIGINT)

    def _send(self, call: _Call) -> bool:
        """Send a call to the worker; False if there is no worker and there will be none."""
        self.sent.append(call)
        while True:
            try:
                if self.process is None:
                    self._start()
                assert self.connection is not None
                self.connection.send_bytes(call.data)
                return True
            except (BrokenPipeError, ConnectionResetError):
                if not self.ready or len(self.sent) > 1:
                    return True  # `_receive` learns the cause when it waits for the first answer
                self._bury()  # the worker ended while it was idle, so no call is the cause
            except BaseException as error:
                return self._none_can_begin(error)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.pool.workers, self.pool.deaf))
        self.ready = False
        self.starts += 1
        if MASKS:
            from multiprocessing import resource_tracker

            resource_tracker.ensure_running()  # its start resets the mask
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # the worker inherits the mask
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.process, self.connection = process, ours

    def _receive(self) -> bool:
        """Wait for the worker's answer to the first call that was sent; False when no worker can begin."""
        assert self.connection is not None
        data: bytes | None = None
        try:
            self._await_answer()
            if self.connection.poll():
                data = self.connection.recv_bytes()
        except (EOFError, OSError):
            data = None
        if data is None:
            return self._lost()
        if not self.ready:
            self.ready, self.pool.proven, self.starts = True, True, 0
            return True
        call = self.sent.popleft()
        try:
            good, value = pickle.loads(data)  # from a process of this program
        except Exception as error:
            good, value = False, error
        if good:
            call.future.set_result(heard(value))
        else:
            call.future.set_exception(value)
        return True

    def _await_answer(self) -> None:
        """Wait until the worker has answered or ended; end one that is stopped for too long."""
        assert self.connection is not None
        running = time.monotonic()
        while not wait([self.connection, self.process.sentinel], min(LOOK, self.pool.patience / 2)):
            now = time.monotonic()
            if not is_stopped(self.process.pid):
                running = now
            elif now - running > self.pool.patience:
                self.process.kill()

    def _lost(self) -> bool:
        """The worker has ended: replace it, and repeat its running call."""
        ready, how = self.ready, self._bury()
        call = self.sent.popleft()
        if self.sent:
            self.pool.put_back(self.sent)
            self.sent = deque()
        if self.pool.given_up:
            call.future.set_exception(KeyboardInterrupt())
            return True
        if not ready:
            if self.starts < STARTS[self.pool.proven]:
                return self._send(call)
            self.sent.append(call)
            return self._none_can_begin(
                BrokenProcessPool(f"a worker process ended before it was ready ({how})")
            )
        call.lost += 1
        if call.lost < 2:
            return self._send(call)
        call.future.set_exception(WorkerEnded(f"the process ended during this call ({how})"))
        return True

    def _none_can_begin(self, error: BaseException) -> bool:
        for call in self.sent:
            call.future.set_exception(error)
        self.sent.clear()
        self.pool.give_up(error)
        return False

    def _bury(self) -> str:
        """Forget a worker that has ended; returns how it ended."""
        self.process.join(GRACE)
        if self.process.exitcode is None:  # the worker has closed its pipe but still runs
            self.process.kill()
            self.process.join()
        how = how_it_ended(self.process.exitcode)
        assert self.connection is not None
        self.connection.close()
        self.process.close()
        self.process = self.connection = None
        return how

    def _dismiss(self) -> None:
        if self.process is None:
            self.done.set()
            return
        assert self.connection is not None
        with suppress(OSError):
            self.connection.send_bytes(b"")
        self.done.set()
        self._bury()
