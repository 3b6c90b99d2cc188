"""Cutting the whole box: for a narrow peak that neither the screen nor the large hill of the error points at.

If an ascent from the best screened point shows a smooth and round peak without ripples, `Division` (the DIRECT algorithm)
looks at the box in an order that follows the errors it has seen and no random points, so that it finds other peaks than a
screen. From the best middles of its boxes quasi-Newton steps ascend. Without such a peak that ascent is all that it costs.
Cost: four tenths of the evaluations. Choose it in five and six inputs, for smooth errors with several peaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.division import Division
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lattice import Ends, Lattice
from supnorm.auditing.strategy import Search
from supnorm.auditing.thinning import thin
from supnorm.results.settings import NONE_TOO, SHARE, Limits, Settings

Array = NDArray[np.float64]
AMONG = 256  # best middles from which those to ascend are chosen: most of them lie on one peak


@dataclass(frozen=True)
class Dividing(Settings):
    """Hyper-parameters, for functions of GKLS in 5 inputs with 10,000 evaluations (`benchmarks.search.functions`).

    Of 900 runs (functions 101 to 200 and 401 to 600, three seeds) 884 are solved to 1e-2, and 857 without it (37 won, 10
    lost); in 6 inputs 82 and 69 of 100 functions. Of 216 runs of BBOB in 5 inputs (instances 31 to 34 and 41 to 45) 204 and
    199 come to 1e-2, 166 and 167 to 1e-6. Of 80 bumps in 5 and 6 inputs (black box, seeds from 300) 77 are found, with it
    and without. Rows *GKLS-5* and *BBOB-5* guard.

    Attributes:
        least, inputs: at least, and at most. In 4 inputs 195 of 200 functions are solved with 4,000 evaluations, and 194
            without it; with 8,000 all of 60 are solved without it, as in 3 inputs. Seven and more are not tried; ten inputs
            have 3^10 boxes that are one cut deep.
        look: share of the evaluations that the ascent which looks for a smooth peak takes, at most. Of 50 functions of GKLS
            49 show one within it, and 45 within 0.02.
        nearly: it has found one if it stands still where a step would gain less than this share of the error, as all 50 do.
            Other than `Lattice.nearly` it ends no polish. With 1e-8 it misses 19 of 300.
        oval: and if the square of the longest half-axis is at most this many times that of the shortest: at most 3 for GKLS,
            mostly 13 and more where there are ripples (f3, f15, f17, f20, f24), 42 and more for long peaks (f11).
        hills: and if lines through it show fewer others for an input, as in `Broad`: ripples can be round (test_lines.py:
            of 8 searches of a sum of ripples 8 find the highest peak, and 5 without this).
        axes, points: inputs whose lines are looked at, and points of each.
        share: of the evaluations, for the division. Of the 900 runs 881 are solved with 0.25, 884 with this, 877 with 0.55.
        most: evaluations for each input, at most; DIRECT and its ascents alone then solve 99 of 100 functions.
        deepest: cuts of each axis at which a box is not cut again. Of 100 functions (401 to 500) DIRECT and its ascents
            alone solve 61, 82, 86 with 1,000, 2,000, 4,000 evaluations where all boxes are cut; 69, 86, 91 with 4 cuts;
            77, 89, 93 with 3; 81, 88, 92 with 2.
        peaks: best middles of boxes that are ascended; eight solve as many.
        apart: their distance, in the unit box, over the square root of the inputs: about half of a peak's width. Not tuned.
        steps: of each of these ascents; not tuned.
    """

    least: int = 5
    inputs: int = 6
    look: float = 0.025
    nearly: float = 1e-6
    oval: float = 5.0
    hills: float = 3.0
    axes: int = 2
    points: int = 32
    share: float = 0.4
    most: int = 2000
    deepest: int = 3
    peaks: int = 4
    apart: float = 0.07
    steps: int = 20

    LIMITS: ClassVar[Limits] = {"inputs": NONE_TOO, "look": SHARE, "share": SHARE}

    def run(self, landscape: Landscape, search: Search, lattice: Lattice) -> int:
        """Cut the whole box, and ascend by the steps of ``lattice`` from the best middles that are apart from each other.

        Only where an ascent from the best screened point shows a smooth and round peak, in few inputs, and where the domain
        is a box: cubes reach beyond the balls round data, and one whose middle violates a constraint is never cut.

        Returns:
            Evaluations of that look where it is all that was done: they count as those of the first round.
        """
        domain, d, whole = landscape.evaluator.problem.domain, landscape.d, landscape.remaining
        if not self.least <= d <= self.inputs or domain.cloud is not None or domain.constraints:
            return 0
        if not len(search.pool.u):
            return 0
        top = [int(np.argmax(search.pool.score))]
        u, score, budget = search.pool.u[top], search.pool.score[top], int(self.look * whole)
        first = lattice.ascend(landscape, u, score, budget, lattice.steps)
        search.ends.add(first.u, first.best)
        search.pool.used[top] = True
        if not self._round(first):
            return whole - landscape.remaining
        if self._others(landscape, first.u[0]) >= self.hills:
            return whole - landscape.remaining
        u, score = Division(d, self.deepest).refine(landscape, min(int(self.share * whole), self.most * d))
        chosen = thin(u, score, self.apart * np.sqrt(d), AMONG, fill=False)[: self.peaks]
        ends = lattice.ascend(landscape, u[chosen], score[chosen], landscape.remaining, self.steps)
        search.ends.add(ends.u, ends.best)
        search.smooth = True
        return 0

    def _others(self, landscape: Landscape, peak: Array) -> float:
        """How many other hills a line through the ``peak`` (d,) shows, on the average over a few inputs."""
        n, axes = self.points, np.arange(min(self.axes, len(peak)))
        t = (np.arange(n) + 0.5) / n
        u = np.tile(peak, (len(axes), n, 1))
        u[axes, :, axes] = t
        height = landscape.score(u.reshape(-1, len(peak))).reshape(-1, n)
        beside = np.pad(height, ((0, 0), (1, 1)), constant_values=-np.inf)
        hills = (height > beside[:, :-2]) & (height >= beside[:, 2:]) & (np.abs(t - peak[axes, None]) > 1 / n)
        return float(hills.sum(axis=1).mean())

    def _round(self, ends: Ends) -> bool:
        if not ends.gain[0] < self.nearly * abs(ends.best[0]):
            return False
        axes = np.abs(np.linalg.eigvalsh(ends.inverse[0]))
        return bool(axes.max() <= self.oval * axes.min())
