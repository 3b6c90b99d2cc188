"""A result of an audit that was edited so that it contradicts itself is refused, with what contradicts what."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.results import BadInput


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit that found 0.1, with a tolerance of 0.2."""
    problem = sn.Problem(
        lambda x: 0.1 * x[:, 0],
        lambda x: 0.0 * x[:, 0],
        sn.Domain(a=(0.0, 1.0)),
        sn.ErrorMeasure(tolerance=0.2),
    )
    return Path(sn.audit(problem, evaluations=300, power=False).save(tmp_path_factory.mktemp("run")))


def _set(*path: Any) -> Callable[[Any], None]:
    *keys, last, value = path

    def edit(result: Any) -> None:
        for key in keys:
            result = result[key]
        result[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (_set("sup", "lower", 0.0), "the error at the worst point is 0.1, above the worst error, 0"),
        (_set("sup", "lower", 0.15), "the worst error is 0.15 and that of the worst point 0.1"),
        (_set("sup", "lower", None), "the worst error no value"),
        (_set("witness", None), "that of the worst point no value"),
        (_set("peaks", 0, "error", 9.0), "an error of the peaks is 9"),
        (_set("rms", "value", 0.11), "the RMS error is 0.11"),
        (_set("norms", "sup", 0.01), "and the norm sup 0.01"),
        (_set("norms", "L4", 0.2), "the L4 error is 0.2, and the largest of the same points 0.0"),
        (_set("rms", "value", 0.01), "the RMS error is 0.01 and the norm L2 0.0"),
        (_set("mean", "value", -1.0), "the mean error is −1"),
        (_set("exceedance", 0, "count", 3), "3 of 60 errors are above 0.2, and the largest is 0.0"),
        (_set("exceedance", 0, "above", 0.05), "0 of 60 errors are above 0.05, and the largest is 0.0"),
        (_set("tolerance", 0.3), "the tolerance is 0.3, and errors above 0.2 were counted"),
        (_set("tolerance", 0.05), "the status is nothing-found, the worst error 0.1 and the tolerance 0.05"),
        (_set("tolerance", None), "there is no tolerance"),
        (_set("status", "code", "tolerance-exceeded"), "the exit code is 0"),
        (_set("status", {"code": "tolerance-exceeded", "advice": "", "exit": 1}), "the tolerance 0.2"),
        (_set("status", "code", "within-tolerance"), "nor is there a bound that shows it"),
        (_set("status", "code", "perfect"), "no audit ends with the status perfect"),
        (_set("status", "exit", 1), "a run ends with 0, and the exit code is 1"),
        (_set("sup", "upper_kind", "certified"), "the upper bound is None"),
        (lambda r: r["sup"].update(upper=0.01, upper_kind="certified"), "is above the upper bound, 0.01"),
        (_set("search", "exhaustive", True), "every point is said to be evaluated"),
        (_set("search", "complete", True), "not every point was evaluated"),
        (_set("table_only", True), "there is no table"),
        (_set("witness", "model", []), "a point has 0 values of the model"),
        (_set("witness", "model", [7.0]), "the model has 7.0 at a point"),
        (_set("peaks", 0, "x", "a", 5.0), "a point has a = 5.0, outside of its range"),
        (_set("evaluations", "search", -5), "evaluations.search is -5"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(
    saved: Path, tmp_path: Path, edit: Callable[[Any], None], why: str
) -> None:
    result = json.loads((saved / "result.json").read_text())
    changed = copy.deepcopy(result)
    edit(changed)
    assert changed != result
    (tmp_path / "result.json").write_text(json.dumps(changed))
    with pytest.raises(BadInput, match="contradicts itself") as refused:
        sn.load_report(tmp_path)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda text: text.replace("a,", "b,", 1), "first b"),
        (lambda text: text + "0.5,5.0,0.0,5.0\n", "its largest error, 5, is above the worst error, 0.1"),
        (lambda text: text.split("\n")[0] + "\n0.5,0.01,0.0,0.01\n", "and that of the worst point 0.1"),
        (lambda text: text.split("\n")[0] + "\n", "and that of the worst point 0.1"),
        (lambda text: text.split("\n")[0] + "\n0.5,0.1,0.0,0.1\n", "the worst point is not in it"),
    ],
)
def test_worst_points_of_another_result_are_refused(
    saved: Path, tmp_path: Path, edit: Callable[[str], str], why: str
) -> None:
    (tmp_path / "result.json").write_bytes((saved / "result.json").read_bytes())
    assert sn.load_report(saved).points.rows.size
    (tmp_path / "points.csv").write_text(edit((saved / "points.csv").read_text()))
    with pytest.raises(BadInput, match=r"is not of .*result\.json") as refused:
        sn.load_report(tmp_path)
    assert why in str(refused.value)


@pytest.mark.parametrize("most", [5, 500])
def test_the_worst_point_is_in_its_table_where_many_points_have_its_error(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of equal errors that stand near each other the table has one, which was not always the worst point."""
    monkeypatch.setattr("supnorm.auditing.points_table.NUMBERS", 4 * most)
    model = sn.Function(lambda x: np.where(x[:, 0] > 0.3, 1.0, 0.0))
    problem = sn.Problem(model, lambda x: 0.0 * x[:, 0], sn.Domain(a=(0.0, 1.0)))
    report = sn.audit(problem, evaluations=4000, power=None)
    report.save(tmp_path)
    assert report.worst is not None
    assert report.worst.x[0] in sn.load_report(tmp_path).points.rows[:, 0]
