"""One run, one voice: result, page and summary say the same facts, in the same words and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.bank import BANK
from tests.pages import cases
from tests.problems import Instance

from supnorm.auditing import audit
from supnorm.auditing.explain import explanation, region
from supnorm.pages import sections, summary
from supnorm.pages.page import page
from supnorm.pages.view import View
from supnorm.pages.words import chip
from supnorm.problem import Domain, Problem
from supnorm.results import Status
from supnorm.results.audit import AuditRecord
from supnorm.results.status import ExitCode
from supnorm.wording import Fact, Narrator
from supnorm.wording.result import AUDIT, narrator

Array = NDArray[np.float64]


def text_of(html: str) -> str:
    """The words of a page, with plain spaces."""
    text = unescape(re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", text)


# Which chips agree with a status: none of another status may stand on a page.
CHIPS = {
    "no-value": {"chip-nothing"},
    "reference-fault": {"chip-doubt"},
    "unresolved": {"chip-unresolved"},
    "tolerance-exceeded": {"chip-over"},
    "within-tolerance": {"chip-proven", "chip-assumed", "chip-rows", "chip-complete", "chip-known"},
    "nothing-found": {"chip-open"},
    "no-tolerance": {"chip-found", "chip-evaluated", "chip-table", "chip-proven", "chip-assumed"},
    "interrupted": {"chip-interrupted", "chip-over-interrupted"},
}


def blank(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def within(found: Iterable[Fact]) -> Iterator[Fact]:
    """The facts with those inside of them."""
    for one in found:
        yield one
        for value in one.values.values():
            if isinstance(value, tuple):
                yield from within(v for v in value if isinstance(v, Fact))


def assert_one_voice(record: AuditRecord) -> list[Fact]:
    """Page and summary say what the JSON says, and of each fact the same; the facts about the worst region."""
    said: dict[str, list[Fact]] = {"html": [], "text": []}
    with pytest.MonkeyPatch.context() as patch:
        for way, found in said.items():
            original = getattr(Narrator, way)

            def spy(
                self: Narrator, *facts: Fact, original: Any = original, found: Any = found, **more: Any
            ) -> Any:
                found += facts if "chip-over" in self.templates else ()
                return original(self, *facts, **more)

            patch.setattr(Narrator, way, spy)
        html, told = text_of(page(record, checked=False)), blank(summary(record, 200, report="r"))
    view = View(record)
    # Text and HTML of each fact differ by marks alone.
    for one in (*said["html"], *said["text"]):
        assert blank(view.say.text(one)) == text_of(view.say.html(one)).strip(), one.code
    # What the JSON says stands on the page and in the summary, as it is.
    flat = html.replace("\u00a0", " ")
    for text in (record.status.advice, *(f.text for f in record.findings), *record.notes):
        assert blank(text) in flat
    for text in (*(f.text for f in record.findings), *record.notes):
        assert blank(text) in told
    facts = [fact for fact in explanation(record) if fact.code.startswith("region-")]
    words = narrator(record.measure).text(*facts)
    assert words in record.explanation
    assert words in flat
    assert sections.why_average(view) == facts
    # One verdict, one worst error.
    verdict = chip(view).words
    assert verdict.code in CHIPS[record.status.code]
    assert view.say.text(verdict) in flat
    assert told.startswith(f"{chip(view).icon} {view.say.text(verdict).upper()} ")
    worst = view.error(record.sup.lower) if record.witness else "NOTHING COULD BE MEASURED"
    assert worst in told
    assert record.witness is None or record.table_only or worst in flat
    # Nothing that the page says of a number is another number in the summary.
    values: dict[tuple[str, str], Any] = {}
    for one in within((*said["html"], *said["text"])):
        for name in {"rms", "upper", "allowed"} & set(one.values):
            known = values.setdefault((one.code, name), one.values[name])
            assert known == one.values[name], (one.code, name)
    return facts


def variants(record: AuditRecord) -> Iterator[AuditRecord]:
    """The record, and as it would be with other tolerances and after a proof."""
    yield record
    if not 0 < record.sup.lower < math.inf:
        return
    exceeded = Status("tolerance-exceeded", "", ExitCode.EXCEEDED)
    yield record.changed(tolerance=record.sup.lower / 3, status=exceeded)
    nothing = Status("nothing-found", "", ExitCode.DONE)
    yield record.changed(tolerance=record.sup.lower * 3, status=nothing)
    for kind in ("certified", "exact-arithmetic", "conditional"):
        sup = record.sup.changed(upper=record.sup.lower * 2, upper_kind=kind, assumptions=("A holds",))
        proved = Status("within-tolerance", "", ExitCode.DONE)
        yield record.changed(tolerance=record.sup.lower * 3, status=proved, sup=sup)


@pytest.mark.slow
@pytest.mark.parametrize("instance", BANK, ids=lambda i: i.name)
def test_result_page_and_summary_agree_over_the_bank(instance: Instance) -> None:
    for record in variants(audit(instance.problem, evaluations=2000, pictures=cases.COARSE).record):
        assert_one_voice(record)


@pytest.mark.parametrize("name", ["d1", "d2", "table", "profile", "coarse 1", "failed", "points", "infinite"])
def test_result_page_and_summary_agree(name: str) -> None:
    assert_one_voice(cases.record(name))


def test_an_unresolved_recheck_is_no_exceeded_tolerance() -> None:
    """The result ended with "unresolved" and exit code 5, its page with "Tolerance exceeded"."""
    record = cases.record("coarse 1")
    assert record.witness is not None
    peak = record.witness.changed(recheck="unresolved")
    status = Status("unresolved", "", ExitCode.REFERENCE_FAULT)
    record = record.changed(status=status, witness=peak, peaks=(peak, *record.peaks[1:]))
    assert_one_voice(record)
    assert "TOLERANCE EXCEEDED" not in summary(record)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("width", [0.002, 0.01, 0.02])
def test_json_and_page_agree_on_a_bump(width: float) -> None:
    """Half of such problems were said to hide from the average in one, and to show in it in the other."""

    def bump(x: Array) -> Array:
        return np.asarray(np.exp(-((x - 0.4) ** 2).sum(axis=1) / width))

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    record = audit(Problem(bump, lambda x: 0 * x[:, 0], domain), evaluations=20_000).record
    assert assert_one_voice(record)


@given(st.floats(1e-9, 1.0), st.floats(0.1, 1.0), st.floats(0.0, 1e300), st.booleans(), st.booleans())
def test_a_region_is_hidden_shown_unseen_or_dominant_and_never_two_of_them(
    volume: float, surely: float, ratio: float, whole: bool, seen: bool
) -> None:
    at_most = volume if whole else math.nan
    facts = region(volume, volume * surely, at_most, worst=ratio, rms=1.0, drawn=120, seen=seen)
    codes = [fact.code for fact in facts]
    share = volume * surely * (ratio / 2) * (ratio / 2)
    unknown = seen and 120 * volume < 3 and 0.2 <= share <= 1  # a point at another peak, or in this region
    about = set(codes) & {
        "region-hidden",
        "region-share",
        "region-shows",
        "region-unseen",
        "region-dominates",
    }
    assert len(about) == (1 if codes and not unknown else 0)
    assert bool(codes) == (volume < 0.1)
    if codes:
        most = at_most * ratio * ratio
        assert ("region-hidden" in codes) == (share <= 1 and (most if seen else most / (1 + most)) < 0.2)
        assert "region-shows" not in codes or seen
        assert "region-unseen" not in codes or not seen
        assert ("region-dominates" in codes) == (share > 1)
        assert all(Narrator(AUDIT).text(fact) for fact in facts)


@pytest.mark.parametrize("at_most", [0.05, math.nan], ids=["whole", "in part"])
def test_a_region_that_makes_up_the_whole_mean_square_is_not_said_to_hide_from_it(at_most: float) -> None:
    """The error is 1 in a ring of a twentieth of the domain, of which a part was measured, and 0 elsewhere."""
    facts = region(0.045, 0.015, at_most, worst=1.0, rms=math.sqrt(0.05), drawn=10_000, seen=True)
    assert [fact.code for fact in facts] == ["region-hit", "region-share"]


def test_a_share_of_the_mean_square_is_one_of_the_points_with_an_error() -> None:
    """Where nine tenths of the points have no error, a region counts ten times as much in the average of the others."""
    size = {"worst": 1.0, "rms": 0.14, "drawn": 6000, "seen": True}
    codes = [region(0.0024, 0.0022, 0.0026, **size, counted=c)[1].code for c in (1.0, 0.1)]
    assert codes == ["region-hidden", "region-share"]


@pytest.mark.parametrize(("worst", "rms"), [(1e300, 1e299), (1.0, 1e-176), (1e300, 1e-300)])
def test_errors_whose_squares_are_no_doubles_are_explained(worst: float, rms: float) -> None:
    assert region(0.001, 0.0009, 0.0011, worst=worst, rms=rms, drawn=1000, seen=True)
