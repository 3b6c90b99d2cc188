"""The result of an audit: typed answers over one record, saved as a folder.

The record (schema ``supnorm.audit/1``) is what lasts: pages and the command line read only it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.auditing.explain import explanation
from supnorm.auditing.halt import Halt
from supnorm.results import BadInput, Bound, Estimate, Status, Witness
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.contradictions import contradiction, other_points
from supnorm.results.door import DAMAGED, faults_of, read_json, reading_table
from supnorm.results.guard import exists
from supnorm.results.numbers import num
from supnorm.results.printable import from_cell
from supnorm.results.record import Recorded
from supnorm.results.table import Table
from supnorm.results.upward import plots
from supnorm.results.writing import write_whole
from supnorm.wording.result import narrator


@dataclass(frozen=True, eq=False)
class AuditReport(Recorded):
    """What an audit found.

    Attributes:
        record: the whole result, typed: its fields are the keys of ``result.json`` (``supnorm schema audit``).
        points: the worst points as a table.
        outputs: of thousands of outputs all of them as CSV text, where the record lists some; else None.
        halted: what cut the audit short; None where nothing did, and for a report that was loaded.
    """

    record: AuditRecord
    points: Table
    outputs: str | None = None
    halted: Halt | None = None

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The record as plain data with Python's numbers: infinite ones and NaN as they are."""
        return {
            "schema": self.record.SCHEMA,
            **plain(self.record.model_dump(by_alias=True, exclude_defaults=True)),
        }

    @property
    def worst(self) -> Witness | None:
        """The worst point found: a lower bound of the worst error (see `exhaustive`). None when nothing had a value."""
        return None if self.record.witness is None else self._witness(self.record.witness)

    @property
    def exhaustive(self) -> bool:
        """Whether every point of a finite domain was evaluated: `worst` is then the worst of all that have an error."""
        return self.record.search.exhaustive

    @property
    def upper(self) -> Bound | None:
        """A proved upper bound, where a certificate gave one; an audit alone has none."""
        sup = self.record.sup
        return None if sup.upper is None else Bound(sup.upper, sup.upper_kind, sup.assumptions)

    @property
    def rms(self) -> Estimate:
        """Sample root-mean-square error of the law; of kind ``"exact"`` where it is that of all points of the domain."""
        rms = self.record.rms
        return Estimate(rms.value, rms.kind, rms.n, self.record.law)

    @property
    def norms(self) -> dict[str, float]:
        """Sample L^p norms of the error reduced over the outputs, ``"L1"``, ``"L2"``, ..., and the maximum found."""
        return dict(self.record.norms)

    @property
    def norms_over_outputs(self) -> dict[str, float] | None:
        """Sample L^p norms of the whole error vector; with `with_derivatives` those of W^{1,p}. None for one output."""
        norms = self.record.norms_over_outputs
        return None if norms is None else dict(norms)

    @property
    def quantiles(self) -> dict[float, float]:
        """Sample quantiles of the error; NaN where the points are too few."""
        return {float(q): math.nan if v is None else v for q, v in self.record.quantiles.items()}

    @property
    def peaks(self) -> tuple[Witness, ...]:
        """Distinct peaks, worst first."""
        return tuple(map(self._witness, self.record.peaks))

    @property
    def glitches(self) -> tuple[Witness, ...]:
        """The peaks that are glitches: narrow, isolated and far above the rest."""
        return tuple(map(self._witness, self.record.glitches))

    @property
    def peak_table(self) -> Table:
        """The distinct peaks as a table, worst first: one row each, with its output, tags and second reference in words."""
        peaks, axes = self.record.peaks, [axis.name for axis in self.record.axes]
        labels: dict[str, tuple[str, ...]] = {
            "output": tuple(peak.output for peak in peaks),
            "tags": tuple(", ".join(peak.tags) for peak in peaks),
            "recheck": tuple(peak.recheck or "" for peak in peaks),
        }
        if any(peak.row is not None for peak in peaks):
            labels = {"row": tuple(str(peak.row or "") for peak in peaks), **labels}
        names = [output.name for output in self.record.outputs]
        rows = [
            [
                *(peak.x[name] for name in axes),
                peak.model[at],
                peak.reference[at],
                peak.error,
                *(math.nan if v is None else v for v in (peak.volume, peak.prominence)),
            ]
            for peak, at in ((peak, names.index(peak.output)) for peak in peaks)
        ]
        columns = (*axes, "model", "reference", "error", "volume", "prominence")
        return Table(columns, np.array(rows, dtype=float).reshape(len(rows), len(columns)), labels)

    @property
    def plot(self) -> Any:
        """The charts of the page drawn by matplotlib: ``report.plot.ruler()``, ``distribution``, ``cuts`` and ``map``.

        Raises:
            BadInput: without matplotlib, when a chart is drawn.
        """
        return plots().Plots(self.record)

    def __repr__(self) -> str:
        """One line; the record has thousands."""
        record = self.record
        return (
            f"AuditReport({record.status.code!r}, worst={num(record.sup.lower, 4)}, rms={num(record.rms.value, 4)}, "
            f"peaks={len(record.peaks)}, glitches={len(record.glitches)})"
        )

    def explain(self) -> str:
        """Why RMS and maximum differ, in plain words with the numbers of this audit."""
        return narrator(self.record.measure).text(*explanation(self.record))

    @property
    def status(self) -> Status:
        """Why it stopped and what to do next."""
        return self.record.status

    def save(self, folder: Path | str) -> Path:
        """Write ``result.json`` and ``points.csv`` (``points.parquet`` too where pyarrow is installed), of thousands of
        outputs also ``outputs.csv``."""
        folder = Path(folder)
        write_whole(folder / "result.json", self.to_json())
        write_whole(folder / "points.csv", self.points.to_csv())
        if self.outputs is not None:
            write_whole(folder / "outputs.csv", self.outputs)
        elif self.record.outputs_total == len(self.record.outputs):
            (folder / "outputs.csv").unlink(missing_ok=True)  # of an older audit
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            return folder
        labels, rows = self.points.labels, self.points.rows
        columns = [pyarrow.array([*column]) for column in labels.values()]
        # From their memory: `pyarrow.array` would import pandas, which takes 0.2 s, as much as a small audit.
        memory = (pyarrow.py_buffer(np.array(column, dtype=np.float64)) for column in rows.T)
        columns += [pyarrow.Array.from_buffers(pyarrow.float64(), len(rows), [None, m]) for m in memory]
        table = pyarrow.Table.from_arrays(columns, names=[*labels, *self.points.columns])
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        write_whole(folder / "points.parquet", sink.getvalue().to_pybytes())
        return folder

    def _witness(self, peak: PeakRecord) -> Witness:
        return Witness(
            x=np.array([peak.x[axis.name] for axis in self.record.axes]),
            model=np.array(peak.model),
            reference=np.array(peak.reference),
            error=peak.error,
            output=[output.name for output in self.record.outputs].index(peak.output),
            tags=peak.tags,
            volume=peak.volume,
            volume_at_least=peak.volume_at_least,
            volume_at_most=peak.volume_at_most,
            prominence=peak.prominence,
            recheck=peak.recheck,
            recheck_value=None if peak.recheck_value is None else np.array(peak.recheck_value),
            off_data=peak.off_data,
            row=peak.row,
        )


def plain(value: Any) -> Any:
    """Data with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, tuple | list) else value


def load_report(folder: Path | str) -> AuditReport:
    """Read back what `AuditReport.save` wrote.

    Raises:
        BadInput: when the folder holds no result of an audit.
    """
    path = Path(folder) / "result.json"
    document = read_json(
        path, hint=": not a result of an audit", missing="; give the folder of a finished audit"
    )
    if not isinstance(document, dict) or document.get("schema") != AuditRecord.SCHEMA:
        raise BadInput(f'{path}: the schema is not "{AuditRecord.SCHEMA}"; give the folder of an audit')
    report = AuditReport(AuditRecord.from_dict(document, str(path)), Table((), np.empty((0, 0))))
    points = Path(folder) / "points.csv"
    with faults_of(f"{path}", DAMAGED):
        _demand_whole(report)
    if why := contradiction(report.record):
        raise BadInput(f"{path} contradicts itself: {why}; it was edited, or is damaged: repeat the audit")
    if not exists(points):
        return report
    with reading_table(points, hint=": not the points of an audit"):
        table = _read_points(points, report.record)
    if why := other_points(report.record, table.columns, table.rows.tolist()):
        raise BadInput(f"{points} is not of {path}: {why}; it was edited or exchanged: repeat the audit")
    return replace(report, points=table)


def _demand_whole(report: AuditReport) -> None:
    """See that the parts of a record that was read fit together; whatever does not raises."""
    axes = {axis.name for axis in report.record.axes}
    assert not report.record.sup.lower < 0
    assert all(set(peak.x) == axes for peak in report.record.peaks)
    assert report.worst is None or set(report.record.witness.x if report.record.witness else ()) == axes
    assert len(report.peaks) == len(report.record.peaks)


def _read_points(path: Path, record: AuditRecord) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    first = 0  # of the numbers: labels of rows of a table stand before them
    if record.table is not None:
        first = max(len(header) - len(record.axes) - 2 * record.outputs_total - 1, 0)
    data = np.array([[float(v) for v in row[first:]] for row in rows]).reshape(len(rows), len(header) - first)
    header = list(map(from_cell, header))
    labels = {name: tuple(from_cell(row[k]) for row in rows) for k, name in enumerate(header[:first])}
    return Table(tuple(header[first:]), data, labels)
