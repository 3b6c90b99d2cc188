"""A small guarded model: two inputs, a network that has not seen a bump of its reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import supnorm as sn
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling
from supnorm.training import optimise

CENTRE = np.array([0.3, -0.2])


def bump(x: Any) -> Any:
    """A reference with a narrow bump."""
    return np.sin(x.sum(axis=1)) + np.exp(-((x - CENTRE) ** 2).sum(axis=1) / 0.01)


@cache
def bump_data() -> tuple[Any, Any]:
    """The samples of the network: none near the bump."""
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (600, 2))
    x = x[np.linalg.norm(x - CENTRE, axis=1) > 0.35]
    return x, bump(x)


@cache
def bump_problem() -> sn.Problem:
    """Network and reference, tolerance 0.05."""
    x, y = bump_data()
    start = Network.init(np.random.default_rng(0), 2, 1, 10, 2, scaling=Scaling.of_data(x, y[:, None]))
    network = optimise(start, x, y, limit=Limit(evaluations=60)).network
    return sn.Problem(network.as_function(), bump, sn.Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)), tolerance=0.05)


@cache
def bump_guard() -> sn.Guard:
    """Its guard, which rejects one input in ten."""
    return sn.guard(bump_problem(), reject=0.1, evaluations=1500, calibration=500)
