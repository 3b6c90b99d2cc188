"""The words of the page, explained once each."""

from __future__ import annotations

from supnorm.pages.view import View
from supnorm.wording import Narrator, fact
from supnorm.wording.glossary import WORDS


def glossary(view: View) -> list[tuple[str, str, str]]:
    """(key, word, meaning); the sampling law is named, because RMS means nothing without it."""
    say = Narrator({key: meaning for key, (_, meaning) in WORDS.items()}).text
    of = {"law": view.odd_law, "rows": view.table_only, "exact": view.exact, "whole": view.whole}
    left_out = ("unseen", "planted") if view.settled else ()  # the page does not speak of them
    return [(key, word, say(fact(key, **of))) for key, (word, _) in WORDS.items() if key not in left_out]
