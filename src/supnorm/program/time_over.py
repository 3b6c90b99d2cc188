"""Ends work in the middle of a call: special functions compute many values in Python, and some take long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_OVER: list[Callable[[], bool]] = []


class TimeOver(Exception):
    """The time for this work is over; nothing of it is done."""


@contextmanager
def until(over: Callable[[], bool]) -> Iterator[None]:
    """A context in which `look` raises once ``over`` is true; of nested ones the innermost counts.

    >>> with until(lambda: False):
    ...     look()
    """
    _OVER.append(over)
    try:
        yield
    finally:
        _OVER.pop()


def look() -> None:
    """End the work if its time is over.

    Raises:
        TimeOver: then.
    """
    if _OVER and _OVER[-1]():
        raise TimeOver
