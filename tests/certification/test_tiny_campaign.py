"""A small campaign of errors that float64 cannot show (`python -m benchmarks.soundness tiny`): nothing is false."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.soundness import million, tiny

from supnorm.certification import balls


@pytest.mark.slow
def test_brackets_hold_against_arbitrary_precision(monkeypatch, tmp_path):
    """One and two inputs on each side and of each measure, three inputs (13), a network (9)."""
    monkeypatch.setattr(million, "POINTS", 20_000)
    monkeypatch.setattr(million, "PART", 5_000)
    path = tmp_path / "c.json"
    found = [tiny.judged(number, 12, path) for number in (0, 1, 2, 5, 6, 7, 9, 11, 13)]
    assert {one.verdict for one in found} == {"true and accepted"}, found


@pytest.mark.slow
def test_values_that_are_wrong_by_a_little_are_found_out(monkeypatch, tmp_path):
    """The campaign can fail: a tenth of each error is lost."""
    honest = balls.at_nodes
    monkeypatch.setattr(balls, "at_nodes", lambda *a: tuple(0.9 * np.asarray(v) for v in honest(*a)))
    verdicts = [tiny.judged(number, 5, tmp_path / "c.json").verdict for number in (0, 1, 7, 8)]
    assert set(verdicts) <= set(tiny.WRONG)
