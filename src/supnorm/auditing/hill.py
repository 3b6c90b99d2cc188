"""Points on the large hill of an error: what is screened after the first round.

Where the best points of a screen lie closer together than random ones, the error has a large hill, and a narrow peak on it
is higher than one beside it. A part of each later screen is then drawn from a normal distribution with their mean and
covariance. Where they lie apart there is no such hill, and the whole screen looks everywhere, as the first one always does.
Cost: no evaluation but those of the screen. Choose it for narrow peaks on smooth errors in three and more inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.best import Best
from supnorm.auditing.landscape import Landscape
from supnorm.results.settings import SHARE, Limits, Settings

Array = NDArray[np.float64]
DRAWS = 4  # points that are drawn for one in the domain
LEAST = 64  # points that show a hill


@dataclass(frozen=True)
class Hill(Settings):
    """Hyper-parameters, for functions of GKLS in 5 inputs with 10,000 evaluations (`benchmarks.search.functions`).

    Numbers 101 to 200 chose them: 92 of 100 are solved to 1e-2, without a hill 88. Row *GKLS-5* guards.

    Attributes:
        share: of a later screen. With 0.7 it is 91. With a share of 0.25 in the first screen, too, 8 of 80 that it finds
            otherwise are lost, and as many others found: planted errors would lose.
        top: share of the screened points, the best ones, that show the hill; not tuned.
        gathered: their variance, as a share of that of the uniform law, up to which they show one; as in `Broad`.
        wide: standard deviations of the draws, over those of these points. With 1.0 it is 90.
    """

    share: float = 0.5
    top: float = 0.02
    gathered: float = 0.75
    wide: float = 1.5

    LIMITS: ClassVar[Limits] = {"share": SHARE, "top": SHARE}

    def points(self, landscape: Landscape, screened: Best, n: int, rng: np.random.Generator) -> Array:
        """What the hill gets of a screen of ``n`` points, in the unit box, shape ``(k, d)``; none without a hill."""
        domain = landscape.evaluator.problem.domain
        k = int(self.share * n)
        best = highest(screened, min(max(int(self.top * screened.seen), LEAST), screened.size))
        if k == 0 or domain.cloud is not None or not together(best, self.gathered):
            return np.empty((0, domain.d))
        values, axes = np.linalg.eigh(np.cov(best.T))
        z = self.wide * np.sqrt(np.maximum(values, 0.0)) * rng.standard_normal((DRAWS * k, domain.d))
        u = best.mean(axis=0) + z @ axes.T
        u = u[((u >= 0) & (u <= 1)).all(axis=1)]
        return np.asarray(u[domain.contains(domain.from_unit(u))][:k])


def highest(screened: Best, n: int) -> Array:
    """The best ``n`` points; none if there are fewer."""
    if len(screened.u) < n:
        return screened.u[:0]
    return np.asarray(screened.u[np.argpartition(-screened.score, n - 1)[:n]])


def together(u: Array, most: float) -> bool:
    """Whether points lie closer together than those of the uniform law, of variance 1/12.

    >>> together(np.random.default_rng(0).random((200, 3)), 0.75)
    False
    >>> together(0.5 * np.random.default_rng(0).random((200, 3)), 0.75)
    True
    """
    return len(u) > 0 and bool(12 * u.var(axis=0).mean() <= most)
