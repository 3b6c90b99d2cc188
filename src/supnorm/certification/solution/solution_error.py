"""The verb: how far is a network from the solution of a differential equation, with a proof and without any reference?

A function v is computed whose residual is far below the network's (`collocation`). By a comparison principle (`theorem`)
it is within a proved E of the solution; with a proof of max |network - v| this is a bracket of the network's error. The
network itself can take the place of v: then the bound is as large as its residual makes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.part import PartNarrowed
from supnorm.certification.solution.claims import DIFFERENCE, INTERIOR, face_name
from supnorm.certification.solution.collocation import solutions
from supnorm.certification.solution.programs import POINTS, Posed, difference_of, pose, read_program
from supnorm.certification.solution.proof import Enough, Proving, Sizes, parts_of, situation, sizes
from supnorm.certification.solution.result import (
    About,
    SolutionResult,
    compared,
    result_of,
    statement_of,
    unit_of,
)
from supnorm.certification.solution.theorem import best
from supnorm.certification.statement import held_parts, held_programs
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.problem import Domain, as_function
from supnorm.problem.equations import Equation
from supnorm.program import Program, Unsupported
from supnorm.results import BadInput
from supnorm.results.option import Allowed, demand_allowed, demand_budget

RATIO = 1.1  # upper over lower, as `certify` asks for without a tolerance
CLEARLY = 1.01  # a bound that is smaller by less than 1 % says less than a bracket
# Of the part of a bracket that is asked for (ratio - 1), the share that is left to the error of the reference solution,
# as seen and as proved; both ends move by it. A smaller share needs more waves, and a larger one a closer proof of the
# difference.
SEEN, ALLOWED = 0.2, 0.3
LEAST = 1.005  # ratio of the proof of the difference, however large the error of the reference solution
STALLED = 3  # sizes in a row without an error below nine tenths of the best so far


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A function v, with what was seen of it.

    Attributes:
        kind: "collocation", "given" or "model".
        v: the function.
        seen: sizes of its parts at random points.
        error: the bound of its error that they would give.
    """

    kind: str
    v: Program
    seen: Sizes
    error: float

    @property
    def total(self) -> float:
        """The bound of the model's error that they would give."""
        return self.seen.gap + self.error


@broken_workers_explained()
@one_thread()
@demanded_intact(proof=True)
def solution_error(
    model: Any,
    equation: Equation,
    domain: Domain,
    *,
    reference: Any = None,
    ratio: float | None = None,
    tolerance: float | None = None,
    seconds: float | None = None,
    boxes: int = 1_000_000,
    executor: Executor | None = None,
    observer: Callable[[PartNarrowed], None] | None = None,
    resume: Path | str | None = None,
    seed: int = 0,
) -> SolutionResult:
    """Prove a bracket of the largest error of a network against the solution of an equation.

    Args:
        model: a `Function`, a network or code ``(n, d) -> (n,)`` that `certify` can read.
        equation: of `supnorm.equations`.
        domain: a box of linear axes, in the order of the inputs.
        reference: a smooth function near the solution, whose residual is bounded; by default that of the equation
            (`Equation.approximation`), or one is computed. "model": the model itself.
        ratio: upper <= ratio * lower is asked for; 1.1 where there is no tolerance either.
        tolerance: upper <= tolerance is asked for.
        seconds, boxes: budget; the reference solution takes at most half of the time, and always its coarsest size.
        executor: runs batches of boxes in parallel.
        observer: gets a `PartNarrowed` after each batch; its ``so_far`` makes the proof so far, for ``resume``.
        resume: a saved proof of the same error; its parts are kept, and their bounds proved again first.
        seed: of all random points.

    Raises:
        BadInput: for an equation without a proved constant on this domain, or a function that cannot be read.

    >>> from supnorm.problem.equations import Poisson
    >>> exact = lambda x: x[:, 0] * (1.0 - x[:, 0]) / 2.0
    >>> result = solution_error(lambda x: 1.01 * exact(x), Poisson(source=1.0), Domain(x=(0.0, 1.0)))
    >>> result.lower <= 0.00125 <= result.upper <= 1.1 * result.lower
    True
    """
    boxes, seed = demand_budget(seconds, boxes, seed, ratio)
    limit = Limit.of(seconds, boxes)
    if tolerance is not None:
        demand_allowed("tolerance", tolerance, Allowed(above=0))
    posed = pose(equation, domain)
    function = as_function(model, "model")
    network = read_program(function, "the model", domain)
    if ratio is None and tolerance is None:
        ratio = RATIO
    narrow = min((RATIO if ratio is None else ratio) - 1.0, 1.0)
    reference = equation.approximation if reference is None else reference
    held: dict[str, Any] = {}
    if resume is None:
        chosen = _choose(posed, network, reference, SEEN * narrow, seed, limit.within(0.5))
    else:
        chosen, held = _held(posed, network, reference, resume, seed)
    about = About(
        posed=posed,
        network=network,
        v=chosen.v,
        kind=chosen.kind,
        name=getattr(model, "name", "") or "model",
        unit=unit_of(function),
        points=POINTS,
    )
    parts = parts_of(posed, chosen.v, compared(posed, chosen.kind, network))
    proving = Proving(
        posed=posed,
        parts=parts,
        seen=chosen.seen,
        limit=limit,
        seed=seed,
        executor=executor,
        observer=observer or (lambda event: None),
        so_far=lambda: statement_of(about, proving, proving.proofs),
        held=held,
        path=resume or "",
    )
    proving.constants()
    if not proving.interrupted:
        _prove(proving, chosen, ratio, tolerance, ALLOWED * narrow)
    difference = difference_of(function, network, domain)
    return result_of(about, proving, (ratio, tolerance), limit.spent, difference)


def _held(
    posed: Posed, network: Program, reference: Any, path: Path | str, seed: int
) -> tuple[Candidate, dict[str, Any]]:
    """The function v of a saved proof, and its parts as they stand in the file."""
    parts, programs = held_parts(path, "solution"), held_programs(path)
    if "reference" not in programs:
        return _asked(posed, "model", network, network, seed), parts
    kind = "collocation" if reference is None else "given"
    return _asked(posed, kind, programs["reference"], network, seed), parts


def _choose(
    posed: Posed, network: Program, reference: Any, share: float, seed: int, limit: Limit
) -> Candidate:
    """The function v: the one that is asked for, or the one with the smaller bound by what is seen.

    Of those that are computed, the first one whose error is seen below ``share`` of its difference from the network is
    taken.
    """
    if isinstance(reference, str) and reference != "model":
        raise BadInput(f'reference must be a function or "model", got {reference!r}')
    if isinstance(reference, str):
        return _asked(posed, "model", network, network, seed)
    if reference is not None:
        given = read_program(as_function(reference, "reference"), "the reference", posed.domain)
        return _asked(posed, "given", given, network, seed)
    itself: list[Candidate] = []
    with suppress(Unsupported):  # a model without derivatives needs none
        itself = [_seen(posed, "model", network, network, seed)]
    inside, fluxes = _weights(posed, network, seed)
    best_so_far: list[Candidate] = []
    stalled = 0
    for v in solutions(posed, network.value, inside, fluxes):
        one = _seen(posed, "collocation", v, network, seed)
        if not math.isfinite(one.error):
            continue
        stalled = stalled + 1 if best_so_far and one.error > 0.9 * best_so_far[0].error else 0
        best_so_far = [min([*best_so_far, one], key=lambda c: c.error)]
        if one.error <= share * one.seen.gap or stalled == STALLED or limit.over:
            break
    # The network itself as v gives no lower bound: it is taken only where its bound is clearly smaller, not by rounding.
    chosen = min(
        [*best_so_far, *itself], key=lambda c: c.total * (CLEARLY if c.kind == "model" else 1.0), default=None
    )
    if chosen is None or not math.isfinite(chosen.total):
        raise BadInput(
            f"{posed.equation.kind}: no approximate solution is known whose residual could be bounded; give one as "
            f"reference"
        )
    return chosen


def _asked(posed: Posed, kind: str, v: Program, network: Program, seed: int) -> Candidate:
    """What is seen of a function that the user gives as v.

    Raises:
        BadInput: where it has no derivatives, such as at a kink.
    """
    try:
        return _seen(posed, kind, v, network, seed)
    except Unsupported as error:
        what = "the model as reference" if kind == "model" else "the reference"
        raise BadInput(f"{what}: {error}") from None


def _seen(posed: Posed, kind: str, v: Program, network: Program, seed: int) -> Candidate:
    parts = parts_of(posed, v, compared(posed, kind, network))
    seen = sizes(posed, parts, np.random.default_rng([seed, 20]))
    if not seen.finite:
        return Candidate(kind=kind, v=v, seen=seen, error=math.inf)
    about = situation(posed, seen.growth, seen.speeds)
    barrier = best(about, seen.faces, seen.interior, seen.fluxes)
    error = barrier.bound(seen.faces, seen.interior, seen.fluxes)
    return Candidate(kind=kind, v=v, seen=seen, error=error)


def _weights(posed: Posed, network: Program, seed: int) -> tuple[float, dict[int, float]]:
    """How much a residual, and a flux of each axis, counts against a misfit on the faces, by those of the zero function."""
    zero = parts_of(posed, _zero(posed.d), network)
    seen = sizes(posed, zero, np.random.default_rng([seed, 20]))
    one = best(situation(posed, seen.growth, seen.speeds), 1.0, 1.0, dict.fromkeys(seen.fluxes, 1.0))
    fluxes = {posed.space[i]: factor / one.on_faces for i, (_, factor) in one.fluxes.items()}
    return one.inside / one.on_faces, fluxes


def _zero(d: int) -> Program:
    from supnorm.certification.solution.programs import constant

    return constant(0.0, d)


def _prove(
    proving: Proving, chosen: Candidate, ratio: float | None, tolerance: float | None, share: float
) -> None:
    """Prove faces, residual and difference, each as far as the whole needs it."""
    parts, barrier, seen, gap = proving.parts, proving.barrier, chosen.seen, chosen.seen.gap
    if DIFFERENCE in parts:
        allowed = share * gap if tolerance is None else max(share * gap, 0.5 * (tolerance - 1.1 * gap))
    else:
        allowed = 0.0 if tolerance is None else tolerance
    faces = {name: (barrier.on_faces, seen.faces) for name in parts if name.startswith("face ")}
    share_of_faces = 0.4 if not proving.posed.fluxes else 0.4 / (1 + len(seen.fluxes))
    for axis, end in proving.posed.fluxes:
        i = proving.posed.space.index(axis)
        faces[face_name(axis, end)] = (barrier.fluxes[i][1], seen.fluxes[i])
    for i, (name, (factor, size)) in enumerate(faces.items()):
        enough = max(share_of_faces * allowed / factor, 1e-3 * size)
        proving.part(parts[name], Enough(_near(ratio), None, enough=enough), 0.1 + 0.1 / (len(faces) - i))
        if proving.interrupted:
            return
    left = allowed - proving.bound(0.0)
    enough = max(left, 0.0) / barrier.inside
    proving.part(
        parts[INTERIOR], Enough(_near(ratio), None, enough=enough), 0.5 if DIFFERENCE in parts else 1.0
    )
    if DIFFERENCE not in parts or proving.interrupted:
        return
    of_reference = proving.bound()
    if tolerance is not None:
        goal = Enough(1.0 + 1e-3, None, enough=tolerance - of_reference if tolerance > of_reference else 0.0)
    else:
        assert ratio is not None
        goal = Enough(max(LEAST, ratio - (1.0 + ratio) * of_reference / gap if gap > 0.0 else LEAST), None)
    proving.part(parts[DIFFERENCE], goal)


def _near(ratio: float | None) -> float:
    """The ratio to which single parts are proved, where no larger bound is enough."""
    return 1.2 if ratio is None else min(max(1.0 + 0.5 * (ratio - 1.0), 1.02), 1.2)
