"""Rows with named columns: as a sequence, an array, a data frame."""

import sys

import numpy as np
import pytest

from supnorm.results import BadInput
from supnorm.results.table import Table

TABLE = Table(("a", "error"), np.array([[1.0, 0.5], [2.0, 0.25], [3.0, 0.1]]), {"site": ("x", "<b>", "z")})


def test_it_is_a_sequence_of_rows_by_name():
    assert len(TABLE) == 3
    assert list(TABLE)[1] == {"site": "<b>", "a": 2.0, "error": 0.25}
    assert TABLE[-1] == {"site": "z", "a": 3.0, "error": 0.1}
    part = TABLE[1:]
    assert (len(part), part["site"], part["a"].tolist()) == (2, ("<b>", "z"), [2.0, 3.0])
    with pytest.raises(IndexError):
        TABLE[3]
    with pytest.raises(KeyError, match="no column 'b'; it has site, a, error"):
        TABLE["b"]


def test_an_array_has_the_numbers_and_not_one_object():
    assert np.asarray(TABLE).shape == (3, 2)
    assert np.asarray(TABLE, dtype=np.float32).dtype == np.float32
    copy = np.array(TABLE)
    copy[0, 0] = 9.0
    assert TABLE.rows[0, 0] == 1.0


def test_a_data_frame_has_the_names_either_way():
    pandas = pytest.importorskip("pandas")
    for frame in (TABLE.to_pandas(), pandas.DataFrame(TABLE)):
        assert list(frame.columns) == ["site", "a", "error"]
        assert frame["error"].tolist() == [0.5, 0.25, 0.1]
        assert frame["site"].tolist() == ["x", "<b>", "z"]
    assert list(Table(("a",), np.empty((0, 1))).to_pandas().columns) == ["a"]


def test_without_pandas_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInput, match="pip install pandas"):
        TABLE.to_pandas()


def test_a_notebook_shows_ten_rows_and_escapes_names():
    shown = TABLE._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    long = Table(("a",), np.arange(25.0)[:, None])._repr_html_()
    assert long.count("<tr>") == 11
    assert "15 more rows" in long
    assert repr(TABLE) == "Table(3 rows of site, a, error)"
