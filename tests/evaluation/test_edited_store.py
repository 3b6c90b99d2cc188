"""What somebody wrote into a store: facts that are none, and values that a function never had."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from supnorm.cli.folder import run_folder, same_run
from supnorm.cli.options import STORE
from supnorm.evaluation import EvaluationStore, spot_check
from supnorm.evaluation.caller import Caller
from supnorm.problem import Domain, Function, Problem
from supnorm.results import BadInput

LINE = Function(lambda x: 1.0 + 2.0 * x, name="f")


def store_of(folder: Path, values: list[float]) -> EvaluationStore:
    store = EvaluationStore(folder / "s.sqlite", "f")
    x = np.linspace(0.0, 1.0, len(values))[:, None]
    store.append("model", "search", x, np.array(values)[:, None], {}, 0.1)
    return store


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_value_that_is_stored_as_lost_is_lost_now(tmp_path: Path, lost: float) -> None:
    store = store_of(tmp_path, [lost] * 20)
    with pytest.raises(BadInput, match=r"model f has changed: at .* the stored value is \((nan|inf)\)"):
        spot_check(store, {"model": LINE})
    assert spot_check(store, {"model": Function(lambda x: np.full(x.shape, lost), name="f")}) > 1


@pytest.mark.parametrize("text", ["many", "-5", "0", "2.5", "nan", "1e400", "[]"])
def test_rows_of_a_call_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    store = store_of(tmp_path, [1.0, 3.0])
    store.remember("rows a call, model", text)
    with pytest.raises(BadInput, match="not a store of evaluations"):
        Caller(LINE, "model", store)


@pytest.mark.parametrize(
    "text", ['{"seed": {}}', '{"seed": 1e400}', '{"seed": "x"}', "[]", "null", "{", '{"seed": true}']
)
def test_options_of_the_run_before_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    store = store_of(tmp_path, [1.0])
    store.remember("asked for", text)
    with pytest.raises(BadInput) as refused:
        same_run(store, {"seed": 3, "evaluations": 100}, tmp_path)
    assert "\n" not in str(refused.value)


def test_values_without_the_options_of_their_run_are_refused(tmp_path: Path) -> None:
    """An entry that was deleted with its seal let a run go on with another seed and budget."""
    store, asked = store_of(tmp_path, [1.0]), {"seed": 3.0, "evaluations": 100.0}
    with pytest.raises(BadInput, match=r"s\.sqlite has values, and no entry 'asked for'"):
        same_run(store, asked, tmp_path)
    assert store.recall("asked for") is None
    empty = EvaluationStore(tmp_path / "empty.sqlite", "f")  # a kill may leave it so
    same_run(empty, asked, tmp_path)
    assert empty.recall("asked for") is not None


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00" + bytes(84), b"my thesis" * 99])
def test_a_damaged_store_is_not_said_to_be_no_run(tmp_path: Path, content: bytes) -> None:
    problem = Problem(LINE, LINE, Domain(x=(0.0, 1.0)))
    (tmp_path / STORE).write_bytes(content)
    with (
        pytest.raises(BadInput, match=rf"--resume: .*{STORE} is damaged, or no store"),
        run_folder(tmp_path, problem, True, True),
    ):
        pass
    assert (tmp_path / STORE).read_bytes() == content


@pytest.mark.parametrize(
    "code", ["SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_READONLY_DIRECTORY", "SQLITE_IOERR_READ"]
)
@pytest.mark.parametrize("resume", [True, False])
def test_a_store_that_cannot_be_opened_is_not_said_to_be_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, resume: bool
) -> None:
    """That of another user, or one in use, was "damaged, or no store: leave --resume out", which pays for it again."""
    problem = Problem(LINE, LINE, Domain(x=(0.0, 1.0)))
    with run_folder(tmp_path, problem, False, True):
        pass
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    why = sqlite3.OperationalError("the system says no")
    why.sqlite_errorcode = getattr(sqlite3, code)

    def connect(*given: object, **named: object) -> None:
        raise why

    monkeypatch.setattr(sqlite3, "connect", connect)
    with (
        pytest.raises(
            BadInput, match=rf"{STORE} cannot be opened, which is no fault .*: the system says no; allow"
        ),
        run_folder(tmp_path, problem, resume, True),
    ):
        pass
    with pytest.raises(BadInput, match="no fault of its content"):
        EvaluationStore(tmp_path / STORE, "f")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


FACTS = {"asked for": '{"seed": 0}', "expensive, model": "yes", "versions": "{}", "ahead, model": "0"}
EDITS = ["null", "[1]", "nan", '{"seed": 1}', "no", "[" * 3000, "9" * 5000, b"\xff\xfe", 7, None]


@pytest.mark.parametrize("key", FACTS)
@pytest.mark.parametrize("text", EDITS, ids=lambda text: str(text)[:12])
def test_an_edited_fact_of_a_run_is_refused_by_name(
    tmp_path: Path, key: str, text: str | bytes | int | None
) -> None:
    """Python's words told it ("'NoneType' object has no attribute 'get'"), it was taken, or it ended as a bug."""
    problem = Problem(LINE, LINE, Domain(x=(0.0, 1.0)))
    with run_folder(tmp_path, problem, False, True) as store:
        for name, value in FACTS.items():
            store.replace(name, value)
    with run_folder(tmp_path, problem, True, True) as store:
        assert {name: store.recall(name) for name in FACTS} == FACTS
    with closing(sqlite3.connect(tmp_path / STORE)) as connection, connection:
        if text is None:
            connection.execute("DELETE FROM about WHERE key=?", (key,))
        else:
            connection.execute("UPDATE about SET value=? WHERE key=?", (text, key))
    said = f"{STORE}: its entry '{key}' is not as it was stored: .* leave --resume out to start anew"
    with pytest.raises(BadInput, match=said), run_folder(tmp_path, problem, True, True):
        pass
    with run_folder(tmp_path, problem, False, True) as store:
        assert store.recall("asked for") is None
