"""Screen, thin, ascend, evolve, polish, and go round again: the search for the worst error.

First the search screens points by value, then it ascends. Half of the budget looks everywhere (independent points of the
law, Sobol, faces, kinks of the first layer; more than half in one or two inputs). From the best points that are not
neighbours of better ones, and in one or two inputs from those that stick out of their neighbours' plane, it ascends along
gradients or, without them, by an evolution strategy. A tenth goes to ascents from random restarts, which say how many
peaks were not seen, and, where gradients are not informative, a tenth to differential evolution, for ridges. The best
peaks are polished, without gradients after their neighbours on a lattice, in few inputs, after lines along the axes and a
broad chain, in two and more, and after quasi-Newton steps, in three and more, that end the polish of a smooth peak. What is
left goes into another round, whose screen looks on the large hill of the error, too. Before all this, without gradients in
five and six inputs, the box is cut where an ascent shows a smooth and round peak. Memory does not grow with the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ascent import Ascent
from supnorm.auditing.broad import Broad
from supnorm.auditing.differential_evolution import DifferentialEvolution
from supnorm.auditing.discontinuities import Discontinuities
from supnorm.auditing.dividing import Dividing
from supnorm.auditing.evolution import EvolutionStrategy
from supnorm.auditing.hill import Hill
from supnorm.auditing.informative import informative
from supnorm.auditing.landscape import GRADIENT, Landscape
from supnorm.auditing.lattice import Lattice
from supnorm.auditing.lines import Lines
from supnorm.auditing.points import VERTICES, fill_gaps, snap_to_faces, sobol_sequence, vertex_seeds
from supnorm.auditing.polish import Polish
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.auditing.surprise import INPUTS, beside
from supnorm.auditing.thinning import linkage_radius, thin
from supnorm.problem import draw_inside
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
CHUNK = 8192  # screened points at a time
DRAWS = 16  # chunks that are drawn for one call where few points of the box exist
SEEDS = 8192  # kinks of the first layer at a time, at most


@dataclass(frozen=True)
class ScreenAndAscent(Settings):
    """Shares of the budget of a round.

    Tuned on the rows of ``python -m benchmarks.search`` with seeds below 1000; the rows that guard a number are named with
    it: run them before and after you change it.

    Attributes:
        screen: share that looks everywhere. Rows *smooth bump*, *hat bump*.
        dense: the same in one and two inputs, where ascents take little. Row *glitch trained into ReLU weights, d=2*.
        spare: share of a round's budget below which what its ascents cannot use looks everywhere as well, before
            them; a larger one waits for another round. Rows *bump ... gradients* with 100,000 evaluations.
        faces, vertices: shares of the screen on faces (rows *pole at a corner*, *random nets*), and on vertices of the
            first layer or, in many inputs, points where a few of its neurons vanish (rows *glitch trained into ReLU
            weights*).
        corners: power in `snap_to_faces`. Rows *pole at a corner*.
        first_step: of an ascent, over half the distance of screened points. Rows *trained net*.
        restart_share: share of ascents from random restarts; `benchmarks.coverage` checks the limit that rests on them.
        many, many_restart_share: the same from ``many`` inputs on, with gradients: what
            matters there reaches across much of the box, so that an ascent from anywhere may end on it, and ranking
            starts by their error prefers wider, lower peaks. Rows *glitch ... d=8*, *hat bump, d=8* and *d=12*.
        evolution: share of differential evolution: without gradients, and in few inputs. In three and more inputs
            ascents by gradients and the polish find what it finds, on narrow curved ridges and kinks too. Rows *kink*,
            *bump ... black box*.
        polish_share: share of the polish. Rows *kink*, *pole at a corner*.
        unguided_polish_share, unguided_dense: the same without gradients. Rows *BBOB*; test_search.py, flanks in two inputs.
        unguided_strategy: of ascents that CMA-ES follows, in three and more inputs: twice as many, given up sooner.
        discontinuity_share: most that following jumps may take; without jumps it takes a few per cent. Rows *jump*,
            *sheet 1e-6*.
        polished: peaks that are polished. Rows *trained net*.
        chains: ascents at once; a matter of time alone (`benchmarks.search.overhead`).
        starts: of ascents, at most, in a round; a larger budget looks again everywhere first. Rows *bump ... gradients*
            with 100,000 evaluations.
        flanks: of them from points that stick out of their neighbours' plane, at most; in few inputs only. Row *glitch
            trained into ReLU weights, d=2*.
        few: evaluations for each input below which a search is `hurried`. Rows *trained net*, *random nets*.
        little: steps that the polish of a round after a smooth peak gets, without gradients in three and more inputs: of 300
            functions of GKLS in 5 inputs (101 to 200, 401 to 600) 290 are solved to 1e-2, and 286 with what CMA-ES takes;
            192 runs of BBOB in 5 and 10 inputs end alike. Row *GKLS-5*.
        rest: share of the first round's budget below which what is left is screened and no more. Rows *smooth bump*.
    """

    screen: float = 0.5
    dense: float = 0.7
    spare: float = 0.3
    faces: float = 0.2
    vertices: float = 0.5
    corners: float = 1.0
    first_step: float = 1.0
    restart_share: float = 0.08
    many: int = 8
    many_restart_share: float = 0.2
    evolution: float = 0.08
    polish_share: float = 0.1
    unguided_polish_share: float = 0.35
    unguided_dense: float = 0.6
    discontinuity_share: float = 0.15
    polished: int = 8
    chains: int = 1024
    starts: int = 768
    flanks: int = 64
    few: int = 500
    little: int = 20
    rest: float = 0.06
    ascent: Ascent = Ascent()
    strategy: EvolutionStrategy = EvolutionStrategy()
    # Of bumps (black box, p=1e-4, seeds below 150) it finds 150 of 150 in 4 inputs, 92 of 100 in 8; `strategy` 144 and 88.
    # With halve_every=4, taken=6: 150, 94; but of 96 runs of BBOB, d=10, 53 come to 1e-6 (`strategy`: 60, this one: 57).
    unguided_strategy: EvolutionStrategy = EvolutionStrategy(halve_every=6, taken=8)
    differential: DifferentialEvolution = DifferentialEvolution()
    polish: Polish = Polish()
    lattice: Lattice = Lattice()
    lines: Lines = Lines()
    broad: Broad = Broad()
    hill: Hill = Hill()
    dividing: Dividing = Dividing()
    discontinuities: Discontinuities = Discontinuities()

    LIMITS: ClassVar[Limits] = {
        "chains": Allowed(low=1, high=1_000_000, whole=True),
        "flanks": Allowed(low=0, high=1_000_000, whole=True),
    }

    @property
    def traits(self) -> Traits:
        """The usual ones: the derivatives name how it searches."""
        return Traits()

    def lean(self, calls: int) -> Strategy:
        """The same: its own work is small beside the evaluations."""
        return self

    def run(self, landscape: Landscape, search: Search, rng: np.random.Generator) -> Search:
        """Spend the landscape's budget.

        Args:
            search: may hold screened points already: they count towards the first screen.
        """
        landscape = replace(landscape, informative=landscape.informative and search.informative)
        if search.rounds == 0 and landscape.differentiable:
            landscape.informative = search.informative = informative(landscape, search.pool)
        whole, paid = landscape.remaining, 0
        plan = self
        if whole < self.few * landscape.d:
            plan = self.hurried(landscape.d)
        elif self.polish.adapts(landscape, int(self.unguided_polish_share * whole)):
            plan = self.unguided(landscape.d)
            if search.rounds == 0:
                paid = self.dividing.run(landscape, search, self.lattice)
                whole = landscape.remaining
        while landscape.remaining >= 8 * landscape.d and not landscape.late:
            before = landscape.remaining
            if before < self.rest * whole:
                break
            plan._round(landscape, search, rng, before + paid)
            search.rounds, paid = search.rounds + 1, 0
            if before - landscape.remaining < 4:  # nothing left that costs anything
                break
        plan._screen(landscape, search, rng, landscape.remaining)
        return search

    def hurried(self, d: int) -> ScreenAndAscent:
        """For a budget that cannot look everywhere: faces and corners, many ascents, soon given up.

        Tuned on trained networks of 8 to 12 inputs with 2,000 evaluations.
        """
        faces, corners = (0.8, 0.4) if d > 6 else (self.faces, self.corners)
        return replace(
            self,
            screen=0.45,
            dense=0.45,
            many_restart_share=self.restart_share,
            faces=faces,
            corners=corners,
            vertices=0.0 if d > VERTICES else 0.2,
            first_step=2.0,
            ascent=replace(self.ascent, steps=20, halve_every=1, fewest=4),
        )

    def unguided(self, d: int) -> ScreenAndAscent:
        """The same without gradients: more for the last digits, for which CMA-ES takes hundreds of evaluations a peak.

        Tuned on instances 11 to 18 of the BBOB functions in 2, 5 and 10 inputs.
        """
        plan = replace(self, dense=self.unguided_dense, polish_share=self.unguided_polish_share)
        # CMA-ES follows ridges, too.
        return plan if d <= INPUTS else replace(plan, evolution=0.0, strategy=self.unguided_strategy)

    def _round(self, landscape: Landscape, search: Search, rng: np.random.Generator, budget: int) -> None:
        already = search.pool.seen if search.rounds == 0 else 0
        share = self.screen if landscape.d > INPUTS else self.dense
        n = int(share * (budget + already)) - already
        k, each = self._restarts(landscape, search, budget)
        left = budget - n - k * each - self.starts * self._cost(landscape)
        self._screen(landscape, search, rng, n + left if 0 < left < self.spare * budget else n)
        if landscape.late:
            return
        restarts = self._random_restarts(landscape, search, rng, k)
        if not landscape.differentiable or landscape.d <= INPUTS:
            self._evolve(landscape, search, rng, int(self.evolution * budget))
        if search.rounds == 0 and search.scout is not None:
            most = int(self.discontinuity_share * budget)
            search.ends.add(*self.discontinuities.run(landscape, search.scout, most, rng))
        reserve = int(self.polish_share * budget)
        reserve = min(reserve, self.polished * self.polish.cost(landscape, reserve))
        if search.smooth:
            reserve = min(reserve, self.little * (2 * landscape.d + 1))
        self._ascend(landscape, search, rng, landscape.remaining - reserve, restarts)
        self._polish(landscape, search, rng)

    def _screen(self, landscape: Landscape, search: Search, rng: np.random.Generator, n: int) -> None:
        domain = landscape.evaluator.problem.domain
        n = min(n, landscape.remaining)
        spent = 0
        first = landscape.evaluator.problem.model.first_layer
        if first is not None and domain.cloud is None:
            # All of them, however poor the first ones are: a rare glitch shows at one of thousands.
            seeds = vertex_seeds(first, domain, min(int(self.vertices * n), SEEDS), rng)
            search.pool.add(seeds, landscape.score(seeds))
            spent = len(seeds)
        begun = landscape.spent
        if search.sobol is None:
            search.sobol = sobol_sequence(domain.d, rng)
        rows = landscape.evaluator.rows()
        for _ in range(10_000 // DRAWS * -(-CHUNK // rows)):
            left = min(n - spent - (landscape.spent - begun), landscape.remaining)
            if left <= 0 or landscape.late:
                break
            k = min(left, CHUNK, rows)
            u = self._fresh(landscape, search, search.sobol, k, rng)
            if search.rounds and landscape.d > INPUTS and not landscape.differentiable:
                hill = self.hill.points(landscape, search.pool, len(u), rng)
                u[: len(hill)] = hill
            if len(u):
                search.look(u, landscape.look(u))

    def _fresh(
        self,
        landscape: Landscape,
        search: Search,
        sobol: Callable[[int], Array],
        n: int,
        rng: np.random.Generator,
    ) -> Array:
        domain = landscape.evaluator.problem.domain
        if domain.cloud is not None:
            n_data = min(n // 2, len(domain.cloud.points))
            data = domain.cloud.points[rng.choice(len(domain.cloud.points), n_data, replace=False)]
            return np.concatenate([data, domain.cloud.draw(n - n_data, rng)])
        if not domain.constraints:
            u = self._spread(sobol(n), rng)
            if domain.d == 1 and len(search.screened.u):
                gaps = fill_gaps(search.screened.u[:, 0], n)
                u[: len(gaps), 0] = gaps
                u[-2:, 0] = [0.0, 1.0][-len(u) :]
            return u
        # Where few points exist, many are drawn before they are evaluated in one call.
        found: list[Array] = []
        have = 0
        for _ in range(DRAWS):
            u = self._spread(sobol(CHUNK), rng)
            found.append(u[domain.contains(domain.from_unit(u))])
            have += len(found[-1])
            if have >= n:
                break
        u = np.concatenate(found)
        return u if have <= n else u[np.linspace(0, have - 1, n).astype(int)]  # those on faces come last

    def _spread(self, u: Array, rng: np.random.Generator) -> Array:
        """The same points, the last of them on faces."""
        faces = int(self.faces * len(u)) if u.shape[1] > 1 else 0
        u[len(u) - faces :] = snap_to_faces(u[len(u) - faces :], rng, self.corners)
        return u

    def _cost(self, landscape: Landscape) -> int:
        """Evaluations of an ascent, on the average over many."""
        return self.ascent.cost if landscape.differentiable else self.strategy.cost(landscape.d)

    def _restarts(self, landscape: Landscape, search: Search, budget: int) -> tuple[int, int]:
        """How many ascents from random restarts, and the evaluations of each: none of them is given up."""
        slopes = landscape.differentiable
        each = GRADIENT * (self.ascent.steps + 1) if slopes else 30 * self.strategy.samples(landscape.d)
        share = self.many_restart_share if slopes and landscape.d >= self.many else self.restart_share
        k = min(int(share * budget) // each, 200) if search.rounds == 0 else 0
        return (k if k >= 3 else 0), each

    def _random_restarts(
        self, landscape: Landscape, search: Search, rng: np.random.Generator, k: int
    ) -> Array:
        """``k`` independent uniform restarts: the ends of their ascents feed the Good-Turing estimate.

        Returns:
            Starts that `_ascend` takes along with its own, shape ``(k, d)``; without derivatives they are ascended
            from here, and none are returned.
        """
        domain = landscape.evaluator.problem.domain
        if k == 0:
            return np.empty((0, domain.d))
        u = domain.to_unit(draw_inside(domain, k, rng))
        if landscape.differentiable:
            return u
        strategy = replace(self.strategy, steps=29, halve_every=0)  # each start counts once, wherever it ends
        ends, score = strategy.run(landscape, u, landscape.score(u), _spacing(k, domain.d), rng)
        search.ends.add(ends, score)
        if not landscape.late:  # then they are ends
            search.restart_ends.append(ends)
        return u[:0]

    def _ascend(
        self,
        landscape: Landscape,
        search: Search,
        rng: np.random.Generator,
        budget: int,
        restarts: Array,
    ) -> None:
        """Ascend from the best screened points, and from the random ``restarts`` beside the first of them."""
        if not len(search.pool.u) or budget <= 0:
            return
        d = landscape.d
        reserved = len(restarts) * GRADIENT * (self.ascent.steps + 1)
        wanted = max(1, min((budget - reserved) // self._cost(landscape), self.starts))
        flanks, low = self._flanks(landscape, search, min(self.flanks, max(8, wanted // 8)), rng)
        pool, radius = search.pool, linkage_radius(search.pool.seen, d)
        chosen = thin(pool.u, pool.score, radius, max(1, wanted - len(flanks)), used=pool.used)
        pool.used[chosen] = True
        starts, heights = pool.u[chosen], pool.score[chosen]
        if len(flanks):
            starts, heights = np.concatenate([flanks, starts]), np.concatenate([low, heights])
        step = self.first_step * _spacing(pool.seen, d)
        floor = landscape.remaining - budget
        surface = landscape.evaluator.problem.domain.cloud is not None
        for i in range(0, len(starts), self.chains):
            part = np.arange(i, min(i + self.chains, len(starts)))
            # On data, half of the ascents follow the surface and half fill the balls round the points.
            for rows in (part[::2], part[1::2]) if surface else (part,):
                if landscape.remaining <= floor or landscape.late or not len(rows):
                    return
                here = replace(landscape, tangent=surface and rows[0] == part[0])
                u, score = starts[rows], heights[rows]
                if landscape.differentiable:
                    first = np.repeat([_spacing(max(len(restarts), 1), d), step], [len(restarts), len(u)])
                    ends, best = self.ascent.run(here, np.concatenate([restarts, u]), first, len(restarts))
                    if len(restarts):
                        if not landscape.late:
                            search.restart_ends.append(ends[: len(restarts)])
                        restarts = restarts[:0]
                else:
                    ends, best = self.strategy.run(here, u, score, step, rng, landscape.remaining - floor)
                search.ends.add(ends, best)

    def _flanks(
        self, landscape: Landscape, search: Search, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Points beside up to ``n`` that stick out of their neighbours' plane most, and their errors."""
        u, low, misfit = search.screened.misfits() if n > 0 else (np.empty((0, 0)),) * 3
        search.screened.clear()
        if not len(u):
            return u, np.empty(0)
        # A flank shows at a point and at its neighbours: one of them will do.
        chosen = thin(u, misfit, 0.5 * linkage_radius(len(u), u.shape[1]), n, fill=False)
        return beside(landscape, u[chosen], low[chosen], 1.5 * _spacing(len(u), u.shape[1]), rng)

    def _evolve(self, landscape: Landscape, search: Search, rng: np.random.Generator, budget: int) -> None:
        size = self.differential.population(landscape.d, budget)
        if budget < self.differential.fewest * size or len(search.pool.u) < size:
            return
        best = thin(
            search.pool.u, search.pool.score, linkage_radius(search.pool.seen, landscape.d), size // 2
        )
        others = rng.choice(len(search.pool.u), size - len(best), replace=False)
        chosen = np.concatenate([best, others])
        u, score = search.pool.u[chosen], search.pool.score[chosen]
        search.ends.add(*self.differential.run(landscape, u, score, budget, rng))

    def _polish(self, landscape: Landscape, search: Search, rng: np.random.Generator) -> None:
        ends = search.ends if len(search.ends.u) else search.pool
        if not len(ends.u) or landscape.remaining < 4 * landscape.d:
            return
        budget = landscape.remaining
        # Quasi-Newton steps ended the last round; they end this one if its best peak is smooth, too.
        if search.smooth:
            *found, search.smooth = self.lattice.finish(landscape, search.ends.u, search.ends.score, budget)
            search.ends.add(*found)
            if search.smooth:
                return
        if landscape.d <= self.lattice.inputs and self.polish.amply(landscape, budget):
            search.ends.add(*self.lattice.run(landscape, ends.u, ends.score, budget))
            ends, budget = search.ends, landscape.remaining
        few = landscape.d <= INPUTS
        # In two inputs, of which ascents see most, lines are for ripples on a large hill.
        lines = not few or (landscape.d > 1 and self.broad.hill(search.pool))
        if lines and self.polish.adapts(landscape, budget):
            *found, hills = self.lines.run(landscape, ends.u, ends.score, budget)
            search.ends.add(*found)
            search.ends.add(*self.broad.run(landscape, search.pool, search.ends, hills, rng))
            # Among ripples CMA-ES finds higher peaks beside the best one.
            if not few and hills < self.broad.hills:
                half = landscape.remaining // 2
                *found, smooth = self.lattice.finish(landscape, search.ends.u, search.ends.score, half)
                search.ends.add(*found)
                search.smooth = smooth
                if smooth:
                    return
        ends, budget = search.ends if len(search.ends.u) else search.pool, landscape.remaining
        radius = 1e-2 * np.sqrt(landscape.d)
        # A small budget polishes few peaks, but those well.
        k = max(1, min(self.polished, budget // self.polish.cost(landscape, budget)))
        top = thin(ends.u, ends.score, radius, k)
        search.ends.add(*self.polish.run(landscape, ends.u[top], ends.score[top], budget, rng))


def _spacing(n: int, d: int) -> float:
    """Half the distance of ``n`` points that fill the unit box."""
    return float(0.5 * max(n, 2) ** (-1 / d))
