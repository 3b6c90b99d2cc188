"""What the parts of a proof about an integral say about the error: the kind "integral" of `statement_kinds`.

y(x) is the integral of f(x, s) over s from low(x) to high(x); theta runs from -1 to 1 between them. The range of theta
is cut into pieces [c_i, c_i+1]. On each the proof has functions V_i of x and L_i of theta, meant to make the sum of V_ij
L_ij an integral over theta: V are values of f at nodes, L integrals of the polynomials that are 1 at one node and 0 at
the others. Nothing is assumed about them. F is the sum of V_ij (L_ij(c_i+1) - L_ij(c_i)) over all pieces, and the parts
bound

* ``defect i``: (sum of V_ij L_ij' - (high - low)/2 f(x, s(theta)))/B on the piece, B being the unit, the floor, or F
  itself for relative errors without floor;
* ``correction``: (N - F)/D, by the side of the error; D is what the error is divided by, with F in the place of y.

Theorem. With delta the sum of (c_i+1 - c_i) times the bound of ``defect i``, |F - y| <= delta D. So sup |N - y|/D lies
between c - delta and C + delta, and for relative errors with delta < 1 between (c - delta)/(1 + delta) and (C +
delta)/(1 - delta).

Proof. y is the integral of (high - low)/2 f over theta from -1 to 1, and F that of the sum of V L' (fundamental theorem of
calculus); their integrands differ by at most the bound times |B| on each piece, and |B| <= D. The rest is as for roots
(`root_claims`). That f is defined and continuous follows from ``defect``, in which it stands. Q.E.D.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from supnorm.certification.exactly import Bracket, Proved, down, up


def off(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> Fraction | None:
    """delta; None where a part of it is not proved."""
    cuts = [Fraction(float.fromhex(v)) for v in data["cuts"]]
    total = Fraction(0)
    for i, (a, b) in enumerate(pairwise(cuts)):
        defect = proved[f"defect {i}"].upper
        if defect is None:
            return None
        total += (b - a) * defect
    return total


def claims(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """The bracket of the worst error."""
    delta, relative, part = off(data, proved), data["relative"], proved["correction"]
    if delta is None or (relative and delta >= 1):
        return {"error": (0.0, up(None))}
    low = (part.lower - delta) / (1 + delta if relative else 1)
    high = None if part.upper is None else (part.upper + delta) / (1 - delta if relative else 1)
    return {"error": (max(down(low), 0.0), up(high))}
