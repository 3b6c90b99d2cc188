"""Thousands of outputs: the document stays small, and names the same worst output; the table has all of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.auditing import audit, load_report, many_outputs
from supnorm.auditing.many_outputs import Outputs, listed
from supnorm.pages.page import page
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.results.encoding import dumps

BOX = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def wave(m: int) -> Problem:
    """The worst output is number 0.7 m, at the upper end of ``a``."""
    at = np.arange(m) / m

    def reference(x: Any) -> Any:
        return np.sin(3 * at + x[:, 1:])

    def model(x: Any) -> Any:
        return reference(x) + x[:, :1] * np.exp(-500 * (at - 0.7) ** 2)

    return Problem(model, reference, BOX)


def test_the_listed_outputs_are_the_worst_and_stay_above_the_curve() -> None:
    worst = np.random.default_rng(0).random(30_000)
    kept = listed(worst, [17])
    assert 17 in kept
    assert len(kept) <= many_outputs.LISTED + 1
    assert {*np.argsort(-worst)[:500]} <= {*kept}
    for part in np.array_split(np.arange(30_000), 250):
        assert worst[np.intersect1d(part, kept)].max() == worst[part].max()


@pytest.mark.slow
def test_a_document_of_thousands_of_outputs_is_small_and_the_table_whole(tmp_path: Path) -> None:
    m = 20_000
    report = audit(wave(m), evaluations=50)
    report.save(tmp_path)
    assert (tmp_path / "result.json").stat().st_size < 1_500_000  # 4 MB, and 55 MB of 100,000
    document = report.document
    assert document["outputs_total"] == m
    again = load_report(tmp_path)
    assert dumps(again.document) == dumps(document)
    assert again.points.columns == report.points.columns
    for one in (report, again):
        assert one.worst is not None
        name = document["outputs"][one.worst.output]["name"]
        with (tmp_path / "outputs.csv").open(newline="") as file:
            rows = {row["output"]: row for row in csv.DictReader(file)}
        assert len(rows) == m
        assert float(rows[name]["largest_error"]) == document["sup"]["lower"]
        assert float(rows[name]["model_1"]) == one.worst.model[one.worst.output]
        assert float(rows[name]["reference_1"]) == one.worst.reference[one.worst.output]
        assert f"at {name}." in page(one.record)


def test_few_outputs_are_all_listed_and_the_same_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audit(wave(40), evaluations=200)
    assert len(whole.document["outputs"]) == whole.document["outputs_total"] == 40
    monkeypatch.setattr(many_outputs, "LISTED", 10)
    short = audit(wave(40), evaluations=200)
    short.save(tmp_path)
    assert (tmp_path / "outputs.csv").exists()
    assert short.document["sup"] == whole.document["sup"]
    names = [o["name"] for o in whole.document["outputs"]]
    rows = [names.index(o["name"]) for o in short.document["outputs"]]
    assert len(rows) < 40
    for one, all_ in zip(short.document["peaks"], whole.document["peaks"], strict=True):
        np.testing.assert_array_equal(one["model"], np.asarray(all_["model"])[rows])
    whole.save(tmp_path)
    assert not (tmp_path / "outputs.csv").exists()  # of the older audit


def test_a_joint_error_of_many_outputs_lists_that_of_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended in a bug of supnorm: one error was taken for that of the first output."""
    monkeypatch.setattr(many_outputs, "LISTED", 10)
    whole = wave(40)
    norm = ErrorMeasure(
        "function", function=lambda model, reference, x: np.abs(model - reference).max(axis=1)
    )
    report = audit(Problem(whole.model, whole.reference, BOX, norm), evaluations=200)
    names = [output.name for output in report.record.outputs]
    assert report.record.peaks[0].output in names
    assert len(report.record.peaks[0].model) == len(names) < 40
    assert report.outputs is not None
    rows = list(csv.DictReader(report.outputs.splitlines()))
    assert [len(rows), rows[0]["largest_error"]] == [40, "nan"]


def test_a_point_where_both_sides_failed_before_their_outputs_were_known() -> None:
    """Every point of the probe fails on both sides, so the witness there has one value without a number."""
    outputs = Outputs(["a", "b", "c"], ["", "", ""], np.full(3, np.inf), np.zeros(3), np.arange(3))
    assert np.isnan(outputs.values(np.array([np.nan]))).tolist() == [True, True, True]
    assert outputs.values(np.array([1.0, 2.0, 3.0])) == (1.0, 2.0, 3.0)
