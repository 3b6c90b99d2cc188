"""JSON in and out, and files that appear whole or not at all.

JSON has no infinity: a non-finite error is written as the string ``"inf"`` or ``"-inf"``, and "no value"
(NaN) as ``null``.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.results.printable import in_json


def to_json(value: Any) -> Any:
    """Turn numbers, arrays, tuples and mappings into what the ``json`` module writes strictly.

    >>> to_json({"sup": float("inf"), "x": np.array([1.0, np.nan])})
    {'sup': 'inf', 'x': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
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


def write_whole(path: Path | str, content: str | bytes) -> None:
    """Write a file so that it appears whole or not at all (temporary file, fsync, rename)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
