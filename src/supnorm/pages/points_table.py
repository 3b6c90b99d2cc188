"""The table of the worst points: every peak of the result, to sort, to copy and to download."""

from __future__ import annotations

import base64
import csv
import io
import math
from typing import Any

from supnorm.pages.peaks import tags
from supnorm.pages.points import PeakView
from supnorm.pages.view import View
from supnorm.results.numbers import num
from supnorm.results.printable import in_cell


def points_of_table(view: View) -> dict[str, Any]:
    """Head and rows of the table, and the same numbers with all digits as CSV text and as a link."""
    outputs, rows = len(view.outputs) > 1, view.table_only
    head = [
        *(["row"] if rows else []),
        view.error.name,
        *(axis.label for axis in view.axes),
        "model",
        "reference",
    ]
    head += (["output"] if outputs else []) + ["tags"]
    text = _csv(view)
    return {
        "point_head": head,
        "point_rows": [_row(view, peak, outputs) for peak in view.peaks],
        "point_csv": text,
        "point_link": f"data:text/csv;base64,{base64.b64encode(text.encode()).decode()}",
    }


def _row(view: View, peak: PeakView, outputs: bool) -> list[tuple[str, str]]:
    """The cells: what is shown, and by what they are sorted (empty for text)."""
    digits = peak.digits(6)
    shown = view.error.bare(peak.error) if math.isfinite(peak.error) else num(peak.error)
    numbers = [(shown, peak.error)]
    numbers += [(num(x, 6), x) for x in peak.x.values()]
    numbers += [(num(v, digits), v) for v in (peak.model_value, peak.reference_value)]
    cells = [(shown, repr(float(v)) if not math.isnan(v) else "") for shown, v in numbers]
    if view.table_only:
        cells.insert(0, (str(peak.record.row or ""), str(peak.record.row or "")))
    names = [(view.outputs[peak.output][0], "")] if outputs else []
    return [*cells, *names, (", ".join(tag.words for tag in tags(view, peak)), "")]


def _csv(view: View) -> str:
    """The points with all digits; text as `in_cell` writes it, because spreadsheets compute what begins with "="."""
    file = io.StringIO()
    write = csv.writer(file, lineterminator="\n").writerow
    row_head = ["row"] if view.table_only else []
    write(map(in_cell, (*row_head, *(a.name for a in view.axes), "output", "model", "reference", "error")))
    for peak in view.peaks:
        numbers = [repr(float(x)) for x in peak.x.values()]
        row = [str(peak.record.row or "")] if view.table_only else []
        values = map(repr, (float(peak.model_value), float(peak.reference_value), float(peak.error)))
        write([*row, *numbers, in_cell(view.outputs[peak.output][0]), *values])
    return file.getvalue()
