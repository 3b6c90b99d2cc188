"""All statements that apply to given numbers, in one list."""

from __future__ import annotations

import math
from collections.abc import Callable

from supnorm.planning.smooth_class import SmoothClass
from supnorm.planning.theory.fourier import fourier_weights
from supnorm.planning.theory.holder_samples import holder_samples
from supnorm.planning.theory.infinitely_smooth import infinitely_smooth
from supnorm.planning.theory.network_class import NetworkClass, network_class_samples
from supnorm.planning.theory.piecewise import piecewise_interpolation
from supnorm.planning.theory.polynomials import polynomial_counts
from supnorm.planning.theory.randomised_samples import randomised_samples
from supnorm.planning.theory.relu_interpolation import relu_interpolation
from supnorm.planning.theory.relu_weights import relu_rates, relu_weights
from supnorm.planning.theory.smooth_samples import smooth_samples
from supnorm.planning.theory.smooth_samples_lp import smooth_samples_lp
from supnorm.planning.theory.statement import ClassBound
from supnorm.planning.theory.structure import (
    composition_rate,
    manifold_rates,
    mixed_rate,
    noise_rate,
    pinn_rate,
    sparse_rates,
)
from supnorm.results import BadInput


def theory(
    known: SmoothClass,
    eps: float,
    p: float = math.inf,
    network: NetworkClass | None = None,
    lost: list[str] | None = None,
) -> list[ClassBound]:
    """All statements about a class and an absolute tolerance whose numbers float64 holds.

    Args:
        known: the class.
        eps: absolute tolerance, in the unit of the function's values.
        p: the norm, ``inf`` or at least 1.
        network: a network class that the statements also cover.
        lost: gets the reason for each group of statements whose numbers float64 does not hold.

    Raises:
        BadInput: for numbers outside these ranges.

    >>> rows = theory(SmoothClass(inputs=12, smoothness=2), 1e-3)
    >>> rows[0].name, round(rows[0].log10, 1)
    ('samples, n derivatives, sup norm', 10.1)
    """
    if not eps > 0 or math.isinf(eps):
        raise BadInput(f"tolerance must be a positive number, got {eps}")
    if not p >= 1:
        raise BadInput(f"the norm must be sup or L^p with p >= 1, got p = {p}")
    samples = _countable(lambda: _samples(known, eps, p), lost)
    rows = [*samples, *_countable(lambda: _weights(known, eps, p, network, samples), lost)]
    if network is not None:
        network.check(known.inputs)
        rows += _countable(lambda: [network_class_samples(known.inputs, network, eps, p)], lost)
    return [*rows, *_countable(lambda: _structure(known, eps, p), lost)]


def _countable(make: Callable[[], list[ClassBound]], lost: list[str] | None) -> list[ClassBound]:
    """These statements; none where a count, or what it comes from, leaves the range of float64."""
    try:
        return make()
    # Powers beyond 1e308, and the logarithm of a count that has underflowed to zero.
    except (ArithmeticError, ValueError) as why:
        if lost is not None:
            lost.append(str(why))
        return []


def _samples(known: SmoothClass, eps: float, p: float) -> list[ClassBound]:
    """Statements that follow from bounds on the derivatives; none if no smoothness is known."""
    d, smoothness, bounds = known.inputs, known.smoothness, known.bounds
    if smoothness is None:
        return []
    rows: list[ClassBound] = []
    if smoothness <= 1 and math.isinf(p):
        rows += holder_samples(d, smoothness, bounds[-1], eps)
    elif 1 <= smoothness < math.inf:
        lower = smooth_samples(d, bounds, eps) if math.isinf(p) else smooth_samples_lp(d, bounds, eps, p)
        rows += [lower, piecewise_interpolation(d, int(smoothness), bounds[-1], eps)]
        if smoothness >= 2 and math.isinf(p):
            rows.append(randomised_samples(d, bounds, eps))
    if smoothness > 1 and math.isinf(p):
        rows.append(infinitely_smooth(d, min(bounds), eps))
    return rows


def _weights(
    known: SmoothClass, eps: float, p: float, network: NetworkClass | None, samples: list[ClassBound]
) -> list[ClassBound]:
    """Statements about weights, for whole numbers of derivatives; ``samples`` counts the disjoint peaks."""
    if not 1 <= known.order < math.inf:
        return []
    d, n, rows = known.inputs, int(known.order), list[ClassBound]()
    if math.isinf(p) and samples:
        rows += relu_weights(d, n, samples[0])
        rows.append(relu_interpolation(d, n, known.bounds[min(n, 2)], eps))
    rows += relu_rates(d, n, network.layers if network else None)
    rows.append(mixed_rate(d, n))
    if known.noise > 0:
        rows.append(noise_rate(d, n))
    return rows


def _structure(known: SmoothClass, eps: float, p: float) -> list[ClassBound]:
    """Statements about analytic, integrable, composed or low-dimensional functions, and about solutions of equations."""
    rows: list[ClassBound] = []
    if known.rho is not None:
        rows += [*polynomial_counts(known.rho, known.bounds[0], eps), *sparse_rates(known.inputs)]
    if known.fourier is not None and math.isfinite(p):
        rows.append(fourier_weights(known.inputs, known.fourier, eps))
    if known.stability is not None:
        rows.append(pinn_rate(known.stability, eps))
    if known.composition:
        arities, orders = zip(*known.composition, strict=True)
        rows.append(composition_rate(arities, orders))
    if known.manifold is not None and 1 <= known.order < math.inf:
        rows += manifold_rates(known.manifold, int(known.order))
    return rows
