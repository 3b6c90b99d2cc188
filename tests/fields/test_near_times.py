"""Times that a file has rounded are the times that they were, and are not left out as fields without truth."""

import numpy as np
import pytest
import xarray as xr

from supnorm.fields import audit_fields
from supnorm.fields.near_times import Times
from supnorm.results import BadInput

MINUTE = 60 * 10**9


def known(values, name="time"):
    return Times(values, "t2m: the truth", name)


@pytest.mark.parametrize("off", [0, 1, -40, 5 * 10**8, -5 * 10**8])
def test_a_time_within_rounding_of_another_one_is_this_one(off):
    times = [k * 10 * MINUTE for k in range(6)]
    assert [known(times).position(t + off) for t in times] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("off", [5 * MINUTE, -5 * MINUTE, MINUTE])
def test_a_time_between_two_others_is_neither(off):
    assert known([0, 10 * MINUTE]).position(10 * MINUTE + off) == -1


@pytest.mark.parametrize("off", [10**9, 10 * 10**9, -10 * 10**9])
def test_a_time_that_just_misses_another_one_is_refused(off):
    with pytest.raises(
        BadInput, match=r"has no time 1970-01-01T00.*misses it by 0.0.*round the times of both files"
    ):
        known([0, 10 * MINUTE, 20 * MINUTE]).position(10 * MINUTE + off)


def test_of_one_time_the_step_is_not_known():
    assert known([0]).position(1) == -1
    assert known([0]).position(0) == 0


def test_times_that_are_there_twice_or_almost_are_refused():
    with pytest.raises(BadInput, match="the truth has the lead time 10 min twice"):
        known([0, 10 * MINUTE, 10 * MINUTE], "lead time")
    with pytest.raises(BadInput, match="almost twice"):
        known([0, 10 * MINUTE, 10 * MINUTE + 7, 20 * MINUTE])


def test_text_and_plain_numbers():
    assert known(["a", "b"]).position("b") == 1
    assert known(["a", "b"]).position("c") == -1
    assert known([0.0, 0.1, 0.2]).position(np.float64(np.float32(0.1)).item()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["f8", "f4"])
def test_ten_minutes_that_are_stored_as_days(tmp_path, kind):
    """Fields with an error of 1,000 were left out, "no truth", and the audit passed."""
    time = np.datetime64("2020-01-01", "ns") + np.arange(144) * np.timedelta64(10 * MINUTE, "ns")
    axes = {"time": time, "lat": np.linspace(60.0, 30.0, 7), "lon": np.linspace(0.0, 20.0, 5)}
    truth = xr.DataArray(np.zeros((144, 7, 5)), axes, ("time", "lat", "lon"), "t").to_dataset()
    prediction = truth.copy(deep=True)
    prediction.t[101, 3, 2] = 1000.0
    prediction.to_netcdf(
        tmp_path / "p.nc", encoding={"time": {"units": "days since 2020-01-01", "dtype": kind}}
    )
    truth.to_netcdf(
        tmp_path / "t.nc", encoding={"time": {"units": "minutes since 2020-01-01", "dtype": "i4"}}
    )
    report = audit_fields(tmp_path / "p.nc", tmp_path / "t.nc")
    assert report["t"].sup.lower == 1000.0
    assert not any("no truth" in note for note in report["t"].notes)


def fields_at(times, name="time", dims=("time", "lat", "lon"), **coords):
    axes = {name: times, "lat": np.linspace(60.0, 30.0, 7), "lon": np.linspace(0.0, 20.0, 5)}
    shape = tuple(len(axes[d]) if d in axes else len(coords[d]) for d in dims)
    return xr.DataArray(np.zeros(shape), axes | coords, dims, "t").to_dataset()


DAY = np.datetime64("2020-01-01", "ns")
HOURLY = DAY + np.arange(8) * np.timedelta64(1, "h")


def test_two_times_of_the_prediction_are_not_one_of_the_truth():
    """Both fields were compared with the same one of the truth, and counted as two times."""
    times = np.array([*HOURLY[:3], HOURLY[2] + np.timedelta64(40, "ns"), HOURLY[4]])
    with pytest.raises(
        BadInput,
        match=r"times 2020-01-01T02:00:00 and 2020-01-01T02:00:00.00000004 of the prediction are both taken for "
        r"2020-01-01T02:00 of the truth, .*: leave one of them out",
    ):
        audit_fields(fields_at(times), fields_at(HOURLY))
    with pytest.raises(
        BadInput, match=r"the truth has the time 2020-01-01T02:00:00 almost twice: .*leave one"
    ):
        audit_fields(fields_at(HOURLY[:5]), fields_at(times))
    twice = fields_at(np.array([*HOURLY[:3], HOURLY[2], HOURLY[4]]))
    assert "more than once" in " ".join(audit_fields(twice, fields_at(HOURLY))["t"].notes)


@pytest.mark.parametrize("forecast", [False, True])
def test_two_lead_times_are_not_one(forecast):
    leads = np.array([0, 3600 * 10**9, 3601 * 10**9, 7200 * 10**9]).astype("m8[ns]")
    dims = ("time", "lead_time", "lat", "lon")
    prediction = fields_at(HOURLY[:2], dims=dims, lead_time=leads)
    even = np.arange(4).astype("m8[h]").astype("m8[ns]")
    truth = fields_at(HOURLY[:2], dims=dims, lead_time=even) if forecast else fields_at(HOURLY)
    with pytest.raises(BadInput, match=r"lead times 1 h and 3601 s of the prediction are both taken for"):
        audit_fields(prediction, truth)


@pytest.mark.parametrize(
    ("step", "units", "every"),
    [(60, "minutes since 1970-01-01", 1), (600, "days since 1850-01-01", 1), (60, "minutes since 1970-01-01", 59),
     (60, "days since 0001-01-01", 1), (3600, "days since 0001-01-01", 1)],
)  # fmt: skip
@pytest.mark.parametrize("of", ["prediction", "truth"])
def test_times_that_single_precision_does_not_tell_apart_are_refused(tmp_path, step, units, every, of):
    """They were compared with fields of other times, or left out with a note."""
    times = DAY + (np.arange(200) * step).astype("m8[s]").astype("m8[ns]")
    truth = fields_at(times)
    truth["t"] = truth.t + np.arange(200.0)[:, None, None]
    prediction = truth.isel(time=slice(1, None, every))
    coarse = {"time": {"units": units, "dtype": "f4"}}
    whole = {"time": {"units": "seconds since 2020-01-01", "dtype": "i8"}}
    prediction.to_netcdf(tmp_path / "p.nc", encoding=coarse if of == "prediction" else whole)
    truth.to_netcdf(tmp_path / "t.nc", encoding=coarse if of == "truth" else whole)
    with pytest.raises(BadInput, match=r"single precision|twice"):
        audit_fields(tmp_path / "p.nc", tmp_path / "t.nc")


def test_times_in_single_precision_that_are_exact_are_compared(tmp_path):
    truth = fields_at(HOURLY)
    for name in ("p.nc", "t.nc"):
        truth.to_netcdf(
            tmp_path / name, encoding={"time": {"units": "hours since 1900-01-01", "dtype": "f4"}}
        )
    assert audit_fields(tmp_path / "p.nc", tmp_path / "t.nc")["t"].fields == 8
