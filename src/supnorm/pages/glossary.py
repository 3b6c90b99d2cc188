"""The words of the page, explained once each."""

from __future__ import annotations

from supnorm.pages.view import View


def glossary(view: View) -> list[tuple[str, str, str]]:
    """(key, word, meaning); the sampling law is named, because RMS means nothing without it."""
    law = "drawn uniformly in the domain" if view.uniform else f"drawn by the law “{view.law}”"
    source = "over the rows of the table" if view.table_only else f"over points {law}"
    if view.exact:
        source = "over all points of the domain that have an error"
    words = [
        (
            "sup-norm",
            "Worst-case error (sup-norm)",
            "The largest error anywhere in the domain. A search can only "
            "find points: it gives a value the true worst case reaches or exceeds. Where a domain has "
            "finitely many points and all are evaluated, it is the largest of them.",
        ),
        ("rms", "Typical error (RMS)", f"Root-mean-square error {source}: the number most papers report."),
        (
            "q999",
            "99.9 % level",
            "99.9 % of the rows have a smaller error than this."
            if view.table_only
            else "99.9 % of the points have an error not larger than this."
            if view.exact
            else "99.9 % of the random points have a smaller error than this, and one in a thousand a larger one.",
        ),
        ("tolerance", "Tolerance", "The largest error that you accept."),
        (
            "upper-bound",
            "Upper bound",
            "A value that the error provably never exceeds. Only a certificate gives one; "
            "no amount of sampling does.",
        ),
        ("conditional", "Conditional bound", "An upper bound that holds if the named assumptions hold."),
        (
            "witness",
            "Witness",
            "A point where model and reference were both computed, with its error: a lower bound of "
            "the worst error that anybody can recompute.",
        ),
        (
            "glitch",
            "Glitch",
            "A small peak with a very large error: at least 3 times the 99.9 % level, at most 1 % "
            "of the domain, and standing out from its surroundings by at least 5 RMS.",
        ),
        (
            "volume",
            "Size",
            "The share of the domain, around a point, where the error is at least half its peak.",
        ),
        (
            "prominence",
            "Prominence",
            "How far a peak stands above the highest pass to a higher peak, in units of RMS.",
        ),
        (
            "recheck",
            "Re-check",
            "A second reference computes the same point again. Its verdict tells a fault of the model "
            "from a fault of the reference.",
        ),
        (
            "planted",
            "Planted test",
            "Known errors are added to model or reference at random points, and the search is "
            "run again: how often does it find them?",
        ),
        (
            "unseen",
            "Unseen peaks (Good–Turing)",
            "If many independent ascents end on peaks seen only once, there are "
            "many more peaks that no ascent has reached.",
        ),
        (
            "exceedance",
            "Share above a level",
            f"How much of the {view.whole} has an error above that level, with 95 % "
            f"confidence, {'if its rows are independent draws' if view.table_only else 'from independent random points'}."
            if not view.exact
            else "How many of the points of the domain that have an error have one above that level.",
        ),
        ("plain", "Plain sampling", "Testing at random points, as with an ordinary test set."),
    ]
    left_out = ("unseen", "planted") if view.settled else ()  # the page does not speak of them
    return [entry for entry in words if entry[0] not in left_out]
