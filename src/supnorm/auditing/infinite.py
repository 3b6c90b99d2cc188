"""Why the worst error is infinite, on how much of the domain errors are, and what the finite ones are like."""

from __future__ import annotations

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.statistics import Sample, clopper_pearson_upper
from supnorm.auditing.tally import WholeSample
from supnorm.problem import Problem
from supnorm.results import Witness
from supnorm.results.numbers import ErrorUnit, percent, pretty_unit

RANDOM = "random points"


def error_unit(problem: Problem) -> str:
    """Unit of the error: that of the outputs where they share one and the error is absolute; else empty."""
    error = problem.error
    if error.kind != "absolute" or error.per_output:
        return ""
    known = [f.output_units for f in (problem.reference, problem.model) if f is not None and f.output_units]
    units = set(known[0]) if known else set()
    return str(units.pop()) if len(units) == 1 else ""


def drawn_from(problem: Problem) -> str:
    """What shares of random points are shares of."""
    return "the domain" if problem.law is not None and problem.law.even else "the points that the law draws"


def points_word(sample: Sample, table: bool) -> str:
    """What the statistics are over."""
    return "rows" if table else "points of the domain" if isinstance(sample, WholeSample) else RANDOM


def failed_share(side: str, sample: Sample, points: str) -> str:
    """At how many of the ``points`` (`points_word`) a side failed, in words."""
    k, n = sample.failed.get(side, 0), sample.drawn
    return (
        f"{k:,} of {n:,} {points} ({percent(k / n)})"
        if k
        else f"some of the points evaluated, though at none of the {n:,} {points}"
    )


def infinite_cause(problem: Problem, witness: Witness) -> tuple[str, str]:
    """Why an error is infinite: a code, and words."""
    if not np.isfinite(witness.model[witness.output]):
        text = "The model has no value at points where the reference has one: that is an infinite error."
        return "no-model-value", text
    if problem.error.kind == "relative" and witness.reference[witness.output] == 0:
        text = (
            "The reference is 0 at a point where the model is not: without a floor the relative error is infinite there. "
            "Give floor = the size of the reference below which the error is to count as absolute."
        )
        return "zero-reference", text
    cause = "The error function gives an infinite error"
    if problem.error.function is None:
        cause = "The error is larger than any number of double precision"
    return "infinite-error", f"{cause} at a point where both values are finite."


def limit_of(problem: Problem, points: str, what: str, k: int, n: int) -> str:
    """The upper limit of the share of which ``k`` of ``n`` random points are; empty for others, and where it is all."""
    share = clopper_pearson_upper(k, n)
    if points != RANDOM or share >= 1:
        return ""
    return f": with 95 % confidence {what} at most {percent(share)} of {drawn_from(problem)}"


def infinite_share(problem: Problem, sample: Sample, worst_finite: float) -> str:
    """On how much of the domain the error is infinite, and what the finite errors are like."""
    finite = sample.finite()
    k, n = sample.n - finite.n, sample.n
    points = points_word(sample, is_table(problem))
    size = ErrorUnit(problem.error.kind, pretty_unit(error_unit(problem)), problem.error.per_output)
    text = ""
    if n:
        most = limit_of(problem, points, "it is on", k, n)
        text = f"The error is infinite at {k:,} of {n:,} {points}{most}."
    if finite.n:
        one = points.replace("points", "point").replace("rows", "row") if finite.n == 1 else points
        text += f" Where it is finite its RMS over {finite.n:,} {one} is {size(finite.rms().value)}"
        text += f", and the largest one found is {size(worst_finite)}."
    return text
