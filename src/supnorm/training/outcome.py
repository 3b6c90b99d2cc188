"""Makes the report of a fit: audits the winner with a fresh seed and measures the others at fresh points."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.opened_files import LARGEST, overlooking
from supnorm.interrupts import INTERRUPTS
from supnorm.problem.records import measure_record
from supnorm.results import ExitCode, Status, versions
from supnorm.results.parts import MeasureRecord
from supnorm.results.powers import unit
from supnorm.training.active_fit import LEAST, ActiveFit
from supnorm.training.assessment import FRESH, Validation, audit_model
from supnorm.training.breaks import Jump
from supnorm.training.contest import Attempt
from supnorm.training.cost import cost_notes, cost_record
from supnorm.training.fit_result import Candidate, FitResult
from supnorm.wording import fact
from supnorm.wording.fit import FIT, narrator

Array = NDArray[np.float64]
FEWEST = 16  # smallest number of fresh points
# Seconds of the search after an interruption: 2,000 evaluations of a cheap reference take less than one. A reference that
# has become slow since its cost was recorded must not hold up who wants to end.
PATIENCE = 3.0
AFTERWARDS = 0.15  # of the whole time: the least for the last audit


def finish(state: ActiveFit, jump: Jump | None, start: float) -> FitResult:
    """Audit the winner with a fresh seed, measure the others at fresh points, and make the result."""
    try:
        state.audit_best()
        report, fresh, spent = _judged(state)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        state.interrupted = True
        report, fresh, spent = _judged(state)
    best = state.best()
    if report is not None and report.status.code == "interrupted":
        state.interrupted = True
    error_of_mean = fresh.error_of_mean
    candidates = [_candidate(a, fresh, error_of_mean) for a in state.attempts if a is not best]
    candidates.sort(key=lambda c: c.rms if state.norm == "l2" else c.sup_lower)
    winner = _winner(best, report, fresh, error_of_mean)
    record = None if report is None else report.record
    counted = {
        "fit": spent,
        "fresh": state.points.spent - spent,
        "failed": state.points.failed,
        "audit": sum(n for purpose, n in record.evaluations if purpose != "failed") if record else 0,
        "loop audits": state.audits,
    }
    measure = record.measure if record else measure_record(state.problem, fresh.y.shape[1])
    notes = _notes(state, jump)
    return FitResult(
        winner=winner,
        candidates=(winner, *candidates),
        skipped=tuple(dict.fromkeys(state.skipped)),
        status=_status(state, winner, jump, report, measure),
        audit=report,
        evaluations=counted,
        notes=notes,
        tolerance=state.goal,
        norm=state.norm,
        seed=state.seed,
        seconds=time.perf_counter() - start,
        versions=versions(),
        measure=measure,
        cost=cost_record(state.points.caller),
        title=state.problem.title,
    )


def _judged(state: ActiveFit) -> tuple[AuditReport | None, Validation, int]:
    """The best candidate's audit, fresh points, and the number of evaluations of the fit.

    After an interruption the audit is short. If calls are expensive, there is then no audit and there are no fresh points.
    """
    spent = state.points.spent
    if state.interrupted and state.points.caller.expensive:
        return None, state.validation, spent
    evaluations = min(state.audit_evaluations, 2000) if state.interrupted else state.audit_evaluations
    seconds, points = _shares(state, evaluations)
    state.points.limit = state.whole.timed(state.points.pace)
    if state.interrupted:
        seconds, points = min(seconds or PATIENCE, PATIENCE), FEWEST
        state.points.limit = Limit.of(PATIENCE).timed(state.points.pace)
    report = audit_model(
        state.problem,
        state.best().approximation.function,
        evaluations,
        state.seed + FRESH,
        seconds,
        state.points.caller,
    )
    rng = np.random.default_rng([state.seed + FRESH, 2])
    fresh = Validation.draw(state.points, points, rng)
    # Where the time was up, the points that have judged the candidates on the way do it.
    return report, fresh if len(fresh.x) >= min(points, FEWEST) else state.validation, spent


def _shares(state: ActiveFit, evaluations: int) -> tuple[float | None, int]:
    """Seconds of the last audit (None for no limit), and the number of fresh points.

    A limit in time is one of both; a fourth of what is left is for the fresh points.
    """
    points, cost = min(4096, max(evaluations // 4, FEWEST)), state.points.pace
    if state.whole.endless:
        return None, points
    left = state.whole.left
    # What fitted the last candidate may have taken longer than it should: the verdict needs an audit all the same.
    least = max(LEAST * cost, AFTERWARDS * (state.whole.end - state.whole.begun))
    return max(0.7 * left, least), int(np.clip(0.25 * left / max(cost, 1e-9), FEWEST, points))


def _winner(best: Attempt, report: AuditReport | None, fresh: Validation, error_of_mean: float) -> Candidate:
    """The winner with the errors of its audit and of the fresh points together."""
    measured = _candidate(best, fresh, error_of_mean)
    if report is None:
        return measured
    worst = report.worst.error if report.worst is not None else measured.sup_lower
    parts = [(n, rms) for n, rms in ((report.rms.n, report.rms.value), (fresh.counting, measured.rms)) if n]
    size = float(unit(np.array([rms for _, rms in parts]), 2.0))
    squares = sum(n * (rms / size) ** 2 for n, rms in parts)
    rms = size * float(np.sqrt(squares / sum(n for n, _ in parts))) if parts else measured.rms
    return replace(measured, rms=rms, sup_lower=max(worst, measured.sup_lower), audited=True)


def _candidate(attempt: Attempt, fresh: Validation, error_of_mean: float) -> Candidate:
    errors = fresh.errors(attempt.approximation.function)
    # The reported error is at least the one that was seen while fitting.
    worst = max(errors.worst, attempt.errors.worst)
    return Candidate(
        approximation=attempt.approximation,
        seconds=attempt.seconds,
        rms=errors.rms,
        sup_lower=worst,
        error_of_mean=error_of_mean,
        latency=latency(attempt.approximation.function.value, fresh.x),
        trail=attempt.trail,
    )


def latency(value: Callable[[Array], Array], x: Array) -> float:
    """Seconds per point in a batch of up to 1000."""
    batch = x[:1000]
    value(batch)
    start = time.perf_counter()
    value(batch)
    return (time.perf_counter() - start) / len(batch)


def _notes(state: ActiveFit, jump: Jump | None) -> tuple[str, ...]:
    domain, points = state.problem.domain, state.points
    facts = [] if jump is None else [fact("reference-jump", size=jump.size, at=domain.describe(jump.x))]
    if not np.ptp(state.validation.y, axis=0).any():
        facts.append(fact("constant-reference"))
    if points.failed:
        first = domain.describe(points.failed_at)
        facts.append(fact("points-without-value", failed=points.failed, points=points.spent, at=first))
    facts += cost_notes(points.caller)
    if overlooking():
        facts.append(fact("many-files", most=LARGEST))
    return (*state.best().approximation.notes, *map(FIT.text, facts))


def _status(
    state: ActiveFit, winner: Candidate, jump: Jump | None, report: AuditReport | None, measure: MeasureRecord
) -> Status:
    goal, l2, say = state.problem.error.limit, state.norm == "l2", narrator(measure).text
    error = winner.rms if l2 else winner.sup_lower
    best = fact("best", method=winner.method, candidates=len(state.attempts), l2=l2, error=error)
    if state.interrupted:
        return Status("interrupted", say(fact("stopped"), best), ExitCode.INTERRUPTED)
    if goal is None:
        return Status("no-tolerance", say(best))
    if error <= goal:
        audited = fact("audited", method=winner.method, l2=l2, error=error)
        if l2:
            return Status("nothing-found", say(audited, fact("at-samples")))
        if report is not None and report.exhaustive and report.status.code == "within-tolerance":
            return Status("within-tolerance", say(audited, fact("every-point")))
        # A search proves nothing, so it must not end with the word of a proof: scripts read it.
        return Status("nothing-found", say(audited, fact("lower-bound")))
    if jump is not None and goal < 0.5 * jump.size:
        remedy = fact("reference-jumps", size=jump.size)
    elif state.limit.over:
        remedy = fact("time-up")
    else:
        remedy = fact("give-more", seconds=not state.limit.endless)
    return Status("tolerance-exceeded", say(best, remedy), ExitCode.EXCEEDED)
