"""The result of an audit: typed answers over one JSON document, saved as a folder.

The document (schema ``supnorm.audit/1``) is what lasts: pages and the command line read only it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.explain import explain
from supnorm.results import BadInput, Bound, Estimate, ExitCode, Status, Witness, from_json, to_json
from supnorm.results.door import DAMAGED, faults_of, read_json, reading_table
from supnorm.results.encoding import dumps
from supnorm.results.guard import exists
from supnorm.results.printable import printable
from supnorm.results.writing import write_whole


@dataclass(frozen=True, eq=False)
class Table:
    """The worst points, highest error first, ready for retraining.

    Attributes:
        columns: input names, ``model_<output>``, ``reference_<output>``, ``error``.
        rows: shape ``(n, len(columns))``.
        labels: of the rows of a table, as text by name: ``row`` (counted from 1 below the header), ``line`` of the file
            where that is not the row's number plus 1, and what the table's other columns hold.
    """

    columns: tuple[str, ...]
    rows: NDArray[np.float64]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_csv(self) -> str:
        """The table as CSV text, labels first; numbers with all their digits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(printable, (*self.labels, *self.columns)))
        for i, row in enumerate(self.rows):
            writer.writerow([*(column[i] for column in self.labels.values()), *(repr(float(v)) for v in row)])
        return text.getvalue()


@dataclass(frozen=True, eq=False)
class AuditReport:
    """What an audit found.

    Attributes:
        document: the whole result as plain data (schema ``supnorm.audit/1``).
        points: the worst points as a table.
        outputs: of thousands of outputs all of them as CSV text, where the document lists some; else None.
    """

    document: Mapping[str, Any]
    points: Table
    outputs: str | None = None

    @property
    def worst(self) -> Witness | None:
        """The worst point found: a lower bound of the worst error (see `exhaustive`). None when nothing had a value."""
        data = self.document["witness"]
        return None if data is None else self._witness(data)

    @property
    def exhaustive(self) -> bool:
        """Whether every point of a finite domain was evaluated: `worst` is then the worst of all that have an error."""
        return bool(self.document.get("search", {}).get("exhaustive"))

    @property
    def upper(self) -> Bound | None:
        """A proved upper bound, where a certificate gave one; an audit alone has none."""
        sup = self.document["sup"]
        if sup["upper"] is None:
            return None
        return Bound(from_json(sup["upper"]), sup["upper_kind"], tuple(sup.get("assumptions", ())))

    @property
    def rms(self) -> Estimate:
        """Sample root-mean-square error of the law; of kind ``"exact"`` where it is that of all points of the domain."""
        data = self.document["rms"]
        return Estimate(from_json(data["value"]), data["kind"], data["n"], self.document["law"])

    @property
    def norms(self) -> dict[str, float]:
        """Sample L^p norms of the error reduced over the outputs, ``"L1"``, ``"L2"``, ..., and the maximum found."""
        return {name: from_json(v) for name, v in self.document["norms"].items()}

    @property
    def norms_over_outputs(self) -> dict[str, float] | None:
        """Sample L^p norms of the whole error vector; with `with_derivatives` those of W^{1,p}. None for one output."""
        data = self.document["norms_over_outputs"]
        return None if data is None else {name: from_json(v) for name, v in data.items()}

    @property
    def quantiles(self) -> dict[float, float]:
        """Sample quantiles of the error."""
        return {float(q): from_json(v) for q, v in self.document["quantiles"].items()}

    @property
    def peaks(self) -> tuple[Witness, ...]:
        """Distinct peaks, worst first."""
        return tuple(self._witness(p) for p in self.document["peaks"])

    @property
    def glitches(self) -> tuple[Witness, ...]:
        """The peaks that are glitches: narrow, isolated and far above the rest."""
        return tuple(self._witness(p) for p in self.document["glitches"])

    def __repr__(self) -> str:
        """One line; the document has thousands."""
        worst, rms = (from_json(self.document[key][of]) for key, of in (("sup", "lower"), ("rms", "value")))
        return (
            f"AuditReport({self.document['status']['code']!r}, worst={worst:.4g}, rms={rms:.4g}, "
            f"peaks={len(self.document['peaks'])}, glitches={len(self.document['glitches'])})"
        )

    def explain(self) -> str:
        """Why RMS and maximum differ, in plain words with the numbers of this audit."""
        return explain(self.document)

    @property
    def status(self) -> Status:
        """Why it stopped and what to do next."""
        data = self.document["status"]
        return Status(data["code"], data["advice"], ExitCode(data["exit"]))

    def to_json(self) -> dict[str, Any]:
        """The document as strict JSON data."""
        encoded: dict[str, Any] = to_json(self.document)
        return encoded

    def save(self, folder: Path | str) -> Path:
        """Write ``result.json`` and ``points.csv`` (``points.parquet`` too where pyarrow is installed), of thousands of
        outputs also ``outputs.csv``."""
        folder = Path(folder)
        write_whole(folder / "result.json", dumps(self.document))
        write_whole(folder / "points.csv", self.points.to_csv())
        if self.outputs is not None:
            write_whole(folder / "outputs.csv", self.outputs)
        elif _outputs(self.document) == len(self.document["outputs"]):
            (folder / "outputs.csv").unlink(missing_ok=True)  # of an older audit
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            return folder
        numbers = dict(zip(self.points.columns, self.points.rows.T, strict=True))
        table = pyarrow.table({k: list(v) for k, v in self.points.labels.items()} | numbers)
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        write_whole(folder / "points.parquet", sink.getvalue().to_pybytes())
        return folder

    def _witness(self, data: Mapping[str, Any]) -> Witness:
        names = [axis["name"] for axis in self.document["axes"]]
        outputs = [output["name"] for output in self.document["outputs"]]
        other = data.get("recheck_value")
        return Witness(
            x=np.array([from_json(data["x"][n]) for n in names]),
            model=np.array([from_json(v) for v in data["model"]]),
            reference=np.array([from_json(v) for v in data["reference"]]),
            error=from_json(data["error"]),
            output=outputs.index(data["output"]),
            tags=tuple(data.get("tags", ())),
            volume=_number(data.get("volume")),
            volume_at_least=_number(data.get("volume_at_least")),
            volume_at_most=_number(data.get("volume_at_most")),
            prominence=_number(data.get("prominence")),
            recheck=data.get("recheck"),
            recheck_value=None if other is None else np.array([from_json(v) for v in other]),
            off_data=_number(data.get("off_data")),
            row=data.get("row"),
        )


def _outputs(document: Mapping[str, Any]) -> int:
    """How many outputs there are, listed or not."""
    return int(document.get("outputs_total") or len(document["outputs"]))


def _number(value: Any) -> float | None:
    return None if value is None else from_json(value)


def load_report(folder: Path | str) -> AuditReport:
    """Read back what `AuditReport.save` wrote.

    Raises:
        BadInput: when the folder holds no result of an audit.
    """
    path = Path(folder) / "result.json"
    document = read_json(
        path, hint=": not a result of an audit", missing="; give the folder of a finished audit"
    )
    if not isinstance(document, dict) or document.get("schema") != "supnorm.audit/1":
        raise BadInput(f'{path}: the schema is not "supnorm.audit/1"; give the folder of an audit')
    points = Path(folder) / "points.csv"
    with faults_of(f"{path}", DAMAGED):
        _demand_parts(AuditReport(document, Table((), np.empty((0, 0)))))
    if not exists(points):
        return AuditReport(document, Table((), np.empty((0, 0))))
    with reading_table(points, hint=": not the points of an audit"):
        return AuditReport(document, _read_points(points, document))


def _demand_parts(report: AuditReport) -> None:
    """Read the parts that every reader of a report needs; whatever is missing or of another kind raises."""
    document = report.document
    for key in ("axes", "outputs"):
        assert all(str(part["name"]) for part in document[key])
    lower = from_json(document["sup"]["lower"])
    assert isinstance(document["status"]["code"], str)
    assert not lower < 0
    assert report.worst is None or len(report.worst.x) == len(document["axes"])
    assert all(len(peak.x) == len(document["axes"]) for peak in report.peaks)


def _read_points(path: Path, document: Mapping[str, Any]) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    first = 0  # of the numbers: labels of rows of a table stand before them
    if document.get("table"):
        first = max(len(header) - len(document["axes"]) - 2 * _outputs(document) - 1, 0)
    data = np.array([[float(v) for v in row[first:]] for row in rows]).reshape(len(rows), len(header) - first)
    labels = {name: tuple(row[k] for row in rows) for k, name in enumerate(header[:first])}
    return Table(tuple(header[first:]), data, labels)
