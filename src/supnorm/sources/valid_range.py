"""What a variable of a NetCDF file calls missing beyond what xarray masks: values outside of ``valid_range``, or of
``valid_min`` and ``valid_max``, and the default fill value of its type.

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
# What unpacking in single precision may add to a value, in steps of what is packed and relative to its parts.
STEP, SINGLE = 1e-3, 1e-6
# The default fill values of the NetCDF library (NC_FILL_SHORT, .. of its header); there is none for bytes.
FILLS = {
    "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295, "i8": -9223372036854775806,
    "u8": 18446744073709551614, "f4": 9.969209968386869e36, "f8": 9.969209968386869e36,
}  # fmt: skip
NAMED = ("_FillValue", "missing_value")


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
    low_end, high_end = min(ends), max(ends)
    return low_end - _room(low_end, attributes), high_end + _room(high_end, attributes)


def default_fill(variable: Any) -> tuple[float, float] | None:
    """The default fill value of a variable's type, unpacked, and by how much values may differ from it.

    The library writes it where nothing else was written. It counts as missing if the file names no other fill value; the
    reader masks only fill values that the file names. None for a variable that names one, and for bytes.
    """
    attributes = {**variable.encoding, **variable.attrs}
    stored = np.dtype(variable.encoding.get("dtype") or variable.dtype)
    fill = FILLS.get(f"{stored.kind}{stored.itemsize}")
    if fill is None or any(name in attributes for name in NAMED):
        return None
    if stored.kind == "i" and str(attributes.get("_Unsigned", "")).lower() == "true":
        fill %= 2 ** (8 * stored.itemsize)
    if not _packed(attributes):
        return fill, 0.0
    value = fill * _number(attributes, "scale_factor", 1.0) + _number(attributes, "add_offset", 0.0)
    return value, _room(value, attributes)


def _room(value: float, attributes: Mapping[str, Any]) -> float:
    """What unpacking may add to a value: never more than half of a step."""
    if not _packed(attributes) or not math.isfinite(value):
        return 0.0
    step = abs(_number(attributes, "scale_factor", 1.0))
    rounding = SINGLE * (abs(value) + abs(_number(attributes, "add_offset", 0.0)))
    return min(STEP * step + rounding, step / 2)


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
