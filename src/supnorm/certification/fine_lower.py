"""Lower bounds of the error at points where the forward bound of float64 rounding is a large part of it.

As for the nodes of a box (`fine_nodes`): first running error analysis by adjoints, then ball arithmetic. Errors that
float64 evaluates well enough are left as they are.
"""

from __future__ import annotations

import numpy as np

from supnorm.certification import balls
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.rounding import Array
from supnorm.certification.running_error import with_rounding

LOST = 0.01  # share of the largest error that rounding may take
SOME = 64  # points that are evaluated again: those of the largest values, among them the best nodes of each batch of boxes
MOST = 100_000  # features at these points: balls of one batch take less than 0.05 s
BALL = 1.0 - 2.0**-25  # the checker's balls keep 30 bits of a radius, rounded up a few times


@np.errstate(all="ignore")
def finer(error: ErrorProgram, x: Array, proved: Array, size: Array) -> Array:
    """The lower bounds ``(n,)`` at points ``(n, d)``, raised at the most promising points if they lack too much.

    ``size`` are the errors as computed, of which the bounds are what rounding leaves.
    """
    if error.declared or not len(x):
        return proved
    programs = error.at_least or error.at_points
    largest, best = float(size.max()), float(proved.max())
    if best > 0.0 and best >= (1.0 - LOST) * largest:
        return proved
    features = sum(node.width for p in programs for node in p.nodes)
    rows = np.argsort(-size, kind="stable")[: max(min(SOME, MOST // features), 1)]
    some = x[rows]
    known = proved.copy()
    exactly = np.zeros_like(some)
    known[rows] = np.maximum(known[rows], _least(error, [with_rounding(p, some, exactly) for p in programs]))
    best = float(known.max())
    if (best > 0.0 and best >= (1.0 - LOST) * largest) or not balls.available():
        return known
    for bits in balls.BITS:
        pairs = [balls.at_points(p, some, bits) for p in programs]
        in_balls = _least(error, pairs)
        known[rows] = np.maximum(known[rows], in_balls)
        # With too few bits a ball is [-1, 1], say: its middle is zero, and the error is not.
        sizes = [error.one_sided(v) + np.where(np.isfinite(off), off, 0.0) for v, off in pairs]
        if in_balls.max() >= (1.0 - LOST) * np.min(sizes, axis=0).max():
            break
    return known


def _least(error: ErrorProgram, pairs: list[tuple[Array, Array]]) -> Array:
    """Lower bounds of the error, shape ``(n,)``, from values of all alternatives and how far these may be off."""
    signed = [v if error.side != "under" else -v for v, _ in pairs]
    sizes = [np.abs(v) if error.side == "both" else v for v in signed]
    least = [
        np.where(np.isfinite(off), np.maximum(v - off, 0.0) * BALL, 0.0)
        for v, (_, off) in zip(sizes, pairs, strict=True)
    ]
    return np.asarray(np.min(least, axis=0).max(1))
