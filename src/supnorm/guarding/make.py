"""The verb: a guard for a model, and what may be promised of the inputs that it accepts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport, Pictures, audit
from supnorm.certification.cells import prove_cells
from supnorm.certification.certificate import Certificate
from supnorm.certification.provable import demand_provable
from supnorm.evaluation import Calls, Finished, Started, silent
from supnorm.evaluation.cost_word import repeat_word
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.threads import one_thread
from supnorm.guarding.cells import ProvedCells, identity
from supnorm.guarding.choosing import MOST, Risk, choose, demand_enough
from supnorm.guarding.collecting import Collected, collect
from supnorm.guarding.events import GuardPlanned
from supnorm.guarding.guard import Guard
from supnorm.guarding.judging import PICTURED, UNLABELLED, judged, labelled_points, law_points
from supnorm.guarding.layers import Cuts, Layer, SecondModel, cuts_for
from supnorm.guarding.learning import data_layers, known_glitches, learned_error
from supnorm.guarding.second import ROUNDS, Second, second_model, takes_calls
from supnorm.guarding.trial import best_layers
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.repair import samples_of
from supnorm.mending.report_of import demand_report_of
from supnorm.problem import Function, Problem
from supnorm.problem.records import axis_records, measure_record
from supnorm.program import program_of
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.results.audit import ShortAuditRecord
from supnorm.results.guarding import GuardRecord, LayerRecord, PromiseRecord
from supnorm.results.option import demand_number, demand_seed
from supnorm.wording import Fact, fact
from supnorm.wording.guarding import narrator

Array = NDArray[np.float64]
USUAL = 0.05  # share that is rejected by default, and for which the layers of a risk are chosen
EVALUATIONS = 8000  # calls of a cheap reference from which the guard learns
HARDLY = 0.5  # of the unguarded worst error: a guard that accepts worse ones is not effective
PROBES = 16  # points by whose values a guard later knows its model again


@broken_workers_explained()
@one_thread()
@demanded_intact()
def guard(
    problem: Problem,
    report: AuditReport | None = None,
    *,
    reject: float | Risk = USUAL,
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
        reject: share of the law that is rejected, or a `Risk`: then the least share is rejected with which the fresh points
            show that at most this share of the accepted inputs exceeds the level.
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
    demand_guard(
        problem,
        reject=reject,
        prove=prove,
        evaluations=evaluations,
        calibration=calibration,
        confidence=confidence,
        seed=seed,
    )
    observer(Started(problem.title or "guard", problem.error.limit, seed, evaluations))
    if report is None:
        with INTERRUPTS.handed_on():
            report = audit(
                problem,
                seed=seed,
                pictures=Pictures(evaluations=PICTURED),
                calls=replace(Calls.of(calls), budget_by_cost=False),
            )
    else:
        demand_report_of(problem, report)
    rng = np.random.default_rng([seed, 11])
    audited = int(report.record.evaluations.search + report.record.evaluations.statistics)
    budget = evaluations or min(EVALUATIONS, max(audited, 500))
    asked = Calls.of(calls)
    if asked.cost is None and report.record.cost is not None:  # no clock decides a second time
        asked = replace(asked, cost=repeat_word(report.record.cost.to_dict()))
    observer(_planned(report, budget, max(audited, 500), calibration))
    each = takes_calls(problem, budget)
    found = collect(problem, budget - ROUNDS * each, None, seed + 17, asked)
    if not len(found.x):
        raise BadInput(
            "no point has an error: model or reference has no value anywhere; audit the problem first"
        )
    decided = found.cost
    assert decided is not None
    if Calls.of(calls).cost is None and report.record.cost is not None:
        decided = decided.changed(by=report.record.cost.by)
    asked = replace(asked, cost=repeat_word(decided.to_dict()))
    second = second_model(problem, found, asked, each, seed + 18, np.random.default_rng([seed, 12]))
    found = second.found
    samples = samples_of(data, problem)
    always = () if samples is None else data_layers(problem, samples, rng)
    x = law_points(problem, UNLABELLED, rng)
    y = values_of(problem.model, x, report.record.outputs_total)
    sharing = _sharing(problem, report, second, always, (x, y), reject, rng)
    layers = [*_layers(problem, report, found, second.taught(problem, rng), rng), *always]
    scores = [layer.score(x, y) for layer in layers]
    share = MOST if isinstance(reject, Risk) else reject  # of a risk: until it is chosen
    cuts = Cuts(tuple(layers), cuts_for(scores, share, [one.name in sharing for one in layers]), sharing)
    cells = proof = None
    if prove:
        proof = prove_cells(problem, _tolerance_for(problem))
        both = problem.model, problem.reference
        sides = (identity(program_of(side, problem.domain.d, branches=True), side.precision) for side in both)
        cells = ProvedCells.of(proof, _tolerance_for(problem), *sides)
    blank = _blank(problem, report, layers, cuts, scores, seed)
    made = Guard(problem.model, problem.reference, problem.domain, cuts, cells, 1.0, blank)
    level, labelled = problem.error.limit, None
    if isinstance(reject, Risk):
        level, labelled = _level(problem, reject), labelled_points(problem, calibration, seed)
        made, choice = choose(made, scores, labelled.x, labelled.error, reject, level, confidence)
        layered = _layer_records(layers, made.cuts, scores)
        made = replace(made, record=made.record.changed(choice=choice, layers=layered))
    finished = judged(
        made, problem, report, found, audited, labelled, calibration, level, confidence, seed, budget, asked
    )
    observer(Finished())
    record = finished.record.changed(
        status=_status(finished.record), cost=decided, seconds=time.perf_counter() - begin
    )
    certificate = None if proof is None else proof.certificate
    assert certificate is None or isinstance(certificate, Certificate)
    return replace(finished, record=record, certificate=certificate)


def _planned(report: AuditReport, learned: int, search: int, calibration: int) -> GuardPlanned:
    """What the guard takes besides the audit that it starts from, at most."""
    cost, seconds = report.record.cost, None
    search += PICTURED
    total = learned + search + calibration
    if cost is not None and cost.class_ != "cheap":
        sides = {"expensive": (cost.reference_ms,), "expensive-model": (cost.model_ms,)}
        seconds = total * 1e-3 * sum(sides.get(cost.class_, (cost.model_ms, cost.reference_ms)))
    words = fact("planned", total=total, learned=learned, search=search, fresh=calibration, seconds=seconds)
    return GuardPlanned(total, seconds, narrator(report.record.measure).text(words))


def demand_guard(
    problem: Any,
    *,
    reject: Any,
    prove: bool,
    evaluations: Any,
    calibration: Any,
    confidence: Any,
    seed: Any,
) -> None:
    """Check the arguments of `guard`, which has to be done before an audit is paid for.

    Raises:
        BadInput: for what cannot be used, and for a proof that cannot be made.
    """
    if not isinstance(problem, Problem):
        raise BadInput(f"guard takes a supnorm.Problem, got {problem!r}; supnorm.open_problem reads a file")
    if problem.model is None:
        raise BadInput("a guard needs a model beside the reference; give one as [model]")
    for side, function in (("model", problem.model), ("reference", problem.reference)):
        if function.table is not None:
            raise BadInput(f"the {side} is a table: a guard calls model and reference at new points")
    for name, value in (("reject", reject), ("confidence", confidence)):
        if isinstance(value, Risk):
            continue
        if not (isinstance(value, float | int) and 0.0 < value < 1.0):
            raise BadInput(f"{name} must lie between 0 and 1, got {value!r}")
    demand_number("calibration", calibration, 100, whole=True)
    demand_seed(seed)
    if isinstance(reject, Risk):
        _level(problem, reject)
        demand_enough(reject.risk, calibration, confidence)
    demand_number("evaluations", evaluations, 500)
    if prove:
        _tolerance_for(problem)
        demand_provable(problem, as_run=True)


def _level(problem: Problem, asked: Risk) -> float:
    level = problem.error.limit if asked.level is None else asked.level
    if level is None:
        raise BadInput(
            "a risk is about errors above a level: give the level, or the problem a tolerance ([error] tolerance)"
        )
    return level


def _tolerance_for(problem: Problem) -> float:
    limit = problem.error.limit
    if limit is None:
        raise BadInput("proved cells need a tolerance: give the problem one ([error] tolerance)")
    return limit


def _layers(
    problem: Problem,
    report: AuditReport,
    found: Collected,
    second: SecondModel | None,
    rng: np.random.Generator,
) -> list[Layer]:
    """The layers that know what a search has found."""
    learned = learned_error(problem, found, rng)
    glitches = known_glitches(problem, report, found, learned)
    some: list[Layer | None] = [glitches, learned, second]
    return [layer for layer in some if layer is not None]


def _sharing(
    problem: Problem,
    report: AuditReport,
    second: Second,
    always: Sequence[Layer],
    unlabelled: tuple[Array, Array],
    reject: float | Risk,
    rng: np.random.Generator,
) -> frozenset[str]:
    """The layers that share the rejected inputs, chosen at the points that were held out."""
    kept = _layers(problem, report, second.found.rows(~second.held), second.layer, rng)
    held = second.found.rows(second.held & np.isfinite(second.found.error))
    points = held.x, values_of(problem.model, held.x, held.y.shape[1])
    share = USUAL if isinstance(reject, Risk) else reject
    return best_layers(kept, always, unlabelled, points, held.error, share)


def _status(record: GuardRecord) -> Status:
    say, goal = narrator(record.measure).text, record.tolerance
    said = fact(
        "guarded", accepted=record.worst_accepted, before=record.worst_unguarded, rejected=record.rejected
    )
    missed = []
    if record.choice is not None and record.choice.share is None:
        missed = [fact("risk-not-shown", risk=record.choice.risk)]
    within = goal is not None and record.worst_accepted <= goal
    if not within and record.worst_accepted > HARDLY * record.worst_unguarded:
        why = _not_effective(record)
        return Status("guard-not-effective", say(said, why, *missed), ExitCode.EXCEEDED)
    if goal is not None and not within:
        return Status(
            "tolerance-exceeded",
            say(said, fact("accepted-above", accepted=record.worst_accepted, tolerance=goal), *missed),
            ExitCode.EXCEEDED,
        )
    if missed:
        return Status("risk-not-shown", say(said, *missed), ExitCode.UNDECIDED)
    return Status("guarded", say(said, fact("only-found", accepted=record.worst_accepted)))


def _not_effective(record: GuardRecord) -> Fact:
    """Why: the error is large nearly everywhere, so that no guard could do better, or this guard does not know it."""
    for row in record.curve:
        if row.rejected >= record.rejected and row.oracle > HARDLY * record.worst_unguarded:
            return fact("wrong-everywhere", share=row.rejected, oracle=row.oracle)
    return fact("not-effective")


def _layer_records(layers: list[Layer], cuts: Cuts, scores: list[Array]) -> tuple[LayerRecord, ...]:
    return tuple(
        LayerRecord(name=layer.name, cut=cut, rejected=float(np.mean(~(score <= cut))))
        for layer, cut, score in zip(layers, cuts.cuts, scores, strict=True)
    )


def _blank(
    problem: Problem, report: AuditReport, layers: list[Layer], cuts: Cuts, scores: list[Array], seed: int
) -> GuardRecord:
    """The record with what is known before the guard is judged."""
    x = problem.domain.from_unit(np.random.default_rng(1).random((PROBES, problem.domain.d)))
    x = x[problem.domain.contains(x)]
    outputs = report.record.outputs_total
    y = np.nan_to_num(values_of(problem.model, x, outputs)) if len(x) else np.empty((0, 1))
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
        layers=_layer_records(layers, cuts, scores),
        worst_unguarded=report.record.sup.lower,
        worst_accepted=np.inf,
        accepted=ShortAuditRecord.of(report.record),
        promise=nothing,
        choice=None,
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
        BadInput: when the file is damaged, or belongs to another model; when it has proved cells, and the error is proved
            against another reference.
    """
    from supnorm.guarding.storage import load

    return load(Path(path), model, reference)
