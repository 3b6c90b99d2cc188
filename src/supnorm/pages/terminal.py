"""The summary of an audit in the terminal: status, eight facts, the ruler in one line, five peaks.

The same words as the page. Below 80 columns the third column is dropped; without colour it is plain text.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from supnorm.pages import rows
from supnorm.pages.peaks import edge_words
from supnorm.pages.points import PeakView
from supnorm.pages.power import PowerRow, found_and_missed, rows_of
from supnorm.pages.reading import record_of
from supnorm.pages.terminal_peaks import coordinates, peaks_table
from supnorm.pages.view import View
from supnorm.pages.words import chip, top_level
from supnorm.results.audit import AuditRecord
from supnorm.results.compare import CompareRecord
from supnorm.results.numbers import count
from supnorm.results.printable import printable
from supnorm.wording import Fact, fact

BLOCKS = "▁▂▃▄▅▆▇█"
ENDLESS = 10_000  # columns
AT_MOST = 44  # characters of a line of the coordinates of the worst point
STYLES = {"over": "bold red", "open": "bold yellow", "proven": "bold green"}


def summary(result: Any, width: int = 100, color: bool = False, report: str = "") -> str:
    """The terminal summary as text.

    Args:
        result: what `audit` returned, its record, or the JSON of its file as a mapping.
        width: columns of the terminal.
        color: whether to write ANSI colours.
        report: path of the page, named in the last lines.
    """
    view = View(record_of(result, AuditRecord))
    view.check()
    lines = [_status(view), Text(), *_facts(view, width), Text(), *_ruler(view, width), *_spark(view)]
    lines += [Text(), *peaks_table(view, width)] if view.peaks else []
    lines += [Text(line) for line in rows.lines(view, width)]
    lines += _remarks(view, width)
    # What is there to be copied is not cut: a terminal wraps it.
    return _written([*lines, Text()], width, color) + _written(_last(view, report), ENDLESS, color)


def _remarks(view: View, width: int) -> list[Text]:
    """What was found about the domain and the data, and what limits the numbers, wrapped."""
    record, notes = view.record, list(view.record.notes)
    every = [record.search.text] if record.search.text and not view.table_only else []
    if record.power_left_out and not view.settled:
        notes.append(view.say.text(fact("not-planted", some=bool(record.power), why=record.power_left_out)))
    lines: list[Text] = []
    found = [finding.text for finding in record.findings]
    for word, texts in (("search", every), ("finding", found), ("note", notes)):
        for text in texts:
            wrapped = textwrap.wrap(text, max(width - 12, 20))
            lines += [Text(f"{word if i == 0 else '':<9}{part}") for i, part in enumerate(wrapped)]
    return [Text(), *lines] if lines else []


def _written(lines: list[Text], width: int, color: bool) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for line in map(_harmless, lines):
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        console.print(line, no_wrap=True, crop=True, markup=False)
    return buffer.getvalue()


def _harmless(line: Text) -> Text:
    """The line without what a terminal would obey; the colours are those of this module alone."""
    shown = printable(line.plain.replace("\n", " "))
    return line if shown == line.plain else Text(shown, line.style)


def _status(view: View) -> Text:
    verdict = chip(view)
    name, words = view.record.title or view.record.model.name, view.say.text(verdict.words)
    return Text.assemble((f"{verdict.icon} {words.upper()}", STYLES[verdict.kind]), f"   {name}")


def _facts(view: View, width: int) -> list[Text]:
    rows = facts(view)
    second = max(len(v) for _, v, _ in rows) + 2 if width >= 80 else 0
    lines = []
    for name, value, note in rows:
        style = ("bold red" if view.exceeded else "bold") if name.startswith("worst") else ""
        remark = note if width >= 80 else ""
        lines.append(Text.assemble((f"{name:>14}  ", "dim"), (f"{value:<{second}}", style), (remark, "dim")))
    return lines


def facts(view: View) -> list[tuple[str, str, str]]:
    """The eight facts: name, value, and a remark for the third column; a fact of several lines has its name in the first."""
    point = view.witness
    rows = _rows(view, point)
    finite = view.worst_finite or point if view.finite else point
    at, *more = ["no point could be evaluated"] if finite is None else coordinates(view, finite, AT_MOST)
    return [
        _worst(view, point),
        *rows,
        ("at", at, edge_words(view, point) if point and not rows else ""),
        *(("", words, "") for words in more),
        _typical(view, point),
        _high(view),
        ("upper bound", *_bound(view)),
        ("re-check", *_recheck(view, point)),
        ("would find", *_power(view)),
        ("no value", *_lost(view)),
    ]


def _worst(view: View, point: PeakView | None) -> tuple[str, str, str]:
    """The worst error, with its output, and how many times the tolerance it is."""
    worst = view.error(view.lower) if point else "no value"
    if point and (output := view.output_name(point)):
        worst += f" in {output}"
    known = view.tolerance > 0 and point is not None and not view.per_output
    times = view.say.text(fact("times-tolerance", times=view.lower / view.tolerance)) if known else ""
    return _worst_name(view), worst, times


def _worst_name(view: View) -> str:
    return "worst error" if view.exhaustive or view.every_row else "worst found"


def _typical(view: View, point: PeakView | None) -> tuple[str, str, str]:
    """The RMS error, and the ratio of the worst error to it."""
    compared = ""
    if 0 < view.rms < math.inf and point is not None:
        compared = view.say.text(fact("over-rms", finite=bool(view.finite), times=view.highest / view.rms))
    return "typical (RMS)", view.error(view.rms), compared


def _high(view: View) -> tuple[str, str, str]:
    """The highest quantile that the points carry."""
    sample = {"points": view.sampled, "n": view.rms_n if view.finite else view.plain[0]}
    part, level = top_level(view)
    name = view.say.text(fact("level-most", share=part))
    if math.isnan(level) and view.plain[0]:
        return name, "not known", view.say.text(fact("too-few", **sample))
    return (
        name,
        view.error(level),
        view.say.text(fact("known-at", **sample)) if view.plain[0] else "",
    )


def _lost(view: View) -> tuple[str, str]:
    """How many points have no value, of how many, and on which side."""
    failures, table, say = view.record.failures, view.record.table, view.say.text
    if table is not None and table.without_value:
        parts = [f"{side} {count(k)}" for side, k in table.without_value.items() if k]
        return ", ".join(parts) or "0", say(fact("of-rows", rows=view.drawn))
    of = fact("of-evaluations", of=failures.of or view.evaluated)
    of = fact("of-points", points=view.points) if view.exhaustive else of
    model, reference = failures.model, failures.reference
    both = bool(model and reference)
    sides = fact("lost-by-side", model=model, infinite=failures.infinite, both=both, reference=reference)
    return count(failures.count), f"{say(of)}: {say(sides)}" if model or reference else say(of)


def _rows(view: View, point: PeakView | None) -> list[tuple[str, str, str]]:
    """The row of the worst error in a table; if errors are infinite, at how many points, and the worst finite error."""
    if point is None or not (point.record.row or view.finite):
        return []
    say = view.say.text
    if view.finite is None:
        rows = view.record.table.rows if view.record.table is not None else 0
        return [("in", _short_row(view, point), say(fact("of-rows", rows=rows)))]
    best, row = view.worst_finite, bool(point.record.row)
    drawn = "rows" if view.table_only else view.drawn_points
    of = view.drawn if row else view.plain[0]
    lost = say(fact("infinite-in", row=row, infinite=view.finite.infinite, of=of, points=drawn))
    found = [("infinite", lost, say(fact("without-value")) if math.isnan(point.model_value) else "")]
    found += [("worst finite", view.error(view.highest), "")]
    return found + ([("in", _short_row(view, best), "")] if best is not None and best.record.row else [])


def _short_row(view: View, point: PeakView) -> str:
    """A row with as much of its other columns as fits; those by which errors are reported come first."""
    by = () if view.record.table is None else {group.column for group in view.record.table.groups}
    words = [point.row_words(most, by) for most in (3, 2, 1, 0)]
    return next((w for w in words if len(w) <= AT_MOST), words[-1])


def _bound(view: View) -> tuple[str, str]:
    say = view.say.text
    if view.bounded:
        exact, assumed = view.upper_kind == "exact-arithmetic", view.upper_kind == "conditional"
        return view.error(view.limit), say(fact("bound-kind", exact=exact, assumed=assumed))
    if view.exhaustive:
        return "no certificate", say(fact("all-evaluated", points=view.points))
    return "none", say(fact("exact-over-rows" if view.every_row else "worse-may-exist"))


def _recheck(view: View, point: PeakView | None) -> tuple[str, str]:
    verdict = None if point is None else point.record.recheck
    if verdict is None:
        return "not made", view.say.text(fact("recheck-none"))
    words = {"reference-fault": "doubt", "confirmed": "confirmed"}.get(verdict, "unresolved")
    return view.say.text(fact("recheck-word", **{words: True})), view.second_name


def _power(view: View) -> tuple[str, str]:
    """The smallest size found always, and the next one."""
    say = view.say.text
    if view.table_only:
        return "nothing", say(fact("found-table"))
    if view.exhaustive:
        return "no search", say(fact("all-evaluated", points=view.points))
    if view.settled:
        return "not needed", say(fact("found-proven"))
    rows = rows_of(view)[1]
    if not rows:
        return "not measured", say(fact("found-none-planted"))
    sure, missed = found_and_missed([row for row in rows if row.shape == "bump"] or rows)
    parts = []
    if sure:
        size, rate = sure[-1].volume, sure[-1].worst_rate
        parts.append(fact("found-all", size=size) if rate == 1 else _rate(sure[-1], size=True))
    if missed:
        parts.append(_rate(missed))
    return "; ".join(map(say, parts)), say(fact("found-planted"))


def _rate(row: PowerRow, size: bool = False) -> Fact:
    return fact("found-rate", rate=row.worst_rate or None, volume=row.volume, size=size)


def _ruler(view: View, width: int) -> list[Text]:
    part, level = top_level(view)
    known = [
        ("r", view.rms, "RMS"),
        ("q", level, part),
        ("T", view.tolerance, "tolerance"),
        ("▲", view.highest, "worst finite" if view.finite else _worst_name(view)),
        ("┃", view.upper if view.bounded else math.nan, "upper bound"),
    ]
    marks = [m for m in known if 0 < m[1] < math.inf]
    values = [value for _, value, _ in marks]
    if len(marks) < 2:
        return []
    n = min(width - 4, 60)
    low, high = math.log(min(values)), math.log(max(values))
    if not high > low:  # equal, or but for rounding
        return []
    at = {sign: 3 + round((n - 7) * (math.log(v) - low) / (high - low)) for sign, v, _ in marks}
    words = "   ".join(f"{sign} {name}" for sign, _, name in marks)
    return [_track(view, at, n), Text(f"  {words}   (log scale)", "dim")]


def _track(view: View, at: Mapping[str, int], n: int) -> Text:
    """The line with its signs: heavy from the tolerance to the worst found."""
    first, last = (at.get("T", n), at.get("▲", n - 1)) if view.exceeded else (n, n)
    signs = {position: sign for sign, position in at.items()}
    cells = [_cell(i, signs, first <= i <= last) for i in range(n)]
    runs = groupby(cells, key=lambda cell: cell[1])
    return Text.assemble("  ", *(("".join(sign for sign, _ in run), style) for style, run in runs))


def _cell(i: int, signs: Mapping[int, str], heavy: bool) -> tuple[str, str]:
    style = "red" if heavy else "" if i in signs else "dim"
    return signs.get(i, "━" if heavy else "─"), style


def _spark(view: View) -> list[Text]:
    """The histogram of the error in one line of blocks, from the first to the last filled bin."""
    histogram = view.charts.histogram
    if histogram is None or not max(histogram.counts) > 0:
        return []
    counts = histogram.counts
    pairs = [sum(counts[i : i + 2]) for i in range(0, len(counts), 2)]
    top = max(pairs)
    blocks = "".join(BLOCKS[min(int(8 * c / top), 7)] if c else " " for c in pairs)
    return [Text.assemble(("  error distribution  ", "dim"), blocks)]


def _last(view: View, report: str) -> list[Text]:
    parts = [("report", report), ("repeat", view.record.command), ("exit", str(int(view.record.status.exit)))]
    return [Text.assemble((f"{name:<8}", "dim"), value) for name, value in parts if value]


def comparison(result: CompareRecord | Mapping[str, Any], width: int = ENDLESS, color: bool = False) -> str:
    """The terminal table of ``supnorm.compare/1``: one model a line, smallest worst error first.

    Lines are cut to ``width``; by default they are whole.
    """
    from supnorm.pages.comparison import absent, crossed, crossed_words, doubts, missed, narrator, table

    record = record_of(result, CompareRecord)
    lines, say = _aligned(*table(record)), narrator(record)
    names, cells = crossed(record)
    if cells:
        lines += [Text(""), Text(crossed_words(record), "dim"), *_aligned(("model", *names), cells)]
    lines += [Text(say.text(one)) for one in (*absent(record), *missed(record), *doubts(record))]
    return _written(lines, width, color)


def _aligned(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[Text]:
    """Lines of a table with its columns below each other."""
    widths = [max(len(r[k]) for r in (head, *rows)) for k in range(len(head))]
    left = {k: "<" if head[k] in ("model", "at", "status") else ">" for k in range(len(head))}
    lines = []
    for row in (head, *rows):
        words = "  ".join(f"{cell:{left[k]}{widths[k]}}" for k, cell in enumerate(row))
        lines.append(Text(words, "dim" if row is head else ""))
    return lines
