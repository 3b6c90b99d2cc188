"""Small networks that are wrong in one place: their training data had a hole there."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from supnorm import Domain, Guard, Problem, guard
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling
from supnorm.training import optimise

Array = NDArray[np.float64]
LINE = Domain(x=(-1.0, 1.0))
SQUARE = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
CENTRE = np.array([0.3, -0.2])


def peak(x: Array) -> Array:
    """A reference of one input with a narrow peak at 0.5."""
    return np.sin(2.0 * x[:, 0]) + np.exp(-((x[:, 0] - 0.5) ** 2) / 0.005)


def bump(x: Array) -> Array:
    """A reference of two inputs with a narrow bump at `CENTRE`."""
    return np.sin(x.sum(axis=1)) + np.exp(-((x - CENTRE) ** 2).sum(axis=1) / 0.01)


def trained(x: Array, y: Array, width: int, iterations: int) -> Network:
    """A network trained on these samples."""
    start = Network.init(
        np.random.default_rng(0), x.shape[1], 1, width, 2, scaling=Scaling.of_data(x, y[:, None])
    )
    return optimise(start, x, y, limit=Limit(evaluations=iterations)).network


@cache
def line() -> tuple[Network, Array, Array]:
    """A network of one input that has not seen the peak, and its samples."""
    x = np.random.default_rng(1).uniform(-1.0, 1.0, (80, 1))
    x = x[np.abs(x[:, 0] - 0.5) > 0.25]
    return trained(x, peak(x), 8, 60), x, peak(x)


@cache
def square() -> Network:
    """A network of two inputs that has not seen the bump."""
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (600, 2))
    x = x[np.linalg.norm(x - CENTRE, axis=1) > 0.35]
    return trained(x, bump(x), 10, 60)


@cache
def line_guard() -> Guard:
    """A guard of the network that has not seen the peak, which fills a tenth of its domain; shared by many tests."""
    return guard(line_problem(0.02), reject=0.25, evaluations=2000, calibration=1000)


def line_problem(tolerance: float | None = None) -> Problem:
    """The network of one input against its reference."""
    return Problem(line()[0].as_function(), peak, LINE, tolerance=tolerance)


def square_problem(tolerance: float | None = None) -> Problem:
    """The network of two inputs against its reference."""
    return Problem(square().as_function(), bump, SQUARE, tolerance=tolerance)
