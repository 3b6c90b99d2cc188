"""Each constant of a comparison principle: never below the worst error that is possible, and half of it would be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from supnorm.certification.solution.theorem import Barrier, Situation, barriers, best, pair_height
from supnorm.results import BadInput


def situation(**given):
    widths = given.get("widths", (1.0,))
    known = {
        "diffusivity": 1.0,
        "widths": widths,
        "speeds": (0.0,) * len(widths),
        "fixed": (True,) * len(widths),
        "growth": 0.0,
        "time": None,
    }
    return Situation(**(known | given))


def of(kind, axes=None, **given):
    found = [b for b in barriers(situation(**given)) if b.kind == kind and axes in (None, b.axes)]
    assert found, (kind, given)
    return min(found, key=lambda b: b.inside)


def two_point(D, width, b, c, ends=(0.0, 0.0), source=1.0, n=4001):
    """The solution of -D u'' + b(x) u' + c u = source by finite differences; x from the middle."""
    x = np.linspace(-width / 2.0, width / 2.0, n)
    h = x[1] - x[0]
    speed = b(x[1:-1])
    from scipy.linalg import solve_banded

    bands = np.zeros((3, n - 2))
    bands[1] = 2.0 * D / h**2 + c
    bands[0, 1:] = (-D / h**2 + speed / (2.0 * h))[:-1]
    bands[2, :-1] = (-D / h**2 - speed / (2.0 * h))[1:]
    right = np.full(n - 2, source)
    right[0] -= (-D / h**2 - speed[0] / (2.0 * h)) * ends[0]
    right[-1] -= (-D / h**2 + speed[-1] / (2.0 * h)) * ends[1]
    return float(np.max(np.abs(solve_banded((1, 1), bands, right))))


def half(value):
    return value / 2.0


def demand_sharp(constant, worst):
    """The constant bounds the worst error, and half of the constant does not."""
    assert worst <= constant * (1.0 + 1e-5)
    assert worst > half(constant)


@pytest.mark.parametrize(("width", "D"), [(1.0, 1.0), (3.0, 0.2), (0.1, 7.0)])
def test_the_constant_of_one_axis_is_that_of_the_parabola(width, D):
    barrier = of("axis", widths=(width,), diffusivity=D)
    assert barrier.on_faces == 1.0
    assert barrier.inside == pytest.approx(width**2 / (8.0 * D), rel=1e-10)
    assert barrier.inside >= width**2 / (8.0 * D)


@pytest.mark.parametrize("speed", [1e-6, 0.3, 2.0, 6.0])
def test_a_velocity_away_from_the_middle_is_the_worst_case_of_one_axis(speed):
    worst = two_point(1.0, 1.0, lambda x: speed * np.tanh(200.0 * x), 0.0)
    demand_sharp(of("axis", speeds=(speed,), fixed=(False,)).inside, worst)


def test_transport_is_the_time_to_cross_the_box():
    worst = two_point(0.01, 1.0, lambda x: 2.0 + 0.0 * x, 0.0)
    demand_sharp(of("transport", speeds=(2.0,), diffusivity=0.01).inside, worst)


@pytest.mark.parametrize("widths", [(1.0, 1.0), (1.0, 1.3), (2.0, 0.9)])
def test_a_pair_of_axes_is_near_the_torsion_function(widths):
    a, b = widths
    odd = np.arange(1, 400, 2)
    signs = (-1.0) ** ((odd - 1) // 2)
    with np.errstate(over="ignore"):
        terms = signs / odd**3 * (1.0 - 1.0 / np.cosh(odd * np.pi * b / (2.0 * a)))
    torsion = 4.0 * a**2 / np.pi**3 * float(np.sum(terms))
    barrier = of("pair", widths=widths)
    assert torsion <= barrier.inside <= 1.1 * torsion
    assert half(barrier.inside) < torsion


@pytest.mark.parametrize("seed", range(20))
def test_the_polynomial_of_a_pair_is_a_barrier(seed):
    rng = np.random.default_rng(seed)
    widths = tuple(rng.uniform(0.2, 3.0, 2))
    barrier = of("pair", widths=widths)
    (m, a), p, q = barrier.numbers, widths[0] / 2.0, widths[1] / 2.0
    C = pair_height(m, a, p, q)

    def psi(x, y):
        return C - m * x**2 / 2.0 - (1.0 - m) * y**2 / 2.0 - a * (x**4 - 6.0 * x**2 * y**2 + y**4)

    s = np.linspace(-1.0, 1.0, 201)
    assert min(psi(p, q * s).min(), psi(p * s, q).min()) >= -1e-12
    x, y = np.meshgrid(p * s, q * s)
    assert psi(x, y).max() <= C * (1.0 + 1e-12) <= barrier.inside * (1.0 + 1e-12)


@pytest.mark.parametrize("k2", [1e-9, 0.5, 4.0, 9.0, 9.8])
def test_helmholtz_on_an_interval_has_the_constants_of_the_cosine(k2):
    k = math.sqrt(k2)
    barrier = of("cosines", growth=k2)
    assert barrier.on_faces == pytest.approx(1.0 / math.cos(k / 2.0), rel=1e-7)
    assert barrier.inside == pytest.approx(2.0 * math.sin(k / 4.0) ** 2 / math.cos(k / 2.0) / k2, rel=1e-7)
    demand_sharp(barrier.inside, two_point(1.0, 1.0, lambda x: 0.0 * x, -k2))
    demand_sharp(barrier.on_faces, two_point(1.0, 1.0, lambda x: 0.0 * x, -k2, ends=(1.0, 1.0), source=0.0))


@pytest.mark.parametrize("seed", range(30))
def test_products_of_cosines_are_barriers_up_to_the_first_eigenvalue(seed):
    rng = np.random.default_rng(seed)
    widths = tuple(rng.uniform(0.3, 2.0, rng.integers(1, 4)))
    D, first = float(rng.uniform(0.1, 3.0)), sum((math.pi / w) ** 2 for w in widths)
    mu = D * first * float(rng.choice([1e-6, 0.1, 0.5, 0.9, 0.99]))
    barrier = of("cosines", widths=widths, diffusivity=D, growth=mu)
    k = np.array(barrier.numbers)
    assert D * np.sum(k**2) >= mu
    assert np.all(k * widths < math.pi)
    top = float(np.prod(1.0 / np.cos(k * widths / 2.0)))
    assert barrier.on_faces >= top * (1.0 - 1e-12)
    assert barrier.inside >= (top - 1.0) / mu * (1.0 - 1e-6)
    with pytest.raises(BadInput, match="first eigenvalue"):
        best(situation(widths=widths, diffusivity=D, growth=D * first * 1.001), 1.0, 1.0)


@pytest.mark.parametrize("mu", [-3.0, -1e-9, 0.0, 1e-9, 2.5])
def test_the_constant_in_time_is_that_of_an_ordinary_equation(mu):
    barrier = of("time", growth=mu, time=1.5)
    worst = 1.5 if mu == 0.0 else math.expm1(mu * 1.5) / mu
    demand_sharp(barrier.inside, worst)
    demand_sharp(barrier.on_faces, max(math.exp(mu * 1.5), 1.0))


def test_a_reaction_bounds_the_error_by_the_residual_over_it():
    worst = two_point(1e-4, 1.0, lambda x: 0.0 * x, 4.0)
    demand_sharp(of("reaction", growth=-4.0).inside, worst)


@pytest.mark.parametrize("mu", [0.5, 2.0, 4.0])
def test_one_axis_also_serves_a_reaction_below_zero(mu):
    barrier = of("axis", growth=mu, speeds=(1.0,), fixed=(False,))
    for sign in (-1.0, 1.0):
        b = lambda x, sign=sign: sign * np.tanh(50.0 * x)  # noqa: E731
        assert two_point(1.0, 1.0, b, -mu) <= barrier.inside
        assert two_point(1.0, 1.0, b, -mu, ends=(1.0, -1.0), source=0.0) <= barrier.on_faces
        assert two_point(1.0, 1.0, b, -mu, ends=(1.0, 1.0), source=0.0) <= barrier.on_faces
    demand_sharp(
        barrier.inside, max(two_point(1.0, 1.0, lambda x, s=s: s * np.tanh(50.0 * x), -mu) for s in (-1, 1))
    )


def test_the_best_barrier_has_the_smallest_bound():
    given = situation(widths=(1.0, 4.0), growth=-2.0, time=0.01)
    found = list(barriers(given))
    bounds = [b.bound(0.1, 1.0) for b in found]
    assert {b.kind for b in found} == {"time", "reaction", "axis", "pair"}
    assert best(given, 0.1, 1.0).bound(0.1, 1.0) == min(bounds)


def test_constants_grow_with_the_box_and_fall_with_the_diffusivity():
    boxes = [of("pair", widths=(w, w)).inside for w in (0.5, 1.0, 2.0)]
    assert all(a < b for a, b in pairwise(boxes))
    slow = [of("axis", diffusivity=D).inside for D in (0.1, 1.0, 10.0)]
    assert all(a > b for a, b in pairwise(slow))


def test_a_bound_of_an_infinite_factor_is_infinite_unless_it_has_nothing_to_multiply():
    wild = Barrier(kind="time", on_faces=math.inf, inside=2.0)
    assert wild.bound(1e-300, 1.0) == math.inf
    assert wild.bound(0.0, 1.0) == pytest.approx(2.0)
    assert of("time", growth=1e4, time=1.0).inside == math.inf
