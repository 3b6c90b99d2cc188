"""An error that `certify` computed, above all that an audit of the same problem computed: it belongs into the report.

Both speak of the same functions as they run. A report that says "nothing above the tolerance was found" beside a
certificate whose witness is above it would let a release gate pass what is known to be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from supnorm.results import ExitCode, Witness, from_json, to_json

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification.result import CertifyResult

CODE = "computed-by-certify"
MORE = 1e-9  # of the error: what differs by less is the same worst point, in a batch of another size
NEAR = 0.01  # of the box's diagonal: the point lies in a peak that the audit knows
NO_VERDICT = ("interrupted", "reference-fault", "unresolved")  # these stay whatever the worst error is


def with_computed(report: AuditReport, result: CertifyResult) -> AuditReport:
    """The report with the worst point that `certify` computed, where the audit knows none as bad.

    Worst point, peaks, points, ``sup.lower`` and the verdict are then of that point, and a finding says so.
    """
    worst = result.agreement.worst_at
    found = from_json(report.document["sup"]["lower"])
    limit = report.document["tolerance"]
    limit = math.inf if limit is None else from_json(limit)
    if worst is None or (worst.error <= found * (1.0 + MORE) and not found <= limit < worst.error):
        return report
    document = dict(report.document)
    peak, near = _peak(document, result, worst)
    others = [p for i, p in enumerate(document["peaks"]) if i != near]
    document |= {
        "witness": peak,
        "peaks": [peak, *others],
        "glitches": [p for p in (peak, *others) if "glitch" in p["tags"]],
        "sup": {**document["sup"], "lower": worst.error, "computed": "batch", "alone": None, "rounding": 0.0},
        "findings": [_finding(document, found), *document["findings"]],
    }
    for key in ("norms", "norms_over_outputs"):
        if document[key] is not None:
            document[key] = {**document[key], "sup": worst.error}
    if worst.error > limit and document["status"]["code"] not in NO_VERDICT:
        document["status"] = {
            "code": "tolerance-exceeded",
            "advice": "The error at the worst point is above the tolerance; certify found that point, the audit did not. "
            "Retrain with the points of points.csv, narrow the domain, or guard this region.",
            "exit": int(ExitCode.EXCEEDED),
        }
    joined = replace(report, document=document, points=_points(report, worst))
    return replace(joined, document={**document, "explanation": joined.explain()})


def _peak(document: Mapping[str, Any], result: CertifyResult, worst: Witness) -> tuple[dict[str, Any], int]:
    """The worst point as the first peak, and the number of the peak that it replaces; -1 for none."""
    domain = result.certificate.domain
    names = [axis["name"] for axis in document["axes"]]
    u = domain.to_unit(worst.x[None])[0]
    x = {name: worst.x[i] for i, name in enumerate(names)}
    output = document["outputs"][worst.output]["name"]
    own = {"x": x, "model": worst.model, "reference": worst.reference, "error": worst.error, "output": output}
    for i, known in enumerate(document["peaks"]):
        at = domain.to_unit(np.array([[from_json(known["x"][n]) for n in names]]))[0]
        if np.linalg.norm(at - u) <= NEAR * math.sqrt(len(u)):
            return {**known, **to_json(own)}, i
    edge = bool(((u <= 1e-9) | (u >= 1.0 - 1e-9)).any())
    unknown = (
        "volume",
        "volume_at_least",
        "volume_at_most",
        "prominence",
        "recheck",
        "recheck_value",
        "off_data",
    )
    tags = ["boundary" if edge else "interior"]
    return {**to_json(own), "tags": tags, **dict.fromkeys(unknown)}, -1


def _finding(document: Mapping[str, Any], found: float) -> dict[str, Any]:
    known = f"the largest error of the search is {found:.6g}" if found >= 0.0 else "the search has no error"
    return {
        "code": CODE,
        "text": f"The worst point was found by certify, whose proof or witness is in this folder: {known}. Averages, "
        "pictures and sizes are of the audit alone.",
    }


def _points(report: AuditReport, worst: Witness) -> Any:
    """The table of worst points with this one first, where it has the columns of a search."""
    points, row = report.points, [*worst.x, *worst.model, *worst.reference, worst.error]
    if len(points.columns) != len(row) or points.labels:
        return points
    return replace(points, rows=np.concatenate([np.array([row], dtype=float), points.rows]))
