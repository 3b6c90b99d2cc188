"""Several models against one reference: one table, as a page and for the terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.points import known
from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import FAR, Scale, line, picture, rect, text
from supnorm.results import write_whole
from supnorm.results.compare import CompareRecord, RowRecord
from supnorm.results.numbers import ErrorUnit, num, pretty_unit, ratio
from supnorm.wording import Fact, Narrator, fact
from supnorm.wording.comparison import TEMPLATES

HEAD = ("model", "RMS", "99.9 % below", "worst found", "worst / RMS", "tolerance", "status", "at")


def _narrator(record: CompareRecord) -> Narrator:
    measure = record.measure
    return Narrator(TEMPLATES, ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output))


def ordered(record: CompareRecord) -> list[RowRecord]:
    """The rows, smallest worst error first; those without a value last."""
    return sorted(record.rows, key=lambda row: (math.isnan(row.worst), row.worst))


def table(record: CompareRecord) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the comparison, as text."""
    say = _narrator(record)
    return HEAD, [_row(row, say) for row in ordered(record)]


def _name(row: RowRecord) -> str:
    return row.title or row.model or "model"


def _row(row: RowRecord, say: Narrator) -> tuple[str, ...]:
    rms, worst, allowed, finite, unit = row.rms, row.worst, known(row.tolerance), row.finite, say.error
    at = ", ".join(f"{name} = {num(value, 4)}" for name, value in list((row.at or {}).items())[:4])
    infinite = math.isinf(rms)
    if infinite and finite is not None and finite.n > 0:  # "infinite" says nothing of the rest
        rms = finite.rms
    shown = fact("worst", worst=worst)
    if math.isinf(worst) and row.no_value > 0:
        largest = math.nan if finite is None else known(finite.worst)
        shown = fact("worst", worst=largest, no_value=row.no_value)
    return (
        _name(row),
        say.text(fact("rms", rms=rms, infinite=infinite and math.isfinite(rms))),
        say.text(fact("q999", q999=row.q999, known=not math.isnan(row.q999))),
        say.text(shown),
        ratio(worst / rms) if rms > 0 and math.isfinite(worst) else "–",
        unit(allowed) if not math.isnan(allowed) else "none",
        row.status.replace("-", " "),
        say.text(fact("at", row=row.row, at=at)),
    )


def sentence(record: CompareRecord) -> Fact:
    """The answer: which model has the smallest worst error, and whether the RMS orders them alike."""
    rows = [row for row in ordered(record) if not math.isnan(row.worst)]
    if not rows:
        return fact("no-model")
    first = rows[0]
    best = min((row for row in rows if row.rms >= 0), key=lambda row: row.rms, default=first)
    other = {} if best is first else {"other": _name(best), "other_worst": best.worst}
    also = len(rows) > 1 and best is first
    return fact("smallest-worst", worst=first.worst, name=_name(first), also=also, **other)


def _drawn(row: RowRecord) -> bool:
    """Whether a logarithmic axis has room for the worst error."""
    return 0 < row.worst < math.inf


def _left_out(record: CompareRecord) -> str:
    """Which models have no bar."""
    names = [fact("model", name=_name(row)) for row in ordered(record) if not _drawn(row)]
    return _narrator(record).text(fact("not-drawn", names=names)) if names else ""


def bars(record: CompareRecord, width: int) -> Markup:
    """For each model a line from its RMS to the worst error found, on one logarithmic axis."""
    unit = _narrator(record).error
    rows = [row for row in ordered(record) if _drawn(row)]
    values = [value for row in rows for value in (row.rms, row.worst, known(row.tolerance))]
    positive = [v for v in values if 0 < v < math.inf]
    if not positive:
        return Markup("")
    low, high = min(positive) / 1.6, max(positive) * 2.5
    scale = Scale(min(low, FAR / 10), min(high, FAR), 8, width - 8, log=True)
    parts = []
    for i, row in enumerate(rows):
        y = 30 + 44 * i
        low, high, allowed = row.rms, row.worst, known(row.tolerance)
        left = scale(low) if low > 0 else scale.start
        parts.append(text(8, y - 8, _name(row), "lb"))
        parts.append(rect(left, y, scale(high) - left, 8, "bad" if high > allowed else "hb"))
        if allowed > 0:
            parts.append(line(scale(allowed), y - 3, scale(allowed), y + 11, "s-tol"))
        parts.append(text(min(scale(high) + 6, width - 70), y + 8, unit(high), "rl"))
    base = 30 + 44 * len(rows)
    parts += [
        text(min(max(scale(v), 24.0), width - 24.0), base + 8, unit.bare(v), "tk", "middle")
        for v in scale.ticks(4 if width > 500 else 3)
    ]
    words = "From the RMS to the worst error found, logarithmic: "
    words += "; ".join(f"{_name(row)} {unit(row.rms)} to {unit(row.worst)}" for row in rows)
    return picture(width, base + 16, words, *parts)


def write_comparison(result: Any, path: Path | str) -> None:
    """Write the page of a comparison.

    Args:
        result: the record, or its JSON as a mapping.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, comparison_page(record_of(result, CompareRecord)))


def comparison_page(record: CompareRecord) -> str:
    """The HTML text of the page."""
    head, rows = table(record)
    folders = [row.folder for row in ordered(record)]
    name = record.reference or "one reference"
    values = {
        "title": f"{len(rows)} models against {name} – supnorm compare",
        "menu": [("models", "Models")],
        "skip": "models",
        "reference": name,
        "sentence": _narrator(record).html(sentence(record)),
        "head": head,
        "rows": list(zip(rows, folders, strict=True)),
        "left_out": _left_out(record),
        "bars": (bars(record, 860), bars(record, 342)),
    }
    return render("comparison.html.j2", values)
