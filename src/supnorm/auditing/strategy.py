"""What every search is asked and what it answers: an audit takes whichever strategy it is given in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.best import Best
from supnorm.auditing.compared import Compared
from supnorm.auditing.halt import Halt
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.listed import Listed
from supnorm.auditing.statistics import NORMS, Sample
from supnorm.auditing.surprise import Screened
from supnorm.evaluation import Evaluations

Array = NDArray[np.float64]
POOL = 4096  # best screened points that are kept as starts
KEPT = 1024  # best ends of ascents that are kept as peaks


@dataclass
class Search:
    """What a search knows: a strategy is given what is known before it, adds to it, and returns it.

    Attributes:
        pool: the best screened points.
        ends: the best ends of ascents.
        restart_ends: ends of ascents from random restarts, which say how many peaks were not seen.
        scout: the first screened points with both values: their neighbours show jumps.
        screened: points of a round: their neighbours show flanks.
        sobol: goes on from round to round.
        rounds: how often the whole domain was looked at.
        informative: whether derivatives, where there are any, can be followed: false once they vanish at the best points.
        smooth: whether quasi-Newton steps from differences have ended the polish of the last round.
        halted: what cut the work short; None where nothing did.
        draws, norms: how many independent points of the law the statistics take, and the powers of their norms.
        sample: the statistics; None until they are known.
        listed: where the points of a finite domain are evaluated one by one, which of them were.
        compared: the rows of a table.
    """

    pool: Best
    ends: Best
    restart_ends: list[Array] = field(default_factory=list)
    scout: Evaluations | None = None
    screened: Screened = field(default_factory=Screened)
    sobol: Callable[[int], Array] | None = None
    rounds: int = 0
    informative: bool = True
    smooth: bool = False
    halted: Halt | None = None
    draws: int = 0
    norms: Sequence[float] = NORMS
    sample: Sample | None = None
    listed: Listed | None = None
    compared: Compared | None = None

    @classmethod
    def empty(cls, d: int, draws: int = 0, norms: Sequence[float] = NORMS) -> Search:
        """Nothing known yet."""
        return cls(Best(POOL, d), Best(KEPT, d), draws=draws, norms=norms)

    def look(self, u: Array, done: Evaluations) -> None:
        """Take in screened points ``u`` (n, d) of the unit box."""
        self.pool.add(u, done.score)
        self.screened.add(u, done)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What an audit has to know about a strategy.

    Attributes:
        regime: its name in the result; empty where the derivatives name it.
        samples: independent points of the law are drawn before it, and are the first points that it knows.
        rounds: with a limit in time it is run several times, with budgets that double.
        enumerates: it evaluates every point of a finite domain.
        models_reference: it spends most of its effort on a model of the reference, where a planted error costs nothing.
        in_order: with the same seed it evaluates the same points, also on workers.
    """

    regime: str = ""
    samples: bool = True
    rounds: bool = True
    enumerates: bool = False
    models_reference: bool = False
    in_order: bool = True


class Strategy(Protocol):
    """A way to look for the worst error within a budget."""

    @property
    def traits(self) -> Traits:
        """What an audit has to know about it."""

    def run(
        self,
        landscape: Landscape,
        search: Search,
        rng: np.random.Generator,
    ) -> Search:
        """Spend the landscape's budget.

        Args:
            search: what is known already; it is added to and returned.
        """

    def lean(self, calls: int) -> Strategy:
        """A version for a search with so many calls that is repeated many times."""
