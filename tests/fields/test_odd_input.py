"""Data that are odd and still compared: what is found, and what is said about them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.fields.archives import HOUR, analysis, forecast

import supnorm as sn
from supnorm.cli.main import run
from supnorm.fields.units import same_unit
from supnorm.pages.fields_page import fields_page, fields_summary
from supnorm.results.fields import FieldVariableRecord


def audited(prediction: xr.Dataset, truth: xr.Dataset, **options: Any) -> FieldVariableRecord:
    return sn.audit_fields(prediction, truth, **options)["t2m"]


def of(value: float, like: xr.Dataset) -> xr.Dataset:
    made = like.copy(deep=True)
    made["t2m"].values[:] = value
    return made


def test_half_precision_is_compared_as_it_is_and_its_digits_are_said() -> None:
    truth = analysis()
    half = forecast(truth)
    half["t2m"] = half["t2m"].astype(np.float16)
    found = audited(half, truth)
    expected = max(
        np.abs(half["t2m"].values[i, k].astype(float) - truth["t2m"].values[a + b].astype(float)).max()
        for i, a in enumerate((0, 2, 4))
        for k, b in enumerate((1, 2, 3))
    )
    assert found.sup.lower == expected
    assert any("16 bits" in note for note in found.notes)


@pytest.mark.parametrize("value", [280.0, 0.0, -0.0])
def test_a_constant_field_that_is_right(value: float) -> None:
    """Minus zero is zero, and no lower bound of zero is broken by it."""
    truth = analysis()
    same, right = of(value, forecast(truth)), of(abs(value), truth)
    found = audited(same, right, bounds={"t2m": (0.0, 1000.0)})
    assert (found.sup.lower, found.sup.upper, found.rms) == (0.0, 0.0, 0.0)
    assert (found.bounds.below, found.bounds.above, found.events) == (0, 0, ())
    assert found.quantiles["0.5"] == (0.0, 0.0)


def test_a_constant_field_that_is_wrong() -> None:
    truth = analysis()
    found = audited(of(281.0, forecast(truth)), of(280.0, truth))
    assert (found.sup.lower, found.rms, found.bias) == (1.0, 1.0, 1.0)
    assert found.spectrum is None or not np.isfinite(found.spectrum.error_ratio).any()


def test_accumulations_have_no_value_at_lead_time_0() -> None:
    """Missing in the prediction alone they are a fault; missing on both sides they are left out."""
    truth = analysis()
    wrong = forecast(truth, leads=(0, 1, 2))
    wrong["t2m"].values[:, 0] = np.nan
    report = sn.audit_fields(wrong, truth)
    assert report.status.code == "missing-values"
    assert report["t2m"].missing == 3 * 36 * 72
    assert [lead.missing for lead in report["t2m"].by_lead] == [3 * 36 * 72, 0, 0]
    assert {b.lead for b in report["t2m"].first_bad} == {"0 h"}
    later = sn.audit_fields(wrong.isel(prediction_timedelta=[1, 2]), truth)["t2m"]
    assert report["t2m"].compared_sup == later.sup.lower == later.sup.upper


def test_lead_times_without_a_truth_are_left_out_and_counted() -> None:
    truth = analysis()
    wrong = forecast(truth)
    some = truth.isel(time=[1, 3, 5])  # no init has a truth after two steps
    found = audited(wrong, some)
    assert (found.fields, found.of) == (5, 5)
    assert any("4 of 9 forecast times have no truth" in note for note in found.notes)
    middle = found.by_lead[1]
    assert (middle.n, np.isnan(middle.rms), np.isnan(middle.sup)) == (0, True, True)


def test_values_of_opposite_sign_may_be_infinitely_far_apart() -> None:
    truth = analysis().astype(np.float64)
    wrong = forecast(truth).astype(np.float64)
    wrong["t2m"].values[0, 0, 0, 0] = 1.7e308
    truth["t2m"].values[1, 0, 0] = -1.7e308
    report = sn.audit_fields(wrong, truth, tolerance=1.0, bounds={"t2m": (-np.inf, np.inf)})
    assert report.status.code == "tolerance-exceeded"
    assert report["t2m"].sup.lower == np.inf
    assert report["t2m"].sup.witness.prediction == 1.7e308
    assert "exists within" not in " ".join(f.text for f in report.record.findings)


def test_an_infinite_prediction_is_missing_and_never_averaged() -> None:
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[0, 0, 0, 0] = np.inf
    report = sn.audit_fields(wrong, truth, tolerance=100.0)
    assert (report.status.code, int(report.status.exit)) == ("missing-values", 1)
    found = report["t2m"]
    assert found.missing == 1
    assert np.isfinite(found.rms)
    assert (found.sup.lower, found.sup.upper, found.sup.upper_kind) == (np.inf, None, "none")
    assert found.sup.witness is not None
    assert found.compared_sup == found.sup.witness.error < 100.0
    assert "  infinite, else " in "\n".join(fields_summary(report.record))
    page = fields_page(report.record)
    assert "At one grid point the prediction has no value." in page
    assert "infinite, else " in page
    assert "the largest error of these points is exact" in page


def test_of_data_that_cannot_be_compared_no_error_is_known() -> None:
    truth, wrong = analysis(), forecast(analysis())
    truth["t2m"].values[:] = np.nan
    report = sn.audit_fields(wrong, truth, tolerance=1.0)
    assert report.status.code == "nothing-compared"
    assert report.to_dict()["variables"][0]["sup"] | {"witness": 0} == {
        "lower": None,
        "upper": None,
        "upper_kind": "none",
        "witness": 0,
    }
    assert "no value" in fields_summary(report.record)[2]
    wrong["t2m"].values[:], truth = np.nan, analysis()
    report = sn.audit_fields(wrong, truth, tolerance=1.0)
    assert (report.status.code, report["t2m"].sup.lower) == ("missing-values", np.inf)
    assert "infinite" in fields_summary(report.record)[2]
    page = fields_page(report.record)
    assert "No grid point has a value on both sides." in page
    assert not [
        words for words in ("is exact", "no value K", "no value to", "RMS error of all") if words in page
    ]


def test_bounds_that_are_no_two_numbers_are_refused() -> None:
    with pytest.raises(
        sn.BadInput, match="bounds of t2m must be two numbers, infinite where there is no bound"
    ):
        sn.audit_fields(forecast(analysis()), analysis(), bounds={"t2m": (0.0, None)})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "shift", [np.timedelta64(30, "m"), np.timedelta64(3650, "D")], ids=["half an hour", "ten years"]
)
def test_both_ranges_of_time_are_named_where_none_is_common(shift: np.timedelta64) -> None:
    truth = analysis()
    later = truth.assign_coords(time=truth["time"] + shift)
    with pytest.raises(sn.BadInput, match="no valid time") as refusal:
        audited(forecast(truth), later)
    for moment in (truth["time"].values[0], later["time"].values[0], later["time"].values[-1]):
        assert str(moment.astype("datetime64[m]")) in str(refusal.value)
    assert ("each of them is 30 min before the nearest" in str(refusal.value)) == (
        shift < np.timedelta64(1, "D")
    )


def test_times_that_are_text_are_refused() -> None:
    truth = analysis()
    with pytest.raises(sn.BadInput, match="no time of the prediction"):
        audited(forecast(truth), truth.assign_coords(time=[f"day {i}" for i in range(12)]))


def test_times_that_are_missing_are_refused() -> None:
    truth = analysis()
    times = truth["time"].values.copy()
    times[3] = np.datetime64("NaT")
    with pytest.raises(sn.BadInput, match="1 of its times are missing"):
        audited(forecast(truth), truth.assign_coords(time=times))


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ("mm", "m"),
        ("Pa", "hPa"),
        ("degC", "K"),
        ("MeV", "meV"),
        ("mbar", "Mbar"),
        ("PW", "pW"),
        ("PgC", "pgC"),
        ("S m-1", "s m-1"),
        ("mT", "MT"),
        ("Pa", "pa"),
        ("g/kg", "kg/kg"),
        ("m s-1", "m s"),
        ("J/kg K", "J/kg/K"),
    ],
)
def test_units_that_differ_are_refused(mine: str, other: str) -> None:
    truth = analysis(unit=other)
    wrong = forecast(truth)
    wrong["t2m"].attrs["units"] = mine
    with pytest.raises(sn.BadInput, match=f"in {mine} and the truth in {other}"):
        audited(wrong, truth)


@pytest.mark.parametrize(
    "spellings",
    [
        ("1/s", "s-1", "s**-1", "s^-1", "1 s-1"),
        ("m/s", "m s-1", "m s**-1", "m s^-1", "m.s-1", "metres per second"),
        ("kg/(m2 s)", "kg m-2 s-1", "kg m**-2 s**-1"),
        ("mm/day", "mm d-1"),
        ("degC", "degree_C", "°C", "celsius", "C"),
        ("h", "hours", "hr"),
        ("µg m-3", "μg m-3", "ug/m3"),
        ("hPa", "mb", "mbar", "millibar", "HPA"),
        ("1", "", "(0 - 1)", "fraction", "kg kg-1"),
        ("m", "gpm", "meters"),
    ],
)
def test_units_that_are_spelled_differently_are_the_same(spellings: tuple[str, ...]) -> None:
    for one in spellings:
        assert [other for other in spellings if not same_unit(one, other)] == []


def test_latitudes_in_radians_are_refused() -> None:
    """Their rows had the areas of rows between 1.5 degrees south and north: an RMS error of no grid."""
    truth = analysis()
    lat = ("lat", np.radians(truth["lat"].values), {"units": "radians"})
    truth = truth.assign_coords(lat=lat)
    with pytest.raises(sn.BadInput, match="lat is in radians"):
        audited(forecast(truth), truth)


@pytest.mark.parametrize(
    ("factor", "offset", "said"),
    [(1.0, -273.15, "273.15"), (100.0, 0.0, "100"), (1000.0, 0.0, "1000"), (9.80665, 0.0, "9.80665")],
)
def test_means_that_differ_as_units_do_are_pointed_out(factor: float, offset: float, said: str) -> None:
    truth = analysis(unit="")
    wrong = forecast(truth) * factor + offset
    found = audited(wrong, truth, bounds={"t2m": (-np.inf, np.inf)})
    assert any(said in note.replace(",", "") for note in found.notes)


def test_a_mask_of_land_in_the_truth_is_counted_and_no_fault() -> None:
    truth = analysis()
    truth["t2m"].values[:, 5:9] = np.nan
    report = sn.audit_fields(forecast(analysis()), truth)
    assert report.status.code == "no-tolerance"
    assert (report["t2m"].missing, report["t2m"].truth_missing) == (0, 9 * 4 * 72)
    assert report["t2m"].n == 9 * 32 * 72


def test_a_store_without_consolidated_metadata_in_both_formats(tmp_path: Any) -> None:
    truth, wrong = analysis(), forecast(analysis())
    for version in (2, 3):
        paths = [tmp_path / f"{name}{version}.zarr" for name in "pt"]
        for path, data in zip(paths, (wrong, truth), strict=True):
            data.to_zarr(path, consolidated=False, zarr_format=version)
        assert sn.audit_fields(*paths)["t2m"].sup.lower == audited(wrong, truth).sup.lower


def test_duplicate_times_of_the_prediction_are_compared_each() -> None:
    truth = analysis()
    wrong = forecast(truth)
    twice = wrong.isel(time=[0, 0, 1])
    assert twice["time"].values[0] == twice["time"].values[1] == truth["time"].values[0]
    found = audited(twice, truth)
    assert found.fields == 9
    assert any("has 1 of its times more than once" in note for note in found.notes)
    assert not any("more than once" in note for note in audited(wrong, truth).notes)


def test_steps_of_an_hour_and_of_six_hours_are_paired_by_time() -> None:
    hourly = analysis(times=60, step=1)
    found = audited(forecast(hourly.isel(time=slice(0, None, 6))), hourly)
    assert found.fields == 9
    assert hourly["time"].values[1] - hourly["time"].values[0] == HOUR


@pytest.mark.parametrize("ending", ["nc", "zarr"])
@pytest.mark.parametrize("side", ["prediction", "truth"])
def test_a_damaged_piece_is_told_with_its_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ending: str,
    side: str,
) -> None:
    """A piece of a NetCDF file that cannot be unpacked ended the verb as a bug of supnorm, with exit code 70."""
    h5py = pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    truth = analysis(times=4)
    whole, damaged = Path(f"whole.{ending}"), Path(f"damaged.{ending}")
    for path in (whole, damaged):
        if ending == "zarr":
            truth.to_zarr(path, consolidated=False, encoding={"t2m": {"chunks": (1, 36, 72)}})
        else:
            how = {"zlib": True, "chunksizes": (1, 36, 72)}
            truth.to_netcdf(path, engine="h5netcdf", encoding={"t2m": how})
    if ending == "zarr":
        piece = next(p for p in sorted((damaged / "t2m").rglob("*")) if p.is_file() and "json" not in p.name)
        piece.write_bytes(piece.read_bytes()[:40])
    else:
        with h5py.File(damaged) as file:
            at = file["t2m"].id.get_chunk_info(2).byte_offset
        content = bytearray(damaged.read_bytes())
        content[at + 20 : at + 60] = b"\xff" * 40
        damaged.write_bytes(content)
    given = [damaged, whole] if side == "prediction" else [whole, damaged]
    assert run(["fields", *map(str, given), "--out", "run", "--quiet"]) == 2
    said = capsys.readouterr().err.strip()
    assert re.fullmatch(
        rf"supnorm: variable t2m of the {side} \(\S*damaged\.{ending}\) cannot be read: .+", said
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": {"foo": "time"}}, "foo is no role"),
        ({"dims": {"lead": "prediction_timdelta"}}, "no variable has this dimension; there are"),
        ({"lead_unit": "fortnights"}, "'fortnights' is not known; there are s, sec"),
    ],
)
def test_options_with_misspelt_words_are_refused(options: dict[str, Any], message: str) -> None:
    """They changed nothing, and nothing said so."""
    truth = analysis()
    with pytest.raises(sn.BadInput, match=message):
        sn.audit_fields(forecast(truth), truth, pairing=sn.PairingOptions(**options))


def test_weights_with_labels_are_those_of_their_rows() -> None:
    """In another order than the fields, they weighed other rows."""
    truth = analysis()
    wrong = forecast(truth)
    name = next(str(d) for d in truth[next(iter(truth.data_vars))].dims if "lat" in str(d))
    weights = xr.DataArray(np.arange(1.0, truth.sizes[name] + 1.0), {name: truth[name]}, (name,))

    def rms(given: Any) -> float:
        found = sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(weights=given))
        return next(iter(found.record.variables)).rms

    assert rms(weights[::-1]) == rms(weights) == rms(weights.values)
    assert rms(weights.values[::-1]) != rms(weights)
    with pytest.raises(sn.BadInput, match=r"weights: their .* is not that of the fields"):
        rms(weights.assign_coords({name: truth[name] + 1.0}))
