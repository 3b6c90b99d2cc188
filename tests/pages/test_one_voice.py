"""One run, one voice: what the JSON explains and what the page says of the average are the same sentences."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests import problems
from tests.problems import Instance

from supnorm.auditing import audit
from supnorm.auditing.explain import TEMPLATES, explanation, region, size
from supnorm.pages.page import page
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]

BANK = problems.small_bank()


def read(html: str) -> str:
    """The words of a page, with plain spaces."""
    text = unescape(re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", text)


def assert_one_voice(data: dict[str, Any]) -> None:
    """The page says of the region round the worst error what the JSON says, and no other template of it."""
    words, facts = read(page(data, checked=False)), explanation(data)
    assert data["explanation"] == " ".join(fact.text for fact in facts)
    told = [fact.text for fact in region(data)]
    for text in told:
        assert text in data["explanation"]
        assert re.sub(r"\s+", " ", text) in words
    for code in ("region-hidden", "region-shows", "region-dominates"):
        ending = TEMPLATES[code].rsplit("}", 1)[1].strip(" .") or "the sample has missed what dominates"
        assert (ending in words) == any(ending in text for text in told), code


@pytest.mark.slow
@pytest.mark.parametrize("instance", BANK, ids=lambda i: i.name)
def test_json_and_page_agree_over_the_bank(instance: Instance) -> None:
    data = audit(instance.problem, evaluations=2000).to_dict()
    assert_one_voice(data)
    if data["measure"]["kind"] != "function" and not data["measure"]["per_output"]:
        worst = size(data["sup"]["lower"], data) if data["sup"]["lower"] != "inf" else "infinite"
        assert worst in read(page(data))


@pytest.mark.parametrize("width", [0.002, 0.01, 0.02])
def test_json_and_page_agree_on_a_bump(width: float) -> None:
    """Half of such problems were said to hide from the average in one, and to show in it in the other."""

    def bump(x: Array) -> Array:
        return np.asarray(np.exp(-((x - 0.4) ** 2).sum(axis=1) / width))

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    data = audit(Problem(bump, lambda x: 0 * x[:, 0], domain), evaluations=20_000).to_dict()
    assert region(data)
    assert_one_voice(data)


@given(
    st.floats(1e-9, 1.0),
    st.floats(0.1, 1.0),
    st.floats(0.0, 1e8),
    st.booleans(),
    st.sampled_from(["sample", "exact"]),
)
def test_a_region_is_hidden_shown_or_dominant_and_never_two_of_them(
    volume: float, surely: float, ratio: float, whole: bool, kind: str
) -> None:
    document = {
        "witness": {
            "volume": volume,
            "volume_at_least": volume * surely,
            "volume_at_most": volume if whole else None,
        },
        "sup": {"lower": ratio},
        "rms": {"value": 1.0, "kind": kind, "n": 100},
        "plain_sample": {"n": 100, "drawn": 120, "worst": 1.0},
        "measure": {"kind": "absolute", "per_output": False, "unit": ""},
    }
    facts = region(document)
    codes = [fact.code for fact in facts]
    assert len(set(codes) & {"region-hidden", "region-shows", "region-dominates"}) == (1 if codes else 0)
    assert bool(codes) == (kind == "sample" and volume < 0.1)
    share = volume * surely * (ratio / 2) ** 2
    if codes:
        assert ("region-hidden" in codes) == (share < 0.2)
        assert ("region-dominates" in codes) == (share > 1)
        assert all(fact.text for fact in facts)
