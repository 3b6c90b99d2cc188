"""The words of a proof about the solution of a differential equation."""

from __future__ import annotations

from supnorm.wording.certify import TEMPLATES as CERTIFY
from supnorm.wording.narrator import Narrator

VERDICTS = {
    "solution-within": "Proved: the model is nowhere further than {upper:error at most 4} from the solution, within the "
    "tolerance of {tolerance:error 6}.",
    "solution-above": "Proved: the model is further than {lower:error at least 4} from the solution somewhere, above the "
    "tolerance of {tolerance:error 6}.",
    "solution-between": "Proved: the largest error of the model against the solution is {lower?:between {lower:error "
    "at least "
    "4} and|at most} {upper:error at most 4}.",
    "solution-runs": "In exact arithmetic the model is nowhere further than {upper:error at most 4} from the solution. "
    "But as it runs it was seen to differ from that by {difference:at most}, and there is no room for twice as much "
    "below the tolerance of {tolerance:error 6}.",
    "solution-open": "The tolerance {tolerance:error 6} is not decided: the bound is {upper:error at most 4}.",
    "solution-wide": "The ratio {ratio:num 6} was not reached.",
    "solution-no-bound": "No bound is proved of: {parts}. Shrink the domain to stay clear of a pole of the model or "
    "the data, "
    "or give more seconds.",
    "solution-stopped": "{cause?:Stopped: {cause}|You stopped it}; what was proved so far is kept.",
    "solution-reference": "Of the bound, {share:error at most 3} comes from the reference solution: give a better one "
    "(reference = ..) or a smoother problem.",
    "solution-beside": "All of this, and the tolerance, is about the distance from the solution of [equation]; the "
    "[reference] of the problem was not used.",
    "solution-time": "The time is spent; give more seconds or a larger {ratio?:ratio|tolerance}.",
}
ASSUMPTIONS = {
    "solution-exists": "the equation has a solution u that is continuous on the closed box, has continuous "
    "derivatives of the "
    "equation's order inside{time?: and up to the end of time}, and takes the given values on the faces"
    "{sides?:; where a derivative is given on a face instead, its first derivatives are continuous up to this face and take "
    "it}{periodic?:; along a periodic axis its derivatives of the equation's order are continuous up to both ends, where "
    "its values and first derivatives agree}",
    "solution-of-programs": "formulas and coefficients are those that were read, in exact arithmetic; at "
    "{points:count} random "
    "points they run so within rounding",
    "solution-as-run": "the bound is without the model's own rounding; as it runs it was seen to differ from what was "
    "read by {difference:at most}",
}
BARRIERS = {
    "barrier-none": "none yet: the work ended before the constants were proved",
    "barrier-time": "comparison principle for parabolic equations (Protter & Weinberger, Maximum Principles, ch. 3; "
    "Evans, PDE, "
    "7.1.4), barrier that grows in time as exp({growth:num 4} t)",
    "barrier-reaction": "comparison principle (Gilbarg & Trudinger, thm. 3.3), constant barrier by a reaction of at least "
    "{least:num 4}",
    "barrier-axis": "comparison principle (Gilbarg & Trudinger, thm. 3.7), barrier that is zero at both ends of {axis}",
    "barrier-axis-flux": "comparison principle with the outward derivative (Protter & Weinberger, Maximum Principles, "
    "ch. 2, thm. 10), barrier along {axis} whose outward derivative fits the condition there",
    "barrier-transport": "comparison principle (Gilbarg & Trudinger, thm. 3.7), barrier linear in {axis} by transport "
    "along it",
    "barrier-pair": "comparison principle (Gilbarg & Trudinger, thm. 3.7), polynomial barrier of degree 4 in {axis} "
    "and {other}",
    "barrier-cosines": "comparison principle below the first eigenvalue (Protter & Weinberger, Maximum Principles, "
    "ch. 2, thm. "
    "10), barrier a product of cosines",
}
TEMPLATES = VERDICTS | ASSUMPTIONS | BARRIERS
SOLUTION = Narrator({**CERTIFY, **TEMPLATES})
