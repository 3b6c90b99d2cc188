"""Files that calls open are written down before a value of theirs is stored, and may not change while the run is at work."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

import supnorm as sn
from supnorm.cli.identity import FILES, identified
from supnorm.evaluation import EvaluationStore, opened_by_workers, opened_files
from supnorm.evaluation.opened_by_workers import Reported, heard, reporting
from supnorm.evaluation.opened_files import recording, unrecorded
from supnorm.evaluation.processes import Processes
from supnorm.problem.fingerprint import content_of
from supnorm.results import BadInput
from supnorm.sources.called_files import CalledFiles, changed_file

CODE = """
from pathlib import Path
HERE = Path(__file__).parent
def model(x): return x[:, 0]
def truth(x):
    names = ["all.txt"] + ["corner.txt"] * bool((x[:, 0] > 0.9).any())
    return x[:, 0] + sum(float((HERE / name).read_text()) for name in names)
"""
PROBLEM = """
[model]
python = "code.py:model"
[reference]
python = "code.py:truth"
[domain]
x = [0.0, 1.0]
"""
OLD = 1e9  # seconds: a time before any run


def put(path: Path, text: str, when: float = OLD) -> None:
    path.write_text(text)
    os.utime(path, (when, when))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "code.py", CODE)
    put(tmp_path / "problem.toml", PROBLEM)
    put(tmp_path / "all.txt", "0.25")
    put(tmp_path / "corner.txt", "0.5")
    return tmp_path


def stored(store: EvaluationStore) -> set[str]:
    """What a run that is killed now has written down."""
    return {*json.loads(store.recall(FILES) or "{}")}


def test_each_is_written_down_before_the_values_that_come_from_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supnorm.sources.called_files.OFTEN", 0.0)
    problem = sn.open_problem(folder / "problem.toml")
    store = EvaluationStore(folder / "s.sqlite", "f")

    def call(x: float) -> None:
        points = np.array([[x]])
        store.append("reference", "search", points, problem.reference.value(points), {}, 0.1)

    with identified(store, problem, folder / "run", resume=False):
        call(0.5)
        assert stored(store) == {"all.txt"}
        call(0.95)
        assert stored(store) == {"all.txt", "corner.txt"}
    changed = pytest.raises(
        BadInput, match=r"corner\.txt, which a function of this problem opens, has changed while"
    )
    with changed, identified(store, problem, folder / "run", resume=False):
        put(folder / "corner.txt", "0.6")
        call(0.96)
    assert store.points == 2, "a value of the other file is not stored"
    with changed, identified(store, problem, folder / "run", resume=False):
        pass  # no value was stored after the change
    store.close()


def test_what_a_run_writes_for_itself_is_no_input(tmp_path: Path) -> None:
    for name in ("code.py", "input.txt", "state.txt", "cache.txt"):
        put(tmp_path / name, "1")
    (tmp_path / "run").mkdir()  # whose clock is that of the files
    with recording() as recorded:
        files = CalledFiles(recorded, [tmp_path / "code.py"], {}, tmp_path, tmp_path / "run", {})
        for name in ("input.txt", "state.txt"):
            (tmp_path / name).read_text()
        assert files.look()
        assert {*files.contents} == {"input.txt", "state.txt"}
        (tmp_path / "state.txt").write_text("2")  # Python writes what it has read
        put(tmp_path / "cache.txt", "2", when=2**40)  # another program has written what Python reads now
        (tmp_path / "cache.txt").read_text()
        assert files.look(last=True)
        assert {*files.contents} == {"input.txt"}
        assert not files.look(last=True)


def test_a_link_to_another_file_and_a_file_whose_time_lies_ahead(tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(tmp_path / "real", target_is_directory=True)
    folder = tmp_path / "named"
    (tmp_path / "real" / "run").mkdir(parents=True)
    for name in ("code.py", "v1.txt", "v2.txt"):
        put(folder / name, name)
    put(folder / "ahead.txt", "1", when=2**40)
    (folder / "latest.txt").symlink_to("v1.txt")
    time.sleep(0.02)  # the times of files advance in steps
    with recording() as recorded:
        files = CalledFiles(recorded, [folder / "code.py"], {}, folder, folder / "run", {})
        for name in ("latest.txt", "ahead.txt"):
            (folder / name).read_text()
        files.look()
    assert {*files.contents} == {"latest.txt", "ahead.txt"}
    assert changed_file(files.contents, folder) is None
    (folder / "latest.txt").unlink()
    (folder / "latest.txt").symlink_to("v2.txt")
    assert changed_file(files.contents, folder) == "latest.txt"


def test_names_of_one_file_and_files_that_are_known_before_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supnorm.sources.called_files.OFTEN", 0.0)
    for name in ("code.py", "weights.npz", "state.txt", "data.db", "module.py"):
        put(tmp_path / name, "1")
    (tmp_path / "link").symlink_to(tmp_path / "state.txt")
    known = {tmp_path / name: content_of(tmp_path / name) for name in ("code.py", "weights.npz", "module.py")}
    with recording() as recorded:
        files = CalledFiles(recorded, [*known], known, tmp_path, tmp_path / "run", {})
        for name in ("weights.npz", "link", "module.py"):
            (tmp_path / name).read_text()
        sqlite3.connect(f"file:{tmp_path}/data.db?mode=ro", uri=True).close()
        files.look()
        assert {*files.contents} == {"weights.npz", "link", "data.db"}, "what is loaded may be edited"
        put(tmp_path / "state.txt", "2")
        files.look()
        assert "link" not in files.contents, "it is written by another name than it is read"
        put(tmp_path / "module.py", "2")
        files.look(last=True)
        with unrecorded():  # as another program does
            put(tmp_path / "weights.npz", "2")
        with pytest.raises(
            BadInput, match=r"weights\.npz, which a function of this problem opens, has changed"
        ):
            files.look(last=True)


def test_looking_takes_a_small_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a project's code nothing is read again for each file of data, and thousands of files are looked at seldom."""
    for name in ("code.py", "a.txt", "b.txt"):
        put(tmp_path / name, "1")
    looked: list[int] = []
    monkeypatch.setattr("supnorm.sources.called_files.changed_file", lambda *_: looked.append(1))
    monkeypatch.setattr(
        "supnorm.sources.unnamed_files.tree_of", lambda file: pytest.fail(f"{file} is parsed")
    )
    clock = iter([10.0, 10.0, 11.0, 20.0, 30.0, 32.0, 32.0, 33.0])
    with recording() as recorded:
        files = CalledFiles(recorded, [tmp_path / "code.py"], {}, tmp_path, tmp_path / "run", {})
        monkeypatch.setattr("supnorm.sources.called_files.time.monotonic", lambda: next(clock))
        for text in "aabb":  # a look at 10 takes 1 s: none at 20 and 30, the next one at 32
            (tmp_path / f"{text}.txt").read_text()
            files.look()
    assert len(looked) == 2
    assert {*files.contents} == {"a.txt", "b.txt"}


def opened(path: Path, again: bool = False) -> str:
    """A call that opens a file in a worker only."""
    assert multiprocessing.parent_process() is not None or again
    return path.read_text()


@pytest.mark.slow
def test_files_that_only_a_worker_opens(tmp_path: Path) -> None:
    for name in ("code.py", "corner.txt", "state.txt"):
        put(tmp_path / name, "1")
    with recording() as recorded, Processes(1) as pool:
        files = CalledFiles(recorded, [tmp_path / "code.py"], {}, tmp_path, tmp_path / "run", {})
        assert pool.submit(abs, -1).result(60) == 1
        assert not files.look()
        assert pool.submit(opened, tmp_path / "corner.txt").result(60) == "1"
        assert files.look()
        assert {*files.contents} == {"corner.txt"}
        assert pool.submit(opened, tmp_path / "state.txt").result(60) == "1"
        assert pool.submit(Path.write_text, tmp_path / "state.txt", "2").result(60) == 1
        files.look()
        assert {*files.contents} == {"corner.txt"}, "the worker writes it too"
        with unrecorded():  # as another program does
            put(tmp_path / "corner.txt", "2")
        with pytest.raises(
            BadInput, match=r"corner\.txt, which a function of this problem opens, has changed"
        ):
            files.look(last=True)


def test_an_answer_of_a_worker_has_the_names_that_are_new_and_the_first_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some answers are never read, so the first names come again; a simulator's thousands of files come once."""
    monkeypatch.setattr(opened_by_workers, "_OPENED", [])
    monkeypatch.setattr(opened_files, "_LISTENERS", [])
    monkeypatch.setattr(opened_by_workers, "AGAIN", 2)
    paths = [tmp_path / f"{k}.txt" for k in range(6)]
    for path in paths:
        put(path, "1")
    assert reporting(opened) is opened, "nothing is recorded"
    with recording() as recorded:
        call = reporting(opened)
        assert call(paths[0], True) == "1", "a thread of this process has nothing to report"
        monkeypatch.setattr(opened_by_workers, "HERE", "a worker")
        answers = [call(path, True) for path in paths[1:]]
        assert [len(answer.noted) for answer in answers] == [1, 2, 3, 3, 3]
        monkeypatch.setattr(opened_by_workers, "HERE", "another")
        other = reporting(opened)
        monkeypatch.setattr(opened_by_workers, "HERE", "a worker")
        assert len(other(paths[1], True).noted) == 5, "another asker knows none of them"
    assert recorded.read == {*map(str, paths)}
    with recording() as recorded:
        assert [heard(answer) for answer in answers[1:]] == ["1"] * 4
        assert recorded.read == {*map(str, paths[1:])}, "the lost first answer does no harm"
        assert not recorded.full
        heard(Reported(None, (), full=True))
        assert recorded.full


def test_more_files_than_are_watched_are_said_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opened_files, "LARGEST", 1)
    problem = sn.open_problem(folder / "problem.toml")
    store = EvaluationStore(folder / "s.sqlite", "f")
    with identified(store, problem, folder / "run", resume=False):
        problem.reference.value(np.array([[0.5]]))
        store.look()
        assert not opened_files.overlooking()
        problem.reference.value(np.array([[0.95]]))
        store.look()
        store.look()
        assert opened_files.overlooking(), "for the notes of the result"
    assert not opened_files.overlooking()
    assert capsys.readouterr().err.count("does not see an edit of another one") == 1
    store.close()
