"""The words of the page of an audit, explained once each: the word, and the template of what it means."""

_LAW = "{law?:drawn by the law “{law}”|drawn uniformly in the domain}"
WORDS = {
    "sup-norm": (
        "Worst-case error (sup-norm)",
        "The largest error anywhere in the domain. A search can only find points: it gives a value that the true worst case "
        "reaches or exceeds. Where a domain has finitely many points and all are evaluated, it is the largest of them.",
    ),
    "rms": (
        "Typical error (RMS)",
        "Root-mean-square error {exact?:over all points of the domain that have an error|{rows?:over the rows of the table|"
        "over points " + _LAW + "}}: the number most papers report.",
    ),
    "q999": (
        "99.9 % level",
        "99.9 % of the {rows?:rows have a smaller error than this|{exact?:points have an error not larger than this|random "
        "points have a smaller error than this, and one in a thousand a larger one}}.",
    ),
    "tolerance": ("Tolerance", "The largest error that you accept."),
    "upper-bound": (
        "Upper bound",
        "A value that the error provably never exceeds. Only a certificate gives one; no amount of sampling does.",
    ),
    "conditional": ("Conditional bound", "An upper bound that holds if the named assumptions hold."),
    "witness": (
        "Witness",
        "A point where model and reference were both computed, with its error: a lower bound of the worst error that "
        "anybody can recompute.",
    ),
    "glitch": (
        "Glitch",
        "A small peak with a very large error: at least 3 times the 99.9 % level, at most 1 % of the domain, and standing "
        "out from its surroundings by at least 5 RMS.",
    ),
    "volume": ("Size", "The share of the domain, around a point, where the error is at least half its peak."),
    "prominence": (
        "Prominence",
        "How far a peak stands above the highest pass to a higher peak, in units of RMS.",
    ),
    "recheck": (
        "Re-check",
        "A second reference computes the same point again. Its verdict tells a fault of the model from a fault of the "
        "reference.",
    ),
    "planted": (
        "Planted test",
        "Known errors are added to model or reference at random points, and the search is run again: how often does it find "
        "them?",
    ),
    "unseen": (
        "Unseen peaks (Good–Turing)",
        "If many independent ascents end on peaks seen only once, there are many more peaks that no ascent has reached.",
    ),
    "exceedance": (
        "Share above a level",
        "{exact?:How many of the points of the domain that have an error have one above that level|How much of the {whole} "
        "has an error above that level, with 95 % confidence, {rows?:if its rows are independent draws|from "
        "independent random points}}.",
    ),
    "plain": ("Plain sampling", "Testing at random points, as with an ordinary test set."),
}
