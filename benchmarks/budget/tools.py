"""The tools that a verdict can name, each built from at most N samples, and the largest error found of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import (
    ChebyshevTensor,
    GaussianProcess,
    NotApplicable,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    SparseLegendre,
    TensorTrain,
)
from supnorm.planning import BudgetResult, Trained
from supnorm.planning.learning_curve.on_function import errors
from supnorm.problem import Domain
from supnorm.training.network_fit import NetworkFit

Array = NDArray[np.float64]
Model = Callable[[Array], Array]


def cube(d: int) -> Domain:
    return Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(d)})


def columns(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: f(x)[:, None]


def grid(f: Callable[[Array], Array], d: int, n: int) -> Model:
    tool = PiecewiseChebyshev() if d == 1 else ChebyshevTensor()
    found = tool.from_function(columns(f), cube(d), n).function
    return lambda x: found.value(x)[:, 0]


def blocks(
    f: Callable[[Array], Array], parts: list[list[int]], n: int, product: bool, shift: float, d: int
) -> Model:
    """Fits of the blocks through the middle, added, or multiplied after the shift."""
    if len(parts) < 2:
        raise NotApplicable("one block")
    middle = np.full((1, d), 0.123)
    if product:  # through a place where no factor is near 0
        tried = np.random.default_rng(3).uniform(-1, 1, (100, d))
        middle, n = tried[[np.abs(f(tried) - shift).argmax()]], n - 100
    centre = float(f(middle)[0]) - (shift if product else 0.0)

    def section(block: list[int]) -> Callable[[Array], Array]:
        def value(z: Array) -> Array:
            x = np.repeat(middle, len(z), axis=0)
            x[:, block] = z
            return f(x) - (shift if product else 0.0)

        return value

    fits = [(b, grid(section(b), len(b), n // len(parts))) for b in parts]

    def predict(x: Array) -> Array:
        values = np.stack([fit(x[:, b]) for b, fit in fits])
        if product:
            return values.prod(axis=0) / centre ** (len(fits) - 1) + shift
        return values.sum(axis=0) - (len(fits) - 1) * centre

    return predict


def ridge(f: Callable[[Array], Array], result: BudgetResult, n: int) -> Model:
    """One active direction: a fit along the line from corner to corner."""
    active = result.basis.profile.active if result.basis.profile else None
    if active is None or active.dimension != 1 or len(result.inputs) == 1 or active.residual > 1e-6:
        raise NotApplicable("not a ridge")
    v = active.directions[0]
    ends = np.sign(v + 1e-300)
    reach = float(np.abs(v).sum())
    line = grid(lambda t: f(t * ends), 1, n)
    return lambda x: line((x @ v / reach)[:, None])


def sampled(tool: Any, f: Callable[[Array], Array], d: int, n: int, rng: np.random.Generator) -> Model:
    x = rng.uniform(-1, 1, (n, d))
    found = tool.from_samples(x, f(x)[:, None], cube(d), rng).function
    return lambda x: found.value(x)[:, 0]


def network(x: Array, y: Array, domain: Domain, rng: np.random.Generator) -> tuple[Model, int]:
    """The best of two widths by a tenth of the samples; with the number of weights."""
    held = len(x) // 10
    best: tuple[float, Model, int] = (np.inf, lambda u: np.zeros(len(u)), 0)
    for width in (10, 18):
        tool = NetworkFit(iterations=1000)
        start = tool.start(x[held:], y[held:, None], domain, width, rng)
        found = tool.train(start, x[held:], y[held:, None], None, rng).network
        function = found.as_function()
        error = float(np.abs(function.value(x[:held])[:, 0] - y[:held]).max())
        model = lambda u, g=function: g.value(u)[:, 0]  # noqa: E731
        best = min(best, (error, model, found.size), key=lambda item: item[0])
    return best[1], best[2]


def from_network(f: Callable[[Array], Array], d: int, n: int, rng: np.random.Generator) -> Model:
    x = rng.uniform(-1, 1, (n, d))
    return network(x, f(x), cube(d), rng)[0]


class Climber:
    """The same procedure as a trainer for the learning curve; the width is its own choice."""

    def __call__(self, x: Array, y: Array, width: int, seed: int) -> Trained:
        domain = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(x.shape[1])})
        model, weights = network(x, y, domain, np.random.default_rng(seed))
        return Trained(model, weights, 1000)


def measure(
    f: Callable[[Array], Array],
    truth: Callable[[Array], Array],
    d: int,
    n: int,
    result: BudgetResult,
    scale: float,
) -> dict[str, float]:
    """Largest error found of each tool, over ``scale``; tools that do not apply are left out."""
    acting = result.basis.profile.interactions if result.basis.profile else None
    rng = np.random.default_rng(1)
    tools: dict[str, list[Callable[[], Model]]] = {
        "grid": [lambda: grid(f, d, n)],
        "ridge": [lambda: ridge(f, result, n)],
        "sparse": [
            lambda: sampled(SparseLegendre(), f, d, n, rng),
            lambda: sampled(PolynomialLeastSquares(), f, d, n, rng),
        ],
        "process": [lambda: sampled(GaussianProcess(), f, d, n, rng)],
        "network": [lambda: from_network(f, d, n, rng)],
    }
    if d > 1:
        tools["train"] = [lambda: from_train(f, d, n)]
    if acting is not None and d > 1:
        tools["sum"] = [lambda: blocks(f, acting.blocks(), n, False, 0.0, d)]
        tools["product"] = [lambda: blocks(f, acting.factors(), n, True, acting.shift, d)]
    found = {}
    for name, builders in tools.items():
        values = [e for e in (one_error(build, truth, d) for build in builders) if e is not None]
        if values:
            found[name] = min(values) / scale
    return found


def from_train(f: Callable[[Array], Array], d: int, n: int) -> Model:
    found = TensorTrain(tolerance=1e-5).from_function(columns(f), cube(d), n).function
    return lambda x: found.value(x)[:, 0]


def one_error(build: Callable[[], Model], truth: Callable[[Array], Array], d: int) -> float | None:
    try:
        model = build()
    except NotApplicable:
        return None

    def error(u: Array) -> Array:
        found = np.abs(model(2 * u - 1) - truth(2 * u - 1))
        return np.where(np.isnan(found), np.inf, found)

    return errors(error, d, np.random.default_rng(2), points=10_000)[1]
