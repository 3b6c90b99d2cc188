"""What the page and the summary of a guard say besides the words of its result; one template for each fact."""

TEMPLATES = {
    "chip-guarded": "guarded; not proven",
    "chip-tolerance-exceeded": "accepts errors above the tolerance",
    "chip-guard-not-effective": "not effective",
    "chip-risk-not-shown": "the risk is not shown",
    "chip-interrupted": "interrupted",
    "asked": "{tolerance?:tolerance {tolerance:error}|no tolerance}",
    "rejects": "rejects {rejected:percent 3} of the inputs",
    "headline": "Among accepted inputs the largest error found is {accepted:error}; without the guard it is {before:error}.",
    "where": "The largest error found at an accepted input, {worst:error}, is at {at:point}.",
    "where-searched": "The search among accepted inputs found an error of {worst:error}, at {at:point}; a point from which "
    "the guard has learned, and which it accepts, has a larger one.",
    "promise": "With {confidence:percent} confidence at most {limit:percent 2} of the accepted inputs have an error above "
    "{above:error}: {count:count} of {n:count} fresh accepted points did.",
    "promise-largest": "With {confidence:percent} confidence at most {limit:percent 2} of the accepted inputs have an error "
    "above {above:error}, the largest of {n:count} fresh accepted points.",
    "promise-law": "The points were drawn after the guard was fixed, by this law: {law}. The statement holds for inputs of "
    "this law. If your accepted inputs follow another law, with a density that is nowhere above k times that of the "
    "accepted points, at most k times this share has such an error. Of other inputs nothing is said.",
    "promise-law-chosen": "The points were drawn by this law, after all of the guard but the rejected share was fixed: "
    "{law}. The statement holds for inputs of this law. If your accepted inputs follow another law, with a density that is "
    "nowhere above k times that of the accepted points, at most k times this share has such an error. Of other inputs "
    "nothing is said.",
    "chosen": "The guard rejects the least share with which these points show this: its cuts reject {share:percent 3} of "
    "the inputs. {tested:count} shares were tested in turn, from the one that rejects most, until one failed, so that the "
    "choice costs no confidence.",
    "none-chosen": "A risk of {risk:percent 2} was asked for; these points show it for none of the {tested:count} shares "
    "that were tested, from the one that rejects most.",
    "promise-none": "A search proves nothing about the worst accepted input.",
    "proved": "In {cells:one cell|{cells:count} cells} with {share:percent 3} of the unit box a certificate proves that the "
    "error is within the tolerance: there the guard accepts without another test, with the reason `proven`.",
    "curve-axis": "largest error among accepted inputs",
    "curve-what": "With fresh points alone a guard looks better than it is: the points of the searches, before and among "
    "accepted inputs, are the harder test. No guard can do better than the one that rejects exactly the worst fresh points.",
    "row-fresh": "fresh points",
    "row-searched": "points of the searches",
    "row-oracle": "best possible guard",
    "layer-glitch": "inside the regions of known peaks",
    "layer-learned": "where a small network that has learned the error from all evaluations expects a large one",
    "layer-distance": "far from the training data",
    "layer-second": "where a second model, trained on the reference's values of the searches, disagrees",
    "layer-disagree": "where other networks trained on the same data disagree",
    "cost": "{time:num} µs a point in a batch of 10,000, besides the model",
}
