"""Rates that hold when the function has structure: composition, manifold, mixed smoothness, noise, PINN, sparsity.

Each replaces d or n in eps^(-d/n). Only the rates are known to us; constants depend on the proof and are not
printed. Whether the structure is there is for the profile to test. What of each source was read is said in
`seen`; "not seen" means that the rate is quoted as it is usually stated.
"""

from __future__ import annotations

from collections.abc import Sequence

from supnorm.planning.theory.statement import CONSTRUCTION, GUARANTEE, ClassBound


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
    power = composition_exponent(arity, smoothness)
    return ClassBound(
        "composition of simpler functions", CONSTRUCTION, "weights", None, f"eps^(-{power:.3g})",
        f"compositions, arities {list(arity)}, smoothness {list(smoothness)}",
        ("the composition is known or found",),
        "Schmidt-Hieber 2020; Mhaskar and Poggio 2016", "cited", seen="not seen",
    )  # fmt: skip


def manifold_rates(dimension: float, n: int) -> list[ClassBound]:
    """Weights for inputs on a manifold, and the observed law of trained networks."""
    held = f"inputs on a set of dimension {dimension:.3g}"
    law = ("later queries follow the law of the data",)
    return [
        ClassBound(
            "inputs on a low-dimensional set", CONSTRUCTION, "weights", None, f"eps^(-{dimension:.3g}/{n})",
            f"n = {n} derivatives, {held}", law, "Nakada and Imaizumi 2020", "cited", seen="not seen",
        ),
        ClassBound(
            "observed law of trained networks on a low-dimensional set", CONSTRUCTION, "weights", None,
            f"eps^(-{dimension / 2:.3g}), root mean square", held,
            (*law, "piecewise linear networks, data and training not the limit"),
            "Sharma and Kaplan 2022: mean square error ~ N^(-4/dimension)", "heuristic", seen="abstract",
        ),
    ]  # fmt: skip


def mixed_rate(d: int, n: int) -> ClassBound:
    """Samples when mixed derivatives up to order n in each variable are bounded."""
    return ClassBound(
        "bounded mixed derivatives: sparse grid", CONSTRUCTION, "samples", None,
        f"eps^(-1/{n}) log(1/eps)^({(d - 1) * (n + 1)}/{n})",
        f"mixed derivatives up to order {n} in each variable bounded, d = {d}",
        ("mixed regularity, which pure derivatives do not show",), "Bungartz and Griebel 2004", "cited",
        seen="not seen",
    )  # fmt: skip


def sparse_rates(d: int) -> list[ClassBound]:
    """Samples for an expansion with s important terms among N that are not known beforehand."""
    held = f"s of N orthonormal polynomials carry f, d = {d}"
    return [
        ClassBound(
            "unknown sparse expansion: compressed sensing", CONSTRUCTION, "samples", None,
            "s log^3(s) log(N), times K for an unbounded basis", held, ("random samples", "the rest is small"),
            "Rauhut and Ward 2012; Adcock, Brugiapaglia and Webster 2022", "cited", seen="not seen",
        ),
        ClassBound(
            "networks that emulate a sparse polynomial", CONSTRUCTION, "samples", None,
            f"exp(-c (m / log^c(m))^(1/{2 * d})) in the error", f"holomorphic functions, d = {d}",
            ("a special loss and architecture: networks are then as good as polynomials, not better",),
            "Adcock and Dexter 2021", "cited", seen="not seen",
        ),
    ]  # fmt: skip


def noise_rate(d: int, n: int) -> ClassBound:
    """Samples when each value carries independent noise: mean square error."""
    return ClassBound(
        "noisy values, mean square error", GUARANTEE, "samples", None, f"eps^(-{2 * n + d}/{n})",
        f"n = {n} derivatives, values with independent noise, d = {d}", ("noise of fixed size",),
        "Stone 1982", "cited", seen="not seen",
    )  # fmt: skip


def pinn_rate(stability: float, eps: float, quadrature: float = 0.5) -> ClassBound:
    """Collocation points of a physics-informed network, and the residual that proves the tolerance.

    With ``|u - v| <= C |residual of v|`` (the stability of the equation) a residual of eps / C is enough, whatever
    the training was; how many points show it is the rate of the quadrature.

    >>> pinn_rate(0.125, 1e-3).function_class
    'equations with |u - v| <= 0.125 |residual of v|: a residual of 0.008 is enough'
    """
    return ClassBound(
        "physics-informed training", CONSTRUCTION, "collocation points", None, f"eps^(-{1 / quadrature:.3g})",
        f"equations with |u - v| <= {stability:g} |residual of v|: a residual of {eps / stability:.3g} is enough",
        ("the supplied stability constant holds", "the residual is bounded in the norm of that estimate"),
        "Mishra and Molinaro 2022; quadrature: Monte Carlo 1/2, quasi-Monte Carlo about 1", "cited", seen="abstract",
    )  # fmt: skip
