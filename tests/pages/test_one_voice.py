"""One run, one voice: what the JSON explains and what the page says of the average are the same sentences."""

from __future__ import annotations

import math
import re
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests import problems
from tests.problems import Instance

from supnorm.auditing import audit
from supnorm.auditing.explain import explanation, region
from supnorm.pages import sections
from supnorm.pages.page import page
from supnorm.pages.view import View
from supnorm.problem import Domain, Problem
from supnorm.results.audit import AuditRecord
from supnorm.wording import Fact, Narrator
from supnorm.wording.result import AUDIT, narrator

Array = NDArray[np.float64]

BANK = problems.small_bank()


def text_of(html: str) -> str:
    """The words of a page, with plain spaces."""
    text = unescape(re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", text)


def assert_one_voice(record: AuditRecord) -> list[Fact]:
    """The page says of the region around the worst error what the JSON says, and nothing else of it; those facts."""
    facts = [fact for fact in explanation(record) if fact.code.startswith("region-")]
    words = narrator(record.measure).text(*facts)
    assert words in record.explanation
    assert sections.why_average(View(record)) == facts
    assert words in text_of(page(record, checked=False))
    return facts


@pytest.mark.slow
@pytest.mark.parametrize("instance", BANK, ids=lambda i: i.name)
def test_json_and_page_agree_over_the_bank(instance: Instance) -> None:
    record = audit(instance.problem, evaluations=2000).record
    assert_one_voice(record)
    if record.measure.kind != "function" and not record.measure.per_output:
        assert narrator(record.measure).error(record.sup.lower) in text_of(page(record))


@pytest.mark.parametrize("width", [0.002, 0.01, 0.02])
def test_json_and_page_agree_on_a_bump(width: float) -> None:
    """Half of such problems were said to hide from the average in one, and to show in it in the other."""

    def bump(x: Array) -> Array:
        return np.asarray(np.exp(-((x - 0.4) ** 2).sum(axis=1) / width))

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    record = audit(Problem(bump, lambda x: 0 * x[:, 0], domain), evaluations=20_000).record
    assert assert_one_voice(record)


@given(st.floats(1e-9, 1.0), st.floats(0.1, 1.0), st.floats(0.0, 1e8), st.booleans())
def test_a_region_is_hidden_shown_or_dominant_and_never_two_of_them(
    volume: float, surely: float, ratio: float, whole: bool
) -> None:
    at_most = volume if whole else math.nan
    facts = region(volume, volume * surely, at_most, worst=ratio, rms=1.0, drawn=120)
    codes = [fact.code for fact in facts]
    assert len(set(codes) & {"region-hidden", "region-shows", "region-dominates"}) == (1 if codes else 0)
    assert bool(codes) == (volume < 0.1)
    share = volume * surely * (ratio / 2) ** 2
    if codes:
        assert ("region-hidden" in codes) == (share < 0.2)
        assert ("region-dominates" in codes) == (share > 1)
        assert all(Narrator(AUDIT).text(fact) for fact in facts)
