"""Networks fitted to smooth functions in four to six inputs: what a user brings, where `targets` has random weights.

Functions of all inputs: a wave, a Gaussian, a root, and one whose pairs of inputs interact differently, on [-1, 1]^d
and on a half of it along each axis, where networks of this size come to errors below 1e-2 in six inputs too. Networks
are trained by `optimise` with its own choice of optimiser on samples of the arcsine density (denser towards faces and
corners, where errors of uniform samples are largest), until the largest error on 20,000 further ones is below 0.3 % of the
function's range, at most ``ROUNDS`` times 100 iterations. The `FINE` ones, on a half or a quarter of the box, go on until it
is below ``SMALL``, the smallest error that the targets speak of, at most ``MANY`` times 100 iterations. The `LONG` ones are
trained as most users do, 20,000 steps of Adam, on 24,000 samples; there the bridge circuit of the literature on surrogates
is a fifth function
(OTL push-pull circuit, Ben-Ari and Steinberg 2007: mid-point voltage of six resistances and a current gain).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network, Scaling
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "wave": lambda x: jnp.cos(1.0 + x.sum(1, keepdims=True)),
    "Gaussian": lambda x: jnp.exp(-0.5 * (x * x).sum(1, keepdims=True)),
    "root": lambda x: jnp.sqrt(1.0 + (x * x).sum(1, keepdims=True)),
    "mixed": lambda x: (
        jnp.sin(2.0 * x[:, :1] * x[:, 1:2]) + jnp.exp(x[:, 2:3]) * jnp.cos(x[:, 3:4]) / (2.0 + x[:, -1:])
    ),
}


def circuit(x: Any) -> Any:
    """Mid-point voltage in V, 2.5 to 9, of a transformerless push-pull circuit; inputs scaled to [-1, 1]."""
    low = jnp.array([50.0, 25.0, 0.5, 1.2, 0.25, 50.0])
    high = jnp.array([150.0, 70.0, 3.0, 2.5, 1.2, 300.0])
    b1, b2, f, c1, c2, gain = ((low + (high - low) * (x + 1.0) / 2.0)[:, i : i + 1] for i in range(6))
    base, part = 12.0 * b2 / (b1 + b2), gain * (c2 + 9.0)
    return (base + 0.74) * part / (part + f) + 11.35 * f / (part + f) + 0.74 * f * part / ((part + f) * c1)


FOUR = (("tanh", 1.5), ("tanh", 1.1), ("sin", 1.1), ("silu", 1.1))
NETS = [  # inputs, width, depth, target seconds, activations and ratios, half widths of the box, seeds
    (4, 32, 2, 2.0, FOUR, (1.0, 0.5), (21, 22)),
    (4, 64, 3, 90.0, FOUR[:2], (1.0, 0.5), (21,)),
    (5, 32, 2, 25.0, FOUR, (1.0, 0.5), (21, 22)),
    (6, 32, 2, 360.0, FOUR, (1.0, 0.5), (21,)),
]
FINE = [
    (6, 32, 2, 360.0, FOUR, (0.25,), (31,)),
    (5, 32, 2, 25.0, FOUR, (0.25,), (31,)),
    (4, 32, 2, 2.0, FOUR, (0.25,), (31, 32)),
    (4, 64, 3, 90.0, FOUR[:2], (0.25,), (31,)),
    (4, 32, 2, 2.0, FOUR[:2], (0.5,), (31,)),
    (5, 32, 2, 25.0, FOUR[:2], (0.5,), (31,)),
    (6, 32, 2, 360.0, FOUR[:2], (0.5,), (31,)),
]
LONG = [(6, 32, 2, 360.0, FOUR[:1], (1.0,), (21,))]
CIRCUIT_SEEDS = (21, 22, 23)
ROUNDS, MANY, SMALL = 10, 40, 3e-4
KEPT: list[Path] = []  # a folder in which parameters of trained networks are kept, for `paired`


def rows() -> Iterator[tuple[str, Callable[[], Problem], float, float]]:
    """Name, problem, ratio and target seconds of each row of the table."""
    kinds = [(*net, "", fitted, tuple(FUNCTIONS)) for net in NETS]
    kinds += [(*net, " trained on", fine, tuple(FUNCTIONS)) for net in FINE]
    kinds += [(*net, " by Adam", trained_long, (*FUNCTIONS, "circuit")) for net in LONG]
    for d, width, depth, wanted, asked, reaches, seeds, how, make, names in kinds:
        plan = [(name, seed) for name in names for seed in (CIRCUIT_SEEDS if name == "circuit" else seeds)]
        for reach, (activation, ratio), (name, seed) in itertools.product(reaches, asked, plan):
            where = "" if reach == 1.0 else f", box of {reach}"
            shape = f"{d}-D {depth}x{width} {activation}{how}{where}, ratio {ratio}"
            problem = partial(make, name, (d, width, depth), activation, reach, seed)
            yield f"{shape} | {name}, seed {seed}", problem, ratio, wanted


def fitted(name: str, shape: tuple[int, int, int], activation: str, reach: float, seed: int) -> Problem:
    """A trained network against the function ``name`` on [-reach, reach]^d; ``shape``: d, width, depth."""
    return _trained(name, shape, activation, reach, seed, None, ROUNDS)


@cache
def fine(name: str, shape: tuple[int, int, int], activation: str, reach: float, seed: int) -> Problem:
    """The same, trained until the error is below ``SMALL``."""
    return _trained(name, shape, activation, reach, seed, SMALL, MANY)


def _trained(
    name: str,
    shape: tuple[int, int, int],
    activation: str,
    reach: float,
    seed: int,
    goal: float | None,
    rounds: int,
) -> Problem:
    d, width, depth = shape
    function, rng = FUNCTIONS[name], np.random.default_rng([seed, d, width, depth])
    x, far = (reach * np.cos(np.pi * rng.random((n, d))) for n in (1500 * d, 20_000))
    y, true = np.asarray(function(x)), np.asarray(function(far))
    network = Network.init(rng, d, 1, width, depth, activation, scaling=Scaling.of_data(x, y))
    enough = goal or 0.003 * np.ptp(true)

    def train() -> Network:
        # Here: `paired` runs this file with older states of supnorm, too.
        from supnorm.evaluation.limit import Limit
        from supnorm.training.train import optimise

        trained = network
        for _ in range(rounds):
            trained = optimise(trained, x, y, None, Limit(evaluations=100)).network
            if np.abs(trained.value(far) - true).max() < enough:
                break
        return trained

    return _problem(_once(network, train, name, shape, activation, reach, seed, goal), function, reach)


def _once(start: Network, train: Callable[[], Network], *key: Any) -> Network:
    """A trained network, whose parameters are read from the folder where they are kept there."""
    if not KEPT:
        return train()
    file = KEPT[0] / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        np.save(file, train().flat)
    return start.with_flat(np.load(file))


def trained_long(name: str, shape: tuple[int, int, int], activation: str, reach: float, seed: int) -> Problem:
    """The same by Adam."""
    from supnorm.evaluation.limit import Limit
    from supnorm.training.adam import Adam
    from supnorm.training.train import optimise

    d, width, depth = shape
    function = circuit if name == "circuit" else FUNCTIONS[name]
    rng = np.random.default_rng([seed, d, width, depth])
    x = reach * np.cos(np.pi * rng.random((24_000, d)))
    y = np.asarray(function(x))
    network = Network.init(rng, d, 1, width, depth, activation, scaling=Scaling.of_data(x, y))
    trained = optimise(network, x, y, Adam(rate=1e-2, batch=1024), Limit(evaluations=20_000)).network
    return _problem(trained, function, reach)


def _problem(network: Network, function: Callable[[Any], Any], reach: float) -> Problem:
    axes = {f"x{i}": (-reach, reach) for i in range(network.d)}
    return Problem(network.as_function(), function, Domain.from_axes(axes))
