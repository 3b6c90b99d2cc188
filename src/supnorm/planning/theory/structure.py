"""Rates that hold when the function has structure: composition, manifold, mixed smoothness, noise, PINN, sparsity.

Each replaces d or n in eps^(-d/n). We know only the rates; constants depend on the proof and are not printed. The profile
tests whether a function has the structure. `seen` states which part of a source was read; "not seen" means that the rate
is quoted as it is usually stated.
"""

from __future__ import annotations

from collections.abc import Sequence

from supnorm.planning.theory.statement import GUARANTEE, ClassBound, known_rate
from supnorm.results.numbers import num


def composition_exponent(arity: Sequence[float], smoothness: Sequence[float]) -> float:
    """``max_i t_i / b*_i`` with ``b*_i = b_i prod_(l>i) min(b_l, 1)``; inner functions first.

    >>> composition_exponent([2, 2], [2.0, 0.5])
    4.0
    """
    exponents, outer = [], 1.0
    for t, b in zip(reversed(arity), reversed(smoothness), strict=True):
        exponents.append(t / (b * outer))
        outer *= min(b, 1.0)
    return max(exponents)


def composition_rate(arity: Sequence[float], smoothness: Sequence[float]) -> ClassBound:
    """Weights and samples for a composition of functions of few variables."""
    return known_rate(
        "composition of simpler functions",
        f"eps^(-{num(composition_exponent(arity, smoothness))})",
        f"compositions, arities {list(arity)}, smoothness {list(smoothness)}",
        "Schmidt-Hieber 2020; Mhaskar and Poggio 2016",
        "the composition is known or found",
    )


def manifold_rates(dimension: float, n: int) -> list[ClassBound]:
    """Weights for inputs on a manifold, and the observed law of trained networks."""
    inputs = f"inputs on a set of dimension {num(dimension)}"
    law = "later queries follow the law of the data"
    proved = known_rate(
        "inputs on a low-dimensional set",
        f"eps^(-{num(dimension)}/{n})",
        f"n = {n} derivatives, {inputs}",
        "Nakada and Imaizumi 2020",
        law,
    )
    observed = known_rate(
        "observed law of trained networks on a low-dimensional set",
        f"eps^(-{num(dimension / 2)}), root mean square",
        inputs,
        "Sharma and Kaplan 2022: mean square error ~ N^(-4/dimension)",
        law,
        "piecewise linear networks, data and training not the limit",
        status="heuristic",
        seen="abstract",
    )
    return [proved, observed]


def mixed_rate(d: int, n: int) -> ClassBound:
    """Samples when mixed derivatives up to order n in each variable are bounded."""
    return known_rate(
        "bounded mixed derivatives: sparse grid",
        f"eps^(-1/{n}) log(1/eps)^({(d - 1) * (n + 1)}/{n})",
        f"mixed derivatives up to order {n} in each variable bounded, d = {d}",
        "Bungartz and Griebel 2004",
        "mixed regularity, which pure derivatives do not show",
        quantity="samples",
    )


def sparse_rates(d: int) -> list[ClassBound]:
    """Samples for an expansion with s important terms among N that are not known beforehand."""
    sensing = known_rate(
        "unknown sparse expansion: compressed sensing",
        "s log^3(s) log(N), times K for an unbounded basis",
        f"s of N orthonormal polynomials carry f, d = {d}",
        "Rauhut and Ward 2012; Adcock, Brugiapaglia and Webster 2022",
        "random samples",
        "the rest is small",
        quantity="samples",
    )
    networks = known_rate(
        "networks that emulate a sparse polynomial",
        f"exp(-c (m / log^c(m))^(1/{2 * d})) in the error",
        f"holomorphic functions, d = {d}",
        "Adcock and Dexter 2021",
        "a special loss and architecture: networks are then as good as polynomials, not better",
        quantity="samples",
    )
    return [sensing, networks]


def noise_rate(d: int, n: int) -> ClassBound:
    """Samples when each value carries independent noise: mean square error."""
    return known_rate(
        "noisy values, mean square error",
        f"eps^(-{2 * n + d}/{n})",
        f"n = {n} derivatives, values with independent noise, d = {d}",
        "Stone 1982",
        "noise of fixed size",
        line=GUARANTEE,
        quantity="samples",
    )


def pinn_rate(stability: float, eps: float, quadrature: float = 0.5) -> ClassBound:
    """Collocation points of a physics-informed network, and the residual that proves the tolerance.

    With ``|u - v| <= C |residual of v|`` (the stability of the equation) a residual of eps / C is enough, whatever
    the training was; how many points show it is the rate of the quadrature.

    >>> pinn_rate(0.125, 1e-3).class_
    'equations with |u - v| <= 0.125 |residual of v|: a residual of 0.008 is enough'
    """
    return known_rate(
        "physics-informed training",
        f"eps^(-{num(1 / quadrature)})",
        f"equations with |u - v| <= {num(stability, 6)} |residual of v|: a residual of {num(eps / stability)} is enough",
        "Mishra and Molinaro 2022; quadrature: Monte Carlo 1/2, quasi-Monte Carlo about 1",
        "the supplied stability constant holds",
        "the residual is bounded in the norm of that estimate",
        quantity="collocation points",
        seen="abstract",
    )
