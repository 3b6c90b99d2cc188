"""The page of an audit: the JSON result in, one self-contained HTML file out.

The size of the page does not depend on the number of evaluations: everything that arrives is aggregated, and
lines are thinned per pixel column.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supnorm.pages import (
    bounds,
    distribution,
    failures,
    maps,
    peaks,
    power,
    progress_chart,
    rows,
    sections,
    words,
)
from supnorm.pages.budget_page import budget_page
from supnorm.pages.comparison import comparison_page
from supnorm.pages.cuts import cut, cut_rows, spread
from supnorm.pages.fields_page import fields_page
from supnorm.pages.fit_page import fit_page
from supnorm.pages.glossary import glossary
from supnorm.pages.guard_page import guard_page
from supnorm.pages.other_certificate import other_certificate
from supnorm.pages.points import PeakView, known
from supnorm.pages.points_table import points_of_table
from supnorm.pages.ramp import legend, legend_words
from supnorm.pages.reading import drawn_record
from supnorm.pages.record import record
from supnorm.pages.rendering import render
from supnorm.pages.repair_page import repair_page
from supnorm.pages.rollout_page import rollout_page
from supnorm.pages.ruler import ruler
from supnorm.pages.statement_page import statement_page
from supnorm.pages.svg import HALF, NARROW, two_sizes
from supnorm.pages.view import View
from supnorm.results import write_whole
from supnorm.results.audit import AuditRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.charts import CutRecord, LineMapRecord
from supnorm.results.numbers import count, num, ratio
from supnorm.results.printable import file_word
from supnorm.results.record import Result
from supnorm.results.repair import RepairRecord
from supnorm.wording import fact

MOST_CUTS = 12
RUN_FILES = ("result.json", "problem.toml", "points.csv")
OTHERS: dict[str, Callable[[Any], str]] = {
    "supnorm.fit/1": fit_page,
    "supnorm.budget/1": budget_page,
    "supnorm.compare/1": comparison_page,
    "supnorm.fields/1": fields_page,
    "supnorm.guard/1": guard_page,
    "supnorm.repair/1": repair_page,
    "supnorm.rollout/1": rollout_page,
    **{f"supnorm.{kind}/1": statement_page for kind in ("certify", "norms", "properties", "solution")},
}
GAPS = {"failed": "no value", "outside": "outside the domain", "masked": "not counted (mask)"}


def write_page(result: Any, path: Path | str) -> None:
    """Write the page of an audit, a proof, a fit, a budget, a comparison, a repair, a guard or a roll-out.

    Args:
        result: what the verb returned, its record, or the JSON of its file as a mapping.
        path: of the HTML file; it appears whole or not at all.

    Raises:
        BadInput: for the result of a verb without a page, and for a mapping that is no whole result.
        supnorm.pages.view.InconsistentResult: when the result shows an error above its ``sup.lower``, once the page is
            written: what was computed is not lost for that.
    """
    record = drawn_record(result)
    write_whole(path, _text(record, Path(path).parent))
    if isinstance(record, AuditRecord):
        View(record).check()


def page_text(result: Any) -> str:
    """The page of a result as HTML text, for notebooks and mail: as `write_page`, without a file.

    Raises:
        BadInput: as `write_page`.
    """
    return _text(drawn_record(result), None)


def _text(record: Result, folder: Path | None) -> str:
    if isinstance(record, RepairRecord):
        return repair_page(record, folder)  # it links to audits in this folder
    note = other_certificate(record, folder)
    if isinstance(record, CertifyRecord):
        return statement_page(record, note)
    if not isinstance(record, AuditRecord):
        return OTHERS[record.SCHEMA](record)
    name = "RUN" if folder is None else str(folder)
    return page(record, name, checked=False, beside=beside_of(folder), certificate=note)


def beside_of(folder: Path | None) -> tuple[str, ...]:
    """Which of the files of a run lie in a folder: a page names no file and no command that fails."""
    if folder is None:
        return ()
    return tuple(name for name in RUN_FILES if (folder / name).is_file())


def page(
    record: AuditRecord,
    folder: str = "RUN",
    checked: bool = True,
    beside: tuple[str, ...] = RUN_FILES,
    certificate: str = "",
) -> str:
    """The HTML text of the report page.

    Args:
        record: of the audit.
        folder: that of the run, as it would be typed.
        checked: refuse a record that contradicts itself.
        beside: the files that the folder has.
        certificate: what has to be said of a certificate in the folder.
    """
    view = View(record)
    if checked:
        view.check()
    values: dict[str, Any] = {"view": view, "record": view.record, "say": view.say.html}
    values |= {"words": words, "sections": sections, "power": power, "failures": failures}
    for part in (
        _verdict,
        _where,
        _spread,
        rows.section,
        _peaks,
        maps.section,
        bounds.section,
        power.table,
        _progress,
        _failures,
        _repeat,
    ):
        values |= part(view)
    values["replay"] = f"supnorm replay {file_word(folder)} 1" if set(RUN_FILES[:2]) <= {*beside} else ""
    values["beside"], values["certificate"] = beside, certificate
    menu = [
        ("where", "Worst row" if view.table_only else "Worst point"),
        ("spread", "Distribution"),
        ("rows", "Row by row"),
        ("glitches", "Worst rows" if view.table_only else "Worst peaks"),
        ("map", "Map"),
        ("bounds", "Bound"),
        ("missed", "The proof" if view.settled else "What was missed"),
        ("progress", "Progress"),
        ("failures", "No value"),
        ("repeat", "Repeat"),
        ("words", "Words"),
    ]
    absent = {
        "where": not view.witness,
        "rows": not values["accuracy"],
        "map": not values["panels"],
        "bounds": not values["bound_pictures"],
        "progress": not values["searched"],
    }
    menu = [(key, name) for key, name in menu if not absent.get(key)]
    return render("audit.html.j2", values | {"menu": menu, "skip": menu[0][0]})


def _verdict(view: View) -> dict[str, Any]:
    subject = view.record.title or view.record.model.name or "model"
    worst = view.error(view.lower) if view.witness else "none could be computed"
    drawn = two_sizes(ruler, view)
    hatched = view.say.html(fact("hatched", bounded=view.bounded)) if 'class="unk"' in drawn[0] else ""
    return {
        "title": f"{subject}: worst error {worst} – supnorm audit",
        "chip": words.chip(view),
        "ruler": drawn,
        "hatched": hatched,
        "table_only": view.table_only,
        "searched": not (view.table_only or view.exhaustive),
    }


def _chosen_cuts(view: View) -> list[CutRecord]:
    """The cuts that are shown: all, or of many inputs those along which the error varies most, in the inputs' order."""
    every = view.charts.cuts
    if view.d <= MOST_CUTS:
        return list(every)
    most = sorted(every, key=lambda c: -spread(c))[:MOST_CUTS]
    return [c for c in every if c in most]


def _where(view: View) -> dict[str, Any]:
    chosen = _chosen_cuts(view)
    is_line = isinstance(view.charts.map, LineMapRecord)
    width = 282 if len(chosen) == 3 else NARROW
    cuts = [
        {
            "title": c.axis,
            "whole": cut(view, c, False, width),
            "close": cut(view, c, True, width),
            "rows": cut_rows(view, c),
        }
        for c in chosen
    ]
    cuts = [c for c in cuts if c["whole"]]
    left_out = len(view.charts.cuts) - len(chosen)
    status = {s for c in chosen for s in c.whole.status}
    varies = view.say.text(fact("cuts-chosen", n=len(chosen)))
    point = view.witness
    return {
        "coordinates": _coordinates(view),
        "row": point.record.row if point else None,
        "columns": list((point.record.columns or {}).items()) if point else [],
        "cuts": cuts,
        "cuts_words": varies if left_out else "",
        "line": two_sizes(maps.line_map, view) if is_line else None,
        "line_rows": cuts[0]["rows"] if cuts else [],
        "gap_words": maps.gap_words(view) if is_line else "",
        "gaps": ", ".join(word for key, word in GAPS.items() if key in status),
        "few_words": view.say.text(fact("few-calls")) if any(c.whole.fine for c in chosen) else "",
        "listed": bool(chosen) and all(view.axis(c.axis).values for c in chosen),
        "listed_words": view.say.text(fact("listed-values"))
        if any(view.axis(c.axis).values for c in chosen)
        else "",
        "has_close": any(c["close"] for c in cuts),
        "close_first": view.record.domain.kind == "data",
        "profile": two_sizes(peaks.profile, view),
        "profile_words": peaks.profile_words(view),
        "profile_rows": peaks.profile_rows(view),
    }


def _coordinates(view: View) -> list[dict[str, str]]:
    rows = []
    for axis in view.axes:
        x = view.witness.x[axis.name] if view.witness else math.nan
        position, edge = axis.position(x), axis.edge(x)
        known = math.isfinite(position)
        rows.append(
            {
                "name": axis.name,
                "value": axis.exact(x),
                "low": axis.exact(axis.low),
                "high": axis.exact(axis.high),
                "position": f"{100 * min(max(position, 0), 1):.2f}" if known else "",
                "edge": {"low": "on the lower edge", "high": "on the upper edge"}.get(edge, ""),
            }
        )
    return rows


def _spread(view: View) -> dict[str, Any]:
    levels = [
        ("", "half is at most", view.quantile("0.5")),
        ("", "90 % is at most", view.quantile("0.9") if math.isnan(view.quantile("0.99")) else math.nan),
        ("", "99 % is at most", view.quantile("0.99")),
        ("q999", "99.9 % is at most", view.quantile("0.999")),
        ("rms", "RMS", view.rms),
    ]
    facts = [{"term": t, "name": n, "value": view.error(v)} for t, n, v in levels if not math.isnan(v)]
    norms = {name: v for name, v in view.record.norms.items() if name not in ("L2", "sup")}
    facts += [
        {"term": "", "name": "mean" if name == "L1" else f"{name} norm", "value": view.error(v)}
        for name, v in norms.items()
        if not view.finite and not math.isnan(v)
    ]
    share, level = words.top_level(view)
    worst = "worst finite" if view.finite else "worst"
    for name, base in (("RMS", view.rms), (f"{share} level", level)):
        if 0 < base < math.inf and view.lower >= 0:
            facts.append({"term": "", "name": f"{worst} / {name}", "value": num(view.highest / base)})
    n = count(view.rms_n if view.finite else view.plain[0])
    of = "" if view.table_only or view.exact else "independent "
    return {
        "histogram": two_sizes(distribution.histogram, view, HALF),
        "shares": two_sizes(distribution.shares, view, HALF),
        "bin_rows": distribution.bin_rows(view),
        "level_rows": distribution.level_rows(view),
        "iid": f"{n} {of}{view.sampled}",
        "facts_of": view.sampled if view.finite else "",
        "facts": facts,
    }


def _peaks(view: View) -> dict[str, Any]:
    scale = peaks.thumbnail_scale(view)
    shown = [
        _peak(view, p, i + 1) | {"thumbnail": peaks.thumbnail(view, i, scale)}
        for i, p in enumerate(view.peaks[: peaks.SHOWN])
    ]
    return {
        "peaks": shown,
        **points_of_table(view),
        "thumb_legend": legend(view, scale) if scale else None,
        "thumb_gaps": view.say.text(fact("grey", masked=view.masked)),
        "thumb_words": legend_words(view, scale),
    }


def _peak(view: View, peak: PeakView, rank: int) -> dict[str, Any]:
    digits, prominence, second = peak.digits(5), known(peak.record.prominence), peak.second_value
    values = fact(
        "peak-values",
        row=peak.row_words(),
        output=view.outputs[peak.output][0] if len(view.outputs) > 1 else None,
        model=num(peak.model_value, digits),
        reference=num(peak.reference_value, digits),
        second=None if peak.record.recheck is None or math.isnan(second) else num(second, digits),
    )
    return {
        "rank": rank,
        "row": peak.row_words(),
        "error": view.error(peak.error),
        "times": peaks.times_tolerance(view, peak),
        "tags": peaks.tags(view, peak),
        "x": [(name, view.axis(name).at(x)) for name, x in peak.x.items()],
        "both": view.say.text(values),
        "size": peak.size,
        "off_data": "" if peak.record.off_data is None else ratio(peak.record.off_data),
        "prominence": num(prominence) if math.isfinite(prominence) else "",
    }


def _progress(view: View) -> dict[str, Any]:
    return {
        "progress": two_sizes(progress_chart.progress, view),
        "progress_rows": progress_chart.progress_rows(view),
    }


def _failures(view: View) -> dict[str, Any]:
    by_axis = view.record.failures.by_axis
    charts = [
        {"name": a.axis, "unit": view.axis(a.axis).unit, "chart": failures.failure_bars(view, a)}
        for a in by_axis[:MOST_CUTS]
    ]
    return {
        "failure_charts": [c for c in charts if c["chart"]],
        "has_outside": any(sum(a.outside) > 0 for a in by_axis),
    }


def _repeat(view: View) -> dict[str, Any]:
    witness = view.record.witness
    return {
        "witness_json": witness.to_json() if witness else "",
        "witness_python": "" if witness is None else repr(dict(witness.x)),
        "made_of": record(view),
        "glossary": glossary(view),
    }
