"""The page of a repair says what the JSON says: mended, not improved, interrupted, with proofs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.mending.cases import line_problem

import supnorm as sn
from supnorm.pages import repair_summary, write_page
from supnorm.pages.repair_page import compared, repair_page
from supnorm.results.repair import RepairRecord


@pytest.fixture(scope="module")
def mended() -> dict[str, Any]:
    """A repair as plain data."""
    found: dict[str, Any] = json.loads(sn.repair(line_problem(0.05), evaluations=1000).to_json())
    return found


@pytest.mark.slow
def test_the_numbers_are_those_of_the_record(mended: dict[str, Any]) -> None:
    record = RepairRecord.from_dict(mended)
    (_, before, after) = compared(record)[-1]
    assert before == mended["worst_before"]
    assert after == mended["worst_after"]
    html = repair_page(record)
    assert "The whole audit" not in html  # a link only to a page that lies there
    assert "random points. The old model&#39;s other numbers" in html
    # The share of 90 % rose from 0.78 to 1.25 while no error grew at any of the points that both models have.
    assert "can be larger though no error grew" in html
    assert any("90 % of its audit’s points" in line for line in repair_summary(record))
    assert "mended; not proven" in html
    assert "Mended: the largest error found is" in html
    assert "Nothing was proved." in html
    assert html.count("<svg") >= 4
    assert any("largest error found" in line for line in repair_summary(record))


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "code", ["not-improved", "interrupted", "nothing-found", "tolerance-exceeded", "undecided"]
)
def test_every_status_has_a_page_also_where_nothing_is_known_of_a_mended_model(
    mended: dict[str, Any], code: str
) -> None:
    nothing = {
        "after": None,
        "worst_after": None,
        "harm": None,
        "compared": None,
        "rounds": [],
        "regions": [],
    }
    accepted = code in ("tolerance-exceeded", "undecided")
    shown = {**mended, "accepted": accepted, "status": {"code": code, "advice": "Why.", "exit": 1}}
    shown |= {} if accepted else nothing
    record = RepairRecord.from_dict(shown)
    html = repair_page(record)
    assert "Why." in html
    assert ("The old model stays" in html) == (code in ("not-improved", "interrupted"))
    assert repair_summary(record)[0] == f"{code}: Why."


def test_a_bound_of_the_change_is_shown_with_what_follows_from_it(mended: dict[str, Any]) -> None:
    change = {"upper": 0.25, "upper_kind": "certified", "worst_at_most": 1.5, "proof": None}
    html = repair_page(RepairRecord.from_dict({**mended, "change": change}))
    assert "differ by more than 0.25 (certified)" in html
    assert "proved to be at most 1.25, the mended model" in html
    assert "is nowhere above 1.5" in html


def test_names_cannot_write_html(mended: dict[str, Any]) -> None:
    html = repair_page(RepairRecord.from_dict({**mended, "title": "<script>alert(1)</script>"}))
    assert "<script>alert" not in html


def test_write_page_takes_it(mended: dict[str, Any], tmp_path: Any) -> None:
    write_page(mended, tmp_path / "repair.html")
    assert "Repair, tolerance 0.05" in (tmp_path / "repair.html").read_text()


def test_the_method_is_named(mended: dict[str, Any]) -> None:
    record = RepairRecord.from_dict(mended)
    assert "training further on the worst points" in repair_page(record)
    assert "patches inside" in repair_page(record.changed(method="patch"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"accepted": False}, "was not accepted"),
        ({"tolerance": 0.0}, "the largest error"),
        ({"status": {"code": "within-tolerance", "advice": "", "exit": 0}}, "there is no proof"),
    ],
)
def test_a_repair_whose_numbers_refute_its_status_is_refused(
    mended: dict[str, Any], edits: dict[str, Any], words: str
) -> None:
    with pytest.raises(sn.BadInput, match=words):
        write_page(mended | edits, "never.html")
