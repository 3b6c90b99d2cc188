"""Rational functions of one input: AAA, and the interpolants of Floater and Hormann; no pole lies in the range.

`AAA` takes the nodes of a barycentric quotient one after the other, each where the error is largest, and for each number of
nodes the weights that make the linearised error least. Between nodes where a function is steep it takes values of its own.
Rounding adds pairs of a pole and a zero that nearly cancel, and a pole in the range is seen by no test at points. So the
quotient is not used, but its poles. Real ones in the range are left out, and so are those nearer to it than the points there
are to each other, whose effect no value shows. Least squares then find the coefficients of a Chebyshev series and of the
fractions of the other poles, whose denominators are positive by their form. Choose it for functions with poles or branch
points near the range, or with steep places.

`FloaterHormann` takes all samples as nodes, and weights that blend the polynomials of a degree through neighbouring
samples. It has no real pole whatever the samples are; that this holds for the rounded weights is proved (`no_poles`), with
a lower degree where it is not. Choose it for a table without noise whose inputs lie evenly.

Sources: Nakatsukasa, Sete & Trefethen, The AAA algorithm for rational approximation (2018); Driscoll, Nakatsukasa &
Trefethen, AAA rational approximation on a continuum (2024); Costa &
Trefethen, AAA-least squares rational approximation (2023); Floater & Hormann, Barycentric rational interpolation with no
poles and high rates of approximation (2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvals, lstsq

from supnorm.approximants.approximation import (
    Approximation,
    NotApplicable,
    finish,
    on_cube,
    require_box,
    to_cube,
)
from supnorm.approximants.no_poles import positive_barycentric
from supnorm.approximants.rational import FAR, Barycentric, PartialFractions
from supnorm.problem import Domain
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
BETWEEN = 3  # points between neighbouring nodes at which AAA looks for the largest error, as in the article
PATIENCE, CLOSE = (
    12,
    1e-6,
)  # nodes without a smaller error after which AAA ends, where it is near: the rest is rounding
TERMS = (1, 5, 17, 65, 129)  # of the series, in turn: an error may fall only at the last of them
COUNTS = (1, 2, 3, 5, 7, 10, 14, 20, 28, 38, 48)  # nodes after which samples are fitted
MOST = 1500  # samples: of more, two thirds of so many are fitted, and all others choose
LEFT_OUT = 3  # of the samples every third one chooses the number of nodes, or the degree
WITHIN = 1.3  # of the least error there: the fewest terms (as for least squares)
SEEN = 0.5  # of the distance of the points around a pole: one that is nearer to the range is left out
NAME, EVEN, FEWEST = "Floater-Hormann interpolation", 1001, 8  # EVEN: nodes where a function is called
DEGREES = (0, 1, 2, 3, 4, 5, 6, 8, 10)
FARTHEST = 1e6  # poles beyond it are as good as a polynomial
NEAREST = 1e-14  # of a pole: for nearer ones there are no points between it and the range
SHAPE = np.array([-4.0, -2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0, 4.0])  # times the distance of the pole
RANK = 1e-15  # directions that the points do not determine stay zero


@dataclass(frozen=True)
class AAA(Settings):
    """A rational function by the AAA algorithm, without poles in the range.

    Args:
        tolerance: the goal, relative to the largest value.
        largest: largest number of nodes.

    >>> steep = lambda p: np.tanh(300.0 * p)
    >>> fitted = AAA().from_function(steep, Domain(x=(-1.0, 1.0)))
    >>> x = np.linspace(-1.0, 1.0, 5001)[:, None]
    >>> bool(np.abs(fitted.function(x) - steep(x)).max() < 1e-9), fitted.samples < 1000
    (True, True)
    """

    tolerance: float = 1e-13
    largest: int = 60

    LIMITS: ClassVar[Limits] = {
        "tolerance": Allowed(above=0),
        "largest": Allowed(low=2, high=200, whole=True),
    }

    def from_function(
        self, f: Callable[[Array], Array], domain: Domain, evaluations: int = 20_000
    ) -> Approximation:
        """Approximate ``f``, which maps ``(n, 1)`` to ``(n, m)``.

        Raises:
            NotApplicable: for more than one input, too few evaluations, or values that are not finite.
        """
        _demand_line(domain, "AAA")
        require_box(domain, "AAA")
        if evaluations < 64:
            raise NotApplicable(f"AAA takes more than {evaluations} points")
        values = on_cube(f, domain)
        t = np.concatenate([[-1.0], _between(-1.0, 1.0, 5 * BETWEEN), [1.0]])
        y = values(t[:, None])
        chosen = [0, len(t) - 1]
        best = _Best(float(np.abs(y).max()), self.tolerance)
        while True:
            weights, error = _weights(t, y, chosen)
            if best.ends(float(error.max()), t[chosen], weights) or len(chosen) >= self.largest:
                break
            new = float(t[error.argmax()])
            chosen.append(int(error.argmax()))
            nodes = np.sort(t[chosen])
            k = int(np.searchsorted(nodes, new))
            ends = nodes[k - 1 : k + 2]  # -1 and 1 are nodes from the start
            inside = np.concatenate([_between(a, b, BETWEEN) for a, b in pairwise(ends)])
            fresh = np.setdiff1d(inside, t)
            if 2 * (len(t) + len(fresh)) > evaluations:
                break
            t, y = np.concatenate([t, fresh]), np.concatenate([y, values(fresh[:, None])])
        fresh = np.setdiff1d(_around(best.poles), t)
        t, y = np.concatenate([t, fresh]), np.concatenate([y, values(fresh[:, None])])
        order = np.argsort(t)
        t, y = t[order], y[order]
        middles = 0.5 * (t[:-1] + t[1:])
        there = values(middles[:, None])
        surface, error_there = _fitted(t, y, middles, there, best.poles)
        scale = float(np.abs(y).max())
        lost = (
            ()
            if error_there <= 1e-9 * scale
            else (f"not resolved: errors of {error_there:.0e} between the points",)
        )
        return finish(surface, domain, "aaa", len(t) + len(middles), lost)

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, 1)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for several inputs, and for fewer than 8 samples.
        """
        t, y = _sorted(x, y, domain, "AAA")
        out = _left_out(len(t))
        s, v, most = t[~out], y[~out], min(self.largest, int((~out).sum()) // 3)
        chosen = [int(np.abs(v - v.mean(axis=0)).max(axis=1).argmax())]
        best = _Best(float(np.abs(v).max()), self.tolerance)
        tried: list[tuple[float, PartialFractions]] = []
        while True:
            weights, error = _weights(s, v, chosen)
            over = best.ends(float(error.max()), s[chosen], weights) or len(chosen) >= most
            if over or len(chosen) in COUNTS:
                surface, error_there = _fitted(s, v, t[out], y[out], poles(s[chosen], weights))
                tried.append((error_there, surface))
            if over:
                break
            chosen.append(int(error.argmax()))
        least = min(e for e, _ in tried)
        return finish(next(one for e, one in tried if e <= WITHIN * least), domain, "aaa", len(t))


@dataclass(frozen=True)
class FloaterHormann(Settings):
    """Barycentric rational interpolation of samples, or of a function at even nodes, without poles.

    Args:
        most: largest number of samples or nodes.

    >>> x = np.linspace(0.0, 1.0, 40)[:, None]
    >>> fitted = FloaterHormann().from_samples(x, np.exp(x), Domain(x=(0.0, 1.0)))
    >>> bool(abs(fitted.function([[0.123]])[0, 0] - np.exp(0.123)) < 1e-9)
    True
    """

    most: int = 2000

    LIMITS: ClassVar[Limits] = {"most": Allowed(low=8, high=4000, whole=True)}

    def from_function(
        self, f: Callable[[Array], Array], domain: Domain, evaluations: int = 20_000
    ) -> Approximation:
        """Interpolate ``f``, which maps ``(n, 1)`` to ``(n, m)``.

        Raises:
            NotApplicable: for more than one input, too few evaluations, or values that are not finite.
        """
        _demand_line(domain, NAME)
        require_box(domain, NAME)
        n = min(evaluations, self.most, EVEN)
        if n < FEWEST:
            raise NotApplicable(f"{NAME} takes more than {evaluations} points")
        t = np.linspace(-1.0, 1.0, n)
        return self._interpolated(t, on_cube(f, domain)(t[:, None]), domain)

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Interpolate samples ``x (n, 1)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for several inputs, and for fewer than 8 or more than ``most`` samples.
        """
        t, y = _sorted(x, y, domain, NAME)
        if len(t) > self.most:
            raise NotApplicable(f"{NAME} takes at most {self.most:,} samples, got {len(t):,}")
        return self._interpolated(t, y, domain)

    def _interpolated(self, t: Array, y: Array, domain: Domain) -> Approximation:
        """Of the degree whose interpolant of two thirds of the samples serves the others best."""
        out = _left_out(len(t))
        errors = []
        for degree in DEGREES:
            trial = Barycentric(t[~out], floater_hormann(t[~out], degree), y[~out])
            errors.append(float(np.abs(trial.value(t[out, None]) - y[out]).max()))
        order = np.argsort(np.where(np.isnan(errors), np.inf, errors), kind="stable")
        for degree in (DEGREES[k] for k in order):
            weights = floater_hormann(t, degree)
            if positive_barycentric(t, weights):
                return finish(
                    Barycentric(t, weights, y), domain, f"floater-hormann (degree {degree})", len(t)
                )
        raise NotApplicable(
            "poles between the samples are not excluded: neighbouring samples lie too near to each other"
        )


class _Best:
    """The poles of the nodes with the least error so far, and whether more nodes are of use."""

    def __init__(self, scale: float, tolerance: float) -> None:
        self.goal, self.close, self.least, self.waited = tolerance * scale, CLOSE * scale, np.inf, 0
        self.held: tuple[Array, Array] | None = None

    def ends(self, error: float, nodes: Array, weights: Array) -> bool:
        if error < self.least or self.held is None:
            self.least, self.waited, self.held = error, 0, (nodes, weights)
        else:
            self.waited += 1
        return error <= self.goal or (self.waited >= PATIENCE and self.least <= self.close)

    @property
    def poles(self) -> NDArray[np.complex128]:
        assert self.held is not None
        return poles(*self.held)


def floater_hormann(nodes: Array, degree: int) -> Array:
    """The barycentric weights that blend polynomials of a degree; their signs alternate, the largest one has size 1.

    >>> floater_hormann(np.linspace(0.0, 1.0, 5), 1).tolist()
    [-0.5, 1.0, -1.0, 1.0, -0.5]
    """
    n = len(nodes)
    degree = min(degree, n - 1)
    weights = np.zeros(n)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for i in range(n - degree):
            block = slice(i, i + degree + 1)
            distance = np.abs(nodes[block, None] - nodes[block])
            np.fill_diagonal(distance, 1.0)
            weights[block] += 1.0 / np.prod(distance * (n / 2.0), axis=1)
        weights = weights / weights.max()
    signed: Array = np.where(np.arange(n) % 2 == degree % 2, 1.0, -1.0) * weights
    return signed


def _demand_line(domain: Domain, method: str) -> None:
    if domain.d != 1:
        raise NotApplicable(f"{method} is for one input")


def _sorted(x: Array, y: Array, domain: Domain, method: str) -> tuple[Array, Array]:
    """Samples on [-1, 1] in their order; of equal points the mean."""
    _demand_line(domain, method)
    t, row = np.unique(to_cube(domain, x)[:, 0], return_inverse=True)
    if len(t) < FEWEST:
        raise NotApplicable(f"{method} needs at least {FEWEST} different samples, got {len(t)}")
    counts = np.bincount(row)
    return t, np.stack([np.bincount(row, column) / counts for column in y.T], axis=1)


def _left_out(n: int) -> NDArray[np.bool_]:
    """Every third sample, and those beyond a number, neither the first nor the last one."""
    out: NDArray[np.bool_] = np.arange(n) % LEFT_OUT == 1
    if n > MOST:
        out = ~np.isin(np.arange(n), np.linspace(0, n - 1, 2 * MOST // LEFT_OUT).astype(int))
    out[[0, -1]] = False
    return out


def _between(a: float, b: float, n: int) -> Array:
    """n points between two numbers, none of them an end."""
    points: Array = a + (b - a) * np.arange(1, n + 1) / (n + 1)
    return points[(points > a) & (points < b)]


def _weights(t: Array, y: Array, chosen: list[int]) -> tuple[Array, Array]:
    """The weights of the nodes ``chosen`` that make the linearised error at the other points least, and the errors there."""
    others = np.ones(len(t), dtype=bool)
    others[chosen] = False
    cauchy = 1.0 / (t[others, None] - t[chosen])
    scale = np.maximum(np.abs(y).max(axis=0), 1e-300)
    loewner = np.concatenate(
        [((v[others, None] - v[chosen]) / s) * cauchy for v, s in zip(y.T, scale, strict=True)]
    )
    triangle = np.linalg.qr(loewner, mode="r")  # the same right singular vectors, in a sixth of the time
    weights: Array = np.linalg.svd(triangle)[2][-1]
    error = np.zeros(len(t))
    below = cauchy @ weights
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = (cauchy @ (weights[:, None] * y[chosen])) / below[:, None]
        error[others] = np.abs(quotient - y[others]).max(axis=1)
    return weights, np.where(np.isfinite(error), error, np.inf)


def poles(nodes: Array, weights: Array) -> NDArray[np.complex128]:
    """The poles of a barycentric quotient: the finite eigenvalues of an arrow-shaped pencil.

    >>> poles(np.array([-1.0, 0.0, 1.0]), np.array([0.5, -1.0, 0.5])).round(9).tolist()
    []
    """
    n = len(nodes)
    arrow, unit = np.zeros((n + 1, n + 1)), np.eye(n + 1)
    unit[0, 0] = 0.0
    arrow[0, 1:], arrow[1:, 0] = weights, 1.0
    arrow[1:, 1:] = np.diag(nodes)
    every = eigvals(arrow, unit)
    finite: NDArray[np.complex128] = every[np.isfinite(every) & (np.abs(every) < FARTHEST)]
    return finite


def _around(given: NDArray[np.complex128]) -> Array:
    """Points at which the fractions of poles near the range show."""
    near = given[(given.imag > NEAREST) & (np.abs(given.real) <= 1.0)]
    points = near.real[:, None] + near.imag[:, None] * SHAPE
    unique: Array = np.unique(points[np.abs(points) < 1.0])
    return unique


def _fitted(
    t: Array, y: Array, other: Array, there: Array, given: NDArray[np.complex128]
) -> tuple[PartialFractions, float]:
    """Least squares at ``t (n,)`` with the fewest terms that serve the other points, and the largest error at these."""
    real = np.abs(given.imag) <= 1e-13 * np.maximum(np.abs(given), 1.0)
    outer = np.unique(given.real[real & (np.abs(given.real) > 1.0 + 1e3 * FAR)])
    pairs = given[~real & (given.imag > 0)]
    k = np.clip(np.searchsorted(t, pairs.real), 1, len(t) - 1)
    pairs = pairs[pairs.imag > SEEN * (t[k] - t[k - 1])]
    tried: list[tuple[float, PartialFractions]] = []
    for terms in TERMS:
        rest = len(outer) + 2 * len(pairs)
        if tried and 2 * (terms + rest) > len(t):
            break
        empty = PartialFractions(pairs.real, pairs.imag, outer, np.zeros((terms + rest, y.shape[1])), terms)
        table = empty.table(t)[0]
        size = np.maximum(np.abs(table).max(axis=0), 1e-300)
        coefficients = lstsq(table / size, y, cond=RANK, lapack_driver="gelsy")[0] / size[:, None]
        one = replace(empty, coefficients=np.ascontiguousarray(coefficients))
        tried.append((float(np.abs(one.value(other[:, None]) - there).max()), one))
    least = min(error for error, _ in tried)
    return next((one, error) for error, one in tried if error <= WITHIN * least)
