"""Repair where a fixed table is the only truth: train on some of its rows, judge by the others.

The reference cannot be called, so there are no searches and no points between the rows. Seven tenths of the rows are trained
on; the worst of them count more in each round. The verdict is from the rows that were held out: both models are compared at
each of them. It says nothing of inputs that no row has. Whether the old model was trained on these rows is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport, audit
from supnorm.evaluation.guarded import values_of
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.task import Task, Wrong
from supnorm.mending.verdict import Compared, Harm, Verdict, against, harm_allowed
from supnorm.problem import Function, Problem
from supnorm.results import BadInput
from supnorm.results.powers import rms

Array = NDArray[np.float64]
HELD = 0.3  # of the different points of a table
FEWEST = 50  # rows that are held out at least: the largest of fewer errors says little
WORST = 1000  # rows that a round may count again


@dataclass(frozen=True, eq=False)
class Split:
    """Rows ``x (n, d)``, ``y (n, m)`` that are trained on, and those that are held out as a problem of their own."""

    x: Array
    y: Array
    judging: Problem
    held: int


def split(problem: Problem, seed: int) -> Split:
    """Divide the rows of the reference; rows with the same inputs stay together.

    Raises:
        BadInput: when too few rows have a value in the domain.
    """
    assert problem.reference.table is not None
    x, y = problem.reference.table
    inside = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[inside], y[inside]
    inside = problem.domain.contains(x)
    x, y = x[inside], y[inside]
    _, group = np.unique(x, axis=0, return_inverse=True)
    number = int(group.max(initial=-1)) + 1
    chosen = np.random.default_rng([seed, 9]).permutation(number)[: int(HELD * number)]
    held = np.isin(group.ravel(), chosen)
    if held.sum() < FEWEST:
        raise BadInput(
            f"the table has {len(x)} rows with values in the domain: a repair holds {HELD:.0%} of them out, and needs "
            f"{FEWEST} of those at least"
        )
    old = problem.reference
    table = Function(
        table=(x[held], y[held]), name=old.name, outputs=old.outputs, output_units=old.output_units
    )
    judging = replace(problem, reference=table, law=None, data=None)
    return Split(x[~held], y[~held], judging, int(held.sum()))


@dataclass(eq=False, kw_only=True)
class RowsTask(Task):
    """A repair whose reference is a table.

    Attributes:
        split: the rows.
    """

    split: Split

    @property
    def anywhere(self) -> bool:
        """Never: the reference is known at its rows only."""
        return False

    @property
    def spent(self) -> int:
        """A table is not called."""
        return 0

    def search(self, function: Function, evaluations: int) -> Wrong:
        """The worst rows among those that are trained on."""
        wrong = wrong_rows(self.problem, function, self.split)
        self.peaks = wrong.taken(list(range(min(len(wrong), 20))))
        return wrong

    def seen(self, function: Function) -> float:
        """The largest error at the rows that were trained on."""
        return float(np.nanmax(self.errors(function, self.split.x, self.split.y), initial=0.0))


def wrong_rows(problem: Problem, function: Function, rows: Split) -> Wrong:
    """The worst rows that are trained on, the worst first."""
    with np.errstate(all="ignore"):
        error = problem.error(values_of(function, rows.x, rows.y.shape[1]), rows.y, rows.x)[0]
    order = np.argsort(-np.where(np.isfinite(error), error, -np.inf), kind="stable")[:WORST]
    return Wrong(rows.x[order], rows.y[order], error[order])


def judge_rows(task: RowsTask, mended: Function) -> Verdict:
    """Compare both models at each row that was held out."""
    with INTERRUPTS.handed_on():
        after: AuditReport = audit(replace(task.split.judging, model=mended), seed=task.seed)
    assert task.split.judging.reference.table is not None
    x, y = task.split.judging.reference.table
    before, now = task.errors(task.problem.model, x, y), task.errors(mended, x, y)
    known = ~np.isnan(before) & ~np.isnan(now)
    x, before, now = x[known], before[known], now[known]
    with np.errstate(invalid="ignore"):
        grown = np.where(np.isnan(now - before), 0.0, now - before)
    k = int(np.argmax(grown))
    compared = Compared(len(x), float(rms(before)), float(rms(now)), int(np.sum(now > before)))
    harm = Harm(x[k], float(before[k]), float(now[k]), len(x))
    worst = float(now.max())
    return Verdict(
        after, worst, harm, compared, tuple(against(task, worst, harm, compared)), harm_allowed(task)
    )
