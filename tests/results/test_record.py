"""Records: JSON out and in, what they refuse, their schemas, and the table of keys in the documentation."""

from __future__ import annotations

import inspect
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.schema import faults

from supnorm.results import BadInput, ExitCode, Status
from supnorm.results.encoding import dumps
from supnorm.results.record import Data, Field, Number, Record, Result, Seconds, StatusField
from supnorm.results.schemas import RECORDS, json_schema, keys_table, record_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "results.md"


class Inner(Record):
    """A part."""

    x: Mapping[str, Number] = Field(description="by name")
    row: int | None = Field(None, description="only of tables")


class Whole(Result):
    """A result."""

    SCHEMA: ClassVar[str] = "supnorm.whole/1"

    status: StatusField = Field(description="how it ended")
    number: Number = Field(description="any")
    finite: float = Field(description="finite")
    perhaps: Number | None = Field(description="any, or none")
    numbers: tuple[Number, ...] = Field(description="a list")
    pair: tuple[Number, Number] = Field(description="two")
    inner: tuple[Inner, ...] = Field(description="parts")
    class_: str = Field(description="a word that Python keeps for itself")
    seconds: Seconds = Field(description="time")
    model_ms: float = Field(description="a name that pydantic keeps for itself")
    free: Data = Field(description="other JSON")


def whole(**changes: Any) -> Whole:
    given: dict[str, Any] = dict(
        status=Status("done", "Go on."), number=math.nan, finite=1.0, perhaps=None, numbers=[1.0, math.inf],
        pair=(0.0, -math.inf), inner=[Inner(x={"a": 0.1})], class_="cheap", seconds=2.0, model_ms=0.5,
        free={"a": [1, math.inf]},
    )  # fmt: skip
    return Whole(**(given | changes))


numbers = st.floats(width=64)
wholes = st.builds(
    whole,
    status=st.builds(Status, st.text(), st.text(), st.sampled_from(ExitCode)),
    number=numbers,
    finite=st.floats(allow_nan=False, allow_infinity=False),
    perhaps=st.none() | st.floats(allow_nan=False),
    numbers=st.lists(numbers),
    pair=st.tuples(numbers, numbers),
    inner=st.lists(
        st.builds(Inner, x=st.dictionaries(st.text(), numbers), row=st.none() | st.integers(0, 9))
    ),
    class_=st.text(),
)


@pytest.mark.slow
@given(wholes)
def test_json_out_and_in_is_the_same(record: Whole) -> None:
    data = record.to_dict()
    assert json.loads(record.to_json()) == data
    again = Whole.from_dict(json.loads(record.to_json()))
    assert again.to_dict() == data
    assert again.to_json() == record.to_json()
    assert np.array_equal(again.numbers, record.numbers, equal_nan=True)
    schema = json_schema(Whole)
    assert list(faults(data, schema, schema)) == []


def test_conventions() -> None:
    data = whole().to_dict()
    assert list(data)[:3] == ["schema", "status", "number"]
    assert data["status"] == {"code": "done", "advice": "Go on.", "exit": 0}
    assert data["number"] is None
    assert data["numbers"] == [1.0, "inf"]
    assert data["pair"] == [0.0, "-inf"]
    assert data["inner"] == [{"x": {"a": 0.1}}]  # a field with its default is left out
    assert data["class"] == "cheap"
    assert "class_" not in data
    assert data["free"] == {"a": [1, "inf"]}
    assert math.isnan(Whole.from_dict(data).number)
    assert Whole.from_dict(data).perhaps is None
    assert type(data["status"]["exit"]) is int


def test_arrays_and_numpy_numbers_become_plain() -> None:
    record = whole(
        number=np.float64(2), numbers=np.array([1.0, np.nan]), free=np.arange(3), finite=np.float32(0.5)
    )
    assert type(record.number) is float
    assert record.numbers[0] == 1.0
    assert type(record.numbers) is tuple
    assert record.free == [0, 1, 2]


@pytest.mark.parametrize(
    "changes",
    [{"finite": math.inf}, {"finite": math.nan}, {"number": "much"}, {"pair": (1.0,)}, {"inner": [{"x": 3}]}],
)
def test_another_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        whole(**changes)
    with pytest.raises(ValidationError):
        whole().changed(**changes)


def test_a_record_is_frozen_and_a_copy_is_checked() -> None:
    record = whole()
    with pytest.raises(ValidationError):
        record.seconds = 3.0  # type: ignore[misc]
    assert record.changed(seconds=3.0).seconds == 3.0
    assert record.changed(seconds=3.0).inner == record.inner
    with pytest.raises(TypeError, match=r"no field second$"):
        record.changed(second=3.0)


def test_an_unknown_keyword_is_refused_and_an_unknown_key_of_a_file_kept() -> None:
    with pytest.raises(TypeError, match="Inner has no field rows"):
        Inner(x={}, rows=3)  # type: ignore[call-arg]
    data = whole().to_dict()
    data["later"] = {"a": "inf"}
    data["inner"][0]["later"] = 3
    record = Whole.from_dict(data)
    assert record.to_dict() == data
    assert record.changed(seconds=1.0).to_dict()["inner"] == data["inner"]
    schema = json_schema(Whole)
    assert list(faults(data, schema, schema)) == [
        ".inner[0].later is not in the schema", ".later is not in the schema"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "supnorm.whole/2"}, r'the file: the schema is not "supnorm.whole/1"'),
        ({"seconds": "soon"}, r"the file is damaged, .*: seconds: input should be a valid number.*, got 'soon'"),
        ({"finite": "inf"}, r"finite: input should be a finite number, got 'inf'"),
        ({"inner": [{}]}, r"it has no 'inner.0.x'"),
        ({"class": 3}, r"class: input should be a valid string, got 3"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_in_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Whole.from_dict(whole().to_dict() | change, "the file")


def test_no_mapping_is_no_result(tmp_path: Path) -> None:
    for data in (None, [], 3, "supnorm.whole/1"):
        with pytest.raises(BadInput, match="the schema is not"):
            Whole.from_dict(data)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match=r"a\.json is not a whole JSON file"):
        Whole.read(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(whole().to_json())
    assert Whole.read(tmp_path / "a.json").to_json() == whole().to_json()


def records_within(record: type[Record]) -> set[type[Record]]:
    """A record and all that its fields name."""
    found: set[type[Record]] = set()
    todo: list[Any] = [record]
    while todo:
        part = todo.pop()
        if inspect.isclass(part) and issubclass(part, Record) and part not in found:
            found.add(part)
            todo += [field.annotation for field in part.model_fields.values()]
        todo += get_args(part)
    return found


@pytest.mark.parametrize("verb", RECORDS)
def test_every_field_is_described(verb: str) -> None:
    record = record_of(verb)
    assert f"supnorm.{verb}/1" == record.SCHEMA
    bare = [
        f"{part.__name__}.{name}"
        for part in records_within(record)
        for name, field in part.model_fields.items()
        if not field.description
    ]
    assert bare == []


@pytest.mark.parametrize("verb", RECORDS)
def test_the_table_of_keys_in_the_documentation_is_that_of_the_record(verb: str) -> None:
    section = DOCUMENT.read_text().split(f"## `supnorm.{verb}/1`\n")[1].split("\n## ")[0]
    assert keys_table(record_of(verb)) in section, (
        f"run: python -m tests.results.keys, then look at {DOCUMENT.name}"
    )


def test_the_table_of_keys() -> None:
    class Other(Result):
        """Parts in a list, in a mapping, and once more."""

        one: Inner | None = Field(description="one, or none")
        many: tuple[Inner, ...] = Field(description="many")
        named: Mapping[str, Whole] = Field(description="named")

    lines = keys_table(Other).splitlines()
    assert lines[2:6] == [
        "| `one` | one, or none |", "| `one.x` | by name |", "| `one.row` | only of tables |",
        "| `many` | many; keys as of `one` |",
    ]  # fmt: skip
    assert "| `named.*.class` | a word that Python keeps for itself |" in lines
    assert "| `named.*.inner` | parts; keys as of `one` |" in lines


def test_what_the_suite_writes_is_held_against_its_schema() -> None:
    """The hook of tests/conftest.py: all JSON of results goes through one function."""
    with pytest.raises(AssertionError, match=r"supnorm\.check/1 is not what its schema says"):
        dumps({"schema": "supnorm.check/1", "accepted": True})
    assert dumps({"schema": "supnorm.other/1"})


def test_the_library_of_records_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, supnorm, supnorm.cli.main; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
