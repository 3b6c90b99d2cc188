"""Why the worst error is infinite, on how much of the domain errors are, and what the finite ones are like."""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.statistics import Sample, clopper_pearson_upper
from supnorm.auditing.tally import WholeSample
from supnorm.problem import Problem
from supnorm.results import Witness

ALL = 0.995  # a limit that is printed as 100 % says nothing


def drawn_from(problem: Problem) -> str:
    """What shares of random points are shares of."""
    return "the domain" if problem.law is not None and problem.law.even else "the points that the law draws"


def points_word(sample: Sample, table: bool, n: int = 2) -> str:
    """What the statistics are over: the name of ``n`` of these."""
    s = "" if n == 1 else "s"
    if table:
        return f"row{s}"
    return f"point{s} of the domain" if isinstance(sample, WholeSample) else f"random point{s}"


def failed_share(problem: Problem, side: str, sample: Sample) -> dict[str, Any]:
    """At how many points a side failed: values for a fact; without ``k`` where at none."""
    k, n, table = sample.failed.get(side, 0), sample.drawn, is_table(problem)
    return {"n": n, "points": points_word(sample, table, n)} | ({"k": k, "share": k / n} if k else {})


def limit_of(problem: Problem, sample: Sample, k: int, n: int) -> dict[str, Any]:
    """The upper limit of the share of which ``k`` of ``n`` points are; nothing where they are not random or it is all."""
    share = clopper_pearson_upper(k, n)
    if is_table(problem) or isinstance(sample, WholeSample) or share >= ALL:
        return {}
    return {"at_most": share, "whole": drawn_from(problem)}


def infinite_cause(problem: Problem, witness: Witness) -> str:
    """Why an error is infinite: the code of a finding."""
    if not np.isfinite(witness.model[witness.output]):
        return "no-model-value"
    zero = problem.error.kind == "relative" and witness.reference[witness.output] == 0
    return "zero-reference" if zero else "infinite-error"


def infinite_share(problem: Problem, sample: Sample, worst_finite: float) -> dict[str, Any]:
    """On how much of the domain the error is infinite, and what the finite errors are like: values for a fact."""
    finite, table, n, values = sample.finite(), is_table(problem), sample.n, {}
    if n:
        k = n - finite.n
        values = {"n": n, "infinite": k, "points": points_word(sample, table, n)}
        values |= limit_of(problem, sample, k, n)
    if finite.n:
        values |= {"finite": finite.n, "finite_points": points_word(sample, table, finite.n)}
        values |= {"rms": finite.rms().value, "worst": worst_finite}
    return values
