"""What was read is what runs: a program against the function it was read from, before anything is proved of it.

A program sees one point. Code that looks at other rows of a batch, keeps a state or draws random numbers is read
without a complaint and runs differently. So the function is called on one point, on a batch, on the same batch again and
on half of it in another order and other company, and each answer is compared with the program's. Allowed is what
its precision explains: a share of the largest value, and the proved bound of the rounding of such an evaluation
where that is larger (cancellation). Where calls are cheap a few thousand points more are compared. Half of all lie
on faces and corners of the domain, where code that clips or branches shows what it does. It is a test, not a proof.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from supnorm.certification.affine_model import propagate
from supnorm.certification.rounding import Array
from supnorm.evaluation.caller import guarded
from supnorm.problem import Domain, Function
from supnorm.problem.double_precision import double_precision
from supnorm.program import Program, lower_numpy
from supnorm.results import BadInput

POINTS, FEW = 256, 8  # the latter where a call is expensive
MORE = 2048  # where it is cheap: what is wrong in a hundredth of the domain, then shows
SECONDS = 2.0  # of one call
QUICK = 0.05  # seconds of what compares `POINTS` for which `MORE` are compared
# as when a graph is read from a file (`sources.programs.agrees`), float64 closer
SHARE = {"float64": 1e-7, "float32": 1e-3, "float16": 1e-1}
AGAIN = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}  # the same call twice, as `evaluation.probe`
UNIT = {"float64": 1.0, "float32": 2.0**29, "float16": 2.0**42}  # of rounding, against float64's


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


def compare(function: Function, program: Program, what: str, domain: Domain) -> None:
    """Refuse a program that is not what the function computes.

    Raises:
        BadInput: with the point, both values and how much is allowed.
    """
    everywhere = _points(domain)
    x = everywhere[:POINTS]
    alone = None
    if not _compiles(function, domain.d):
        runs(function, x[:1], what)  # the first call may prepare something
        start = time.perf_counter()
        alone = runs(function, x[:1], what)
        x = x[: POINTS if (time.perf_counter() - start) * POINTS < SECONDS else FEW]
    n = len(x)
    start = time.perf_counter()
    first = runs(function, x, what)
    if first.shape[1] != program.m:
        raise BadInput(f"the {what} returns {first.shape[1]} outputs, {program.m} were read from its code")
    read, slack = program.value(x), slack_of(function, program, x)
    size = np.max(np.abs(read), axis=0, where=np.isfinite(read), initial=1e-300)
    share = SHARE.get(function.precision, 0.3) * size
    whence = "was read from its code"
    if alone is not None:
        _refuse(alone, read[:1], share + slack[:1], x[:1], what, whence, "a state, chance")
    _refuse(first, read, share + slack, x, what, whence, "other rows, a state, chance")
    same = AGAIN.get(function.precision, 0.1) * size + slack
    _refuse(runs(function, x, what), first, same, x, what, "before, in the same call", "a state, chance")
    rows = np.concatenate([np.arange(n // 2)[::-1], np.zeros(n - n // 2, dtype=np.intp)])
    mixed = runs(function, x[rows], what)
    _refuse(mixed, read[rows], share + slack[rows], x[rows], what, whence, "other rows, a state")
    if n == POINTS < len(everywhere) and time.perf_counter() - start < QUICK:
        for x in np.split(everywhere[n:], np.arange(n, len(everywhere) - n, n)):
            slack, read = slack_of(function, program, x), program.value(x)
            _refuse(runs(function, x, what), read, share + slack, x, what, whence, "other rows, a state")


def _points(domain: Domain) -> Array:
    """Random points of the domain, every second one with some inputs at their ends."""
    rng = np.random.default_rng(0)
    u = rng.random((8 * MORE, domain.d))
    ends = rng.random(u.shape) < rng.random((len(u), 1))
    ends[::2] = False
    x = domain.from_unit(np.where(ends, np.round(u), u))
    inside = domain.contains(x)  # beyond its constraints a function may fail
    return x[inside][:MORE] if inside.any() else x[:MORE]


def _compiles(function: Function, d: int) -> bool:
    """Whether it is JAX code, which compiles its operations for each number of points: one number is enough.

    It is where JAX could read the code and NumPy's protocols cannot. What both can is run by NumPy.
    """
    code = getattr(function.value, "__wrapped__", None)
    if code is None or getattr(function.value, "tensors", False):
        return False
    try:
        lower_numpy(code, d)
    except Exception:  # whatever JAX does with an array that is none of its own
        return True
    return False


def slack_of(function: Function, program: Program, x: Array) -> Array:
    """Rounding of the program's and of the function's evaluation, shape ``(n, m)``; infinite where unbounded."""
    model, _ = propagate(program, x, np.zeros_like(x), np.ones(1))
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
