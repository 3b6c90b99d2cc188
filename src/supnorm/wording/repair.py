"""The words of a repair: the template of each fact that `supnorm.mending` finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import AxisRecord, MeasureRecord
from supnorm.wording.narrator import Narrator, units_of

# How the repair ended, and what to do next.
ADVICE = {
    "mended": "The largest error found fell from {before:error} to {after:error}, by an audit with a fresh seed.",
    "mended-rows": "The largest error at {n:count} rows of the table that were held out fell from {before:error} to "
    "{after:error}.",
    "rows-found": "At a row that it was trained on its error is {lower:error}.",
    "rows-only": "The reference is a table: the repair trained on {trained:count} of its rows and is judged by the other "
    "{held:count}. It says nothing of inputs that no row has. Whether the old model was trained on these rows is not known.",
    "above-tolerance": "It is still above the tolerance of {tolerance:error}: repair the mended model once "
    "more{patch?:. Patches mend isolated glitches: for an error that is spread over the domain try --method residual|, give "
    "more evaluations or seconds, or train a larger network}.",
    "search-only": "A search proves nothing: --certify looks for a proof.",
    "mended-proved": "The error of the mended model is proved to be nowhere above {upper:error at most 4} ({kind}).",
    "mended-unproved": "No bound below the tolerance was proved: the error is between {lower:error at least 4} and "
    "{upper:error at most 4}.",
    "old-stays": "The old model stays: {reasons:list}.",
    "try-instead": "Give more evaluations or seconds, or a larger network{exchange?:; --method patch mends isolated "
    "glitches and changes nothing elsewhere}.",
    "stopped-repair": "You stopped the repair; {accepted?:the mended model was accepted before|the old model stays}.",
    "proof-found": "The proof found an error of {lower:error at least 4}.",
    "nothing-wrong": "The audit found no error above the tolerance of {tolerance:error}: there is nothing to mend.",
}
# Why a mended model was not accepted.
REASONS = {
    "not-smaller": "its largest error is {after:error}, where the old model's is {before:error}",
    "rms-grew": "its root mean square error grew from {before:error} to {after:error} at {n:one point|{n:count} random "
    "points}",
    "harm": "at {at:point} its error grew from {before:error} to {after:error}, by more than {allowed:error}",
    "few-compared": "in the time both models were compared at {n:one random point|{n:count} random points} only, where "
    "{least:count} are the least",
    "no-candidate": "no training run ended with a model",
}
TEMPLATES: Mapping[str, str] = ADVICE | REASONS


def narrator(measure: MeasureRecord, axes: Iterable[AxisRecord]) -> Narrator:
    """What renders the facts of a repair whose error is measured so; ``axes``: the inputs with their units."""
    unit = ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)
    return Narrator(TEMPLATES, unit, units_of(axes))
