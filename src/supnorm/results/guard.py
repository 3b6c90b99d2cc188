"""What a file that a user names may be and may take: a regular file, its size, the memory for reading it, its depth.

A file can be a pipe that never ends, a device, a bomb that unpacks to terabytes, nested a million deep, or claim a
shape that no memory holds. `supnorm.results.door` reads files behind this guard.

The memory is limited twice. If a header states how much memory the file needs, a file that needs too much is refused
before anything is allocated (`demand_memory`). For readers of other packages, the operating system refuses this process
the memory (the soft limit ``RLIMIT_DATA`` while the file is read); on systems without this limit (Windows, macOS) only
the first one holds.

Limits (docs/problem.md): `LARGEST` for the size of text files; `ALLOWED` bytes, or eight times the size of the
file where that is more, for what reading may take. ``SUPNORM_READ_GB`` raises both.
"""

from __future__ import annotations

import os
import stat
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from supnorm.results.printable import first_line, one_line
from supnorm.results.status import BadInput

ALLOWED = 1_000_000_000  # bytes that reading any one file may take
TIMES = 8  # or so many times the size of the file
LARGEST = {
    "problem": 2_000_000,
    "json": 64_000_000,
    "table": 4_000_000_000,
    "python": 10_000_000,
}  # bytes of files that are read as a whole
DEPTH = 60  # of lists and tables inside each other
SETTING = "SUPNORM_READ_GB"
_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISSOCK, "is a socket"),
)
NO_MEMORY = (
    "bad_alloc",
    "bad allocation",
    "can't allocate memory",
    "cannot allocate memory",
    "failed to allocate memory",
)
_LEAVES = frozenset({float, int, str, bool, type(None)})
_lock = threading.RLock()
_inside = 0  # how many doors are open: the outermost sets the limit of memory


def setting() -> float | None:
    """Gigabytes that the user allows for reading one file, None without the setting.

    Raises:
        BadInput: when it is not a number above 0.
    """
    given = os.environ.get(SETTING)
    if not given:
        return None
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < 1e6:
        raise BadInput(f"{SETTING} must be a number of gigabytes above 0, got {one_line(given, 40)!r}")
    return gigabytes


def allowed(size: int, most: int = ALLOWED, times: int = TIMES) -> int:
    """Bytes that reading a file of ``size`` bytes may take: ``most``, or ``times`` its size where that is more (half of
    the machine's memory at most)."""
    own = setting()
    return max(most if own is None else int(own * 1e9), min(times * size, _half_of_the_memory()))


def _half_of_the_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):  # systems that do not report their memory
        return 8_000_000_000


def exists(path: Path) -> bool:
    """Whether anything is there; False for names that no file can have.

    >>> exists(Path("a" * 5000)), exists(Path("a" + chr(0)))
    (False, False)
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def demand_name(path: Path | str, what: str = "") -> None:
    """Check that a name is UTF-8 text, because results, pages and problem files contain it.

    Raises:
        BadInput: when it is not.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadInput(f"{one_line(what or str(path))}: its name is not UTF-8 text; rename it") from None


def demand_file(path: Path, what: str = "", largest: int | None = None, missing: str = "") -> int:
    """Check that ``path`` is a regular file of at most ``largest`` bytes; returns its size.

    Args:
        what: how messages name it; the path by default.
        missing: what to do when nothing is there, such as ``"; give the path of a problem file"``.

    Raises:
        BadInput: when it is anything else.
    """
    what = what or str(path)
    demand_name(path, what)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise BadInput(f"{what}: no such file{missing}") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{what} cannot be read: {cause(error)}") from None
    if not stat.S_ISREG(found.st_mode):
        kind = next((said for test, said in _KINDS if test(found.st_mode)), "is no regular file")
        raise BadInput(f"{what}: cannot be read: it {kind}; give a regular file")
    most = None if largest is None else max(largest, int((setting() or 0.0) * 1e9))
    if most is not None and found.st_size > most:
        raise BadInput(
            f"{what} has {found.st_size / 1e6:,.0f} MB, more than the {most / 1e6:,.0f} MB that such a file may have; "
            f"{SETTING}=1 in the environment allows 1 GB"
        )
    return found.st_size


def demand_memory(asked: float, size: int, what: str) -> None:
    """Check that the memory a header asks for is within the limit for reading.

    Args:
        asked: bytes.
        size: of the file, bytes.

    Raises:
        BadInput: when it is not.

    >>> demand_memory(8e12, 1000, "bomb.npz")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    supnorm.results.status.BadInput: bomb.npz asks for 8,000 GB, more than the 1 GB that reading it may take; ...
    """
    most = allowed(size)
    if not 0 <= asked <= most:
        raise BadInput(
            f"{what} asks for {_gigabytes(asked)}, more than the {_gigabytes(most)} that reading it may take; "
            f"{SETTING}=4 in the environment allows more"
        )


def demand_unpacked(archive: zipfile.ZipFile, size: int, what: str) -> None:
    """Check that the unpacked size of an archive is within the limit for reading, and that no two members have one name.

    Of two members with one name, some programs read the first and others the last.

    Raises:
        BadInput: when it is not so.
    """
    names = Counter(member.filename for member in archive.infolist())
    if twice := [name for name, count in names.items() if count > 1]:
        raise BadInput(f"{what} has {twice[0][:60]!r} twice".lstrip())
    demand_memory(sum(member.file_size for member in archive.infolist()), size, what)


def _gigabytes(size: float) -> str:
    return (
        f"{size / 1e9:,.3g} GB" if size < 1e12 else f"{size / 1e9:,.0f} GB" if size < 1e18 else "over 1e9 GB"
    )


def demand_no_null(value: Any) -> None:
    """Check that no string in lists and tables, including keys, holds a null character, which would end a file name.

    Raises:
        ValueError: when one does.

    >>> demand_no_null({"a": ["b", chr(0)]})
    Traceback (most recent call last):
    ...
    ValueError: a string holds a null character
    """
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str) and "\0" in part:
            raise ValueError("a string holds a null character")
        if isinstance(part, Mapping):
            todo += [*part, *part.values()]
        elif isinstance(part, list):
            todo += part


def demand_depth(value: Any, most: int = DEPTH) -> None:
    """Check that lists and tables are not nested deeper than ``most``.

    Raises:
        RecursionError: when they are.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > most:
            raise RecursionError
        level = [
            child
            for parent in level
            if isinstance(parent, list | Mapping)
            for child in (parent.values() if isinstance(parent, Mapping) else parent)
            # Nearly all are numbers and text; to ask an abstract class of each took two thirds of reading a result.
            if type(child) not in _LEAVES and isinstance(child, list | Mapping)
        ]


def cause(error: BaseException) -> str:
    """The reason that an exception gives, in a few printable words.

    >>> cause(KeyError("axes")), cause(RecursionError()), cause(ValueError("first\\nsecond"))
    ("it has no 'axes'", 'it is nested too deeply', 'first')
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if wants_memory(error):
        return f"it asks for more memory than reading it may take; {SETTING}=4 in the environment allows 4 GB"
    if isinstance(error, KeyError) and error.args:
        return f"it has no {one_line(repr(error.args[0]), 80)}"
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror, 160)
    return first_line(error)


def wants_memory(error: BaseException) -> bool:
    """Whether memory was refused, by Python or by a library with its own message."""
    if isinstance(error, MemoryError):
        return True
    words = str(error)[:4000].lower() if isinstance(error, RuntimeError) or "onnx" in str(type(error)) else ""
    return any(word in words for word in NO_MEMORY)


@contextmanager
def memory_bounded(more: int) -> Iterator[None]:
    """A context in which this process may take ``more`` further bytes; beyond them allocating raises `MemoryError`.

    The outermost context sets the limit for all inner ones and for all threads. Without ``RLIMIT_DATA`` nothing is limited.
    """
    global _inside
    try:
        import resource

        has = _data_size()
    except (ImportError, OSError, ValueError, StopIteration):
        yield
        return
    with _lock:
        _inside += 1
        outermost = _inside == 1
        before = resource.getrlimit(resource.RLIMIT_DATA)
        if outermost:
            ends = [v for v in (*before, has + more) if v != resource.RLIM_INFINITY]
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_DATA, (min(ends), before[1]))
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if outermost:
                with suppress(OSError, ValueError):
                    resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_size() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
