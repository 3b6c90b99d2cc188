"""The verb ``supnorm fields``: folder, page, JSON, exit codes, signals, bad options."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

from tests.fields.archives import analysis, forecast

import supnorm as sn
from supnorm.cli.main import run


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = analysis()
    wrong = forecast(truth)
    wrong["t2m"].values[0, 2, 4, 4] += 33.0
    wrong.to_netcdf("p.nc", engine="h5netcdf")
    truth.to_netcdf("t.nc", engine="h5netcdf")
    return tmp_path


@pytest.mark.slow
def test_a_run(files, capsys):
    assert run(["fields", "p.nc", "t.nc", "--tolerance", "t2m=10"]) == 1
    printed = capsys.readouterr()
    assert "t2m is wrong by" in printed.out
    assert "9 pairs of fields" in printed.err
    folder = files / "p-fields"
    assert {p.name for p in folder.iterdir()} == {"fields.json", "fields.html", "events.csv", "supmap.nc"}
    record = json.loads((folder / "fields.json").read_text())
    assert record["status"]["code"] == "tolerance-exceeded"
    html = (folder / "fields.html").read_text()
    assert "above the tolerance" in html
    assert "<script src" not in html
    assert "http:" not in html.replace("http://www.w3.org", "")
    assert "https:" not in html


@pytest.mark.parametrize("side", ["prediction", "truth"])
def test_a_run_writes_over_no_file_of_the_data(files, capsys, side):
    """`--out .` wrote its maps over a prediction that was named as they are."""
    given = ["p.nc", "t.nc"]
    (files / given[side == "truth"]).rename(files / "supmap.nc")
    given[side == "truth"] = "supmap.nc"
    before = (files / "supmap.nc").read_bytes()
    assert run(["fields", *given, "--out", "."]) == 2
    assert "has supmap.nc, a file of the data" in capsys.readouterr().err
    assert (files / "supmap.nc").read_bytes() == before


def test_report_makes_the_page_again(files, capsys):
    assert run(["fields", "p.nc", "t.nc", "--quiet"]) == 0
    page = files / "p-fields" / "fields.html"
    before = page.read_bytes()
    page.unlink()
    assert run(["report", "p-fields"]) == 0
    assert page.read_bytes() == before
    assert "fields.html" in capsys.readouterr().out


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"schema": "supnorm.fields/1"}', '{"schema": "supnorm.audit/1"}']
)
def test_report_refuses_what_is_no_result(files, capsys, text):
    assert run(["fields", "p.nc", "t.nc", "--quiet"]) == 0
    folder = files / "p-fields"
    before = (folder / "fields.html").read_bytes()
    (folder / "fields.json").write_text(text)
    capsys.readouterr()
    assert run(["report", "p-fields"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (folder / "fields.html").read_bytes() == before


@pytest.mark.slow
def test_the_command_repeats_the_run(files, capsys):
    assert (
        run(
            [
                "fields",
                "p.nc",
                "t.nc",
                "--var",
                "t2m",
                "--bounds",
                "t2m=200:",
                "--json",
                "--events",
                "3",
                "--out",
                "a b",
            ]
        )
        == 0
    )
    first = json.loads(capsys.readouterr().out)
    words = shlex.split(first["command"])
    assert words[0] == "supnorm"
    assert run([*words[1:], "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["variables"] == first["variables"]
    assert len(first["variables"][0]["events"]) <= 3


@pytest.mark.slow
def test_no_verdict_without_a_tolerance(files):
    assert run(["fields", "p.nc", "t.nc", "--quiet"]) == 0
    assert run(["fields", "p.nc", "t.nc", "--quiet", "--tolerance", "100"]) == 0
    assert run(["fields", "p.nc", "t.nc", "--quiet", "--bounds", "t2m=270:"]) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tolerance", "t2m=x"], "is no number"),
        (["--tolerance", "1", "--tolerance", "t2m=2"], "not both"),
        (["--bounds", "t2m"], "give a name and a value"),
        (["--bounds", "t2m=3"], "LOW:HIGH"),
        (["--dims", "lead"], "give a name and a value"),
        (["--dims", "height=lat"], "no role"),
        (["--region", "1,2,3"], "NORTH,WEST,SOUTH,EAST"),
        (["--weights", "cos"], "area or none"),
        (["--member", "first"], "each or mean"),
        (["--kappa", "0"], "--kappa"),
        (["--workers", "0"], "--workers"),
        (["--events", "1_0"], "--events"),
        (["--var", "u"], "no variable 'u'"),
        (["--resume"], "no unfinished run"),
    ],
)
def test_bad_options(files, capsys, options, words):
    assert run(["fields", "p.nc", "t.nc", *options]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1 + message.count("pairs of fields,")
    assert not (files / "p-fields").exists()


def test_a_folder_of_another_verb(files, capsys):
    (files / "run").mkdir()
    (files / "run" / "fit.json").write_text("{}")
    assert run(["fields", "p.nc", "t.nc", "--out", "run"]) == 2
    assert "has a fit" in capsys.readouterr().err


def test_data_that_do_not_exist(files, capsys):
    assert run(["fields", "none.nc", "t.nc"]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Archives of 60 fields, and what a run that nobody interrupts says of them."""
    folder, truth = tmp_path_factory.mktemp("many"), analysis(times=30)
    paths = [str(folder / "p.zarr"), str(folder / "t.zarr")]
    forecast(truth, inits=tuple(range(20))).to_zarr(
        paths[0], consolidated=False, encoding={"t2m": {"chunks": (1, 1, 36, 72)}}
    )
    truth.to_zarr(paths[1], consolidated=False, encoding={"t2m": {"chunks": (1, 36, 72)}})
    return paths, json.loads(sn.audit_fields(*paths).to_json())["variables"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])  # all but the last go one way
def test_signals_keep_the_work(tmp_path, many, number, capsys, monkeypatch):
    paths, whole = many
    code = (
        "import time, supnorm.fields.work as work, supnorm.fields.audit as audit\n"
        "from pathlib import Path\nfrom supnorm.interrupts import INTERRUPTS\n"
        "one, audit.EVERY = work.add_block, 0.3\n"
        "def held(*a):\n"  # once a part is kept, the next one ends when the signal has been heard
        "    one(*a)\n"
        "    time.sleep(1.0 if INTERRUPTS.heard else 0.05)\n"
        "    while Path('run/state/000.npz').exists() and not INTERRUPTS.heard: time.sleep(0.01)\n"
        "work.add_block = held\n"
        "from supnorm.cli.main import main\nmain()\n"
    )
    words = ["fields", *paths, "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.PIPE, env=os.environ
    )
    kept = tmp_path / "run" / "state" / "000.npz"
    while not kept.exists() and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=300)
    if number != signal.SIGKILL:
        assert process.returncode == 3
        part = json.loads((tmp_path / "run" / "fields.json").read_text())
        assert part["status"]["code"] == "interrupted"
        assert 0 < part["variables"][0]["fields"] < 60
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert run([*words, "--json", "--resume"]) == 0
    assert json.loads(capsys.readouterr().out)["variables"] == whole


def test_the_loop_of_the_page_runs():
    """The block of docs/fields.md; tests/docs/test_tutorials.py runs the tutorial."""
    page = (Path(__file__).parents[2] / "docs" / "fields.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {}
    exec(compile(block, "docs/fields.md", "exec"), names)
    assert names["state"].largest().error > 3.0
