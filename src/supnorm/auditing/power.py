"""What would this search have missed? Plant known errors in the user's own problem and search again.

A *bump* adds h (1 - |u - c|^2 / r^2)_+^2 to the error; its half-height ball fills a fraction p of the unit box, and
nothing shows outside radius r (a bump with tails would be found by its tails). A
*sheet* adds a jump to the model and the same jump, displaced by a little, to the reference: between the two
the error is h. Places are random. A run counts as found when it reports at least 95 % of the planted height,
which is above everything the problem itself has shown.

Runs search the real pair, with a tenth of the audit's evaluations each by default, so the table understates the
full search. Ten runs have a standard error of up to 16 percentage points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.search import ScreenAndAscent, SearchState
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.problem import Domain, Problem, draw_inside

Array = NDArray[np.float64]
FOUND = 0.95  # of the planted height


@dataclass(frozen=True)
class Power:
    """Which errors are planted, and how often.

    Attributes:
        heights: in multiples of the worst error found; above 1, or the problem's own peak would count.
        volumes: fractions of the domain that a bump fills at half height.
        sheets: displacements of the two jumps of a sheet, in the unit box.
        runs: for each height and volume.
        evaluations: of each run; None for a tenth of the audit's.
    """

    heights: tuple[float, ...] = (1.2,)
    volumes: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    sheets: tuple[float, ...] = (1e-6,)
    runs: int = 10
    evaluations: int | None = None

    def measure(
        self,
        evaluator: Evaluator,
        strategy: ScreenAndAscent,
        evaluations: int,
        rng: np.random.Generator,
    ) -> list[dict[str, Any]]:
        """One row a height and plant: found, runs, evaluations of each run.

        Everything evaluated counts: a run that sees a worse error of the problem itself raises the worst.
        """
        worst = evaluator.worst
        if not (np.isfinite(worst) and worst > 0):
            return []
        each = self.evaluations or max(evaluations // 10, 200)
        rows = []
        for factor in self.heights:
            height = factor * worst
            for plant in self._plants(evaluator.problem, height):
                found, spent = 0, 0
                for _ in range(self.runs):
                    planted = PlantedEvaluator(evaluator, plant.placed(evaluator.problem.domain, rng))
                    search(planted, strategy, each, rng)
                    found += planted.worst >= FOUND * height
                    spent += planted.counted
                rows.append(
                    {
                        "height": height,
                        "volume": plant.volume,
                        "shape": plant.shape,
                        "found": found,
                        "runs": self.runs,
                        "evaluations": spent // self.runs,
                        "pair": "the audited pair",
                    }
                )
        return rows

    def _plants(self, problem: Problem, height: float) -> Sequence[Bump | Sheet]:
        bumps: list[Bump | Sheet] = [Bump(height, v) for v in self.volumes]
        if problem.domain.d == 1 or not problem.error.differentiable:
            return bumps
        return bumps + [Sheet(height, s) for s in self.sheets]


def search(
    planted: PlantedEvaluator, strategy: ScreenAndAscent, evaluations: int, rng: np.random.Generator
) -> None:
    """The audit's search on a planted problem: independent points first, then the strategy."""
    evaluator = cast(Evaluator, planted)
    domain = planted.problem.domain
    state = SearchState.empty(domain.d)
    done = planted.values(draw_inside(domain, max(evaluations // 5, 20), rng), "search")
    state.scout = done
    state.pool.add(domain.to_unit(done.x), done.score)
    strategy.run(Landscape(evaluator, evaluations), state, rng)


@dataclass(frozen=True)
class Bump:
    """A round error; see the module's text. ``centre`` is in the unit box."""

    height: float
    volume: float
    centre: Array | None = None
    shape: str = "bump"

    def placed(self, domain: Domain, rng: np.random.Generator) -> Bump:
        """The same bump at a random place of the domain."""
        return Bump(self.height, self.volume, domain.to_unit(draw_inside(domain, 1, rng))[0])

    def added(self, u: Array) -> tuple[Array, Array]:
        """What the bump adds to the error at ``u`` (n, d), and its gradient there."""
        assert self.centre is not None, "place it first"
        d = u.shape[1]
        ball = math.pi ** (d / 2) / math.gamma(1 + d / 2)
        radius = (self.volume / ball) ** (1 / d)
        reach = radius / math.sqrt(1 - math.sqrt(0.5))
        gap = (u - self.centre) / reach
        inside = np.maximum(1 - (gap**2).sum(axis=1), 0.0)
        return self.height * inside**2, -4 * self.height / reach * gap * inside[:, None]


@dataclass(frozen=True)
class Sheet:
    """Two jumps displaced by ``width`` along ``normal``; between them the error is ``height``."""

    height: float
    width: float
    normal: Array | None = None
    offset: float = 0.0
    shape: str = "sheet"

    @property
    def volume(self) -> float:
        """About: the width times the area of a section of the unit box."""
        return self.width

    def placed(self, domain: Domain, rng: np.random.Generator) -> Sheet:
        """The same sheet through a random place, in a random direction."""
        normal = rng.standard_normal(domain.d)
        normal /= np.linalg.norm(normal)
        through = domain.to_unit(draw_inside(domain, 1, rng))[0]
        return Sheet(self.height, self.width, normal, float(normal @ through))

    def sides(self, u: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the model and where the reference has jumped."""
        assert self.normal is not None, "place it first"
        along = u @ self.normal - self.offset
        return along > 0, along > self.width


class PlantedEvaluator:
    """An evaluator with a planted error: what the search needs of `Evaluator`, and nothing more."""

    def __init__(self, base: Evaluator, plant: Bump | Sheet) -> None:
        self.base, self.plant = base, plant
        self.problem = base.problem
        self.counted = 0
        self.worst = -np.inf

    @property
    def gradients(self) -> str:
        """As of the base."""
        return self.base.gradients

    def spent(self, *_: str) -> int:
        """Evaluations of this run."""
        return self.counted

    def values(self, x: Array, purpose: str) -> Evaluations:
        """Values of the base with the plant added."""
        before = self.base.spent("power")
        done = self.base.values(x, "power")
        self.counted += self.base.spent("power") - before
        return self._planted(done)[0]

    def gradient(self, x: Array, purpose: str) -> tuple[Evaluations, Array]:
        """Values and gradients of the base with the plant added."""
        before = self.base.spent("power")
        done, slope = self.base.gradient(x, "power")
        self.counted += self.base.spent("power") - before
        planted, extra = self._planted(done)
        return planted, slope + extra

    def _planted(self, done: Evaluations) -> tuple[Evaluations, Array]:
        u = self.problem.domain.to_unit(done.x)
        ok = done.status == PointStatus.OK
        extra = np.zeros_like(u)
        if isinstance(self.plant, Bump):
            value, slope = self.plant.added(u)
            error = done.error + value
            extra[ok] = slope[ok]
            model, reference = done.model, done.reference
        else:
            jumped = self.plant.sides(u)
            size = self.plant.height * self.problem.error.divisor(done.reference)
            size[:, 1:] = 0.0
            model = done.model + np.where(jumped[0][:, None], size, 0.0)
            reference = done.reference + np.where(jumped[1][:, None], size, 0.0)
            # Both sides carry the jump: where they agree on it the error is the base's own.
            only_one = jumped[0] != jumped[1]
            error = np.where(only_one, done.error + self.plant.height, done.error)
        planted = Evaluations(done.x, model, reference, error, done.output, done.status)
        if ok.any():
            self.worst = max(self.worst, float(error[ok].max()))
        return planted, extra
