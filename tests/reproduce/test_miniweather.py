"""The equations of miniWeather: what they conserve, the published checks, and Numba against NumPy."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from reproduce.miniweather.equations import (
    C0,
    CASES,
    CP,
    GAMMA,
    GRAVITY,
    P0,
    RD,
    Bubble,
    Grid,
    column,
    pressure,
)
from reproduce.miniweather.run import ENERGY, MASS, check, states, stepper
from reproduce.miniweather.step import step, tendency

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")


def test_the_constants_are_the_published_ones() -> None:
    assert pytest.approx(27.5629410929725921, rel=1e-14) == C0
    assert pytest.approx(1.4002789400278940, rel=1e-15) == GAMMA


@pytest.mark.parametrize("buoyancy", [0.0, 0.02])
def test_the_column_is_at_rest(buoyancy: float) -> None:
    """dp/dz = -rho g, with p = rho RD T and theta = T (P0 / p)^(RD / CP)."""
    z, h = np.linspace(100, 9900, 50), 1.0
    density, density_theta = column(z, buoyancy)
    up, down = (pressure(column(z + s, buoyancy)[1]) for s in (h, -h))
    np.testing.assert_allclose((up - down) / (2 * h), -density * GRAVITY, rtol=1e-7)
    p = pressure(density_theta)
    temperature = density_theta / density * (p / P0) ** (RD / CP)
    np.testing.assert_allclose(p, density * RD * temperature, rtol=1e-12)


def test_a_column_without_a_bubble_stays_at_rest_exactly() -> None:
    grid = Grid(20, 10)
    state = grid.initial(bubbles=())
    assert np.abs(state).max() < 1e-12
    state = np.zeros_like(state)
    for number in range(4):
        state = step(grid, state, number)
    assert not state.any()


def test_a_bubble_has_its_height_in_its_middle() -> None:
    bubble = Bubble(3.0, x=1.0, z=2.0, radius_x=2.0, radius_z=4.0)
    x, z = np.array([1.0, 2.0, 3.0, 3.1]), np.array([2.0, 2.0, 2.0, 2.0])
    np.testing.assert_allclose(bubble(x, z), [3.0, 1.5, 0.0, 0.0], atol=1e-15)
    grid = Grid(100, 50)
    assert 2.9 < grid.theta(grid.initial()).max() < 3.0


def test_waves_move_with_the_speed_of_sound() -> None:
    """The equation of state enters every flux: a small pressure pulse needs sqrt(GAMMA RD T) to travel."""
    grid = Grid(400, 8)
    state = np.zeros((4, 8, 400))
    state[3] = 1e-3 * np.exp(-(((grid.x - 1e4) / 500) ** 2))
    steps = int(10.0 / grid.dt)
    for number in range(steps):
        state = step(grid, state, number)
    p = state[3, 0]
    right = grid.x[200 + np.argmax(p[200:])]
    temperature = 300.0 - GRAVITY / CP * grid.z[0]
    assert (right - 1e4) / (steps * grid.dt) == pytest.approx(np.sqrt(GAMMA * RD * temperature), rel=0.05)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("case", CASES)
def test_every_case_runs_and_keeps_what_it_has_to(case: str) -> None:
    grid = Grid(40, 20, CASES[case])
    *_, last = states(grid, 60.0)
    assert np.isfinite(last).all()
    change = grid.mass(last) / grid.mass(grid.initial()) - 1
    assert (abs(change) < MASS) == (case != "injection")
    assert np.abs(last - grid.initial()).max() > 1e-3
    if case == "injection":
        assert change > 1e-4
    if case in ("thermal", "collision", "density_current"):  # symmetric about the middle
        np.testing.assert_allclose(last[[0, 2, 3]], last[[0, 2, 3], :, ::-1], atol=1e-9)
        np.testing.assert_allclose(last[1], -last[1, :, ::-1], atol=1e-9)


def test_floor_and_ceiling_let_no_mass_through() -> None:
    grid = Grid(20, 10)
    rng = np.random.default_rng(3)
    state = 0.01 * rng.standard_normal((4, 10, 20))
    for direction in "xz":
        rate = tendency(grid, state, direction, grid.dt)
        assert abs(rate[0].sum()) < 1e-12 * np.abs(rate[0]).sum()


def test_the_last_step_ends_at_the_time() -> None:
    grid = Grid(20, 10)
    assert len(list(states(grid, 2.5 * grid.dt, compiled=False))) == 4
    assert len(list(states(grid, 3 * grid.dt, compiled=False))) == 4


@needs_numba
@pytest.mark.parametrize("case", CASES)
def test_numba_agrees_with_numpy(case: str) -> None:
    grid = Grid(24, 12, CASES[case])
    fast, slow = stepper(True), stepper(False)
    a = b = grid.initial()
    for number in range(20):
        a, b = fast(grid, a, number), slow(grid, b, number)
    scale = np.maximum(np.abs(b).max(axis=(1, 2), keepdims=True), 1.0)
    assert (np.abs(a - b) / scale).max() < 1e-11


def test_a_coarse_thermal_keeps_mass_and_loses_energy() -> None:
    one = check(nx=40, nz=20)
    assert abs(one.mass) < MASS
    assert one.energy == pytest.approx(-5.24e-5, rel=0.01)  # coarser than the published check allows
    assert not one.passes


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_numba), False])
def test_the_published_checks(compiled: bool) -> None:
    one = check(compiled=compiled)
    assert one.passes
    assert one.steps == 600
    assert one.energy == pytest.approx(-4.1415e-05, rel=1e-4)
    assert (MASS, ENERGY) == (1e-13, 4.5e-5)
