"""Where points were evaluated and failed: shares of a whole, however long the search."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm.auditing.recorder import Recorder
from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Domain, ErrorMeasure


def batch(x: np.ndarray, status: PointStatus) -> Evaluations:
    n = len(x)
    error = np.zeros(n) if status == PointStatus.OK else np.full(n, np.nan)
    codes = np.full(n, status, dtype=np.int8)
    return Evaluations(x, np.zeros((n, 1)), np.zeros((n, 1)), error, np.zeros(n, dtype=np.intp), codes)


def test_late_failures_are_a_share_of_all_evaluations() -> None:
    """A search that gathers late at a seam without values is not counted against its first points alone."""
    rng = np.random.default_rng(0)
    recorder = Recorder(Domain(a=(0.0, 1.0), b=(0.0, 2.0)), 8, ErrorMeasure())
    for _ in range(5):
        recorder(batch(rng.random((8192, 2)), PointStatus.OK))
    recorder(batch(0.5 + 1e-4 * rng.random((5000, 2)), PointStatus.FAILED))
    recorder.flush()
    assert recorder.failed.sum(axis=1).tolist() == [5000, 5000]
    assert recorder.evaluated.sum(axis=1).tolist() == [5 * 8192 + 5000] * 2
    assert np.all(recorder.failed <= recorder.evaluated)


def test_blocks_of_many_inputs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((300, 3))
    y = np.column_stack([x.sum(axis=1), x[:, 0]])
    error, which = np.abs(y).max(axis=1), np.abs(y).argmax(axis=1)
    whole = Evaluations(x, y, 0 * y, error, which, np.zeros(300, dtype=np.int8))
    found = []
    for inputs in (4_000_000, 30):
        monkeypatch.setattr("supnorm.auditing.recorder.INPUTS", inputs)
        recorder = Recorder(Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0)), 8, ErrorMeasure())
        recorder(whole)
        found.append(
            [recorder.worst_rows(), recorder.by_output, recorder.evaluated, *map(recorder.panel, range(3))]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
