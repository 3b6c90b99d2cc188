"""One thread for the linear algebra of NumPy and SciPy while supnorm works; as many as before inside expensive calls.

The matrices here are small: layers of some ten neurons in blocks of rows, Gaussian processes of some hundred points.
Sharing such work among threads takes longer than doing it in one, and much longer if other programs use the same cores:
``python -m benchmarks.search.threads`` measures it (docs/audit.md). If the user sets OMP_NUM_THREADS,
OPENBLAS_NUM_THREADS or MKL_NUM_THREADS, the number of threads is not changed. torch and JAX have threads of their own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ASKED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _Limit(threading.local):
    """The libraries of this process and how many threads each had before; empty where none is limited.

    For each thread of the program its own, as the number is in OpenBLAS.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.libraries: list[tuple[Any, int]] = []

    def enter(self) -> None:
        """One thread from here on, unless it is so already or the user asked for something else."""
        if self.depth == 0 and not _asked():
            import scipy.linalg  # noqa: F401  its library would not be limited when it is loaded later
            from threadpoolctl import ThreadpoolController

            found = ThreadpoolController().lib_controllers
            self.libraries = [(lib, lib.num_threads) for lib in found if lib.user_api == "blas"]
            self.set(1)
        self.depth += 1

    def leave(self) -> None:
        """As before, when the last one leaves."""
        self.depth -= 1
        if self.depth == 0:
            self.set(None)
            self.libraries = []

    def set(self, threads: int | None) -> None:
        """So many threads in each library; None for what it had."""
        for library, before in self.libraries:
            library.set_num_threads(threads or before)


_limit = _Limit()
_shared = False  # in a worker: the number of threads was set by `share_threads`, not by the user


def _asked() -> bool:
    """Whether the user asked for a number of threads."""
    return not _shared and any(os.environ.get(name) for name in ASKED)


@contextmanager
def one_thread() -> Iterator[None]:
    """Also a decorator: the linear algebra of NumPy and SciPy takes one thread meanwhile."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


@contextmanager
def own_threads() -> Iterator[None]:
    """Inside `one_thread`: as many as before, for an expensive call of the user's."""
    _limit.set(None)
    try:
        yield
    finally:
        _limit.set(1)


def share_threads(workers: int) -> None:
    """In one of several worker processes: its share of the cores, for libraries loaded now or later.

    Else each worker would want all of them at once. Left alone where the user asked for a number of threads.
    """
    global _shared
    if _asked():
        return
    from threadpoolctl import ThreadpoolController

    share = max(1, (os.cpu_count() or 1) // workers)
    os.environ.update(dict.fromkeys(ASKED, str(share)))
    _shared = True
    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas":
            library.set_num_threads(share)
