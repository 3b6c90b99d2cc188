"""Proves all leaves of a certificate, in one process, in several, or on an executor of the caller.

Each process gets the document without its leaves, and proves the node rules, which all leaves share, for itself; then it
gets proofs with what they claim, as many at a time as take `CALL` seconds. Balls are not sent between processes. Proofs
are handed out in the order of their first leaves, so the leaf that a rejection names does not depend on the number of
processes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from multiprocessing.connection import wait
from typing import NoReturn

from flint import ctx

from supnorm.checker.answer import Answer, code, seconds_of, submitted
from supnorm.checker.cost import Meter, watched
from supnorm.checker.document import Document
from supnorm.checker.forecast import in_balls
from supnorm.checker.leaves import Leaves, Proof, claims, rules_of
from supnorm.checker.rejected import MALFORMED, Rejected, TooCostly, WorkerFault

ENDS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
Task = tuple[Proof, list[int], list[float]]  # a proof, the positions of its leaves, and what they claim
AHEAD = 4  # calls in flight for each process
CALL = 0.1  # processor seconds of a call, at least, where there are enough proofs
GROWTH = 4  # a call has at most so many times the proofs of the one before it
BROKEN = (
    "a worker ended before its leaves were proved: something killed it, or every worker imports your script again and "
    'starts workers itself; in that script check(.., workers=..) must stand under if __name__ == "__main__":'
)


def verify_leaves(
    document: Document,
    workers: int,
    observer: Callable[[int, int], None],
    meter: Meter,
    arbitrary: bool = False,
    executor: Executor | None = None,
) -> None:
    """Prove every leaf; ``arbitrary`` and ``executor`` as in `check`.

    Raises:
        Rejected: naming the leaf whose claim is not proved.
        TooCostly: when the processes together have used more time than the meter allows.
        BrokenProcessPool: when a worker process has ended.
        WorkerFault: when a worker answers anything else than that it has proved what it got.
    """
    total, done = document.count, _Counted()
    rules, bare = rules_of(document), replace(document, leaves=(), lines=None)
    todo = _todo(document, done, meter)
    workers = min(workers, total)
    if executor is None and workers < 2:
        proved = _alone(Leaves(bare, rules, arbitrary), todo, meter)
    else:
        given = pickle.dumps((bare, rules, ctx.prec, meter.limit, arbitrary))
        run = partial(_in_processes, workers) if executor is None else partial(_on, executor)
        proved = run(given, todo, meter)
    for positions in proved:
        done.leaves += len(positions)
        observer(done.leaves, total)
    if done.leaves != total:
        raise Rejected("not every leaf was proved")


@dataclass
class _Counted:
    """Leaves whose claim is proved, or that claim nothing."""

    leaves: int = 0


def _todo(document: Document, done: _Counted, meter: Meter) -> Iterator[Task]:
    """The proofs of all leaves; those that some leaves of one block share stand together."""
    for first, leaves in document.blocks(meter.read):
        shared = claims(leaves)
        done.leaves += len(leaves) - sum(map(len, shared.values()))
        for proof, within in shared.items():
            yield proof, [first + k for k in within], [leaves[k].upper for k in within]


def _alone(leaves: Leaves, todo: Iterator[Task], meter: Meter) -> Iterator[list[int]]:
    """Prove one after the other; positions of the leaves whose proof is done, proof by proof."""
    for proof, positions, claimed in todo:
        _verify(leaves, proof, positions, claimed, meter)
        yield positions


def _verify(leaves: Leaves, proof: Proof, positions: list[int], claimed: list[float], meter: Meter) -> None:
    """Prove the claims of one proof; before it is made again in FLINT's balls, the meter hears how long that takes."""
    meter.read()
    again = partial(in_balls, leaves.document, proof, positions[0])
    leaves.verify(proof, positions, claimed, lambda: meter.read(again()))


def _in_processes(workers: int, given: bytes, todo: Iterator[Task], meter: Meter) -> Iterator[list[int]]:
    """The same in processes."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    try:
        yield from _on(pool, given, todo, meter)
    except BrokenProcessPool:
        raise BrokenProcessPool(BROKEN) from None
    except RuntimeError as error:
        if "bootstrapping phase" not in str(error):
            raise
        # This is a worker that imports the script; the main process reports for all workers.
        raise SystemExit(1) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _on(executor: Executor, given: bytes, todo: Iterator[Task], meter: Meter) -> Iterator[list[int]]:
    """The same on an executor, a few calls for each worker in flight."""
    queue: deque[tuple[list[list[int]], bytes, Future[Answer]]] = deque()
    group, spent, document = 1, 0.0, _seal(given)
    try:
        while True:
            with _deaf_to_ctrl_c():  # processes may start
                while len(queue) < AHEAD * _seats(executor) and (tasks := list(islice(todo, group))):
                    part = pickle.dumps(tasks)
                    future = submitted(executor, _prove, given, part)
                    queue.append(([positions for _, positions, _ in tasks], part, future))
            if not queue:
                return
            proved, part, future = queue.popleft()
            try:
                seconds = seconds_of(future, document, _seal(part))
            except Rejected as refused:
                _refuse(given, part, refused)
            spent += seconds
            meter.demand(spent)
            group = min(GROWTH * group, max(1, round(CALL * len(proved) / max(seconds, 1e-9))))
            yield from proved
    finally:
        for *_, future in queue:
            with suppress(Exception):  # what an executor returned need not be a future
                future.cancel()


def _seats(executor: Executor) -> int:
    known = (getattr(executor, name, None) for name in ("seats", "_max_workers"))
    return next((seats for seats in known if isinstance(seats, int) and seats > 0), 1)


def _refuse(given: bytes, part: bytes, refused: Rejected) -> NoReturn:
    """Refuse what a worker refused, unless it is proved here: a worker may lack memory, or have another library."""
    fault = _prove(given, part).fault
    if fault is None:
        raise WorkerFault(f"a worker refused what is proved here ({refused})")
    raise fault


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that start inside ignore Ctrl-C, SIGTERM and SIGHUP; the parent handles these signals afterwards.

    They ignore them from the first moment, also while they import: a half-started process would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The precision of balls is that of the process, and an executor may call several threads.
_LOCK = threading.Lock()


def _start() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        # Workers must end when their parent is killed. Calls of ball arithmetic are short, so this thread soon gets to run.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with(sentinel: int) -> None:
    """End this process when the one that started it has ended."""
    wait([sentinel])
    os._exit(1)


def _seal(given: bytes) -> str:
    return hashlib.sha256(given).hexdigest()


@lru_cache(maxsize=2)
def _made(given: bytes) -> tuple[Leaves | Exception, int, float, str]:
    """What all proofs share, the precision, the limit of time, and the seal of all this: made once in a process."""
    # Pickled by this program a moment ago; it never comes from a file.
    document, rules, precision, limit, arbitrary = pickle.loads(given)
    ctx.prec = precision
    try:
        return Leaves(document, rules, arbitrary), precision, limit, _seal(given)
    except (Rejected, *MALFORMED) as problem:  # kept, because it is the answer to every call
        return problem, precision, limit, _seal(given)


def _prove(given: bytes, part: bytes) -> Answer:
    """Prove some proofs, which are pickled: so the answer says which ones."""
    begun, fault = time.thread_time(), None
    document = ""  # stays empty where a worker cannot read what it got
    with _LOCK:
        before = ctx.prec
        try:
            leaves, ctx.prec, limit, document = _made(given)
            meter = Meter(limit)
            if isinstance(leaves, Exception):
                raise leaves
            with watched(meter):
                for proof, positions, claimed in pickle.loads(part):
                    _verify(leaves, proof, positions, claimed, meter)
        except (Rejected, TooCostly) as refused:
            fault = refused
        except MALFORMED as error:  # as `check` says it
            fault = Rejected(f"malformed certificate: {type(error).__name__}: {error}")
        finally:
            ctx.prec = before
    return Answer(code(), document, _seal(part), time.thread_time() - begun, fault)
