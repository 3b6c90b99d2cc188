"""The texts of a source in a problem file that name code: "file.py:name", wherever they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Keys of a source whose texts name code.
CODE = ("python", "root", "flow", "integral", "start", "between", "initial", "limits")


def is_code(value: Any) -> bool:
    """Whether a value of an equation names code; its other texts are names, such as "u" and "model".

    >>> is_code("heat.py:source"), is_code("u"), is_code(1.0)
    (True, False, False)
    """
    return isinstance(value, str) and ":" in value


def with_code(table: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A table of a source whose texts that name code, ``"file.py:name"``, are changed.

    >>> with_code({"root": "a.py:g", "between": [0.0, "b.py:top"], "name": "c"}, str.upper)
    {'root': 'A.PY:G', 'between': [0.0, 'B.PY:TOP'], 'name': 'c'}
    """

    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [changed(v) for v in value]
        return change(value) if isinstance(value, str) else value

    return {k: changed(v) if k in CODE else v for k, v in table.items()}


def with_formulas(table: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A table of an equation whose texts that name code are changed, wherever they stand.

    >>> with_formulas({"velocity": ["u", "a.py:b"], "boundary": 0.0}, str.upper)
    {'velocity': ['u', 'A.PY:B'], 'boundary': 0.0}
    """

    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [changed(v) for v in value]
        if isinstance(value, Mapping):
            return {k: changed(v) for k, v in value.items()}
        return change(value) if is_code(value) else value

    return {k: changed(v) for k, v in table.items()}


def code_in(table: Mapping[str, Any]) -> list[str]:
    """The texts of a table of a source that name code.

    >>> code_in({"root": "a.py:g", "between": [0.0, "b.py:top"]})
    ['a.py:g', 'b.py:top']
    """
    return _noted(with_code, table)


def formulas_in(table: Mapping[str, Any]) -> list[str]:
    """The texts of a table of an equation that name code.

    >>> formulas_in({"kind": "Heat", "initial": "a.py:start"})
    ['a.py:start']
    """
    return _noted(with_formulas, table)


def _noted(
    walk: Callable[[Mapping[str, Any], Callable[[str], str]], Any], table: Mapping[str, Any]
) -> list[str]:
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    walk(table, note)
    return texts
