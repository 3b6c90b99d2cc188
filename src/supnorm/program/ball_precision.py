"""The precision of ball arithmetic (FLINT), for a while and for one thread at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

# FLINT has one precision for all threads. Without the lock two workers that are threads would end in the precision that one
# had set, and compute in that of the other: balls stay true enclosures, but every later one is wider than was asked for.
_ONE_THREAD = RLock()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic of so many bits inside; another thread that asks for a precision waits until this one is done.

    >>> from flint import ctx
    >>> with precision(200):
    ...     ctx.prec
    200
    >>> ctx.prec
    53
    """
    from flint import ctx

    with _ONE_THREAD:
        old, ctx.prec = ctx.prec, bits
        try:
            yield
        finally:
            ctx.prec = old
