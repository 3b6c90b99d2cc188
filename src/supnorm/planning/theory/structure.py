"""Rates that hold when the function has structure: composition, manifold, mixed smoothness, Barron, noise,
PINN.

Each replaces d or n in eps^(-d/n). Only the rates are known to us; constants depend on the proof and are not
printed. Whether the structure is there is for the profile to test. Sources, quoted from memory of their form:
Schmidt-Hieber 2020 and Mhaskar and Poggio 2016 (composition), Nakada and Imaizumi 2020 (manifold), Griebel
and Knapek 2000 (mixed), Barron 1993 and Siegel and Xu 2022 (Barron class), Stone 1982 (noise), Mishra and
Molinaro 2022 (PINN).
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
        "Schmidt-Hieber 2020; Mhaskar and Poggio 2016", "cited",
    )  # fmt: skip


def manifold_rate(dimension: float, n: int) -> ClassBound:
    """Weights for inputs on a manifold."""
    return ClassBound(
        "inputs on a low-dimensional set", CONSTRUCTION, "weights", None, f"eps^(-{dimension:.3g}/{n})",
        f"n = {n} derivatives, inputs on a set of dimension {dimension:.3g}",
        ("later queries follow the law of the data",),
        "Nakada and Imaizumi 2020", "cited",
    )  # fmt: skip


def mixed_rate(d: int, n: int) -> ClassBound:
    """Samples when mixed derivatives up to order n in each variable are bounded."""
    return ClassBound(
        "bounded mixed derivatives: sparse grid", CONSTRUCTION, "samples", None,
        f"eps^(-1/{n}) log(1/eps)^({(d - 1) * (n + 1)}/{n})",
        f"mixed derivatives up to order {n} in each variable bounded, d = {d}",
        ("mixed regularity, which pure derivatives do not show",), "Griebel and Knapek 2000", "cited",
    )  # fmt: skip


def barron_rate(d: int, norm: float | None = None) -> ClassBound:
    """Neurons of one hidden layer, Barron class, mean square norm (sup: a factor sqrt(d) more)."""
    given = f"C_f = {norm:g}" if norm is not None else "C_f unknown and usually exponential in d"
    return ClassBound(
        "Barron class, one hidden layer", CONSTRUCTION, "weights", None, "eps^-2",
        f"first moment of the Fourier transform finite, {given}, d = {d}", ("C_f is known",),
        "Barron 1993; Siegel and Xu 2022", "cited",
    )  # fmt: skip


def noise_rate(d: int, n: int) -> ClassBound:
    """Samples when each value carries independent noise: mean square error."""
    return ClassBound(
        "noisy values, mean square error", GUARANTEE, "samples", None, f"eps^(-{2 * n + d}/{n})",
        f"n = {n} derivatives, values with independent noise, d = {d}", ("noise of fixed size",),
        "Stone 1982", "cited",
    )  # fmt: skip


def pinn_rate(quadrature: float = 0.5) -> ClassBound:
    """Collocation points of a physics-informed network: the rate of the quadrature."""
    return ClassBound(
        "physics-informed training", CONSTRUCTION, "collocation points", None, f"eps^(-{1 / quadrature:.3g})",
        "solutions of a well-posed equation",
        ("the stability constant C_pde is known", "the residual is bounded in the right norm"),
        "Mishra and Molinaro 2022; quadrature rate: Monte Carlo 1/2, quasi-Monte Carlo about 1", "cited",
    )  # fmt: skip
