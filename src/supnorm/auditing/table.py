"""Statistics of a table of computed pairs: there is no search, and the report says so.

Where model or reference is a table, only its rows can be compared. The worst row is a witness like any other;
what lies between the rows is unknown. With a ``[recheck]`` reference the worst rows are tested against it, so
that wrong labels come out as reference faults and not as errors of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.joint import with_output
from supnorm.auditing.places import PLACES, Place, where_in
from supnorm.auditing.search import SearchState
from supnorm.auditing.statistics import NORMS, Moments, Sample
from supnorm.auditing.thinning import thin
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, Witness

Array = NDArray[np.float64]
CLOSE = 1e-6  # rows nearer than this in the unit box are one place


def is_table(problem: Problem) -> bool:
    """Whether model or reference is a table of computed values."""
    return any(f is not None and f.table is not None for f in (problem.model, problem.reference))


def rows_name(problem: Problem) -> str:
    """What the averages of a table are over, whatever law the problem names."""
    tables = [f for f in (problem.reference, problem.model) if f is not None and f.table is not None]
    return f"rows of {tables[0].name or 'the table'}"


def table_points(problem: Problem) -> tuple[Array, Array | None]:
    """The rows to compare, shape ``(N, d)``: those that both tables hold and that lie in the domain; their labels.

    Labels (N, m) only where the reference alone is a table: rows with the same inputs may have different ones.

    Raises:
        BadInput: when no row is left.
    """
    points = common_rows(problem)
    kept = problem.domain.contains(points)
    if not kept.any():
        raise BadInput(f"none of the {len(points)} rows of the table lies in the domain")
    alone = problem.reference.table is not None and problem.model.table is None
    return points[kept], problem.reference.table[1][kept] if alone else None


def common_rows(problem: Problem) -> Array:
    """The rows of the table, those that both hold where there are two, shape ``(N, d)``.

    Raises:
        BadInput: when two tables have none in common.
    """
    tables = [f.table[0] for f in (problem.model, problem.reference) if f.table is not None]
    points: Array = tables[0]
    if len(tables) == 2:
        rows = {row.tobytes() for row in tables[1]}
        points = points[[row.tobytes() in rows for row in points]]
        if not len(points):
            raise BadInput("the tables of model and reference have no row of inputs in common")
    return points


def row_of(table: tuple[Array, Array], x: Array, values: Array) -> int | None:
    """The row of a table with inputs ``x`` (d,), of several the first with these ``values`` (m,); None without one."""
    same = np.flatnonzero(np.all(table[0] == x, axis=1))
    exact = (
        same[[np.array_equal(table[1][i], values, equal_nan=True) for i in same]] if len(same) > 1 else same
    )
    return int((exact if len(exact) else same)[0]) if len(same) else None


def table_statistics(
    evaluator: Evaluator, norms: Sequence[float] = NORMS
) -> tuple[Sample, SearchState, list[Place]]:
    """Every row once: the sample, and the worst rows as places."""
    problem: Problem = evaluator.problem
    points, labels = table_points(problem)
    d = problem.domain.d
    state = SearchState.empty(d)
    errors, kept, moments = [], [], Moments(norms)
    for i in range(0, len(points), 8192):
        rows = slice(i, i + 8192)
        if labels is None:
            done = evaluator.values_inside(points[rows], "statistics")
        else:
            done = evaluator.landed(points[rows], labels[rows], {}, "statistics")
        ok = done.status == PointStatus.OK
        errors.append(done.error[ok])
        moments.add(problem.error.in_units(done.model[ok], done.reference[ok], done.x[ok]))
        u = problem.domain.to_unit(done.x)
        state.pool.add(u, done.score)
        top = np.argsort(-done.score, kind="stable")[: 4 * PLACES]
        kept += [
            (float(done.score[k]), Place(u[k], _witness(done, int(k), u[k], problem.domain), np.full(d, 0.1)))
            for k in top
            if ok[k]
        ]
    kept.sort(key=lambda pair: -pair[0])
    sample = Sample(np.concatenate(errors), rows_name(problem), len(points), moments, dict(evaluator.failed))
    if not kept:
        return sample, state, []
    chosen = thin(np.stack([p.u for _, p in kept]), np.array([s for s, _ in kept]), CLOSE, PLACES)
    places = [kept[i][1] for i in chosen]
    return sample, state, [replace(p, witness=with_output(problem.error, p.witness)) for p in places]


def _witness(done: Evaluations, k: int, u: Array, domain: Domain) -> Witness:
    return Witness(
        done.x[k],
        done.model[k],
        done.reference[k],
        float(done.error[k]),
        int(done.output[k]),
        tags=(where_in(domain, u, done.x[k]),),
    )
