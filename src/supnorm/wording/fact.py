"""Something that follows from the numbers of a run."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.results.record import Field, Number, Record

Value = bool | int | Number | str


class Fact(Record):
    """A code and the values that its sentence names; the words come from a template.

    >>> Fact(code="sample-most", values={"plain": 0.03}).to_dict()
    {'code': 'sample-most', 'values': {'plain': 0.03}}
    """

    code: str = Field(description="the fact in a word")
    values: Mapping[str, Value] = Field(default={}, description="the numbers and names in its sentence")
