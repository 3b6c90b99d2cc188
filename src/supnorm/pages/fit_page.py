"""The page of a fit: its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.pages.time_chart import rows as chart_rows
from supnorm.results import rounded_up, write_whole
from supnorm.results.fit import CandidateRecord, FitRecord
from supnorm.results.numbers import ErrorUnit, count, literal, num, pretty_unit, with_unit
from supnorm.results.parts import MeasureRecord
from supnorm.wording import Fact, Narrator, fact, units_of
from supnorm.wording.fit_page import TEMPLATES

CHIPS = {"tolerance-exceeded": "over"}  # what is not proved stays open
# A proof without a tolerance ends at 1.1 times what was found (`certify --ratio`): from twice on it is no close bound.
LOOSE = 2.0
COUNTS = {  # what the keys of `evaluations` mean; others are words
    "fit": "for fitting",
    "fresh": "at fresh points",
    "audit": "in the audit",
    "loop audits": "audits while fitting",
    "choose": "to choose",
    "train": "to train",
}


def write_fit_page(result: Any, path: Path | str, audit_page: str = "") -> None:
    """Write the page of a fit.

    Args:
        result: of `supnorm.fit`, its record, or the dict of schema ``supnorm.fit/1``.
        path: of the HTML file; it appears whole or not at all.
        audit_page: link to the page of the winner's audit, if it was written.
    """
    write_whole(path, fit_page(record_of(result, FitRecord), audit_page))


def fit_page(record: FitRecord, audit_page: str = "") -> str:
    """The HTML text of the page."""
    winner, norm = record.winner, record.norm
    code, proved, say = record.status.code, _proved(record), narrator(record).html
    audit = record.audit
    chart = two_sizes(time_chart, record)
    menu = [("methods", "Methods"), *([("time", "Error and time")] if chart[0] else []), ("winner", "Winner"),
            ("proof", "Proof"), ("again", "Again")]  # fmt: skip
    advice = (_ended(record.status.advice), errors_are(record.measure))
    values = {
        "title": f"{record.title or winner.method}: {code} – supnorm fit",
        "problem_title": record.title, "skip": "methods", "menu": menu,
        "chip": "proven" if proved else CHIPS.get(code, "open"), "word": say(_word(record)),
        "tolerance": say(fact("asked", tolerance=record.tolerance)), "norm": say(fact("norm", l2=norm == "l2")),
        "headline": say(headline(record)),
        "advice": " ".join(filter(None, advice)), "notes": record.notes,
        "head": ("", "method", *(f"{name}{_in_unit(record)}" for name in ("RMS", "worst error found", "proved bound")),
                 "parameters", "samples", "seconds", "bytes", "time a point"),
        "ranked": ranked(record), "rows": candidate_rows(record), "skipped": record.skipped, "fixed": audit is None,
        "early": audit is None and bool(record.evaluations.get("fit")),
        "chart": chart, "use": use(record),
        "chart_head": ("method", "processor seconds", "error / RMS error of the mean"),
        "chart_rows": chart_rows(series(record)), "facts": winner_facts(record), "audit_page": audit_page,
        "proof": say(proof(record)), "record": again(record),
    }  # fmt: skip
    return render("fit.html.j2", values)


def headline(record: FitRecord) -> Fact:
    """The answer in one sentence."""
    winner, l2 = record.winner, record.norm == "l2"
    if _proved(record):
        return fact("take-proved", method=winner.method, upper=winner.sup.upper)
    value = winner.rms if l2 else winner.sup.lower
    exceeded = record.status.code == "tolerance-exceeded"
    return fact("take-none" if exceeded else "take", method=winner.method, l2=l2, value=value)


def unit_of(record: FitRecord) -> ErrorUnit:
    """How the errors of a fit are written."""
    measure = record.measure
    return ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)


def narrator(record: FitRecord) -> Narrator:
    """What writes the facts of a fit."""
    return Narrator(TEMPLATES, unit_of(record))


def _in_unit(record: FitRecord) -> str:
    unit = unit_of(record).suffix.strip()
    return f", {unit}" if unit not in ("", "%") else ""  # a percent sign stands behind each number


def errors_are(measure: MeasureRecord) -> str:
    """What kind of errors a fit shows, in a sentence; empty for absolute ones without a unit.

    >>> kind = {"kind": "relative", "floor": 0.001, "side": "both", "scale": None, "unit": ""}
    >>> errors_are(MeasureRecord(**kind, per_output=False, failures="error"))
    'Errors are relative: shares of the reference, of 0.001 where it is smaller.'
    """
    facts = []
    if measure.per_output:
        facts.append(fact("errors-multiples"))
    elif measure.kind == "relative":
        facts.append(fact("errors-relative", floor=measure.floor or None))
    elif measure.kind in ("scaled", "function"):
        facts.append(fact("errors-scaled" if measure.kind == "scaled" else "errors-function"))
    elif unit := pretty_unit(measure.unit):
        facts.append(fact("errors-in-unit", unit=unit))
    if measure.side != "both":
        facts.append(fact("errors-one-side", over=measure.side == "over"))
    return Narrator(TEMPLATES).text(*facts)


def candidate_rows(record: FitRecord) -> list[tuple[str, ...]]:
    """One row for each candidate, best first, numbered as in the chart."""
    rows: list[tuple[str, ...]] = []
    unit = unit_of(record)

    def error(value: float) -> str:
        return unit.bare(value) if math.isfinite(value) else num(value)

    for i, c in enumerate(record.candidates):
        upper = _upper(c)
        bound = "–" if math.isnan(upper) else error(rounded_up(upper, 3))
        sizes = (count(c.parameters), count(c.samples), num(c.seconds), count(c.bytes))
        latency = f"{num(1e6 * c.seconds_per_point)} µs"
        rows.append((str(i + 1), c.method, error(c.rms), error(c.sup.lower), bound, *sizes, latency))
    return rows


def series(record: FitRecord) -> list[Series]:
    """Every candidate with its training record, ending in its error on fresh points."""
    found = []
    for i, c in enumerate(record.candidates):
        end = max(c.seconds, c.trail[-1][0]) if c.trail else c.seconds
        points = (*c.trail, (end, c.relative_rms))
        found.append(Series(f"{i + 1} {_short(c.method)}", str(i + 1), points, chosen=i == 0))
    return found


def time_chart(record: FitRecord, width: int) -> Markup:
    """Relative error over processor seconds; the tolerance where it is one for the root mean square. One dot is no chart."""
    if sum(len(one.points) for one in series(record)) < 2:
        return Markup("")
    winner, tolerance = record.winner, math.nan
    if record.norm == "l2" and winner.rms > 0:
        tolerance = _goal(record) * winner.relative_rms / winner.rms
    return error_over_time(
        series(record), width, "RMS error / RMS error of the mean taken as a model", tolerance, 340
    )


def winner_facts(record: FitRecord) -> list[tuple[str, str]]:
    """What is known about the winner."""
    winner, audit, say = record.winner, record.audit, narrator(record).text
    worst = fact("worst", worst=winner.sup.lower, audit=audit is not None)
    rows = [("RMS error", say(fact("rms", rms=winner.rms))), ("worst error", say(worst))]
    if audit and audit.witness:
        units = units_of(audit.axes)
        where = (f"{name} = {with_unit(v, units.get(name, ''), 6)}" for name, v in audit.witness.x.items())
        rows.append(("found at", ", ".join(where)))
    for level, value in audit.quantiles.items() if audit else ():
        if value is not None:  # the points are too few for it
            rows.append((say(fact("level", share=float(level))), say(fact("at-most", error=value))))
    return [*rows, ("notes", "; ".join(winner.notes))] if winner.notes else rows


def use(record: FitRecord) -> str:
    """Lines of Python that call the fitted model; empty where it was not saved, or its inputs are not known."""
    if record.winner.file is None or record.audit is None or record.audit.witness is None:
        return ""
    at = record.audit.witness.x
    x = ", ".join(literal(value, 6) for value in at.values())
    return (
        "import supnorm as sn\n\n"
        f'model = sn.load_function("{record.winner.file}")\n'
        f"model([[{x}]])  # {', '.join(at)}"
    )


def proof(record: FitRecord) -> Fact:
    """What is proved, in a sentence."""
    sup = record.winner.sup
    if record.certificate is None:
        return fact("proof-none")
    if sup.upper is None:
        return fact("proof-failed")
    # A bound far above what was found looks like a poor fit; it is where the tolerance let the proof end.
    loose = record.status.code == "within-tolerance" and sup.upper > LOOSE * sup.lower
    return fact("proof", lower=sup.lower, upper=sup.upper, kind=sup.upper_kind.replace("-", " "), loose=loose)


def again(record: FitRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    used = ", ".join(f"{COUNTS.get(name, name)} {count(n)}" for name, n in record.evaluations.items())
    packages = ", ".join(f"{name} {v}" for name, v in record.versions.items())
    rows = [
        ("command", record.command),
        ("seed", str(record.seed)),
        ("evaluations", used),
        ("a call counts as", f"{record.cost.class_}, {record.cost.by}" if record.cost else ""),
        ("seconds", num(record.seconds)),
        ("versions", packages),
    ]
    return [(name, said) for name, said in rows if said]


def ranked(record: FitRecord) -> str:
    """By what the candidates are ranked, in a sentence; empty for a single one."""
    if len(record.candidates) < 2:
        return ""
    counts, l2 = record.evaluations, record.norm == "l2"
    if "choose" in counts:
        found = fact("ranked-samples", l2=l2, choose=counts["choose"], held=counts["held-out"])
    else:
        found = fact("ranked-points", l2=l2)
    return Narrator(TEMPLATES).text(found)


def _proved(record: FitRecord) -> bool:
    return _upper(record.winner) <= _goal(record)


def _upper(candidate: CandidateRecord) -> float:
    """The proved bound; NaN where there is none."""
    return math.nan if candidate.sup.upper is None else candidate.sup.upper


def _goal(record: FitRecord) -> float:
    return math.nan if record.tolerance is None else record.tolerance


def _word(record: FitRecord) -> Fact:
    code = f"chip-{record.status.code}"
    return fact("chip-proved" if _proved(record) else code if code in TEMPLATES else "chip-no-tolerance")


def _ended(text: str) -> str:
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _short(method: str) -> str:
    """
    >>> _short("polynomial of total degree 17")
    'polynomial of total deg…'
    """
    return method if len(method) <= 24 else method[:23] + "…"
