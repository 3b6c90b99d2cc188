"""The progress of an audit of fields, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldsPlanned:
    """So many pairs of fields of so many bytes will be compared."""

    pairs: int
    bytes: int
    variables: int


@dataclass(frozen=True)
class FieldsCompared:
    """``done`` of ``total`` pairs of fields are compared."""

    done: int
    total: int
