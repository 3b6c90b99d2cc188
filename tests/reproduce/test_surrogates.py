"""Surrogates of miniWeather: what stays exact whatever the network does, what each one gets, guards, and the tables."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproduce.miniweather import guards
from reproduce.miniweather import samples as S
from reproduce.miniweather.equations import HALO, VISCOSITY, Grid
from reproduce.miniweather.run import MASS
from reproduce.miniweather.said import said
from reproduce.miniweather.step import step, tendency, true_flux
from reproduce.miniweather.surrogates import DirectionalStep, FluxStep, viscous

GRID = Grid(20, 10)


def moving(seed: int = 3) -> Any:
    """A state with everything in motion."""
    state = GRID.initial()
    rng = np.random.default_rng(seed)
    return state + rng.standard_normal(state.shape) * np.array([1e-4, 0.1, 0.1, 0.05])[:, None, None]


def test_a_network_that_is_exact_gives_the_step_of_the_equations() -> None:
    state = moving()
    for number in range(2):
        made = FluxStep(GRID, S.true_fluxes)(state, number)
        np.testing.assert_allclose(made, step(GRID, state, number), rtol=0, atol=1e-11)


def test_mass_stays_exact_whatever_the_network_of_fluxes_says() -> None:
    nonsense = lambda x: np.sin(1e3 * x[:, :3])  # noqa: E731
    state = moving()
    after = state
    for number in range(10):
        after = FluxStep(GRID, nonsense)(after, number)
    assert np.abs(after - state).max() > 0.1
    assert abs(GRID.mass(after) / GRID.mass(state) - 1) < MASS


def test_flagged_faces_take_the_flux_of_the_equations() -> None:
    nonsense = lambda x: np.full((len(x), 3), 7.0)  # noqa: E731
    state = moving()
    every = FluxStep(GRID, nonsense, lambda x: np.ones(len(x), bool))(state, 0)
    assert every.flagged == 1.0
    np.testing.assert_allclose(every.state, step(GRID, state, 0), rtol=0, atol=1e-11)
    some = FluxStep(GRID, S.true_fluxes, guards.random(0.3))(state, 0)
    assert 0.25 < some.flagged < 0.35


@pytest.mark.parametrize("direction", ["x", "z"])
def test_a_stage_depends_on_its_22_or_24_inputs_alone(direction: str) -> None:
    """The rate of change away from the walls, computed from the inputs of the network."""
    state = moving()
    x = S.cell_inputs(GRID, state, direction, HALO)
    assert x.shape[1] == {"x": 22, "z": 24}[direction]
    rate = tendency(GRID, state, direction, np.inf)
    cell = {"x": GRID.dx, "z": GRID.dz}[direction]
    order = [0, 1, 2, 3] if direction == "x" else [0, 2, 1, 3]
    for k, i in ((4, 7), (5, 0)):
        row = x[k * GRID.nx + i]
        centre, others = row[:4], row[4:20].reshape(4, 4) + row[:4]
        cells = np.array([others[0], others[1], centre, others[2], others[3]])
        fluxes = []
        for side in (0, 1):
            a, b, c, d = cells[side : side + 4]
            value = (-a / 12 + 7 * b / 12 + 7 * c / 12 - d / 12)[order][:, None]
            column = row[20:22] if direction == "x" else row[[20 + side, 22 + side]]
            fluxes.append(true_flux(value, column[:1], column[1:])[:, 0][order])
        made = -(fluxes[1] - fluxes[0]) / cell
        if direction == "z":
            made[2] -= 9.8 * centre[0]
        np.testing.assert_allclose(made, rate[:, k, i], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("direction", ["x", "z"])
def test_hyper_viscosity_is_what_is_left(direction: str) -> None:
    state, dt = moving(), GRID.dt / 2
    whole = tendency(GRID, state, direction, dt)
    parts = tendency(GRID, state, direction, np.inf) + viscous(GRID, state, direction, dt)
    np.testing.assert_allclose(whole, parts, rtol=0, atol=1e-10)
    assert VISCOSITY == 0.05


def test_sub_steps_make_a_step() -> None:
    state, exact = moving(), {}
    for number in (0, 1):
        after = state
        for direction in ("xz", "zx")[number]:
            after = S.sub_step(GRID, after, direction)
        np.testing.assert_allclose(after, step(GRID, state, number), rtol=0, atol=1e-12)
    shapes = []
    for direction in "xz":
        assert S.cell_inputs(GRID, state, direction, S.SIX).shape == (200, 54)
        exact[direction] = lambda x: (shapes.append(x.shape), np.zeros((len(x), 4)))[1]
    np.testing.assert_array_equal(DirectionalStep(GRID, exact)(state, 0), state)
    assert shapes == [(200, 54)] * 2


def test_samples_are_what_the_run_has() -> None:
    drawn = S.flux_samples("thermal", 20.0, 5000, np.random.default_rng(0))
    assert drawn.x.shape == (5000, 6)
    np.testing.assert_array_equal(drawn.y, S.true_fluxes(drawn.x))
    low, high = S.ranges_of(drawn.x).T
    assert (drawn.x[:, :4] >= low).all()
    assert (drawn.x[:, :4] <= high).all()
    wide = S.ranges_of(drawn.x, 2.0)
    np.testing.assert_allclose(np.diff(wide)[:, 0], 2 * (high - low))
    box = S.box_inputs(np.random.default_rng(1).random((100, 5)), wide)
    assert ((box[:, :4] >= wide[:, 0]) & (box[:, :4] <= wide[:, 1])).all()
    assert 0.4 < box[:, 4].min() < box[:, 4].max() < 1.17


def test_guards_flag_what_they_say() -> None:
    drawn = S.flux_samples("thermal", 40.0, 8000, np.random.default_rng(0))
    far = drawn.x[:50] + np.array([0.5, 0, 0, 0, 0, 0])
    for flag in (guards.in_ranges(drawn), guards.mahalanobis(drawn), guards.nearest(drawn)):
        assert flag(far).all()
        assert flag(drawn.x).mean() < 0.01
    scale = drawn.y.std(0)
    shifted = lambda x: S.true_fluxes(x) + 10 * scale * (x[:, :1] > 0.1)  # noqa: E731
    differ = guards.disagreement(drawn, S.true_fluxes, shifted, scale)
    assert differ(far).all()
    assert not differ(drawn.x).any()
    both = guards.either(differ, guards.random(1.0))
    assert both(drawn.x).all()
    learned = guards.error_samples(drawn, shifted, scale, 400, np.random.default_rng(2))
    assert learned.y.min() == -6.0
    assert guards.expected(lambda x: np.log10(np.full((len(x), 1), 0.2)), 0.1)(far).all()


@pytest.mark.slow
def test_a_fitted_flux_is_good_on_its_run_and_bad_in_the_box() -> None:
    """The point of the page, small: 300 times between the errors of the run and of the box of its ranges."""
    from reproduce.miniweather.surrogates import trained

    drawn = S.flux_samples("thermal", 400.0, 20_000, np.random.default_rng(0))
    scale = drawn.y.std(0)
    model = trained(drawn.part(slice(0, 8000)), 32, scale, 200).model.value
    held = np.abs(model(drawn.x[8000:]) - drawn.y[8000:]) / scale
    box = S.box_inputs(np.random.default_rng(1).random((20_000, 5)), S.ranges_of(drawn.x[:8000]))
    apart = np.abs(model(box) - S.true_fluxes(box)) / scale
    assert np.sqrt(np.mean(held**2)) < 0.05
    assert held.max() > 10 * np.sqrt(np.mean(held**2))
    assert apart.max() > 10 * held.max()


@pytest.mark.slow
def test_every_table_is_made_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reproduce.miniweather.tables import QUICK, everything

    from supnorm.auditing.expensive import SurrogateSearch

    # The search for the worst start need not find it here: a hundredth of the time on what stands in for its roll-outs.
    monkeypatch.setattr(SurrogateSearch.__init__, "__defaults__", astuple(SurrogateSearch(inner=300)))
    lines: list[str] = []
    content = everything(tmp_path, QUICK, lines.append, workers=1)
    words = said(content)
    assert len(lines) == 8
    flux = [row["d_mass"] for row in content["roll_outs"] if "flux" in row["network"]]
    assert len(flux) == 9
    assert all(change is None or abs(change) < 1e-12 for change in flux)
    assert words["guards"].count("\n") == 13
    assert "thermal" in words["checks"]
    assert content["worst_start"]["worst"] >= content["worst_start"]["training_case"]
    assert everything(tmp_path, QUICK, lines.append, workers=1) == content
