"""Networks as a fitting strategy: growing widths, refinement at the worst points, more time, boosting.

For each width: the samples are ``ratio`` times the weights, the optimiser is `choose_optimiser` or the given one. For norm
"sup" each network is refined: an audit finds the points of its largest errors, these are thinned by distance and join the
samples, and the optimiser continues (`ArgmaxRefinement`). With a time limit the training of the best network continues as
long as its error falls. If the tolerance is then not met and there are at most three inputs, a second and a third network
are fitted to the residual (`Boosting`), whose sum reaches errors at which a single network stalls. From four inputs on
this gains too little for its cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import Approximation, NotApplicable
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain, Problem
from supnorm.results.settings import NONE_TOO, Limits, Settings
from supnorm.training.active_fit import ActiveFit
from supnorm.training.boosting import Boosting, can_be_boosted
from supnorm.training.contest import Attempt, Contest, Offer, Skipped, Step
from supnorm.training.events import Training
from supnorm.training.memory import require_memory
from supnorm.training.optimiser import Optimiser
from supnorm.training.refinement import thinned
from supnorm.training.train import Trained, choose_optimiser, optimise
from supnorm.wording import fact
from supnorm.wording.fit import FIT

Array = NDArray[np.float64]
STAGES = 2  # networks that boosting adds
MOST_INPUTS = 3  # boosting is tried up to this many inputs


@dataclass(frozen=True)
class NetworkFit(Settings):
    """Fully connected networks of growing width.

    Args:
        widths: tried one after the other until the tolerance is met.
        depth: hidden layers.
        activation: activation of all hidden layers.
        optimiser: None for the automatic choice by size.
        iterations: iterations of the optimiser for each width.
        ratio: samples per weight, if the reference can give more.
        rows: largest number of samples for a second-order method.
        frequency: scale of the first layer: 6 and more for oscillating references.
        takes: for a modular network (`Network.modular`), the channels of each part; every part then has the
            ``width`` and ``depth``.
        starts: number of random starts; the training of the one that is best after a tenth of the iterations continues.
            Modular networks need 4.
    """

    widths: tuple[int, ...] = (12, 20, 32)  # 193 to 1,153 weights for one input; `benchmarks.fit` guards
    depth: int = 2  # `benchmarks.fit` guards
    activation: str = "tanh"
    optimiser: Optimiser | None = None
    # Of a first-order method; `price` makes it fewer for the others. `benchmarks.fit` guards.
    iterations: int = 3000
    # Largest errors at width 12 after 400 iterations, medians of 3 seeds of I.6.2, I.10.7 and I.13.12 of `benchmarks.fit`:
    # 2.2e-4, 5.4e-4, 0.10; with 2: 2.7e-4, 8.3e-4, 0.24; with 8: 1.5e-4, 3.2e-4, 0.06 from twice as many samples.
    ratio: float = 4.0
    rows: int = 20_000
    frequency: float = 1.0
    takes: tuple[tuple[int, ...], ...] = ()
    starts: int = 1

    LIMITS: ClassVar[Limits] = {"takes": NONE_TOO}

    def size(self, d: int, m: int, width: int) -> int:
        """Number of parameters of a network of this width."""
        if self.takes:
            each = replace(self, takes=())
            inner = sum(each.size(len(group), 1, width) for group in self.takes[:-1])
            return inner + each.size(len(self.takes[-1]), m, width)
        return (d + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * m

    def start(self, x: Array, y: Array, domain: Domain, width: int, rng: np.random.Generator) -> Network:
        """A network with its scaling at the best of ``starts`` random starts.

        Raises:
            BadInput: when the parameters do not fit into memory; this is checked first.
        """
        size = self.size(domain.d, y.shape[1], width)
        needed = 8.0 * 10 * size  # parameters, gradients and the steps of an optimiser
        require_memory(needed, f"a network of width {width} with {size} parameters", "choose a smaller width")
        begun = [self._random(y, domain, width, rng) for _ in range(self.starts)]
        if len(begun) == 1:
            return begun[0]
        tried = [_quick(network, x[: self.rows], y[: self.rows], self.iterations) for network in begun]
        return min(tried, key=lambda t: t.minimum.loss).network

    def _random(self, y: Array, domain: Domain, width: int, rng: np.random.Generator) -> Network:
        scaling, m = Scaling.of_domain(domain, y), y.shape[1]
        if self.takes:
            return Network.modular(
                rng,
                domain.d,
                m,
                takes=self.takes,
                width=width,
                depth=self.depth,
                activation=self.activation,
                scaling=scaling,
                inputs=domain.names,
            )
        return Network.init(
            rng,
            domain.d,
            m,
            width,
            self.depth,
            self.activation,
            scaling=scaling,
            frequency=self.frequency,
            inputs=domain.names,
        )

    def train(
        self,
        network: Network,
        x: Array,
        y: Array,
        seconds: float | None,
        rng: np.random.Generator,
        longer: bool = True,
    ) -> Trained:
        """Train on at most ``rows`` samples for ``iterations``; with ``seconds`` and ``longer`` until the time is over."""
        x, y = x[: self.rows], y[: self.rows]
        chosen = self.optimiser or choose_optimiser(network.size, y.size)
        iterations = 10**7 if seconds is not None and longer else self.iterations
        iterations = self.iterations if chosen.scheduled else max(iterations // chosen.price, 1)
        return optimise(network, x, y, chosen, Limit.of(seconds, iterations), rng, target=1e-32)

    def refine(self, network: Network, x: Array, y: Array, seconds: float | None) -> Trained:
        """Continue the training of ``network`` on samples whose last rows are its worst points."""
        first = np.r_[0 : max(len(x) - 2000, 0)][: self.rows - 2000]
        rows = np.concatenate([first, np.arange(max(len(x) - 2000, 0), len(x))])
        chosen = choose_optimiser(network.size, y.size)
        iterations = 100 if chosen.price > 1 else 800
        return optimise(network, x[rows], y[rows], chosen, Limit.of(seconds, iterations))

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """The widest network of the sequence that the samples allow, trained once.

        Raises:
            NotApplicable: for fewer than ten samples.
        """
        if len(x) < 10:
            raise NotApplicable(f"a network needs at least 10 samples, got {len(x)}")
        rng = rng or np.random.default_rng(0)
        allowed = [w for w in self.widths if self.size(domain.d, y.shape[1], w) <= len(x)]
        width = allowed[-1] if allowed else self.widths[0]
        trained = self.train(self.start(x, y, domain, width, rng), x, y, None, rng)
        return as_approximation(trained, min(len(x), self.rows))

    def candidates(self, contest: ActiveFit) -> Iterator[Step]:
        """Networks of growing width, refined at their worst points; then the best one after more training and boosting."""
        outputs = contest.validation.y.shape[1]
        for i, width in enumerate(self.widths):
            size = self.size(contest.problem.domain.d, outputs, width)
            samples = min(int(min(self.ratio * size, self.rows)), contest.left + contest.points.drawn)
            if samples < size / 2 and i > 0:
                yield Skipped(f"network width {width}", f"{size} weights for {samples} samples")
            elif contest.limit.over:
                yield Skipped(f"network width {width}", "the time was up")
            else:
                yield from self.of_width(contest, width, samples, len(self.widths) - i)
        yield from self._more_time(contest)
        yield from self._boost(contest)

    def candidates_of_samples(
        self, contest: Contest, x: Array, y: Array, rng: np.random.Generator
    ) -> Iterator[Step]:
        """One network of each width that the samples ``x (n, d)``, ``y (n, m)`` allow.

        Raises:
            NotApplicable: for fewer than ten samples.
        """
        domain = contest.problem.domain
        if len(x) < 10:
            raise NotApplicable(f"a network needs at least 10 samples, got {len(x)}")
        sizes = [self.size(domain.d, y.shape[1], width) for width in self.widths]
        for i, (width, size) in enumerate(zip(self.widths, sizes, strict=True)):
            if i and size > len(x):
                return
            if contest.limit.over and contest.attempts:
                yield Skipped(f"network width {width}", "the time was up")
                continue
            yield Training(size, min(len(x), self.rows))
            share = contest.limit.within(1 / (len(sizes) - i)).seconds
            network = self.start(x, y, domain, width, rng)
            yield Offer(as_approximation(self.train(network, x, y, share, rng, longer=False), len(x)))

    def of_width(self, contest: ActiveFit, width: int, samples: int, remaining: int) -> Iterator[Step]:
        """A network of one of the ``remaining`` widths and, for norm "sup", its refinements."""
        x, y = contest.points.design(samples)
        if contest.limit.over and contest.attempts:  # expensive calls have taken the remaining time
            yield Skipped(f"network width {width}", "the time was up")
            return
        rng = np.random.default_rng(contest.seed + 11 * width)
        network = self.start(x, y, contest.problem.domain, width, rng)
        share = contest.limit.within(1 / (remaining + 1)).seconds
        yield self._announced(network.size, len(x))
        trained = self.train(network, x, y, share, rng)
        yield _offer(trained, len(x))
        if contest.norm == "sup":
            yield from self._refined(contest, trained.network, x, y, share)

    def _refined(
        self, contest: ActiveFit, network: Network, x: Array, y: Array, share: float | None
    ) -> Iterator[Step]:
        """Add the worst points and train again, as long as the largest error falls and could meet the goal."""
        goal = contest.goal
        for _ in range(1 if goal is None else 3):
            last = contest.attempts[-1]
            hopeless = goal is not None and last.errors.rms > 0.5 * goal
            if hopeless or contest.limit.over:
                return
            search = contest.audit(last, min(contest.audit_evaluations, 8000))
            if search is None:
                return
            extra_x, extra_y = worst_samples(search.rows, contest.problem, y.shape[1])
            x, y = np.concatenate([x, extra_x]), np.concatenate([y, extra_y])
            yield self._announced(network.size, len(x))
            trained = self.refine(network, x, y, share)
            yield _offer(trained, len(x), last)
            if contest.attempts[-1].errors.worst > 0.8 * last.errors.worst:
                return
            network = trained.network

    def _more_time(self, contest: ActiveFit) -> Iterator[Step]:
        """With a time limit: continue the training of the best network as long as its error falls."""
        limit, norm = contest.limit, contest.norm
        while not limit.endless and limit.left > 1.0 and (best := _best(contest)):
            before = best.errors.by(norm)
            x, y = self._samples(contest, best)
            rng = np.random.default_rng(contest.seed + 5)
            yield self._announced(best.approximation.parameters, len(x))
            trained = self.train(_model(best), x, y, 0.3 * limit.left, rng)
            yield _offer(trained, len(x), best)
            if norm == "sup":
                yield from self._refined(contest, trained.network, x, y, limit.left)
            stalled = min(a.errors.by(norm) for a in _networks(contest)) > 0.7 * before
            if stalled or not trained.minimum.reason.startswith("budget"):
                return

    def _boost(self, contest: ActiveFit) -> Iterator[Step]:
        """Fit further networks to the residual of the best one, as long as each halves the error."""
        limited = contest.goal is not None or not contest.limit.endless
        if not (limited and contest.smooth and contest.problem.domain.d <= MOST_INPUTS):
            return
        for stage in range(STAGES):
            best, limit = _best(contest), contest.limit
            if best is None or limit.left < 1.0 or not can_be_boosted(_model(best)):
                return
            width = max(self.widths)
            more = self.size(contest.problem.domain.d, contest.validation.y.shape[1], width)
            x, y = self._samples(contest, best, more)
            rng = np.random.default_rng(contest.seed + 101 + stage)
            iterations = self.iterations if limit.endless else 10**7
            part = limit.within(1 / (STAGES - stage)).upto(iterations)
            yield self._announced(more, len(x))
            trained = Boosting(width, optimiser=self.optimiser).add(_model(best), x, y, part, rng)
            yield _offer(trained, len(x), best)
            if contest.attempts[-1].errors.by(contest.norm) > 0.5 * best.errors.by(contest.norm):
                return

    def _announced(self, weights: int, samples: int) -> Training:
        """The event that announces a training."""
        return Training(weights, min(samples, self.rows))

    def _samples(self, contest: ActiveFit, attempt: Attempt, more: int = 0) -> tuple[Array, Array]:
        """Samples for a network with the attempt's parameters plus ``more``."""
        most = self.ratio * (attempt.approximation.parameters + more)
        return contest.points.design(int(min(most, self.rows, contest.points.drawn + contest.left)))


def worst_samples(rows: Array, problem: Problem, outputs: int, most: int = 60) -> tuple[Array, Array]:
    """The worst rows of a search (see `WorstFound`) with their reference values, thinned to a distance."""
    d = problem.domain.d
    rows = rows[np.isfinite(rows).all(axis=1)]
    x, y = rows[:, :d], rows[:, d + outputs : d + 2 * outputs]
    chosen = thinned(problem.domain.to_unit(x), np.arange(len(x)), 0.01 * np.sqrt(d), most)
    return x[chosen], y[chosen]


def _networks(contest: Contest) -> list[Attempt]:
    return [a for a in contest.attempts if isinstance(a.approximation.model, Network)]


def _best(contest: Contest) -> Attempt | None:
    return min(_networks(contest), key=lambda a: a.errors.by(contest.norm), default=None)


def _model(attempt: Attempt) -> Network:
    model = attempt.approximation.model
    assert isinstance(model, Network)
    return model


def _offer(trained: Trained, samples: int, before: Attempt | None = None) -> Offer:
    """The candidate of a training; if the training continued that of ``before``, samples and trail include those of before.

    The trail has processor seconds and the root of the loss, which is relative to the standard deviation of the samples.
    """
    approximation, trail = as_approximation(trained, samples), before.trail if before else ()
    if before is not None:
        approximation = replace(approximation, samples=max(samples, before.approximation.samples))
    shift = trail[-1][0] if trail else 0.0
    steps = ((shift + seconds, float(np.sqrt(loss))) for _, seconds, loss in trained.minimum.trail)
    return Offer(approximation, before, (*trail, *steps))


def as_approximation(trained: Trained, samples: int) -> Approximation:
    """A trained network as an `Approximation`; its note says why the training stopped."""
    widths = "x".join(map(str, trained.network.widths))
    kind = "modular network" if trained.network.takes else "network"
    network = replace(trained.network, name=f"{kind} {widths}")
    size = network.size
    ended = fact("training-ended", reason=trained.minimum.reason, iterations=trained.minimum.iterations)
    return Approximation(network.as_function(), network, network.name, size, samples, (FIT.text(ended),))


def _quick(network: Network, x: Array, y: Array, iterations: int) -> Trained:
    chosen = choose_optimiser(network.size, y.size)
    return optimise(network, x, y, chosen, Limit(evaluations=max(iterations // (10 * chosen.price), 10)))
