"""The working folder, from which relative paths start: code of the user's may change it in the middle of a run."""

from __future__ import annotations

import os
from pathlib import Path

from supnorm.results.status import BadInput


def working_folder() -> str:
    """The working folder; empty if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def demand_same_folder(began_in: str, path: Path) -> None:
    """Check that a relative path still names the same file; otherwise go back, for all that is written until the end.

    Args:
        began_in: the working folder when the path was given.
        path: the path.

    Raises:
        BadInput: when the working folder is another one, where the path names another file.

    >>> demand_same_folder(working_folder(), Path("run"))
    """
    if path.is_absolute() or not began_in or (now := working_folder()) == began_in:
        return
    os.chdir(began_in)
    raise BadInput(
        f"the problem's code has changed the working folder from {began_in} to {now or 'one that has vanished'} "
        f"(os.chdir), where {path} is another file: take that out of the code, or give absolute paths"
    )
