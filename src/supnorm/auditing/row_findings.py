"""What the user should know about the rows of a table besides the worst error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.compared import NAMED, Compared
from supnorm.auditing.infinite import error_unit
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Evaluator
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Problem
from supnorm.results.audit import FindingRecord
from supnorm.results.numbers import ErrorUnit, pretty_unit

ROWS = 8192  # at a time


def rows_left_out(evaluator: Evaluator, compared: Compared) -> list[FindingRecord]:
    """Rows of a table that were not compared, that lack an input, or that repeat the inputs of others."""
    problem: Problem = evaluator.problem
    pairs, found = compared.pairs, []
    if sum(pairs.alone):
        model, reference = pairs.alone
        parts = []
        if model:
            are = "row is" if model == 1 else "rows are"
            parts.append(
                f"{model:,} {are} in the table of predictions alone: there is no truth to compare with."
            )
        if reference:
            are, missing = (
                ("row is", "its prediction is") if reference == 1 else ("rows are", "their predictions are")
            )
            parts.append(f"{reference:,} {are} in the table of truths alone: {missing} missing.")
        text = "By their keys, " + " By their keys, ".join(parts)
        found.append(FindingRecord(code="rows-alone", text=text))
    found += _repeated(compared)
    lacking = ~pairs.complete & compared.inside
    if lacking.any():
        none = np.isnan(pairs.x[lacking]).sum(axis=0)
        parts = [f"{name} in {n:,}" for name, n in zip(problem.domain.names, none, strict=True) if n]
        text = (
            f"{lacking.sum():,} of the {len(pairs):,} rows lack an input ({', '.join(parts)}). Both values stand in the "
            "row, so they were compared; maps leave them out."
        )
        found.append(FindingRecord(code="rows-incomplete", text=text))
    outside = np.flatnonzero(~compared.inside)
    if len(outside):
        text = (
            f"{len(outside):,} of the {len(pairs):,} rows of the table lie outside the declared domain and were not "
            f"compared.{_worst_outside(evaluator, compared, outside)}"
        )
        found.append(FindingRecord(code="rows-outside", text=text))
    return found


def row_failures(problem: Problem, sample: Sample, compared: Compared) -> list[FindingRecord]:
    """Rows in which a table has no value, by their numbers."""
    found: list[FindingRecord] = []
    lost, n = compared.without["model"], sample.drawn
    if len(lost) and problem.model.table is not None:
        found.append(
            FindingRecord(
                code="no-model-value", text=missing_words(compared, problem), rows=tuple(lost.tolist())
            )
        )
    lost = compared.without["reference"]
    if len(lost) and problem.reference.table is not None:
        text = (
            f"The reference has no value in {len(lost):,} of {n:,} rows ({_numbered(lost)}): no error is known there, and "
            "none is counted."
        )
        found.append(FindingRecord(code="reference-failed", text=text, rows=tuple(lost.tolist())))
    return found


def missing_words(compared: Compared, problem: Problem) -> str:
    """In which rows of a table the model has no value, and what the others say."""
    lost, finite, n = compared.without["model"], compared.finite, compared.sample.n
    text = (
        f"The model has no value in {len(lost):,} of {compared.sample.drawn:,} rows where the reference has one "
        f"({_numbered(lost)})"
    )
    if problem.error.failures == "ignore":
        return f"{text}: no error is counted there, as was asked."
    if finite.n == n:
        return f"{text}."
    text += ": there its error is infinite."
    best = next((p.witness for p in compared.peaks if np.isfinite(p.witness.error)), None)
    if best is None:
        return text
    size = ErrorUnit(problem.error.kind, pretty_unit(error_unit(problem)), problem.error.per_output)
    worst, rms = size(finite.worst()), size(finite.rms().value)
    rows = "row is" if finite.n == 1 else "rows is"
    return f"{text} The worst error of the other {finite.n:,} {rows} {worst}, in row {best.row:,}, and their RMS {rms}."


def _numbered(rows: NDArray[np.intp]) -> str:
    """Numbers of rows, the first few of them."""
    shown = ", ".join(f"{row:,}" for row in rows[: NAMED // 2])
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{', ...' if len(rows) > NAMED // 2 else ''}"


def _repeated(compared: Compared) -> list[FindingRecord]:
    """That rows repeat inputs, where two tables were compared: it is no fault, but no function of these inputs can fit."""
    pairs = compared.pairs
    if pairs.model is None or pairs.reference is None:
        return []
    x = pairs.x[compared.inside & pairs.complete]
    again = len(x) - len(np.unique(x, axis=0))
    if not again:
        return []
    text = f"{again:,} of the rows repeat the inputs of an earlier row; each row was compared with its own value."
    return [FindingRecord(code="rows-repeated", text=text)]


def _worst_outside(evaluator: Evaluator, compared: Compared, rows: NDArray[np.intp]) -> str:
    """The largest error at rows outside the domain, in words; nothing where it cannot be had."""
    problem: Problem = evaluator.problem
    if evaluator.model.expensive or evaluator.reference.expensive:
        return ""
    pairs, worst, where = compared.pairs, -np.inf, 0
    sides = ((problem.model, pairs.model), (problem.reference, pairs.reference))
    for i in range(0, len(rows), ROWS):
        part = rows[i : i + ROWS]
        x = pairs.x[part]
        try:
            model, reference = (
                guarded(f.value, x, evaluator.outputs)[0] if given is None else given[part]
                for f, given in sides
            )
            error = problem.error(model, reference, x)[0]
        except Exception:  # a model need not be a function outside its domain
            return ""
        error = np.where(np.isnan(error), -np.inf, error)
        if error.max() > worst:
            worst, where = float(error.max()), int(part[int(error.argmax())])
    if worst == -np.inf:
        return ""
    at = ", ".join(f"{name} = {v:.6g}" for name, v in problem.domain.describe(pairs.x[where]).items())
    limit = problem.error.limit
    over = ", above the tolerance" if limit is not None and worst > limit else ""
    return f" The largest error among them is {worst:.4g} at {at} (row {pairs.row[where] + 1:,}){over}."
