"""Times in single precision, where its unit is as large as a step: they may be other times than they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.moments import UNITS, key_of, lead_text
from supnorm.fields.near_times import SAME
from supnorm.fields.side import Side
from supnorm.results import BadInput
from supnorm.results.printable import one_line


def demand_distinct(
    side: Side, times: Sequence[Any] | None, others: Sequence[Any] | None, found: NDArray[np.int64], what: str
) -> None:
    """Refuse times whose rounding in the file may have given them another partner, or none.

    Args:
        side: prediction or truth.
        times: its times.
        others: those of the truth, with the steps that count.
        found: the number of the partner of each field of the prediction, -1 for none.
        what: the fields and the side, for the message.

    Raises:
        BadInput: naming the unit of the numbers, and the step.
    """
    unit = _unit(side.clock())
    if not unit or not times or not others or not all(isinstance(v, int) for v in (*times, *others)):
        return
    steps = np.diff(np.unique(np.array([*others], dtype=np.float64)))
    step = float(steps.min()) if steps.size else float("inf")
    twice = len({*map(key_of, times)}) < len(times)
    if unit >= step or twice or ((found < 0).any() and unit > 2 * SAME * step):
        between = f", and the truth has steps of {lead_text(int(step))}" if np.isfinite(step) else ""
        name = one_line(str(side.clock().name), 40)
        raise BadInput(
            f"{what}: {name} is stored in single precision, in which two numbers are {lead_text(unit)} apart "
            f"there{between}: its times may be other ones than they were; store them as whole numbers or in double precision"
        )


def _unit(clock: Any) -> int:
    """How far two neighbouring numbers of a file are apart at its times, in nanoseconds; 0 for double precision."""
    if clock is None or clock.dtype.kind != "M" or not clock.size:
        return 0
    stored, units = clock.encoding.get("dtype"), str(clock.encoding.get("units", ""))
    word, _, since = units.partition(" since ")
    if stored is None or np.dtype(stored).kind != "f" or np.dtype(stored).itemsize > 4 or not since:
        return 0
    import cftime

    size = UNITS.get(word.strip().lower(), 0)
    ends = np.ravel(clock.values).astype("M8[us]")[[0, -1]].tolist()
    try:
        numbers = cftime.date2num(ends, units, calendar=clock.encoding.get("calendar", "standard"))
    except (ValueError, TypeError, OverflowError):
        return 0
    return round(float(np.spacing(np.abs(np.asarray(numbers)).max().astype(np.dtype(stored)))) * size)
