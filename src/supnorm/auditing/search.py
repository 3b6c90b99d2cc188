"""Screen, thin, climb, evolve, polish, and roll on: the search for the worst error.

Screen first by value, climb second: about half of the budget looks everywhere (independent points of the law,
Sobol, faces, kinks of the first layer), the best starts that are not neighbours of better ones are climbed by
gradients or, without them, by an evolution strategy; a tenth goes to climbs from independent starts (they say how
many peaks were not seen) and a tenth to differential evolution (ridges). The best peaks are polished. Budget
left over goes into another round with fresh points. Memory does not grow with the number of evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ascent import Ascent
from supnorm.auditing.differential_evolution import DifferentialEvolution
from supnorm.auditing.evolution import EvolutionStrategy
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.points import snap_to_faces, sobol_sequence, vertex_seeds
from supnorm.auditing.polish import Polish
from supnorm.auditing.seams import Seams
from supnorm.auditing.thinning import linkage_radius, thin
from supnorm.evaluation import Evaluations

Array = NDArray[np.float64]
CHUNK = 8192  # screened points at a time
SEEDS = 8192  # kinks of the first layer at a time, at most
POOL = 16_384  # best screened points that are kept as starts
KEPT = 1024  # best ends of climbs that are kept as peaks


@dataclass
class Best:
    """The best ``size`` points of a stream, how many were seen, and which were climbed from."""

    size: int
    d: int
    seen: int = 0
    u: Array = field(init=False)
    score: Array = field(init=False)
    used: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.u, self.score = np.empty((0, self.d)), np.empty(0)
        self.used = np.empty(0, dtype=bool)

    def add(self, u: Array, score: Array) -> None:
        """Add points; those without an error are dropped."""
        self.seen += len(u)
        good = score > -np.inf
        if len(self.score) == self.size and good.any():
            good &= score > self.score.min()
        if not good.any():
            return
        u, score = np.concatenate([self.u, u[good]]), np.concatenate([self.score, score[good]])
        used = np.concatenate([self.used, np.zeros(int(good.sum()), dtype=bool)])
        if len(score) > self.size:
            top = np.argpartition(-score, self.size)[: self.size]
            u, score, used = u[top], score[top], used[top]
        self.u, self.score, self.used = u, score, used


@dataclass
class SearchState:
    """What a search knows: screened points, ends of climbs, ends of independent climbs.

    ``scout`` are the first screened points with both values: their neighbours show jumps.
    """

    pool: Best
    ends: Best
    independent: list[Array] = field(default_factory=list)
    scout: Evaluations | None = None
    rounds: int = 0

    @classmethod
    def empty(cls, d: int) -> SearchState:
        """Nothing known yet."""
        return cls(Best(POOL, d), Best(KEPT, d))


@dataclass(frozen=True)
class ScreenAndAscent:
    """Shares of the budget of a round; tuned on the bank of planted bumps and trained networks.

    Attributes:
        screen: share that looks everywhere.
        faces, vertices: shares of the screen on faces and on first-layer kinks.
        independent: share of climbs from independent starts.
        evolution: share of differential evolution.
        polish_share: share of the polish.
        seams_share: most that following jumps may take; without jumps it takes a few per cent.
        polished: peaks that are polished.
        chains: climbs at once.
        starts: of climbs, at most, in a round; a larger budget looks again everywhere first.
    """

    screen: float = 0.5
    faces: float = 0.2
    vertices: float = 0.2
    independent: float = 0.08
    evolution: float = 0.08
    polish_share: float = 0.1
    seams_share: float = 0.15
    polished: int = 8
    chains: int = 512
    starts: int = 1024
    ascent: Ascent = Ascent()
    strategy: EvolutionStrategy = EvolutionStrategy()
    differential: DifferentialEvolution = DifferentialEvolution()
    polish: Polish = Polish()
    seams: Seams = Seams()

    def run(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Spend the landscape's budget; what is found goes into ``state``.

        Args:
            state: may hold screened points already: they count towards the first screen.
            stop: asked between rounds and legs; true ends the search.
        """
        while landscape.remaining >= 8 * landscape.d and not stop():
            before = landscape.remaining
            self._round(landscape, state, rng, before, stop)
            state.rounds += 1
            if before - landscape.remaining < 4:  # nothing left that costs anything
                break

    def _round(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        budget: int,
        stop: Callable[[], bool],
    ) -> None:
        already = state.pool.seen if state.rounds == 0 else 0
        self._screen(landscape, state, rng, int(self.screen * (budget + already)) - already, stop)
        if stop():
            return
        if state.rounds == 0:
            self._independent(landscape, state, rng, int(self.independent * budget))
        self._evolve(landscape, state, rng, int(self.evolution * budget))
        if state.rounds == 0 and state.scout is not None:
            state.ends.add(*self.seams.run(landscape, state.scout, int(self.seams_share * budget), rng))
        reserve = int(self.polish_share * budget)
        self._climb(landscape, state, rng, landscape.remaining - reserve, stop)
        self._polish(landscape, state, rng, min(reserve, landscape.remaining))

    def _screen(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        n: int,
        stop: Callable[[], bool],
    ) -> None:
        domain = landscape.evaluator.problem.domain
        n = min(n, landscape.remaining)
        spent = 0
        first = landscape.evaluator.problem.model.first_layer
        if first is not None and domain.cloud is None:
            seeds = vertex_seeds(first, domain, min(int(self.vertices * n), SEEDS), rng)
            state.pool.add(seeds, landscape.score(seeds))
            spent = len(seeds)
        start = landscape.remaining
        sobol = sobol_sequence(domain.d, rng)
        for _ in range(10_000):
            left = min(n - spent - (start - landscape.remaining), landscape.remaining)
            if left <= 0 or stop():
                break
            u = self._fresh(landscape, sobol, min(left, CHUNK), rng)
            state.pool.add(u, landscape.score(u))

    def _fresh(
        self, landscape: Landscape, sobol: Callable[[int], Array], n: int, rng: np.random.Generator
    ) -> Array:
        domain = landscape.evaluator.problem.domain
        if domain.cloud is not None:
            n_data = min(n // 2, len(domain.cloud.points))
            data = domain.cloud.points[rng.choice(len(domain.cloud.points), n_data, replace=False)]
            return np.concatenate([data, domain.cloud.draw(n - n_data, rng)])
        u = sobol(n)
        faces = int(self.faces * n)
        u[n - faces :] = snap_to_faces(u[n - faces :], rng)
        if domain.constraints:
            u = u[domain.contains(domain.from_unit(u))]
        return u

    def _independent(
        self, landscape: Landscape, state: SearchState, rng: np.random.Generator, budget: int
    ) -> None:
        """Climbs from independent uniform starts: their ends feed the Good-Turing estimate."""
        domain = landscape.evaluator.problem.domain
        # No climb is given up: each start counts once, wherever it ends.
        ascent = replace(self.ascent, steps=40, halve_every=0)
        strategy = replace(self.strategy, steps=29, halve_every=0)
        cost = ascent.cost if landscape.differentiable else 30 * strategy.samples(domain.d)
        k = min(budget // cost, 200)
        if k < 3:
            return
        from supnorm.problem import draw_inside

        u = domain.to_unit(draw_inside(domain, k, rng))
        step = 0.5 * k ** (-1 / domain.d)
        if landscape.differentiable:
            ends, score = ascent.climb(landscape, u, step)
        else:
            ends, score = strategy.climb(landscape, u, landscape.score(u), step, rng)
        state.ends.add(ends, score)
        state.independent.append(ends)

    def _climb(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        budget: int,
        stop: Callable[[], bool],
    ) -> None:
        if not len(state.pool.u) or budget <= 0:
            return
        d = landscape.d
        cost = self.ascent.cost if landscape.differentiable else 15 * self.strategy.samples(d)
        wanted = max(1, min(budget // cost, self.starts))
        pool, radius = state.pool, linkage_radius(state.pool.seen, d)
        chosen = thin(pool.u, pool.score, radius, wanted, used=pool.used)
        pool.used[chosen] = True
        step = 0.5 * max(state.pool.seen, 2) ** (-1 / d)
        floor = landscape.remaining - budget
        surface = landscape.evaluator.problem.domain.cloud is not None
        for i in range(0, len(chosen), self.chains):
            part = chosen[i : i + self.chains]
            # On data, half of the climbs follow the surface and half fill the balls round the points.
            for rows in (part[::2], part[1::2]) if surface else (part,):
                if landscape.remaining <= floor or stop() or not len(rows):
                    return
                here = replace(landscape, tangent=surface and rows[0] == part[0])
                u, score = state.pool.u[rows], state.pool.score[rows]
                if landscape.differentiable:
                    ends, best = self.ascent.climb(here, u, step)
                else:
                    ends, best = self.strategy.climb(here, u, score, step, rng, landscape.remaining - floor)
                state.ends.add(ends, best)

    def _evolve(
        self, landscape: Landscape, state: SearchState, rng: np.random.Generator, budget: int
    ) -> None:
        size = self.differential.population(landscape.d, budget)
        if budget < self.differential.fewest * size or len(state.pool.u) < size:
            return
        best = thin(state.pool.u, state.pool.score, linkage_radius(state.pool.seen, landscape.d), size // 2)
        others = rng.choice(len(state.pool.u), size - len(best), replace=False)
        chosen = np.concatenate([best, others])
        u, score = state.pool.u[chosen], state.pool.score[chosen]
        state.ends.add(*self.differential.run(landscape, u, score, budget, rng))

    def _polish(
        self, landscape: Landscape, state: SearchState, rng: np.random.Generator, budget: int
    ) -> None:
        ends = state.ends if len(state.ends.u) else state.pool
        if not len(ends.u) or budget < 4 * landscape.d:
            return
        radius = 1e-2 * np.sqrt(landscape.d)
        # A small budget polishes few peaks, but those well.
        k = max(1, min(self.polished, budget // (self.polish.cost(landscape.d) // 2)))
        top = thin(ends.u, ends.score, radius, k)
        state.ends.add(*self.polish.run(landscape, ends.u[top], ends.score[top], budget, rng))
