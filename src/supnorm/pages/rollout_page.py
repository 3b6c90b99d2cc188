"""The page of a roll-out: its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.rollout_maps import maps
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.results import write_whole
from supnorm.results.numbers import count, num, percent
from supnorm.results.parts import Fact
from supnorm.results.rollout import RolloutRecord, StepRecord, VariableRecord
from supnorm.wording import Narrator, fact
from supnorm.wording.rollout import TEMPLATES

CHIPS = {
    "tolerance-exceeded": "over",
    "not-finite": "over",
    "bounds-violated": "over",
    "reference-failed": "over",
}
MOST = 8  # steps in the table of errors, for each variable
LINES = 4  # variables in the chart; two lines each


def write_rollout_page(result: Any, path: Path | str) -> None:
    """Write the page of a roll-out.

    Args:
        result: of `supnorm.audit_rollout`, its record, or the dict of schema ``supnorm.rollout/1``.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, rollout_page(record_of(result, RolloutRecord)))


def rollout_page(record: RolloutRecord) -> str:
    """The HTML text of the page."""
    say, code = narrator().html, record.status.code
    menu = [
        ("errors", "Errors"),
        ("first", "First"),
        ("totals", "Totals"),
        ("maps", "Maps"),
        ("runs", "Runs"),
    ]
    values = {
        "title": f"{record.title or 'model'}: {code} – supnorm rollout",
        "problem_title": record.title,
        "skip": "errors",
        "menu": [*menu, ("again", "Again")],
        "chip": CHIPS.get(code, "open"),
        "word": say(fact(f"chip-{code}")),
        "what": say(fact("what", runs=record.runs, done=record.done, steps=record.steps)),
        "headline": say(headline(record)),
        "advice": record.status.advice,
        "chart": two_sizes(chart, record),
        "chart_what": say(fact("chart-what")),
        "error_head": (
            "variable",
            "step",
            "largest error",
            "RMS error",
            *_levels(record),
            "range of the reference",
        ),
        "error_rows": error_rows(record),
        "first": [
            (say(fact(f"kind-{one.kind}")), say(*first(record, k))) for k, one in enumerate(record.first)
        ],
        "total_head": (
            "total",
            "at the start",
            "change, model",
            "change, reference",
            "largest difference",
            "at step",
        ),
        "total_rows": total_rows(record),
        "totals_what": say(fact("totals-what")),
        "maps": [
            (one.name, say(where(one)), *(maps(one) if one.map else ("", ""))) for one in record.variables
        ],
        "maps_none": "" if any(one.map for one in record.variables) else say(fact("maps-none")),
        "guard": say(*guard(record)),
        "run_head": ("initial state", "steps", "ended", "variable", "largest error", "at step"),
        "run_rows": run_rows(record),
        "record": again(record),
    }
    return render("rollout.html.j2", values)


def narrator() -> Narrator:
    """What writes the facts of a roll-out."""
    return Narrator(TEMPLATES)


def _levels(record: RolloutRecord) -> tuple[str, ...]:
    return tuple(f"{percent(level, 4)}" for level in record.levels)


def foremost(record: RolloutRecord) -> VariableRecord | None:
    """The variable whose largest finite error is largest beside the range of the reference."""
    seen = [one for one in record.variables if one.worst_finite is not None]
    return max(seen, key=_beside_range, default=None)


def _beside_range(one: VariableRecord) -> float:
    error = one.worst_finite.error if one.worst_finite else 0.0
    return error / one.range if one.range > 0 else math.inf if error > 0 else 0.0


def headline(record: RolloutRecord) -> Fact:
    """The answer in one sentence."""
    for first in record.first:
        if first.kind in ("failed", "not-finite"):
            return fact(
                f"headline-{first.kind}", step=first.peak.step, steps=record.steps, variable=first.variable
            )
    one = foremost(record)
    if one is None or one.worst_finite is None:
        return fact("headline-nothing")
    ratio = one.worst_finite.error / one.range if one.range > 0 else math.nan
    return fact(
        "headline",
        variable=one.name,
        error=one.worst_finite.error,
        step=one.worst_finite.step,
        ratio=ratio,
        range=one.range,
        times=ratio >= 1,
    )


def where(one: VariableRecord) -> Fact:
    """Where the largest finite error of a variable is."""
    peak = one.worst_finite
    if peak is None:
        return fact("where-none", variable=one.name)
    if peak.error == 0:
        return fact("where-exact", variable=one.name)
    return fact(
        "where",
        variable=one.name,
        error=peak.error,
        run=peak.run,
        step=peak.step,
        at=dict(peak.at),
        model=peak.model,
        reference=peak.reference,
        rms=one.rms,
        range=one.range,
    )


def first(record: RolloutRecord, k: int) -> list[Fact]:
    """When something went wrong first, and where it began."""
    one = record.first[k]
    peak, origin = one.peak, one.origin
    values = {
        "step": peak.step,
        "run": peak.run,
        "variable": one.variable,
        "at": dict(peak.at),
        "model": peak.model,
        "reference": peak.reference,
        "error": peak.error,
        "cells": one.cells,
        "runs": one.runs,
        "many": record.runs > 1,
    }
    made = [
        fact("first-failed", message=one.message, **values)
        if one.kind == "failed"
        else fact("first", **values)
    ]
    if origin.step < peak.step:
        made.append(fact("origin", step=origin.step, at=dict(origin.at), error=origin.error))
    return made


def chart(record: RolloutRecord, width: int) -> Markup:
    """Largest and RMS error by step."""
    say, lines = narrator().text, []
    order = sorted(record.variables, key=_beside_range, reverse=True)[:LINES]
    for one in order:
        rows = [row for row in record.by_step if row.variable == one.name]
        for kind in ("sup", "rms"):
            points = tuple((float(row.step), float(getattr(row, kind))) for row in rows)
            name = say(fact(f"line-{kind}", variable=one.name))
            lines.append(Series(name, _short(one.name, kind, len(order)), points, kind == "sup"))
    tolerances = {one.tolerance for one in record.variables}
    tolerance = next(iter(tolerances)) if len(tolerances) == 1 else None
    return error_over_time(
        lines, width, say(fact("chart-axis")), math.nan if tolerance is None else tolerance, 320, "step"
    )


def _short(variable: str, kind: str, lines: int) -> str:
    """The name of a line where the chart is narrow."""
    name = variable if len(variable) <= 7 else f"{variable[:6]}…"
    if lines == 1:
        return "largest" if kind == "sup" else "RMS"
    return name if kind == "sup" else f"{name[:3]} RMS"


def error_rows(record: RolloutRecord, most: int = MOST) -> list[tuple[str, ...]]:
    """Some steps as text, at growing distances."""
    shown = record.shown
    picked = (
        {shown[min(round(len(shown) ** (k / (most - 1))) - 1, len(shown) - 1)] for k in range(most)}
        if shown
        else set()
    )
    rows = []
    for one in record.variables:
        for row in record.by_step:
            if row.variable == one.name and row.step in picked:
                rows.append(_row(row))
    return rows


def _row(row: StepRecord) -> tuple[str, ...]:
    numbers = (row.sup, row.rms, *row.quantiles, row.high - row.low)
    return (row.variable, count(row.step), *map(num, numbers))


def total_rows(record: RolloutRecord) -> list[tuple[str, ...]]:
    """How totals drift."""
    return [
        (t.name, num(t.initial, 6), num(t.model), num(t.reference), num(t.largest), count(t.step))
        for t in record.totals
    ]


def guard(record: RolloutRecord) -> list[Fact]:
    """What the guard did."""
    one = record.guard
    if one is None:
        return [fact("guard-none")]
    return [
        fact(
            "guard",
            flagged=one.flagged,
            largest=one.largest,
            fallback=one.fallback,
            taken=one.fallbacks,
        )
    ]


def run_rows(record: RolloutRecord) -> list[tuple[str, ...]]:
    """The initial states."""
    return [
        (count(r.run), count(r.steps), r.ended, r.variable, num(r.error), count(r.step))
        for r in record.by_run[:50]
    ]


def again(record: RolloutRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    packages = ", ".join(f"{name} {v}" for name, v in record.versions.items())
    rows = [
        ("command", record.command),
        ("milliseconds a step", ", ".join(f"{k} {num(v)}" for k, v in record.milliseconds.items())),
        ("seconds", num(record.seconds)),
        ("versions", packages),
    ]
    return [(name, words) for name, words in rows if words]


def rollout_summary(record: RolloutRecord) -> list[str]:
    """The lines that the terminal prints."""
    say = narrator().text
    lines = [record.status.line, f"  {say(headline(record))}"]
    lines += [f"  {say(where(one))}" for one in record.variables[:LINES] if one.worst_finite is not None]
    for k, one in enumerate(record.first):
        lines.append(f"  {say(fact(f'kind-{one.kind}'))}: {say(*first(record, k))}")
    lines += [
        "  "
        + say(
            fact("total", name=t.name, model=t.model, reference=t.reference, largest=t.largest, step=t.step)
        )
        for t in record.totals
    ]
    if record.guard:
        lines.append(f"  {say(*guard(record))}")
    return lines
