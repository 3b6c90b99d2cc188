"""The verdict: chip, headline, paragraph and re-check note, as facts that follow from the numbers.

Witness, estimate and bound keep their verbs: *found*; *at most ... with 95 % confidence*; *proven*, or *on
assumptions*. Nothing is called safe, passed or accurate without a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from supnorm.pages.points import PeakView
from supnorm.pages.view import View
from supnorm.results.audit_points import TableRecord
from supnorm.results.parts import FiniteRecord
from supnorm.wording import Fact, fact

NAMED, SOME = 10, 6  # inputs in a sentence, at most, and how many of them where there are more
LONG = 120  # characters of assumptions that stand in a sentence


@dataclass(frozen=True)
class Chip:
    """Icon, words and colour class of the verdict."""

    icon: str
    words: Fact
    kind: str


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
    if view.record.status.code == "unresolved":
        return "unresolved"
    if view.exceeded:
        return "over"
    if view.proven:
        return "proven"
    return "open" if view.tolerance > 0 else "found"


def _confirmed_elsewhere(view: View) -> PeakView | None:
    """The largest error above the tolerance that the second reference confirms, where the worst point is in doubt."""
    if view.record.status.code != "tolerance-exceeded":
        return None
    sure = [p for p in view.peaks if p.record.recheck == "confirmed" and p.error > view.tolerance]
    return max(sure, key=lambda p: p.error, default=None)


def chip(view: View) -> Chip:
    """The chip above the headline; green only with a bound that holds without further assumptions."""
    kind = kind_of(view)
    if kind == "nothing":
        return Chip("○", fact("chip-nothing"), "open")
    if kind == "over" or (kind == "fault" and _confirmed_elsewhere(view) is not None):
        return Chip("▲", fact("chip-over-interrupted" if view.interrupted else "chip-over"), "over")
    if kind == "fault":
        return Chip("?", fact("chip-doubt"), "open")
    if kind == "unresolved":
        return Chip("?", fact("chip-unresolved"), "open")
    if kind == "proven":
        return _proven_chip(view)
    if view.interrupted:
        return Chip("○", fact("chip-interrupted"), "open")
    table = view.record.table
    if table is not None:
        drawn = view.drawn if view.drawn > table.compared else None
        within = view.every_row and kind == "open" and table.compared
        rows = fact("chip-rows", rows=table.compared, drawn=drawn)
        return Chip("○", rows if within else fact("chip-table"), "open")
    if view.exhaustive:
        return _exhaustive_chip(view, kind)
    return Chip("○", fact("chip-open" if kind == "open" else "chip-found"), "open")


def _exhaustive_chip(view: View, kind: str) -> Chip:
    """Green where it is a statement about every point, as computed: no certificate, but no search either."""
    if kind == "found":
        return Chip("○", fact("chip-evaluated"), "open")
    if view.complete:
        return Chip("✓", fact("chip-complete", points=view.points), "proven")
    return Chip("○", fact("chip-known"), "open")


def _proven_chip(view: View) -> Chip:
    within, exact = view.tolerance > 0, view.upper_kind == "exact-arithmetic"
    if not view.settled:
        return Chip("◐", fact("chip-assumed", tolerance=within), "open")
    return Chip("◐" if exact else "✓", fact("chip-proven", tolerance=within, exact=exact), "proven")


def coordinates(view: View, point: PeakView) -> tuple[Fact, ...]:
    """The input values of a point."""
    return tuple(fact("coordinate", name=name, value=view.axis(name).at(x)) for name, x in point.x.items())


def located(view: View, point: PeakView, begin: bool = False) -> tuple[Fact]:
    """ "at T = 380.2 K, p = 129.8 kPa"; of very many inputs the first ones; of a table "in row 246, site A".

    Args:
        begin: whether it begins a sentence.
    """
    if words := point.row_words():
        return (fact("in-row", row=words, begin=begin),)
    if not point.x:
        return (fact("at-one-point", d=view.d, begin=begin),)
    at = coordinates(view, point)
    if len(at) <= NAMED:
        return (fact("at-point", at=at, begin=begin),)
    return (fact("at-point", at=at[:SOME], more=len(at) - SOME, begin=begin),)


def size(view: View, point: PeakView) -> tuple[Fact]:
    """The size of an error: from 1,000 % on "a factor of ..." where it is one."""
    if view.error.kind == "relative" and not view.per_output and 10 <= point.error < math.inf:
        factor = point.model_value / point.reference_value if point.reference_value else math.nan
        if factor > 0 and abs(factor - 1 - point.error) < 0.01 * point.error:
            return (fact("size-factor", factor=factor),)
    if view.per_output:
        return (fact("size-tolerance", error=point.error),)
    return (fact("size-scale" if view.error.kind == "scaled" else "size", error=point.error),)


def headline(view: View) -> list[Fact]:
    """The verdict in one sentence."""
    point, kind = view.witness, kind_of(view)
    if point is None:
        return [fact("no-point")]
    if math.isinf(point.error):
        if view.finite is None:
            return [_infinite(view, point)]
        if view.record.table is not None:
            return _missing(view, view.finite, view.record.table)
        return _partly_infinite(view, view.finite, point)
    where, at, big = located(view, point, begin=True), located(view, point), size(view, point)
    if kind == "fault":
        found, other = [fact("in-doubt", where=where, size=big)], _confirmed_elsewhere(view)
        if other is not None:
            where, big = located(view, other, begin=True), size(view, other)
            found.append(fact("confirmed-elsewhere", where=where, size=big))
        return found
    if kind == "unresolved":
        return [fact("differ", where=where, size=big)]
    if kind == "over":
        return [_over(view, point)]
    if kind == "proven":
        exact, assumed = view.upper_kind == "exact-arithmetic", view.upper_kind == "conditional"
        return [fact("at-most-everywhere", upper=view.upper, exact=exact, assumed=assumed)]
    rows = view.plain[0] if view.table_only else None
    if kind == "open":
        allowed = None if view.per_output else view.tolerance
        if view.exhaustive:
            return [fact("none-above", complete=view.complete, allowed=allowed, size=big, where=at)]
        if rows is not None:
            return [fact("rows-within", rows=rows, allowed=allowed, size=big, where=at)]
        return [fact("nothing-above", allowed=allowed, interrupted=view.interrupted, size=big, where=at)]
    if point.error == 0:
        return [_zero(view)]
    return [fact("worst-error", rows=rows, found=not (view.complete or view.table_only), size=big, where=at)]


def _zero(view: View) -> Fact:
    """What it means that every error was zero."""
    side = {"over": "over", "under": "under"}.get(view.record.measure.side, "agree")
    what = "function" if view.error.kind == "function" else side
    where = "tried" if not view.exhaustive else "complete" if view.complete else "known"
    return fact("zero-error", masked=view.masked and where == "tried", **{what: True, where: True})


def _missing(view: View, finite: FiniteRecord, table: TableRecord) -> list[Fact]:
    """For a table in which values of the model are missing: the number of such rows, and statistics of the others."""
    # Else some errors are infinite for another reason.
    model = table.without_value.get("model") == finite.infinite
    facts = [fact("rows-missing", infinite=finite.infinite, rows=view.drawn, model=model)]
    if (best := view.worst_finite) is not None:
        values = {"n": finite.n, "size": size(view, best), "where": located(view, best)}
        # Rows without a truth are neither: "the other rows" would count them.
        whole = finite.n + finite.infinite == view.drawn
        facts.append(fact("rows-others", **values) if whole else fact("rows-finite", **values))
    return facts


def _partly_infinite(view: View, finite: FiniteRecord, point: PeakView) -> list[Fact]:
    """At how many points of the statistics the error is infinite, and what the worst finite error is."""
    share = {"infinite": finite.infinite, "of": finite.of, "points": view.drawn_points}
    facts = [_infinite(view, point)]
    if finite.infinite and not math.isfinite(point.model_value):
        facts = [fact("points-missing", **share, where=located(view, point))]
    elif finite.infinite:
        facts.append(fact("points-infinite", **share))
    if (best := view.worst_finite) is not None:
        facts.append(fact("worst-finite", size=size(view, best), where=located(view, best)))
    return facts


def _infinite(view: View, point: PeakView) -> Fact:
    """Why the error is infinite there."""
    where = located(view, point, begin=True)
    if not math.isfinite(point.model_value):
        return fact("model-missing", where=where)
    if view.error.kind == "relative" and point.reference_value == 0:
        return fact("relative-to-zero", where=where)
    return fact("infinite-though-finite", where=where)


def _over(view: View, point: PeakView) -> Fact:
    where, big = located(view, point, begin=True), size(view, point)
    if point.record.recheck == "unresolved":
        return fact("differ", where=where, size=big)
    if "suspect-label" in point.record.tags:
        return fact("label-differs", where=where, size=big)
    alone = view.outputs[point.output][0] if view.per_output and not view.joint else None
    output = view.output_name(point) or alone
    allowed = None if view.per_output else view.tolerance
    numbered = bool(output) and not any(c.isalpha() for c in output or "")  # such as a wavelength
    return fact("wrong", where=where, output=output, numbered=numbered, size=big, allowed=allowed)


def lead(view: View) -> list[Fact]:
    """The paragraph under the headline: times RMS, times tolerance, random tests, bound."""
    if view.witness is None:
        if not view.masked:
            return [fact("all-failed")]
        return [fact("all-failed-or-masked" if view.record.failures.count else "all-masked")]
    facts = _ratios(view)
    n, plain = view.plain
    if n and not view.table_only and not view.exact and plain < 0.8 * view.lower:
        facts.append(fact("random-tests", n=n, plain=plain))
    facts.append(bound(view))
    if view.bounded and (text := view.record.search.text):
        facts.append(fact("text", text=text))
    return facts


def _ratios(view: View) -> list[Fact]:
    points = "rows" if view.table_only and not view.finite else view.sampled
    sample = {"n": view.rms_n, "points": points}
    if not math.isfinite(view.lower):
        return [fact("rms", rms=view.rms, **sample)] if math.isfinite(view.rms) else []
    if view.lower == 0:
        return [fact("all-zero")]
    least = view.record.rms.at_least
    floor = [fact("rms-at-least", least=least)] if least > 1.5 * view.rms else []
    if not view.rms > 0:
        return [fact("rms-zero", **sample), *floor] if view.rms == 0 else []
    # Beside a bound or a second error in the headline, "that" would be either.
    two = kind_of(view) == "proven" or (kind_of(view) == "fault" and _confirmed_elsewhere(view) is not None)
    times = fact(
        "times-rms",
        times=view.lower / view.rms,
        rms=view.rms,
        **sample,
        worst=view.lower if two else None,
        found=not view.exhaustive,
        over=view.lower / view.tolerance if view.exceeded and not view.per_output else None,
    )
    return [times, *floor]


def bound(view: View) -> Fact:
    """The bound, or that there is none."""
    record = view.record
    if not view.bounded and record.table is not None:
        return fact("table-given", text=record.table.text)
    if not view.bounded:
        return fact("text", text=record.search.text) if record.search.text else fact("no-bound")
    if view.upper_kind == "certified":
        return fact("bound-proven", upper=view.upper)
    if view.upper_kind == "exact-arithmetic":
        return fact("bound-exact", upper=view.upper)
    given = ", ".join(record.sup.assumptions) or "those of its proof"
    named = given if len(given) <= LONG else None
    return fact("bound-assumed", upper=view.upper, given=named, n=len(record.sup.assumptions))


def recheck_note(view: View) -> list[Fact]:
    """The note above the fold where a re-check was made and did not confirm the worst point."""
    point = view.witness
    if point is None or point.record.recheck in (None, "confirmed"):
        return []
    digits = point.digits(5)
    model, reference = (
        view.value(v, point.output, digits) for v in (point.model_value, point.reference_value)
    )
    values = {"name": view.second_name, "reference": reference, "model": model}
    if math.isnan(point.second_value):
        gives = fact("second-missing", **values)
    else:
        gives = fact("second-value", second=view.value(point.second_value, point.output, digits), **values)
    if point.record.recheck == "reference-fault":
        return [fact("recheck-doubt"), gives, fact("doubt-means")]
    # Without its value nothing is known of the question: an exception in its code is the usual cause.
    means = fact("missing-means") if math.isnan(point.second_value) else fact("unresolved-means")
    return [fact("recheck-unresolved"), gives, means]
