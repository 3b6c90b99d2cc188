"""A function that is defined by an integral: y(x) = the integral of f(x, s) over s from a(x) to b(x).

The limits are scaled to [-1, 1]. Gauss's rule of `NODES` points is compared with the same rule on both halves; where they
differ, each half is treated alike. All intervals of all points of a batch go on together. The values of f are those of the
user's code; derivatives are integrals of the slopes of the program that supnorm reads from it.

The result is accurate to a few units in the last place of the integral of |f|, if f has no peak that lies between all nodes
of the first rules: no quadrature by values sees such a peak. A bound of `certify` rests on the program of f, not on these
values. A point fails where a limit or f has no finite value at a node, or where the work does not end.
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
from supnorm.program import Program, Unreadable, Unsupported, program_of
from supnorm.results import BadInput
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
Rows = NDArray[np.intp]

# Nodes of a rule, which is exact for degree 39. Bisected intervals of smooth functions end after one or two halvings.
NODES = 20
DEPTH = 40  # halvings of an interval; those of a square root end at 34
# Where an interval is cut. In the middle, the rules of an odd function with a pole there agree by symmetry.
LEFT = 0.47
# Intervals of one integral that may be open at once; more than it takes to follow a wave of 10,000 radians. Near a pole the
# values of f are noise, no halving helps, and without this limit 2,000 integrals over a pole took more than 20 GB.
OPEN = 1024
TOGETHER = 512  # integrals of one batch: all of them with all intervals open take about a gigabyte
NEAR = 1e-16  # what an interval may differ by, as a share of the integral of |f| over the whole range


@dataclass(frozen=True, eq=False)
class Integrand:
    """y(x) = the integral of f(x, s) over s from low to high; calling it as code is refused: it is no list of operations.

    Attributes:
        f: ``f(x, s)`` for points ``x`` (n, d) and values ``s`` (n,), returns ``(n,)``.
        low, high: the limits.
        name: for messages.
    """

    f: Callable[[Any, Any], Any]
    low: End
    high: End
    name: str

    def __call__(self, x: Any) -> Any:
        """Refuse to be read as a program.

        Raises:
            Unreadable: always.
        """
        raise Unreadable(
            f"{self.name} is an integral, which is read only as the reference of certify",
            "the integral as the reference, with an explicit model",
        )

    def program(self, d: int) -> Program:
        """The program of f with inputs x and s, ``(n, d + 1) -> (n, 1)``.

        Raises:
            Unsupported: names an operation that programs do not have.
        """
        return program_with_value(self.f, d, f"f of {self.name}")

    def limit(self, which: End, d: int) -> Program:
        """The program of a limit, ``(n, d) -> (n, 1)``."""
        return end_program(which, d)

    def columns(self, columns: list[int]) -> Integrand:
        """The integral whose ``x`` are these columns of the points."""
        if columns == list(range(len(columns))):
            return self
        f = self.f
        low, high = of_columns(self.low, columns), of_columns(self.high, columns)
        return Integrand(lambda x, s: f(x[:, columns], s), low, high, self.name)


def integral(f: Callable[[Any, Any], Any], a: End, b: End, *, name: str = "") -> Function:
    """The function y(x), the integral of f(x, s) over s from a to b, as a model or a reference.

    Args:
        f: ``f(x, s)`` in NumPy or JAX code that supnorm can read, for points ``x`` of shape ``(n, d)`` and values ``s`` of
            shape ``(n,)``; it returns ``(n,)``.
        a, b: the limits, each a number or a function ``(n, d) -> (n,)``; b may be below a.
        name: the name in messages and on pages; by default that of ``f``.

    Raises:
        BadInput: for arguments of other types. At a call, when the code of f cannot be read.

    >>> elliptic = integral(lambda x, s: 1.0 / np.sqrt(1.0 - x[:, 1] * np.sin(s) ** 2), 0.0, lambda x: x[:, 0])
    >>> elliptic(np.array([[1.0, 0.5]])).round(6).tolist()
    [[1.083217]]
    >>> y, pull = elliptic.vjp(np.array([[1.0, 0.5]]))
    >>> pull(np.ones((1, 1))).round(6).tolist()
    [[1.244217, 0.205761]]
    """
    if not callable(f):
        raise BadInput(f"integral needs a function f(x, s), got {type(f).__name__}")
    for limit in (a, b):
        demand_end(limit, "a limit of an integral")
    return of_integrand(Integrand(f, a, b, label_of(name, f, "integral")))


def of_integrand(integrand: Integrand) -> Function:
    """The function that integrates."""
    solver = _Solver(integrand)
    return Function(Coded(solver.value, integrand), name=integrand.name, vjp=solver.vjp)


def integrand_of(function: Any) -> Integrand | None:
    """The integral that a function is; None for every other function.

    >>> integrand_of(integral(lambda x, s: x[:, 0] * s, 0.0, 1.0, name="half")).name
    'half'
    """
    code = code_of(function.value) if isinstance(function, Function) else None
    return code if isinstance(code, Integrand) else None


def adaptive(f: Callable[[Array, Rows], Array], n: int, m: int) -> tuple[Array, NDArray[np.bool_]]:
    """The integrals over [-1, 1] of n functions with m values each, and which of them exist.

    Args:
        f: values ``(q, m)`` at positions ``(q,)`` for the functions with numbers ``(q,)``.

    >>> adaptive(lambda s, rows: (s**2)[:, None], 1, 1)[0].round(12).tolist()
    [[0.666666666667]]
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)

    def rule(a: Array, b: Array, rows: Rows) -> tuple[Array, Array]:
        half = 0.5 * (b - a)
        s = (0.5 * (a + b))[:, None] + half[:, None] * nodes
        values = f(s.ravel(), np.repeat(rows, NODES)).reshape(len(rows), NODES, m)
        scaled = half[:, None, None] * weights[:, None] * values
        return scaled.sum(1), np.abs(scaled).sum(1)

    if n > TOGETHER:
        parts = [adaptive(_from(f, k), min(TOGETHER, n - k), m) for k in range(0, n, TOGETHER)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    total, good = np.zeros((n, m)), np.ones(n, dtype=bool)
    rows = np.arange(n)
    a, b = np.full(n, -1.0), np.full(n, 1.0)
    with np.errstate(all="ignore"):
        whole, size = rule(a, b, rows) if n else (total, total)
        for depth in range(DEPTH + 1):
            middle = a + LEFT * (b - a)
            left, most = rule(a, middle, rows)
            right, more = rule(middle, b, rows)
            size = np.maximum(size, most + more) if depth == 0 else size
            off = np.abs(left + right - whole)
            # The halves of an interval of a smooth function are far better than the difference says.
            fine = (off <= 1e-10 * (most + more)) & (off**2 <= NEAR * size[rows] * (most + more))
            fine |= off <= NEAR * size[rows]
            lost = ~np.isfinite(off).all(1)
            good[rows[lost]] = False
            done = fine.all(1) & ~lost
            np.add.at(total, rows[done], (left + right)[done])
            on = ~done & good[rows]
            good[np.bincount(rows[on], minlength=n) > OPEN] = False
            on &= good[rows]
            if not on.any():
                break
            if depth == DEPTH:
                good[rows[on]] = False
                break
            rows = np.concatenate([rows[on], rows[on]])
            a, b = np.concatenate([a[on], middle[on]]), np.concatenate([middle[on], b[on]])
            whole = np.concatenate([left[on], right[on]])
    total[~good] = np.nan
    return total, good


def _from(f: Callable[[Array, Rows], Array], first: int) -> Callable[[Array, Rows], Array]:
    """The values of the functions from a number on, which have numbers from 0 on here."""
    return lambda s, rows: f(s, rows + first)


class _Solver:
    """Evaluates one integral; reads f at the first call, when the number of inputs is known."""

    def __init__(self, integrand: Integrand) -> None:
        self.integrand = integrand
        self._programs: dict[int, Program] = {}

    def __reduce__(self) -> Any:  # a program is read again where it is needed
        return _Solver, (self.integrand,)

    def program(self, d: int) -> Program:
        """The program of f(x, s) (b - a)/2 of x and of s scaled to [-1, 1]."""
        if d not in self._programs:
            one = self.integrand
            try:
                one.program(d)
                self._programs[d] = program_of(self._scaled, d + 1)
            except Unsupported as error:
                raise BadInput(f"integral cannot read f or a limit of {one.name}: {error}") from None
        return self._programs[d]

    def _scaled(self, z: Any) -> Any:
        x, s = z[:, :-1], z[:, -1]
        a, b = (_flat(e(x)) if callable(e) else float(e) for e in (self.integrand.low, self.integrand.high))
        half = 0.5 * (b - a)
        return half * _flat(self.integrand.f(x, a + half * (1.0 + s)))

    def value(self, x: Array) -> Array:
        """Values ``(n, 1)``; raises `PartialFailure` with the points that have none."""
        x = np.asarray(x, dtype=float)
        self.program(x.shape[1])
        low, high = (self._limit(end, x) for end in (self.integrand.low, self.integrand.high))
        half = 0.5 * (high - low)

        def f(s: Array, rows: Rows) -> Array:
            at = low[rows] + half[rows] * (1.0 + s)
            what = f"f of {self.integrand.name}"
            values = column_of(lambda: self.integrand.f(x[rows], at), len(rows), what)
            return (half[rows] * values)[:, None]

        y, good = adaptive(f, len(x), 1)
        if not good.all():
            raise PartialFailure(y, dict.fromkeys(np.flatnonzero(~good).tolist(), self._lost))
        return y

    @property
    def _lost(self) -> str:
        return (
            f"error: the integral {self.integrand.name} has no value to float64 accuracy: a limit or f is not finite, or f "
            "is not smooth enough"
        )

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values and pullback; NaN where there is no value."""
        x = np.asarray(x, dtype=float)
        program, d = self.program(x.shape[1]), x.shape[1]

        def f(s: Array, rows: Rows) -> Array:
            y, pull = program.vjp(np.column_stack([x[rows], s]))
            return np.column_stack([y, pull(np.ones((len(rows), 1)))[:, :d]])

        both, _ = adaptive(f, len(x), 1 + d)
        return both[:, :1], lambda weights: np.asarray(weights) * both[:, 1:]

    def _limit(self, end: End, x: Array) -> Array:
        return end_values(end, x, f"a limit of {self.integrand.name}")


def _flat(v: Any) -> Any:
    return v[:, 0] if len(getattr(v, "shape", ())) == 2 else v
