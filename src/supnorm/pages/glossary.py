"""The words of the page, explained once each."""

from __future__ import annotations

from supnorm.pages.view import View
from supnorm.wording import Narrator, fact
from supnorm.wording.glossary import WORDS


def glossary(view: View) -> list[tuple[str, str, str]]:
    """(key, word, meaning); the sampling law is named, because RMS means nothing without it."""
    say = Narrator({key: meaning for key, (_, meaning) in WORDS.items()}).text
    of = {"law": view.odd_law, "rows": view.table_only, "exact": view.exact, "whole": view.whole}
    left_out = _unspoken(view)
    return [(key, word, say(fact(key, **of))) for key, (word, _) in WORDS.items() if key not in left_out]


def _unspoken(view: View) -> set[str]:
    """Words of which the page says nothing."""
    words = {"unseen", "planted"} if view.settled else set()
    if view.table_only:
        words |= {"unseen", "planted", "glitch", "volume", "prominence", "plain"}
    if view.record.recheck is None:
        words.add("recheck")
    return words if view.upper_kind == "conditional" else words | {"conditional"}
