"""Whole audits: planted faults, layouts, coordinates, units, members, odd and bad input."""

import csv
import gc
import io
import json
import math
import pickle
import re
import time

import numpy as np
import pytest
import xarray as xr
from tests.fields.archives import HOUR, LAT, LON, analysis, forecast
from tests.schema import demand_as_published

import supnorm as sn
from supnorm.fields import EventOptions, FieldState, audit_fields, opening, work
from supnorm.fields.displacement import best_move, nearest
from supnorm.fields.reading import Reader
from supnorm.interrupts import INTERRUPTS
from supnorm.pages.fields_page import fields_page, fields_summary
from supnorm.results.fields import FieldsRecord
from supnorm.results.numbers import ratio


def worst(report, name="t2m"):
    return report[name].sup.witness


def exact(prediction, truth):
    """The largest error, by pairing by hand with xarray's own alignment."""
    valid = prediction["time"] + prediction["prediction_timedelta"]
    there = truth["t2m"].sel(time=valid)
    error = np.abs(prediction["t2m"].astype(float) - there.astype(float))
    return float(error.max())


def test_the_largest_error_is_exact_with_its_place_and_both_values():
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[1, 2, 20, 71] += 40.0
    report = sn.audit_fields(wrong, truth, tolerance=10.0)
    found = worst(report)
    assert report["t2m"].sup.lower == report["t2m"].sup.upper == pytest.approx(exact(wrong, truth), abs=0)
    assert report["t2m"].sup.upper_kind == "exact"
    assert dict(found.at) == {
        "init": "2020-01-01T12:00", "lead": "18 h", "valid": "2020-01-02T06:00", "lat": LAT[20], "lon": 355.0,
    }  # fmt: skip
    assert found.prediction - found.truth == pytest.approx(40, abs=3)
    assert report.status.code == "tolerance-exceeded"
    assert int(report.status.exit) == 1


def test_numbers_are_those_of_xarray():
    truth = analysis()
    wrong = forecast(truth)
    v = sn.audit_fields(wrong, truth)["t2m"]
    there = truth["t2m"].sel(time=wrong["time"] + wrong["prediction_timedelta"])
    error = (wrong["t2m"].astype(float) - there.astype(float)).transpose(*wrong["t2m"].dims)
    # Equal steps: bands have areas as the cosine of their middle.
    w = xr.DataArray(np.cos(np.radians(LAT)), dims="lat")
    mean = error.weighted(w).mean().item()
    rms = math.sqrt((error**2).weighted(w).mean().item())
    assert v.bias == pytest.approx(mean, rel=1e-6)
    assert v.rms == pytest.approx(rms, rel=1e-6)
    for i, row in enumerate(v.by_lead):
        one = error.isel(prediction_timedelta=i)
        assert row.rms == pytest.approx(math.sqrt((one**2).weighted(w).mean().item()), rel=1e-6)
        assert row.sup == float(np.abs(one).max())
        assert row.hours == 6.0 * (i + 1)
    low, high = v.quantiles["0.99"]
    share = float((np.abs(error) <= high).weighted(w).mean())
    assert share >= 0.99 - 1e-6
    assert float((np.abs(error) < low).weighted(w).mean()) <= 0.99 + 1e-6


def layouts():
    truth = analysis(levels=[500.0, 850.0])
    plain = forecast(truth)
    yield "WeatherBench 2", plain, truth
    yield (
        "WeatherBench-X",
        plain.rename(time="init_time", prediction_timedelta="lead_time"),
        truth.rename(time="valid_time"),
    )
    hours = plain.assign_coords(
        prediction_timedelta=("prediction_timedelta", [6, 12, 18], {"units": "hours"})
    )
    yield "hours", hours.rename(prediction_timedelta="step"), truth
    yield (
        "transposed",
        plain.transpose("lon", "level", "prediction_timedelta", "lat", "time"),
        truth.transpose("lon", ..., "lat"),
    )
    yield "north first", plain, truth.isel(lat=slice(None, None, -1))
    shifted = truth.assign_coords(lon=(truth["lon"] + 180) % 360 - 180).sortby("lon")
    shifted["lon"].attrs["units"] = "degrees_east"
    yield "from -180", plain, shifted
    yield "levels the other way round", plain, truth.isel(level=[1, 0])
    channels = plain["t2m"].expand_dims(variable=["t2m"]).to_dataset(name="fields")
    yield "Earth2Studio", channels, truth
    renamed = plain.rename(lat="latitude", lon="longitude", level="pressure_level")
    yield "other names", renamed, truth


@pytest.mark.parametrize(("prediction", "truth"), [pytest.param(p, t, id=i) for i, p, t in layouts()])
def test_every_layout_gives_the_same(prediction, truth):
    plain, there = next((p, t) for i, p, t in layouts() if i == "WeatherBench 2")
    expected = sn.audit_fields(plain, there)["t2m"]
    found = sn.audit_fields(prediction, truth)["t2m"]
    assert found.sup.lower == expected.sup.lower
    assert [r.sup for r in found.by_lead] == [r.sup for r in expected.by_lead]
    assert found.rms == pytest.approx(expected.rms, rel=1e-12)
    a, b = (list(v.sup.witness.at.values()) for v in (found, expected))
    assert a == b
    assert {r.level: r.sup for r in found.by_level} == {r.level: r.sup for r in expected.by_level}


def test_turns_are_said():
    truth = analysis()
    notes = sn.audit_fields(forecast(truth), truth.isel(lat=slice(None, None, -1)))["t2m"].notes
    assert any("reversed" in note for note in notes)


def test_only_common_valid_times_are_compared_and_the_rest_is_said():
    truth = analysis(times=6)
    wrong = forecast(analysis(times=12), inits=(0, 2, 6))
    v = sn.audit_fields(wrong, truth)["t2m"]
    assert v.fields == v.of == 6
    assert any("3 of 9 forecast times have no truth" in note for note in v.notes)


def test_analyses_against_analyses():
    truth = analysis()
    v = sn.audit_fields(truth + 0.25, truth)["t2m"]
    assert (v.sup.lower, v.bias, v.fields) == (
        pytest.approx(0.25, abs=1e-4),
        pytest.approx(0.25, abs=1e-4),
        12,
    )
    assert len(v.by_lead) == 1


def test_times_and_levels_that_only_the_truth_has_are_said():
    axes = {"time": np.arange(5), "level": [500.0, 850.0], "lat": LAT[:4], "lon": LON[:6]}
    truth = xr.DataArray(np.zeros((5, 2, 4, 6)), axes, ("time", "level", "lat", "lon"), "t")
    report = audit_fields(truth.isel(time=[1, 3], level=[0]), truth, tolerance=1.0)
    notes = " ".join(report["t"].notes)
    assert "no field for 1 of the 3 times of the truth from its first to its last one" in notes
    assert "The prediction has no level 850 of the truth." in notes


def test_two_forecasts_are_paired_by_init_and_lead_time():
    truth = analysis()
    one = forecast(truth)
    other = forecast(truth, leads=(3, 2, 1), noise=0.0)
    v = sn.audit_fields(one, other.isel(time=[2, 0, 1]))["t2m"]
    assert v.sup.lower == pytest.approx(exact(one, truth), abs=0)


@pytest.mark.slow
def test_roll_outs_without_coordinates():
    truth = xr.DataArray(np.zeros((4, 6, 5)), dims=("time", "z", "x"), name="u")
    wrong = truth.copy()
    wrong[3, 5, 0] = 2.0
    found = worst(sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(dims={"lead": "time"})), "u")
    assert dict(found.at) == {"lead": "3", "z": 5.0, "x": 0.0}


def test_missing_values_are_never_hidden():
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[0, 1, 3, :4] = np.nan
    wrong["t2m"].values[2, 0, 5, 5] = -np.inf
    truth["t2m"].values[:, 10, 10] = np.nan
    report = sn.audit_fields(wrong, truth, tolerance=100.0)
    v = report["t2m"]
    assert report.status.code == "missing-values"
    assert int(report.status.exit) == 1
    assert (v.missing, v.truth_missing) == (5, 9)
    assert v.first_missing["lead"] == "12 h"
    assert (math.isinf(v.sup.lower), math.isfinite(v.compared_sup)) == (True, True)
    assert [b.cause for b in v.first_bad][:2] == ["missing", "missing"]


def test_a_mask_that_both_have_is_no_fault():
    truth = analysis()
    truth["t2m"].values[:, 4] = np.nan
    wrong = forecast(truth)
    report = sn.audit_fields(wrong, truth, tolerance=100.0)
    assert report.status.code == "within-tolerance"
    assert report["t2m"].missing == report["t2m"].truth_missing == 0


def test_bounds():
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[1, 0, 2, 2] = 100.0
    report = sn.audit_fields(wrong, truth)
    assert report.status.code == "out-of-bounds"
    v = report["t2m"].bounds
    assert (v.low, v.high, v.by, v.below, v.above, v.worst) == (150.0, 350.0, "usual", 1, 0, 100.0)
    assert sn.audit_fields(wrong, truth, bounds={"t2m": (0, 1000)}).status.code == "no-tolerance"
    given = sn.audit_fields(wrong, truth, bounds={"t2m": (0, 285)})["t2m"].bounds
    assert given.above == int((wrong["t2m"] > 285).sum())
    assert given.by == "given"


def test_a_misplaced_value_and_one_that_exists_nowhere():
    truth = np.tile(np.arange(40.0), (30, 1))
    assert nearest(25.0, truth, 15, 20, False) == [3.0, 0.0, 0.0]
    assert nearest(90.0, truth, 15, 20, False)[2] == pytest.approx(58.0)
    around = nearest(39.0, truth, 15, 1, True)
    assert around[0] == 0.0
    holes = np.full((5, 5), np.nan)
    assert math.isnan(nearest(1.0, holes, 2, 2, False)[0])


def smooth(step=3.0):
    """A truth with fronts, and a forecast of it that is right up to noise."""
    lat, lon = np.linspace(90, -90, 61), np.arange(0, 360, step)
    front = (
        8 * np.tanh((lon - 180) / 9) * np.tanh((lon - 60) / 9) - 30 * np.sin(np.radians(lat))[:, None] ** 2
    )
    values = np.stack([280 + front + k for k in range(3)])
    coords = {"time": np.arange(3) * HOUR + np.datetime64("2020", "ns")}
    axes = {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})}
    truth = xr.Dataset({"t": (("time", "lat", "lon"), values, {"units": "K"})}, coords | axes)
    return truth, truth + 0.3 * np.random.default_rng(0).normal(size=values.shape)


def codes(report):
    return [s.code for s in report.record.findings if s.code not in ("largest", "unresolved")]


def test_a_cell_that_exists_nowhere_is_said_to_be_so_at_each_radius():
    truth, wrong = smooth()
    wrong["t"].values[1, 20, 63] -= 30
    report = sn.audit_fields(wrong, truth)
    assert codes(report) == ["nowhere"]
    said = next(s.text for s in report.record.findings if s.code == "nowhere")
    left = worst(report, "t").unexplained
    assert re.search(r"within 2 cells \(about 670 km\) differs by [\d.]+ K, within 6 cells by", said)
    values, value = truth["t"].values[1], wrong["t"].values[1, 20, 63]
    near = np.abs(values[18:23, 61:66] - value).min()
    assert left["2"] == pytest.approx(near)
    assert not worst(report, "t").moved.explains


def test_what_is_wrong_within_its_noise_is_neither_misplaced_nor_made_up():
    truth, wrong = smooth()
    report = sn.audit_fields(wrong, truth)
    assert codes(report) == []
    assert "can be chance" in report.record.findings[0].text


@pytest.mark.parametrize("columns", [4, -9])
def test_a_front_in_the_wrong_place_is_found_with_its_move(columns):
    truth, wrong = smooth()
    wrong["t"].values[...] = np.roll(wrong["t"].values, columns, axis=-1)
    report = sn.audit_fields(wrong, truth)
    assert codes(report) == ["misplaced"]
    moved = worst(report, "t").moved
    assert (moved.columns, moved.explains) == (columns, True)


def test_a_bias_and_a_block_are_no_moves():
    truth, wrong = smooth()
    assert codes(sn.audit_fields(wrong + 2.0, truth)) == []
    wrong["t"].values[1, 18:25, 100:107] += 6
    assert "misplaced" not in codes(sn.audit_fields(wrong, truth))


def test_a_bump_that_the_prediction_lacks_is_in_no_wrong_place():
    """Moved out of sight, the truth fitted: "may be in the wrong place", 12 rows and 12 columns away."""
    truth, flat = smooth()
    row, column = np.indices(truth["t"].shape[1:])
    truth["t"].values[...] = 280 + 15 * np.exp(-((row - 30.0) ** 2 + (column - 63.0) ** 2) / 12)
    flat["t"].values[...] = 280.0
    assert "misplaced" not in codes(sn.audit_fields(flat, truth))


def test_a_value_that_the_truth_has_is_not_said_to_lie_between_its_values():
    truth, wrong = smooth()
    cloud = np.zeros(truth["t"].shape)
    cloud[:, :, ::9] = 1.0
    truth["t"].values[...], wrong["t"].values[...] = cloud, cloud
    wrong["t"].values[1, 20, 64] = 1.0 if cloud[1, 20, 64] == 0 else 0.0
    said = next(s for s in sn.audit_fields(wrong, truth).record.findings if s.code == "near")
    assert "the truth has the predicted value, or values on both sides of it" in said.text


def test_moves_at_edges_with_holes_and_on_tiny_grids():
    truth = np.arange(30.0).reshape(5, 6)
    assert best_move(truth, truth, 0, 0, True).explains(0.0)
    assert best_move(truth, truth, 4, 5, False).columns == 0
    holes = truth.copy()
    holes[2, 2] = np.nan
    assert best_move(truth, holes, 2, 2, False) is None
    assert best_move(np.ones((1, 1)), np.zeros((1, 1)), 0, 0, True).before == 1.0
    huge = np.full((5, 5), 1e308)
    assert best_move(huge, -huge, 2, 2, False) is None


def test_one_measure_stands_in_headline_finding_and_table():
    truth, wrong = smooth()
    wrong["t"].values[1, 20, 63] -= 30
    record = sn.audit_fields(wrong, truth).record
    times = f"{ratio(record.variables[0].sup.witness.ratio)} times the RMS error"
    assert times in fields_page(record).split("<h1>")[1].split("</h1>")[0]
    assert times in record.findings[0].text
    assert f" {ratio(record.variables[0].sup.witness.ratio)} " in fields_summary(record)[2]


def test_parts_of_a_report_have_a_short_text():
    truth, wrong = smooth()
    wrong["t"].values[1, 20, 63] -= 30
    variable = sn.audit_fields(wrong, truth)["t"]
    for one in (variable, variable.events[0]):
        assert len(repr(one)) < 200
        assert str(one) == repr(one)


@pytest.mark.slow
def test_ensembles_have_to_be_told():
    truth = analysis()
    wrong = xr.concat(
        [forecast(truth, seed=s) for s in range(3)], xr.DataArray([0, 1, 2], dims="number", name="number")
    )
    with pytest.raises(sn.BadInput, match="--member each"):
        sn.audit_fields(wrong, truth)
    each = sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(member="each"))["t2m"]
    assert each.sup.lower == max(exact(wrong.isel(number=i), truth) for i in range(3))
    assert each.sup.witness.at["member"] in ("0", "1", "2")
    mean = sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(member="mean"))["t2m"]
    assert mean.sup.lower == pytest.approx(exact(wrong.astype(float).mean("number"), truth), rel=1e-12)


def test_a_region():
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[0, 0, 30, 71] += 50.0  # 62.5 north, 355 east
    wrong["t2m"].values[0, 0, 5, 30] += 90.0
    europe = sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(region=(75, -15, 35, 40)))["t2m"]
    assert europe.sup.witness.at["lon"] == -5.0
    assert europe.events[0].area == pytest.approx(5 * 5 * 111.2**2 * np.cos(np.radians(62.5)), rel=0.01)
    assert europe.grid.columns == 12
    assert not europe.grid.periodic
    with pytest.raises(sn.BadInput, match="no grid point"):
        sn.audit_fields(wrong, truth, pairing=sn.PairingOptions(region=(3, 1, 2, 2)))


def test_units():
    truth = analysis(unit="K")
    celsius = forecast(truth) - 273.15
    celsius["t2m"].attrs["units"] = "degC"
    with pytest.raises(sn.BadInput, match="degC and the truth in K"):
        sn.audit_fields(celsius, truth)
    assert (
        sn.audit_fields(celsius, truth, pairing=sn.PairingOptions(ignore_units=True))["t2m"].sup.lower > 270
    )
    for side in (celsius, truth):
        side["t2m"].attrs.pop("units")
    assert any("273.15" in note for note in sn.audit_fields(celsius, truth)["t2m"].notes)


def test_the_other_name_of_a_variable():
    truth = analysis().rename(t2m="2m_temperature")
    wrong = forecast(analysis())
    with pytest.raises(sn.BadInput, match="no variable in common"):
        sn.audit_fields(wrong, truth)
    assert (
        sn.audit_fields(wrong, truth, variables={"t2m": "2m_temperature"})["t2m"].truth_name
        == "2m_temperature"
    )
    for side, name in ((truth, "2m_temperature"), (wrong, "t2m")):
        side[name].attrs["standard_name"] = "air_temperature"
    assert sn.audit_fields(wrong, truth)["t2m"].truth_name == "2m_temperature"


def refused():
    truth, wrong = analysis(), forecast(analysis())
    yield (
        {"prediction": wrong, "truth": truth.isel(lat=slice(0, 30))},
        "36 by 72 grid points and the truth 30 by 72",
    )
    yield {"prediction": wrong, "truth": truth.assign_coords(lat=LAT + 1)}, "coordinate lat differs"
    yield {"prediction": wrong, "truth": truth.assign_coords(lon=LON + 2)}, "coordinate lon differs"
    yield (
        {"prediction": wrong, "truth": truth.assign_coords(time=truth["time"] + 7 * 24 * 365 * HOUR)},
        "no valid time",
    )
    yield {"prediction": wrong, "truth": truth.isel(time=[0, 1, 1, 2])}, "twice"
    plain = wrong.assign_coords(prediction_timedelta=[6, 12, 18])
    yield {"prediction": plain, "truth": truth}, "without a unit"
    yield (
        {"prediction": wrong.rename(time="what"), "truth": truth, "variables": ["t3m"]},
        "did you mean 't2m'",
    )
    yield {"prediction": wrong, "truth": truth, "tolerance": -1.0}, "tolerance of t2m"
    yield {"prediction": wrong, "truth": truth, "tolerance": {"x": 1.0}}, "no variable that is compared"
    yield {"prediction": wrong, "truth": truth, "bounds": {"t2m": (2, 1)}}, "below the upper"
    yield {"prediction": wrong, "truth": truth, "workers": 0}, "workers"
    yield {"prediction": wrong["t2m"].values, "truth": truth}, "Dataset"
    yield {"prediction": wrong.expand_dims(strange=[1, 2]), "truth": truth}, "strange cannot be told"
    yield {"prediction": wrong.astype(complex), "truth": truth}, "no variable in common"
    yield (
        {"prediction": wrong, "truth": truth, "pairing": sn.PairingOptions(dims={"north": "lat"})},
        "no role",
    )
    yield {"prediction": wrong, "truth": truth, "pairing": sn.PairingOptions(weights=np.ones(3))}, "weights"
    yield {"prediction": wrong.isel(lat=0), "truth": truth}, "a field needs two dimensions|cannot be told"
    yield {"prediction": wrong, "truth": analysis(levels=[1.0, 2.0])}, "2 levels and the prediction has none"
    a, b = analysis(levels=[1.0, 2.0]), analysis(levels=[3.0, 4.0])
    yield {"prediction": forecast(a), "truth": b}, "no level of the prediction"


@pytest.mark.parametrize(
    ("arguments", "words"), list(refused()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_cannot_be_paired_is_refused_in_one_line(arguments, words):
    with pytest.raises(sn.BadInput, match=words) as refusal:
        sn.audit_fields(**arguments)
    assert "\n" not in str(refusal.value)


def test_paths_that_are_no_data(tmp_path):
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "text.nc").write_text("no data")
    for path, words in (
        (tmp_path / "none.nc", "does not exist"),
        (tmp_path / "folder.zarr", "no Zarr store"),
        (tmp_path / "text.nc", "cannot be read as NetCDF"),
    ):
        with pytest.raises(sn.BadInput, match=words):
            sn.audit_fields(path, analysis())


def test_a_store_that_would_run_code_is_not_opened(tmp_path):
    path = tmp_path / "evil.zarr"
    analysis().to_zarr(path, zarr_format=2)
    meta = json.loads((path / "t2m" / ".zarray").read_text())
    meta["filters"] = [{"id": "pickle", "protocol": 4}]
    (path / "t2m" / ".zarray").write_text(json.dumps(meta))
    with pytest.raises(sn.BadInput, match="pickle"):
        sn.audit_fields(path, analysis())


@pytest.mark.parametrize("kind", ["zarr2", "zarr3", "netcdf", "netcdf3", "packed"])
def test_files_give_what_datasets_give(tmp_path, kind):
    truth, wrong = analysis(), forecast(analysis())
    paths = []
    for name, data in (("prediction", wrong), ("truth", truth)):
        path = tmp_path / f"{name}{'.zarr' if 'zarr' in kind else '.nc'}"
        if "zarr" in kind:
            chunks = {"t2m": {"chunks": tuple(2 if n == 3 else n for n in data["t2m"].shape)}}
            data.to_zarr(path, zarr_format=int(kind[-1]), consolidated=False, encoding=chunks)
        elif kind == "packed":
            packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}
            data.to_netcdf(path, engine="h5netcdf", encoding={"t2m": packing})
        else:
            data.to_netcdf(path, engine="h5netcdf" if kind == "netcdf" else "scipy")
        paths.append(path)
    expected, found = sn.audit_fields(wrong, truth)["t2m"], sn.audit_fields(*paths)["t2m"]
    if kind == "packed":
        assert found.sup.lower == pytest.approx(expected.sup.lower, abs=0.011)
        assert any("steps of 0.01" in note for note in found.notes)
    else:
        assert found.sup.lower == expected.sup.lower
        assert found.rms == pytest.approx(expected.rms, rel=1e-12)


def test_derived_quantities_are_computed_piece_by_piece():
    pytest.importorskip("dask.array")
    truth, wrong = (d.assign(v=2 * d["t2m"]) for d in (analysis(), forecast(analysis())))
    lazy = [d.chunk(time=1) for d in (wrong, truth)]
    lazy = [d.assign(speed=np.hypot(d["t2m"], d["v"])) for d in lazy]
    found = sn.audit_fields(*lazy, variables=["speed"])["speed"]
    plain = sn.audit_fields(*(d.assign(speed=np.hypot(d["t2m"], d["v"])) for d in (wrong, truth)))["speed"]
    assert found.sup.lower == plain.sup.lower
    assert found.sup.lower == pytest.approx(
        np.sqrt(5) * sn.audit_fields(wrong, truth)["t2m"].sup.lower, rel=1e-4
    )


def test_pieces_that_were_never_written_are_said(tmp_path):
    truth, wrong = analysis(), forecast(analysis())
    wrong.to_zarr(
        tmp_path / "p.zarr",
        consolidated=False,
        zarr_format=2,
        encoding={"t2m": {"chunks": (1, 1, 36, 72), "_FillValue": 0.0}},
    )
    (tmp_path / "p.zarr" / "t2m" / "1.2.0.0").unlink()
    v = sn.audit_fields(tmp_path / "p.zarr", truth)["t2m"]
    assert any("1 of 9 pieces of the prediction were never written" in note for note in v.notes)


@pytest.mark.slow
def test_threads_and_pieces_change_nothing(tmp_path):
    truth, wrong = analysis(), forecast(analysis(), inits=(0, 1, 2, 3, 4, 5))
    wrong.to_zarr(tmp_path / "p.zarr", consolidated=False, encoding={"t2m": {"chunks": (1, 1, 36, 72)}})
    truth.to_zarr(tmp_path / "t.zarr", consolidated=False, encoding={"t2m": {"chunks": (1, 36, 72)}})
    one, three = (sn.audit_fields(tmp_path / "p.zarr", tmp_path / "t.zarr", workers=n)["t2m"] for n in (1, 3))
    memory = sn.audit_fields(wrong, truth)["t2m"]
    for other in (three, memory):
        assert other.sup.lower == one.sup.lower
        assert other.sup.witness.at == one.sup.witness.at
        assert other.quantiles == one.quantiles
        assert [(e.peak.at, e.points, e.peak.error) for e in other.events] == [
            (e.peak.at, e.points, e.peak.error) for e in one.events
        ]
        assert other.rms == one.rms


@pytest.mark.slow
def test_interrupted_and_resumed_gives_the_same(tmp_path, monkeypatch):
    truth, wrong = analysis(), forecast(analysis(), inits=(0, 1, 2, 3, 4, 5))
    wrong.to_zarr(tmp_path / "p.zarr", consolidated=False, encoding={"t2m": {"chunks": (1, 1, 36, 72)}})
    truth.to_zarr(tmp_path / "t.zarr", consolidated=False, encoding={"t2m": {"chunks": (1, 36, 72)}})
    paths = (tmp_path / "p.zarr", tmp_path / "t.zarr")
    whole = sn.audit_fields(*paths)
    one = work.add_block

    def stop_after(number):
        count = iter(range(1000))

        def slow(*arguments):
            one(*arguments)
            if next(count) == number:
                INTERRUPTS.asked = True  # as a signal between two parts does
                time.sleep(0.5)

        return slow

    for number in (3, 5):
        monkeypatch.setattr(work, "add_block", stop_after(number))
        part = sn.audit_fields(*paths, folder=tmp_path / "run", resume=number > 3)
        assert part.status.code == "interrupted"
        assert int(part.status.exit) == 3
        assert 0 < part["t2m"].fields < 18
        assert part["t2m"].sup.upper is None
        assert "of 18 pairs of fields" in part.status.advice
    monkeypatch.setattr(work, "add_block", one)
    resumed = sn.audit_fields(*paths, folder=tmp_path / "run", resume=True)
    assert resumed["t2m"].to_dict() == whole["t2m"].to_dict()
    # A kill or a full disk before the result is written loses nothing.
    assert (tmp_path / "run" / "state").exists()
    again = sn.audit_fields(*paths, folder=tmp_path / "run", resume=True)
    assert again["t2m"].to_dict() == whole["t2m"].to_dict()
    pickle.loads(pickle.dumps(again)).save(tmp_path / "run")
    assert not (tmp_path / "run" / "state").exists()


def test_each_field_of_the_truth_is_read_once_with_no_more_than_one_time_in_memory(monkeypatch):
    """Of forecasts that are stored field by field: inits that share a valid time come one after the other."""
    truth = analysis(times=12, levels=[500, 700, 850])
    prediction = forecast(truth, inits=(0, 1, 2, 3), leads=(1, 2, 3, 4))
    read, kept = [], []
    load = Reader._load

    def counted(self, at):
        read.append(at)
        load(self, at)
        kept.append(len(self._cache))

    monkeypatch.setattr(Reader, "_load", counted)
    audit_fields(prediction, truth, events=EventOptions(most=0))
    during = [at for i, at in enumerate(read) if at not in read[:i]]
    assert len(during) == 7 * 3
    assert read[: len(during)] == during  # what comes after is the report's own reading
    assert max(kept) <= 2


@pytest.mark.slow
def test_no_state_of_a_variable_outlives_it():
    """Memory does not grow with the number of variables."""
    truth = analysis()
    truth = truth.assign(u=truth["t2m"], v=truth["t2m"])
    prediction = forecast(truth)
    prediction = prediction.assign(u=prediction["t2m"], v=prediction["t2m"])
    alive = []

    def look(event):
        gc.collect()
        alive.append(sum(type(o) is FieldState for o in gc.get_objects()))

    before = sum(type(o) is FieldState for o in gc.get_objects())
    audit_fields(prediction, truth, observer=look)
    assert max(alive) <= before + 1


def test_the_time_is_a_limit(tmp_path):
    truth, wrong = analysis(), forecast(analysis())
    report = sn.audit_fields(wrong, truth, folder=tmp_path, seconds=1e-9)
    assert report.status.code == "interrupted"
    assert report["t2m"].fields == 0
    assert sn.audit_fields(wrong, truth, folder=tmp_path, resume=True)["t2m"].fields == 9


def test_the_checkpoint_is_there_until_the_result_is_written(tmp_path):
    """It was deleted before, and a kill or a full disk in between lost all that was compared."""
    truth, wrong = analysis(), forecast(analysis())
    sn.audit_fields(wrong, truth, folder=tmp_path, seconds=1e-9)
    whole = sn.audit_fields(wrong, truth, folder=tmp_path, resume=True)
    assert (tmp_path / "state").exists()
    assert (
        sn.audit_fields(wrong, truth, folder=tmp_path, resume=True)["t2m"].fields == whole["t2m"].fields == 9
    )
    whole.save(tmp_path)
    assert not (tmp_path / "state").exists()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    truth, wrong = analysis(), forecast(analysis())
    sn.audit_fields(wrong, truth, folder=tmp_path, seconds=1e-9)
    other = truth.to_zarr(tmp_path / "t.zarr", consolidated=False) and tmp_path / "t.zarr"
    with pytest.raises(sn.BadInput, match=r"no unfinished run|other options"):
        sn.audit_fields(wrong, other, folder=tmp_path, resume=True)
    changed = wrong.copy(deep=True)
    changed["t2m"].values[0, 0, 0, 0] += 100.0  # of data in memory no time of change is known
    with pytest.raises(sn.BadInput, match="other data"):
        sn.audit_fields(changed, truth, folder=tmp_path, resume=True)
    with pytest.raises(sn.BadInput, match="no unfinished run"):
        sn.audit_fields(wrong, truth, folder=tmp_path / "none", resume=True)


def test_what_is_saved(tmp_path):
    truth, wrong = analysis(), forecast(analysis())
    wrong["t2m"].values[0, 0, 3, 3] += 60.0
    report = sn.audit_fields(wrong, truth)
    report.save(tmp_path)
    assert FieldsRecord.read(tmp_path / "fields.json") == report.record
    rows = list(csv.DictReader(io.StringIO((tmp_path / "events.csv").read_text())))
    assert float(rows[0]["error"]) == report["t2m"].sup.lower
    maps = xr.open_dataset(tmp_path / "supmap.nc")
    assert float(maps["t2m_largest_error"].max()) == pytest.approx(report["t2m"].sup.lower, rel=1e-6)
    assert report.sup_map("t2m").argmax(...)["lat"].item() == 3


def test_the_record_is_the_schema():
    truth = analysis()
    demand_as_published(sn.audit_fields(forecast(truth), truth).to_json())


def test_other_calendars():
    truth = analysis()
    dates = xr.date_range("2020-02-28", periods=12, freq="6h", calendar="noleap", use_cftime=True)
    truth = truth.assign_coords(time=dates)
    wrong = forecast(analysis()).assign_coords(time=dates[[0, 2, 4]])
    v = sn.audit_fields(wrong, truth)["t2m"]
    assert v.fields == 9
    assert v.sup.witness.at["valid"].startswith("2020-0")


def test_other_calendars_without_their_package(tmp_path, monkeypatch):
    pytest.importorskip("cftime")
    truth = analysis().assign_coords(
        time=xr.date_range("2001-02-27", periods=12, calendar="noleap", use_cftime=True)
    )
    truth.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    assert sn.audit_fields(tmp_path / "t.nc", tmp_path / "t.nc")["t2m"].fields == 12

    def refused(*arguments, **options):
        if options.get("decode_times", True):
            raise ValueError("unable to decode time units ... or installing cftime if it is not installed")
        raise AssertionError("the times were taken as plain numbers")

    monkeypatch.setattr(xr, "open_dataset", refused)
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(sn.BadInput, match=r"times of t.nc .* only the package cftime reads: pip install "):
        sn.audit_fields(tmp_path / "t.nc", tmp_path / "t.nc")


def test_nothing_to_compare():
    truth = analysis()
    wrong = forecast(truth)
    truth["t2m"].values[...] = np.nan
    report = sn.audit_fields(wrong, truth, tolerance=1.0)
    assert report["t2m"].sup.witness is None
    assert report["t2m"].sup.upper is None
    assert report.status.code == "nothing-compared"
