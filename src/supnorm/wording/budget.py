"""The words of a budget: the template of each fact that `supnorm.planning` finds."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.results.budget import CaveatRecord
from supnorm.wording.fact import Fact
from supnorm.wording.narrator import Narrator

# What decided the verdict.
EVIDENCE = {
    "class-only": "Only numbers were given: nothing is known about the function.",
    "no-rule": "No rule applies: measure a learning curve.",
    "unbounded": "The largest |f| grew {growth:num} times as the search box shrank, to {largest:num}{at?:, near "
    "({at})}.",
    "no-sup-budget": "There is no sup-norm budget: cut that point out of the domain.",
    "jump": "A jump of height {height:num}{at?: near ({at})} is more than twice the tolerance.",
    "split-or-leave-out": "State the error off a named neighbourhood, or split the domain.",
    "unresolved": "The samples along a line do not resolve a layer or an oscillation.",
    "more-calls-or-split": "Give more calls, or split the domain at the layer.",
    "few-tests": "Fewer than two tests could run.",
    "one-input": "The function has one input; its smoothness is {kind}.",
    "one-input-kinks": "The function has one input, with kinks of order {order:num}.",
    "cost-of-breaks": "Bisection finds each break with about 50 samples.",
    "trial": "{tool}: the largest error is {error:num 2} with {samples:count} samples, and about {expected:num 1} is "
    "expected with {budget:count}.",
    "trial-at-rounding": "{tool}: the largest error is {error:num 2} with {samples:count} samples, and no less is "
    "expected with {budget:count}.",
    "bisected": "Bisection finds the jump to rounding: the error is stated off that interval, and no promise holds "
    "inside it.",
    "measured-class": "What was measured: {function_class}.",
    "samples-of-tool": "The method “{tool}” needs about {log10:from log10} samples ({source}).",
    "samples-needed": "It needs about {log10:from log10} samples.",
    "analytic": "The function is analytic on {lines:count} lines; a polynomial of total degree {degree} has "
    "{log10:from log10} terms.",
    "twice-the-terms": "Twice as many samples fit the sample budget of {budget:count}.",
    "curve-reaches": "{tool}: the learning curve reaches the tolerance at {size:count} samples (upper end of its "
    "interval).",
    "audit-and-guard": "Audit it, and guard queries outside the data.",
    "curve-floor": "The learning curve ends at a floor above the tolerance: more samples do not help.",
    "other-lever": "Change something else: the width, the iterations, the optimizer, or compute in float64.",
    "curve-middle": "The middle of the forecast reaches the tolerance within the sample budget, but its upper end "
    "does not.",
    "narrow-curve": "Add a training size or trainings: the interval becomes narrower.",
    "curve-short": "The learning curve does not reach the tolerance with {budget:count} samples (upper end of its "
    "interval).",
    "loosen": "Loosen the tolerance, or spend more samples.",
    "no-structure": "The function has {inputs:count} {inputs:input|inputs}, the relative tolerance is {relative:num "
    "2}, the sample budget is {budget:count}, and no structure fits them.",
    "gaussian-process": "A Gaussian process is affordable here, and it has error bars.",
    "measure-both": "Measure learning curves of a network and of a Gaussian process.",
    "one-input-untried": "For one input try a piecewise polynomial grid before a network: more calls show whether it "
    "reaches the tolerance.",
    "no-fit": "No fit was made, neither of a classical tool nor of a network: nothing that was measured supports one "
    "of them.",
    "measure-first": "No network was trained yet: measure a learning curve before you commit.",
    "cheapest": "The cheapest construction, {tool}, needs about {log10:from log10} samples.",
    "rough": "The function is rough along lines (order {order:num}): where kinks are known, split the domain there; "
    "smooth pieces need far less.",
    "other-ways": "Offer the 2-norm, a smaller domain, or the reference as a fallback at run time.",
    "contradiction": "Rows with equal inputs have values up to {difference:num} apart: no function of these inputs "
    "has an error below {half:num} there.",
    "stopped-profile": "You stopped the budget while the function was profiled.",
    "stopped-table": "You stopped the budget while the table was profiled.",
    "stopped-curve": "You stopped the budget while a learning curve was measured.",
    "stopped-pilot": "You stopped the budget while pilot fits were made.",
    "calls-made": "Until then the profile and what follows it had made {calls:count} {calls:call|calls}.",
    "values-seen": "The values go from {low:num 6} to {high:num 6}.",
}
# Tests of the profile that were not made.
LEFT_OUT = {
    "no-interactions": "Interactions were not tested: {pairs:count} {pairs:pair needs|pairs need} {calls:count} "
    "calls.",
    "no-active-subspace": "No active subspace was looked for: that needs {calls:count} calls.",
    "noisy-inner-functions": "Inner functions were not looked for: the values carry noise.",
    "many-inner-functions": "Inner functions were not looked for: there are too many sets of inputs.",
    "no-sensitivity": "Sobol indices were not measured: they need {calls:count} calls.",
    "no-dimension": "The intrinsic dimension was not measured: it needs at least 100 distinct points of the inputs' "
    "law.",
    "no-ranks": "Separation ranks were not measured: they need {calls:count} calls.",
    "no-smoothness": "Smoothness above 1 was not measured: that needs calls of the function.",
    "no-calls": "Neither interactions nor a pole were looked for: that needs calls of the function.",
    "typical-order": "The Hölder order at typical points is about {order:num} (orders above 1 do not show).",
}
# What was converted or assumed.
NOTES = {
    "unit-cube": "Inputs are scaled to the unit cube; tolerance and derivative bounds share one unit.",
    "beyond-float64": "Left out, because their numbers at this tolerance leave the range of float64: {statements}.",
    "hardest-output": "Of {outputs:count} outputs the budget plans {output}, whose range is largest against its "
    "tolerance; the others are taken to be no harder.",
    "named-output": "Of {outputs:count} outputs the budget plans {output} alone.",
    "relative-at-floor": "The relative tolerance was made absolute where it allows least: at the floor, {size:num}.",
    "relative-at-point": "The relative tolerance was made absolute where it allows least: at the smallest |f| of "
    "{points:count} random points, {size:num}.",
    "relative-at-row": "The relative tolerance was made absolute where it allows least: at the smallest |f| of "
    "{points:count} rows, {size:num}.",
    "sign-change": "The function changes sign, and nearer to its zeros even less is allowed: give [error] floor, the "
    "size below which errors count as absolute.",
    "table": "The table has {rows:count} rows{left_out?: ({left_out:count} more have no value and are left out)}: "
    "smoothness above 1 and interactions do not show in it.",
    "repeated-rows": "{rows:count} {rows:row repeats|rows repeat} the inputs of others{difference?:, with values up "
    "to {difference:num} apart}.",
    "calls-by-time": "Up to {calls:count} evaluations were planned because one took {seconds:num 2} s here; a faster "
    "or slower run plans others, and may answer otherwise. The repeat command keeps that; --cost {seconds:literal 2} "
    "or --calls {calls} decides it beforehand.",
    "tests-by-time": "The trainings were tested on {tests:count} points each, because a call took {seconds:num 2} s, "
    "which is near a threshold. The repeat command keeps that; --cost {seconds:literal 2} decides it beforehand.",
    "points-without-value": "{points:count} of {scanned:count} points scanned in the domain had no finite value: "
    "nothing here covers them. Name where the function exists as constraints of the domain.",
}
# The eight exceptions: the name of each, and the test that decides it.
EXCEPTIONS = {
    "smoothness": ("strong smoothness", "Chebyshev decay on all axes and on oblique lines"),
    "composition": (
        "composition of simpler functions",
        "mixed differences in sup, products, ridges, inner functions",
    ),
    "manifold": (
        "inputs on a low-dimensional set",
        "TwoNN and MLE at three scales, corrected for bias",
    ),
    "average": (
        "this function is easier than the worst of its class",
        "measured learning curve against the guarantee line",
    ),
    "architecture": (
        "another architecture or activation",
        "learning curves of several trainers with equal training sizes",
    ),
    "low-accuracy": (
        "low accuracy is enough",
        "is every lower bound vacuous; is a measured training size already there",
    ),
    "mean-square": ("the mean square is enough", "the stated norm; sup over rms of the learning curve"),
    "equation": ("physics-informed training", "is the equation known, and its stability constant"),
}
_MEASURED = (
    "{size:count} samples leave {error:num 2} (exponent {alpha:num 2} [{low:num 2}, {high:num 2}], {regime})"
)
_COMPARED = "at {size:count} samples {best} is {gain:num} times as good as {second}"
_CLIQUE = "at most {clique} {clique:input interacts|inputs interact} at the size of the tolerance"
_SET = "dimension {lower:num 2} to {upper:num 2} of {inputs} (linear span {linear})"
_RATIO = "{median?:; sup/rms is {median:num 2} in the median, up to {most:num 2}}"
_ARCHITECTURE = (
    "sample bounds hold for any method; the weight bound by VC dimension halves its exponent for tanh"
)
# What a test says, and what that changes.
OUTCOMES = {
    "no-function": "undecided: no function was given",
    "stated-smoothness": "the smoothness that was stated is used",
    "jumping": "does not hold: a jump of height {height:num}",
    "no-promise-at-all": "no sup-norm promise at all",
    "geometric": "holds: geometric decay on {lines:count} lines, smallest rho {rho:beyond one}",
    "polynomial-counts": "polynomial counts, log(1/eps)^d in place of eps^(-d/n)",
    "algebraic": "does not hold: order {order:num} is the lowest of {lines:count} lines",
    "derivatives": "n = {order} in eps^(-d/n)",
    "smoothness-open": "undecided: {kind}",
    "lipschitz": "n = 1 (Lipschitz) is used",
    "not-tested": "undecided: not tested",
    "all-interact": "all inputs are taken to interact",
    "splits": "holds:{sums?: {sums},}{products?: {products},}{directions?: "
    "{directions} active {directions:direction|directions},}{inner?: one number for the inputs {inner},} at every "
    "point sampled",
    "block-size": f"d becomes the largest block; {_CLIQUE}",
    "no-split": "does not hold: no split was found",
    "all-inputs": f"d stays {{inputs}}; {_CLIQUE}",
    "no-data": "undecided: no data of the inputs' law",
    "whole-box": "all of the box is meant",
    "no-single-dimension": "does not hold: no single dimension over the scales",
    "d-stays": "d stays",
    "low-dimension": f"holds: {_SET}",
    "dimension-used": "d becomes {upper:num 2} for inputs of this law only; other queries need a guard",
    "full-dimension": f"does not hold: {_SET}",
    "no-curve": "undecided: no learning curve was measured",
    "guarantee-only": "only the guarantee line speaks",
    "forecast-and-guarantee": "the forecast line is for this function; the guarantee line stays printed beside it",
    "curve-is-exact": "at every training size up to {size:count} samples the error was zero at all points of the test",
    "only-exact": "{best} is exact at all points of the test from {size:count} samples on, {second} is not",
    "nothing-to-compare": f"undecided: no number to compare with; {_MEASURED}",
    "easier": f"holds: {_MEASURED}; to promise that to the class takes at least {{log10:at least from log10}} samples",
    "not-easier": f"does not hold so far: {_MEASURED}, no less than the class allows",
    "one-curve": "undecided: measure one learning curve for each, with equal training sizes",
    "same-for-all": _ARCHITECTURE,
    "within-scatter": f"does not hold: {_COMPARED}, within the scatter of single trainings",
    "better": f"holds: {_COMPARED}",
    "take-better": f"take {{best}}; {_ARCHITECTURE}",
    "size-reaches": "holds: the training size {size:count} reaches it",
    "take-size": "take that size, audited",
    "theory-silent": "holds: the theory says nothing at this tolerance",
    "no-lower-bound": "no lower bound is printed",
    "no-numeric-bound": "undecided: no numeric bound applies",
    "lower-bound": "does not hold: a lower bound says something here",
    "bounds-stand": "the lower bounds stand",
    "sup-asked": f"does not hold: the sup norm was asked for{_RATIO}",
    "sup-planned": "the sup norm is planned",
    "mean-asked": f"holds if the use is an average: L^{{p:num}} was asked for{_RATIO}",
    "mean-planned": "network classes gain (exponent d/(1+d/p)); smoothness classes keep eps^(-d/n)",
    "no-stability": "undecided: no stability constant was given",
    "would-bound": "with one, no labelled samples: collocation points, and C_pde * residual as a bound",
    "stability": "holds: |error| <= {constant:num} |residual|, as was stated",
    "residual-bounds": "no labelled samples: collocation points; a bound on the residual bounds the error",
}
# The answer in one sentence, and what to do next.
ANSWERS = {
    "take-classical": "Take a classical method: {tool}.",
    "take-network": "A network is the right tool, audited and guarded.",
    "try-network": "A network is the tool to try, audited and guarded: no fit shows that it reaches the tolerance.",
    "no-promise": "No method known here promises this tolerance{tool?:; {tool}}.",
    "open": "Not decided yet.",
    "plan-not-proof": "Audit whatever you build: a budget is a plan, not a proof.",
    "see-evidence": "The evidence says what can be done instead.",
    "give-calls": "Give more calls, or a trainer to measure a learning curve with (--learning-curve).",
    "give-function": "Give the function itself in place of the table, or a trainer to measure a learning curve with "
    "(--learning-curve).",
    "about-a-class": "These numbers are about a class. Give the function itself for a profile, and a trainer for a "
    "forecast.",
    "decides-nothing": "This is what was measured until then, and it decides nothing.",
}
# What page and terminal say of the parts of a record.
PARTS = {
    "class-of-functions": "a class of functions",
    "vacuous": "the theory says nothing here",
    "rate-only": "rate only",
    "none-is-enough": "none is enough",
    "at-least": "at least {log10:at least from log10} {quantity}",
    "about": "about {log10:from log10} {quantity}",
    "of-a-class": "These are statements about a class of functions, not about this function: for it less may "
    "suffice. In the rates eps stands for the tolerance.",
    "conditional": "These rows are no guarantee: the class was guessed from a sample of the function.",
    "bounds": "Bounds on the derivatives of order k on the unit cube, estimated: {bounds}.",
    "no-guarantee": "Nothing without a condition.",
    "fooling-function": "Against the {points:count} given points ({name}): a member of the class is 0 at all of them "
    "and {height:num} at {peak}.",
    "no-construction": "No construction is supported by what was measured.",
    "no-forecast": "No learning curve was measured: nothing is forecast.",
    "error-ahead": "{curve?:{curve}: }{metric} error at {size:count} {axis}",
    "size-needed": "{curve?:{curve}: }{axis} needed for the tolerance",
    "interval": "{low:num} to {high:num} ({confidence:percent})",
    "measured": "a measured training size reaches it{needed?:: {needed}}",
    "forecast": "the upper end of the forecast reaches it{needed?:: {needed}}",
    "floor": "it lies below the floor of this learning curve: more samples do not help",
    "beyond": "the upper end of the forecast does not reach it within 8 times the largest size",
    "exact-law": "{curve?:{curve}: }The {metric} error was zero at all points of the test, for every measured size: "
    "there is nothing to forecast.",
    "law": "{curve?:{curve}: }{metric} error ~ {axis}^{exponent:num 2} [{low:num 2}, {high:num 2}] at the largest "
    "size; {regime}.",
    "holdout": "{curve?:{curve}: }The training size {size:count} was left out and forecast from those below "
    "(×{ahead:num}): {caught} of {trainings} {trainings:training lies|trainings lie} inside the interval.",
    "widened": "{curve?:{curve}: }A size that was left out lay outside: every interval is widened by ×{factor:num}.",
    "cheapest-row": "{count} ({name})",
    "reached-row": "{count} ({reached}{tool?:, {tool}})",
    "sum": "At every point that was sampled the function is a sum, {groups}.",
    "product": "At every point that was sampled the function is a product, {groups}.",
    "together": "All inputs act together.",
}
TEMPLATES: Mapping[str, str] = EVIDENCE | LEFT_OUT | NOTES | OUTCOMES | ANSWERS | PARTS
BUDGET = Narrator(TEMPLATES)


def caveat(code: str, outcome: Fact, effect: Fact) -> CaveatRecord:
    """An exception: what its test says, and what that changes.

    Raises:
        KeyError: for a code that is none of `EXCEPTIONS`.
    """
    name, test = EXCEPTIONS[code]
    return CaveatRecord(
        code=code, name=name, test=test, outcome=BUDGET.say(outcome), effect=BUDGET.say(effect)
    )
