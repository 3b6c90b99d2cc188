"""What the parts of a proof about a root say about the error: the kind "root" of `statement_kinds`.

y(x) is the root of g(x, .) between low(x) and high(x). Let r = (high - low)/2, and let theta run from -1 at low to 1 at
high. The proof has a correction S(x), and speaks of F = N - S, which is meant to be near y: S is a few steps of Newton's
method. Nothing is assumed about S; what it is worth follows from the parts, each a bound of the size of one program:

* ``slope`` U: of 1/(g_y r) at all x and all theta in [-1, 1];
* ``defect`` d: of g(x, F(x)); ``inside`` u: of the theta of F(x);
* ``measured`` m: of g(x, F) r / D, where D is what the error is divided by, with F in the place of y;
* ``correction`` c: of S / D, by the side of the error.

Theorem. If u + d U <= 1, then g(x, .) has exactly one root y between low(x) and high(x) for every x, and
|F - y| <= delta D with delta = m U. So c - delta <= sup |N - y| / D <= c + delta, where D does not depend on y. For a
relative error, with D = max(|F|, floor) and delta < 1:

    (c - delta)/(1 + delta) <= sup |N - y| / max(|y|, floor) <= (c + delta)/(1 - delta).

Proof. By ``slope``, h(theta) = g(x, y(theta)) is differentiable with |h'| >= 1/U on [-1, 1], so h' has one sign (Darboux),
h is strictly monotone and has at most one root. From the theta of F, |h| falls by at least t/U within a distance t in one
of the two directions. By ``inside``, [-1, 1] contains all points at a distance of up to d U, so h changes its sign there,
and the root is no further than |g(x, F)| U (mean value theorem). |N - F| = |S|. max(|y|, floor) differs from D by at most
|F - y|, hence by at most delta D. The same holds for one sign of N - y. Q.E.D.

That g is differentiable, and is continuous between the ends, follows from the parts too: an operation of g that is undefined
somewhere (a division, a logarithm, a root, a power) stands undefined in g_y as well, and then ``slope`` has no bound; what
does not depend on y stands in ``defect``. The power 0 is no such operation: it is 1 also where its argument is undefined.
Operations with kinks have no derivative and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from supnorm.certification.exactly import Bracket, Proved, down, up

CONDITIONS = ("slope", "defect", "inside", "measured")
PARTS = (*CONDITIONS, "correction")


def converged(proved: Mapping[str, Proved]) -> Fraction | None:
    """The delta of the theorem; None where its condition is not proved.

    >>> one = Proved(Fraction(0), Fraction(1, 4))
    >>> converged(dict.fromkeys(CONDITIONS, one)), converged(dict.fromkeys(CONDITIONS, Proved(Fraction(0), None)))
    (Fraction(1, 16), None)
    """
    slope, defect, inside, measured = (proved[name].upper for name in CONDITIONS)
    if slope is None or defect is None or inside is None or measured is None or inside + defect * slope > 1:
        return None
    return measured * slope


def claims(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """The bracket of the worst error."""
    delta, relative = converged(proved), data["relative"]
    if delta is None or (relative and delta >= 1):
        return {"error": (0.0, up(None))}
    low, high = proved["correction"].lower - delta, proved["correction"].upper
    high = None if high is None else high + delta
    if relative:
        low, high = low / (1 + delta), None if high is None else high / (1 - delta)
    return {"error": (max(down(low), 0.0), up(high))}
