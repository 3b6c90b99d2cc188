"""A constraint, mask, error or sampler from a user's file, which a problem file can name again."""

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
