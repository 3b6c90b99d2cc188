"""A frame in which a thin, oblique or bent region is round: rotation, scales, and a triangular polynomial map.

From points x_i of the region: principal axes U and spreads s of the points (SVD of the data matrix, so that
spreads 1e-8 apart stay exact), then, from the widest axis to the thinnest, each coordinate loses its least-squares
polynomial in the wider ones where that leaves clearly less spread (a bent sheet becomes flat). The map

    z -> centre + U (s * w),   w_1 = z_1,   w_j = r_j z_j + q_j(w_1, ..., w_j-1)

is triangular (Rosenblatt 1952), so its Jacobian determinant is the constant prod(s_j r_j): volumes in z are volumes
in x times that.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEGREES = (2, 3, 4, 6, 8, 10)  # that are tried, the smallest first; `FLATTER` decides
FLATTER = 0.85  # a polynomial must leave at most this share of a coordinate's spread
EACH = 3  # points for each coefficient, at least


@dataclass(frozen=True)
class Bend:
    """Polynomial of one coordinate in the wider ones: its degree and the coefficients of `_monomials`."""

    degree: int = 0
    weights: Array | None = None

    def __call__(self, w: Array) -> Array:
        """Value at ``w`` (n, j), shape ``(n,)``."""
        if self.weights is None:
            return np.zeros(len(w))
        with np.errstate(over="ignore", invalid="ignore"):  # far outside the points it was fitted to
            value: Array = np.nan_to_num(_monomials(w, self.degree) @ self.weights)
        return value


@dataclass(frozen=True)
class Frame:
    """See the module's text.

    Attributes:
        centre: shape ``(d,)``.
        axes: columns are orthonormal, widest first, shape ``(d, d)``.
        spread: of the points along each axis, shape ``(d,)``.
        rest: spread that each coordinate has left, in units of ``spread``, shape ``(d,)``.
        bends: polynomial of each coordinate.
    """

    centre: Array
    axes: Array
    spread: Array
    rest: Array
    bends: tuple[Bend, ...]

    @classmethod
    def along_axes(cls, width: Array) -> Frame:
        """A first guess: a box round the origin with these half-widths."""
        d = len(width)
        return cls(np.zeros(d), np.eye(d), width, np.ones(d), (Bend(),) * d)

    @classmethod
    def fit(cls, x: Array, bent: bool = True) -> Frame:
        """The frame of points ``x`` (n, d), n > d; without polynomials unless ``bent``."""
        n, d = x.shape
        centre = x.mean(axis=0)
        _, spread, axes = np.linalg.svd((x - centre) / np.sqrt(n - 1), full_matrices=False)
        spread = np.maximum(spread, 1e-16 + 1e-14 * spread[0])
        w = (x - centre) @ axes.T / spread
        rest, bends = np.ones(d), [Bend()] * d
        for j in range(1, d if bent else 1):
            bends[j], rest[j] = _flatten(w[:, :j], w[:, j])
        return cls(centre, axes.T, spread, rest, tuple(bends))

    @property
    def scale(self) -> float:
        """Volume in x of a unit of volume in z."""
        return float(np.prod(self.spread * self.rest))

    @property
    def bent(self) -> bool:
        """Whether any coordinate needed a polynomial."""
        return any(bend.degree for bend in self.bends)

    def points(self, z: Array) -> Array:
        """From the round frame, shape ``(n, d)``."""
        w = np.empty_like(z)
        for j, bend in enumerate(self.bends):
            w[:, j] = self.rest[j] * z[:, j] + bend(w[:, :j])
        return self.centre + (self.spread * w) @ self.axes.T

    def coordinates(self, x: Array) -> Array:
        """Into the round frame, shape ``(n, d)``."""
        w = (x - self.centre) @ self.axes / self.spread
        z = np.empty_like(w)
        for j, bend in enumerate(self.bends):
            z[:, j] = (w[:, j] - bend(w[:, :j])) / self.rest[j]
        return z


def _flatten(w: Array, y: Array) -> tuple[Bend, float]:
    """The polynomial of ``y`` (n,) in ``w`` (n, j) that leaves least, if it is worth having, and what it leaves."""
    from scipy.linalg import lstsq

    best, left = Bend(), 1.0
    for degree in DEGREES:
        terms = math.comb(w.shape[1] + degree, degree)
        if EACH * terms > len(y):
            break
        powers = _monomials(w, degree)
        # By QR with pivots, which takes a third of the time of the SVD that NumPy takes.
        weights = np.asarray(lstsq(powers, y, lapack_driver="gelsy", check_finite=False)[0])
        residual = float(np.linalg.norm(y - powers @ weights) / np.sqrt(len(y) - terms))
        if residual < FLATTER * left:
            best, left = Bend(degree, weights), residual
    return best, max(left, 1e-12)


def _monomials(w: Array, degree: int) -> Array:
    """All products of at most ``degree`` columns of ``w`` (n, j), lower degrees first, shape ``(n, terms)``.

    In columns one after the other, which is how they are made and how LAPACK wants them.

    >>> _monomials(np.array([[2.0, 3.0]]), 2).tolist()
    [[1.0, 2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    value, columns = np.ones((math.comb(w.shape[1] + degree, degree), len(w))), np.ascontiguousarray(w.T)
    first = 1
    for shorter, last in _extended(w.shape[1], degree):
        np.multiply(value[shorter], columns[last], out=value[first : first + len(last)])
        first += len(last)
    return value.T


@functools.cache
def _extended(j: int, degree: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """For each degree from 1: which monomial of one degree less each one extends, and by which variable."""
    index: dict[tuple[int, ...], int] = {(): 0}
    levels = []
    for k in range(1, degree + 1):
        terms = list(combinations_with_replacement(range(j), k))
        levels.append((np.array([index[t[:-1]] for t in terms]), np.array([t[-1] for t in terms])))
        index |= {t: len(index) + i for i, t in enumerate(terms)}
    return levels
