"""The strategies of `fit` by name: one table for Python, the command line and `budget`."""

from __future__ import annotations

from typing import Any

from supnorm.approximants import (
    ChebyshevTensor,
    GaussianProcess,
    PiecewiseChebyshev,
    PiecewiseLeastSquares,
    PolynomialLeastSquares,
    RandomFeatures,
    SimplexInterpolation,
    SparseLegendre,
    TensorTrain,
)
from supnorm.results import BadInput
from supnorm.training.network_fit import NetworkFit

STRATEGIES: dict[str, type[Any]] = {
    "chebyshev": ChebyshevTensor,
    "piecewise-chebyshev": PiecewiseChebyshev,
    "piecewise-polynomial": PiecewiseLeastSquares,
    "polynomial": PolynomialLeastSquares,
    "sparse-legendre": SparseLegendre,
    "simplex": SimplexInterpolation,
    "gaussian-process": GaussianProcess,
    "tensor-train": TensorTrain,
    "random-features": RandomFeatures,
    "network": NetworkFit,
}


def automatic(d: int) -> list[Any]:
    """The strategies that `fit` tries for ``d`` inputs, in order."""
    grids: list[Any] = [ChebyshevTensor(), PiecewiseChebyshev() if d == 1 else TensorTrain()]
    own_points = grids[::-1] if d >= 4 else grids  # a full grid is expensive from four inputs on
    sampled: list[Any] = [RandomFeatures(), PolynomialLeastSquares()]
    if d >= 2:
        sampled.append(PolynomialLeastSquares("hyperbolic"))
    if d >= 3:
        sampled.append(SparseLegendre())
    return [*own_points, *sampled, GaussianProcess(), SimplexInterpolation(), NetworkFit()]


def strategies(method: Any, d: int, fixed: bool = False) -> list[Any]:
    """The strategies that ``method`` stands for with ``d`` inputs, for ``fixed`` samples or a reference.

    Raises:
        BadInput: for anything else than ``"auto"``, a name of `STRATEGIES`, a strategy or an optimiser.

    >>> [type(strategy).__name__ for strategy in strategies("polynomial", 2)]
    ['PolynomialLeastSquares']
    """
    if isinstance(method, str) and method == "auto":
        if not fixed:
            return automatic(d)
        pieces = [PiecewiseLeastSquares()] if d == 1 else []
        return pieces + [m for m in automatic(d) if hasattr(m, "from_samples")]
    if isinstance(method, str) and method in STRATEGIES:
        method = STRATEGIES[method]()
    if hasattr(method, "minimise"):
        return [NetworkFit(optimiser=method)]
    if hasattr(method, "from_samples") or (hasattr(method, "from_function") and not fixed):
        return [method]
    if hasattr(method, "from_function"):
        raise BadInput(f"{type(method).__name__} chooses its own points and cannot use fixed samples")
    raise BadInput(
        f"method must be auto, one of {', '.join(STRATEGIES)}, a strategy such as NetworkFit() or an optimiser, "
        f"got {method!r}"
    )
