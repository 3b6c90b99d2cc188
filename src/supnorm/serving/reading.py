"""Reads the points of a request. What is wrong with one row is a fault of this row; what is wrong with all is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.results.printable import one_line

Array = NDArray[np.float64]
KEYS = ("x", "fallback")


class Refused(Exception):
    """A request that is refused as a whole.

    Attributes:
        code: of HTTP.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Points(NamedTuple):
    """The points of a request.

    Attributes:
        x: points ``(n, d)``; NaN in rows that are no points.
        faults: by the number of a row, what is wrong with it.
        fallback: whether the reference is asked for refused rows.
    """

    x: Array
    faults: dict[int, str]
    fallback: bool


def read_points(body: bytes, names: Sequence[str], most: int) -> Points:
    """The points in the JSON text of a request.

    Args:
        body: ``{"x": [[1.0, 2.0], ...]}`` or ``{"x": {"T": [1.0, ...], "p": [2.0, ...]}}``, and optionally ``"fallback"``.
        names: of the inputs, in order.
        most: number of rows.

    Raises:
        Refused: for a body that is no such object, or too many rows.

    >>> points = read_points(b'{"x": [[1, 2], [3, null], [4]]}', ("T", "p"), 10)
    >>> points.x[0].tolist(), points.faults
    ([1.0, 2.0], {1: 'not a number: p', 2: 'not a row of 2 numbers'})
    """
    try:
        given = json.loads(body, object_pairs_hook=_without_repeats, parse_int=_whole)
    except RecursionError:
        raise Refused(400, "the body is nested too deeply") from None
    except ValueError as error:  # also bytes that are no text
        raise Refused(400, f"the body is no JSON: {one_line(str(error), 120)}") from None
    if not isinstance(given, dict):
        raise Refused(400, 'the body must be an object, such as {"x": [[..]]}')
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise Refused(400, f"the body has {one_line(repr(unknown[0]), 60)}; known are x and fallback")
    fallback = given.get("fallback", True)
    if not isinstance(fallback, bool):
        raise Refused(400, "fallback must be true or false")
    rows = _rows(given.get("x"), names, most)
    x, faults = np.full((len(rows), len(names)), np.nan), {}
    for k, row in enumerate(rows):
        fault = _read_row(row, names, x[k])
        if fault:
            x[k], faults[k] = np.nan, fault
    return Points(x, faults, fallback)


def _whole(digits: str) -> float:
    """A whole number; Python refuses thousands of digits, and with them the other rows of the body."""
    return int(digits) if len(digits) < 400 else float(digits)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys are different: of two equal ones the first would be dropped in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refused(400, f"the body has {one_line(repr(key), 60)} twice; give each key once")
        found[key] = value
    return found


def _rows(x: Any, names: Sequence[str], most: int) -> Sequence[Any]:
    wanted = f"x must be a list of rows of {len(names)} numbers, or an object with a list for each of {', '.join(names)}"
    if isinstance(x, dict):
        foreign, missing = [key for key in x if key not in names], [name for name in names if name not in x]
        if foreign:
            raise Refused(400, f"x has {one_line(repr(foreign[0]), 60)}, which is no input; {wanted}")
        if missing:
            raise Refused(400, f"x lacks {', '.join(missing)}; {wanted}")
        if plain := [name for name in names if not isinstance(x[name], list)]:
            raise Refused(400, f"{plain[0]} in x is no list; {wanted}")
        lengths = sorted({len(column) for column in x.values()})
        if len(lengths) > 1:
            raise Refused(
                400, f"the lists of x must have the same length, got {lengths[0]} and {lengths[-1]}"
            )
        _demand_few(lengths[0], most)
        return list(zip(*(x[name] for name in names), strict=True))
    if not isinstance(x, list):
        raise Refused(400, wanted)
    _demand_few(len(x), most)
    return x


def _demand_few(rows: int, most: int) -> None:
    if rows > most:
        raise Refused(413, f"{rows} rows, at most {most} are answered at once; send them in parts")


def _read_row(row: Any, names: Sequence[str], out: Array) -> str:
    """Fill a row; what is wrong with it, or nothing."""
    if not isinstance(row, list | tuple) or len(row) != len(names):
        return f"not a row of {len(names)} numbers"
    wrong = [name for name, value in zip(names, row, strict=True) if type(value) not in (float, int)]
    if wrong:
        return f"not a number: {', '.join(wrong)}"
    for i, value in enumerate(row):
        try:
            out[i] = value
        except OverflowError:  # a whole number that no float holds
            out[i] = math.inf
    wrong = [name for name, value in zip(names, out, strict=True) if not math.isfinite(value)]
    return f"not finite: {', '.join(wrong)}" if wrong else ""
