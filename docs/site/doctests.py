"""Examples in docstrings as code: docstrings write them bare, where Markdown takes ``>>>`` for a quotation."""

from __future__ import annotations

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"^( *)>>> .*(?:\n\1(?! *$).+)*", re.M)


class Doctests(griffe.Extension):
    """Puts each example of a docstring between fences."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change one docstring."""
        if obj.docstring:
            obj.docstring.value = DOCTEST.sub(fenced, obj.docstring.value)


def fenced(example: re.Match[str]) -> str:
    """An example with its fences, indented as it is."""
    return f"\n{example[1]}```pycon\n{example[0]}\n{example[1]}```"
