"""The texts of a source in a problem file that name code: "file.py:name", wherever they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CODE = ("python", "root", "start", "between")  # keys of a source whose texts name code


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


def code_in(table: Mapping[str, Any]) -> list[str]:
    """The texts of a table of a source that name code.

    >>> code_in({"root": "a.py:g", "between": [0.0, "b.py:top"]})
    ['a.py:g', 'b.py:top']
    """
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    with_code(table, note)
    return texts
