"""All leaves of a certificate, by one process or shared among several.

Each process reads nothing but the parsed document and proves for itself what all leaves share, the node rules;
balls do not travel between processes. Proofs are handed out in the order of their first leaves, so that the
leaf which is named in a rejection does not depend on the number of processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait

from flint import ctx

from supnorm.checker.cost import Meter
from supnorm.checker.document import Document
from supnorm.checker.leaves import Leaves, Proof, claims
from supnorm.checker.rejected import MALFORMED, Rejected

ENDS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
AHEAD = 4  # proofs handed out beforehand to each process
BROKEN = (
    "a worker ended before its leaves were proved: killed, or started by a script that every worker imports "
    'again, where check(.., workers=..) must stand under if __name__ == "__main__":'
)


def verify_leaves(
    document: Document, workers: int, observer: Callable[[int, int], None], meter: Meter
) -> None:
    """Prove every leaf.

    Raises:
        Rejected: naming the leaf whose claim is not proved.
        TooCostly: when a process has used up what its meter allows.
        BrokenProcessPool: when a process has ended.
    """
    shared, total = claims(document.leaves), len(document.leaves)
    done = total - sum(map(len, shared.values()))  # those that claim nothing
    for positions in _verified(document, shared, min(workers, len(shared)), meter):
        done += len(positions)
        observer(done, total)


def _verified(
    document: Document, shared: dict[Proof, list[int]], workers: int, meter: Meter
) -> Iterator[list[int]]:
    """Positions of leaves, proof by proof as they are done."""
    if workers < 2:
        leaves = Leaves(document)
        for proof, positions in shared.items():
            meter.read()
            leaves.verify(proof, positions)
            yield positions
        return
    given = (document, ctx.prec, meter.limit)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, given)
    try:
        left = iter(shared.items())
        queue: list[tuple[list[int], Future[None]]] = []
        with _deaf_to_ctrl_c():
            for proof, positions in islice(left, AHEAD * workers):
                queue.append((positions, pool.submit(_prove, proof, positions)))
        while queue:
            positions, future = queue.pop(0)
            future.result()
            yield positions
            for proof, more in islice(left, 1):
                queue.append((more, pool.submit(_prove, proof, more)))
    except BrokenProcessPool:
        raise BrokenProcessPool(BROKEN) from None
    except RuntimeError as error:
        if "bootstrapping phase" not in str(error):
            raise
        raise SystemExit(1) from None  # a worker that imports the script; the main process speaks for all
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that start here leave Ctrl-C, SIGTERM and SIGHUP to the parent, which hears of them afterwards.

    From their first moment, while they import as well: one that is half started would speak of it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_SHARED: list[Leaves | Exception] = []  # of this process
_METER: list[Meter] = []


def _start(document: Document, precision: int, limit: float) -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        # A process that is killed leaves no workers behind. Calls of ball arithmetic are short: a thread is soon heard.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctx.prec = precision
    _METER[:] = [Meter(limit)]
    try:
        _SHARED[:] = [Leaves(document)]
    except (Rejected, *MALFORMED) as problem:  # an exception here would only break the pool
        _SHARED[:] = [problem]


def _end_with(sentinel: int) -> None:
    """End this process when the one that started it has ended."""
    wait([sentinel])
    os._exit(1)


def _prove(proof: Proof, positions: list[int]) -> None:
    leaves = _SHARED[0]
    if isinstance(leaves, Exception):
        raise leaves
    _METER[0].read()
    leaves.verify(proof, positions)
