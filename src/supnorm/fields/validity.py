"""Which values of a variable its attributes declare missing, beyond those that xarray masks.

By the CF conventions (2.5.1) and the NetCDF User's Guide (Attribute Conventions) a value outside of ``valid_range``, or of
``valid_min`` and ``valid_max``, is missing, and so is the default fill value of its type where a NetCDF file names no other.
xarray masks neither; netCDF4-python masks both, as is done here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.scan import unmasked
from supnorm.results import BadInput
from supnorm.results.printable import one_line

# What the NetCDF library writes where nothing was written (netcdf.h, NC_FILL_*); bytes have none that is masked.
DEFAULT_FILL = {
    "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295, "i8": -9223372036854775806,
    "u8": 18446744073709551614, "f4": 9.969209968386869e36, "f8": 9.969209968386869e36,
}  # fmt: skip
RANGE = ("valid_range", "valid_min", "valid_max")
FILLS = ("_FillValue", "missing_value")
ZARR = ("compressors", "compressor", "filters")  # keys of an encoding that only Zarr has


@dataclass(frozen=True)
class Validity:
    """What counts as missing, in the numbers that xarray returns.

    Attributes:
        low, high: values outside are missing; infinite where there is no limit.
        fills: values that are missing.
        slack: values differ by rounding from what they were stored as: half a step of packed numbers, or 0.
    """

    low: float
    high: float
    fills: tuple[float, ...]
    slack: float

    def __bool__(self) -> bool:
        """Whether anything is declared missing."""
        return bool(self.fills) or math.isfinite(self.low) or math.isfinite(self.high)

    def missing(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Where values are declared missing; what is NaN is missing already and not counted.

        >>> Validity(0.0, 1.0, (9.0,), 0.0).missing(np.array([0.5, -1.0, np.nan, 9.0, 1.0])).tolist()
        [False, True, False, True, False]
        """
        kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
        with np.errstate(over="ignore"):
            low, high, *fills = (np.asarray(v).astype(kind) for v in (self.low, self.high, *self.fills))
        found = np.zeros(values.shape, dtype=bool)
        if math.isfinite(self.low):
            found |= values < low - self.slack
        if math.isfinite(self.high):
            found |= values > high + self.slack
        for fill in fills:
            found |= np.abs(values - fill) <= self.slack if self.slack else values == fill
        return found


ALL_VALID = Validity(-math.inf, math.inf, (), 0.0)


def without(values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """The values with NaN where they are missing; whole numbers become floating point ones only then."""
    if not missing.any():
        return values
    return unmasked(np.ma.masked_array(values, missing))


def validity_of(variable: Any, what: str) -> tuple[Validity, list[str]]:
    """What the attributes of an `xarray.DataArray` declare missing, and notes about those that cannot be read.

    Limits of packed numbers are packed themselves, unless they have the type of the scale or are no whole numbers, as the
    NetCDF User's Guide says.
    """
    attributes, encoding = variable.attrs, variable.encoding
    stored = np.dtype(encoding.get("dtype") or variable.dtype)
    packing = _Packing.of(encoding, stored)
    notes: list[str] = []
    low, high = -math.inf, math.inf
    for name in RANGE:
        if name not in attributes or (name != "valid_range" and "valid_range" in attributes):
            continue
        given = _numbers(attributes[name], 2 if name == "valid_range" else 1)
        if given is None:
            text = one_line(str(attributes[name]), 40)
            notes.append(f"The attribute {name} of the {what} ({text}) cannot be read and was ignored.")
            continue
        ends = packing.unpacked(given)
        if name == "valid_range":
            low, high = min(ends), max(ends)
        elif (name == "valid_min") == (packing.scale > 0):
            low = ends[0]
        else:
            high = ends[0]
    fills = tuple(_undecoded(attributes))
    if not fills and not any(name in encoding for name in FILLS) and _from_netcdf(encoding):
        fill = DEFAULT_FILL.get(f"{'u' if packing.unsigned else stored.kind}{stored.itemsize}")
        fills = () if fill is None else (packing.scale * fill + packing.offset,)
    slack = abs(packing.scale) / 2 if packing.packed else 0.0
    return Validity(low, high, fills, slack), notes


@dataclass(frozen=True)
class _Packing:
    """How numbers are stored: ``scale`` times a stored number, plus ``offset``."""

    scale: float
    offset: float
    stored: np.dtype[Any]
    wide: np.dtype[Any] | None
    unsigned: bool

    @classmethod
    def of(cls, encoding: Any, stored: np.dtype[Any]) -> _Packing:
        given = [np.asarray(encoding[k]).ravel()[:1] for k in ("scale_factor", "add_offset") if k in encoding]
        scale, offset = (
            float(np.ravel(encoding.get(k, default))[0])
            for k, default in (("scale_factor", 1.0), ("add_offset", 0.0))
        )
        unsigned = str(encoding.get("_Unsigned", "")).lower() == "true" and stored.kind in "iu"
        return cls(scale, offset, stored, np.result_type(*given) if given else None, unsigned)

    @property
    def packed(self) -> bool:
        """Whether stored numbers are whole and returned ones are not."""
        return self.wide is not None and self.stored.kind in "iu"

    def unpacked(self, given: NDArray[Any]) -> list[float]:
        """Limits in the numbers that xarray returns."""
        if self.wide is not None:
            own = given.dtype == self.wide and self.wide.itemsize > self.stored.itemsize
            if own or (self.stored.kind in "iu" and bool((given != np.round(given)).any())):
                return [float(v) for v in given]
        if self.unsigned:  # -1 in a signed byte is 255
            size = 2 ** (8 * self.stored.itemsize)
            return [(float(v) % size) * self.scale + self.offset for v in given]
        return [float(v) * self.scale + self.offset for v in given]


def _numbers(value: Any, n: int) -> NDArray[Any] | None:
    """So many finite or infinite numbers, in ascending order; None for anything else."""
    try:
        given = np.ravel(np.asarray(value))
    except ValueError:
        return None
    if given.dtype.kind not in "iuf" or len(given) != n or np.isnan(given).any():
        return None
    return given


def _undecoded(attributes: Any) -> Iterator[float]:
    """Fill values that xarray was told not to mask, or a user has given: xarray moves those that it masks."""
    for name in FILLS:
        given = _numbers(attributes[name], np.size(attributes[name])) if name in attributes else None
        yield from () if given is None else map(float, given)


def _from_netcdf(encoding: Any) -> bool:
    """Whether values come from a file of a format that has default fill values."""
    return "dtype" in encoding and not any(key in encoding for key in ZARR)


def demand_unpacked(variable: Any, what: str, side: str, notes: list[str]) -> None:
    """Refuse packed numbers, which an attribute says how to unpack; of other numbers note that it was not applied.

    Raises:
        BadInput: naming the attribute.
    """
    for name in ("scale_factor", "add_offset"):
        if name not in variable.attrs:
            continue
        text = one_line(str(variable.attrs[name]), 30)
        if variable.dtype.kind in "iu":
            raise BadInput(
                f"{what} of the {side}: its numbers are packed, and {name} ({text}) was not applied: open the data with "
                "mask_and_scale=True"
            )
        notes.append(
            f"The attribute {name} ({text}) of the {side} was not applied: are its numbers unpacked?"
        )
