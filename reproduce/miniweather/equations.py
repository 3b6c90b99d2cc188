"""The column at rest, the grid, and the five cases with their initial states.

A state is an array of shape (4, nz, nx) of cell averages: density, momentum in x, momentum in z and density times
potential temperature, where density and density times potential temperature are deviations from the column at rest.

The column obeys ``dp/dz = -rho g`` with the equation of state ``p = C0 (rho theta)**GAMMA``. With the Exner function
``pi = (p / P0)**(RD / CP)`` that is ``dpi/dz = -g / (CP theta)``, which has a closed form for a constant potential
temperature and for a constant buoyancy frequency N, ``theta = theta0 exp(N**2 z / g)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

GRAVITY = 9.8  # m/s2
CP, CV, RD = 1004.0, 717.0, 287.0  # J/(kg K), dry air
P0 = 1.0e5  # Pa
GAMMA = CP / CV  # 1.4002789...
C0 = (RD * P0 ** (-RD / CP)) ** GAMMA  # 27.5629...
WIDTH, HEIGHT = 2.0e4, 1.0e4  # m
VISCOSITY = 0.05  # share of the largest stable hyper-viscosity
COURANT, FASTEST = 1.5, 450.0  # time step = COURANT * cell / FASTEST (m/s)
HALO = 2
THETA0 = 300.0  # K
VARIABLES = ("density", "momentum_x", "momentum_z", "density_theta")
# Points and weights of the 3-point Gauss rule on a cell of width 1.
NODES = np.array([-np.sqrt(3 / 20), 0.0, np.sqrt(3 / 20)])
WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18


def pressure(density_theta: Array) -> Array:
    """Pressure in Pa of density times potential temperature in kg K/m3."""
    return C0 * np.exp(GAMMA * np.log(density_theta))


@dataclass(frozen=True)
class Bubble:
    """A disturbance of the potential temperature, ``kelvin * cos(pi r / 2)**2`` inside an ellipse (r <= 1).

    Attributes:
        kelvin: at the centre.
        x, z: the centre in m.
        radius_x, radius_z: half axes in m.
    """

    kelvin: float
    x: float = WIDTH / 2
    z: float = 2000.0
    radius_x: float = 2000.0
    radius_z: float = 2000.0

    def __call__(self, x: Array, z: Array) -> Array:
        """Kelvin at points."""
        return self.kelvin * bump(np.hypot((x - self.x) / self.radius_x, (z - self.z) / self.radius_z))


def bump(r: Array) -> Array:
    """``cos(pi r / 2)**2`` for r <= 1, zero beyond."""
    return np.where(r <= 1, np.cos(np.pi / 2 * np.minimum(r, 1.0)) ** 2, 0.0)


@dataclass(frozen=True)
class Case:
    """What is set in motion.

    Attributes:
        seconds: length of the published run.
        bubbles: disturbances of the potential temperature.
        wind: initial velocity in x, m/s.
        buoyancy: frequency N of the column in 1/s; zero: constant potential temperature.
        forced: a force upwards, 0.01 m/s2 at (2.5 km, 1 km), radius 500 m.
        inflow: air of 298 K that enters at 50 m/s within 625 m of a height of 7.5 km on the left.
    """

    seconds: float
    bubbles: tuple[Bubble, ...] = ()
    wind: float = 0.0
    buoyancy: float = 0.0
    forced: bool = False
    inflow: bool = False


CASES = {
    "thermal": Case(1000.0, (Bubble(3.0),)),
    "collision": Case(700.0, (Bubble(20.0), Bubble(-20.0, z=8000.0))),
    "gravity_waves": Case(1500.0, wind=15.0, buoyancy=0.02, forced=True),
    "density_current": Case(600.0, (Bubble(-20.0, z=5000.0, radius_x=4000.0),)),
    "injection": Case(1200.0, inflow=True),
}


@dataclass(frozen=True)
class Grid:
    """Cells, and the column at rest on them.

    Attributes:
        nx, nz: numbers of cells; nx = 2 nz gives square ones.
        case: what is set in motion.
    """

    nx: int = 100
    nz: int = 50
    case: Case = field(default_factory=lambda: CASES["thermal"])

    @property
    def dx(self) -> float:
        """Width of a cell in m."""
        return WIDTH / self.nx

    @property
    def dz(self) -> float:
        """Height of a cell in m."""
        return HEIGHT / self.nz

    @property
    def dt(self) -> float:
        """Time step in s."""
        return COURANT * min(self.dx, self.dz) / FASTEST

    @property
    def x(self) -> Array:
        """Centres of the cells, (nx,)."""
        return (np.arange(self.nx) + 0.5) * self.dx

    @property
    def z(self) -> Array:
        """Centres of the cells, (nz,)."""
        return (np.arange(self.nz) + 0.5) * self.dz

    @cached_property
    def cells(self) -> tuple[Array, Array]:
        """Density, and density times potential temperature, of the column in cells with their halo, (nz + 4,) each.

        As published they are values at the centre, not averages.
        """
        return column((np.arange(-HALO, self.nz + HALO) + 0.5) * self.dz, self.case.buoyancy)

    @cached_property
    def faces(self) -> tuple[Array, Array]:
        """The same at the faces between cells, (nz + 1,) each."""
        return column(np.arange(self.nz + 1) * self.dz, self.case.buoyancy)

    @cached_property
    def force(self) -> Array:
        """The force upwards by volume, (nz, nx), in kg/(m2 s2); zeros without one."""
        if not self.case.forced:
            return np.zeros((self.nz, self.nx))
        x, z = np.meshgrid(self.x, self.z)
        inner = self.cells[0][HALO:-HALO, None]
        return inner * 0.01 * bump(np.hypot((x - WIDTH / 8) / 500.0, (z - 1000.0) / 500.0))

    @cached_property
    def inflow(self) -> npt.NDArray[np.bool_]:
        """At which heights air enters, (nz,)."""
        return self.case.inflow & (np.abs(self.z - 0.75 * HEIGHT) <= HEIGHT / 16)

    def initial(self, bubbles: tuple[Bubble, ...] | None = None) -> Array:
        """The initial state, by the Gauss rule in each cell.

        Args:
            bubbles: other disturbances than those of the case.
        """
        state = np.zeros((4, self.nz, self.nx))
        for a, wa in zip(NODES, WEIGHTS, strict=True):
            for b, wb in zip(NODES, WEIGHTS, strict=True):
                x, z = np.meshgrid(self.x + a * self.dx, self.z + b * self.dz)
                density, density_theta = column(z, self.case.buoyancy)
                warm = sum((one(x, z) for one in self.case.bubbles if bubbles is None), np.zeros_like(x))
                warm = sum((one(x, z) for one in bubbles or ()), warm)
                state[1] += wa * wb * density * self.case.wind
                state[3] += wa * wb * (density * (density_theta / density + warm) - density_theta)
        return state

    def theta(self, state: Array) -> Array:
        """Deviation of the potential temperature from that of the column, in K, (..., nz, nx)."""
        density, density_theta = (a[HALO:-HALO, None] for a in self.cells)
        total = (state[..., 3, :, :] + density_theta) / (state[..., 0, :, :] + density)
        return np.asarray(total - density_theta / density)

    def mass(self, state: Array) -> float:
        """Mass by length, in kg/m."""
        return float(np.sum(state[0] + self.cells[0][HALO:-HALO, None]) * self.dx * self.dz)

    def energy(self, state: Array) -> float:
        """The sum that the published check calls total energy: ``rho (u**2 + w**2) + rho CV T``, by length.

        It has neither the half of the kinetic energy nor the potential energy.
        """
        density = state[0] + self.cells[0][HALO:-HALO, None]
        density_theta = state[3] + self.cells[1][HALO:-HALO, None]
        temperature = density_theta / density * (pressure(density_theta) / P0) ** (RD / CP)
        moving = (state[1] ** 2 + state[2] ** 2) / density
        return float(np.sum(moving + density * CV * temperature) * self.dx * self.dz)


def column(z: Array, buoyancy: float) -> tuple[Array, Array]:
    """Density, and density times potential temperature, of the column at rest."""
    z = np.asarray(z, dtype=float)
    if buoyancy:
        theta = THETA0 * np.exp(buoyancy**2 / GRAVITY * z)
        exner = 1 - GRAVITY**2 / (CP * buoyancy**2) * (theta - THETA0) / (theta * THETA0)
    else:
        theta = np.full_like(z, THETA0)
        exner = 1 - GRAVITY * z / (CP * THETA0)
    density_theta = (P0 * exner ** (CP / RD) / C0) ** (1 / GAMMA)
    return density_theta / theta, density_theta
