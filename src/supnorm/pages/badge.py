"""A badge: a label and a verdict in two coloured boxes, as SVG text that needs no style sheet."""

from __future__ import annotations

from supnorm.pages.svg import el
from supnorm.results.printable import one_line

LONGEST = 60  # letters of a label: about 400 pixels
LETTER = 6.6  # pixels of a letter of 11 px Verdana, on average
COLOURS = {"refuted": "#c0392b", "proved": "#1e8449", "not-refuted": "#2874a6", "unconfirmed": "#b9770e"}


def badge(label: str, verdict: str, words: str) -> str:
    """The SVG text of a badge.

    Args:
        label: what the verdict is about.
        verdict: the verdict, which chooses the colour.
        words: the verdict as it is written.

    >>> '>refuted<' in badge("accuracy 0.19 %", "refuted", "refuted")
    True
    """
    label = one_line(label, LONGEST)  # the words of a claim file: XML has no control characters
    left, right = (round(len(text) * LETTER) + 14 for text in (label, words))
    width, colour = left + right, COLOURS.get(verdict, "#5d6d7e")
    style = {"fill": "#fff", "font_family": "Verdana,DejaVu Sans,sans-serif", "font_size": 11}
    content = [
        el("title", f"{label}: {words}"),
        el("rect", width=width, height=20, rx=3, fill="#444"),
        el("rect", x=left, width=right, height=20, rx=3, fill=colour),
        el("text", label, x=left / 2, y=14, text_anchor="middle", **style),
        el("text", words, x=left + right / 2, y=14, text_anchor="middle", **style),
    ]
    svg = el(
        "svg",
        *content,
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=20,
        role="img",
        aria_label=f"{label}: {words}",
    )
    return f"{svg}\n"
