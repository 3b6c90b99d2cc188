"""A constraint, mask, error or sampler that a problem file can name: the user's file and the name in it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class FromFile(Protocol):
    """A function that remembers the file it comes from.

    Attributes:
        text: ``"file.py:name"``.
        root: the folder that ``text`` starts from.
    """

    text: str
    root: Path
