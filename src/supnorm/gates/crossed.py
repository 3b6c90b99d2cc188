"""Several models against one reference: each model at the worst point of each other one.

A search may have missed a point that the search of another model has found. So a larger error found here is the worst one
of the model from then on, and decides about its tolerance like any other witness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from supnorm.gates.run_points import errors_at, opened, same_error
from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.compare import RowRecord

CLEAR = (None, "confirmed")  # verdicts of the second reference that leave no doubt about a point
LIFTED = ("nothing-found", "within-tolerance")  # statuses that one error above the tolerance refutes


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
    found = [_errors(record, folder, records, trust) for record, folder in zip(records, folders, strict=True)]
    return tuple(_lifted(row, i, found[i], rows, records) for i, row in enumerate(rows))


def _errors(
    record: AuditRecord, folder: Path, records: Sequence[AuditRecord], trust: bool
) -> tuple[float, ...]:
    """The errors of one model at the worst point of each; NaN where they are not known."""
    own = opened(folder, record, trust)
    errors = []
    for other in records:
        error = math.nan
        if other is record and other.witness is not None:
            error = other.sup.lower
        elif other.witness is not None and own.problem is not None:
            try:
                error = errors_at(own.problem, other, [other.witness])[0]
            except BadInput:  # other outputs than the other model has: nothing is known there
                error = math.nan
        errors.append(error)
    return tuple(errors)


def _lifted(
    row: RowRecord,
    own: int,
    errors: tuple[float, ...],
    rows: Sequence[RowRecord],
    records: Sequence[AuditRecord],
) -> RowRecord:
    """The row with its errors; where one of them is larger than all that its own search found, that is its worst error."""
    row = row.changed(there=errors)
    known = [(error, j) for j, error in enumerate(errors) if j != own and not math.isnan(error)]
    if not known or math.isnan(row.worst):
        return row
    worst, j = max(known)
    witness = records[j].witness
    if witness is None or not worst > row.worst or same_error(worst, row.worst, records[own].sup.rounding):
        return row
    row = row.changed(worst=worst, at=witness.x, row=witness.row, found_by=rows[j].title)
    above = row.tolerance is not None and worst > row.tolerance
    if above and row.status in LIFTED and witness.recheck in CLEAR:
        return row.changed(status="tolerance-exceeded")
    return row
