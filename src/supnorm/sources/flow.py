"""A function that is defined by an initial value problem: y' = f(t, y, p), y(start) = y0(p), with time as an input.

`runge_kutta` solves the problems of all points of a batch together. The values of f are those of the user's code; the
derivatives of y by p come from the variational equations, with the slopes of the program that supnorm reads from f.

The result is accurate to some units in the last place, times what the equation makes of such errors. A point fails where
the start or f has no finite value on the way, or where the work does not end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure
from supnorm.problem.coded import Coded, code_of
from supnorm.problem.double_precision import double_precision
from supnorm.problem.function import Pullback, real_numbers
from supnorm.program import Node, Program, Unreadable, Unsupported, program_of
from supnorm.results import BadInput
from supnorm.results.numbers import count
from supnorm.sources.runge_kutta import STEPS, solve

Array = NDArray[np.float64]
Start = tuple[float, ...] | Callable[[Any], Any]  # values, or a function of the parameters (n, q) -> (n, k)


@dataclass(frozen=True, eq=False)
class Dynamics:
    """y' = f(t, y, p), y(start) = y0(p); calling it as code is refused, because a solution is no list of operations.

    Attributes:
        f: ``f(t, y, p)`` for times ``(n,)``, states ``(n, k)`` and parameters ``(n, q)``, returns ``(n, k)``.
        y0: the state at ``start``.
        components: those of y that are the outputs; None for all.
        time: the number of the input that is time.
        others: the numbers of the inputs that are p; None for all but time.
        start: the time of y0.
        name: for messages.
    """

    f: Callable[[Any, Any, Any], Any]
    y0: Start
    components: tuple[int, ...] | None
    time: int
    others: tuple[int, ...] | None
    start: float
    name: str

    def __call__(self, x: Any) -> Any:
        """Refuse to be read as a program.

        Raises:
            Unreadable: always.
        """
        raise Unreadable(
            f"{self.name} is the solution of an initial value problem, which is read only as the reference of certify",
            "the flow as the reference, with an explicit model",
        )

    def parameters(self, d: int) -> list[int]:
        """The inputs that are p, of d inputs."""
        if not self.time < d:
            raise BadInput(f"time of {self.name} is input {self.time}, but there are only {d} inputs")
        return [j for j in range(d) if j != self.time] if self.others is None else list(self.others)

    def rates(self, t: Any, y: Any, p: Any) -> Any:
        """f as one array; it may return a list of its components."""
        return _joined(self.f(t, y, p), t)

    def states(self, p: Any) -> Any:
        """y0 as one array, for parameters."""
        assert callable(self.y0)
        return _joined(self.y0(p), p[:, 0])

    def initial(self, d: int) -> Program:
        """The program of y0, ``(n, d) -> (n, k)``."""
        p = self.parameters(d)
        if callable(self.y0):
            return program_of(lambda x: self.states(x[:, p] if p else np.zeros((1, 0))), d)
        value = np.array(self.y0)
        return Program((Node("input", (), d), Node("constant", (), len(value), value=value)))

    def field(self, d: int, k: int | None = None) -> Program:
        """The program of f with inputs x and y, ``(n, d + k) -> (n, k)``.

        Args:
            d: number of inputs.
            k: number of components, where y0 was read already: code that is read once more is executed once more.

        Raises:
            Unsupported: names an operation that programs do not have.
        """
        k, p = self.initial(d).m if k is None else k, self.parameters(d)

        def rates(z: Any) -> Any:
            return self.rates(z[:, self.time], z[:, d:], z[:, p] if p else np.zeros((1, 0)))

        program = program_of(rates, d + k)
        if program.m != k:
            raise Unreadable(
                f"f of {self.name} has {program.m} components, the start has {k}", "as many rates as values"
            )
        return program

    def outputs(self, k: int) -> list[int]:
        """The components that are outputs, of k."""
        if self.components is None:
            return list(range(k))
        if not all(c < k for c in self.components):
            raise BadInput(
                f"components of {self.name}: {list(self.components)}, but y has {k} of them, from 0 on"
            )
        return list(self.components)

    def columns(self, columns: list[int]) -> Dynamics:
        """The same of inputs that stand in these columns of the points."""
        p = self.parameters(len(columns))
        return replace(self, time=columns[self.time], others=tuple(columns[j] for j in p))


def flow(
    f: Callable[[Any, Any, Any], Any],
    y0: Sequence[float] | float | Callable[[Any], Any],
    *,
    components: int | Sequence[int] | None = None,
    time: int = 0,
    start: float = 0.0,
    name: str = "",
) -> Function:
    """The solution of y' = f(t, y, p), y(start) = y0(p), as a model or a reference; one of the inputs is the time t.

    Args:
        f: ``f(t, y, p)`` in NumPy or JAX code that supnorm can read, for times ``t`` of shape ``(n,)``, states ``y`` of
            shape ``(n, k)`` and parameters ``p`` of shape ``(n, d - 1)``; it returns ``(n, k)``, or a list of k arrays
            ``(n,)``.
        y0: the state at ``start``: k numbers, or a function of the parameters, ``(n, d - 1) -> (n, k)``.
        components: the components of y that are outputs, counted from 0; by default all.
        time: the number of the input that is time, counted from 0. The other inputs, in order, are p.
        start: the time of y0.
        name: the name in messages and on pages; by default that of ``f``.

    Raises:
        BadInput: for arguments of other types. At a call, when the code of f cannot be read.

    >>> swing = flow(lambda t, y, p: [y[:, 1], -np.sin(y[:, 0])], lambda p: [p[:, 0], 0.0], components=0)
    >>> swing(np.array([[0.0, 1.0], [3.0, 1.0]])).round(6).tolist()
    [[1.0], [-0.948752]]
    >>> y, pull = swing.vjp(np.array([[3.0, 1.0]]))
    >>> pull(np.ones((1, 1))).round(4).tolist()
    [[-0.2912, -0.8378]]
    """
    if not callable(f):
        raise BadInput(f"flow needs a function f(t, y, p), got {type(f).__name__}")
    for what, value in (("time", time), ("start", start)):
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not np.isfinite(value):
            raise BadInput(f"{what} of a flow must be a finite number, got {value!r}")
    if int(time) != time or time < 0:
        raise BadInput(f"time of a flow must be the number of an input, from 0 on, got {time!r}")
    label = name or getattr(f, "__name__", "flow")
    return of_dynamics(
        Dynamics(
            f,
            y0 if callable(y0) else _values(y0),
            None if components is None else _components(components),
            int(time),
            None,
            float(start),
            label if label != "<lambda>" else "flow",
        )
    )


def of_dynamics(dynamics: Dynamics) -> Function:
    """The function that solves an initial value problem."""
    solver = _Solver(dynamics)
    return Function(Coded(solver.value, dynamics), name=dynamics.name, vjp=solver.vjp)


def dynamics_of(function: Any) -> Dynamics | None:
    """The initial value problem that a function solves; None for every other function.

    >>> dynamics_of(flow(lambda t, y, p: -y, [1.0], name="decay")).name
    'decay'
    """
    code = code_of(function.value) if isinstance(function, Function) else None
    return code if isinstance(code, Dynamics) else None


def _values(y0: Any) -> tuple[float, ...]:
    try:
        values = np.atleast_1d(np.asarray(y0, dtype=float))
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise BadInput(f"y0 of a flow must be finite numbers or a function of the parameters, got {y0!r}")
    return tuple(values.tolist())


def _components(given: Any) -> tuple[int, ...]:
    listed = list(given) if isinstance(given, list | tuple | np.ndarray | range) else [given]
    whole = [isinstance(c, int | np.integer) and not isinstance(c, bool) and c >= 0 for c in listed]
    if not listed or not all(whole) or len({*listed}) < len(listed):
        raise BadInput(f"components of a flow must be different whole numbers from 0 on, got {given!r}")
    return tuple(int(c) for c in listed)


def _joined(result: Any, like: Any) -> Any:
    """A list of components as one array; ``like`` is an array ``(n,)``."""
    if not isinstance(result, list | tuple):
        return result
    parts = [v + 0.0 * like if not getattr(v, "shape", ()) else v for v in result]
    if any(type(v).__module__.startswith("jax") for v in parts):
        import jax.numpy as jnp

        return jnp.stack(parts, axis=-1)
    return np.stack(parts, axis=-1)


class _Solver:
    """Solves one problem; reads f at the first call, when the number of inputs is known."""

    def __init__(self, dynamics: Dynamics) -> None:
        self.dynamics = dynamics
        self._programs: dict[int, tuple[Program, Program]] = {}

    def __reduce__(self) -> Any:  # programs are read again where they are needed
        return _Solver, (self.dynamics,)

    def programs(self, d: int) -> tuple[Program, Program]:
        """The programs of f and y0."""
        if d not in self._programs:
            try:
                self._programs[d] = self.dynamics.field(d), self.dynamics.initial(d)
            except Unsupported as error:
                raise BadInput(f"flow cannot read f or y0 of {self.dynamics.name}: {error}") from None
        return self._programs[d]

    def value(self, x: Array) -> Array:
        """Values ``(n, m)``; raises `PartialFailure` with the points that have none."""
        x = np.asarray(x, dtype=float)
        flow, t, y0 = self.dynamics, *self._begin(x)
        p, name, span = x[:, flow.parameters(x.shape[1])], f"f of {flow.name}", t - flow.start

        def rates(s: Array, y: Array, rows: NDArray[np.intp]) -> Array:
            at = flow.start + s * span[rows]
            with double_precision("jax" in sys.modules):
                result = _rows(flow.rates(at, y.copy(), p[rows]), len(rows), y0.shape[1], name)
            return span[rows][:, None] * result

        y, good = solve(rates, y0)
        y = y[:, flow.outputs(y0.shape[1])]
        if not good.all():
            raise PartialFailure(y, {i: self._lost(y0[i]) for i in np.flatnonzero(~good).tolist()})
        return y

    def _lost(self, y0: Array) -> str:
        if not np.isfinite(y0).all():
            return f"error: y0 of {self.dynamics.name} is not finite"
        return (
            f"error: the solution of {self.dynamics.name} was not reached in {count(STEPS)} steps: f is not finite on the "
            "way, or grows or changes too fast"
        )

    def _begin(self, x: Array) -> tuple[Array, Array]:
        """Times ``(n,)`` and initial states ``(n, k)``."""
        flow, (_, initial) = self.dynamics, self.programs(x.shape[1])
        if callable(flow.y0):
            p = x[:, flow.parameters(x.shape[1])]
            with double_precision("jax" in sys.modules):
                y0 = _rows(flow.states(p), len(x), initial.m, f"y0 of {flow.name}")
        else:
            y0 = np.tile(np.array(flow.y0), (len(x), 1))
        return x[:, flow.time], y0

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values and pullback by the variational equations; NaN where there is no solution."""
        x = np.asarray(x, dtype=float)
        flow, (field, initial) = self.dynamics, self.programs(x.shape[1])
        n, d = x.shape
        t, y0 = self._begin(x)
        k, p, span = y0.shape[1], flow.parameters(d), t - flow.start
        begun = np.concatenate([y0[:, :, None], _jacobian(initial, x)[:, :, p]], axis=2)

        def rates(s: Array, state: Array, rows: NDArray[np.intp]) -> Array:
            now = state.reshape(len(rows), k, 1 + len(p))
            at = x[rows].copy()
            at[:, flow.time] = flow.start + s * span[rows]
            z = np.column_stack([at, now[:, :, 0]])
            slopes = _jacobian(field, z)
            moved = slopes[:, :, d:] @ now[:, :, 1:] + slopes[:, :, p]
            result = np.concatenate([field.value(z)[:, :, None], moved], axis=2)
            return np.asarray((span[rows][:, None, None] * result).reshape(len(rows), -1))

        state, _ = solve(rates, begun.reshape(n, -1))
        state = state.reshape(n, k, 1 + len(p))
        z, out = np.column_stack([x, state[:, :, 0]]), flow.outputs(k)
        gradient = np.zeros((n, k, d))
        gradient[:, :, p] = state[:, :, 1:]
        gradient[:, :, flow.time] = field.value(z)
        return state[:, out, 0], lambda weights: np.einsum(
            "nm,nmd->nd", np.asarray(weights), gradient[:, out]
        )


def _jacobian(program: Program, x: Array) -> Array:
    """The derivatives of all outputs by all inputs, ``(n, m, d)``."""
    with np.errstate(all="ignore"):
        _, pull = program.vjp(x)
        rows = [pull(np.broadcast_to(np.eye(program.m)[i], (len(x), program.m))) for i in range(program.m)]
    return np.stack(rows, axis=1)


def _rows(result: Any, n: int, k: int, what: str) -> Array:
    """A result for n points as ``(n, k)``."""
    values = real_numbers(result, what)
    if k == 1 and values.shape == (n,):
        values = values[:, None]
    if values.shape in ((k,), (1, k)) and n:
        values = np.broadcast_to(values, (n, k))
    if values.shape != (n, k):
        raise BadInput(f"{what} must return shape ({n}, {k}) for {n} points, got {values.shape}")
    return values
