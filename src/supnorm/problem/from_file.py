"""What a problem file can name of a constraint, mask, error or sampler: the user's file and the name in it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class FromFile(Protocol):
    """A function that remembers where it is from.

    Attributes:
        text: ``"file.py:name"``.
        root: the folder that ``text`` starts from.
    """

    text: str
    root: Path
