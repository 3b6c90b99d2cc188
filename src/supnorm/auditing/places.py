"""The distinct peaks as witnesses: recomputed alone, with size, prominence and tags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.pictures import half_widths
from supnorm.problem import Problem
from supnorm.results import Witness

Array = NDArray[np.float64]
EDGE = 1e-6  # of an axis: nearer than this to a bound is "boundary"


def side_of_fault(problem: Problem, u: Array, width: Array, output: int, landscape: Landscape) -> str | None:
    """Which of the two has the larger curvature at the peak, on the scale of its width.

    Second differences along each axis over one width: ``"model-side"`` or ``"reference-side"``, None when
    neither is more than twice the other.
    """
    domain = problem.domain
    d = domain.d
    frame = np.diag(np.minimum(width, 0.25))
    centre = np.clip(u, np.diag(frame), 1 - np.diag(frame))
    points = np.concatenate([centre[None], centre + frame, centre - frame])
    done = landscape.evaluator.values(domain.from_unit(points), landscape.purpose)
    bend = []
    for y in (done.model[:, output], done.reference[:, output]):
        second = y[1 : d + 1] + y[d + 1 :] - 2 * y[0]
        bend.append(np.abs(second[np.isfinite(second)]).max(initial=0.0))
    if bend[0] > 2 * bend[1]:
        return "model-side"
    if bend[1] > 2 * bend[0]:
        return "reference-side"
    return None


def describe_place(landscape: Landscape, u: Array, score: float) -> tuple[Witness, Array]:
    """A peak as a witness with tags, and its half-height widths along the axes (unit box)."""
    evaluator = landscape.evaluator
    problem: Problem = evaluator.problem
    x = problem.domain.from_unit(u[None])[0]
    witness = evaluator.recompute(x, score)
    if np.isfinite(witness.error) and landscape.affordable() > 100 * len(u):
        width = half_widths(
            landscape, u, witness.error, max(8, min(40, landscape.affordable() // (40 * len(u))))
        )
        fault = side_of_fault(problem, u, width, witness.output, landscape)
    else:
        width, fault = np.full(len(u), 0.1), None
    edge = bool(((u <= EDGE) | (u >= 1 - EDGE)).any())
    tags = ["boundary" if edge else "interior"] + ([fault] if fault else [])
    off = None
    if problem.domain.cloud is not None:
        off = float(problem.domain.data_distance(x[None])[0])
    return replace(witness, tags=tuple(tags), off_data=off), width
