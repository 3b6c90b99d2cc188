"""The files that workers open while a recording lasts in the process that waits for them.

A call that is sent to a worker (`reporting`) comes back with the names of the files that the worker has opened, and `heard`
writes them into the recording. Each name is sent once, and the first `AGAIN` names with every answer, because some answers
are never read: those of calls that are cancelled, or handed to another worker.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from supnorm.evaluation.opened_files import LARGEST, listen, recordings, state_of

AGAIN = 64  # about 5 kB at most
HERE = uuid.uuid4().hex  # of this process, so that a worker that is a thread of it has nothing to report


class _Opened:
    """In a worker: the files that it has opened since its first call, and how many of them each asker has heard of."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, bool, bool], tuple[int, ...]] = {}
        self._sent: dict[str, int] = {}
        self._full = False

    def note(self, file: str, reads: bool, writes: bool) -> None:
        """As `Recording.note`."""
        if (file, reads, writes) in self._noted:
            return
        if len(self._noted) >= LARGEST:
            self._full = True
        else:
            self._noted[file, reads, writes] = state_of(file) if reads and writes else ()

    def answer(self, asker: str, value: Any) -> Reported:
        """The value with the names that are new to the asker, and the first ones."""
        noted = list(self._noted.items())
        new = noted[max(AGAIN, self._sent.get(asker, 0)) :]
        self._sent[asker] = len(noted)
        return Reported(value, tuple(noted[:AGAIN] + new), self._full)


@dataclass(frozen=True)
class Reported:
    """The answer of a worker.

    Attributes:
        value: of the call.
        noted: files that the worker has opened: the name, whether for reading, whether for writing, and for both its state.
        full: whether the worker has opened more than it remembers.
    """

    value: Any
    noted: tuple[tuple[tuple[str, bool, bool], tuple[int, ...]], ...]
    full: bool


def reporting(work: Callable[..., Any]) -> Callable[..., Any]:
    """The work for a worker, whose answer `heard` opens; the work as it is while nothing is recorded.

    >>> reporting(abs) is abs
    True
    >>> from supnorm.evaluation.opened_files import recording
    >>> with recording():
    ...     heard(reporting(abs)(-1))
    1
    """
    return partial(_report, HERE, work) if recordings() else work


def heard(answer: Any) -> Any:
    """The value of a worker's answer; the names of the files in it are recorded."""
    if not isinstance(answer, Reported):
        return answer
    for one in recordings():
        one.full |= answer.full
        for (file, reads, writes), state in answer.noted:
            one.note(file, reads, writes, state)
    return answer.value


def _report(asker: str, work: Callable[..., Any], *given: Any, **options: Any) -> Any:
    if asker == HERE:
        return work(*given, **options)
    if not _OPENED:
        _OPENED.append(_Opened())
        listen(_OPENED[0])
    value = work(*given, **options)
    return _OPENED[0].answer(asker, value)


_OPENED: list[_Opened] = []  # of this process, if it is a worker
