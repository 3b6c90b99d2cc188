"""Tables of computed pairs, points of data and laws: what is read, and what is said of bad cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.problem import PartialFailure
from supnorm.problem.rows import UNIT_OF_INPUT
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources import csv_table, open_problem
from supnorm.sources.table import open_table, read_columns

X = np.random.default_rng(0).random((30, 2)) * [1.0, 1e5]
F = np.sin(X[:, 0]) + X[:, 1]
N = F + 0.01 * X[:, 0]

PROBLEM = """
[model]
file = "pairs.{suffix}"
inputs = ["T", "p"]
outputs = ["N"]
[reference]
file = "pairs.{suffix}"
inputs = ["T", "p"]
outputs = ["f"]
"""


def columns() -> dict[str, Any]:
    return {"p": X[:, 1], "T": X[:, 0], "f": F, "N": N}


def write(folder: Path, suffix: str) -> Path:
    target = folder / f"pairs.{suffix}"
    if suffix == "csv":
        lines = [",".join(columns())] + [
            ",".join(map(repr, map(float, r))) for r in zip(*columns().values(), strict=True)
        ]
        target.write_text("\n".join(lines) + "\n")
    elif suffix == "parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(columns()), target)
    else:
        xarray = pytest.importorskip("xarray")
        pytest.importorskip("h5netcdf")
        data = xarray.Dataset({k: ("row", v) for k, v in columns().items()})
        data["f"].attrs["units"] = "K"
        data.to_netcdf(target, engine="h5netcdf")
    problem = folder / "problem.toml"
    problem.write_text(PROBLEM.format(suffix=suffix))
    return problem


def test_missing_columns_of_inputs_are_named_before_those_of_values(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("A,B,T\n1,2,3\n4,5,6\n")
    problem = tmp_path / "p.toml"
    problem.write_text('[reference]\nfile = "t.csv"\n[domain]\na = [0.0, 9.0]\nb = [0.0, 9.0]\n')
    with pytest.raises(BadInput, match=r"there are no columns a, b; did you mean A\? it has A, B, T"):
        open_problem(problem)


def test_an_archive_of_values_is_told_which_kinds_of_table_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", X=X, y=F)
    problem = tmp_path / "p.toml"
    problem.write_text('[reference]\nfile = "t.npz"\n[domain]\na = [0.0, 1.0]\nb = [0.0, 9.0]\n')
    with pytest.raises(BadInput, match=r"it contains X, y; give computed values as \.csv, \.parquet or \.nc"):
        open_problem(problem)


def test_a_table_of_millions_of_columns_is_refused_in_little_memory_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of six million columns, 30 MB, more than 1 GB was taken for the message with all of their names."""
    path = tmp_path / "t.csv"
    names = [f"c{k}" for k in range(30_000)]
    path.write_text(",".join(names) + "\n" + ",".join("1" * 30_000) + "\n")
    with pytest.raises(BadInput) as refused:
        read_columns(path, ["no_such"], "t.csv")
    assert len(str(refused.value)) <= BadInput.LONGEST + 1
    assert "c29999" in str(refused.value)
    monkeypatch.setattr(csv_table, "MOST_COLUMNS", 29_999)
    with pytest.raises(BadInput, match="its first line has 30,000 columns, more than 29,999"):
        read_columns(path, ["c1"], "t.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "nc"])
def test_pairs_are_read(tmp_path: Path, suffix: str) -> None:
    problem = open_problem(write(tmp_path, suffix))
    assert problem.domain.names == ("T", "p")
    assert problem.domain.axes[0].low == X[:, 0].min()
    assert problem.domain.axes[1].high == X[:, 1].max()
    assert problem.reference.table is not None
    points, values = problem.reference.table
    np.testing.assert_array_equal(points, X)
    np.testing.assert_array_equal(values[:, 0], F)
    np.testing.assert_array_equal(problem.model(X[::-1])[:, 0], N[::-1])
    assert any("statistics only" in note for note in problem.reference.notes)
    assert problem.law is not None
    drawn = problem.law.draw(50, np.random.default_rng(0))
    assert {tuple(row) for row in drawn} <= {tuple(row) for row in X}


def test_points_that_are_not_in_the_table_are_failures(tmp_path: Path) -> None:
    problem = open_problem(write(tmp_path, "csv"))
    with pytest.raises(PartialFailure) as caught:
        problem.reference.value(np.array([X[3], [0.5, 0.5]]))
    assert caught.value.messages == {1: "error: the table has no such point"}
    assert caught.value.values[0, 0] == F[3]


def test_a_model_against_a_table(tmp_path: Path) -> None:
    path = write(tmp_path, "csv")
    (tmp_path / "net.py").write_text("import numpy as np\ndef net(x): return np.sin(x[:, 0]) + x[:, 1] + 1\n")
    text = path.read_text()
    path.write_text('[model]\npython = "net.py:net"\n' + text[text.index("[reference]") :])
    problem = open_problem(path)
    assert problem.reference.table is not None
    x, f = problem.reference.table
    np.testing.assert_allclose(problem.model(x) - f, 1.0, atol=1e-9)


@pytest.mark.slow
def test_a_grid_in_netcdf_is_flattened(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    T, p = np.linspace(0, 1, 4), np.linspace(1, 2, 3)
    f = T[:, None] * 10 + p
    data = xarray.Dataset({"f": (("T", "p"), f), "N": (("p", "T"), f.T + 1)}, coords={"T": T, "p": p})
    data.to_netcdf(tmp_path / "pairs.nc", engine="h5netcdf")
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM.format(suffix="nc"))
    problem = open_problem(path)
    assert problem.reference.table is not None
    x, values = problem.reference.table
    assert x.shape == (12, 2)
    np.testing.assert_array_equal(values[:, 0], x[:, 0] * 10 + x[:, 1])
    np.testing.assert_array_equal(problem.model(x), values + 1)


def test_a_netcdf_file_is_opened_for_its_names_and_for_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened five times, which took nearly all of the time of a small table."""
    xarray = pytest.importorskip("xarray")
    grid = np.linspace(0.0, 1.0, 3)
    field = xarray.Dataset(
        {"y": (("a", "b"), np.zeros((3, 3)))}, {"a": ("a", grid, {"units": "m"}), "b": grid, "level": 2.0}
    )
    field.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    opened, usual = [], xarray.open_dataset
    monkeypatch.setattr(
        xarray, "open_dataset", lambda *given, **named: opened.append(given) or usual(*given, **named)
    )
    table = open_table(tmp_path / "t.nc", SourceSpec(file="t.nc", outputs=["y"]), ("a", "b"), "[model]")
    assert len(opened) == 2
    assert table.rows is not None
    assert {**table.rows.same} == {UNIT_OF_INPUT.format(1): "m"}
    assert table.rows.coordinates["level"].values == 2


def test_a_table_outside_the_domain_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "csv")
    path.write_text(path.read_text() + "\n[domain]\nT = [500.0, 600.0]\np = [0.0, 9.0]\n")
    with pytest.raises(
        BadInput, match=r"problem.toml: none of the \d+ rows of pairs.csv lies in the \[domain\]"
    ):
        open_problem(path)


BAD_CELLS = [
    ("T,p,f,N\n1,2,3,4\n1,x,3,4\n", ["line 3", "column p", "'x'"]),
    ("T,p,f,N\n1,2,3,4\n1,2,3\n", ["line 3 has 3 cells", "4"]),
    ("T,p,g,N\n1,2,3,4\n2,3,4,5\n", ["no column f", "T, p, g, N"]),
    ("1,2,3,4\n1,2,3,4\n", ["first line has numbers"]),
    ("", ["column names in its first line"]),
    ("T,p,f,N\n", ["no rows"]),
    ("T,p,f,N\n1,2,3,4\n1,3,3,4\n", ["T never varies"]),
    ("T,p,f,N\n,2,3,4\n,3,3,4\n", ["column T has no value in any row"]),
]


@pytest.mark.parametrize(("text", "said"), BAD_CELLS)
def test_bad_tables_are_answered_with_one_line(tmp_path: Path, text: str, said: list[str]) -> None:
    path = write(tmp_path, "csv")
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(BadInput) as caught:
        open_problem(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in ["problem.toml: [", *said]:
        assert part in message


@pytest.mark.parametrize("suffix", ["parquet", "nc"])
def test_damaged_tables(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, suffix)
    target = tmp_path / f"pairs.{suffix}"
    target.write_bytes(target.read_bytes()[:100])
    with pytest.raises(BadInput, match="cannot be read as") as caught:
        open_problem(path)
    assert "\n" not in str(caught.value)


def test_an_empty_output_is_no_value(tmp_path: Path) -> None:
    path = write(tmp_path, "csv")
    (tmp_path / "pairs.csv").write_text("T,p,f,N\n1,2,3,4\n2,3,,4\n")
    problem = open_problem(path)
    error, _ = problem.error(problem.model(x := np.array([[1.0, 2.0], [2.0, 3.0]])), problem.reference(x), x)
    np.testing.assert_array_equal(error, [1.0, np.nan])


TRUTH = """
import numpy as np
def f(x): return x[:, 0]
def below(x): return x[:, 0] < .9
def cloud(): return np.random.default_rng(0).random((40, 2))
rows = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.7]]
"""
BASE = '[model]\npython = "truth.py:f"\n[reference]\npython = "truth.py:f"\n'
DOMAIN = "[domain]\na = { low = 0.0, high = 1.0 }\nb = { low = 0.0, high = 1.0 }\n"


@pytest.mark.parametrize("kind", ["csv", "npz", "npz columns", "python"])
def test_data_define_the_domain(tmp_path: Path, kind: str) -> None:
    (tmp_path / "truth.py").write_text(TRUTH)
    cloud = np.random.default_rng(0).random((40, 2))
    file = {"csv": "d.csv", "npz": "d.npz", "npz columns": "d.npz", "python": "truth.py:cloud"}[kind]
    if kind == "csv":
        np.savetxt(tmp_path / "d.csv", cloud, delimiter=",", header="a,b", comments="")
    elif kind == "npz":
        np.savez(tmp_path / "d.npz", points=cloud)
    elif kind == "npz columns":
        np.savez(tmp_path / "d.npz", b=cloud[:, 1], a=cloud[:, 0], rest=np.ones(3))
    path = tmp_path / "problem.toml"
    constraints = '[constraints]\npython = "truth.py:below"\n'
    path.write_text(BASE + constraints + f'[data]\nfile = "{file}"\ninputs = ["a", "b"]\ndomain = true\n')
    problem = open_problem(path)
    assert problem.domain.names == ("a", "b")
    np.testing.assert_allclose(problem.data, cloud, rtol=1e-15)
    assert problem.domain.cloud is not None
    inside = problem.domain.contains(cloud)
    np.testing.assert_array_equal(inside, cloud[:, 0] < 0.9)


def test_a_law_from_points(tmp_path: Path) -> None:
    (tmp_path / "truth.py").write_text(TRUTH)
    path = tmp_path / "problem.toml"
    path.write_text(BASE + DOMAIN + '[law]\nfile = "truth.py:rows"\nname = "station"\n')
    law = open_problem(path).law
    assert law is not None
    assert law.name == "station (3 points)"
    assert len(np.unique(law.draw(100, np.random.default_rng(0)), axis=0)) == 3


def test_a_law_beside_a_table_is_refused(tmp_path: Path) -> None:
    """It would be a label on averages that are over the rows."""
    path = write(tmp_path, "csv")
    np.savetxt(tmp_path / "use.csv", X, delimiter=",", header="T,p", comments="")
    path.write_text(path.read_text() + '[law]\nfile = "use.csv"\n')
    with pytest.raises(BadInput, match=r"\[law\] has no effect beside .*a table of values"):
        open_problem(path)


BAD_DATA = [
    (DOMAIN + '[data]\nfile = "truth.py:cloud"\ndomain = true\n', "give only one"),
    (DOMAIN + '[data]\nfile = "none.csv"\n', "there is no file"),
    (DOMAIN + '[data]\nfile = "bad.npz"\n', "cannot be read as arrays of numbers"),
    (DOMAIN + '[data]\nfile = "notes.txt"\n', "points are read from"),
    (DOMAIN + '[law]\nname = "mine"\n', "give python"),
]


@pytest.mark.parametrize(("text", "said"), BAD_DATA)
def test_bad_data(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "truth.py").write_text(TRUTH)
    (tmp_path / "notes.txt").write_text("1 2")
    np.savez(tmp_path / "bad.npz", points=np.array([[1, "a"]], dtype=object), allow_pickle=True)
    (tmp_path / "problem.toml").write_text(BASE + text)
    with pytest.raises(BadInput, match=said) as caught:
        open_problem(tmp_path / "problem.toml")
    assert "\n" not in str(caught.value)


def test_tables_in_another_encoding_or_with_other_separators_are_told_what_to_change(tmp_path: Path) -> None:
    """A letter that is no UTF-8 below the first 8 kB ended with a traceback."""
    problem = tmp_path / "problem.toml"
    problem.write_text(PROBLEM.format(suffix="csv"))
    good = "T,p,N,f,place\n" + "1.0,2.0,3.0,4.0,here\n5.0,6.0,7.0,8.0,there\n" * 2000
    table = tmp_path / "pairs.csv"
    for content, words in (
        ((good + "1.0,2.0,3.0,4.0,Zürich\n").encode("latin-1"), "pairs.csv.*after line [34].*not UTF-8"),
        ("T,p,N,f,Straße\n".encode("latin-1"), r"must be text \(UTF-8\) with cells separated by commas"),
        (good.replace(",", ";").encode(), "separate its cells by commas, not by semicolons"),
        (good.replace(",", "|").encode(), "separate its cells by commas, not by bars"),
        (good.replace(",", "\t").encode(), "separate its cells by commas, not by tabs"),
        (good.replace("place", "T").encode(), "it has two columns T; give each another name"),
    ):
        table.write_bytes(content)
        with pytest.raises(BadInput, match=words):
            open_problem(problem)
    table.write_text(good)
    assert open_problem(problem).reference.table is not None
