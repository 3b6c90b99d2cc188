"""What the user should know besides the worst error: points without a value, doubtful labels, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.data_findings import domain_against_data
from supnorm.auditing.infinite import (
    failed_share,
    infinite_cause,
    infinite_share,
    limit_of,
    points_word,
)
from supnorm.auditing.reproducibility import not_reproducible
from supnorm.auditing.row_findings import row_failures, rows_left_out
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Evaluator
from supnorm.evaluation.failures import FUNCTION
from supnorm.problem import Problem
from supnorm.results.audit import FindingRecord


def findings(run: Run) -> list[FindingRecord]:
    """Plain sentences, each with a code."""
    evaluator, problem, sample, compared = run.evaluator, run.problem, run.sample, run.search.compared
    found: list[FindingRecord] = []
    found += law_outside(problem) if compared is None else rows_left_out(evaluator, compared)
    if problem.data is not None:
        found += domain_against_data(problem.domain, np.asarray(problem.data, dtype=float), run.witness)
    found += suspect_words(problem, run.suspects)
    found += _infinite(run)
    found += not_reproducible(evaluator)
    failed = failure_words(evaluator, sample)
    if compared is not None:  # a side that was called has failed in its own way
        given = {side for side in ("model", "reference") if getattr(problem, side).table is not None}
        failed = [f for f in failed if f.code.partition("-")[0] not in given]
        found += row_failures(problem, sample, compared)
    found += failed
    if not run.search.informative:
        text = (
            "The derivatives of the error are zero at most of the points with the largest errors, as they are behind "
            "rounding, tables and hard decisions: the search went on without derivatives."
        )
        found.append(FindingRecord(code="zero-derivatives", text=text))
    found += missing_outputs(problem, sample)
    if run.recheck_failures:
        text = (
            f"The second reference has no value at {len(run.recheck_failures)} of {len(run.peaks)} peaks, which are left "
            f"unresolved: {run.recheck_failures[0]}"
        )
        found.append(FindingRecord(code="recheck-failed", text=text))
    return found


def _infinite(run: Run) -> list[FindingRecord]:
    """Why the worst error is infinite, unless the model is a table without a value in some rows."""
    problem, witness, compared = run.problem, run.witness, run.search.compared
    given = compared is not None and problem.model.table is not None and len(compared.without["model"]) > 0
    if witness is None or witness.error < np.inf or given:
        return []
    code, cause = infinite_cause(problem, witness)
    if code == "no-model-value":
        cause += f" {_most_frequent(run.evaluator, 'model')}"
    text = f"{cause} {infinite_share(problem, run.sample, run.evaluator.worst_finite)}".rstrip()
    return [FindingRecord(code=code, text=text)]


def failure_words(evaluator: Evaluator, sample: Sample) -> list[FindingRecord]:
    """A finding for each side that failed at points of the domain: on how much of it, and the most frequent cause.

    Not of a model whose missing values count as infinite errors: `infinite_cause` speaks of these.
    """
    found = []
    points = points_word(sample, is_table(evaluator.problem))
    for side in ("model", "reference"):
        causes = [f for f in evaluator.failures.causes.values() if f.where == side]
        if not causes or not evaluator.failures.failed[side]:
            continue
        own = sum(f.kind == FUNCTION for f in causes)
        name = (
            side if not own else "error function" if own == len(causes) else f"{side} or the error function"
        )
        k, n = sample.failed.get(side, 0), sample.drawn
        most = limit_of(evaluator.problem, points, "it has none on", k, n)
        none = "No error is known there, and none is counted."
        if side == "model":
            none = 'That is ignored, as failures = "ignore" asks: no error is counted there.'
        text = (
            f"The {name} has no value at {failed_share(side, sample, points)}{most}. "
            f"{none} {_most_frequent(evaluator, side)}"
        )
        found.append(FindingRecord(code=f"{side}-failed", text=text))
    return found


def _most_frequent(evaluator: Evaluator, side: str) -> str:
    """The most frequent cause of points without a value of a side, with the first such point, as a sentence."""
    causes = [f for f in evaluator.failures.causes.values() if f.where == side]
    if not causes:
        return ""
    cause = max(causes, key=lambda f: f.count)
    # What is not finite has no message of its own.
    said = cause.message if cause.kind == "non-finite" else f"{cause.kind}: {cause.message}"
    at = ", ".join(f"{k} = {v:.6g}" for k, v in evaluator.problem.domain.describe(cause.x).items())
    of = sum(f.count for f in causes)
    return f"The most frequent cause ({cause.count:,} of {of:,}, first at {at}): {said.rstrip('.')}."


def missing_outputs(problem: Problem, sample: Sample) -> list[FindingRecord]:
    """A finding where the reference has a value in some outputs only: no error of the others is known there."""
    missing = sample.moments.missing
    if not missing.any():
        return []
    names = problem.output_names(len(missing))
    some = np.flatnonzero(missing)[:5]
    parts = ", ".join(f"{names[j]} ({missing[j]:,})" for j in some)
    more = np.count_nonzero(missing) - len(some)
    points = points_word(sample, is_table(problem))
    fault = "the reference has a value"
    if problem.error.function is not None:  # what it makes of the reference's values is its own
        fault = "the error function or the reference gives a number"
    text = (
        f"At some of the {sample.n:,} {points} {fault} in some outputs only; there is none in {parts}"
        f"{f' and {more} other outputs' if more else ''}. No error of these outputs is known there."
    )
    return [FindingRecord(code="output-without-value", text=text)]


def law_outside(problem: Problem) -> list[FindingRecord]:
    """Points of a law's file that lie outside the domain."""
    law = problem.law
    if law is None or not law.outside:
        return []
    text = (
        f"{law.outside:,} of the {law.given:,} points of the law lie outside the declared domain and were left "
        "out: the averages are over the others."
    )
    return [FindingRecord(code="law-outside", text=text)]


def suspect_words(problem: Problem, rows: Sequence[int]) -> list[FindingRecord]:
    """The finding about suspect labels; none without them."""
    if not rows:
        return []
    shown = ", ".join(str(i) for i in rows[:8]) + (", ..." if len(rows) > 8 else "")
    several = len(rows) > 1
    shown = f"data rows {shown}, most suspicious first" if several else f"data row {shown}"
    labels, disagree, their, them = (
        ("labels", "disagree", "their", "them") if several else ("label", "disagrees", "its", "it")
    )
    return [
        FindingRecord(
            code="suspect-labels",
            text=f"{len(rows):,} {labels} of {len(problem.reference.table[0]):,} {disagree} with both the model and "
            f"{their} neighbours ({shown}): check {them} before the model is blamed.",
            rows=tuple(rows),
        )
    ]
