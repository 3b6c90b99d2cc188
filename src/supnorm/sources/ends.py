"""What roots and integrals share: their two ends, and the values that code of a user gives for a batch of points."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.double_precision import double_precision
from supnorm.problem.function import real_numbers
from supnorm.program import Node, Program, Unreadable, program_of
from supnorm.results import BadInput

Array = NDArray[np.float64]
End = float | Callable[[Any], Any]  # a number, or a function of the points (n, d) -> (n,)


def demand_end(given: Any, what: str) -> None:
    """Refuse what is neither a finite number nor a function.

    Raises:
        BadInput: naming ``what``.

    >>> demand_end(float("nan"), "start")
    Traceback (most recent call last):
        ...
    supnorm.results.status.BadInput: start must be a finite number or a function of the points (n, d), got nan
    """
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool) and np.isfinite(given)
    if not (callable(given) or number):
        raise BadInput(f"{what} must be a finite number or a function of the points (n, d), got {given!r}")


def end_program(end: End, d: int) -> Program:
    """The program of an end, ``(n, d) -> (n, 1)``."""
    if callable(end):
        return program_of(end, d)
    constant = np.array([float(end)])
    return Program((Node("input", (), d), Node("constant", (), 1, value=constant)))


def end_values(end: End, x: Array, what: str) -> Array:
    """Values of an end at points ``x (n, d)``, shape ``(n,)``."""
    return column_of(lambda: end(x.copy()), len(x), what) if callable(end) else np.full(len(x), float(end))


def of_columns(end: Any, columns: list[int]) -> Any:
    """The same end for points whose inputs stand in these columns; what is no function is returned as it is."""
    return (lambda x: end(x[:, columns])) if callable(end) else end


def program_with_value(f: Callable[[Any, Any], Any], d: int, what: str) -> Program:
    """The program of ``f(x, y)`` with inputs x and y, ``(n, d + 1) -> (n, 1)``.

    Raises:
        Unsupported: names an operation that programs do not have.
    """
    program = program_of(lambda z: f(z[:, :d], z[:, d]), d + 1)
    if program.m != 1:
        raise Unreadable(f"{what} has {program.m} outputs", "one output for each point")
    return program


def column_of(call: Callable[[], Any], n: int, what: str) -> Array:
    """What a call of user code returns for n points, as ``(n,)``; JAX calculates in double precision.

    Raises:
        BadInput: naming ``what``, for a result of another shape.
    """
    with double_precision("jax" in sys.modules):
        values = real_numbers(call(), what)
    if values.shape == (n, 1):
        values = values[:, 0]
    if values.shape == () and n:
        values = np.full(n, float(values))
    if values.shape != (n,):
        raise BadInput(f"{what} must return shape ({n},) for {n} points, got {values.shape}")
    return values


def label_of(name: str, f: Any, kind: str) -> str:
    """The name in messages: the given one, that of the function, or the kind."""
    label = name or getattr(f, "__name__", kind)
    return label if label != "<lambda>" else kind
