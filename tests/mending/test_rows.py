"""A fixed table as the only truth: no point outside of its rows, and a verdict from rows that were held out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, line, peak
from tests.mending.test_repair import Worse

import supnorm as sn
from supnorm.mending.rows import split
from supnorm.mending.tunable import TunableNetwork
from supnorm.results import BadInput


def problem(n: int = 400, tolerance: float | None = None, model: Any = None) -> sn.Problem:
    x = np.random.default_rng(11).uniform(-1.0, 1.0, (n, 1))
    table = sn.Function(table=(x, peak(x)), name="rows")
    return sn.Problem(model or line()[0].as_function(), table, LINE, tolerance=tolerance)


def test_rows_are_divided_once_and_rows_with_the_same_inputs_stay_together() -> None:
    x = np.repeat(np.random.default_rng(1).uniform(-1.0, 1.0, (300, 1)), 2, axis=0)
    y = np.random.default_rng(2).normal(size=600)
    asked = sn.Problem(line()[0].as_function(), sn.Function(table=(x, y)), LINE)
    rows = split(asked, 0)
    held = rows.judging.reference.table
    assert held is not None
    assert len(held[0]) == rows.held == 180
    assert len(rows.x) == 420
    assert not np.isin(held[0], rows.x).any()


@pytest.mark.slow
def test_a_model_is_mended_within_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[Any] = []
    tuned = TunableNetwork.tuned

    def watched(self: TunableNetwork, x: Any, y: Any, limit: Any) -> TunableNetwork:
        trained.append((x, y))
        return tuned(self, x, y, limit)

    monkeypatch.setattr(TunableNetwork, "tuned", watched)
    asked = problem()
    mended = sn.repair(asked, sn.audit(asked))
    assert mended.accepted
    assert mended.verdict is not None
    rows = split(asked, 0)
    held = rows.judging.reference.table
    assert held is not None
    for x, y in trained:
        assert np.isin(x, rows.x).all()
        assert np.array_equal(y[:, 0], peak(x))
    error = np.abs(mended.model.value(held[0]) - held[1])[:, 0]
    assert mended.verdict.worst == error.max() < 0.1 * mended.worst_before
    assert mended.verdict.compared.n == rows.held == 120
    assert mended.evaluations == {"rounds": 0, "audit": 120}
    assert "held out fell from" in mended.status.advice
    assert "280 of its rows and is judged by the other 120" in mended.notes[0]
    assert "no row has" in mended.notes[0]
    mended.to_json()


def test_a_model_that_is_worse_at_the_held_out_rows_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("supnorm.mending.repair"), "TunableNetwork", Worse)
    mended = sn.repair(problem())
    assert not mended.accepted
    assert {one.code for one in mended.record.reasons} == {"not-smaller", "rms-grew", "harm"}


@pytest.mark.slow
def test_a_model_that_cannot_be_trained_gets_a_residual() -> None:
    mended = sn.repair(problem(model=sn.Function(lambda x: np.sin(2.0 * x))))
    assert mended.record.method == "residual"
    assert mended.accepted


def test_what_needs_other_points_is_refused() -> None:
    with pytest.raises(BadInput, match="a patch needs values of the reference at new points"):
        sn.repair(problem(), method="patch")
    with pytest.raises(BadInput, match="leave data out"):
        sn.repair(problem(), data=(np.zeros((3, 1)), np.zeros(3)))
    with pytest.raises(BadInput, match="the reference on the whole domain"):
        sn.repair(problem(tolerance=0.1), certify=True)
    with pytest.raises(BadInput, match="the table has 60 rows"):
        sn.repair(problem(60))


def test_a_table_without_an_error_above_the_tolerance_is_left() -> None:
    mended = sn.repair(problem(tolerance=5.0))
    assert mended.status.code == "nothing-found"
    assert not mended.rounds


@pytest.mark.slow
def test_a_row_above_the_tolerance_that_was_trained_on_counts() -> None:
    asked = problem(tolerance=1e-9)
    mended = sn.repair(asked)
    assert mended.status.code == "tolerance-exceeded"
    assert mended.status.exit == 1
