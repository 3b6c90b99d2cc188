"""Something that follows from the numbers of a run."""

from __future__ import annotations

from typing import Any

from supnorm.results.parts import Fact, Sentence, Value

__all__ = ["Fact", "Sentence", "Value", "fact"]


def fact(code: str, /, **values: Any) -> Fact:
    """A fact from its code and the values of its sentence; those that are None are left out.

    >>> fact("sample-most", plain=0.03)
    Fact(code='sample-most', values={'plain': 0.03})
    """
    return Fact(code=code, values={k: v for k, v in values.items() if v is not None})
