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

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.affine_model import AffineModel
from supnorm.certification.branch_room import with_tests
from supnorm.certification.executions import Executions, runs
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, lower_numpy
from supnorm.results import BadInput
from supnorm.results.numbers import num

POINTS, FEW = 256, 8  # points of one call; `FEW` where a call is expensive
MORE = 2048  # points where calls are cheap: a fault in a hundredth of the domain is then met about 20 times
# Once as many points in one call as a search gives: code that works in parts of 1,000 rows may have a fault in the second.
TIMES = 64
# Of programs that combine fewer numbers at a point, what expressions give in this call is compared, too: it takes 0.1 s.
LIGHT = 2000
SECONDS = 2.0  # a call of `POINTS` points that would take longer is expensive
# `MORE` points are compared where a program combines fewer numbers at a point than this: they then take about a second. A
# clock would choose another number of points in each run, and so give another `agreement`.
QUICK = 200_000
# Shares of the largest value: those of `sources.programs.agrees`, where a graph is read from a file, but smaller in float64.
SHARE = {"float64": 1e-7, "float32": 1e-3, "float16": 1e-1}
# For two calls of the same points, as in `evaluation.probe`.
AGAIN = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}
UNIT = {"float64": 1.0, "float32": 2.0**29, "float16": 2.0**42}  # unit of rounding, in units of float64's

Record = Callable[
    [str, Array, Array, Array, Array], None
]  # label, points, values as it runs and as read, rounding


class Compared:
    """Compares a function with its program, batch after batch.

    Attributes:
        function, program: what is compared.
        what: "model" or "reference".
        executions: what was executed while the program was read, and in calls.
        n: number of points in a call: `POINTS`, or `FEW` where a call is expensive.
        quick: whether the program is so small that more points are compared.
    """

    def __init__(
        self,
        function: Function,
        program: Program,
        what: str,
        record: Record,
        executions: Executions | None = None,
    ) -> None:
        self.function, self.program, self.what, self.record = function, program, what, record
        self.executions = executions or Executions(function, what)
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
        if not self._compiles(domain.d):
            runs(function, x[:1], what)  # the first call may load or compile something
            start = time.perf_counter()
            alone = self.executions.values(x[:1])
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
            self.executions.values(x),
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
        self._demand_no_other_rows(x, first, same)
        self.quick = n == POINTS and program.work < QUICK
        light = self.quick and program.work < LIGHT and seconds * TIMES < SECONDS
        many = np.tile(x, (TIMES, 1)) if light else None
        self.executions.demand_same(x, many)
        if self.quick:
            self.at(points[n:], "more")
        if self.quick and seconds * TIMES >= SECONDS:
            seconds = min(seconds, _timed(function, x, what)[1])
        if self.quick and alone is not None and seconds * TIMES < SECONDS:
            many = self.executions.values(np.tile(x, (TIMES, 1)))
            again = np.tile(first, (TIMES, 1)), np.tile(same, (TIMES, 1))
            where = f"before, in a call of {n} points"
            _refuse(many, *again, np.tile(x, (TIMES, 1)), what, where, "how many they are, a state")

    def _compiles(self, d: int) -> bool:
        """Whether the function is JAX code; JAX compiles for each number of points, so all calls should have one number.

        Code that NumPy's protocols can read is run by NumPy. All other code that could be read is JAX code.
        """
        value = self.function.value
        if not isinstance(value, Coded) or value.kind in ("torch", "composed"):
            return False
        if self.executions.read.readers:
            return "jax" in self.executions.read.readers
        try:
            with double_precision("jax" in sys.modules):
                lower_numpy(value.code, d, self.function.precision)
        except Exception:  # whatever JAX does with an array that is none of its own
            return True
        return False

    def _demand_no_other_rows(self, x: Array, first: Array, same: Array) -> None:
        """Refuse a function of which a row depends on other rows, also where no number shows it.

        Some rows become NaN, then all others. NaN goes through all arithmetic, also through a product with 0.
        """
        some = np.random.default_rng(0).random(len(x)) < 0.5
        some[0], some[-1] = True, False
        for gone in (some, ~some):
            run = runs(self.function, np.where(gone[:, None], np.nan, x), self.what)
            _refuse(
                run[~gone],
                first[~gone],
                same[~gone],
                x[~gone],
                self.what,
                whence="before, when no other row of the call was NaN",
                why="other rows",
            )

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


def slack_of(function: Function, program: Program, x: Array, branches: bool = True) -> Array:
    """Bound of the rounding of program and function together, shape ``(n, m)``; infinite where there is no bound.

    With ``branches`` the bound has room for the branches of the code that the program does not take.
    """
    low = asked(program, x.min(axis=0)) if len(x) else None  # what is at least zero is so at these points
    model, units = _rounded(function, program, x, branches, low)
    return units * model.err


def _rounded(
    function: Function, program: Program, x: Array, branches: bool, low: Array | None
) -> tuple[AffineModel, float]:
    """The model at points, and the rounding of the code that runs in units of its ``err``."""
    units = 4.0 * UNIT.get(function.precision, 2.0**45)
    outside = 0.0 if function.precision == "float64" else units
    at = x, np.zeros_like(x), np.ones(1)
    model, _ = propagate(program, *at, branches=branches, low=low, units=units, outside=outside)
    return model, units


def turned(function: Function, program: Program, x: Array) -> NDArray[np.bool_]:
    """Whether rounding may take the other formula of a ``where`` at each point, shape ``(n,)``."""
    watched = with_tests(program)
    if watched is program or not len(x):
        return np.zeros(len(x), dtype=bool)
    model, units = _rounded(function, watched, x, True, asked(program, x.min(axis=0)))
    sure = np.abs(model.c) > model.reach[:, 0] + units * model.err
    return np.asarray(~sure[:, program.m :].all(axis=1))


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
