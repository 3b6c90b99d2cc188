"""The advice of an audit: why it ended as it did, and what to do next; one template for each fact."""

from supnorm.wording.findings import WITHOUT

_RETRAIN = (
    "Retrain with the worst {row?:rows|points} (points.csv in the folder of a run, `report.points` in Python"
    "{row?:|; supnorm repair does it}), narrow the domain, or guard this region{row?:| (supnorm guard)}."
)
TEMPLATES = {
    "interrupted": "{over?:The error at the worst point is above the tolerance, whatever a longer search finds. }"
    "{cause?:{cause}|Stopped by you} after {n:count} evaluations"
    "{found?:; {over?:a longer search may find a larger error|the worst error until then is a lower bound}|; no point had "
    "an error until then}. {gone?:What was stored is lost: the same command without --resume searches again from the start"
    "|{kept?:The same command with --resume {stored?:goes on|searches again from the start, because calls that are cheap "
    "are not stored}|The same audit searches again from the start{stored?:; with Calls(store=EvaluationStore(PATH, "
    "fingerprint(problem))) expensive calls are kept}}}.",
    "no-error": "No point had an error{why?:: {why:and} of the points tried}. Check {check?:{check} and }the domain.",
    "side-failed": "the {side} failed at {n:count}",
    "mask-left-out": "the mask left out {n:count}",
    "reference-fault": "At the worst point the second reference disagrees with the reference and agrees with the model: "
    "check the reference there before you blame the model.",
    "jump-unresolved": "At the worst point the second reference agrees with the model, but close by the reference takes the "
    "same value: which side of a jump is right is not settled. Look there before you retrain the model.",
    "no-tolerance": "No tolerance was given, so this is a report and not a verdict.",
    "lower-bound": "The worst point found is a lower bound of the worst error.",
    "within-alone": "When it is called alone, the worst point is within the tolerance: find out first why its value "
    "changes.",
    "exceeded": "The error at the worst point is above the tolerance. " + _RETRAIN,
    "exceeded-by-certify": "The error at the worst point is above the tolerance; certify found that point, the audit did "
    "not. " + _RETRAIN,
    "exceeded-row": "The error at the worst row is above the tolerance. " + _RETRAIN,
    "exceeded-infinite-rows": "In {n:count} of {of:count} rows the error is infinite. Give the model values there, leave "
    'these rows out, or say that they do not count: --failures ignore, or in a problem file failures = "ignore" under '
    "[error].",
    "exceeded-no-value": "The model has no value at points where the reference has one. Make it give one there, narrow the "
    'domain, or say that such points do not count: failures = "ignore" under [error].',
    "exceeded-unresolved": "Model and reference differ by more than the tolerance at the worst point, but the second "
    "reference does not settle which is right there: look at it before you retrain the model.",
    "exceeded-suspect-label": "At the worst row the label disagrees with both the model and its neighbours: check the "
    "suspect labels first, leave wrong ones out and audit again; do not retrain with them.",
    "exceeded-elsewhere": "At another point of the report the second reference confirms an error of {error:error}, "
    "above the tolerance.",
    "no-row-above": "No row has an error above the tolerance.",
    "no-point-above": "No point {complete?:of the domain|where an error is known} has an error above the tolerance, as "
    "computed in floating point.",
    "none-found": "No error above the tolerance was found; that is not a proof.",
    "every-point": "Every point was evaluated: a longer search finds nothing else.",
    "points-left": "{n:count} of the {of:count} points of the domain were evaluated before time or evaluations ran out: "
    "give more of them, and all points are evaluated.",
    "worse-after-search": "What was evaluated after the search, for pictures{planted?: and planted errors}, saw a worse "
    "point: search longer.",
    "still-grew": "The worst error still grew after {n:count} evaluations: search longer.",
    "last-third": "The last third of the search {gain?:raised the worst error by {small?:less than }{gain:percent}|"
    "did not raise the worst error}.",
    "side-without-value": "The {side} has no value at " + WITHOUT + ": "
    "{infinite?:each is an infinite error|no error is {ignored?:counted there, as the problem asks|known there}}.",
    "second-reference-failed": "The second reference failed: {why}.",
}
