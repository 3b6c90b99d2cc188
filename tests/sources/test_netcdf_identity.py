"""Two NetCDF files are compared only where they speak of the same: times, levels; what was never written is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import audit
from supnorm.results import BadInput
from supnorm.sources import open_problem

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


def test_the_same_dates_in_other_words_are_the_same(tmp_path: Path) -> None:
    words = {"units": "days since 2020-01-01 00:00:00", "calendar": "standard"}
    assert audit(opened(tmp_path, field("y"), field("yp", time=words))).status.code == "within-tolerance"


def test_fields_of_two_levels_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="differ in level: 850 against 500"):
        opened(tmp_path, field("y", level=500.0), field("yp", level=850.0))
    opened(tmp_path, field("y", level=500.0), field("yp", level=500.0))
    opened(tmp_path, field("y", level=500.0), field("yp"))  # a file that says nothing denies nothing


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
