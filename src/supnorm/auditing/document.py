"""Writes down an audit: everything that was measured as one document (schema ``supnorm.audit/1``)."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from supnorm.auditing.cost import cost_json
from supnorm.auditing.distinct import cluster_sizes
from supnorm.auditing.drawing import chart_data
from supnorm.auditing.facts import (
    computed_json,
    domain_json,
    failures_json,
    finite_json,
    output_names,
    peak_json,
    points_table,
    rows_json,
    side_json,
)
from supnorm.auditing.findings import findings
from supnorm.auditing.glitches import rms_floor
from supnorm.auditing.joint import is_joint
from supnorm.auditing.listed import unlisted_json
from supnorm.auditing.many_outputs import shortened
from supnorm.auditing.notes import notes
from supnorm.auditing.report import AuditReport
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import QUANTILES, unseen_peaks
from supnorm.auditing.tally import WholeSample
from supnorm.auditing.verdict import verdict
from supnorm.problem import fingerprint
from supnorm.problem.records import axis_records, measure_record, output_units
from supnorm.results import versions
from supnorm.results.audit import AuditRecord, FindingRecord
from supnorm.wording import Narrator
from supnorm.wording.result import AUDIT, narrator


def build(run: Run) -> AuditReport:
    """Write everything down."""
    names = output_names(run.problem, run.evaluator)
    peaks = [peak_json(p.witness, run.problem, names) for p in run.peaks]
    if run.search.compared is not None:
        peaks = rows_json(run.search.compared, peaks)
    document = _problem(run, names) | _answers(run, names, peaks) | _work(run) | _repeat(run)
    document["charts"] = chart_data(run)
    document, every = shortened(document, run.recorder.by_output)
    report = AuditReport(AuditRecord.from_dict(document), points_table(run, names), every)
    return replace(report, record=report.record.model_copy(update={"explanation": report.explain()}))


def _problem(run: Run, names: list[str]) -> dict[str, Any]:
    """What was asked, and the verdict."""
    problem, status = run.problem, verdict(run)
    advice = narrator(measure_record(problem, len(names))).text(*status.facts)
    return {
        "schema": "supnorm.audit/1",
        "status": {"code": status.code, "advice": advice, "exit": int(status.exit)},
        "title": problem.title,
        "command": "",
        "tolerance": problem.error.limit,
        "law": run.sample.law,
        "law_uniform": _uniform(run),
        "model": side_json(problem.model),
        "reference": side_json(problem.reference),
        "recheck": None if problem.recheck is None else side_json(problem.recheck),
        "axes": [axis.to_dict() for axis in axis_records(problem.domain)],
        "domain": domain_json(problem),
        "outputs": [
            {"name": n, "unit": u} for n, u in zip(names, output_units(problem, len(names)), strict=True)
        ],
        "measure": measure_record(problem, len(names), _joint(run)).model_dump(exclude_defaults=True),
    }


def _answers(run: Run, names: list[str], peaks: list[dict[str, Any]]) -> dict[str, Any]:
    """What was found."""
    problem, sample, evaluator, search = run.problem, run.sample, run.evaluator, run.search
    say = narrator(measure_record(problem, len(names)))
    rms, several = sample.rms(), len(names) > 1 and not _joint(run)
    kind = "exact" if isinstance(sample, WholeSample) else "sample"
    sup = run.witness.error if run.witness is not None else float("nan")
    limit = problem.error.limit
    levels = [limit] if limit is not None else [sample.quantile(0.999)]
    levels += [q for q in (10 * rms.value,) if np.isfinite(q)]
    d = problem.domain.d
    ends = np.concatenate([np.empty((0, d)), *search.restart_ends])
    unseen = unseen_peaks(cluster_sizes(ends, 0.01 * np.sqrt(d)))
    floor = rms_floor([p.witness for p in run.peaks]) if _uniform(run) else 0.0
    listed = (
        unlisted_json(problem.domain)
        if search.listed is None
        else search.listed.to_json(problem.domain.names, say)
    )
    return {
        "search": listed,
        "sup": {"lower": sup, **computed_json(evaluator, run.table), "upper": None, "upper_kind": "none"},
        "witness": dict(peaks[0]) if peaks else None,
        "rms": {"value": rms.value, "kind": kind, "n": rms.n, "at_least": floor},
        "finite": finite_json(sample, evaluator, search.compared),
        "mean": {"value": sample.mean().value, "kind": kind, "n": sample.n},
        "norms": sample.norms() | {"sup": sup},
        "norms_over_outputs": sample.moments.norms() | {"sup": sup} if several else None,
        "explanation": "",
        "quantiles": {str(q): sample.quantile(q) if sample.carries(q) else None for q in QUANTILES},
        "plain_sample": {"n": sample.n, "drawn": sample.drawn, "worst": sample.worst()},
        "exceedance": [sample.exceedance(t) for t in levels],
        "unseen_peak_mass": None if unseen is None else vars(unseen),
        "power": [row | {"searched": say.text(row["searched"])} for row in run.planted.rows],
        "power_left_out": "; ".join(map(say.text, run.planted.left_out)),
        "peaks": peaks,
        "glitches": [p for p in peaks if "glitch" in p["tags"]],
        "findings": [
            FindingRecord(**dict(finding), text=say.text(finding)).model_dump(exclude_defaults=True)
            for finding in findings(run)
        ],
        "table_only": run.table,
        "table": None if search.compared is None else search.compared.to_json(say),
        "failures": run.failures or failures_json(evaluator, run.recorder),
    }


def _work(run: Run) -> dict[str, Any]:
    """What it took."""
    evaluator = run.evaluator
    counts = evaluator.counts
    return {
        "evaluations": {
            "search": counts.get("search", 0) + counts.get("probe", 0),
            **{k: counts.get(k, 0) for k in ("statistics", "pictures", "power", "recheck")},
            "failed": sum(evaluator.failures.without_value.values()),
        },
        "planned": None if run.planned is None else run.planned.to_json(),
        "cost": None if run.table else cost_json(evaluator),
        "seconds": time.perf_counter() - run.asked.start,
        "model_seconds": evaluator.model.seconds,
        "reference_seconds": evaluator.reference.seconds,
        "seconds_per_point": {
            side.side: side.seconds / side.called if side.called else side.cost
            for side in (evaluator.model, evaluator.reference)
        },
    }


def _repeat(run: Run) -> dict[str, Any]:
    """What a repeat needs, and what limits the numbers."""
    return {
        "seed": run.asked.seed,
        "gradients": run.gradients,
        "regime": regime(run),
        "budget": {"evaluations": run.evaluations, "seconds": None if run.table else run.asked.seconds},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
        "fingerprint": fingerprint(run.problem),
        "notes": list(map(Narrator(AUDIT).text, notes(run))),
    }


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
