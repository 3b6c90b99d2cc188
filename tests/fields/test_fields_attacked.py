"""Layouts of data that were paired with the wrong field, hidden, or not understood; each of these fell once."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.fields.archives import analysis, forecast

from supnorm.fields import EventOptions, FieldState, Grid, PairingOptions, audit_fields
from supnorm.fields.opening import opened, size_of
from supnorm.pages.field_maps import sup_map
from supnorm.results import BadInput

LAT, LON = np.linspace(-60, 60, 5), np.arange(0.0, 360.0, 45.0)
TIMES = np.datetime64("2020-01-01", "ns") + np.arange(8) * np.timedelta64(6, "h")
SPACE = {"lat": LAT, "lon": LON}
HOURS = np.timedelta64(1, "h").astype("m8[ns]")


def field(dims: dict[str, Any], **scalars: Any) -> xr.DataArray:
    """Different numbers at every point."""
    shape = [len(v[1] if isinstance(v, tuple) else v) for v in dims.values()]
    values = np.arange(float(np.prod([*shape, 5, 8]))).reshape(*shape, 5, 8)
    return xr.DataArray(values, {**dims, **SPACE, **scalars}, (*dims, "lat", "lon"), "v")


TRUTH = field({"time": TIMES})
FORECASTS = field({"time": TIMES[:4], "step": np.arange(3) * 6 * HOURS})


def error(prediction: xr.DataArray, truth: xr.DataArray, **options: Any) -> float:
    return audit_fields(prediction, truth, **options)["v"].sup.lower


def test_a_single_lead_time_beside_the_dimensions_is_added() -> None:
    one = TRUTH[4].drop_vars("time").assign_coords(time=TIMES[0], step=24 * HOURS)
    assert error(one, TRUTH) == 0.0
    many = TRUTH[4:6].assign_coords(time=TIMES[:2], step=24 * HOURS)
    report = audit_fields(many, TRUTH)
    assert report["v"].sup.lower == 0.0
    assert [lead.lead for lead in report["v"].by_lead] == ["24 h"]
    begun = TRUTH.assign_coords(time=TIMES - 6 * HOURS, step=6 * HOURS)  # the truth has one too
    assert error(TRUTH, begun) == 0.0


def test_a_valid_time_is_not_the_begin_of_a_forecast() -> None:
    one = TRUTH[4].drop_vars("time")
    assert error(one.assign_coords(time=TIMES[0], valid_time=TIMES[4]), TRUTH) == 0.0
    assert error(one.assign_coords(valid_time=TIMES[4], step=24 * HOURS), TRUTH) == 0.0
    both = TRUTH[4:6].rename(time="valid_time").expand_dims(step=[6 * HOURS], axis=1)
    with pytest.raises(BadInput, match="not when the forecast begins"):
        error(both, TRUTH)


@pytest.mark.parametrize(
    ("prediction", "truth", "words"),
    [
        (FORECASTS[2].drop_vars("time"), FORECASTS, "4 inits"),
        (FORECASTS[:, 0].drop_vars("step"), FORECASTS, "3 lead times"),
        (FORECASTS[:1], xr.concat([FORECASTS[:1], FORECASTS[:1] + 1], "time"), "twice"),
        (FORECASTS[:, :1], xr.concat([FORECASTS[:, :1], FORECASTS[:, :1] + 1], "step"), "twice"),
        (TRUTH[:0], TRUTH, "dimension time is empty"),
        (TRUTH[:, :0], TRUTH[:, :0], "dimension lat is empty"),
        (TRUTH.isel(time=0, drop=True).rename(lat="a", lon="b").drop_vars(["a", "b"])[:, :5],
         TRUTH.isel(time=0, drop=True).rename(lat="a", lon="b").drop_vars(["a", "b"])[:, :5].T, "looks like"),
        (field({"case": ["a"], "step": [0, 1]}), field({"case": ["a"]}), "is no time"),
    ],
)  # fmt: skip
def test_what_cannot_be_paired_is_refused(prediction: Any, truth: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        audit_fields(prediction, truth)


def test_levels_in_other_units_or_at_other_heights_are_refused() -> None:
    in_hpa = field({"level": ("level", [1000.0, 500.0], {"units": "hPa"})})
    in_pa = in_hpa.assign_coords(level=("level", [1000.0, 50000.0], {"units": "Pa"}))
    with pytest.raises(BadInput, match="levels of the prediction are in hPa"):
        audit_fields(in_hpa, in_pa)
    for mine, other in ((0, 1), ([0], 1), (0, [1])):
        with pytest.raises(BadInput, match="at the level 1000 and the truth at 500"):
            audit_fields(in_hpa.isel(level=mine), in_hpa.isel(level=other))
    with pytest.raises(BadInput, match="level 1000 twice"):
        audit_fields(in_hpa[:1], xr.concat([in_hpa[:1] + 1, in_hpa[:1]], "level"))
    assert error(in_hpa.isel(level=0), in_hpa[:1]) == 0.0


def test_members_are_paired_by_their_names() -> None:
    members = field({"member": [0, 1, 2]})
    assert error(members, members[[2, 1, 0]]) == 0.0


def test_numbers_counted_from_other_dates_are_refused() -> None:
    mine = field({"time": ("time", [0, 1], {"units": "months since 2000-01-01"})})
    other = mine.assign_coords(time=("time", [0, 1], {"units": "months since 2001-01-01"}))
    with pytest.raises(BadInput, match="months since 2001-01-01"):
        audit_fields(mine, other)


def test_a_single_date_of_another_calendar_counts() -> None:
    times = xr.date_range("2020-01-01", periods=2, calendar="noleap", use_cftime=True)
    data = field({"time": times})
    with pytest.raises(BadInput, match="no valid time"):
        audit_fields(data[0], data[1:])
    assert error(data[0], data) == 0.0


@pytest.mark.parametrize("year", [1500, 2262, 2300, 12000])
def test_dates_beyond_nanoseconds_are_told_as_they_are(year: int) -> None:
    """NumPy's nanoseconds wrap round in 2262: an error of 2300 was one of 1715, and dates 584 years apart were one."""
    times = np.array([f"{year}-06-01", f"{year}-06-02"], dtype="datetime64[s]")
    mine, other = field({"time": times}), field({"time": times})
    mine[1, 2, 3] += 9.0
    at = audit_fields(mine, other)["v"].sup.witness.at
    assert at["init"] == f"{year}-06-02T00:00"
    late = other.assign_coords(time=times + np.timedelta64(2**64 // 10**9, "s"))
    with pytest.raises(BadInput, match="no valid time"):
        audit_fields(mine, late)


def test_one_calendar_decoded_in_two_ways_is_one() -> None:
    """xarray gives dates of the package cftime where one of them lies beyond 2262, else those of NumPy."""
    plain = field({"time": np.array(["2020-02-29", "2020-03-01"], dtype="datetime64[ns]")})
    for calendar in ("standard", "proleptic_gregorian"):
        dates = xr.date_range("2020-02-29", periods=2, calendar=calendar, use_cftime=True)
        assert error(plain.assign_coords(time=dates), plain) == 0.0
        assert error(plain, plain.assign_coords(time=dates)) == 0.0
    old = xr.date_range("1500-02-27", periods=2, calendar="julian", use_cftime=True)
    with pytest.raises(BadInput, match="of the calendar julian and the truth of the calendar standard"):
        audit_fields(plain.assign_coords(time=old), plain)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_lead_times_that_are_no_numbers_are_refused(odd: float) -> None:
    data = field({"lead_time": ("lead_time", [0.0, odd], {"units": "hours"})})
    with pytest.raises(BadInput, match="1 of its lead times are no finite numbers"):
        audit_fields(data, data)
    data = field({"time": ("time", [0.0, odd])})
    with pytest.raises(BadInput, match="1 of its times are no finite numbers"):
        audit_fields(data, data)


def test_a_standard_name_of_two_variables_pairs_nothing() -> None:
    air = {"standard_name": "air_temperature"}
    truth = xr.Dataset({n: TRUTH[0].assign_attrs(air) + i for i, n in enumerate(("tas", "t850"))})
    for name in truth:
        truth[name].attrs |= air
    prediction = TRUTH[0].assign_attrs(air).to_dataset(name="t2m")
    with pytest.raises(BadInput, match="no variable in common"):
        audit_fields(prediction, truth)
    assert audit_fields(prediction, truth[["tas"]])["t2m"].truth_name == "tas"


def test_masked_values_are_missing_and_large_whole_numbers_refused() -> None:
    state = FieldState.empty(Grid(np.arange(2.0), np.arange(2.0)))
    truth = np.array([[1, 2], [3, 4]])
    state.add(np.ma.array(truth, mask=[[1, 0], [0, 0]]), truth)
    assert state.counts.sum(axis=(0, 1)).tolist() == [3, 1, 0, 0, 0]
    with pytest.raises(BadInput, match="whole numbers"):
        state.add(truth + 2**60, truth)


def test_events_cross_the_border_of_longitudes_that_begin_anew_in_the_middle() -> None:
    turned = TRUTH[0].assign_coords(lon=np.roll(LON, 4))
    wrong = turned.copy()
    wrong[2, 0] += 9.0
    wrong[2, 7] += 9.0
    record = audit_fields(wrong, turned, events=EventOptions(threshold=1.0))["v"]
    assert record.grid.periodic
    assert len(record.events) == 1


def test_a_field_in_hours_is_compared(tmp_path: Any) -> None:
    data = TRUTH[0].drop_vars("time").assign_attrs(units="hours").to_dataset(name="period")
    (data + 3).assign(period=(data + 3).period.assign_attrs(units="hours")).to_netcdf(
        tmp_path / "p.nc", engine="h5netcdf"
    )
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    assert audit_fields(tmp_path / "p.nc", tmp_path / "t.nc")["period"].sup.lower == 3.0


@pytest.mark.parametrize("how", ["escaped", "linked", "utf-16"])
def test_a_pickle_codec_is_seen_in_every_spelling(tmp_path: Any, how: str) -> None:
    store = tmp_path / "store.zarr"
    inside = tmp_path / "elsewhere" if how == "linked" else store / "v"
    store.mkdir()
    inside.mkdir()
    (store / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
    text = json.dumps({"compressor": {"id": "pickle"}})
    (inside / ".zarray").write_text(
        text.replace("pickle", "\\u0070ickle") if how == "escaped" else text,
        encoding="utf-16" if how == "utf-16" else "utf-8",
    )
    if how == "linked":
        os.symlink(inside, store / "v")
    with pytest.raises(BadInput, match="codec pickle"):
        opened(store, "the prediction")


def test_a_piece_that_was_written_anew_changes_the_identity_of_a_store(tmp_path: Any) -> None:
    pytest.importorskip("zarr")
    store = tmp_path / "store.zarr"
    TRUTH.to_dataset().to_zarr(store, zarr_format=2)
    before = size_of(store)
    (TRUTH[:1].drop_vars(["lat", "lon"]) + 1).to_dataset().to_zarr(store, region={"time": slice(0, 1)})
    assert size_of(store) != before


def test_a_file_that_changed_is_another_one_whatever_its_time(tmp_path: Any) -> None:
    """A copy with the time of another file, of the same size; before a run goes on, and while it is at work."""
    pytest.importorskip("h5netcdf")
    prediction, truth = tmp_path / "p.nc", tmp_path / "t.nc"
    TRUTH.to_netcdf(truth, engine="h5netcdf")
    (TRUTH + 1).to_netcdf(prediction, engine="h5netcdf")
    before, when = size_of(prediction), prediction.stat().st_mtime_ns

    def written_again(event: Any) -> None:
        prediction.write_bytes(prediction.read_bytes())
        os.utime(prediction, ns=(when, when))

    with pytest.raises(BadInput, match="have changed while they were compared"):
        audit_fields(prediction, truth, observer=written_again)
    assert size_of(prediction)[0][:3] == before[0][:3]
    assert size_of(prediction) != before


def test_data_that_changed_while_they_were_compared_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from supnorm.fields.reading import Reader

    read = Reader.prediction
    monkeypatch.setattr(Reader, "prediction", lambda self, *at: read(self, *at) * np.nan)
    with pytest.raises(BadInput, match="have changed"):
        audit_fields(TRUTH + 1, TRUTH)


@pytest.mark.slow
def test_random_layouts_have_the_errors_of_plain_numpy() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        inits, leads, levels, rows, columns = rng.integers([1, 1, 1, 2, 2], [4, 4, 4, 5, 5])
        space = {
            "lat": np.sort(rng.uniform(-80, 80, rows)),
            "lon": np.arange(columns) * 20.0,
            "level": np.arange(levels) + 1,
        }
        data = rng.normal(size=(leads + inits, levels, rows, columns)).astype(rng.choice(["f2", "f4", "f8"]))
        data[rng.random(data.shape) < 0.1] = np.nan
        truth = xr.DataArray(data, {"time": TIMES[: leads + inits], **{k: space[k] for k in ("level", "lat", "lon")}},
                             ("time", "level", "lat", "lon"), "v")  # fmt: skip
        values = np.stack([data[i : i + leads] for i in range(inits)]) + rng.normal(
            size=(inits, leads, levels, rows, columns)
        )
        values[rng.random(values.shape) < 0.1] = np.nan
        prediction = xr.DataArray(
            values, {"time": TIMES[:inits], "step": np.arange(leads) * 6 * HOURS, **truth[0].drop_vars("time").coords},
            ("time", "step", "level", "lat", "lon"), "v",
        )  # fmt: skip
        dims = list(rng.permutation(prediction.dims))
        turned = truth.isel(
            time=rng.permutation(leads + inits), level=rng.permutation(levels), lat=slice(None, None, -1)
        )
        record = audit_fields(
            prediction.transpose(*dims),
            turned.transpose(*rng.permutation(truth.dims)),
            pairing=PairingOptions(area=False),
        )["v"]
        there = np.stack([data[i : i + leads].astype(float) for i in range(inits)])
        expected = values - there
        if not np.isfinite(expected).any():
            continue
        lacks = (np.isnan(values) & ~np.isnan(there)).any()  # a model without a value is an error
        assert record.sup.lower == (np.inf if lacks else np.nanmax(np.abs(expected)))
        assert record.sup.witness.error == np.nanmax(np.abs(expected))
        assert record.rms == pytest.approx(np.sqrt(np.nanmean(expected**2)), rel=1e-12)
        assert record.missing == int((np.isnan(values) & ~np.isnan(there)).sum())
        assert [lead.sup for lead in record.by_lead] == pytest.approx(
            [
                np.nanmax(np.abs(expected[:, k])) if np.isfinite(expected[:, k]).any() else np.nan
                for k in range(leads)
            ],
            nan_ok=True,
        )


def test_a_store_that_claims_more_than_the_memory_is_refused() -> None:
    huge = xr.DataArray(np.broadcast_to(np.float32(0), (10**7, 10**7)), dims=("y", "x"), name="v")
    with pytest.raises(BadInput, match="GB of memory"):
        audit_fields(huge, huge)


def test_two_variables_of_one_name_are_refused() -> None:
    channels = xr.concat([TRUTH, TRUTH], "variable").assign_coords(variable=["u", "v"])
    for data in (
        xr.Dataset({"d": channels, "u": TRUTH}),
        channels.assign_coords(variable=["u", "u"]).to_dataset(name="d"),
    ):
        with pytest.raises(BadInput, match="variable u twice"):
            audit_fields(data, data)


def test_maps_of_variables_with_like_names_are_all_written(tmp_path: Any) -> None:
    truth = xr.Dataset({"a b": TRUTH, "a_b": TRUTH})
    audit_fields(truth.assign({"a b": TRUTH + 1, "a_b": TRUTH + 5}), truth).save(tmp_path)
    with xr.open_dataset(tmp_path / "supmap.nc", engine="h5netcdf") as maps:
        assert {float(maps[n].max()) for n in maps if "largest" in str(n)} == {1.0, 5.0}


def test_states_of_turned_grids_are_not_merged() -> None:
    one, other = (FieldState.empty(Grid.sphere_of(lat, LON)) for lat in (LAT, LAT[::-1]))
    with pytest.raises(BadInput, match="same grid"):
        one.merge(other)


def test_a_variable_without_real_numbers_is_named_as_not_compared() -> None:
    data = xr.Dataset({"v": TRUTH, "mask": TRUTH > 3})
    findings = " ".join(f.text for f in audit_fields(data, data).record.findings)
    assert "mask: no real numbers on both sides, not compared." in findings


@pytest.mark.parametrize("dimension", ["lat", "lon"])
def test_coordinates_in_no_order_are_refused(dimension: str) -> None:
    """Neighbours in the file would be taken for neighbours on the globe: events, gradients, distances, areas."""
    truth = analysis()
    order = np.random.default_rng(0).permutation(truth.sizes[dimension])
    mixed = truth.isel({dimension: order})
    with pytest.raises(BadInput, match=f"coordinate {dimension} neither ascends nor descends"):
        audit_fields(mixed, mixed)


def test_lead_times_and_levels_in_no_order_are_sorted_and_those_given_twice_refused() -> None:
    truth = analysis(levels=[500.0, 850.0, 1000.0])
    wrong = forecast(truth, leads=(3, 1, 2), noise=0.1)
    wrong["t2m"].values[0, 0, 0, 5, 5] += 30  # 18 h
    wrong["t2m"].values[0, 1, 0, 5, 5] += 30  # 6 h: beside it in the file, but 12 h lies between
    found = audit_fields(wrong.isel(level=[1, 0, 2]), truth)["t2m"]
    assert [e.points for e in found.events[:2]] == [1, 1]
    assert [r.lead for r in found.by_lead] == ["6 h", "12 h", "18 h"]
    assert [r.level for r in found.by_level] == ["500", "850", "1000"]
    assert sum("sorted" in note for note in found.notes) == 2
    for parts in ({"prediction_timedelta": [0, 1, 1]}, {"level": [0, 0, 1]}):
        with pytest.raises(BadInput, match="twice"):
            audit_fields(wrong.isel(parts), truth)


def test_the_first_large_error_is_that_of_its_own_level() -> None:
    """A level with small errors has a bad value that is small beside ordinary ones of another level."""
    truth = analysis(levels=[500.0, 1000.0])
    wrong = forecast(truth, leads=(1, 2), noise=0.01)
    noise = np.random.default_rng(2).normal(size=wrong["t2m"].values[:, :, 1].shape)
    wrong["t2m"].values[:, :, 1] += 10 * noise.clip(-4, 4)
    wrong["t2m"].values[1, 1, 0, 5, 5] += 1.0
    [bad] = audit_fields(wrong, truth)["t2m"].first_bad
    assert (bad.lead, bad.at["level"], bad.at["lat"]) == ("12 h", "500", -62.5)


def test_numbers_that_were_not_unpacked_are_refused() -> None:
    truth = analysis()
    raw = (100 * truth).astype("i4")
    raw["t2m"].attrs["scale_factor"] = 0.01
    with pytest.raises(BadInput, match="packed"):
        audit_fields(raw, truth)
    truth["t2m"].attrs["add_offset"] = 0.0
    assert any("add_offset" in note for note in audit_fields(truth, truth)["t2m"].notes)


def test_a_column_that_repeats_the_first_one_is_said() -> None:
    truth = analysis()
    closed = xr.concat([truth, truth.isel(lon=[0]).assign_coords(lon=[360.0])], "lon")
    closed["lon"].attrs["units"] = "degrees_east"
    assert any("first one again" in note for note in audit_fields(closed, closed)["t2m"].notes)


def test_rings_are_where_the_cells_are_also_where_longitudes_begin_anew() -> None:
    truth = analysis(times=2)
    wrong = truth.copy(deep=True)
    wrong["t2m"].values[0, 30, 10] += 60.0
    rings = []
    for shift in (0, 36):
        both = [d.roll(lon=shift, roll_coords=True) for d in (wrong, truth)]
        html = str(sup_map(audit_fields(*both)["t2m"], 800))
        rings.append(float(re.search(r'<circle cx="([\d.]+)"', html)[1]))
    cell = (800 - 56) / 72
    assert rings == pytest.approx([46 + 10.5 * cell, 46 + 46.5 * cell], abs=0.1)


def test_variables_of_one_side_alone_are_named() -> None:
    """Of a forecast without a variable that is asked for every day, nobody learned it from the page."""
    many = xr.Dataset({f"v{k}": TRUTH for k in range(12)})
    findings = " ".join(f.text for f in audit_fields(many[["v3"]], many).record.findings)
    assert "The prediction has no v0, v1, v2, v4, v5, v6, v7, v8 and 3 more: not compared." in findings
    assert "The truth has no" not in findings
    findings = " ".join(f.text for f in audit_fields(many, many[["v3"]]).record.findings)
    assert "The truth has no v0, v1, v2, v4, v5, v6, v7, v8 and 3 more: not compared." in findings
    named = audit_fields(many[["v3"]], many, variables=["v3"]).record.findings
    assert "not compared" not in " ".join(f.text for f in named)
