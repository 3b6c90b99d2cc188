"""An audit of fields that is stopped where it does not compare, or whose disk is full: the work is kept and told."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from tests.fields.archives import analysis, forecast

import supnorm as sn
from supnorm.cli.main import run
from supnorm.cli.progress import Progress
from supnorm.fields import EventOptions, PairingOptions
from supnorm.fields import audit as auditing
from supnorm.fields.events_seen import FieldsCompared
from supnorm.results import BadInput
from supnorm.results import writing as files

pytest.importorskip("xarray")


class Stop:
    """In the place of `Judged`: asks for an end where a variable is judged."""

    def __init__(self, *_: Any) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_after_the_last_field_loses_no_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last variable no state was written once all was compared: Ctrl-C in the words about it lost everything."""
    truth, wrong = analysis(), forecast(analysis())
    whole = sn.audit_fields(wrong, truth)
    with monkeypatch.context() as patch:
        patch.setattr(auditing, "Judged", Stop)
        with pytest.raises(KeyboardInterrupt):
            sn.audit_fields(wrong, truth, folder=tmp_path)
    monkeypatch.setattr(auditing, "EVERY", 0.0)
    counted: list[Any] = []
    again = sn.audit_fields(wrong, truth, folder=tmp_path, resume=True, observer=counted.append)
    assert again["t2m"].to_dict() == whole["t2m"].to_dict()
    assert not any(0 < getattr(event, "done", 9) < 9 for event in counted)  # none was compared again


def test_an_interrupt_before_the_second_variable_reports_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two variables nothing was reported of those that were done."""
    truth, wrong = analysis(), forecast(analysis())
    for data in (truth, wrong):
        data["q"] = data["t2m"].copy()
    whole, shares = sn.audit_fields(wrong, truth), auditing.shares_of

    def stopped(one: Any, *rest: Any) -> Any:
        if one.name == "q":
            raise KeyboardInterrupt
        return shares(one, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(auditing, "shares_of", stopped)
        report = sn.audit_fields(wrong, truth, folder=tmp_path)
    assert report.status.code == "interrupted"
    assert "9 of 18 pairs of fields are compared. --resume goes on with it." in report.status.advice
    assert report["t2m"].to_dict() == whole["t2m"].to_dict()
    again = sn.audit_fields(wrong, truth, folder=tmp_path, resume=True)
    assert [again[name].to_dict() for name in ("t2m", "q")] == [
        whole[name].to_dict() for name in ("t2m", "q")
    ]


def test_a_full_disk_in_the_middle_of_a_run_does_not_lose_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ended with one line about its state, and not one of the errors that it had found."""
    pytest.importorskip("h5netcdf")
    monkeypatch.chdir(tmp_path)
    truth, wrong = analysis(), forecast(analysis())
    wrong["t2m"].values[0, 0, 4, 4] += 33.0
    for data, name in ((wrong, "p.nc"), (truth, "t.nc")):
        data.to_netcdf(name, engine="h5netcdf")
    replace = os.replace

    def refused(source: str, target: Path) -> None:
        if str(target).endswith(".npz"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", refused)
        patch.setattr(auditing, "EVERY", 0.0)
        assert run(["fields", "p.nc", "t.nc", "--out", "run"]) == 3
    said = capsys.readouterr()
    assert "t2m is wrong by 3" in said.out
    assert "The run ended early: run/state/000.npz cannot be written: No space left on device." in said.out
    assert (tmp_path / "run" / "fields.json").exists()
    assert "--resume" not in said.out + said.err  # there is no state to go on with
    assert "--resume" not in sn.audit_fields(wrong, truth, seconds=1e-9).status.advice


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"events": EventOptions(kappa=4.0)}, "kappa"),
        ({"events": EventOptions(threshold=2.0)}, "threshold"),
        ({"bounds": {"t2m": (0.0, 300.0)}}, "bounds"),
        ({"workers": 2}, "workers"),
        ({"pairing": PairingOptions(area=False)}, "area, grid or times of t2m"),
        ({"pairing": PairingOptions(ignore_units=True)}, "ignore units"),
        ({}, "data in memory"),
    ],
)
def test_a_refused_resume_names_what_changed(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    truth, wrong = analysis(), forecast(analysis())
    sn.audit_fields(wrong, truth, folder=tmp_path, seconds=1e-9)
    if not change:
        wrong["t2m"].values[0, 0, 0, 0] += 1.0
    with pytest.raises(BadInput, match=rf"\(changed: {words}\)"):
        sn.audit_fields(wrong, truth, folder=tmp_path, resume=True, **change)


def test_a_refused_resume_names_the_files_that_changed(tmp_path: Path) -> None:
    truth, wrong = analysis(), forecast(analysis())
    paths = tmp_path / "p.nc", tmp_path / "t.nc"
    pytest.importorskip("h5netcdf")
    for data, path in zip((wrong, truth), paths, strict=True):
        data.to_netcdf(path, engine="h5netcdf")
    sn.audit_fields(*paths, folder=tmp_path / "run", seconds=1e-9)
    os.utime(paths[1], (1, 1))
    with pytest.raises(BadInput, match=r"\(changed: files of the truth\)"):
        sn.audit_fields(*paths, folder=tmp_path / "run", resume=True)


def test_the_progress_says_what_is_done_before_the_first_pair(capsys: pytest.CaptureFixture[str]) -> None:
    """It said "0 of 50 pairs" for as long as the first fields were read."""
    times = iter([0.0, 30.0, 30.0, 90.0, 90.0, 90.0])
    tell = Progress(clock=lambda: next(times))
    tell(FieldsCompared(0, 50))
    tell(FieldsCompared(5, 50))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "  0 of 50 pairs of fields compared, 30 s: reading the first ones"
    assert second == "  5 of 50 pairs of fields compared, 1.5 min, about 9 min left"
