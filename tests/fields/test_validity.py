"""What attributes declare missing: valid ranges, default fill values of NetCDF, and that each is counted and placed."""

import numpy as np
import pytest
import xarray as xr
from tests.fields.archives import analysis, forecast

import supnorm as sn
from supnorm.fields import PairingOptions
from supnorm.fields.scan import unmasked
from supnorm.fields.validity import Validity, validity_of, without


def packed(low, high, dtype="i2", **attributes):
    """A DataArray as xarray returns it for packed numbers."""
    values = xr.DataArray(np.array([[low, 0.0], [1.0, high]]), dims=("y", "x"), attrs=attributes)
    values.encoding = {"dtype": np.dtype(dtype), "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -1}
    return values


@pytest.mark.parametrize(
    ("attributes", "ends"),
    [
        ({"valid_range": np.array([-1000, 1000], "i2")}, (270.0, 290.0)),  # of the packed type: packed
        ({"valid_range": [-1000, 1000]}, (270.0, 290.0)),  # Zarr stores no type
        ({"valid_range": np.array([250.0, 300.0])}, (250.0, 300.0)),  # of the type of the scale: not packed
        ({"valid_range": np.array([250.5, 300.5], "f4")}, (250.5, 300.5)),  # no whole numbers: not packed
        ({"valid_min": np.int16(-1000)}, (270.0, np.inf)),
        ({"valid_max": np.int16(1000), "valid_min": np.int16(0)}, (280.0, 290.0)),
        ({"valid_range": np.array([0, 500], "i2"), "valid_max": np.int16(9)}, (280.0, 285.0)),
    ],
)
def test_limits_of_packed_numbers(attributes, ends):
    found = validity_of(packed(0, 0, **attributes), "truth")
    assert (found.low, found.high) == pytest.approx(ends, abs=0.002)


def test_limits_with_a_negative_scale_and_of_unsigned_numbers():
    turned = packed(0, 0, valid_min=np.int16(-1000))
    turned.encoding["scale_factor"] = -0.01
    assert validity_of(turned, "truth").high == pytest.approx(290.0, abs=0.002)
    byte = packed(0, 0, "i1", valid_range=np.array([0, -2], "i1"))
    byte.encoding |= {"_Unsigned": "true", "scale_factor": 1.0, "add_offset": 0.0}
    found = validity_of(byte, "truth")
    assert (found.low, found.high) == pytest.approx((0.0, 254.0), abs=0.01)


@pytest.mark.parametrize("value", ["0 100", [1.0, 2.0, 3.0], np.nan])
def test_limits_that_cannot_be_read_are_refused(value):
    with pytest.raises(sn.BadInput, match="truth: its attribute valid_range must be two numbers"):
        validity_of(packed(0, 0, valid_range=value), "truth")


def test_a_value_at_its_limit_is_valid_after_unpacking_in_single_precision():
    stored = np.arange(-32000, 32000, 7, dtype="i2")
    values = stored.astype("f4") * np.float32(0.001) + np.float32(280.0)
    for limit in stored[::500]:
        one = packed(0, 0, valid_min=limit)
        one.encoding["scale_factor"] = 0.001
        assert (validity_of(one, "truth").missing(values) == (stored < limit)).all()


def test_default_fill_values_are_those_of_netcdf():
    plain = xr.DataArray(np.zeros((2, 2), "f4"), dims=("y", "x"))
    assert not validity_of(plain, "truth")  # in memory
    plain.encoding = {"dtype": np.dtype("f4")}
    assert validity_of(plain, "truth").fills == (9.969209968386869e36,)
    plain.encoding = {"dtype": np.dtype("f4"), "filters": ()}
    assert not validity_of(plain, "truth")  # Zarr has a fill value of its own
    plain.encoding = {"dtype": np.dtype("i2"), "scale_factor": 2.0}
    assert validity_of(plain, "truth").fills == (-65534.0,)
    plain.encoding, plain.attrs["_FillValue"] = {}, -999.0  # read without decoding
    assert validity_of(plain, "truth").fills == (-999.0,)
    short = packed(0, 0)
    short.encoding = {"dtype": np.dtype("i2"), "_Unsigned": "true"}
    assert validity_of(short, "truth").fills == (32769,)


def test_whole_numbers_stay_exact():
    missing = Validity(-np.inf, np.inf, (-9223372036854775806.0,), 0.0).missing(
        np.array([-9223372036854775806, 2**52 + 1])
    )
    assert without(np.array([-9223372036854775806, 2**52 + 1]), missing).tolist()[1] == 2**52 + 1
    with pytest.raises(sn.BadInput, match="whole numbers"):
        unmasked(np.ma.masked_array(np.array([0, 2**53 + 1]), [True, False]))


def data(tmp_path, kind):
    """Files whose prediction has one value out of its range, and whose truth has one fill value, by name."""
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[1, 2, 20, 70] = 900.0
    wrong["t2m"].attrs["valid_range"] = np.array([100.0, 400.0], "f4")
    truth["t2m"].values[2, 5, 6] = 9.969209968386869e36
    paths = []
    for name, one in (("p", wrong), ("t", truth)):
        one["t2m"].encoding["_FillValue"] = None
        paths.append(tmp_path / f"{name}.{kind}")
        one.to_netcdf(paths[-1], engine="h5netcdf") if kind == "nc" else one.to_zarr(paths[-1])
    return paths


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_declared_missing_is_counted_placed_and_a_fault_of_the_prediction(tmp_path, workers):
    report = sn.audit_fields(*data(tmp_path, "nc"), workers=workers)
    v = report["t2m"]
    mine, other = v.invalid
    assert (mine.side, mine.n, mine.low, mine.high) == ("prediction", 1, 100.0, 400.0)
    assert dict(mine.at) == {
        "init": "2020-01-01T12:00", "lead": "18 h", "valid": "2020-01-02T06:00", "lat": 12.5, "lon": 350.0,
    }  # fmt: skip
    # The second analysis is the truth of two forecasts: 6 h + 6 h and 0 h + 12 h.
    assert (other.side, other.n, other.at["lat"], other.at["lon"]) == ("truth", v.truth_missing, -62.5, 30.0)
    assert (v.missing, report.status.code) == (1, "missing-values")
    assert (v.sup.lower, v.sup.upper, v.sup.upper_kind) == (
        np.inf,
        None,
        "none",
    )  # a model without a value is an error
    said = [s.text for s in report.record.findings if s.code == "invalid"]
    assert "below 100 or above 400 (valid range)" in said[0]
    assert "equal to the fill value" in said[1]


def test_the_range_can_be_ignored(tmp_path):
    paths = data(tmp_path, "nc")
    v = sn.audit_fields(*paths, pairing=PairingOptions(ignore_valid_range=True))["t2m"]
    assert v.invalid == ()
    assert v.sup.lower > 1e36


def test_nothing_is_said_where_nothing_is_outside(tmp_path):
    truth = analysis()
    truth["t2m"].attrs["valid_min"] = 0.0
    assert sn.audit_fields(forecast(truth), truth)["t2m"].invalid == ()


def test_a_member_out_of_range_is_missing_in_the_mean():
    truth = analysis(times=2)
    members = xr.concat([truth, truth + 1.0], "member")
    members["t2m"].attrs["valid_max"] = 1000.0
    members["t2m"].values[1, 0, 3, 4] = 2000.0
    v = sn.audit_fields(members, truth, pairing=PairingOptions(member="mean"))["t2m"]
    assert (v.missing, v.invalid[0].n, v.sup.lower) == (1, 1, np.inf)
