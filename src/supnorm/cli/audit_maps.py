"""What ``supnorm audit`` adds for gridded tables: the maps, events and errors by time of ``supnorm fields``.

A table of a NetCDF file is compared row by row. Where both files are gridded, the same values are compared once more as
fields, into the folder ``fields`` of the run; the verdict stays that of the rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.results.printable import file_word, one_line
from supnorm.results.status import BadInput

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.problem.specification import ProblemSpec

TABLE = ".nc"
GRIDDED = (TABLE, ".nc4", ".zarr", ".grib", ".grib2", ".grb", ".grb2")
NAME = "fields"


def demand_problem(path: Path) -> None:
    """Refuse gridded data in the place of a problem file.

    Raises:
        BadInput: with the command that compares them.
    """
    if path.suffix.lower() in GRIDDED:
        word = file_word(path)
        raise BadInput(
            f"{path}: gridded data are compared with their truth by supnorm fields {word} TRUTH; audit takes a problem file"
        )


def with_maps(report: AuditReport, specification: ProblemSpec, path: Path, folder: Path) -> AuditReport:
    """The report with a note that names the page of fields, if both tables are gridded; the page is written.

    Args:
        report: of the rows.
        specification: of the problem file.
        path: the problem file; its folder is where the files are.
        folder: of the run.
    """
    model, reference = specification.model, specification.reference
    if (
        model is None
        or reference is None
        or specification.error.kind != "absolute"
        or specification.error.mask
    ):
        return report
    files = [Path(s.file) if s.file is not None else None for s in (model, reference)]
    names = [s.outputs or [] for s in (model, reference)]
    if (
        any(f is None or f.suffix.lower() != TABLE for f in files)
        or not names[0]
        or len(names[0]) != len(names[1])
    ):
        return report
    from supnorm.fields import audit_fields
    from supnorm.fields.audit import NoVariable
    from supnorm.pages import write_fields_page

    try:
        paths = [path.parent / f for f in files if f is not None]
        fields = audit_fields(*paths, variables=dict(zip(*names, strict=True)))
        if fields.status.code == "interrupted":
            return report
        fields.save(folder / NAME)
        write_fields_page(fields, folder / NAME / "fields.html")
    except NoVariable:  # fewer than two dimensions: a table of another kind
        return report
    except BadInput as why:  # the rows are compared all the same
        note = f"There are no maps of these tables: {one_line(str(why), 300)}"
    else:
        note = f"Both tables are fields on a grid: maps, events and errors by time are in {NAME}/fields.html"
    return replace(report, record=report.record.changed(notes=(*report.record.notes, note)))
