"""A forecast that states its valid times beside begin and lead time is paired by these: where both differ, it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from supnorm.fields import audit_fields
from supnorm.results import BadInput

DAY = np.datetime64("2020-01-01", "ns")
HOUR = np.timedelta64(1, "h").astype("m8[ns]")
INITS, LEADS = DAY + 6 * HOUR * np.arange(3), HOUR * 6 * np.arange(4)
VALID = INITS[:, None] + LEADS[None]
BOTH = ("time", "step")
LATER = VALID[1, 1] == VALID


def forecast(**coords: Any) -> xr.DataArray:
    axes = {"time": INITS, "step": LEADS, "lat": np.linspace(60.0, 30.0, 4), "lon": np.linspace(0.0, 20.0, 5)}
    return xr.DataArray(np.zeros((3, 4, 4, 5)), axes | coords, [*axes], "t")


def truth(**coords: Any) -> xr.DataArray:
    one = forecast().isel(step=0, drop=True).reindex(time=DAY + 6 * HOUR * np.arange(6), fill_value=0.0)
    return one.assign_coords(coords)


def audited(prediction: xr.DataArray, other: xr.DataArray) -> float:
    return audit_fields(prediction, other)["t"].sup.lower


@pytest.mark.parametrize(
    "prediction",
    [
        forecast(valid_time=(BOTH, VALID)),
        forecast(valid_time=(BOTH[::-1], VALID.T)),
        forecast(valid_time=(BOTH, VALID + np.timedelta64(40, "ns"))),
        forecast(valid_time=(BOTH, np.where(LATER, np.datetime64("NaT"), VALID))),
        forecast(valid_time=(BOTH, VALID)).isel(step=2),
        forecast(valid_time=(BOTH, VALID)).isel(time=1),
        forecast(valid_time=(BOTH, VALID)).isel(time=1, step=3),
    ],
)
def test_a_valid_time_that_is_begin_plus_lead_time_changes_nothing(prediction: xr.DataArray) -> None:
    assert audited(prediction, truth()) == 0.0


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (forecast(valid_time=(BOTH, VALID + 6 * HOUR)), "2020-01-01T06:00 where time says 2020-01-01T00:00; mend one"),
        (forecast(valid_time=(BOTH, np.where(LATER, VALID + HOUR, VALID))),
         "2020-01-01T13:00 where time and lead time say 2020-01-01T00:00 plus 12 h"),
        (forecast(valid_time=(BOTH, np.where(LATER, np.datetime64("NaT"), VALID + HOUR))), "T01:00 where time says"),
        (forecast(valid_time=("step", VALID[0])), "2020-01-01T00:00 where time says 2020-01-01T06:00"),
        (forecast(valid_time=(BOTH, VALID + HOUR)).isel(time=1, step=3), "T01:00 where time and lead time .* plus 18 h"),
        (forecast(valid_time=(BOTH, VALID)).isel(step=2).drop_vars("step"), "T12:00 where time says 2020-01-01T00"),
    ],
)  # fmt: skip
def test_a_valid_time_that_contradicts_is_refused(prediction: xr.DataArray, words: str) -> None:
    """The fields were paired by begin plus lead time, with exit code 0 and no note."""
    with pytest.raises(
        BadInput, match=rf"of the prediction states its valid times twice: valid_time is .*{words}"
    ):
        audited(prediction, truth())


def test_so_is_one_of_a_truth_that_is_a_forecast_and_one_by_its_standard_name() -> None:
    with pytest.raises(BadInput, match="of the truth states its valid times twice: valid_time is"):
        audited(forecast(), forecast(valid_time=(BOTH, VALID + HOUR)))
    named = forecast(when=(BOTH, VALID + HOUR, {"standard_name": "time"}))
    named.time.attrs["standard_name"] = "forecast_reference_time"
    with pytest.raises(BadInput, match=r"when is 2020.*drop_vars\('when'\)"):
        audited(named, truth())
