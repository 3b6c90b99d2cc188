"""The gallery of claims: what it shows, that it is one file, and that a click sorts it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import supnorm as sn
from supnorm.claims import ledger_record
from supnorm.claims.recording import scatter, unrun
from supnorm.pages import claim_summary, ledger_summary, write_badge, write_claims_page
from supnorm.pages.badge import badge
from supnorm.pages.claims_page import claims_page
from supnorm.problem.claim_table import ClaimSpec
from supnorm.results.claim import LedgerRecord, LedgerRowRecord
from supnorm.results.numbers import num

WORDS = {"source": "<a paper>", "published": "a number", "of": "x - x^3/6", "reference": "the sine"}


def row(name: str, tolerance: float, folder: str = "") -> LedgerRowRecord:
    problem = sn.Problem(
        lambda x: x[:, 0] - x[:, 0] ** 3 / 6,
        lambda x: np.sin(x[:, 0]),
        sn.Domain(x=(0.0, 1.0)),
        tolerance=tolerance,
        recheck=sn.Function(lambda x: np.sin(x[:, 0]) + 1e-9),
    )
    claim = sn.Claim.of(problem, name=name, says=f"says {name} & more", second="the sine", **WORDS)
    return LedgerRowRecord(**dict(claim.test(evaluations=500).record), folder=folder)


@pytest.fixture(scope="module")
def ledger() -> LedgerRecord:
    words = ClaimSpec(says="says nothing", needs=["nowhere>=1"], **WORDS)
    away = LedgerRowRecord(**dict(unrun(words, "away", {"nowhere": None})), folder="")
    return ledger_record(
        [row("true", 0.01), row("false", 0.001, "false"), row("near", 0.008), away], False, 1.0
    )


@pytest.mark.slow
def test_the_page_shows_each_claim_its_words_and_its_numbers(ledger: LedgerRecord, tmp_path: Path) -> None:
    write_claims_page(ledger, tmp_path / "claims.html")
    page = (tmp_path / "claims.html").read_text()
    for words in (
        "says true &amp; more",
        "&lt;a paper&gt;",
        "8.14",
        "1.02",
        "not refuted",
        "pip install &#39;nowhere&gt;=1&#39;",
    ):
        assert words in page, words
    assert page.count("<circle") >= 3  # a picture for each claim that was run
    assert not re.search(r'(?:src|href)="(?!#)[^"]*:', page)
    # The most wrong one stands first, what could not run last.
    assert re.findall(r'<h3 id="c-(\w+)">', page) == ["false", "near", "true", "away"]


def test_a_claim_without_a_line_of_points_has_a_picture_of_its_points(ledger: LedgerRecord) -> None:
    rows = np.array(
        [
            [0.1, 0.9, 0.5],
            [0.3, 0.2, 0.4],
            [0.5, 0.8, 0.3],
            [0.7, 0.1, 0.2],
            [0.9, 0.5, np.inf],
            [0.9, 0.5, 0.1],
        ]
    )
    axes = (SimpleNamespace(name="x"), SimpleNamespace(name="z"))
    report: Any = SimpleNamespace(
        points=SimpleNamespace(rows=rows),
        record=SimpleNamespace(axes=axes, charts=SimpleNamespace(cuts=())),
    )
    points = scatter(report)
    assert points is not None
    assert (points.axis, points.error) == ("x", (0.5, 0.4, 0.3, 0.2, 0.1))
    few = ledger.rows[0].changed(picture=None, points=points)
    page = claims_page(ledger.changed(rows=(few,)))
    assert page.count('<circle class="pt"') == 2 * 5  # in the table, and with the words below it
    assert "Errors at points of the search, beside x; dotted: published" in page


def test_of_many_outputs_the_values_are_those_of_the_output_with_the_error() -> None:
    """The first three of eighty-four wavenumbers say nothing about an error at the thirty-eighth."""
    scales = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    off = np.array([1.0, 1.0, 1.0, 1.0, 1.5])
    problem = sn.Problem(
        lambda x: x * scales * off,
        sn.Function(lambda x: x * scales, outputs=("a", "b", "c", "d", "e")),
        sn.Domain(x=(1.0, 2.0)),
        error=sn.ErrorMeasure("relative", floor=0.0, tolerance=0.1),
        recheck=sn.Function(lambda x: x * scales * 1.001),
    )
    claim = sn.Claim.of(problem, name="many", says="all five", second="again", **WORDS)
    record = claim.test(evaluations=100).record
    worst = record.worst
    assert worst is not None
    assert worst.position == 4
    shown = [num(values[4], 6) for values in (worst.model, worst.reference, worst.second or ())]
    words = "e: {} against {}, second reference {}".format(*shown)
    assert words in "\n".join(claim_summary(record))
    row = LedgerRowRecord(**dict(record), folder="")
    assert words in claims_page(ledger_record([row], False, 1.0))


def test_the_lines_of_the_terminal(ledger: LedgerRecord) -> None:
    lines = ledger_summary(ledger)
    assert re.fullmatch(r"false +a number +0\.008138 +8\.14 +refuted", lines[1])
    assert (
        "Of 4 claims 2 are refuted, 0 are proved and one was not refuted by a search. One more has no verdict."
        in "\n".join(lines)
    )


def test_a_badge_is_a_whole_svg(ledger: LedgerRecord, tmp_path: Path) -> None:
    import xml.etree.ElementTree as tree

    write_badge(ledger.rows[1], tmp_path / "badge.svg")
    root = tree.parse(tmp_path / "badge.svg").getroot()
    assert root.tag.endswith("svg")
    assert [t.text for t in root if t.tag.endswith("text")] == ["a number", "refuted"]


@pytest.mark.browser
@pytest.mark.slow
def test_a_click_on_a_head_sorts(ledger: LedgerRecord, tmp_path: Path) -> None:
    chromium = next(
        (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
    )
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    write_claims_page(ledger, tmp_path / "claims.html")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 400, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "claims.html").as_uri())
        times = "() => [...document.querySelectorAll('.sortable tbody tr')].map(r => r.cells[4].textContent)"
        page.click(".sortable th:nth-child(5) button")
        first = page.evaluate(times)
        page.click(".sortable th:nth-child(5) button")
        second = page.evaluate(times)
        assert first[:3] == ["8.14", "1.02", "0.814"]
        assert second != first
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()


def test_a_badge_is_xml_whatever_was_published() -> None:
    for label in ("1e-7", "a\nb\x1b[31m\x00", "<script>&", "9" * 100_000):
        text = badge(label, "refuted", "refuted")
        assert ElementTree.fromstring(text).get("role") == "img"
        assert len(text) < 2000
