"""The store: everything comes back bit by bit, and only for its own problem."""

from __future__ import annotations

import gc
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from supnorm.evaluation import EvaluationStore, spot_check
from supnorm.evaluation.caller import Caller
from supnorm.problem import Function, as_function
from supnorm.results import BadInput

Array = NDArray[np.float64]
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


@given(st.data())
@SHARED
def test_round_trip(tmp_path: Path, data: st.DataObject) -> None:
    n, d, m = (data.draw(st.integers(1, 5)) for _ in range(3))
    x = data.draw(arrays(float, (n, d), elements=st.floats(allow_nan=False)))
    y = data.draw(arrays(float, (n, m)))
    message = data.draw(st.text())
    path = tmp_path / f"{time.monotonic_ns()}.sqlite"
    store = EvaluationStore(path, "abc")
    store.append("reference", "search", x, y, {0: message}, 1.0)
    store.close()
    again = EvaluationStore(path, "abc")
    known = again.load("reference")
    assert again.load("model") == {}
    again.close()
    last = {x[i].tobytes(): i for i in range(n)}
    assert known.keys() == last.keys()
    for key, i in last.items():
        np.testing.assert_array_equal(known[key][0], y[i])
        assert known[key][1] == (message if i == 0 else None)


def test_another_problem_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.sqlite"
    EvaluationStore(path, "abc").close()
    with pytest.raises(BadInput, match=r"another problem \(fingerprint abc, this one is\s+def\)"):
        EvaluationStore(path, "def")
    assert EvaluationStore.fingerprint_of(path) == "abc"
    assert EvaluationStore.fingerprint_of(tmp_path / "none") is None


def test_a_file_that_is_no_store_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.sqlite"
    path.write_bytes(b"my thesis, the only copy" * 100)
    with pytest.raises(BadInput, match="not a store of evaluations"):
        EvaluationStore(path, "abc")
    assert path.read_bytes() == b"my thesis, the only copy" * 100


def _connections() -> list[sqlite3.Connection]:
    return [one for one in gc.get_objects() if type(one) is sqlite3.Connection]


def test_a_file_that_is_refused_is_not_kept_open(tmp_path: Path) -> None:
    """A message of SQLite that is not UTF-8 is no error of SQLite to Python. It was raised past the line that closes: for as
    long as the connection lived, the file was locked, and a good store in its place was refused after five seconds."""
    path = tmp_path / "evaluations.sqlite"
    EvaluationStore(path, "abc").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET name = CAST(x'619aff' AS TEXT), sql = 'CREATE TABLE' WHERE name = 'about'"
        )
    gc.disable()
    try:
        before = _connections()  # tests before this one leave some open, alive until the next collection
        with pytest.raises(BadInput, match="not a store of evaluations") as refused:
            EvaluationStore(path, "abc")
        assert EvaluationStore.fingerprint_of(path) is None
        new = [one for one in _connections() if not any(one is other for other in before)]
        assert new, refused.tb  # alive in the frames of the refusal
        for one in new:
            with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
                one.total_changes  # noqa: B018
    finally:
        gc.enable()


def test_what_is_wrong_with_the_tables_of_a_file_is_said(tmp_path: Path) -> None:
    """Both ended otherwise: with a reason that is not of the file, and as a bug in supnorm."""
    path = tmp_path / "evaluations.sqlite"
    EvaluationStore(path, "abc").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE VIEW v AS SELECT * FROM about")
    with pytest.raises(
        BadInput, match=re.escape("not a store of evaluations (choose another --out): it has a view, v")
    ):
        EvaluationStore(path, "abc")
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE about (key TEXT PRIMARY KEY CHECK (key <> 'fingerprint'), value TEXT)"
        )
    with pytest.raises(BadInput, match="it has no fingerprint"):
        EvaluationStore(path, "abc")


class Slow:
    """Takes 2 ms a point and keeps the points it was called at."""

    def __init__(self) -> None:
        self.points: list[bytes] = []

    def __call__(self, x: Array) -> Array:
        time.sleep(2e-3 * len(x))
        self.points += [row.tobytes() for row in x]
        if (x[:, 0] > 0.9).any():
            raise ValueError("too high")
        return np.asarray(x[:, 0] ** 2)


def test_expensive_calls_are_stored_and_not_repeated(tmp_path: Path) -> None:
    x = np.linspace(0, 1, 41)[:, None]
    path = tmp_path / "e.sqlite"
    first = Slow()
    store = EvaluationStore(path, "abc")
    y, messages = Caller(as_function(first, "f"), "reference", store).values(x, "search")
    store.close()
    assert sorted(messages) == [37, 38, 39, 40]
    second = Slow()
    store = EvaluationStore(path, "abc")
    caller = Caller(as_function(second, "f"), "reference", store)
    assert len(second.points) == 8  # that the store is its own is asked first
    second.points.clear()
    again, messages_again = caller.values(np.concatenate([x, [[0.5001]]]), "search")
    store.close()
    np.testing.assert_array_equal(again[:-1], y)
    assert messages_again == messages
    assert second.points == [np.array([0.5001]).tobytes()]
    purposes = sqlite3.connect(path).execute("SELECT DISTINCT purpose FROM batches").fetchall()
    assert purposes == [("search",)]


def test_cheap_calls_are_not_stored(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path / "e.sqlite", "abc")
    caller = Caller(Function(lambda x: x[:, :1]), "reference", store)
    for i in range(5):
        caller.values(np.random.default_rng(i).random((5000, 2)), "search")
    assert store.load("reference") == {}
    store.close()


def test_one_slow_first_call_does_not_make_a_function_expensive_for_good(tmp_path: Path) -> None:
    state = {"warm": False}

    def compiled(x: Array) -> Array:
        if not state["warm"]:
            time.sleep(0.05)
            state["warm"] = True
        return np.asarray(x[:, :1])

    store = EvaluationStore(tmp_path / "e.sqlite", "abc")
    caller = Caller(Function(compiled), "model", store)
    for i in range(20):
        caller.values(np.random.default_rng(i).random((8000, 2)), "search")
    assert not caller.expensive
    assert len(store.load("model")) < 1000
    store.close()


CHANGES = {
    "a lower value": lambda x, y: (x, y * np.where(np.arange(len(y)) == 7, 0.5, 1.0)[:, None]),
    "a value in the last digit": lambda x, y: (x, np.nextafter(y, 2.0)),
    "another point": lambda x, y: (x + 0.25, y),
    "two points exchanged": lambda x, y: (x[::-1].copy(), y),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stored_row_that_was_changed_is_refused_by_name(change: str, tmp_path: Path) -> None:
    path = tmp_path / "e.sqlite"
    store = EvaluationStore(path, "abc")
    x = np.linspace(0.0, 1.0, 20)[:, None]
    for i in range(3):
        store.append("reference", "search", x + 2 * i, np.sin(x), {}, 0.1)
    assert len(store.load("reference")) == 60
    store.close()
    held = sqlite3.connect(path)
    xs, ys = held.execute("SELECT x, y FROM batches WHERE id = 2").fetchone()
    new = CHANGES[change](np.frombuffer(xs).reshape(20, 1), np.frombuffer(ys).reshape(20, 1))
    with held:
        held.execute("UPDATE batches SET x = ?, y = ? WHERE id = 2", [v.tobytes() for v in new])
    held.close()
    store = EvaluationStore(path, "abc")
    with pytest.raises(
        BadInput, match=r"batch 2 of the reference, 20 points, is not as it was stored"
    ) as why:
        store.load("reference")
    assert str(path) in str(why.value)
    store.close()


@pytest.mark.parametrize("statement", [
    "DELETE FROM seals WHERE id = 1",
    "UPDATE seals SET seal = 'x'",
    "UPDATE batches SET side = 'reference'",
    "UPDATE batches SET messages = '{\"0\": \"exception: no\"}'",
    "UPDATE batches SET seconds = 5",
    "UPDATE batches SET seconds = 'long'",
    "UPDATE batches SET messages = zeroblob(3)",
])  # fmt: skip
def test_nothing_of_a_row_can_be_changed_without_its_seal(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "e.sqlite"
    store = EvaluationStore(path, "abc")
    store.append("model", "search", np.zeros((1, 1)), np.ones((1, 1)), {}, 0.25)
    store.close()
    held = sqlite3.connect(path)
    with held:
        held.execute(statement)
    held.close()
    store = EvaluationStore(path, "abc")
    with pytest.raises(BadInput, match=re.escape(str(path))):
        store.load("reference" if "side" in statement else "model")
    store.close()


def test_the_points_that_are_evaluated_again_cannot_be_foreseen(tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path / "e.sqlite", "abc")
    x = np.arange(800.0)[:, None]
    store.append("model", "search", x, x, {}, 0.1)
    asked: list[tuple[float, ...]] = []

    def model(x: Array) -> Array:
        asked.append(tuple(x[:, 0].tolist()))
        return x

    for _ in range(4):
        assert spot_check(store, {"model": Function(model, name="f")}) == 8
    store.close()
    assert len(set(asked)) > 1
    assert all(points[-1] == 799.0 for points in asked)


def test_code_that_changes_the_working_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path would name another file there, and so would that of the result."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store, x = EvaluationStore("e.sqlite", "abc"), np.zeros((1, 1))
    store.append("model", "search", x, x, {}, 0.1)
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="has changed the working folder"):
        store.append("model", "search", x + 1, x, {}, 0.1)
    assert Path.cwd() == tmp_path, "what is cleared away and written now is this run's"
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=r"to .*elsewhere \(os.chdir\), where e.sqlite is another file"):
        store.load("model")
    store.append("model", "search", x + 1, x, {}, 0.1)
    assert store.points == 2
    store.close()


def test_an_interrupt_while_a_store_is_made_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left had no tables, and --resume called it damaged."""

    def interrupted(self: EvaluationStore, fingerprint: str) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        raise KeyboardInterrupt

    monkeypatch.setattr(EvaluationStore, "_prepared", interrupted)
    with pytest.raises(KeyboardInterrupt):
        EvaluationStore(tmp_path / "a.sqlite", "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_store_is_whole_or_blank_wherever_making_it_ends(tmp_path: Path) -> None:
    """A kill between its tables left one without a fingerprint."""
    states = set()
    for number in range(12):
        path = tmp_path / f"{number}.sqlite"
        code = (
            "import os, sqlite3\n"
            "from supnorm.evaluation import EvaluationStore\n"
            "seen, connect = [], sqlite3.connect\n"
            "def watched(*given, **more):\n"
            "    made = connect(*given, **more)\n"
            f"    made.set_trace_callback(lambda text: (seen.append(text), len(seen) == {number} and os._exit(1)))\n"
            "    return made\n"
            "sqlite3.connect = watched\n"
            f"EvaluationStore({str(path)!r}, 'f')\n"
        )
        subprocess.run([sys.executable, "-c", code], check=False, timeout=300)
        blank, held = EvaluationStore.is_blank(path), EvaluationStore.fingerprint_of(path)
        if path.exists() and path.stat().st_size:
            assert blank or held == "f", number
            states.add((blank, held))
    assert states == {(True, None), (False, "f")}
