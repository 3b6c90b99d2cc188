"""All statements that apply to given numbers, in one list."""

from __future__ import annotations

import math
from collections.abc import Sequence

from supnorm.planning.theory.bump import MAX_ORDER
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
    d: int,
    smoothness: float,
    eps: float,
    p: float = math.inf,
    scales: float | Sequence[float] = 1.0,
    shape: NetworkClass | None = None,
    rho: Sequence[float] | None = None,
    noise: float = 0.0,
    fourier: float | None = None,
    stability: float | None = None,
    composition: Sequence[tuple[float, float]] = (),
    manifold: float | None = None,
) -> list[ClassBound]:
    """Everything the theory says for ``d`` inputs and absolute tolerance ``eps``.

    Args:
        d: inputs.
        smoothness: a whole number of derivatives, an order in (0, 1] (Hölder), or ``inf``.
        eps: absolute tolerance, in the unit of the function's values.
        p: the norm, ``inf`` or at least 1.
        scales: bound on all derivatives up to that order on the unit cube, or one bound per order, from
            order 0 (the size of the function) up to ``smoothness``. For a Hölder order: the constant.
        shape: a network class to speak about as well.
        rho: Bernstein parameters per axis, where the function is analytic.
        noise: standard deviation of independent noise on the values.
        fourier: integral of |Fourier transform| of the function, where it is known.
        stability: the constant C of ``|u - v| <= C |residual of v|`` for an equation that f solves.
        composition: number of inputs and derivatives of each function of a composition, inner ones first.
        manifold: the dimension of the set that the inputs lie on.

    Raises:
        BadInput: for numbers outside these ranges.

    >>> rows = theory(12, 2, 1e-3)
    >>> rows[0].name, round(rows[0].log10, 1)
    ('samples, n derivatives, sup norm', 10.1)
    """
    _check(d, smoothness, eps, p)
    for name, value in (("fourier", fourier), ("stability", stability), ("manifold", manifold)):
        if value is not None and not 0 < value < math.inf:
            raise BadInput(f"{name} must be a positive number, got {value}")
    if rho is not None and not (len(rho) == d and all(1 < r < math.inf for r in rho)):
        raise BadInput(f"rho must be {d} numbers above 1, one for each input, got {list(rho)}")
    bounds = _spread(smoothness, scales)
    rows: list[ClassBound] = []
    if smoothness <= 1 and math.isinf(p):
        rows += holder_samples(d, smoothness, bounds[-1], eps)
    elif smoothness >= 1 and math.isfinite(smoothness):
        lower = smooth_samples(d, bounds, eps) if math.isinf(p) else smooth_samples_lp(d, bounds, eps, p)
        rows += [lower, piecewise_interpolation(d, int(smoothness), bounds[-1], eps)]
        if smoothness >= 2 and math.isinf(p):
            rows.append(randomised_samples(d, bounds, eps))
    if smoothness > 1 and math.isinf(p):
        rows.append(infinitely_smooth(d, min(bounds), eps))
    if math.isfinite(smoothness) and smoothness >= 1:
        if math.isinf(p):
            rows += relu_weights(d, int(smoothness), rows[0])
            rows.append(relu_interpolation(d, int(smoothness), bounds[min(int(smoothness), 2)], eps))
        rows += relu_rates(d, int(smoothness), shape.layers if shape else None)
        rows.append(mixed_rate(d, int(smoothness)))
        if noise > 0:
            rows.append(noise_rate(d, int(smoothness)))
    if shape is not None:
        rows.append(network_class_samples(d, shape, eps, p))
    if rho is not None:
        rows += [*polynomial_counts(rho, bounds[0], eps), *sparse_rates(d)]
    if fourier is not None and math.isfinite(p):
        rows.append(fourier_weights(d, fourier, eps))
    if stability is not None:
        rows.append(pinn_rate(stability, eps))
    if composition:
        if not all(len(part) == 2 and min(part) > 0 for part in composition):
            raise BadInput(
                f"composition wants pairs of positive numbers (inputs, derivatives), got {composition}"
            )
        arities, orders = zip(*composition, strict=True)
        rows.append(composition_rate(arities, orders))
    if manifold is not None and 1 <= smoothness < math.inf:
        rows += manifold_rates(manifold, int(smoothness))
    return rows


def _check(d: int, smoothness: float, eps: float, p: float) -> None:
    if d < 1 or d != int(d):
        raise BadInput(f"inputs must be a whole number of at least 1, got {d}")
    if not eps > 0 or math.isinf(eps):
        raise BadInput(f"tolerance must be a positive number, got {eps}")
    if not p >= 1:
        raise BadInput(f"the norm must be sup or L^p with p >= 1, got p = {p}")
    whole = smoothness == int(smoothness) if math.isfinite(smoothness) else True
    if not smoothness > 0 or (smoothness > 1 and not whole) or MAX_ORDER < smoothness < math.inf:
        raise BadInput(
            f"smoothness must be a whole number up to {MAX_ORDER}, an order in (0, 1], "
            f"or inf, got {smoothness}"
        )


def _spread(smoothness: float, scales: float | Sequence[float]) -> tuple[float, ...]:
    count = int(smoothness) + 1 if math.isfinite(smoothness) else 1
    count = max(count, 2)
    values = (float(scales),) * count if isinstance(scales, int | float) else tuple(map(float, scales))
    if math.isfinite(smoothness) and len(values) != count:
        raise BadInput(f"give one derivative scale or {count} (orders 0 to {count - 1}), got {len(values)}")
    if not values or not all(v > 0 and math.isfinite(v) for v in values):
        raise BadInput(f"derivative scales must be positive numbers, got {list(values)}")
    return values
