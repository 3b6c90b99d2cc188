"""The words of a claim: the template of each fact that `supnorm.claims` finds, and those of its page and summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import AxisRecord, MeasureRecord
from supnorm.wording.narrator import Narrator, units_of

# The verdict, and what it means.
ADVICE = {
    "refuted": "The claim is {published}. At {at:point} the error is {error:error 4}, {factor:num 3} times the largest that "
    "the sentence allows; {second} has {error_second:error 4} there.",
    "refuted-no-value": "The claim is {published}. At {at:point} it has no value, and both references have one.",
    "not-refuted": "The claim is {published}. The largest error that {n:count} evaluations found is {error:error 4}. A "
    "search proves nothing{planted?:; the table of planted errors shows what such a search misses|, and no errors were "
    "planted to measure what this one misses}.",
    "proved": "The claim is {published}. No error is above {upper:error at most 4}: this is proved{checked?:, and the "
    "independent checker accepts the proof}.",
    "compared": "The claim is {published}. Every point of the range was compared; the largest error is {error:error 4}.",
    "unconfirmed": "The claim is {published}. At {at:point} the error is {error:error 4}, {factor:num 3} times the largest "
    "that the sentence allows. {tried?:{second} does not confirm it|No second reference was asked}, so it refutes nothing.",
    "second-disagrees": "{second} has {error_second:error 4} there.",
    "second-without-value": "{second} has no value there.",
    "not-comparable": "These numbers decide nothing about the sentence: {why}.",
    "not-installed": "{names} {n:is|are} not installed, or in a version that the claim does not take: {install}",
    "undecided": "No error is known, so nothing is decided: {why}",
    "stopped": "The run was cut short before it decided anything.",
    "failed": "{why}",
    "ledger": "Of {n:one claim|{n:count} claims} {refuted:one is refuted|{refuted:count} are refuted}, {proved:one is "
    "proved|{proved:count} are proved} and {open:one was not refuted|{open:count} were not refuted} by a search.",
    "ledger-rest": "{rest:One more has|{rest:count} more have} no verdict.",
    "ledger-changed": "{n:One does|{n:count} do} not end as written down before: {names}.",
}
REMARKS = {
    "other-version": "The sentence is about {package} {version}; installed is {installed}.",
    "not-as-known": "It was {verdict} when it was written down{low?:, with a largest error between {low:error 4} and "
    "{high:error 4}}.",
    "no-proof": "No proof: {why}",
    "proof-open": "The proof did not reach the published number: it bounds the error by {upper:error at most 4}.",
    "proof-conditional": "A bound of {upper:error at most 4} is proved under assumptions only: {why}.",
    "proof-rejected": "The independent checker rejects the certificate: {why}",
    "gaps": "At {n:count} of {of:count} points {reference?:the reference|the model} has no value, and nothing is compared.",
    "value-after-all": "The model had no value there in the search, and has one when it is called again.",
    "only-one": "Other points are worse, with errors up to {error:error 4}, but the second reference does not confirm them.",
}
PAGE = {
    "summary-says": "“{says}” ({source})",
    "summary-worst": "worst {error:error 4} at {at:point}",
    "at": "{at:point}",
    "values": "{output?:{output}: }{model} against {reference}{second?:, second reference {second}}",
    "planted": "Of {runs:count} {shape}s of {height:num} times that error and {volume:num} of the range, a search of "
    "{n:count} evaluations found {found:count}.",
    "allowed": "{n:count} evaluations, {seconds:duration}",
    "picture-points": "Errors at points of the search, beside {axis}; dotted: published; large dot: the worst point found.",
    "own-measure": "{error:error 4} ({limit:num} allowed)",
    "picture": "Error along {axis}; dotted: published; dot: the worst point found.",
    "verdict-refuted": "refuted",
    "verdict-not-refuted": "not refuted",
    "verdict-proved": "proved",
    "verdict-unconfirmed": "unconfirmed",
    "verdict-not-comparable": "not comparable",
    "verdict-not-installed": "not installed",
    "verdict-undecided": "undecided",
    "verdict-interrupted": "interrupted",
    "verdict-failed": "failed",
}
TEMPLATES: Mapping[str, str] = ADVICE | REMARKS | PAGE


def narrator(measure: MeasureRecord | None, published: str = "", axes: Iterable[AxisRecord] = ()) -> Narrator:
    """What renders the facts of a claim whose error is measured so: relative ones in percent if the published number is."""
    if measure is None:
        return Narrator(TEMPLATES)
    plain = measure.kind == "relative" and published != "" and "%" not in published
    kind = "absolute" if plain else measure.kind
    unit = ErrorUnit(kind, "" if plain else pretty_unit(measure.unit), measure.per_output)
    return Narrator(TEMPLATES, unit, units_of(axes))
