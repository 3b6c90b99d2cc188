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

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Calls
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
# width 24 and 500 iterations .074, .067.
WIDTH, STEPS, MORE = 24, 500, 250
ENOUGH = 0.01  # of the median error: a second model that is so near to its samples is trained no further
SAMPLES = 6000  # of the first training, at most: the worst third of them always
HELD = 10  # one point in so many is held out
EXPLAINED = 0.5  # of the spread of the model's error at these, to which a second model must know it


def second_model(
    problem: Problem, found: Collected, calls: Calls, each: int, seed: int, rng: np.random.Generator
) -> SecondModel | None:
    """A second model; None where no network comes near to the reference, or the user's own function measures the error.

    Args:
        found: all evaluations of a search.
        calls: how the reference is called.
        each: calls of a round.
        seed: of the searches.
    """
    usable = np.isfinite(found.error) & np.isfinite(found.y).all(axis=1)
    x, y, error = found.x[usable], found.y[usable], found.error[usable]
    if problem.error.function is not None or len(x) < HELD * HELD:
        return None
    held = np.zeros(len(x), dtype=bool)
    held[rng.permutation(len(x))[: len(x) // HELD]] = True
    network = _trained(problem, x[~held], y[~held], error[~held], calls, each, seed, rng)
    sign = {"both": 0.0, "over": 1.0, "under": -1.0}[problem.error.side]
    weights = tuple(float(w) for w in problem.error.weights(network.m))
    layer = SecondModel(network, weights, problem.error.floor, sign)
    expected = np.maximum(layer.score(x[held], problem.model.value(x[held])), 0.0)
    spread = float(np.std(error[held]))
    return layer if float(rms(expected - error[held])) <= EXPLAINED * spread else None


def _trained(
    problem: Problem,
    x: Array,
    y: Array,
    error: Array,
    calls: Calls,
    each: int,
    seed: int,
    rng: np.random.Generator,
) -> Network:
    """The network after the first training and after each round."""
    order = np.argsort(-error, kind="stable")
    worst, rest = order[: SAMPLES // 3], order[SAMPLES // 3 :]
    taken = np.concatenate([worst, rng.permutation(rest)[: SAMPLES - len(worst)]])
    x, y = x[taken], y[taken]
    scaling = Scaling.of_domain(problem.domain, y)
    # In the units of the optimiser, for all outputs together.
    near = float(np.median(np.abs(problem.model.value(x) - y) / scaling.output_scale))
    target = (ENOUGH * near) ** 2
    network = Network.init(rng, problem.domain.d, y.shape[1], WIDTH, 2, scaling=scaling)
    network = optimise(network, x, y, limit=Limit(evaluations=STEPS), target=target).network
    for k in range(ROUNDS if each >= LEAST else 0):
        with INTERRUPTS.handed_on():
            more = collect(
                replace(problem, model=network.as_function()), each, None, seed + 31 * (k + 1), calls
            )
        finite = np.isfinite(more.y).all(axis=1)
        x, y = np.concatenate([x, more.x[finite]]), np.concatenate([y, more.y[finite]])
        network = optimise(network, x, y, limit=Limit(evaluations=MORE), target=target).network
    return network
