"""The same time step compiled by Numba (the extra ``fields``), for the flux of the equations only.

Half of the time is the power in the pressure: one for each face.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from reproduce.miniweather.equations import C0, GAMMA, GRAVITY, HALO, VISCOSITY, Array, Grid, pressure
from reproduce.miniweather.step import STAGES


def step(grid: Grid, state: Array, number: int) -> Array:
    """The state after one time step, as `reproduce.miniweather.step.step` has it.

    Args:
        grid: cells and case.
        state: (4, nz, nx).
        number: of the step, from 0; even ones begin with x.
    """
    dens, dens_theta = grid.cells
    inner = pressure(dens_theta[HALO:-HALO])
    face, face_theta = grid.faces
    force, inflow, at_face = grid.force, grid.inflow, pressure(face_theta)
    begun = np.ascontiguousarray(state, dtype=np.float64)
    for direction in ("xz", "zx")[number % 2]:
        made = begun
        for part in STAGES:
            dt = grid.dt / part
            if direction == "x":
                made = _stage_x(begun, made, dt, grid.dx, dens, dens_theta, inner, force, inflow)
            else:
                made = _stage_z(begun, made, dt, grid.dz, dens, face, face_theta, at_face, force)
        begun = made
    return begun


@njit(cache=True)
def _stage_x(begun, forcing, dt, dx, dens, dens_theta, rest, force, inflow):  # type: ignore[no-untyped-def]
    _, nz, nx = begun.shape
    out = np.empty_like(begun)
    row = np.empty((4, nx + 4))
    flux = np.empty((4, nx + 1))
    viscosity = VISCOSITY * dx / (16 * dt)
    for k in range(nz):
        rho0, rt0, p0 = dens[k + 2], dens_theta[k + 2], rest[k]
        for v in range(4):
            row[v, 2 : nx + 2] = forcing[v, k]
            row[v, 0], row[v, 1] = forcing[v, k, nx - 2], forcing[v, k, nx - 1]
            row[v, nx + 2], row[v, nx + 3] = forcing[v, k, 0], forcing[v, k, 1]
        if inflow[k]:
            for i in range(2):
                row[1, i] = (row[0, i] + rho0) * 50.0
                row[3, i] = (row[0, i] + rho0) * 298.0 - rt0
        for i in range(nx + 1):
            r, mu, mw, rt, d0, d1, d2, d3 = _face(row[:, i], row[:, i + 1], row[:, i + 2], row[:, i + 3])
            total = rt + rt0
            u = mu / (r + rho0)
            p = C0 * math.exp(GAMMA * math.log(total)) - p0
            flux[0, i] = mu + viscosity * d0
            flux[1, i] = mu * u + p + viscosity * d1
            flux[2, i] = mw * u + viscosity * d2
            flux[3, i] = total * u + viscosity * d3
        for v in range(4):
            for i in range(nx):
                rate = -(flux[v, i + 1] - flux[v, i]) / dx
                if v == 2:
                    rate += force[k, i]
                out[v, k, i] = begun[v, k, i] + dt * rate
    return out


@njit(cache=True)
def _stage_z(begun, forcing, dt, dz, dens, face, face_theta, rest, force):  # type: ignore[no-untyped-def]
    _, nz, nx = begun.shape
    out = np.empty_like(begun)
    padded = np.empty((nz + 4, 4, nx))
    below, above = np.empty((4, nx)), np.empty((4, nx))
    viscosity = VISCOSITY * dz / (16 * dt)
    for k in range(nz + 4):
        inside = min(max(k - 2, 0), nz - 1)
        for v in range(4):
            padded[k, v] = forcing[v, inside]
        if k < 2 or k >= nz + 2:
            padded[k, 1] *= dens[k] / dens[inside + 2]
            padded[k, 2] = 0.0
    for k in range(nz + 1):
        rho0, rt0, p0 = face[k], face_theta[k], rest[k]
        wall = k == 0 or k == nz
        for i in range(nx):
            r, mu, mw, rt, d0, d1, d2, d3 = _face(
                padded[k, :, i], padded[k + 1, :, i], padded[k + 2, :, i], padded[k + 3, :, i]
            )
            if wall:
                mw, d0 = 0.0, 0.0
            total = rt + rt0
            w = mw / (r + rho0)
            p = C0 * math.exp(GAMMA * math.log(total)) - p0
            above[0, i] = mw + viscosity * d0
            above[1, i] = mu * w + viscosity * d1
            above[2, i] = mw * w + p + viscosity * d2
            above[3, i] = total * w + viscosity * d3
        if k > 0:
            for v in range(4):
                for i in range(nx):
                    rate = -(above[v, i] - below[v, i]) / dz
                    if v == 2:
                        rate += force[k - 1, i] - forcing[0, k - 1, i] * GRAVITY
                    out[v, k - 1, i] = begun[v, k - 1, i] + dt * rate
        below, above = above, below
    return out


@njit(cache=True, inline="always")
def _face(a, b, c, d):  # type: ignore[no-untyped-def]
    r = -a[0] / 12 + 7 * b[0] / 12 + 7 * c[0] / 12 - d[0] / 12
    u = -a[1] / 12 + 7 * b[1] / 12 + 7 * c[1] / 12 - d[1] / 12
    w = -a[2] / 12 + 7 * b[2] / 12 + 7 * c[2] / 12 - d[2] / 12
    t = -a[3] / 12 + 7 * b[3] / 12 + 7 * c[3] / 12 - d[3] / 12
    d0 = -a[0] + 3 * b[0] - 3 * c[0] + d[0]
    d1 = -a[1] + 3 * b[1] - 3 * c[1] + d[1]
    d2 = -a[2] + 3 * b[2] - 3 * c[2] + d[2]
    d3 = -a[3] + 3 * b[3] - 3 * c[3] + d[3]
    return r, u, w, t, d0, d1, d2, d3
