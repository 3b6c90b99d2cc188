"""Chooses the correction of a proof about a root: steps of Newton's method, from the model or from the start of the root.

The choice is made from values at points and proves nothing; the parts of the proof then hold for whatever was chosen, or
fail. Steps from the model are preferred: where the model is near the root, one or two of them are enough, and the error as
a formula is small where the error is (for the friction formulas below 2 %, two steps; for one of 15 %, three).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.bracket import Goal
from supnorm.certification.root_parts import QUOTIENT, SUM, Base, RootMeasure, at_value, parts
from supnorm.certification.rounding import Array
from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.program.derived import derivative, difference, substituted
from supnorm.results import BadInput
from supnorm.results.numbers import num

POINTS = 1024  # at which sizes are estimated; corners of the domain are added
STEPS = 6  # of Newton's method at most: each doubles the digits, and makes the programs longer
# What the distance of F from the root may take of the room between the errors and the goal. Of .1, .2 and .3 the proofs of
# three friction formulas at the ratio 1.05 needed 4,770, 4,560 and 4,400 boxes together; the rest is for the correction.
SHARE = 0.2
LINE = 9  # points between the ends at which signs are looked at
ROOM = 4.0  # the estimates must leave this factor, which the bounds of slope and measured share
# The slope is proved to at most so many times its largest value at points: with 1.3, 2, 4 and 16 these proofs needed 4,690,
# 4,760, 4,770 and 5,290 boxes.
LOOSE = 2.0


@dataclass(frozen=True, eq=False)
class Plan:
    """A correction, and what its parts are bounded by.

    Attributes:
        base: the base programs, with the correction.
        sizes: the largest sizes of the parts at points.
        allowed: the largest delta (`root_claims`) that the goal allows.
    """

    base: Base
    sizes: dict[str, float]
    allowed: float

    @property
    def delta(self) -> float:
        """delta at points."""
        return self.sizes["measured"] * self.sizes["slope"]

    @property
    def inside(self) -> float:
        """What has to be at most 1, at points."""
        return self.sizes["inside"] + self.sizes["defect"] * self.sizes["slope"]

    @property
    def good(self) -> bool:
        """Whether there is room for the proof of all parts."""
        return self.inside < 1.0 and ROOM * self.delta <= self.allowed

    def goal_of_slope(self) -> float:
        """How small the bound of the slope has to be."""
        return LOOSE * self.sizes["slope"]

    def goal_of_measured(self, slope: float) -> float:
        """How small the bound of ``measured`` has to be beside a proved bound of the slope."""
        return max(self.allowed / slope, 1.2 * self.sizes["measured"])

    def goal_of_defect(self, slope: float) -> float:
        """How small the bound of ``defect`` has to be: half of the distance of F from the ends may be taken by it."""
        return max(0.5 * (1.0 - self.sizes["inside"]) / slope, 1.2 * self.sizes["defect"])


def plan(
    equation: Program,
    ends: tuple[Program, Program],
    start: Program,
    model: Program,
    measure: RootMeasure,
    domain: Domain,
    goal: Goal,
    what: str,
) -> Plan:
    """The shortest correction that leaves room for a proof.

    Args:
        equation, ends, start: g, both ends of the branch, and where the root's own Newton's method begins.
        model, measure, domain, goal: of the problem.
        what: the name of the root, for messages.

    Raises:
        BadInput: where values at points show that there is no root or more than one, or that no correction is near it.
    """
    x = _points(domain)
    _demand_branch(equation, ends, domain, x, what)
    best: Plan | None = None
    for correction in _corrections(equation, model, start):
        base = Base(model, equation, *ends, correction)
        one = _sized(base, measure, domain, goal, x)
        if one.good:
            return one
        if np.isfinite(one.delta) and one.inside < 1.0 and (best is None or one.delta < best.delta):
            best = one
    if best is None:
        raise BadInput(
            f"certify cannot follow the root {what}: neither from the model nor from the start does Newton's method stay "
            f"between the ends within {STEPS} steps; give a start nearer to the root, as a function of x, or ends that are "
            "further from it"
        )
    return best


def given(base: Base, measure: RootMeasure, domain: Domain, goal: Goal) -> Plan:
    """The plan of a correction that a saved proof has."""
    return _sized(base, measure, domain, goal, _points(domain))


def _corrections(equation: Program, model: Program, start: Program) -> Iterator[Program]:
    """The sums of 1, 2, .. Newton steps from the model, then the differences of the model from such steps from the start."""
    total = newton(equation, model)
    for _ in range(STEPS):
        yield total
        total = substituted(SUM, [total, newton(equation, difference(model, total))])
    y = start
    for _ in range(STEPS):
        y = difference(y, newton(equation, y))
        yield difference(model, y)


def as_computed(base: Base, domain: Domain) -> Program:
    """F after as many further steps as change it at points: what the root should give where it runs, up to rounding."""
    x, y = _points(domain), base.near
    before = np.inf
    for _ in range(STEPS):
        y = difference(y, newton(base.equation, y))
        with np.errstate(all="ignore"):
            values, step = y.value(x), newton(base.equation, y).value(x)
        size = np.max(np.abs(step), initial=0.0, where=np.isfinite(step))
        if size <= 1e-15 * np.max(np.abs(values), initial=0.0, where=np.isfinite(values)) or size >= before:
            break
        before = size
    return y


def newton(equation: Program, y: Program) -> Program:
    """The step g/g_y that Newton's method subtracts from y."""
    slope = derivative(equation, equation.d - 1)
    return substituted(QUOTIENT, [at_value(equation, y), at_value(slope, y)])


def _sized(base: Base, measure: RootMeasure, domain: Domain, goal: Goal, x: Array) -> Plan:
    """The plan with the sizes of its parts at points, infinite where one of them has no value."""
    sizes, reach = {}, 0.0
    for name, part in parts(base, measure, domain).items():
        at = x
        if name == "slope":
            along = part.domain.axes[-1]
            shares = np.random.default_rng(1).random((len(x), LINE))
            shares[:, :2] = [0.0, 1.0]
            ends = np.log([along.low, along.high]) if along.log else np.array([along.low, along.high])
            y = ends[0] + (ends[1] - ends[0]) * shares
            y = np.clip(np.exp(y) if along.log else y, along.low, along.high)
            at = np.concatenate([np.column_stack([x, column]) for column in y.T])
        with np.errstate(all="ignore"):
            values = part.program.value(at)
        values = np.where(np.isfinite(values), values, np.inf)
        sizes[name] = float(np.max(part.error.one_sided(values)))
        reach = float(np.max(np.abs(values)))  # of the last one, the correction: where one side has no error
    return Plan(base, sizes, _allowed(goal, sizes["correction"] or reach))


def _allowed(goal: Goal, error: float) -> float:
    """The delta that the goal allows beside errors of this size."""
    if goal.ratio is not None:
        return SHARE * (goal.ratio - 1.0) * error
    assert goal.tolerance is not None
    return SHARE * max(goal.tolerance - error, SHARE * error)


def _demand_branch(
    equation: Program, ends: tuple[Program, Program], domain: Domain, x: Array, what: str
) -> None:
    """Refuse ends between which g has no root, or a slope of both signs, at one of the points."""
    slope = derivative(equation, domain.d)
    with np.errstate(all="ignore"):
        low, high = (end.value(x)[:, 0] for end in ends)
        shares = np.linspace(0.0, 1.0, LINE)
        y = low[:, None] + (high - low)[:, None] * shares
        z = np.concatenate([np.column_stack([x, column]) for column in y.T])
        g, steep = (program.value(z)[:, 0].reshape(LINE, len(x)).T for program in (equation, slope))
    faults = {
        f"g of {what} or its derivative by y has no finite value somewhere between the ends": ~(
            np.isfinite(g).all(1) & np.isfinite(steep).all(1)
        ),
        f"g of {what} has not opposite signs at the ends of its branch": np.sign(g[:, 0]) * np.sign(g[:, -1])
        >= 0.0,
        f"the derivative of g of {what} by y has not one sign between the ends, so that there may be several roots": (
            np.sign(steep) != np.sign(steep[:, :1])
        ).any(1),
    }
    for why, bad in faults.items():
        _refuse(np.asarray(bad), why, domain, x)


def _refuse(bad: NDArray[np.bool_], why: str, domain: Domain, x: Array) -> None:
    if bad.any():
        at = ", ".join(f"{n} = {num(v, 6)}" for n, v in zip(domain.names, x[bad][0].tolist(), strict=True))
        raise BadInput(
            f"certify cannot prove that the root is one function: {why}, at {at}; choose ends (between) that hold one root "
            "and stay clear of others, or a smaller domain"
        )


def _points(domain: Domain) -> Array:
    rng = np.random.default_rng(0)
    u = rng.random((POINTS, domain.d))
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * min(domain.d, 6), indexing="ij"), -1).reshape(
        -1, min(domain.d, 6)
    )
    corners = np.concatenate([corners, np.full((len(corners), domain.d - min(domain.d, 6)), 0.5)], axis=1)
    return domain.from_unit(np.concatenate([u, corners]))
