"""The words of a fit: the template of each fact that `supnorm.training` finds."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import MeasureRecord
from supnorm.wording.narrator import Narrator

_FOUND = "a {l2?:root mean square error|largest error found} of {error:error}"
_MISSED = "a continuous model misses by at least half"
# How the fit ended, and what to do next.
ADVICE = {
    "stopped": "You stopped the fit.",
    "best": f"{{method}} is the best of {{candidates:count}} {{candidates:candidate|candidates}}, with {_FOUND}.",
    "audited": f"{{method}} has {_FOUND}, by an audit with a fresh seed.",
    "at-samples": "The error was measured at sample points.",
    "every-point": "The audit compared every point of the domain.",
    "lower-bound": "It is a lower bound; a certificate proves an upper one.",
    "reference-jumps": "No continuous model can meet the tolerance, because the reference jumps by {size:num}: split "
    "the domain there.",
    "labels-jump": "No continuous model can meet the tolerance, because the labels jump by {size:num}.",
    "time-up": "The time was up: give more seconds.",
    "give-more": "Give more evaluations{seconds?: or seconds}, or in Python wider networks: "
    "method=NetworkFit(widths=(48, 64)).",
    "on-samples": "{method} has a {l2?:root mean square error|largest error} of {error:error} on {held?:{held:count} "
    "held-out samples|the {trained:count} points that it was trained on, and on {unused:count} other samples{repeated?: and "
    "{repeated:count} that repeat the inputs of others with another label}}.",
    "between-samples": "Nothing is known between the samples: give a reference to have the model audited.",
    "largest": f"{{method}} has {_FOUND}.",
    "listed-values": "A proof holds for a whole box, so that the models were fitted between the listed values as well. The "
    "errors of the winner are those at the listed values, the errors of the other methods are those in the whole box.",
    "proved": "{method}: the error is proved to be nowhere above {upper:error at most 4} ({kind}).",
    "not-proved": "The largest error is between {lower:error at least 4} and {upper:error at most 4}, and the "
    "tolerance is not proved.",
    "contradicted": "No bound is claimed: {why}.",
}
# What is to be known of the reference, or of the data.
NOTES = {
    "reference-jump": f"the reference jumps by {{size:num}} at {{at:point}}: {_MISSED}",
    "constant-reference": "the reference is constant on all points seen",
    "points-without-value": "the reference had no finite value at {failed:count} of {points:count} points, first at "
    "{at:point}",
    "cost-by-time": "a timing near 1 ms decided how this fit went: the reference took {milliseconds:num} ms a "
    "point, so it counts as {cost}; the repeat command keeps that, --cost {costs} decides it beforehand",
    "many-files": "functions of this problem opened more than {most:count} files; the run watches the first {most:count}: "
    "it does not see an edit of another one, neither while it works nor when it is resumed",
    "trained-on": "{trained:count} of {samples:count} samples train the candidates, the others measure their errors",
    "constant-labels": "all labels are equal: the model is a constant",
    "repeated-samples": "{samples:count} {samples:sample repeats|samples repeat} the point of another "
    "one{difference?:; their labels differ by up to {difference:num}, so no model has a smaller absolute error than "
    "{half:num} there}",
    "label-jump": "the labels jump by {size:num} between {near:point} and {far:point}, or rise more steeply than the "
    f"samples resolve: {_MISSED}",
    "candidate-jumps": "the candidate that jumps there is the {method}; samples in the gap, or a reference, narrow it",
    "training-ended": "{reason} ({iterations:count} iterations)",
    "fit-that-jumps": "a fit that jumps there: method=PiecewiseLeastSquares(), --method piecewise-polynomial",
    "fit-both-sides": "fit the samples on either side of the jump separately",
}
TEMPLATES: Mapping[str, str] = ADVICE | NOTES
FIT = Narrator(TEMPLATES)


def narrator(measure: MeasureRecord) -> Narrator:
    """What renders the facts of a fit whose error is measured so."""
    return Narrator(TEMPLATES, ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output))
