"""Labels that disagree with both the model and their neighbours: suspects in the table, not in the model.

For each row a plane is fitted to its nearest neighbours (the row itself left out). A label is suspect when it is
far from that plane, measured against how well planes fit there, while the model's value is near it, and when it
stands alone: where some of its neighbours depart from the model as it does, they are one side of a jump or of a
sharp feature that the model has smoothed, and no label is to blame. The rule needs no second reference; it only
points: a label at a true feature that no other row has seen looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.compared import Compared
from supnorm.evaluation import Evaluator
from supnorm.problem import Domain, Problem
from supnorm.results.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LabelCheck(Settings):
    """The rule, as numbers.

    Attributes:
        far: the label's distance from its neighbours' plane, in robust deviations of all such distances.
        nearer: the model must be nearer to the plane than this share of the label's distance.
        alike: a neighbour departs from the model as the label does when both differ by less than this share of the
            label's distance from the plane.
        fellows: so many such neighbours acquit a label; with fewer one wrong label in a hundred acquits others.
        wider: they are looked for among so many times the neighbours of the plane, at most a tenth of all rows: the
            layer beside a jump that a smooth model gets wrong is thin.
        most: rows examined, those with the largest errors first.
        outputs: that are examined, at most.
    """

    # tests/auditing/test_labels.py guards: planted wrong labels are found, and jumps, kinks and noise acquitted.
    far: float = 6.0
    nearer: float = 0.5
    alike: float = 0.5
    fellows: int = 4
    wider: int = 8
    most: int = 500
    outputs: int = 8

    def suspects(self, domain: Domain, x: Array, model: Array, labels: Array) -> NDArray[np.intp]:
        """Indices of suspect rows, the most suspicious first.

        Args:
            x: rows (N, d); ``model`` and ``labels``: values, shape (N, m).
        """
        found: dict[int, float] = {}
        for j in range(min(labels.shape[1], self.outputs)):
            rows, size = self._suspects(domain, x, model[:, j], labels[:, j])
            for row, far in zip(rows.tolist(), size.tolist(), strict=True):
                found[row] = max(far, found.get(row, 0.0))
        return np.array(sorted(found, key=lambda row: -found[row]), dtype=np.intp)

    def _suspects(
        self, domain: Domain, x: Array, model: Array, labels: Array
    ) -> tuple[NDArray[np.intp], Array]:
        """Suspect rows of one output, and how far their labels are, in usual deviations."""
        from scipy.spatial import cKDTree

        n, d = x.shape
        k = 2 * d + 4
        if n < 3 * k:
            return np.empty(0, dtype=np.intp), np.empty(0)
        u = domain.to_unit(x)
        tree = cKDTree(u)
        order = np.argsort(-np.abs(model - labels), kind="stable")
        worst = order[: self.most]
        rest = order[self.most :]
        usual = (
            rest[np.linspace(0, len(rest) - 1, min(self.most, len(rest))).astype(int)] if len(rest) else worst
        )
        gap = labels[worst] - _planes(u, labels, worst, tree, k)
        typical = np.abs(labels[usual] - _planes(u, labels, usual, tree, k))
        deviation = 1.4826 * float(np.median(typical)) + 1e-9 * float(np.ptp(labels)) + 1e-300
        of_model = model[worst] - (labels[worst] - gap)
        wrong = (np.abs(gap) > self.far * deviation) & (np.abs(of_model) < self.nearer * np.abs(gap))
        rows, gap = worst[wrong], gap[wrong]
        near = tree.query(u[rows], k=max(k, min(self.wider * k, n // 10)) + 1)[1]
        alone = self._fellows(labels - model, near, rows, gap) < self.fellows
        return rows[alone], np.abs(gap[alone]) / deviation

    def _fellows(
        self, departure: Array, near: NDArray[np.intp], rows: NDArray[np.intp], gap: Array
    ) -> NDArray[np.intp]:
        """How many neighbours of each row depart from the model as its label does."""
        with np.errstate(invalid="ignore"):
            alike = np.abs(departure[near] - departure[rows, None]) < self.alike * np.abs(gap)[:, None]
        return np.asarray(np.sum(alike & (near != rows[:, None]), axis=1))


def suspect_rows(evaluator: Evaluator, compared: Compared | None = None) -> NDArray[np.intp]:
    """Rows of the reference's table whose labels disagree with both the model and their neighbours.

    In any output, where the error counts; the most suspicious first. Rows without a value of the model are left out.
    Empty where the reference is no table, or the model is one too.

    Args:
        compared: the rows that the model has been called at already.
    """
    problem: Problem = evaluator.problem
    none = np.empty(0, dtype=np.intp)
    if problem.reference.table is None or problem.model.table is not None:
        return none
    x, labels = problem.reference.table
    inside = np.flatnonzero(problem.domain.contains(x) & np.isfinite(labels).all(axis=1))
    if not len(inside):
        return none
    if compared is None:
        model, _ = evaluator.model.values(x[inside], "statistics")
    else:
        known = np.full((len(x), labels.shape[1]), np.nan)
        if compared.called[1] is not None and compared.called[1].shape[1] == labels.shape[1]:
            known[compared.called[0]] = compared.called[1]
        model = known[inside]
    valued = np.isfinite(model).all(axis=1)
    if not valued.any():  # a model that failed everywhere does not even know how many outputs it has
        return none
    inside, model = inside[valued], model[valued]
    x, labels = x[inside], labels[inside]
    rows = LabelCheck().suspects(problem.domain, x, model, labels)
    return inside[rows[problem.error.counts(x[rows], labels[rows])]] if len(rows) else none


def _planes(u: Array, y: Array, rows: NDArray[np.intp], tree: object, k: int) -> Array:
    """Value at each row of the plane through its ``k`` nearest neighbours, robust to one wrong neighbour."""
    _, index = tree.query(u[rows], k=k + 1)  # type: ignore[attr-defined]
    values = np.empty(len(rows))
    for i, (row, near) in enumerate(zip(rows, index, strict=True)):
        near = near[near != row][:k]
        design = np.concatenate([np.ones((len(near), 1)), u[near] - u[row]], axis=1)
        first = np.linalg.lstsq(design, y[near], rcond=None)[0]
        residual = np.abs(design @ first - y[near])
        kept = residual.argsort()[: max(u.shape[1] + 2, len(near) - 2)]
        values[i] = np.linalg.lstsq(design[kept], y[near][kept], rcond=None)[0][0]
    return values
