"""The store: everything comes back bit by bit, and only for its own problem."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from supnorm.evaluation import EvaluationStore
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
