"""A function that is defined by an equation: y(x) with g(x, y) = 0, between two ends that name the branch.

At each point g has opposite signs at the two ends, and Newton's method, kept between them by bisection, finds the zero.
All points of a batch go on together; a point that has converged leaves. The values of g are those of the user's code,
its slopes those of the program that supnorm reads from it. The derivative of y is -g_x / g_y.

The result is accurate to a few units in the last place of y; where y is near zero, to 1e-15 of the width of the branch.
A point fails if an end or g there is not finite, if g has the same sign at both ends, or if the work does not converge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure
from supnorm.problem.coded import Coded, code_of
from supnorm.problem.function import Pullback
from supnorm.program import Node, Program, Unreadable, Unsupported
from supnorm.program.derived import substituted
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.sources.ends import (
    End,
    column_of,
    demand_end,
    end_program,
    end_values,
    label_of,
    of_columns,
    program_with_value,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Bisection alone halves the widest interval of float64 to two neighbours in 1,100 steps (through the exponents) and one of
# sizes within a decade in 60; Newton's method took 3 to 8 for Colebrook's and Kepler's equation.
STEPS = 200
NEAR = 4.0 * np.finfo(float).eps  # a step this small, as a share of y, is the last one
# Steps below this share of y (near zero, of a millionth of the branch) that no longer halve consist of rounding.
ROUGH = 1e-9


@dataclass(frozen=True, eq=False)
class Equation:
    """g(x, y) = 0 on one branch; calling it as code is refused, because a root is no list of operations.

    Attributes:
        g: ``g(x, y)`` for points ``x`` (n, d) and values ``y`` (n,), returns ``(n,)``.
        start: where Newton's method begins; None for the middle.
        low, high: the ends between which y lies.
        name: for messages.
    """

    g: Callable[[Any, Any], Any]
    start: End | None
    low: End
    high: End
    name: str

    def __call__(self, x: Any) -> Any:
        """Refuse to be read as a program.

        Raises:
            Unreadable: always.
        """
        raise Unreadable(
            f"{self.name} is a root of an equation, which is read only as the reference of certify",
            "the root as the reference, with an explicit model",
        )

    def program(self, d: int) -> Program:
        """The program of g with inputs x and y, ``(n, d + 1) -> (n, 1)``.

        Raises:
            Unsupported: names an operation that programs do not have.
        """
        return program_with_value(self.g, d, f"g of {self.name}")

    def end(self, which: End, d: int) -> Program:
        """The program of an end of the branch, or of the start, ``(n, d) -> (n, 1)``."""
        return end_program(which, d)

    def middle(self, d: int) -> Program:
        """The program of the middle between the ends."""
        weights = np.array([[0.5, 0.5]])
        half = Program((Node("input", (), 2), Node("affine", (0,), 1, weight=weights, bias=np.zeros(1))))
        return substituted(half, [self.end(self.low, d), self.end(self.high, d)])

    def columns(self, columns: list[int]) -> Equation:
        """The equation whose ``x`` are these columns of the points."""
        if columns == list(range(len(columns))):
            return self
        g = self.g
        start, low, high = (of_columns(end, columns) for end in (self.start, self.low, self.high))
        return Equation(lambda x, y: g(x[:, columns], y), start, low, high, self.name)


def root(
    g: Callable[[Any, Any], Any],
    start: End | None = None,
    *,
    between: tuple[End, End],
    name: str = "",
) -> Function:
    """The function y(x) with g(x, y) = 0 between two ends, as a model or a reference.

    Args:
        g: ``g(x, y)`` in NumPy or JAX code that supnorm can read, for points ``x`` of shape ``(n, d)`` and values ``y`` of
            shape ``(n,)``; it returns ``(n,)``. Its signs at the two ends must be opposite; between them it should have one
            zero, and `certify` proves that it has no other.
        start: where Newton's method begins: a number or a function ``(n, d) -> (n,)``; by default the middle.
        between: the two ends of the branch, each a number or a function ``(n, d) -> (n,)``.
        name: the name in messages and on pages; by default that of ``g``.

    Raises:
        BadInput: for arguments of other types. At a call, when the code of g cannot be read.

    >>> kepler = root(lambda x, y: y - x[:, 1] * np.sin(y) - x[:, 0], between=(-1.0, 5.0), name="Kepler")
    >>> kepler(np.array([[1.0, 0.5]])).round(6).tolist()
    [[1.498701]]
    >>> y, pull = kepler.vjp(np.array([[1.0, 0.5]]))
    >>> pull(np.ones((1, 1))).round(6).tolist()
    [[1.037362, 1.034667]]
    """
    if not callable(g):
        raise BadInput(f"root needs a function g(x, y), got {type(g).__name__}")
    ends = tuple(between) if isinstance(between, tuple | list) else ()
    if len(ends) != 2:
        raise BadInput(f"between must be two ends of the branch, (low, high), got {between!r}")
    for what, end in (("start", start), ("between", ends[0]), ("between", ends[1])):
        if not (end is None and what == "start"):
            demand_end(end, what)
    if not callable(ends[0]) and not callable(ends[1]) and not float(ends[0]) < float(ends[1]):
        raise BadInput(f"between must be (low, high) with low < high, got {between!r}")
    return of_equation(Equation(g, start, ends[0], ends[1], label_of(name, g, "root")))


def of_equation(equation: Equation) -> Function:
    """The function that solves an equation."""
    solver = _Solver(equation)
    return Function(Coded(solver.value, equation), name=equation.name, vjp=solver.vjp)


def equation_of(function: Any) -> Equation | None:
    """The equation that a function solves; None for every other function.

    >>> equation_of(root(lambda x, y: y**3 - x[:, 0], between=(0.0, 2.0), name="cube root")).name
    'cube root'
    """
    code = code_of(function.value) if isinstance(function, Function) else None
    return code if isinstance(code, Equation) else None


class _Solver:
    """Solves one equation; reads g at the first call, when the number of inputs is known."""

    def __init__(self, equation: Equation) -> None:
        self.equation = equation
        self._programs: dict[int, Program] = {}

    def __reduce__(self) -> Any:  # a program is read again where it is needed
        return _Solver, (self.equation,)

    def program(self, d: int) -> Program:
        """The program of g."""
        if d not in self._programs:
            try:
                self._programs[d] = self.equation.program(d)
            except Unsupported as error:
                raise BadInput(f"root cannot read g of {self.equation.name}: {error}") from None
        return self._programs[d]

    def value(self, x: Array) -> Array:
        """Values ``(n, 1)``; raises `PartialFailure` with the points that have none."""
        y, messages = self.solve(x)
        if messages:
            raise PartialFailure(y[:, None], messages)
        return y[:, None]

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values and pullback by the implicit function theorem; NaN where there is no root."""
        y, _ = self.solve(x)
        with np.errstate(all="ignore"):
            slopes = self._slopes(x, y)
            gradient = -slopes[:, :-1] / slopes[:, -1:]
        return y[:, None], lambda weights: np.asarray(weights) * gradient

    def _slopes(self, x: Array, y: Array) -> Array:
        """Derivatives of g by x and y, shape ``(n, d + 1)``."""
        _, pull = self.program(x.shape[1]).vjp(np.column_stack([x, y]))
        return pull(np.ones((len(x), 1)))

    def _g(self, x: Array, y: Array) -> Array:
        return column_of(lambda: self.equation.g(x.copy(), y.copy()), len(x), f"g of {self.equation.name}")

    def _end(self, end: End, x: Array, what: str) -> Array:
        return end_values(end, x, f"{what} of {self.equation.name}")

    @np.errstate(all="ignore")
    def solve(self, x: Array) -> tuple[Array, dict[int, str]]:
        """Roots ``(n,)``, NaN where there is none, and what happened there."""
        x = np.asarray(x, dtype=float)
        self.program(x.shape[1])
        low, high = (self._end(e, x, "between") for e in (self.equation.low, self.equation.high))
        given = (
            0.5 * (low + high) if self.equation.start is None else self._end(self.equation.start, x, "start")
        )
        y = np.clip(np.where(np.isfinite(given), given, 0.5 * (low + high)), low, high)
        at_low, at_high = self._g(x, low), self._g(x, high)
        good = np.isfinite(at_low) & np.isfinite(at_high) & (low < high)
        good &= np.sign(at_low) != np.sign(at_high)
        result = np.full(len(x), np.nan)
        result[good & (at_low == 0.0)] = low[good & (at_low == 0.0)]
        result[good & (at_high == 0.0)] = high[good & (at_high == 0.0)]
        rows = np.flatnonzero(good & (at_low != 0.0) & (at_high != 0.0))
        result[rows] = self._newton(x[rows], y[rows], low[rows], high[rows], np.sign(at_low[rows]))
        messages = {}
        for i in np.flatnonzero(~np.isfinite(result)).tolist():
            messages[i] = (
                f"error: no root of {self.equation.name} was found to float64 accuracy in {STEPS} steps"
                if good[i]
                else f"error: g of {self.equation.name} must have opposite signs at the ends of between, got "
                f"{num(at_low[i])} at {num(low[i])} and {num(at_high[i])} at {num(high[i])}"
            )
        return result, messages

    def _newton(self, x: Array, y: Array, a: Array, b: Array, sign: Array) -> Array:
        """Roots ``(k,)`` by Newton's method kept in [a, b]; ``sign`` is that of g at a. NaN without convergence."""
        result = np.full(len(y), np.nan)
        rows = np.arange(len(y))
        before = width = b - a
        for _ in range(STEPS):
            if not len(rows):
                break
            g = self._g(x, y)
            left = np.sign(g) == sign
            a, b = np.where(left, y, a), np.where(left | (g == 0.0), b, y)
            step = g / self._slopes(x, y)[:, -1]
            new = y - step
            middle = _between(a, b)
            outside = ~((new > a) & (new < b))
            # A step that does not halve is Newton's method in a cycle or far from the root; bisection always halves.
            slow = np.abs(step) > 0.5 * before
            size = np.abs(y)
            small = np.abs(step) <= NEAR * size
            rounding = slow & (np.abs(step) <= ROUGH * np.maximum(size, 1e-6 * width))
            done = (g == 0.0) | small | rounding | ~((middle > a) & (middle < b))
            last = np.where((g == 0.0) | rounding | outside, y, new)
            result[rows[done]] = last[done]
            after = np.where(outside | slow, middle, new)
            before = np.abs(after - y)
            # A point where g is not finite has no sign: nothing more can be known there.
            on = ~done & np.isfinite(g)
            rows, x, y, a, b, sign, before, width = (
                v[on] for v in (rows, x, after, a, b, sign, before, width)
            )
        return result


def _between(a: Array, b: Array) -> Array:
    """A point between a and b: in the middle, or in that of the exponents where the sizes differ by much."""
    same = (np.sign(a) == np.sign(b)) & (np.abs(a) > 0.0) & (np.abs(b) > 0.0)
    wide = same & ((np.abs(a) > 16.0 * np.abs(b)) | (np.abs(b) > 16.0 * np.abs(a)))
    return np.where(wide, np.sign(a) * np.sqrt(np.abs(a)) * np.sqrt(np.abs(b)), a + 0.5 * (b - a))
