"""Cells of tables that could be lost or changed on the way: each is refused, or counts as it is."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.results import BadInput
from supnorm.sources import netcdf_table, parquet_table, table_problem
from supnorm.sources.table import group_names


def table(folder: Path, text: str, key: str = "") -> sn.AuditReport:
    (folder / "t.csv").write_text(text)
    toml = "".join(
        f'[{side}]\nfile = "t.csv"\noutputs = ["{column}"]\n{key}'
        for side, column in (("model", "p"), ("reference", "y"))
    )
    toml += "[domain]\nx = [0.0, 9.0]\n"
    (folder / "problem.toml").write_text(toml)
    return sn.audit(sn.open_problem(folder / "problem.toml"))


def test_a_quotation_mark_that_nothing_closes_takes_no_rows(tmp_path: Path) -> None:
    rows = ["x,y,p,note", "1,1,1,a", '2,2,2,"b', "3,3,99,c", "4,4,4,d"]
    with pytest.raises(
        BadInput, match=r"from line 3 on, its cells cannot be told apart .* quotation mark missing"
    ):
        table(tmp_path, "\n".join(rows) + "\n")
    with pytest.raises(BadInput, match="from line 3 on"):  # a later one closes it, in the middle of a cell
        table(tmp_path, "\n".join([*rows, '5,5,5,e"f']) + "\n")
    closed = table(tmp_path, "\n".join(rows).replace('"b', '"b\nand more"') + "\n")
    assert closed.record.sup.lower == 96.0


@pytest.mark.parametrize(
    "cell", ["9007199254740993", "9007199254740993.0", "-9007199254740993.", "1e-400", "1e999", "0.0e-5000"]
)
def test_a_number_that_double_precision_changes(cell: str, tmp_path: Path) -> None:
    text = f"x,y,p\n1,{cell},0.0\n2,2,2\n3,3,3\n"
    if cell.startswith("0"):
        assert table(tmp_path, text).record.sup.lower == 0.0
        return
    with pytest.raises(BadInput, match=r"line 2, column y: .*double precision"):
        table(tmp_path, text)


def test_large_numbers_that_double_precision_holds(tmp_path: Path) -> None:
    cells = ["9007199254740992", "9007199254740994.0", "6.02214076e23", "1e22", "-0", "0e0", "5e-324"]
    rows = "".join(f"{i + 1},{c},{c}\n" for i, c in enumerate(cells))
    assert table(tmp_path, "x,y,p\n" + rows).record.sup.lower == 0.0


@pytest.mark.parametrize("column", [
    np.array([2**53 + 1, 1, 2]), np.array([2**63 + 1, 1, 2], dtype=np.uint64), [2**53 + 1, None, 2], [10**400, 1, 2],
])  # fmt: skip
def test_whole_numbers_of_a_frame_that_double_precision_changes(column) -> None:
    data = {"x": [1.0, 2.0, 3.0], "y": column, "p": [float(2**53), 1.0, 2.0]}
    with pytest.raises(BadInput, match="column y: double precision cannot represent the whole number"):
        sn.audit_table(data, truth="y", prediction="p")
    data["y"] = np.array([2**60, 1, 2])
    assert sn.audit_table(data, truth="y", prediction="p").worst.error == 2.0**60 - 2.0**53


@pytest.mark.parametrize(("given", "words"), [
    ({"truth": None, "prediction": "p"}, "truth takes names of columns"),
    ({"truth": "y", "prediction": 5}, "prediction takes names of columns"),
    ({"truth": "y", "prediction": ["p", 1]}, "prediction takes names of columns"),
    ({"truth": "y", "prediction": "p", "by": 3}, "by takes names of columns"),
])  # fmt: skip
def test_columns_are_named_by_text(given, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        sn.audit_table({"x": [1.0, 2.0], "y": [1.0, 2.0], "p": [1.0, 2.0]}, **given)


def test_a_mapping_of_single_numbers_is_no_table() -> None:
    with pytest.raises(BadInput, match="column y is a single int"):
        sn.audit_table({"y": 1, "p": 2}, truth="y", prediction="p")


def test_decimals_of_parquet(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    kind = pyarrow.decimal128(20, 2)
    for first, held in (("9007199254740993", False), ("9007199254740994", True), ("0.5", True)):
        columns = {"x": [1.0, 2.0], "y": pyarrow.array([Decimal(first), Decimal(2)], kind), "p": [0.0, 2.0]}
        parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
        if held:
            report = sn.audit_table(tmp_path / "t.parquet", truth="y", prediction="p")
            assert report.worst.error == float(first)
        else:
            with pytest.raises(
                BadInput, match="row 1, column y: double precision cannot represent the whole number"
            ):
                sn.audit_table(tmp_path / "t.parquet", truth="y", prediction="p")


def test_groups_are_told_apart_whatever_their_names_are() -> None:
    long = "a site with a long name " * 5
    cells = [long + "1", long + "2", "", None, float("nan"), "(empty)", "a\tb", "a b", "c", "c (2)", "c"]
    groups = group_names(cells)
    assert groups[2:5] == ["(empty)"] * 3
    assert groups[8] == groups[10] == "c"
    assert len({*groups}) == 8
    assert all(name.isprintable() for name in groups)


def test_groups_of_a_frame_and_of_a_file_are_the_same(tmp_path: Path) -> None:
    names = ["s" * 90 + end for end in "ab"] * 2
    data = {"x": [1.0, 2.0, 3.0, 4.0], "y": [0.0] * 4, "p": [1.0, 2.0, 3.0, 5.0], "site": names}
    rows = zip(*data.values(), strict=True)
    (tmp_path / "t.csv").write_text("x,y,p,site\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    for given in (data, tmp_path / "t.csv"):
        found = sn.audit_table(given, truth="y", prediction="p", by="site").record.table.groups
        assert [(group.rows, group.worst) for group in found] == [(2, 5.0), (2, 3.0)]


def test_an_input_with_the_name_of_another_column(tmp_path: Path) -> None:
    data = {"error": [1.0, 2.0, 3.0], "row": [7.0, 8.0, 9.0], "y": [0.0] * 3, "p": [1.0, 5.0, 2.0]}
    report = sn.audit_table(data, truth="y", prediction="p", inputs=["error", "row"])
    assert report.points["error"].tolist() == [5.0, 2.0, 1.0]
    assert report.points["input_error"].tolist() == [2.0, 3.0, 1.0]
    assert report.points["input_row"].tolist() == [8.0, 9.0, 7.0]
    report.save(tmp_path)
    assert (
        len({*(tmp_path / "points.csv").read_text().splitlines()[0].split(",")})
        == len(report.points.columns) + 1
    )
    again = sn.load_report(tmp_path)
    assert again.points["error"].tolist() == [5.0, 2.0, 1.0]


def test_a_blank_first_line_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="first line is blank; it must name the columns"):
        table(tmp_path, "\nx,y,p\n1,1,1\n")


def test_inputs_that_differ_in_the_last_digit_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,1\n2,2\n")
    (tmp_path / "b.csv").write_text(f"x,p\n1,1\n{2.0 + 2**-51!r},2\n")
    sides = '[model]\nfile = "b.csv"\noutputs = ["p"]\n[reference]\nfile = "a.csv"\noutputs = ["y"]\n'
    (tmp_path / "problem.toml").write_text(sides + "[domain]\nx = [0.0, 9.0]\n")
    with pytest.raises(BadInput, match=r"first in row 2: x is 2\.0000000000000004 and 2: "):
        sn.audit(sn.open_problem(tmp_path / "problem.toml"))


@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "t.xlsx"])
def test_a_table_of_another_kind_is_no_problem_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from supnorm.cli import main

    (tmp_path / name).write_bytes(b"x\ty\tp\n1\t1\t1\n")
    with pytest.raises(SystemExit, match="2"):
        main(["audit", str(tmp_path / name), "--truth", "y", "--prediction", "p"])
    assert "does not end so" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "nc"])
def test_the_columns_of_a_wide_table_are_read_in_one_opening(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`init` opened the file once for each column: 200 variables of a NetCDF file took more than three minutes."""
    pytest.importorskip("xarray")
    arrow = pytest.importorskip("pyarrow")
    columns: dict[str, Any] = {f"c{i}": np.arange(4.0) + i for i in range(12)}
    columns |= {"name": np.array(["a", "b", "c", "d"]), "large": np.full(4, 2**53 + 1), "flat": np.ones(4)}
    path = tmp_path / f"t.{kind}"
    if kind == "nc":
        import xarray

        xarray.Dataset({name: ("row", cells) for name, cells in columns.items()}).to_netcdf(path)
    else:
        import pyarrow.parquet

        pyarrow.parquet.write_table(arrow.table(columns), path)
    reader, door = (netcdf_table, "_dataset") if kind == "nc" else (parquet_table, "_file")
    opened, usual = [], getattr(reader, door)

    def watched(*given: Any) -> Any:
        opened.append(given)
        return usual(*given)

    monkeypatch.setattr(reader, door, watched)
    ranges = table_problem.ranges_of(path, [*columns], "table")
    assert len(opened) == 1
    assert ranges == {f"c{i}": (float(i), 3.0 + i) for i in range(12)}


LARGE = 2**53 + 1


def missing_beside(kind: str) -> Any:
    """A column of the whole number `LARGE`, of one cell without a value, and of 3."""
    if kind == "list":
        return [LARGE, float("nan"), 3]
    if kind == "mask":
        return np.ma.MaskedArray([LARGE, 2, 3], mask=[False, True, False])
    if kind == "arrow":
        return pytest.importorskip("pyarrow").array([LARGE, None, 3])
    return pytest.importorskip("pandas").array([LARGE, None, 3], dtype=kind)


@pytest.mark.parametrize("kind", ["list", "mask", "arrow", "Int64", "UInt64"])
def test_a_missing_cell_does_not_round_the_whole_numbers_beside_it(kind: str) -> None:
    """NumPy makes float64 of such columns: an error of 1 was 0, and two groups were one."""
    data = {"x": [1.0, 2.0, 3.0], "y": [float(2**53), 2.0, 3.0], "p": missing_beside(kind)}
    with pytest.raises(
        BadInput, match=f"column p: double precision cannot represent the whole number {LARGE}"
    ):
        sn.audit_table(data, truth="y", prediction="p")
    data = {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0], "p": [1.0, 2.0, 4.0], "g": missing_beside(kind)}
    groups = sn.audit_table(data, truth="y", prediction="p", by="g", inputs="x").record.table.groups
    assert {group.value for group in groups} == {str(LARGE), "(empty)", "3"}


def test_extended_precision_is_no_reason_to_round() -> None:
    wide = np.array([2**53, 2, 3], dtype=np.longdouble)
    wide[0] += 1
    if int(wide[0]) != LARGE:
        pytest.skip("no extended precision here")
    with pytest.raises(BadInput, match=f"whole number {LARGE}"):
        sn.audit_table({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0], "p": wide}, truth="y", prediction="p")


@pytest.mark.slow
def test_groups_by_dates_have_dates_as_names() -> None:
    pandas = pytest.importorskip("pandas")
    days = ["2020-01-01", "2020-01-02", "2020-01-01"]
    for given in (pandas.to_datetime(days), np.array(days, dtype="M8[ns]")):
        data = {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0], "p": [1.0, 2.0, 4.0], "day": given}
        groups = sn.audit_table(data, truth="y", prediction="p", by="day").record.table.groups
        assert {group.value[:10] for group in groups} == {"2020-01-01", "2020-01-02"}


def test_series_with_different_indexes_are_not_compared_by_position() -> None:
    pandas = pytest.importorskip("pandas")
    x = [1.0, 2.0, 3.0]
    y, p = pandas.Series(x, index=[2, 1, 0]), pandas.Series([3.0, 2.0, 1.0])
    with pytest.raises(BadInput, match="columns y and p are Series with different indexes"):
        sn.audit_table({"x": x, "y": y, "p": p}, truth="y", prediction="p")
    assert (
        sn.audit_table({"x": x, "y": y.to_numpy(), "p": p}, truth="y", prediction="p").record.sup.lower == 2.0
    )
    frame = pandas.DataFrame({"x": pandas.Series(x), "y": y, "p": p})  # pandas pairs them by their index
    assert sn.audit_table(frame, truth="y", prediction="p").record.sup.lower == 0.0


def test_decimals_and_large_whole_numbers_of_parquet_are_read_to_the_last_digit(tmp_path: Path) -> None:
    """pyarrow rounds one decimal in five to the second nearest number, and refuses 2^60, which is a double."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    exact = [Decimal(int(n)).scaleb(-11) for n in rng.integers(-(10**18), 10**18, 500)]
    whole = [2**60 - 2**10 * i if i % 3 else None for i in range(500)]
    columns = {"a": arrow.array(exact, arrow.decimal128(20, 11)), "b": arrow.array(whole, arrow.int64())}
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    read, _ = parquet_table.numbers(tmp_path / "t.parquet", ["a", "b"], "t")
    assert read[:, 0].tolist() == [float(v) for v in exact]
    assert np.array_equal(read[:, 1], [np.nan if n is None else float(n) for n in whole], equal_nan=True)
