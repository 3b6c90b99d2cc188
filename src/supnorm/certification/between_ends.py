"""What a statement about a root or an integral is compared with: the problem's functions, and points between two ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from supnorm.certification.rounding import Array
from supnorm.problem import Function
from supnorm.problem.function import as_function
from supnorm.program import Program
from supnorm.sources.ends import End, column_of, end_values

ENDS = ("low", "high")


def functions_of(
    model: Function, inner: str, values: Sequence[Callable[[Any], Any] | float], programs: Sequence[Program]
) -> Mapping[str, Function]:
    """The model, the function with one input more, and both ends, as they run and with their programs.

    Args:
        model: the model.
        inner: the name of the function whose last input lies between the ends.
        values: that function and both ends; an end may be a number.
        programs: the same, as programs.
    """
    made = {"model": model}
    for name, program, value in zip((inner, *ENDS), programs, values, strict=True):
        function = as_function(value, name) if callable(value) else Function(program.value, name=name)
        made[name] = Function(function.value, name=name, program=program)
    return made


def called_between(
    f: Callable[[Array, Array], Any], ends: Sequence[End], x: Array, name: str, end: str
) -> Array:
    """What calls with arrays give: f in the middle between both ends, and the ends; shape ``(n, 3)``.

    Args:
        f: of points ``(n, d)`` and a last input ``(n,)``.
        x: the points.
        name, end: what f and the ends are called in messages.
    """
    low, high = (end_values(each, x, end) for each in ends)
    return np.column_stack([column_of(lambda: f(x.copy(), 0.5 * (low + high)), len(x), name), low, high])


def points_between(functions: Mapping[str, Function], inner: str, x: Array) -> Mapping[str, Array]:
    """Points ``x (n, d)`` with a random last input between the ends, for the inner function; nothing without functions."""
    if not functions:
        return {}
    low, high = (functions[name].value(x)[:, 0] for name in ENDS)
    shares = np.random.default_rng(1).random(len(x))
    return {inner: np.column_stack([x, low + (high - low) * shares])}
