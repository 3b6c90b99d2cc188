"""The table of peaks in the terminal; every input of a peak is shown, and no tag is cut."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from rich.text import Text

from supnorm.pages.peaks import tags
from supnorm.pages.points import PeakView
from supnorm.pages.view import View
from supnorm.pages.words import NAMED
from supnorm.results.numbers import ratio
from supnorm.wording import fact

PEAKS = 5  # in the table
NAMES = ("#", "error", "×tol", "size", "at", "tags")
TIMES, SIZE, AT, TAGS = 2, 3, 4, 5  # columns
LEAST_TAGS, UNDER = 16, 8  # characters of a line of tags; where they begin below a peak
COORDINATES, BESIDE = 36, 64  # characters of a line of coordinates at least, and of what stands beside it


Cells = list[list[str]]  # of a row of the table: the lines of each column


def peaks_table(view: View, width: int) -> list[Text]:
    """The first peaks; columns without content, and those for which there is no room, are left out."""
    most = max(COORDINATES, width - BESIDE)
    peaks = [_row(view, p, rank, most) for rank, p in enumerate(view.peaks[:PEAKS], 1)]
    table = [[[name] for name in NAMES], *peaks]
    widths = [max((len(line) for row in table for line in row[k]), default=0) for k in range(6)]
    kept, before = _columns(peaks, widths, width)
    tagged = any(row[TAGS] for row in peaks) and width >= 80
    below = width - before < LEAST_TAGS
    lines: list[Text] = []
    for row in table:
        room = width - (UNDER if below else before)
        tags = textwrap.wrap(row[TAGS][0], room) if tagged and row[TAGS] else []
        style = "dim" if row is table[0] else ""
        lines += [Text(line, style) for line in _beside(row, kept, widths, [] if below else tags)]
        lines += [Text(" " * UNDER + words) for words in tags if below and row is not table[0]]
    return lines


def _columns(peaks: list[Cells], widths: list[int], width: int) -> tuple[list[int], int]:
    """The columns before the tags for which there is room, and where the tags begin."""
    kept = [k for k in range(TAGS) if any(row[k] for row in peaks) and (width >= 80 or k in (0, 1, AT))]
    before = 2 + sum(widths[k] + 3 for k in kept)
    for k in (SIZE, TIMES):  # what matters less goes first
        if width >= 80 and any(row[TAGS] for row in peaks) and k in kept and width - before < LEAST_TAGS:
            kept.remove(k)
            before -= widths[k] + 3
    return kept, before


def _beside(row: Cells, kept: list[int], widths: list[int], tags: list[str]) -> list[str]:
    """The lines of a row, with its tags beside them."""
    lines = []
    for *cells, words in zip_longest(*(row[k] for k in kept), tags, fillvalue=""):
        aligned = (f"{c:{'<' if k == AT else '>'}{widths[k]}}" for k, c in zip(kept, cells, strict=True))
        lines.append(f"  {'   '.join(aligned)}   {words}".rstrip())
    return lines


def _row(view: View, p: PeakView, rank: int, most: int) -> Cells:
    """The lines of each column."""
    relative = view.tolerance > 0 and not view.per_output
    words = [p.row_words()] if p.record.row else []
    words += list(filter(None, [view.output_name(p)]))
    words += [t.words.replace("re-check: ", "") for t in tags(view, p) if t.words != "interior"]
    cells = [
        [str(rank)],
        [view.error(p.error)],
        [ratio(p.error / view.tolerance) if relative else ""],
        [p.size],
        coordinates(view, p, most),
        [", ".join(words)],
    ]
    return [[line for line in cell if line] for cell in cells]


def coordinates(view: View, point: PeakView, most: int) -> list[str]:
    """The coordinates of a point in lines of at most ``most`` characters, where one alone is not longer."""
    shown = [f"{name} {view.axis(name).at(x)}" for name, x in point.x.items()]
    rest = len(shown) - NAMED
    lines: list[str] = []
    for words in [*shown[:NAMED], *([view.say.text(fact("and-more", n=rest))] if rest > 0 else [])]:
        if lines and len(lines[-1]) + 2 + len(words) <= most:
            lines[-1] += f"  {words}"
        else:
            lines.append(words)
    return lines
