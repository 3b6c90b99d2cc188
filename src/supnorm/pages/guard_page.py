"""The page of a guard: its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.results import rounded_up, write_whole
from supnorm.results.guarding import GuardRecord
from supnorm.results.numbers import ErrorUnit, count, num, percent, pretty_unit
from supnorm.wording import Fact, Narrator, fact, units_of
from supnorm.wording.guard_page import TEMPLATES

CHIPS = {"guard-not-effective": "over", "tolerance-exceeded": "over"}
CURVES = ("fresh", "searched", "oracle")
LEAST = 3e-4  # where the share zero stands on the logarithmic axis


def write_guard_page(result: Any, path: Path | str) -> None:
    """Write the page of a guard.

    Args:
        result: of `supnorm.guard`, its record, or the dict of schema ``supnorm.guard/1``.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, guard_page(record_of(result, GuardRecord)))


def guard_page(record: GuardRecord) -> str:
    """The HTML text of the page."""
    say, code = narrator(record).html, record.status.code
    values = {
        "title": f"{record.title or 'model'}: {code} – supnorm guard",
        "problem_title": record.title,
        "skip": "promise",
        "menu": [("promise", "Promise"), ("curve", "Curve"), ("layers", "Layers"), ("again", "Again")],
        "chip": CHIPS.get(code, "open"),
        "word": say(fact(f"chip-{code}")),
        "tolerance": say(fact("asked", tolerance=record.tolerance)),
        "rejects": say(fact("rejects", rejected=record.rejected)),
        "headline": say(headline(record)),
        "advice": record.status.advice,
        "promise": say(*promise(record)),
        "chart": two_sizes(chart, record),
        "curve_what": say(fact("curve-what")),
        "curve_head": ("rejected", *(f"{k} {say(fact(f'row-{name}'))}" for k, name in enumerate(CURVES, 1))),
        "curve_rows": curve_rows(record),
        "layers": [(say(fact(f"layer-{layer.name}")), percent(layer.rejected, 3)) for layer in record.layers],
        "cost": say(fact("cost", time=record.microseconds)),
        "record": again(record),
    }
    return render("guard.html.j2", values)


def narrator(record: GuardRecord) -> Narrator:
    """What writes the facts of a guard."""
    return Narrator(TEMPLATES, unit_of(record), units_of(record.axes))


def unit_of(record: GuardRecord) -> ErrorUnit:
    """How the errors of a guard are written."""
    measure = record.measure
    return ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)


def headline(record: GuardRecord) -> Fact:
    """The answer in one sentence."""
    return fact("headline", accepted=record.worst_accepted, before=record.worst_unguarded)


def promise(record: GuardRecord) -> list[Fact]:
    """What is promised of accepted inputs."""
    made, facts = record.promise, []
    if (found := record.accepted.witness) is not None:
        learned = found.error < record.worst_accepted  # a point from which the guard has learned is worse
        facts.append(fact("where-searched" if learned else "where", worst=found.error, at=found.x))
    facts.append(
        fact(
            "promise-largest" if record.tolerance is None and record.choice is None else "promise",
            confidence=made.confidence,
            limit=rounded_up(made.fraction_at_most, 2),
            above=made.above,
            count=made.count,
            n=made.n,
        )
    )
    chosen = record.choice
    if chosen is not None and chosen.share is not None:
        facts.append(fact("chosen", share=chosen.share, tested=len(chosen.tested)))
    elif chosen is not None:
        facts.append(fact("none-chosen", risk=chosen.risk, tested=len(chosen.tested)))
    facts.append(fact("promise-law" if chosen is None else "promise-law-chosen", law=made.law))
    if record.proved_cells:
        facts.append(fact("proved", cells=record.proved_cells, share=record.proved_share))
    else:
        facts.append(fact("promise-none"))
    return facts


def chart(record: GuardRecord, width: int) -> Markup:
    """The curves."""
    say = narrator(record).text
    lines = []
    for k, name in enumerate(CURVES, 1):  # a narrow page has room for the number alone
        points = tuple((max(row.rejected, LEAST), getattr(row, name)) for row in record.curve)
        lines.append(Series(f"{k} {say(fact(f'row-{name}'))}", str(k), points, name == "searched"))
    tolerance = math.nan if record.tolerance is None else record.tolerance
    unit = unit_of(record).suffix.strip()
    label = say(fact("curve-axis")) + (f", {unit}" if unit else "")
    return error_over_time(lines, width, label, tolerance, 300, "share of inputs rejected")


def curve_rows(record: GuardRecord) -> list[tuple[str, ...]]:
    """The same as text."""
    unit = unit_of(record)
    return [
        (percent(row.rejected, 3), unit(row.fresh), unit(row.searched), unit(row.oracle))
        for row in record.curve
    ]


def again(record: GuardRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    used = ", ".join(f"{name} {count(n)}" for name, n in record.evaluations.items())
    packages = ", ".join(f"{name} {v}" for name, v in record.versions.items())
    rows = [
        ("command", record.command),
        ("seed", str(record.seed)),
        ("calls of the reference", used),
        ("seconds", num(record.seconds)),
        ("versions", packages),
    ]
    return [(name, said) for name, said in rows if said]


def guard_summary(record: GuardRecord) -> list[str]:
    """The lines that the terminal prints."""
    say = narrator(record).text
    lines = [record.status.line]
    lines += [f"  {say(one)}" for one in promise(record)]
    head = ("rejected", *(f"{k} {say(fact(f'row-{name}'))}" for k, name in enumerate(CURVES, 1)))
    rows = [head, *curve_rows(record)]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines += ["  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    return [*lines, f"  {say(fact('cost', time=record.microseconds))}"]
