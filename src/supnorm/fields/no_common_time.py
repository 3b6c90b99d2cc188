"""Why no field of the prediction has a truth: what the times of both sides are, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.fields.moments import GREGORIAN, lead_text, time_text
from supnorm.fields.side import Side
from supnorm.fields.times import moments
from supnorm.results import BadInput
from supnorm.results.printable import one_line


def no_common_time(p: Side, t: Side, leads: Sequence[Any], what: str) -> BadInput:
    """The refusal of two sides without a time, or a forecast, in common."""
    mine, others = moments(p, what), moments(t, what)
    if not mine or not others:
        return BadInput(f"{what}: no time of the prediction is one of the truth")
    if isinstance(mine[0], str) or isinstance(others[0], str):
        return _of_text(p, t, mine, others, what)
    calendars = [_calendar(v) for v in (mine, others)]
    if calendars[0] != calendars[1]:
        return BadInput(
            f"{what}: the prediction has dates of the calendar {calendars[0]} and the truth of the calendar {calendars[1]}, "
            "whose dates are not the same days: convert one side, as with data.convert_calendar('standard')"
        )
    ends = [_ends(v) for v in (mine, others)]
    if t.dimension("lead") is not None and leads:
        return BadInput(
            f"{what}: no forecast of the prediction is one of the truth: the prediction begins at {ends[0]}, the truth at "
            f"{ends[1]}; a truth with lead times is compared where begin and lead time are the same. To compare by valid "
            "times, give a truth without lead times"
        )
    return BadInput(
        f"{what}: no valid time of the prediction is one of the truth: the prediction begins at {ends[0]}, the truth has "
        f"{ends[1]}; valid times are begin plus lead time{constant_gap(mine, others, leads)}"
    )


def _ends(times: Sequence[Any]) -> str:
    first, last = (time_text(v) for v in (times[0], times[-1]))
    return first if len(times) == 1 else f"{first} to {last}"


def _calendar(times: Sequence[Any]) -> str:
    """The calendar of dates; empty for plain numbers."""
    if isinstance(times[0], float):
        return ""
    named = next((str(v.calendar) for v in times if hasattr(v, "calendar")), "standard")
    return "standard" if named in GREGORIAN else named


def _of_text(p: Side, t: Side, mine: Sequence[Any], others: Sequence[Any], what: str) -> BadInput:
    """The refusal of times of which one side has names."""
    kinds = ["text" if isinstance(v[0], str) else "dates or numbers" for v in (mine, others)]
    shown = [
        f"{kind}: {one_line(v[0] if isinstance(v[0], str) else time_text(v[0]), 40)}, ..."
        for kind, v in zip(kinds, (mine, others), strict=True)
    ]
    name = (p if isinstance(mine[0], str) else t).clock().name
    remedy = "give both the same names"
    if kinds[0] != kinds[1]:
        remedy = f"decode the text, as with data.assign_coords({name}=data[{str(name)!r}].astype('M8[ns]'))"
    return BadInput(
        f"{what}: no time of the prediction ({shown[0]}) is one of the truth ({shown[1]}): {remedy}"
    )


def constant_gap(mine: Sequence[Any], others: Sequence[Any], leads: Sequence[Any]) -> str:
    """By how much all valid times miss the nearest time of the truth, in words; empty if not all by the same.

    >>> hour = 3600 * 10**9
    >>> constant_gap([0, 24 * hour], [k * hour + hour // 2 for k in range(48)], [6 * hour])
    ': each of them is 30 min before the nearest time of the truth'
    """
    if not all(isinstance(v, int) and abs(v) < 2**62 for v in (*mine, *others, *leads)):
        return ""  # plain numbers, other calendars, and dates beyond what whole numbers of NumPy hold
    valid = np.add.outer(np.array(mine), np.array(leads or [0])).ravel()
    times = np.sort(np.array(others))
    after = times[np.minimum(np.searchsorted(times, valid), len(times) - 1)] - valid
    before = valid - times[np.maximum(np.searchsorted(times, valid) - 1, 0)]
    gap = np.where((after >= 0) & ((after <= before) | (before < 0)), after, -before)
    if (gap != gap[0]).any():
        return ""
    which = "before" if gap[0] > 0 else "after"
    return f": each of them is {lead_text(abs(int(gap[0])))} {which} the nearest time of the truth"
