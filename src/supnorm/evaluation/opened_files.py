"""The files that Python opens, imports or loads as a library while the user's code runs, here and in workers.

An audit hook of the interpreter writes down their names (`recording`); it does not see files that compiled code opens. A
call that is sent to a worker while a recording lasts comes back with the names of the files that the worker has opened
(`reporting`, `heard`). Each name is sent once, and the first `AGAIN` names with every answer, because some answers are
never read: those of calls that are cancelled, or handed to another worker.
"""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from supnorm.foreign import FOREIGN

# Largest number of recorded names: a simulator may open another file in each of a million calls.
LARGEST = 20_000
NEW = os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITES = os.O_WRONLY | os.O_RDWR | NEW
EVENTS = ("open", "sqlite3.connect", "ctypes.dlopen", "subprocess.Popen", "os.system")
# The first names of a worker, which come with each of its answers: about 5 kB at most.
AGAIN = 64
HERE = uuid.uuid4().hex  # of this process, so that a worker that is a thread of it has nothing to report


class _Notes(Protocol):
    """What hears of each file that is about to be opened."""

    def note(self, file: str, reads: bool, writes: bool) -> None: ...


@dataclass
class Recording:
    """The files that were opened while it lasted, with absolute paths.

    Attributes:
        read, written: those that were opened for one of both.
        both: those that existed and were opened for both, with their state then.
        full: whether a name was left out, because `LARGEST` had been recorded.
    """

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    both: dict[str, tuple[int, ...]] = field(default_factory=dict)
    full: bool = False

    @property
    def files(self) -> set[str]:
        """The files that were read and not written."""
        return (self.read | {*self.both}) - self.changed

    @property
    def changed(self) -> set[str]:
        """The files that were written."""
        return self.written | {file for file, state in [*self.both.items()] if _state(file) != state}

    @property
    def size(self) -> int:
        """How many names were recorded."""
        return len(self.read) + len(self.written) + len(self.both)

    def note(self, file: str, reads: bool, writes: bool, state: tuple[int, ...] | None = None) -> None:
        """Write down that a file is about to be opened; ``state`` is that of a file that a worker has opened."""
        noted = self.both if reads and writes else self.written if writes else self.read
        if file in noted:
            return
        if len(noted) >= LARGEST:
            self.full = True
        elif isinstance(noted, dict):
            noted[file] = _state(file) if state is None else state
        else:
            noted.add(file)


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
            self._noted[file, reads, writes] = _state(file) if reads and writes else ()

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
    >>> with recording():
    ...     heard(reporting(abs)(-1))
    1
    """
    return partial(_report, HERE, work) if _ACTIVE else work


def heard(answer: Any) -> Any:
    """The value of a worker's answer; the names of the files in it are recorded."""
    if not isinstance(answer, Reported):
        return answer
    for one in [*_ACTIVE]:
        if isinstance(one, Recording):
            one.full |= answer.full
            for (file, reads, writes), state in answer.noted:
                one.note(file, reads, writes, state)
    return answer.value


def _report(asker: str, work: Callable[..., Any], *given: Any, **options: Any) -> Any:
    if asker == HERE:
        return work(*given, **options)
    if not _KEPT:
        _KEPT.append(_Opened())
        _hear(_KEPT[0])
    value = work(*given, **options)
    return _KEPT[0].answer(asker, value)


_ACTIVE: list[_Notes] = []
_KEPT: list[_Opened] = []  # the one of this process, if it is a worker
_HOOKED: list[bool] = []
_OWN = threading.local()  # whether supnorm itself reads files in a thread


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if not _ACTIVE or event not in EVENTS or getattr(_OWN, "reads", False):
        return
    try:
        if event in ("subprocess.Popen", "os.system"):
            files: list[Any] = _arguments(*given)
            reads, writes = True, True
        elif isinstance(given[0], str | bytes | os.PathLike):
            files = [_of_uri(given[0]) if event == "sqlite3.connect" else given[0]]
            reads, writes = _access(*given[1:]) if event == "open" else (True, event == "sqlite3.connect")
        else:
            return
        for text in [os.path.abspath(os.fsdecode(file)) for file in files]:
            if not text.startswith(FOREIGN):
                for one in _ACTIVE:
                    one.note(text, reads, writes)
    except Exception:
        return  # if a hook raised, the user's own open would fail


def _of_uri(database: Any) -> Any:
    """The file of a database that SQLite gets as a URI (``file:data.db?mode=ro``)."""
    text = os.fsdecode(database)
    return unquote(urlsplit(text).path) if text.startswith("file:") else database


def _access(mode: Any = None, flags: Any = 0) -> tuple[bool, bool]:
    """Whether what a file holds may be read, and whether it may be written; a file that is made or emptied is written."""
    if isinstance(mode, str):
        return not any(c in mode for c in "wax"), any(c in mode for c in "wax+")
    flags = flags or 0
    return not flags & NEW and not flags & os.O_WRONLY, bool(flags & WRITES)


def _arguments(command: Any, words: Any = (), folder: Any = None, *_: Any) -> list[str]:
    """The files that the command line of another program names."""
    words = [command, *([words] if isinstance(words, str | bytes | os.PathLike) else words)]
    texts = [os.fsdecode(word) for word in words if word is not None]
    texts += [part for text in texts if " " in text for part in text.split()]  # a line for the shell
    texts += [text.partition("=")[2] for text in texts if "=" in text]
    return [file for text in texts if os.path.isfile(file := os.path.join(os.fsdecode(folder or ""), text))]


def _state(file: str) -> tuple[int, ...]:
    try:
        now = os.stat(file)
    except (OSError, ValueError):
        return ()
    return now.st_ino, now.st_size, now.st_mtime_ns


@contextmanager
def recording() -> Iterator[Recording]:
    """A context in which all files that Python opens are recorded; recordings may be nested."""
    recorded = Recording()
    _hear(recorded)
    try:
        yield recorded
    finally:
        _ACTIVE[:] = [one for one in _ACTIVE if one is not recorded]


def _hear(notes: _Notes) -> None:
    """Let the hook of this process tell the notes what is opened."""
    if not _HOOKED:
        sys.addaudithook(_hook)
        _HOOKED.append(True)
    _ACTIVE.append(notes)


def overlooking() -> bool:
    """Whether functions have opened more files than a recording that lasts now has written down."""
    return any(isinstance(one, Recording) and one.full for one in _ACTIVE)


@contextmanager
def unrecorded() -> Iterator[None]:
    """A context in which supnorm itself reads files, which are not what the user's code opens."""
    before, _OWN.reads = getattr(_OWN, "reads", False), True
    try:
        yield
    finally:
        _OWN.reads = before
