"""The page of a guard says what the JSON says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.mending.cases import line_guard

from supnorm.pages import guard_summary, write_page
from supnorm.pages.guard_page import guard_page
from supnorm.results import BadInput
from supnorm.results.guarding import GuardRecord

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A guard's record as plain data."""
    made: dict[str, Any] = json.loads(line_guard().record.to_json())
    return made


@pytest.mark.parametrize("code", ["guarded", "tolerance-exceeded", "guard-not-effective"])
def test_every_status_has_a_page(found: dict[str, Any], code: str) -> None:
    record = GuardRecord.from_dict({**found, "status": {"code": code, "advice": "Why.", "exit": 0}})
    html = guard_page(record)
    assert "Why." in html
    assert "Among accepted inputs the largest error found is" in html
    assert guard_summary(record)[0] == f"{code}: Why."


def test_limits_are_rounded_up(found: dict[str, Any]) -> None:
    promise = {**found["promise"], "fraction_at_most": 0.0010412}
    text = "\n".join(guard_summary(GuardRecord.from_dict({**found, "promise": promise})))
    assert "at most 0.11 % of the accepted inputs" in text


def test_without_a_tolerance_the_level_is_the_largest_of_the_fresh_points(found: dict[str, Any]) -> None:
    record = GuardRecord.from_dict({**found, "tolerance": None})
    assert "the largest of" in "\n".join(guard_summary(record))


def test_proved_cells_are_named(found: dict[str, Any]) -> None:
    record = GuardRecord.from_dict({**found, "proved_cells": 12, "proved_share": 0.5})
    assert "In 12 cells with 50\u00a0% of the unit box a certificate proves" in guard_page(record)


def test_write_page_takes_it(found: dict[str, Any], tmp_path: Any) -> None:
    write_page(found, tmp_path / "guard.html")
    assert "supnorm guard" in (tmp_path / "guard.html").read_text()


def test_a_guard_whose_numbers_refute_its_status_is_refused(found: dict[str, Any]) -> None:
    status = {"code": "guarded", "advice": "Why.", "exit": 0}
    edited = {**found, "status": status, "tolerance": 0.5 * found["worst_accepted"]}
    with pytest.raises(BadInput, match="the status is guarded, the largest error"):
        write_page(edited, "never.html")
    with pytest.raises(BadInput, match="the exit code is 1"):
        write_page({**found, "status": {**status, "exit": 1}}, "never.html")
