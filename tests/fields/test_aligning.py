"""Grids that are the same in other numbers: single precision, other turns of the globe; and grids that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from supnorm.fields import PairingOptions, audit_fields
from supnorm.results import BadInput

TIMES = np.datetime64("2020-01-01", "ns") + np.arange(2) * np.timedelta64(6 * 3600 * 10**9, "ns")
VALUES = np.random.default_rng(0).normal(size=(2, 20, 30))


def field(lat: Any, lon: Any, values: Any = VALUES, **attributes: Any) -> xr.DataArray:
    axes = {"time": TIMES, "lat": ("lat", lat, attributes), "lon": ("lon", lon, attributes)}
    return xr.DataArray(values, axes, ("time", "lat", "lon"), "v")


def audited(prediction: xr.DataArray, truth: xr.DataArray, **options: Any) -> tuple[float, str]:
    found = audit_fields(prediction, truth, **options)["v"]
    return found.sup.lower, " ".join(found.notes)


@pytest.mark.parametrize("step", [0.25, 0.01, 0.005, 0.001])
@pytest.mark.parametrize("swapped", [False, True])
def test_axes_in_single_precision_are_those_in_double_precision(step: float, swapped: bool) -> None:
    """Steps of 0.005 degrees were two grids, "the prediction has 230 to 230.145, the truth 230 to 230.145"."""
    lat, lon = 50 + step * np.arange(20), 230 + step * np.arange(30)
    single, double = field(lat.astype("f4"), lon.astype("f4")), field(lat, lon)
    prediction, truth = (double, single) if swapped else (single, double)
    assert audited(prediction, truth) == (0.0, "")
    turned = truth.isel(lat=slice(None, None, -1))
    assert audited(prediction, turned) == (
        0.0,
        "The rows (lat) of the truth run in the other direction; they were reversed.",
    )
    assert audited(single, field(lat, lon - 360.0))[0] == 0.0
    summed = np.add(np.float32(230), np.float32(step) * np.arange(30, dtype="f4"), dtype="f4")
    assert audited(field(lat, summed), double) == (0.0, "")


@pytest.mark.parametrize("by", [0.5, 1.0, 0.1])
def test_a_grid_that_is_shifted_by_a_part_of_a_cell_is_another_one(by: float) -> None:
    lat, lon = 50 + 0.001 * np.arange(20), 230 + 0.001 * np.arange(30)
    with pytest.raises(BadInput, match="the coordinate lon differs"):
        audited(field(lat.astype("f4"), (lon + by * 0.001).astype("f4")), field(lat, lon))


def test_the_message_shows_where_grids_with_equal_ends_differ() -> None:
    lat, lon = 50 + 0.1 * np.arange(20), 10 + 0.1 * np.arange(30)
    other = lon.copy()
    other[7] += 0.01
    with pytest.raises(
        BadInput, match=r"has 10 to 12.9 \(10.7 at position 8\), the truth 10 to 12.9 \(10.71 at position 8\)"
    ):
        audited(field(lat, lon), field(lat, other))


def test_a_region_of_axes_in_single_precision() -> None:
    lat, lon = 50 + 0.005 * np.arange(20), 230 + 0.005 * np.arange(30)
    options = PairingOptions(region=(50.05, -129.95, 50.0, -129.9))
    found = audited(field(lat.astype("f4"), lon.astype("f4")), field(lat, lon), pairing=options)
    assert found == (0.0, "")


@pytest.mark.parametrize(
    ("mine", "other", "words"),
    [
        (np.arange(0.0, 361.0, 30.0), np.arange(-180.0, 181.0, 30.0), "go from -180 to 180;"),
        (np.arange(-180.0, 181.0, 30.0), np.arange(0.0, 361.0, 30.0), "go from 0 to 360;"),
        (np.arange(0.0, 360.0, 30.0), np.arange(-180.0, 180.0, 30.0), "begin at -180; they were shifted"),
        (np.arange(0.0, 360.0, 30.0), np.arange(-180.0, 180.0, 30.0)[::-1], "go from 150 to -180;"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_longitudes_are_paired_modulo_360(mine: Any, other: Any, words: str, named: bool) -> None:
    """With the first column repeated at the end, 0 to 360 and -180 to 180 were two grids."""
    lat = np.arange(-60.0, 61.0, 30.0)
    prediction, truth = (
        field(lat, lon, np.cos(np.radians(lon)) + lat[:, None] + np.zeros((2, 1, 1))) for lon in (mine, other)
    )
    if not named:
        prediction, truth = (v.rename(lat="a", lon="b") for v in (prediction, truth))
        for v in (prediction, truth):
            v.a.attrs["units"], v.b.attrs["units"] = "degree_north", "degree_east"
    error, notes = audited(prediction, truth)
    assert error < 1e-12
    assert words in notes
    assert ("column 180 twice" in notes) == (len(mine) == 13 and other[0] < 0)
    truth[1, 2, 4] += 5.0
    found = audit_fields(prediction, truth)["v"].sup
    assert found.lower == pytest.approx(5.0)
    assert (found.witness.at["b" if not named else "lon"] - other[4]) % 360 == 0


def test_a_region_across_greenwich_has_longitudes_that_people_write() -> None:
    """A place at 60 degrees east was told as 420."""
    lat, lon = np.arange(-60.0, 61.0, 30.0), np.arange(0.0, 360.0, 30.0)
    truth = field(lat, lon, np.zeros((2, 5, 12)))
    prediction = truth.copy(deep=True)
    prediction[1, 2, 2] = 3.0
    found = audit_fields(prediction, truth, pairing=PairingOptions(region=(60, 330, -60, 90)))["v"].sup
    assert (found.lower, found.witness.at["lon"]) == (3.0, 60.0)
