"""What both sides state beside the axes, labels of levels and members, and dimensions that only one side labels.

Each of these pairs was compared point by point with exit code 0, though its points do not belong together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from supnorm.cli.main import run
from supnorm.fields import PairingOptions, audit_fields
from supnorm.results import BadInput

TIMES = np.datetime64("2020-01-01", "ns") + np.arange(4) * np.timedelta64(6, "h")
HOURS = np.timedelta64(1, "h").astype("m8[ns]")
LAT, LON = np.linspace(-60, 60, 5), np.arange(0.0, 360.0, 45.0)


def field(dims: dict[str, Any], **coords: Any) -> xr.DataArray:
    """Different numbers at every point, on rows and columns without numbers unless they are given."""
    sizes = {name: v if isinstance(v, int) else len(v) for name, v in dims.items()} | {"y": 5, "x": 8}
    axes = {name: v for name, v in dims.items() if not isinstance(v, int)}
    values = np.random.default_rng(0).normal(size=(*sizes.values(),))
    return xr.DataArray(values, axes | coords, [*sizes], "v")


def curved(precision: Any = np.float64) -> xr.DataArray:
    """A curvilinear grid."""
    lat = LAT[:, None] + 0.1 * np.arange(8)
    lon = LON + 0.3 * np.arange(5)[:, None]
    return field(
        {"time": TIMES},
        lat=(("y", "x"), lat.astype(precision), {"units": "degrees_north"}),
        lon=(("y", "x"), lon.astype(precision), {"units": "degrees_east"}),
    )


def moved(data: xr.DataArray, name: str, by: float) -> xr.DataArray:
    """With other values of a coordinate."""
    return data.assign_coords({name: (data[name].dims, data[name].values + by, data[name].attrs)})


def audited(prediction: Any, truth: Any, **options: Any) -> tuple[float, str]:
    """The largest error, and all notes."""
    found = audit_fields(prediction, truth, **options)["v"]
    return found.sup.lower, " ".join(found.notes)


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(curved(np.float32), id="single precision"),
        pytest.param(moved(curved(), "lat", 1e-5), id="rounded otherwise"),
        pytest.param(moved(curved(), "lon", -360.0), id="another turn of the globe"),
        pytest.param(curved().rename(lat="XLAT", lon="XLONG"), id="other names"),
        pytest.param(curved().isel(time=[2, 0, 3, 1]), id="other order of times"),
    ],
)
def test_grids_with_the_same_latitudes_and_longitudes_of_each_point_are_compared(truth: Any) -> None:
    assert audited(curved(), truth) == (0.0, "")


@pytest.mark.parametrize(
    ("prediction", "truth", "words"),
    [
        (curved(), moved(curved(), "lat", 1.0), r"latitude at position \(1, 1\), -60 and -59: .*drop_vars\('lat'\)"),
        (curved(), moved(curved(), "lon", 45.0).rename(lon="XLONG"), r"longitude at position \(1, 1\), 0 and 45"),
        (curved().assign_coords(site=("y", ["a", "b", "c", "d", "e"])),
         curved().assign_coords(site=("y", ["a", "b", "c", "e", "d"])), "site at position 4, d and e"),
        (field({"time": TIMES}, height=2.0), field({"time": TIMES}, height=("time", [2.0, 2.0, 10.0, 2.0])),
         "height at position 3, 2 and 10"),
        (field({"time": 4}, hour=("time", TIMES)), field({"time": 4}, hour=("time", TIMES[[0, 2, 1, 3]])),
         "hour at position 2"),
        (field({"level": 3}, hpa=("level", [1, 2, 3])), field({"level": 3}, hpa=("level", [1, 3, 2])),
         "hpa at position 2, 2 and 3"),
        (field({"time": TIMES}, depth=("y", LAT, {"units": "m"})),
         field({"time": TIMES}, depth=("y", LAT, {"units": "km"})), "the unit of depth, m and km"),
    ],
)  # fmt: skip
def test_coordinates_that_differ_are_refused_with_their_position_and_values(
    prediction: Any, truth: Any, words: str
) -> None:
    with pytest.raises(BadInput, match=f"prediction and truth differ in {words}"):
        audited(prediction, truth)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"y": slice(None, None, -1)}, ["rows (y)"]),
        ({"x": slice(None, None, -1)}, ["columns (x)"]),
        ({"y": slice(None, None, -1), "x": slice(None, None, -1)}, ["rows (y)", "columns (x)"]),
    ],
)
def test_rows_without_numbers_are_turned_by_the_latitudes_of_their_points(
    order: dict[str, slice], words: list[str]
) -> None:
    for prediction, truth in ((curved(), curved().isel(order)), (curved().isel(order), curved())):
        error, notes = audited(prediction, truth)
        assert error == 0.0
        for axis in ("rows (y)", "columns (x)"):
            assert (f"The {axis} of the truth run in the other direction" in notes) == (axis in words)


def test_rows_are_turned_by_nothing_but_latitudes_and_longitudes() -> None:
    """A mask may look the same upside down, and latitudes alone do not tell columns."""
    masked = field({"time": TIMES}, land=(("y", "x"), np.repeat([0, 0, 1, 1, 1], 8).reshape(5, 8)))
    with pytest.raises(BadInput, match="differ in land at"):
        audited(masked, masked.isel(y=slice(None, None, -1)))
    lat = curved().drop_vars("lon")
    with pytest.raises(BadInput, match="differ in latitude at"):
        audited(lat, lat.isel(y=slice(None, None, -1)))
    rows = field({"time": TIMES}, lat=("y", LAT), lon=("x", LON))
    assert audited(rows, rows.isel(y=slice(None, None, -1)))[0] == 0.0


@pytest.mark.parametrize("turn", [slice(None), slice(None, None, -1)])
@pytest.mark.parametrize("swapped", [False, True])
def test_rows_with_numbers_on_one_side_are_paired_by_the_latitudes_of_their_points(
    turn: slice, swapped: bool
) -> None:
    """They were refused with numbers that no file has, "the prediction has 0 to 4"."""
    bare, numbered = curved(), curved().assign_coords(y=LAT + 100.0).isel(y=turn)
    error, notes = audited(numbered, bare) if swapped else audited(bare, numbered)
    assert error == 0.0
    assert f"Only the {'prediction' if swapped else 'truth'} has numbers of its rows (y)" in notes
    assert ("they were reversed" in notes) == (turn.step == -1)
    plain = [v.drop_vars(["lat", "lon"]) for v in (bare, numbered)]
    with pytest.raises(
        BadInput, match=r"has numbers of its rows \(y: .*has none.*data.assign_coords\(y=...\)"
    ):
        audited(*plain[:: -1 if swapped else 1])


def test_numbers_of_cells_are_compared_exactly() -> None:
    """A latitude may differ by a thousandth of a cell, the number of a cell may not."""
    number = np.arange(40.0).reshape(5, 8) * 1e4
    cells = field({"time": TIMES}, cell=(("y", "x"), number))
    with pytest.raises(BadInput, match=r"differ in cell at position \(1, 1\), 0 and 1"):
        audited(cells, moved(cells, "cell", 1.0))
    levels = field({"level": [1_000_000, 1_000_001]})
    assert audited(levels, levels[[1, 0]]) == (0.0, "")


def test_yes_and_no_are_0_and_1() -> None:
    """One program reads the attribute that says so, another one does not."""
    land = np.arange(5) > 2
    assert audited(
        field({"time": TIMES}, land=("y", land)), field({"time": TIMES}, land=("y", land.astype("i1")))
    ) == (0.0, "")


def test_spans_of_time_are_the_same_in_any_resolution() -> None:
    spans = np.arange(5) * HOURS
    one, other = (field({"time": TIMES}, span=("y", s)) for s in (spans, spans.astype("m8[s]")))
    assert audited(one, other) == (0.0, "")
    with pytest.raises(BadInput, match="differ in span at position 5"):
        audited(one, one.assign_coords(span=("y", [*spans[:4], 9 * HOURS])))


def test_coordinates_follow_levels_and_longitudes_that_were_sorted_or_turned() -> None:
    full = field({"level": [1000.0, 500.0, 250.0]}, name=("level", ["c", "b", "a"]))
    full = full.rename(y="lat", x="lon").assign_coords(
        lat=LAT, lon=LON, land=(("lat", "lon"), np.arange(40).reshape(5, 8))
    )
    west = full.assign_coords(lon=(full["lon"] + 180) % 360 - 180).sortby("lon")
    assert audited(full[[1, 0, 2]], west.isel(lat=slice(None, None, -1)))[0] == 0.0
    assert audited(full, full[[2, 0]])[0] == 0.0
    with pytest.raises(BadInput, match="differ in name at position 1, c and b"):
        audited(full, full.assign_coords(name=("level", ["b", "c", "a"])))


def test_a_variable_that_the_other_side_calls_a_coordinate_is_compared() -> None:
    data = curved().to_dataset()
    assert audited(data, data.reset_coords(["lat", "lon"])) == (0.0, "")
    with pytest.raises(BadInput, match="differ in latitude"):
        audited(moved(curved(), "lat", 1.0), data.reset_coords(["lat", "lon"]))


def test_what_only_one_side_states_is_noted() -> None:
    assert audited(curved(), curved().drop_vars(["lat", "lon"])) == (
        0.0,
        "Only the prediction states lat, lon: the truth has nothing to compare with.",
    )
    one = field({"time": TIMES})
    assert "Only the truth states height" in audited(one, one.assign_coords(height=2.0))[1]
    assert "Only the truth states time" in audited(one[0].drop_vars("time"), one[0])[1]


def test_a_forecast_may_have_another_member_and_begin_than_its_truth() -> None:
    truth = field({"time": TIMES}, valid_time=("time", TIMES), number=0, step=0 * HOURS)
    values = np.stack([truth.values[[i, i + 1]] for i in range(3)])
    begun = {"time": TIMES[:3], "step": np.arange(2) * 6 * HOURS}
    valid = TIMES[:3, None] + begun["step"]
    forecast = xr.DataArray(values, begun, ("time", "step", "y", "x"), "v").assign_coords(number=5)
    right = forecast.assign_coords(valid_time=(("time", "step"), valid))
    assert audited(right, truth) == (0.0, "The prediction is the member 5 and the truth the member 0.")
    with pytest.raises(BadInput, match="valid_time is 2020-01-01T06:00 where time says 2020-01-01T00:00"):
        audited(forecast.assign_coords(valid_time=(("time", "step"), valid + 6 * HOURS)), truth)


MEMBERS = field({"member": [1, 2, 3]})


@pytest.mark.parametrize("labels", [[3.0, 2.0, 1.0], ["3", "2", "1"], np.array([b"3", b"2", b"1 "])])
def test_members_are_paired_by_labels_of_any_type(labels: Any) -> None:
    assert audited(MEMBERS[[2, 1, 0]].assign_coords(member=labels), MEMBERS) == (0.0, "")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([2, 3, 4], "the member 1 at position 1, where the truth has 2"),
        (["a", "b", "c"], "the member 1 at position 1, where the truth has a"),
        ([1, 1, 2], "the truth has the member 1 twice"),
    ],
)
def test_members_with_other_labels_are_refused(labels: Any, words: str) -> None:
    with pytest.raises(BadInput, match=rf"{words}.*drop_vars\('member'\)"):
        audited(MEMBERS, MEMBERS.assign_coords(member=labels))


def test_members_that_one_side_labels_are_paired_in_the_order_of_the_files() -> None:
    error, notes = audited(MEMBERS[[2, 0, 1]], MEMBERS[[2, 0, 1]].drop_vars("member"))
    assert error == 0.0
    assert (
        notes
        == "Only the prediction states its members: they were paired with those of the truth in the order of the files."
    )
    same = MEMBERS.drop_vars("member")
    assert audited(same, same) == (0.0, "")


def test_a_coordinate_of_members_is_not_that_of_the_one_truth() -> None:
    labelled = MEMBERS.assign_coords(seed=("member", [7, 8, 9]))
    each = PairingOptions(member="each")
    assert audited(labelled, labelled[0], pairing=each)[0] > 0.0


def test_levels_that_are_text_are_paired_by_their_names() -> None:
    levels = field({"level": ["a", "b", "c"]})
    assert audited(levels[[1, 2, 0]], levels) == (0.0, "")
    error, notes = audited(levels, levels[[2, 0]])
    assert (error, notes) == (0.0, "The truth has no level b: left out.")
    for labels, words in (
        (["d", "e", "f"], "no level of the prediction"),
        (["a", "a", "b"], "the truth has the level a twice"),
    ):
        with pytest.raises(BadInput, match=words):
            audited(levels, levels.assign_coords(level=labels))
    with pytest.raises(BadInput, match="the prediction has the level a twice"):
        audited(levels.assign_coords(level=["a", "a", "b"]), levels)


@pytest.mark.parametrize("swapped", [False, True])
def test_two_levels_are_not_one_level_of_the_other_side(swapped: bool) -> None:
    """Both were compared with the truth at 500, with exit code 0."""
    near, one = (field({"level": [*levels, 850.0]}) for levels in ([500.0, 500.0001], [500.0]))
    sides = "truth", "prediction"
    many, single = sides if swapped else sides[::-1]
    words = f"the levels 500 and 500.0001 of the {many} are both taken for the level 500 of the {single}, .*: leave one"
    with pytest.raises(BadInput, match=words):
        audited(one, near) if swapped else audited(near, one)
    assert audited(near, near) == (0.0, "")


def test_levels_that_one_side_labels_are_paired_in_the_order_of_the_files() -> None:
    """The prediction is sorted; its levels keep their partners."""
    levels = field({"level": [500.0, 850.0, 250.0]})
    for prediction, truth in ((levels, levels.drop_vars("level")), (levels.drop_vars("level"), levels)):
        error, notes = audited(prediction, truth)
        assert error == 0.0
        assert "in the order of the files" in notes
    single = levels[:1].drop_vars("level")
    assert audited(single, levels[0])[0] == 0.0  # its one level is not the number 0


FORECASTS = field({"time": TIMES, "step": np.arange(3) * 6 * HOURS})


@pytest.mark.parametrize(
    ("prediction", "truth", "name"),
    [
        (FORECASTS.drop_vars("step"), FORECASTS, "step of the prediction"),
        (FORECASTS, FORECASTS.drop_vars("step"), "step of the truth"),
        (FORECASTS[:, [1, 2, 0]], FORECASTS[:, [1, 2, 0]].drop_vars("step"), "step of the truth"),
        (FORECASTS.drop_vars("step"), field({"time": TIMES}), "step of the prediction"),
        (FORECASTS.drop_vars("time"), field({"time": np.arange(4)}), "time of the prediction"),
        (field({"time": 4}), field({"time": np.arange(5)}), "time of the prediction"),
        (field({"step": [1, 2, 3]}), field({"time": 4}), "time of the truth"),
    ],
)
def test_a_dimension_without_times_is_not_paired_with_times(prediction: Any, truth: Any, name: str) -> None:
    with pytest.raises(BadInput, match=f"the dimension {name} has no coordinate"):
        audited(prediction, truth)


def test_dimensions_without_times_on_both_sides_are_paired_in_order() -> None:
    bare = FORECASTS.drop_vars(["time", "step"])
    assert audited(bare, bare) == (0.0, "")
    assert audited(FORECASTS.drop_vars("step"), FORECASTS.drop_vars("step")) == (0.0, "")
    numbers = field({"time": [3, 1, 2, 0]})
    assert audited(numbers.drop_vars("time"), numbers) == (
        0.0,
        "Only the truth states its times: they were paired with those of the prediction in the order of the files.",
    )


def test_files_of_two_grids_end_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    curved().to_netcdf("p.nc", engine="h5netcdf")
    moved(curved(), "lat", 1.0).to_netcdf("t.nc", engine="h5netcdf")
    assert run(["fields", "p.nc", "t.nc", "--out", "run", "--quiet"]) == 2
    assert "differ in latitude at position (1, 1), -60 and -59" in capsys.readouterr().err
    assert run(["fields", "p.nc", "p.nc", "--out", "run", "--quiet"]) == 0
