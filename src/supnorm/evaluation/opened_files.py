"""The files that Python opens, imports or loads as a library in this process while the user's code runs.

An audit hook of the interpreter writes down their names (`recording`); it does not see files that compiled code opens.
What workers open is added by `supnorm.evaluation.opened_by_workers`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from supnorm.foreign import is_foreign

# Largest number of recorded names: a simulator may open another file in each of a million calls.
LARGEST = 20_000
NEW = os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITES = os.O_WRONLY | os.O_RDWR | NEW
EVENTS = ("open", "sqlite3.connect", "ctypes.dlopen", "subprocess.Popen", "os.system")


class Listener(Protocol):
    """What the hook tells of each file that is about to be opened."""

    def note(self, file: str, reads: bool, writes: bool) -> None:
        """Write the file down."""


@dataclass
class Recording:
    """The files that were opened while it lasted, with absolute paths.

    Attributes:
        read, written: those that were opened for reading only, and for writing only.
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
        return self.written | {file for file, state in [*self.both.items()] if state_of(file) != state}

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
            noted[file] = state_of(file) if state is None else state
        else:
            noted.add(file)


_LISTENERS: list[Listener] = []
_HOOKED: list[bool] = []
_OWN = threading.local()  # whether supnorm itself reads files in a thread


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if not _LISTENERS or event not in EVENTS or getattr(_OWN, "reads", False):
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
            if not is_foreign(text):
                for one in _LISTENERS:
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


def state_of(file: str) -> tuple[int, ...]:
    """What changes when a file is written; empty where there is no file."""
    try:
        now = os.stat(file)
    except (OSError, ValueError):
        return ()
    return now.st_ino, now.st_size, now.st_mtime_ns


@contextmanager
def recording() -> Iterator[Recording]:
    """A context in which all files that Python opens are recorded; recordings may be nested."""
    recorded = Recording()
    listen(recorded)
    try:
        yield recorded
    finally:
        _LISTENERS[:] = [one for one in _LISTENERS if one is not recorded]


def listen(listener: Listener) -> None:
    """Let the hook of this process tell the listener what is opened."""
    if not _HOOKED:
        sys.addaudithook(_hook)
        _HOOKED.append(True)
    _LISTENERS.append(listener)


def recordings() -> list[Recording]:
    """The recordings that last now."""
    return [one for one in _LISTENERS if isinstance(one, Recording)]


def overlooking() -> bool:
    """Whether functions have opened more files than a recording that lasts now has written down."""
    return any(one.full for one in recordings())


@contextmanager
def unrecorded() -> Iterator[None]:
    """A context in which supnorm itself reads files, which are not what the user's code opens."""
    before, _OWN.reads = getattr(_OWN, "reads", False), True
    try:
        yield
    finally:
        _OWN.reads = before
