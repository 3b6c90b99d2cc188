"""``supnorm audit table.csv --truth .. --prediction ..``: a table without a problem file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell

ROWS = 300


@pytest.fixture
def table(shell: Shell) -> Path:
    rng = np.random.default_rng(0)
    path = shell.folder / "power.csv"
    flow, noise = rng.uniform(1, 10, ROWS), rng.normal(0, 0.1, ROWS)
    noise[44] = 5.0
    lines = ["flow,power,power_pred,site,time"]
    lines += [
        f"{f!r},{f * f!r},{f * f + e!r},{'AB'[i % 2]},2024-01-0{i % 9 + 1}"
        for i, (f, e) in enumerate(zip(flow.tolist(), noise.tolist(), strict=True))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


COLUMNS = ("--truth", "power", "--prediction", "power_pred")


def test_a_table_is_audited_without_a_problem_file(shell: Shell, table: Path) -> None:
    given = shell.run("audit", "power.csv", *COLUMNS, "--tolerance", "1", "--by", "site")
    assert given.code == 1
    assert "row 45" in given.out
    assert "mean absolute error" in given.out
    assert "repeat  supnorm audit power.csv --truth power --prediction power_pred --by site" in given.out
    result = json.loads((shell.folder / "power-run/result.json").read_text())
    assert [g["value"] for g in result["table"]["groups"]] == ["A", "B"]
    page = (shell.folder / "power-run/report.html").read_text()
    for words in ("Prediction against truth", "By site", "mean absolute error", "Error against flow", "R²"):
        assert words in page
    assert shell.run("replay", "power-run", "1").code == 0
    assert "| row 45, site A, 2024-01-09 |" in shell.run("report", "power-run", "--format", "markdown").out


def test_the_problem_file_that_is_written_gives_the_same_result(shell: Shell, table: Path) -> None:
    assert shell.run("audit", "power.csv", *COLUMNS, "--tolerance", "1", "--by", "site,time").code == 1
    assert shell.run("audit", "power-run/problem.toml", "--out", "again").code == 1
    first, second = (
        json.loads((shell.folder / f / "result.json").read_text()) for f in ("power-run", "again")
    )
    for key in ("sup", "table", "rms", "quantiles", "fingerprint", "axes"):
        assert first[key] == second[key]


def test_a_typo_in_a_column_leaves_no_mark_beside_a_result_of_the_same_table(
    shell: Shell, table: Path
) -> None:
    mark = shell.folder / "power-run/unfinished-audit.json"
    assert shell.run("audit", "power.csv", *COLUMNS, "--quiet").code == 0
    assert shell.run("audit", "power.csv", *COLUMNS, "--by", "Site").code == 2
    assert not mark.exists()
    # The result is one of another table now.
    table.write_text(table.read_text().replace("power_pred", "guess"))
    assert shell.run("audit", "power.csv", *COLUMNS).code == 2
    before = mark.read_text()
    assert shell.run("audit", "power.csv", "--truth", "Power", "--prediction", "guess").code == 2
    assert mark.exists()
    assert before.partition("why")[2] != ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (),
            "power.csv: name the columns of truth and prediction, as in supnorm audit power.csv --truth COLUMN",
        ),
        (
            ("--truth", "power", "--prediction", "power_prd"),
            "there is no column power_prd; did you mean power_pred?",
        ),
        ((*COLUMNS, "--by", "sit"), "there is no column sit; did you mean site?"),
        ((*COLUMNS, "--kind", "funny"), "--kind must be absolute, relative or ulp, got 'funny'"),
        ((*COLUMNS, "--inputs", "time"), "line 2, column time: got '2024-01-01'"),
        (("--truth", "site", "--prediction", "power_pred"), "line 2, column site: got 'A'"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    shell: Shell, table: Path, words: tuple[str, ...], said: str
) -> None:
    given = shell.run("audit", "power.csv", *words)
    assert given.code == 2
    assert said in given.line


def test_columns_of_a_problem_file_are_refused(shell: Shell) -> None:
    given = shell.run("audit", "problem.toml", "--truth", "power")
    assert given.code == 2
    assert "--truth is for a table (.csv, .parquet); problem.toml is a problem file" in given.line
