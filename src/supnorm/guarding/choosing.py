"""The least rejected share with which a guard can promise a risk, chosen on labelled points.

The shares are tested in turn, from the one that rejects most; see `fixed_sequence`. Which shares are tested depends on how
many of the points each accepts, and not on their errors: given who is accepted, the errors of the accepted points are
independent draws, so each test keeps its confidence (Clopper and Pearson, conditionally on the number accepted).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import Cuts, cuts_for
from supnorm.guarding.promise import fixed_sequence, share_above_largest
from supnorm.results import BadInput
from supnorm.results.guarding import ChoiceRecord
from supnorm.results.numbers import num

Array = NDArray[np.float64]
# Shares that are tried; a guard that rejects more than half of the inputs replaces no reference.
MOST = 0.5
SHARES = (MOST, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0)


@dataclass(frozen=True, kw_only=True)
class Risk:
    """How often the error of an accepted input may exceed a level; the guard rejects as few inputs as this allows.

    Args:
        risk: the largest share of the accepted inputs with an error above the level.
        level: an error; by default the tolerance of the problem.

    >>> Risk(risk=0.01, level=0.5)
    Risk(risk=0.01, level=0.5)
    """

    risk: float
    level: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.risk, float | int) and 0.0 < self.risk < 1.0):
            raise BadInput(f"risk must lie between 0 and 1, got {self.risk!r}")
        if self.level is not None and not (
            isinstance(self.level, float | int) and 0.0 < self.level < math.inf
        ):
            raise BadInput(f"level must be a finite number above 0, got {self.level!r}")


def demand_enough(risk: float, calibration: int, confidence: float) -> None:
    """Check that so many points without one exceedance would show the risk.

    Raises:
        BadInput: with the number that is needed.

    >>> demand_enough(0.001, 3000, 0.95)
    """
    if share_above_largest(calibration, confidence) > risk:
        least = math.ceil(math.log1p(-confidence) / math.log1p(-risk))
        raise BadInput(
            f"{calibration} fresh points cannot show a risk of {num(risk)} with confidence {num(confidence)}, even if none "
            f"exceeds the level: it takes {least} accepted ones; give calibration = {2 * least} or a larger risk"
        )


def choose(
    made: Guard,
    scores: Sequence[Array],
    x: Array,
    errors: Array,
    asked: Risk,
    level: float,
    confidence: float,
) -> tuple[Guard, ChoiceRecord]:
    """The guard that rejects the least share which can be promised; where there is none, the most.

    Args:
        made: the guard with any cuts.
        scores: of the unlabelled points, one array for each layer: they give the cuts of a share.
        x, errors: labelled independent points of the law ``(n, d)`` and their errors; the guard has not seen them.
        asked, level: the risk, and the level that it is about.
    """
    accepted = {share: with_share(made, scores, share).accepts(x) for share in SHARES}
    shares = [s for s in SHARES if share_above_largest(int(accepted[s].sum()), confidence) <= asked.risk]
    rank = np.full(len(x), 2.0)  # never accepted
    for rejected in sorted(SHARES):  # a point that a larger share accepts has a lower rank
        rank[accepted[rejected]] = 1.0 - rejected
    share = fixed_sequence(errors, rank, shares, level, asked.risk, confidence)
    record = ChoiceRecord(risk=asked.risk, share=share, tested=tuple(shares))
    return with_share(made, scores, MOST if share is None else share), record


def with_share(made: Guard, scores: Sequence[Array], share: float) -> Guard:
    """The guard that rejects this share of the unlabelled points."""
    layers, names = made.cuts.layers, made.cuts.sharing
    sharing = None if names is None else [layer.name in names for layer in layers]
    return replace(made, cuts=Cuts(layers, cuts_for(scores, share, sharing), names))
