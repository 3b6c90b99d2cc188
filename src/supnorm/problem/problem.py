"""A problem: a reference, a domain and an error measure, and usually a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.domain import Domain
from supnorm.problem.equations import Equation
from supnorm.problem.function import as_function
from supnorm.problem.law import Law
from supnorm.problem.masked import plain_numbers
from supnorm.problem.measure import ErrorMeasure
from supnorm.problem.pairs import Pairs, pairs_of
from supnorm.problem.points_of import error_at
from supnorm.problem.rows import UNIT_OF_INPUT
from supnorm.problem.units import same_unit
from supnorm.problem.unknown import unknown_solution
from supnorm.results import BadInput
from supnorm.results.printable import one_line


@dataclass(frozen=True)
class Problem:
    """A model against a reference on a domain.

    Args:
        model: a `Function` or any callable ``(n, d) -> (n,)`` or ``(n, m)``; None for `fit` and `budget`.
        reference: the same. It may be None beside an equation: then only `certify` has an answer.
        domain: the set of inputs on which both are compared.
        error: the `ErrorMeasure`; absolute by default.
        tolerance: the same as a tolerance in ``error``; it takes precedence. With `dataclasses.replace` the new one of the
            two takes precedence; if a new error has no tolerance, the problem's tolerance stays.
        law: the distribution of the inputs; uniform on the domain by default.
        recheck: a second or refined reference that is called at the reported witnesses.
        equation: the differential equation that the model solves (`supnorm.equations`); `certify` bounds the model's error
            against its solution, without the reference.
        title: the heading of reports.
        data: points the model was trained on, shape ``(N, d)``, for findings about the domain.
        source: the problem file from which the problem was opened, and the points of its ``[data]``; `supnorm.save_problem`
            names the file of these points again as long as ``data`` has the same points.
        files: all files that define the problem: files that the problem file names, and files that their code opens or
            imports, each with the SHA-256 of its content when the problem was opened; `fingerprint` covers them.
        judged_by: the error measure in force. The problem sets it, to notice when `dataclasses.replace` gives a new one.

    Raises:
        BadInput: when a part cannot be used.

    >>> problem = Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0)), tolerance=0.1)
    >>> problem.error.limit
    0.1
    >>> Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0, "m")), title="A square", tolerance=0.1)
    Problem('A square', model='<lambda>', reference='<lambda>', Domain(x=Axis(low=0.0, high=1.0, unit='m', \
scale='linear', values=None)), error='absolute', tolerance=0.1)
    """

    model: Any
    reference: Any
    domain: Domain
    error: ErrorMeasure = field(default_factory=ErrorMeasure)
    tolerance: float | tuple[float, ...] | None = None
    law: Law | None = None
    recheck: Any = None
    title: str = ""
    data: Any = None
    source: Path | None = None
    source_data: NDArray[np.float64] | None = field(default=None, repr=False)
    judged_by: ErrorMeasure | None = field(default=None, repr=False, compare=False)
    files: Mapping[Path, str] = field(default_factory=dict, repr=False, compare=False)
    equation: Equation | None = None

    def __post_init__(self) -> None:
        put: Callable[[str, Any], None] = lambda name, v: object.__setattr__(self, name, v)  # noqa: E731
        for name, kind in (("domain", Domain), ("error", ErrorMeasure), ("law", Law)):
            got = getattr(self, name)
            if not (isinstance(got, kind) or (name == "law" and got is None)):
                raise BadInput(f"{name} must be a supnorm.{kind.__name__}, got {type(got).__name__}")
        if self.data is not None:
            put("data", _points(self.data, self.domain.d))
        for name in ("model", "reference", "recheck"):
            if getattr(self, name) is not None:
                put(name, as_function(getattr(self, name), name, self.domain.names))
        if self.equation is not None and not isinstance(self.equation, Equation):
            raise BadInput(f"equation must be of supnorm.equations, got {type(self.equation).__name__}")
        if self.reference is None:
            if self.equation is None:
                raise BadInput("a problem needs a reference")
            put("reference", unknown_solution(self.equation))
        for name in ("model", "recheck"):
            self._same_order(name)
            self._same_units(name)
        for name in ("model", "reference"):
            self._unit_of_axes(name)
        _ = self.pairs  # refuses tables whose rows cannot be paired
        if self._tolerance_of_problem_counts():
            put("error", replace(self.error, tolerance=self.tolerance))
        put("tolerance", self.error.tolerance)
        put("judged_by", self.error)
        if self.law is None or self.law.assumed:  # `replace` may have changed the domain
            put("law", replace(Law.uniform(self.domain), assumed=True))
        else:
            put("law", self.law.within(self.domain))

    def __repr__(self) -> str:
        """What it is about, without the functions themselves."""
        title = [repr(self.title)] if self.title else []
        sides = [
            f"{name}={getattr(self, name).name!r}"
            for name in ("model", "reference", "recheck")
            if getattr(self, name) is not None
        ]
        last = [repr(self.domain), f"error={self.error.kind!r}", f"tolerance={self.tolerance!r}"]
        return f"Problem({', '.join([*title, *sides, *last])})"

    @property
    def _has_a_table(self) -> bool:
        return any(f is not None and f.table is not None for f in (self.model, self.reference))

    @cached_property
    def pairs(self) -> Pairs | None:
        """The rows of the table, or the paired rows of both tables; None if neither model nor reference is a table."""
        if self.model is None or not self._has_a_table:
            return None
        try:
            pairs = pairs_of(self.model, self.reference)
            if pairs.x.shape[1] != self.domain.d:
                raise BadInput(
                    f"the points of the table have {pairs.x.shape[1]} columns, the domain has {self.domain.d} axes: "
                    f"{', '.join(self.domain.names)}"
                )
            return pairs
        except BadInput as error:
            raise BadInput(f"{self.source.name}: {error}" if self.source else str(error)) from None

    def _tolerance_of_problem_counts(self) -> bool:
        """Whether ``tolerance`` counts instead of the tolerance of the error.

        The tolerance stands in the error; ``tolerance`` is a short way to write it and mirrors it. `replace` passes
        the old mirror on beside a new error, so the error that it belongs to (``judged_by``) says whether it is meant.
        """
        before = self.judged_by
        if before is self.error:
            return self.tolerance is not before.tolerance
        unchanged = before is not None and self.tolerance is before.tolerance
        return self.tolerance is not None and not (unchanged and self.error.tolerance is not None)

    def _same_order(self, name: str) -> None:
        """Check that an output that both sides name has the same position, because outputs are compared by position."""
        function, known = getattr(self, name), self.reference.outputs
        given = () if function is None else function.outputs
        if any(n in known and known.index(n) != i for i, n in enumerate(given)):
            hint = f"{self.source.name}: " if self.source else ""
            raise BadInput(
                f"{hint}outputs of {name} ({', '.join(given)}) and reference ({', '.join(known)}) are compared by "
                "position; return and name them in the same order"
            )

    def _same_units(self, name: str) -> None:
        """Check that outputs of which both sides state a unit have the same one: nothing is converted."""
        function, known = getattr(self, name), self.reference.output_units
        given = () if function is None else function.output_units
        for i, (a, b) in enumerate(zip(given, known, strict=False)):
            if a and b and len(given) == len(known) and not same_unit(a, b):
                hint = f"{self.source.name}: " if self.source else ""
                raise BadInput(
                    f"{hint}output {i + 1} of the {name} is in {one_line(a, 40)}, that of the reference in "
                    f"{one_line(b, 40)}; convert one of them, or give both the same output_units where these mean the same"
                )

    def _unit_of_axes(self, name: str) -> None:
        """Check that the inputs of a table are in the units of the axes, where both are stated."""
        function = getattr(self, name)
        stated = {} if function is None or function.rows is None else function.rows.same
        for i, (axis, of) in enumerate(zip(self.domain.names, self.domain.axes, strict=True)):
            unit = stated.get(UNIT_OF_INPUT.format(i + 1), "")
            if unit and of.unit and not same_unit(unit, of.unit):
                hint = f"{self.source.name}: " if self.source else ""
                raise BadInput(
                    f"{hint}axis {axis} is in {one_line(of.unit, 40)}, and in {function.rows.name} ({name}) it is in "
                    f"{one_line(unit, 40)}; convert the table, or give the axis the unit of the table"
                )

    def check_tolerances(self, m: int) -> None:
        """Check that the numbers of tolerances and of scales suit ``m`` outputs.

        Raises:
            BadInput: when there are neither one nor ``m`` of them; the message names the file.
        """
        try:
            self.error.weights(m)
        except BadInput as error:
            raise BadInput(f"{self.source}: [error] {error}" if self.source else str(error)) from None

    def error_at(self, x: Any) -> Any:
        """Both values and the error at points of your own, inside or outside of the domain.

        Args:
            x: a mapping or a data frame with a number or a column for each axis; an array ``(d,)`` or ``(n, d)`` in the
                order of the axes; or an ``xarray.Dataset`` with a variable or coordinate for each axis, whose dimensions
                the result then has.

        Returns:
            A `Table` with a row for each point: the inputs, ``model_<output>``, ``reference_<output>``, and ``error`` (as an
            audit counts it: the largest over the outputs; NaN where the error does not count). An ``xarray.Dataset`` of the
            same variables for a dataset.

        Raises:
            BadInput: for an input that is missing or has another shape, and for a problem without a model. What model or
                reference raises passes through, with its own traceback.

        >>> problem = Problem(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0)))
        >>> problem.error_at({"x": 0.5})["error"]
        array([0.25])
        """
        return error_at(self, x)

    def output_names(self, m: int) -> tuple[str, ...]:
        """Names of the ``m`` outputs: those of the reference, otherwise of the model, otherwise ``y`` or ``y1, y2, ...``.

        >>> Problem(None, lambda x: x, Domain(a=(0.0, 1.0), b=(0.0, 1.0))).output_names(2)
        ('y1', 'y2')
        """
        for function in (self.reference, self.model):
            if function is not None and len(function.outputs) == m:
                return tuple(function.outputs)
        return ("y",) if m == 1 else tuple(f"y{i + 1}" for i in range(m))


def _points(data: Any, d: int) -> NDArray[np.float64]:
    """Check points that a model was trained on, shape ``(N, d)``.

    Raises:
        BadInput: when ``data`` has another shape or other values.
    """
    try:
        points = plain_numbers(data)
    except (TypeError, ValueError):
        raise BadInput(f"data must be numbers of shape (N, {d}), got {type(data).__name__}") from None
    if points.ndim != 2 or points.shape[1] != d or not len(points):
        raise BadInput(f"data must have shape (N, {d}), a column for each axis, got {points.shape}")
    if not np.isfinite(points).all():
        raise BadInput("data must be finite; remove rows with NaN or infinity")
    return points
