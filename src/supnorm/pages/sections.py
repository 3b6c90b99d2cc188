"""The sentence under each heading: the computed answer, chosen from a short list by the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from supnorm.pages.numbers import count, num, percent, ratio, share, spelled
from supnorm.pages.progress_chart import steps
from supnorm.pages.view import View, number
from supnorm.pages.words import m, term


def where(view: View) -> Markup:
    """Section 1: both values at the worst point, and how large the place is."""
    point = view.witness
    if point is None:
        return Markup("There is no worst point: no evaluation gave an error.")
    values = (view.value(v, point.output) for v in (point.model_value, point.reference_value))
    words = m("There the model gives <b>{}</b>; the reference gives <b>{}</b>.", *values)
    if len(view.outputs) > 1 and point.output < len(view.outputs):
        words += m(" The output is {}.", view.outputs[point.output][0])
    if point.recheck == "confirmed":
        second = view.value(point.second_value, point.output)
        words += m(" A second reference ({}) confirms it: {}.", view.text("recheck", "name"), second)
    if point.volume > 0:
        words += m(" The error stays above half of this peak in {} of the domain.", share(point.volume))
    if point.off_data > 1:
        words += m(" The point lies {} times the spacing of the data away from them.", ratio(point.off_data))
    return words


def spread(view: View) -> Markup:
    """Section 2: the share above the tolerance, with its confidence."""
    rows = view.items("exceedance")
    if not rows or not view.plain[0]:
        return Markup("No independent random points were evaluated, so nothing is known about shares.")
    first = rows[0]
    n, k, above = count(first.get("n")), number(first.get("count")), number(first.get("above"))
    at_most, sure = number(first.get("fraction_at_most")), percent(number(first.get("confidence")))
    level = "the tolerance" if above == view.tolerance else view.error(above)
    points = "pairs of the table" if view.table_only else "random points"
    if k == 0:
        words = m("None of {} {} exceeds {}: with {} confidence, at most ", n, points, level, sure)
        words += m("<b>{}</b> of the domain does.", share(at_most))
    else:
        words = m("At most <b>{}</b> of the domain exceeds {} ({} confidence); ", share(at_most), level, sure)
        words += m("{} of the {} did.", share(number(first.get("fraction"))), points)
    return words + " A share says nothing about how bad the rest is."


def why_average(view: View) -> Markup:
    """Why RMS and maximum differ, with the user's own numbers; empty when they do not differ much."""
    point = view.witness
    n = view.plain[0]
    if point is None or not n or not view.rms > 0 or not point.volume > 0 or view.lower < 3 * view.rms:
        return Markup("")
    per = 1 / point.volume
    words = m(
        "Why the average does not show it: the place of the worst error fills {} of the domain, ",
        share(point.volume),
    )
    words += m("so that one random point in {} falls into it; {} were drawn.", num(per, 2), count(n))
    if per > n:
        words += " A test set of this size will usually miss it."
    return words


def places(view: View) -> Markup:
    """Section 3: how many places count as glitches."""
    if not view.places:
        return Markup("No distinct places were recorded.")
    n = len(view.items("glitches"))
    link = term("glitch", "what is that?")
    ending = "Listed are the distinct peaks, highest first."
    if len(view.places) == 1:
        ending = "The search found a single peak."
    if n == 0:
        why = "the large errors form a broad region rather than isolated spots."
        return m("No place counts as a glitch ({}): {} {}", link, why, ending)
    begin = (
        "One place counts as a glitch" if n == 1 else f"{spelled(n).capitalize()} places count as glitches"
    )
    return m("{} ({}). {}", begin, link, ending)


def picture(view: View, shown: int, all_panels: int) -> str:
    """Section 4: how to read the map."""
    if view.d == 2:
        return (
            "Each cell shows the largest error seen in it, so a spot smaller than a cell still shows. "
            "Numbers are the places listed above."
        )
    words = (
        "Each panel looks along all other inputs and keeps the largest error seen: a strong colour means "
        "that somewhere behind this cell the error is large. "
    )
    if all_panels > shown:
        words += f"Shown are the {shown} of {all_panels} pairs with the largest spread. "
    return words + "Cells hold few points in high dimension; an empty-looking cell proves nothing."


@dataclass(frozen=True)
class PowerRow:
    """One row of the power table: a size and shape, and found/runs for each height."""

    volume: float
    shape: str
    cells: dict[float, tuple[int, int]]

    @property
    def worst_rate(self) -> float:
        """The smallest share found, over the heights."""
        return min((f / r for f, r in self.cells.values() if r), default=math.nan)


def power_rows(view: View) -> tuple[list[float], list[PowerRow]]:
    """Heights, and the rows of the power table: bumps from large to small, then sheets."""
    table: dict[tuple[str, float], dict[float, tuple[int, int]]] = {}
    for raw in view.items("power"):
        key = (str(raw.get("shape") or "bump"), number(raw.get("volume")))
        found, runs = int(raw.get("found") or 0), int(raw.get("runs") or 0)
        if runs:
            table.setdefault(key, {})[number(raw.get("height"))] = (found, runs)
    heights = sorted({h for cells in table.values() for h in cells})
    order = sorted(table, key=lambda key: (key[0] != "bump", -key[1]))
    return heights, [PowerRow(v, s, table[s, v]) for s, v in order]


def power(view: View) -> Markup:
    """Section 5: which sizes would have been found, which could have been missed."""
    if view.table_only:
        return Markup("There was no search: a table was given. Anything between its points is unknown.")
    _, rows = power_rows(view)
    words = Markup("")
    for shape in ("bump", "sheet"):
        words += _power_of([r for r in rows if r.shape == shape], "" if shape == "bump" else "thin ")
    if not rows:
        return Markup(
            "How small an error this search would have missed was not measured: "
            "no errors were planted in this run."
        )
    return words


def _power_of(rows: list[PowerRow], thin: str) -> Markup:
    if not rows:
        return Markup("")
    sure = []
    for row in rows:
        if row.worst_rate < 0.9:
            break
        sure.append(row)
    missed = rows[len(sure)] if len(sure) < len(rows) else None
    begin = f"{thin}errors as tall as these that fill".capitalize()
    words = Markup(" ") if thin else Markup("")
    if sure:
        words += m(
            "{} <b>{}</b> of the domain or more would have been found nearly always.",
            begin,
            share(sure[-1].volume),
        )
    if missed:
        if sure:
            words += m(
                " {}rrors that fill only <b>{}</b> could have been missed.",
                "Thin e" if thin else "E",
                share(missed.volume),
            )
        else:
            words += m(
                "Even {}errors that fill <b>{}</b> of the domain could have been missed.",
                thin,
                share(missed.volume),
            )
    return words


def cube(row: PowerRow, d: int) -> str:
    """What a volume means: the side of a cube in percent of each range, or a thin sheet."""
    if row.shape != "bump":
        return "a thin sheet across the domain"
    return f"a cube {percent(row.volume ** (1 / max(d, 1)))} of each range wide"


def power_caption(view: View) -> str:
    """How the power table was made."""
    spent = sorted({int(r.get("evaluations") or 0) for r in view.items("power")})
    effort = f", with {count(spent[-1])} evaluations," if spent and spent[-1] else ""
    return (
        f"How often the same kind of search{effort} found an error planted at a random place. "
        "Bumps are round; a thin seam, such as a phase boundary, is harder to find than its volume suggests."
    )


def unseen(view: View) -> str:
    """Good-Turing: the chance that a further climb ends on a peak not seen yet."""
    raw = view.part("unseen_peak_mass")
    if not raw or not number(raw.get("climbs")) > 0:
        return "Not measured: no independent climbs were run."
    value, at_most, once = number(raw.get("value")), number(raw.get("at_most")), int(raw.get("once") or 0)
    begin = (
        f"{count(raw.get('climbs'))} independent climbs ended on {count(raw.get('peaks'))} different peaks; "
        f"{spelled(once)} of these {'was' if once == 1 else 'were'} reached only once. "
    )
    if value > 0.5:
        return begin + (
            "Most climbs found a new peak: most peaks have not been seen. "
            "Search longer, or narrow the domain."
        )
    sure = percent(number(raw.get("confidence")))
    return begin + (
        f"So a further climb would reach a peak not seen yet with a chance of about {percent(value)} "
        f"(at most {percent(at_most)} with {sure} confidence)."
    )


def random_points(view: View) -> str:
    """What independent points alone can rule out."""
    n = view.plain[0]
    if not n:
        return "None were evaluated."
    kind = "pairs, if they are independent draws," if view.table_only else "independent points"
    largest = share(min(1.0, 3 / n))
    return (
        f"{count(n)} {kind} can rule out, with 95 % confidence, "
        f"only places larger than {largest} of the domain."
    )


def proof(view: View) -> Markup:
    """The bound and what it rests on."""
    if not view.bounded:
        code = Markup("<code>supnorm certify</code>")
        return m("None. {} gives an upper bound where model and reference can be analysed.", code)
    given = [str(a) for a in view.part("sup").get("assumptions") or []]
    limit = view.error(view.upper)
    if view.upper_kind == "certified":
        return m("The error is at most {}: proven.", limit)
    if view.upper_kind == "exact-arithmetic":
        return m(
            "The error is at most {} in exact arithmetic: proven for the same weights without rounding.",
            limit,
        )
    return m("The error is at most {}, on assumptions: {}.", limit, "; ".join(given) or "not listed")


def progress(view: View) -> Markup:
    """Section 6: when the worst point was reached, and whether longer might help."""
    record = steps(view)
    if not record:
        return Markup(
            "There was no search." if view.table_only else "The search left no record of its progress."
        )
    total = max(view.count("evaluations", "search"), int(record[-1][0]))
    best = max(e for _, e in record)
    reached = next(n for n, e in record if e >= best)
    if best < view.lower * 0.99:
        return m(
            "The search itself reached {} after {} of {} evaluations; the worst error, {}, came up in "
            "evaluations made for another purpose. A longer search may well find more.",
            view.error(best),
            count(reached),
            count(total),
            view.error(view.lower),
        )
    begin = m("The worst point was reached after {} of {} evaluations", count(reached), count(total))
    if reached > 0.8 * total:
        return begin + ", late in the search. A longer search may well find more."
    return begin + ", and the rest of the search did not improve on it."


def failures(view: View) -> Markup:
    """Section 7: the count of failing points first; nothing is dropped."""
    raw = view.part("failures")
    n = int(number(raw.get("count"))) if number(raw.get("count")) > 0 else 0
    of = int(number(raw.get("of"))) if number(raw.get("of")) > 0 else view.evaluated
    masked = int(number(raw.get("masked"))) if number(raw.get("masked")) > 0 else 0
    if n == 0:
        words = m("Nowhere: all {} evaluations gave finite values.", count(of))
    elif n >= of:
        words = m("Everywhere: <b>none of {} points</b> gave a finite error.", count(of))
    else:
        head = f"no finite value at {count(n)} of {count(of)} points"
        words = m("The reference or the model gave <b>{}</b> ({}).", head, percent(n / of))
        words += " These points are counted and kept; the error there is unknown."
    if masked:
        words += m(" At {} points the error does not count, by the mask of the problem.", count(masked))
    return words


def cause(raw: Mapping[str, Any]) -> str:
    """Who failed and how, in words."""
    kinds = {
        "non-finite": "value not finite",
        "exception": "exception",
        "timeout": "time-out",
        "error": "error",
    }
    kind = str(raw.get("kind") or "")
    return f"{raw.get('where') or 'evaluation'}: {kinds.get(kind, kind)}"
