"""Pairs are rows: in every form of a table the worst error, its row and the statistics are those of plain NumPy."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import AuditReport, audit
from supnorm.problem import Domain, Function, Problem
from supnorm.results import BadInput
from supnorm.sources import open_problem

Array = np.ndarray[Any, np.dtype[np.float64]]
SIDES = """
[model]
file = "{model}"
inputs = ["a", "b"]
outputs = ["pred"]
{key}
[reference]
file = "{reference}"
inputs = ["a", "b"]
outputs = ["truth"]
{key}
"""


class Rows:
    """Random rows: inputs of few values, so that many repeat; values that are missing here and there; planted errors."""

    def __init__(self, seed: int, missing: bool) -> None:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(6, 60))
        self.x = rng.integers(0, 3, (n, 2)).astype(float)
        self.x[:3] = [[0, 0], [2, 2], [1, 0]]  # both inputs vary
        self.truth = rng.normal(size=n)
        self.pred = self.truth + 0.01 * rng.normal(size=n)
        self.pred[rng.integers(n, size=2)] += 5.0 * rng.random(2)
        self.site = [f"S{k}" for k in rng.integers(0, 4, n)]
        self.id = [f"k{i}" for i in rng.permutation(n)]
        if missing:
            self.truth[rng.integers(n, size=2)] = np.nan
            self.pred[rng.integers(n, size=2)] = np.nan
            self.x[rng.integers(3, n), rng.integers(2)] = np.nan
        self.rng = rng

    @property
    def n(self) -> int:
        return len(self.x)


def text(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value))


def write_csv(path: Path, rows: Rows, columns: list[str], order: Array | None = None) -> None:
    cells = {
        "a": [text(v) for v in rows.x[:, 0]], "b": [text(v) for v in rows.x[:, 1]], "site": rows.site, "id": rows.id,
        "truth": [text(v) for v in rows.truth], "pred": [text(v) for v in rows.pred],
    }  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for i in range(rows.n) if order is None else order:
            writer.writerow([cells[c][i] for c in columns])


def opened(folder: Path, model: str, reference: str, key: str = "", inputs: bool = True) -> Problem:
    """``inputs``: whether the model's file has them; with a key it need not."""
    text = SIDES.format(model=model, reference=reference, key=key)
    (folder / "p.toml").write_text(text if inputs else text.replace('inputs = ["a", "b"]', "", 1))
    return open_problem(folder / "p.toml")


def one_csv(folder: Path, rows: Rows) -> Problem:
    write_csv(folder / "t.csv", rows, ["site", "pred", "a", "truth", "b", "id"])
    return opened(folder, "t.csv", "t.csv")


def two_csv(folder: Path, rows: Rows) -> Problem:
    write_csv(folder / "m.csv", rows, ["a", "b", "pred"])
    write_csv(folder / "r.csv", rows, ["b", "a", "truth", "site"])
    return opened(folder, "m.csv", "r.csv")


def shuffled_csv(folder: Path, rows: Rows) -> Problem:
    write_csv(folder / "m.csv", rows, ["id", "a", "b", "pred"], rows.rng.permutation(rows.n))
    write_csv(folder / "r.csv", rows, ["b", "a", "truth", "site", "id"])
    return opened(folder, "m.csv", "r.csv", 'key = "id"')


def arrow() -> tuple[Any, Any]:
    """The package, and its function that writes a table to a file."""
    return pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet").write_table


def parquet(folder: Path, rows: Rows) -> Problem:
    pyarrow, write = arrow()
    columns = {"a": rows.x[:, 0], "b": rows.x[:, 1], "truth": rows.truth, "pred": rows.pred}
    table = {k: pyarrow.array(v, mask=np.isnan(v)) for k, v in columns.items()}
    write(pyarrow.table(table | {"site": rows.site}), folder / "t.parquet")
    return opened(folder, "t.parquet", "t.parquet")


def netcdf(folder: Path, rows: Rows) -> Problem:
    """The rows as times: neither input is the dimension that they run through."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    columns = {"a": rows.x[:, 0], "b": rows.x[:, 1], "truth": rows.truth, "pred": rows.pred}
    time = ("time", np.arange(rows.n), {"units": "days since 2020-01-01"})
    data = xarray.Dataset(
        {k: ("time", v) for k, v in columns.items()}, coords={"time": time, "site": ("time", rows.site)}
    )
    data.to_netcdf(folder / "t.nc", engine="h5netcdf")
    return opened(folder, "t.nc", "t.nc")


def arrays(folder: Path, rows: Rows) -> Problem:
    model, reference = (Function(table=(rows.x, y)) for y in (rows.pred, rows.truth))
    return Problem(model, reference, Domain(a=(0.0, 2.0), b=(0.0, 2.0)))


FORMS: list[Callable[[Path, Rows], Problem]] = [one_csv, two_csv, shuffled_csv, parquet, netcdf, arrays]


@pytest.mark.sampled(12)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(8))
def test_every_form_says_what_numpy_says(tmp_path: Path, form: Any, seed: int) -> None:
    rows = Rows(seed, missing=seed % 2 == 1)
    report = audit(form(tmp_path, rows))
    document = report.to_dict()
    known = np.isfinite(rows.truth)
    error = np.where(np.isnan(rows.pred), np.inf, np.abs(rows.pred - rows.truth))
    finite = known & np.isfinite(error)
    assert document["plain_sample"]["drawn"] == rows.n
    assert document["rms"]["n"] == known.sum()
    assert report.worst is not None
    assert report.worst.error == error[known].max()
    if np.isfinite(report.worst.error):
        assert document["finite"] is None
        assert report.worst.row == 1 + int(np.argmax(np.where(finite, error, -1)))
        assert report.rms.value == pytest.approx(np.sqrt(np.mean(error[finite] ** 2)), rel=1e-12)
        assert document["mean"]["value"] == pytest.approx(np.mean(error[finite]), rel=1e-12)
    else:
        said = document["finite"]
        assert (said["n"], said["infinite"]) == (finite.sum(), (known & ~finite).sum())
        assert said["row"] == 1 + int(np.argmax(np.where(finite, error, -1)))
        assert said["worst"] == error[finite].max()
        assert said["rms"] == pytest.approx(np.sqrt(np.mean(error[finite] ** 2)), rel=1e-12)
        assert (
            document["table"]["without_value_rows"]["model"]
            == (1 + np.flatnonzero(known & np.isnan(rows.pred))).tolist()
        )
    assert document["table"]["without_value"]["reference"] == (~known).sum()
    assert document["table"]["incomplete"] == (~np.isfinite(rows.x).all(axis=1)).sum()
    # Places and points are rows, each with its own values; of the points every one that has an error is there.
    for place in document["peaks"]:
        i = place["row"] - 1
        assert (place["model"][0], place["reference"][0]) == (
            None if np.isnan(rows.pred[i]) else rows.pred[i],
            rows.truth[i],
        )
        if form is not arrays:
            assert place["columns"]["site"] == rows.site[i]
    numbers = [int(row) - 1 for row in report.points.labels["row"]]
    assert sorted(numbers) == np.flatnonzero(known).tolist()
    np.testing.assert_array_equal(report.points.rows[:, -1], error[numbers])
    np.testing.assert_array_equal(report.points.rows[:, :2], rows.x[numbers])
    assert (np.diff(report.points.rows[:, -1][np.isfinite(error[numbers])]) <= 0).all()


def test_rows_that_share_their_inputs_keep_their_own_values(tmp_path: Path) -> None:
    """The value of the first one was compared for all of them: a true error of 69 was reported as 0.3, exit 0."""
    (tmp_path / "t.csv").write_text(
        "a,b,truth,pred\n1,1,10,10.1\n1,1,20,20.2\n1,1,30,99\n2,1,10,10.3\n2,2,11,11.1\n"
    )
    report = audit(opened(tmp_path, "t.csv", "t.csv", ""))
    assert report.worst is not None
    assert (report.worst.error, report.worst.row) == (69.0, 3)


def saved(folder: Path, report: AuditReport) -> AuditReport:
    from supnorm.auditing import load_report

    return load_report(report.save(folder))


def test_labels_of_rows_survive_the_folder(tmp_path: Path) -> None:
    rows = Rows(3, missing=True)
    report = audit(one_csv(tmp_path, rows))
    again = saved(tmp_path / "run", report)
    assert again.points.labels == report.points.labels
    assert again.points.columns == report.points.columns
    np.testing.assert_array_equal(again.points.rows, report.points.rows)
    assert again.worst == report.worst
    header = (tmp_path / "run" / "points.csv").read_text().splitlines()[0]
    assert header == "row,site,id,a,b,model_truth,reference_truth,error"


@pytest.mark.slow
def test_a_dimension_that_is_no_input_names_the_row(tmp_path: Path) -> None:
    """Values of a later time were compared with those of the first one."""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4, 3, 2)).astype(np.float32)
    pred = truth.transpose(2, 0, 1) + np.float32(0.125)
    pred[1, 3, 2] += 40
    data = xarray.Dataset(
        {"truth": (("time", "lat", "lon"), truth, {"units": "K"}), "pred": (("lon", "time", "lat"), pred)},
        coords={
            "time": ("time", [0.0, 1.0, 57.0, 58.25], {"units": "days since 2020-01-01"}),
            "lat": [40.0, 41.0, 42.0],
            "lon": [28.0, 29.0],
        },
    )
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    (tmp_path / "p.toml").write_text(SIDES.replace('"a", "b"', '"lat", "lon"').format(
        model="t.nc", reference="t.nc", key=""
    ))  # fmt: skip
    report = audit(open_problem(tmp_path / "p.toml"))
    document = report.to_dict()
    assert document["table"]["compared"] == 24
    assert document["witness"]["error"] == pytest.approx(40.125, abs=1e-5)
    assert document["witness"]["x"] == {"lat": 42.0, "lon": 29.0}
    assert document["witness"]["columns"] == {"time": "2020-02-28T06:00:00"}
    assert document["witness"]["row"] == 24
    assert report.peaks[1].row is not None
    assert {p["columns"]["time"] for p in document["peaks"]} <= {
        "2020-01-01", "2020-01-02", "2020-02-27", "2020-02-28T06:00:00",
    }  # fmt: skip
    assert document["outputs"] == [{"name": "truth", "unit": "K"}]
    assert any("truth is stored as float32" in note for note in document["notes"])
    assert report.rms.value == pytest.approx(np.sqrt((23 * 0.125**2 + 40.125**2) / 24), rel=1e-6)


def test_packed_values_are_unpacked_and_said(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    truth = np.array([1.0, 2.0, np.nan, 4.0])
    data = xarray.Dataset(
        {"truth": ("a", truth), "pred": ("a", truth + 0.5)}, coords={"a": [0.0, 1.0, 2.0, 3.0]}
    )
    packed = {"dtype": "int16", "scale_factor": 0.25, "_FillValue": np.int16(-999)}
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf", encoding={"truth": packed, "pred": packed})
    (tmp_path / "p.toml").write_text(
        SIDES.replace('"a", "b"', '"a"').format(model="t.nc", reference="t.nc", key="")
    )
    report = audit(open_problem(tmp_path / "p.toml"))
    assert report.document["table"]["without_value"] == {"model": 0, "reference": 1}
    assert report.worst is not None
    assert report.worst.error == 0.5
    assert any("truth is stored as int16 times 0.25" in note for note in report.document["notes"])


# -- what is refused ----------------------------------------------------------------------------------------


def two(folder: Path, model: str, reference: str, key: str = "") -> Problem:
    (folder / "m.csv").write_text(model)
    (folder / "r.csv").write_text(reference)
    return opened(folder, "m.csv", "r.csv", key, inputs="a,b" in model)


def test_two_files_without_a_key_must_have_the_same_inputs_row_by_row(tmp_path: Path) -> None:
    good = "a,b,truth\n0,0,1\n1,2,2\n2,2,3\n"
    problem = two(tmp_path, "a,b,pred\n0,0,1\n1,2,2\n2,2,3\n", good)
    assert problem.pairs is not None
    assert problem.pairs.by == "order"
    for model, said in (
        ("a,b,pred\n0,0,1\n2,2,2\n1,2,3\n", r"p.toml: m.csv \(model\) and r.csv \(reference\) have different inputs, first "
         r"in row 2: a is 2 and 1: put both in one order, or name the column .* key = "),
        ("a,b,pred\n0,0,1\n1,2,2\n", r"have 2 and 3 rows: "),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            two(tmp_path, model, good)


def test_a_key_joins_rows_once(tmp_path: Path) -> None:
    good = "id,a,b,truth\n7,0,0,1\n8,1,2,2\n9,2,2,3\n"
    problem = two(tmp_path, "id,pred\n9,3.5\n5,0\n7,1\n", good, 'key = "id"')
    report = audit(problem)
    assert report.document["table"]["alone"] == {"model": 1, "reference": 1}
    assert (
        "The table of truths has 1 row whose key is not in the table of predictions: its prediction is missing."
        in str(report.document["findings"])
    )
    # Without its row the crash of a model was no error at all, and the exit code 0.
    assert report.worst is not None
    assert (report.worst.error, report.worst.row) == (np.inf, 2)
    assert report.document["finite"]["worst"] == 0.5
    ignored = audit(replace(problem, error=replace(problem.error, failures="ignore"))).worst
    assert ignored is not None
    assert (ignored.error, ignored.row) == (0.5, 3)
    for model, reference, said in (
        ("id,pred\n9,3\n7,1\n9,2\n", good, r"m.csv: rows 1 and 3 have the same key, id = 9; a key must differ in every row"),
        ("id,pred\n9,3\n", good.replace("8,", "7,"), r"r.csv: rows 1 and 2 have the same key, id = 7"),
        ("id,pred\n9,3\n,1\n", good, r"row 2 has no value in the key id"),
        ("id,pred\n1,3\n2,1\n", good, r"no row of m.csv has the key of a row of r.csv: id = 1 there, id = 7 here"),
        ("id,a,b,pred\n9,2,2,3\n7,0,1,1\n", good, r"rows with the key id = 7 have different inputs: b is 1 in row 2 of "),
        ("no,pred\n9,3\n", good, r"there is no column id; it has no, pred"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            two(tmp_path, model, reference, 'key = "id"')


def test_rows_keep_their_numbers_over_batches_and_joins(tmp_path: Path, monkeypatch: Any) -> None:
    """Of equal errors the row that comes first; rows without a value by the number in the file of the truth."""
    from supnorm.auditing import table

    monkeypatch.setattr(table, "BATCH", 7)
    n = 3000
    truth = "id,a,b,truth\n" + "".join(f"k{i},{i % 5},{i % 3},{i}\n" for i in range(n))
    missing = {5, 1000, 2999}
    # The first 20 rows of the truth have no partner: their predictions are missing.
    kept = np.random.default_rng(0).permutation(np.arange(20, n))
    pred = "id,pred\n" + "".join(f"k{i},{'' if i in missing else i + 2}\n" for i in kept)
    document = audit(two(tmp_path, pred, truth, 'key = "id"')).document
    assert document["table"]["without_value_rows"]["model"] == [*range(1, 21)]
    assert document["table"]["without_value"]["model"] == 22
    finite = [p["row"] for p in document["peaks"] if np.isfinite(float(p["error"]))]
    assert finite[:3] == [21, 22, 23]
    assert document["table"]["alone"] == {"model": 0, "reference": 20}


def test_a_key_of_several_columns(tmp_path: Path) -> None:
    reference = "site,day,a,b,truth\nA,1,0,0,1\nA,2,1,1,2\nB,1,2,2,3\n"
    problem = two(
        tmp_path, "site,day,a,b,pred\nB,1,2,2,3\nA,2,1,1,2.5\nA,1,0,0,1\n", reference, 'key = ["site", "day"]'
    )
    worst = audit(problem).worst
    assert worst is not None
    assert (worst.error, worst.row) == (0.5, 2)


def test_keys_that_are_one_number_written_in_two_ways_meet(tmp_path: Path) -> None:
    """A column of numbers with a gap becomes 1.0, 2.0: the worst row had no partner, and the exit code was 0."""
    truth = "id,a,b,truth\n1,0,0,10\n2,1,1,20\n3,2,2,30\n"
    worst = audit(two(tmp_path, "id,pred\n1.0,10\n2.0,99\n3,30\n", truth, 'key = "id"')).worst
    assert worst is not None
    assert (worst.error, worst.row) == (79.0, 2)
    # Where 01 and 1 are two rows, they are names and no numbers.
    names = truth.replace("\n3,", "\n01,")
    worst = audit(two(tmp_path, "id,pred\n01,35\n1,10\n2,21\n", names, 'key = "id"')).worst
    assert worst is not None
    assert (worst.error, worst.row) == (5.0, 3)


def test_keys_of_several_columns_are_told_apart_as_a_whole(tmp_path: Path) -> None:
    """A station 1 and a station A: numbers meet in a column with names, too, and 1 and 1.0 of two days are one station."""
    truth = "id,day,a,b,truth\n1,1,0,0,10\n1.0,2,1,1,20\nA,1,2,2,30\n"
    for first, error in (("1.0", 79.0), ("1", 79.0), ("01", np.inf), ("1e0", np.inf)):
        model = f"id,day,pred\n{first},1,10\n1,2.0,99\nA,1,30\n"
        worst = audit(two(tmp_path, model, truth, 'key = ["id", "day"]')).worst
        assert worst is not None
        assert (worst.error, worst.row) == (error, 2 if error < np.inf else 1)


@pytest.mark.parametrize(("there", "here"), [("1e5", "100000"), ("007", "7"), ("1.50", "1.5")])
def test_names_that_look_like_one_number_are_two_beside_other_names(
    there: str, here: str, tmp_path: Path
) -> None:
    """Genes and postcodes: the row of one was compared with that of the other, and the gate was green."""
    for other, error in (("A", np.inf), ("12", 0.0)):
        model, truth = f"id,pred\n{there},1\n{other},2\n", f"id,a,b,truth\n{here},0,0,1\n{other},1,1,2\n"
        assert audit(two(tmp_path, model, truth, 'key = "id"')).record.sup.lower == error


def test_whole_numbers_of_keys_are_compared_exactly(tmp_path: Path) -> None:
    pyarrow, write = arrow()
    write(pyarrow.table({"id": [2**53, 2**53 + 2], "pred": [1.0, 2.0]}), tmp_path / "m.parquet")
    (tmp_path / "r.csv").write_text(f"id,a,b,truth\n{2**53 + 1}.0,0,0,1\n{2**53 + 2}.0,1,1,2\n")
    report = audit(opened(tmp_path, "m.parquet", "r.csv", 'key = "id"', inputs=False))
    assert report.record.sup.lower == np.inf  # the first row has no partner
    assert report.worst is not None
    assert report.worst.row == 1
    (tmp_path / "r.csv").write_text("id,a,b,truth\n1_0,0,0,1\n2,1,1,2\n")
    with pytest.raises(BadInput, match="key id is '1_0' in row 1, and the other table's key is a number"):
        audit(opened(tmp_path, "m.parquet", "r.csv", 'key = "id"', inputs=False))


def test_a_key_that_is_text_in_one_table_and_a_number_in_the_other(tmp_path: Path) -> None:
    pyarrow, write = arrow()
    large = 2**60
    table = {"id": [large + 1, large], "pred": [1.0, 2.0]}
    write(pyarrow.table(table), tmp_path / "m.parquet")
    (tmp_path / "r.csv").write_text(f"id,a,b,truth\n{large},0,0,2\n{large + 1},1,1,1.5\n")
    worst = audit(opened(tmp_path, "m.parquet", "r.csv", 'key = "id"', inputs=False)).worst
    assert worst is not None
    assert (worst.error, worst.row) == (0.5, 2)


@pytest.mark.slow
def test_a_key_of_coordinates_joins_grids_of_other_order(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    truth = np.random.default_rng(0).normal(size=(3, 2))
    days = ("time", [0, 1, 58], {"units": "days since 2020-01-01"})
    coordinates = {"time": days, "a": [0.5, 1.5]}
    data = xarray.Dataset({"truth": (("time", "a"), truth)}, coords=coordinates)
    data.to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    other = xarray.Dataset({"pred": (("a", "time"), truth.T + 0.25)}, coords=coordinates)
    other.isel(time=[2, 0]).to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    text = SIDES.replace('"a", "b"', '"a"').format(model="m.nc", reference="r.nc", key='key = ["time", "a"]')
    (tmp_path / "p.toml").write_text(text)
    report = audit(open_problem(tmp_path / "p.toml"))
    assert report.document["table"]["alone"] == {"model": 0, "reference": 2}
    assert report.document["finite"]["rms"] == pytest.approx(0.25)
    assert [p["row"] for p in report.document["peaks"][:2]] == [3, 4]  # the day that has no predictions
    (tmp_path / "p.toml").write_text(text.replace('key = ["time", "a"]', ""))
    with pytest.raises(BadInput, match=r"have 4 and 6 rows"):
        open_problem(tmp_path / "p.toml")
    # Numbers of a grid and the text of a CSV file are one key, dates are text in both.
    lines = ["time,a,pred"] + [f"2020-0{m},{a},{truth[i, j] + 0.5!s}" for i, m in ((0, "1-01"), (2, "2-28"))
                               for j, a in ((0, "0.50"), (1, "1.5"))]  # fmt: skip
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "p.toml").write_text(text.replace("m.nc", "m.csv"))
    report = audit(open_problem(tmp_path / "p.toml"))
    assert report.document["finite"]["n"] == 4
    assert report.document["finite"]["rms"] == pytest.approx(0.5)


def test_grids_of_other_times_are_no_pairs(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    for name, column, last in (("m", "pred", 2), ("r", "truth", 3)):
        days = ("time", [0, 1, last], {"units": "days since 2020-01-01"})
        values = {column: (("time", "a"), np.zeros((3, 2)))}
        xarray.Dataset(values, coords={"time": days, "a": [0.0, 1.0]}).to_netcdf(
            tmp_path / f"{name}.nc", engine="h5netcdf"
        )
    text = SIDES.replace('"a", "b"', '"a"').format(model="m.nc", reference="r.nc", key="")
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(BadInput, match="differ in time at position 3, 2020-01-03 and 2020-01-04"):
        open_problem(tmp_path / "p.toml")


def test_missing_predictions_may_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,truth,pred\n1,1,1,1.5\n2,2,2,\n3,1,,4\n")
    problem = opened(tmp_path, "t.csv", "t.csv")
    (tmp_path / "p.toml").write_text(
        (tmp_path / "p.toml").read_text() + '[error]\nfailures = "ignore"\ntolerance = 1.0\n'
    )
    ignored, counted = audit(open_problem(tmp_path / "p.toml")), audit(problem)
    assert counted.worst is not None
    assert counted.worst.error == np.inf
    assert ignored.status.code == "within-tolerance"
    assert (
        "1 of 3 rows with an error is exact. Nothing is known about the other rows" in ignored.status.advice
    )
    text = next(f["text"] for f in ignored.document["findings"] if f["code"] == "no-model-value")
    assert text.endswith("(row 2): no error is counted there, as the problem asks.")


def test_a_model_is_not_called_where_an_input_is_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,truth\n1,2,3\n,1,4\n2,3,4\n")
    (tmp_path / "m.py").write_text("def f(x): return x[:, 0]\n")
    problem = SIDES.format(model="t.csv", reference="t.csv", key="").replace(
        'file = "t.csv"', 'python = "m.py:f"', 1
    )
    (tmp_path / "p.toml").write_text(problem.replace('outputs = ["pred"]', ""))
    with pytest.raises(
        BadInput, match=r"\[reference\] file = \"t.csv\": row 2, column a has no value \(1 of 3 rows lack"
    ):
        open_problem(tmp_path / "p.toml")


def test_a_function_with_a_table_needs_no_value_and_one_that_differs_is_refused() -> None:
    x, y = np.arange(4.0)[:, None], np.array([1.0, 2.0, 3.0, 4.0])
    assert Function(table=(x, y))(x[1:3]).ravel().tolist() == [2.0, 3.0]
    Function(lambda z: z + 1.0, table=(x, y))
    assert Function(table=(x, y)).notes == ()
    assert (
        "values were given as float32: it has about 7 digits"
        in Function(table=(x, y.astype(np.float32))).notes[0]
    )
    with pytest.raises(
        BadInput, match=r"contradict each other in 1 of 4 rows, first in row 4: 4 and 9; give table"
    ):
        Function(lambda z: z + 1.0, table=(x, [1.0, 2.0, 3.0, 9.0]))
    with pytest.raises(BadInput, match="points of the table have 1 columns, the domain has 2 axes: a, b"):
        Problem(lambda z: z[:, 0], Function(table=(x, y)), Domain(a=(0.0, 9.0), b=(0.0, 1.0)))
    with pytest.raises(BadInput, match="needs value, a function"):
        Function(name="empty")
    for bad, said in (
        ((x, y[:3]), "a row for each point"),
        ((x, [1 + 1j] * 4), "must be real numbers, got an array of complex128"),
        ((x, ["1", "2", "3", "4"]), "must be real numbers"),
        ((x, np.array([2**53 + 1, 0, 0, 0])), "beyond 2\\^53"),
        (x, "is a pair"),
    ):
        with pytest.raises(BadInput, match=said):
            Function(table=bad)  # type: ignore[arg-type]


def test_two_values_at_one_point_are_no_value_of_a_function() -> None:
    from supnorm.problem import PartialFailure

    x = np.array([[0.0], [1.0], [1.0], [2.0], [2.0]])
    table = Function(table=(x, [0.0, 1.0, 5.0, 3.0, 3.0]))
    assert table(np.array([[0.0], [2.0]])).ravel().tolist() == [0.0, 3.0]
    with pytest.raises(PartialFailure, match="several values at this point"):
        table(np.array([[1.0]]))


CELLS = [
    ("1_000", "got '1_000'; a cell must be a number"),
    ("１２", "got '１２'; a cell must be a number"),
    ("2020-02-27", "write a date or time as a number, such as days since the first one"),
    ("True", "write yes or no as 1 or 0"),
    ('"1,5"', "write decimals with a point"),
    ("1e999", "beyond double precision"),
    ("9007199254740993", "double precision cannot represent the whole number 9007199254740993"),
    ("0x10", "got '0x10'"),
]


@pytest.mark.parametrize(("cell", "said"), CELLS)
def test_cells_that_are_no_numbers_to_people_are_refused(tmp_path: Path, cell: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(f"a,b,truth,pred\n1,1,1,1\n\n2,2,{cell},2\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        opened(tmp_path, "t.csv", "t.csv")
    assert "line 4, column truth" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_words_for_no_value_are_read_as_such(tmp_path: Path) -> None:
    words = ["", "NaN", "nan", "NA", "n/a", "NULL", "None", "<NA>", "-nan"]
    lines = [f"{i},{i},1,{word}" for i, word in enumerate(words)]
    (tmp_path / "t.csv").write_text("a,b,truth,pred\n" + "\n".join(lines) + "\n9,9,1,9007199254740992\n")
    report = audit(opened(tmp_path, "t.csv", "t.csv"))
    assert report.document["table"]["without_value"]["model"] == len(words)


def test_lines_that_are_no_rows_are_counted_in_lines_only(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        '﻿a,b,note,truth,pred\n1,1,"two\nlines",1,1\n\n2,2,x,2,5\n', encoding="utf-8"
    )
    document = audit(opened(tmp_path, "t.csv", "t.csv")).document
    assert (document["witness"]["row"], document["witness"]["line"]) == (2, 5)
    assert document["peaks"][1]["columns"] == {"note": "two lines"}
    assert document["peaks"][1]["line"] == 2  # where the row begins


@pytest.mark.parametrize("kind", ["bool", "text", "date", "category", "large"])
def test_parquet_columns_that_are_no_numbers_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    pyarrow, write = arrow()
    column = {
        "bool": pyarrow.array([True, False]),
        "text": pyarrow.array(["1", "2"]),
        "date": pyarrow.array([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]),
        "category": pyarrow.array(["x", "y"]).dictionary_encode(),
        "large": pyarrow.array([2**53 + 1, 1]),
    }[kind]
    table = {"a": column, "b": [1.0, 2.0], "truth": [1.0, 2.0], "pred": [1.0, 2.0]}
    write(pyarrow.table(table), tmp_path / "t.parquet")
    with pytest.raises(BadInput, match="column a") as caught:
        opened(tmp_path, "t.parquet", "t.parquet")
    assert "\n" not in str(caught.value)


def test_control_characters_and_long_cells_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"a,b,truth,pred,note\n1,1,1,2,\x1b[31mred{'x' * 500}\n2,2,2,2,\n")
    shown = audit(opened(tmp_path, "t.csv", "t.csv")).document["witness"]["columns"]["note"]
    assert "\x1b" not in shown
    assert len(shown) <= 80


def test_forty_thousand_rows_are_read_in_little_work(tmp_path: Path) -> None:
    """By function calls, which no load of the machine changes: a few for each row, not one for each cell and column."""
    import sys

    n = 4000
    lines = [f"{i % 7},{i % 11},{i},{i}.5,site,{i},2020" for i in range(n)]
    (tmp_path / "t.csv").write_text("a,b,truth,pred,site,no,year\n" + "\n".join(lines) + "\n")
    calls = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        problem = opened(tmp_path, "t.csv", "t.csv")
    finally:
        sys.setprofile(None)
    assert problem.pairs is not None
    assert calls < 60 * n


# -- an end that is asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 3])
def test_a_comparison_that_is_stopped_keeps_the_rows_that_were_compared(at: int, monkeypatch: Any) -> None:
    """Nothing was written down; the rows of a batch count where they have been taken in, the others are not claimed."""
    from supnorm.auditing import table
    from supnorm.interrupts import INTERRUPTS

    monkeypatch.setattr(table, "BATCH", 10)
    x = np.linspace(0.0, 1.0, 50)[:, None]
    calls = []

    def model(z: Array) -> Array:
        calls.append(len(z))
        if sum(calls) > 10 * at:
            INTERRUPTS.asked = True
        return np.asarray(z[:, 0] + z[:, 0] ** 2)

    try:
        report = audit(Problem(model, Function(table=(x, x[:, 0])), Domain(a=(0.0, 1.0)), tolerance=2.0))
    finally:
        INTERRUPTS.taken()
    rows = 10 * (at + 1)
    assert (report.status.code, report.status.exit) == ("interrupted", 3)
    assert report.document["table"]["left"] == 50 - rows
    assert report.document["table"]["text"].startswith(f"{rows} of 50 rows were compared")
    assert report.document["rms"]["n"] == rows
    assert report.worst is not None
    assert (report.worst.row, report.worst.error) == (rows, pytest.approx(x[rows - 1, 0] ** 2))
    from supnorm.pages import summary

    assert "ALL" not in summary(report)
    assert "exact over the rows" not in summary(report)


def test_a_model_is_called_once_at_each_row() -> None:
    x = np.linspace(0.0, 1.0, 60)[:, None]
    called: list[Array] = []

    def model(z: Array) -> Array:
        called.append(z)
        return np.asarray(z[:, 0])

    audit(Problem(model, Function(table=(x, x[:, 0] + 0.1)), Domain(a=(0.0, 1.0))))
    np.testing.assert_array_equal(np.concatenate(called), x)
