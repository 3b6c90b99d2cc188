"""Why the average and the maximum differ: facts with a code and values, and one template for the words of each.

The result's ``explanation`` and the page render the same facts: they cannot say different things of one run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supnorm.results import from_json
from supnorm.results.numbers import ErrorUnit, count, num, pretty_unit

# What an error of zero means of one that counts one side only.
ZERO = {
    "over": "The model is at or below the reference",
    "under": "The model is at or above the reference",
}
# Findings that say why an error is infinite.
INFINITE = ("no-model-value", "zero-reference", "infinite-error")
NARROW = 0.1  # of the domain: a region that fills more says nothing about why tests miss it
NOTICED = 0.2  # of the mean square: a region that makes up less does not show in the average
# One template a fact.
TEMPLATES = {
    "no-error": "No point had an error, so there is nothing to explain.",
    "infinite": "{why}",
    "rows": "Over {rows} the RMS error is {rms} and the largest is {worst}.",
    "text": "{text}",
    "zero-everywhere": "{what} at every point {where}.",
    "zero-found": "{what} at all of {points} and everywhere the search looked.",
    "no-average": "The worst error found is {worst}; no average is known beside it.",
    "one-point": "One point of the domain has an error, {worst}: worst and average are the same.",
    "ratio": "The worst error{found}, {worst}{output}, is {times} times the RMS of {points}, {rms}.",
    "beside-zero": "The worst error{found}, {worst}{output}, stands beside the RMS of {points}, {rms}.",
    "region-hit": "The region where the error is at least half of it fills {about} 1 part in {part} of the domain: "
    "{drawn} random points put about {hits} of them there.",
    "region-missed": "The region where the error is at least half of it fills {about} 1 part in {part} of the domain: "
    "of random tests of {drawn} points {about} one in {tests} hits it.",
    "region-dominates": "That region alone makes the true RMS larger than the sample's: the sample has missed what "
    "dominates the average, which is at least {least}.",
    "region-hidden": "It makes up at least {percent} % of the mean square, so the average hardly notices it.",
    "region-shows": "It makes up at least {percent} % of the mean square: the average shows it.",
    "sample-zero": "None of the random points had an error.",
    "sample-most": "The random points themselves saw at most {plain}.",
    "close": "Worst and average are close here: the error is evenly distributed.",
}


@dataclass(frozen=True)
class Fact:
    """Something that follows from the numbers of an audit.

    >>> Fact("sample-most", {"plain": "3 %"}).text
    'The random points themselves saw at most 3 %.'
    """

    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The fact in words."""
        return TEMPLATES[self.code].format_map(self.values)


def explain(document: Mapping[str, Any]) -> str:
    """A few sentences on how a small RMS and a large worst error go together, from an audit's document."""
    return " ".join(fact.text for fact in explanation(document))


def explanation(document: Mapping[str, Any]) -> list[Fact]:
    """The facts behind them, in order."""
    if document["witness"] is None:
        return [Fact("no-error")]
    facts = _of_the_worst(document)
    # What was evaluated of a finite domain, and what that means, belongs to any explanation of its worst error.
    listed = document.get("search", {}).get("text")
    return [*facts, Fact("text", {"text": listed})] if listed else facts


def _of_the_worst(document: Mapping[str, Any]) -> list[Fact]:
    rms, worst = from_json(document["rms"]["value"]), from_json(document["sup"]["lower"])
    n, exact = document["rms"]["n"], document["rms"]["kind"] == "exact"
    if worst == math.inf:
        known = [f["text"] for f in document["findings"] if f["code"] in INFINITE]
        return [Fact("infinite", {"why": known[0] if known else "The worst error is infinite."})]
    words = {"worst": size(worst, document), "rms": size(rms, document)}
    if document["table_only"]:
        rows = Fact("rows", words | {"rows": f"{n:,} {'row' if n == 1 else 'rows'}"})
        text = (document.get("table") or {}).get("text")
        return [rows, Fact("text", {"text": text})] if text else [rows]
    if worst == 0:
        return [_zero(document)]
    if not math.isfinite(rms):
        return [Fact("no-average", words)]
    if exact and n == 1:
        return [Fact("one-point", words)]
    several = len(document["outputs"]) > 1 and not document["measure"].get("joint")
    words |= {
        "found": "" if document.get("search", {}).get("exhaustive") else " found",
        "output": f", in {document['witness']['output']}" if several else "",
        "points": _points(document),
        "times": num(worst / rms) if rms > 0 else "",
    }
    first = Fact("ratio" if rms > 0 else "beside-zero", words)
    return [first, *region(document), *_of_the_sample(document, rms, worst)]


def _zero(document: Mapping[str, Any]) -> Fact:
    """What it means that every error was zero."""
    what = ZERO.get(document["measure"]["side"], "Model and reference agree exactly")
    if document["measure"]["kind"] == "function":
        what = "The error is exactly zero"
    if document.get("search", {}).get("exhaustive"):
        known = "of the domain" if document["search"]["complete"] else "where an error is known and counts"
        return Fact("zero-everywhere", {"what": what, "where": known})
    return Fact("zero-found", {"what": what, "points": _points(document)})


def _of_the_sample(document: Mapping[str, Any], rms: float, worst: float) -> list[Fact]:
    """What the random points saw of the worst error."""
    plain = from_json(document["plain_sample"]["worst"])
    exact = document["rms"]["kind"] == "exact"
    if plain == 0 and not exact:
        return [Fact("sample-zero")]
    if plain < 0.8 * worst and not exact:
        return [Fact("sample-most", {"plain": size(plain, document)})]
    return [Fact("close")] if worst < 2 * rms else []


def _points(document: Mapping[str, Any]) -> str:
    """What the statistics are over; exact ones are over the points of the domain that have an error."""
    n = document["rms"]["n"]
    if document["rms"]["kind"] != "exact":
        return f"{n:,} random points"
    points = document["search"]["points"]
    if n == points:
        return f"all {n:,} points of the domain" if n > 1 else "the only point of the domain"
    return f"the {n:,} of {points:,} points of the domain that have an error"


def region(document: Mapping[str, Any]) -> list[Fact]:
    """How much of the domain the region round the worst error fills, and what that means for tests and for the RMS.

    Nothing where no size was measured, where it is no small part of the domain, and under a law that may prefer the
    region, or avoid it.
    """
    witness = document.get("witness")
    if not witness:
        return []
    volume, lower = (from_json(witness.get(key)) for key in ("volume", "volume_at_least"))
    average = document.get("rms") or {}  # a page is drawn whatever part of a result is missing
    worst, rms = from_json(document["sup"]["lower"]), from_json(average.get("value"))
    exact = average.get("kind") == "exact"
    if exact or not document.get("law_uniform", True) or not 0 < volume < NARROW or not worst < math.inf:
        return []
    sample = document.get("plain_sample") or {}
    drawn = sample.get("drawn") or sample.get("n")
    if not drawn or math.isnan(rms):
        return []
    whole = not math.isnan(from_json(witness.get("volume_at_most"))) or math.isnan(lower)
    words = {"about": "about" if whole else "at least", "part": num(1 / volume), "drawn": count(drawn)}
    hits = drawn * volume
    if hits >= 1:
        test = Fact("region-hit", words | {"hits": num(hits)})
    else:
        test = Fact("region-missed", words | {"tests": num(1 / hits)})
    surely = volume if math.isnan(lower) or lower == 0 else lower
    share = surely * (worst / 2) ** 2 / rms**2 if rms > 0 else math.inf
    if share > 1:
        least = size(math.sqrt(surely) * worst / 2, document)
        if rms > 0:
            least = f"{num(math.sqrt(share))} times as large"
        return [test, Fact("region-dominates", {"least": least})]
    code = "region-hidden" if share < NOTICED else "region-shows"
    return [test, Fact(code, {"percent": num(100 * share, 2)})]


def size(error: float, document: Mapping[str, Any]) -> str:
    """An error with what it is measured in: relative ones in per cent, absolute ones with the unit."""
    measure = document.get("measure") or {}
    if measure.get("per_output"):
        return f"{num(error)} times its tolerance"
    return ErrorUnit(measure.get("kind") or "", pretty_unit(measure.get("unit") or ""))(error)
