"""Several models against one reference: one table, as a page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.rendering import render
from supnorm.pages.svg import FAR, Scale, line, picture, rect, text
from supnorm.pages.view import number
from supnorm.results import write_whole
from supnorm.results.numbers import ErrorUnit, count, num, ratio

HEAD = ("model", "RMS", "99.9 % below", "worst found", "worst / RMS", "tolerance", "status", "at")


def _unit(data: Mapping[str, Any]) -> ErrorUnit:
    measure = data.get("measure") or {}
    return ErrorUnit(
        str(measure.get("kind") or "absolute"),
        str(measure.get("unit") or ""),
        bool(measure.get("per_output")),
    )


def ordered(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows, smallest worst error first; those without a value last."""
    rows = [r for r in data.get("rows") or [] if isinstance(r, Mapping)]
    return sorted(rows, key=lambda r: (math.isnan(number(r.get("worst"))), number(r.get("worst"))))


def table(data: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the comparison, as text."""
    unit = _unit(data)
    return HEAD, [_row(r, unit) for r in ordered(data)]


def _row(raw: Mapping[str, Any], unit: ErrorUnit) -> tuple[str, ...]:
    rms, q, worst, allowed = (number(raw.get(k)) for k in ("rms", "q999", "worst", "tolerance"))
    at = ", ".join(f"{k} = {num(number(v), 4)}" for k, v in list((raw.get("at") or {}).items())[:4])
    if raw.get("row"):
        at = f"row {count(raw['row'])}: {at}"
    status = raw.get("status")
    code = status.get("code") if isinstance(status, Mapping) else status
    finite = raw.get("finite") or {}
    if math.isinf(rms) and number(finite.get("n")) > 0:  # "infinite" says nothing of the rest
        rms = number(finite.get("rms"))
    shown = unit(worst)
    if math.isinf(worst) and number(raw.get("no_value")) > 0:
        shown = (
            f"no value at {num(number(raw.get('no_value')))} points; else {unit(number(finite.get('worst')))}"
        )
    return (
        str(raw.get("title") or raw.get("model") or "model"),
        unit(rms),
        "not known" if math.isnan(q) else unit(q),
        shown,
        ratio(worst / rms) if rms > 0 and math.isfinite(worst) else "–",
        unit(allowed) if not math.isnan(allowed) else "none",
        str(code or "").replace("-", " "),
        at,
    )


def sentence(data: Mapping[str, Any]) -> str:
    """The answer: which model has the smallest worst error, and whether the RMS orders them alike."""
    rows = [r for r in ordered(data) if not math.isnan(number(r.get("worst")))]
    if not rows:
        return "No model could be evaluated."
    unit, first = _unit(data), rows[0]
    name = str(first.get("title") or "model")
    words = f"The smallest worst error found is {unit(number(first.get('worst')))}, by {name}."
    typical = [r for r in rows if number(r.get("rms")) >= 0]
    best = min(typical, key=lambda r: number(r.get("rms")), default=first)
    if len(rows) > 1 and best is not first:
        other = f"{best.get('title')} (worst found {unit(number(best.get('worst')))})"
        words += f" By the RMS alone one would have chosen {other}."
    elif len(rows) > 1:
        words += " It also has the smallest RMS."
    return words


def bars(data: Mapping[str, Any], width: int) -> Markup:
    """For each model a line from its RMS to the worst error found, on one logarithmic axis."""
    unit = _unit(data)
    rows = [r for r in ordered(data) if 0 < number(r.get("worst")) < math.inf]
    values = [number(r.get(k)) for r in rows for k in ("rms", "worst", "tolerance")]
    positive = [v for v in values if 0 < v < math.inf]
    if not positive:
        return Markup("")
    low, high = min(positive) / 1.6, max(positive) * 2.5
    scale = Scale(min(low, FAR / 10), min(high, FAR), 8, width - 8, log=True)
    parts = []
    for i, row in enumerate(rows):
        y = 30 + 44 * i
        low, high, allowed = (number(row.get(k)) for k in ("rms", "worst", "tolerance"))
        left = scale(low) if low > 0 else scale.start
        parts.append(text(8, y - 8, str(row.get("title") or "model"), "lb"))
        parts.append(rect(left, y, scale(high) - left, 8, "bad" if high > allowed else "hb"))
        if allowed > 0:
            parts.append(line(scale(allowed), y - 3, scale(allowed), y + 11, "s-tol"))
        parts.append(text(min(scale(high) + 6, width - 70), y + 8, unit(high), "rl"))
    base = 30 + 44 * len(rows)
    parts += [
        text(min(max(scale(v), 24.0), width - 24.0), base + 8, unit.bare(v), "tk", "middle")
        for v in scale.ticks(4 if width > 500 else 3)
    ]
    said = "From the RMS to the worst error found, logarithmic: "
    said += "; ".join(
        f"{r.get('title')} {unit(number(r.get('rms')))} to {unit(number(r.get('worst')))}" for r in rows
    )
    return picture(width, base + 16, said, *parts)


def write_comparison(result: Any, path: Path | str) -> None:
    """Write the page of a comparison.

    Args:
        result: the dict of schema ``supnorm.compare/1``, or an object whose ``to_json()`` returns it.
        path: of the HTML file; it appears whole or not at all.
    """
    data = result if isinstance(result, Mapping) else result.to_json()
    reference = data.get("reference")
    name = reference.get("name") if isinstance(reference, Mapping) else reference
    head, rows = table(data)
    folders = [str(r.get("folder") or "") for r in ordered(data)]
    values = {
        "title": f"{len(rows)} models against {name or 'one reference'} – supnorm compare",
        "menu": [("models", "Models")],
        "skip": "models",
        "reference": name or "one reference",
        "sentence": sentence(data),
        "head": head,
        "rows": list(zip(rows, folders, strict=True)),
        "bars": (bars(data, 860), bars(data, 342)),
    }
    write_whole(path, render("comparison.html.j2", values))
