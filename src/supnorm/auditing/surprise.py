"""Points whose error sticks out of the plane through their neighbours: flanks of glitches that no point has hit.

A glitch much narrower than the spacing of the screened points is rarely among their largest errors. But where the
error is smooth the foot of its flank shows, as a misfit far above that of other points, out to nearly four times the
radius at half height; the error itself shows it to about twice that radius.

The error enters with its sign, because its absolute value has a kink wherever it passes zero. Cost: a KD-tree and a
small least-squares problem for each point, no evaluation. Choose it in one and two inputs; in more the neighbours
are too far apart for a plane, and finding them takes longer than evaluating them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.evaluation import Evaluations

Array = NDArray[np.float64]
INPUTS = 2  # at most
TRIES = 8  # points round a flank
MOST = 1 << 17  # points that are compared with their neighbours


@dataclass
class Screened:
    """Screened points of a round in the unit box with their signed errors; the first ``MOST``, in few inputs only.

    >>> Screened().misfits()[0].shape
    (0, 0)
    """

    _parts: list[tuple[Array, Array]] = field(default_factory=list)
    _held: int = 0

    def add(self, u: Array, done: Evaluations) -> None:
        """Add points ``u`` (n, d); those without a finite error are left out."""
        if u.shape[1] > INPUTS or self._held >= MOST:
            return
        good = np.flatnonzero(np.isfinite(done.score))[: MOST - self._held]
        self._parts.append((u[good], signs(done)[good] * done.score[good]))
        self._held += len(good)

    @property
    def u(self) -> Array:
        """The points, shape ``(n, d)``."""
        return np.concatenate([part[0] for part in self._parts]) if self._parts else np.empty((0, 0))

    def misfits(self) -> tuple[Array, Array, Array]:
        """Points (n, d), their errors (n,) and how far each sticks out of its neighbours' plane (n,)."""
        if not self._parts:
            return np.empty((0, 0)), np.empty(0), np.empty(0)
        u, e = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return u, np.abs(e), misfit(u, e)

    def clear(self) -> None:
        """Forget all points: the next round has its own."""
        self._parts, self._held = [], 0


def beside(
    landscape: Landscape, u: Array, low: Array, reach: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Look round flanks ``u`` (k, d) with errors ``low`` (k,): of `TRIES` points that which sticks out most.

    The error itself may fall towards a glitch of the other sign, so ascending from the flank could lead away.

    Returns:
        The flanks and these points (2m, d) and their errors (2m,); m < k when the budget ends.
    """
    k, d = min(len(u), landscape.affordable(TRIES)), u.shape[1]
    offset = rng.standard_normal((k, TRIES, d))
    offset *= reach * rng.random((k, TRIES, 1)) ** (1 / d) / np.linalg.norm(offset, axis=2, keepdims=True)
    points = np.clip(u[:k, None] + offset, 0.0, 1.0)
    if not k:
        return u, low
    done = landscape.look(points.reshape(-1, d))
    score = done.score.reshape(k, TRIES)
    finite = np.where(np.isfinite(done.score), done.score, 0.0)
    signed = (0.25 * signs(done) * finite).reshape(k, TRIES)  # a fourth: sums stay below the largest number
    best = np.argmax(np.abs(signed - np.median(signed, axis=1, keepdims=True)), axis=1)
    rows = np.arange(k)
    return np.concatenate([u[:k], points[rows, best]]), np.concatenate([low[:k], score[rows, best]])


def signs(done: Evaluations) -> Array:
    """1 where the model is above the reference in the output that carries the error, -1 below, shape ``(n,)``."""
    rows = np.arange(len(done))
    with np.errstate(invalid="ignore", over="ignore"):  # infinite on both sides, or nearly
        return np.asarray(np.sign(done.model[rows, done.output] - done.reference[rows, done.output]))


def misfit(u: Array, e: Array) -> Array:
    """Distance of each ``e`` (n,) from the plane that fits its 2d + 2 nearest neighbours of ``u`` (n, d) best.

    >>> u = np.random.default_rng(0).random((500, 2))
    >>> e = 1 + u @ [2.0, -1.0]
    >>> e[17] += 1e-3
    >>> int(np.argmax(misfit(u, e)))
    17
    """
    from scipy.spatial import cKDTree

    n, d = u.shape
    k = 2 * d + 2
    if n <= k:
        return np.zeros(n)
    near = cKDTree(u).query(u, k=k + 1, eps=0.5)[1][:, 1:]
    plane = np.concatenate([u[near] - u[:, None], np.ones((n, k, 1))], axis=2)
    across = plane.transpose(0, 2, 1)
    gram = across @ plane
    # Neighbours on a line leave the plane open: a tiny ridge closes it.
    gram += 1e-10 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(d + 1)
    with np.errstate(over="ignore", invalid="ignore"):  # errors up to the largest number
        middle = np.linalg.solve(gram, across @ e[near][..., None])[:, -1, 0]
        return np.asarray(np.abs(e - middle))
