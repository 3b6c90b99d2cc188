"""The page of a fit: the JSON result in, one self-contained HTML file out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.pages.time_chart import rows as chart_rows
from supnorm.pages.view import number
from supnorm.results import rounded_down, rounded_up, write_whole
from supnorm.results.numbers import ErrorUnit, count, num, pretty_unit

CHIPS = {"tolerance-exceeded": "over"}  # what is not proved stays open
NORMS = {"sup": "largest error", "l2": "root mean square error"}


def write_fit_page(result: Any, path: Path | str, audit_page: str = "") -> None:
    """Write the page of a fit.

    Args:
        result: the dict of schema ``supnorm.fit/1``, or an object whose ``to_json()`` returns it.
        path: of the HTML file; it appears whole or not at all.
        audit_page: link to the page of the winner's audit, if it was written.
    """
    data = result if isinstance(result, Mapping) else result.to_json()
    write_whole(path, fit_page(data, audit_page))


def fit_page(data: Mapping[str, Any], audit_page: str = "") -> str:
    """The HTML text of the page."""
    winner, norm = data["winner"], str(data.get("norm"))
    code, proved = str(data["status"]["code"]), _proved(data)
    audit = data.get("audit")
    menu = [("methods", "Methods"), ("time", "Error and time"), ("winner", "Winner"), ("proof", "Proof"),
            ("again", "Again")]  # fmt: skip
    advice = (_ended(str(data["status"]["advice"])), errors_are(data.get("measure") or {}))
    values = {
        "title": f"{data.get('title') or winner['method']}: {code} – supnorm fit",
        "problem_title": str(data.get("title") or ""), "skip": "methods", "menu": menu,
        "chip": "proven" if proved else CHIPS.get(code, "open"), "word": _word(code, proved),
        "tolerance": _tolerance(data), "norm": NORMS.get(norm, norm), "headline": headline(data),
        "advice": " ".join(filter(None, advice)), "notes": [str(n) for n in data.get("notes") or []],
        "head": ("", "method", *(f"{name}{_in_unit(data)}" for name in ("RMS", "worst error found", "proved bound")),
                 "parameters", "samples", "seconds", "bytes", "time a point"),
        "rows": candidate_rows(data), "skipped": data.get("skipped") or [], "fixed": audit is None,
        "early": audit is None and bool(data["evaluations"].get("fit")),
        "chart": two_sizes(time_chart, data),
        "chart_head": ("method", "processor seconds", "error / RMS error of the mean"),
        "chart_rows": chart_rows(series(data)), "facts": winner_facts(data), "audit_page": audit_page,
        "proof": proof(data), "record": record(data),
    }  # fmt: skip
    return render("fit.html.j2", values)


def headline(data: Mapping[str, Any]) -> str:
    """The answer in one sentence."""
    winner, norm = data["winner"], str(data.get("norm"))
    error = unit_of(data)
    value = error(number(winner["rms"] if norm == "l2" else winner["sup"]["lower"]))
    what = NORMS.get(norm, norm) + (" found" if norm == "sup" else "")
    if _proved(data):
        upper = error(rounded_up(number(winner["sup"]["upper"]), 3))
        return f"Take {winner['method']}: its error is proved to be nowhere above {upper}."
    if data["status"]["code"] == "tolerance-exceeded":
        return f"No method reached the tolerance; the best, {winner['method']}, has a {what} of {value}."
    return f"Take {winner['method']}: its {what} is {value}."


def unit_of(data: Mapping[str, Any]) -> ErrorUnit:
    """How the errors of a fit are written."""
    measure = data.get("measure") or {}
    return ErrorUnit(
        str(measure.get("kind")), pretty_unit(str(measure.get("unit") or "")), bool(measure.get("per_output"))
    )


def _in_unit(data: Mapping[str, Any]) -> str:
    unit = unit_of(data).suffix.strip()
    return f", {unit}" if unit not in ("", "%") else ""  # a percent sign stands behind each number


def errors_are(measure: Mapping[str, Any]) -> str:
    """What kind of errors a fit shows, in a sentence; empty for absolute ones without a unit.

    >>> errors_are({"kind": "relative", "floor": 0.001, "side": "both"})
    'Errors are relative: shares of the reference, of 0.001 where it is smaller.'
    """
    kind, unit = measure.get("kind"), measure.get("unit")
    said = f"Errors are in {unit}." if unit else ""
    if kind == "relative":
        floor = number(measure.get("floor"))
        said = "Errors are relative: shares of the reference" + (
            f", of {num(floor)} where it is smaller." if floor > 0 else "."
        )
    elif kind == "scaled":
        said = "Errors are divided by the scale of each output."
    elif kind == "function":
        said = "Errors are those of the problem’s own function."
    if measure.get("per_output"):
        said = "Errors are multiples of each output’s tolerance."
    only = {"over": "Only overestimates count.", "under": "Only underestimates count."}.get(
        str(measure.get("side"))
    )
    return " ".join(filter(None, (said, only)))


def candidate_rows(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row for each candidate, best first, numbered as in the chart."""
    rows: list[tuple[str, ...]] = []
    unit = unit_of(data)

    def error(value: float) -> str:
        return unit.bare(value) if math.isfinite(value) else num(value)

    for i, c in enumerate(data["candidates"]):
        upper = number(c["sup"].get("upper"))
        rows.append((
            str(i + 1), str(c["method"]), error(number(c["rms"])), error(number(c["sup"]["lower"])),
            "–" if math.isnan(upper) else error(rounded_up(upper, 3)), count(number(c["parameters"])),
            count(number(c["samples"])), num(number(c["seconds"])), count(number(c["bytes"])),
            f"{num(1e6 * number(c['seconds_per_point']))} µs",
        ))  # fmt: skip
    return rows


def series(data: Mapping[str, Any]) -> list[Series]:
    """Every candidate with its training record, ending in its error on fresh points."""
    found = []
    for i, c in enumerate(data["candidates"]):
        end = (number(c["seconds"]), number(c["relative_rms"]))
        trail = tuple((number(t), number(e)) for t, e in c.get("trail") or ())
        points = (*trail, (max(end[0], trail[-1][0]) if trail else end[0], end[1]))
        found.append(Series(f"{i + 1} {_short(str(c['method']))}", str(i + 1), points, chosen=i == 0))
    return found


def time_chart(data: Mapping[str, Any], width: int) -> Markup:
    """Relative error over processor seconds; the tolerance where it is one for the root mean square."""
    winner, tolerance = data["winner"], math.nan
    if data.get("norm") == "l2" and number(winner["rms"]) > 0:
        tolerance = number(data.get("tolerance")) * number(winner["relative_rms"]) / number(winner["rms"])
    return error_over_time(
        series(data), width, "RMS error / RMS error of the mean taken as a model", tolerance, 340
    )


def winner_facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known about the winner."""
    winner, audit, error = data["winner"], data.get("audit") or {}, unit_of(data)
    facts = [("RMS error", f"{error(number(winner['rms']))}, measured at sample points")]
    said = (
        "found by the audit: a lower bound"
        if audit
        else "on samples that it was not trained on: between them nothing is known"
    )
    facts.append(("worst error", f"{error(number(winner['sup']['lower']))}, {said}"))
    point = (audit.get("witness") or {}).get("x") or {}
    if point:
        where = ", ".join(f"{name} = {num(number(v), 6)}" for name, v in point.items())
        facts.append(("found at", where))
    for level, value in (audit.get("quantiles") or {}).items():
        facts.append((f"{100 * float(level):g} % of the points", f"error at most {error(number(value))}"))
    return [*facts, ("notes", "; ".join(map(str, winner.get("notes") or [])) or "none")]


def proof(data: Mapping[str, Any]) -> str:
    """What is proved, in a sentence."""
    certificate = data.get("certificate")
    if certificate is None:
        return "Nothing was proved: every worst error here is a lower bound. --certify asks for a proof."
    sup, error = data["winner"]["sup"], unit_of(data)
    kind = str(sup.get("upper_kind")).replace("-", " ")
    upper = number(sup.get("upper"))
    if math.isnan(upper):
        return "A proof was tried and gave no finite bound."
    return (
        f"The largest error lies between {error(rounded_down(number(sup['lower']), 3))} and "
        f"{error(rounded_up(upper, 3))} ({kind}). "
        "certificate.json holds the proof; supnorm check certificate.json verifies it."
    )


def record(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    used = ", ".join(f"{name} {count(number(n))}" for name, n in (data.get("evaluations") or {}).items())
    packages = ", ".join(f"{name} {v}" for name, v in (data.get("versions") or {}).items())
    cost = data.get("cost") or {}
    rows = [
        ("command", str(data.get("command") or "")), ("seed", str(data.get("seed"))), ("evaluations", used),
        ("a call counts as", f"{cost.get('class')}, {cost.get('by')}" if cost else ""),
        ("seconds", num(number(data.get("seconds")))), ("versions", packages),
    ]  # fmt: skip
    return [(name, said) for name, said in rows if said]


def _proved(data: Mapping[str, Any]) -> bool:
    upper, goal = number(data["winner"]["sup"].get("upper")), number(data.get("tolerance"))
    return upper <= goal


def _word(code: str, proved: bool) -> str:
    if proved:
        return "tolerance proved"
    return {"nothing-found": "nothing above the tolerance found; not proven",
            "within-tolerance": "within tolerance at every point compared", "tolerance-exceeded": "tolerance exceeded",
            "undecided": "not proved", "interrupted": "interrupted"}.get(code, "no tolerance given")  # fmt: skip


def _ended(text: str) -> str:
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _tolerance(data: Mapping[str, Any]) -> str:
    goal = number(data.get("tolerance"))
    return "no tolerance" if math.isnan(goal) else f"tolerance {unit_of(data)(goal)}"


def _short(method: str) -> str:
    """
    >>> _short("polynomial of total degree 17")
    'polynomial of total deg…'
    """
    return method if len(method) <= 24 else method[:23] + "…"
