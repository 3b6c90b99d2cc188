"""Every file that a user names is read here: behind the guard, and with one kind of message for all faults of files.

The guard (`supnorm.results.guard`) limits what a file may be and what reading it may take. Any exception of a reader
counts as a fault of the file: `BadInput`, one line with its name.
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
from supnorm.results.system_limits import demand_no_limit

TABLE, TABLE_TIMES = 2_000_000_000, 40  # of tables: a cell of two characters is an object of fifty bytes
LENGTHS = ".nc"  # its library takes as much memory as a damaged file says that a list has entries: `ALLOWED` at most
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
    """A context in which a regular file is read, in bounded memory; every exception counts as a fault of the file.

    Args:
        path: the file.
        what: how messages name it; the path by default.
        hint: text before the reason.
        largest: bytes that the file may have.
        missing: advice if there is no file.
        most, times: bytes that reading it may take; see `allowed`.

    Raises:
        BadInput: at the start for a file that is not regular or too large; later for any exception inside.

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
    most = ALLOWED if path.suffix.lower() == LENGTHS else TABLE
    return reading(path, what, hint, LARGEST["table"], missing, most=most, times=TABLE_TIMES)


def read_bytes(path: Path, what: str = "", largest: int | None = None) -> bytes:
    """All bytes of a regular file.

    Raises:
        BadInput: as `reading`.
    """
    with reading(path, what, largest=largest):
        return path.read_bytes()


def read_json(path: Path, what: str = "", hint: str = "is not a whole JSON file", missing: str = "") -> Any:
    """A JSON file, of at most ``LARGEST["json"]`` bytes and a depth of `DEPTH`.

    Raises:
        BadInput: as `reading`, and for text that is not JSON.
    """
    with reading(path, what, hint, LARGEST["json"], missing):
        value = json.loads(path.read_text(encoding="utf-8"))
        demand_depth(value)
        return value


@contextmanager
def faults_of(what: str, hint: str = "cannot be read") -> Iterator[None]:
    """A context in which the contents of a file are used: exceptions become `BadInput` with its name.

    A failure to write another file is not a fault of this file, and neither is a limit of the system. Warnings are not
    shown, and neither are messages of unfinished objects of a reader when they are deleted.
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
        demand_no_limit(error, what)
        if isinstance(error, PermissionError):  # nothing is known of its content
            hint = "cannot be read"
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
    """Delete the local variables of the frames of an exception and of the exceptions before it."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def said(what: str, hint: str) -> str:
    """A name and a hint as one text; a hint that begins with a colon follows without a space.

    >>> said("a.npz", "is damaged"), said("a.npz", ": not an archive")
    ('a.npz is damaged', 'a.npz: not an archive')
    """
    return f"{what}{hint}" if hint.startswith(":") else f"{what} {hint}"
