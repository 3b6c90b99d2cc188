"""Times and lead times as numbers that can be added and compared, and as text."""

from __future__ import annotations

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


def moments_of(coordinate: Any, what: str) -> list[Any]:
    """The times of a coordinate: whole nanoseconds of dates, dates of another calendar as they are, or plain numbers.

    Raises:
        BadInput: for text, or a time that is missing.
    """
    values = np.asarray(coordinate.values).ravel()
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise BadInput(f"{what}: {int(np.isnat(values).sum())} of its times are missing")
        return [int(v) for v in values.astype("datetime64[ns]").astype(np.int64)]
    if values.dtype.kind in "iuf":
        return [float(v) for v in values]
    if len(values) and hasattr(values[0], "calendar"):
        return list(values)
    raise BadInput(f"{what}: its times cannot be decoded, got {one_line(repr(values[:1].tolist()), 60)}")


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
            raise BadInput(f"{what}: {int(np.isnat(values).sum())} of its lead times are missing")
        return [int(v) for v in values.astype("timedelta64[ns]").astype(np.int64)]
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
    text = (
        str(np.datetime64(moment, "ns").astype("datetime64[s]"))
        if isinstance(moment, int)
        else moment.isoformat()
    )
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
