"""Names and labels come from files of others: in ``points.csv`` none is a formula of a spreadsheet."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from supnorm import Domain, Problem, audit, load_report, open_problem

LABELS = (
    "=1+1",
    '=cmd|"/c calc"!A0',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "'=1",
    "-",
    "-1.5",
    "plain",
    "'plain'",
)
COMPUTED = re.compile(r"[=+@\t]|-(?!\d+\.?\d*(e[+-]?\d+)?$)")


def cells(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [cell for row in csv.reader(file) for cell in row]


def test_labels_of_a_table_are_not_computed_and_read_back_as_they_were(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file).writerow
        write(["a", "b", "pred", "true", "=kind"])
        for i, label in enumerate(LABELS):
            write([i / 7, i, 1.1 * i, i, label])
    side = '[{}]\nfile = "rows.csv"\ninputs = ["a", "b"]\noutputs = ["{}"]\n'
    (tmp_path / "problem.toml").write_text(side.format("model", "pred") + side.format("reference", "true"))
    report = audit(open_problem(tmp_path / "problem.toml"))
    folder = report.save(tmp_path / "run")
    assert [c for c in cells(folder / "points.csv") if COMPUTED.match(c)] == []
    assert len(report.points.labels["=kind"]) == len(LABELS)
    assert load_report(folder).points.labels == report.points.labels


@pytest.mark.parametrize("name", ["=x", "@x", "-x", "'=x"])
def test_the_name_of_an_input_neither(tmp_path: Path, name: str) -> None:
    problem = Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(**{name: (0.0, 1.0)}))
    folder = audit(problem, evaluations=50, power=None).save(tmp_path / "run")
    assert cells(folder / "points.csv")[0] == f"'{name}"
    assert load_report(folder).points.columns[0] == name
