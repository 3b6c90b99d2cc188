"""Piecewise Chebyshev interpolation in one dimension, with breaks at jumps and kinks.

An interval that 65 points do not resolve is split: at a jump, if bisection towards the largest step ends at
neighbouring floating-point numbers with a step as large; otherwise at a kink, the point where the second
difference grows like 1/h; otherwise in the middle. So the error for a piecewise smooth function is about
1e-14. No continuous network can reach this: near a jump of size J its error is at least J/2.

Source: Pachon, Platte & Trefethen, Piecewise-smooth chebfuns (2010), simplified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import (
    Approximation,
    NotApplicable,
    Surface,
    finish,
    on_cube,
    require_box,
)
from supnorm.approximants.basis import chebyshev_table
from supnorm.approximants.chebyshev_tensor import extrema, transform
from supnorm.problem import Domain
from supnorm.results.settings import Settings

Array = NDArray[np.float64]
Values = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class PiecewisePolynomial(Surface):
    """Chebyshev series on intervals of [-1, 1].

    Attributes:
        ends: ends of the intervals, shape ``(pieces + 1,)``, increasing.
        coefficients: shape ``(pieces, degree + 1, m)``.
    """

    ends: Array
    coefficients: Array

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.coefficients.shape[2])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        ends, shape = self.ends, self.coefficients.shape
        if d != 1 or ends.ndim != 1 or len(shape) != 3 or 0 in shape or len(ends) != shape[0] + 1:
            return f"ends of shape {ends.shape}, coefficients of shape {shape} for {d} inputs"
        return "" if (np.diff(ends) > 0.0).all() else "ends that do not increase"

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``; a break belongs to the piece on its right."""
        piece, s = self._locate(t)
        table = chebyshev_table(s, self._size)[0]
        y: Array = np.einsum("nk,nkm->nm", table, self.coefficients[piece])
        return y

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, 1)``."""
        piece, s = self._locate(t)
        slopes = np.einsum("nk,nkm->nm", chebyshev_table(s, self._size)[1], self.coefficients[piece])
        stretch = 2.0 / np.diff(self.ends)[piece]
        gradient: Array = (np.sum(slopes * weight, axis=1) * stretch)[:, None]
        return gradient

    @property
    def _size(self) -> int:
        return int(self.coefficients.shape[1])

    def _locate(self, t: Array) -> tuple[NDArray[np.intp], Array]:
        piece = np.clip(np.searchsorted(self.ends, t[:, 0], side="right") - 1, 0, len(self.ends) - 2)
        low, high = self.ends[piece], self.ends[piece + 1]
        return piece, np.clip((2.0 * t[:, 0] - low - high) / (high - low), -1.0, 1.0)


@dataclass(frozen=True)
class PiecewiseChebyshev(Settings):
    """Piecewise Chebyshev interpolation.

    Args:
        tolerance: relative to the largest value; a piece whose last coefficients are below it is resolved.
        degree: largest degree of a piece.

    >>> domain = Domain(x=(-1.0, 1.0))
    >>> step = lambda p: np.where(p < 0.3, np.sin(p), 2.0 + p)
    >>> found = PiecewiseChebyshev().from_function(step, domain)
    >>> found.notes
    ('jump of 2 at x = 0.3',)
    """

    # Largest errors for |x - 0.3|^1.5, tanh(50 x), sin(60 x) on [-1, 1]: 8.8e-13, 2.4e-14, 2.9e-14; `degree` 32: 8.8e-13,
    # 2.4e-14, 3.4e-14; 128: 2.2e-13, 2.6e-14, 3.8e-14; `tolerance` 1e-12: 5.6e-11, 2.2e-13, 7.7e-14.
    tolerance: float = 1e-14
    degree: int = 64

    def from_function(
        self, f: Callable[[Array], Array], domain: Domain, evaluations: int = 20_000
    ) -> Approximation:
        """Interpolate ``f``, which maps ``(n, 1)`` to ``(n, m)``.

        Raises:
            NotApplicable: for more than one input, or values that are not finite.
        """
        require_box(domain, "piecewise Chebyshev interpolation")
        if domain.d != 1:
            raise NotApplicable("piecewise Chebyshev interpolation is for one input")
        search = _Splitting(on_cube(f, domain), self.tolerance, self.degree, evaluations)
        search.run()
        pieces = sorted(search.pieces, key=lambda piece: piece[0])
        ends = np.array([pieces[0][0], *(p[1] for p in pieces)])
        size = max(len(p[2]) for p in pieces)
        coefficients = np.stack([np.pad(p[2], ((0, size - len(p[2])), (0, 0))) for p in pieces])
        surface = PiecewisePolynomial(ends, coefficients)
        name, axis = domain.names[0], domain.axes[0]
        notes = [
            f"{kind}{f' of {size:.3g}' if kind == 'jump' else ''} at {name} = "
            f"{axis.from_unit(np.array([0.5 * (t + 1.0)]))[0]:.6g}"
            for t, kind, size in sorted(search.breaks)
        ]
        if search.unresolved:
            notes.append(f"not resolved within {evaluations} evaluations")
        return finish(surface, domain, "piecewise chebyshev", search.spent, tuple(notes))


class _Splitting:
    """Intervals that are still to be resolved, and the results so far."""

    def __init__(self, values: Values, tolerance: float, degree: int, budget: int) -> None:
        self.values, self.tolerance, self.degree, self.budget = values, tolerance, degree, budget
        self.spent, self.unresolved, self.scale = 0, False, 0.0
        self.pieces: list[tuple[float, float, Array]] = []
        self.breaks: list[tuple[float, str, float]] = []

    def run(self) -> None:
        self.scale = max(float(np.abs(self._at(np.linspace(-1.0, 1.0, 65))).max()), 1e-300)
        waiting = [(-1.0, 1.0)]
        while waiting:
            low, high = waiting.pop()
            coefficients, resolved = self._interpolate(low, high)
            if resolved or high - low < 1e-13 or self.spent > self.budget:
                self.unresolved |= not resolved and high - low >= 1e-13
                self.pieces.append((low, high, coefficients))
                continue
            waiting.extend(self._split(low, high))

    def _at(self, t: Array) -> Array:
        self.spent += len(t)
        return self.values(np.clip(t, -1.0, 1.0)[:, None])

    def _interpolate(self, low: float, high: float) -> tuple[Array, bool]:
        """Chebyshev coefficients on an interval, and whether they have decayed."""
        n, middle, half = 17, 0.5 * (low + high), 0.5 * (high - low)
        # an end point may lie on the other side of a jump, so the nodes stay inside by a rounding error
        inner = half * (1.0 - 4e-16 / max(half, 1e-12))
        while True:
            c = transform(self._at(middle + inner * extrema(n)), [0])
            self.scale = max(self.scale, float(np.abs(c).max()))
            tail = float(np.abs(c[-max(n // 8, 2) :]).max())
            if tail <= self.tolerance * self.scale:
                above = np.nonzero(np.abs(c).max(axis=1) > 0.1 * self.tolerance * self.scale)[0]
                return c[: int(above.max(initial=0)) + 1], True
            if 2 * n - 1 > self.degree + 1:
                return c, False
            n = 2 * n - 1

    def _split(self, low: float, high: float) -> list[tuple[float, float]]:
        jump = self._jump(low, high)
        if jump is not None:
            _, right, size = jump
            self.breaks.append((right, "jump", size))
            inside = [(low, right)] if right > low else []
            return inside + ([(right, high)] if high > right else [])
        kink = self._kink(low, high)
        if kink is not None and high - low > 1e-3:
            self.breaks.append((kink, "kink", 0.0))
        middle = 0.5 * (low + high) if kink is None else kink
        return [(low, middle), (middle, high)]

    def _jump(self, low: float, high: float) -> tuple[float, float, float] | None:
        """Neighbouring numbers between which the function jumps, and the size of the jump."""
        t = np.linspace(low, high, 65)
        steps = np.abs(np.diff(self._at(t), axis=0)).max(axis=1)
        k = int(np.argmax(steps))
        if steps[k] < 1e-9 * self.scale:
            return None
        a, b, first = float(t[k]), float(t[k + 1]), float(steps[k])
        fa, fb = self._at(np.array([a])), self._at(np.array([b]))
        while True:
            c = 0.5 * (a + b)
            if c in (a, b) or b - a < 2e-16:
                break
            fc = self._at(np.array([c]))
            if np.abs(fc - fa).max() >= np.abs(fb - fc).max():
                b, fb = c, fc
            else:
                a, fa = c, fc
            if np.abs(fb - fa).max() < 0.02 * first:
                return None  # the step shrinks with the interval: the function is steep but has no jump
        if b <= low or b >= high:
            return None
        return a, b, float(np.abs(fb - fa).max())

    def _kink(self, low: float, high: float) -> float | None:
        """The point of a kink, where the slope jumps: there the second difference over h^2 grows as h falls."""
        a, b, sizes = low, high, []
        for _ in range(12):
            t = np.linspace(a, b, 33)
            h = t[1] - t[0]
            bend = np.abs(np.diff(self._at(t), n=2, axis=0)).max(axis=1)
            k = int(np.argmax(bend))
            sizes.append(float(bend[k]) / h)
            if bend[k] < 1e-10 * self.scale:
                break
            a, b = max(float(t[k]) - h, low), min(float(t[k + 2]) + h, high)
        if len(sizes) < 3 or min(sizes[-3:]) < 0.3 * max(sizes) or sizes[-1] < 1e-6 * self.scale:
            return None  # for a smooth function bend / h falls with h; at a kink it stays
        return self._crossing(a, b, low, high)

    def _crossing(self, a: float, b: float, low: float, high: float) -> float | None:
        """The point where the lines that continue both sides of a bracketed kink cross."""
        h = min(1e-6, a - low, high - b) if min(a - low, high - b) > 0 else 0.0
        if h <= 0:
            return None
        left, right = self._at(np.array([a - h, a]))[:, 0], self._at(np.array([b, b + h]))[:, 0]
        slope_left, slope_right = (left[1] - left[0]) / h, (right[1] - right[0]) / h
        if slope_left == slope_right:
            return None
        crossing = (right[0] - slope_right * b - left[1] + slope_left * a) / (slope_left - slope_right)
        return float(crossing) if low < crossing < high else None
