"""A small campaign of errors that float64 cannot show (`python -m benchmarks.soundness tiny`): nothing is false."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.soundness import tiny

from supnorm.certification import balls


@pytest.mark.slow
def test_brackets_hold_against_arbitrary_precision():
    found = tiny.campaign(seed=12, count=20)
    assert not [one for one in found if one.verdict in tiny.WRONG]
    assert sum(one.verdict == "true and accepted" for one in found) >= 15


@pytest.mark.slow
def test_values_that_are_wrong_by_a_little_are_found_out(monkeypatch, tmp_path):
    """The campaign can fail: a tenth of each error is lost."""
    honest = balls.at_nodes
    monkeypatch.setattr(balls, "at_nodes", lambda *a: tuple(0.9 * np.asarray(v) for v in honest(*a)))
    verdicts = [tiny.judged(number, 5, tmp_path / "c.json").verdict for number in (0, 1, 7, 8)]
    assert set(verdicts) <= set(tiny.WRONG)
