"""The names of the strategies of `fit`: one table for Python, the command line and `budget`.

A strategy is loaded when it is asked for: the command line lists the names without loading one of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from supnorm.results.status import BadInput

STRATEGIES = {
    "chebyshev": "supnorm.approximants:ChebyshevTensor",
    "piecewise-chebyshev": "supnorm.approximants:PiecewiseChebyshev",
    "piecewise-polynomial": "supnorm.approximants:PiecewiseLeastSquares",
    "aaa": "supnorm.approximants:AAA",
    "floater-hormann": "supnorm.approximants:FloaterHormann",
    "polynomial": "supnorm.approximants:PolynomialLeastSquares",
    "sparse-legendre": "supnorm.approximants:SparseLegendre",
    "simplex": "supnorm.approximants:SimplexInterpolation",
    "gaussian-process": "supnorm.approximants:GaussianProcess",
    "tensor-train": "supnorm.approximants:TensorTrain",
    "random-features": "supnorm.approximants:RandomFeatures",
    "network": "supnorm.training:NetworkFit",
}


def named(name: str, what: str = "method", also: tuple[str, ...] = ()) -> Any:
    """The strategy of a name, with its default options; a message says ``what`` it is and names what is known ``also``.

    Raises:
        BadInput: for another name.

    >>> named("tensor-train").rank
    32
    """
    if name not in STRATEGIES:
        raise BadInput(f"{what} {name!r} is not known; known are {', '.join((*also, *STRATEGIES))}")
    module, _, strategy = STRATEGIES[name].partition(":")
    return getattr(import_module(module), strategy)()
