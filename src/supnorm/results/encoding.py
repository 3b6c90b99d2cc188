"""JSON in and out.

JSON has no infinity: a non-finite error is written as the string ``"inf"`` or ``"-inf"``, and "no value"
(NaN) as ``null``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from supnorm.results.printable import in_json


def to_json(value: Any) -> Any:
    """Turn numbers, arrays, tuples and mappings into what the ``json`` module writes strictly.

    >>> to_json({"sup": float("inf"), "x": np.array([1.0, np.nan])})
    {'sup': 'inf', 'x': [1.0, None]}
    """
    kind = type(value)
    if (
        (kind is float and math.isfinite(value))
        or kind is str
        or kind is int
        or kind is bool
        or value is None
    ):
        return value  # nearly all of a record
    if (kind is list or kind is tuple) and {*map(type, value)} == {float} and all(map(math.isfinite, value)):
        return [*value]
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        plain = value.dtype.kind in "biu" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
        return value.tolist() if plain else to_json(value.tolist())
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        if math.isinf(number):
            return "inf" if number > 0 else "-inf"
        return number
    return value


def from_json(value: Any) -> float:
    """Read back one number that `to_json` wrote.

    >>> from_json("inf"), from_json(2)
    (inf, 2.0)
    """
    return math.nan if value is None else float(value)


def dumps(value: Any) -> str:
    """JSON text of ``value`` that can be printed; never the non-standard ``NaN`` or ``Infinity``."""
    return in_json(json.dumps(to_json(value), allow_nan=False, ensure_ascii=False, indent=1))
