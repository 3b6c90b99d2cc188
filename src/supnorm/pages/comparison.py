"""Several models against one reference: one table, as a page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.points import AxisView, known
from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import FAR, Scale, line, picture, rect, text
from supnorm.results import write_whole
from supnorm.results.compare import CompareRecord, RowRecord
from supnorm.results.numbers import ErrorUnit, count, exact, num, pretty_unit, ratio
from supnorm.wording import Fact, Narrator, fact, units_of
from supnorm.wording.comparison import TEMPLATES

NAMED = 10  # inputs of a point in the table

HEAD = ("model", "RMS", "99.9 % at most", "worst found", "worst / RMS", "tolerance", "status", "at")


def narrator(record: CompareRecord) -> Narrator:
    """What writes the sentences of a comparison, with its unit."""
    measure = record.measure
    unit = ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)
    return Narrator(TEMPLATES, unit, units_of(record.axes))


def ordered(record: CompareRecord) -> list[RowRecord]:
    """The rows, smallest worst error first; those without a value last."""
    return sorted(record.rows, key=lambda row: (math.isnan(row.worst), row.worst))


def table(record: CompareRecord) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the comparison, as text."""
    say = narrator(record)
    axes = {axis.name: AxisView.of(axis) for axis in record.axes}
    return HEAD, [_row(row, say, axes) for row in ordered(record)]


def _name(row: RowRecord) -> str:
    return row.title or row.model or "model"


def _row(row: RowRecord, say: Narrator, axes: Mapping[str, AxisView]) -> tuple[str, ...]:
    rms, worst, allowed, finite, unit = row.rms, row.worst, known(row.tolerance), row.finite, say.error
    inputs = [
        f"{name} = {axes[name].at(value) if name in axes else num(value, 4)}"
        for name, value in (row.at or {}).items()
    ]
    at = ", ".join(inputs[:NAMED]) + (f" and {len(inputs) - NAMED} more" if len(inputs) > NAMED else "")
    infinite = math.isinf(rms)
    if infinite and finite is not None and finite.n > 0:  # "infinite" says nothing of the rest
        rms = finite.rms
    doubts = {"doubt": row.recheck == "reference-fault", "unresolved": row.recheck == "unresolved"}
    shown = fact("worst", worst=worst, **doubts)
    if math.isinf(worst) and row.no_value > 0:
        largest = math.nan if finite is None else known(finite.worst)
        shown = fact("worst", worst=largest, no_value=row.no_value, **doubts)
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


def crossed(record: CompareRecord) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the errors of each model at the worst points of all, as text; none where nothing is known there."""
    say, rows = narrator(record), ordered(record)
    order = [record.rows.index(row) for row in rows]
    if not all(len(row.there) == len(rows) for row in rows) or len(rows) < 2:
        return (), []
    cells = [
        (
            _name(row),
            *(
                say.text(fact("there", error=e, known=not math.isnan(e)))
                for e in (row.there[j] for j in order)
            ),
        )
        for row in rows
    ]
    return tuple(_name(row) for row in rows), cells


def crossed_words(record: CompareRecord) -> str:
    """What the table of these errors shows."""
    return narrator(record).text(fact("crossed"))


def above(record: CompareRecord) -> list[list[bool]]:
    """Which of these errors are above the tolerance of the model."""
    rows = ordered(record)
    order = [record.rows.index(row) for row in rows]
    return [[row.there[j] > known(row.tolerance) for j in order] for row in rows if row.there]


def missed(record: CompareRecord) -> list[Fact]:
    """Which models have their worst error at a point that the search of another model found."""
    rows = [row for row in ordered(record) if row.found_by]
    return [fact("found-by", name=_name(row), worst=row.worst, other=row.found_by) for row in rows]


def doubts(record: CompareRecord) -> list[Fact]:
    """Of which models the second reference does not confirm the worst error, and the largest one that it confirms."""
    facts = []
    for row in ordered(record):
        values: dict[str, Any] = {"name": _name(row), "confirmed": None}
        if (sure := row.confirmed) is not None:
            above = sure.error > known(row.tolerance)
            values |= {"confirmed": sure.error, "at": sure.at, "row": sure.row, "above": above}
        if row.recheck == "reference-fault":
            facts.append(fact("reference-fault", **values))
        elif row.recheck == "unresolved" and row.status == "unresolved":
            facts.append(fact("jump-unresolved", **values))
        elif row.recheck == "unresolved" and row.worst > known(row.tolerance):
            facts.append(fact("exceeded-unresolved", **values))
    return facts


def absent(record: CompareRecord) -> list[Fact]:
    """Which models have no row, and why."""
    names = [fact("model", name=name) for name in record.left_out]
    facts = [fact("refused", name=name, why=why) for name, why in record.refused.items()]
    return [*facts, *([fact("left-out", names=names)] if names else [])]


APART = (
    "form",
    "other form",
    "largest difference",
    "output",
    "value",
    "other value",
    "at",
    "points compared",
)


def apart(record: CompareRecord) -> list[tuple[str, ...]]:
    """Rows of the forms of one model, two by two; none where models were compared."""
    axes = {axis.name: AxisView.of(axis) for axis in record.axes}
    rows: list[tuple[str, ...]] = []
    for pair in record.differences:
        at = [f"{name} = {axes[name].at(v) if name in axes else num(v, 4)}" for name, v in pair.at.items()]
        more = [f"and {len(at) - NAMED} more"] if len(at) > NAMED else []
        values = (exact(pair.first_value), exact(pair.second_value))
        rows.append(
            (
                *(pair.first, pair.second, num(pair.worst), pair.output, *values),
                ", ".join([*at[:NAMED], *more]),
                count(pair.evaluations),
            )
        )
    return rows


def sentence(record: CompareRecord) -> Fact:
    """The answer: which model has the smallest worst error, and whether the RMS orders them alike."""
    rows = [row for row in ordered(record) if not math.isnan(row.worst)]
    if not rows:
        return fact("no-model")
    first = rows[0]
    best = min((row for row in rows if row.rms >= 0), key=lambda row: row.rms, default=first)
    other = {} if best is first else {"other": _name(best), "other_worst": best.worst}
    also = len(rows) > 1 and best is first
    doubted = [fact("model", name=_name(row)) for row in rows if row.recheck == "reference-fault"]
    return fact("smallest-worst", worst=first.worst, name=_name(first), also=also, doubted=doubted, **other)


def _drawn(row: RowRecord) -> bool:
    """Whether a logarithmic axis has room for the worst error."""
    return 0 < row.worst < math.inf


def _left_out(record: CompareRecord) -> str:
    """Which models have no bar."""
    names = [fact("model", name=_name(row)) for row in ordered(record) if not _drawn(row)]
    return narrator(record).text(fact("not-drawn", names=names)) if names else ""


def bars(record: CompareRecord, width: int) -> Markup:
    """For each model a line from its RMS to the worst error found, on one logarithmic axis."""
    unit = narrator(record).error
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
        parts.append(text(8, y - 8, f"{_name(row)}: {unit(high)}", "lb"))
        parts.append(rect(left, y, scale(high) - left, 8, "bad" if high > allowed else "hb"))
        if allowed > 0:
            parts.append(line(scale(allowed), y - 3, scale(allowed), y + 11, "s-tol"))
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
    name, say = record.reference or "one reference", narrator(record)
    forms = bool(record.differences or record.remarks)
    values = {
        "title": ": ".join(
            filter(None, (record.title, say.text(fact("title", n=len(rows), forms=forms, reference=name))))
        ),
        "menu": [
            ("models", "Models"),
            *([("apart", "Forms")] if record.differences else []),
            *([("crossed", "Worst points")] if crossed(record)[1] else []),
        ],
        "skip": "models",
        "problem": record.title,
        "reference": name,
        "sentence": say.html(sentence(record)),
        "head": head,
        "rows": list(zip(rows, folders, strict=True)),
        "counted": say.text(fact("counted", n=len(rows), forms=forms)),
        "remarks": [remark.text for remark in record.remarks],
        "apart": (APART, apart(record)),
        "crossed": crossed(record),
        "above": above(record),
        "crossed_words": crossed_words(record),
        "missed": [say.html(one) for one in (*absent(record), *missed(record), *doubts(record))],
        "left_out": _left_out(record),
        "bars": (bars(record, 860), bars(record, 342)),
    }
    return render("comparison.html.j2", values)
