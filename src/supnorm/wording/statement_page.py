"""What the page of a proof says besides the words of its result: properties, norms, solutions, roots, bounds of errors."""

from supnorm.wording.other_certificate import TEMPLATES as OTHER_CERTIFICATE

TEMPLATES = OTHER_CERTIFICATE | {
    "chip-proved": "proved",
    "chip-within-tolerance": "proved within the tolerance",
    "chip-tolerance-exceeded": "above the tolerance",
    "chip-refuted": "refuted",
    "chip-undecided": "not decided",
    "chip-no-bound": "no bound",
    "chip-interrupted": "interrupted",
    "headline-solution": "{bounded?:The model is nowhere further than {upper:error at most 4} from the solution of the "
    "equation.|No bound of the distance from the solution is proved.}",
    "headline-certify": "{bounded?:The error is nowhere larger than {upper:error at most 4}.|{above?:At one point the error "
    "is at least {lower:error at least 4}.|No bound of the error is proved.}}",
    "headline-norms": "{n:One norm of the error|{n:count} norms of the error, each} between two proved ends.",
    "headline-norms-open": "{bounded?:{n:count} norms of the error: {bounded:count} between two proved ends, {open:count} "
    "without a proved upper bound.|{n:One norm|{n:count} norms} of the error without a proved upper bound.}",
    "headline-properties": "{n:One property|{n:count} properties} of the model: {proved:count} proved, {refuted:count} "
    "refuted, {open:count} not decided.",
    "between": "{lower?:between {lower:error at least 6} and|at most} {upper:error at most 6}",
    "at-least": "at least {lower:error at least 6}; no upper bound",
    "at": "at {at:point}",
    "kind-exact-arithmetic": "It holds for the same formulas and weights in exact arithmetic.",
    "kind-conditional": "It holds if the assumptions below hold.",
    "kind-none": "No upper bound is claimed.",
    "box-held": "The statement is about every point of this box, not only about points that were computed.",
    "box-asked": "A bound for every point of this box. The error that is stated above was computed at one point of it.",
    "deployed": "With the rounding of the model as it runs: at most {upper:error at most 6}.",
    "constants": "{on:num 5} times the largest misfit on the faces, plus {inside:num 5} times the largest residual.",
    "picture-model": "The model. {band?:The solution is proved to be nowhere further than {band:error at most 3} from it.}",
    "picture-error": "The error at points of a grid{marked?:; the {map?:ring|dot} is at the largest error that was "
    "computed}. {band?:It is proved to be nowhere larger than {band:error at most 3}.}",
    "picture-difference": "How far the model is from a computed function that is itself proved to be within "
    "{band?:{band:error at most 3}|an unknown distance} of the solution.",
    "picture-shows": "The picture shows values in float64 and proves nothing.",
    "share": "{share:percent 4} of the domain",
    "share-target": "the error is at most {target:error at most 6} there",
    "compared": "what runs is what was read at {points:count} points{difference?: within {difference:error at most 2}|, "
    "exactly}",
    "boxes": "{boxes:one box|{boxes:count} boxes} in {seconds:duration}",
    "part-interior": "residual inside the box",
    "part-face": "misfit on {axis?:the face {axis} = {at:num 6}|a face}",
    "part-start": "misfit at the start, {axis} = {at:num 6}",
    "part-growth": "how fast an error can grow",
    "part-speed": "velocity",
    "part-difference": "model against the function whose residual is bounded",
    "reference-collocation": "computed for this proof, by collocation",
    "reference-given": "given by you",
    "reference-model": "the model itself",
}
