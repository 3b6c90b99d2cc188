"""Why the average and the maximum differ, in plain words with the user's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supnorm.results import from_json


def explain(document: Mapping[str, Any]) -> str:
    """A few sentences on how a small RMS and a large worst error go together, from an audit's document."""
    witness = document["witness"]
    if witness is None:
        return "No point had an error, so there is nothing to explain."
    rms, worst = from_json(document["rms"]["value"]), from_json(document["sup"]["lower"])
    n, plain = document["rms"]["n"], from_json(document["plain_sample"]["worst"])
    if document["table_only"]:
        return (
            f"Over {n:,} rows the RMS error is {rms:.3g} and the largest is {worst:.3g}. Only the rows were "
            "compared: what lies between them is unknown."
        )
    if worst == float("inf"):
        known = [f["text"] for f in document["findings"] if f["code"] == "no-model-value"]
        return known[0] if known else "The worst error is infinite."
    sentences = [
        f"The worst error found, {worst:.3g}, is {_times(worst, rms)} the RMS of {n:,} random points, {rms:.3g}."
    ]
    place: Mapping[str, Any] = next((p for p in document["places"] if p["x"] == witness["x"]), {})
    volume = place.get("volume")
    if volume:
        about = (
            "at least" if place.get("volume_at_most") is None and place.get("volume_at_least") else "about"
        )
        surely = place.get("volume_at_least") or volume
        share = surely * (worst / 2) ** 2 / rms**2 if rms > 0 else float("inf")
        sentences.append(
            f"The place where the error is at least half of it fills {about} {_share(volume)} of the domain: "
            f"a random test of {n:,} points puts about {n * volume:.2g} of them there."
        )
        if share > 1:
            sentences.append(
                "That place alone would make the true RMS larger than the sample's: "
                "the sample has missed what dominates the average."
            )
        else:
            sentences.append(
                f"Its share of the mean square is {about} {100 * share:.2g} %, so the average hardly notices it."
            )
    if plain < 0.8 * worst:
        sentences.append(f"The random points themselves saw at most {plain:.3g}.")
    elif worst < 5 * rms:
        sentences.append("Worst and average are close here: the error is spread evenly.")
    return " ".join(sentences)


def _times(worst: float, rms: float) -> str:
    return f"{worst / rms:.3g} times" if rms > 0 else "infinitely many times"


def _share(volume: float) -> str:
    return f"1 part in {1 / volume:,.0f}" if volume < 0.1 else f"{100 * volume:.2g} %"
