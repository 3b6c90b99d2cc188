"""CMA-ES, many chains at once: local search without derivatives that learns the shape of each peak.

A chain draws points from a normal distribution, moves its mean to the weighted mean of the better half of them, and adapts
covariance and step length (Hansen, The CMA Evolution Strategy: A Tutorial, arXiv 1604.00772, figure 6, with its default
parameters, negative weights included). Points outside of the domain are moved into it before they count. Now and then the
worse half of the chains is given up.
Cost: 4 + 3 ln d evaluations a chain and generation, d^2 numbers a chain. Choose it for the last digits of long and narrow
peaks where model or reference has no derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.chains import ChainSearch, Rows
from supnorm.auditing.landscape import Landscape
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]
LONGEST = 0.5  # step in the unit box
# Arrays with a row for each chain.
COLUMNS = ("rows", "mean", "step", "shape", "axes", "lengths", "long", "short", "seen")


@dataclass(frozen=True)
class CovarianceAdaptation(Settings, ChainSearch):
    """Hyper-parameters; those of the adaptation itself are Hansen's. Rows *BBOB ...* and *bump ... black box* guard.

    Attributes:
        steps: generations, at most, for each chain.
        halve_every: generations after which the worse half of the chains is given up in four and more inputs, and
            earlier in fewer (`between`); 0 never does.
        population: points of a generation, over Hansen's default.
        smallest: a chain whose longest standard deviation is below this has converged.
        still: so has one whose best errors of the last 10 + 30 d / n generations of n points differ by less than this
            share of its best.
    """

    steps: int = 2000
    halve_every: int = 20
    population: int = 1
    smallest: float = 1e-11
    still: float = 1e-9

    LIMITS: ClassVar[Limits] = {"halve_every": NONE_TOO}

    def between(self, d: int) -> int:
        """Generations in ``d`` inputs after which the worse half of the chains is given up; 0 for never.

        In two inputs 10 generations solve 161 and 166 of 192 runs of BBOB to 1e-6 (instances 11 to 18, two seeds), and 20
        solve 160 and 158: the better of two peaks needs the evaluations for its last digits.
        """
        return min(self.halve_every, max(10, 5 * d))

    def cost(self, d: int) -> int:
        """Evaluations that a peak takes whose half-axes differ by a factor of 1,000, about."""
        return 150 * d + 50 * d * d

    def points(self, d: int) -> int:
        """Points of a generation."""
        return self.population * (4 + int(3 * np.log(d)))

    def begun(self, landscape: Landscape, u: Array, first_step: float, rng: np.random.Generator) -> _Chains:
        """A chain at each start."""
        return _Chains.at(u, first_step, _rule(u.shape[1], self.points(u.shape[1])), self, rng)


@dataclass(frozen=True)
class _Rule:
    """Hansen's default parameters in d inputs, with his symbols in brackets.

    Attributes:
        n: points of a generation (lambda); the mean follows the best ``parents`` (mu) of them, with ``weights`` (mu,).
        against: weights of the worst ones in the covariance, below zero.
        mass: variance effective selection mass (mu_eff).
        long, short: learning rates of the paths of covariance (c_c) and of step length (c_sigma).
        one, many: learning rates of the covariance from its path (c_1) and from the points (c_mu).
        damping: of the step length (d_sigma).
        length: expected length of a standard normal vector.
        patience: generations whose best errors say whether a chain still moves.
        every: generations between two decompositions of the covariance.
        equal: rank, from 0, of the point whose error is compared with the best one on a plateau.
    """

    n: int
    parents: int
    weights: Array
    against: Array
    mass: float
    long: float
    short: float
    one: float
    many: float
    damping: float
    length: float
    patience: int
    every: int
    equal: int


@lru_cache
def _rule(d: int, n: int) -> _Rule:
    parents = n // 2
    all_weights = np.log((n + 1) / 2) - np.log(np.arange(1, n + 1))
    weights = all_weights[:parents] / all_weights[:parents].sum()
    mass = float(1 / (weights**2).sum())
    short = (mass + 2) / (d + mass + 5)
    one = 2 / ((d + 1.3) ** 2 + mass)
    many = min(1 - one, 2 * (mass - 1.75 + 1 / mass) / ((d + 2) ** 2 + mass))
    worse = all_weights[all_weights < 0]
    mass_worse = worse.sum() ** 2 / (worse**2).sum()
    most = min(1 + one / many, 1 + 2 * mass_worse / (mass + 2), (1 - one - many) / (d * many))
    return _Rule(
        n=n,
        parents=parents,
        weights=weights,
        against=-most * worse / worse.sum(),
        mass=mass,
        long=(4 + mass / d) / (d + 4 + 2 * mass / d),
        short=short,
        one=one,
        many=many,
        damping=1 + 2 * max(0.0, float(np.sqrt((mass - 1) / (d + 1))) - 1) + short,
        length=float(np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2))),
        patience=10 + 30 * d // n,
        every=max(1, int(1 / (10 * d * (one + many)))),
        equal=-(-7 * n // 10) - 1,
    )


@dataclass(kw_only=True)
class _Chains:
    """Those that go on, a row each, changed in place.

    Attributes:
        search, rule, rng: what they follow.
        rows: numbers of the chains, growing.
        mean, step, shape: of the normal distribution; its covariance is step^2 shape.
        axes, lengths: eigenvectors of the shape, in columns, and square roots of its eigenvalues.
        long, short: evolution paths of covariance and of step length.
        seen: best errors of the last generations.
    """

    search: CovarianceAdaptation
    rule: _Rule
    rng: np.random.Generator
    rows: Rows
    mean: Array
    step: Array
    shape: Array
    axes: Array
    lengths: Array
    long: Array
    short: Array
    seen: Array

    @classmethod
    def at(
        cls, u: Array, step: float, rule: _Rule, search: CovarianceAdaptation, rng: np.random.Generator
    ) -> _Chains:
        """Round distributions at ``u`` (k, d)."""
        k, d = u.shape
        return cls(
            search=search,
            rule=rule,
            rng=rng,
            rows=np.arange(k),
            mean=u.copy(),
            step=np.full(k, step),
            shape=np.tile(np.eye(d), (k, 1, 1)),
            axes=np.tile(np.eye(d), (k, 1, 1)),
            lengths=np.ones((k, d)),
            long=np.zeros((k, d)),
            short=np.zeros((k, d)),
            seen=np.zeros((k, rule.patience)),
        )

    @property
    def each(self) -> int:
        """Points of a generation."""
        return self.rule.n

    def moving(self, best: Array, i: int) -> Rows:
        """The chains that have not converged."""
        longest = self.step * self.lengths.max(axis=1)
        height = best[self.rows]
        with np.errstate(invalid="ignore", over="ignore"):
            moving = np.ptp(self.seen, axis=1) > self.search.still * np.abs(height)
        if i < self.seen.shape[1]:
            moving[:] = True
        going = (longest > self.search.smallest) & np.isfinite(longest) & (height < np.inf) & moving
        rows: Rows = self.rows[going]
        return rows

    def queued(self, rows: Rows) -> Rows:
        """In the order of the starts: which random numbers a chain gets does not depend on the errors of the others."""
        return np.sort(rows)

    def drawn(self, rows: Rows, u: Array, i: int) -> Array:
        """A generation of each; only these go on."""
        if len(rows) < len(self.rows):
            self._keep(np.searchsorted(self.rows, rows))
        z = (
            self.rng.standard_normal((len(self.rows), self.rule.n, self.mean.shape[1]))
            * self.lengths[:, None]
        )
        return np.asarray(self.mean[:, None] + self.step[:, None, None] * (z @ self.axes.transpose(0, 2, 1)))

    def _keep(self, which: Rows) -> None:
        for column in COLUMNS:
            setattr(self, column, getattr(self, column)[which])

    def learn(self, trials: Array, scores: Array, better: NDArray[np.bool_], i: int) -> None:
        """Adapt to the generation, and remember how high it came."""
        order = np.argsort(-scores, axis=1, kind="stable")
        self.seen[:, i % self.rule.patience] = np.take_along_axis(scores, order[:, :1], axis=1)[:, 0]
        self.adapt(np.take_along_axis(trials, order[:, :, None], axis=1), self.rule, i)
        self._leave_plateaus(np.take_along_axis(scores, order, axis=1))

    def _leave_plateaus(self, ranked: Array) -> None:
        """A longer step where most errors of a generation (k, n), best first, are equal: they do not rank its points.

        Hansen's tutorial, appendix B, *flat fitness*, with the constants of its program.
        """
        flat = (ranked[:, 0] == ranked[:, self.rule.equal]) & np.isfinite(ranked[:, 0])
        growth = np.exp(0.2 + self.rule.short / self.rule.damping)
        self.step[flat] = np.minimum(self.step[flat] * growth, LONGEST)

    def adapt(self, ranked: Array, rule: _Rule, i: int) -> None:
        """Take over the points (k, n, d) of generation ``i``, best first."""
        y = (ranked - self.mean[:, None]) / self.step[:, None, None]
        worse, y = y[:, -len(rule.against) :], y[:, : rule.parents]
        move = rule.weights @ y
        self.mean = self.mean + self.step[:, None] * move
        turned = (self.axes.transpose(0, 2, 1) @ move[..., None]) / self.lengths[..., None]
        fresh = float(np.sqrt(rule.short * (2 - rule.short) * rule.mass))
        self.short = (1 - rule.short) * self.short + fresh * (self.axes @ turned)[..., 0]
        length = np.sqrt(np.vecdot(self.short, self.short)) / rule.length
        begun = np.sqrt(1 - (1 - rule.short) ** (2 * (i + 1)))
        slow = length / begun < 1.4 + 2 / (y.shape[2] + 1)  # else the step is far too short: the path waits
        fresh = float(np.sqrt(rule.long * (2 - rule.long) * rule.mass))
        self.long = (1 - rule.long) * self.long + (slow * fresh)[:, None] * move
        lost = rule.one * rule.long * (2 - rule.long) * ~slow
        # A bad point counts by its direction alone, however far away it is: the covariance stays positive.
        far = np.vecdot(size := (worse @ self.axes) / self.lengths[:, None], size)
        against = rule.against * y.shape[2] / np.maximum(far, 1e-300)
        kept = 1 - rule.one - rule.many * (1 + rule.against.sum()) + lost
        self.shape = (
            kept[:, None, None] * self.shape
            + rule.many * (worse * against[..., None]).transpose(0, 2, 1) @ worse
            + rule.one * self.long[:, :, None] * self.long[:, None, :]
            + rule.many * (y * rule.weights[:, None]).transpose(0, 2, 1) @ y
        )
        growth = np.exp(np.minimum(1.0, rule.short / rule.damping * (length - 1)))
        self.step = np.minimum(self.step * growth, LONGEST)
        if i % rule.every == 0:
            squares, self.axes = np.linalg.eigh(self.shape)
            self.lengths = np.sqrt(np.maximum(squares, 1e-28 * squares[:, -1:]))
