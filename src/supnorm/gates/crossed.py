"""Several models against one reference: each model at the worst point of each other one.

A search may have missed a point that the search of another model has found. So a larger error found here is the worst one
of the model from then on, and decides about its tolerance like any other witness. The second reference was asked at these
points, and its stored value judges each model there by the rule of an audit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from supnorm.auditing.recheck import Recheck, in_its_output
from supnorm.auditing.verdict import doubt
from supnorm.gates.run_points import opened, same_error, witnesses_at
from supnorm.problem import Problem
from supnorm.results import BadInput, Witness
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.compare import ConfirmedRecord, RowRecord

CLEAR = (None, "confirmed")  # verdicts of the second reference that leave no doubt about a point
LIFTED = ("nothing-found", "within-tolerance")  # statuses that one error above the tolerance refutes
DOUBT = ("reference-fault", "unresolved")  # statuses that one confirmed error above the tolerance decides


def crossed(
    rows: Sequence[RowRecord], records: Sequence[AuditRecord], folders: Sequence[Path], trust: bool
) -> tuple[RowRecord, ...]:
    """The rows with the errors of each model at the worst points of all of them.

    Args:
        rows: one for each model.
        records: their audits.
        folders: of these audits, each with its problem file.
        trust: allow model files that need full unpickling, which runs any code in them.
    """
    return tuple(
        _lifted(row, i, *_there(record, folder, records, trust), rows, records)
        for i, (row, record, folder) in enumerate(zip(rows, records, folders, strict=True))
    )


def rechecked(row: RowRecord, record: AuditRecord) -> RowRecord:
    """The row of an audit with what its second reference says of the worst point, and of the others."""
    worst = None if record.witness is None else record.witness.recheck
    return _with_confirmed(row.changed(recheck=worst), _confirmed(record))


def _confirmed(record: AuditRecord) -> list[ConfirmedRecord]:
    """The points of an audit at which its second reference confirms an error."""
    return [
        ConfirmedRecord(error=peak.error, at=peak.x, row=peak.row)
        for peak in record.peaks
        if peak.recheck == "confirmed"
    ]


def _with_confirmed(row: RowRecord, confirmed: Iterable[ConfirmedRecord]) -> RowRecord:
    """The row with the largest confirmed error, where the worst one is not confirmed."""
    if row.recheck in CLEAR:
        return row.changed(confirmed=None)
    return row.changed(confirmed=max(confirmed, key=lambda point: point.error, default=None))


def _there(
    record: AuditRecord, folder: Path, records: Sequence[AuditRecord], trust: bool
) -> tuple[Problem | None, list[Witness | None]]:
    """The problem of one model, and the model at the worst point of each; None where it is not known."""
    problem, found = opened(folder, record, trust).problem, []
    for other in records:
        there = None
        if problem is not None and other.witness is not None:
            try:
                (point,) = witnesses_at(problem, other, [other.witness])
                there = _judged(problem, point, other.witness, other.table is not None)
            except BadInput:  # other outputs than the other model has: nothing is known there
                there = None
        found.append(there)
    return problem, found


def _judged(problem: Problem, there: Witness, of: PeakRecord, table: bool) -> Witness:
    """A model at the worst point of another one, with the verdict of the second reference's value that is stored there.

    Args:
        problem: has the model.
        there: its values, and the reference's.
        of: the worst point of the other model.
        table: whether the reference is a table, which has no jump between its rows.
    """
    if of.recheck is None or math.isnan(there.error):
        return there
    if of.recheck_value is None:
        return replace(there, recheck="unresolved")
    second = np.array(of.recheck_value, dtype=float)
    judged, value = in_its_output(problem.error, there, second[None])
    word = "unresolved" if value is None else Recheck().word(problem.error, judged, value)
    # Only where the other model was found right did its audit look for a jump of the reference close by.
    if word == "reference-fault" and of.recheck != "reference-fault" and not table:
        word = "unresolved"
    return replace(there, recheck=word, recheck_value=second)


def _lifted(
    row: RowRecord,
    own: int,
    problem: Problem | None,
    there: Sequence[Witness | None],
    rows: Sequence[RowRecord],
    records: Sequence[AuditRecord],
) -> RowRecord:
    """The row with its errors; where one of them is larger than all that its own search found, that is its worst error."""
    errors = [math.nan if witness is None else witness.error for witness in there]
    record = records[own]
    errors[own] = math.nan if record.witness is None else record.sup.lower
    row = row.changed(there=tuple(errors), recheck=row.recheck or _elsewhere(record, there, records))
    known = [(error, j) for j, error in enumerate(errors) if j != own and not math.isnan(error)]
    if not known or math.isnan(row.worst):
        return row
    confirmed = _confirmed(record)
    for j, (point, other) in enumerate(zip(there, records, strict=True)):
        if j != own and point is not None and point.recheck == "confirmed" and other.witness is not None:
            confirmed.append(ConfirmedRecord(error=point.error, at=other.witness.x, row=other.witness.row))
    worst, j = max(known)
    witness, found = records[j].witness, there[j]
    assert problem is not None
    assert witness is not None
    assert found is not None
    if worst > row.worst and not same_error(worst, row.worst, record.sup.rounding):
        row = row.changed(worst=worst, at=witness.x, row=witness.row, found_by=rows[j].title)
        row = row.changed(recheck=found.recheck, status=_status(row, problem, found))
    row = _with_confirmed(row, confirmed)
    sure = row.confirmed is not None and row.tolerance is not None and row.confirmed.error > row.tolerance
    return row.changed(status="tolerance-exceeded") if sure and row.status in DOUBT else row


def _status(row: RowRecord, problem: Problem, worst: Witness) -> str:
    """The status of a row with another worst point, as an audit that had found it would have ended."""
    if row.status not in (*LIFTED, *DOUBT, "no-tolerance"):
        return row.status
    in_doubt = doubt(problem, worst)
    if in_doubt is not None:
        return in_doubt.code
    if row.tolerance is None:
        return "no-tolerance"
    return "tolerance-exceeded" if worst.error > row.tolerance else row.status


def _elsewhere(
    record: AuditRecord, there: Sequence[Witness | None], records: Sequence[AuditRecord]
) -> str | None:
    """What the second reference of another audit says where this one, which has none, is worst."""
    own = record.witness
    words = [
        point.recheck
        for point, other in zip(there, records, strict=True)
        if own is not None and point is not None and other.witness is not None
        if (other.witness.x, other.witness.row) == (own.x, own.row)
    ]
    return next(filter(None, words), None)
