"""Puts an error that `certify` computed into the audit's report, if it is above all errors that the audit computed.

Both verbs evaluate the same functions. If a report said "nothing above the tolerance was found" beside a certificate
whose witness is above the tolerance, a release gate would pass a model that is known to be wrong.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from supnorm.results import ExitCode, Status, Witness
from supnorm.results.audit import AuditRecord, FindingRecord, PeakRecord
from supnorm.wording import fact
from supnorm.wording.result import narrator

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification.result import CertifyResult

CODE = "computed-by-certify"
# Properties of a peak that an audit measures and a proof does not.
UNKNOWN = (
    "volume",
    "volume_at_least",
    "volume_at_most",
    "prominence",
    "recheck",
    "recheck_value",
    "off_data",
)
MORE = 1e-9  # of the error: what differs by less is the same worst point, in a batch of another size
NEAR = 0.01  # of the box's diagonal: the point lies in a peak that the audit knows
NO_VERDICT = ("interrupted", "reference-fault", "unresolved")  # these stay whatever the worst error is


def with_computed(report: AuditReport, result: CertifyResult) -> AuditReport:
    """The report with the worst point that `certify` computed, if the audit knows no point with as large an error.

    Worst point, peaks, points, ``sup.lower`` and the verdict then include that point, and a finding says so.
    """
    worst, record = result.agreement.worst_at, report.record
    largest, limit = record.sup.lower, math.inf if record.tolerance is None else record.tolerance
    if worst is None or (worst.error <= largest * (1.0 + MORE) and not largest <= limit < worst.error):
        return report
    peak, near = _peak(record, result, worst)
    peaks = (peak, *(p for i, p in enumerate(record.peaks) if i != near))
    over = None if record.norms_over_outputs is None else {**record.norms_over_outputs, "sup": worst.error}
    status = report.status
    if worst.error > limit and status.code not in NO_VERDICT:
        advice = narrator(record.measure).text(fact("exceeded-by-certify"))
        status = Status("tolerance-exceeded", advice, ExitCode.EXCEEDED)
    record = record.changed(
        status=status,
        witness=peak,
        peaks=peaks,
        glitches=tuple(p for p in peaks if "glitch" in p.tags),
        sup=record.sup.changed(lower=worst.error, computed="batch", alone=None, rounding=0.0),
        findings=(_finding(record), *record.findings),
        norms={**record.norms, "sup": worst.error},
        norms_over_outputs=over,
    )
    joined = replace(report, record=record, points=_points(report, worst))
    return replace(joined, record=record.changed(explanation=joined.explain()))


def _peak(record: AuditRecord, result: CertifyResult, worst: Witness) -> tuple[PeakRecord, int]:
    """The worst point as the first peak, and the number of the peak that it replaces; -1 if it replaces none."""
    domain = result.certificate.domain
    names = [axis.name for axis in record.axes]
    u = domain.to_unit(worst.x[None])[0]
    values: dict[str, Any] = {
        "x": dict(zip(names, worst.x.tolist(), strict=True)),
        "model": worst.model.tolist(),
        "reference": worst.reference.tolist(),
        "error": worst.error,
        "output": record.outputs[worst.output].name,
    }
    for i, known in enumerate(record.peaks):
        at = domain.to_unit(np.array([[known.x[n] for n in names]]))[0]
        if np.linalg.norm(at - u) <= NEAR * math.sqrt(len(u)):
            return known.changed(**values), i
    edge = bool(((u <= 1e-9) | (u >= 1.0 - 1e-9)).any())
    values |= {"tags": ("boundary" if edge else "interior",), **dict.fromkeys(UNKNOWN)}
    return PeakRecord(**values), -1


def _finding(record: AuditRecord) -> FindingRecord:
    largest = record.sup.lower
    finding = fact(CODE, **({"found": largest} if largest >= 0.0 else {}))
    return FindingRecord(**dict(finding), text=narrator(record.measure).text(finding))


def _points(report: AuditReport, worst: Witness) -> Any:
    """The table of worst points with this point first, if the table has the columns of a search."""
    points, row = report.points, [*worst.x, *worst.model, *worst.reference, worst.error]
    if len(points.columns) != len(row) or points.labels:
        return points
    return replace(points, rows=np.concatenate([np.array([row], dtype=float), points.rows]))
