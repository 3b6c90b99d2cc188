"""Why the average and the maximum differ, in plain words with the user's own numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from supnorm.results import from_json

# What an error of zero means of one that counts one side only.
ZERO = {
    "over": "The model is at or below the reference",
    "under": "The model is at or above the reference",
}
# Findings that say why an error is infinite.
INFINITE = ("no-model-value", "zero-reference", "infinite-error")


def explain(document: Mapping[str, Any]) -> str:
    """A few sentences on how a small RMS and a large worst error go together, from an audit's document."""
    said = _explained(document)
    every = document.get("search", {})
    # What was evaluated of a finite domain, and what that means, belongs to any explanation of its worst error.
    return f"{said} {every['text']}" if every.get("text") and document["witness"] is not None else said


def _explained(document: Mapping[str, Any]) -> str:
    witness = document["witness"]
    if witness is None:
        return "No point had an error, so there is nothing to explain."
    rms, worst = from_json(document["rms"]["value"]), from_json(document["sup"]["lower"])
    n, plain = document["rms"]["n"], from_json(document["plain_sample"]["worst"])
    if worst == math.inf:
        known = [f["text"] for f in document["findings"] if f["code"] in INFINITE]
        return known[0] if known else "The worst error is infinite."
    if document["table_only"]:
        return (
            f"Over {n:,} {'row' if n == 1 else 'rows'} the RMS error is {size(rms, document)} and the largest is "
            f"{size(worst, document)}. {document['table']['text'] if document.get('table') else ''}"
        ).rstrip()
    exact, every = document["rms"]["kind"] == "exact", document.get("search", {}).get("exhaustive", False)
    points = points_of_domain(document) if exact else f"{n:,} random points"
    if worst == 0:
        what = ZERO.get(document["measure"]["side"], "Model and reference agree exactly")
        if document["measure"]["kind"] == "function":
            what = "The error is exactly zero"
        if every:
            where = (
                "of the domain" if document["search"]["complete"] else "where an error is known and counts"
            )
            return f"{what} at every point {where}."
        return f"{what} at all of {points} and everywhere the search looked."
    if not math.isfinite(rms):
        return f"The worst error found is {size(worst, document)}; no average is known beside it."
    if exact and n == 1:
        return (
            f"One point of the domain has an error, {size(worst, document)}: worst and average are the same."
        )
    where = (
        f", in {witness['output']}"
        if len(document["outputs"]) > 1 and not document["measure"].get("joint")
        else ""
    )
    times = f"is {number(worst / rms)} times" if rms > 0 else "stands beside"
    sentences = [
        f"The worst error{'' if every else ' found'}, {size(worst, document)}{where}, {times} the RMS of "
        f"{points}, {size(rms, document)}."
    ]
    peak: Mapping[str, Any] = next((p for p in document["peaks"] if p["x"] == witness["x"]), {})
    even = document.get("law_uniform", True)  # another law may prefer the region, or avoid it
    if even and not exact and 0 < (peak.get("volume") or 0.0) < 0.1:
        sentences += _of_region(peak, worst, rms, n, document)
    if plain == 0 and not exact:
        sentences.append("None of the random points had an error.")
    elif plain < 0.8 * worst and not exact:
        sentences.append(f"The random points themselves saw at most {size(plain, document)}.")
    elif worst < 2 * rms:
        sentences.append("Worst and average are close here: the error is spread evenly.")
    return " ".join(sentences)


def points_of_domain(document: Mapping[str, Any]) -> str:
    """What exact statistics are over: all points of the domain, or those of them that have an error."""
    n, points = document["rms"]["n"], document["search"]["points"]
    if n == points:
        return f"all {n:,} points of the domain" if n > 1 else "the only point of the domain"
    return f"the {n:,} of {points:,} points of the domain that have an error"


def _of_region(
    peak: Mapping[str, Any], worst: float, rms: float, n: int, document: Mapping[str, Any]
) -> list[str]:
    """How much of the domain the region round the worst error fills, and what that means for tests and for the RMS."""
    volume = peak["volume"]
    bounded = peak.get("volume_at_most") is not None or not peak.get("volume_at_least")
    about = "about" if bounded else "at least"
    hits = n * volume
    if hits >= 1:
        test = f"a random test of {n:,} points puts about {number(hits)} of them there."
    else:
        test = f"of random tests of {n:,} points {about} one in {number(1 / hits)} hits it."
    part = f"{about} 1 part in {number(1 / volume)} of the domain"
    filled = f"The region where the error is at least half of it fills {part}: {test}"
    surely = peak.get("volume_at_least") or volume
    share = surely * (worst / 2) ** 2 / rms**2 if rms > 0 else math.inf
    if share > 1:
        least = f"{number(math.sqrt(share))} times as large"
        if rms == 0:
            least = size(math.sqrt(surely) * worst / 2, document)
        return [
            filled,
            "That region alone makes the true RMS larger than the sample's: the sample has missed what dominates "
            f"the average, which is at least {least}.",
        ]
    weight = f"It makes up at least {number(100 * share, 2)} % of the mean square"
    return [filled, f"{weight}, so the average hardly notices it." if share < 0.2 else f"{weight}."]


def number(value: float, digits: int = 3) -> str:
    """Three digits, thousands with commas.

    >>> number(14520.2), number(0.01234), number(1.24e8), number(6.5e-5)
    ('14,500', '0.0123', '1.24e+08', '6.5e-05')
    """
    if not math.isfinite(value) or value == 0 or not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits}g}"
    short = float(f"{value:.{digits}g}")
    return f"{short:,.0f}" if abs(short) >= 10 ** (digits - 1) else f"{short:g}"


def size(error: float, document: Mapping[str, Any]) -> str:
    """An error with what it is measured in: relative ones in per cent, absolute ones with the unit."""
    measure = document["measure"]
    if measure["per_output"]:
        return f"{number(error)} times its tolerance"
    if measure["kind"] == "relative":
        return f"{number(100 * error)} %"
    return f"{number(error)} {measure['unit']}".rstrip()
