"""The verdict: chip, headline, paragraph and re-check note, computed from the numbers.

Witness, estimate and bound keep their verbs: *found*; *at most ... with 95 % confidence*; *proven*, or *on
assumptions*. Nothing is called safe, passed or accurate without a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from supnorm.pages.points import PeakView
from supnorm.pages.view import View
from supnorm.results.audit_points import TableRecord
from supnorm.results.numbers import count, num, ratio
from supnorm.results.parts import FiniteRecord


@dataclass(frozen=True)
class Chip:
    """Icon, words and colour class of the verdict."""

    icon: str
    words: str
    kind: str


def m(template: str, *values: object) -> Markup:
    """Escape ``values`` into a template of trusted markup."""
    return Markup(template).format(*values)


def term(key: str, words: str) -> Markup:
    """A word that links to the glossary."""
    return m('<a class="term" href="#g-{}" data-term="{}">{}</a>', key, key, words)


def top_level(view: View) -> tuple[str, float]:
    """The highest quantile that the sample carries: its share in words, and the error there."""
    for level, words in (("0.999", "99.9 %"), ("0.99", "99 %"), ("0.9", "90 %")):
        if not math.isnan(value := view.quantile(level)):
            return words, value
    return "99.9 %", math.nan


def kind_of(view: View) -> str:
    """Which verdict the numbers call for."""
    if view.witness is None:
        return "nothing"
    if view.witness.record.recheck == "reference-fault":
        return "fault"
    if view.exceeded:
        return "over"
    if view.proven:
        return "proven"
    return "open" if view.tolerance > 0 else "found"


def chip(view: View) -> Chip:
    """The chip above the headline; green only with a bound that holds without further assumptions."""
    kind = kind_of(view)
    if kind == "nothing":
        return Chip("○", "Nothing could be measured", "open")
    if kind == "fault":
        return Chip("?", "The reference is in doubt", "open")
    if kind == "over":
        return Chip("▲", "Tolerance exceeded", "over")
    if kind == "proven":
        return _proven_chip(view)
    if view.interrupted:
        return Chip("○", "Interrupted; no verdict", "open")
    table = view.record.table
    if table is not None and view.every_row and kind == "open" and table.compared:
        rows = table.compared
        where = f"all {count(rows)} rows" if rows > 1 else "the only row"
        if view.drawn > rows:
            where = f"the {count(rows)} of {count(view.drawn)} rows with an error"
        return Chip("○", f"Within tolerance in {where}; nothing is known between rows", "open")
    if view.table_only:
        return Chip("○", "Statistics of a table; not proven", "open")
    if view.exhaustive:
        return _exhaustive_chip(view, kind)
    if kind == "open":
        return Chip("○", "Nothing above tolerance found; not proven", "open")
    return Chip("○", "No tolerance given; worst error found, not proven", "open")


def _exhaustive_chip(view: View, kind: str) -> Chip:
    """Green where it is a statement about every point, as computed: no certificate, but no search either."""
    if kind == "found":
        return Chip("○", "No tolerance given; every point evaluated", "open")
    if view.complete:
        where = f"at all {count(view.points)} points" if view.points > 1 else "at its only point"
        return Chip("✓", f"Within tolerance {where}, as computed", "proven")
    return Chip("○", "Within tolerance wherever an error is known", "open")


def _proven_chip(view: View) -> Chip:
    within = "within tolerance" if view.tolerance > 0 else "bounded"
    if view.upper_kind == "certified":
        return Chip("✓", f"Proven {within}", "proven")
    if view.upper_kind == "exact-arithmetic":
        return Chip("◐", f"Proven {within} in exact arithmetic", "proven")
    return Chip("◐", f"{within.capitalize()} on assumptions; not proven", "open")


def position(view: View, point: PeakView) -> Markup:
    """ "At T = 380.2 K, p = 129.8 kPa", or "At one point of the 8-dimensional domain" for d > 3."""
    if view.d > 3 or not point.x:
        domain = f"{view.d}-dimensional domain" if view.d else "domain"
        return m('one <a href="#where">point</a> of the {}', domain)
    return Markup(", ").join(
        m('<span class="nb">{} = {}</span>', name, view.axis(name).at(x)) for name, x in point.x.items()
    )


def located(view: View, point: PeakView, begin: bool = False) -> Markup:
    """ "at T = 380.2 K, p = 129.8 kPa"; of a table "in row 246, site A, 2020-02-27"; ``begin``: of a sentence."""
    if words := point.row_words():
        return m("{} <a href='#where'>{}</a>", "In" if begin else "in", words)
    return m("{} {}", "At" if begin else "at", position(view, point))


def size(view: View, point: PeakView) -> str:
    """The size of an error in words: from 1,000 % on "a factor of ..." where it is one."""
    if view.error.kind == "relative" and not view.per_output and point.error >= 10:
        factor = point.model_value / point.reference_value if point.reference_value else math.nan
        if math.isfinite(point.error) and factor > 0 and abs(factor - 1 - point.error) < 0.01 * point.error:
            return f"a factor of {num(factor)}"
    if view.per_output:
        return f"{num(point.error)} times its tolerance"
    return view.error(point.error) + _measure_words(view)


def _measure_words(view: View) -> str:
    return " times the given scale" if view.error.kind == "scaled" else ""


def headline(view: View) -> Markup:
    """The verdict in one sentence."""
    point, kind = view.witness, kind_of(view)
    if point is None:
        return Markup("The error could be computed at <b>no point</b>.")
    where, at = located(view, point, begin=True), located(view, point)
    if math.isinf(point.error):
        if view.finite is None:
            return _infinite(view, point, where)
        if view.record.table is not None:
            return _missing(view, view.finite, view.record.table)
        return _partly_infinite(view, view.finite, point, where)
    big = m("<b>{}</b>", size(view, point))
    if kind == "fault":
        return m("{} the reference itself is in doubt: model and reference differ by {}.", where, big)
    if kind == "over":
        return _over(view, point, where, big)
    if kind == "proven":
        return _proven(view)
    if kind == "open":
        allowed = "any tolerance" if view.per_output else f"your tolerance of {view.error(view.tolerance)}"
        if view.exhaustive:
            known = "has an error" if view.complete else "where an error is known has one"
            begin = m("No point {} above {}.", known, allowed)
            return m("{} The worst is {}, {}.", begin, big, at)
        if view.table_only:
            begin = m("None of {} rows has an error above {}.", count(view.plain[0]), allowed)
            return m("{} The worst is {}, {}.", begin, big, at)
        stopped = " before the audit was stopped" if view.interrupted else ""
        begin = m("No error above {} was found{}.", allowed, stopped)
        return m("{} The worst found is {}, {}.", begin, big, at)
    if point.error == 0:
        return _zero(view)
    opening = f"Of {count(view.plain[0])} rows the" if view.table_only else "The"
    found = "" if view.complete or view.table_only else " found"
    return m("{} worst error{} is {}, {}.", opening, found, big, at)


def _zero(view: View) -> Markup:
    """What it means that every error was zero."""
    tried = "point tried where the error counts" if view.masked else "point tried"
    if view.exhaustive:
        tried = "point of the domain" if view.complete else "point where an error is known and counts"
    if view.error.kind == "function":
        return m("The error is <b>exactly zero</b> at every {}.", tried)
    for side, where in (("over", "at or below"), ("under", "at or above")):
        if view.record.measure.side == side:
            return m("The model is <b>{} the reference</b> at every {}.", where, tried)
    return m("Model and reference <b>agree exactly</b> at every {}.", tried)


def _missing(view: View, finite: FiniteRecord, table: TableRecord) -> Markup:
    """For a table in which values of the model are missing: the number of such rows, and statistics of the others."""
    rows, n, best = finite.infinite, finite.n, view.worst_finite
    first = m(
        "In <b>{} of {} rows</b> {}.",
        count(rows),
        count(view.drawn),
        "the model has no value where the reference has one"
        if table.without_value.get("model")
        else "the error is infinite",
    )
    if best is None:
        return first
    other = f"the other {count(n)}" if n > 1 else "the other row"
    return first + m(" Of {} the worst error is <b>{}</b>, {}.", other, size(view, best), located(view, best))


def _partly_infinite(view: View, finite: FiniteRecord, point: PeakView, where: Markup) -> Markup:
    """At how many points of the statistics the error is infinite, and what the worst finite error is."""
    infinite, of = finite.infinite, finite.of
    first, points = _infinite(view, point, where), f"{count(infinite)} of {count(of)} {view.drawn_points}"
    if infinite and not math.isfinite(point.model_value):
        words = "At <b>{}</b> the model has no value where the reference has one, as {}."
        first = m(words, points, located(view, point))
    elif infinite:
        first += m(" The error is infinite at {}.", points)
    best = view.worst_finite
    if best is None:
        return first
    return first + m(" The worst finite error found is <b>{}</b>, {}.", size(view, best), located(view, best))


def _infinite(view: View, point: PeakView, where: Markup) -> Markup:
    """Why the error is infinite there."""
    if not math.isfinite(point.model_value):
        return m("{} the model gives <b>no value</b> where the reference does.", where)
    if view.error.kind == "relative" and point.reference_value == 0:
        words = "{} the reference is 0 and the model is not: the relative error is <b>infinite</b>."
        return m(words, where)
    return m("{} the error is <b>infinite</b>, though both values are finite.", where)


def _over(view: View, point: PeakView, where: Markup, big: Markup) -> Markup:
    if point.record.recheck == "unresolved":
        ending = "and a second reference does not settle which is right."
        return m("{} model and reference differ by {}, {}", where, big, ending)
    if "suspect-label" in point.record.tags:
        return m(
            "{} model and label differ by {}, but the label does not fit its neighbours either.",
            where,
            big,
        )
    subject = (
        f"the model’s {view.outputs[point.output][0]}"
        if view.per_output and view.outputs and not view.joint
        else "the model"
    )
    allowed = "" if view.per_output else f" You allow {view.error(view.tolerance)}."
    return m("{} {} is wrong by {}.{}", where, subject, big, allowed)


def _proven(view: View) -> Markup:
    limit = view.error(view.limit)
    if view.upper_kind == "conditional":
        return m("The error is at most <b>{}</b> everywhere, on assumptions.", limit)
    ending = ", in exact arithmetic" if view.upper_kind == "exact-arithmetic" else ""
    return m("The error is at most <b>{}</b> everywhere{}.", limit, ending)


def lead(view: View) -> Markup:
    """The paragraph under the headline: times RMS, times tolerance, random tests, bound."""
    if view.witness is None:
        return _no_value(view)
    parts = [_ratios(view)]
    n, plain = view.plain
    if n and not view.table_only and not view.exact and plain < 0.8 * view.lower:
        shown = view.error(plain)
        parts.append(m("{} random test points would have shown at most {}.", count(n), shown))
    parts.append(bound_words(view))
    if view.bounded and (text := view.record.search.text):
        parts.append(m("{}", text))
    return Markup(" ").join(p for p in parts if p)


def _no_value(view: View) -> Markup:
    """Why there is no error at all."""
    if not view.masked:
        return Markup("Every evaluation of model or reference failed; section “No value” lists the causes.")
    if not view.record.failures.count:
        return Markup("The mask of the problem leaves out every point that was tried.")
    words = "At every point tried model or reference failed or the mask of the problem leaves it out; "
    return Markup(words + "section “No value” lists the causes.")


def _ratios(view: View) -> Markup:
    typical = term("rms", "typical (RMS) error")
    begin = (
        f"The worst error{'' if view.exhaustive else ' found'} is {view.error(view.lower)}: "
        if kind_of(view) == "proven"
        else "That is "
    )
    sample = "rows" if view.table_only and not view.finite else view.sampled
    if not math.isfinite(view.lower):
        if not math.isfinite(view.rms):
            return Markup("")
        return m("The {} is {} ({} {}).", typical, view.error(view.rms), count(view.rms_n), sample)
    if not view.rms > 0:
        if not view.lower > 0:
            return Markup("Every error computed was exactly zero.")
        if view.rms != 0:
            return Markup("")
        return m("None of {} {} had an error.", count(view.rms_n), sample) + _floor_words(view)
    words = m("{}{} times the {} of {}", begin, ratio(view.lower / view.rms), typical, view.error(view.rms))
    words += m(" ({} {})", count(view.rms_n), sample) if view.rms_n else Markup("")
    if view.exceeded and not view.per_output:
        words += m(" and {} times the {}", ratio(view.lower / view.tolerance), term("tolerance", "tolerance"))
    return words + "." + _floor_words(view)


def _floor_words(view: View) -> Markup:
    least = view.record.rms.at_least
    if not least > 1.5 * view.rms:
        return Markup("")
    return m(
        " By the sizes of the peaks found the true RMS is at least {} (95 % confidence): the sample missed them.",
        view.error(least),
    )


def bound_words(view: View) -> Markup:
    """The bound, or that there is none."""
    if not view.bounded:
        link = term("upper-bound", "upper bound")
        if view.table_only:
            known = view.record.table.text if view.record.table else "Nothing is known between its rows."
            return m("A table was given, so nothing could be searched. {}", known)
        if text := view.record.search.text:
            return m("{}", text)
        return m("There is <b>no {}</b>: a worse point may exist.", link)
    limit = view.error(view.limit)
    if view.upper_kind == "certified":
        return m("It is proven that the error is nowhere above <b>{}</b>.", limit)
    if view.upper_kind == "exact-arithmetic":
        ending = "rounding of the deployed model is not covered."
        return m("In exact arithmetic the error is nowhere above <b>{}</b> (proven); {}", limit, ending)
    given = view.record.sup.assumptions
    named = Markup(", ").join(given) or "those of its proof"
    if len(named) > 120:
        named = m("the {} <a href='#missed'>named with the proof</a>", len(given))
    link = term("conditional", "conditional bound")
    return m(
        "The error is nowhere above <b>{}</b> ({}) provided these assumptions hold: {}.", limit, link, named
    )


def recheck_note(view: View) -> Markup | None:
    """The note above the fold when a re-check was made and did not confirm the worst point."""
    point = view.witness
    if point is None or point.record.recheck in (None, "confirmed"):
        return None
    name = view.record.recheck.name if view.record.recheck else ""
    second_one = f"A second reference ({name})" if name else "A second reference"
    digits = point.digits(5)
    values = (point.model_value, point.reference_value)
    model, reference = (view.value(v, point.output, digits) for v in values)
    if math.isnan(point.second_value):
        gives = m("{} could not compute this point; ", second_one)
        gives += m("the reference gives {}, the model {}.", reference, model)
    else:
        second = view.value(point.second_value, point.output, digits)
        gives = m("{} gives {} where the reference gives ", second_one, second)
        gives += m("{}; the model says {}.", reference, model)
    if point.record.recheck == "reference-fault":
        head = "Re-check: the reference is in doubt."
        tail = "The second reference sides with the model, so this may be no fault of the model."
    else:
        head = "Re-check unresolved."
        tail = "The fault may lie in the reference, or the question may have no sharp answer here."
    return m("<b>{}</b> {} {}", head, gives, tail)
