"""Random formulas at the edges of what Chebyshev models can prove.

Trees of operations over strange domains. The range of a subtree on the domain is sampled before a function of it is drawn,
so that poles, branch points and kinks lie just outside, at the edge, or inside; frequencies are drawn past the degrees;
models and references nearly cancel; domains are of a few units in the last place, far from zero, below the normal numbers,
or cross zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.program import lower_numpy
from supnorm.results import BadInput

Term = Callable[[Any], Any]
SAMPLES = 400
KINDS = (0.2, 0.27, 0.1, 0.05, 0.05, 0.06, 0.04, 0.13, 0.1)  # of axes
POWERS = (-3.0, -2.0, -1.0, -0.5, 0.3, 0.5, 1.5, 2.0, 2.7, 3.0, 4.0, 7.0)


class Range(NamedTuple):
    """Ends of the sampled values of a term."""

    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width, never zero."""
        return max(0.5 * self.high - 0.5 * self.low, 1e-300)

    @property
    def middle(self) -> float:
        """Its middle."""
        return 0.5 * self.low + 0.5 * self.high


def _axis(rng: np.random.Generator) -> Axis:
    kind = int(rng.choice(9, p=KINDS))
    low = float(10.0 ** rng.uniform(-2, 2))
    ends = {
        0: (-1.0, 1.0),
        1: (low, low * 10.0 ** rng.uniform(0.1, 3)),  # positive, of decades
        2: (1e8, 1e8 + 1.0),
        3: (1e8, 1e8 + float(10.0 ** rng.uniform(-7.8, -5))),
        4: (low, float(np.nextafter(low, np.inf))),
        5: (1e-300 * low, 1e-299 * low),
        6: (0.0, float(10.0 ** rng.uniform(-322, -300))),
        7: (-low, low * 1.5),
        8: (0.0, low),
    }[kind]
    log = ends[0] > 0.0 and rng.random() < (0.6 if kind == 1 else 0.3)
    return Axis(*ends, scale="log" if log else "linear")


class _Trees:
    """Draws terms of points ``x`` of one domain."""

    def __init__(self, rng: np.random.Generator, domain: Domain) -> None:
        self.rng, self.d = rng, domain.d
        u = np.random.default_rng(0).random((SAMPLES, domain.d))
        u[: SAMPLES // 4] = np.round(u[: SAMPLES // 4])
        self.x = domain.from_unit(u)

    def range(self, f: Term) -> Range | None:
        """Sampled; None where a value is not finite."""
        with np.errstate(all="ignore"):
            v = np.broadcast_to(np.asarray(f(self.x)), (len(self.x), 1))
        return Range(float(v.min()), float(v.max())) if np.isfinite(v).all() else None

    def term(self, depth: int) -> Term:
        """A term with finite values at the sampled points."""
        for _ in range(8):
            f = self._input() if depth == 0 else self._operation(depth)
            if self.range(f) is not None:
                return f
        return self._input()

    def _input(self) -> Term:
        rng, k = self.rng, int(self.rng.integers(self.d))
        x = lambda x: x[:, k : k + 1]  # noqa: E731
        r = self.range(x)
        assert r is not None
        kind = rng.integers(4)
        s, m = min(1.0 / r.half, 1e300), r.middle
        if kind == 0:
            return x
        if kind == 1 and not (0.0 < r.half < 1e-300):
            return lambda x: (x[:, k : k + 1] - m) * s
        if kind == 2:
            return lambda x: x[:, k : k + 1] * s
        c = float(rng.normal())
        return lambda x: x[:, k : k + 1] + c

    def _operation(self, depth: int) -> Term:
        return self._binary(depth) if self.rng.random() < 0.45 else self._unary(depth)

    def _binary(self, depth: int) -> Term:
        rng, f, g = self.rng, self.term(depth - 1), self.term(int(self.rng.integers(depth)))
        kind = int(rng.integers(8))
        if kind == 0:
            return lambda x: f(x) + g(x)
        if kind == 1:
            return lambda x: f(x) - g(x)
        if kind in (2, 3):
            return lambda x: f(x) * g(x)
        if kind == 4:
            return lambda x: np.maximum(f(x), g(x))
        if kind == 5:
            return lambda x: np.minimum(f(x), g(x))
        h = self._positive(g)
        return lambda x: f(x) / h(x)

    def _positive(self, f: Term) -> Term:
        """Positive, often by little: its nearest zero is ``gap`` of its range away."""
        r, gap = self.range(f), float(10.0 ** self.rng.uniform(-6 if self.rng.random() < 0.2 else -2, 1))
        assert r is not None
        kind = self.rng.integers(4)
        if kind == 0 and r.low > 0.0:
            return f
        if kind == 1 and r.high < 300.0 and r.low > -300.0:
            return lambda x: np.exp(f(x))
        if kind == 2:
            return lambda x: f(x) * f(x) + gap * max(min(r.half, 1e150) ** 2, 1e-300)
        shift = gap * r.half - r.low
        return lambda x: f(x) + shift

    def _unary(self, depth: int) -> Term:
        rng, f = self.rng, self.term(depth - 1)
        r = self.range(f)
        assert r is not None
        kind, s, m = int(rng.integers(13)), min(1.0 / r.half, 1e300), r.middle
        high = float(10.0 ** rng.uniform(-1, 1.7))  # up to 50 radians: past the degrees
        p, edge = float(rng.choice(POWERS)), r.low + 2.0 * float(rng.choice([0, 1, rng.random()])) * r.half
        if kind <= 3:
            h = self._positive(f)
            return [
                lambda x: np.log(h(x)), lambda x: np.sqrt(h(x)), lambda x: h(x) ** p, lambda x: 1.0 / h(x),
            ][kind]  # fmt: skip
        plain = r.half > 1e-280
        z = (lambda x: (f(x) - m) * s) if plain else (lambda x: f(x) * s)
        forms: list[Term] = [
            lambda x: np.sin(z(x) * high),
            lambda x: np.cos(f(x)),
            lambda x: np.exp(z(x) * min(high, 20.0)),
            lambda x: np.tanh(z(x) * high),
            lambda x: np.logaddexp(0.0, z(x) * high),
            lambda x: np.abs(f(x) - edge),
            lambda x: np.maximum(f(x) - edge, 0.0),
            lambda x: f(x) ** (p if p == int(p) else 2.0),
            lambda x: 1.0 / (1.0 + np.exp(-z(x) * high)),
        ]
        return forms[kind - 4]


def hostile_problem(number: int, seed: int) -> tuple[Problem, str]:
    """A problem, and a few words about it."""
    rng = np.random.default_rng([seed, number, 77])
    while True:
        d = int(rng.choice([1, 1, 1, 2, 2, 3, 4]))
        domain = Domain.from_axes({f"x{k}": _axis(rng) for k in range(d)})
        trees = _Trees(rng, domain)
        depth = int(rng.integers(1, 5))
        reference, other = trees.term(depth), trees.term(int(rng.integers(1, 4)))
        small, twin = float(10.0 ** rng.uniform(-15, 0)), int(rng.integers(3))
        model = (
            lambda x, f=reference, g=other, s=small: f(x) * (1.0 + s * g(x)),
            lambda x, f=reference, g=other, s=small: f(x) + s * g(x),
            lambda x, g=other: g(x),
        )[twin]
        measure, kind = _measure(rng, trees.range(reference))
        try:
            sides = [
                Function(f, name=n, program=lower_numpy(f, d))
                for f, n in ((model, "model"), (reference, "reference"))
            ]
        except (BadInput, ValueError, TypeError):
            continue
        axes = ", ".join(f"{a.low!r}..{a.high!r}{' log' if a.log else ''}" for a in domain.axes)
        words = f"depth {depth}, {kind}, {measure.side}, {('factor', 'sum', 'unrelated')[twin]} {small:.1e}, on {axes}"
        return Problem(*sides, domain, measure), words


def _measure(rng: np.random.Generator, r: Range | None) -> tuple[ErrorMeasure, str]:
    """A relative one has its floor within the range of the reference, or none."""
    side, kind = str(rng.choice(["both", "over", "under"])), int(rng.integers(3))
    if kind == 0 or r is None:
        return ErrorMeasure(side=side), "absolute"
    if kind == 1:
        return ErrorMeasure("relative", floor=0.0, side=side), "relative"
    floor = max(abs(r.low), abs(r.high)) * float(rng.uniform(0.01, 1.2))
    return ErrorMeasure("relative", floor=max(floor, 1e-250), side=side), "relative with floor"
