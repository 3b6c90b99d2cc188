"""What was read is what runs: a program against the function it was read from, before anything is proved of it.

A program sees one point. Code that looks at other rows of a batch, keeps a state or draws random numbers is read
without a complaint and runs differently. So the function is called on one point, on a batch, on the same batch again and
on half of it in another order and other company, and each answer is compared with the program's. Allowed is what
its precision explains: a share of the largest value, and the proved bound of the rounding of such an evaluation
where that is larger (cancellation). Where the program is small a few thousand points more are compared. Half of all lie
on faces and corners of the domain, where code that clips or branches shows what it does. It is a test, not a proof.
How large the differences are that it lets pass is recorded (`measured`), and set against what is claimed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from supnorm.certification.affine_model import propagate
from supnorm.certification.rounding import Array
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, lower_numpy
from supnorm.results import BadInput

POINTS, FEW = 256, 8  # the latter where a call is expensive
MORE = 2048  # where it is cheap: what is wrong in a hundredth of the domain, then shows
SECONDS = 2.0  # of one call
# Numbers that a program may combine at a point for `MORE` to be compared: about a second then. A clock would choose
# another number of points, and so another `agreement`, in each run.
QUICK = 200_000
# as when a graph is read from a file (`sources.programs.agrees`), float64 closer
SHARE = {"float64": 1e-7, "float32": 1e-3, "float16": 1e-1}
AGAIN = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}  # the same call twice, as `evaluation.probe`
UNIT = {"float64": 1.0, "float32": 2.0**29, "float16": 2.0**42}  # of rounding, against float64's

Record = Callable[[str, Array, Array, Array, Array], None]  # label, points, as it runs, as read, rounding


def runs(function: Function, x: Array, what: str) -> Array:
    """Values as the function gives them, shape ``(n, m)``; NaN at points where it fails.

    Plain JAX code is run in 64-bit mode, in which it was read.

    Raises:
        BadInput: when it fails at all points.
    """
    with double_precision(function.precision == "float64" and "jax" in sys.modules):
        y, messages = guarded(function.value, x, None)
    if len(messages) == len(x):
        raise BadInput(f"the {what} failed at {x[0].tolist()}: {messages[0]}")
    return y


class Compared:
    """A function that is compared with its program, batch after batch.

    Attributes:
        function, program, what: the two, and "model" or "reference".
        n: points of a call: `POINTS`, or `FEW` where a call is expensive.
        quick: whether the program is so small that more points are compared.
    """

    def __init__(self, function: Function, program: Program, what: str, record: Record) -> None:
        self.function, self.program, self.what, self.record = function, program, what, record
        self.n, self.quick, self.size = POINTS, False, np.zeros(program.m)
        self.least = np.zeros(program.m)  # the smallest bound of the rounding in the first batch

    def everywhere(self, domain: Domain) -> None:
        """Compare at points of the whole domain.

        Raises:
            BadInput: with the point, both values and how much is allowed.
        """
        function, program, what = self.function, self.program, self.what
        points = _points(domain)
        x = points[:POINTS]
        alone = None
        if not _compiles(function, domain.d):
            runs(function, x[:1], what)  # the first call may prepare something
            alone, seconds = _timed(function, x[:1], what)
            if seconds * POINTS >= SECONDS:  # once more: another process may have had the processor
                seconds = min(seconds, _timed(function, x[:1], what)[1])
            x = x[: POINTS if seconds * POINTS < SECONDS else FEW]
        n = self.n = len(x)
        first = runs(function, x, what)
        if first.shape[1] != program.m:
            raise BadInput(
                f"the {what} returns {first.shape[1]} outputs, {program.m} were read from its code"
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
            runs(function, x, what),
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
        self.quick = n == POINTS and _work(program) < QUICK
        if self.quick:
            self.at(points[n:], "more")

    def at(self, x: Array, label: str) -> None:
        """Compare at further points, shape ``(k, d)``, in calls of ``n``, the number for which JAX has compiled.

        Raises:
            BadInput: as `everywhere`.
        """
        for i in range(0, len(x), self.n):
            part = x[i : i + self.n]
            full = np.concatenate([part, np.repeat(part[-1:], self.n - len(part), axis=0)])
            found = runs(self.function, full, self.what)[: len(part)]
            read = self.program.value(part)
            self._take(
                f"{label} {i}", part, found, read, self._slack(part, found, read), "other rows, a state"
            )

    def _slack(self, x: Array, found: Array, read: Array) -> Array:
        """The bound of the rounding, computed where more is to be explained than the smallest of the first batch."""
        slack = np.broadcast_to(self.least, read.shape).copy()
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(~(np.abs(found - read) <= slack).all(axis=1))
        if len(rows):
            slack[rows] = slack_of(self.function, self.program, x[rows])
        return slack

    def _take(self, label: str, x: Array, found: Array, read: Array, slack: Array, why: str) -> None:
        share = SHARE.get(self.function.precision, 0.3) * self.size
        _refuse(found, read, share + slack, x, self.what, whence="was read from its code", why=why)
        self.record(label, x, found, read, slack)


def compare(function: Function, program: Program, what: str, domain: Domain) -> None:
    """Refuse a program that is not what the function computes.

    Raises:
        BadInput: with the point, both values and how much is allowed.
    """
    Compared(function, program, what, lambda *batch: None).everywhere(domain)


def _points(domain: Domain) -> Array:
    """Random points of the domain, every second one with some inputs at their ends."""
    rng = np.random.default_rng(0)
    u = rng.random((8 * MORE, domain.d))
    ends = rng.random(u.shape) < rng.random((len(u), 1))
    ends[::2] = False
    x = domain.from_unit(np.where(ends, np.round(u), u))
    inside = domain.contains(x)  # beyond its constraints a function may fail
    return x[inside][:MORE] if inside.any() else x[:MORE]


def _timed(function: Function, x: Array, what: str) -> tuple[Array, float]:
    """Values, and the seconds that they took."""
    start = time.perf_counter()
    return runs(function, x, what), time.perf_counter() - start


def _work(program: Program) -> int:
    """How many numbers one evaluation combines: weights, and features of results."""
    return sum(node.width if node.weight is None else node.weight.size for node in program.nodes)


def _compiles(function: Function, d: int) -> bool:
    """Whether it is JAX code, which compiles its operations for each number of points: one number is enough.

    It is where JAX could read the code and NumPy's protocols cannot. What both can is run by NumPy.
    """
    value = function.value
    if not isinstance(value, Coded) or value.kind == "torch":
        return False
    try:
        with double_precision("jax" in sys.modules):
            lower_numpy(value.code, d, function.precision)
    except Exception:  # whatever JAX does with an array that is none of its own
        return True
    return False


def slack_of(function: Function, program: Program, x: Array, branches: bool = True) -> Array:
    """Rounding of the program's and of the function's evaluation, shape ``(n, m)``; infinite where unbounded.

    With ``branches`` it holds what branches of the code do that the program does not take.
    """
    model, _ = propagate(program, x, np.zeros_like(x), np.ones(1), branches=branches)
    return 4.0 * UNIT.get(function.precision, 2.0**45) * model.err


def _refuse(runs: Array, other: Array, allowed: Array, x: Array, what: str, whence: str, why: str) -> None:
    """Where ``other`` is finite the function must be, and close."""
    with np.errstate(invalid="ignore"):
        near = np.abs(runs - other) <= allowed
    off = ~near & np.isfinite(other)
    if not off.any():
        return
    i, k = np.argwhere(off)[0]
    raise BadInput(
        f"the {what} gives {runs[i, k]:.8g} at {x[i].tolist()}, but {other[i, k]:.8g} {whence}, where rounding "
        f"explains {allowed[i, k]:.1g}: it depends on more than the point ({why}), or a branch was not seen"
    )
