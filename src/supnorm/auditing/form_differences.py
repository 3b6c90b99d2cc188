"""The largest difference between any two forms of one model, by a search for each pair.

Each pair is searched like a model and its reference, with the absolute error. Then all forms are evaluated at the worst
points of all searches, also those against the reference, because a pair may differ more where another one was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.audit import audit
from supnorm.problem import ErrorMeasure, Function, Problem
from supnorm.results.compare import DifferenceRecord

Array = NDArray[np.float64]


def differences(
    problem: Problem, forms: Sequence[tuple[str, Function]], points: Sequence[Array], **options: Any
) -> list[DifferenceRecord]:
    """Each pair of forms, the pair that differs most first; values that only one form has come before all others.

    Args:
        problem: with the domain.
        forms: names and functions, at least two.
        points: further points of the domain, ``(d,)`` each, at which all forms are compared.
        options: of the audits, such as ``seed`` and ``evaluations``.
    """
    searched = [
        audit(
            Problem(second[1], first[1], problem.domain, error=ErrorMeasure(), law=problem.law),
            pictures=None,
            **options,
        ).record
        for first, second in combinations(forms, 2)
    ]
    found = [w.x for record in searched if (w := record.witness) is not None]
    names = problem.domain.names
    every = [*points, *(np.array([x[name] for name in names]) for x in found)]
    x = np.array(every).reshape(-1, problem.domain.d)
    values = [function(x) if len(x) else np.empty((0, 1)) for _, function in forms]
    rows = []
    for (i, j), record in zip(combinations(range(len(forms)), 2), searched, strict=True):
        made = record.evaluations
        n = len(x) + made.search + made.statistics + made.pictures
        rows.append(_row(problem, x, (forms[i][0], values[i]), (forms[j][0], values[j]), n))
    return sorted(rows, key=lambda row: -np.nan_to_num(row.worst, nan=-1.0, posinf=np.inf))


def _row(
    problem: Problem, x: Array, first: tuple[str, Array], second: tuple[str, Array], n: int
) -> DifferenceRecord:
    a, b = first[1], second[1]
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b)
    both = np.isfinite(a) & np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    gap = np.where(both, gap, np.where(same, 0.0, np.inf))
    row, k = np.unravel_index(int(gap.argmax()), gap.shape) if gap.size else (0, 0)
    known = bool(gap.size)
    return DifferenceRecord(
        first=first[0],
        second=second[0],
        worst=float(gap[row, k]) if known else np.nan,
        output=problem.output_names(a.shape[1])[k],
        first_value=float(a[row, k]) if known else np.nan,
        second_value=float(b[row, k]) if known else np.nan,
        at=dict(zip(problem.domain.names, x[row].tolist(), strict=True)) if known else {},
        evaluations=n,
    )


def with_form(problem: Problem, function: Function) -> Problem:
    """The problem with another form of its model."""
    return replace(
        problem, model=replace(function, outputs=problem.model.outputs, inputs=problem.model.inputs)
    )
