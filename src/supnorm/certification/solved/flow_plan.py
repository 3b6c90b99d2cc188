"""Chooses the slices, paths and numbers of a proof about a flow.

The choice is made from computed solutions and values at points and proves nothing; the parts of the proof then hold for
whatever was chosen, or fail. The slices have equal length: the number of them is doubled until polynomials of degree
`DEGREE` in time follow the solution as closely as the goal needs. The proof then tells apart the error of the model, which
is about as large as it is seen at points, and the distance of the flow from the polynomials, which is far smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from supnorm.certification.bracket import Goal
from supnorm.certification.exactly import Proved
from supnorm.certification.part import Part
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.rounding import Array
from supnorm.certification.solved.errors import with_axis
from supnorm.certification.solved.flow_claims import off, tubes
from supnorm.certification.solved.flow_parts import FlowBase, growth_of, parts
from supnorm.certification.solved.polynomials import Polynomial, coefficients, nodes
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain
from supnorm.problem.sobol import sobol
from supnorm.program import Program
from supnorm.program.derived import derivative
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.sources.runge_kutta import TOLERANCE, solve

POINTS = 512  # in a slice, at which sizes are estimated
DEGREE = 12  # in time: with 8, 12 and 16 the pendulum over 10 s took 25, 9 and 11 s
# Degrees along each parameter that are tried, by the number of parameters: the largest tensor has 11^3 terms.
DEGREES = {0: (0,), 1: (5, 8, 11, 15, 20, 26), 2: (4, 6, 8, 11, 14), 3: (4, 6, 8, 10)}
MOST_SLICES = 256
# What the distance of the flow from the paths may take of the room between the errors and the goal, as for roots.
SHARE = 0.2
FIRST = 0.01  # tolerance of paths at first, as a share of what the goal allows beside the growth
# The tolerance of paths is reduced by this factor as long as the estimates do not leave enough room.
FINER = 0.1
SMALLEST = 1e-13  # tolerance of paths, as a share of the largest component: below it is rounding
COARSEST = 1e-3  # the largest tolerance that is tried where no smaller one is reached
ROOM = 2.0  # proved bounds are at most so many times what points show
WIDE = 8.0  # the tube is so many times as wide as the distance that points show
SLACK = 0.5  # what proofs may add to the integral of the growth over all slices
LOW = 1e-300
ENDLESS = Limit()


@dataclass(frozen=True, eq=False)
class FlowPlan:
    """Slices and numbers, and what their parts are bounded by.

    Attributes:
        base: the base programs, with the paths.
        sizes: the largest sizes of the parts at points.
        allowed: the distance of the flow from the paths that the goal allows, in the unit of the error.
        spare: for each part of the conditions, how far its bound may be above what points show.
    """

    base: FlowBase
    sizes: Mapping[str, float]
    allowed: float
    spare: Mapping[str, float]

    def goal(self, name: str) -> float:
        """How small the bound of a condition has to be."""
        kind, slack = name.partition(" ")[0], self.spare.get(name, 0.0)
        seen = self.sizes[name]
        return seen + slack if kind == "growth" else max(ROOM * seen, slack, LOW)


@dataclass(frozen=True, eq=False)
class Setting:
    """The programs of a problem whose reference is a flow.

    Attributes:
        model, field, initial: programs, as in `FlowBase`.
        time, start: the number of the input that is time, and when the flow begins.
        outputs: components of the model's outputs.
        measure, domain, goal: of the problem.
        name: of the flow, for messages.
    """

    model: Program
    field: Program
    initial: Program
    time: int
    start: float
    outputs: tuple[int, ...]
    measure: RootMeasure
    domain: Domain
    goal: Goal
    name: str

    @property
    def end(self) -> float:
        """The end of the last slice."""
        return self.domain.axes[self.time].high

    def states(self, x: Array, tolerance: float) -> Array:
        """States at points, computed to a tolerance as a share of them, ``(n, k)``; NaN where there is none."""
        at = x.copy()
        at[:, self.time] = self.start
        span = x[:, self.time] - self.start

        def rates(s: Array, y: Array, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Array:
            now = at[rows]
            now[:, self.time] = self.start + s * span[rows]
            return span[rows][:, None] * self.field.value(np.column_stack([now, y]))

        return solve(rates, self.initial.value(at), max(tolerance, TOLERANCE))[0]


def plan(setting: Setting, limit: Limit = ENDLESS) -> FlowPlan:
    """The fewest slices that leave room for a proof, and the paths on them; when the time is over, the best ones so far.

    Raises:
        BadInput: where no solution is computed at some points, there are more parameters than `DEGREES` has, or the time is
            over before there are paths.
    """
    count = setting.domain.d - 1
    if count not in DEGREES:
        raise BadInput(
            f"certify proves flows with up to {max(DEGREES)} parameters beside time, {setting.name} has {count}; "
            "fix some of them"
        )
    x, y = _seen(setting)
    growth, scale = _scale(setting, x, y)
    allowed = _allowed(setting, x, y)
    size = _largest(y)
    tolerance = max(FIRST * allowed * np.exp(-min(max(growth, 0.0), 30.0)), SMALLEST * size)
    best: FlowPlan | None = None
    count = 1
    while True:
        one = _with_paths(setting, scale, tolerance, allowed, growth, count, 0.01 * tolerance / size, limit)
        if one is not None and (best is None or _distance(one) < _distance(best)):
            best, count = one, len(one.base.paths)
        if limit.over:
            break
        if best is None and tolerance < COARSEST * size:  # nothing that good: any path is better than none
            tolerance *= 1.0 / FINER**2
            continue
        if one is None or _distance(one) <= allowed or tolerance <= SMALLEST * size:
            break
        tolerance = max(FINER * tolerance, SMALLEST * size)
    if best is None:
        within = "in the seconds that it has" if limit.over else f"in {MOST_SLICES} slices of time"
        raise BadInput(
            f"certify cannot follow the flow {setting.name} by polynomials {within}: it changes too much with time or a "
            "parameter; take a smaller domain"
        )
    return best


def given(base: FlowBase, setting: Setting) -> FlowPlan:
    """The plan of paths that a saved proof has."""
    x, y = _seen(setting)
    growth, _ = _scale(setting, x, y)
    return _sized(base, setting, _allowed(setting, x, y), growth)


def _distance(one: FlowPlan) -> float:
    """The largest estimate of the distance of the flow from its path, in the unit of the outputs."""
    far = off(one.base.data(RootMeasure(False, 0.0, 1.0, "both")), _as_proved(one))
    return max(float(v) if v is not None else np.inf for v in far)


def _seen(setting: Setting) -> tuple[Array, Array]:
    """Points of the box from the start on, and the computed states there."""
    axis = Axis(setting.start, setting.end)
    box = with_axis(setting.domain, setting.time, axis)
    x = box.from_unit(sobol(box.d, np.random.default_rng(0)).random_base2(10))
    y = setting.states(x, 1e-12)
    lost = ~np.isfinite(y).all(1)
    if lost.any():
        at = ", ".join(f"{n} = {num(v, 6)}" for n, v in zip(box.names, x[lost][0].tolist(), strict=True))
        raise BadInput(
            f"certify cannot follow the flow {setting.name}: no solution was computed at {at} (f is not finite on the way, "
            "or grows or changes too fast); take a smaller domain"
        )
    return x, y


def _scale(setting: Setting, x: Array, y: Array) -> tuple[float, tuple[float, ...]]:
    """The integral over time of the largest growth at points, and the w_j that make errors of outputs small.

    Weights of different sizes reduce the growth, but a defect of one component then counts for more of another one: the
    bound of an output grows with e to the growth, times the quotient of the weights in units of the components.
    """
    d, k = setting.domain.d, y.shape[1]
    z = np.column_stack([x, y])
    columns = np.concatenate([derivative(setting.field, d + j).value(z) for j in range(k)], axis=1)
    when = np.linspace(setting.start, setting.end, 17)
    slot = np.clip(np.searchsorted(when, x[:, setting.time]) - 1, 0, 15)

    def total(logs: Array) -> float:
        rows = growth_of(tuple(np.exp(logs).tolist())).value(columns).max(1)
        worst = [rows[slot == i].max(initial=-np.inf) for i in range(16)]
        return float(sum(v for v in worst if np.isfinite(v)) * (when[1] - when[0]))

    widths = np.maximum(y.std(0), 1e-3 * _largest(y) + 1e-300)
    first = -np.log(widths)

    def loss(logs: Array) -> float:
        return total(logs) + float(np.ptp(logs - first))

    logs = first
    best, step = loss(logs), 2.0
    while k > 1 and step > 0.02:
        moves = [logs + sign * step * np.eye(k)[j] for j in range(k) for sign in (-1.0, 1.0)]
        values = [loss(m) for m in moves]
        if min(values) < best:
            best, logs = min(values), moves[int(np.argmin(values))]
        else:
            step *= 0.5
    return total(logs), tuple(float(format(v, ".3g")) for v in np.exp(logs).tolist())


def _largest(y: Array) -> float:
    """The largest component in size; 1 where the flow stays at zero."""
    return float(np.abs(y).max()) or 1.0


def _allowed(setting: Setting, x: Array, y: Array) -> float:
    """How far the flow may be from the paths for the goal, beside errors as they are seen at points."""
    inside = setting.domain.axes[setting.time].low <= x[:, setting.time]
    if not inside.any():
        return 0.0
    shown, model = y[inside][:, list(setting.outputs)], setting.model.value(x[inside])
    m = setting.measure
    divisor = np.maximum(np.abs(shown), max(m.floor, 1e-300)) if m.relative else np.full(shown.shape, m.unit)
    error, unit = float(np.max(np.abs(model - shown) / divisor)), float(divisor.min())
    goal = setting.goal
    if goal.ratio is not None:
        return SHARE * (goal.ratio - 1.0) * error * unit
    assert goal.tolerance is not None
    return SHARE * max(goal.tolerance - error, SHARE * error) * unit


def _with_paths(
    setting: Setting,
    scale: tuple[float, ...],
    tolerance: float,
    allowed: float,
    growth: float,
    count: int,
    precision: float,
    limit: Limit,
) -> FlowPlan | None:
    """The plan with the fewest slices, ``count`` or more, whose polynomials have a tolerance; None where there is none."""
    degree = _degree(setting, tolerance, precision)
    while count <= MOST_SLICES and not limit.over:
        times = np.linspace(setting.start, setting.end, count + 1)
        paths = _paths(setting, times, degree, tolerance, precision, limit)
        if paths is not None:
            k = len(scale)
            base = FlowBase(
                model=setting.model,
                field=setting.field,
                initial=setting.initial,
                paths=paths,
                time=setting.time,
                times=tuple(times.tolist()),
                outputs=setting.outputs,
                scale=scale,
                reach=((0.0,) * k,) * count,
                growth=(0.0,) * count,
            )
            return _with_tube(base, setting, allowed, growth)
        count *= 2
    return None


def _degree(setting: Setting, tolerance: float, precision: float) -> int:
    """The degree along each parameter, from the states at the end of time."""
    degrees = DEGREES[setting.domain.d - 1]
    for degree in degrees[:-1]:
        c = _fitted(setting, setting.end, setting.end, 1, degree + 1, precision).coefficients[0]
        tails = [np.abs(np.take(c, [-2, -1], axis=j)).max() for j in range(c.ndim - 1)]
        if max(tails) <= tolerance:
            return degree
    return degrees[-1]


def _fitted(setting: Setting, a: float, b: float, first: int, others: int, precision: float) -> Polynomial:
    """Coefficients on a slice, those of time first; with a = b at one time."""
    d, time = setting.domain.d, setting.time
    box = with_axis(setting.domain, time, Axis(a, b if b > a else a + 1.0))
    counts = [first if j == time else others for j in range(d)]
    axes = [
        0.5 + 0.5 * nodes(n) if n > 1 else np.array([0.0 if j == time else 0.5]) for j, n in enumerate(counts)
    ]
    u = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, d)
    values = setting.states(box.from_unit(u), precision).reshape(*counts, -1)
    c = coefficients(values)
    return Polynomial(np.moveaxis(c, time, 0) if b <= a else c, box)


def _paths(
    setting: Setting, times: Array, degree: int, tolerance: float, precision: float, limit: Limit
) -> tuple[Program, ...] | None:
    """Polynomials on all slices; None where time needs a higher degree on one of them, or the time is over."""
    made = []
    for a, b in pairwise(times.tolist()):
        if limit.over:
            return None
        one = _fitted(setting, a, b, DEGREE + 1, degree + 1, precision)
        tail = np.abs(np.take(one.coefficients, [-2, -1], axis=setting.time)).max()
        if not tail <= tolerance:
            return None
        made.append(one.without_small(0.1 * tolerance).program)
    return tuple(made)


def _with_tube(base: FlowBase, setting: Setting, allowed: float, growth: float) -> FlowPlan:
    """The plan with half-widths of the tube and with growth rates, from sizes at points."""
    k, count = len(base.scale), len(base.paths)
    seen = _sized(replace(base, reach=((LOW,) * k,) * count), setting, allowed, growth)
    # Far above what the distance can be, so that every slice has one.
    wide = replace(base, reach=((1e6 * (1.0 + 1.0 / min(base.scale)),) * k,) * count)
    known = tubes(wide.data(setting.measure), _as_proved(seen))
    far = [float(v) for v in known] + [float(known[-1]) if known else LOW] * (count - len(known))
    reach = tuple(tuple(WIDE * max(v, LOW) / w for w in base.scale) for v in far)
    widened = replace(base, reach=reach)
    rates = {n: _size(p) for n, p in parts(widened, setting.measure, setting.domain, ("growth",)).items()}
    margin = SLACK / (base.times[-1] - base.times[0])
    shifts = [rates[f"growth {i}"] - margin for i in range(count)]
    finite = tuple(v if np.isfinite(v) else 0.0 for v in shifts)
    sizes = {n: v - m if np.isfinite(m) else v for (n, v), m in zip(rates.items(), shifts, strict=True)}
    return replace(seen, base=replace(widened, growth=finite), sizes=dict(seen.sizes) | sizes)


def _as_proved(one: FlowPlan) -> dict[str, Proved]:
    """The parts as if they were proved to their goals."""
    sizes = {n: one.goal(n) if n in one.spare else v for n, v in one.sizes.items()}
    none = Proved(Fraction(0), None)
    return {n: Proved(Fraction(0), Fraction(v)) if np.isfinite(v) else none for n, v in sizes.items()}


def _sized(base: FlowBase, setting: Setting, allowed: float, growth: float) -> FlowPlan:
    """The plan with the sizes of its parts at points, infinite where one of them has no value."""
    sizes = {name: _size(part) for name, part in parts(base, setting.measure, setting.domain).items()}
    count, span = len(base.paths), base.times[-1] - base.times[0]
    small = (
        allowed
        * min(base.scale)
        * np.exp(-min(max(growth, 0.0) + SLACK, 30.0))
        / (10.0 * np.sqrt(len(base.scale)))
    )
    spare: dict[str, float] = {}
    for i in range(count):
        spare |= {f"jump {i}": small / count, f"defect {i}": small / span, f"growth {i}": SLACK / span}
    return FlowPlan(base, sizes, allowed, spare)


def _size(part: Part) -> float:
    """The largest size of a part at points; of the growth the largest value, which may be negative."""
    domain = part.domain
    u = sobol(domain.d, np.random.default_rng(1)).random_base2(int(np.log2(POINTS)))
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * domain.d, indexing="ij"), -1).reshape(-1, domain.d)
    with np.errstate(all="ignore"):
        values = part.program.value(domain.from_unit(np.concatenate([u, corners])))
    values = np.where(np.isfinite(values), values, np.inf)
    return float(values.max() if part.name.startswith("growth") else part.error.one_sided(values).max())
