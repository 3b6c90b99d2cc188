"""The page of an audit of fields: its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supnorm.pages.field_maps import SAY, by_lead, colour_bar, patch, rising, spectrum, sup_map
from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.results import write_whole
from supnorm.results.duration import duration
from supnorm.results.fields import EventRecord, FieldsRecord, FieldVariableRecord
from supnorm.results.numbers import count, num, pretty_unit, ratio
from supnorm.wording import Fact, fact

CHIPS = {
    "within-tolerance": "proven",
    "tolerance-exceeded": "over",
    "missing-values": "over",
    "out-of-bounds": "over",
}


def write_fields_page(result: Any, path: Path | str) -> None:
    """Write the page of an audit of fields.

    Args:
        result: of `supnorm.audit_fields`, its record, or the dict of schema ``supnorm.fields/1``.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, fields_page(record_of(result, FieldsRecord)))


def fields_page(record: FieldsRecord) -> str:
    """The HTML text of the page."""
    code = record.status.code
    values = {
        "title": f"{record.title}: {code} – supnorm fields",
        "problem_title": record.title,
        "skip": "v0",
        "menu": [(f"v{i}", v.name) for i, v in enumerate(record.variables[:8])] + [("again", "Again")],
        "chip": CHIPS.get(code, "open"),
        "word": SAY.html(fact(f"chip-{code}")),
        "compared": SAY.html(_compared(record)),
        "headline": SAY.html(headline(record)),
        "advice": record.status.advice,
        "findings": [s.text for s in record.findings if "name" not in s.values],
        "variables": [_variable(i, v, _of(v.name, record)) for i, v in enumerate(record.variables)],
        "record": again(record),
    }
    return render("fields.html.j2", values)


def _compared(record: FieldsRecord) -> Fact:
    fields, points = (sum(getattr(v, name) for v in record.variables) for name in ("fields", "n"))
    return fact("compared", n=len(record.variables), fields=fields, points=points)


def headline(record: FieldsRecord) -> Fact:
    """The answer in one sentence: of a variable above its tolerance, or else of the one that stands out most."""

    def badness(v: FieldVariableRecord) -> tuple[bool, float]:
        over = v.tolerance is not None and v.compared_sup > v.tolerance
        return over, _ratio(v) if math.isfinite(_ratio(v)) else 0.0

    compared = [v for v in record.variables if v.sup.witness is not None]
    if not compared:
        return fact("nothing")
    worst = max(compared, key=badness)
    missing = sum(v.missing for v in record.variables)
    if not worst.compared_sup > 0:
        return fact("headline-same", missing=missing)
    more = {"ratio": _ratio(worst), **worst.ratio_of} if math.isfinite(_ratio(worst)) else {}
    unit = pretty_unit(worst.unit)
    return fact("headline", name=worst.name, error=worst.compared_sup, unit=unit, missing=missing, **more)


def _ratio(v: FieldVariableRecord) -> float:
    """The largest error over the RMS error of its lead time and level, the one measure of how much it stands out."""
    return math.nan if v.sup.witness is None else v.sup.witness.ratio


def at_words(at: Mapping[str, str | float]) -> str:
    """A place in words; a moment of data without lead times is a time, and not the init of a forecast."""
    return ", ".join(
        f"{'time' if name == 'init' and 'lead' not in at else name} {value if isinstance(value, str) else num(value, 6)}"
        for name, value in at.items()
    )


def _beside(at: Mapping[str, str | float]) -> Mapping[str, str | float]:
    """A place without the init and the lead time, which stand beside it."""
    return {name: value for name, value in at.items() if name not in ("init", "lead", "valid")}


def _of(name: str, record: FieldsRecord) -> list[str]:
    """The findings about a variable."""
    return [s.text for s in record.findings if s.values.get("name") == name]


def _variable(i: int, v: FieldVariableRecord, findings: list[str]) -> dict[str, Any]:
    exact = fact("exact", some=v.n > 0, missing=v.missing)
    whole = SAY.html(exact if v.fields == v.of else fact("part", done=v.fields, of=v.of))
    unit = pretty_unit(v.unit)
    resolved = v.spectrum is not None and v.spectrum.resolved is not None
    led = any(b.lead for b in v.first_bad)
    return {
        "id": f"v{i}",
        "name": v.name,
        "findings": findings,
        "rows": _numbers(v, unit),
        "whole": whole,
        "notes": v.notes,
        "map": two_sizes(sup_map, v),
        "bar": colour_bar(v),
        "map_what": SAY.html(fact("map-what", unit=unit, events=bool(v.events))),
        "events_what": SAY.html(_what_events(v)) if v.n else "",
        "radius": SAY.html(fact("radius")),
        "events": [(str(n + 1), *_event(e, unit)) for n, e in enumerate(v.events)],
        "patches": [
            (n + 1, at_words(e.peak.at), patch(e, rising(v))) for n, e in enumerate(v.events) if e.patch
        ],
        "leads": two_sizes(by_lead, v),
        "lead_rows": [_lead(r) for r in v.by_lead if len(v.by_lead) > 1],
        "levels": [(r.level, num(r.rms), num(r.sup), at_words(r.at)) for r in v.by_level],
        "quantiles": _quantiles(v) if v.n else [],
        "quantiles_what": SAY.html(fact("quantiles-what", weighed=v.grid.weights != "none")),
        "bad": [
            (b.init, b.lead, b.cause, at_words(_beside(b.at)), "" if b.points is None else count(b.points))
            for b in v.first_bad
        ],
        "bad_head": ("init" if led else "time", "lead time", "cause", "where", "points"),
        "bad_what": SAY.html(fact("bad-what", led=led, kappa=v.kappa, **v.ratio_of)),
        "spectrum": two_sizes(spectrum, v),
        "spectrum_what": "" if v.spectrum is None else SAY.html(
            fact("spectrum-what", fields=v.spectrum.fields),
            *([fact("resolved", k=v.spectrum.resolved)] if resolved else []),
        ),
    }  # fmt: skip


def _what_events(v: FieldVariableRecord) -> Fact:
    least = {"kappa": v.kappa, "threshold": v.threshold, "unit": pretty_unit(v.unit), **v.ratio_of}
    shown = len(v.events) if v.all_events > len(v.events) else 0
    return (
        fact("events-what", all=v.all_events, shown=shown, **least)
        if v.all_events
        else fact("events-none", **least)
    )


def _quantiles(v: FieldVariableRecord) -> list[tuple[str, str]]:
    ends = ((f"{100 * float(level):g} %", low, high) for level, (low, high) in v.quantiles.items())
    return [(share, f"{num(low, 4)} to {num(high, 4)}") for share, low, high in ends]


def _numbers(v: FieldVariableRecord, unit: str) -> list[tuple[str, str]]:
    def one(value: float, digits: int = 4) -> str:
        return f"{num(value, digits)} {unit}".strip()

    worst = v.sup.witness
    rows = [("largest error", _largest(v, unit))]
    if worst is not None:
        rows += [
            ("where", at_words(worst.at)),
            ("prediction there", one(worst.prediction, 6)),
            ("truth there", one(worst.truth, 6)),
        ]
        if math.isfinite(worst.ratio):
            rows.append((SAY.text(fact("ratio-row", **v.ratio_of)), ratio(worst.ratio)))
    rows += [("tolerance", one(v.tolerance))] if v.tolerance is not None else []
    rows += [("RMS error of all grid points", one(v.rms)), ("bias", one(v.bias))] if v.n else []
    if math.isfinite(v.gradient_ratio):
        rows.append(("RMS gradient of the error over that of the truth", num(v.gradient_ratio)))
    if v.missing or v.truth_missing:
        rows.append(("grid points where only the prediction has no value", count(v.missing)))
        rows.append(("grid points where only the truth has no value", count(v.truth_missing)))
    if v.bounds is not None:
        rows.append(
            (
                SAY.text(
                    fact("outside-row", low=v.bounds.low, high=v.bounds.high, usual=v.bounds.by == "usual")
                ),
                count(v.bounds.below + v.bounds.above),
            )
        )
    rows.append(("pairs of fields, grid points", f"{count(v.fields)}, {count(v.n)}"))
    rows.append(("grid", f"{count(v.grid.rows)} by {count(v.grid.columns)}, weights: {v.grid.weights}"))
    return rows


def _largest(v: FieldVariableRecord, unit: str) -> str:
    """The largest error; where the prediction lacks values, what it is elsewhere too."""
    compared = f"{num(v.compared_sup, 4)} {unit}".strip()
    if not v.missing:
        return "no value" if v.sup.witness is None else compared
    return "infinite" if v.sup.witness is None else f"infinite, else {compared}"


def _event(e: EventRecord, unit: str) -> tuple[str, ...]:
    moved = e.peak.moved
    points = "1 point" if e.points == 1 else f"{count(e.points)} points"
    size = points if e.area is None else f"{points}, {num(e.area, 2)} km²"
    return (
        f"{num(e.peak.error, 4)} {unit}".strip(),
        ratio(e.peak.ratio),
        at_words(e.peak.at),
        num(e.peak.prediction, 5),
        num(e.peak.truth, 5),
        ", ".join(num(left, 3) for left in e.peak.unexplained.values()),
        f"{moved.rows}, {moved.columns}" if moved is not None and moved.explains else "–",
        size,
    )


def _lead(r: Any) -> tuple[str, ...]:
    level = "–" if r.quantiles is None else num(r.quantiles["0.999"][1])
    return (
        r.lead,
        num(r.rms),
        level,
        num(r.sup),
        num(r.bias),
        num(r.prediction_mean, 6),
        num(r.truth_mean, 6),
    )


def again(record: FieldsRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    rows = [
        ("command", record.command),
        ("seconds", num(record.seconds)),
        (
            "bytes of both sides",
            f"{num(record.bytes / 1e9)} GB" if record.bytes > 1e8 else f"{num(record.bytes / 1e6)} MB",
        ),
        ("versions", ", ".join(f"{name} {v}" for name, v in record.versions.items())),
    ]
    return [(name, said) for name, said in rows if said]


def fields_summary(record: FieldsRecord) -> list[str]:
    """The lines that the terminal prints."""
    over = "over RMS of its lead time" if any(len(v.by_lead) > 1 for v in record.variables) else "over RMS"
    head = ("", "largest error", over, "RMS of all", "99.9 % level", "missing", "outside")
    rows = [head]
    for v in record.variables:
        unit = pretty_unit(v.unit)
        outside = "–" if v.bounds is None else count(v.bounds.below + v.bounds.above)
        times = ratio(_ratio(v)) if math.isfinite(_ratio(v)) else "–"
        level = num(v.quantiles["0.999"][1])
        rows.append(
            (
                v.name,
                _largest(v, unit),
                times,
                num(v.rms),
                level,
                count(v.missing),
                outside,
            )
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines = [record.status.line]
    for row in rows:
        cells = (f"{cell:>{widths[k]}}" if k else f"{cell:<{widths[k]}}" for k, cell in enumerate(row))
        lines.append("  " + "  ".join(cells))
    lines += [f"  {s.text}" for s in record.findings]
    notes = [(v.name, note) for v in record.variables for note in v.notes]
    return [
        *lines,
        *(f"  {name}: {note}" for name, note in notes),
        f"  {SAY.text(_compared(record))}, {duration(record.seconds)}",
    ]
