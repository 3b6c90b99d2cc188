"""The verb: a guard for a model, and what may be promised of the inputs that it accepts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport, audit
from supnorm.certification.cells import prove_cells
from supnorm.certification.certificate import Certificate
from supnorm.evaluation import Calls, Finished, Started, silent
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.threads import one_thread
from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.collecting import Collected, collect
from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import Cuts, Layer, LearnedError, cuts_for, ranks
from supnorm.guarding.learning import data_layers, known_glitches, learned_error
from supnorm.guarding.promise import share_above, share_above_largest
from supnorm.mending.repair import samples_of
from supnorm.mending.report_of import demand_report_of
from supnorm.problem import Function, Problem
from supnorm.problem.records import axis_records, measure_record
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.results.audit import ShortAuditRecord
from supnorm.results.guarding import CurveRecord, GuardRecord, LayerRecord, PromiseRecord
from supnorm.results.option import demand_number, demand_seed
from supnorm.training.assessment import FRESH, audit_model
from supnorm.wording import fact
from supnorm.wording.guarding import narrator

Array = NDArray[np.float64]
EVALUATIONS = 8000  # calls of a cheap reference from which the guard learns
UNLABELLED = 20_000  # random points that fix the cuts; they cost no call of the reference
SHARES = (0.0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2)
HARDLY = 0.5  # of the unguarded worst error: a guard that accepts worse ones is not effective
PROBES = 16


@broken_workers_explained()
@one_thread()
def guard(
    problem: Problem,
    report: AuditReport | None = None,
    *,
    reject: float = 0.05,
    data: tuple[Any, Any] | None = None,
    prove: bool = False,
    evaluations: int | None = None,
    calibration: int = 3000,
    confidence: float = 0.95,
    seed: int = 0,
    calls: Calls | None = None,
    observer: Callable[[Any], None] = silent,
) -> Guard:
    """Make a guard that says for each input whether the model's answer can be trusted.

    Args:
        problem: model and reference; a tolerance decides the status.
        report: an audit of the same model; by default `audit` makes one.
        reject: share of the law that is rejected.
        data: the samples that the model was trained on, ``x (n, d)`` and ``y (n, m)``: with them the guard also looks at
            what the audit did not see, by the distance to them and by other networks.
        prove: prove the tolerance in as many cells of the domain as 5,000 boxes allow: there the guard accepts without
            another test.
        evaluations: calls of the reference from which the guard learns; 8,000 by default, as many as the audit made where
            these are fewer.
        calibration: fresh independent points for the promise.
        confidence: of the promise.
        seed: of everything random.
        calls: how model and reference are called.
        observer: gets progress events.

    Raises:
        BadInput: for a report of another model, or numbers that cannot be used.

    >>> from supnorm.problem import Domain
    >>> f = lambda x: np.sin(x[:, 0])
    >>> model = lambda x: f(x) + np.exp(-1000 * (x[:, 0] - 0.5) ** 2)
    >>> safe = guard(Problem(model, f, Domain(x=(0.0, 2.0)), tolerance=0.01), reject=0.15, evaluations=2000, calibration=500)
    >>> answer = safe(np.array([[0.5], [1.5], [np.nan]]))
    >>> answer.flag.tolist(), bool(answer.y[0, 0] == np.sin(0.5)), answer.reason[0]
    ([1, 0, 2], True, 'glitch:1')
    """
    begin = time.perf_counter()
    _demand(problem, reject, calibration, confidence, seed)
    demand_number("evaluations", evaluations, 500)
    observer(Started(problem.title or "guard", problem.error.limit, seed, evaluations))
    if report is None:
        report = audit(problem, seed=seed, calls=calls)
    else:
        demand_report_of(problem, report)
    rng = np.random.default_rng([seed, 11])
    audited = int(report.record.evaluations.search + report.record.evaluations.statistics)
    budget = evaluations or min(EVALUATIONS, max(audited, 500))
    asked = calls or Calls(cost=None if report.record.cost is None else report.record.cost.class_)
    found = collect(problem, budget, None, seed + 17, asked)
    if not len(found.x):
        raise BadInput(
            "no point has an error: model or reference has no value anywhere; audit the problem first"
        )
    layers = _layers(problem, report, found, samples_of(data, problem), rng)
    x = _law(problem, UNLABELLED, rng)
    y = problem.model.value(x)
    scores = [layer.score(x, y) for layer in layers]
    cuts = Cuts(tuple(layers), cuts_for(scores, reject))
    cells = proof = None
    if prove:
        proof = prove_cells(problem, _tolerance_for(problem))
        cells = ProvedCells.of(proof, _tolerance_for(problem))
    blank = _blank(problem, report, layers, cuts, scores, seed)
    made = Guard(problem.model, problem.reference, problem.domain, cuts, cells, 1.0, blank)
    finished = _judged(made, problem, report, found, audited, calibration, confidence, seed, asked)
    observer(Finished())
    record = finished.record.changed(seconds=time.perf_counter() - begin)
    certificate = None if proof is None else proof.certificate
    assert certificate is None or isinstance(certificate, Certificate)
    return replace(finished, record=record, certificate=certificate)


def _demand(problem: Any, reject: Any, calibration: Any, confidence: Any, seed: Any) -> None:
    if not isinstance(problem, Problem):
        raise BadInput(f"guard takes a supnorm.Problem, got {problem!r}; supnorm.open_problem reads a file")
    if problem.model is None:
        raise BadInput("a guard needs a model beside the reference; give one as [model]")
    for side, function in (("model", problem.model), ("reference", problem.reference)):
        if function.table is not None:
            raise BadInput(f"the {side} is a table: a guard calls model and reference at new points")
    for name, value in (("reject", reject), ("confidence", confidence)):
        if not (isinstance(value, float | int) and 0.0 < value < 1.0):
            raise BadInput(f"{name} must lie between 0 and 1, got {value!r}")
    demand_number("calibration", calibration, 100, whole=True)
    demand_seed(seed)


def _tolerance_for(problem: Problem) -> float:
    limit = problem.error.limit
    if limit is None:
        raise BadInput("proved cells need a tolerance: give the problem one ([error] tolerance)")
    return limit


def _layers(
    problem: Problem,
    report: AuditReport,
    found: Collected,
    data: tuple[Array, Array] | None,
    rng: np.random.Generator,
) -> list[Layer]:
    learned = learned_error(problem, found, rng)
    glitches = known_glitches(problem, report, found, learned)
    layers: list[Layer] = [learned] if glitches is None else [glitches, learned]
    return [*layers, *(data_layers(problem, data, rng) if data is not None else ())]


def _law(problem: Problem, n: int, rng: np.random.Generator) -> Array:
    assert problem.law is not None
    return problem.law.draw(n, rng)


def _judged(
    made: Guard,
    problem: Problem,
    report: AuditReport,
    found: Collected,
    audited: int,
    calibration: int,
    confidence: float,
    seed: int,
    calls: Calls,
) -> Guard:
    """Search among accepted inputs, draw fresh points for the promise, and say what both show."""
    error, goal = problem.error, problem.error.limit
    search = audit_model(_among_accepted(problem, made), problem.model, max(audited, 500), seed + FRESH)
    worst = 0.0 if search.worst is None else search.worst.error
    taken = made.accepts(found.x)
    worst = max(worst, float(found.error[taken].max(initial=0.0)))
    rng = np.random.default_rng([seed + FRESH, 6])
    x = _law(problem, calibration, rng)
    y, f = problem.model.value(x), problem.reference.value(x)
    with np.errstate(all="ignore"):
        errors = error(y, f, x)[0]
    counts = ~np.isnan(errors)
    x, y, errors = x[counts], y[counts], errors[counts]
    accepted = made.accepts(x)
    promise = _promise(errors[accepted], calibration, goal, confidence, search.record.law)
    factor = _factor(made, x[accepted], y[accepted], errors[accepted])
    record = made.record.changed(
        worst_unguarded=max(report.record.sup.lower, float(found.error.max(initial=0.0)), worst),
        worst_accepted=worst,
        accepted=ShortAuditRecord.of(search.record),
        promise=promise,
        rejected=float(1.0 - accepted.mean()) if len(accepted) else 1.0,
        curve=_curve(made, x, y, errors, found),
        proved_cells=0 if made.cells is None else len(made.cells),
        proved_share=0.0
        if made.cells is None
        else float(np.prod(made.cells.high - made.cells.low, axis=1).sum()),
        microseconds=_cost(made, x, y),
        evaluations={
            "learned": len(found.x),
            "audit": search.record.evaluations.search,
            "calibration": calibration,
        },
    )
    return replace(made, factor=factor, record=record.changed(status=_status(record)))


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
    ratio = np.sort(errors / 10.0 ** learned.score(x, y))
    k = int(np.ceil(0.95 * (len(ratio) + 1)))
    return float(ratio[min(k, len(ratio)) - 1])


def _curve(made: Guard, x: Array, y: Array, errors: Array, found: Collected) -> tuple[CurveRecord, ...]:
    layers = made.cuts.layers
    seen = found.x[: 20 * UNLABELLED]
    value = made.model.value(seen)
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
    """Microseconds of the guard for a point."""
    if not len(x):
        return 0.0
    rows = np.resize(np.arange(len(x)), 10_000)
    points, values = x[rows], y[rows]
    begin = time.perf_counter()
    made.cuts.reasons(points, values)
    return 1e6 * (time.perf_counter() - begin) / len(points)


def _status(record: GuardRecord) -> Status:
    say, goal = narrator(record.measure).text, record.tolerance
    said = fact(
        "guarded", accepted=record.worst_accepted, before=record.worst_unguarded, rejected=record.rejected
    )
    if goal is not None and record.worst_accepted <= goal:
        return Status("guarded", say(said, fact("only-found")))
    if record.worst_accepted > HARDLY * record.worst_unguarded:
        return Status("guard-not-effective", say(said, fact("not-effective")), ExitCode.EXCEEDED)
    if goal is not None:
        return Status(
            "tolerance-exceeded", say(said, fact("accepted-above", tolerance=goal)), ExitCode.EXCEEDED
        )
    return Status("guarded", say(said, fact("only-found")))


def _blank(
    problem: Problem, report: AuditReport, layers: list[Layer], cuts: Cuts, scores: list[Array], seed: int
) -> GuardRecord:
    """The record with what is known before the guard is judged."""
    x = problem.domain.from_unit(np.random.default_rng(1).random((PROBES, problem.domain.d)))
    x = x[problem.domain.contains(x)]
    y = np.nan_to_num(problem.model.value(x)) if len(x) else np.empty((0, 1))
    outputs = report.record.outputs_total
    nothing = PromiseRecord(
        above=np.inf, count=0, n=0, drawn=0, fraction_at_most=1.0, confidence=0.0, law=report.record.law
    )
    return GuardRecord(
        status=Status("guarded", ""),
        title=problem.title,
        tolerance=problem.error.limit,
        measure=measure_record(problem, outputs),
        axes=axis_records(problem.domain),
        outputs=outputs,
        rejected=0.0,
        layers=tuple(
            LayerRecord(name=layer.name, cut=cut, rejected=float(np.mean(~(score <= cut))))
            for layer, cut, score in zip(layers, cuts.cuts, scores, strict=True)
        ),
        worst_unguarded=report.record.sup.lower,
        worst_accepted=np.inf,
        accepted=ShortAuditRecord.of(report.record),
        promise=nothing,
        curve=(),
        proved_cells=0,
        proved_share=0.0,
        microseconds=0.0,
        probe={"x": tuple(map(tuple, x.tolist())), "y": tuple(map(tuple, y.tolist()))},
        evaluations={},
        command="",
        seconds=0.0,
        seed=seed,
        versions=versions(),
    )


def load_guard(path: Path | str, model: Function | Callable[..., Any], reference: Any = None) -> Guard:
    """Read a guard that `Guard.save` wrote, for the model that it was made for.

    Args:
        path: a file ``.guard``.
        model: the model; one with other values is refused.
        reference: the fallback; without one flagged rows are refused.

    Raises:
        BadInput: when the file is damaged, or belongs to another model.
    """
    from supnorm.guarding.storage import load

    return load(Path(path), model, reference)
