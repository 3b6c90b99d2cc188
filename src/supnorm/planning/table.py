"""The budget of a table of computed values. Nothing can be called, so few tests are possible; notes name what stays unknown.

Scattered points show the range, the steepest slope between neighbours, min(order, 1) at typical points, and the intrinsic
dimension of the inputs. They do not show smoothness above 1 or interactions. A learning curve trains on parts of the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.active import ActiveSubspace
from supnorm.planning.profile.dimension import intrinsic_dimension
from supnorm.planning.profile.hazards import Hazards
from supnorm.planning.profile.measured import Profile
from supnorm.planning.profile.scattered import difference_order
from supnorm.planning.question import Plan, absolute_tolerances, output_index, refuse_zero, relative_notes
from supnorm.problem import Domain, Problem
from supnorm.problem.masked import plain_numbers
from supnorm.results import BadInput
from supnorm.wording import Fact, Value, fact

Array = NDArray[np.float64]
LEAST = 20  # rows: with fewer, half of the table is too small for three training sizes


@dataclass(frozen=True)
class Table:
    """A table in the unit cube, with its question.

    Attributes:
        x, y: shapes ``(N, d)`` and ``(N,)``.
        domain: the domain that the unit cube stands for.
        question: tolerance and norm.
        largest_difference: the largest difference between values of rows with equal inputs.
    """

    x: Array
    y: Array
    domain: Domain
    question: Plan
    largest_difference: float = 0.0

    @property
    def contradiction(self) -> Fact | None:
        """Why no function of these inputs can meet the tolerance in the sup norm; None if the rows do not exclude it."""
        difference = self.largest_difference
        if self.question.p != math.inf or not difference > 2 * self.question.eps:
            return None
        return fact("contradiction", difference=difference, half=difference / 2)

    @property
    def metric(self) -> str:
        """The kind of error that a learning curve measures."""
        return self.question.metric


def table_of(
    what: Problem | Callable[..., Any] | tuple[Array, Array],
    domain: Domain | None,
    tolerance: float | None,
    p: float,
    output: int | str | None,
) -> Table | None:
    """The table of a pair of arrays, or of a problem whose reference is one; None for functions."""
    if isinstance(what, tuple):
        return read_table(what, domain, tolerance, p)
    if isinstance(what, Problem) and what.reference.table is not None:
        return table_of_problem(what, tolerance, p, output)
    return None


def read_table(
    table: tuple[Array, Array],
    domain: Domain | None,
    tolerance: float | None,
    p: float,
    left_out: int = 0,
    output: str = "y",
    title: str = "table",
    notes: tuple[Fact, ...] = (),
) -> Table:
    """Check a pair of arrays and map it to the unit cube; a note states ``left_out``, the number of rows without a value.

    Raises:
        BadInput: for shapes that do not fit, missing values, fewer than 20 rows or no tolerance.
    """
    if len(table) != 2:
        raise BadInput(f"a table is a pair (x, y), got {len(table)} parts")
    try:
        x, y = (plain_numbers(part) for part in table)
    except (TypeError, ValueError) as error:
        raise BadInput(f"a table is a pair (x, y) of arrays of numbers: {error}") from None
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.ndim != 2 or y.shape != (len(x),) or len(x) < LEAST:
        raise BadInput(
            f"a table needs x of shape (N, d) and y of shape (N,), N >= {LEAST}, got {x.shape}, {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise BadInput("the table must be finite; remove rows with NaN or infinity")
    if tolerance is None or not tolerance > 0:
        raise BadInput(f"budget needs a positive tolerance, got {tolerance}")
    box = domain or Domain.from_samples(x)
    if box.d != x.shape[1]:
        raise BadInput(f"the domain has {box.d} inputs and the table {x.shape[1]}")
    missing: dict[str, Value] = {"left_out": left_out} if left_out else {}
    again, difference = repeated(x, y)
    if again:
        values: dict[str, Value] = {"difference": difference} if difference > 0 else {}
        notes = (fact("repeated-rows", rows=again, **values), *notes)
    notes = (fact("table", rows=len(x), **missing), *notes)
    plan = Plan(eps=float(tolerance), p=p, output=output, notes=notes, title=title, law="the rows")
    return Table(box.to_unit(x), y, box, plan, difference)


def repeated(x: Array, y: Array) -> tuple[int, float]:
    """The number of rows that repeat inputs (n, d) of others, and the largest difference of values (n,) at equal inputs.

    >>> repeated(np.array([[1.0], [2.0], [1.0]]), np.array([5.0, 6.0, 5.5]))
    (1, 0.5)
    """
    unique, group = np.unique(x, axis=0, return_inverse=True)
    group = group.reshape(-1)
    low, high = np.full(len(unique), np.inf), np.full(len(unique), -np.inf)
    np.minimum.at(low, group, y)
    np.maximum.at(high, group, y)
    return len(x) - len(unique), float((high - low).max())


def table_of_problem(problem: Problem, tolerance: float | None, p: float, output: int | str | None) -> Table:
    """The rows that have a value of one output, with an absolute tolerance.

    Raises:
        BadInput: for several outputs of which none was named, fewer than 20 rows with a value, or a tolerance that
        cannot be converted.
    """
    assert problem.reference.table is not None
    x, values = problem.reference.table
    names = problem.reference.outputs or tuple(f"output {i + 1}" for i in range(values.shape[1]))
    if output is None and len(names) > 1:
        raise BadInput(f"a budget of a table is for one output: give --output, one of {', '.join(names)}")
    index = output_index(output or 0, names)
    known = np.isfinite(values[:, index])
    if known.sum() < LEAST:
        raise BadInput(
            f"a budget of a table needs at least {LEAST} rows with a value of {names[index]}, got {known.sum()} of "
            f"{len(known)}"
        )
    limit: float | None = None
    notes: tuple[Fact, ...] = ()
    if tolerance is not None or problem.error.tolerance is not None:
        y = values[known]
        limit = float(absolute_tolerances(problem, tolerance, y)[index])
        refuse_zero(limit, names, index)
        if problem.error.kind == "relative":
            notes = tuple(relative_notes(problem, y, index, "relative-at-row"))
    return read_table(
        (x[known], values[known, index]),
        problem.domain,
        limit,
        p,
        left_out=int((~known).sum()),
        output=names[index],
        title=problem.title or problem.reference.name,
        notes=notes,
    )


def table_profile(table: Table, rng: np.random.Generator) -> Profile:
    """The profile that the rows show."""
    x, y = table.x, table.y
    d, order = x.shape[1], difference_order(x, y)
    left_out = [fact("no-smoothness"), fact("no-calls")]
    if not math.isnan(order):
        left_out.append(fact("typical-order", order=order))
    dimension = None
    if len(np.unique(x, axis=0)) >= 100:
        dimension = intrinsic_dimension(x, rng)
    else:
        left_out.append(fact("no-dimension"))
    slope = ActiveSubspace(np.zeros(d), np.eye(d), 0.0, steepest(x, y), len(x))
    half = 0.5 * float(np.ptp(y)) or 1.0
    hazards = Hazards(len(x), 0, None, 1.0, None, float(np.abs(y).max()))
    return Profile(
        d=d,
        names=table.domain.names,
        half_range=half,
        noise=0.0,
        hazards=hazards,
        lines=(),
        active=slope,
        dimension=dimension,
        left_out=tuple(left_out),
        domain=table.domain,
    )


def steepest(x: Array, y: Array) -> float:
    """The largest |f(x) - f(y)| / |x - y|_inf between close neighbours: a Lipschitz constant from below.

    >>> x = np.random.default_rng(0).random((500, 2))
    >>> 2.5 < steepest(x, x @ np.array([1.0, 2.0])) <= 3.0
    True
    """
    from scipy.spatial import cKDTree

    distance, index = cKDTree(x).query(x, k=min(9, len(x)), p=np.inf)
    change = np.abs(y[:, None] - y[index[:, 1:]])
    distance = np.where(distance[:, 1:] > 0, distance[:, 1:], np.inf)
    return float((change / distance).max())
