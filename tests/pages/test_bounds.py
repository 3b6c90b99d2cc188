"""The section of local upper bounds: only with a certificate, its words by what the bound rests on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from supnorm.pages.page import page
from supnorm.pages.terminal import summary
from supnorm.pages.view import InconsistentResult

Result = Callable[[str], dict[str, Any]]
HEADING = "How large can the error be, and where?"


def certified(data: dict[str, Any], kind: str = "certified") -> dict[str, Any]:
    """The result with a bound of twice the worst error and a map of local bounds."""
    upper = 2.0 * float(data["sup"]["lower"])
    data["sup"] = {"lower": data["sup"]["lower"], "upper": upper, "upper_kind": kind,
                   "assumptions": ["declared, not proved: |f| <= 3"]}  # fmt: skip
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


@pytest.mark.parametrize("name", ["d1", "d2", "d3", "d8"])
def test_the_section_comes_with_a_certificate_only(result: Result, name: str) -> None:
    assert HEADING not in page(result(name))
    text = page(certified(result(name)))
    assert HEADING in text
    assert 'href="#bounds"' in text
    assert "1,234 boxes" in text
    assert "In 75" in text
    assert len(text.encode()) < 700_000


def test_a_bound_is_rounded_up(result: Result) -> None:
    """Three digits of it that lie below it would be no bound."""
    data = certified(result("d3"))
    data["sup"]["upper"] = 1.4411
    text = page(data)
    assert "1.45 m/s" in text
    assert "1.44 m/s" not in text
    assert "1.45 m/s" in summary(data)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("certified", "(proven)"), ("exact-arithmetic", "(proven in exact arithmetic)"),
     ("conditional", "(conditional: it holds if the named assumptions do)")],
)  # fmt: skip
def test_words_by_kind(result: Result, kind: str, words: str) -> None:
    text = page(certified(result("d2"), kind))
    assert words in text
    if kind == "conditional":
        assert "provided these assumptions hold: declared, not proved: |f| &lt;= 3" in text
        assert "✓" not in text.split("</header>")[0]


def test_steps_are_drawn_over_the_error(result: Result) -> None:
    text = page(certified(result("d1")))
    section = text.split('id="bounds"')[1].split("</section>")[0]
    assert "s-bd" in section
    assert "s-err" in section
    assert section.count("<tr>") >= 10


def test_infinite_and_missing_bounds(result: Result) -> None:
    data = certified(result("d2"))
    data["sup"]["upper"] = "inf"
    assert HEADING not in page(data)
    data = certified(result("d1"))
    data["charts"]["local_bounds"]["values"] = []
    assert HEADING in page(data)


def test_a_local_bound_above_the_bound_is_a_bug(result: Result) -> None:
    data = certified(result("d2"))
    data["sup"]["upper"] *= 0.9
    with pytest.raises(InconsistentResult, match="local bound"):
        page(data)
