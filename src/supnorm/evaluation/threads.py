"""Limits the linear algebra of NumPy and SciPy to one thread while supnorm works, except inside expensive calls.

The matrices here are small: layers of some ten neurons in blocks of rows, Gaussian processes of some hundred points.
Sharing such work among threads takes longer than doing it in one, and much longer if other programs use the same cores:
``python -m benchmarks.search.threads`` measures it (docs/audit.md). The last digits of a sum depend on the number of
threads, and other digits led a search to another point: one seed gave two results for two numbers. So the limit
holds whatever the user set; a number that the user set counts in expensive calls. The threads of torch and JAX are never
limited.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ASKED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _Limit(threading.local):
    """The libraries of this process and the number of threads of each before the limit; empty if none is limited.

    Each thread of the program has its own limit, because OpenBLAS has a number for each thread.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.libraries: list[tuple[Any, int]] = []

    def enter(self) -> None:
        """Set one thread, unless the limit is set already."""
        if self.depth == 0:
            import scipy.linalg  # noqa: F401  a library that is loaded later would not be limited
            from threadpoolctl import ThreadpoolController

            controllers = ThreadpoolController().lib_controllers
            self.libraries = [(lib, lib.num_threads) for lib in controllers if lib.user_api == "blas"]
            self.set(1)
        self.depth += 1

    def leave(self) -> None:
        """Restore the numbers when the last context ends."""
        self.depth -= 1
        if self.depth == 0:
            self.set(None)
            self.libraries = []

    def set(self, threads: int | None) -> None:
        """Set this number of threads in each library; None restores the number that it had."""
        for library, before in self.libraries:
            library.set_num_threads(threads or before)


_limit = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit the linear algebra of NumPy and SciPy to one thread, as a context or as a decorator."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


@contextmanager
def all_threads() -> Iterator[None]:
    """Inside `one_thread`: restore all threads for an expensive call of the user's function."""
    _limit.set(None)
    try:
        yield
    finally:
        _limit.set(1)


def share_threads(workers: int) -> None:
    """Limit one of several worker processes to its share of the cores, for libraries loaded now or later.

    Otherwise each worker would use all cores at once. Nothing changes if the user asked for a number of threads.
    """
    if any(os.environ.get(name) for name in ASKED):
        return
    from threadpoolctl import ThreadpoolController

    share = max(1, (os.cpu_count() or 1) // workers)
    os.environ.update(dict.fromkeys(ASKED, str(share)))
    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas":
            library.set_num_threads(share)
