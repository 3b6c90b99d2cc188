"""Judges a guard whose layers and cuts are fixed: a search among accepted inputs, fresh points, its curve and its cost."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.evaluation import Calls
from supnorm.evaluation.guarded import values_of
from supnorm.guarding.collecting import Collected
from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import LearnedError, ranks
from supnorm.guarding.promise import share_above, share_above_largest
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.task import Wrong
from supnorm.problem import Problem
from supnorm.results.audit import ShortAuditRecord
from supnorm.results.guarding import CurveRecord, PromiseRecord
from supnorm.training.assessment import FRESH, audit_model

Array = NDArray[np.float64]
UNLABELLED = 20_000  # random points that fix the cuts; they cost no call of the reference
# Evaluations for sizes of peaks and pictures, of an audit that a guard starts from and of its search among accepted inputs.
# It needs neither, only the worst point and the statistics; so many are enough for the cuts on the page of the audit.
PICTURED = 2000
SHARES = (0.0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2)  # rejected shares: the points of the curve that is reported


def law_points(problem: Problem, n: int, rng: np.random.Generator) -> Array:
    """``n`` independent points of the law, shape ``(n, d)``."""
    assert problem.law is not None
    return problem.law.draw(n, rng)


class Labelled(NamedTuple):
    """Fresh independent points ``x (n, d)`` of the law, values ``y (n, m)`` of the model and errors ``(n,)``."""

    x: Array
    y: Array
    error: Array


def labelled_points(problem: Problem, calibration: int, seed: int) -> Labelled:
    """Points that nothing of a guard has seen before; those at which no error is defined are left out."""
    rng = np.random.default_rng([seed + FRESH, 6])
    x = law_points(problem, calibration, rng)
    f = values_of(problem.reference, x)
    y = values_of(problem.model, x, f.shape[1])
    with np.errstate(all="ignore"):
        errors = problem.error(y, f, x)[0]
    counts = ~np.isnan(errors)
    return Labelled(x[counts], y[counts], errors[counts])


def judged(
    made: Guard,
    problem: Problem,
    report: AuditReport,
    found: Collected,
    audited: int,
    labelled: Labelled | None,
    calibration: int,
    level: float | None,
    confidence: float,
    seed: int,
    learned: int,
    calls: Calls,
) -> Guard:
    """Search among accepted inputs, draw fresh points for the promise, and say what both show."""
    with INTERRUPTS.handed_on():
        search = audit_model(
            _among_accepted(problem, made),
            problem.model,
            max(audited, 500),
            seed + FRESH,
            pictured=PICTURED,
            calls=calls,
        )
    worst = 0.0 if search.worst is None else search.worst.error
    taken = made.accepts(found.x)
    worst = max(worst, float(found.error[taken].max(initial=0.0)))
    x, y, errors = labelled or labelled_points(problem, calibration, seed)
    accepted = made.accepts(x)
    promise = _promise(errors[accepted], calibration, level, confidence, search.record.law)
    choice = made.record.choice
    # The share was chosen by these points: they show the risk, not less.
    if choice is not None and choice.share is not None:
        promise = promise.changed(fraction_at_most=choice.risk)
    factor = _factor(made, x[accepted], y[accepted], errors[accepted])
    record = made.record.changed(
        worst_unguarded=max(report.record.sup.lower, float(found.error.max(initial=0.0)), worst),
        worst_accepted=worst,
        accepted=ShortAuditRecord.of(search.record),
        promise=promise,
        rejected=float(1.0 - accepted.mean()) if len(accepted) else 1.0,
        curve=_curve(made, x, y, errors, _searched(found, Wrong.of_report(search, problem.domain.d))),
        proved_cells=0 if made.cells is None else len(made.cells),
        proved_share=0.0
        if made.cells is None
        else float(np.prod(made.cells.high - made.cells.low, axis=1).sum()),
        microseconds=_cost(made, x, y),
        evaluations={
            "learned": learned,
            "audit": search.record.evaluations.search,
            "calibration": calibration,
        },
    )
    return replace(made, factor=factor, record=record)


def _among_accepted(problem: Problem, made: Guard) -> Problem:
    """The problem whose error counts only at accepted inputs."""
    mask = problem.error.mask
    by_reference = problem.error.masks_by_reference

    def plain(x: Array) -> NDArray[np.bool_]:
        counted = made.accepts(x)
        return counted if mask is None else np.asarray(counted & mask(x), dtype=bool)

    def with_values(x: Array, reference: Array) -> NDArray[np.bool_]:
        assert mask is not None
        return np.asarray(made.accepts(x) & mask(x, reference), dtype=bool)

    return replace(problem, error=replace(problem.error, mask=with_values if by_reference else plain))


def _promise(errors: Array, drawn: int, goal: float | None, confidence: float, law: str) -> PromiseRecord:
    n = len(errors)
    if goal is None:
        level = float(errors.max(initial=0.0))
        count, most = 0, share_above_largest(n, confidence)
    else:
        level = goal
        count, most = share_above(errors, goal, confidence) if n else (0, 1.0)
    return PromiseRecord(
        above=level, count=count, n=n, drawn=drawn, fraction_at_most=most, confidence=confidence, law=law
    )


def _factor(made: Guard, x: Array, y: Array, errors: Array) -> float:
    """The 95 % conformal quantile of error over learned error (Vovk, Gammerman, Shafer 2005, section 4.1)."""
    learned = next(layer for layer in made.cuts.layers if isinstance(layer, LearnedError))
    if not len(x):
        return 1.0
    # Far down the learned error is 0 in float64, and no error is 0 times of it.
    with np.errstate(all="ignore"):
        ratio = np.sort(np.where(errors > 0.0, errors / 10.0 ** learned.score(x, y), 0.0))
    k = int(np.ceil(0.95 * (len(ratio) + 1)))
    return float(ratio[min(k, len(ratio)) - 1])


def _searched(found: Collected, among: Wrong) -> Collected:
    """The points from which the guard has learned, and the worst accepted ones, which it had not seen, before them."""
    if not len(among):
        return found
    return Collected(among.x, among.y, among.error) + found


def _curve(made: Guard, x: Array, y: Array, errors: Array, found: Collected) -> tuple[CurveRecord, ...]:
    names = made.cuts.sharing
    layers = [layer for layer in made.cuts.layers if names is None or layer.name in names]
    seen = found.x[: 20 * UNLABELLED]
    value = values_of(made.model, seen, y.shape[1])
    both = [np.concatenate([layer.score(x, y), layer.score(seen, value)]) for layer in layers]
    n = len(x)
    rank = _ranks_among([score[:n] for score in both], both)
    rows = []
    ordered = np.sort(errors)
    for share in SHARES:
        fresh, searched = rank[:n] <= 1.0 - share, rank[n:] <= 1.0 - share
        rows.append(
            CurveRecord(
                rejected=share,
                fresh=float(errors[fresh].max(initial=0.0)),
                searched=float(found.error[: len(seen)][searched].max(initial=0.0)),
                oracle=float(ordered[: max(int(np.floor((1.0 - share) * n)), 1)].max(initial=0.0))
                if n
                else np.nan,
            )
        )
    return tuple(rows)


def _ranks_among(sample: list[Array], scores: list[Array]) -> Array:
    """Which share of the sample each point exceeds in the layer that rejects it first, made so that it is uniform there."""
    largest = ranks(sample)
    each = [
        np.searchsorted(np.sort(s), score, side="right") / len(s)
        for s, score in zip(sample, scores, strict=True)
    ]
    return np.asarray(np.searchsorted(np.sort(largest), np.max(each, axis=0), side="left") / len(largest))


def _cost(made: Guard, x: Array, y: Array) -> float:
    """Microseconds of processor time of the guard for a point, on one thread."""
    if not len(x):
        return 0.0
    rows = np.resize(np.arange(len(x)), 10_000)
    points, values = x[rows], y[rows]
    begin = time.process_time()
    made.cuts.reasons(points, values)
    return 1e6 * (time.process_time() - begin) / len(points)
