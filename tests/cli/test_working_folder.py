"""Code of the problem that changes the working folder is told so while the work goes on, and a crash there is told too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supnorm.certification.checkpoint import keeping
from supnorm.cli.main import _keep_traceback
from supnorm.cli.run import RunContext
from supnorm.fields.rollout_file import open_rollout
from supnorm.results import BadInput


def test_the_first_event_after_the_change_ends_the_work_before_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("supnorm.certification.checkpoint.EVERY", -1.0)
    (tmp_path / "other").mkdir()

    class Part:
        def save(self, path: Path) -> None:
            path.write_text("proof")

    class Event:
        so_far = Part

    run = RunContext(Path("run.json"), named=True, resume=False, as_json=False, quiet=True)
    observe = keeping(run.folder, run.observer())
    observe(Event())
    assert (tmp_path / "run.json").read_text() == "proof"
    os.chdir(tmp_path / "other")
    with pytest.raises(BadInput, match="has changed the working folder"):
        observe(Event())
    assert not list((tmp_path / "other").iterdir())
    assert Path.cwd() == tmp_path, "what is written until the end belongs there"
    nowhere = RunContext(None, named=False, resume=False, as_json=False, quiet=True)
    observe = nowhere.observer()
    os.chdir(tmp_path / "other")
    observe(Event())  # nothing is written


def test_a_crash_in_a_folder_that_has_vanished_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert _keep_traceback() == tmp_path / "supnorm-crash.txt"


def test_steppers_that_change_it_while_they_are_loaded_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "m.py").write_text(
        "import os\nos.chdir('elsewhere')\ndef step(u): return u\nstates = [1.0]\n"
    )
    (tmp_path / "r.toml").write_text(
        'steps = 2\n[step]\npython = "m.py:step"\n[reference]\npython = "m.py:step"\n[initial]\npython = "m.py:states"\n'
    )
    with pytest.raises(BadInput, match=r"changed the working folder .* to .*elsewhere \(os.chdir\)"):
        open_rollout(Path("r.toml"))
