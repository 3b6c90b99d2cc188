"""The verb: a bracket [lower, upper] of the worst error, with a proof that can be checked by others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from supnorm.certification.about_page import about_of
from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Work
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.choice import Choice
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.last_search import worst_points
from supnorm.certification.lower import admits, on_values, proved_error, search, values
from supnorm.certification.measured import BEYOND, Agreement, Measuring
from supnorm.certification.narrowing import Strategy
from supnorm.certification.obstacle import without_bound, without_value
from supnorm.certification.proved_again import ProvedAgain
from supnorm.certification.record_parts import disagreement
from supnorm.certification.result import CertifyResult, certificate_of, result_of
from supnorm.certification.resume import Admit, contradiction, go_on, load_bracket
from supnorm.certification.rough import BOXES as ROUGH
from supnorm.certification.rough import rough_points, roughness
from supnorm.certification.rounding import Array
from supnorm.certification.running import Asked
from supnorm.certification.shelf import Shelf, largest_by
from supnorm.certification.solved_references import certify_solved
from supnorm.certification.tightening import PendingBounded, tighten_pending
from supnorm.evaluation.events import silent
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem
from supnorm.program.collector import at_rest
from supnorm.program.jaxpr_caches import renew
from supnorm.results import BadInput, Contradiction
from supnorm.results.numbers import exact
from supnorm.results.option import Allowed, demand_allowed, demand_seconds, demand_seed
from supnorm.sources.solved import is_solved
from supnorm.wording import Fact

Observer = Callable[[BracketNarrowed | PendingBounded | ProvedAgain], None]
# Share of the time; the rest is for the pending boxes (`tighten_pending`). With shares from 0.5 to 0.97 of 30 s the bound of
# an error ended at 0.0119 to 0.0138, without an order: `tighten_pending` lowered it by 21 % in half of the time and by 4 %
# in a tenth.
HALVING = 0.9
# Share of the time: the search for a witness before the boxes. Without a limit it took 0.1 to 3 s, the longer for programs
# of thousands of operations.
SEARCHED = 0.2
LAST = 64  # rounds whose promising nodes are compared with the functions as they run at the end
# After Ctrl-C, to tighten the bracket of what is pending: no longer than a reader waits; a second Ctrl-C ends it as well.
LAST_SECONDS = 2.0


@broken_workers_explained()
@one_thread()
@at_rest()
@demanded_intact(proof=True)
def certify(
    problem: Problem,
    ratio: float | None = None,
    tolerance: float | None = None,
    *,
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
        problem: model and reference must have straight-line programs: ONNX, JAX code, or ``program`` set. The size of one
            function alone, such as a `residual`, is bounded as the problem `against_zero`.
        ratio: stop at upper <= ratio * lower; 1.1 where there is no tolerance either.
        tolerance: stop at upper <= tolerance, or at a witness above it; that of the problem when neither is given.
        seconds: budget; the best bracket so far is returned.
        boxes: budget in boxes tried; 0 with ``resume`` only proves again what is saved.
        strategy: how boxes are bounded; by default `LinearBounds` where the network has kinks, else
            `ChebyshevCertificate` in one or two inputs, `GradedCertificate` in three to eight, `LinearBounds` in more;
            for formulas of up to four inputs `ComposedCertificate` is tried beside them, and where rounding ends the work
            `ChebyshevCertificate` goes on in up to three inputs (`choice`).
        executor: runs batches of boxes in parallel (``concurrent.futures``).
        observer: gets a `BracketNarrowed` after each batch, a `PendingBounded` while pending boxes are bounded once more at
            the end, and a `ProvedAgain` for bounds of a saved certificate.
        witness: points known to have large errors, shape ``(k, d)``, for example an audit's.
        resume: a saved certificate of the same problem; its boxes are kept, and their bounds proved again first.
        seed: of the screen for the witness.
        checkpoint: a file into which the certificate so far is written every ten seconds or more, for ``resume``.

    Raises:
        BadInput: naming the operation that has no program, or the argument that cannot be used.

    >>> import jax.numpy as jnp
    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 3, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    >>> result = certify(problem, ratio=1.01)
    >>> f"{result.lower:.4f}", result.ratio < 1.01, result.status.code
    ('0.3567', True, 'proved')
    >>> result
    CertifyResult('proved', lower=0.3567, upper=0.3593, upper_kind='exact-arithmetic')
    """
    renew()
    demand_seconds(seconds)
    demand_allowed("boxes", boxes, Allowed(low=0, whole=True))
    boxes, seed = int(boxes), demand_seed(seed)
    limit = Limit.of(seconds, boxes)
    _demand_problem(problem)
    goal = _goal(ratio, problem.error.limit if ratio is None and tolerance is None else tolerance)
    asked = Asked(goal, limit, executor, observer or silent, witness, resume, checkpoint, seed)
    if not is_solved(problem.reference):
        result = _certify_programs(problem, strategy, asked, seconds)
    elif strategy is not None:
        raise BadInput(
            "strategy cannot be chosen where the reference is a root, a flow or an integral: its parts are of several kinds"
        )
    else:
        result = certify_solved(problem, asked)
    # Title, box and units are for its page; the command line adds a picture.
    about = about_of(problem, result.unit, problem.reference.name)
    return replace(result, record=result.record.changed(about=about))


def _certify_programs(
    problem: Problem, strategy: Strategy | None, asked: Asked, seconds: float | None
) -> CertifyResult:
    """The same for a model and a reference that both have a program; `certify` explains the arguments."""
    goal, limit, executor, resume, seed = asked.goal, asked.limit, asked.executor, asked.resume, asked.seed
    boxes = limit.evaluations
    measuring = Measuring(problem)
    error = error_program(problem, measuring)
    choice = _method(error, strategy)
    # The values of a declared function are recorded in this process only.
    executor = None if error.declared else executor
    admit = admits(problem, error)
    measuring.beside_kinks(np.random.default_rng(seed))
    given = _given(asked.witness, error.d, admit, measuring)
    seen = measuring.agreement()
    goal = replace(goal, room=_room(seen, goal))
    path = None if asked.checkpoint is None else Path(asked.checkpoint)
    # A file with recorded values of a declared function is one JSON object.
    folder = None if path is None else path.parent
    shelf = None if error.declared else Shelf(error.d, len(error.alternatives), folder)
    if resume is None:
        bracket = replace(Bracket.start(error), seed=seed, shelf=shelf)
    else:  # what a saved proof is worth does not depend on a seed
        bracket = load_bracket(resume, error, admit, seed if boxes else None, shelf)
    limit = limit.at_least(0.5)  # reading the programs may have taken seconds: it imports JAX or torch
    work = Work(bracket)
    points = Promising(problem, error, admit, work)
    keep = Checkpoint(path, lambda: certificate_of(problem, work.bracket))

    def observe(event: BracketNarrowed) -> None:
        asked.observer(event)
        keep(event)

    obstacle: Fact | None = None
    try:
        if resume is not None:
            go_on(work, resume, goal, limit.within(HALVING), executor, asked.observer)
        work.bracket = work.bracket.raised(given, admit, proved_error)
        searching = limit.within(SEARCHED)
        promising, lost = search(
            error, np.random.default_rng(seed), lambda t: admit(points.at(t)), lambda: searching.over
        )
        points.offer(promising)
        if len(lost):
            obstacle = without_value(problem, points.at(lost))
        end = "infinite"
        if obstacle is None:
            until = limit.within(HALVING).upto(boxes)
            end = _contradicted(problem, goal, seen, work.bracket) or choice.narrow(
                work, goal, points.offer, until, executor=executor, observer=observe
            )
        if end == "seconds" and seconds is not None and not error.declared:
            more = worst_points(problem, seconds, seed, limit.left)
            work.bracket = work.bracket.raised(more, admit, proved_error)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        end = "interrupted"
    except Contradiction as bug:
        if resume is None or not work.bracket.believed:  # all that the file states was proved again
            raise bug
        raise contradiction(resume, work.bracket) from None
    _use_the_rest(work, choice.best, goal, end, limit, executor, asked.observer)
    bracket = work.bracket = _as_in_the_file(work.bracket).gathered()
    _demand_consistent(bracket, resume)
    if obstacle is None and not math.isfinite(bracket.upper) and bracket.tried:
        obstacle = without_bound(problem, error, bracket.leaves)
    with suppress(KeyboardInterrupt):  # a second Ctrl-C skips the remaining comparisons
        points.compare(measuring, bracket, seed)
    seen = measuring.agreement()
    with _faults_of_the_file(bracket, resume):
        return result_of(problem, bracket, goal, end, limit.spent, obstacle=obstacle, seen=seen)


def _demand_consistent(bracket: Bracket, resume: Path | str | None) -> None:
    """See that no proved error is above the upper bound; a bound that is as a file states it is the file's fault."""
    if resume is not None and bracket.believed and bracket.lower > bracket.upper:
        raise contradiction(resume, bracket)
    bracket.demand_consistent()


@contextmanager
def _faults_of_the_file(bracket: Bracket, resume: Path | str | None) -> Iterator[None]:
    """A contradiction inside is the file's fault as long as some of its bounds are not proved again."""
    try:
        yield
    except Contradiction as why:
        if resume is None or not bracket.believed:
            raise
        raise BadInput(f"{resume}: its bounds are wrong: {why}; start without resume") from None


@dataclass
class Promising:
    """Collects points where the error may be large; the best one that counts becomes the witness.

    Attributes:
        problem, error: the problem and the programs of its error.
        admit: which points count.
        work: holds the bracket whose lower bound the points raise.
        rounds: the points of each of the last batches of boxes, in box coordinates.
    """

    problem: Problem
    error: ErrorProgram
    admit: Admit
    work: Work
    rounds: list[Array] = field(default_factory=list)

    def _inside(self, t: Array) -> Array:
        axes = self.problem.domain.axes
        ends = np.array([a.low for a in axes]), np.array([a.high for a in axes])
        return np.asarray(np.clip(self.error.to_x(t), *ends))

    def at(self, t: Array) -> Array:
        """Points of the domain at box coordinates; a discrete input gets its nearest value."""
        return on_values(self.problem.domain, self._inside(t))

    def offer(self, t: Array) -> None:
        """Try points, in box coordinates, as the witness."""
        self.rounds = [*self.rounds[1 - LAST :], t]
        self.work.bracket = self.work.bracket.raised(self._inside(t), self.admit, proved_error)
        if any(axis.values is not None for axis in self.problem.domain.axes):
            self.work.bracket = self.work.bracket.raised(self.at(t), self.admit, proved_error)

    def compare(self, measuring: Measuring, bracket: Bracket, seed: int) -> None:
        """Compare model and reference as they run with their programs, where the proof found the largest errors."""
        best = np.zeros((0, self.error.d)) if bracket.witness is None else bracket.witness[None]
        worst = self.at(_worst(bracket, self.rounds, measuring.most))
        measuring.at(np.concatenate([best, worst]), "worst")
        some = largest_by(bracket.leaves, lambda part: roughness(part.proof.rounding), ROUGH)
        start, step = rough_points(some.boxes, some.proof.rounding, self.error.low, self.error.high)
        measuring.where_rough(
            self.at(start), self.at(start + step) - self.at(start), np.random.default_rng(seed)
        )


def _as_in_the_file(bracket: Bracket) -> Bracket:
    """The bracket with the lower bound that its file will show: a declared function may round differently in a batch."""
    if not bracket.error.declared or bracket.witness is None:
        return bracket
    alone = float(proved_error(bracket.error, bracket.witness[None])[0])
    return replace(bracket, lower=min(bracket.lower, alone))


def _contradicted(problem: Problem, goal: Goal, seen: Agreement, bracket: Bracket) -> str | None:
    """Why the work ends before it begins, if the functions as they run leave nothing to prove; None if they do not."""
    limit = problem.error.limit if goal.tolerance is None else goal.tolerance
    if goal.tolerance is not None and limit is not None and seen.worst > limit:
        return "exceeded"
    if goal.ratio is not None and seen.hidden > goal.target(bracket.least):
        if limit is not None and seen.worst > limit:
            return "exceeded"
        raise disagreement(seen, goal.target(bracket.least), problem.domain.names)
    return None


def _worst(bracket: Bracket, rounds: list[Array], most: int) -> Array:
    """The points where the proof saw the largest errors: its worst nodes and boxes, in box coordinates."""
    error = bracket.error
    boxes = largest_by(bracket.leaves, lambda part: part.boxes.upper, max(most // 4, 1)).boxes
    centre, _ = boxes.centre_and_half(error.low, error.high)
    nodes = np.concatenate([np.zeros((0, error.d)), *rounds[-LAST:]])
    if len(nodes) > most // 2 and not error.declared:  # calls of a declared function may be expensive
        nodes = nodes[np.argsort(-values(error, nodes), kind="stable")[: most // 2]]
    return np.concatenate([nodes[: most // 2], centre])


def _given(witness: Array | None, d: int, admit: Admit, measuring: Measuring) -> Array:
    """The given points that count, shape ``(k, d)``, after they were compared with the functions as they run."""
    if witness is None:
        return np.zeros((0, d))
    given = np.atleast_2d(np.asarray(witness, dtype=float))
    if given.ndim != 2 or given.shape[1] != d:
        raise BadInput(f"witness must be points of shape (k, {d}), got {np.shape(witness)}")
    given = given[admit(given)]
    measuring.at(given, "given")
    return given


def _use_the_rest(
    work: Work,
    method: Strategy,
    goal: Goal,
    end: str,
    limit: Limit,
    executor: Executor | None,
    observer: Observer,
) -> None:
    """Bound the pending boxes once more where the work was cut short, in the time that is left."""
    if end not in ("seconds", "boxes", "interrupted") or not limit.evaluations:
        return
    if end == "interrupted":
        limit, observer = Limit.of(LAST_SECONDS), lambda event: None
    tighten_pending(work, method, goal, limit, executor, observer)


def _room(seen: Agreement, goal: Goal) -> float:
    """Room for the measured difference between the programs and the functions as they run."""
    return BEYOND * (seen.hidden + (seen.lower_precision if goal.ratio is None else 0.0))


def _demand_problem(problem: Problem) -> None:
    """Check that the argument is a problem on a box whose axes all have a width.

    Raises:
        BadInput: when it is none.
    """
    if not isinstance(problem, Problem):
        raise BadInput(
            "give certify a Problem; to bound the size of one function use certify(against_zero(function, domain)); got "
            f"{type(problem).__name__}"
        )
    for name, axis in zip(problem.domain.names, problem.domain.axes, strict=True):
        if not axis.low < axis.high:  # the format has no box without width
            raise BadInput(
                f"axis {name} has a single value, {exact(axis.low)}: put it into model and reference, and leave the axis out"
            )


def _method(error: ErrorProgram, strategy: Strategy | None) -> Choice:
    """The strategy that was asked for, or those that suit the error.

    Raises:
        BadInput: when the strategy cannot bound this error.
    """
    if strategy is None:
        return Choice.of(error, beyond_rounding=True)
    method = strategy
    if isinstance(method, type) or not callable(getattr(method, "bound", None)):
        raise BadInput(
            "strategy must be ComposedCertificate(), GradedCertificate(), ChebyshevCertificate(), LinearBounds() or another "
            f"object with a method bound, got {method!r}"
        )
    if error.declared and not isinstance(method, ChebyshevCertificate):
        raise BadInput("a function with a declared bound needs strategy = ChebyshevCertificate()")
    return Choice(method)


def _goal(ratio: float | None, tolerance: float | None) -> Goal:
    if ratio is not None and tolerance is not None:
        raise BadInput("give ratio or tolerance, not both")
    for name, number in (("ratio", ratio), ("tolerance", tolerance)):
        if number is not None:
            demand_allowed(name, number, Allowed(infinite=True))
    if ratio is not None and not 1.0 < ratio < math.inf:
        raise BadInput(f"ratio must be above 1, such as 1.1, got {ratio}")
    if tolerance is not None and not 0.0 < tolerance < math.inf:
        raise BadInput(f"tolerance must be positive and finite, got {tolerance}")
    return Goal(1.1 if ratio is None and tolerance is None else ratio, tolerance)
