"""Smoothness along every axis and along random lines of the unit cube, and the jumps on these lines.

Each line is sampled at Chebyshev points (`spectrum`), an unresolved one twice as densely until it is resolved or its
calls are spent. The steepest interval of a line is bisected: a difference that does not shrink
with the interval is a jump. Cost: about 512 to 1024 calls a line, 40 for the bisection.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.spectrum import Spectrum, chebyshev_points, spectrum

Array = NDArray[np.float64]
# A jump reads as order 0; where other kinks mix in, as up to .5. No test guards the margin.
JUMP_ORDER = 0.6
# Halvings of the steepest interval, to 1e-13 of the line; 4 are too few for `test_a_jump_is_found_and_located`.
HALVINGS = 36


Segment = tuple[int | None, Array, Array]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A segment of the unit cube, and what the function does on it.

    Attributes:
        axis: which input varies; None on an oblique line.
        start, end: shape ``(d,)``.
        spectrum: the decay along it.
        samples: calls used by the spectrum.
        jump: height of a jump; 0 without one.
        jump_at: where, shape ``(d,)``; None without.
        complete: whether every point of it had a finite value (otherwise nothing is known about it).
    """

    axis: int | None
    start: Array
    end: Array
    samples: int
    spectrum: Spectrum | None = None
    jump: float = 0.0
    jump_at: Array | None = None
    complete: bool = True


def segments(d: int, per_axis: int, oblique: int, rng: np.random.Generator) -> list[Segment]:
    """Axis lines through random points, and random oblique lines from face to face."""
    drawn: list[Segment] = []
    for axis in range(d):
        for _ in range(per_axis):
            start = rng.random(d)
            end = start.copy()
            start[axis], end[axis] = 0.0, 1.0
            drawn.append((axis, start, end))
    for _ in range(oblique if d > 1 else 0):
        point, direction = 0.25 + 0.5 * rng.random(d), rng.standard_normal(d)
        ends = _face_to_face(point, direction)
        drawn.append((None, ends[0], ends[1]))
    return drawn


def through(point: Array, oblique: int, rng: np.random.Generator) -> list[Segment]:
    """Axis lines and oblique lines from face to face through one point of the cube."""
    drawn: list[Segment] = []
    d = len(point)
    directions: list[tuple[int | None, Array]] = [(i, np.eye(d)[i]) for i in range(d)]
    directions += [(None, rng.standard_normal(d)) for _ in range(oblique if d > 1 else 0)]
    for axis, direction in directions:
        ends = _face_to_face(point, direction)
        if np.abs(ends[1] - ends[0]).max() > 0.2:
            drawn.append((axis, ends[0], ends[1]))
    return drawn


def _face_to_face(point: Array, direction: Array) -> Array:
    """Both ends of the line through ``point`` in the cube, shape ``(2, d)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([-point / direction, (1.0 - point) / direction])
    ends = np.where(direction == 0.0, np.array([[-np.inf], [np.inf]]), ends)
    reach = np.array([[ends.min(axis=0).max()], [ends.max(axis=0).min()]])
    return np.clip(point + reach * direction, 0.0, 1.0)


def walk(f: Callable[[Array], Array], segment: Segment, samples: int, most: int) -> Line:
    """Sample one segment until it is resolved or ``most`` points were used."""
    axis, start, end = segment
    half = 0.5 * float(np.linalg.norm(end - start))
    used = 0
    while True:
        t = 0.5 * (1.0 - chebyshev_points(samples))
        values = f(start + t[:, None] * (end - start))
        used += samples
        if not np.isfinite(values).all():
            return Line(axis=axis, start=start, end=end, samples=used, complete=False)
        decay = spectrum(values[::-1], half)
        jump, at = _bisect(f, start, end, t, values, decay)
        used += HALVINGS if decay.order < JUMP_ORDER else 0
        if jump == 0.0 and decay.kind == "algebraic" and decay.order < 0.25:
            # Not continuous at this resolution, yet no jump: a layer thinner than the points.
            decay = replace(decay, kind="unresolved", order=math.nan)
        if decay.kind != "unresolved" or used + 2 * samples > most:
            return Line(axis=axis, start=start, end=end, spectrum=decay, samples=used, jump=jump, jump_at=at)
        samples *= 2


def _bisect(
    f: Callable[[Array], Array], start: Array, end: Array, t: Array, values: Array, decay: Spectrum
) -> tuple[float, Array | None]:
    """Halve the steepest interval `HALVINGS` times; a jump keeps its height."""
    if decay.kind not in ("algebraic", "unresolved") or not decay.order < JUMP_ORDER:
        return 0.0, None
    i = int(np.abs(np.diff(values)).argmax())
    (low, high), (left, right) = t[i : i + 2], values[i : i + 2]
    first = abs(right - left)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        value = float(f((start + middle * (end - start))[None])[0])
        if not math.isfinite(value):
            return 0.0, None
        if abs(value - left) >= abs(right - value):
            high, right = middle, value
        else:
            low, left = middle, value
    height = abs(right - left)
    is_jump = height > max(0.05 * first, 10.0 * decay.noise)
    return (float(height), start + 0.5 * (low + high) * (end - start)) if is_jump else (0.0, None)
