"""Points of one run, evaluated by the model of the other.

The reference's values there are stored in the run that has the points, so no reference has to be called; a reference that
is cheap is called all the same, because another reference would make every error here a wrong one: at these points, and in
all rows of a table where the hashes of both runs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import EXPENSIVE
from supnorm.evaluation.guarded import ALLOWED, guarded
from supnorm.gates.other_rows import OtherRows
from supnorm.problem import Function, Problem
from supnorm.problem.fingerprint import fingerprint
from supnorm.results import BadInput, Witness
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.printable import one_line
from supnorm.sources import open_problem

Array = NDArray[np.float64]
# Relative. `replay` calls two errors the same up to this; a batch in float32 changes 4e-7 (evaluation/guarded.py).
SAME = 1e-6
ROOM = 10.0  # times `ALLOWED`: both references are called here and now, with equal batches
BATCH = 8192  # rows of a call, as in an audit of a table
WORDS = ("expensive", "expensive-both")  # of `cost.class` for an expensive reference


@dataclass(frozen=True)
class Opened:
    """The problem of a run as it is now, if it is still that of the run.

    Attributes:
        problem: None where it cannot be used.
        why: the reason; empty with a problem.
    """

    problem: Problem | None
    why: str = ""


def opened(folder: Path, record: AuditRecord, trust: bool) -> Opened:
    """Open the problem file of a run; its model is used only if it is the one that the run evaluated.

    A file that was changed since would pass for the old model. So the fingerprint must be that of the record, and the
    model must give the run's own worst error again.
    """
    path = folder / "problem.toml"
    if not path.exists():
        return Opened(None, f"{path} does not exist")
    try:
        problem = open_problem(path, trust=trust)
        if problem.model is None:
            return Opened(None, f"{path} has no [model]")
        if fingerprint(problem) != record.fingerprint:
            return Opened(None, f"files of {path} have changed since the run")
        if record.witness is not None:
            again = errors_at(problem, record, [record.witness])[0]
            if not same_error(again, record.witness.error, record.sup.rounding):
                return Opened(None, f"the model of {path} does not give the run's own worst error again")
    except BadInput as why:
        return Opened(None, one_line(str(why), 200))
    return Opened(problem)


def same_error(a: float, b: float, rounding: float = 0.0) -> bool:
    """Whether two errors are the same up to what a batch changes.

    >>> same_error(0.5, 0.5 + 1e-8), same_error(0.5, 0.501), same_error(float("inf"), float("inf"))
    (True, False, True)
    """
    room = rounding if np.isfinite(rounding) else 0.0
    return a == b or bool(np.isclose(a, b, rtol=SAME, atol=room, equal_nan=True))


def errors_at(problem: Problem, of: AuditRecord, points: Sequence[PeakRecord]) -> list[float]:
    """Errors of the problem's model at points of a run, by the reference's values that this run stores.

    Args:
        problem: has the model.
        of: the run that has the points.
        points: some of its witness and peaks.

    Returns:
        One error for each point; NaN where it is not known.

    Raises:
        BadInput: where the model returns other outputs than the run has.
    """
    return [witness.error for witness in witnesses_at(problem, of, points)]


def witnesses_at(problem: Problem, of: AuditRecord, points: Sequence[PeakRecord]) -> list[Witness]:
    """The same with the values of both sides; the arguments are those of `errors_at`.

    Raises:
        BadInput: where the model returns other outputs than the run has.
    """
    if not points:
        return []
    assert problem.model is not None
    x = inputs_of(of, points)
    reference = np.array([point.reference for point in points], dtype=float)
    model = _values(problem, problem.model, 0, x, points, reference.shape[1])
    errors, outputs = problem.error(model, reference, x)
    return [
        Witness(
            x=x[i],
            model=model[i],
            reference=reference[i],
            error=float("nan") if _absent(problem, point, x[i]) else float(errors[i]),
            output=int(outputs[i]),
            row=point.row,
        )
        for i, point in enumerate(points)
    ]


def demand_same_question(
    problem: Problem, other: AuditRecord, points: Sequence[PeakRecord], call: bool
) -> None:
    """Check that points of the other run lie in the domain of a problem, and that it counts the worst error as that run did.

    Args:
        problem: of this run.
        other: the other run.
        points: some of its witness and peaks, the witness first.
        call: whether the reference of the problem may be called at these points.

    Raises:
        BadInput: where domain, error measure or reference differ.
    """
    x = inputs_of(other, points)
    if problem.pairs is None and not (inside := problem.domain.contains(x)).all():
        outside = dict(points[int(np.argmin(inside))].x)
        raise BadInput(
            f"the domains differ: {one_line(str(outside), 200)} is a point of one run and outside the domain of the other; "
            "compare-runs needs the same domain"
        )
    point = points[0]
    model, reference = (np.array([values], dtype=float) for values in (point.model, point.reference))
    error, _ = problem.error(model, reference, x[:1])
    if not same_error(float(error[0]), point.error, other.sup.rounding):
        raise BadInput(
            f"the runs count errors differently: {point.error!r} in one is {float(error[0])!r} in the other, for the same "
            "values; compare-runs needs the same [error]"
        )
    if call:
        _demand_same_reference(
            problem, other, [p for i, p in enumerate(points) if not _absent(problem, p, x[i])]
        )


def _demand_same_reference(problem: Problem, other: AuditRecord, points: Sequence[PeakRecord]) -> None:
    """Call the reference at points of the other run: it must give the errors that this run has there.

    Raises:
        BadInput: naming the first point where it does not.
    """
    if not points:
        return
    x = inputs_of(other, points)
    model, stored = (
        np.array([getattr(point, side) for point in points], dtype=float) for side in ("model", "reference")
    )
    now = _values(problem, problem.reference, 1, x, points, stored.shape[1])
    errors, _ = problem.error(model, now, x)
    room = [other.sup.rounding, SAME * other.sup.lower]  # what is far below the worst error decides nothing
    for i, (point, error) in enumerate(zip(points, errors.tolist(), strict=True)):
        if not same_error(error, point.error, max(v if np.isfinite(v) else 0.0 for v in room)):
            raise BadInput(
                f"the references differ: {one_line(str(stored[i].tolist()), 80)} in one run and "
                f"{one_line(str(now[i].tolist()), 80)} in the other at {one_line(str(dict(point.x)), 120)}; repeat one of "
                "the audits with the reference of the other"
            )


def demand_same_rows(old: Opened, new: Opened, hash_old: str, hash_new: str, call: bool) -> bool:
    """Check that two tables have the same inputs and the same reference in every row.

    Args:
        old, new: the problems of both runs.
        hash_old, hash_new: hashes of the rows in the results, which decide where a table cannot be opened again; empty in
            results of older versions.
        call: whether a reference that is no table may be called: in every row of the domain.

    Returns:
        Whether the references were compared; False where one of them would have to be called and may not be.

    Raises:
        BadInput: naming the first row that differs; and for tables of which it is not known.
    """
    if hash_old and hash_old == hash_new:
        return True
    one, other = old.problem, new.problem
    if one is None or other is None or one.pairs is None or other.pairs is None:
        if hash_old and hash_new:
            raise BadInput(
                "the tables of both runs have other rows: other inputs, other truths or another order; compare-runs needs "
                f"the same rows. Which row differs is not known: {old.why or new.why}"
            )
        raise BadInput(
            f"the rows of both tables cannot be compared: {old.why or new.why}; keep the tables of both runs, or repeat "
            "both audits: their results then say which rows were compared"
        )
    row = one.pairs.row
    _demand_equal(one.pairs.x, other.pairs.x, row, 0.0)
    if one.pairs.reference is not None and other.pairs.reference is not None:
        _demand_equal(one.pairs.reference, other.pairs.reference, row, 0.0)
        return True
    if not call:
        return False
    inside = one.pairs.inside(one.domain)
    if not np.array_equal(inside, other.pairs.inside(other.domain)):
        raise BadInput(
            "the domains differ: other rows of the table lie in them; compare-runs needs the same domain"
        )
    precision = max(ALLOWED.get(side.reference.precision, ALLOWED["float32"]) for side in (one, other))
    chosen = np.flatnonzero(inside)
    for i in range(0, len(chosen), BATCH):
        part = chosen[i : i + BATCH]
        _demand_equal(_references(one, part), _references(other, part), row[part], ROOM * precision)
    return True


def _references(problem: Problem, part: NDArray[np.intp]) -> Array:
    """The references of some pairs: those of the table, or those that a call gives."""
    assert problem.pairs is not None
    if problem.pairs.reference is not None:
        return problem.pairs.reference[part]
    return guarded(problem.reference.value, problem.pairs.x[part], None)[0]


def _demand_equal(one: Array, other: Array, row: NDArray[np.intp], allowed: float) -> None:
    """Check that the numbers of all rows are equal, up to ``allowed`` of their size; NaN equals itself alone.

    Raises:
        BadInput: naming the first row that differs.
    """
    if one.shape != other.shape:
        raise BadInput(
            f"the rows differ: {one.shape} numbers in one table and {other.shape} in the other; compare-runs needs the "
            "same rows"
        )
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= allowed * np.abs(one)
    differ = ~((one == other) | near | (np.isnan(one) & np.isnan(other))).all(axis=1)
    if differ.any():
        first = int(np.argmax(differ))
        both = " and ".join(one_line(str(values[first].tolist()), 80) for values in (one, other))
        mostly = int(differ.sum()) > len(differ) // 2  # two months, and not one table with an edited row
        raise (OtherRows if mostly else BadInput)(
            f"row {int(row[first]) + 1} has other inputs or another reference in the other run: {both}; compare-runs "
            "needs the same rows"
        )


def inputs_of(record: AuditRecord, points: Sequence[PeakRecord]) -> Array:
    """The points as an array ``(n, d)``, in the order of the axes."""
    return np.array([[point.x[axis.name] for axis in record.axes] for point in points], dtype=float)


def is_expensive(record: AuditRecord) -> bool:
    """Whether calls of the run's reference are expensive; the rows of a table say it by the time that they took."""
    if record.cost is None:
        return record.seconds_per_point.reference > EXPENSIVE
    return record.cost.class_ in WORDS


def _values(
    problem: Problem, function: Function, side: int, x: Array, points: Sequence[PeakRecord], outputs: int
) -> Array:
    """Values of a side (0: model, 1: reference) at points: those of its table's rows, or those of a call."""
    pairs = problem.pairs
    stored = None if pairs is None else (pairs.model, pairs.reference)[side]
    if pairs is None or stored is None:
        return guarded(function.value, x, outputs)[0]
    values = np.full((len(x), outputs), np.nan)
    for i, point in enumerate(points):
        if not _absent(problem, point, x[i]):
            values[i] = stored[_pair(problem, point)[0]]
    return values


def _pair(problem: Problem, point: PeakRecord) -> NDArray[np.intp]:
    """The pairs that have the row of a point; none without a table."""
    assert problem.pairs is not None
    return np.flatnonzero(problem.pairs.row + 1 == (point.row or 0))


def _absent(problem: Problem, point: PeakRecord, x: Array) -> bool:
    """Whether a table is compared that has no such row any more, or other inputs in it."""
    if problem.pairs is None:
        return False
    at = _pair(problem, point)
    return not len(at) or not np.array_equal(problem.pairs.x[at[0]], x, equal_nan=True)
