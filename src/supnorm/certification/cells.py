"""Where the error is proved to be within a tolerance, although elsewhere it exceeds it: for guards of models with glitches.

`certify` ends at a witness above the tolerance, because the whole domain is then refuted. Here every box is halved until its
bound is within the tolerance, the largest boxes first, so that after any number of boxes nearly all of the volume that can
be proved is. What comes out is an ordinary certificate, whose cells have very different bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.certify import LAST, Promising
from supnorm.certification.choice import suited
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.leaf import Leaves
from supnorm.certification.lower import values
from supnorm.certification.measured import Measuring
from supnorm.certification.narrowing import Strategy, axes_to_halve, bound_all
from supnorm.certification.result import CertifyResult, result_of
from supnorm.certification.rounding import Array
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.problem import Problem
from supnorm.program.time_over import TimeOver
from supnorm.results import BadInput

BATCH = 256  # as in `bracket`
BOXES = 5_000  # tried at most: of a bump in two inputs 97.4 % of the box were proved with 2,000, 97.6 % with 10,000
DEEPEST = 40  # halvings of one axis


@one_thread()
def prove_cells(
    problem: Problem,
    tolerance: float,
    *,
    boxes: int = BOXES,
    seconds: float | None = None,
    strategy: Strategy | None = None,
    observer: Callable[[Any], None] = lambda event: None,
) -> CertifyResult:
    """A certificate with as much volume within the tolerance as so many boxes allow.

    Args:
        problem: as of `certify`.
        tolerance: the bound that is asked of each cell.
        boxes: tried at most.
        seconds: time limit.
        strategy: how boxes are bounded; by default what suits the programs.
        observer: gets the share of the volume that is proved after each batch.

    Raises:
        BadInput: naming the operation that has no program, and for a tolerance that is not positive.

    >>> from supnorm.problem import Domain
    >>> f = lambda x: x[:, 0] ** 2
    >>> found = prove_cells(Problem(lambda x: 0.0 * x[:, 0], f, Domain(x=(0.0, 1.0))), 0.25)
    >>> upper = found.certificate.boxes.upper
    >>> bool((upper <= 0.25).any()), bool((upper > 0.25).any()), found.status.code
    (True, True, 'tolerance-exceeded')
    """
    if not 0.0 < tolerance < np.inf:
        raise BadInput(f"tolerance must be positive and finite, got {tolerance}")
    measuring = Measuring(problem)
    error = error_program(problem, measuring)
    method = strategy or suited(error)
    measuring.beside_kinks(np.random.default_rng(0))
    limit = Limit.of(seconds, boxes)
    bracket = Bracket.start(error)
    promising: list[Array] = []
    while len(bracket.pending) and bracket.tried < boxes and not limit.over:
        try:
            bracket, points = _step(bracket, method, tolerance, limit)
        except TimeOver:
            break
        promising = [*promising[1 - LAST :], points]
        observer(bracket.proved_volume(tolerance))
    _compare(problem, error, bracket, promising, tolerance, measuring)
    end = "boxes" if bracket.upper > tolerance else "proved"
    return result_of(problem, bracket, Goal(None, tolerance), end, limit.spent, seen=measuring.agreement())


def _compare(
    problem: Problem,
    error: ErrorProgram,
    bracket: Bracket,
    promising: list[Array],
    tolerance: float,
    measuring: Measuring,
) -> None:
    """Compare model and reference as they run with their programs where least of the tolerance is left in proved cells."""
    leaves = bracket.leaves
    assert isinstance(leaves, Leaves)  # nothing is on a shelf
    proved = leaves.take(leaves.boxes.upper <= tolerance)
    if not len(proved):
        return
    part = replace(bracket, pending=proved.take(np.arange(0)), done=(proved,))
    within = [t[values(error, t) <= tolerance] for t in promising]  # others are in cells that are not proved
    points = Promising(problem, error, lambda t: np.ones(len(t), dtype=bool), Work(part), within)
    points.compare(measuring, part, seed=0)


def _step(bracket: Bracket, strategy: Strategy, tolerance: float, limit: Limit) -> tuple[Bracket, Array]:
    """The bracket after a batch of its largest pending boxes, and the points with the largest errors there."""
    order = np.argsort(bracket.pending.boxes.level.sum(1), kind="stable")
    batch = bracket.pending.take(order[:BATCH])
    result = bound_all(bracket.error, strategy, batch.boxes, tolerance, 0.0, limit=limit)
    tight = batch.tightened(result)
    finished = (tight.boxes.upper <= tolerance) | result.limited | (batch.boxes.level.max(1) >= DEEPEST)
    halves = tight.take(~finished).split(*(axes[~finished] for axes in axes_to_halve(tight.boxes, result)))
    after = replace(
        bracket,
        done=(*bracket.done, tight.take(finished)),
        pending=bracket.pending.take(order[BATCH:]).join(halves),
        tried=bracket.tried + len(batch),
    )
    return after, result.points
