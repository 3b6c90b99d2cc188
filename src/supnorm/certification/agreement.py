"""The program that was read is compared with the function that runs, before anything is proved about the program.

A program sees one point. Code that looks at other rows of a batch, keeps a state or draws random numbers can be read
without a complaint, and still runs differently. So the function is called on one point, on a batch, on the same batch
again, and on half of the batch in another order beside other rows; where that is cheap and compiles nothing, also on many
copies of the batch in one call. Each answer is compared with the program's answer, or with the one before.
A difference is allowed up to a share of the largest value, which depends on the precision. Where cancellation makes the
proved bound of the rounding larger than this share, the bound is allowed. Small programs are compared at a few thousand
more points. Half of all points lie on faces and corners of the domain, where code that clips or branches shows it.
This is a test and no proof. `measured` records the differences that passed, and compares them with the claim.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.certification.affine_model import propagate
from supnorm.certification.instructions import demand_read, demand_same, demand_watched
from supnorm.certification.rounding import Array
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, lower_numpy, program_of
from supnorm.program.executed import Executed, read_meanwhile, recorded
from supnorm.program.expressions import watching
from supnorm.program.jaxpr import retrace
from supnorm.results import BadInput
from supnorm.results.numbers import num

POINTS, FEW = 256, 8  # points of one call; `FEW` where a call is expensive
MORE = 2048  # points where calls are cheap: a fault in a hundredth of the domain is then met about 20 times
# Once as many points in one call as a search gives: code that works in parts of 1,000 rows may have a fault in the second.
TIMES = 64
SECONDS = 2.0  # a call of `POINTS` points that would take longer is expensive
# `MORE` points are compared where a program combines fewer numbers at a point than this: they then take about a second. A
# clock would choose another number of points in each run, and so give another `agreement`.
QUICK = 200_000
# Shares of the largest value: those of `sources.programs.agrees`, where a graph is read from a file, but smaller in float64.
SHARE = {"float64": 1e-7, "float32": 1e-3, "float16": 1e-1}
# For two calls of the same points, as in `evaluation.probe`.
AGAIN = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}
RECORDED = (
    1e-3  # seconds of a batch; the instructions of `TIMES` as many points are recorded where it takes less
)
UNIT = {"float64": 1.0, "float32": 2.0**29, "float16": 2.0**42}  # unit of rounding, in units of float64's

Record = Callable[
    [str, Array, Array, Array, Array], None
]  # label, points, values as it runs and as read, rounding


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


class Compared:
    """Compares a function with its program, batch after batch.

    Attributes:
        function, program: what is compared.
        what: "model" or "reference".
        read, ran: the instructions that were executed while the program was read, if that is known, and in calls.
        n: number of points in a call: `POINTS`, or `FEW` where a call is expensive.
        quick: whether the program is so small that more points are compared.
    """

    def __init__(
        self,
        function: Function,
        program: Program,
        what: str,
        record: Record,
        read: Executed | None = None,
    ) -> None:
        self.function, self.program, self.what, self.record = function, program, what, record
        self.read, self.ran = read or Executed(), Executed()
        self.n, self.quick, self.size = POINTS, False, np.zeros(program.m)
        self.least = np.zeros(program.m)  # the smallest bound of the rounding in the first batch

    def everywhere(self, domain: Domain) -> None:
        """Compare at points of the whole domain.

        Raises:
            BadInput: when the values differ; it names the point, both values and the difference that is allowed.
        """
        function, program, what = self.function, self.program, self.what
        points = _points(domain)
        x = points[:POINTS]
        alone = None
        if not _compiles(function, domain.d):
            runs(function, x[:1], what)  # the first call may load or compile something
            start = time.perf_counter()
            alone = self._recorded(x[:1])
            seconds = time.perf_counter() - start
            if seconds * POINTS >= SECONDS:  # again: another process may have used the processor
                seconds = min(seconds, _timed(function, x[:1], what)[1])
            x = x[: POINTS if seconds * POINTS < SECONDS else FEW]
        n = self.n = len(x)
        first, seconds = _timed(function, x, what)
        if first.shape[1] != program.m:
            raise BadInput(
                f"the {what} returns {first.shape[1]} outputs, but its code was read as a function of {program.m} outputs"
            )
        read, slack = program.value(x), slack_of(function, program, x)
        self.size = np.max(np.abs(read), axis=0, where=np.isfinite(read), initial=1e-300)
        self.least = np.min(slack, axis=0, where=np.isfinite(slack), initial=np.inf)
        self.least = np.where(np.isfinite(self.least), self.least, 0.0)
        if alone is not None:
            self._take("alone", x[:1], alone, read[:1], slack[:1], "a state, chance")
        self._take("batch", x, first, read, slack, "other rows, a state, chance")
        same = AGAIN.get(function.precision, 0.1) * self.size + slack
        _refuse(
            self._recorded(x),
            first,
            same,
            x,
            what,
            whence="before, in the same call",
            why="a state, chance",
        )
        rows = np.concatenate([np.arange(n // 2)[::-1], np.zeros(n - n // 2, dtype=np.intp)])
        mixed = runs(function, x[rows], what)
        self._take("mixed", x[rows], mixed, read[rows], slack[rows], "other rows, a state")
        if self.read.readers:
            self._same_expressions(x)
        self.quick = n == POINTS and _work(program) < QUICK
        if self.quick:
            self.at(points[n:], "more")
        if self.quick and alone is not None and seconds * TIMES < SECONDS:
            copies = np.tile(x, (TIMES, 1))
            many = self._recorded(copies) if seconds < RECORDED else runs(function, copies, what)
            again = np.tile(first, (TIMES, 1)), np.tile(same, (TIMES, 1))
            where = f"before, in a call of {n} points"
            _refuse(many, *again, np.tile(x, (TIMES, 1)), what, where, "how many they are, a state")

    def _recorded(self, x: Array) -> Array:
        """Values of a call that may execute nothing but what was executed while the code was read."""
        with recorded() as seen:
            run = runs(self.function, x, self.what)
        if self._jax is not None:
            seen.join(self._traced(x))
        demand_read(self.read, seen, self.what, len(x))
        self.ran.join(seen)
        return run

    @property
    def _jax(self) -> Any:
        """The code, if JAX has read it: what is below a ``jax.jit`` is executed only when JAX traces it."""
        code = self.function.value.code if isinstance(self.function.value, Coded) else None
        return code if "jax" in self.read.readers and callable(code) else None

    def _traced(self, x: Array) -> Executed:
        with recorded() as seen:
            retrace(self._jax, len(x), x.shape[1], self.function.precision)
        return seen

    def _called(self, x: Array) -> Executed:
        with recorded() as seen:
            runs(self.function, x, self.what)
        return seen

    def _same_expressions(self, x: Array) -> None:
        """Compare what the expressions of the code give while it is read again, and in calls with arrays.

        JAX code is traced for as many points as it is called with, because it compiles for each number of points.
        """
        one, what = x[:1], self.what
        with watching([*self.read.objects.values(), *self.ran.objects.values()]) as copies:
            if self._jax is not None:
                read, called = self._traced(x), [self._called(x), self._called(x)]
                fewer, more = self._traced(one), read
            else:
                with read_meanwhile() as read:
                    again = program_of(self.function, x.shape[1], limited=True)
                if again.hash != self.program.hash:
                    raise BadInput(
                        f"certify cannot read the {what}: its code is another program when it is read again; it depends on "
                        "more than the point (a state, chance)"
                    )
                called = [self._called(one), self._called(one)]
                fewer, more = called[0], self._called(x)
        demand_watched([read, *called, more], copies, what)
        demand_same(read, called, what)
        demand_same(fewer, [more], what, rows=True)

    def at(self, x: Array, label: str) -> None:
        """Compare at further points, shape ``(k, d)``, in calls of ``n`` points, the number that JAX has compiled for.

        Raises:
            BadInput: see `everywhere`.
        """
        for i in range(0, len(x), self.n):
            part = x[i : i + self.n]
            full = np.concatenate([part, np.repeat(part[-1:], self.n - len(part), axis=0)])
            run = runs(self.function, full, self.what)[: len(part)]
            read = self.program.value(part)
            self._take(f"{label} {i}", part, run, read, self._slack(part, run, read), "other rows, a state")

    def _slack(self, x: Array, run: Array, read: Array) -> Array:
        """Bounds of the rounding, shape ``(k, m)``.

        The smallest bound of the first batch stands where it explains the difference; elsewhere the bound is computed.
        """
        slack = np.broadcast_to(self.least, read.shape).copy()
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(~(np.abs(run - read) <= slack).all(axis=1))
        if len(rows):
            slack[rows] = slack_of(self.function, self.program, x[rows])
        return slack

    def _take(self, label: str, x: Array, run: Array, read: Array, slack: Array, why: str) -> None:
        share = SHARE.get(self.function.precision, 0.3) * self.size
        _refuse(run, read, share + slack, x, self.what, whence="was read from its code", why=why)
        self.record(label, x, run, read, slack)


def compare(function: Function, program: Program, what: str, domain: Domain) -> None:
    """Refuse a program whose values differ from the function's.

    Raises:
        BadInput: naming the point, both values and the difference that is allowed.
    """
    Compared(function, program, what, lambda *batch: None).everywhere(domain)


def _points(domain: Domain) -> Array:
    """Random points of the domain; every second point has some inputs at the ends of their axes."""
    rng = np.random.default_rng(0)
    u = rng.random((8 * MORE, domain.d))
    ends = rng.random(u.shape) < rng.random((len(u), 1))
    ends[::2] = False
    x = domain.from_unit(np.where(ends, np.round(u), u))
    inside = domain.contains(x)  # outside the constraints a function may fail
    return x[inside][:MORE] if inside.any() else x[:MORE]


def _timed(function: Function, x: Array, what: str) -> tuple[Array, float]:
    """Values, and the seconds that they took."""
    start = time.perf_counter()
    return runs(function, x, what), time.perf_counter() - start


def _work(program: Program) -> int:
    """How many numbers one evaluation combines: the weights of affine operations, and the features of all others."""
    return sum(node.width if node.weight is None else node.weight.size for node in program.nodes)


def _compiles(function: Function, d: int) -> bool:
    """Whether the function is JAX code; JAX compiles for each number of points, so all calls should have the same number.

    Code that NumPy's protocols can read is run by NumPy. All other code that could be read is JAX code.
    """
    value = function.value
    if not isinstance(value, Coded) or value.kind in ("torch", "composed"):
        return False
    try:
        with double_precision("jax" in sys.modules):
            lower_numpy(value.code, d, function.precision)
    except Exception:  # whatever JAX does with an array that is none of its own
        return True
    return False


def slack_of(function: Function, program: Program, x: Array, branches: bool = True) -> Array:
    """Bound of the rounding of program and function together, shape ``(n, m)``; infinite where there is no bound.

    With ``branches`` the bound has room for the branches of the code that the program does not take.
    """
    model, _ = propagate(program, x, np.zeros_like(x), np.ones(1), branches=branches)
    return 4.0 * UNIT.get(function.precision, 2.0**45) * model.err


def _refuse(runs: Array, other: Array, allowed: Array, x: Array, what: str, whence: str, why: str) -> None:
    """Refuse values ``runs`` that are not within ``allowed`` of ``other`` where ``other`` is finite."""
    with np.errstate(invalid="ignore"):
        near = np.abs(runs - other) <= allowed
    off = ~near & np.isfinite(other)
    if not off.any():
        return
    i, k = np.argwhere(off)[0]
    raise BadInput(
        f"the {what} gives {num(runs[i, k], 8)} at {x[i].tolist()}, but {num(other[i, k], 8)} {whence}, and rounding "
        f"explains only {num(allowed[i, k], 1)}: it depends on more than the point ({why}), or has a branch that "
        "was not read"
    )
