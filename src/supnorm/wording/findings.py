"""What an audit noticed besides the worst error: one template for each finding."""

# At how much of what was looked at a side has no value.
WITHOUT = (
    "{k?:{k:count} of {n:count} {points} ({share:percent})"
    "|some of the points evaluated, though at none of the {n:count} {points}}"
)
_NUMBERED = "{k:row|rows} {numbered:rows}{more?:, ...}"
_CAUSE = "{cause?: The most frequent cause ({cause_count:count} of {cause_of:count}, first at {cause_at:point}): {cause}.}"
_SHARE = (
    "{n?: The error is infinite at {infinite:count} of {n:count} {points}"
    "{at_most?:: with 95 % confidence it is infinite on at most {at_most:percent} of {whole}}.}"
    "{finite?: Where it is finite, its RMS over {finite:count} {finite_points} is {rms:error}, and the largest finite error "
    "found is {worst:error}.}"
)
_FAILED = (
    "{numbered?: The {name} has no value in {k:count} of {n:count} rows (" + _NUMBERED + ")."
    "| The {name} has no value at " + WITHOUT + "."
    "{at_most?: With 95 % confidence it has no value on at most {at_most:percent} of {whole}.}}"
)
TEMPLATES = {
    "no-model-value": "{numbered?: The model has no value in {k:count} of {n:count} rows where the reference has one ("
    + _NUMBERED
    + "){ignored?:: no error is counted there, as the problem asks.|{infinite?:: there its error is infinite}.}"
    "{row?: The worst error of {finite:the other row|the other {finite:count} rows} is {worst:error}, in row {row:count}, "
    "and {finite:its|their} RMS is {rms:error}.}"
    "| The model has no value at points where the reference has one: that is an infinite error."
    + _CAUSE
    + _SHARE
    + "}",
    "zero-reference": "The reference is 0 at a point where the model is not: without a floor the relative error is infinite "
    "there. Give floor = the size of the reference below which the error is to count as absolute." + _SHARE,
    "infinite-error": "{function?:The error function gives an infinite error"
    "|The error is larger than any number of double precision} at a point where both values are finite."
    + _SHARE,
    "model-failed": _FAILED + ' No error is counted there: the problem says failures = "ignore".' + _CAUSE,
    "reference-failed": _FAILED + " No error is known there, and none is counted." + _CAUSE,
    "zero-derivatives": "The derivatives of the error are zero at most of the points with the largest errors, as they are "
    "behind rounding, tables and hard decisions: the search went on without derivatives.",
    "input-without-effect": "{name} seems to have no effect on the {model?:model|reference}, and has one on the "
    "{model?:reference|model}. Along the line through the worst point and in {n:count} random {n:pair|pairs} of points that "
    "{n:differs|differ} in {name} alone, the {model?:model|reference}{outputs?: (all {outputs:count} outputs)} gives the "
    "same values up to rounding, while the {model?:reference|model} changes by up to {spread:num}{unit?: {unit}}"
    "{output?: in {output}}. This is an estimate: with 95 % confidence {name} changes the {model?:model|reference} in at "
    "most {at_most:percent} of such pairs.",
    "recheck-late": "There was no time to ask the second reference about {n:count} of {of:count} peaks.",
    "recheck-failed": "The second reference has no value at {n:count} of {of:count} peaks, which stay unresolved: {why}.",
    "output-without-value": "At some of the {n:count} {points} "
    "{function?:the error function or the reference gives a number|the reference has a value} in some outputs only: no "
    "value of {outputs:at} of them{more?:, and none of {more:count} other {more:output|outputs} at some}. No error of these "
    "outputs is known there.",
    "law-outside": "{n:count} of the {of:count} points of the law {n:lies|lie} outside the declared domain and "
    "{n:was|were} left out: the averages are over the others.",
    "suspect-labels": "{n:count} {n:label|labels} of {of:count} {n:disagrees|disagree} with both the model and "
    "{n:its|their} neighbours ({n:data row|data rows} {numbered:rows}{more?:, ...}{n:|, most suspicious first}): check "
    "{n:it|them} before you blame the model.",
    "rows-alone": "{model?: The table of predictions has {model:count} {model:row|rows} whose key is not in the table of "
    "truths: there is no truth to compare with.}"
    "{reference?: The table of truths has {reference:count} {reference:row|rows} whose key is not in the table of "
    "predictions: {reference:its prediction is|their predictions are} missing.}",
    "rows-repeated": "{n:count} of the rows {n:repeats|repeat} the inputs of an earlier row; each row was compared with its "
    "own value.",
    "input-like-output": "{name} was taken as an input, because no inputs were named, and may be none: "
    "{equal?:as a prediction of {of} it has an R² of {by:num 4}|its correlation with {of} is {by:num 4}}. If it is another "
    "prediction, or {of} in another form, name the inputs without it"
    "{left?:, `--inputs {left}` (in Python `inputs=`)| (`--inputs`, in Python `inputs=`)}. "
    "If it is an input, name it there.",
    "rows-incomplete": "{n:count} of the {of:count} rows {n:lacks|lack} an input ({inputs:in}). "
    "{n:This row holds|These rows hold} both values, so {n:it was|they were} compared; maps leave {n:it|them} out.",
    "rows-outside": "{n:count} of the {of:count} rows of the table {n:lies|lie} outside the declared domain and "
    "{n:was|were} not compared."
    "{row?: The largest error among them is {worst:error} at {at:point} (row {row:count}){over?:, above the tolerance}.}",
    "domain-exceeds-data": "The declared domain exceeds the range of the data in {axes:list}: "
    "{about?:about {share:percent}|{share:percent 3}} of the domain lies outside that range."
    "{inside?: The worst point lies inside the range of the data.}"
    "{outside?: The worst point lies outside the data, in {outside}.}",
    "axis-beyond-data": "{name} (data {seen_low:num 4} to {seen_high:num 4}{unit?: {unit}}, declared {low:num 4} to "
    "{high:num 4}{unit?: {unit}})",
    "not-reproducible": "{worst?:The worst error|The error of a point} is not reproducible: in a batch it was "
    "{batch:error 6}, and when the same point was called alone it was {alone:error 6} ({at:point})."
    "{model?: The model gives {model_batch:exact} in the batch and {model:exact} alone.}"
    "{reference?: The reference gives {reference_batch:exact} in the batch and {reference:exact} alone.}"
    "{same?: Model and reference give the same values in both calls, so the error function differs.}"
    "{worst?: The larger error is reported.} Values may depend on the batch, on earlier calls or on digits that cancel, as "
    "they do near a pole and in single precision.",
    "computed-by-certify": "certify found the worst point; its proof or witness is in this folder. "
    "{found?:The largest error of the search is {found:error 6}|The search found no point with an error}. Averages, "
    "pictures and sizes are of the audit alone.",
}
