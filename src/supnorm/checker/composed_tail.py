"""How far a function of a polynomial is from its interpolant along one axis of a Chebyshev model: by ellipses."""

from __future__ import annotations

from typing import Any

from flint import arb_mat

from supnorm.checker.functions import remainder
from supnorm.checker.node_rows import Grid
from supnorm.checker.special_functions import Parameter

Ball = Any


def tail(op: str, c: Ball, part: list[Ball], g: Grid, p: Parameter) -> Ball | None:
    """How far phi of the polynomial is from its interpolant along one axis: by the ellipse where that is smallest.

    There the polynomial is within a disc, and phi less its affine part within its linear remainder. Each ellipse gives a
    bound. The search begins at the one that was best last time, and ends where both neighbours are worse; a grid that is
    ``thorough`` tries all of them.
    """
    if not c.is_finite():
        return None
    radii = (g.growth * arb_mat(g.n + 1, 1, part)).entries()
    known: dict[int, Ball | None] = {}

    def by(k: int) -> Ball | None:
        if k not in known:
            radius = radii[k]
            size = remainder(op, c, radius.upper(), p) if radius.is_finite() else None
            bound = None if size is None else (abs(size) * g.tail[k]).upper()
            known[k] = bound if bound is not None and bound.is_finite() else None
        return known[k]

    last = len(radii) - 1
    if g.thorough:
        for k in range(last + 1):
            by(k)
    k = min(g.nearest.get(op, last // 2), last)
    while k > 0 and by(k) is None:  # a larger ellipse has none either
        k -= 1
    for step in (-1, 1):
        while 0 <= k + step <= last and _less(by(k + step), by(k)):
            k += step
    g.nearest[op] = k
    some = [bound for bound in known.values() if bound is not None]
    return min(some, key=float) if some else None


def _less(a: Ball | None, b: Ball | None) -> bool:
    return a is not None and (b is None or bool(a < b))
