"""Follow jumps: the leg for piecewise codes, phase boundaries, tables and switches.

Where model and reference both jump, at places that differ a little, the error is huge on a thin sheet that no
amount of sampling sees: a sheet of width 1e-6 needs a million points for one hit. But the jump itself shows in
the values of neighbouring points, whether or not there is an error.

1. *Detect*: neighbours among screened points whose values differ most for their distance. Bisect, keeping the
   half with the larger difference: across a jump the difference stays, elsewhere it shrinks with the length.
2. *Locate* on a line across the discontinuity: bisect the jump of the model and that of the reference to rounding.
   Between the two lies the sheet; on both sides of each lies the largest error of a continuous model there.
3. *Walk* along the discontinuity with steps that grow while the error on the line grows.

Cost: about 100 evaluations for a point of the discontinuity; a few per cent of the budget when there is no jump.
Limit: one jump a line; a discontinuity that ends, or a jump smaller than the smooth change between neighbours over
1/16 of their distance, may be missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.evaluation import Evaluations
from supnorm.results.settings import Settings

Array = NDArray[np.float64]
MODEL, REFERENCE = 0, 1  # positions in pairs
_Seen = tuple[Array, Array]  # points of the unit box and their errors


@dataclass(frozen=True)
class Crossing:
    """Lines across jumps, for ``k`` chains.

    Attributes:
        u: the point with the largest error on the line, shape ``(k, d)``.
        score: that error, shape ``(k,)``.
        centre: where the jump is, shape ``(k, d)``.
        jumps: size of the jump, relative to how far the values reach, shape ``(k,)``.
    """

    u: Array
    score: Array
    centre: Array
    jumps: Array


@dataclass(frozen=True)
class Discontinuities(Settings):
    """Hyper-parameters.

    Attributes:
        scouts: points among which neighbours are looked for.
        asked: of them whose neighbours are looked for, unless there are fewer than half of the scouts. Fewer pairs
            than all neighbours of half the scouts give, but nearer ones: they show weaker jumps, in half of the time.
        pairs: neighbours that are tested for a jump, at most, of the model and of the reference each.
        trial: bisections of the test.
        kept: share of the difference that must be left after the test.
        bisections: to rounding.
        chains: discontinuities that are followed at once.
        steps: of a walk.
        first: first step of a walk, in the unit box.
    """

    # Each number smaller and larger by a factor of about two finds as often: 20 of 20 jumps, d=4, from 1,600 evaluations.
    # Rows *jump* and *sheet 1e-6* guard.
    scouts: int = 4096
    asked: int = 640
    pairs: int = 256
    trial: int = 5
    kept: float = 0.35
    bisections: int = 46
    chains: int = 12
    steps: int = 60
    first: float = 0.02

    def run(
        self, landscape: Landscape, scout: Evaluations, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Detect jumps among the scout's points and follow them.

        Args:
            scout: screened points with both values.
            budget: evaluations for detection and walks together.

        Returns:
            Points (k, d) in the unit box with large errors and these errors (k,); empty without jumps.
        """
        stop_at = landscape.remaining - budget
        a, b = self._detect(landscape, scout, budget // 4)
        if not len(a):
            return np.empty((0, landscape.d)), np.empty(0)
        return self._walk(landscape, a, b, stop_at, rng)

    # -- detection ------------------------------------------------------------------------------------

    def _detect(self, landscape: Landscape, scout: Evaluations, budget: int) -> tuple[Array, Array]:
        """Segments (a, b) in the unit box that hold a jump of the model or of the reference."""
        u = landscape.evaluator.problem.domain.to_unit(scout.x[: self.scouts])
        near = self._neighbours(u)
        most = budget // (2 * (self.trial + 2))
        found = [
            self._steepest(u, side_values(scout, side)[: len(u)], near, most) for side in (REFERENCE, MODEL)
        ]
        sides = np.repeat([REFERENCE, MODEL], [len(pairs[0]) for pairs in found])
        a, b, fa, fb = (np.concatenate(column) for column in zip(*found, strict=True))
        whole = np.abs(fb - fa).max(axis=1)
        for _ in range(self.trial):
            if landscape.affordable(budget=budget) < len(a) or not len(a):
                return u[:0], u[:0]
            (a, b, fa, fb), _ = _halve(landscape, a, b, fa, fb, sides)
        left = np.abs(fb - fa).max(axis=1)
        jump = (left > self.kept * whole) & (left > 1e-9)
        return a[jump], b[jump]

    def _neighbours(self, u: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Pairs of near points: their rows, each pair once, and their distance."""
        from scipy.spatial import cKDTree

        if len(u) < 2:  # all that a short time limit had time for
            none = np.empty(0, dtype=np.intp)
            return none, none, np.empty(0)
        asked = u if len(u) <= self.scouts // 2 else u[: self.asked]
        k = min(4, len(u) - 1)
        # Any near points will do: with this leave they are 12 % farther than the nearest in eight inputs, and found
        # in a third of the time.
        tree = cKDTree(u, balanced_tree=False, compact_nodes=False)
        distance, index = tree.query(asked, k=k + 1, eps=1.5 * u.shape[1])
        i = np.repeat(np.arange(len(asked)), k)
        j, gap = index[:, 1:].ravel(), np.maximum(distance[:, 1:].ravel(), 1e-12)
        once = i < j
        return i[once], j[once], gap[once]

    def _steepest(
        self, u: Array, y: Array, near: tuple[NDArray[np.intp], NDArray[np.intp], Array], most: int
    ) -> tuple[Array, Array, Array, Array]:
        """Pairs of near points whose values differ most for their distance."""
        good = np.asarray(np.isfinite(y).all(axis=1))
        both = good[near[0]] & good[near[1]]
        i, j, gap = (part[both] for part in near)
        change = np.abs(y[i] - y[j]).max(axis=1)
        n = max(4, min(self.pairs, most, len(i)))
        # Half by steepness, half by the difference itself: a jump may lie between distant points.
        top = np.zeros(len(i), dtype=bool)
        with np.errstate(over="ignore"):
            steep = change / gap
        for size in (steep, change):
            top[np.argpartition(-size, n // 2)[: n // 2] if n // 2 < len(size) else slice(None)] = True
        i, j = i[top], j[top]
        return u[i], u[j], y[i], y[j]

    # -- the walk -------------------------------------------------------------------------------------

    def _walk(
        self, landscape: Landscape, a: Array, b: Array, stop_at: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        from supnorm.auditing.thinning import thin

        pick = thin((a + b) / 2, rng.random(len(a)), 0.05, self.chains)
        a, b = a[pick], b[pick]
        normal = _unit(b - a)
        here = self._locate(landscape, a, b, stop_at)
        if not len(here.score):
            return np.empty((0, landscape.d)), np.empty(0)
        k = len(here.score)
        u, centre, best, normal = here.u, here.centre, here.score.copy(), normal[:k]
        step, last = np.full(k, self.first), np.zeros((k, landscape.d))
        active = np.arange(k)
        for i in range(self.steps):
            if landscape.d == 1:
                break
            active = active[step[active] > 1e-7]
            if i and i % 6 == 0 and len(active) > 3:
                active = active[np.argsort(-best[active], kind="stable")[: (len(active) + 1) // 2]]
            if not len(active) or landscape.remaining <= stop_at + 4 * self.bisections:
                break
            z = rng.standard_normal((len(active), landscape.d))
            repeat = np.linalg.norm(last[active], axis=1) > 0
            z[repeat] = last[active][repeat]
            n = normal[active]
            z = _unit(z - (z * n).sum(axis=1, keepdims=True) * n)
            move = step[active, None] * z
            new = self._cross(landscape, centre[active], move, n, step[active], stop_at)
            active = active[: len(new.score)]
            better = (new.score > best[active]) & (new.jumps > 0)
            won, lost = active[better], active[~better]
            shift = new.centre[better] - centre[won]
            u[won], centre[won], best[won] = new.u[better], new.centre[better], new.score[better]
            last[won] = shift
            along = _unit(shift)
            normal[won] = _unit(normal[won] - (normal[won] * along).sum(axis=1, keepdims=True) * along)
            # Steps grow nearly as fast as they shrink, so that a chain keeps the length at which half of them win: a
            # success needs about one failure beside it (1.7 * 0.6 = 1.02). Rows "sheet 1e-6" and "jump" guard it.
            step[won] = np.minimum(1.7 * step[won], 0.25)
            # First the other way, then a shorter step.
            turned = np.linalg.norm(last[lost], axis=1) > 0
            last[lost[turned]] = 0.0
            step[lost] *= 0.6
        good = best > -np.inf
        return u[good], best[good]

    def _cross(
        self, landscape: Landscape, centre: Array, move: Array, normal: Array, reach: Array, stop_at: int
    ) -> Crossing:
        """Locate the jump on the line through ``centre + move`` along the normal."""
        middle = np.clip(centre + move, 0.0, 1.0)
        half = reach[:, None] * normal
        return self._locate(
            landscape, np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0), stop_at
        )

    def _locate(self, landscape: Landscape, a: Array, b: Array, stop_at: int) -> Crossing:
        """Bisect the jump of the model and of the reference between ``a`` and ``b`` to rounding."""
        cost = 2 * self.bisections + 5
        k = min(len(a), max(0, landscape.remaining - stop_at) // cost)
        a, b = a[:k], b[:k]
        if not k:
            empty = np.empty((0, landscape.d))
            return Crossing(empty, np.empty(0), empty, np.empty(0))
        first = landscape.look(np.concatenate([a, b]))
        # What was seen of each chain, beside the jump of the model and beside that of the reference.
        beside: tuple[list[_Seen], list[_Seen]] = ([(a, first.score[:k])], [(b, first.score[k:])])
        sides = np.repeat([MODEL, REFERENCE], k)
        lo, hi = np.concatenate([a, a]), np.concatenate([b, b])
        flo = np.concatenate([side_values(first, s)[:k] for s in (MODEL, REFERENCE)])
        fhi = np.concatenate([side_values(first, s)[k:] for s in (MODEL, REFERENCE)])
        for _ in range(self.bisections):
            (lo, hi, flo, fhi), (middle, score) = _halve(landscape, lo, hi, flo, fhi, sides)
            beside[0].append((middle[:k], score[:k]))
            beside[1].append((middle[k:], score[k:]))
        with np.errstate(invalid="ignore"):  # infinite on both sides
            left = np.nan_to_num(np.abs(fhi - flo).max(axis=1))
        jumps = np.maximum(left[:k], left[k:])
        model, reference = (lo[:k] + hi[:k]) / 2, (lo[k:] + hi[k:]) / 2
        for t in (0.5, 0.25, 0.75):
            between = model + t * (reference - model)
            beside[0].append((between, landscape.look(between).score))
        points, scores = (np.stack(column) for column in zip(*beside[0], *beside[1], strict=True))
        best = np.argmax(scores, axis=0)
        rows = np.arange(k)
        centre = np.where((left[:k] >= left[k:])[:, None], model, reference)
        return Crossing(points[best, rows], scores[best, rows], centre, jumps)


def side_values(done: Evaluations, side: int) -> Array:
    """Values of one side, shape ``(n, m)``."""
    return done.model if side == MODEL else done.reference


def _halve(
    landscape: Landscape,
    a: Array,
    b: Array,
    fa: Array,
    fb: Array,
    sides: NDArray[np.intp],
) -> tuple[tuple[Array, Array, Array, Array], _Seen]:
    """Evaluate the middles; keep the half with the larger difference. Halves without a value lose.

    Returns:
        Both ends and the values there, and the middles with their errors.
    """
    middle = (a + b) / 2
    done = landscape.look(middle)
    fm = np.where((sides == MODEL)[:, None], done.model, done.reference)
    with np.errstate(invalid="ignore"):
        first = np.fmax(np.abs(fm - fa).max(axis=1), -1.0)
        second = np.fmax(np.abs(fb - fm).max(axis=1), -1.0)
    low = (first >= second)[:, None]
    ends = np.where(low, a, middle), np.where(low, middle, b)
    return (*ends, np.where(low, fa, fm), np.where(low, fm, fb)), (middle, done.score)


def _unit(v: Array) -> Array:
    length = np.linalg.norm(v, axis=1, keepdims=True)
    return np.asarray(v / np.maximum(length, 1e-300))
