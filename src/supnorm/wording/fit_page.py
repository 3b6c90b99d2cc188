"""What the page of a fit says besides the words of its result; one template for each fact."""

_NORM = "{l2?:root mean square error|largest error}"
TEMPLATES = {
    "chip-proved": "tolerance proved",
    "chip-nothing-found": "nothing above the tolerance found; not proven",
    "chip-within-tolerance": "within tolerance at every point compared",
    "chip-tolerance-exceeded": "tolerance exceeded",
    "chip-undecided": "not proved",
    "chip-interrupted": "interrupted",
    "chip-no-tolerance": "no tolerance given",
    "asked": "{tolerance?:tolerance {tolerance:error}|no tolerance}",
    "norm": _NORM,
    # The headline.
    "take-proved": "Take {method}: its error is proved to be nowhere above {upper:error at most}.",
    "take-none": "No method reached the tolerance; the best, {method}, has a "
    + _NORM
    + "{l2?:| found} of {value:error}.",
    "take": "Take {method}: its " + _NORM + "{l2?:| found} is {value:error}.",
    # What kind of errors are shown.
    "errors-in-unit": "Errors are in {unit}.",
    "errors-relative": "Errors are relative: shares of the reference{floor?:, of {floor:num} where it is smaller}.",
    "errors-scaled": "Errors are divided by the scale of each output.",
    "errors-function": "Errors are those of the problem’s own function.",
    "errors-multiples": "Errors are multiples of each output’s tolerance.",
    "errors-one-side": "Only {over?:over|under}estimates count.",
    # By what the candidates are ranked.
    "ranked-samples": "The candidates are ranked by their {l2?:RMS|largest} error on the {choose:count} samples that choose "
    "the winner. The table shows {l2?:the RMS errors on {held:count} other samples, which took no part in this choice|the "
    "largest errors on these samples and on {held:count} others, which took no part in this choice}, so that a candidate "
    "further down can show a smaller error.",
    "ranked-points": "The winner is the candidate with the smallest {l2?:RMS|largest} error that was seen while fitting, "
    "or, of those within a factor 2 of it, the one with the fewest parameters. The others are ranked by the "
    "{l2?:RMS|worst} error of the table.",
    # What is known about the winner.
    "rms": "{rms:error}, measured at sample points",
    "worst": "{worst:error}, {audit?:found by the audit: a lower bound|on samples that it was not trained on: between them "
    "nothing is known}",
    "level": "{share:percent 4} of the points",
    "at-most": "error at most {error:error}",
    # What is proved.
    "proof-none": "Nothing was proved: every worst error here is a lower bound. --certify asks for a proof.",
    "proof-failed": "A proof was tried and gave no finite bound.",
    "proof": "The largest error lies between {lower:error at least} and {upper:error at most} ({kind}). certificate.json "
    "holds the proof; `supnorm check certificate.json` verifies it.{loose?: The proof goes no further than "
    "the tolerance asks; `supnorm certify problem.toml --ratio 1.1` proves a closer bound.}",
}
