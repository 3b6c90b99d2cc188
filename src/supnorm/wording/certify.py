"""The words of a proof: the template of each fact that `supnorm.certification` and the verbs certify and check find."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from supnorm.results.numbers import ErrorUnit
from supnorm.wording.narrator import Narrator
from supnorm.wording.properties import PROPERTIES

# Why the work on a bracket ended; the codes end in the words that `narrow` returns.
ENDS = {
    "end-rounding": "Float64 rounding is as large as the gap that is left; the bracket cannot be narrowed"
    "{install?: without python-flint; {install}|}.",
    "end-elsewhere": "The upper bound holds for the whole box, and points that do not count (mask, constraint, "
    "between discrete values) have errors nearly as large: shrink the domain to the points that count.",
    "end-seconds": "The time is spent; give more seconds, more workers, or a larger {ratio?:ratio|tolerance}, or resume.",
    "end-boxes": "The budget of boxes is spent; resume for as many more, or give a larger {ratio?:ratio|tolerance}.",
    "end-unbounded": "A box that cannot be halved further has no bound.",
    "end-interrupted": "It was stopped; resume.",
    "end-agreement": "Not decided.",
    "end-proved": "The bracket is as narrow as you asked, but the tolerance {tolerance:error 6} lies inside; give a "
    "smaller ratio.",
}
_PROVED = (
    "Proved{measured?: for the programs as read, and measured that model and reference run so}"
    "{declared?: on the declared assumptions}"
)
# What the end means for the tolerance, and what to do next.
VERDICTS = {
    "witness-above": "The error at the witness is {error:error at least 4}, above the tolerance of {tolerance:error 6}.",
    "run-above": "Model and reference as they run have an error of {error:error at least 4}, above the tolerance of "
    "{tolerance:error 6}{at?:, at {at:exact point}}.",
    "proved-within": f"{_PROVED}: nowhere above {{upper:error at most 4}}, within the tolerance of "
    "{tolerance:error 6}.",
    "proved-between": f"{_PROVED}: the worst error is between {{lower:error at least {{digits}}}} and "
    "{upper:error at most {digits}}.",
    "lower-precision": "This holds in exact arithmetic; the {side} as it runs was seen to differ from it by up to "
    "{difference:at most 2}.",
    "beyond-float64": "This holds in exact arithmetic; evaluation in float64 adds {rounding:error at most 2} at most.",
    "ratio-missed": "The ratio {ratio:num 6} was not reached.",
    "stopped": "{cause?:Stopped: {cause}|You stopped it}; save the certificate and resume from it.",
    "no-room": "The programs that were read have no known error above {tolerance:error 6}. But model and reference "
    "as they run were seen to differ from these programs by up to {difference:at most}, and there is no room for "
    "twice this difference below the tolerance.",
    "exact-above": "In exact arithmetic the error at the witness is {error:error at least 4}, above the tolerance of "
    "{tolerance:error 6}. But model and reference as they run were seen to differ from these programs by up to "
    "{difference:at most}, and no error above the tolerance was computed.",
    "bracket-of-programs": "The bracket of the programs that were read is as narrow as you asked. But model and "
    "reference as they run were seen to differ from these programs by {difference:at most}, so their worst error is "
    "between {lower:error at least 4} and {upper:error at most 4}.",
    "nothing-seen": "certify found no point that counts with an error beyond rounding, and no ratio can be reached "
    "from zero. The error is nowhere above {upper:error at most 4}: {tolerance?:leave the ratio out to prove the tolerance "
    "{tolerance:error 6}|give a tolerance}{more?:, or more {more}}.",
    "nothing-above": "certify found no point that counts with an error beyond rounding. The error is nowhere above "
    "{upper:error at most 4}; the tolerance is {tolerance:error 6}. A tolerance above that bound, or a smaller domain, can "
    "be proved.",
    "no-verdict": "No verdict: {stated:list}. Give more seconds, or run supnorm check.",
    "keep-certificate": "{declared?:On the declared assumptions the|The} bound is within the tolerance everywhere. "
    "Keep the certificate with the model; supnorm check verifies {declared?:all but these assumptions|it}.",
}
_REMEDY = "shrink the domain to stay clear of it"
_POLE = (
    "a pole or an infinite slope{side?: of the {side} ({operation:list})}"
    "{relative?: of the error itself (a division by zero)}"
)
# Why there is no upper bound.
OBSTACLES = {
    "error-without-value": f"The error has no finite value at {{at:point}}; {_REMEDY}, or give a relative error a floor.",
    "model-without-value": "The model has no finite value at {at:point} ({operation?:{operation:list}: }{value:num}), which "
    f"counts as an infinite error; {_REMEDY}.",
    "reference-without-value": "The reference has no finite value at {at:point} ({operation?:{operation:list}: }"
    f"{{value:num}}); {_REMEDY}.",
    "root-not-proved": "It is not proved {condition:list} near {where}.",
    "root-slope": "that the derivative of g by y has one sign between the ends of the root",
    "root-inside": "that the root lies between its ends: Newton's method from the model ends too near to one of them",
    "root-defect": "that Newton's method from the model has a value",
    "root-measured": "that Newton's method from the model comes near the root",
    "flow-growth": "that f has a derivative by y with a bound near the solution",
    "flow-jump": "that the polynomials of two slices of time, or the first one and y0, meet",
    "flow-defect": "that the polynomials of a slice of time satisfy the equation nearly",
    "flow-inverse": "that the flow is not zero, as a relative error without floor needs",
    "flow-tube": "that the solution stays near the computed one (errors grow too much by then)",
    "integral-defect": "that f is as near its interpolants as the bound needs",
    "declared-too-loose": "The declared bounds allow no upper bound near {where}; declare a smaller bound.",
    "no-bound-wide": "No bound is known yet on {where}: on a box as wide as this {side?:{operation:list} in the {side}"
    "|{relative?:a division by zero in the error|an infinite value}} cannot be excluded. Smaller boxes may have a bound: "
    "give more seconds or boxes.",
    "no-bound-yet": f"No bound is known yet on {{where}}: there may be {_POLE}.",
    "no-bound": f"No bound can be proved near {{where}}: {_POLE}; {_REMEDY}.",
    "no-bound-at-jump": "No bound can be proved near {where} in this way: the function may change from one formula to "
    "another there (where). Leave the strategy out: the default strategy bounds both formulas.",
    "div": "a division by zero",
    "log": "a logarithm of zero or less",
    "sqrt": "a square root at zero or below",
    "pow": "a power of zero or less",
    "constant": "a constant without a value",
    "exp": "an overflowing exponential",
    "too-large": "numbers too large for float64",
    "operation": "the operation {name}",
}
# What the upper bound rests on, and what it leaves out; a certificate has these sentences too.
ASSUMPTIONS = {
    "arithmetic": "float64 follows IEEE 754; library functions (tanh, exp, ...) are within {units} units in the last place",
    "exact-arithmetic": "the bound is for exact arithmetic, without the model's own rounding",
    "rounding-without-bound": "the bound is for exact arithmetic: the rounding of the model has no bound on a part "
    "of the domain",
    "single-assumed": "deployed_upper: {runtime} computes the model in float32 by IEEE 754, with the operations of its "
    "file, sums in any order, with or without fused multiply-add, but no narrower formats (TF32, bfloat16) and no fast "
    "matrix products (Winograd, Strassen){functions?:; {functions}, an ulp being 1.2e-7 of the value}",
    "single-unknown-code": "deployed_upper: not known, because code in float32 may run other operations than were read "
    "of it",
    "single-unknown-operators": "deployed_upper: not known, because it is not known how {runtime} rounds {operators} "
    "in float32",
    "single-no-bound": "deployed_upper: the rounding in float32 has no bound on this domain (an overflow, a pole, a "
    "branch of the code)",
    "single-threshold": "deployed_upper: not known, because the reference chooses between formulas, and the rounding of a "
    "model in float32 is bounded beside one formula only",
    "single-refuted": "deployed_upper: nothing is claimed, because {runtime} was seen to differ from exact arithmetic by "
    "{difference:at most}, and rounding in float32 explains only {bound:at most}",
    "exact-root": "the bound is for the exact root of the equation between its ends; Newton's method computes it in float64",
    "exact-flow": "the bound is for the exact solution of the initial value problem; a Runge-Kutta method computes it in "
    "float64",
    "exact-integral": "the bound is for the exact integral; Gauss's rule computes it in float64",
    "threshold-rounded": "the {sides} chooses between formulas by a number that it rounds, and the bound is for exact "
    "arithmetic: where rounding takes the other formula, the error as it runs may be larger by the distance of both",
    "branches-not-taken": "the {side} has branches that its program does not take, as a function that is linear from a "
    "threshold on; the bound has room for them, {room:num 2} in the unit of the output",
    "mask-not-in-bound": "the mask is left out of the upper bound, which holds on the whole box",
    "constraints-not-in-bound": "the constraints are left out of the upper bound, which holds on the whole box",
    "values-as-intervals": "discrete axes are taken as intervals in the upper bound",
    "values-of-file": "{values:count} values of the {side} are those of {path}; {compared:count} of them, drawn at random, "
    "were compared with it",
}
# What was measured and not proved.
MEASURED = {
    "agreement": "what runs is what was read at {points:count} points{difference?: within {difference:error at most "
    "2}, {beyond?:{beyond:at most 2} of it beyond|explained by} rounding in float64{branch?: and a branch of the "
    "code that the bound has room for}{threshold?:, the largest at a threshold, where rounding takes the other formula}|, "
    "exactly}",
    "agreement-measured": "measured: {agreement:list}",
    "stated-bounds": "{believed:count} of {boxes:count} bounds are as the file states them: there was no time to "
    "prove them again",
    "read-as-run": "assumed, not proved: compiled code, packages and code made from text that {sides} {one?:calls|call} do "
    "with arrays what they did while the code was read (this was compared in your own Python code only), and no code "
    "depends on chance, earlier calls or their number, the time, files, the environment, the process, who calls it, whether "
    "torch records gradients, or how many rows there are beyond the three for which it was read{compiled?:; and what runs "
    "as JAX compiles it computes the same without jax.jit}",
    "differs": "measured, not proved: model and reference as they run differ by at most {bound:at most} from their "
    "programs as read, twice the largest difference seen; {side:list}",
    "differs-below-float64": "the {side} as it runs was seen up to {difference:at most} from exact arithmetic; "
    "{values:list}",
    "values-of-side": "the {side} gives {run:exact} at {at:exact point}, where its program as read gives {program:exact}",
    "disagreement": "{side:list}: they differ by {difference:num}, in the unit of the error, more than rounding "
    "explains, and the bound to be proved is only {bound:at most}; the code that runs is not the code that was read "
    "(a cast to lower precision, a branch): repair it, or ask for a tolerance well above the difference",
    "room-added": "measured, not proved: the bound in exact arithmetic is {bound:error at most 6}; {room:at most} is "
    "added for the difference between the functions as they run and exact arithmetic",
    "above-bound": "an error of {error:error 8} was computed, above the bound {bound:error 8} of the "
    "certificate{room?:, and above the difference of {room:num 2} that was measured between program and run}: error "
    "and certificate are not about the same model and reference{declared?:, or the declared bound is "
    "wrong}{stated?:, or a bound of the file is wrong}; give certify the point of that error (witness = ..)",
}
# The summary of certify in a terminal.
SUMMARY = {
    "older-proof": "{bounded?:This bound is from the proof that was in {path}. The bound of this run, {upper:error "
    "at most 6}, is larger and was not kept.|The proof that was in {path} is kept, because this run has no bound.}",
    "lower": "{lower:error at least 6}{at?: at {at:point}}{output?:, output {output}}",
    "no-error-seen": "0: no error was seen",
    "upper": "{upper:error at most 6} ({kind}){nowhere?:: the error is nowhere larger}",
    "no-upper": "none",
    "as-deployed": "{upper:error at most 6} as {runtime} runs the model in {precision}",
    "proved-share": "{share:percent 4} of the domain{any?:: the error is at most {target:error at most 6} there}",
    "boxes": "{boxes:count} in {seconds:duration}",
}
# What `check` says beside the checker's own reason.
CHECK = {
    "file-without-bound": "The file proves no upper bound.",
    "file-bound": "Nowhere above {upper:error at most 6}.",
    "file-within": "Nowhere above {upper:error at most 6}, within the tolerance of {tolerance:error 6}.",
    "file-witness": "The error at the witness is {lower:error at least 6}, above the tolerance of {tolerance:error 6}.",
    "file-undecided": "{upper?:The file's upper bound is {upper:error at most 6}|The file proves no upper bound}: no "
    "proof of {tolerance:error 6}; certify with --tolerance {tolerance:literal 6}.",
    "file-no-room": "The file's upper bound is {upper:error at most 6}, but model and reference as they run were seen to "
    "differ from their programs: no proof of {tolerance:error 6} for what runs, whose bound with room for that is "
    "{room:error at most 6}.",
    "file-statement": "The statement is as the file says; it follows from {parts:one part|{parts:count} parts}.",
    "claims": "claims: worst error {upper?:between {lower:error at least 6} and {upper:error at most 6}|at least "
    "{lower:error at least 6}, no upper bound}",
    "leaf": "leaf {leaf} of {leaves}",
    "condition": "conditional on: {assumption}",
    "not-tied": "not verified: that the file is about your model, and its names, units and kind of error, which are its "
    "maker's words; give --problem PROBLEM.toml",
}
TEMPLATES: Mapping[str, str] = {
    **ENDS,
    **VERDICTS,
    **OBSTACLES,
    **ASSUMPTIONS,
    **MEASURED,
    **SUMMARY,
    **CHECK,
    **PROPERTIES,
}
CERTIFY = Narrator(TEMPLATES)


def narrator(
    unit: str = "", per_output: bool = False, units: Mapping[str, str] = MappingProxyType({})
) -> Narrator:
    """What renders the facts of a proof: errors are plain numbers with their unit, or multiples of tolerances.

    Args:
        units: of the inputs, by name.
    """
    # Errors that are multiples of the tolerance are above "the tolerance", and not above "the tolerance of 1 × tolerance".
    templates = {code: words.replace(" of {tolerance:error 6}", "") for code, words in TEMPLATES.items()}
    return Narrator(templates if per_output else TEMPLATES, ErrorUnit("absolute", unit, per_output), units)
