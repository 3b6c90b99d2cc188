"""The parts of an audit's document: axes, measure, sides, peaks, failures, worst points."""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.auditing import pictures as charts
from supnorm.auditing.compared import Compared
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.report import Table
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import QUANTILES, Sample
from supnorm.auditing.thinning import linkage_radius, thin
from supnorm.evaluation import Evaluator
from supnorm.problem import Function, Problem
from supnorm.results import Witness

NUMBERS, MOST_NUMBERS = 300_000, 1_000_000  # in the table of the worst points: some MB, and up to 20 of them


def output_names(problem: Problem, evaluator: Evaluator) -> list[str]:
    """Names of the outputs, as many as the evaluator saw."""
    return list(problem.output_names(evaluator.reference.outputs or evaluator.model.outputs or 1))


def domain_json(problem: Problem) -> dict[str, Any]:
    """What kind of domain the axes span: a box, a box with constraints, or balls round data."""
    domain = problem.domain
    kind = "data" if domain.cloud is not None else "constraints" if domain.constraints else "box"
    return {"kind": kind}


def side_json(function: Function) -> dict[str, Any]:
    """What is printed about a model or a reference."""
    name = "" if function.name == "<lambda>" else function.name
    return {"name": name, "precision": function.precision, "notes": list(function.notes)}


def peak_json(witness: Witness, problem: Problem, names: list[str]) -> dict[str, Any]:
    """A witness as plain data."""
    return {
        "x": problem.domain.describe(witness.x),
        "model": witness.model,
        "reference": witness.reference,
        "error": witness.error,
        "output": names[witness.output],
        "tags": list(witness.tags),
        "volume": witness.volume,
        "volume_at_least": witness.volume_at_least,
        "volume_at_most": witness.volume_at_most,
        "prominence": witness.prominence,
        "recheck": witness.recheck,
        "recheck_value": witness.recheck_value,
        "off_data": witness.off_data,
    } | ({} if witness.row is None else {"row": witness.row})


def rows_json(compared: Compared, peaks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Peaks that are rows of a table with the line of the file, and what its other columns hold there."""
    at = {int(compared.pairs.row[pair]) + 1: int(pair) for pair in compared.worst}
    pairs = [at[peak["row"]] for peak in peaks]
    more = []
    for peak, pair, cells in zip(peaks, pairs, compared.columns(pairs), strict=True):
        line = compared.pairs.rows.line(int(compared.pairs.row[pair]))
        more.append(peak | ({} if line is None else {"line": line}) | {"columns": cells})
    return more


def failures_json(evaluator: Evaluator, recorder: Recorder) -> dict[str, Any]:
    """Points without a value so far: how many, why, and where along each input."""
    domain = evaluator.problem.domain
    causes = sorted(evaluator.failures.causes.values(), key=lambda f: -f.count)
    without = evaluator.failures.without_value
    return {
        "count": sum(without.values()),
        "of": evaluator.total,
        **without,
        "infinite": evaluator.failures.infinite,
        "masked": evaluator.failures.masked,
        "causes": [
            {
                "where": f.where,
                "kind": f.kind,
                "message": f.message,
                "count": f.count,
                "x": domain.describe(f.x),
            }
            for f in causes[:10]
        ],
        "by_axis": charts.by_axis(domain, recorder),
    }


def computed_json(evaluator: Evaluator, table: bool) -> dict[str, Any]:
    """Keys of ``sup``: which call gave the error, what the point gave when it was called alone, and the difference."""
    top = evaluator.top
    twice = next((t for t in evaluator.twice if top is not None and np.array_equal(t.batch.x, top.x)), None)
    if twice is None:
        computed = "alone" if evaluator.top_alone else "row" if table else "batch"
        return {"computed": computed, "alone": None, "rounding": 0.0}
    computed = "batch" if twice.batch.error > twice.alone.error else "alone"
    return {"computed": computed, "alone": twice.alone.error, "rounding": twice.apart}


def finite_json(
    sample: Sample, evaluator: Evaluator, compared: Compared | None = None
) -> dict[str, Any] | None:
    """Statistics of the points with a finite error, where the worst error is infinite; else None."""
    if evaluator.worst < np.inf:
        return None
    part, worst = sample.finite(), evaluator.worst_finite
    row = {}
    if compared is not None:
        best = next((p.witness for p in compared.peaks if p.witness.error < np.inf), None)
        row = {"row": None if best is None else best.row}
    return row | {
        "n": part.n,
        "of": sample.n,
        "infinite": sample.n - part.n,
        "rms": part.rms().value,
        "mean": part.mean().value,
        "quantiles": {str(q): part.quantile(q) if part.carries(q) else None for q in QUANTILES},
        "worst": worst if worst > -np.inf else None,
    }


def points_table(run: Run, names: list[str]) -> Table:
    """The worst rows, thinned so that they do not crowd at one peak; of a table its worst rows, all of them."""
    domain = run.problem.domain
    columns = (
        *domain.names,
        *(f"model_{n}" for n in names),
        *(f"reference_{n}" for n in names),
        "error",
    )
    if run.search.compared is not None:
        return _rows_of_table(run.search.compared, columns)
    rows = run.recorder.worst_rows()
    if len(rows):
        u = domain.to_unit(rows[:, : domain.d])
        radius = 0.1 * linkage_radius(max(run.evaluator.total, 3), domain.d)
        # Thousands of outputs: fewer points, of a hundred thousand five.
        most = min(500, max(5, min(20, MOST_NUMBERS // len(columns)), NUMBERS // len(columns)), len(rows))
        rows = rows[thin(u, rows[:, -2], radius, most, fill=False)]
    return Table(columns, rows[:, :-1] if len(rows) else np.empty((0, len(columns))))


def _rows_of_table(compared: Compared, columns: tuple[str, ...]) -> Table:
    """The worst rows of a table with their numbers, lines and other columns."""
    pairs = [int(pair) for pair in compared.worst]
    index = [int(compared.pairs.row[pair]) for pair in pairs]
    cells = compared.columns(pairs)
    labels = {"row": tuple(str(row + 1) for row in index)}
    if compared.pairs.rows.lines is not None:
        labels["line"] = tuple(str(compared.pairs.rows.line(row)) for row in index)
    for name in dict.fromkeys(name for row in cells for name in row):
        free = name
        while free in labels or free in columns:
            free = f"table_{free}"
        labels[free] = tuple(row.get(name, "") for row in cells)
    return Table(columns, compared.numbers, labels)
