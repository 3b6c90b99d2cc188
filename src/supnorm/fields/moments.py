"""Times and lead times as numbers that can be added and compared, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.printable import one_line

SECOND = 1_000_000_000  # nanoseconds
UNITS = {
    "s": SECOND, "sec": SECOND, "second": SECOND, "seconds": SECOND,
    "min": 60 * SECOND, "minute": 60 * SECOND, "minutes": 60 * SECOND,
    "h": 3600 * SECOND, "hr": 3600 * SECOND, "hour": 3600 * SECOND, "hours": 3600 * SECOND,
    "d": 86400 * SECOND, "day": 86400 * SECOND, "days": 86400 * SECOND,
}  # fmt: skip


# Calendars of the same dates, from the day on which the Gregorian calendar begins.
GREGORIAN, BEGIN = ("standard", "gregorian", "proleptic_gregorian"), (1582, 10, 15)
PARTS = {
    "W": 604_800 * SECOND, "D": 86_400 * SECOND, "h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND,
    "ms": 10**6, "us": 1000, "ns": 1,
}  # fmt: skip


def nanoseconds(values: NDArray[Any]) -> list[int]:
    """Dates or spans of any unit in whole nanoseconds. Those of NumPy end in 2262, and wrap round without a word.

    >>> nanoseconds(np.array(["1970-01-02"], dtype="M8[D]")) == [86400 * SECOND]
    True
    >>> time_text(nanoseconds(np.array(["2300-01-01T06"], dtype="M8[s]"))[0])
    '2300-01-01T06:00'
    """
    unit, count = np.datetime_data(values.dtype)
    if unit in ("Y", "M") and values.dtype.kind == "M":
        values, unit, count = values.astype("datetime64[D]"), "D", 1
    if unit not in PARTS:  # parts of a nanosecond
        values, unit, count = values.astype(f"{values.dtype.kind}8[ns]"), "ns", 1
    return [int(v) * count * PARTS[unit] for v in values.astype(np.int64)]


def _whole(moment: Any) -> Any:
    """A date of a calendar in whole nanoseconds where it is one of everybody's calendar; any other as it is."""
    if moment.calendar not in GREGORIAN or (moment.year, moment.month, moment.day) < BEGIN:
        return moment
    day = np.datetime64(f"{moment.year:04}-{moment.month:02}-{moment.day:02}", "D")
    seconds = (int(day.astype(np.int64)) * 24 + moment.hour) * 3600 + moment.minute * 60 + moment.second
    return seconds * SECOND + moment.microsecond * 1000


def moments_of(coordinate: Any, what: str) -> list[Any]:
    """The times of a coordinate: whole nanoseconds of dates, or plain numbers.

    Dates of another calendar, and those before the Gregorian one begins, are returned as they are.

    Raises:
        BadInput: for text, or a time that is missing.
    """
    values = np.asarray(coordinate.values).ravel()
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise BadInput(
                f"{what}: {int(np.isnat(values).sum())} of its times are missing{_leave_out(coordinate)}"
            )
        return nanoseconds(values)
    if values.dtype.kind in "iuf":
        if not np.isfinite(values).all():
            raise BadInput(
                f"{what}: {int((~np.isfinite(values)).sum())} of its times are no finite numbers{_leave_out(coordinate)}"
            )
        return [float(v) for v in values]
    if len(values) and hasattr(values[0], "calendar"):
        return list(map(_whole, values))
    raise BadInput(f"{what}: its times cannot be decoded, got {one_line(repr(values[:1].tolist()), 60)}")


def _leave_out(coordinate: Any) -> str:
    """How fields without a time are left out, in words."""
    name = str(coordinate.name)
    if coordinate.dims != (name,):
        return ""
    return f": leave their fields out, as with data.isel({{{name!r}: data[{name!r}].notnull().values}})"


def leads_of(coordinate: Any, unit: str | None, dated: bool, what: str) -> list[Any]:
    """Lead times in whole nanoseconds; plain numbers if the times are plain numbers too.

    Args:
        unit: of plain numbers, as the user says.
        dated: whether the times they are added to are dates.

    Raises:
        BadInput: for plain numbers without a unit beside dates.
    """
    values = np.asarray(coordinate.values).ravel()
    if values.dtype.kind == "m":
        if np.isnat(values).any():
            raise BadInput(
                f"{what}: {int(np.isnat(values).sum())} of its lead times are missing{_leave_out(coordinate)}"
            )
        return nanoseconds(values)
    if values.dtype.kind in "iuf" and not np.isfinite(values).all():
        raise BadInput(f"{what}: {int((~np.isfinite(values)).sum())} of its lead times are no finite numbers")
    if values.dtype.kind not in "iuf":
        raise BadInput(
            f"{what}: its lead times are no numbers, got {one_line(repr(values[:1].tolist()), 60)}"
        )
    name = str(unit or coordinate.attrs.get("units", "")).strip().lower()
    if name in UNITS:
        return [round(float(v) * UNITS[name]) for v in values]
    if dated:
        raise BadInput(
            f"{what}: its lead times are plain numbers ({values[0]:g}, ...) without a unit: give it, as in --lead-unit hours"
        )
    return [float(v) for v in values]


def added(moment: Any, lead: Any) -> Any:
    """The valid time of a forecast."""
    if hasattr(moment, "calendar"):
        import datetime

        return moment + datetime.timedelta(microseconds=round(lead / 1000))
    return moment + lead


def key_of(moment: Any) -> Any:
    """Equal for equal times: plain numbers are rounded to twelve digits."""
    if isinstance(moment, float):
        return float(f"{moment:.12g}")
    return moment if isinstance(moment, int) else (str(moment.calendar), moment.isoformat())


def time_text(moment: Any) -> str:
    """A time as people write it.

    >>> time_text(1_577_880_000 * SECOND), time_text(0.5)
    ('2020-01-01T12:00', '0.5')
    """
    if isinstance(moment, float):
        return f"{moment:.12g}"
    text = str(np.datetime64(moment // SECOND, "s")) if isinstance(moment, int) else moment.isoformat()
    return text.removesuffix(":00")


def lead_text(lead: Any) -> str:
    """A lead time in hours, or days from two on.

    >>> lead_text(6 * 3600 * SECOND), lead_text(10 * 86400 * SECOND), lead_text(90 * SECOND), lead_text(2.5)
    ('6 h', '10 d', '90 s', '2.5')
    """
    if isinstance(lead, float):
        return f"{lead:.12g}"
    for name, size, least in (("d", 86400 * SECOND, 2), ("h", 3600 * SECOND, 1), ("min", 60 * SECOND, 2)):
        if lead and lead % size == 0 and abs(lead) >= least * size:
            return f"{lead // size} {name}"
    return f"{lead / SECOND:.12g} s" if lead else "0 h"


def apart_texts(values: Sequence[Any], lead: bool = False) -> list[str]:
    """Times, or lead times, as people write them; with all digits where these texts would be the same.

    >>> apart_texts([0, 60 * SECOND]), apart_texts([0, 40])
    (['1970-01-01T00:00', '1970-01-01T00:01'], ['1970-01-01T00:00:00', '1970-01-01T00:00:00.00000004'])
    """
    texts = [lead_text(v) if lead else time_text(v) for v in values]
    return texts if len({*texts}) == len(texts) else [_all_digits(v, lead) for v in values]


def _all_digits(moment: Any, lead: bool) -> str:
    if not isinstance(moment, int):
        return repr(moment) if isinstance(moment, float) else str(moment.isoformat())
    whole, part = divmod(moment, SECOND)
    fraction = f".{part:09}".rstrip("0").rstrip(".")
    return f"{whole}{fraction} s" if lead else f"{np.datetime64(whole, 's')}{fraction}"


def hours(lead: Any) -> float:
    """A lead time in hours; a plain number as it is."""
    return float(lead) if isinstance(lead, float) else lead / (3600 * SECOND)


def as_array(values: list[Any]) -> NDArray[np.float64]:
    """Levels and other plain coordinates as numbers; NaN for text."""
    found = []
    for v in values:
        try:
            found.append(float(v))
        except (TypeError, ValueError):
            found.append(float("nan"))
    return np.array(found)
