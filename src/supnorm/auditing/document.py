"""Writes down an audit: everything that was measured as one record (schema ``supnorm.audit/1``)."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from supnorm.auditing.cost import cost_record
from supnorm.auditing.distinct import cluster_sizes
from supnorm.auditing.drawing import chart_data
from supnorm.auditing.findings import findings
from supnorm.auditing.glitches import rms_floor
from supnorm.auditing.joint import is_joint
from supnorm.auditing.listed import coverage
from supnorm.auditing.many_outputs import Outputs
from supnorm.auditing.notes import notes
from supnorm.auditing.parts import (
    failures_record,
    finite_record,
    function_record,
    peak_records,
    quantiles,
    sup_record,
)
from supnorm.auditing.points_table import points_table
from supnorm.auditing.report import AuditReport
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import unseen_peaks
from supnorm.auditing.tally import WholeSample
from supnorm.auditing.verdict import verdict
from supnorm.problem import Domain, Problem, fingerprint
from supnorm.problem.records import axis_records, measure_record
from supnorm.results import Status, versions
from supnorm.results.audit import AuditRecord, DomainRecord, FindingRecord, PlainRecord, RmsRecord
from supnorm.results.audit_cost import BudgetRecord, EvaluationsRecord, SidesRecord
from supnorm.results.parts import EstimateRecord, MeasureRecord
from supnorm.wording import Narrator
from supnorm.wording.result import narrator


def build(run: Run) -> AuditReport:
    """Write everything down."""
    outputs = Outputs.of(run)
    measure = _measure(run, outputs)
    say = narrator(measure)
    record = AuditRecord(
        **_problem(run, say),
        measure=measure,
        outputs=outputs.records,
        outputs_total=len(outputs.names),
        **_answers(run, outputs, say),
        explanation="",
        **_work(run),
        **_repeat(run),
        notes=tuple(map(say.text, notes(run))),
        charts=chart_data(run, outputs),
    )
    every = outputs.table([peak.witness for peak in run.peaks])
    report = AuditReport(record, points_table(run, outputs.names), every, run.halted)
    return replace(report, record=record.model_copy(update={"explanation": report.explain()}))


def _measure(run: Run, outputs: Outputs) -> MeasureRecord:
    """How the error is measured; a scale for each output is one for each listed output."""
    m = len(outputs.names)
    measure = measure_record(run.problem, m, _joint(run))
    scale = measure.scale or ()
    return measure if len(scale) != m else measure.changed(scale=tuple(scale[i] for i in outputs.rows))


def _problem(run: Run, say: Narrator) -> dict[str, Any]:
    """What was asked, and the verdict."""
    problem, found = run.problem, verdict(run)
    return {
        "status": Status(found.code, say.text(*found.facts), found.exit),
        "title": problem.title,
        "command": "",
        "tolerance": problem.error.limit,
        "law": run.sample.law,
        "law_uniform": _uniform(run),
        "model": function_record(problem.model),
        "reference": function_record(problem.reference),
        "recheck": None if problem.recheck is None else function_record(problem.recheck),
        "axes": axis_records(problem.domain),
        "domain": DomainRecord(kind=_kind(problem.domain)),
    }


def _kind(domain: Domain) -> str:
    """What the axes span: a box, a box with constraints, or balls around data."""
    return "data" if domain.cloud is not None else "constraints" if domain.constraints else "box"


def _answers(run: Run, outputs: Outputs, say: Narrator) -> dict[str, Any]:
    """What was found."""
    problem, sample, search = run.problem, run.sample, run.search
    rms, several = sample.rms(), len(outputs.names) > 1 and not _joint(run)
    kind = "exact" if isinstance(sample, WholeSample) else "sample"
    sup, peaks, limit = sup_record(run), peak_records(run, outputs), problem.error.limit
    levels = [limit] if limit is not None else [sample.quantile(0.999)]
    levels += [q for q in (10 * rms.value,) if np.isfinite(q)]
    d = problem.domain.d
    ends = np.concatenate([np.empty((0, d)), *search.restart_ends])
    floor = rms_floor([p.witness for p in run.peaks]) if _uniform(run) else 0.0
    found = [FindingRecord(**dict(f), text=say.text(f)) for f in findings(run, outputs)]
    return {
        "search": coverage(search.listed, problem.domain, say),
        "sup": sup,
        "witness": peaks[0] if peaks else None,
        "rms": RmsRecord(value=rms.value, kind=kind, n=rms.n, at_least=floor),
        "finite": finite_record(run),
        "mean": EstimateRecord(value=sample.mean().value, kind=kind, n=sample.n),
        "norms": sample.norms() | {"sup": sup.lower},
        "norms_over_outputs": sample.moments.norms() | {"sup": sup.lower} if several else None,
        "quantiles": quantiles(sample),
        "plain_sample": PlainRecord(n=sample.n, drawn=sample.drawn, worst=sample.worst()),
        "exceedance": tuple(map(sample.exceedance, levels)),
        "unseen_peak_mass": unseen_peaks(cluster_sizes(ends, 0.01 * np.sqrt(d))),
        "power": run.planted.rows,
        "power_left_out": "; ".join(map(say.text, run.planted.left_out)),
        "peaks": peaks,
        "glitches": tuple(p for p in peaks if "glitch" in p.tags),
        "findings": tuple(found),
        "table_only": run.table,
        "table": None if search.compared is None else search.compared.record(say),
        "failures": run.failures or failures_record(run.evaluator, run.recorder),
    }


def _work(run: Run) -> dict[str, Any]:
    """What it took."""
    evaluator, counts = run.evaluator, run.evaluator.counts
    purposes = {key: counts.get(key, 0) for key in ("statistics", "pictures", "power", "recheck")}
    seconds = {
        side.side: side.seconds / side.called if side.called else side.cost
        for side in (evaluator.model, evaluator.reference)
    }
    return {
        "evaluations": EvaluationsRecord(
            search=counts.get("search", 0) + counts.get("probe", 0),
            **purposes,
            failed=sum(evaluator.failures.without_value.values()),
        ),
        "planned": None if run.planned is None else run.planned.record,
        "cost": None if run.table else cost_record(evaluator),
        "seconds": time.perf_counter() - run.asked.start,
        "model_seconds": evaluator.model.seconds,
        "reference_seconds": evaluator.reference.seconds,
        "seconds_per_point": SidesRecord(**seconds),
    }


def _repeat(run: Run) -> dict[str, Any]:
    """What a repeat needs."""
    seconds = None if run.table else run.asked.seconds
    return {
        "seed": run.asked.seed,
        "gradients": run.gradients,
        "regime": regime(run),
        "budget": BudgetRecord(evaluations=run.evaluations, seconds=seconds, chosen=run.asked.chosen),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
        "fingerprint": fingerprint(run.problem),
        "reference_code": _reference_code(run.problem),
    }


def _reference_code(problem: Problem) -> dict[str, str]:
    if problem.reference.origin is None or problem.source is None:
        return {}
    # Here, because it loads all readers; they are loaded already where a problem was opened from a file.
    from supnorm.sources.reference_code import reference_code

    return reference_code(problem)


def _joint(run: Run) -> bool:
    """Whether the error is one of all outputs together."""
    return run.witness is not None and is_joint(run.problem.error, run.witness)


def _uniform(run: Run) -> bool:
    """Whether the averages are over the whole domain, each part of it alike."""
    return not run.table and run.problem.law is not None and run.problem.law.even


def regime(run: Run) -> str:
    """How the worst error was looked for.

    ``"A"``: both sides have derivatives; ``"B"``: the model; ``"C"``: neither; ``"D"``: a process stands in for the
    reference; ``"enumeration"``: the points of a finite domain were evaluated one by one; ``"table"``: rows were
    compared.
    """
    return run.strategy.traits.regime or {"both": "A", "model": "B", "none": "C"}[run.gradients]
