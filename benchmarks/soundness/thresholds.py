"""Random code that chooses between formulas, beside code with other thresholds, the same, or none: by every strategy.

Formulas are chosen by ``where``, masks, Heaviside's function or the sign, at thresholds of an input, of a sum, of a curve or
of another choice, joined by ``&``, ``|`` and ``~``, in NumPy or JAX. The code runs at a million points; half of
them lie at places where a choice changes, between floats that are neighbours where an input is compared, else close to it.
Where float64 sees the largest errors, the programs that were read are evaluated in arbitrary precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

from benchmarks.soundness.extreme import STRATEGIES, exact
from benchmarks.soundness.judging import Judged, checked, judged_by
from benchmarks.soundness.million import worst
from supnorm.certification import certify
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.program import Unsupported
from supnorm.results import BadInput

Array = np.ndarray[Any, np.dtype[np.float64]]
Formula = Callable[[Any, Any], Any]  # of NumPy or JAX, and points
EXACT, BLIND, DIGITS = 6, 2, 50
BOXES = 300
ROOM = 1e-9  # of the largest value: what rounding may change in an error of these formulas
NEAR = 1e-9  # of the domain: so far from a threshold that is computed, rounding does not choose
HALVINGS = 60


@dataclass
class Draws:
    """Draws formulas.

    Attributes:
        tests: the conditions that were drawn, as functions of points, and whether each compares inputs alone.
    """

    rng: np.random.Generator
    d: int
    tests: list[tuple[Formula, bool]] = field(default_factory=list)

    def smooth(self) -> Formula:
        """A formula without a choice."""
        k, p, a = self.rng.normal(size=self.d), self.rng.uniform(0, 3), self.rng.uniform(0.2, 1.0)
        forms: list[Formula] = [
            lambda xp, x: a * xp.sin(x @ k + p),
            lambda xp, x: p + a * xp.exp(-((x @ k) ** 2)),
            lambda xp, x: a * xp.tanh(x @ k) + 0.1 * x[:, 0] ** 2,
            lambda xp, x: a * xp.sqrt(1.0 + (x @ k) ** 2),
            lambda xp, x: a * xp.maximum(x @ k, 0.1 * p),
            lambda xp, x: p / (2.0 + x[:, 0] * x[:, -1]),
        ]
        return forms[self.rng.integers(len(forms))]

    def test(self) -> Formula:
        """A comparison, or two that are joined."""
        if self.rng.random() < 0.25:
            one, other = self.test(), self.test()
            joined: list[Formula] = [
                lambda xp, x: one(xp, x) & other(xp, x),
                lambda xp, x: one(xp, x) | ~other(xp, x),
            ]
            return joined[self.rng.integers(2)]
        i, c, k = self.rng.integers(self.d), self.rng.uniform(0.2, 0.8), self.rng.normal(size=self.d)
        name = str(self.rng.choice(["less", "less_equal", "greater", "greater_equal"]))
        round_number = float(np.round(c, 1))
        kind = self.rng.integers(6)
        sides: list[tuple[Formula, Formula]] = [
            (lambda xp, x: x[:, i], lambda xp, x: c),
            (lambda xp, x: x[:, i], lambda xp, x: round_number),
            (lambda xp, x: x[:, i], lambda xp, x: x[:, 0] if self.d > 1 else 0.5),
            (lambda xp, x: x @ k, lambda xp, x: c),
            (lambda xp, x: xp.sin(3.0 * x[:, i]) * x[:, 0], lambda xp, x: 0.4 * c),
            (lambda xp, x: xp.where(x[:, 0] > c, x[:, i], 1.0 - x[:, i]), lambda xp, x: 0.3),
        ]
        left, right = sides[kind]

        def test(xp: Any, x: Any) -> Any:
            return getattr(xp, name)(left(xp, x), right(xp, x))

        self.tests.append((test, bool(kind < 3)))
        if kind == 5:
            self.tests.append((lambda xp, x: x[:, 0] > c, True))
        return test

    def formula(self, depth: int) -> Formula:
        """A formula that chooses ``depth`` times, in one of the forms that are read."""
        if not depth:
            return self.smooth()
        a, b, test = self.formula(depth - 1), self.formula(depth - 1), self.test()
        size = self.rng.uniform(0.3, 2.0)
        forms: list[Formula] = [
            lambda xp, x: xp.where(test(xp, x), a(xp, x), b(xp, x)),
            lambda xp, x: test(xp, x) * a(xp, x) + ~test(xp, x) * b(xp, x),
            lambda xp, x: xp.where(test(xp, x), a(xp, x), size),
            lambda xp, x: b(xp, x) + size * xp.where(test(xp, x), 1.0, 0.0),
            lambda xp, x: xp.cos(xp.where(test(xp, x), a(xp, x), b(xp, x))) * a(xp, x),
            lambda xp, x: xp.abs(xp.where(test(xp, x), a(xp, x), b(xp, x)) - 0.5 * size),
            lambda xp, x: xp.maximum(xp.where(test(xp, x), a(xp, x), b(xp, x)), 0.3 * b(xp, x)),
            lambda xp, x: a(xp, x) + 0.3 * xp.sign(x[:, 0] - size / 2.0) * b(xp, x),
            lambda xp, x: a(xp, x) * xp.heaviside(x[:, -1] - size / 2.0, 0.0) + b(xp, x),
        ]
        which = self.rng.integers(len(forms))
        if which >= 7:
            column = 0 if which == 7 else -1
            self.tests.append((lambda xp, x: x[:, column] - size / 2.0 > 0.0, False))
        return forms[which]


@dataclass(frozen=True)
class Random:
    """A random problem.

    Attributes:
        problem, label: as it is certified, and in words.
        model, reference: ``(n, d) -> (n,)``.
        tests: see `Draws`.
        low, high: of the domain.
    """

    problem: Problem
    label: str
    model: Callable[[Array], Array]
    reference: Callable[[Array], Array]
    tests: list[tuple[Formula, bool]]
    low: Array
    high: Array

    def at_thresholds(self, rng: np.random.Generator, n: int) -> Array:
        """Points on both sides of where a choice changes, found by halving lines of the domain; ``(k, d)``, k <= 2 n."""
        found = [*self._by_halving(rng, n)]
        return np.concatenate(found) if found else np.zeros((0, len(self.low)))

    def _by_halving(self, rng: np.random.Generator, n: int) -> Iterator[Array]:
        for test, plain in self.tests:
            size = (n // len(self.tests) + 1, len(self.low))
            one, other = (self.low + (self.high - self.low) * rng.random(size) for _ in range(2))
            if rng.random() < 0.5:  # along one axis
                along = np.arange(size[1]) == rng.integers(size[1])
                other = np.where(along, other, one)
            here = test(np, one)
            some = here != test(np, other)
            one, other, here = one[some], other[some], here[some]
            for _ in range(HALVINGS):
                if not plain and len(one) and np.abs(one - other).max() < NEAR * (self.high - self.low).max():
                    break
                middle = one / 2.0 + other / 2.0
                same = (test(np, middle) == here)[:, None]
                one, other = np.where(same, middle, one), np.where(same, other, middle)
            yield one
            yield other


def random_problem(number: int, seed: int) -> Random:
    """Problem ``number`` of a seed."""
    rng = np.random.default_rng([seed, number])
    d = int(rng.choice([1, 2, 2, 3]))
    xp = np if rng.random() < 0.75 else jnp
    draws = Draws(rng, d)
    one, other = draws.formula(int(rng.integers(1, 3))), draws.formula(int(rng.integers(0, 3)))
    size = 10.0 ** rng.uniform(-6.0, -0.5)
    pairs: dict[str, tuple[Formula, Formula]] = {
        "apart": (one, other),
        "shared": (one, lambda xp, x: one(xp, x) + size * other(xp, x)),
        "moved": (one, lambda xp, x: one(xp, x * (1.0 + 0.1 * size))),
        "within": (lambda xp, x: xp.tanh(one(xp, x)) * other(xp, x), other),
    }
    how = str(rng.choice([*pairs]))
    first, second = pairs[how]

    def model(x: Any) -> Any:
        return first(xp, x)

    def reference(x: Any) -> Any:
        return second(xp, x)

    low = np.where(rng.random(d) < 0.6, 0.0, np.round(rng.uniform(-1.0, 0.3, d), 1))
    high = low + rng.choice([1.0, 0.7, 1.3], d)
    ends = {f"x{i}": (float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}
    kinds = [{}, {}, {"kind": "relative", "floor": 0.3}, {"side": "over"}]
    measure: dict[str, Any] = kinds[rng.integers(len(kinds))]
    problem = Problem(model, reference, Domain.from_axes(ends), error=ErrorMeasure(**measure))
    return Random(problem, f"{xp.__name__} d={d} {how} {measure}", model, reference, draws.tests, low, high)


def judged(number: int, seed: int, path: Path) -> Judged:
    """One problem: its bound beside errors at points, and what the checker says of its certificate."""
    drawn = random_problem(number, seed)
    rng = np.random.default_rng([seed, number, 1])
    name = str(rng.choice(["default", *STRATEGIES]))
    strategy = None if name == "default" else STRATEGIES[name]()
    label = f"{drawn.label} {name}"
    try:
        result = certify(drawn.problem, 1.2, strategy=strategy, boxes=BOXES)
    except (BadInput, Unsupported) as error:
        return Judged(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", f"{label}: {result.status.code}")

    def points(n: int) -> Array:
        x = drawn.low + (drawn.high - drawn.low) * rng.random((n, len(drawn.low)))
        near = drawn.at_thresholds(rng, n // 4)
        x[: len(near)] = near[:n]
        return np.clip(x, drawn.low, drawn.high)

    largest = 0.0

    def size(x: Array) -> Array:
        nonlocal largest
        with jax.enable_x64(True):
            values, truth = np.asarray(drawn.model(x)), np.asarray(drawn.reference(x))
        errors, _ = drawn.problem.error(values[:, None], truth[:, None], x)
        largest = max(largest, float(errors.max() - ROOM * (np.abs(values).max() + np.abs(truth).max())))
        return errors

    x = worst(points, size, EXACT, BLIND)
    if largest > result.upper:
        return Judged(number, "FALSE", f"{label}: the code's error {largest!r} above {result.upper!r}")
    error = result.certificate.error
    sides = {"both": abs, "over": lambda v: max(v, 0), "under": lambda v: max(-v, 0)}
    with mp.workdps(DIGITS):
        for t in x:
            seen = min(sides[error.side](exact(p, t)) for p in error.alternatives)
            if seen > mp.mpf(result.upper):
                return Judged(number, "FALSE", f"{label}: {mp.nstr(seen, 20)} at {t} above {result.upper!r}")
    return checked(number, label, result.certificate, path)


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)
