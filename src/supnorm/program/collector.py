"""The garbage collector: what it knows of the user's functions, and how to keep it from looking through all objects often.

After an import of JAX a process has 200,000 objects, which the collector looks through in 0.1 s. Reading code makes so many
that this would happen once or twice in each proof.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress
from types import CodeType, FunctionType
from typing import Any

_ALONE = threading.RLock()  # two proofs may run in two threads
_RESTING: list[object] = []  # one of each `at_rest` that has begun, if supnorm has put the collector to rest


@contextmanager
def at_rest() -> Iterator[None]:
    """A context in which the collector leaves alone what was there before, if it does not anyway."""
    mine = object()
    with _ALONE:
        ours = bool(_RESTING) or gc.get_freeze_count() == 0
        if ours:
            _RESTING.append(mine)
            if len(_RESTING) == 1:
                gc.freeze()
    try:
        yield
    finally:
        with _ALONE:
            if ours:
                _RESTING.remove(mine)
                if not _RESTING:
                    gc.unfreeze()


@contextmanager
def awake() -> Iterator[None]:
    """A context in which the collector shows all objects, those that it leaves alone, too."""
    with _ALONE:
        frozen = gc.get_freeze_count() > 0
        if frozen:
            # A program that uses supnorm wants it so for good: nothing useless may be added. What is frozen is not looked
            # through for that: with millions of objects it would take seconds.
            if not _RESTING:
                gc.collect()
            gc.unfreeze()
        try:
            yield
        finally:
            if frozen:
                gc.freeze()


def functions_of(*codes: CodeType) -> list[FunctionType]:
    """All functions with one of these code objects, by identity."""
    wanted = frozenset(map(id, codes))
    with awake():
        held = [one for one in gc.get_referrers(*codes) if type(one) is FunctionType]
    return [one for one in held if id(one.__code__) in wanted]


def objects_of(*kinds: type) -> list[Any]:
    """All objects of exactly these types that the collector knows.

    A process has some hundred thousand objects: without a loop of Python they are looked through in half of the time. Types
    are compared by identity, because a type of the user can define what it is equal to.
    """
    with awake():
        objects = gc.get_objects()
    wanted = frozenset(map(id, kinds))
    return list(compress(objects, map(wanted.__contains__, map(id, map(type, objects)))))
