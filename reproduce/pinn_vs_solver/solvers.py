"""The five-point Laplacian on the unit square and its solvers: Gauss-Seidel, conjugate gradients, multigrid, fast Poisson.

Unknowns are the ``n x n`` inner points of a grid with spacing ``1 / (n + 1)``; values on the boundary are zero.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dstn, idstn
from scipy.sparse.linalg import LinearOperator, cg

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """How a solver came to a relative residual: its steps and its processor seconds; None where it did not."""

    steps: int | None
    seconds: float


def apply(u: Array) -> Array:
    """-laplace u by five points."""
    n = len(u)
    padded = np.pad(u, 1)
    inner = 4.0 * u - padded[:-2, 1:-1] - padded[2:, 1:-1] - padded[1:-1, :-2] - padded[1:-1, 2:]
    return np.asarray(inner * (n + 1) ** 2)


def relative(u: Array, f: Array) -> float:
    """Norm of the residual over that of the right side."""
    return float(np.linalg.norm(f - apply(u)) / np.linalg.norm(f))


def fast_poisson(f: Array) -> Array:
    """The solution of the discrete equation by the sine transform, to rounding."""
    n = len(f)
    values = 4.0 * np.sin(0.5 * np.pi * np.arange(1, n + 1) / (n + 1)) ** 2 * (n + 1) ** 2
    return np.asarray(idstn(dstn(f, type=1) / (values[:, None] + values[None, :]), type=1))


def sweep(padded: Array, f: Array, masks: tuple[Array, Array], h2: float) -> None:
    """One red-black Gauss-Seidel sweep, in place on the solution with its boundary."""
    for mask in masks:
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        inner = padded[1:-1, 1:-1]
        inner += mask * (0.25 * (around + h2 * f) - inner)


def colours(n: int) -> tuple[Array, Array]:
    """Ones at the red points and at the black ones."""
    red = (np.add.outer(np.arange(n), np.arange(n)) % 2).astype(float)
    return red, 1.0 - red


def gauss_seidel(start: Array, f: Array, levels: tuple[float, ...], most: int) -> dict[float, Solved]:
    """Sweeps from ``start`` until the relative residual is below each of the falling levels."""
    n, found = len(f), {}
    padded, masks, begin = np.pad(start, 1), colours(n), time.process_time()
    left = list(levels)
    for steps in range(most + 1):
        if steps % 10 == 0 or steps < 10:
            now = relative(padded[1:-1, 1:-1], f)
            while left and now <= left[0]:
                found[left.pop(0)] = Solved(steps, time.process_time() - begin)
            if not left:
                break
        sweep(padded, f, masks, 1.0 / (n + 1) ** 2)
    spent = time.process_time() - begin
    return found | {level: Solved(None, spent) for level in left}


def conjugate_gradients(start: Array, f: Array, level: float) -> Solved:
    """SciPy's conjugate gradients without a preconditioner."""
    n, steps = len(f), [0]
    matrix = LinearOperator((n * n, n * n), matvec=lambda v: apply(v.reshape(n, n)).ravel(), dtype=float)

    def count(_: Array) -> None:
        steps[0] += 1

    begin = time.process_time()
    _, failed = cg(matrix, f.ravel(), x0=start.ravel(), rtol=level, maxiter=20 * n, callback=count)
    return Solved(None if failed else steps[0], time.process_time() - begin)


def multigrid(start: Array, f: Array, level: float, most: int = 60) -> Solved:
    """V-cycles of two sweeps before and after, full weighting and linear interpolation; n + 1 is a power of two."""
    u, begin = start.copy(), time.process_time()
    for steps in range(most + 1):
        if relative(u, f) <= level:
            return Solved(steps, time.process_time() - begin)
        u = _cycle(u, f)
    return Solved(None, time.process_time() - begin)


def _cycle(u: Array, f: Array) -> Array:
    n = len(f)
    if n == 1:
        return f / (4.0 * (n + 1) ** 2)
    padded, masks, h2 = np.pad(u, 1), colours(n), 1.0 / (n + 1) ** 2
    for _ in range(2):
        sweep(padded, f, masks, h2)
    rest = f - apply(padded[1:-1, 1:-1])
    padded[1:-1, 1:-1] += refined(_cycle(np.zeros(((n - 1) // 2,) * 2), _coarse(rest)))
    for _ in range(2):
        sweep(padded, f, masks, h2)
    return padded[1:-1, 1:-1]


def _coarse(r: Array) -> Array:
    """Full weighting of an odd number of points to every second one."""
    rows = 0.25 * r[:-2:2] + 0.5 * r[1::2] + 0.25 * r[2::2]
    return np.asarray(0.25 * rows[:, :-2:2] + 0.5 * rows[:, 1::2] + 0.25 * rows[:, 2::2])


def refined(u: Array) -> Array:
    """Linear interpolation from ``n`` inner points to ``2 n + 1``, zero on the boundary."""
    for axis in (0, 1):
        shape = list(u.shape)
        shape[axis] = 2 * shape[axis] + 1
        fine = np.zeros(shape)
        odd = [slice(None)] * 2
        odd[axis] = slice(1, None, 2)
        fine[tuple(odd)] = u
        widths = [(0, 0), (0, 0)]
        widths[axis] = (1, 1)
        wide = np.pad(u, widths)
        even = [slice(None)] * 2
        even[axis] = slice(0, None, 2)
        first, last = [slice(None)] * 2, [slice(None)] * 2
        first[axis], last[axis] = slice(None, -1), slice(1, None)
        fine[tuple(even)] = 0.5 * (wide[tuple(first)] + wide[tuple(last)])
        u = fine
    return u
