"""`supnorm audit` of gridded tables: rows as ever, and the maps of `supnorm fields` beside them."""

import json

import pytest

pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

from tests.fields.archives import analysis, forecast

from supnorm.cli.main import run

PROBLEM = """
[model]
file = "a.nc"
outputs = ["t2m"]
[reference]
file = "t.nc"
outputs = ["t2m"]
[domain]
lat = [-90.0, 90.0]
lon = [0.0, 360.0]
[error]
tolerance = 5.0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = analysis(times=4)
    wrong = truth.copy(deep=True)
    wrong["t2m"].values[2, 4, 4] += 33.0
    truth.to_netcdf("t.nc", engine="h5netcdf")
    wrong.to_netcdf("a.nc", engine="h5netcdf")
    forecast(analysis(times=12)).to_netcdf("p.nc", engine="h5netcdf")
    return tmp_path


@pytest.mark.slow
def test_both_say_the_same(folder, capsys):
    (folder / "problem.toml").write_text(PROBLEM)
    assert run(["audit", "problem.toml", "--json", "--out", "run"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["notes"][-1].startswith(
        "Both tables are fields on a grid: maps, events and errors by time are in"
    )
    fields = json.loads((folder / "run" / "fields" / "fields.json").read_text())
    [variable] = fields["variables"]
    assert variable["sup"]["lower"] == record["sup"]["lower"]
    at = variable["sup"]["witness"]["at"]
    assert (at["lat"], at["lon"]) == (-67.5, 20.0)
    assert (folder / "run" / "fields" / "fields.html").exists()
    assert run(["audit", "problem.toml", "--quiet", "--out", "run"]) == 1  # into the same folder again


@pytest.mark.slow
def test_tables_that_are_no_fields_are_compared_all_the_same(folder, capsys):
    import xarray as xr

    table = xr.Dataset({"y": ("i", [1.0, 2.0, 3.0])}, {"x": ("i", [0.0, 0.5, 1.0])})
    table.to_netcdf("t.nc", engine="h5netcdf")
    (table + 0.5).to_netcdf("a.nc", engine="h5netcdf")
    text = PROBLEM.replace("t2m", "y").replace("lat = [-90.0, 90.0]\nlon = [0.0, 360.0]", "x = [0.0, 1.0]")
    (folder / "problem.toml").write_text(text)
    assert run(["audit", "problem.toml", "--json", "--out", "run"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["sup"]["lower"] == 0.5
    assert not any("maps" in note for note in record["notes"])
    assert not (folder / "run" / "fields").exists()


@pytest.mark.slow
def test_forecasts_and_data_are_sent_to_the_other_verb(folder, capsys):
    (folder / "problem.toml").write_text(PROBLEM.replace("a.nc", "p.nc"))
    assert run(["audit", "problem.toml"]) == 2
    assert "supnorm fields compares gridded forecasts with analyses" in capsys.readouterr().err
    for name in ("p.nc", "p.zarr", "p.GRIB"):
        assert run(["audit", name]) == 2
        message = capsys.readouterr().err
        assert f"compared with their truth by supnorm fields {name} TRUTH" in message
        assert message.count("\n") == 1
