"""The range of valid values that a NetCDF variable states: ``valid_range``, or ``valid_min`` and ``valid_max``.

By the conventions (CF 2.5.1; NetCDF User's Guide, Appendix A) values outside are missing. The limits of a packed variable
are in packed units, unless their type is wider than that of the storage: then they are in the unit of the values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.printable import one_line

LIMITS = ("valid_range", "valid_min", "valid_max")
# What unpacking in single precision adds to a value at a limit: far less than a step of what is packed.
STEP = 1e-3


def valid_range(variable: Any, what: str) -> tuple[float, float]:
    """Smallest and largest valid value, infinite where none is stated.

    Args:
        variable: of xarray, unpacked.
        what: file and column, for messages.

    Raises:
        BadInput: for a statement that is not one or two numbers: which values are missing is not known then.
    """
    attributes = {**variable.encoding, **variable.attrs}
    stated = {name: _numbers(attributes[name], name, what) for name in LIMITS if name in attributes}
    if not stated:
        return -math.inf, math.inf
    stored = np.dtype(variable.encoding.get("dtype") or variable.dtype)
    both = stated.get("valid_range")
    low = stated.get("valid_min") if both is None else both[:1]
    high = stated.get("valid_max") if both is None else both[1:]
    ends = [
        _unpacked(np.array([-math.inf]) if low is None else low, attributes, stored),
        _unpacked(np.array([math.inf]) if high is None else high, attributes, stored),
    ]
    room = STEP * abs(_number(attributes, "scale_factor", 1.0)) if _packed(attributes) else 0.0
    return min(ends) - room, max(ends) + room


def _packed(attributes: Mapping[str, Any]) -> bool:
    return "scale_factor" in attributes or "add_offset" in attributes


def _unpacked(limit: NDArray[Any], attributes: Mapping[str, Any], stored: np.dtype[Any]) -> float:
    """A limit in the unit of the values; a negative scale exchanges the two."""
    unsigned = str(attributes.get("_Unsigned", "")).lower() == "true"
    if unsigned and limit.dtype.kind == "i" and stored.kind in "iu":
        limit = limit.astype(f"i{stored.itemsize}").view(f"u{stored.itemsize}")
    if stored.kind == "f":  # 0.1 in double precision is below 0.1 in single precision
        limit = limit.astype(stored)
    value = float(limit[0])
    wider = limit.dtype.kind == "f" and stored.kind in "iu" and math.isfinite(value)
    if not _packed(attributes) or wider:
        return value
    return value * _number(attributes, "scale_factor", 1.0) + _number(attributes, "add_offset", 0.0)


def _number(attributes: Mapping[str, Any], name: str, otherwise: float) -> float:
    return float(np.ravel(attributes.get(name, otherwise))[0])


def _numbers(given: Any, name: str, what: str) -> NDArray[Any]:
    """The one number of a limit, or the two of a range.

    Raises:
        BadInput: when they are something else.
    """
    numbers, count = np.ravel(np.asarray(given)), 2 if name == "valid_range" else 1
    if numbers.dtype.kind not in "iuf" or len(numbers) != count or np.isnan(numbers).any():
        wanted = "two numbers" if count == 2 else "a number"
        raise BadInput(
            f"{what}: its attribute {name} must be {wanted}, got {one_line(str(given), 60)}; correct it, or take it out"
        )
    return numbers
