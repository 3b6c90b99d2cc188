"""Which cases of a test `make quick` and `make test` run: a few, spread evenly, of one that takes long. Groups of tests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.conftest import ROOT, sample, shares
from tests.seconds import SUITE, measured, text_of


@dataclass
class Case:
    """One case of a test, as pytest collects it."""

    originalname: str
    sampled: int | None
    name: str = "test"
    path: str = "test_a.py"
    whole: bool = False
    added: list[str] = field(default_factory=list)

    @property
    def nodeid(self) -> str:
        """As pytest names it."""
        return f"{self.path}::{self.originalname}[1]"

    def get_closest_marker(self, name: str) -> Any:
        """`sampled` and `whole`, where they are given."""
        if name == "whole":
            return pytest.mark.whole.mark if self.whole else None
        return pytest.mark.sampled(self.sampled).mark if name == "sampled" and self.sampled else None

    def add_marker(self, name: str) -> None:
        """Noted."""
        self.added.append(name)


def stay(cases: list[Case], taken: dict[str, float] | None, mark: str) -> list[int]:
    """The cases that do not have the mark, after the hook."""
    sample(cases, taken or {})  # type: ignore[arg-type]
    assert all({*case.added} <= {"slow", "extra"} for case in cases)
    return [i for i, case in enumerate(cases) if mark not in case.added]


def quick(cases: list[Case], taken: dict[str, float] | None = None) -> list[int]:
    """The cases that `make quick` runs."""
    return stay(cases, taken, "slow")


def suite(cases: list[Case], taken: dict[str, float] | None = None) -> list[int]:
    """The cases that `make test` runs."""
    return stay(cases, taken, "extra")


@pytest.mark.parametrize(
    ("kept", "cases", "expected"),
    [
        (1, 3, [0]),
        (2, 9, [0, 8]),
        (3, 9, [0, 4, 8]),
        (4, 10, [0, 3, 6, 9]),
        (5, 2, [0, 1]),
        (None, 4, [0, 1, 2, 3]),
    ],
)
def test_the_first_and_the_last_case_and_some_between_stay(
    kept: int | None, cases: int, expected: list[int]
) -> None:
    assert quick([Case("test_x", kept) for _ in range(cases)]) == expected


def test_each_test_of_each_file_has_its_own_cases() -> None:
    cases = [Case("test_x", 1) for _ in range(3)] + [Case("test_y", None) for _ in range(2)]
    cases += [Case("test_y", 2, path="test_b.py") for _ in range(3)]
    assert quick(cases) == [0, 3, 4, 5, 7]


@pytest.mark.parametrize(
    ("a_case", "marked", "expected"),
    [(0.05, None, [0, 8]), (0.07, 1, [0]), (0.4, None, []), (0.4, 2, []), (0.003, 3, [0, 4, 8])],
)
def test_of_what_takes_long_as_many_cases_stay_as_there_is_time_for(
    a_case: float, marked: int | None, expected: list[int]
) -> None:
    cases = [Case("test_x", marked) for _ in range(9)]
    assert quick(cases, {"test_a.py::test_x": a_case}) == expected


@pytest.mark.parametrize(
    ("a_case", "marked", "expected"),
    [(0.1, None, [*range(9)]), (SUITE / 2, None, [0, 8]), (SUITE * 9, None, [0]), (SUITE * 9, 3, [0, 4, 8])],
)
def test_of_what_takes_very_long_the_suite_runs_one_case_or_as_many_as_are_marked(
    a_case: float, marked: int | None, expected: list[int]
) -> None:
    cases = [Case("test_x", marked) for _ in range(9)]
    assert suite(cases, {"test_a.py::test_x": a_case}) == expected


@pytest.mark.parametrize(
    "name", ["test_x", "test_a_weakened_rule_is_caught", "test_without_the_rule_it_is_false"]
)
def test_the_suite_runs_all_cases_that_weaken_a_rule_or_are_marked(name: str) -> None:
    cases = [Case(name, None, name=f"{name}[1]", whole=name == "test_x") for _ in range(9)]
    assert suite(cases, {f"test_a.py::{name}": 9.0}) == [*range(9)]


def test_every_case_is_run_by_a_command() -> None:
    """`make test` leaves out the mark that `make cases` does not."""
    commands = dict(re.findall(r"^(\w+): \.venv/dev\n\t(.*pytest.*)$", (ROOT / "Makefile").read_text(), re.M))
    assert commands["test"] == commands["cases"] + ' -m "not extra"'
    assert commands["quick"] == commands["cases"] + ' -m "not slow and not browser"'


def test_many_quick_cases_take_something_each() -> None:
    line = text_of(["0.004 test_a.py::test_x"] * 100)
    seconds, _, name = line.strip().partition(" ")
    assert quick([Case("test_x", None) for _ in range(9)], {name: float(seconds)}) == [*range(9)]


def test_every_function_that_takes_long_stands_in_its_file() -> None:
    for name in measured():
        file, _, function = name.partition("::")
        module = file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if function == module:  # the example of a module
            continue
        assert re.search(
            rf"(def|class) {function.rpartition('.')[2].rpartition('::')[2]}\b", (ROOT / file).read_text()
        ), name


def test_the_tests_of_a_file_are_one_group(request: pytest.FixtureRequest) -> None:
    """Without the name behind the id pytest-xdist deals them out to all workers, and what they share is made in each."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not run by `make quick` or `make test`")
    assert request.node.nodeid.endswith("@tests/test_marks.py")


@pytest.fixture(scope="module")
def made() -> int:
    """Made once for the file."""
    return 1


def test_a_slow_test_stays_with_its_file_where_it_uses_what_is_made_once(
    made: int, request: pytest.FixtureRequest
) -> None:
    assert shares(request.node)


@pytest.mark.parametrize("name", ["tmp_path", "tmp_path_factory", "made"])
def test_others_do_not(
    name: str, tmp_path_factory: Any, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(name)  # pytest knows beforehand what the arguments name, and no more
    assert not shares(request.node)
