"""The reasons to refuse a certificate, and readers of numbers that do not trust its text."""

from __future__ import annotations

import struct
from typing import Any

MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class TooCostly(Exception):
    """A certificate whose proof would take more than the limits; this says nothing about whether it is true."""


class WorkerFault(Exception):
    """A worker has not done what it was asked for; this says nothing about whether a certificate is true."""


class Rejected(Exception):
    """The certificate does not prove what it claims; ``leaf`` is the leaf whose claim failed, if it was one."""

    def __init__(self, reason: str, leaf: int | None = None) -> None:
        super().__init__(reason, leaf)
        self.leaf = leaf

    def __str__(self) -> str:
        return str(self.args[0])


def exact(text: str) -> float:
    """A number from its hexadecimal text, which must be in normal form: reading could round any other text."""
    value = float.fromhex(text)
    if value.hex() != text:
        raise ValueError(f"{ascii(text)[:40]} is not a hexadecimal float in its normal form")
    return value


def hexes(values: list[str]) -> tuple[float, ...]:
    """Numbers, each read by `exact`."""
    return tuple(map(exact, values))


def whole(value: Any) -> int:
    """A whole number as JSON writes it: no 1.9, "2" or true."""
    if type(value) is not int:
        raise ValueError(f"{ascii(value)[:40]} is not a whole number")
    return value


def wholes(values: list[Any]) -> tuple[int, ...]:
    """Whole numbers, each read by `whole`."""
    return tuple(map(whole, values))


def sizes(values: list[Any]) -> tuple[int, ...]:
    """Degrees and grids: whole numbers that are small enough to be shown in a message."""
    whole = wholes(values)
    if not all(abs(v) < 2**63 for v in whole):
        raise ValueError("a degree or grid beyond 2^63")
    return whole


def number(value: Any) -> float:
    """A number as JSON writes it: no text, no true."""
    if type(value) not in (int, float):
        raise ValueError(f"{ascii(value)[:40]} is not a number")
    return float(value)
