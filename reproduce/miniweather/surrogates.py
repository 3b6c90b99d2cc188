"""Networks that stand in for a flux, a stage or a sub-step, trained by `supnorm.fit` on samples of one run.

* ``flux``: four values at a face and the column there to three fluxes. The fourth one, of mass, is the momentum itself;
  walls and hyper-viscosity stay exact, and one network serves both directions. Mass is exact whatever it does.
* ``direct``: a cell and its neighbours to the four rates of change of a stage; hyper-viscosity stays exact; no total is.
* ``directional``: a cell and its neighbours to the change by a whole sub-step of three stages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import supnorm as sn
from reproduce.miniweather.equations import VISCOSITY, Array, Grid
from reproduce.miniweather.samples import FIVE, SIX, Samples, cell_inputs
from reproduce.miniweather.step import STAGES, at_faces, closed, step, true_flux

Model = Callable[[Array], Array]


def trained(samples: Samples, width: int, scale: Array, iterations: int, seed: int = 0) -> sn.FitResult:
    """A tanh network of two hidden layers, fitted to the samples.

    Args:
        samples: all that it may see; `supnorm.fit` holds a part of them out.
        width: of both layers.
        scale: sizes of the outputs, which the error is divided by.
        iterations: of the optimiser that `supnorm.fit` chooses for this size.
        seed: of the network.
    """
    method = sn.NetworkFit(widths=(width,), depth=2, iterations=iterations, rows=len(samples))
    error = sn.ErrorMeasure("scaled", scale=tuple(map(float, scale)))
    return sn.fit((samples.x, samples.y), norm="l2", method=method, error=error, seed=seed)


@dataclass
class FluxStep:
    """A time step with another flux, and with the true one at faces that a guard flags.

    Attributes:
        grid: cells and case.
        model: (n, 6) to (n, 3).
        flag: (n, 6) to booleans (n,); None: no guard.
    """

    grid: Grid
    model: Model
    flag: Model | None = None

    def __call__(self, state: Array, number: int) -> sn.Stepped | Array:
        """The next state, and the share of faces that were flagged."""
        flagged, faces = 0, 0

        def flux(values: Array, density: Array, density_theta: Array) -> Array:
            nonlocal flagged, faces
            x = np.column_stack([*values, density, density_theta])
            made = np.concatenate([values[1][None], self.model(x).T])
            if self.flag is not None:
                where = self.flag(x)
                flagged, faces = flagged + int(where.sum()), faces + len(x)
                made[:, where] = true_flux(values[:, where], density[where], density_theta[where])
            return made

        after = step(self.grid, state, number, flux)
        return after if self.flag is None else sn.Stepped(after, flagged / faces)


@dataclass
class DirectStep:
    """A time step whose rates of change come from two networks, one for each direction."""

    grid: Grid
    models: dict[str, Model]

    def __call__(self, state: Array, number: int) -> Array:
        """The next state."""
        for direction in ("xz", "zx")[number % 2]:
            begun = state
            for part in STAGES:
                dt = self.grid.dt / part
                rate = self.models[direction](cell_inputs(self.grid, state, direction, FIVE)).T.reshape(
                    state.shape
                )
                state = begun + dt * (rate + viscous(self.grid, state, direction, dt))
        return state


@dataclass
class DirectionalStep:
    """A time step of two sub-steps, each by a network."""

    grid: Grid
    models: dict[str, Model]

    def __call__(self, state: Array, number: int) -> Array:
        """The next state."""
        for direction in ("xz", "zx")[number % 2]:
            made = self.models[direction](cell_inputs(self.grid, state, direction, SIX))
            state = state + made.T.reshape(state.shape)
        return state


def viscous(grid: Grid, state: Array, direction: str, dt: float) -> Array:
    """The rate of change by hyper-viscosity alone."""
    _, third, _, _ = at_faces(grid, state, direction)
    cell, axis = (grid.dx, 2) if direction == "x" else (grid.dz, 1)
    flux = VISCOSITY * cell / (16 * dt) * third
    if direction == "z":
        closed(flux, third, VISCOSITY * cell / (16 * dt))
    return -np.diff(flux, axis=axis) / cell
