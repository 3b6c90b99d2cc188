"""Sobol points of SciPy, which may be all the same point where its table of direction numbers cannot be read.

SciPy reads the table when the first sequence is made, in compiled code that prints an exception and drops it: with too few
file handles, or too little memory, each sequence was one point again and again, and a search or a statistic took it for
a sample of the box. Here the exception ends the work.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def table_read() -> Iterator[None]:
    """A context in which SciPy makes a Sobol sequence.

    Raises:
        OSError, MemoryError: or whatever else SciPy dropped while it read its table.
    """
    before, printed = sys.unraisablehook, sys.excepthook
    dropped: list[BaseException] = []

    def hook(held: Any) -> None:
        if "_sobol" in str(held.object):
            dropped.append(held.exc_value if held.exc_value is not None else held.exc_type())
        else:
            before(held)

    sys.unraisablehook = hook
    sys.excepthook = lambda *_: None  # compiled code prints a traceback by it
    try:
        yield
    finally:
        sys.unraisablehook, sys.excepthook = before, printed
    if dropped:
        raise dropped[0]


def sobol(d: int, rng: np.random.Generator) -> Any:
    """A scrambled sequence, a ``scipy.stats.qmc.Sobol``.

    Raises:
        OSError, MemoryError: as `table_read`.

    >>> len(set(sobol(1, np.random.default_rng(0)).random_base2(3).ravel().tolist()))
    8
    """
    from scipy.stats import qmc  # it takes half a second to load, which most runs do not need

    with table_read():
        return qmc.Sobol(d, rng=rng)
