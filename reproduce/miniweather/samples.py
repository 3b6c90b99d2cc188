"""What the surrogates learn from and are judged on: inputs and outputs of the equations along runs, and in boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reproduce.miniweather.equations import CASES, HALO, Array, Bubble, Case, Grid, column
from reproduce.miniweather.step import ORDER, STAGES, at_faces, halo_x, halo_z, tendency, true_flux

CELLS = (50, 25)  # of all surrogates: 400 m
SECONDS = 400.0
# The case next to the training case: the bubble is half as warm again, and moved by 1.5 km and 0.5 km.
WARM = Case(1000.0, (Bubble(4.5, x=1.15e4, z=2500.0),))
SIX, FIVE = 6, 2  # cells on either side that a sub-step and a stage depend on


def grid_of(case: str) -> Grid:
    """The grid of a case; ``warm`` is the one beside the training case."""
    return Grid(*CELLS, WARM if case == "warm" else CASES[case])


@dataclass(frozen=True)
class Samples:
    """Inputs ``x`` (n, d) and outputs ``y`` (n, m)."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def part(self, which: slice | Array) -> Samples:
        """Some of them."""
        return Samples(self.x[which], self.y[which])

    def with_others(self, others: Samples) -> Samples:
        """These and others."""
        return Samples(np.concatenate([self.x, others.x]), np.concatenate([self.y, others.y]))


def stages(grid: Grid, seconds: float) -> Iterator[tuple[str, Array, float]]:
    """Each stage of a run: its direction, the state whose tendency is taken, and the time step of the stage."""
    state = grid.initial()
    for number in range(round(seconds / grid.dt)):
        for direction in ("xz", "zx")[number % 2]:
            begun = state
            for part in STAGES:
                dt = grid.dt / part
                yield direction, state, dt
                state = begun + dt * tendency(grid, state, direction, dt)


def drawn(parts: Iterator[tuple[Array, Array]], n: int, rng: np.random.Generator, each: int) -> Samples:
    """At most ``n`` rows, as many of each part: ``each``, or all; in random order."""
    xs, ys = [], []
    for x, y in parts:
        rows = rng.choice(len(x), min(each, len(x)), replace=False)
        xs.append(x[rows])
        ys.append(y[rows])
    order = rng.permutation(sum(map(len, xs)))[:n]
    return Samples(np.concatenate(xs)[order], np.concatenate(ys)[order])


def flux_samples(case: str, seconds: float, n: int, rng: np.random.Generator) -> Samples:
    """Values at faces (6 inputs) and the fluxes of them but for that of mass (3 outputs), along a run."""
    grid = grid_of(case)

    def parts() -> Iterator[tuple[Array, Array]]:
        for direction, state, _ in stages(grid, seconds):
            x = face_inputs(grid, state, direction)
            yield x, true_fluxes(x)

    total = 6 * round(seconds / grid.dt)
    return drawn(parts(), n, rng, -(-n // total) + 1)


def face_inputs(grid: Grid, state: Array, direction: str) -> Array:
    """Deviation of density, normal and tangential momentum, deviation of density times theta; both of the column."""
    values, _, density, density_theta = at_faces(grid, state, direction)
    values = values[ORDER[direction]]
    column = [np.broadcast_to(a, values.shape[1:]).ravel() for a in (density, density_theta)]
    return np.column_stack([*values.reshape(4, -1), *column])


def true_fluxes(x: Array) -> Array:
    """The three fluxes besides that of mass, which is the normal momentum itself; (n, 6) to (n, 3)."""
    return true_flux(x[:, :4].T, x[:, 4], x[:, 5])[1:].T


def box_inputs(u: Array, ranges: Array) -> Array:
    """From the unit cube of four values and a height to the six inputs of a flux.

    Args:
        u: (n, 5) between 0 and 1.
        ranges: (4, 2), of the four values.
    """
    low, high = ranges.T
    density, density_theta = column(1e4 * u[:, 4], 0.0)
    return np.column_stack([low + u[:, :4] * (high - low), density, density_theta])


def ranges_of(x: Array, factor: float = 1.0) -> Array:
    """Ranges of the first four columns, (4, 2), widened about their middles."""
    low, high = x[:, :4].min(0), x[:, :4].max(0)
    more = (factor - 1) * (high - low) / 2
    return np.column_stack([low - more, high + more])


def cell_inputs(grid: Grid, state: Array, direction: str, reach: int) -> Array:
    """For each cell its four values, the differences of its neighbours along a direction from them, and the column there.

    Of a stage (reach 2) that is 22 inputs in x and 24 in z, where the column differs by cell: those of both faces; of a
    sub-step (reach 6) 54.

    Args:
        reach: number of neighbours on either side.
    """
    wide = padded(grid, state, direction, reach)
    axis = 2 if direction == "x" else 1
    n = state.shape[axis]
    several = [np.take(wide, range(k, k + n), axis=axis) for k in range(2 * reach + 1)]
    centre = several[reach]
    columns = [*centre.reshape(4, -1)]
    for k, one in enumerate(several):
        if k != reach:
            columns += [*(one - centre).reshape(4, -1)]
    shape = state.shape[1:]
    if direction == "z" and reach == FIVE:
        held = [a[side] for a in grid.faces for side in (slice(None, -1), slice(1, None))]
    else:
        held = [a[HALO:-HALO] for a in grid.cells]
    columns += [np.broadcast_to(a[:, None], shape).ravel() for a in held]
    return np.column_stack(columns)


def padded(grid: Grid, state: Array, direction: str, reach: int) -> Array:
    """The state with so many cells more on either side: two as the equations have them, others as copies."""
    if direction == "x":
        if reach == HALO:
            return halo_x(grid, state)
        return np.concatenate([state[:, :, -reach:], state, state[:, :, :reach]], axis=2)
    wide = halo_z(grid, state)
    return np.pad(wide, ((0, 0), (reach - HALO, reach - HALO), (0, 0)), mode="edge")


def direct_samples(case: str, seconds: float, n: int, direction: str, rng: np.random.Generator) -> Samples:
    """A stage: the values around a cell, and its rate of change without hyper-viscosity, which is linear and stays exact."""
    grid = grid_of(case)

    def parts() -> Iterator[tuple[Array, Array]]:
        for along, state, _ in stages(grid, seconds):
            if along == direction:
                rate = tendency(grid, state, direction, np.inf)
                yield cell_inputs(grid, state, direction, FIVE), rate.reshape(4, -1).T

    return drawn(parts(), n, rng, -(-n // (3 * round(seconds / grid.dt))) + 1)


def directional_samples(
    case: str, seconds: float, n: int, direction: str, rng: np.random.Generator
) -> Samples:
    """A sub-step of all three stages: the values around a cell, and its change."""
    grid = grid_of(case)

    def parts() -> Iterator[tuple[Array, Array]]:
        for count, (along, state, _) in enumerate(stages(grid, seconds)):
            if along == direction and count % 3 == 0:
                yield (
                    cell_inputs(grid, state, direction, SIX),
                    (sub_step(grid, state, direction) - state).reshape(4, -1).T,
                )

    return drawn(parts(), n, rng, -(-n // round(seconds / grid.dt)) + 1)


def sub_step(grid: Grid, state: Array, direction: str) -> Array:
    """The three stages in one direction."""
    begun = state
    for part in STAGES:
        dt = grid.dt / part
        state = begun + dt * tendency(grid, state, direction, dt)
    return state
