"""Whole numbers in NetCDF files that become floating-point numbers when they are read, because the file names a fill value
or packs them, and that these cannot represent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

AT_ONCE = 1_000_000  # values that are looked at as Python's whole numbers at a time: these need 30 bytes each


def as_unsigned(stored: NDArray[Any], attributes: Mapping[str, Any]) -> NDArray[Any]:
    """Stored whole numbers; unsigned if the file says that these signed ones are (``_Unsigned``)."""
    unsigned = str(attributes.get("_Unsigned", "")).lower() == "true" and stored.dtype.kind == "i"
    return stored.view(f"u{stored.dtype.itemsize}") if unsigned else stored


def demand_whole(
    variable: Any,
    stored: Callable[[], NDArray[Any]],
    what: str,
    missing: NDArray[np.bool_] | None = None,
    unpacked: NDArray[np.float64] | None = None,
) -> None:
    """Check that the values of a variable are the whole numbers that the file has.

    Args:
        variable: of xarray, unpacked.
        stored: reads the variable as it is stored.
        what: file and column, for the message.
        missing: which values do not count.
        unpacked: the values as they are used, if they are not those of the variable.

    Raises:
        BadInput: naming the first whole number that was changed.
    """
    values = np.asarray(variable.values)
    kind = np.dtype(variable.encoding.get("dtype") or variable.dtype)
    if kind.kind not in "iu" or values.dtype.kind != "f":
        return
    bits = int(np.finfo(values.dtype).nmant) + 1
    large = np.isfinite(values) & (np.abs(values) >= 2.0**bits)
    if missing is not None:
        large &= ~missing
    if not large.any():
        return
    raw = as_unsigned(stored(), variable.encoding)
    scale, offset = (
        Fraction(float(np.ravel(variable.encoding.get(name, default))[0]))
        for name, default in (("scale_factor", 1.0), ("add_offset", 0.0))
    )
    below = scale.denominator * offset.denominator
    times, plus = int(scale * below), int(offset * below)
    counts, read = raw[large], (values if unpacked is None else unpacked)[large]
    for begin in range(0, len(counts), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        exact = counts[part].astype(object) * times + plus
        whole = np.array([int(v) for v in read[part].tolist()], dtype=object)
        changed = np.flatnonzero(np.asarray((exact % below == 0) & (exact // below != whole), dtype=bool))
        if len(changed):
            precision = "double precision" if bits == 53 else "the precision of its scale_factor"
            raise BadInput(
                f"{what}: {precision} cannot represent the whole number {exact[changed[0]] // below} (beyond 2^{bits}); "
                "subtract an offset from the column first"
            )
