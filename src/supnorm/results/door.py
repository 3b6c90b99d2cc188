"""The door that every file which a user names comes through: it is read behind the guard, and its faults are its own.

The guard (`supnorm.results.guard`) says what a file may be and what reading it may take. Whatever a reader raises is the
file's fault: one line with its name, `BadInput`.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from supnorm.results.guard import (
    ALLOWED,
    LARGEST,
    TIMES,
    allowed,
    cause,
    demand_depth,
    demand_file,
    memory_bounded,
)
from supnorm.results.status import BadInput, Interrupted

TABLE, TABLE_TIMES = 2_000_000_000, 40  # of tables: a cell of two characters is an object of fifty bytes
DAMAGED = "is damaged, or of another version"


@contextmanager
def reading(
    path: Path,
    what: str = "",
    hint: str = "cannot be read",
    largest: int | None = None,
    missing: str = "",
    most: int = ALLOWED,
    times: int = TIMES,
) -> Iterator[int]:
    """Inside, a file is read: a regular one, in bounded memory, and every exception is its fault.

    Args:
        path: the file.
        what: how messages name it; the path by default.
        hint: what to say before the reason.
        largest: bytes that it may have.
        missing: what to do when nothing is there.
        most, times: bytes that reading it may take; see `allowed`.

    Raises:
        BadInput: from the start for what is no regular file or too large, or for any exception inside.

    Example:
        ``with reading(path, what, "cannot be read as Parquet") as size: table = read_table(path)``
    """
    what = what or str(path)
    size = demand_file(path, what, largest, missing)
    with faults_of(what, hint), memory_bounded(allowed(size, most, times)):
        yield size


def reading_table(
    path: Path, what: str = "", hint: str = "cannot be read", missing: str = ""
) -> AbstractContextManager[int]:
    """As `reading`, for tables and certificates, whose cells take more memory than they have characters."""
    return reading(path, what, hint, LARGEST["table"], missing, most=TABLE, times=TABLE_TIMES)


def read_bytes(path: Path, what: str = "", largest: int | None = None) -> bytes:
    """All of a regular file.

    Raises:
        BadInput: as `reading`.
    """
    with reading(path, what, largest=largest):
        return path.read_bytes()


def read_json(path: Path, what: str = "", hint: str = "is not a whole JSON file", missing: str = "") -> Any:
    """A JSON file, of at most ``LARGEST["json"]`` bytes and a depth of `DEPTH`.

    Raises:
        BadInput: as `reading`, and for what is no JSON.
    """
    with reading(path, what, hint, LARGEST["json"], missing):
        value = json.loads(path.read_text(encoding="utf-8"))
        demand_depth(value)
        return value


@contextmanager
def faults_of(what: str, hint: str = "cannot be read") -> Iterator[None]:
    """Inside, the contents of a file are used: exceptions become `BadInput` with its name.

    That another file cannot be written is no fault of it. Warnings are not shown, nor what half-made objects of a reader
    say when they are thrown away.
    """
    before = sys.unraisablehook
    sys.unraisablehook = _only_interrupts(before)
    message = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BadInput as error:
        message = str(error)
        _forget(error)
    except Interrupted:
        raise
    except Exception as error:
        message = f"{said(what, hint)}: {cause(error)}"
        _forget(error)
    finally:
        sys.unraisablehook = before
    if message is not None:
        raise BadInput(message)


def _only_interrupts(before: Callable[[Any], Any]) -> Callable[[Any], None]:
    def hook(dropped: Any) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)

    return hook


def _forget(error: BaseException | None) -> None:
    """Throw away what the frames of an exception, and of those before it, hold."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def said(what: str, hint: str) -> str:
    """A thing and what is said of it; a hint that begins with a colon follows at once.

    >>> said("a.npz", "is damaged"), said("a.npz", ": not an archive")
    ('a.npz is damaged', 'a.npz: not an archive')
    """
    return f"{what}{hint}" if hint.startswith(":") else f"{what} {hint}"
