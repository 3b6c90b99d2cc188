"""Which values of a variable its attributes declare missing, beyond those that xarray masks.

By the CF conventions (2.5.1) and the NetCDF User's Guide (Attribute Conventions) a value outside of ``valid_range``, or of
``valid_min`` and ``valid_max``, is missing, and so is the default fill value of its type where a NetCDF file names no other.
xarray masks neither; netCDF4-python masks both, as is done here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.scan import unmasked
from supnorm.results import BadInput
from supnorm.results.printable import one_line
from supnorm.sources.valid_range import NAMED, default_fill, valid_range

ZARR = ("compressors", "compressor", "filters")  # keys of an encoding that only Zarr has


@dataclass(frozen=True)
class Validity:
    """What counts as missing, in the numbers that xarray returns.

    Attributes:
        low, high: values outside are missing; infinite where there is no limit.
        fills: values that are missing.
        room: by how much a value may differ from a fill value, because it was packed.
    """

    low: float
    high: float
    fills: tuple[float, ...]
    room: float

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
            found |= values < low
        if math.isfinite(self.high):
            found |= values > high
        for fill in fills:
            found |= np.abs(values - fill) <= self.room if self.room else values == fill
        return found


ALL_VALID = Validity(-math.inf, math.inf, (), 0.0)


def without(values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """The values with NaN where they are missing; whole numbers become floating point ones only then."""
    if not missing.any():
        return values
    return unmasked(np.ma.masked_array(values, missing))


def validity_of(variable: Any, what: str) -> Validity:
    """What an `xarray.DataArray` declares missing.

    Raises:
        BadInput: for limits that are no numbers.
    """
    low, high = valid_range(variable, what)
    attributes = variable.attrs
    own = tuple(float(v) for name in NAMED if name in attributes for v in _numbers(attributes[name]))
    default = default_fill(variable) if _from_netcdf(variable.encoding) else None
    return Validity(low, high, own, 0.0) if default is None else Validity(low, high, default[:1], default[1])


def _numbers(value: Any) -> Any:
    """Fill values that xarray was told not to mask, or a user has given: xarray takes away those that it masks."""
    given = np.ravel(np.asarray(value))
    return given[~np.isnan(given)] if given.dtype.kind in "iuf" else ()


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
