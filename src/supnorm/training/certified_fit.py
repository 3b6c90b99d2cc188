"""Fits, audits, certifies and fits more accurately, until a proof shows that the largest error meets the tolerance.

A certificate needs head room: each round fits to a smaller share of the tolerance, then proves the whole of
it. Only models whose operations can be enclosed are tried: networks, Chebyshev polynomials and, in one input, rational
functions by AAA. A proof is of a whole box, so that on an axis of listed values models are fitted between these values as
well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import AAA, ChebyshevTensor, PolynomialLeastSquares
from supnorm.approximants.approximation import MOST_TERMS
from supnorm.certification import CertifyResult, ChebyshevCertificate, certify
from supnorm.certification.into_report import beside, proves
from supnorm.evaluation.guarded import guarded
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, Problem, draw_inside
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput, ExitCode, Status
from supnorm.sources.solved import demand_readable, is_solved
from supnorm.training.active_fit import LEAST_SECONDS
from supnorm.training.assessment import FRESH, audit_model
from supnorm.training.fit_result import FitResult
from supnorm.training.network_fit import NetworkFit
from supnorm.wording import fact
from supnorm.wording.fit import narrator

Array = NDArray[np.float64]
# Of the time that is left: the first fit, the fit of a later round; the proof gets the rest. For `smooth` of benchmarks/same
# and networks, 25 s ended with a proof for every share from 0.2 to 0.7; 0.2 of 15 s on a busy machine were over before there
# was a network.
FIRST, LATER = 0.4, 0.6
AGAIN = 0.2  # of what is left then: another audit of the winner, where it is needed
SHARES = (0.6, 0.3, 0.12)  # of the tolerance, fitted for in successive rounds
# Of Chebyshev grids, in turn: one to the last digit can be too large to be read.
TERMS = (200, 1000, MOST_TERMS)
TRIED = 64  # points of the box at which the reference must have a value
PROVABLE = (ChebyshevTensor(1e-14), AAA(), NetworkFit(widths=(8, 10, 12, 16, 20, 24)))


def certified_fit(
    problem: Problem,
    methods: list[Any],
    fit_once: Callable[[Problem, list[Any], Limit], FitResult],
    limit: Limit,
    observer: Callable[[Any], None],
) -> FitResult:
    """Fit and prove in rounds; the result has the narrowest bracket and its certificate.

    Args:
        problem: a problem with a tolerance for the largest error.
        methods: strategies; those whose models cannot be certified are left out.
        fit_once: fits to the problem's tolerance within a limit.
        limit: limit of the time for all rounds, and of the evaluations of each round.
        observer: gets the events of `certify`.

    Raises:
        BadInput: without a tolerance, for a reference whose operations are not known, or if no method makes models
            that can be certified.
    """
    goal = problem.error.limit
    if goal is None:
        raise BadInput(
            "to certify a fit, give a tolerance: --tolerance, or that of the problem ([error] tolerance)"
        )
    _require_program(problem)
    box = _whole_box(problem)
    tried = [method for given in methods for method in _provable(given)]
    if not tried:
        names = ", ".join(type(m).__name__ for m in methods)
        raise BadInput(f"models of {names} cannot be certified; use NetworkFit() or ChebyshevTensor()")
    limit = limit.at_least(0.5)  # reading the reference's program may have taken seconds: it imports JAX
    best: tuple[FitResult, CertifyResult] | None = None
    interrupted = False
    for i, share in enumerate(SHARES):
        if best is not None and limit.over:
            break
        stricter = replace(box, tolerance=_scaled(problem.tolerance, share))
        part = limit.within(LATER if i else FIRST).upto(limit.evaluations)
        try:
            result = fit_once(stricter, tried, part)
        except BadInput:
            if best is None:
                raise
            break  # too little time was left to try anything: the result is what earlier rounds have proved
        if problem.error.per_output:
            result = _in_tolerances(result, share)
        if (problem.error.per_output or box is not problem) and result.audit is not None:
            result = _judged_again(problem, result, box is not problem, limit)
        if interrupted := result.status.exit == ExitCode.INTERRUPTED:
            if best is None:
                return replace(result, tolerance=goal)
            break
        left = None if limit.endless else max(limit.left, 1.0)
        proof = _prove(problem, result, goal, left, observer)
        if best is None or proof.upper < best[1].upper:
            best = (result, proof)
        reached = _upper(proof, result.winner.sup_lower)[0]
        interrupted = proof.status.exit == ExitCode.INTERRUPTED
        if interrupted or (reached is not None and proves(proof, reached, goal)):
            break
    assert best is not None
    return _combined(*best, goal, limit.spent, interrupted)


def provable(d: int) -> list[Any]:
    """The methods that a fit with a proof tries for ``d`` inputs, in order."""
    return [method for method in PROVABLE if d == 1 or not isinstance(method, AAA)]


def _provable(method: Any) -> list[Any]:
    """The method as a list, a Chebyshev grid in several sizes; an empty list if its models cannot be certified."""
    if isinstance(method, ChebyshevTensor) and method.most is None:
        return [replace(method, most=terms) for terms in TERMS]
    return [method] if isinstance(method, AAA | ChebyshevTensor | PolynomialLeastSquares | NetworkFit) else []


def _require_program(problem: Problem) -> None:
    try:
        if is_solved(problem.reference):
            demand_readable(problem.reference, problem.domain.d)
            return
        program_of(problem.reference, problem.domain.d, limited=True)
    except Unsupported as why:
        raise BadInput(f"the reference cannot be certified: {why}") from None


def _scaled(tolerance: float | tuple[float, ...] | None, share: float) -> float | tuple[float, ...]:
    assert tolerance is not None
    return tuple(share * t for t in tolerance) if isinstance(tolerance, tuple) else share * tolerance


def _whole_box(problem: Problem) -> Problem:
    """The problem with ranges in place of listed values, where the reference has a value between them; else as it is.

    An average over a law that the user has given would not be one over the ranges: then it stays as well.
    """
    domain = problem.domain
    assumed = problem.law is None or problem.law.assumed
    if not assumed or not any(axis.values is not None for axis in domain.axes):
        return problem
    axes = {
        name: Axis(axis.low, axis.high, axis.unit, axis.scale)
        if axis.values and axis.low < axis.high
        else axis
        for name, axis in zip(domain.names, domain.axes, strict=True)
    }
    box = Domain.from_axes(dict(axes), domain.constraints, domain.cloud)
    x = draw_inside(box, TRIED, np.random.default_rng(0))
    y, failed = guarded(problem.reference.value, x, None)
    return problem if failed or not np.isfinite(y).all() else replace(problem, domain=box)


def _in_tolerances(result: FitResult, share: float) -> FitResult:
    """Errors as multiples of the tolerances asked for: those of the round are multiples of a share of them."""
    candidates = tuple(
        replace(c, rms=share * c.rms, sup_lower=share * c.sup_lower, error_of_mean=share * c.error_of_mean)
        for c in result.candidates
    )
    return replace(result, winner=candidates[0], candidates=candidates)


def _judged_again(problem: Problem, result: FitResult, listed: bool, limit: Limit) -> FitResult:
    """With an audit of the winner on the problem itself; ``listed``: the models were fitted on a larger domain."""
    assert result.audit is not None
    budget = result.audit.record.budget.evaluations
    assert budget is not None
    seconds = None if limit.endless else max(AGAIN * limit.left, LEAST_SECONDS)
    again = audit_model(problem, result.model, budget, result.seed + FRESH, seconds)  # the same points
    winner, notes = result.candidates[0], result.notes
    if listed:
        worst = 0.0 if again.worst is None else again.worst.error
        winner = replace(winner, rms=again.rms.value, sup_lower=worst)
        notes = (*notes, narrator(result.measure).text(fact("listed-values")))
    largest = fact("largest", method=winner.method, l2=False, error=winner.sup_lower)
    stopped = again.halted is not None or result.status.exit == ExitCode.INTERRUPTED
    facts = [fact("stopped"), largest] if stopped else [largest]
    status = Status("interrupted", "", ExitCode.INTERRUPTED) if stopped else result.status
    return replace(
        result,
        winner=winner,
        candidates=(winner, *result.candidates[1:]),
        audit=again,
        status=replace(status, advice=narrator(result.measure).text(*facts)),
        notes=notes,
    )


def _prove(
    problem: Problem,
    result: FitResult,
    goal: float,
    seconds: float | None,
    observer: Callable[[Any], None],
) -> CertifyResult:
    witness = None
    if result.audit is not None and result.audit.peaks:
        witness = np.array([peak.x for peak in result.audit.peaks])
    judged = replace(problem, model=result.model)
    return certify(
        judged,
        tolerance=goal,
        seconds=60.0 if seconds is None else 0.8 * seconds,
        witness=witness,
        strategy=_strategy(judged),
        observer=observer,
    )


def _strategy(problem: Problem) -> ChebyshevCertificate | None:
    """Tensor polynomials in three inputs too, where `certify` takes graded ones: far below the tolerance few boxes do."""
    if is_solved(problem.reference):  # a proof of several parts chooses for each
        return None
    d, smooth = problem.domain.d, True
    for function in (problem.model, problem.reference):
        smooth &= not any(n.op in ("relu", "leaky_relu") for n in program_of(function, d, limited=True).nodes)
    return ChebyshevCertificate() if d == 3 and smooth else None


def _combined(
    result: FitResult, proof: CertifyResult, goal: float, seconds: float, interrupted: bool
) -> FitResult:
    lower = max(result.winner.sup_lower, proof.lower)
    upper, kind, against = _upper(proof, lower)
    say = narrator(result.measure).text
    winner = replace(result.winner, sup_lower=lower, sup_upper=upper, upper_kind=kind)
    if upper is not None and proves(proof, upper, goal):
        proved = fact("proved", method=winner.method, upper=upper, kind=kind)
        status = Status("within-tolerance", say(proved))
    elif winner.sup_lower > goal:
        status = Status("tolerance-exceeded", result.status.advice, ExitCode.EXCEEDED)
    else:
        unproved = fact("not-proved", lower=winner.sup_lower, upper=proof.upper)
        answer = fact("contradicted", why=against) if against else unproved
        if interrupted:
            status = Status("interrupted", say(fact("stopped"), answer), ExitCode.INTERRUPTED)
        else:
            status = Status("undecided", f"{say(answer)} {proof.status.advice}", ExitCode.UNDECIDED)
    candidates = (winner, *result.candidates[1:])
    return replace(
        result,
        winner=winner,
        candidates=candidates,
        status=status,
        certificate=proof,
        tolerance=goal,
        seconds=seconds,
    )


def _upper(proof: CertifyResult, seen: float) -> tuple[float | None, str, str]:
    """The bound beside a computed error and its kind; if the error contradicts the bound, no bound and the reason."""
    if not np.isfinite(proof.upper):
        return None, "none", ""
    try:
        upper, kind, _ = beside(proof, seen)
    except BadInput as contradiction:
        return None, "none", str(contradiction)
    return upper, kind, ""
