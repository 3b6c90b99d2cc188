"""A second model: a network trained on the reference's values that a search has computed.

Where it differs from the model, the model is wrong, as far as the second model is right. So it is only taken if the
difference says what the model's error is at points that no training has seen, to half of the spread of these errors. Each
round of training is followed by a search for the largest error of the *second model*, whose points join the samples, as in
the exchange algorithm of Remez (1934): otherwise it is wrong at corners that no sample is near, and the guard with it.

A small network learns the logarithm of the error less well, because that has cusps where the error changes its sign: with
it alone, the guards of five of the nine cases of `python -m benchmarks.mending --parts guard` left more than twice what the
best possible guard leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.cost import of_reference
from supnorm.evaluation import Calls
from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.limit import Limit
from supnorm.guarding.collecting import Collected, collect
from supnorm.guarding.layers import SecondModel
from supnorm.interrupts import INTERRUPTS
from supnorm.networks import Network, Scaling
from supnorm.problem import Problem
from supnorm.results.powers import rms
from supnorm.training.train import optimise

Array = NDArray[np.float64]
SHARE = 0.3  # of a guard's calls that its rounds of search take
ROUNDS = 4
LEAST = 100  # calls of a round: with fewer there are no rounds
# Largest accepted error over unguarded, gen8 of `benchmarks.mending` (two networks): width 20 and 300 iterations .11, .15;
# width 24 and 500 iterations .074, .067. More iterations help where the start is lucky: miss4, seed 7000, the second model
# alone, 5,000 points of one search: 500 .056, 1,500 .009, 4,000 .0065 (the best possible guard .0066) in 2, 5 and 16 s; with
# 2,800 points three starts left .043 to .057 after 1,500. The whole guard left .016 with 1,500 and 400 iterations and .017
# with 500 and 250, in half of the time. With a tenth of the calls on faces, edges and corners the learned error alone left
# .18 instead of .32 (gen8), but whole guards were no better: miss4, seeds 7000 to 7002, .034 .027 .018 instead of .022
# .023 .014.
WIDTH, STEPS, MORE = 24, 500, 250
ENOUGH = 0.01  # of the median error: a second model that is so near to its samples is trained no further
SAMPLES = 6000  # of the first training, at most: the worst third of them always
FEWEST = 100  # points; with fewer there is no second model
HELD = 0.2  # of the points are held out: they judge the layers, and are learned in the end
EXPLAINED = 0.5  # of the spread of the model's error at these, to which a second model must know it


@dataclass(frozen=True, eq=False)
class Second:
    """What the searches for a second model bring.

    Attributes:
        layer: the second model, trained on what is not held out; None where no network comes near to the reference, or the
            user's own function measures the error.
        found: all points that were evaluated, with the error of the *model*.
        held: which of them no training has seen, shape ``(n,)``.
    """

    layer: SecondModel | None
    found: Collected
    held: NDArray[np.bool_]

    def taught(self, problem: Problem, rng: np.random.Generator) -> SecondModel | None:
        """The second model after it has learned the held out points too."""
        if self.layer is None:
            return None
        samples = _samples(self.found, 2 * SAMPLES, rng)
        return replace(self.layer, network=_trained(problem, self.layer.network, samples, MORE))


def takes_calls(problem: Problem, calls: int) -> int:
    """How many of so many calls each round of a second model takes; 0 where there are no rounds."""
    each = int(SHARE * calls / ROUNDS)
    return each if each >= LEAST and problem.error.function is None else 0


def second_model(
    problem: Problem, found: Collected, calls: Calls, each: int, seed: int, rng: np.random.Generator
) -> Second:
    """A second model, and the points of the searches for its own errors.

    Args:
        found: all evaluations of a search for the model's error.
        calls: how the reference is called.
        each: calls of a round; 0 for no rounds.
        seed: of the searches.
    """
    held = rng.random(len(found.x)) < HELD
    if problem.error.function is not None or np.count_nonzero(_usable(found)) < FEWEST:
        return Second(None, found, held)
    samples = _samples(found.rows(~held), SAMPLES, rng)
    scaling = Scaling.of_domain(problem.domain, samples.y)
    network = Network.init(rng, problem.domain.d, samples.y.shape[1], WIDTH, 2, scaling=scaling)
    network = _trained(problem, network, samples, STEPS)
    first = len(found.x)
    for k in range(ROUNDS if each else 0):
        more = _searched(problem, network, each, seed + 31 * (k + 1), calls)
        apart = rng.random(len(more.x)) < HELD
        found, held = found + more, np.concatenate([held, apart])
        samples = samples + more.rows(~apart & _usable(more))
        network = _trained(problem, network, samples, MORE)
    sign = {"both": 0.0, "over": 1.0, "under": -1.0}[problem.error.side]
    weights = tuple(float(w) for w in problem.error.weights(network.m))
    layer = SecondModel(network, weights, problem.error.floor, sign)
    judge = found.rows(held & _usable(found) & (np.arange(len(held)) < first))
    expected = np.maximum(layer.score(judge.x, values_of(problem.model, judge.x, judge.y.shape[1])), 0.0)
    knows = float(rms(expected - judge.error)) <= EXPLAINED * float(np.std(judge.error))
    return Second(layer if knows else None, found, held)


def _usable(found: Collected) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(found.error) & np.isfinite(found.y).all(axis=1))


def _samples(found: Collected, most: int, rng: np.random.Generator) -> Collected:
    """So many of the points at most: the worst third of them always."""
    found = found.rows(_usable(found))
    order = np.argsort(-found.error, kind="stable")
    worst, rest = order[: most // 3], order[most // 3 :]
    return found.rows(np.concatenate([worst, rng.permutation(rest)[: most - len(worst)]]))


def _trained(problem: Problem, network: Network, samples: Collected, steps: int) -> Network:
    """The network after so many steps, or fewer where it is near enough to its samples."""
    x, y = samples.x, samples.y
    # In the units of the optimiser, for all outputs together.
    near = float(
        np.median(np.abs(values_of(problem.model, x, y.shape[1]) - y) / network.scaling.output_scale)
    )
    return optimise(network, x, y, limit=Limit(evaluations=steps), target=(ENOUGH * near) ** 2).network


def _searched(problem: Problem, network: Network, evaluations: int, seed: int, calls: Calls) -> Collected:
    """Points of a search for the largest error of the network, with the error of the model."""
    # The network is cheap, whatever the model costs, and a store holds the values of the model.
    store = None if calls.store is None else calls.store.only("reference")
    calls = replace(calls, store=store, cost=of_reference(calls.cost))
    with INTERRUPTS.handed_on():
        more = collect(replace(problem, model=network.as_function()), evaluations, None, seed, calls)
    error = problem.error(values_of(problem.model, more.x, more.y.shape[1]), more.y, more.x)[0]
    return replace(more, error=error).rows(~np.isnan(error))
