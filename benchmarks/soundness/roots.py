"""Random equations with known roots: the bounds of `certify` against arbitrary precision, and the checker.

g(x, y) = w(x) (phi(y) - phi(r(x))) has the root r(x), where phi is monotone between the ends: linear, cubic, exponential,
tanh, logarithm, powers, reciprocal. Some phi have a dip, so that there may be three roots; some ends hold the root on a part
of the domain only. For these a bound is false; in half of them the certifier may not look at points first (`plan`). Models
are near the root, by 1 to 1e-8, or have nothing to do with it; measures, sides, axes and ends are drawn. Errors are
evaluated at a million points; the largest of them, some others and the witness by mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import mpmath as mp
import numpy as np

import supnorm as sn
from benchmarks.soundness.extreme import exact
from benchmarks.soundness.judging import Judged, checked, judged_by, refuted
from benchmarks.soundness.million import worst
from supnorm.program import program_of

EXACT, BLIND, DIGITS = 6, 4, 60
BOXES = 400  # of each part
Array = np.ndarray[Any, np.dtype[np.float64]]

PHI: dict[str, Callable[[Any, float], Any]] = {
    "linear": lambda y, a: a * y,
    "cubic": lambda y, a: y + a * y**3,
    "exponential": lambda y, a: np.exp(a * y),
    "tanh": lambda y, a: np.tanh(a * y) + 0.1 * y,
    "logarithm": lambda y, a: np.log(y) + 0.0 * a * y,
    "power": lambda y, a: y ** (0.5 + a),
    "reciprocal": lambda y, a: a / y,
    "dip": lambda y, a: y - 0.4 * np.tanh(4.0 * a * (y - 1.5)),
}


@dataclass(frozen=True)
class Case:
    """A problem whose root is known.

    Attributes:
        problem: the problem; its reference is the root.
        root: the root as a formula.
        one: whether there is exactly one root everywhere between the ends.
        label: what it is, in words.
    """

    problem: sn.Problem
    root: Callable[[Any], Any]
    one: bool
    label: str


def drawn(number: int, seed: int) -> Case:
    """A random problem."""
    rng = np.random.default_rng([seed, number])
    d = int(rng.integers(1, 3))
    axes: dict[str, Any] = {}
    for j in range(d):
        low = float(10.0 ** rng.uniform(-2, 2))
        wide = float(np.exp(rng.uniform(0.2, 3.0 / d)))
        axes[f"x{j}"] = sn.Axis(low, low * wide, scale="log" if rng.random() < 0.5 else "linear")
    domain = sn.Domain.from_axes(axes)
    kind = str(rng.choice([*PHI]))
    a, sign = float(rng.uniform(0.3, 2.0)), float(rng.choice([-1.0, 1.0]))
    k, c = rng.normal(size=d), rng.uniform(0.1, 0.6, 2)
    scale = np.array([axis.high for axis in domain.axes])

    def root(x: Any) -> Any:
        z = np.log(x / scale) @ k
        return 1.5 + c[0] * np.sin(2.0 * z) + c[1] * z / (1.0 + z * z)

    def phi(y: Any) -> Any:
        return PHI[kind](y, a)

    def g(x: Any, y: Any) -> Any:
        return sign * (1.0 + x[:, 0] / scale[0]) * (phi(y) - phi(root(x)))

    size = float(10.0 ** rng.uniform(-8, 0))
    near = rng.random() < 0.85
    q = rng.normal(size=d)

    def model(x: Any) -> Any:
        z = np.log(x / scale) @ q
        off = np.cos(2.0 * z) + 0.3 * np.tanh(z)
        return root(x) + size * off if near else 1.4 + 0.1 * off

    values = root(domain.from_unit(rng.random((4000, d))))
    margin = rng.uniform(0.05, 0.5, 2) * values.min()
    short = rng.random() < 0.15
    low, high = values.min() - margin[0], values.max() + margin[1]
    if short:  # on a part of the domain the root is not between the ends
        low = float(np.quantile(values, rng.uniform(0.01, 0.5)))
    moving = not short and rng.random() < 0.3
    ends: Any = (
        (lambda x: root(x) - margin[0], lambda x: root(x) + margin[1])
        if moving
        else (float(low), float(high))
    )
    start = 1.5 if rng.random() < 0.5 else None
    errors = [
        sn.ErrorMeasure(),
        sn.ErrorMeasure(side=str(rng.choice(["over", "under"]))),
        sn.ErrorMeasure("relative", floor=0.0, side=str(rng.choice(["both", "over", "under"]))),
        sn.ErrorMeasure("relative", floor=float(rng.uniform(0.5, 2.0))),
        sn.ErrorMeasure("scaled", scale=float(rng.uniform(0.1, 10.0))),
    ]
    error = errors[int(rng.integers(len(errors)))]
    reference = sn.root(g, start, between=ends, name=kind)
    one = not short and (kind != "dip" or _single(phi, low, high, values, moving, margin))
    branch = "short" if short else "moving" if moving else "fixed"
    label = f"{kind}, {d}-D, {error.kind} {error.side}, size {size:.0e}, {branch}"
    return Case(sn.Problem(model, reference, domain, error=error), root, one, label)


def _single(phi: Any, low: float, high: float, values: Array, moving: bool, margin: Array) -> bool:
    """Whether phi(y) = phi(r) has one solution between the ends for each of many r, as far as a grid shows."""
    for r in values[:200]:
        a, b = (r - margin[0], r + margin[1]) if moving else (low, high)
        y = np.linspace(a, b, 4001)
        signs = np.sign(phi(y) - phi(r))
        if np.count_nonzero(np.diff(signs[signs != 0.0])) > 1:
            return False
    return True


def judged(number: int, seed: int, path: Path) -> Judged:
    """The bound of one problem beside errors at points, and what the checker says of the proof."""
    case = drawn(number, seed)
    looks: Any = nullcontext()
    if not case.one and np.random.default_rng([seed, number, 2]).random() < 0.5:
        looks = mock.patch("supnorm.certification.root_plan._demand_branch")
    try:
        with looks:
            result = sn.certify(case.problem, 1.2, boxes=BOXES)
    except sn.BadInput as error:
        return Judged(number, "refused", f"{case.label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{case.label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        verdict = "no bound" if result.lower == 0.0 or result.status.code == "tolerance-exceeded" else "FALSE"
        return Judged(number, verdict, f"{case.label}: {result.status.advice}")
    if not case.one:
        return Judged(
            number, "FALSE", f"{case.label}: there is not one root, and the bound is {result.upper!r}"
        )
    if words := _untrue(case, result, np.random.default_rng([seed, number, 1])):
        return Judged(number, "FALSE", f"{case.label}: {words}")
    return checked(number, case.label, result.certificate, path)


def _untrue(case: Case, result: Any, rng: np.random.Generator) -> str:
    """An error above the upper bound, or a lower bound above the error of its witness, in words; empty if there is none."""
    problem, d = case.problem, case.problem.domain.d

    def size(x: Array) -> Array:
        return problem.error(problem.model.value(x), np.asarray(case.root(x))[:, None], x)[0]

    x = worst(lambda n: problem.domain.from_unit(rng.random((n, d))), size, EXACT, BLIND)
    programs = program_of(problem.model, d), program_of(case.root, d)
    witness = None if result.witness is None else result.witness.x
    return refuted((result.lower, result.upper), partial(_error, problem.error, programs), x, witness, DIGITS)


def _error(measure: Any, programs: Any, x: Array) -> Any:
    """The error at a point, in mpmath's precision."""
    model, root = (exact(program, x) for program in programs)
    gap = {"both": abs, "over": lambda v: max(v, 0), "under": lambda v: max(-v, 0)}[measure.side](
        model - root
    )
    if measure.kind == "relative":
        return gap / max(abs(root), mp.mpf(measure.floor))
    return gap / mp.mpf(measure.scale[0] if measure.scale is not None else 1.0)


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)
