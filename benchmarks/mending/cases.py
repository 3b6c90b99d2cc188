"""Networks that are wrong somewhere, after the design note: few training points, a hole in the data, a bump in the weights.

``gen``: few random training points of a function with a pole or a peak in a corner. ``miss``: the reference has a bump
where the training data has a hole. ``bad``: a bump that the reference does not have was trained into the weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ball import ball_radius
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain
from supnorm.training import LevenbergMarquardt
from supnorm.training.train import optimise

Array = NDArray[np.float64]
Reference = Callable[[Array], Array]
NAMES = ("gen2", "gen4", "gen8", "miss2", "miss4", "miss8", "bad2", "bad4", "bad8")
WIDTH = {2: 20, 4: 20, 8: 22}
LOW = np.array([0.05, 100, 63070, 990, 63.1, 700, 1120, 9855])
HIGH = np.array([0.15, 50000, 115600, 1110, 116, 820, 1680, 12045])


def box(d: int) -> Domain:
    """The box [-1, 1]^d."""
    return Domain.from_axes({f"x{i + 1}": (-1.0, 1.0) for i in range(d)})


def smooth(x: Array) -> Array:
    """A reference without glitches."""
    return np.asarray(np.sin(2 * x.sum(axis=1) / np.sqrt(x.shape[1])) + 0.5 * np.cos(3 * x[:, 0]))


def pole(x: Array) -> Array:
    """A pole just outside of a corner."""
    return np.asarray(0.1 / np.hypot(x[:, 0] - 1.05, x[:, 1] - 1.05))


def corner(x: Array) -> Array:
    """Genz's corner peak."""
    return np.asarray((1 + 0.5 * ((x + 1) * np.array([1.5, 1.0, 2.0, 0.5])).sum(axis=1)) ** -5.0)


def borehole(x: Array) -> Array:
    """The flow through a borehole, in hundreds of m3/yr."""
    rw, r, tu, hu, tl, hl, length, kw = (LOW + 0.5 * (x + 1) * (HIGH - LOW)).T
    log = np.log(r / rw)
    return np.asarray(
        0.02 * np.pi * tu * (hu - hl) / (log * (1 + 2 * length * tu / (log * rw**2 * kw) + tu / tl))
    )


def trained(x: Array, y: Array, d: int, seed: int, iterations: int = 60) -> Network:
    """A tanh network of two hidden layers."""
    scaling = Scaling.of_domain(box(d), y[:, None])
    start = Network.init(np.random.default_rng(seed), d, 1, WIDTH[d], 2, scaling=scaling)
    return optimise(start, x, y, LevenbergMarquardt(), Limit(evaluations=iterations)).network


def case(name: str, seed: int) -> tuple[Network, Reference, Domain, tuple[Array, Array]]:
    """A network, its reference, the domain and the training data."""
    rng, d, kind = np.random.default_rng(seed + 1000), int(name[-1]), name[:-1]
    if kind == "gen":
        f = {2: pole, 4: corner, 8: borehole}[d]
        x = rng.uniform(-1, 1, ({2: 200, 4: 400, 8: 800}[d], d))
        return trained(x, f(x), d, seed), f, box(d), (x, f(x))
    radius, centre = 2 * ball_radius(1e-3, d), rng.uniform(-0.5, 0.5, d)

    def bump(x: Array) -> Array:
        return np.asarray(np.exp2(-((x - centre) ** 2).sum(axis=1) / radius**2))

    if kind == "miss":
        x = rng.uniform(-1, 1, (2000, d))
        x = x[np.linalg.norm(x - centre, axis=1) > 3 * radius][:1500]
        return (
            trained(x, smooth(x) + bump(x), d, seed),
            lambda z: smooth(z) + bump(z),
            box(d),
            (x, smooth(x) + bump(x)),
        )
    x = rng.uniform(-1, 1, (1500, d))
    near = centre + radius * rng.normal(size=(300, d))
    both = np.concatenate([x, near[(np.abs(near) <= 1).all(axis=1)]])
    return trained(both, smooth(both) + bump(both), d, seed), smooth, box(d), (x, smooth(x))
