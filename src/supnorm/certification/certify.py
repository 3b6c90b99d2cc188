"""The verb: a bracket [lower, upper] of the worst error, with a proof that can be checked by others."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from numbers import Real
from pathlib import Path

import numpy as np

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Strategy, narrow, settle
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.graded_certificate import MOST_INPUTS, GradedCertificate
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.certification.lower import admits, on_values, proved_error, search, values
from supnorm.certification.measured import BEYOND, Agreement, Measuring
from supnorm.certification.obstacle import without_bound, without_value
from supnorm.certification.result import CertifyResult, certificate_of, disagreement, result_of
from supnorm.certification.resume import contradiction, load_bracket
from supnorm.certification.rough import rough_points
from supnorm.certification.rounding import Array
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain, Function, Problem
from supnorm.results import BadInput, Contradiction

Observer = Callable[[BracketNarrowed], None]
LAST = 64  # rounds whose promising nodes are compared with the functions as they run at the end
LAST_SECONDS = (
    2.0  # after Ctrl-C, to tighten the bracket of what is pending; a second Ctrl-C ends that as well
)


@broken_workers_explained()
@one_thread()
def certify(
    problem: Problem | Function,
    ratio: float | None = None,
    tolerance: float | None = None,
    *,
    domain: Domain | None = None,
    seconds: float | None = None,
    boxes: int = 1_000_000,
    strategy: Strategy | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    witness: Array | None = None,
    resume: Path | str | None = None,
    seed: int = 0,
    checkpoint: Path | str | None = None,
) -> CertifyResult:
    """Prove a bracket of the worst error of a model against a reference.

    Args:
        problem: model and reference must have straight-line programs: ONNX, JAX code, or ``program`` set. Or
            one function, such as a `residual`, whose size on the ``domain`` is bounded.
        ratio: stop at upper <= ratio * lower; 1.1 where there is no tolerance either.
        tolerance: stop at upper <= tolerance, or at a witness above it; that of the problem when neither is given.
        domain: of a function alone; a problem has its own.
        seconds: budget; the best bracket so far is returned.
        boxes: budget in boxes tried; 0 with ``resume`` only says what the saved proof is worth.
        strategy: how boxes are bounded; by default `LinearBounds` where the network has kinks, else
            `ChebyshevCertificate` in one or two inputs, `GradedCertificate` in three to eight, `LinearBounds` in more.
        executor: runs batches of boxes in parallel (``concurrent.futures``).
        observer: gets a `BracketNarrowed` after each batch.
        witness: points known to have large errors, shape ``(k, d)``, for example an audit's.
        resume: a saved certificate of the same problem; its boxes are kept, and their bounds believed.
        seed: of the screen for the witness.
        checkpoint: a file into which the certificate so far is written every ten seconds or more, for ``resume``.

    Raises:
        BadInput: naming the operation that stands in the way, or the argument that cannot be used.

    >>> import jax.numpy as jnp
    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 3, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    >>> result = certify(problem, ratio=1.01)
    >>> f"{result.lower:.4f}", result.ratio < 1.01, result.status.code
    ('0.3567', True, 'proved')
    >>> result
    CertifyResult('proved', lower=0.3567, upper=0.3593, upper_kind='exact-arithmetic')
    """
    limit = Limit.of(seconds)
    problem = _as_problem(problem, domain)
    for name, axis in zip(problem.domain.names, problem.domain.axes, strict=True):
        if not axis.low < axis.high:  # a box without width is no certificate
            raise BadInput(
                f"axis {name} has a single value, {axis.low:g}: put it into model and reference, and leave the axis out"
            )
    goal = _goal(ratio, problem.error.limit if ratio is None and tolerance is None else tolerance)
    measuring = Measuring(problem)
    error = error_program(problem, measuring)
    method = _choose(error) if strategy is None else strategy
    if isinstance(method, type) or not callable(getattr(method, "bound", None)):
        raise BadInput(
            "strategy must be GradedCertificate(), ChebyshevCertificate(), LinearBounds() or another object with "
            f"a method bound, got {method!r}"
        )
    if error.declared and not isinstance(method, ChebyshevCertificate):
        raise BadInput("a function with a declared bound needs strategy = ChebyshevCertificate()")
    executor = None if error.declared else executor  # its values are kept in one place
    admit = admits(problem, error)
    measuring.beside_kinks(np.random.default_rng(seed))
    given = np.zeros((0, error.d))
    if witness is not None:
        given = _points(witness, error.d)
        given = given[admit(given)]
        measuring.at(given, "given")
    seen = measuring.agreement()
    goal = replace(goal, room=BEYOND * (seen.hidden + (seen.lower_precision if goal.ratio is None else 0.0)))
    bracket = Bracket.start(error) if resume is None else load_bracket(resume, error, goal, admit)
    places: list[Array] = []

    def at(t: Array) -> Array:
        return on_values(problem.domain, np.clip(error.to_x(t), *_ends(problem)))

    def found(t: Array) -> None:
        places.append(t)
        bracket.raise_lower(np.clip(error.to_x(t), *_ends(problem)), admit, proved_error)
        if discrete:
            bracket.raise_lower(at(t), admit, proved_error)

    keep = Checkpoint(
        None if checkpoint is None else Path(checkpoint), lambda: certificate_of(problem, bracket)
    )

    def told(event: BracketNarrowed) -> None:
        if observer is not None:
            observer(event)
        keep(event)

    obstacle: str | None = None
    discrete = any(axis.values is not None for axis in problem.domain.axes)
    try:
        bracket.raise_lower(given, admit, proved_error)
        points, lost = search(error, np.random.default_rng(seed), lambda t: admit(at(t)))
        found(points)
        if len(lost):
            obstacle = without_value(problem, at(lost))
        end = "infinite"
        if obstacle is None and (without := _contradicted(problem, goal, seen, bracket)) is not None:
            end = without
        elif obstacle is None:
            end = narrow(bracket, method, goal, found, limit.within(0.9), boxes, executor, told)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        end = "interrupted"
    except Contradiction as bug:
        if resume is not None:
            raise contradiction(resume, bracket) from None
        raise bug
    if end in ("seconds", "boxes", "interrupted") and boxes:
        rest = {"seconds": limit, "boxes": Limit(), "interrupted": Limit.of(LAST_SECONDS)}[end]
        settle(bracket, method, goal, rest, executor)
    if error.declared and bracket.witness is not None:
        # The file holds the value at the witness alone; in a batch it may have been rounded otherwise.
        alone = float(proved_error(error, bracket.witness[None])[0])
        vars(bracket).update(lower=min(bracket.lower, alone))
    if resume is not None and bracket.lower > bracket.upper:
        raise contradiction(resume, bracket)
    bracket.demand_consistent()
    if obstacle is None and not math.isfinite(bracket.upper) and bracket.tried:
        obstacle = without_bound(problem, error, bracket.leaves)
    best = np.zeros((0, error.d)) if bracket.witness is None else bracket.witness[None]
    with suppress(KeyboardInterrupt):  # a second Ctrl-C leaves out what is left to compare
        measuring.at(np.concatenate([best, at(_worst_places(bracket, places, measuring.most))]), "worst")
        start, step = rough_points(bracket.leaves.boxes, bracket.leaves.proof.rounding, error.low, error.high)
        measuring.where_rough(at(start), at(start + step) - at(start), np.random.default_rng(seed))
    return result_of(problem, bracket, goal, end, limit.spent, obstacle, measuring.agreement())


def _contradicted(problem: Problem, goal: Goal, seen: Agreement, bracket: Bracket) -> str | None:
    """How the work ends before it begins, where functions as they run leave nothing to prove; None where they do not."""
    limit = problem.error.limit if goal.tolerance is None else goal.tolerance
    if goal.tolerance is not None and limit is not None and seen.worst > limit:
        return "exceeded"
    if goal.ratio is not None and seen.hidden > goal.target(bracket.least):
        if limit is not None and seen.worst > limit:
            return "exceeded"
        raise disagreement(seen, goal.target(bracket.least))
    return None


def _worst_places(bracket: Bracket, places: list[Array], most: int) -> Array:
    """Where the proof saw the largest errors: its worst nodes and its worst boxes, in box coordinates."""
    error = bracket.error
    boxes = bracket.leaves.boxes
    rows = np.argsort(-boxes.upper, kind="stable")[: max(most // 4, 1)]
    centre, _ = boxes.take(rows).centre_and_half(error.low, error.high)
    nodes = np.concatenate([np.zeros((0, error.d)), *places[-LAST:]])
    if len(nodes) > most // 2 and not error.declared:  # those of a declared function may be expensive
        nodes = nodes[np.argsort(-values(error, nodes), kind="stable")[: most // 2]]
    return np.concatenate([nodes[: most // 2], centre])


def _points(witness: Array, d: int) -> Array:
    """Points ``(k, d)``, or one of shape ``(d,)``."""
    given = np.atleast_2d(np.asarray(witness, dtype=float))
    if given.ndim != 2 or given.shape[1] != d:
        raise BadInput(f"witness must be points of shape (k, {d}), got {np.shape(witness)}")
    return given


def _as_problem(given: Problem | Function, domain: Domain | None) -> Problem:
    """A function alone is a model of zero."""
    if isinstance(given, Problem):
        if domain is not None:
            raise BadInput("a problem has its own domain; leave domain out")
        return given
    if not isinstance(given, Function) or domain is None:
        raise BadInput(
            "give certify a Problem, or a Function and its domain, certify(residual(..), domain=..)"
        )
    middle = domain.from_unit(np.full((1, domain.d), 0.5))
    zeros = np.zeros((domain.d, given.value(middle).shape[1]))
    return Problem(given, Function((lambda x: x @ zeros), name="zero"), domain)


def _choose(error: ErrorProgram) -> Strategy:
    """Linear bounds where a layer of at least four kinks may cross the boxes, or inputs are many; else polynomials.

    Graded ones from 3 inputs on, where tensor ones need (n + 1)^d points a box; tensor ones in 1 and 2. From nine
    inputs on there are no node rules of small degree.
    """
    kinks = [
        n for p in error.alternatives for n in p.nodes if n.op in ("relu", "leaky_relu") and n.width >= 4
    ]
    if (kinks or error.d > MOST_INPUTS) and not error.declared:
        return LinearBounds()
    return GradedCertificate() if error.d >= 3 and not error.declared else ChebyshevCertificate()


def _goal(ratio: float | None, tolerance: float | None) -> Goal:
    if ratio is not None and tolerance is not None:
        raise BadInput("give ratio or tolerance, not both")
    for name, number in (("ratio", ratio), ("tolerance", tolerance)):
        if number is not None and not isinstance(number, Real):
            raise BadInput(f"{name} must be a number, got {number!r}")
    if ratio is not None and not 1.0 < ratio < math.inf:
        raise BadInput(f"ratio must be above 1, such as 1.1, got {ratio}")
    if tolerance is not None and not 0.0 < tolerance < math.inf:
        raise BadInput(f"tolerance must be positive and finite, got {tolerance}")
    return Goal(1.1 if ratio is None and tolerance is None else ratio, tolerance)


def _ends(problem: Problem) -> tuple[Array, Array]:
    axes = problem.domain.axes
    return np.array([a.low for a in axes]), np.array([a.high for a in axes])
