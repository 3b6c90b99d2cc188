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
from supnorm.results import rounded_down, rounded_up, write_whole
from supnorm.results.fit import CandidateRecord, FitRecord
from supnorm.results.numbers import ErrorUnit, count, num, pretty_unit
from supnorm.results.parts import MeasureRecord

CHIPS = {"tolerance-exceeded": "over"}  # what is not proved stays open
NORMS = {"sup": "largest error", "l2": "root mean square error"}


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
    code, proved = record.status.code, _proved(record)
    audit = record.audit
    menu = [("methods", "Methods"), ("time", "Error and time"), ("winner", "Winner"), ("proof", "Proof"),
            ("again", "Again")]  # fmt: skip
    advice = (_ended(record.status.advice), errors_are(record.measure))
    values = {
        "title": f"{record.title or winner.method}: {code} – supnorm fit",
        "problem_title": record.title, "skip": "methods", "menu": menu,
        "chip": "proven" if proved else CHIPS.get(code, "open"), "word": _word(code, proved),
        "tolerance": _tolerance(record), "norm": NORMS.get(norm, norm), "headline": headline(record),
        "advice": " ".join(filter(None, advice)), "notes": record.notes,
        "head": ("", "method", *(f"{name}{_in_unit(record)}" for name in ("RMS", "worst error found", "proved bound")),
                 "parameters", "samples", "seconds", "bytes", "time a point"),
        "rows": candidate_rows(record), "skipped": record.skipped, "fixed": audit is None,
        "early": audit is None and bool(record.evaluations.get("fit")),
        "chart": two_sizes(time_chart, record),
        "chart_head": ("method", "processor seconds", "error / RMS error of the mean"),
        "chart_rows": chart_rows(series(record)), "facts": winner_facts(record), "audit_page": audit_page,
        "proof": proof(record), "record": again(record),
    }  # fmt: skip
    return render("fit.html.j2", values)


def headline(record: FitRecord) -> str:
    """The answer in one sentence."""
    winner, norm = record.winner, record.norm
    error = unit_of(record)
    value = error(winner.rms if norm == "l2" else winner.sup.lower)
    what = NORMS.get(norm, norm) + (" found" if norm == "sup" else "")
    if _proved(record):
        upper = error(rounded_up(_upper(winner), 3))
        return f"Take {winner.method}: its error is proved to be nowhere above {upper}."
    if record.status.code == "tolerance-exceeded":
        return f"No method reached the tolerance; the best, {winner.method}, has a {what} of {value}."
    return f"Take {winner.method}: its {what} is {value}."


def unit_of(record: FitRecord) -> ErrorUnit:
    """How the errors of a fit are written."""
    measure = record.measure
    return ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)


def _in_unit(record: FitRecord) -> str:
    unit = unit_of(record).suffix.strip()
    return f", {unit}" if unit not in ("", "%") else ""  # a percent sign stands behind each number


def errors_are(measure: MeasureRecord) -> str:
    """What kind of errors a fit shows, in a sentence; empty for absolute ones without a unit.

    >>> kind = {"kind": "relative", "floor": 0.001, "side": "both", "scale": None, "unit": ""}
    >>> errors_are(MeasureRecord(**kind, per_output=False, failures="error"))
    'Errors are relative: shares of the reference, of 0.001 where it is smaller.'
    """
    kind, unit, floor = measure.kind, measure.unit, measure.floor or 0.0
    said = f"Errors are in {unit}." if unit else ""
    if kind == "relative":
        said = "Errors are relative: shares of the reference" + (
            f", of {num(floor)} where it is smaller." if floor > 0 else "."
        )
    elif kind == "scaled":
        said = "Errors are divided by the scale of each output."
    elif kind == "function":
        said = "Errors are those of the problem’s own function."
    if measure.per_output:
        said = "Errors are multiples of each output’s tolerance."
    only = {"over": "Only overestimates count.", "under": "Only underestimates count."}.get(measure.side)
    return " ".join(filter(None, (said, only)))


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
    """Relative error over processor seconds; the tolerance where it is one for the root mean square."""
    winner, tolerance = record.winner, math.nan
    if record.norm == "l2" and winner.rms > 0:
        tolerance = _goal(record) * winner.relative_rms / winner.rms
    return error_over_time(
        series(record), width, "RMS error / RMS error of the mean taken as a model", tolerance, 340
    )


def winner_facts(record: FitRecord) -> list[tuple[str, str]]:
    """What is known about the winner."""
    winner, audit, error = record.winner, record.audit, unit_of(record)
    facts = [("RMS error", f"{error(winner.rms)}, measured at sample points")]
    said = (
        "found by the audit: a lower bound"
        if audit
        else "on samples that it was not trained on: between them nothing is known"
    )
    facts.append(("worst error", f"{error(winner.sup.lower)}, {said}"))
    if audit and audit.witness:
        where = ", ".join(f"{name} = {num(v, 6)}" for name, v in audit.witness.x.items())
        facts.append(("found at", where))
    for level, value in audit.quantiles.items() if audit else ():
        if value is None:  # the points are too few for it
            continue
        facts.append((f"{100 * float(level):g} % of the points", f"error at most {error(value)}"))
    return [*facts, ("notes", "; ".join(winner.notes) or "none")]


def proof(record: FitRecord) -> str:
    """What is proved, in a sentence."""
    if record.certificate is None:
        return "Nothing was proved: every worst error here is a lower bound. --certify asks for a proof."
    sup, error, upper = record.winner.sup, unit_of(record), _upper(record.winner)
    kind = sup.upper_kind.replace("-", " ")
    if math.isnan(upper):
        return "A proof was tried and gave no finite bound."
    return (
        f"The largest error lies between {error(rounded_down(sup.lower, 3))} and "
        f"{error(rounded_up(upper, 3))} ({kind}). "
        "certificate.json holds the proof; supnorm check certificate.json verifies it."
    )


def again(record: FitRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    used = ", ".join(f"{name} {count(n)}" for name, n in record.evaluations.items())
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


def _proved(record: FitRecord) -> bool:
    return _upper(record.winner) <= _goal(record)


def _upper(candidate: CandidateRecord) -> float:
    """The proved bound; NaN where there is none."""
    return math.nan if candidate.sup.upper is None else candidate.sup.upper


def _goal(record: FitRecord) -> float:
    return math.nan if record.tolerance is None else record.tolerance


def _word(code: str, proved: bool) -> str:
    if proved:
        return "tolerance proved"
    return {"nothing-found": "nothing above the tolerance found; not proven",
            "within-tolerance": "within tolerance at every point compared", "tolerance-exceeded": "tolerance exceeded",
            "undecided": "not proved", "interrupted": "interrupted"}.get(code, "no tolerance given")  # fmt: skip


def _ended(text: str) -> str:
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _tolerance(record: FitRecord) -> str:
    goal = record.tolerance
    return "no tolerance" if goal is None else f"tolerance {unit_of(record)(goal)}"


def _short(method: str) -> str:
    """
    >>> _short("polynomial of total degree 17")
    'polynomial of total deg…'
    """
    return method if len(method) <= 24 else method[:23] + "…"
