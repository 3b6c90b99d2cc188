"""Times that are names, dates of other calendars, and what is said where no time is common to both sides."""

from __future__ import annotations

from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr

from supnorm.fields import audit_fields
from supnorm.results import BadInput

HOUR = np.timedelta64(1, "h").astype("m8[ns]")
DATES = np.datetime64("2020-01-01", "ns") + np.arange(3) * HOUR


def fields(times: Any, name: str = "time", step: Any = None) -> xr.DataArray:
    """Each field has the number of its time as value."""
    axes = {name: times, "lat": np.linspace(60.0, 30.0, 4), "lon": np.linspace(0.0, 20.0, 5)}
    data = xr.DataArray(np.arange(len(times))[:, None, None] + np.zeros((1, 4, 5)), axes, [*axes], "t")
    return data if step is None else data.expand_dims(step=step)


def audited(prediction: xr.DataArray, truth: xr.DataArray) -> tuple[float, int]:
    found = audit_fields(prediction, truth)["t"]
    return found.sup.lower, found.fields


@pytest.mark.parametrize(
    "names",
    [np.array([b"a", b"b", b"c"]), np.array([b"a", b"b", b"c"], dtype=object), ["a ", "b", "c  "]],
)
def test_names_of_cases_are_the_same_as_bytes_and_with_blanks(names: Any) -> None:
    """They were "no time of the prediction is one of the truth"."""
    assert audited(fields(names, "case"), fields(["a", "b", "c"], "case")) == (0.0, 3)
    assert (
        audited(fields(["b", "c", "a"], "case").roll(case=1, roll_coords=True), fields(names, "case"))[1] == 3
    )
    twisted = fields(["b", "a", "c"], "case")
    assert audited(twisted, fields(names, "case")) == (1.0, 3)
    assert audit_fields(twisted, fields(names, "case"))["t"].sup.witness.at["init"] in ("a", "b")
    assert audit_fields(fields(names, "case"), twisted)["t"].sup.witness.at["init"] in ("a", "b")


def test_numbers_of_cases_are_paired_with_names() -> None:
    assert audited(fields([1, 2, 3], "case"), fields(["1", "2", "3"], "case")) == (0.0, 3)
    assert audited(fields(["3", "1"], "case"), fields([1, 2, 3], "case")) == (2.0, 2)


def test_a_name_of_a_member_that_is_bytes_is_shown_as_text() -> None:
    data = fields(DATES).expand_dims(member=np.array([b"b", b"a"]), axis=1)
    found = audit_fields(data + 1.0, data)["t"]
    assert found.sup.witness.at["member"] in ("a", "b")


def test_dates_before_and_after_the_gregorian_calendar_are_paired() -> None:
    years = [cftime.DatetimeGregorian(year, 1, 1) for year in (1500, 1600, 1700)]
    assert audited(fields(years), fields(years[1:])) == (1.0, 2)


@pytest.mark.parametrize(
    ("prediction", "truth", "words"),
    [
        (fields([cftime.DatetimeNoLeap(2020, 1, 1, h) for h in range(3)]), fields(DATES),
         r"dates of the calendar noleap and the truth of the calendar standard.*data.convert_calendar\('standard'\)"),
        (fields(DATES), fields([cftime.Datetime360Day(2020, 1, 1, h) for h in range(3)]),
         "of the calendar standard and the truth of the calendar 360_day"),
        (fields(DATES, step=[0 * HOUR, HOUR]), fields(DATES + HOUR // 2, step=[0 * HOUR, HOUR]),
         "no forecast of the prediction is one of the truth: the prediction begins at 2020-01-01T00:00 to 2020-01-01T02:00, "
         "the truth at 2020-01-01T00:30 to 2020-01-01T02:30; .*To compare by valid times, give a truth without lead times"),
        (fields([str(d)[:19] for d in DATES]), fields(DATES),
         r"prediction \(text: 2020-01-01T00:00:00, ...\) is one of the truth \(dates or numbers: 2020-01-01T00:00, ...\): "
         r"decode the text, as with data.assign_coords\(time=data\['time'\].astype\('M8\[ns\]'\)\)"),
        (fields(["a", "b"]), fields(["c", "d"]), r"text: a, ...\) .*give both the same names"),
        (fields(np.array([DATES[0], "NaT"], "M8[ns]")), fields(DATES),
         r"1 of its times are missing: .*data.isel\(\{'time': data\['time'\].notnull\(\).values\}\)"),
    ],
)  # fmt: skip
def test_where_no_time_is_common_the_message_says_why_and_what_to_do(
    prediction: xr.DataArray, truth: xr.DataArray, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        audited(prediction, truth)
