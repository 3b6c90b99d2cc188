"""The strategies that a fit tries, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from supnorm.results import BadInput
from supnorm.strategies import STRATEGIES, named


def automatic(d: int) -> list[Any]:
    """The strategies that `fit` tries for ``d`` inputs, in order."""
    at_nodes = [
        "chebyshev",
        *(("piecewise-chebyshev", "aaa") if d == 1 else ("tensor-train",)),
    ]
    if d >= 4:  # a full grid is expensive from four inputs on
        at_nodes.reverse()
    sampled: list[Any] = [named("random-features"), named("polynomial")]
    if d >= 2:
        sampled.append(replace(named("polynomial"), index_set="hyperbolic"))
    if d >= 3:
        sampled.append(named("sparse-legendre"))
    return [*map(named, at_nodes), *sampled, *map(named, ("gaussian-process", "simplex", "network"))]


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
        pieces = [named("piecewise-polynomial")] if d == 1 else []
        able = [m for m in automatic(d) if hasattr(m, "from_samples")]
        # Rational functions choose their own points where there is a reference; here they come after the polynomials.
        able.sort(
            key=lambda m: (
                hasattr(m, "from_function") or m not in (named("random-features"), named("polynomial"))
            )
        )
        if d == 1:  # where there is a reference, AAA chooses better points with fewer calls
            able.insert(3, named("floater-hormann"))
        return pieces + able
    if isinstance(method, str) and method in STRATEGIES:
        method = named(method)
    if hasattr(method, "minimise"):
        return [replace(named("network"), optimiser=method)]
    if hasattr(method, "from_samples") or (hasattr(method, "from_function") and not fixed):
        return [method]
    if hasattr(method, "from_function"):
        raise BadInput(f"{type(method).__name__} chooses its own points and cannot use fixed samples")
    raise BadInput(
        f"method must be auto, one of {', '.join(STRATEGIES)}, a strategy such as NetworkFit() or an optimiser, "
        f"got {method!r}"
    )
