"""Parts of the record of an audit: sides, peaks, failures, and what the worst error is like."""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.auditing import pictures as charts
from supnorm.auditing.many_outputs import Outputs
from supnorm.auditing.peak import Peak
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import QUANTILES, Sample
from supnorm.evaluation import Evaluator
from supnorm.problem import Function
from supnorm.results.audit import FunctionRecord, PeakRecord, SupRecord
from supnorm.results.audit_points import CauseRecord, FailuresRecord
from supnorm.results.parts import FiniteRecord

CAUSES = 10  # of points without a value that a record has


def function_record(function: Function) -> FunctionRecord:
    """What is known about a model or a reference."""
    name = "" if function.name == "<lambda>" else function.name
    return FunctionRecord(name=name, precision=function.precision, notes=function.notes)


def peak_records(run: Run, outputs: Outputs) -> tuple[PeakRecord, ...]:
    """The peaks; those that are rows of a table with the line of the file, and what its other columns hold there."""
    compared = run.search.compared
    if compared is None:
        return tuple(_peak(run, peak, outputs) for peak in run.peaks)
    pair_of = {int(compared.pairs.row[pair]) + 1: int(pair) for pair in compared.worst}
    rows = [peak.witness.row or 0 for peak in run.peaks]
    cells = compared.columns([pair_of[row] for row in rows])
    return tuple(
        _peak(run, peak, outputs, line=compared.pairs.rows.line(row - 1), columns=columns)
        for peak, row, columns in zip(run.peaks, rows, cells, strict=True)
    )


def _peak(run: Run, peak: Peak, outputs: Outputs, **of_row: Any) -> PeakRecord:
    witness, second = peak.witness, peak.witness.recheck_value
    return PeakRecord(
        x=run.problem.domain.describe(witness.x),
        model=outputs.values(witness.model),
        reference=outputs.values(witness.reference),
        error=witness.error,
        output=outputs.names[witness.output],
        tags=witness.tags,
        volume=witness.volume,
        volume_at_least=witness.volume_at_least,
        volume_at_most=witness.volume_at_most,
        prominence=witness.prominence,
        recheck=witness.recheck,
        recheck_value=None if second is None else outputs.values(second),
        off_data=witness.off_data,
        row=witness.row,
        **of_row,
    )


def failures_record(evaluator: Evaluator, recorder: Recorder) -> FailuresRecord:
    """Points without a value so far: how many, why, and where along each input."""
    domain, failures = evaluator.problem.domain, evaluator.failures
    causes = sorted(failures.causes.values(), key=lambda f: -f.count)
    return FailuresRecord(
        count=sum(failures.without_value.values()),
        of=evaluator.total,
        **failures.without_value,
        infinite=failures.infinite,
        masked=failures.masked,
        causes=tuple(
            CauseRecord(where=f.where, kind=f.kind, message=f.message, count=f.count, x=domain.describe(f.x))
            for f in causes[:CAUSES]
        ),
        by_axis=tuple(charts.by_axis(domain, recorder)),
    )


def sup_record(run: Run) -> SupRecord:
    """The worst error: which call gave it, what the point gave when it was called alone, and the difference."""
    evaluator, top, witness = run.evaluator, run.evaluator.top, run.witness
    twice = next((t for t in evaluator.twice if top is not None and np.array_equal(t.batch.x, top.x)), None)
    if twice is None:
        computed = "alone" if evaluator.top_alone else "row" if run.table else "batch"
    else:
        computed = "batch" if twice.batch.error > twice.alone.error else "alone"
    return SupRecord(
        lower=float("nan") if witness is None else witness.error,
        computed=computed,
        alone=None if twice is None else twice.alone.error,
        rounding=0.0 if twice is None else twice.difference,
        upper=None,
        upper_kind="none",
    )


def finite_record(run: Run) -> FiniteRecord | None:
    """Statistics of the points with a finite error, where the worst error is infinite; else None."""
    sample, compared, worst = run.sample, run.search.compared, run.evaluator.worst_finite
    if run.evaluator.worst < np.inf:
        return None
    part, row = sample.finite(), None
    if compared is not None:
        row = next((p.witness.row for p in compared.peaks if p.witness.error < np.inf), None)
    return FiniteRecord(
        row=row,
        n=part.n,
        of=sample.n,
        infinite=sample.n - part.n,
        rms=part.rms().value,
        mean=part.mean().value,
        quantiles=quantiles(part),
        worst=worst if worst > -np.inf else None,
    )


def quantiles(sample: Sample) -> dict[str, Any]:
    """The quantiles that a record has; None where the points are too few."""
    return {str(q): sample.quantile(q) if sample.carries(q) else None for q in QUANTILES}
