"""Rows of two NetCDF files belong together only if the files say the same of them: sizes, coordinates, whole numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import audit
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.sources import open_problem

xr: Any = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

Y = np.arange(6.0).reshape(3, 2)
THIRDS = np.array([0.1, 0.2, 1 / 3])
METRES = np.array([5e6, 5e6 + 0.5, 5e6 + 1.0], dtype="f4")
SECONDS, HOURS = "seconds since 2020-01-01", "hours since 2020-01-01"
LARGE = 2**53


def field(name: str, y: Any = Y, dims: tuple[str, ...] = ("z", "lat"), **coords: Any) -> Any:
    return xr.Dataset({name: (dims, y)}, coords={"lat": [0.0, 1.0], **coords})


def counted(values: Any, unit: str = SECONDS, **attributes: str) -> Any:
    return "z", np.asarray(values), {"units": unit, **attributes}


def opened(
    folder: Path, truth: Any, prediction: Any, inputs: str = '["lat"]', key: str = "", **encoding: Any
) -> Problem:
    truth.to_netcdf(folder / "t.nc", engine="h5netcdf")
    prediction.to_netcdf(folder / "p.nc", engine="h5netcdf", encoding=encoding)
    key = f"key = {key}\n" if key else ""
    (folder / "problem.toml").write_text(
        f'[model]\nfile = "p.nc"\ninputs = {inputs}\noutputs = ["p"]\n{key}'
        f'[reference]\nfile = "t.nc"\ninputs = {inputs}\noutputs = ["t"]\n{key}[error]\ntolerance = 0.05\n'
    )
    return open_problem(folder / "problem.toml")


OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "single precision": ({"z": METRES}, {"z": METRES[::-1]}, "z at position 1, 5000001 and 5000000"),
    "single precision, moved": ({"z": METRES}, {"z": METRES + np.float32(0.5)}, "5000000.5 and 5000000:"),
    "equal only in single precision": (
        {"z": np.array([5e6, 5e6 + 0.1, 5e6 + 0.2])},
        {"z": np.array([5e6, 5e6 + 0.2, 5e6 + 0.1], dtype="f4")},
        "z at position 2, 5000000 and 5000000.1",
    ),
    "double precision": (
        {"z": 1.7e9 + np.array([0, 1e-6, 2e-6])},
        {"z": 1.7e9 + np.array([2e-6, 1e-6, 0])},
        "z at position 1, 1700000000.0000019 and 1700000000:",
    ),
    "10 Hz": ({"z": counted([0, 0.1, 0.2])}, {"z": counted([0, 0.2, 0.1])}, "T00:00:00.2 and 2020-01-01T00:00:00.1"),
    "nanoseconds": (
        {"z": counted([0, 1, 2], "nanoseconds since 2020-01-01")},
        {"z": counted([0, 2, 1], "nanoseconds since 2020-01-01")},
        "T00:00:00.000000002 and 2020-01-01T00:00:00.000000001",
    ),
    "calendar": (
        {"z": counted([0, 1, 2])},
        {"z": counted([0, 1, 2], calendar="noleap")},
        "the calendar of z: noleap against standard",
    ),
    "unit": ({"z": counted([6, 12, 18], "hours")}, {"z": counted([6, 12, 18], "days")}, "the unit of z: days against hours"),
    "names": ({"site": ("z", ["A", "B", "C"])}, {"site": ("z", ["A", "C", "B"])}, "site at position 2, C and B"),
    "names along an input": ({"site": ("lat", ["A", "B"])}, {"site": ("lat", ["B", "A"])}, "site at position 1, B and A"),
    "two dimensions": ({"h": (("z", "lat"), Y)}, {"h": (("z", "lat"), Y + (Y == 3))}, r"h at position \(2, 2\), 4 and 3"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("other", OTHERS)
def test_rows_with_other_coordinates_are_not_compared(tmp_path: Path, other: str) -> None:
    a, b, message = OTHERS[other]
    with pytest.raises(BadInput, match=message):
        opened(tmp_path, field("t", **a), field("p", **b))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("key", ["calendar", "unit"])
def test_keys_must_mean_the_same(tmp_path: Path, key: str) -> None:
    a, b, _ = OTHERS[key]
    with pytest.raises(BadInput, match=f"the {key} of the key z: "):
        opened(tmp_path, field("t", **a), field("p", **b), key='["z", "lat"]')


@pytest.mark.slow
def test_a_key_of_times_is_exact(tmp_path: Path) -> None:
    truth, prediction = field("t", z=counted([0.0, 1.1, 3.0])), field("p", z=counted([0.0, 1.9, 3.0]))
    pairs = opened(tmp_path, truth, prediction, key='["z", "lat"]').pairs
    assert pairs is not None
    assert pairs.alone == (2, 2)
    tenths = counted([0.0, 0.1, 0.2])
    pairs = opened(tmp_path, field("t", z=tenths), field("p", z=tenths), key='["z", "lat"]').pairs
    assert pairs is not None
    assert pairs.alone == (0, 0)


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two precisions": ({"z": THIRDS}, {"z": THIRDS.astype("f4")}),
    "whole numbers": ({"z": [1, 2, 3]}, {"z": [1.0, 2.0, 3.0]}),
    "two units of time": ({"z": counted([0, 1, 2], HOURS)}, {"z": counted([0, 3600, 7200])}),
    "times in double precision": (
        {"z": counted([0, 1, 2], HOURS)},
        {"z": counted(18262 + np.arange(3) / 24, "days since 1970-01-01")},
    ),
    "another calendar in double precision": (
        {"z": counted([0, 8, 16], "hours since 2000-01-01", calendar="noleap")},
        {"z": counted(54750 + np.arange(3) / 3, "days since 1850-01-01", calendar="365_day")},
    ),
    "words for the usual calendar": (
        {"z": counted([0, 1, 2], calendar="standard")},
        {"z": counted([0, 1, 2], calendar="proleptic_gregorian")},
    ),
    "units in other words": ({"z": counted([6, 12, 18], "hours")}, {"z": counted([6, 12, 18], "h")}),
    "bytes with blanks": ({"s": ("z", np.array([b"A ", b"B ", b"C "]))}, {"s": ("z", ["A", "B", "C"])}),
    "no value": ({"z": [1.0, 2.0, np.nan]}, {"z": [1.0, 2.0, np.nan]}),
    "two dimensions in two precisions": (
        {"h": (("z", "lat"), Y / 10)},
        {"h": (("z", "lat"), (Y / 10).astype("f4"))},
    ),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("same", SAME)
def test_the_same_coordinates_in_another_form_are_the_same(tmp_path: Path, same: str) -> None:
    a, b = SAME[same]
    pairs = opened(tmp_path, field("t", **a), field("p", **b)).pairs
    assert pairs is not None
    assert len(pairs) == 6
    assert not pairs.notes


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "packed",
    [{"scale_factor": 0.01}, {"scale_factor": np.float32(0.01)}, {"scale_factor": 0.01, "add_offset": 40.0}],
)
def test_a_packed_coordinate_is_the_number_that_was_packed(tmp_path: Path, packed: dict[str, Any]) -> None:
    z = np.array([45.01, 45.02, 45.07])
    opened(tmp_path, field("t", z=z), field("p", z=z), z={"dtype": "i2", **packed})
    with pytest.raises(BadInput, match="differ in z at position 3"):
        opened(tmp_path, field("t", z=z), field("p", z=[45.01, 45.02, 45.08]), z={"dtype": "i2", **packed})


def test_dimensions_without_coordinates_have_the_same_sizes(tmp_path: Path) -> None:
    truth, prediction = (
        xr.Dataset({n: (("i", "j"), np.zeros(s)), "x": (("i", "j"), np.arange(12.0).reshape(s))})
        for n, s in (("t", (2, 6)), ("p", (3, 4)))
    )
    with pytest.raises(BadInput, match="dimensions of different sizes, i = 3, j = 4 and i = 2, j = 6"):
        opened(tmp_path, truth, prediction, inputs='["x"]')


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("dimension", [True, False])
@pytest.mark.parametrize("key", ["", '["lat"]'])
def test_one_level_is_compared_as_a_dimension_too(tmp_path: Path, dimension: bool, key: str) -> None:
    truth = field("t", Y[:1], ("level", "lat"), level=[500.0])

    def prediction(level: float) -> Any:
        if dimension:
            return field("p", Y[:1], ("level", "lat"), level=[level])
        return field("p", Y[0], ("lat",), level=level)

    opened(tmp_path, truth, prediction(500.0), key=key)
    with pytest.raises(BadInput, match="differ in level: 850 against 500"):
        opened(tmp_path, truth, prediction(850.0), key=key)


def test_rows_of_other_dimensions_have_the_same_coordinates(tmp_path: Path) -> None:
    x = [1.0, 2.0]
    truth = xr.Dataset({"t": ("n", x), "x": ("n", x)}, coords={"s": ("n", ["A", "B"])})
    prediction = xr.Dataset({"p": ("x", x)}, coords={"x": x, "s": ("x", ["B", "A"])})
    with pytest.raises(BadInput, match="differ in s in row 1, B and A"):
        opened(tmp_path, truth, prediction, inputs='["x"]')


@pytest.mark.slow
def test_a_coordinate_of_one_file_is_a_note(tmp_path: Path) -> None:
    report = audit(opened(tmp_path, field("t", z=THIRDS, level=500.0), field("p")))
    assert report.status.code == "within-tolerance"
    assert any("t.nc states z, level, and p.nc does not" in note for note in report.document["notes"])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "attributes", [{"_FillValue": -1}, {"scale_factor": 1.0}, {"scale_factor": 2.0, "add_offset": 1.0}]
)
def test_whole_numbers_that_are_changed_by_reading_are_refused(
    tmp_path: Path, attributes: dict[str, Any]
) -> None:
    def whole(name: str, y: list[int]) -> Any:
        data = xr.Dataset({name: ("lat", np.array(y, dtype="i8"))}, coords={"lat": [0.0, 1.0]})
        data[name].attrs.update(attributes)
        return data

    opened(tmp_path, whole("t", [LARGE // 2 - 2, 1]), whole("p", [3, 1]))
    number = (LARGE + 1) * int(attributes.get("scale_factor", 1)) + int(attributes.get("add_offset", 0))
    with pytest.raises(
        BadInput, match=f"column t: double precision cannot represent the whole number {number}"
    ):
        opened(tmp_path, whole("t", [LARGE + 1, 1]), whole("p", [3, 1]))


@pytest.mark.slow
def test_whole_numbers_of_coordinates_are_exact(tmp_path: Path) -> None:
    def numbered(name: str, z: list[int]) -> Any:
        data = field(name, z=("z", np.array(z, dtype="i8")))
        data["z"].attrs["_FillValue"] = -1
        return data

    truth = numbered("t", [LARGE, LARGE + 1, 3])
    opened(tmp_path, truth, numbered("p", [LARGE, LARGE + 1, 3]))
    with pytest.raises(BadInput, match="z at position 1, 9007199254740993 and 9007199254740992"):
        opened(tmp_path, truth, numbered("p", [LARGE + 1, LARGE, 3]))
    with pytest.raises(BadInput, match="double precision cannot represent the whole number 9007199254740993"):
        opened(tmp_path, truth, truth.rename(t="p"), key='["z", "lat"]')
