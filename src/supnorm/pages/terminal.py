"""The summary of an audit in the terminal: status, eight facts, the ruler in one line, five places.

The same words as the page. Below 80 columns the third column is dropped; without colour it is plain text.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from supnorm.pages.numbers import count, num, percent, ratio, share
from supnorm.pages.places import edge_words, tags
from supnorm.pages.sections import power_rows
from supnorm.pages.view import PlaceView, View, numbers
from supnorm.pages.words import chip

BLOCKS = "▁▂▃▄▅▆▇█"
STYLES = {"over": "bold red", "open": "bold yellow", "proven": "bold green"}


def summary(result: Any, width: int = 100, color: bool = False, report: str = "") -> str:
    """The terminal summary as text.

    Args:
        result: the dict of schema ``supnorm.audit/1``, or an object whose ``to_json()`` returns it.
        width: columns of the terminal.
        color: whether to write ANSI colours.
        report: path of the page, named in the last line.
    """
    view = View(result if isinstance(result, Mapping) else result.to_json())
    view.check()
    lines = [_status(view), Text(), *_facts(view, width), Text(), *_ruler(view, width), *_spark(view)]
    lines += [Text(), *_places(view, width)] if view.places else []
    lines += [Text(), _last(view, report)]
    return _written(lines, width, color)


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
    for line in lines:
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        console.print(line, no_wrap=True, crop=True, markup=False)
    return buffer.getvalue()


def _status(view: View) -> Text:
    verdict = chip(view)
    line = Text(f"{verdict.icon} {verdict.words.upper()}", STYLES[verdict.kind])
    name = view.text("title") or view.text("model", "name")
    return line.append(f"   {name}", "default") if name else line


def _facts(view: View, width: int) -> list[Text]:
    wide = width >= 80
    rows = [(n, v, note if wide else "") for n, v, note in facts(view)]
    second = max(len(v) for _, v, _ in rows) + 2
    lines = []
    for name, value, note in rows:
        style = "bold red" if name == "worst found" and view.exceeded else "bold"
        line = Text(f"{name:>14}  ", "dim").append(
            f"{value:<{second}}", style if name == "worst found" else ""
        )
        lines.append(line.append(note, "dim"))
    return lines


def facts(view: View) -> list[tuple[str, str, str]]:
    """The eight facts: name, value, and a remark for the third column."""
    point = view.witness
    times = f"{ratio(view.lower / view.tolerance)} × tolerance" if view.tolerance > 0 and point else ""
    rows = [
        ("worst found", view.error(view.lower) if point else "no value", "" if view.per_output else times)
    ]
    rows.append(("at", _at(view, point), edge_words(view, point) if point else ""))
    compared = f"worst / RMS = {num(view.lower / view.rms)}" if view.rms > 0 and point else ""
    rows.append(("typical (RMS)", view.error(view.rms), compared))
    n = count(view.plain[0])
    rows.append(
        ("99.9 % below", view.error(view.quantile("0.999")), f"at {n} random points" if n != "0" else "")
    )
    rows.append(("upper bound", *_bound(view)))
    rows.append(("re-check", *_recheck(view, point)))
    rows.append(("would find", *_power(view)))
    failed, of = view.count("failures", "count"), view.count("failures", "of") or view.evaluated
    rows.append(("no value", count(failed), f"of {count(of)} evaluations"))
    return rows


def _at(view: View, point: PlaceView | None) -> str:
    if point is None:
        return "no point could be evaluated"
    shown = [f"{name} {view.axis(name).at(x)}" for name, x in point.x.items()]
    return "  ".join(shown[:6]) + (f"  and {len(shown) - 6} more" if len(shown) > 6 else "")


def _bound(view: View) -> tuple[str, str]:
    if not view.bounded:
        return "none", "a worse point may exist"
    notes = {
        "certified": "proven",
        "exact-arithmetic": "proven in exact arithmetic",
        "conditional": "on assumptions",
    }
    return view.error(view.upper), notes.get(view.upper_kind, view.upper_kind)


def _recheck(view: View, point: PlaceView | None) -> tuple[str, str]:
    words = {
        "confirmed": "confirmed",
        "unresolved": "unresolved",
        "reference-fault": "the reference is in doubt",
    }
    if point is None or point.recheck is None:
        return "not made", "no second reference"
    return words.get(point.recheck, point.recheck), view.text("recheck", "name")


def _power(view: View) -> tuple[str, str]:
    """The smallest size found always, and the next one."""
    if view.table_only:
        return "nothing", "a table was given: no search"
    rows = [r for r in power_rows(view)[1] if r.shape == "bump"] or power_rows(view)[1]
    if not rows:
        return "not measured", "no errors were planted"
    sure = [r for i, r in enumerate(rows) if all(q.worst_rate >= 0.9 for q in rows[: i + 1])]
    parts = [f"all at size {share(sure[-1].volume)}" if sure and sure[-1].worst_rate == 1 else ""]
    if sure and sure[-1].worst_rate < 1:
        parts = [f"{percent(sure[-1].worst_rate)} at size {share(sure[-1].volume)}"]
    if len(sure) < len(rows):
        missed = rows[len(sure)]
        parts.append(
            f"{percent(missed.worst_rate)} at {share(missed.volume)}"
            if missed.worst_rate
            else f"none at {share(missed.volume)}"
        )
    return "; ".join(p for p in parts if p), "planted errors"


def _ruler(view: View, width: int) -> list[Text]:
    marks = [
        ("r", view.rms, "RMS"),
        ("q", view.quantile("0.999"), "99.9 %"),
        ("T", view.tolerance, "tolerance"),
        ("▲", view.lower, "worst found"),
    ]
    if view.bounded:
        marks.append(("┃", view.upper, "upper bound"))
    marks = [m for m in marks if 0 < m[1] < math.inf]
    if len(marks) < 2 or not max(m[1] for m in marks) > min(m[1] for m in marks):
        return []
    n = min(width - 4, 60)
    low, high = math.log(min(m[1] for m in marks)), math.log(max(m[1] for m in marks))
    at = {sign: 3 + round((n - 7) * (math.log(v) - low) / (high - low)) for sign, v, _ in marks}
    line = Text("  " + "─" * n, "dim")
    if view.exceeded and "T" in at and "▲" in at:
        middle = Text("━" * max(at["▲"] - at["T"], 0), "red")
        line = Text("  " + "─" * at["T"], "dim") + middle + Text("─" * (n - at["▲"]), "dim")
    plain = list(line.plain)
    for sign, position in at.items():
        plain[2 + position] = sign
    line.plain = "".join(plain)
    if "▲" in at:
        line.stylize("bold red" if view.exceeded else "bold", 2 + at["▲"], 3 + at["▲"])
    words = "   ".join(f"{sign} {name}" for sign, _, name in marks)
    return [line, Text(f"  {words}   (log scale)", "dim")]


def _spark(view: View) -> list[Text]:
    """The histogram of the error in one line of blocks, from the first to the last filled bin."""
    counts = numbers((view.chart("histogram") or {}).get("counts"))
    if not counts or not max(counts) > 0:
        return []
    pairs = [sum(counts[i : i + 2]) for i in range(0, len(counts), 2)]
    top = max(pairs)
    blocks = "".join(BLOCKS[min(int(8 * c / top), 7)] if c else " " for c in pairs)
    return [Text("  error distribution  ", "dim").append(blocks, "default")]


def _places(view: View, width: int) -> list[Text]:
    wide, known = width >= 80, any(p.volume > 0 for p in view.places)
    relative = view.tolerance > 0 and not view.per_output
    head = ["#", "error"] + (["×tol"] if relative and wide else []) + (["size"] if known and wide else [])
    table = [head]
    for rank, p in enumerate(view.places[:5], 1):
        row = [str(rank), view.error(p.error)]
        row += [ratio(p.error / view.tolerance)] if relative and wide else []
        row += [share(p.volume) if p.volume > 0 else "–"] if known and wide else []
        table.append(row)
    widths = [max(len(r[k]) for r in table) for k in range(len(head))]
    lines = []
    for k, row in enumerate(table):
        cells = "   ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True))
        place, words = ("place", "tags") if k == 0 else _place_words(view, view.places[k - 1])
        lines.append(
            Text(
                f"  {cells}   {place:<{_place_width(view)}}  {words if wide else ''}", "dim" if k == 0 else ""
            )
        )
    return lines


def _place_words(view: View, p: PlaceView) -> tuple[str, str]:
    shown = " ".join(f"{name} {view.axis(name).at(x)}" for name, x in list(p.x.items())[:4])
    shown += " …" if len(p.x) > 4 else ""
    words = [t.words.split(": ")[-1] if "re-check" in t.words else t.words for t in tags(view, p)]
    return shown, ", ".join(w for w in words if w != "interior")


def _place_width(view: View) -> int:
    return max((len(_place_words(view, p)[0]) for p in view.places[:5]), default=5)


def _last(view: View, report: str) -> Text:
    parts = [("report", report), ("repeat", view.text("command")), ("exit", view.text("status", "exit"))]
    line = Text()
    for name, value in parts:
        if value:
            line.append(f"{name}  ", "dim").append(f"{value}    ", "default")
    line.rstrip()
    return line


def comparison(result: Any, width: int = 100, color: bool = False) -> str:
    """The terminal table of ``supnorm.compare/1``: one model a line, smallest worst error first."""
    from supnorm.pages.comparison import table

    head, rows = table(result if isinstance(result, Mapping) else result.to_json())
    widths = [max(len(r[k]) for r in (head, *rows)) for k in range(len(head))]
    lines = [
        Text(
            "  ".join(
                f"{c:<{w}}" if i in (0, 6) else f"{c:>{w}}"
                for i, (c, w) in enumerate(zip(r, widths, strict=True))
            ),
            "dim" if r is head else "",
        )
        for r in (head, *rows)
    ]
    return _written(lines, width, color)
