"""The section of local upper bounds: only with a certificate, its words by what the bound rests on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.pages.cases import read

from supnorm.pages.page import page
from supnorm.pages.terminal import summary
from supnorm.pages.view import InconsistentResult

Result = Callable[[str], dict[str, Any]]
HEADING = "How large can the error be, and where?"


def certified(data: dict[str, Any], kind: str = "certified") -> dict[str, Any]:
    """The result with a bound of twice the worst error and a map of local bounds."""
    upper = 2.0 * float(data["sup"]["lower"])
    given = ["declared, not proved: |f| <= 3"]
    data["sup"] |= {"upper": upper, "upper_kind": kind, "assumptions": given}
    names = [a["name"] for a in data["axes"]]
    ends = [(a["low"], a["high"]) for a in data["axes"]]
    grid = (upper * np.linspace(0.1, 1.0, 100).reshape(10, 10)).tolist()
    raw: dict[str, Any] = {"boxes": 1234, "target": upper / 1.5, "proved_volume": 0.75}
    if len(names) == 1:
        raw |= {"edges": np.linspace(*ends[0], 11).tolist(), "values": grid[9]}
    elif len(names) == 2:
        raw |= {"axes": names, "values": grid}
    else:
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        raw["panels"] = [{"axes": list(p), "values": grid} for p in pairs]
    data["charts"]["local_bounds"] = raw
    return data


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8"])
def test_the_section_comes_with_a_certificate_only(result: Result, name: str) -> None:
    assert HEADING not in page(read(result(name)))
    text = page(read(certified(result(name))))
    assert HEADING in text
    assert 'href="#bounds"' in text
    assert "1,234 boxes" in text
    assert "in 75" in text
    assert len(text.encode()) < 700_000


@pytest.mark.slow
def test_a_bound_is_rounded_up(result: Result) -> None:
    """Three digits of it that lie below it would be no bound."""
    data = certified(result("d3"))
    data["sup"]["upper"] = 1.4411
    text = page(read(data))
    assert "1.45 m/s" in text
    assert "1.44 m/s" not in text
    assert "1.45 m/s" in summary(data)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("kind", "words"),
    [("certified", "(proven)"), ("exact-arithmetic", "(proven in exact arithmetic)"),
     ("conditional", "(conditional: it holds if the named assumptions do)")],
)  # fmt: skip
def test_words_by_kind(result: Result, kind: str, words: str) -> None:
    text = page(read(certified(result("d2"), kind)))
    assert words in text
    if kind == "conditional":
        assert "provided these assumptions hold: declared, not proved: |f| &lt;= 3" in text
        assert "✓" not in text.split("</header>")[0]


@pytest.mark.slow
def test_steps_are_drawn_over_the_error(result: Result) -> None:
    text = page(read(certified(result("d1"))))
    section = text.split('id="bounds"')[1].split("</section>")[0]
    assert "s-bd" in section
    assert "s-err" in section
    assert section.count("<tr>") >= 10


@pytest.mark.slow
def test_infinite_and_missing_bounds(result: Result) -> None:
    data = certified(result("d2"))
    data["sup"]["upper"] = "inf"
    assert HEADING not in page(read(data))


def test_a_local_bound_above_the_bound_is_a_bug(result: Result) -> None:
    data = certified(result("d2"))
    data["sup"]["upper"] *= 0.9
    with pytest.raises(InconsistentResult, match="local bound"):
        page(read(data))


DOUBTS = (
    "What could this search have missed",
    "could have been missed",
    "peaks have not been seen",
    "a peak not seen yet",
    "can rule out, with 95 % confidence",
    "A longer search may well find more",
    "a worse point may exist",
    "errors were planted",
    "% confidence, at most",
)


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8"])
@pytest.mark.parametrize("kind", ["certified", "exact-arithmetic"])
def test_a_page_of_a_proved_problem_has_no_doubts_and_says_what_the_proof_rests_on(
    result: Result, name: str, kind: str
) -> None:
    data = certified(result(name), kind)
    data["tolerance"] = 1.5 * data["sup"]["upper"]
    data["status"] = {"code": "within-tolerance", "advice": "", "exit": 0}
    row = {"above": data["tolerance"], "n": 900, "count": 0, "fraction": 0.0}
    data["exceedance"] = [row | {"fraction_at_most": 1 / 1300, "confidence": 0.95, "of": "all"}]
    data["unseen_peak_mass"] = {
        "value": 0.9,
        "at_most": 1.0,
        "confidence": 0.95,
        "ascents": 40,
        "peaks": 38,
        "once": 36,
    }
    text = page(read(data))
    for doubt in DOUBTS:
        assert doubt not in text, doubt
        assert doubt not in summary(data), doubt
    section = text.split('id="missed"')[1].split("</section>")[0]
    assert "What does the bound rest on?" in section
    assert "declared, not proved: |f| &lt;= 3" in section
    assert "Nothing exceeds the tolerance: that is proven" in text
    data["sup"]["upper_kind"] = "conditional"
    assert "What could this search have missed" in page(read(data))


@pytest.mark.slow
def test_what_is_not_proved_of_the_model_as_it_runs_is_not_called_proven(result: Result) -> None:
    """float32: the bound in exact arithmetic keeps the tolerance, but not with the difference that was measured."""
    data = certified(result("d2"), "exact-arithmetic")
    data["tolerance"] = 1.0001 * data["sup"]["upper"]
    data["status"] = {"code": "nothing-found", "advice": "", "exit": 0}
    assert "NOT PROVEN" in summary(data)
    assert "What could this search have missed" in page(read(data))


@pytest.mark.parametrize("kind", ["certified", "exact-arithmetic", "conditional"])
def test_no_page_shows_a_bound_below_the_error_found(result: Result, kind: str) -> None:
    data = certified(result("d2"), kind)
    data["sup"]["upper"] = 0.5 * data["sup"]["lower"]
    data["charts"].pop("local_bounds")
    with pytest.raises(InconsistentResult, match=f"exceeds the {kind} bound"):
        page(read(data))


def test_a_proved_page_names_what_is_hatched_and_gives_no_limits_of_the_search(result: Any) -> None:
    data = result("d2")
    data["witness"] |= {"volume": 0.2, "volume_at_least": 0.1, "volume_at_most": 0.3}
    searched = page(read(data))
    data = certified(data)
    data["tolerance"] = 1.5 * data["sup"]["upper"]
    data["status"] = {"code": "within-tolerance", "advice": "", "exit": 0}
    proved = page(read(data))
    assert "hatched: not excluded" in searched
    assert "hatched: between the worst error found and the bound" in proved
    assert "not excluded" not in proved
    size = [re.sub(r"\s+", " ", text.split('id="where"')[1].split("</p>")[0]) for text in (searched, proved)]
    assert "with 95 % confidence)." in size[0]
    assert "in about 20 % of the domain." in size[1]
    assert "confidence" not in size[1]
