"""`audit_table`, against the same numbers computed row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.auditing import row_statistics

pandas = pytest.importorskip("pandas")


def frame(n: int = 500, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    flow, site = rng.uniform(1, 10, n), rng.choice(list("ABC"), n)
    truth = flow**2
    prediction = truth + rng.normal(0, 1, n) + 2.0 * (site == "C")
    prediction[[7, 99]] = np.nan
    prediction[245] += 40
    day = [f"2024-01-{i % 28 + 1:02d}" for i in range(n)]
    return pandas.DataFrame(
        {"flow": flow, "one": 1.0, "site": site, "day": day, "power": truth, "power_pred": prediction}
    )


@pytest.mark.parametrize("batch", [64, 8192])
@pytest.mark.parametrize("source", ["frame", "mapping", "csv", "parquet"])
def test_all_numbers_are_those_of_a_computation_by_hand(
    source: str, batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supnorm.auditing.table.BATCH", batch)
    df = frame()
    given: Any = df
    if source == "mapping":
        given = {name: df[name].to_numpy() for name in df}
    elif source != "frame":
        given = tmp_path / f"power.{source}"
        getattr(df, f"to_{source}")(given, index=False)
    report = sn.audit_table(
        given, truth="power", prediction="power_pred", by="site", tolerance=3.5, failures="ignore"
    )
    gap = (df.power_pred - df.power).to_numpy()
    known = np.isfinite(gap)
    table = report.record.table
    assert table is not None
    assert report.worst is not None
    assert (report.worst.row, report.worst.error) == (246, pytest.approx(abs(gap[245]), rel=1e-15))
    assert [axis.name for axis in report.record.axes] == ["flow"], "neither text nor what never varies"
    (accuracy,) = table.accuracy
    truth = df.power.to_numpy()[known]
    assert accuracy.n == known.sum() == 498
    assert accuracy.mae == pytest.approx(np.abs(gap[known]).mean(), rel=1e-12)
    assert accuracy.rmse == pytest.approx(np.sqrt((gap[known] ** 2).mean()), rel=1e-12)
    assert accuracy.bias == pytest.approx(gap[known].mean(), rel=1e-11)
    assert accuracy.r2 == pytest.approx(
        1 - (gap[known] ** 2).sum() / ((truth - truth.mean()) ** 2).sum(), rel=1e-12
    )
    assert table.groups_total == {"site": 3}
    worst = [group.worst for group in table.groups]
    assert worst == sorted(worst, reverse=True)  # type: ignore[type-var]
    for group in table.groups:
        rows = (df.site == group.value).to_numpy()
        inside = np.abs(gap[rows & known])
        assert (group.rows, group.missing) == (rows.sum(), (rows & ~known).sum())
        assert group.worst == pytest.approx(inside.max(), rel=1e-15)
        assert group.row is not None
        assert abs(gap[group.row - 1]) == group.worst
        assert group.mean == pytest.approx(inside.mean(), rel=1e-12)
        assert group.rms == pytest.approx(np.sqrt((inside**2).mean()), rel=1e-12)
        assert group.bias == pytest.approx(gap[rows & known].mean(), rel=1e-10, abs=1e-12)
        assert group.above == (inside > 3.5).sum()


def test_the_worst_rows_have_all_of_their_columns() -> None:
    df = frame().set_index(pandas.Index([f"run{i}" for i in range(500)]))
    report = sn.audit_table(df, truth="power", prediction="power_pred", by="site", failures="ignore")
    assert report.record.peaks[0].columns == {
        "index": "run245",
        "one": "1.0",
        "site": str(df.site.iloc[245]),
        "day": df.day.iloc[245],
    }
    assert report.points.labels["day"][0] == df.day.iloc[245]


def test_a_missing_prediction_is_an_infinite_error_unless_it_is_ignored() -> None:
    df = frame()
    counted = sn.audit_table(df, truth="power", prediction="power_pred", tolerance=100.0)
    ignored = sn.audit_table(df, truth="power", prediction="power_pred", tolerance=100.0, failures="ignore")
    assert (counted.status.exit, ignored.status.exit) == (1, 0)
    assert counted.record.table is not None
    assert counted.record.table.without_value == {"model": 2, "reference": 0}
    assert counted.record.table.accuracy == ignored.record.table.accuracy  # type: ignore[union-attr]


def test_the_picture_has_the_worst_rows_first_and_no_more_rows_than_it_can_show() -> None:
    df = frame(5000)
    drawn = sn.audit_table(df, truth="power", prediction="power_pred").record.charts.rows
    assert drawn is not None
    assert drawn.rows[0] == 246
    assert len(drawn.rows) == len({*drawn.rows}) <= row_statistics.PLOTTED + row_statistics.WORST
    k = drawn.rows.index(1) if 1 in drawn.rows else 5
    assert drawn.model[k] == df.power_pred.iloc[drawn.rows[k] - 1]
    assert drawn.inputs["flow"][k] == df.flow.iloc[drawn.rows[k] - 1]
    gap = np.sort(np.abs(df.power_pred - df.power).dropna())[::-1]
    assert [*drawn.error[: drawn.worst]] == [*gap[: drawn.worst]]


def test_several_outputs_are_compared_in_the_order_that_is_named() -> None:
    df = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0], "pa": [1.0, 2.5], "pb": [3.0, 9.0], "x": [0, 1]})
    report = sn.audit_table(df, truth=["a", "b"], prediction=["pa", "pb"], by="x")
    assert report.record.table is not None
    assert [(a.output, a.mae) for a in report.record.table.accuracy] == [("a", 0.25), ("b", 2.0)]
    assert report.record.charts.rows is not None
    assert report.record.charts.rows.output == "b"
    assert [group.bias for group in report.record.table.groups] == [None, None]


def test_without_any_other_column_the_error_is_shown_against_the_truth() -> None:
    report = sn.audit_table({"y": [1.0, 2.0], "p": [1.0, 2.5]}, truth="y", prediction="p")
    assert [axis.name for axis in report.record.axes] == ["y"]
    assert report.worst is not None
    assert report.worst.error == 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"truth": "Power"}, "there is no column Power; did you mean power?"),
        ({"prediction": ["power_pred", "flow"]}, "truth names 1 columns and prediction 2"),
        ({"prediction": "power"}, "column power is named twice"),
        ({"prediction": "site"}, "column site holds no plain numbers"),
        ({"inputs": ["day"]}, "input day holds no numbers"),
        ({"by": "place"}, "there is no column place"),
        ({"data": [1, 2]}, "takes a data frame, a mapping of columns or the path of a table, got list"),
        ({"data": {"power": [1.0], "power_pred": [1.0, 2.0]}}, "same number of rows"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_what_cannot_be_compared_is_named(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"data": frame(), "truth": "power", "prediction": "power_pred"} | change
    with pytest.raises(sn.BadInput) as refused:
        sn.audit_table(given.pop("data"), **given)
    assert words in str(refused.value)


@pytest.mark.parametrize("file", [False, True])
def test_relative_errors(file: bool, tmp_path: Path) -> None:
    df = pandas.DataFrame({"y": [2.0, 10.0], "p": [3.0, 12.0], "x": [0.0, 1.0]})
    df.to_csv(tmp_path / "t.csv", index=False)
    report = sn.audit_table(tmp_path / "t.csv" if file else df, truth="y", prediction="p", kind="relative")
    assert report.worst is not None
    assert (report.worst.row, report.worst.error) == (1, 0.5)


def test_numbers_that_can_be_missing_are_numbers() -> None:
    df = pandas.DataFrame(
        {
            "y": pandas.array([1, 2, None], dtype="Int64"),
            "p": pandas.array([1.5, 2.0, 3.0], dtype="Float64"),
            "x": [1, 2, 3],
            "flag": [True, False, True],
        }
    )
    report = sn.audit_table(df, truth="y", prediction="p")
    assert report.record.table is not None
    assert (report.record.table.compared, report.record.table.without_value["reference"]) == (2, 1)
    assert [axis.name for axis in report.record.axes] == ["x"]


def test_columns_that_are_polars_like_are_read() -> None:
    polars = pytest.importorskip("polars")
    df = polars.DataFrame(
        {"y": [1.0, 2.0, None], "p": [1.5, 2.0, 3.0], "x": [1, 2, 3], "s": ["a", "b", None]}
    )
    report = sn.audit_table(df, truth="y", prediction="p", by="s")
    assert report.worst is not None
    assert (report.worst.row, report.worst.error) == (1, 0.5)


@pytest.mark.parametrize("failures", ["error", "ignore"])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_the_groups_of_any_table_add_up_to_the_whole(
    seed: int, outputs: int, failures: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst group has the worst error and its row, and their rows above the tolerance are all of them."""
    monkeypatch.setattr("supnorm.auditing.table.BATCH", 16)
    rng = np.random.default_rng(seed)
    truth, prediction = rng.normal(0, 1, (2, 50, outputs))
    missing, unknown = rng.random((2, 50, outputs)) < 0.15
    prediction[missing], truth[unknown] = rng.choice([np.nan, np.inf, -np.inf]), np.nan
    data = {f"y{k}": truth[:, k] for k in range(outputs)} | {
        f"p{k}": prediction[:, k] for k in range(outputs)
    }
    data |= {"x": np.arange(50.0), "site": rng.choice(list("ABCDEFGH"), 50)}
    names = [[f"{side}{k}" for k in range(outputs)] for side in "yp"]
    report = sn.audit_table(
        data, truth=names[0], prediction=names[1], inputs="x", by="site", tolerance=1.5, failures=failures
    )
    record, table = report.record, report.record.table
    assert table is not None
    assert record.witness is not None
    groups = table.groups
    lost = ((missing | ~np.isfinite(prediction)) & ~unknown).any(axis=1)
    assert (record.sup.lower == np.inf) == (failures == "error" and bool(lost.any()))
    assert groups[0].worst == max(g.worst for g in groups if g.worst is not None) == record.sup.lower
    assert record.witness.row in [g.row for g in groups if g.worst == record.sup.lower]
    assert sum(g.above or 0 for g in groups) == record.exceedance[0].count
    assert sum(g.rows for g in groups) == 50
    assert sum(g.missing for g in groups) == table.without_value["model"] == lost.sum()
    assert (
        sum(g.without_truth for g in groups) == table.without_value["reference"] == unknown.all(axis=1).sum()
    )
    for group in groups:
        rows = data["site"] == group.value
        infinite = failures == "error" and bool((rows & lost).any())
        assert (group.finite is not None) == infinite
        if infinite:
            assert group.worst == np.inf
            assert group.row == 1 + int(np.flatnonzero(rows & lost)[0]), "the first such row is named"
            gap = np.where(np.isnan(gap := np.abs(prediction - truth)), -1.0, gap).max(axis=1)
            sizes = gap[rows & ~lost & (gap >= 0)]
            assert group.finite is not None
            assert group.finite.n == len(sizes)
            assert group.finite.worst == (pytest.approx(sizes.max(), rel=1e-15) if len(sizes) else None)
            assert group.above == (rows & lost).sum() + (sizes > 1.5).sum()


def test_a_table_without_any_prediction_shows_its_groups() -> None:
    data = {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, np.nan], "p": [np.nan, np.nan, 1.0], "s": ["A", "B", "B"]}
    report = sn.audit_table(data, truth="y", prediction="p", by="s", tolerance=1.0)
    assert report.status.exit == 1
    assert "without prediction</th>" in (page := report.to_html())
    assert "without truth</th>" in page


def test_a_table_of_pyarrow_is_read() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0], "p": [1.0, None, 3.0]})
    report = sn.audit_table(table, truth="y", prediction="p", tolerance=0.1)
    assert report.worst is not None
    assert (report.worst.row, report.status.exit) == (2, 1)
    twice = arrow.Table.from_arrays([arrow.array([1.0])] * 3, names=["x", "y", "y"])
    with pytest.raises(sn.BadInput, match="there are two columns y"):
        sn.audit_table(twice, truth="y", prediction="x")


def test_an_input_that_looks_like_a_second_prediction_is_named_unless_inputs_were() -> None:
    df = frame()
    df["power_v2"] = 1.01 * df.power + np.sin(df.index)
    columns = {"truth": "power", "prediction": "power_pred", "tolerance": 100.0, "failures": "ignore"}

    def said(**more: Any) -> list[str]:
        found = sn.audit_table(df, **columns, **more).record.findings
        return [f.text for f in found if f.code == "input-like-output"]

    (words,) = said()
    assert words.startswith("power_v2 was taken as an input")
    assert "--inputs flow (in Python" in words
    assert said(inputs=["flow", "power_v2"]) == []


@pytest.mark.parametrize("file", [False, True])
def test_a_truth_that_never_varies_is_compared(file: bool, tmp_path: Path) -> None:
    """Residuals beside zeros were refused: "there is nothing to compare"."""
    data: Any = pandas.DataFrame({"zero": [0.0, 0.0, 0.0], "residual": [0.1, -0.3, np.nan]})
    if file:
        data.to_csv(tmp_path / "t.csv", index=False)
        data = tmp_path / "t.csv"
    report = sn.audit_table(data, truth="zero", prediction="residual", failures="ignore")
    assert report.worst is not None
    assert (report.worst.row, report.worst.error, report.record.plain_sample.n) == (2, 0.3, 2)
    with pytest.raises(sn.BadInput, match="no column of numbers has two different values; add one"):
        sn.audit_table({"t": [1.0], "p": [2.0]}, truth="t", prediction="p")
