"""Whether two runs of audits answer the same question, as far as their records tell."""

from __future__ import annotations

from pathlib import Path

from supnorm.gates.other_rows import OtherRows
from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.numbers import num
from supnorm.results.printable import one_line

NEEDED = "compare-runs needs runs of the same question"


def demand_comparable(old: AuditRecord, new: AuditRecord, folders: tuple[Path, Path]) -> None:
    """Check that both runs have the same inputs, outputs, error measure, reference and rows.

    Raises:
        OtherRows: when two tables differ in their rows.
        BadInput: names what else differs.
    """
    _demand_same_axes(old, new, folders)
    questions = {
        "inputs": ([axis.to_dict() for axis in old.axes], [axis.to_dict() for axis in new.axes]),
        "domains": (old.domain.kind, new.domain.kind),
        "outputs": ([o.name for o in old.outputs], [o.name for o in new.outputs]),
        "numbers of outputs": (old.outputs_total, new.outputs_total),
        "error measures": (old.measure.to_dict(), new.measure.to_dict()),
        "references": _reference_names(old, new),
        "numbers of rows": (_rows(old), _rows(new)),
    }
    for what, (before, now) in questions.items():
        if what == "outputs" and max(old.outputs_total, new.outputs_total) > len(old.outputs):
            continue  # of thousands each run lists other ones
        if before != now:
            tables = old.table is not None and new.table is not None and what == "numbers of rows"
            raise (OtherRows if tables else BadInput)(
                f"the {what} differ: {one_line(str(before), 300)} in {folders[0]} and {one_line(str(now), 300)} in "
                f"{folders[1]}; {NEEDED}"
            )


def demand_same_peaks(old: AuditRecord, new: AuditRecord, folders: tuple[Path, Path]) -> None:
    """Check that the peaks of both runs in one row have the same inputs and reference.

    Raises:
        BadInput: names the row.
    """
    stored = {p.row: (dict(p.x), p.reference) for p in old.peaks if p.row is not None}
    for peak in new.peaks:
        if peak.row in stored and stored[peak.row] != (dict(peak.x), peak.reference):
            raise BadInput(
                f"row {peak.row} has other inputs or another reference in {folders[1]} than in {folders[0]}; compare-runs "
                "needs the same rows"
            )


def _demand_same_axes(old: AuditRecord, new: AuditRecord, folders: tuple[Path, Path]) -> None:
    """The same for the names and ranges of the inputs."""
    before, now = ({axis.name: axis for axis in record.axes} for record in (old, new))
    only = [
        f"{folder} has {', '.join(names)}"
        for folder, names in zip(
            folders, ([n for n in before if n not in now], [n for n in now if n not in before]), strict=True
        )
        if names
    ]
    tables = old.table is not None and new.table is not None
    if only:
        hint = " (--inputs names those of a table)" if tables else ""
        raise BadInput(f"the inputs differ: {' and '.join(only)}{hint}; {NEEDED}")
    for name, axis in before.items():
        if (axis.low, axis.high) != (now[name].low, now[name].high):
            ranges = " and ".join(
                f"{num(a.low, 6)} to {num(a.high, 6)} in {f}"
                for a, f in zip((axis, now[name]), folders, strict=True)
            )
            if tables:
                raise OtherRows(
                    f"the ranges of {name} differ: {ranges}: these tables have other rows; {NEEDED}"
                )
            raise BadInput(f"the ranges of {name} differ: {ranges}; {NEEDED}")


def _reference_names(old: AuditRecord, new: AuditRecord) -> tuple[str, str]:
    """Names of the references; of tables none, because their rows are compared (`demand_same_rows`)."""
    tables = old.table is not None and new.table is not None
    return ("", "") if tables else (old.reference.name, new.reference.name)


def _rows(record: AuditRecord) -> int | None:
    return None if record.table is None else record.table.rows
