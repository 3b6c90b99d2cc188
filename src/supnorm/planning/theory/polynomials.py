"""Polynomials for functions that are analytic in each variable: how many coefficients, how many samples.

If f extends to the Bernstein ellipse of parameter rho_i in x_i (the others real) with |f| <= M there, the
interpolant in k+1 Chebyshev points errs by at most ``4 M rho^-k / (rho-1)`` in one variable (Trefethen,
Approximation Theory and Approximation Practice, Theorem 8.2, equation 8.3: read in the book's own source), and
on a tensor grid by

    sum_i lambda_i' 4 M rho_i^-k_i / (rho_i - 1),    lambda_i' = product of the Lebesgue constants before i,

(telescoping, Lebesgue constant of k+1 points at most (2/pi) log(k+1) + 1). That is a construction with
prod(k_i + 1) samples. Total-degree and hyperbolic-cross spaces have far fewer terms; that they reach the same
error needs decay of the *mixed* coefficients; the rows state this as an assumption.
Cost: O(d) for the counts, O(d k^2) for the hyperbolic cross.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound
from supnorm.results.numbers import from_log10, num

COUNTED = 20_000  # highest degree of a hyperbolic cross: counting is O(d k log k)


def degree_needed(rho: float, bound: float, eps: float) -> int:
    """The smallest k with ``4 bound rho^-k / (rho-1) <= eps``.

    >>> degree_needed(2.0, 1.0, 1e-4)
    16
    """
    return max(math.ceil(math.log(4.0 * bound / ((rho - 1.0) * eps)) / math.log(rho)), 0)


def tensor_degrees(rho: Sequence[float], bound: float, eps: float) -> list[int]:
    """Degrees per axis whose tensor interpolant errs by at most ``eps``: each axis gets an equal share."""
    degrees = [degree_needed(r, bound, eps / len(rho)) for r in rho]
    for _ in range(50):
        norms = np.cumprod([1.0] + [2.0 / math.pi * math.log(k + 1) + 1.0 for k in degrees[:-1]])
        new = [degree_needed(r, bound * c, eps / len(rho)) for r, c in zip(rho, norms, strict=True)]
        if new == degrees:
            break
        degrees = [max(a, b) for a, b in zip(new, degrees, strict=True)]
    return degrees


def log10_total_degree(k: int, d: int) -> float:
    """log10 of C(k+d, d).

    >>> round(10 ** log10_total_degree(2, 3))
    10
    """
    return (math.lgamma(k + d + 1) - math.lgamma(k + 1) - math.lgamma(d + 1)) / math.log(10.0)


def hyperbolic_cross(k: int, d: int) -> int:
    """Number of multi-indices with ``prod(nu_i + 1) <= k + 1``: exact, by counting the products.

    >>> hyperbolic_cross(3, 2)  # (0,0..3), (1,0), (1,1), (2,0), (3,0)
    8
    """
    counts = {1: 1}
    for _ in range(d):
        new: dict[int, int] = {}
        for product, count in counts.items():
            for factor in range(1, (k + 1) // product + 1):
                new[product * factor] = new.get(product * factor, 0) + count
        counts = new
    return sum(counts.values())


def least_squares_samples(log10_size: float, trust: float = 1.0) -> float:
    """log10 of the samples m for which least squares is stable, given log10 of ``K``.

    K is the largest value of the (weighted) sum of squares of the basis: the number of terms for samples from the
    optimal law (Cohen and Migliorati 2017), `legendre_size` for uniform ones. The Gram matrix G is a mean of m
    matrices of norm at most K with expectation I; by the matrix Chernoff bound (Tropp 2012, Theorem 1.1) its
    smallest eigenvalue is below 1/2 with probability at most ``s exp(-m (1 - ln 2) / (2 K))``. For s <= m this is at
    most ``m^-trust`` when ``m / ln m >= K / kappa``, ``kappa = (1 - ln 2) / (2 + 2 trust)``; then the error is at most
    (1 + sqrt 2) times that of the best polynomial in the sup norm, in the L2 norm of the law.

    >>> round(10 ** least_squares_samples(2.0))
    12273
    """
    target = log10_size * math.log(10.0) + math.log((2.0 + 2.0 * trust) / (1.0 - math.log(2.0)))
    log_m = target + 1.0
    for _ in range(100):
        log_m = target + math.log(log_m)
    return log_m / math.log(10.0)


def legendre_size(k: int, d: int) -> float:
    """log10 of ``K = sum of prod (2 nu_i + 1)`` over total degree at most k: the largest sum of squares of
    orthonormal Legendre polynomials, reached in a corner.

    It is the coefficient of t^k in ``(1+t)^d / (1-t)^(2d+1)``.

    >>> round(10 ** legendre_size(2, 1)), round(10 ** legendre_size(1, 2))
    (9, 7)
    """
    logs = [_log_choose(d, j) + _log_choose(k - j + 2 * d, 2 * d) for j in range(min(d, k) + 1)]
    top = max(logs)
    return (top + math.log(sum(math.exp(v - top) for v in logs))) / math.log(10.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def polynomial_counts(rho: Sequence[float], bound: float, eps: float) -> list[ClassBound]:
    """Tensor grid, total degree and hyperbolic cross for the given ellipses (one rho per axis).

    >>> [b.status for b in polynomial_counts([2.0, 2.0], 1.0, 1e-4)]
    ['proved', 'heuristic', 'heuristic', 'heuristic']
    """
    d, degrees = len(rho), tensor_degrees(rho, bound, eps)
    k = max(degree_needed(r, bound, eps) for r in rho)
    shown = ", ".join(f"{num(r)}" for r in rho[:6]) + (", ..." if d > 6 else "")
    function_class = (
        f"analytic in each variable, Bernstein rho = {shown}, |f| <= {num(bound, 6)} there, d = {d}"
    )
    rate = f"log(1/eps)^{d}"
    tensor = ClassBound.of(
        name="Chebyshev tensor grid",
        line=CONSTRUCTION,
        quantity="samples",
        log10=float(np.sum(np.log10(np.array(degrees) + 1.0))),
        rate=rate,
        class_=function_class,
        assumptions=("exact function values", "samples where the method wants them"),
        source=f"telescoped Trefethen Theorem 8.2; degrees up to {max(degrees)}",
        status="proved",
    )

    def sparse(name: str, size: float, fit: str, source: str) -> ClassBound:
        return ClassBound.of(
            name=f"sparse polynomial, {name}",
            line=CONSTRUCTION,
            quantity="samples",
            log10=least_squares_samples(size),
            rate=rate,
            class_=function_class,
            assumptions=("mixed coefficients decay as the class suggests", f"{fit}, failure <= 1/m"),
            source=f"{source}; samples by a matrix Chernoff bound",
            status="heuristic",
        )

    terms = [("total degree", log10_total_degree(k, d))]
    if k <= COUNTED:
        terms.append(("hyperbolic cross", math.log10(hyperbolic_cross(k, d))))
    weighted = [
        sparse(f"{name} {k}", count, "weighted least squares", f"{from_log10(count)} terms counted")
        for name, count in terms
    ]
    size = legendre_size(k, d)
    uniform = f"total degree {k}, uniform samples"
    squares = f"largest sum of squares {from_log10(size)} computed"
    return [tensor, *weighted, sparse(uniform, size, "plain least squares", squares)]
