"""All statements that apply to given numbers, in one list."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

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

# What `math.log` says of zero in Python up to 3.13, and from 3.14 on.
UNDERFLOWN = ("math domain error", "expected a positive input", "expected a positive input, got 0.0")


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
        lost: gets the names of the statements whose numbers float64 does not hold.

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
    listing = _Listing(lost if lost is not None else [])
    peaks = _samples(listing, known, eps, p)
    _weights(listing, known, eps, p, network, peaks)
    if network is not None:
        network.check(known.inputs)
        listing.add(
            "samples, networks of this shape", lambda: [network_class_samples(known.inputs, network, eps, p)]
        )
    _structure(listing, known, eps, p)
    return listing.rows


@dataclass(frozen=True)
class _Listing:
    """Statements whose numbers float64 holds, and the names of those whose numbers it does not hold."""

    lost: list[str]
    rows: list[ClassBound] = field(default_factory=list)

    def add(self, name: str, make: Callable[[], list[ClassBound]]) -> list[ClassBound]:
        """Append these statements and return them; none where a count, or what it comes from, leaves float64."""
        try:
            made = make()
        except ArithmeticError:  # powers beyond 1e308
            made = []
        except ValueError as why:
            # The logarithm of a count that has underflowed to zero; any other ValueError is a fault of ours.
            if str(why) not in UNDERFLOWN:
                raise
            made = []
        if not made and name not in self.lost:
            self.lost.append(name)
        self.rows.extend(made)
        return made


def _samples(listing: _Listing, known: SmoothClass, eps: float, p: float) -> list[ClassBound]:
    """Statements that follow from bounds on the derivatives, none if no smoothness is known.

    Returns:
        the one that counts disjoint peaks, if float64 holds its numbers.
    """
    d, smoothness, bounds = known.inputs, known.smoothness, known.bounds
    peaks: list[ClassBound] = []
    if smoothness is None:
        return peaks
    if smoothness <= 1 and math.isinf(p):
        peaks = listing.add("samples, Hölder class", lambda: holder_samples(d, smoothness, bounds[-1], eps))
    elif 1 <= smoothness < math.inf:
        peaks = listing.add(
            "samples, n derivatives",
            lambda: [
                smooth_samples(d, bounds, eps) if math.isinf(p) else smooth_samples_lp(d, bounds, eps, p)
            ],
        )
        listing.add(
            "piecewise Chebyshev interpolation on a grid",
            lambda: [piecewise_interpolation(d, int(smoothness), bounds[-1], eps)],
        )
        if smoothness >= 2 and math.isinf(p):
            listing.add(
                "samples, n derivatives, randomised methods", lambda: [randomised_samples(d, bounds, eps)]
            )
    if smoothness > 1 and math.isinf(p):
        listing.add("samples, all derivatives bounded", lambda: [infinitely_smooth(d, min(bounds), eps)])
    return peaks[:1]


def _weights(
    listing: _Listing,
    known: SmoothClass,
    eps: float,
    p: float,
    network: NetworkClass | None,
    peaks: list[ClassBound],
) -> None:
    """Statements about weights, for whole numbers of derivatives; ``peaks`` counts the disjoint peaks."""
    if not 1 <= known.order < math.inf:
        return
    d, n = known.inputs, int(known.order)
    if math.isinf(p):
        listing.add("ReLU weights, sup norm", lambda: [b for one in peaks for b in relu_weights(d, n, one)])
        listing.add(
            "ReLU network of a piecewise linear interpolant",
            lambda: [relu_interpolation(d, n, known.bounds[min(n, 2)], eps)],
        )
    listing.rows.extend([*relu_rates(d, n, network.layers if network else None), mixed_rate(d, n)])
    if known.noise > 0:
        listing.rows.append(noise_rate(d, n))


def _structure(listing: _Listing, known: SmoothClass, eps: float, p: float) -> None:
    """Statements about analytic, integrable, composed or low-dimensional functions, and about solutions of equations."""
    rho, fourier = known.rho, known.fourier
    if rho is not None:
        listing.add("polynomials", lambda: polynomial_counts(rho, known.bounds[0], eps))
        listing.rows.extend(sparse_rates(known.inputs))
    if fourier is not None and math.isfinite(p):
        listing.add(
            "one hidden layer of cosines, mean square", lambda: [fourier_weights(known.inputs, fourier, eps)]
        )
    if known.stability is not None:
        listing.rows.append(pinn_rate(known.stability, eps))
    if known.composition:
        arities, orders = zip(*known.composition, strict=True)
        listing.rows.append(composition_rate(arities, orders))
    if known.manifold is not None and 1 <= known.order < math.inf:
        listing.rows.extend(manifold_rates(known.manifold, int(known.order)))
