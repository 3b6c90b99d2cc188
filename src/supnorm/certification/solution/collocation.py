"""A solution of an equation by collocation, with a residual far below that of a network: what the network is compared with.

v = sum of c_k sin(w_k . x + p_k): products of trigonometric functions of a period of twice the box along each axis (a
Fourier extension; Adcock, Huybrechs & Martin-Vaquero, On the numerical stability of Fourier extensions, 2014), written
as one layer of sines. The c_k minimise the residual at Chebyshev points of the box and the misfit on its faces by least
squares, weighted as in the bound; for a nonlinear equation by Newton's method from the network. Nothing here is proved:
v is a function like any other, and its residual is bounded afterwards. Cost: a least-squares problem of (2 n + 1)^d
unknowns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.solution.programs import Coefficient, Posed
from supnorm.certification.solution.theorem import NO_FLUX
from supnorm.problem.equations import SELF
from supnorm.program import Program
from supnorm.program.node import Node

Array = NDArray[np.float64]
Values = Callable[[Array], Array]
PERIOD = 2.0  # of the box: for a heat equation and a front of Burgers' equation misfits fell faster than with 1.3 and 1.6
# Singular values below this are dropped. With 1e-14 the misfits are the same and the coefficients up to 1e4 times
# larger, which the proof then cannot bound; with 1e-6 misfits grow.
RCOND = 1e-9
STEPS = 12  # of Newton's method
# Share of the values by which the last step of Newton's method moves the solution; the next one would move it by its square.
STEADY = 1e-6
MOST = 1300  # unknowns; they take 5 s on one core
# Highest frequencies that are tried, along the axis that needs most.
SIZES = (3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32)
# The others need at most so many times fewer; with 4 and more misfits fell five times more slowly.
ANISOTROPY = 2.0


@dataclass(frozen=True, kw_only=True)
class Sines:
    """The functions sin(w_k . x + p_k).

    Attributes:
        weight, phase: shapes ``(K, d)`` and ``(K,)``.
    """

    weight: Array
    phase: Array

    @classmethod
    def of(cls, posed: Posed, most: Array) -> Sines:
        """All waves up to the frequencies ``most``, shape ``(d,)``; half of the box is ``n / PERIOD`` half-waves.

        Along periodic axes the period is the box.
        """
        period = np.where(np.isin(np.arange(posed.d), posed.periodic), 1.0, PERIOD)
        sides = [range(-int(n), int(n) + 1) for n in most]
        lattice = [k for k in product(*sides) if k > (0,) * posed.d]
        low, high = ends(posed)
        half, middle = (high - low) / 2.0, (high + low) / 2.0
        waves = np.pi / period * np.array(lattice, dtype=float) / half
        weight = np.concatenate([np.zeros((1, posed.d)), waves, waves])
        quarter = np.concatenate([[np.pi / 2], np.zeros(len(waves)), np.full(len(waves), np.pi / 2)])
        return cls(weight=weight, phase=quarter - weight @ middle)

    def at(self, x: Array) -> tuple[Array, Array]:
        """Sines and cosines, each ``(n, K)``."""
        z = x @ self.weight.T + self.phase
        return np.sin(z), np.cos(z)

    def program(self, c: Array) -> Program:
        """The sum with coefficients ``c`` as a program."""
        count, d = self.weight.shape
        return Program(
            (
                Node("input", (), d),
                Node("affine", (0,), count, weight=self.weight, bias=self.phase),
                Node("sin", (1,), count),
                Node("affine", (2,), 1, weight=np.array(c)[None, :], bias=np.zeros(1)),
            )
        )


def ends(posed: Posed) -> tuple[Array, Array]:
    """Low and high ends of the axes."""
    return np.array([a.low for a in posed.domain.axes]), np.array([a.high for a in posed.domain.axes])


def solutions(
    posed: Posed, guess: Values, inside: float, fluxes: Mapping[int, float] = NO_FLUX
) -> Iterator[Program]:
    """Approximate solutions with more and more waves.

    Args:
        posed: the equation on its box.
        guess: values ``(n, 1)`` of an approximate solution: what its steepness says of the axes, and the start of
            Newton's method.
        inside: constant of the residual in the bound, relative to that of the misfit on the faces.
        fluxes: by axis that of a flux on its faces, relative to the same.
    """
    share = _shares(posed, guess)
    share[list(posed.periodic)] /= PERIOD
    for n in SIZES:
        most = np.maximum(np.round(n * share), 2.0)
        if np.prod(2.0 * most + 1.0) > MOST:
            return
        solved = _solve(posed, Sines.of(posed, most), most, guess, inside, fluxes)
        if solved is not None:
            yield solved
            guess = solved.value


def _shares(posed: Posed, guess: Values) -> Array:
    """How many frequencies each axis needs, relative to the one that needs most: curvature over slope of the guess."""
    side = max(int(20000 ** (1.0 / posed.d)), 3)
    low, high = ends(posed)
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, min(side, 200))] * posed.d, indexing="ij"), -1)
    values = guess(low + (high - low) * grid.reshape(-1, posed.d)).reshape(grid.shape[:-1])
    steep = np.zeros(posed.d)
    for axis in range(posed.d):
        slope = np.diff(values, axis=axis)
        size = float(np.sqrt(np.mean(slope**2)))
        steep[axis] = float(np.sqrt(np.mean(np.diff(slope, axis=axis) ** 2))) / size if size > 0.0 else 0.0
    if not np.all(np.isfinite(steep)) or np.max(steep) <= 0.0:
        return np.ones(posed.d)
    return np.asarray(np.maximum(steep / np.max(steep), 1.0 / ANISOTROPY))


def _solve(
    posed: Posed, sines: Sines, most: Array, guess: Values, inside: float, fluxes: Mapping[int, float]
) -> Program | None:
    low, high = ends(posed)
    axes = [_chebyshev(int(2.7 * n) + 4) for n in most]
    u = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, posed.d)
    x = low + (high - low) * u
    rows, wanted = [], []
    for axis, at, start in posed.faces():
        y = np.unique(np.where(np.arange(posed.d) == axis, at, x), axis=0)
        flux = None if start else posed.flux(axis, at)
        if flux is not None:
            sine, cosine = sines.at(y)
            outward = sines.weight[:, axis] * (1.0 if at == posed.domain.axes[axis].high else -1.0)
            given = np.broadcast_to(_values(flux.value, y), (len(y), 1))[:, 0]
            rows.append(fluxes[axis] * (cosine * outward + flux.coefficient * sine))
            wanted.append(fluxes[axis] * given)
            continue
        rows.append(sines.at(y)[0])
        wanted.append((posed.initial if start else posed.boundary).value(y)[:, 0])
    faces = np.concatenate(
        [np.zeros((0, len(sines.weight))), *rows]
    )  # periodic along all axes: no faces at all
    values = np.concatenate([np.zeros(0), *wanted])
    linear = _Operator(posed, sines, x)
    if SELF not in posed.velocity:
        c = _least(
            np.concatenate([inside * linear.matrix, faces]), np.concatenate([inside * linear.source, values])
        )
    else:
        c = _least(np.concatenate([linear.sine, faces]), np.concatenate([guess(x)[:, 0], values]))
        for _ in range(STEPS):
            matrix, right = linear.newton(c)
            step = _least(np.concatenate([inside * matrix, faces]), np.concatenate([inside * right, values]))
            moved = float(np.max(np.abs(linear.sine @ (step - c))))
            c = step
            if not moved > STEADY * max(1.0, float(np.max(np.abs(values)))):
                break
    return sines.program(c) if np.all(np.isfinite(c)) else None


class _Operator:
    """The equation applied to sines, at points."""

    def __init__(self, posed: Posed, sines: Sines, x: Array) -> None:
        sine, cosine = sines.at(x)
        w = sines.weight
        self.sine = sine
        self.moved = np.zeros_like(sine)  # the sum of derivatives along axes whose velocity is the solution
        matrix = sine * (posed.diffusivity * np.sum(w[:, list(posed.space)] ** 2, axis=1))
        if posed.time is not None:
            matrix = matrix + cosine * w[:, posed.time]
        for i, b in zip(posed.space, posed.velocity, strict=True):
            if b == SELF:
                self.moved = self.moved + cosine * w[:, i]
            else:
                matrix = matrix + _values(b, x) * cosine * w[:, i]
        self.matrix = matrix + _values(posed.reaction, x) * sine
        self.source = np.broadcast_to(_values(posed.source, x), (len(x), 1))[:, 0]

    def newton(self, c: Array) -> tuple[Array, Array]:
        """Matrix and right side of the equation linearised about the solution with coefficients ``c``."""
        v, slope = (self.sine @ c)[:, None], (self.moved @ c)[:, None]
        return self.matrix + v * self.moved + slope * self.sine, self.source + (v * slope)[:, 0]


def _values(b: Coefficient, x: Array) -> Array | float:
    return b.value(x) if isinstance(b, Program) else float(b)


def _chebyshev(n: int) -> Array:
    """Points of [0, 1] that are dense at both ends, with the ends."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.arange(n) / (n - 1)))


def _least(matrix: Array, right: Array) -> Array:
    """Least squares in columns of equal size, by QR with pivots (three times faster than by singular values)."""
    from scipy.linalg import lstsq

    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0.0] = 1.0
    if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(right)):
        return np.full(len(scale), np.nan)
    return np.asarray(lstsq(matrix / scale, right, cond=RCOND, lapack_driver="gelsy")[0] / scale)
