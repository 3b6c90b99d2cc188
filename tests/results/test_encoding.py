"""JSON that any reader accepts, and files that appear whole or not at all."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supnorm.results import BadInput, ExitCode, NotWritten, from_json, to_json, write_whole
from supnorm.results.encoding import dumps

NUMBERS = st.one_of(st.floats(), st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.text())
TREES = st.recursive(
    NUMBERS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner))
)


@pytest.mark.slow
@given(TREES)
def test_any_tree_becomes_strict_json(tree: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = dumps(tree)
    assert json.loads(text, parse_constant=refuse) == to_json(tree)


@given(st.floats())
def test_numbers_come_back(number: float) -> None:
    back = from_json(json.loads(dumps(number)))
    assert back == number or (math.isnan(back) and math.isnan(number))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8, np.bool_])
def test_numpy_scalars_and_arrays(kind: type[np.generic]) -> None:
    values = np.array([0, 1], dtype=kind)
    assert json.loads(dumps({"a": values, "b": values[1]})) == {"a": [0, 1], "b": 1}
    assert dumps(np.bool_(True)) == "true"


def test_infinities_in_arrays_keep_their_sign() -> None:
    assert to_json(np.array([[np.inf, -np.inf, np.nan]])) == [["inf", "-inf", None]]
    assert from_json("-inf") == -math.inf


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "result.json"
    write_whole(path, "old")

    def torn(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", torn)
    with pytest.raises(NotWritten, match="full; what was stored before is kept"):
        write_whole(path, "new" * 1000)
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_exit_codes_are_the_contract() -> None:
    contract = {"DONE": 0, "EXCEEDED": 1, "BAD_INPUT": 2, "INTERRUPTED": 3, "UNDECIDED": 4}
    assert {c.name: c.value for c in ExitCode} == {**contract, "REFERENCE_FAULT": 5, "OUR_BUG": 70}
    assert not issubclass(BadInput, ValueError)  # an `except ValueError` of a user must not swallow it


def test_a_file_in_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "result.json"
    write_whole(path, "all of it")
    assert path.read_text() == "all of it"
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]
