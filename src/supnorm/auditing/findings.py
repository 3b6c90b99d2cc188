"""What the user should know besides the worst error: points without a value, doubtful labels, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.data_findings import domain_against_data
from supnorm.auditing.infinite import failed_share, infinite_cause, infinite_share, limit_of, points_word
from supnorm.auditing.many_outputs import Outputs
from supnorm.auditing.reproducibility import not_reproducible
from supnorm.auditing.row_findings import numbered, row_failures, rows_left_out
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Evaluator
from supnorm.evaluation.failures import FUNCTION
from supnorm.problem import Problem
from supnorm.results.audit import Finding

FAILED = {"model": "model-failed", "reference": "reference-failed"}
SHOWN = 5  # outputs without a value


def findings(run: Run, outputs: Outputs) -> list[Finding]:
    """What was noticed, each with a code and the values of its sentence."""
    evaluator, problem, sample, compared = run.evaluator, run.problem, run.sample, run.search.compared
    found: list[Finding] = []
    found += law_outside(problem) if compared is None else rows_left_out(evaluator, compared)
    if problem.data is not None:
        found += domain_against_data(problem.domain, np.asarray(problem.data, dtype=float), run.witness)
    found += suspect_labels(problem, run.suspects)
    found += _infinite(run)
    found += not_reproducible(evaluator, outputs)
    found += run.unused
    failed = failures(evaluator, sample)
    if compared is not None:  # a side that was called has failed in its own way
        given = {FAILED[side] for side in FAILED if getattr(problem, side).table is not None}
        failed = [f for f in failed if f.code not in given]
        found += row_failures(problem, sample, compared)
    found += failed
    if not run.search.informative:
        found.append(Finding(code="zero-derivatives"))
    found += missing_outputs(problem, sample)
    if run.recheck_failures:
        why, n = run.recheck_failures[0].rstrip("."), len(run.recheck_failures)
        found.append(Finding.of("recheck-failed", n=n, of=len(run.peaks), why=why))
    if run.recheck_late:
        found.append(Finding.of("recheck-late", n=run.recheck_late, of=len(run.peaks)))
    return found


def _infinite(run: Run) -> list[Finding]:
    """Why the worst error is infinite, unless the model is a table without a value in some rows."""
    problem, witness, compared = run.problem, run.witness, run.search.compared
    given = compared is not None and problem.model.table is not None and len(compared.without["model"]) > 0
    if witness is None or witness.error < np.inf or given:
        return []
    values = infinite_share(problem, run.sample, run.evaluator.worst_finite)
    code = infinite_cause(problem, witness)
    if code == "no-model-value":
        values |= _most_frequent(run.evaluator, "model")
    if code == "infinite-error":
        values["function"] = problem.error.function is not None
    return [Finding.of(code, **values)]


def failures(evaluator: Evaluator, sample: Sample) -> list[Finding]:
    """A finding for each side that failed at points of the domain: on how much of it, and the most frequent cause.

    Not of a model whose missing values count as infinite errors: `infinite_cause` speaks of these.
    """
    found, problem = [], evaluator.problem
    for side, code in FAILED.items():
        causes = [f for f in evaluator.failures.causes.values() if f.where == side]
        if not causes or not evaluator.failures.failed[side]:
            continue
        own = sum(f.kind == FUNCTION for f in causes)
        name = (
            side if not own else "error function" if own == len(causes) else f"{side} or the error function"
        )
        values = failed_share(problem, side, sample) | _most_frequent(evaluator, side)
        values |= limit_of(problem, sample, sample.failed.get(side, 0), sample.drawn)
        found.append(Finding.of(code, name=name, **values))
    return found


def _most_frequent(evaluator: Evaluator, side: str) -> dict[str, Any]:
    """The most frequent cause of points without a value of a side, with the first such point: values for a fact."""
    causes = [f for f in evaluator.failures.causes.values() if f.where == side]
    if not causes:
        return {}
    cause = max(causes, key=lambda f: f.count)
    # What is not finite has no message of its own.
    message = cause.message if cause.kind == "non-finite" else f"{cause.kind}: {cause.message}"
    return {
        "cause": message.rstrip("."),
        "cause_count": cause.count,
        "cause_of": sum(f.count for f in causes),
        "cause_at": evaluator.problem.domain.describe(cause.x),
    }


def missing_outputs(problem: Problem, sample: Sample) -> list[Finding]:
    """A finding where the reference has a value in some outputs only: no error of the others is known there."""
    missing = sample.moments.missing
    if not missing.any():
        return []
    names = problem.output_names(len(missing))
    some = np.flatnonzero(missing)
    return [
        Finding.of(
            "output-without-value",
            n=sample.n,
            points=points_word(sample, is_table(problem), sample.n),
            # What an error function makes of the reference's values is its own.
            function=problem.error.function is not None,
            outputs={names[j]: int(missing[j]) for j in some[:SHOWN]},
            more=max(len(some) - SHOWN, 0),
        )
    ]


def law_outside(problem: Problem) -> list[Finding]:
    """Points of a law's file that lie outside the domain."""
    law = problem.law
    return [] if law is None or not law.outside else [Finding.of("law-outside", n=law.outside, of=law.given)]


def suspect_labels(problem: Problem, rows: Sequence[int]) -> list[Finding]:
    """The finding about suspect labels; none without them."""
    if not rows:
        return []
    values = {"n": len(rows), "of": len(problem.reference.table[0])} | numbered(rows)
    return [Finding(code="suspect-labels", values=values, rows=tuple(rows))]
