"""Chooses the pieces and the nodes of a proof about an integral: from values at points, which prove nothing.

On each piece f is followed by its interpolant at Gauss's nodes, of as many as leave room for the goal. The pieces are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial import Polynomial

from supnorm.certification.bracket import Goal
from supnorm.certification.part import Part
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.rounding import Array
from supnorm.certification.solved.integral_parts import IntegralBase, number, parts, scaled
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain
from supnorm.problem.sobol import sobol
from supnorm.program import Node, Program
from supnorm.program.derived import substituted
from supnorm.program.tracing import Builder, Tensor
from supnorm.results import BadInput
from supnorm.results.numbers import num

POINTS = 1024  # that say how large a part is; the proof does not rest on them
# Nodes of a piece, and pieces. The product is the number of copies of f in the programs, so the smallest one that is good
# enough is taken.
NODES, PIECES = (4, 6, 8, 10, 12, 14, 16), (1, 2, 3, 4, 6, 8, 12, 16)
SHARE = 0.2  # of the room between the errors and the goal that the distance of the integral from F may take, as for roots
ROOM = 2.0  # the bounds of the defects are at most so many times what points show
LOW = 1e-300


@dataclass(frozen=True, eq=False)
class IntegralPlan:
    """Pieces, and what their parts are bounded by.

    Attributes:
        base: the base programs.
        sizes: the largest sizes of the parts at points.
        allowed: the delta that the goal allows.
    """

    base: IntegralBase
    sizes: Mapping[str, float]
    allowed: float

    @property
    def delta(self) -> float:
        """The distance at points."""
        cuts = self.base.cuts
        return sum((cuts[i + 1] - cuts[i]) * self.sizes[f"defect {i}"] for i in range(len(cuts) - 1))

    def goal(self, name: str) -> float:
        """How small the bound of a defect has to be: each may take half of its share of the room if it is smaller."""
        return max(ROOM * self.sizes[name], 0.25 * self.allowed, LOW)


def plan(
    model: Program,
    integrand: Program,
    ends: tuple[Program, Program],
    measure: RootMeasure,
    domain: Domain,
    goal: Goal,
    what: str,
    limit: Limit,
) -> IntegralPlan:
    """The smallest rule that leaves room for a proof; when the time is over, the best one so far.

    Raises:
        BadInput: where f has no finite value at some points.
    """
    best: IntegralPlan | None = None
    allowed: float | None = None
    for count, nodes in sorted(
        ((p, q) for p in PIECES for q in NODES), key=lambda one: (one[0] * one[1], one[0])
    ):
        if best is not None and (count * nodes > 96 or limit.over):
            break
        base = _ruled(model, integrand, ends, domain.d, count, nodes)
        if allowed is None:
            _demand_values(base, domain, what)
            allowed = _allowed(base, measure, domain, goal)
        one = _sized(base, measure, domain, allowed)
        if ROOM * one.delta <= allowed:
            return one
        if np.isfinite(one.delta) and (best is None or one.delta < best.delta):
            best = one
    if best is None:
        raise BadInput(
            f"certify cannot follow the integral {what}: it has no finite values at points of the domain"
        )
    return best


def given(base: IntegralBase, measure: RootMeasure, domain: Domain, goal: Goal) -> IntegralPlan:
    """The plan of pieces that a saved proof has."""
    return _sized(base, measure, domain, _allowed(base, measure, domain, goal))


def _ruled(
    model: Program, integrand: Program, ends: tuple[Program, Program], d: int, count: int, nodes: int
) -> IntegralBase:
    cuts = tuple(np.linspace(-1.0, 1.0, count + 1).tolist())
    plain = IntegralBase(model, integrand, *ends, (), (), cuts)
    exact = scaled(plain)
    gauss, _ = np.polynomial.legendre.leggauss(nodes)
    values, basis = [], []
    for a, b in pairwise(cuts):
        at = [0.5 * (a + b) + 0.5 * (b - a) * float(u) for u in gauss]
        values.append(_at_nodes(exact, d, at))
        basis.append(_integrals(gauss, a, b))
    return IntegralBase(model, integrand, *ends, tuple(values), tuple(basis), cuts)


def _at_nodes(exact: Program, d: int, at: list[float]) -> Program:
    """The values of a program of x and theta at several theta, as outputs of x."""
    build = Builder(d)
    whole = Program((Node("input", (), d), Node("take", (0,), d, columns=np.arange(d, dtype=np.intp))))
    ends = []
    for theta in at:
        one = substituted(exact, [whole, number(d, theta)])
        ends.append(build.inline(one, build.input))
    joined = build.concatenate(ends, 0)
    assert isinstance(joined, Tensor)
    return build.finish(joined)


def _integrals(nodes: Array, a: float, b: float) -> Program:
    """The integrals from the middle of [a, b] of the polynomials that are 1 at one node and 0 at the others."""
    q = len(nodes)
    weight = np.zeros((q, q))
    for j, node in enumerate(nodes.tolist()):
        others = np.delete(nodes, j)
        lagrange = Polynomial.fromroots(others) / np.prod(node - others)
        weight[j] = lagrange.integ().coef[1:] * (0.5 * (b - a))
    scale, shift = np.array([[2.0 / (b - a)]]), np.array([-(a + b) / (b - a)])
    made = [Node("input", (), 1), Node("affine", (0,), 1, weight=scale, bias=shift)]
    made += [Node("pow", (1,), 1, parameter=float(p)) for p in range(2, q + 1)]
    made.append(Node("concat", tuple(range(1, q + 1)), q))
    made.append(Node("affine", (q + 1,), q, weight=weight, bias=np.zeros(q)))
    return Program(tuple(made))


def _points(domain: Domain) -> Array:
    u = sobol(domain.d, np.random.default_rng(1)).random_base2(int(np.log2(POINTS)))
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * domain.d, indexing="ij"), -1).reshape(-1, domain.d)
    return domain.from_unit(np.concatenate([u, corners]))


def _size(part: Part) -> float:
    with np.errstate(all="ignore"):
        values = part.program.value(_points(part.domain))
    return float(part.error.one_sided(np.where(np.isfinite(values), values, np.inf)).max())


def _sized(base: IntegralBase, measure: RootMeasure, domain: Domain, allowed: float) -> IntegralPlan:
    return IntegralPlan(base, {n: _size(p) for n, p in parts(base, measure, domain).items()}, allowed)


def _allowed(base: IntegralBase, measure: RootMeasure, domain: Domain, goal: Goal) -> float:
    """The delta that the goal allows beside errors as they are seen at points."""
    size = _size(parts(_finest(base, domain.d), measure, domain)["correction"])
    if goal.ratio is not None:
        return SHARE * (goal.ratio - 1.0) * size
    assert goal.tolerance is not None
    return SHARE * max(goal.tolerance - size, SHARE * size)


def _finest(base: IntegralBase, d: int) -> IntegralBase:
    return _ruled(base.model, base.integrand, (base.low, base.high), d, 4, 16)


def _demand_values(base: IntegralBase, domain: Domain, what: str) -> None:
    """Refuse an integrand without a finite value at points."""
    for x, values in _tried(base, domain):
        bad = ~np.isfinite(values).all(1)
        if bad.any():
            at = ", ".join(
                f"{n} = {num(v, 6)}"
                for n, v in zip(domain.names, x[bad][0, : domain.d].tolist(), strict=True)
            )
            raise BadInput(
                f"certify cannot follow the integral {what}: f has no finite value somewhere between the limits, at {at} "
                f"(theta = {num(x[bad][0, -1], 6)}, from -1 at the lower limit to 1 at the upper one); choose other limits, "
                "or write f without the quotient 0/0"
            )


def _tried(base: IntegralBase, domain: Domain) -> Iterator[tuple[Array, Array]]:
    exact = scaled(base)
    for theta in (-1.0, -0.3, 0.4, 1.0):
        x = np.column_stack([_points(domain), np.full(len(_points(domain)), theta)])
        with np.errstate(all="ignore"):
            yield x, exact.value(x)
