"""The sentence under each heading: the computed answer, chosen from a short list by the numbers."""

from __future__ import annotations

import math

from markupsafe import Markup

from supnorm.auditing.explain import explanation
from supnorm.pages.points import known
from supnorm.pages.progress_chart import steps
from supnorm.pages.view import View
from supnorm.pages.words import m, term
from supnorm.results.audit import ExceedanceRecord
from supnorm.results.numbers import count, percent, ratio, share, spelled
from supnorm.wording import Narrator
from supnorm.wording.result import AUDIT

SMALL = 0.01  # of the domain: a larger peak is no glitch


def where(view: View) -> Markup:
    """Section 1: both values at the worst point, and how large the peak is."""
    point = view.witness
    if point is None:
        return Markup("There is no worst point: no evaluation gave an error.")
    digits = point.digits(6)
    values = (view.value(v, point.output, digits) for v in (point.model_value, point.reference_value))
    words = m("There the model gives <b>{}</b>; the reference gives <b>{}</b>.", *values)
    if view.joint:
        words += m(
            " The error is one of all outputs together; most of it comes from {}.",
            view.outputs[point.output][0],
        )
    elif name := view.output_name(point):
        words += m(" The output is {}.", name)
    if point.record.recheck == "confirmed":
        second = view.value(point.second_value, point.output, digits)
        name = view.record.recheck.name if view.record.recheck else ""
        words += m(" A second reference{} confirms it: {}.", f" ({name})" if name else "", second)
    if point.volume > 0:
        about = "about " if view.settled and point.size[0].isdigit() else ""
        words += m(" The error stays above half of this peak in {}{} of the domain", about, point.size)
        # After a proof the limits of an estimate are no question.
        at_least, at_most = known(point.record.volume_at_least), known(point.record.volume_at_most)
        if at_most > 0 and not view.settled:
            write = share if share(at_most).startswith("1 in") else percent
            limits = (write(v) for v in (at_least, at_most))
            words += m(" (between {} and {}, with 95 % confidence)", *limits)
        elif at_least > 0 and not view.settled:
            words += m(
                " ({} with 95 % confidence; the region goes on beyond what was measured)",
                share(at_least),
            )
        words += "."
    if (off := point.record.off_data) is not None:
        words += m(" The nearest data point is {} times their usual spacing away.", ratio(off))
    return words


def spread(view: View) -> Markup:
    """Section 2: the share above the tolerance, with its confidence."""
    rows = view.record.exceedance
    if not rows or not view.plain[0]:
        return m("{}, so nothing is known about shares.", _without_errors(view))
    first = rows[0]
    if math.isinf(first.above):
        return Markup(
            "Random points have infinite errors themselves, so that no share above a level is given."
        )
    n, k, above = count(first.n), first.count, first.above
    at_most, sure = first.fraction_at_most, percent(first.confidence)
    if view.exact:
        return _exact_share(view, first)
    if view.settled and above >= view.upper:
        what = "the tolerance" if above == view.tolerance else view.error(above)
        return m("Nothing exceeds {}: that is proven, {}.", what, _of_what(view))
    level = "the tolerance" if above == view.tolerance else view.error(above)
    points, where, part = _shares(view, first.of == "the part with a value")
    if k == 0:
        words = m("None of {} {} exceeds {}: with {} confidence, at most ", n, points, level, sure)
        words += m("<b>{}</b> {} does.", share(at_most), where)
    else:
        words = m("At most <b>{}</b> {} exceeds {} ({} confidence); ", share(at_most), part, level, sure)
        words += m("{} of the {} did.", share(first.fraction), points)
    return words + " A share says nothing about how bad the rest is."


def _exact_share(view: View, first: ExceedanceRecord) -> Markup:
    """How many of all points of a finite domain lie above a level: counted, not estimated."""
    n, k, above = first.n, first.count, first.above
    level = "the tolerance" if above == view.tolerance else view.error(above)
    every = view.points
    points = "points of the domain" if n == every else f"points (of {count(every)}) that have an error"
    if n == 1:
        points = points.replace("points", "point", 1).replace("have", "has")
    many = "None" if k == 0 else count(k)
    verb = "exceed" if k > 1 else "exceeds"
    share_of_all = m(" ({})", percent(k / n)) if k else Markup("")
    words = m("<b>{}</b> of the {} {}{} {} {}: ", many, count(n), points, share_of_all, verb, level)
    return words + "counted, not estimated. Quantiles and averages are those of all these points as well."


def _without_errors(view: View) -> str:
    """That no random point has an error."""
    if not view.drawn:
        return "No independent random points were evaluated"
    return (
        f"None of {count(view.drawn)} {'rows' if view.table_only else view.sampled} has an error that counts"
    )


def _shares(view: View, valued: bool) -> tuple[str, str, str]:
    """What random points are called; of what their share is one, in short and in full; ``valued``: where there is one."""
    if view.table_only:
        drawn = "of such rows, if they are independent draws,"
        return f"rows of the table{' that have a value' if valued else ''}", drawn, drawn
    if not valued:
        return "random points", f"of {_drawn(view)}", f"of {_drawn(view)}"
    if view.uniform:
        part = "of that part of the domain", "of the part of the domain that has a value"
    else:
        part = "of such points", f"of the points with a value that the law “{view.law}” draws"
    return "random points that have a value", *part


def _drawn(view: View) -> str:
    """What the random points stand for."""
    return "the domain" if view.uniform else f"what the law “{view.law}” draws"


def why_average(view: View) -> Markup:
    """How much of the domain the worst error fills, and whether the average shows it: the sentences of the result."""
    facts = (fact for fact in explanation(view.record) if fact.code.startswith("region-"))
    return Narrator(AUDIT, view.error).html(*facts)


def peaks(view: View) -> Markup:
    """Section 3: how many peaks count as glitches."""
    if not view.peaks:
        return Markup("No distinct peaks were recorded.")
    n = len(view.record.glitches)
    link = term("glitch", "what is that?")
    if view.table_only:
        return Markup("The list shows the worst rows, highest first.")
    ending = "The list shows the distinct peaks, highest first."
    if len(view.peaks) == 1:
        ending = "There is a single peak." if view.exhaustive else "The search found a single peak."
    if n == 0 and math.isnan(view.peaks[0].volume):
        return m("Whether a peak counts as a glitch ({}) was not measured. {}", link, ending)
    if n == 0:
        why = "none is at once small, isolated and far above nearly all other errors."
        if view.peaks[0].volume > SMALL:
            why = "the large errors form a broad region rather than isolated spots."
        return m("No peak counts as a glitch ({}): {} {}", link, why, ending)
    begin = "One peak counts as a glitch" if n == 1 else f"{spelled(n).capitalize()} peaks count as glitches"
    return m("{} ({}). {}", begin, link, ending)


def picture(view: View, shown: int) -> str:
    """Section 4: how to read the map."""
    if view.d == 2:
        return (
            "Each cell shows the largest error of the points evaluated in it: a spot smaller than a cell shows where "
            "one of them hit it, and not where none did. Grey: no point with a value was evaluated there. "
            "Numbers are the peaks listed above."
        )
    words = (
        "Each panel looks along all other inputs and keeps the largest error seen: a strong colour means "
        "that somewhere behind this cell the error is large. "
    )
    pairs = view.d * (view.d - 1) // 2
    if pairs > shown:
        words += f"The panels show the {shown} of {pairs} pairs with the largest spread. "
    return words + "Cells hold few points in high dimension; an empty-looking cell proves nothing."


def unseen(view: View) -> str:
    """Good-Turing: the chance that a further ascent ends on a peak not seen yet."""
    if view.exhaustive:
        return "None: every point of the domain was evaluated."
    mass = view.record.unseen_peak_mass
    if mass is None or not mass.ascents > 0:
        return "Not measured: no independent ascents were run."
    value, at_most, once = mass.value, mass.at_most, mass.once
    begin = (
        f"{count(mass.ascents)} independent ascents ended on {count(mass.peaks)} different peaks; "
        f"{spelled(once)} of these {'was' if once == 1 else 'were'} reached only once. "
    )
    if value > 0.5:
        return begin + (
            "Most ascents found a new peak: most peaks have not been seen. "
            "Search longer, or narrow the domain."
        )
    sure = percent(mass.confidence)
    return begin + (
        f"So a further ascent would reach a peak not seen yet with a chance of about {percent(value)} "
        f"(at most {percent(at_most)} with {sure} confidence)."
    )


def random_points(view: View) -> str:
    """What independent points alone can rule out."""
    n = view.plain[0]
    if not n:
        return _without_errors(view) + "."
    if view.exact:
        return f"None were needed: averages and shares are those of {count(n)} points of the domain, evaluated one by one."
    kind = "rows, if they are independent draws," if view.table_only else "independent points"
    largest = share(1 - 0.05 ** (1 / n))
    return (
        f"{count(n)} {kind} can rule out, with 95 % confidence, "
        f"only regions larger than {largest} of {'such rows' if view.table_only else _drawn(view)}."
    )


def proof(view: View) -> Markup:
    """The bound and what it rests on."""
    if not view.bounded and view.exhaustive:
        return m(
            "No certificate: {}, in floating point. That says nothing of the functions in exact arithmetic, nor of a "
            "model that is random from call to call.",
            view.enumerated,
        )
    if not view.bounded and (table := view.record.table) is not None:
        return m("{}", table.text)
    if not view.bounded:
        code = Markup("<code>supnorm certify</code>")
        return m("None. {} gives an upper bound where model and reference can be analysed.", code)
    limit = view.error(view.limit)
    given = view.record.sup.assumptions or ("not listed",)
    items = m("<ul>{}</ul>", Markup("").join(m("<li>{}</li>", a) for a in given))
    if view.upper_kind == "certified":
        return m("The error is at most {}: proven. The proof rests on this:", limit) + items
    if view.upper_kind == "exact-arithmetic":
        return (
            m(
                "The error is at most {} in exact arithmetic: proven for the same weights without rounding. ",
                limit,
            )
            + Markup("The proof rests on this:")
            + items
        )
    return m("The error is at most {} if all of this holds:", limit) + items


def _of_what(view: View) -> str:
    return "in exact arithmetic" if view.upper_kind == "exact-arithmetic" else "rounding included"


def _longer(view: View) -> str:
    if view.settled:
        return f"A longer search can find at most {view.error(view.limit)}."
    return "A longer search may well find more."


def progress(view: View) -> Markup:
    """Section 6: when the worst point was reached, and whether longer might help."""
    record = steps(view)
    if not record:
        why = "The search left no record of its progress."
        if view.table_only:
            why = "There was no search."
        elif view.lower == 0:
            why = "Every error was zero, from the first point to the last."
        elif not view.witness:
            why = "No point had an error, from the first to the last."
        return Markup(why)
    total = max(view.record.evaluations.search, record[-1][0])
    best = max(e for _, e in record)
    # The last digits come with the polish at the very end: they are no news.
    reached = next(n for n, e in record if e >= 0.999 * best)
    if best < view.lower * 0.99:
        planted = " or planted errors" if view.record.evaluations.power else ""
        return m(
            "The search itself reached {} after {} of {} evaluations; the worst error, {}, came up "
            "later, in evaluations for pictures{}. {}",
            view.error(best),
            count(reached),
            count(total),
            view.error(view.lower),
            planted,
            _longer(view),
        )
    begin = m(
        "The worst point was reached after {} of the {} evaluations of sampling and search",
        count(reached),
        count(total),
    )
    if reached > 0.8 * total:
        return begin + m(", late in the search. {}", _longer(view))
    return begin + ", and the rest of the search did not improve on it."
