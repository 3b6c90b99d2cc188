"""A model or a reference: a function of batches and the facts that are known about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.coded import Coded, code_of, show
from supnorm.problem.declared import Declared
from supnorm.problem.double_precision import double_precision
from supnorm.problem.estimators import NamedColumns, predictor_of
from supnorm.problem.masked import plain_numbers
from supnorm.problem.rows import LookUp, Rows, arrays_of, check_against_rows, narrow_notes
from supnorm.results import BadInput
from supnorm.results.upward import sources

if TYPE_CHECKING:
    from supnorm.program import Program

Array = NDArray[np.float64]
Pullback = Callable[[Array], Array]
PARALLEL = ("process", "thread", "none")  # who may call a function at once


class Precision:
    """The declared precision of a function, or the lower one that its values have shown since (`Coded.shown`).

    The precision of plain code is known from the values that it returns, so only after its first call.
    """

    def __get__(self, function: Function | None, owner: type | None = None) -> str:
        if function is None:
            return "float64"  # the default of the field
        declared: str = function.__dict__["precision"]
        shown = function.value.shown if isinstance(function.value, Coded) else []
        return shown[0] if shown and declared == "float64" else declared

    def __set__(self, function: Function, declared: str) -> None:
        function.__dict__["precision"] = declared


def _no_value(x: Array) -> Array:
    """The value of a function that was given none."""
    raise BadInput("a Function without a value was called")


@dataclass(frozen=True)
class Function:
    """A function ``(n, d) -> (n, m)`` in float64, and what is known about it.

    Attributes:
        value: maps a batch to a batch in float64; it does not change the batch that it gets.
        inputs, outputs: names; empty if unknown.
        output_units: one for each output; empty if unknown.
        name: the name in messages and on pages.
        vjp: ``vjp(x) -> (y, pull)``: the values, and a function ``(n, m) -> (n, d)`` from weights of the outputs to
            weighted gradients by the inputs, row by row. None if there is no derivative.
        program: a straight-line program of the same function; None if its operations are unknown.
        first_layer: ``(W, b)`` with shapes ``(h, d)`` and ``(h,)`` in the units of the inputs, if the first layer
            could be read; a piecewise linear network has its kinks where it is zero.
        precision: the precision in which the function computes.
        parallel: ``"process"`` (other processes make it again with ``remake``), ``"thread"`` (several threads may call
            ``value``) or ``"none"``.
        remake: a picklable function that builds this one again in another process.
        origin: the table of a problem file that it came from; None if it came from Python.
        notes: lines for the user about limits of this source.
        table: ``(points, values)`` with shapes ``(N, d)`` and ``(N, m)`` for a table of computed values. A table is
            known at these points only, so there are statistics and no search. It needs no ``value``; a given value must
            agree with the rows. None for everything else.
        rows: further facts about the rows of a table: numbers, keys, other columns.
        declared: a `Declared`, by which the user bounds a function that cannot be read (`with_bound`).

    Raises:
        BadInput: for another ``parallel``, without value and table, for a table that is no pair of numbers, or for a value
            that contradicts it.

    >>> table = Function(table=([[0.0], [1.0]], [2.0, 3.0]))
    >>> table(np.array([1.0]))
    array([[3.]])
    """

    value: Callable[[Array], Array] = _no_value
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    output_units: tuple[str, ...] = ()
    name: str = ""
    vjp: Callable[[Array], tuple[Array, Pullback]] | None = None
    program: Program | None = None
    first_layer: tuple[Array, Array] | None = None
    precision: Precision = Precision()
    parallel: str = "none"
    remake: Callable[[], Function] | None = None
    origin: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = field(default=())
    table: tuple[Array, Array] | None = None
    declared: Declared | None = None
    rows: Rows | None = None

    def __post_init__(self) -> None:
        if self.parallel not in PARALLEL:
            raise BadInput(f"parallel must be one of {', '.join(PARALLEL)}, got {self.parallel!r}")
        if self.table is None:
            if self.value is _no_value:
                raise BadInput(
                    "a Function needs value, a function of a batch (n, d), or table, (points, values)"
                )
            return
        if LookUp in (type(self.value), type(code_of(self.value))):  # one that was made of it here
            return
        put: Callable[[str, Any], None] = lambda name, v: object.__setattr__(self, name, v)  # noqa: E731
        given = self.table
        put("table", arrays_of(given, self.name or "Function"))
        put("notes", (*self.notes, *narrow_notes(given)))
        if self.value is not _no_value:
            check_against_rows(self.value, self.table, self.name or "a function with a table")
        look_up = LookUp(*self.table)
        put("value", look_up)
        if self.rows is None:
            put("rows", Rows(self.name))

    def __repr__(self) -> str:
        """One line; programs have thousands of numbers.

        >>> Function(np.sin, ("x",), ("y",), name="sine")
        Function('sine', inputs=('x',), outputs=('y',), precision='float64')
        """
        return f"Function({self.name!r}, inputs={self.inputs}, outputs={self.outputs}, precision={self.precision!r})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """A function with a recipe is pickled as its recipe: its values and its program are made again from it.

        Without a recipe the values themselves have to be picklable, as functions of a module are.
        """
        if self.remake is None:
            return super().__reduce_ex__(protocol)
        facts = ("inputs", "outputs", "output_units", "name", "parallel", "origin", "notes", "declared")
        return _made_again, (self.remake, {name: getattr(self, name) for name in facts})

    def __copy__(self) -> Function:
        """The function itself: it never changes."""
        return self

    def __deepcopy__(self, memo: Any) -> Function:
        """The function itself."""
        return self

    def __call__(self, x: Array) -> Array:
        """Values at points ``x`` of shape ``(n, d)``, or ``(d,)`` for one point; shape ``(n, m)``."""
        return self.columns(np.atleast_2d(np.asarray(x, dtype=float)))

    def columns(self, x: Array) -> Array:
        """Values at points ``x (n, d)`` as a new array ``(n, m)``, also where ``value`` gives shape ``(n,)`` or a list.

        Raises:
            BadInput: when ``value`` gives something that cannot be values.

        >>> Function(lambda x: x[:, 0]).columns(np.ones((2, 1))).shape
        (2, 1)
        """
        return as_columns(self.value(x), len(x), self.name or "the function")

    def predict(self, x: Array) -> Array:
        """The same as a call, by the name that estimators use."""
        return self(x)


def _made_of_itself(source: Any) -> Function | None:
    """What an object makes of itself; None for a class, and where ``as_function`` is another one, with arguments."""
    convert = getattr(source, "as_function", None)
    if isinstance(source, type) or not callable(convert):
        return None
    try:
        signature(convert).bind()
    except (TypeError, ValueError):
        return None
    made = convert()
    return made if isinstance(made, Function) else None


def as_function(source: Function | Callable[..., Any], what: str, names: tuple[str, ...] = ()) -> Function:
    """A plain callable ``(n, d) -> (n,)`` or ``(n, m)``, or an object with ``predict``, as a `Function`.

    An object that makes a `Function` of itself (``as_function``), such as a network of supnorm, does so: derivatives and
    operations come with it, which a plain callable has not. A ``torch.nn.Module`` is read by `from_torch`, in the mode and
    the precision that it has; an estimator that was fitted on a data frame gets one, its columns taken by name from the
    axes ``names`` where these are the same names.

    Raises:
        BadInput: when ``source`` cannot be called.

    >>> as_function(lambda x: x.sum(axis=1), "model").value(np.ones((2, 3)))
    array([[3.],
           [3.]])
    """
    if isinstance(source, Function):
        return source
    if (made := _made_of_itself(source)) is not None:
        return made
    kind = type(source).__name__
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):
        module: Function = sources().from_torch(source)
        return module
    name = getattr(source, "__name__", kind)
    if not callable(source) and (predictor := predictor_of(source)) is not None:
        source = predictor.on(names) if isinstance(predictor, NamedColumns) else predictor
    if not callable(source):
        raise BadInput(
            f"{what} must be a function of an array (n, d), an object with predict or a torch module, got {kind}"
        )
    run = _Run(source, what)
    return Function(Coded(run, source, shown=run.shown), name=name)


@dataclass(frozen=True, eq=False)
class _Run:
    """The values of a plain callable; an object, so that a pickled problem takes it along.

    Attributes:
        function: the callable.
        what: how messages name it.
        shown: the precision that values have shown; see `Coded`.
    """

    function: Callable[..., Any]
    what: str
    shown: list[str] = field(default_factory=list)

    def __call__(self, x: Array) -> Array:
        with double_precision("jax" in sys.modules):  # JAX code, as a problem file opens it
            result = self.function(x.copy())  # the code may change its argument
        show(self.shown, result)
        return as_columns(result, len(x), self.what)


def _made_again(remake: Callable[[], Function], facts: Mapping[str, Any]) -> Function:
    """A function that was sent to another process as its recipe."""
    return replace(remake(), remake=remake, **facts)


def with_bound(
    function: Function | Callable[..., Any],
    bound: float | tuple[float, ...] | None = None,
    *,
    stretch: float = 1.25,
    order: int | None = None,
    derivatives: tuple[float, ...] | None = None,
    accuracy: float = 0.0,
) -> Function:
    """A function with a declaration, for certificates that are conditional on it; see `Declared`.

    Raises:
        BadInput: for a declaration without content or with impossible numbers.

    >>> with_bound(lambda x: x[:, 0], 2.0, stretch=1.5).declared.stretch
    1.5
    """
    declared = Declared(bound, stretch, order, derivatives, accuracy)
    return replace(as_function(function, "function"), declared=declared)


def exited(error: SystemExit) -> str:
    """The exit of the user's code in words.

    >>> exited(SystemExit(0))
    'sys.exit(0)'
    """
    return f"sys.exit({'' if error.code is None else repr(error.code)})"


def real_numbers(result: Any, what: str) -> Array:
    """What a function of the user returned, as a new array of float64; values that are not numbers are refused.

    It is new because the function may keep its own array and fill it again at the next call (``out=``).

    Args:
        what: the function that returned it, for messages.

    Raises:
        BadInput: for complex numbers, text, dates, records, and results that are no array.

    >>> real_numbers([1, None], "f")
    array([ 1., nan])
    """
    try:
        return plain_numbers(result)
    except (TypeError, ValueError) as error:
        complex_ = str(error) == "complex numbers"
        why = " (complex numbers have no largest: return real and imaginary parts)" if complex_ else ""
        raise BadInput(
            f"{what} must return numbers, got {type(result).__name__}: {str(result)[:60]!r}{why}"
        ) from None


def as_columns(result: Any, n: int, what: str) -> Array:
    """A result for ``n`` points as a new array of float64 of shape ``(n, m)``.

    Raises:
        BadInput: when its shape does not fit ``n`` points.

    >>> as_columns(np.squeeze([[0.5]]), 1, "model")
    array([[0.5]])
    """
    if (
        type(result) is np.ndarray
        and result.dtype == np.float64
        and result.ndim == 2
        and len(result) == n
        and result.shape[1]
    ):
        return result.copy()  # the common case, paid for at every evaluation
    y = real_numbers(result, what)
    if y.shape == (n,) or (y.shape == () and n == 1):  # np.squeeze leaves no axis of one point
        y = y.reshape(n, 1)
    if y.ndim != 2 or len(y) != n or not y.shape[1]:
        raise BadInput(
            f"{what} must return shape ({n},) or ({n}, m) for {n} points, got {y.shape}; "
            f"for a function of single points set per_point = true"
        )
    return y
