"""Keeps bytecode from running that may be older than its source.

Python takes bytecode in ``__pycache__`` for that of a source of the same size and the same time in whole seconds.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import source_from_cache
from pathlib import Path

from supnorm.foreign import is_foreign
from supnorm.problem.fingerprint import SETTLED
from supnorm.sources.unnamed_files import Folders, imported

_HOOKED: list[bool] = []


def hide_stale_bytecode() -> None:
    """Have all loaders of this process compile a source whose bytecode may be older; installed packages keep theirs."""
    if not _HOOKED:
        sys.addaudithook(_hook)  # it cannot be removed
        _HOOKED.append(True)


def forget_bytecode(programs: Sequence[Path]) -> None:
    """Remove the bytecode of Python programs, and of what they import from their folders, before they are started.

    An interpreter of its own would run it instead of a source of the same size and time. Folders that nobody may write to
    keep theirs.
    """
    for file in imported(programs, Folders.of(programs)):
        for old in (file.parent / "__pycache__").glob(f"{glob.escape(file.stem)}.*.pyc"):
            with suppress(OSError):
                old.unlink()


def _hook(event: str, given: tuple[object, ...]) -> None:
    """An audit hook by which loaders find no bytecode that may be of an older source (`_doubtful`); then they compile.

    Raises:
        FileNotFoundError: which `importlib` and pytest answer with the source.
    """
    if (
        event != "open"
        or not isinstance(given[0], str)
        or not given[0].endswith(".pyc")
        or "w" in str(given[1])
    ):
        return
    file = os.path.abspath(given[0])
    if not is_foreign(file) and os.path.basename(os.path.dirname(file)) == "__pycache__" and _doubtful(file):
        raise FileNotFoundError(file)


def _doubtful(bytecode: str) -> bool:
    """Whether the source may have been written again after it was compiled: within a second no time shows this."""
    try:
        source, compiled = os.stat(source_from_cache(bytecode)), os.stat(bytecode)
    except (OSError, ValueError):
        return False
    return compiled.st_mtime_ns - max(source.st_mtime_ns, source.st_ctime_ns) < SETTLED
