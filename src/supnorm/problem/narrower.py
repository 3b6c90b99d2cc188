"""Numbers of two files of which one has them in single precision: they are compared there, where that is safe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = (["", "float16"], ["", "float32"])  # pairs of types, sorted; a number in double precision has no name


def narrower_of(kinds: Sequence[str]) -> str:
    """The narrower of two types of numbers, by their names; empty where both are the same, or double precision is not one.

    >>> narrower_of(["", "float32"]), narrower_of(["float32", "float32"])
    ('float32', '')
    """
    return "".join(kinds) if sorted(kinds) in KINDS else ""


def in_narrower(columns: Sequence[NDArray[Any]], kind: Any) -> list[NDArray[Any]] | None:
    """Columns of numbers in a narrower type; None where two different numbers of a column would become one.

    >>> in_narrower([np.array([0.1, 0.2])], "float32"), in_narrower([np.array([1.0, 1.0 + 1e-9])], "float32")
    ([array([0.1, 0.2], dtype=float32)], None)
    """
    with np.errstate(over="ignore", under="ignore"):
        narrow = [column.astype(kind) for column in columns]
    distinct = all(len(np.unique(n)) == len(np.unique(c)) for n, c in zip(narrow, columns, strict=True))
    return narrow if distinct else None
