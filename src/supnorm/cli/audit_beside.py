"""What `certify` takes from an audit in the same folder, and what it writes into the report of that audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.cli.answer import say

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification import CertifyResult
    from supnorm.problem import Problem
    from supnorm.problem.function import Array
    from supnorm.results import BadInput

AUDITED = 200  # worst points of an audit at which the running functions are compared with their programs


def audited(folder: Path) -> Array | None:
    """The worst points of an audit in the folder, if there is one."""
    from supnorm.results.door import DAMAGED, faults_of

    report, _ = audit_beside(folder)  # a proof does not need it; a complaint comes when the proof is written
    if report is None:
        return None
    with faults_of(f"{folder / 'result.json'}", DAMAGED):
        return _points_of(report)


def _points_of(report: AuditReport) -> Array | None:
    """The worst point of an audit, its peaks and the points of its table; None if there are none."""
    import numpy as np

    witness, columns = report.record.witness, list(report.points.columns)
    if witness is None:
        return None
    names = list(witness.x)
    points = [[peak.x[n] for n in names] for peak in (witness, *report.record.peaks)]
    if set(names) <= set(columns):
        rows = report.points.rows[:AUDITED]
        points += rows[:, [columns.index(n) for n in names]].tolist()
    return np.array(list(dict.fromkeys(map(tuple, points))))


def audit_beside(folder: Path) -> tuple[AuditReport | None, BadInput | None]:
    """The report of an audit in the folder, or why its file cannot be read."""
    from supnorm.auditing import load_report
    from supnorm.results import BadInput

    if not (folder / "result.json").exists():
        return None, None
    try:
        return load_report(folder), None
    except BadInput as error:
        return None, error


def into_report_of(
    report: AuditReport, folder: Path, opened: Problem, result: CertifyResult
) -> AuditReport | None:
    """The report of an audit with the bound, and with a larger error if there is one.

    None if it is of another problem, states other units, or does not change.

    Raises:
        BadInput: when the audit computed an error above the bound.
    """
    from supnorm.certification import into_report
    from supnorm.problem import fingerprint
    from supnorm.results.door import DAMAGED, faults_of

    with faults_of(f"{folder / 'result.json'}", DAMAGED):
        if report.record.fingerprint != fingerprint(opened):
            return None
        if [a.unit for a in report.record.axes] != [a.unit for a in opened.domain.axes]:
            say(
                f"supnorm: {folder / 'result.json'} states inputs in other units than the problem: the bound is not written "
                "into it; audit again",
                err=True,
            )
            return None
        joined = into_report(report, result)
    return None if joined is report else joined
