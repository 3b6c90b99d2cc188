"""Whether two references are the same code under two names: then the second one confirms nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from supnorm.problem import Function
from supnorm.problem.coded import code_of


def same_code(first: Function, second: Function) -> bool:
    """Whether both are one function: the same object, or the same file, function or command of a problem file.

    A flow or a root whose equation is solved a second time with other steps is another code than the first one. Two
    functions that call the same third one, or have the same text, are not noticed.

    >>> import numpy as np
    >>> sine = lambda x: np.sin(x[:, 0])
    >>> first, again = (Function(sine, name=name) for name in ("sine", "another"))
    >>> same_code(first, again), same_code(first, Function(lambda x: np.sin(x[:, 0])))
    (True, False)
    """
    codes = [code_of(function.value) or function.value for function in (first, second)]
    if first is second or (codes[0] is codes[1] and not _of_supnorm(codes[0])):
        return True
    origins = [function.origin for function in (first, second)]
    return None not in origins and _pathless(origins[0] or {}) == _pathless(origins[1] or {})


def _of_supnorm(code: Any) -> bool:
    """An equation that a solver of supnorm solves, whose accuracy is not part of the code."""
    return type(code).__module__.partition(".")[0] == "supnorm"


def _pathless(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with each path written alike: ``./x.py:f``, ``x.py:f`` and ``a/../x.py:f`` are the same."""
    return {key: _normal(value) for key, value in table.items()}


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return PurePath(os.path.normpath(value)).as_posix() if value else value
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value]
    return _pathless(value) if isinstance(value, Mapping) else value
