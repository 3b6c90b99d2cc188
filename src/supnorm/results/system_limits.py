"""Limits of the system or of the user that ended a work: open files, memory, processes, a disk. No file is at fault."""

from __future__ import annotations

import errno
import mmap
import os

from supnorm.results.printable import one_line
from supnorm.results.status import NotWritten

MEMORY = "allow more memory (ulimit -v), or take fewer workers"
LIMITS = {
    errno.ENOMEM: MEMORY,
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close files, or allow more of them",
    errno.EAGAIN: "allow more processes and threads (ulimit -u)",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.ENOSPC: "free the disk",
    errno.EDQUOT: "free the disk",
    errno.EROFS: "choose another folder",
}
NO_TEMPORARY = "No usable temporary directory"  # of Python's FileNotFoundError
NO_THREAD = "can't start new thread"  # of Python's RuntimeError
NO_MAP = "failed to map segment from shared object"  # of the dynamic linker's ImportError or OSError
LIBRARY = 1 << 28  # bytes that loading a large library takes
NEEDED = 6  # handles that reading one file takes at most: SQLite has its file, two beside it, and a folder


def limit_of(error: BaseException | None) -> str:
    """The limit of the system that ended the work, and what to do; empty where none did.

    >>> limit_of(OSError(errno.EMFILE, "Too many open files"))
    'Too many open files: allow more open files (ulimit -n)'
    >>> limit_of(ValueError("of its own"))
    ''
    """
    seen = 0
    while error is not None and seen < 20:
        text, seen = str(error), seen + 1
        if isinstance(error, OSError) and error.errno in LIMITS:
            name = (
                f" ({one_line(os.fsdecode(error.filename), 80)})" if isinstance(error.filename, str) else ""
            )
            return f"{error.strerror}{name}: {LIMITS[error.errno]}"
        if isinstance(error, FileNotFoundError) and NO_TEMPORARY in text:
            return "no folder for temporary files can be written: free the disk, or name one in TMPDIR"
        if isinstance(error, RuntimeError) and NO_THREAD in text:
            return f"no thread can be started: {LIMITS[errno.EAGAIN]}"
        if isinstance(error, ImportError) and (words := os.strerror(errno.EMFILE)) in text:
            return f"{words}: {LIMITS[errno.EMFILE]}"
        if isinstance(error, ImportError | OSError) and NO_MAP in text:
            return f"not enough memory to load a library: {MEMORY}"
        error = error.__cause__ or (error.__context__ if isinstance(error, ImportError) else None)
    return ""


def limit_of_memory(error: BaseException | None) -> str:
    """The same for memory that supnorm's own work was refused; reading a file has a limit of its own, and other words.

    Libraries that cannot be loaded give reasons of their own, so it is tried whether there is room for one.

    >>> limit_of_memory(MemoryError("of 8 GB"))
    'not enough memory (of 8 GB): allow more memory (ulimit -v), or take fewer workers'
    """
    seen = 0
    while error is not None and seen < 20:
        if isinstance(error, MemoryError):
            words = one_line(str(error), 80)
            return f"not enough memory{words and f' ({words})'}: {MEMORY}"
        loading = isinstance(error, ImportError) or (isinstance(error, OSError) and error.errno is None)
        if loading and not _room_for_a_library():
            return f"not enough memory to load a library: {MEMORY}"
        error, seen = error.__cause__ or error.__context__, seen + 1
    return ""


def _room_for_a_library() -> bool:
    try:
        mmap.mmap(-1, LIBRARY).close()
    except (OSError, ValueError, MemoryError):
        return False
    return True


def demand_no_limit(error: BaseException, what: str) -> None:
    """Check that a fault of a file is one of its own: with too few handles a good file cannot be opened.

    Libraries say that in words of their own, so it is tried how many handles are left.

    Raises:
        NotWritten: when a limit of the system is met.
    """
    limit = limit_of(error)
    if not limit and _few_handles():
        limit = f"{os.strerror(errno.EMFILE)}: {LIMITS[errno.EMFILE]}"
    if limit:
        raise NotWritten(
            f"{what} cannot be opened, which is no fault of its own: {limit}; what was stored before is kept for --resume, "
            "where a run has a store"
        ) from error


def _few_handles() -> bool:
    """Whether fewer than `NEEDED` files can be opened."""
    opened = []
    try:
        for _ in range(NEEDED):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return False
