"""What the comparison of several models says; one template for each fact."""

from supnorm.wording.verdict import TEMPLATES as ADVICE

_ELSEWHERE = (
    "{confirmed?: {row?:In row {row:count} ({at:point})|At {at:point}} the second reference confirms an error of "
    "{confirmed:error}{above?:, above the tolerance}.| It confirms no error of this model at another point.}"
)
TEMPLATES = {
    "no-model": "No model could be evaluated.",
    "smallest-worst": "The smallest worst error found is **{worst:error}**, by {name}.{also?: It also has the smallest RMS.}"
    "{other?: By the RMS alone one would have chosen {other} (worst found {other_worst:error}).}"
    "{doubted?: The second reference contradicts the worst error of {doubted:list}, so that which model is best is open.}",
    # Of models whose worst point the second reference does not confirm, in the words of an audit.
    "reference-fault": "{name}: " + ADVICE["reference-fault"] + _ELSEWHERE,
    "jump-unresolved": "{name}: " + ADVICE["jump-unresolved"] + _ELSEWHERE,
    "exceeded-unresolved": "{name}: " + ADVICE["exceeded-unresolved"] + _ELSEWHERE,
    "not-drawn": "Not drawn: {names:list} (worst error infinite, zero or not known).",
    "model": "{name}",
    "found-by": "The own search of {name} missed its worst error of {worst:error}: it is at the worst point of {other}.",
    "refused": "Not audited: {name}: {why}",
    "left-out": "Not audited, because the run was cut short: {names:list}.",
    "crossed": "Each row is a model, each column the worst point of a model. On the diagonal stands the worst error that "
    "the model’s own search found.",
    "there": "{known?:{error:error}|not known}",
    "counted": "{n:count} {forms?:{n:form|forms} of one model|{n:model|models}}",
    "title": "{n:count} {forms?:{n:form|forms} of one model|{n:model|models}} against {reference} – supnorm compare",
    # Of the forms of one model.
    "form-missing": "Not compared: {name}: {why}.",
    "largest-difference": "The largest difference found between two forms is {worst:num}{output?: in {output}}, at "
    "{at:point}: {first} gives {a:exact}, {second} gives {b:exact}. A search found it: there may be a larger one.",
    "difference-without-value": "At {at:point} {first} gives {a:exact} and {second} gives {b:exact}{output?: ({output})}.",
    "no-difference": "At all {n:count} points at which they were compared the forms gave the same values, bit for bit: "
    "{names:list}.",
    "one-form": "Only one form could be made: there is nothing to compare it with.",
    # Cells of the table.
    "rms": "{infinite?:infinite; else {rms:error}|{rms:error}}",
    "worst": "{no_value?:no value at {no_value:count} points; else {worst:error}|{worst:error}}"
    "{doubt?: (reference in doubt)}{unresolved?: (re-check unresolved)}",
    "at": "{row?:row {row:count}: }{at}",
    "q999": "{known?:{q999:error}|not known}",
}
