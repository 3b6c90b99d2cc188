"""Reads coordinates of NetCDF files: numbers as they are stored, times exactly, everything else as text.

Times become dates if the file's units define them, to the nanosecond (to the microsecond in calendars that NumPy does not
have). A time that is stored as a floating-point number is the whole second, millisecond or microsecond that this number
stands for, if all times of the coordinate are such and stay different.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.coordinates import Coordinate, date_text, value_texts

CALENDARS = {
    "gregorian": "standard", "proleptic_gregorian": "standard", "365_day": "noleap", "366_day": "all_leap",
}  # fmt: skip
NANOSECONDS = np.array(["1680-01-01", "2260-01-01"], dtype="datetime64[s]")  # a range that they can represent
ROUNDINGS = 2.0  # of a number that is stored or computed: one of the file, one of the reader


def coordinate(variable: Any, dims: Sequence[str] = ()) -> Coordinate:
    """The coordinate that a variable of xarray is.

    Args:
        variable: unpacked, with times as numbers.
        dims: the dimensions that rows run through, in this order.
    """
    values, stated = _instants(variable), variable.attrs.get("units")
    unit = stated.strip() if isinstance(stated, str) else ""
    timed, rounding = values is not None, 0.0
    if values is None:
        values = np.asarray(variable.values)
        if values.dtype.kind not in "iuf":
            values = np.array(texts(variable), dtype=object).reshape(values.shape)
        else:
            rounding = _unpacking(variable, values)
    order = [d for d in dims if d in variable.dims]
    return Coordinate(
        values.transpose([variable.dims.index(d) for d in order]),
        tuple(order),
        unit="" if timed else unit,
        calendar=calendar_of(variable) if timed or " since " in unit else "",
        rounding=rounding,
    )


def texts(variable: Any) -> list[str]:
    """All values as text, in the order of the variable."""
    instants = _instants(variable)
    if instants is not None:
        return value_texts(instants)
    values, since = np.asarray(variable.values).ravel(), variable.attrs.get("units")
    if isinstance(since, str) and " since " in since and values.dtype.kind in "iuf":
        return [
            f"{text} {since}" for text in value_texts(values)
        ]  # in a calendar that no installed package knows
    if values.dtype.kind == "S":
        # Other encodings stay distinct: U+FFFD in place of every byte would make two names one.
        whole = [v.decode("utf-8", "backslashreplace") for v in values.tolist()]
        plain = [text.strip() for text in whole]
        return plain if len({*plain}) == len({*whole}) else whole
    return value_texts(values)


def calendar_of(variable: Any) -> str:
    """The calendar of times; ``"standard"`` for all spellings of the usual one."""
    stated = str(variable.attrs.get("calendar", "standard")).lower()
    return CALENDARS.get(stated, stated)


def _instants(variable: Any) -> NDArray[Any] | None:
    """Times as ``datetime64``, as text in other calendars; None for a variable that is no time, or cannot be read as one."""
    since = variable.attrs.get("units")
    if not (isinstance(since, str) and " since " in since):
        return None
    import xarray

    stored = np.asarray(variable.values)
    if stored.dtype.kind not in "iuf":
        return None
    try:
        times = np.asarray(xarray.conventions.decode_cf_variable("time", variable).values)
        start = type(variable)(("n",), np.array([0]), variable.attrs)
        first = xarray.conventions.decode_cf_variable("time", start).values[0]
    except Exception:  # a calendar or unit that cannot be read: the numbers stay
        return None
    if times.dtype.kind == "M":
        times = np.where(np.isfinite(stored), times, np.datetime64("NaT"))
        known = times[~np.isnat(times)]
        if not known.size or NANOSECONDS[0] < known.min() <= known.max() < NANOSECONDS[1]:
            times = times.astype("datetime64[ns]")
            if stored.dtype.kind == "f":
                if not isinstance(first, np.datetime64):  # a year, such as 1, that nanoseconds do not reach
                    first = np.datetime64(first.isoformat(), "us")
                zero = 1e3 * _microseconds(first)
                times = _whole(times.astype(np.int64), zero, stored, 1).astype("datetime64[ns]")
        return times
    if times.dtype.kind != "O":
        return None
    return _in_other_calendar(times, first, stored)


def _in_other_calendar(times: NDArray[Any], first: Any, stored: NDArray[Any]) -> NDArray[Any]:
    """Dates of cftime as text."""
    import cftime

    flat = times.ravel()
    known = np.array([hasattr(time, "calendar") for time in flat], dtype=bool) & np.isfinite(stored.ravel())
    if stored.dtype.kind == "f" and known.any():
        unit, calendar = "microseconds since 1970-01-01", flat[known][0].calendar
        counts = np.array(cftime.date2num(flat[known], unit, calendar), dtype=np.int64)
        plain = isinstance(first, np.datetime64)  # of a date that nanoseconds reach, though not the times
        zero = float(_microseconds(first) if plain else cftime.date2num(first, unit, calendar))
        flat = flat.copy()
        flat[known] = cftime.num2date(_whole(counts, zero, stored.ravel()[known], 1000), unit, calendar)
    words = [
        date_text(str(time).replace(" ", "T")) if finite else "NaT"  # cftime has the first date in its place
        for time, finite in zip(flat, np.isfinite(stored.ravel()), strict=True)
    ]
    return np.array(words, dtype=object).reshape(times.shape)


def _microseconds(time: np.datetime64) -> float:
    """From 1970 on."""
    return float(time.astype("datetime64[us]").astype(np.int64))


def _whole(counts: NDArray[np.int64], zero: float, stored: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Times, counted in steps of ``size`` nanoseconds, without the rounding of the numbers that are stored.

    Args:
        counts: the times.
        zero: the time from which the stored numbers count, about.
        stored: these numbers.
        size: of a step.
    """
    known = np.isfinite(stored)
    given = counts[known]
    reach = ROUNDINGS * float(np.finfo(stored.dtype).eps) * np.abs(given.astype(np.float64) - zero)
    reach += 0.5 * (size > 1)
    for length in (10**9 // size, 10**6 // size, 10**3 // size):
        near = (given + length // 2) // length * length
        close = (np.abs(near - given) <= reach).all()
        if close and len(np.unique(near)) == len(np.unique(stored[known])):
            whole = counts.copy()
            whole[known] = near
            return whole
    return counts


def _unpacking(variable: Any, values: NDArray[Any]) -> float:
    """By how much unpacking may have changed a number: never as much as half of a step of what is packed."""
    packed = [variable.encoding.get(name) for name in ("scale_factor", "add_offset")]
    if values.dtype.kind != "f" or packed == [None, None] or not np.isfinite(values).any():
        return 0.0
    scale, offset = (
        abs(float(np.ravel(p)[0])) if p is not None else d for p, d in zip(packed, (1.0, 0.0), strict=True)
    )
    largest = float(np.abs(values[np.isfinite(values)]).max()) + offset
    return min(ROUNDINGS * float(np.finfo(values.dtype).eps) * largest, 0.25 * scale)
