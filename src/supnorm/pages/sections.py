"""What stands under each heading: the computed answer, as facts that follow from the numbers."""

from __future__ import annotations

import math

from supnorm.auditing.explain import explanation
from supnorm.pages.points import known
from supnorm.pages.progress_chart import steps
from supnorm.pages.view import View
from supnorm.results.audit import ExceedanceRecord
from supnorm.wording import Fact, fact

SMALL = 0.01  # of the domain: a larger peak is no glitch
NEARLY_ALL = 0.995  # a limit above it says nothing


def where(view: View) -> list[Fact]:
    """Both values at the worst point, and how large the peak is."""
    point = view.witness
    if point is None:
        return [fact("where-none")]
    digits = point.digits(6)
    model, reference = (
        view.value(v, point.output, digits) for v in (point.model_value, point.reference_value)
    )
    facts = [fact("where-values", model=model, reference=reference)]
    if view.joint:
        facts.append(fact("where-joint", output=view.outputs[point.output][0]))
    elif name := view.output_name(point):
        facts.append(fact("where-output", output=name))
    if point.record.recheck == "confirmed":
        second = view.value(point.second_value, point.output, digits)
        facts.append(fact("where-confirmed", name=view.second_name, second=second))
    if point.volume > 0:
        facts.append(_size(view, point.volume, point.record.volume_at_least, point.record.volume_at_most))
    if point.record.off_data is not None:
        facts.append(fact("where-data", times=point.record.off_data))
    return facts


def _size(view: View, volume: float, low: float | None, high: float | None) -> Fact:
    """How large a peak is, with the limits of the estimate; after a proof these are no question."""
    if view.settled:
        return fact("where-size", size=volume, about=high is not None or low is None)
    if high is not None and high > 0:
        return fact("where-size", size=volume, low=low, high=high, small=high < 0.0995)
    return fact("where-size", size=volume, least=low if known(low) > 0 else None)


def spread(view: View) -> list[Fact]:
    """The share above the tolerance, with its confidence."""
    if not view.record.exceedance or not view.plain[0]:
        return [_without_errors(view, shares=True)]
    first = view.record.exceedance[0]
    if math.isinf(first.above):
        return [fact("shares-infinite")]
    level: dict[str, float] = {"tolerance": True} if first.above == view.tolerance else {"level": first.above}
    if view.exact:
        return [_exact_share(view, first, level)]
    if view.settled and first.above >= view.upper:
        return [fact("share-proven", exact=view.upper_kind == "exact-arithmetic", **level)]
    of = {
        "n": first.n,
        "rows": view.table_only,
        "valued": first.of == "the part with a value",
        "law": view.odd_law,
    }
    limit = {"at_most": first.fraction_at_most, "sure": first.confidence}
    if first.count == 0:
        return [fact("share-none", **of, **level, **limit), fact("share-only")]
    if first.fraction_at_most > NEARLY_ALL:
        return [fact("share-most", k=first.count, **of, **level), fact("share-only")]
    return [fact("share-some", share=first.fraction, **of, **level, **limit), fact("share-only")]


def _exact_share(view: View, first: ExceedanceRecord, level: dict[str, float]) -> Fact:
    """How many of all points of a finite domain lie above a level: counted, not estimated."""
    of = {"n": first.n, "every": first.n == view.points, "of": view.points}
    return fact(
        "share-exact", k=first.count, share=first.count / first.n, several=first.count > 1, **of, **level
    )


def _without_errors(view: View, shares: bool = False) -> Fact:
    """That no random point has an error."""
    return fact("no-errors", drawn=view.drawn, rows=view.table_only, points=view.sampled, shares=shares)


def why_average(view: View) -> list[Fact]:
    """How much of the domain the worst error fills, and whether the average shows it: the facts of the explanation."""
    return [found for found in explanation(view.record) if found.code.startswith("region-")]


def peaks(view: View) -> list[Fact]:
    """How many peaks count as glitches."""
    if not view.peaks:
        return [fact("peaks-none")]
    if view.table_only:
        return [fact("peaks-rows")]
    n, largest = len(view.record.glitches), view.peaks[0].volume
    if n:
        first = fact("glitches", n=n)
    elif math.isnan(largest):
        first = fact("glitches-unknown")
    else:
        first = fact("glitches-none", broad=largest > SMALL)
    mass = view.record.unseen_peak_mass
    seen = mass.peaks if mass is not None and mass.peaks > 1 else 0
    alone = fact("peaks-one", exhaustive=view.exhaustive, seen=seen)
    return [first, alone if len(view.peaks) == 1 else fact("peaks-listed")]


def picture(view: View, shown: int) -> Fact:
    """How to read the map."""
    if view.d == 2:
        return fact("map-cells", rows=view.table_only)
    pairs = view.d * (view.d - 1) // 2
    return fact("map-panels", shown=shown if pairs > shown else None, pairs=pairs)


def unseen(view: View) -> list[Fact]:
    """Good-Turing: the chance that a further ascent ends on a peak not seen yet."""
    mass = view.record.unseen_peak_mass
    if view.exhaustive:
        return [fact("unseen-none")]
    if mass is None or not mass.ascents > 0:
        return [fact("unseen-unmeasured")]
    first = fact("unseen-ascents", ascents=mass.ascents, peaks=mass.peaks, once=mass.once)
    if mass.value > 0.5:
        return [first, fact("unseen-most")]
    at_most = mass.at_most if mass.at_most < NEARLY_ALL else None
    return [first, fact("unseen-chance", value=mass.value, at_most=at_most, sure=mass.confidence)]


def random_points(view: View) -> Fact:
    """What independent points alone can rule out."""
    n = view.plain[0]
    if not n:
        return _without_errors(view)
    if view.exact:
        return fact("random-exact", n=n)
    return fact("random-rule-out", n=n, rows=view.table_only, largest=1 - 0.05 ** (1 / n), law=view.odd_law)


def proof(view: View) -> Fact:
    """The bound; what it rests on are the assumptions of the result."""
    if view.bounded:
        if view.upper_kind == "conditional":
            return fact("proof-assumed", upper=view.upper)
        return fact("proof-certified" if view.upper_kind == "certified" else "proof-exact", upper=view.upper)
    if view.exhaustive:
        return fact("proof-enumerated", points=view.points)
    table = view.record.table
    return fact("proof-none") if table is None else fact("text", text=table.text)


def progress(view: View) -> list[Fact]:
    """When the worst point was reached, and whether longer might help."""
    reached = steps(view)
    if not reached:
        if view.table_only:
            return [fact("progress-table")]
        if view.witness is None:
            return [fact("progress-no-error")]
        return [fact("progress-zero" if view.lower == 0 else "progress-unknown")]
    total, best = max(view.record.evaluations.search, reached[-1][0]), max(e for _, e in reached)
    # The last digits come with the polish at the very end: they are no news.
    first = next(n for n, e in reached if e >= 0.999 * best)
    longer = fact("longer", upper=view.upper if view.settled else None)
    if best < view.lower * 0.99:
        planted = bool(view.record.evaluations.power)
        late = {"best": best, "reached": first, "total": total, "worst": view.lower}
        return [fact("progress-late", **late, planted=planted), longer]
    late_find = first > 0.8 * total
    found = fact("progress", reached=first, total=total, late=late_find)
    return [found, longer] if late_find else [found]
