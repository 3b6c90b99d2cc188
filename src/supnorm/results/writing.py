"""Files that appear whole or not at all, and files of lines that only grow; what cannot be written is told in one line.

A disk that is full, a folder that is read-only or has vanished is no fault of the program's, and what was stored before
is kept: such a failure is `NotWritten`, which ends the work in good order and can be resumed from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from supnorm.results.status import BadInput, NotWritten


def not_written(path: Path | str, why: str) -> NotWritten:
    """What to say of a file that could not be written.

    >>> str(not_written("run/a.json", "full"))
    'run/a.json cannot be written: full; what was stored before is kept for --resume, where a run has a store'
    """
    return NotWritten(
        f"{path} cannot be written: {why}; what was stored before is kept for --resume, where a run has a store"
    )


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Inside, an OSError is one of writing this file.

    Raises:
        NotWritten: for it.
    """
    try:
        yield
    except OSError as error:
        raise not_written(path, error.strerror or str(error)) from error


_WRITTEN: list[list[Path]] = []  # what was written in each `all_there` that is open


@contextmanager
def all_there() -> Iterator[None]:
    """A context at whose end each file that `write_whole` wrote in it is still there.

    A folder that vanishes meanwhile is made again by the next file: without the first ones, which nobody would miss.

    Raises:
        NotWritten: naming the first file that is gone.
    """
    paths: list[Path] = []
    _WRITTEN.append(paths)
    try:
        yield
    finally:
        _WRITTEN.pop()
    for path in paths:
        if not os.path.lexists(path):
            raise not_written(path, "it has vanished again")


def demand_writable(path: Path | str | None, option: str) -> None:
    """Check that a file which is written at the end can be written, before work starts that would be lost without it.

    Args:
        path: the file, which may be there already; None where none was asked for.
        option: the option that names it.

    Raises:
        BadInput: when it is a folder, or the folder that it belongs into is none or read-only.

    >>> demand_writable(None, "--out")
    """
    if path is None:
        return
    path = Path(path)
    there = next((p for p in path.absolute().parents if os.path.lexists(p)), Path())
    why = ""
    if path.is_dir():
        why = "it is a folder"
    elif not there.is_dir():
        why = f"{there} is no folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        why = f"{there} is read-only"
    if why:
        raise BadInput(f"{option} {path} cannot be written: {why}; name another file")


def write_new(path: Path | str, content: str) -> None:
    """Write a file that must not exist yet: nothing is ever overwritten, not even a file made at the same moment.

    Raises:
        BadInput: when there is something of this name.
        NotWritten: when it cannot be written.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(content)
        except FileExistsError:
            raise BadInput(f"{path} exists and is not overwritten; give another name") from None


def write_whole(path: Path | str, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file so that it appears whole or not at all (temporary file, fsync, rename).

    Args:
        content: all of it, or its parts one after the other.

    Raises:
        NotWritten: when it cannot be written; a file that was there before is as it was.
    """
    path = Path(path)
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    parts = [data] if isinstance(data, bytes) else data
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
            for paths in _WRITTEN:
                paths.append(path.absolute())
        except BaseException:
            with suppress(OSError):
                Path(name).unlink(missing_ok=True)
            raise


def append_line(path: Path | str, line: str) -> None:
    """Add a line to a file; one that a kill or a full disk has cut off before is taken away first.

    Raises:
        NotWritten: when it cannot be written; the lines before it are kept.
    """
    with writing(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("a+b") as file:
            file.seek(0)
            before = file.read()
            whole = before.rfind(b"\n") + 1
            if whole < len(before):
                file.truncate(whole)
            try:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(whole)
                raise
