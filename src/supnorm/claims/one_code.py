"""Whether two references are the same code under two names: then the second one confirms nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from supnorm.problem import Function
from supnorm.problem.coded import code_of

Seen = frozenset[tuple[int, int]]


# Keys of a source that say how it is called, and not what its values are.
CALLING = frozenset({"name", "timeout", "retries", "batch", "output_units", "per_point"})


def same_code(first: Function, second: Function, root: Path) -> bool:
    """Whether both are one function: the same object, file, command or Python code, under whatever name.

    Python code is the same if it has the same instructions, and if all that it names is the same: a copy of a file, a link
    to it and an import from it are noticed. A flow or a root whose equation is solved a second time with other steps is
    another code than the first one. Two functions of other code that call the same third one are not noticed.

    ``root``: the folder of the problem file, from which their paths start.

    >>> import numpy as np
    >>> sine, again, cosine = lambda x: np.sin(x[:, 0]), lambda x: np.sin(x[:, 0]), lambda x: np.cos(x[:, 0])
    >>> [same_code(Function(sine), Function(other), Path()) for other in (again, cosine)]
    [True, False]
    """
    codes = [_bare(code_of(function.value) or function.value) for function in (first, second)]
    if first is second or (not _of_supnorm(codes[0]) and _alike(codes[0], codes[1])):
        return True
    origins = [function.origin for function in (first, second)]
    return None not in origins and _values_of(origins[0] or {}, root) == _values_of(origins[1] or {}, root)


def _bare(code: Any) -> Any:
    """Without wrappers that only call what they hold.

    >>> _bare(partial(np.vectorize(abs))), _bare(partial(pow, 2))
    (<built-in function abs>, functools.partial(<built-in function pow>, 2))
    """
    while True:
        if isinstance(code, partial) and not code.args and not code.keywords:
            code = code.func
        elif isinstance(code, np.vectorize):
            code = code.pyfunc
        else:
            return code


def _of_supnorm(code: Any) -> bool:
    """An equation that a solver of supnorm solves, whose accuracy is not part of the code."""
    return type(code).__module__.partition(".")[0] == "supnorm"


def _alike(one: Any, two: Any, seen: Seen = frozenset()) -> bool:
    """Whether two objects are one, or functions and plain values that compute the same."""
    pair = (id(one), id(two))
    if one is two or pair in seen:
        return True
    if type(one) is not type(two):
        return False
    seen |= {pair}
    if isinstance(one, FunctionType):
        if not _same_instructions(one.__code__, two.__code__):
            return False
        return all(_alike(a, b, seen) for a, b in zip(_used(one), _used(two), strict=True))
    if isinstance(one, ModuleType):
        files = [
            os.path.realpath(getattr(module, "__file__", None) or module.__name__) for module in (one, two)
        ]
        return files[0] == files[1]
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(_alike(a, b, seen) for a, b in zip(one, two, strict=True))
    if isinstance(one, int | float | complex | str | bytes):
        return bool(one == two)
    return False


def _same_instructions(one: CodeType, two: CodeType) -> bool:
    """Whether two codes do the same with what they name, wherever they stand."""
    names = (
        "co_code",
        "co_names",
        "co_argcount",
        "co_kwonlyargcount",
        "co_flags",
        "co_freevars",
        "co_exceptiontable",
    )
    if any(getattr(one, name, None) != getattr(two, name, None) for name in names):
        return False
    return len(one.co_consts) == len(two.co_consts) and all(
        _same_instructions(a, b)
        if isinstance(a, CodeType) and isinstance(b, CodeType)
        else repr(a) == repr(b)
        for a, b in zip(one.co_consts, two.co_consts, strict=True)
    )


def _used(function: FunctionType) -> list[Any]:
    """What a function uses beside its arguments: defaults, variables around it, and names of its module."""
    cells = [_held(cell) for cell in function.__closure__ or ()]
    given = [function.__defaults__, sorted((function.__kwdefaults__ or {}).items())]
    return [*given, *cells, *(function.__globals__.get(name) for name in _names(function.__code__))]


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it
        return None


def _names(code: CodeType) -> list[str]:
    inner = [name for const in code.co_consts if isinstance(const, CodeType) for name in _names(const)]
    return [*code.co_names, *inner]


def _values_of(table: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """What decides the values of a source, with each path written alike: ``./x.py:f``, ``a/../x.py:f`` and links are one."""
    return {key: _plain(value, root) for key, value in table.items() if key not in CALLING}


def _plain(value: Any, root: Path) -> Any:
    if isinstance(value, str):
        file, colon, name = value.partition(":")
        return os.path.realpath(root / file) + colon + name if file and (root / file).exists() else value
    if isinstance(value, list | tuple):
        return [_plain(v, root) for v in value]
    return _values_of(value, root) if isinstance(value, Mapping) else value
