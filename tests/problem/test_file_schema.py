"""The schema of the problem file, beside the reader that it is generated from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests.schema import faults

from supnorm.problem import claim_table, specification
from supnorm.problem.file_schema import WORDS, problem_schema
from supnorm.problem.problem_file import read_specification
from supnorm.problem.specification import Table
from supnorm.results import BadInput

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.toml"))
SCHEMA = problem_schema()


def tables() -> list[type[Table]]:
    return [
        c
        for c in (vars(specification) | vars(claim_table)).values()
        if isinstance(c, type) and issubclass(c, Table) and c is not Table
    ]


def test_each_key_that_the_reader_has_is_described_and_no_other() -> None:
    assert {f"{c.__name__}.{key}" for c in tables() for key in c.model_fields} == {*WORDS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_examples_are_as_the_schema_says(path: Path) -> None:
    raw = tomllib.loads(path.read_text())
    read_specification(path)
    assert list(faults(raw, SCHEMA, SCHEMA)) == []


def test_what_the_reader_refuses_the_schema_refuses_too() -> None:
    raw = {"reference": {"python": "f.py:f"}, "error": {"tolerence": 1.0}}
    assert list(faults(raw, SCHEMA, SCHEMA))
    assert list(faults({"domain": {"x": {"lo": 0.0}}}, SCHEMA, SCHEMA))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[error]\ntolerence = 1.0\n",
            "unknown key error.tolerence = 1.0; did you mean tolerance? known keys here: kind",
        ),
        ("[referance]\npython = 'f.py:f'\n", "did you mean reference? known keys"),
        ("[domain]\nx = { hihg = 1.0, low = 0.0 }\n", "did you mean high? known keys"),
    ],
)
def test_a_misspelt_key_is_answered_with_the_one_that_is_meant(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_specification(path)
    assert words in str(refused.value)


def test_a_budget_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    path.write_text("[reference]\npython='f.py:f'\n[domain]\nx=[0.0,1.0]\n[audit]\nevaluations = 1e5\n")
    assert read_specification(path).audit.evaluations == 100_000
    path.write_text(path.read_text().replace("1e5", "1.5"))
    with pytest.raises(BadInput):
        read_specification(path)
