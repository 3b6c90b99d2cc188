"""Calls a function with arrays and compares what Python executes with what it executed while the code was read."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.instructions import (
    demand_followed,
    demand_raised,
    demand_read,
    demand_same,
    demand_watched,
)
from supnorm.certification.silence import demand_as_numpy, demand_no_hooks, demand_silent
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, Unsupported, program_of
from supnorm.program.elsewhere import clocks, others_ran, unfollowed
from supnorm.program.executed import Executed
from supnorm.program.expressions import Expression, has_source, watching
from supnorm.program.jax_beside_numpy import first_unlike
from supnorm.program.jaxpr_constants import demand_no_rounding
from supnorm.program.jaxpr_primitives import changes_arrays, demand_of_jax, within
from supnorm.program.jaxpr_traced import is_current, retrace
from supnorm.program.recording import ALONE, read_meanwhile, recorded
from supnorm.program.rows import of_one_point
from supnorm.results import BadInput

Array = NDArray[np.float64]
# What was executed, what should be the same, and the numbers of rows where these differ.
Pair = tuple[Executed, list[Executed], tuple[int, int] | None]
# A call of so many points is recorded as takes at most this many instructions, by those that reading took; each takes about
# 0.3 microseconds more. Code that works point by point does the same for each of them.
STEPS, FEW = 2_000_000, 8
# Nor of more points where the code takes them one by one: a list of 16,384 results that grows was looked through each time,
# which took 36 s, and takes 1.9 s for 1,024. Beyond these nothing sees that a result depends on the place of its point.
ROWS = 1024
TIMES = 3  # as often is looked for threads that take part
POINTS = 256  # of one call of code that a solver calls


def runs(function: Function, x: Array, what: str) -> Array:
    """Values as the function gives them, shape ``(n, m)``; NaN at points where it fails.

    Plain JAX code runs in the 64-bit mode in which it was read.

    Raises:
        BadInput: when the function fails at all points.
    """
    with double_precision(function.precision == "float64" and "jax" in sys.modules):
        y, messages = guarded(function.value, x, None)
    if len(messages) == len(x):
        raise BadInput(f"the {what} failed at {x[0].tolist()}: {messages[0]}")
    return y


def demand_called(
    value: Callable[[Array], Array], read: Executed, again: Callable[[], object], domain: Domain
) -> None:
    """Compare the executions of code that a solver of the reference calls (an equation, a field, limits).

    Args:
        value: calls all of this code for points of the domain, ``(n, d) -> (n, k)``.
        read: what was executed while it was read.
        again: reads it once more.

    Raises:
        BadInput: naming what does something else with arrays than while it was read.
    """
    x = domain.from_unit(np.random.default_rng(0).random((POINTS, domain.d)))
    executions = Executions(Function(value), "reference", read, again)
    for points in (x[:1], x):
        runs(executions.function, points, "reference")  # the first call may load something
        executions.values(points)
    executions.demand_same(x)


@dataclass
class Executions:
    """The executions of a function whose code was read.

    Attributes:
        function: the function as it runs.
        what: "model" or "reference", for messages.
        read: what was executed while its code was read; without a reader nothing is compared.
        again: reads it once more and gives its program.
        program: as it was read first; None where it is not compared with what is read again.
        ran: what was executed in calls so far.
        whole: whether a call with several points took hardly more instructions than one with a point.
        fresh: what JAX has traced of the code, by the number of points.
    """

    function: Function
    what: str
    read: Executed = field(default_factory=Executed)
    again: Callable[[], object] = object
    program: Program | None = None
    ran: Executed = field(default_factory=Executed)
    whole: bool = False
    fresh: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, function: Function, program: Program, what: str, read: Executed) -> Executions:
        """The executions of a function that `program_of` has read."""
        reader = "jax" if read.readers == {"jax"} else ""
        again = partial(program_of, function, program.d, limited=True, branches=True, reader=reader)
        return cls(function, what, read, again, program)

    def values(self, x: Array) -> Array:
        """Values of a call that may execute nothing but what was executed while the code was read.

        Raises:
            BadInput: naming what was not.
        """
        if not self.read.readers:
            return runs(self.function, x, self.what)
        part = self._part(x)
        with recorded() as seen:
            run = runs(self.function, part, self.what)
        self.whole |= len(part) > 1 and seen.steps <= 2 * self.read.steps
        if self._jax is not None:
            seen.join(self._traced(x))
        try:
            demand_read(self.read, seen, self.what, len(x))
        except (
            BadInput
        ):  # the first call may have loaded something: then another reading takes the other way, too
            with read_meanwhile() as more:
                self._read_again()
            self.read.join(more)
            demand_read(self.read, seen, self.what, len(x))
        self.ran.join(seen)
        return run if len(part) == len(x) else runs(self.function, x, self.what)

    def demand_same(self, x: Array, many: Array | None = None) -> None:
        """Compare what the expressions of the code give while it is read again, and in calls with the points ``x (n, d)``.

        JAX code is traced for as many points as it is called with, because it compiles for each number of points.

        Args:
            many: more points, for one more call of code that JAX does not read.

        Raises:
            BadInput: naming an expression that gives something else with arrays.
        """
        if self.read.readers:
            with ALONE:
                self._demand_same(x, many)

    def _demand_same(self, x: Array, many: Array | None) -> None:
        n, d = x.shape
        x, what, clocks_before = self._part(x), self.what, clocks()
        codes = [*self.read.objects.values(), *self.ran.objects.values()]
        for times in (1, 2):  # what a second call does otherwise (a counter, a clock) is not compared
            # What was executed for the first time meanwhile is watched in the next turn, and what a walk did not reach.
            for near in ([self.function.value], None, None):
                with watching(codes, near) as copies:
                    pairs, steady = self._pairs(x, times, many)
                    unlike = self._unlike(x, pairs[0][0], copies)
                met = [c for read, runs_, _ in pairs for one in (read, *runs_) for c in one.objects.values()]
                unwatched = [c for c in met if c not in copies]
                if not any(map(has_source, unwatched)):
                    break
                codes += unwatched
            demand_watched([one for read, runs_, _ in pairs for one in (read, *runs_)], copies, what)
            for read, runs_, rows in pairs:
                for one in runs_ if rows is None or rows[0] == rows[1] else ():
                    demand_raised(read, one, what)
            try:
                for read, runs_, rows in pairs:
                    demand_same(read, runs_, what, rows, steady)
            except BadInput:
                if times == 2:
                    raise
            else:
                break
        demand_as_numpy(unlike, what)
        for rows in sorted({1, n}):  # a point alone is what a user may try first
            self._demand_current(rows, d)
        demand_silent(self.read, what)
        demand_no_hooks(what)
        if others_ran(clocks_before):
            self._demand_followed(x[:1])

    def _unlike(self, x: Array, read: Executed, copies: frozenset[CodeType]) -> Expression | None:
        """An expression of plain code that JAX has read, of which NumPy's arrays make something else than JAX's."""
        value = self.function.value
        if "jax" not in self.read.readers or (isinstance(value, Coded) and value.kind == "jax"):
            return None
        return first_unlike(self._jax or value, x, read, copies, self.function.precision == "float64")

    def _pairs(self, x: Array, times: int, many: Array | None) -> tuple[list[Pair], Executed | None]:
        """Executions to compare, each call so many times, and a further one of a call with one point if it is not once."""
        one = x[:1]
        with read_meanwhile() as read:
            self._read_again()

        def repeated(call: Callable[[Array], Executed], x: Array) -> list[Executed]:
            return [call(x) for _ in range(times)]

        if self._jax is not None:
            traced, called, alone = self._traced(x), repeated(self._called, x), self._traced(one)
            pairs: list[Pair] = [
                (traced, called, None),
                (read, [alone], (1, 1)),
                (alone, [traced], (1, len(x))),
                (traced, repeated(self._untraced, x), None),
                (traced, repeated(self._retraced, x), None),
            ]
            return pairs, None
        called = repeated(self._called, one)
        batches = [x] if many is None else [x, self._part(many)]
        return [
            (read, called, None),
            *((called[0], repeated(self._called, batch), (1, len(batch))) for batch in batches),
            (read, repeated(self._untraced, one), None),
        ], called[1] if times == 2 else None

    def _demand_followed(self, x: Array) -> None:
        """Refuse code for which a thread computes that is not recorded.

        Other code of the user may run in such a thread now and then; a thread that takes part does so each time.
        """
        for _ in range(TIMES):
            with unfollowed() as unrecorded:
                with read_meanwhile():
                    self._read_again()
                if self._jax is not None:
                    self._traced(x)
                self._called(x)
            if not unrecorded:
                return
        demand_followed(unrecorded, self.what)

    def _read_again(self) -> None:
        try:
            with of_one_point():
                again = self.again()
        except Unsupported as error:
            raise BadInput(
                f"certify cannot read the {self.what} again, though it could once: {error}"
            ) from None
        if isinstance(again, Program) and self.program is not None and again.hash != self.program.hash:
            raise BadInput(
                f"certify cannot read the {self.what}: its code is another program when it is read again; it depends on "
                "more than the point (a state, chance)"
            )

    def _part(self, x: Array) -> Array:
        if self.whole:
            return x
        some = x[:ROWS]
        return some if self.read.steps * len(some) <= STEPS else x[:FEW]

    @property
    def _jax(self) -> Any:
        """The code, if JAX has read it: what is below a ``jax.jit`` is executed only when JAX traces it."""
        code = self.function.value.code if isinstance(self.function.value, Coded) else None
        return code if "jax" in self.read.readers and callable(code) else None

    def _traced(self, x: Array) -> Executed:
        with recorded() as seen:
            self.fresh[len(x)] = self._trace(*x.shape)
        return seen

    def _demand_current(self, n: int, d: int) -> None:
        """Refuse code of which JAX has compiled something else, for as many points, before it was read, or other operations.

        A reader meets no operations of constants: JAX computes them while it traces for one.
        """
        if self._jax is None:
            return
        if n not in self.fresh:
            with recorded():
                self.fresh[n] = self._trace(n, d)
        try:
            for equation in within(self.fresh[n]):
                demand_of_jax(equation)
            if n == 1 and self.fresh[n] is not None:
                value = self.function.value
                with double_precision(self.function.precision == "float64"):
                    demand_no_rounding(self.fresh[n], isinstance(value, Coded) and value.kind == "jax")
        except Unsupported as error:
            raise BadInput(f"certify cannot read the {self.what}: {error}") from None
        if changes_arrays(self.fresh[n]):
            raise BadInput(
                f"certify cannot read the {self.what}: it has arrays of JAX that can change (jax.new_ref); write new "
                "arrays, y = y + 1"
            )
        if not is_current(self.fresh[n], self._trace(n, d)):
            raise BadInput(
                f"certify cannot read the {self.what}: JAX has compiled a function of it before, and would compile another "
                "one now; it runs the first. A value that the function names has changed since, or an argument of it is "
                "equal to an earlier one and not the same; give such values as arguments, or call jax.clear_caches()"
            )

    def _untraced(self, x: Array) -> Executed:
        """What watched expressions give in a call without a trace function and with NumPy's warnings: code may see both."""
        precise = double_precision(self.function.precision == "float64" and "jax" in sys.modules)
        with read_meanwhile() as seen, precise, np.errstate(all="warn"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(Exception):  # the calls before have shown where it fails
                self.function.value(x)
        return seen

    def _retraced(self, x: Array) -> Executed:
        """The same while JAX traces the code."""
        with read_meanwhile() as seen:
            self._trace(*x.shape)
        return seen

    def _trace(self, n: int, d: int) -> Any:
        value = self.function.value
        compiled = isinstance(value, Coded) and value.kind == "jax"
        code = value.compiled if isinstance(value, Coded) and value.compiled else self._jax
        return retrace(code, n, d, self.function.precision, compiled)

    def _called(self, x: Array) -> Executed:
        with recorded() as seen:
            runs(self.function, x, self.what)
        return seen
