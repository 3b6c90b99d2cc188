"""Sobol points of SciPy, which may be all the same point where its table of direction numbers cannot be read.

SciPy reads the table when the first sequence is made, in compiled code that prints an exception and drops it: with too few
file handles, or too little memory, each sequence was one point again and again, and a search or a statistic took it for
a sample of the box. Here the exception ends the work.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

import numpy as np

_LOCK = threading.Lock()  # both hooks are those of the process


@functools.cache
def read_table() -> None:
    """Let SciPy read its table, which it does once in a process; a failure is not remembered, and the next call tries again.

    Raises:
        OSError, MemoryError: or whatever else SciPy dropped while it read its table.
    """
    from scipy.stats import qmc  # it takes half a second to load, which most runs do not need

    dropped: list[BaseException] = []

    def hook(held: Any) -> None:
        if "_sobol" in str(held.object):
            dropped.append(held.exc_value if held.exc_value is not None else held.exc_type())
        else:
            before(held)

    with _LOCK:
        before, printed = sys.unraisablehook, sys.excepthook
        sys.unraisablehook = hook
        sys.excepthook = lambda *_: None  # compiled code prints a traceback by it
        try:
            qmc.Sobol(2, rng=np.random.default_rng(0))  # the first axis alone needs no table
        finally:
            sys.unraisablehook, sys.excepthook = before, printed
    if dropped:
        raise dropped[0]


def sobol(d: int, rng: np.random.Generator) -> Any:
    """A scrambled sequence, a ``scipy.stats.qmc.Sobol``.

    Raises:
        OSError, MemoryError: as `read_table`.

    >>> len(set(sobol(1, np.random.default_rng(0)).random_base2(3).ravel().tolist()))
    8
    """
    from scipy.stats import qmc

    read_table()
    return qmc.Sobol(d, rng=rng)
