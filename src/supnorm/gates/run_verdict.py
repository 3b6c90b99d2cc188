"""Which of two worst errors is larger, from what two searches found and from bounds.

A search gives lower bounds of both worst errors, so a difference between them may be one between the searches. ``worse``
needs a point where the new model is worse than the old one, or no knowledge of the old one there, which is then said.
``better`` needs more: the new model was evaluated at the worst point of the old one, and its search was not smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import hypergeom

# A search ends a few points short of its budget, which is no smaller search; half of the budget is (test_compare_runs.py).
SHORT = 0.9
# Relative: far above rounding of float64 in a sum of thousands of terms, far below any regression.
ROUNDING = 1e-9
CHANCE = 0.05  # a share of planted errors that is so much smaller is no chance (Fisher's exact test)


@dataclass(frozen=True)
class Known:
    """What is known of the worst error of one model.

    Attributes:
        worst: the largest error known: a lower bound.
        other: error of the other model at the same point; NaN if it is not known.
        upper: an upper bound without conditions; infinite without one.
        searched: evaluations of its search.
        planted: how many planted errors its search found, and of how many.
        rounding: what a repeated call was seen to change.
        doubtful: whether its reference is in doubt.
        infinite: of a table how many rows have an infinite error; None where it is not known of every point.
        named: those of these rows in which the prediction is missing, the first ones.
        finite: the largest finite error; NaN without one.
        stopped: whether its search was interrupted.
    """

    worst: float
    other: float = math.nan
    upper: float = math.inf
    searched: int = 0
    planted: tuple[int, int] = (0, 0)
    rounding: float = 0.0
    doubtful: bool = False
    infinite: int | None = None
    named: frozenset[int] = frozenset()
    finite: float = math.nan
    stopped: bool = False


def judge(old: Known, new: Known, factor: float = 1.0) -> tuple[str, str]:
    """The verdict on the new model, and what it rests on.

    Args:
        old, new: what is known of both.
        factor: at least 1: how far an error has to be above the other.

    >>> judge(Known(0.1, searched=100), Known(0.3, other=0.05, searched=100))
    ('worse', 'measured')
    >>> judge(Known(0.3, other=0.05, searched=100), Known(0.1, searched=100))
    ('better', 'measured')
    >>> judge(Known(0.3, other=0.05, searched=100), Known(0.1, searched=10))
    ('undecided', 'smaller-search')
    """
    if math.isnan(old.worst) or math.isnan(new.worst):
        return "undecided", "no-value"
    if old.doubtful or new.doubtful:
        return "undecided", "reference-in-doubt"
    room = sum(k.rounding for k in (old, new) if math.isfinite(k.rounding))
    if math.isinf(old.worst) and math.isinf(new.worst):
        return _both_infinite(old, new, factor, room)
    if _above(new.worst, old.upper, factor, room):
        return "worse", "proved"
    if _above(old.worst, new.upper, factor, room):
        return "better", "proved"
    if _above(new.worst, old.worst, factor, room):
        return "worse", "unmatched" if math.isnan(new.other) else "measured"
    bounded = math.isfinite(new.upper) and not _above(new.upper, old.worst, factor, room)
    if not _above(old.worst, new.worst, factor, room):
        if bounded:
            return "no-difference-found", "proved"
        return ("undecided", less) if (less := _less(new, old)) else ("no-difference-found", "search")
    if math.isnan(old.other):
        return ("no-difference-found", "proved") if bounded else ("undecided", "unmatched")
    if less := _less(new, old):
        return ("no-difference-found", "proved") if bounded else ("undecided", less)
    return "better", "measured"


def _less(search: Known, other: Known) -> str:
    """Why a search can have missed more than another one; empty where it was as large, and ended by itself.

    >>> _less(Known(0.1, searched=100, stopped=True), Known(0.3, searched=100, stopped=True))
    'interrupted'
    """
    if search.stopped:
        return "interrupted"
    return "smaller-search" if smaller(search, other) else ""


def _both_infinite(old: Known, new: Known, factor: float, room: float) -> tuple[str, str]:
    """The verdict where neither worst error has a size: by the rows of a table; a search does not know how many there are.

    >>> _both_infinite(Known(math.inf, infinite=1), Known(math.inf, infinite=3), 1.0, 0.0)
    ('worse', 'more-infinite')
    """
    if old.infinite is None or new.infinite is None:
        return "undecided", "both-infinite"
    if new.infinite > old.infinite:
        return "worse", "more-infinite"
    larger = not math.isnan(new.finite) and (
        math.isnan(old.finite) or _above(new.finite, old.finite, factor, room)
    )
    if larger or new.named - old.named:  # better in some rows and worse in others
        return "undecided", "both-infinite"
    return ("better", "fewer-infinite") if new.infinite < old.infinite else ("no-difference-found", "rows")


def _above(a: float, b: float, factor: float, room: float) -> bool:
    """Whether an error is above another one by more than a factor and rounding."""
    if math.isinf(b):
        return False
    return a > factor * b + ROUNDING * abs(b) + room


def smaller(search: Known, other: Known) -> bool:
    """Whether a search is smaller than another one: by its evaluations, or by what it finds of planted errors."""
    return search.searched < SHORT * other.searched or has_less_power(search, other)


def has_less_power(search: Known, other: Known) -> bool:
    """Whether a search found a smaller share of planted errors, by more than chance; not known without planted errors.

    >>> has_less_power(Known(1.0, planted=(2, 20)), Known(1.0, planted=(18, 20)))
    True
    >>> has_less_power(Known(1.0, planted=(8, 10)), Known(1.0, planted=(9, 10)))
    False
    """
    (found, runs), (others, of) = search.planted, other.planted
    if not runs or not of:
        return False
    return bool(hypergeom.cdf(found, runs + of, found + others, runs) < CHANCE)
