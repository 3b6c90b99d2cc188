"""Two NetCDF files are compared only where they speak of the same: times, levels; what was never written is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import audit
from supnorm.results import BadInput
from supnorm.sources import open_problem
from supnorm.sources.starter import starting_problem
from supnorm.sources.table_problem import TableColumns, table_specification

xr: Any = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

PROBLEM = """
[model]
file = "p.nc"
inputs = ["lat", "time"]
outputs = ["yp"]
[reference]
file = "t.nc"
inputs = ["lat", "time"]
outputs = ["y"]
[error]
tolerance = 0.05
"""
Y = np.random.default_rng(0).normal(size=(5, 4))
DAYS = {"units": "days since 2020-01-01"}
FILL = 9.969209968386869e36


@pytest.mark.slow
def test_variables_along_other_dimensions_do_not_repeat_the_rows(tmp_path: Path) -> None:
    """Bounds of cells and a list of stations were taken for inputs: 20 rows became 360."""
    both = field("y").assign(y_pred=(("lat", "time"), Y + 0.1), mask=("lat", [0.0, 1.0, 1.0, 0.0, 1.0]))
    both = both.assign(
        lat_bnds=(("lat", "bnds"), np.arange(10.0).reshape(5, 2)), station=("site", np.arange(9.0))
    )
    both.to_netcdf(tmp_path / "t.nc")
    made = table_specification(tmp_path / "t.nc", TableColumns(truth=["y"], prediction=["y_pred"]))
    assert [*made.domain] == ["mask", "lat", "time"]
    (tmp_path / "problem.toml").write_text(starting_problem(str(tmp_path / "t.nc"), tmp_path))
    report = audit(open_problem(tmp_path / "problem.toml"))
    assert report.record.rms.n == 20


def field(name: str, y: Any = Y, time: dict[str, str] | None = None, **scalars: float) -> Any:
    times = ("time", [0.0, 1.0, 2.0, 3.0], DAYS if time is None else time)
    return xr.Dataset({name: (("lat", "time"), y)}, coords={"lat": np.arange(5.0), "time": times, **scalars})


def opened(folder: Path, truth: Any, prediction: Any, toml: str = PROBLEM, **options: Any) -> Any:
    truth.to_netcdf(folder / "t.nc", engine="h5netcdf", **options)
    prediction.to_netcdf(folder / "p.nc", engine="h5netcdf", **options)
    (folder / "problem.toml").write_text(toml)
    return open_problem(folder / "problem.toml")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    ("time", "said"),
    [
        ({"units": "days since 2021-01-01"}, "0 is 2021-01-01"),
        ({"units": "hours since 2020-01-01"}, "1 is 2020-01-01T01:00:00"),
        ({**DAYS, "calendar": "360_day"}, "calendar 360_day"),
    ],
)
def test_times_as_inputs_must_mean_the_same_dates(
    tmp_path: Path, time: dict[str, str], said: str, keyed: bool
) -> None:
    toml = PROBLEM
    first = [field("y"), field("yp", time=time)]
    if keyed:
        toml = PROBLEM.replace('["lat", "time"]', '["lat", "time"]\nkey = "id"')
        first = [f.assign(id=(("lat", "time"), np.arange(20).reshape(5, 4))) for f in first]
    with pytest.raises(BadInput, match=f"differ in the times of input 2: .*{said}"):
        opened(tmp_path, *first, toml=toml)


@pytest.mark.slow
def test_the_same_dates_in_other_words_are_the_same(tmp_path: Path) -> None:
    words = {"units": "days since 2020-01-01 00:00:00", "calendar": "standard"}
    assert audit(opened(tmp_path, field("y"), field("yp", time=words))).status.code == "within-tolerance"


@pytest.mark.slow
def test_fields_of_two_levels_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="differ in level: 850 against 500"):
        opened(tmp_path, field("y", level=500.0), field("yp", level=850.0))
    opened(tmp_path, field("y", level=500.0), field("yp", level=500.0))
    opened(tmp_path, field("y", level=500.0), field("yp"))  # a file that says nothing denies nothing


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("stored", "fill", "packed"),
    [("f8", FILL, False), ("f4", FILL, False), ("i4", -(2**31) + 1, False), ("i8", -(2**63) + 2, False),
     ("i2", -(2**15) + 1, True)],
)  # fmt: skip
def test_default_fill_values_are_missing(tmp_path: Path, stored: str, fill: float, packed: bool) -> None:
    y = np.arange(20, dtype=stored).reshape(5, 4)
    wrong = y + (y == 19)
    y[:3], wrong[:3] = fill, fill
    encoding = {name: {"_FillValue": None} if stored[0] == "f" else {} for name in ("y", "yp")}
    truth, prediction = field("y", y), field("yp", wrong)
    if packed:
        for one, name in ((truth, "y"), (prediction, "yp")):
            one[name].attrs.update(scale_factor=0.5, add_offset=3.0)
    truth.to_netcdf(tmp_path / "t.nc", engine="h5netcdf", encoding={"y": encoding["y"]})
    prediction.to_netcdf(tmp_path / "p.nc", engine="h5netcdf", encoding={"yp": encoding["yp"]})
    (tmp_path / "problem.toml").write_text(PROBLEM)
    report = audit(open_problem(tmp_path / "problem.toml"))
    assert report.document["table"]["compared"] == 8
    assert report.document["table"]["without_value"]["reference"] == 12
    assert report.worst is not None
    assert report.worst.error == (0.5 if packed else 1.0)
    assert report.rms.value == pytest.approx(report.worst.error / np.sqrt(8))
    assert any("12 values of y are NetCDF's default fill value" in n for n in report.document["notes"])


@pytest.mark.slow
def test_a_fill_value_that_the_file_names_is_the_only_one(tmp_path: Path) -> None:
    y = np.where(Y > 0, Y, FILL)
    both = {"_FillValue": -1.0}
    field("y", y).to_netcdf(tmp_path / "t.nc", engine="h5netcdf", encoding={"y": both})
    field("yp", y).to_netcdf(tmp_path / "p.nc", engine="h5netcdf", encoding={"yp": both})
    (tmp_path / "problem.toml").write_text(PROBLEM)
    assert audit(open_problem(tmp_path / "problem.toml")).document["table"]["compared"] == 20


def test_variables_in_groups_are_said_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"its variables are in groups \(deep\)"):
        opened(tmp_path, field("y"), field("yp"), group="deep")


RANGES = {
    "range": {"valid_range": np.array([-2.0, 15.0])},
    "limits": {"valid_min": -2.0, "valid_max": 15.0},
    "only the largest": {"valid_max": 15.0},
}


def with_attributes(name: str, y: Any, attributes: dict[str, Any]) -> Any:
    data = field(name, y)
    data[name].attrs.update(attributes)
    return data


@pytest.mark.sampled(1)
@pytest.mark.parametrize("stated", RANGES)
def test_values_outside_the_valid_range_are_missing(tmp_path: Path, stated: str) -> None:
    y = np.arange(20.0).reshape(5, 4)  # the last four are outside
    prediction = np.where(y == 19.0, 1e6, y + 0.01)
    opened(tmp_path, with_attributes("y", y, RANGES[stated]), field("yp", prediction))
    report = audit(open_problem(tmp_path / "problem.toml"))
    assert report.document["table"]["compared"] == 16
    assert report.document["table"]["without_value"]["reference"] == 4
    assert report.worst is not None
    assert report.worst.error == pytest.approx(0.01)
    assert any(
        "4 values of y are outside the range that the file calls valid" in n for n in report.document["notes"]
    )


@pytest.mark.slow
def test_a_prediction_outside_its_valid_range_is_a_missing_one(tmp_path: Path) -> None:
    y = np.arange(20.0).reshape(5, 4)
    prediction = with_attributes("yp", np.where(y == 7.0, -9999.0, y), {"valid_min": -100.0})
    report = audit(opened(tmp_path, field("y", y), prediction))
    assert report.status.code == "tolerance-exceeded"
    assert report.worst is not None
    assert report.worst.error == np.inf


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("scale", "limits"),
    [
        (0.01, {"valid_range": np.array([0, 1500], dtype="i2")}),  # in packed units
        (0.01, {"valid_range": np.array([0.0, 15.0])}),  # wider than the storage: in the unit of the values
        (np.float32(0.01), {"valid_min": np.int16(0), "valid_max": np.int16(1500)}),
        (-0.01, {"valid_range": np.array([-1500, 0], dtype="i2")}),
    ],
)  # fmt: skip
def test_the_valid_range_of_packed_values_is_that_of_the_storage(
    tmp_path: Path, scale: float, limits: dict[str, Any]
) -> None:
    packed = np.rint(np.arange(20.0).reshape(5, 4) / float(scale)).astype("i2")
    truth, prediction = (with_attributes(n, packed, {**limits, "scale_factor": scale}) for n in ("y", "yp"))
    opened(tmp_path, truth, prediction)
    report = audit(open_problem(tmp_path / "problem.toml"))
    assert report.document["table"]["compared"] == 16  # 15.0 itself is inside


@pytest.mark.slow
def test_a_limit_in_double_precision_does_not_cut_values_in_single_precision(tmp_path: Path) -> None:
    y = np.full((5, 4), 0.1, dtype="f4")  # above 0.1 in double precision
    opened(tmp_path, with_attributes("y", y, {"valid_max": 0.1}), field("yp", y))
    assert audit(open_problem(tmp_path / "problem.toml")).document["table"]["compared"] == 20


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "bad", [{"valid_range": "0, 5"}, {"valid_range": np.array([1.0])}, {"valid_max": np.nan}]
)
def test_a_valid_range_that_is_none_is_one_line(tmp_path: Path, bad: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"column y: its attribute valid_\w+ must be (two numbers|a number)"):
        opened(tmp_path, with_attributes("y", Y, bad), field("yp"))


@pytest.mark.slow
def test_values_in_two_units_are_not_compared(tmp_path: Path) -> None:
    truth, prediction = (
        with_attributes("y", Y, {"units": "K"}),
        with_attributes("yp", Y - 273.15, {"units": "degC"}),
    )
    with pytest.raises(
        BadInput, match="output 1 of the model is in degC, that of the reference in K; convert"
    ):
        opened(tmp_path, truth, prediction)
    same = PROBLEM.replace('outputs = ["yp"]', 'outputs = ["yp"]\noutput_units = ["K"]')
    opened(tmp_path, truth, prediction, toml=same)  # who says so knows it
    for a, b in (("kg m-3", "kg/m3"), ("K", "kelvin"), ("1", ""), ("K", "")):
        opened(tmp_path, with_attributes("y", Y, {"units": a}), with_attributes("yp", Y, {"units": b}))


@pytest.mark.slow
def test_the_unit_of_one_of_several_outputs_counts(tmp_path: Path) -> None:
    truth = with_attributes("y", Y, {"units": "Pa"}).assign(z=(("lat", "time"), Y))
    prediction = with_attributes("yp", Y, {"units": "hPa"}).assign(z=(("lat", "time"), Y))
    toml = PROBLEM.replace('["yp"]', '["yp", "z"]').replace('["y"]', '["y", "z"]')
    with pytest.raises(BadInput, match="output 1 of the model is in hPa, that of the reference in Pa"):
        opened(tmp_path, truth, prediction, toml=toml)


@pytest.mark.slow
def test_inputs_in_two_units_are_not_the_same_inputs(tmp_path: Path) -> None:
    """Equal numbers: only the units say that they mean different points."""
    truth, prediction = field("y"), field("yp")
    truth["lat"].attrs["units"], prediction["lat"].attrs["units"] = "hPa", "Pa"
    with pytest.raises(BadInput, match="differ in the unit of input 1: Pa against hPa"):
        opened(tmp_path, truth, prediction)
    truth["lat"].attrs["units"], prediction["lat"].attrs["units"] = "degrees_north", "degree"
    opened(tmp_path, truth, prediction)


@pytest.mark.slow
def test_a_table_whose_inputs_are_not_in_the_unit_of_the_axis_is_refused(tmp_path: Path) -> None:
    truth = field("y")
    truth["lat"].attrs["units"] = "degC"
    truth.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    (tmp_path / "m.py").write_text("def f(x): return x[:, 0]\n")
    toml = (
        '[model]\npython = "m.py:f"\n[reference]\nfile = "t.nc"\ninputs = ["lat", "time"]\noutputs = ["y"]\n'
        '[domain]\nlat = { low = 0.0, high = 4.0, unit = "K" }\ntime = [0.0, 3.0]\n'
    )
    (tmp_path / "problem.toml").write_text(toml)
    with pytest.raises(BadInput, match=r"axis lat is in K, and in t.nc \(reference\) it is in degC"):
        open_problem(tmp_path / "problem.toml")
    (tmp_path / "problem.toml").write_text(toml.replace('"K"', '"degC"'))
    open_problem(tmp_path / "problem.toml")


STATIONS = """
[model]
file = "p.nc"
inputs = ["x"]
outputs = ["yp"]
{key}
[reference]
file = "t.nc"
inputs = ["x"]
outputs = ["y"]
{key}
[domain]
x = [0.0, 9.0]
[error]
tolerance = 0.05
"""


def stations(name: str, y: list[float], **more: Any) -> Any:
    """Three rows along a dimension; ``more`` are variables of the file, no coordinates."""
    return xr.Dataset({name: ("row", y), "x": ("row", [1.0, 2.0, 3.0]), **more})


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("sides", ["truth", "prediction"])
def test_a_variable_that_only_one_file_calls_a_coordinate_is_compared(tmp_path: Path, sides: str) -> None:
    """A note said that the other file does not state it, and stations in another order were compared."""
    truth = stations("y", [1.0, 2.0, 3.0], site=("row", ["A", "B", "C"]), level=500.0)
    prediction = stations("yp", [2.0, 1.0, 3.0], site=("row", ["B", "A", "C"]), level=500.0)
    called = ["site", "level"]
    truth, prediction = (
        (truth.set_coords(called), prediction) if sides == "truth" else (truth, prediction.set_coords(called))
    )
    with pytest.raises(BadInput, match=r"differ in site at position 1, B and A"):
        audit(opened(tmp_path, truth, prediction, STATIONS.format(key="")))
    same = prediction.assign(site=truth["site"].variable, level=850.0)
    if sides == "prediction":
        same = same.set_coords(called)
    with pytest.raises(BadInput, match=r"differ in level: 850 against 500"):
        audit(opened(tmp_path, truth, same, STATIONS.format(key="")))
    prediction["x"] = ("row", [2.0, 1.0, 3.0])
    keyed = audit(opened(tmp_path, truth, prediction, STATIONS.format(key='key = "site"')))
    assert keyed.record.sup.lower == 0.0


def test_units_of_a_key_that_is_no_coordinate_are_compared(tmp_path: Path) -> None:
    p = [1.0, 10.0, 100.0]
    truth = stations("y", p, p=("row", p, {"units": "hPa"}))
    prediction = stations("yp", p, p=("row", p, {"units": "Pa"}))
    with pytest.raises(BadInput, match="differ in the unit of the key p: Pa against hPa"):
        audit(opened(tmp_path, truth, prediction, STATIONS.format(key='key = "p"')))


def test_names_in_another_encoding_stay_distinct(tmp_path: Path) -> None:
    """Both bytes became the same replacement character, and two stations in another order were the same."""
    names = np.array(["é".encode("latin-1"), "è".encode("latin-1"), b"C"])
    truth = stations("y", [1.0, 2.0, 3.0], site=("row", names)).set_coords("site")
    prediction = stations("yp", [2.0, 1.0, 3.0], site=("row", names[[1, 0, 2]])).set_coords("site")
    with pytest.raises(BadInput, match="differ in site at position 1"):
        audit(opened(tmp_path, truth, prediction, STATIONS.format(key="")))


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["int32", "int16"])
def test_steps_that_single_precision_loses_are_unpacked_in_double(tmp_path: Path, stored: str) -> None:
    """Four steps of an int32 were one number in single precision: an error of 0.04 was 0."""
    counts = np.array(
        [30_000, 20_000, 10_000] if stored == "int16" else [2**30, 2**30 + 64, 2**29], dtype=stored
    )
    packing = {"scale_factor": np.float32(0.01), "add_offset": np.float32(1e5 if stored == "int16" else 0.0)}
    for name, shift in (("y", 0), ("yp", 1)):
        made = stations(name, [0.0, 0.0, 0.0])
        made[name] = ("row", counts + np.array(shift, dtype=stored), packing)
        made.to_netcdf(tmp_path / f"{'t' if name == 'y' else 'p'}.nc", engine="h5netcdf")
    (tmp_path / "problem.toml").write_text(STATIONS.format(key=""))
    lower = audit(open_problem(tmp_path / "problem.toml")).record.sup.lower
    assert lower == pytest.approx(float(np.float32(0.01)), rel=1e-4)


@pytest.mark.slow
def test_whole_numbers_that_are_unpacked_in_double_are_not_refused(tmp_path: Path) -> None:
    """They were judged in single precision, in which nothing reads them: 10^8 + 1 was "cannot be represented"."""
    packing = {"scale_factor": np.float32(1.0), "add_offset": np.float32(1e8)}
    for name, shift in (("y", 0), ("yp", 1)):
        made = stations(name, [0.0, 0.0, 0.0])
        made[name] = ("row", np.array([0, 2, 4], dtype="int16") + np.int16(shift), packing)
        made.to_netcdf(tmp_path / f"{'t' if name == 'y' else 'p'}.nc", engine="h5netcdf")
    (tmp_path / "problem.toml").write_text(STATIONS.format(key=""))
    assert audit(open_problem(tmp_path / "problem.toml")).record.sup.lower == 1.0


@pytest.mark.slow
def test_files_whose_dimensions_have_another_order_are_compared(tmp_path: Path) -> None:
    """Another variable, written first, had turned them: an honest pair was refused."""
    truth = field("y")
    turned = xr.Dataset({"first": ("time", np.zeros(4))}, coords={"time": truth["time"]})
    turned = turned.assign(yp=(("time", "lat"), Y.T + 0.01), lat=truth["lat"])
    wrong = turned.copy(deep=True)
    wrong["yp"][2, 3] += 1.0
    assert audit(opened(tmp_path, truth, turned)).record.status.code == "within-tolerance"
    worst = audit(opened(tmp_path, truth, wrong)).worst
    assert worst is not None
    assert worst.error == pytest.approx(1.01)
    assert worst.x.tolist() == [3.0, 2.0]


@pytest.mark.slow
def test_inputs_in_single_and_double_precision_are_the_same(tmp_path: Path) -> None:
    lat = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    truth = field("y").assign_coords(lat=lat)
    prediction = field("yp", Y + 0.01).assign_coords(lat=lat.astype(np.float32))
    report = audit(opened(tmp_path, truth, prediction))
    assert report.record.status.code == "within-tolerance"
    assert report.rms.n == 20
    off = prediction.assign_coords(lat=(lat + 1e-6).astype(np.float32))
    with pytest.raises(BadInput, match="have different inputs, first in row 1"):
        audit(opened(tmp_path, truth, off))


@pytest.mark.slow
def test_times_since_the_year_one_are_those_since_another_day(tmp_path: Path) -> None:
    """Days since the year 1 have steps of 10 microseconds in double precision: honest files differed by 3."""
    hours = np.array([0.0, 6.0, 12.0, 18.0])
    truth = field("y", time={"units": "hours since 2020-01-01"})
    plain = PROBLEM.replace('"lat", "time"', '"lat"')
    truth = truth.assign_coords(time=("time", hours, {"units": "hours since 2020-01-01"}))
    since = {"units": "days since 0001-01-01", "calendar": "proleptic_gregorian"}
    days = 737424.0 + hours / 24 + np.array([0.0, 1e-10, 0.0, 0.0])
    prediction = field("yp").assign_coords(time=("time", days, since))
    assert audit(opened(tmp_path, truth, prediction, plain)).record.status.code == "within-tolerance"


@pytest.mark.slow
def test_one_level_for_all_rows_is_compared_with_that_of_each_row(tmp_path: Path) -> None:
    truth = (
        stations("y", [1.0, 2.0, 3.0], id=("row", ["A", "B", "C"]))
        .set_coords("id")
        .assign_coords(level=500.0)
    )
    prediction = stations("yp", [1.0, 2.0, 3.0], id=("row", ["A", "B", "C"])).set_coords("id")
    toml = STATIONS.format(key='key = "id"')
    with pytest.raises(BadInput, match="differ in level at position 1: 850 against 500"):
        audit(opened(tmp_path, truth, prediction.assign_coords(level=("row", [850.0] * 3)), toml))
    same = prediction.assign_coords(level=("row", [500.0] * 3))
    assert audit(opened(tmp_path, truth, same, toml)).record.sup.lower == 0.0
    more = stations("yp", [1.0, 2.0, 9.0], id=("row", ["A", "B", "D"]), level=("row", [500.0, 500.0, 850.0]))
    more = more.set_coords(["id", "level"])
    some = audit(
        opened(tmp_path, truth.isel(row=[0, 1]), more, toml)
    )  # the row of the other level has no partner
    assert some.record.sup.lower == 0.0


def test_a_variable_along_other_dimensions_is_another_thing(tmp_path: Path) -> None:
    """The height of a field, 2 m, and the orography of the other file have one name."""
    truth = stations("y", [1.0, 2.0, 3.0], height=("row", [10.0, 200.0, 300.0]))
    prediction = stations("yp", [1.0, 2.0, 3.0]).assign_coords(height=2.0)
    report = audit(opened(tmp_path, truth, prediction, STATIONS.format(key="")))
    assert report.record.sup.lower == 0.0
    assert "p.nc states height, and t.nc does not" in str(report.document["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_times_far_away_and_times_without_a_value(tmp_path: Path, calendar: str) -> None:
    """Days beyond the year 2262 ended with an error of NumPy; NaN was read as the first day."""
    plain = PROBLEM.replace('"lat", "time"', '"lat"')

    def at(name: str, days: list[float]) -> Any:
        since = {"units": "days since 2000-01-01", "calendar": calendar}
        return field(name).assign_coords(time=("time", days, since))

    far, missing = [100_000.0, 100_001.0, 100_002.5, 100_003.0], [1.0, np.nan, 2.0, 3.0]
    for days in (far, missing):
        assert audit(opened(tmp_path, at("y", days), at("yp", days), plain)).record.sup.lower == 0.0
    for one, other in ((far, [*far[:3], far[3] + 1e-3]), (missing, [1.0, 0.0, 2.0, 3.0])):
        with pytest.raises(BadInput, match="differ in time at position"):
            audit(opened(tmp_path, at("y", one), at("yp", other), plain))


def test_blanks_around_text_of_a_key_in_parquet_do_not_count(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(
        arrow.table({"id": ["A ", "B\n"], "x": [1.0, 2.0], "yp": [1.0, 2.0]}), tmp_path / "p.parquet"
    )
    (tmp_path / "t.csv").write_text("id,x,y\nA,1,1\nB,2,2\n")
    toml = STATIONS.format(key='key = "id"').replace("p.nc", "p.parquet").replace("t.nc", "t.csv")
    (tmp_path / "problem.toml").write_text(toml)
    assert audit(open_problem(tmp_path / "problem.toml")).record.sup.lower == 0.0


@pytest.mark.parametrize("calendar", ["standard", "noleap"])
def test_a_time_without_a_value_is_no_key(tmp_path: Path, calendar: str) -> None:
    since = {"units": "days since 2000-01-01", "calendar": calendar}
    days = ("row", [1.0, np.nan, 2.0], since)
    toml = STATIONS.format(key='key = "day"')
    with pytest.raises(BadInput, match="row 2 has no value in the key day"):
        opened(
            tmp_path,
            stations("y", [1.0, 2.0, 3.0], day=days),
            stations("yp", [1.0, 2.0, 3.0], day=days),
            toml,
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nc", "parquet", "csv"])
def test_keys_in_single_and_double_precision_are_the_same(tmp_path: Path, kind: str) -> None:
    """0.5 had a partner, 0.1 had none: honest tables had an infinite error."""
    lat = np.array([0.1, 0.5, 0.3])
    narrow = stations("yp", [1.0, 2.0, 3.0], lat=("row", lat.astype(np.float32)))
    narrow.to_netcdf(tmp_path / "p.nc", engine="h5netcdf")
    if kind == "nc":
        stations("y", [1.0, 2.0, 3.0], lat=("row", lat)).to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    elif kind == "csv":
        (tmp_path / "t.csv").write_text("lat,x,y\n0.1,1,1\n0.5,2,2\n0.3,3,3\n")
    else:
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = {"lat": lat, "x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]}
        parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    toml = STATIONS.format(key='key = "lat"').replace("t.nc", f"t.{kind}")
    (tmp_path / "problem.toml").write_text(toml)
    assert audit(open_problem(tmp_path / "problem.toml")).record.sup.lower == 0.0


def test_one_moment_in_two_time_zones_is_one_key(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    moments = [1_577_836_800 + 86_400 * 90 * i for i in range(3)]  # of winter and of summer
    for name, value, zone in (("p", "yp", "Europe/London"), ("t", "y", "UTC")):
        day = arrow.array(moments, arrow.timestamp("s", tz=zone))
        columns = {"day": day, "x": [1.0, 2.0, 3.0], value: [1.0, 2.0, 3.0]}
        parquet.write_table(arrow.table(columns), tmp_path / f"{name}.parquet")
    toml = STATIONS.format(key='key = "day"').replace(".nc", ".parquet")
    (tmp_path / "problem.toml").write_text(toml)
    assert audit(open_problem(tmp_path / "problem.toml")).record.sup.lower == 0.0


@pytest.mark.slow
def test_a_domain_that_nobody_gave_holds_all_rows_in_both_precisions(tmp_path: Path) -> None:
    """It ended at the inputs of the reference, in single precision, and rows with those of the model were outside."""
    lat = np.array([0.1, 0.2, 0.25])
    y = [1.0, 2.0, 3.0]
    for narrow in ("t", "p"):
        for name, value in (("t", "y"), ("p", "yp")):
            x = lat.astype(np.float32) if name == narrow else lat
            made = xr.Dataset({value: ("row", y if name == "t" else [9.0, 2.0, 3.0]), "x": ("row", x)})
            made.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
        text = STATIONS.format(key="").replace("[domain]\nx = [0.0, 9.0]\n", "")
        (tmp_path / "problem.toml").write_text(text)
        report = audit(open_problem(tmp_path / "problem.toml"))
        assert report.rms.n == 3
        assert report.record.sup.lower == 8.0
