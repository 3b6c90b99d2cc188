"""GRIB: what a user is told without cfgrib, and that messages of eccodes are compared like any other file."""

import sys
from pathlib import Path

import numpy as np
import pytest

import supnorm as sn


@pytest.mark.parametrize("name", ["p.grib", "p.GRIB2", "p.grb"])
def test_without_cfgrib_one_line_says_what_to_do(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "cfgrib", None)
    (tmp_path / name).write_bytes(b"GRIB")
    with pytest.raises(sn.BadInput) as caught:
        sn.audit_fields(tmp_path / name, tmp_path / name)
    words = str(caught.value)
    assert "needs cfgrib: pip install 'cfgrib" in words
    assert "'eccodes" in words
    assert f"or convert it to NetCDF, as with cdo -f nc4 copy {name} p.nc" in words
    assert "\n" not in words


def write(path: Path, dates, steps, levels=(500, 850), error=lambda date, hour, step, level: 0.0):
    eccodes = pytest.importorskip("eccodes")
    grid = {"Ni": 12, "Nj": 7, "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
            "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 330,
            "iDirectionIncrementInDegrees": 30, "jDirectionIncrementInDegrees": 30}  # fmt: skip
    with path.open("wb") as file:
        for date, hour in dates:
            for step in steps:
                for level in levels:
                    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
                    keys = {"dataDate": date, "dataTime": 100 * hour, "stepRange": str(step), **grid}
                    for key, value in {**keys, "shortName": "t", "level": level, "bitsPerValue": 24}.items():
                        eccodes.codes_set(handle, key, value)
                    values = 250.0 + level / 1000 * np.arange(84) / 10 + (hour + step) % 24
                    values[30] += error(date, hour, step, level)
                    eccodes.codes_set_values(handle, values)
                    eccodes.codes_write(handle, file)
                    eccodes.codes_release(handle)


def test_a_forecast_and_analyses_in_grib(tmp_path):
    pytest.importorskip("cfgrib")
    inits = [(20200101, 0), (20200101, 12)]
    write(tmp_path / "p.grib", inits, (6, 12), error=lambda d, h, s, v: 25.0 * ((h, s, v) == (12, 6, 850)))
    write(tmp_path / "t.grib", [(20200101, 6), (20200101, 12), (20200101, 18), (20200102, 0)], (0,))
    report = sn.audit_fields(tmp_path / "p.grib", tmp_path / "t.grib", tolerance=1.0)
    assert report["t"].sup.lower == pytest.approx(25.0, abs=1e-4)  # 24 bits a value
    at = dict(report["t"].sup.witness.at)
    assert at["init"] == "2020-01-01T12:00"
    assert (at["lead"], at["level"]) == ("6 h", "850")
    assert (at["latitude"], at["longitude"]) == (30.0, 180.0)
    assert report["t"].fields == 8
    assert {p.name for p in tmp_path.iterdir()} == {"p.grib", "t.grib"}  # no index is written or read


def test_an_index_beside_the_file_is_not_read(tmp_path):
    cfgrib = pytest.importorskip("cfgrib")
    write(tmp_path / "p.grib", [(20200101, 0)], (6,))
    cfgrib.open_dataset(tmp_path / "p.grib")
    [index] = tmp_path.glob("*.idx")
    index.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    assert sn.audit_fields(tmp_path / "p.grib", tmp_path / "p.grib")["t"].sup.lower == 0.0
    assert not (tmp_path / "ran").exists()
