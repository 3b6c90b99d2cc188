"""A time step in NumPy: what Numba has to agree with, and where another flux can be put in.

Cell averages are interpolated to faces by (-1, 7, 7, -1) / 12, which is of fourth order; hyper-viscosity subtracts
``nu * d3`` with ``d3 = (-1, 3, -3, 1)`` from each flux. Directions are split and change order with each step; each has the
Runge-Kutta method q1 = q + dt/3 R(q), q2 = q + dt/2 R(q1), q = q + dt R(q2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reproduce.miniweather.equations import GRAVITY, HALO, VISCOSITY, Array, Grid, pressure

# (values at faces, density and density times potential temperature of the column there) -> fluxes; shapes (4, n), (n,),
# (n,) -> (4, n). The values are density, normal momentum, tangential momentum, density times potential temperature, where
# the first and the last are deviations from the column; so is the pressure in the second flux.
Flux = Callable[[Array, Array, Array], Array]
ORDER = {"x": [0, 1, 2, 3], "z": [0, 2, 1, 3]}  # normal momentum second
STAGES = (3, 2, 1)


def true_flux(values: Array, density: Array, density_theta: Array) -> Array:
    """The flux of the equations: momentum, momentum times velocity plus pressure, momentum times potential temperature."""
    rho, total = values[0] + density, values[3] + density_theta
    velocity = values[1] / rho
    return np.stack(
        [
            values[1],
            values[1] * velocity + (pressure(total) - pressure(density_theta)),
            values[2] * velocity,
            total * velocity,
        ]
    )


def step(grid: Grid, state: Array, number: int, flux: Flux = true_flux) -> Array:
    """The state after one time step.

    Args:
        grid: cells and case.
        state: (4, nz, nx).
        number: of the step, from 0; even ones begin with x.
        flux: another one than that of the equations.
    """
    for direction in ("xz", "zx")[number % 2]:
        begun = state
        for part in STAGES:
            dt = grid.dt / part
            state = begun + dt * tendency(grid, state, direction, dt, flux)
    return state


def tendency(grid: Grid, state: Array, direction: str, dt: float, flux: Flux = true_flux) -> Array:
    """Rate of change by the fluxes in one direction, and by gravity and forces, (4, nz, nx)."""
    values, third, density, density_theta = at_faces(grid, state, direction)
    order = ORDER[direction]
    fluxes = flux(
        values[order].reshape(4, -1),
        np.broadcast_to(density, values.shape[1:]).ravel(),
        np.broadcast_to(density_theta, values.shape[1:]).ravel(),
    ).reshape(values.shape)[order]
    cell, axis = (grid.dx, 2) if direction == "x" else (grid.dz, 1)
    fluxes = fluxes + VISCOSITY * cell / (16 * dt) * third
    if direction == "z":
        closed(fluxes, third, VISCOSITY * cell / (16 * dt))
    made = -np.diff(fluxes, axis=axis) / cell
    made[2] += grid.force
    if direction == "z":
        made[2] -= GRAVITY * state[0]
    return made


def closed(fluxes: Array, third: Array, viscosity: float) -> None:
    """Let nothing through floor and ceiling, in place: no mass at all, of the rest the viscous part and the pressure."""
    for k in (0, -1):
        fluxes[0, k] = 0.0
        fluxes[1, k] = viscosity * third[1, k]
        fluxes[3, k] = viscosity * third[3, k]


def at_faces(grid: Grid, state: Array, direction: str) -> tuple[Array, Array, Array, Array]:
    """Values at faces and third differences, (4, faces), and the column there: density, density times theta."""
    if direction == "x":
        padded = halo_x(grid, state)
        parts = [padded[:, :, j : j + grid.nx + 1] for j in range(4)]
        column = tuple(a[HALO:-HALO, None] for a in grid.cells)
    else:
        padded = halo_z(grid, state)
        parts = [padded[:, j : j + grid.nz + 1] for j in range(4)]
        column = tuple(a[:, None] for a in grid.faces)
    a, b, c, d = parts
    values = -a / 12 + 7 * b / 12 + 7 * c / 12 - d / 12
    third = -a + 3 * b - 3 * c + d
    if direction == "z":  # the floor and the ceiling
        values[2, [0, -1]] = 0.0
        third[0, [0, -1]] = 0.0
    return values, third, *column


def halo_x(grid: Grid, state: Array) -> Array:
    """The state with two cells more on either side, (4, nz, nx + 4): periodic, but for air that enters on the left."""
    padded = np.concatenate([state[:, :, -HALO:], state, state[:, :, :HALO]], axis=2)
    if grid.case.inflow:
        k = grid.inflow
        density = padded[0, k, :HALO] + grid.cells[0][HALO:-HALO][k, None]
        padded[1, k, :HALO] = density * 50.0
        padded[3, k, :HALO] = density * 298.0 - grid.cells[1][HALO:-HALO][k, None]
    return padded


def halo_z(grid: Grid, state: Array) -> Array:
    """The state with two cells more below and above, (4, nz + 4, nx): copies; the same velocity in x, none in z."""
    padded = np.pad(state, ((0, 0), (HALO, HALO), (0, 0)), mode="edge")
    density = grid.cells[0]
    for k in (0, 1, -2, -1):
        inner = HALO if k >= 0 else -HALO - 1
        padded[1, k] *= density[k] / density[inner]
    padded[2, :HALO] = padded[2, -HALO:] = 0.0
    return padded
