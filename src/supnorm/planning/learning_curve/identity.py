"""What the trainings in a file are of: a function (or table), a seed and a tool.

A file outlives the program that wrote it, and trainings of another function would be taken for those of this one. A function
has no name that could be trusted, so a few of its values stand for it. Of a user's own trainer only the file on the command
line is known (`supnorm.cli.budget`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
POINTS = 4  # at which two functions that differ on a hundredth of the domain or less may agree
DIGITS = 9  # of values: another processor may round the last ones differently


def of_function(f: Callable[[Array], Array], d: int, trainer: Any, seed: int) -> str:
    """Twelve hexadecimal digits for a function on the unit cube, ``(n, d) -> (n,)``, which is called at four points.

    >>> of_function(np.sum, 2, None, 0) == of_function(np.sum, 2, None, 1)
    False
    """
    values = f(np.random.default_rng(POINTS).random((POINTS, d)))
    return _digest([f"{v:.{DIGITS}g}" for v in np.ravel(values).tolist()], trainer, seed)


def of_table(x: Array, y: Array, trainer: Any, seed: int) -> str:
    """The same for a table."""
    return _digest([hashlib.sha256(part.tobytes()).hexdigest() for part in (x, y)], trainer, seed)


def _digest(words: list[str], trainer: Any, seed: int) -> str:
    tool = repr(trainer) if is_dataclass(trainer) else ""
    tool = "" if " at 0x" in tool else tool  # an address is of one program
    return hashlib.sha256(repr((words, tool, seed)).encode()).hexdigest()[:12]
