"""Random flows and integrals: the bounds of `certify` against solutions of higher precision, and the checker.

Flows are systems of one to three components with random coefficients (linear, logistic, oscillators, predator and prey, a
forced one, one that blows up on a part of the domain), integrals have random integrands, some with a pole between the limits
on a part of the domain. Models are random features fitted to values, so errors lie between 1e-1 and 1e-7. In a quarter
of the cases the paths of the proof are made badly: a bound has to be true whatever they are. Errors are evaluated
at a million points by the reference (flows with a larger tolerance of steps, `COARSE`); those at the largest of them, at
others and at the witness by mpmath: Taylor series of `DIGITS` digits for flows, its quadrature for integrals. Where there is
no solution at some point of the domain, every bound is false.
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
from supnorm.evaluation.guarded import guarded
from supnorm.program import Program, program_of
from supnorm.program.derived import outputs
from supnorm.sources.flow import dynamics_of
from supnorm.sources.integral import integrand_of
from supnorm.sources.runge_kutta import solve

EXACT, BLIND, DIGITS = 2, 1, 25
COARSE = 1e-10  # errors are above 1e-7, and the values only choose points
BOXES = 300  # of each part
# Share of the integrals among which there may be one with a kink, whose piece moves with x: it takes as long as 20 others.
BENT = 0.2
Array = np.ndarray[Any, np.dtype[np.float64]]

FIELDS: dict[str, tuple[int, Callable[[Any, Any, Any, Any], Any]]] = {
    "linear": (2, lambda t, y, p, c: [c[0] * y[:, 0] + c[1] * y[:, 1], c[2] * y[:, 0] + p[:, 0] * y[:, 1]]),
    "logistic": (1, lambda t, y, p, c: [p[:, 0] * y[:, 0] * (1.0 - y[:, 0] / (1.5 + abs(c[0])))]),
    "pendulum": (2, lambda t, y, p, c: [y[:, 1], -p[:, 0] * np.sin(y[:, 0]) - 0.1 * abs(c[0]) * y[:, 1]]),
    "oscillator": (
        2,
        lambda t, y, p, c: [y[:, 1], p[:, 0] * (1.0 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]],
    ),
    "prey": (
        2,
        lambda t, y, p, c: [y[:, 0] * (1.0 - y[:, 1]), p[:, 0] * y[:, 1] * (y[:, 0] - 1.0)],
    ),
    "forced": (1, lambda t, y, p, c: [-p[:, 0] * y[:, 0] + c[0] * np.sin(c[1] * t) + np.tanh(y[:, 0])]),
    "chain": (
        3,
        lambda t, y, p, c: [
            -p[:, 0] * y[:, 0],
            p[:, 0] * y[:, 0] - y[:, 1] ** 2,
            y[:, 1] ** 2 - 0.1 * y[:, 2],
        ],
    ),
    "pole": (1, lambda t, y, p, c: [p[:, 0] * y[:, 0] ** 2 + c[0] ** 2]),
}
INTEGRANDS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "exponential": lambda x, s, c: np.exp(-c[0] * x[:, 0] * s) * (1.0 + c[1] * s),
    "wave": lambda x, s, c: np.cos(c[0] * s + x[:, 0] * s * s),
    "quotient": lambda x, s, c: 1.0 / (2.0 + c[0] ** 2 + x[:, 0] * s + s * s),
    "root": lambda x, s, c: np.sqrt(1.0 + x[:, 0] * s * s),
    "bent": lambda x, s, c: np.abs(s - 0.5) * x[:, 0],
    "pole": lambda x, s, c: 1.0 / (s - 0.8 * x[:, 0]),
}


@dataclass(frozen=True)
class Case:
    """A problem, whether its reference exists everywhere, and what it is in words."""

    problem: sn.Problem
    exists: bool
    poor: bool
    label: str


def drawn(number: int, seed: int) -> Case:
    """A random problem."""
    rng = np.random.default_rng([seed, number])
    c = rng.normal(size=4)
    if rng.random() < 0.65:
        kind = str(rng.choice([*FIELDS]))
        size, field = FIELDS[kind]
        start = tuple(float(v) for v in rng.uniform(0.4, 1.4, size))
        begin = float(rng.choice([0.0, -0.5]))
        low = begin if rng.random() < 0.7 else begin + float(rng.uniform(0.05, 0.5))
        time: Any = (low, begin + float(rng.uniform(0.8, 3.0)))
        if low > 0.0 and rng.random() < 0.5:
            time = sn.Axis(*time, scale="log")
        axes = {"t": time, "p": _axis(rng)}
        some = None if rng.random() < 0.5 else [int(rng.integers(size))]
        moving = rng.random() < 0.4

        def f(t: Any, y: Any, p: Any) -> Any:
            return field(t, y, p, c)

        def y0(p: Any) -> Any:
            return [v * (1.0 + 0.1 * np.sin(p[:, 0])) for v in start]

        reference = sn.flow(f, y0 if moving else start, components=some, start=begin, name=kind)
    else:
        kinds = [k for k in INTEGRANDS if k != "bent" or rng.random() < BENT]
        kind = str(rng.choice(kinds))
        integrand, b = INTEGRANDS[kind], float(rng.uniform(0.5, 1.5))
        axes = {"p": _axis(rng)}
        if rng.random() < 0.3:
            axes["q"] = (0.5, 1.0)
        ends: Any = (0.0, b) if rng.random() < 0.4 else (lambda x: -0.2 * x[:, 0], lambda x: b * x[:, -1])
        reference = sn.integral(lambda x, s: integrand(x, s, c), *ends, name=kind)
    domain = sn.Domain.from_axes(axes)
    values, lost = guarded(reference.value, domain.from_unit(rng.random((2000, domain.d))), None)
    exists = not lost and not (kind == "pole" and integrand_of(reference) and _pole(reference, domain))
    model = _fitted(reference, domain, values, rng)
    errors = [
        sn.ErrorMeasure(),
        sn.ErrorMeasure(side=str(rng.choice(["over", "under"]))),
        sn.ErrorMeasure("relative", floor=0.0),
        sn.ErrorMeasure("relative", floor=float(rng.uniform(0.2, 1.0)), side="over"),
        sn.ErrorMeasure("scaled", scale=float(rng.uniform(0.1, 10.0))),
    ]
    error = errors[int(rng.integers(len(errors)))]
    label = f"{kind}, {domain.d}-D, {error.kind} {error.side}"
    return Case(sn.Problem(model, reference, domain, error=error), exists, rng.random() < 0.25, label)


def _axis(rng: np.random.Generator) -> Any:
    low = float(rng.uniform(0.3, 1.0))
    return sn.Axis(low, low * float(rng.uniform(1.1, 1.8)), scale=str(rng.choice(["linear", "log"])))


def _pole(reference: Any, domain: sn.Domain) -> bool:
    """Whether the pole lies between the limits at one of many points."""
    integrand = integrand_of(reference)
    assert integrand is not None
    x = domain.from_unit(np.random.default_rng(0).random((2000, domain.d)))
    low, high = (np.asarray(e(x)) if callable(e) else float(e) for e in (integrand.low, integrand.high))
    at = 0.8 * x[:, 0]
    return bool(((at >= np.minimum(low, high)) & (at <= np.maximum(low, high))).any())


def _fitted(reference: Any, domain: sn.Domain, values: Array, rng: np.random.Generator) -> Any:
    """Random features fitted to the finite values."""
    x = domain.from_unit(rng.random((800, domain.d)))
    y, _ = guarded(reference.value, x, None)
    good = np.isfinite(y).all(1)
    low, high = (np.array([getattr(a, n) for a in domain.axes]) for n in ("low", "high"))
    width = int(rng.integers(3, 25))
    W, b = rng.normal(size=(width, domain.d)), rng.normal(size=width)

    def features(z: Any) -> Any:
        return np.tanh((2.0 * (z - low) / (high - low) - 1.0) @ W.T + b)

    A = np.column_stack([features(x[good]), np.ones(good.sum())])
    C = (
        np.linalg.lstsq(A, y[good], rcond=1e-10)[0]
        if good.sum() > width
        else np.ones((width + 1, y.shape[1]))
    )
    return lambda z: features(z) @ C[:-1] + C[-1]


def judged(number: int, seed: int, path: Path) -> Judged:
    """The bound of one problem beside errors at points, and what the checker says of the proof."""
    case = drawn(number, seed)
    plan = "supnorm.certification.solved.flow_plan"
    poor: Any = mock.patch.multiple(plan, DEGREE=3, MOST_SLICES=4, FIRST=1e3, SMALLEST=1e-2, WIDE=30.0)
    try:
        with poor if case.poor else nullcontext():
            result = sn.certify(case.problem, 1.3, boxes=BOXES)
    except sn.BadInput as error:
        return Judged(number, "refused", f"{case.label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{case.label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", f"{case.label}: {result.status.advice}")
    if not case.exists:
        return Judged(
            number, "FALSE", f"{case.label}: there is no solution, and the bound is {result.upper!r}"
        )
    if words := _untrue(case.problem, result, np.random.default_rng([seed, number, 1])):
        return Judged(number, "FALSE", f"{case.label}: {words}")
    return checked(number, case.label, result.certificate, path)


def _untrue(problem: sn.Problem, result: Any, rng: np.random.Generator) -> str:
    """An error above the upper bound, or a lower bound above all errors of its witness, in words; empty if there is none."""

    def size(x: Array) -> Array:
        values, _ = guarded(problem.reference.value, x, None)
        return problem.error(problem.model(x), values, x)[0]

    with mock.patch("supnorm.sources.flow.solve", partial(solve, tolerance=COARSE)):
        x = worst(lambda n: problem.domain.from_unit(rng.random((n, problem.domain.d))), size, EXACT, BLIND)
    witness = None if result.witness is None else result.witness.x
    return refuted((result.lower, result.upper), partial(_error, problem), x, witness, DIGITS)


def _error(problem: sn.Problem, x: Array) -> Any:
    """The largest error of an output at a point, in mpmath's precision."""
    measure = problem.error
    model, true = _all(program_of(problem.model, len(x)), x), _reference(problem.reference, x)
    side = {"both": abs, "over": lambda v: max(v, mp.mpf(0)), "under": lambda v: max(-v, mp.mpf(0))}[
        measure.side
    ]
    worst = mp.mpf(0)
    for got, y in zip(model, true, strict=True):
        by = mp.mpf(measure.scale[0]) if measure.scale is not None else mp.mpf(1)
        if measure.kind == "relative":
            by = max(abs(y), mp.mpf(measure.floor))
        worst = max(worst, side(got - y) / by)
    return worst


def _reference(function: Any, x: Array) -> list[Any]:
    """The values of a flow or an integral at a point."""
    d = len(x)
    if (integrand := integrand_of(function)) is not None:
        program = integrand.program(d)
        ends = [_all(integrand.limit(e, d), x)[0] for e in (integrand.low, integrand.high)]
        cuts = sorted([*ends, mp.mpf(0.5)]) if min(ends) < 0.5 < max(ends) else sorted(ends)
        total = mp.quad(lambda s: exact(program, [*map(float, x), s]), cuts)
        return [total if ends[0] <= ends[1] else -total]
    dynamics = dynamics_of(function)
    assert dynamics is not None
    field, at = dynamics.field(d), [mp.mpf(float(v)) for v in x]
    begun = list(at)
    begun[dynamics.time] = mp.mpf(dynamics.start)
    columns = [outputs(field, [j]) for j in range(field.m)]

    def rates(t: Any, y: Any) -> Any:
        now = list(at)
        now[dynamics.time] = t
        return [exact(one, [*now, *y]) for one in columns]

    start = _all(dynamics.initial(d), begun)
    t = mp.mpf(float(x[dynamics.time]))
    state = start if t == dynamics.start else mp.odefun(rates, mp.mpf(dynamics.start), start)(t)
    return [state[j] for j in dynamics.outputs(field.m)]


def _all(program: Program, point: Any) -> list[Any]:
    return [exact(outputs(program, [j]), point) for j in range(program.m)]


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)
