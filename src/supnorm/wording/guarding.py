"""The words of a guard: the template of each fact that `supnorm.guarding` finds, and of its page."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import MeasureRecord
from supnorm.wording.narrator import Narrator

TEMPLATES: Mapping[str, str] = {
    "guarded": "The largest error found among accepted inputs is {accepted:error}; without the guard it is {before:error}. "
    "The guard rejects {rejected:percent 3} of the inputs.",
    "accepted-above": "{accepted:error} is above the tolerance of {tolerance:error}: reject more, or repair the model.",
    "not-effective": "This guard is not effective: what it accepts is hardly better. The error of this model follows from "
    "nothing that the guard looks at; give the training data, reject more, or repair the model.",
    "wrong-everywhere": "This guard is not effective, and no other could be: the model is wrong by much in so large a part "
    "of the domain that the best possible guard which rejects {share:percent 3} leaves {oracle:error}. Repair the model.",
    "risk-not-shown": "The fresh points show for no rejected share that at most {risk:percent 2} of the accepted inputs "
    "exceed the level: give more of them, ask for a larger risk, or repair the model.",
    # Said before it begins.
    "planned": "planned: at most {total:count} evaluations for the guard{seconds?: in about {seconds:duration}}: "
    "{learned:count} to learn from, {search:count} to search among accepted inputs, {fresh:count} fresh points",
    "only-found": "{accepted:error} is a lower bound: a search cannot prove that there is no worse accepted input.",
}


def narrator(measure: MeasureRecord) -> Narrator:
    """What renders the facts of a guard whose error is measured so."""
    return Narrator(TEMPLATES, ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output))
