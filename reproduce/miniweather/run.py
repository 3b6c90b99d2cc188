"""Runs of a case, and the two checks that the README of miniWeather publishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec

from reproduce.miniweather import step as numpy_step
from reproduce.miniweather.equations import CASES, Array, Grid

MASS, ENERGY = 1e-13, 4.5e-5  # largest relative changes; that of the energy has to be negative


def stepper(compiled: bool | None = None) -> Callable[[Grid, Array, int], Array]:
    """The time step: compiled by Numba where that is installed, unless it is said otherwise."""
    if compiled if compiled is not None else find_spec("numba") is not None:
        from reproduce.miniweather.compiled import step

        return step
    return numpy_step.step


def states(grid: Grid, seconds: float, compiled: bool | None = None) -> Iterator[Array]:
    """The initial state and that after each time step; the last step is shorter where it has to be.

    Args:
        grid: cells and case.
        seconds: time of the run.
        compiled: by Numba; None: if it is installed.
    """
    step, state = stepper(compiled), grid.initial()
    yield state
    number, gone = 0, 0.0
    while gone < seconds - 1e-9:
        part = grid if gone + grid.dt <= seconds + 1e-9 else _Shorter(grid, seconds - gone)
        state = step(part, state, number)
        yield state
        number, gone = number + 1, gone + part.dt


class _Shorter(Grid):
    """The same grid with a shorter time step."""

    def __init__(self, grid: Grid, dt: float) -> None:
        super().__init__(grid.nx, grid.nz, grid.case)
        object.__setattr__(self, "_dt", dt)

    @property
    def dt(self) -> float:
        """Time step in s."""
        return float(self.__dict__["_dt"])


@dataclass(frozen=True)
class Check:
    """The change of the totals in a run.

    Attributes:
        case, nx, nz, seconds: what was run.
        mass, energy: relative changes.
        steps: number of time steps.
        milliseconds: processor time of a step, without the first ones (which Numba compiles).
    """

    case: str
    nx: int
    nz: int
    seconds: float
    mass: float
    energy: float
    steps: int
    milliseconds: float

    @property
    def passes(self) -> bool:
        """Whether both published checks hold; they are stated for the thermal at 100 x 50, 400 s."""
        return abs(self.mass) < MASS and -ENERGY < self.energy < 0


def check(
    case: str = "thermal",
    nx: int = 100,
    nz: int = 50,
    seconds: float = 400.0,
    compiled: bool | None = None,
) -> Check:
    """Run a case and compare its totals.

    >>> check(nx=20, nz=10, seconds=20.0, compiled=False).steps
    6
    """
    grid = Grid(nx, nz, replace(CASES[case], seconds=seconds))
    first = last = grid.initial()
    begun, steps = time.process_time(), -1
    for state in states(grid, seconds, compiled):
        last, steps = state, steps + 1
        if steps == 2:
            begun = time.process_time()
    spent = (time.process_time() - begun) * 1e3 / max(steps - 2, 1)
    mass, energy = grid.mass(first), grid.energy(first)
    changes = (grid.mass(last) - mass) / mass, (grid.energy(last) - energy) / energy
    return Check(case, nx, nz, seconds, *changes, steps, spent)
