"""The lock of a folder: one run at a time works in it.

There are two locks (``flock``). That of the folder itself needs no file; network file systems keep it on one machine. That
of a file in the folder is seen by all machines. Both end with the process, however that ends, so no lock outlives its run;
the file that a killed run leaves is taken over. A process may lock a folder again that it has locked. Systems without such
locks (Windows, some network file systems) have none.
"""

from __future__ import annotations

import os
import platform
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from supnorm.results import BadInput
from supnorm.results.guard import cause, exists
from supnorm.results.printable import one_line
from supnorm.results.system_limits import demand_no_limit

FILE = ".lock"
LONGEST = 200  # bytes of the file
_OWN: set[tuple[int, int]] = set()  # device and number of the folders that this process has locked


def lock(folder: Path, locks: ExitStack) -> None:
    """Lock a folder that exists until ``locks`` is closed.

    Raises:
        BadInput: when another run has locked it, here or on another machine, or it cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        demand_no_limit(error, f"--out {folder}")
        raise BadInput(f"--out {folder} cannot be written: {cause(error)}; choose another --out") from None
    locks.callback(os.close, descriptor)
    here = os.fstat(descriptor)
    key = here.st_dev, here.st_ino
    if key in _OWN:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Also when a process that the user's code has forked still has the folder open.
        locks.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
    except BlockingIOError:
        _refuse(folder, descriptor)
    except OSError:
        pass  # a file system without locks of folders
    _lock_file(folder, descriptor, locks)
    _OWN.add(key)
    locks.callback(_OWN.discard, key)


def demand_free(folder: Path | None) -> None:
    """Check that no other run is at work in a folder, if there is such a folder.

    Raises:
        BadInput: when one is.
    """
    if folder is not None and exists(folder) and folder.is_dir():
        with ExitStack() as locks:
            lock(folder, locks)


def _lock_file(folder: Path, inside: int, locks: ExitStack) -> None:
    import fcntl

    while True:
        try:
            file = os.open(FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644, dir_fd=inside)
        except OSError:
            return  # a folder that cannot be written: the run ends when it writes there
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                _refuse(folder, inside)
            return  # a file system without locks
        if _still_there(file, inside):
            break
        os.close(file)  # the run that had locked it has deleted it meanwhile
    locks.callback(os.close, file)
    locks.callback(_delete, inside)
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} of {platform.node()}".encode()[:LONGEST])


def _still_there(file: int, inside: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(FILE, dir_fd=inside, follow_symlinks=False))
    except OSError:
        return False


def _delete(inside: int) -> None:
    """Delete the file while it is locked; the folder may have another name by now."""
    with suppress(OSError):
        os.unlink(FILE, dir_fd=inside)


def _refuse(folder: Path, inside: int) -> NoReturn:
    from supnorm.evaluation.executor import starts_again

    if starts_again():  # the other run has started this process, and reports for all
        raise SystemExit(1)
    who = ""
    with suppress(OSError):
        file = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=inside)
        with os.fdopen(file, "rb") as held:
            who = one_line(held.read(LONGEST).decode("utf-8", "replace"), LONGEST)
    raise BadInput(
        f"--out {folder}: another run is at work in this folder{who and f' ({who})'}; wait until it ends, or choose "
        "another --out"
    ) from None
