"""What a roll-out says: why it ended, and the words of its page and summary; one template for each fact."""

_FROM = "{steps:one step|{steps:count} steps} from {runs:one initial state|{runs:count} initial states}"
_OTHERS = "Other initial states may be worse: an audit of supnorm.rollout_problem searches for the worst one."

ADVICE = {
    "end-rolled-out": f"Compared: {_FROM}; no tolerance was given."
    "{signal?: In {signal:one run|{signal:count} runs} an error is above the whole range of the reference.} "
    + _OTHERS,
    "end-nothing-found": f"No error is above the tolerance in {_FROM}. {_OTHERS}",
    "end-tolerance-exceeded": "The error is above the tolerance in {above:count} of {runs:one run|{runs:count} runs}.",
    "end-bounds-violated": "In {bound:count} of {runs:one run|{runs:count} runs} values of the model are beyond their "
    "bounds where those of the reference are not.",
    "end-not-finite": "The model has no finite value any more in {ended:count} of {runs:one run|{runs:count} runs}, and the "
    "reference has one.",
    "end-reference-failed": "The reference ended in {failed:count} of {runs:one run|{runs:count} runs} after {done:one step|"
    "{done:count} steps}{why?: ({why})}: compare fewer steps, or give another reference.",
    "end-unfinished": "The time was over after {done:count} of {steps:count} steps; the steps so far are in the result.",
    "end-interrupted": "Interrupted after {done:count} of {steps:count} steps; the steps so far are in the result.",
}

TEMPLATES = {
    "chip-rolled-out": "rolled out",
    "chip-nothing-found": "no error above the tolerance in these runs",
    "chip-tolerance-exceeded": "above the tolerance",
    "chip-bounds-violated": "beyond its bounds",
    "chip-not-finite": "not finite",
    "chip-reference-failed": "the reference failed",
    "chip-unfinished": "not finished",
    "chip-interrupted": "interrupted",
    "what": "{runs:one initial state|{runs:count} initial states}, {done:count} of {steps:count} steps",
    "headline": "The largest error of {variable} is {error:num}, at step {step:count}: {times?:{ratio:num 2} times "
    "the range of "
    "the reference.|the reference has a range of {range:num}.}",
    "headline-not-finite": "At step {step:count} of {steps:count} a value of {variable} is no finite number any more.",
    "headline-failed": "At step {step:count} of {steps:count} the model raised an exception.",
    "headline-nothing": "Nothing was compared.",
    "where": "{variable}: the largest error, {error:num}, is at step {step:count} of run {run:count} at {at:point}: "
    "{model:num 4} where the reference has {reference:num 4}. The RMS error of this step is {rms:num}, the range of the "
    "reference {range:num}.",
    "where-exact": "{variable}: every finite error is 0.",
    "where-none": "{variable}: no cell has a finite error.",
    "maps-none": "Pictures are drawn only of fields with two axes.",
    "first": "step {step:count}, {variable} at {at:point}{many?:, run {run:count}}: {model:num 4} where the reference has "
    "{reference:num 4}; {cells:one cell|{cells:count} cells}{many?:, in {runs:one run|{runs:count} runs} at some step}.",
    "first-failed": "step {step:count}{many?:, run {run:count}}: {message}{many?:; in {runs:one run|{runs:count} runs}}.",
    "origin": "The largest error of this run can be followed back from there to step {step:count}, where it was "
    "{error:num} at {at:point}.",
    "kind-failed": "the model raised",
    "kind-not-finite": "no finite value",
    "kind-bound": "beyond its bounds",
    "kind-tolerance": "above the tolerance",
    "kind-signal": "above the range of the reference",
    "kind-outlier": "an outlier of its step",
    "line-sup": "{variable}, largest",
    "line-rms": "{variable}, RMS",
    "chart-axis": "|error|",
    "chart-what": "The largest error of all cells and runs after each step, and the root mean square error. The "
    "table gives quantiles: the error that a share of the cells does not exceed.",
    "map-reference": "reference, {low:num} to {high:num}",
    "map-model": "model, the same colours",
    "map-error": "|error|, 0 to {largest:num}",
    "map-label": "{variable}: reference, model and error; {x_name} from {x_low:num} to {x_high:num} to the right, {y_name} "
    "from {y_low:num} to {y_high:num} upwards",
    "total": "{name}: relative change {model:num}, of the reference {reference:num}; largest difference "
    "{largest:num}, at step "
    "{step:count}.",
    "totals-what": "A total can be exact while single cells are far off: it says nothing about the largest error.",
    "guard-none": "No guard was given.",
    "guard": "The guard flagged {flagged:percent 2} on average and {largest:percent 2} at most at one step{fallback?:; the "
    "reference stood in for what it flagged{taken?:, in {taken:count} steps}}.",
}
