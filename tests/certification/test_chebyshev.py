"""The rules of the Chebyshev certificate one by one, each with a mutation that must fail."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator

from supnorm.certification import chebyshev, fine_nodes
from supnorm.certification.rounding import U

rng = np.random.default_rng(0)


def _poles(d, scale):
    """1/prod(a - y_j), a just outside the disc of radius A: nearly the worst analytic function."""
    a = scale * 1.05
    return (lambda y: 1 / np.prod(a - y, axis=-1)), (1 / (a - scale)) ** d


def _interpolation_error(n, rho, d):
    scale = 0.5 * (rho + 1 / rho)
    g, largest = _poles(d, scale)
    values = g(chebyshev.tensor_nodes(n, d)).reshape(1, *(n + 1,) * d, 1)
    coefficients = chebyshev.along_axes(chebyshev.transform(n), values, d)
    y = rng.uniform(-1, 1, size=(2000, d))
    y[: 2**d] = np.stack(np.meshgrid(*[[-1, 1]] * d), -1).reshape(-1, d)
    p = coefficients[0, ..., 0]
    grid = [np.cos(np.arccos(y[:, [j]]) * np.arange(n + 1)) for j in range(d)]
    letters = "abc"[:d]
    value = np.einsum(",".join(f"i{c}" for c in letters) + f",{letters}->i", *grid, p)
    return np.abs(value - g(y)).max(), largest


@pytest.mark.parametrize("d", [1, 2, 3])
def test_tail_holds_for_a_pole_beside_the_disc(d):
    for n in (2, 4, 7):
        for rho in (1.5, 2.5, 6.0):
            error, largest = _interpolation_error(n, rho, d)
            assert error <= largest * chebyshev.tail_factor(n, np.array([rho]), d)[0] + 1e-13


def test_tail_mutations():
    """Sums of aliased coefficients use the whole factor: rho^-n, 1/(rho - 1), the other axes, the two."""
    rho = np.array([2.0, 5.0])
    for n in (1, 2, 6):
        k = np.arange(n + 1, 400)
        above = (2.0 * rho[:, None] ** -k).sum(1)
        everything = 1.0 + (2.0 * rho[:, None] ** -np.arange(1, 400)).sum(1)
        for d in (1, 2, 3):
            union = everything**d - (everything - above) ** d  # coefficients with some k_j > n, exactly
            factor = chebyshev.tail_factor(n, rho, d)
            assert np.all(2.0 * union <= factor * (1 + 1e-12))
            assert np.all(2.0 * union >= 0.3 * factor)
        assert np.all(2.0 * above > 0.99 * chebyshev.tail_factor(n, rho, 1))  # nothing to spare in 1-D


@pytest.mark.sampled(1)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("grid", [0, 3, 12])
def test_range_holds(d, grid):
    for n in (2, 3, 5):
        coefficients = rng.normal(size=(40, *(n + 1,) * d, 2))
        low, high = chebyshev.polynomial_range(coefficients, n, d, grid)
        y = np.cos(np.linspace(0, np.pi, 301))
        fine = np.cos(np.arccos(y)[:, None] * np.arange(n + 1))
        values = chebyshev.along_axes(fine, coefficients, d).reshape(40, -1, 2)
        assert np.all(low <= values.min(1))
        assert np.all(values.max(1) <= high)


def test_ehlich_zeller_factor_is_needed():
    """Without the division by the cosine the grid's maximum is below the polynomial's."""
    n, grid = 4, 3
    coefficients = np.zeros((1, n + 1, 1))
    coefficients[0, n] = 1.0  # T_4: +-1 between the 12 nodes, cos(pi/6) at most at them
    low, high = chebyshev.polynomial_range(coefficients, n, 1, grid)
    at_nodes = np.abs(chebyshev.basis(n, grid * n)[:, n]).max()
    assert at_nodes < 0.97
    assert low[0, 0] <= -1.0 <= 1.0 <= high[0, 0]
    assert high[0, 0] <= 1.0 + 1e-12  # sharp: a smaller factor would fail


@pytest.mark.parametrize("n", [2, 5, 9, 24])
def test_lebesgue_constant(n):
    y = np.linspace(-1, 1, 3001)
    total = sum(
        np.abs(BarycentricInterpolator(chebyshev.nodes(n), np.eye(n + 1)[i], rng=0)(y)) for i in range(n + 1)
    )
    assert total.max() <= chebyshev.lebesgue(n, 1) <= 1.2 * total.max()
    assert chebyshev.lebesgue(n, 3) >= total.max() ** 3


@pytest.mark.parametrize("d", [1, 2])
def test_rounding_of_the_transform(d):
    import mpmath as mp

    n = 9
    values = rng.normal(size=(1, *(n + 1,) * d, 1))
    got = chebyshev.along_axes(chebyshev.transform(n), values, d)[0, ..., 0]
    with mp.workdps(40):
        D = mp.matrix(n + 1, n + 1)
        for k in range(n + 1):
            for i in range(n + 1):
                D[k, i] = mp.cos(k * (2 * i + 1) * mp.pi / (2 * n + 2)) * (2 if k else 1) / (n + 1)
        if d == 1:
            exact = D * mp.matrix(values[0, :, 0].tolist())
            off = [abs(exact[k] - mp.mpf(got[k])) for k in range(n + 1)]
        else:
            exact = D * mp.matrix(values[0, ..., 0].tolist()) * D.T
            off = [abs(exact[i, j] - mp.mpf(got[i, j])) for i in range(n + 1) for j in range(n + 1)]
        bound = float(chebyshev.transform_rounding(n, d, np.abs(values).max()))
        assert float(sum(off)) <= bound
        assert bound < 1e6 * U


@pytest.mark.parametrize("grid", [0, 3])
@pytest.mark.parametrize("small", [2.0**-55, 2.0**-52, 2.0**-30])
def test_ranges_hold_what_rounding_swallows(grid, small):
    """1 + s y and 1 - s y: in float64 the ends 1 +- s are 1, or off by half a unit."""
    coefficients = np.zeros((2, 3, 3, 1))
    coefficients[:, 0, 0, 0] = 1.0
    coefficients[:, 1, 0, 0] = small, -small
    coefficients[:, 0, 2, 0] = -0.75 * small
    low, high = chebyshev.polynomial_range(coefficients, 2, 2, grid)
    least, most = (
        Fraction(1) - Fraction(small) * Fraction(7, 4),
        Fraction(1) + Fraction(small) * Fraction(7, 4),
    )
    for k in range(2):
        assert Fraction(low[k, 0]) <= least
        assert most <= Fraction(high[k, 0]) <= most + Fraction(1, 2**44) + 2 * Fraction(small)


@pytest.mark.parametrize(("n", "d"), [(3, 1), (18, 1), (5, 2), (4, 3)])
def test_errors_of_values_grow_by_the_lebesgue_constant(n, d):
    """Errors with the signs of the Lagrange polynomials in a corner: the interpolant is off by their sum there."""
    at_corner = np.abs(chebyshev.transform(n).sum(0)).sum() ** d  # T_k(1) = 1
    lost = fine_nodes.node_loss(n, d, np.full((1, 1), 1e-3), np.zeros((1, 1)))
    assert lost[0, 0] >= 1e-3 * at_corner * (1.0 - 1e-12)
