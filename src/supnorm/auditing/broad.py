"""One broad chain of CMA-ES: for errors with ripples on one large hill.

Every ascent and every polish of such an error ends on some ripple. A chain whose points reach across many ripples follows
the hill below them instead, and meets single ripples only once it has come near the top. It takes evaluations only where
both show without any of its own: other hills on the lines that `lines` looked at, and best screened points that lie closer
together than random ones. A single narrow peak has neither, and costs nothing.
Cost: most of what the polish has left, in one chain. Choose it in two and more inputs; where ripples hide no hill it
gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.best import Best
from supnorm.auditing.covariance import CovarianceAdaptation
from supnorm.auditing.hill import highest, together
from supnorm.auditing.landscape import Landscape
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Broad(Settings):
    """Hyper-parameters, for BBOB in 5 and 10 inputs with 2,000 evaluations an input (`benchmarks.search.functions`).

    Instances 11 to 18 chose them: of 192 runs 176 come to 1e-2 in 10 inputs and 169 without it, and 179 and 176 in 5;
    to 1e-6 130 and 116, and 152 and 139. Rows *BBOB-5* and *BBOB-10* guard; for two inputs see `Lines`.

    Attributes:
        hills: on the line of an input through the best peak, beside that of the peak, on the average, for it to begin.
            Functions with ripples have 3.2 and more there, others 2.6 at most, and rows *bump ... black box* 2.0.
        top: best screened points that say whether there is a large hill.
        gathered: their variance, as a share of that of the uniform law, for it to begin. In 10 inputs it is about 1.0 where
            there are ripples and no large hill (f16, f23), and 0.6 where there are both.
        share: of what the polish has left. With 0.7 it is 29 of the 64 runs with ripples on a hill that come to 1e-6 in 10
            inputs, with this 30, without it 16.
        step: first standard deviation in the unit box. With 0.1 (and a share of 0.7) 20 of these 64, with 0.3 24.
        fewest: generations that must be left.
        adaptation: CMA-ES with twice as many points as its default: with the default itself 21 of 40 runs (f15, f17 to f19,
            f24) come to 1e-2, with this 27, with three times as many 26.
    """

    hills: float = 3.0
    top: int = 64
    gathered: float = 0.75
    share: float = 0.9
    step: float = 0.2
    fewest: int = 30  # as in `Polish`; not tuned
    adaptation: CovarianceAdaptation = CovarianceAdaptation(population=2)

    LIMITS: ClassVar[Limits] = {"top": Allowed(low=2, high=1_000_000, whole=True)}

    def run(
        self,
        landscape: Landscape,
        screened: Best,
        ends: Best,
        hills: float,
        rng: np.random.Generator,
    ) -> tuple[Array, Array]:
        """Go on from the best of the ``ends``, if the error looks like that.

        Args:
            hills: that `Lines` saw on a line.

        Returns:
            The chain's best point and its error, shapes ``(1, d)`` and ``(1,)``.
        """
        best = [int(np.argmax(ends.score))]
        u, score, budget = ends.u[best], ends.score[best], int(self.share * landscape.remaining)
        few = budget < self.fewest * self.adaptation.points(landscape.d)
        if hills < self.hills or few or landscape.late or not np.isfinite(score[0]):
            return u, score
        if not self.hill(screened):
            return u, score
        return self.adaptation.run(landscape, u, score, self.step, rng, budget)

    def hill(self, screened: Best) -> bool:
        """Whether the best screened points lie closer together than random ones."""
        return together(highest(screened, self.top), self.gathered)
