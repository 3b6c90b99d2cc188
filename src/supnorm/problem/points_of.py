"""Points of a user's own, in whatever form they come, and the error of a problem there (`Problem.error_at`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.domain import Domain
from supnorm.problem.measure import ErrorMeasure
from supnorm.results import BadInput
from supnorm.results.printable import one_line
from supnorm.results.table import Table

Array = NDArray[np.float64]


class Sides(Protocol):
    """What a `supnorm.Problem` has: both functions, the domain, and how the error is measured."""

    @property
    def model(self) -> Any:
        """The model, or None."""

    @property
    def reference(self) -> Any:
        """The reference."""

    @property
    def domain(self) -> Domain:
        """The inputs."""

    @property
    def error(self) -> ErrorMeasure:
        """How the error is measured."""

    def output_names(self, m: int) -> tuple[str, ...]:
        """Names of the outputs."""


def error_at(problem: Sides, x: Any) -> Any:
    """See `Problem.error_at`."""
    if problem.model is None:
        raise BadInput("error_at needs a model beside the reference; this problem has none")
    names = problem.domain.names
    if hasattr(x, "data_vars"):
        return _of_dataset(problem, x)
    points = points_of(x, names)
    model, reference = problem.model.columns(points), problem.reference.columns(points)
    if model.shape != reference.shape:
        raise BadInput(
            f"the model has {model.shape[1]} outputs and the reference {reference.shape[1]}; both must have the same"
        )
    error, _ = problem.error(model, reference, points)
    outputs = problem.output_names(model.shape[1])
    columns = (*names, *(f"model_{o}" for o in outputs), *(f"reference_{o}" for o in outputs), "error")
    return Table(columns, np.hstack([points, model, reference, error[:, None]]))


def points_of(x: Any, names: tuple[str, ...]) -> Array:
    """Points as an array ``(n, d)``.

    Args:
        x: a mapping or data frame by name, or an array ``(d,)`` or ``(n, d)``; of one input also ``(n,)``.
        names: of the axes.

    Raises:
        BadInput: for an input that is missing, and for another shape.

    >>> points_of({"b": 2.0, "a": [0.0, 1.0]}, ("a", "b"))
    array([[0., 2.],
           [1., 2.]])
    """
    if isinstance(x, Mapping) or hasattr(x, "columns"):
        missing = [name for name in names if name not in x]
        if missing:
            raise BadInput(
                f"the points have no {one_line(', '.join(missing), 100)}; give a number or a column for each of "
                f"{one_line(', '.join(names), 200)}"
            )
        try:
            columns = np.broadcast_arrays(*(np.asarray(x[name], dtype=float) for name in names))
        except (TypeError, ValueError) as error:
            raise BadInput(f"the points are not numbers of one length: {error}") from error
        return np.column_stack([np.ravel(column) for column in columns])
    try:
        points = np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        raise BadInput(f"points must be numbers of shape (n, {len(names)}), got {type(x).__name__}") from None
    if points.ndim == 0 or (points.ndim == 1 and len(names) == 1):
        points = points.reshape(-1, 1)
    points = np.atleast_2d(points)
    if points.ndim != 2 or points.shape[1] != len(names):
        raise BadInput(
            f"points must have shape ({len(names)},) or (n, {len(names)}), in the order {one_line(', '.join(names), 200)}; "
            f"got {np.shape(x)}"
        )
    return points


def _of_dataset(problem: Sides, data: Any) -> Any:
    """The errors at the points of an ``xarray.Dataset``, on its dimensions."""
    import xarray

    names = problem.domain.names
    missing = [name for name in names if name not in data.variables]
    if missing:
        raise BadInput(
            f"the dataset has no {one_line(', '.join(missing), 100)}; give a variable or coordinate for each of "
            f"{one_line(', '.join(names), 200)}"
        )
    given = xarray.broadcast(*(data[name].reset_coords(drop=True) for name in names))
    table = error_at(problem, np.column_stack([np.ravel(one.values) for one in given]))
    shape, dims = given[0].shape, given[0].dims
    results = {name: (dims, table[name].reshape(shape)) for name in table.columns[len(names) :]}
    return data.assign(results)
