"""Orders and Bernstein parameters with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm.planning.profile import chebyshev_points, spectrum
from supnorm.planning.profile.noise import noise_floor
from supnorm.planning.profile.scattered import difference_order

ALGEBRAIC = [
    (lambda x: np.abs(x - 0.3), 1.0), (lambda x: np.abs(x - 0.3) ** 3, 3.0),
    (lambda x: np.maximum(x - 0.3, 0) ** 5, 5.0), (lambda x: np.abs(x - 0.3) ** 0.5, 0.5),
    (lambda x: np.abs(x - 0.3) + np.exp(x), 1.0),
    (lambda x: np.sin(2 * x) + np.maximum(x - 0.55, 0) ** 2, 2.0),
    (lambda x: np.sqrt(np.maximum(1 - x**2, 0)), 1.0),  # its order .5 is doubled by the crowding at the ends
]  # fmt: skip


def judged(f, count=512, most=8192):
    while True:
        found = spectrum(f(chebyshev_points(count)))
        if found.kind != "unresolved" or count >= most:
            return found, count
        count *= 2


@pytest.mark.parametrize(("f", "order"), ALGEBRAIC)
def test_algebraic_orders(f, order):
    found, _ = judged(f)
    assert found.kind == "algebraic"
    assert found.order == pytest.approx(order, rel=0.15)


def test_algebraic_orders_at_random_places():
    rng = np.random.default_rng(0)
    for order in (0.5, 1.0, 2.5):
        for place in rng.uniform(-0.7, 0.7, 5):
            found, _ = judged(lambda x, c=place, s=order: np.abs(x - c) ** s)
            assert found.order == pytest.approx(order, rel=0.15, abs=0.13)


@pytest.mark.parametrize("pole", [0.05, 0.2, 1.0])
def test_bernstein_parameter_of_a_pole(pole):
    found, _ = judged(lambda x: 1 / (1 + (x / pole) ** 2))
    assert found.kind == "geometric"
    assert found.rho - 1 == pytest.approx(pole + np.sqrt(1 + pole**2) - 1, rel=0.05)


def test_entire_and_oscillating_functions_are_geometric():
    assert judged(lambda x: np.exp(2 * x))[0].kind == "geometric"
    wave, _ = judged(lambda x: np.cos(100 * x))
    assert wave.kind == "geometric"
    assert wave.last == pytest.approx(144, abs=4)


def test_noise_does_not_hide_the_pole_and_is_measured():
    rng = np.random.default_rng(0)
    found, _ = judged(lambda x: 1 / (1 + 25 * x**2) + 1e-4 * rng.standard_normal(len(x)))
    assert found.rho - 1 == pytest.approx(0.2198, rel=0.05)
    assert found.noise == pytest.approx(1e-4, rel=0.2)
    assert judged(lambda x: rng.standard_normal(len(x)))[0].kind == "noise"


def test_a_layer_is_unresolved_until_there_are_points_in_it():
    layer = lambda x: np.tanh(200 * x)  # noqa: E731
    assert judged(layer, most=1024)[0].kind == "unresolved"
    found, count = judged(layer)
    assert count > 1024
    assert found.rho - 1 == pytest.approx(np.pi / 400, rel=0.15)


@pytest.mark.parametrize("eps", [1e-3, 1e-7])
def test_degree_reaches_the_tolerance_and_not_much_more(eps):
    f = lambda x: 1 / (1 + 25 * x**2)  # noqa: E731
    k = judged(f)[0].degree_for(eps)
    t = np.linspace(-1, 1, 4001)
    errors = [
        np.abs(np.polynomial.chebyshev.Chebyshev.interpolate(f, n)(t) - f(t)).max()
        for n in (k, int(0.75 * k))
    ]
    assert errors[0] <= 2 * eps  # interpolation errs by at most twice the sum that the degree bounds
    assert errors[1] > eps


def test_derivatives_of_the_series():
    found = spectrum(np.sin(3 * chebyshev_points(256)), half_length=1.0)
    assert [found.derivative_maximum(k) for k in (1, 2, 4)] == pytest.approx([3.0, 9.0, 81.0], rel=1e-3)


@pytest.mark.parametrize("sigma", [1e-2, 1e-5, 0.0])
def test_noise_floor(sigma):
    rng = np.random.default_rng(1)
    f = lambda u: np.exp(u.sum(axis=1)) + np.abs(u[:, 0] - 0.4) + sigma * rng.standard_normal(len(u))  # noqa: E731
    floor = noise_floor(f, 3, np.random.default_rng(0))
    assert floor == pytest.approx(sigma, rel=0.4) if sigma else floor < 1e-15


def test_float32_is_noise():
    f = lambda u: np.exp(u.sum(axis=1)).astype(np.float32).astype(float)  # noqa: E731
    assert 1e-9 < noise_floor(f, 2, np.random.default_rng(0)) < 1e-6


def test_scattered_data_tell_rough_from_smooth():
    rng = np.random.default_rng(0)
    x = rng.random((3000, 2))
    rough = np.sin(1e4 * x[:, 0]) * np.sin(1.3e4 * x[:, 1])
    assert difference_order(x, rough) < 0.2
    assert difference_order(x, np.exp(x.sum(axis=1))) > 0.9
