"""Proves all leaves of a certificate, in one process or in several.

Each process gets the parsed document and nothing else, and proves the node rules, which all leaves share, for itself;
balls are not sent between processes. Proofs are handed out in the order of their first leaves, so the leaf that a
rejection names does not depend on the number of processes.
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
AHEAD = 4  # proofs that are handed out to each process in advance
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
) -> None:
    """Prove every leaf; ``arbitrary`` as in `Leaves`.

    Raises:
        Rejected: naming the leaf whose claim is not proved.
        TooCostly: when a process has used more time than its meter allows.
        BrokenProcessPool: when a worker process has ended.
    """
    shared, total = claims(document.leaves), len(document.leaves)
    done = total - sum(map(len, shared.values()))  # leaves that claim nothing need no proof
    for positions in _verified(document, shared, min(workers, len(shared)), meter, arbitrary):
        done += len(positions)
        observer(done, total)


def _verified(
    document: Document, shared: dict[Proof, list[int]], workers: int, meter: Meter, arbitrary: bool
) -> Iterator[list[int]]:
    """Positions of leaves whose proof is done, proof by proof."""
    if workers < 2:
        leaves = Leaves(document, arbitrary)
        for proof, positions in shared.items():
            meter.read()
            leaves.verify(proof, positions)
            yield positions
        return
    given = (document, ctx.prec, meter.limit, arbitrary)
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
        raise SystemExit(
            1
        ) from None  # this is a worker that imports the script; the main process reports for all workers
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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


_SHARED: list[Leaves | Exception] = []  # of this process
_METER: list[Meter] = []


def _start(document: Document, precision: int, limit: float, arbitrary: bool) -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        # Workers must end when their parent is killed. Calls of ball arithmetic are short, so this thread soon gets to run.
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctx.prec = precision
    _METER[:] = [Meter(limit)]
    try:
        _SHARED[:] = [Leaves(document, arbitrary)]
    except (Rejected, *MALFORMED) as problem:  # an exception here would break the pool and hide its reason
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
