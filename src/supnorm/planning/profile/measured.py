"""The measurements of one function, and their consequences: kind, order, rho, degrees, derivative bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.active import ActiveSubspace
from supnorm.planning.profile.dimension import IntrinsicDimension
from supnorm.planning.profile.hazards import Hazards
from supnorm.planning.profile.interactions import Interactions
from supnorm.planning.profile.lines import Line
from supnorm.planning.profile.sensitivity import Sensitivity
from supnorm.planning.profile.separation import Separation
from supnorm.planning.profile.spectrum import Spectrum
from supnorm.problem import Domain
from supnorm.results.numbers import with_unit
from supnorm.wording import Fact

Array = NDArray[np.float64]

# Factor on estimated derivative bounds, because lines show a lower estimate of the maximum. A judgement, without a test.
SAFETY = 1.5
# Highest number of derivatives: those of a measured series beyond the fourth are mostly rounding (`test_whole_profile`).
HIGHEST = 4


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The measurements of one function, after ``calls`` evaluations.

    Attributes:
        d: inputs.
        names: of the inputs.
        half_range: half the range of the values seen: the scale that relative numbers refer to.
        noise: standard deviation of the noise on single values.
        hazards: non-finite values and blow-up.
        lines: smoothness on every line.
        interactions, active, sensitivity: None if the test was left out.
        inner: sets of inputs that enter through one number.
        ridge: the line along the single active direction, corner to corner; None with more directions.
        separation: ranks between leading and trailing inputs; None if the test was left out.
        dimension: dimension of the inputs' law; None without data.
        calls: number of evaluations.
        left_out: facts about tests that were not run.
        domain: the domain of the unit cube, for points in the user's units.
    """

    d: int
    names: tuple[str, ...]
    half_range: float
    noise: float
    hazards: Hazards
    lines: tuple[Line, ...]
    interactions: Interactions | None = None
    active: ActiveSubspace | None = None
    sensitivity: Sensitivity | None = None
    inner: tuple[tuple[int, ...], ...] = ()
    separation: Separation | None = None
    ridge: Line | None = None
    dimension: IntrinsicDimension | None = None
    calls: int = 0
    left_out: tuple[Fact, ...] = ()
    domain: Domain | None = None

    def in_units(self, u: Array) -> str:
        """A point of the unit cube, shape ``(d,)``, in the units of the domain."""
        if self.domain is None:
            values, units = u, [""] * self.d
        else:
            values, units = self.domain.from_unit(u[None])[0], [axis.unit for axis in self.domain.axes]
        parts = [f"{n} = {with_unit(v, unit)}" for n, v, unit in zip(self.names, values, units, strict=True)]
        return ", ".join(parts) + (" of the unit cube" if self.domain is None else "")

    @property
    def known_lines(self) -> list[Line]:
        """Lines on which every point had a value."""
        return [line for line in self.lines if line.spectrum is not None]

    def spectra(self, axis: int | None) -> list[Spectrum]:
        """The spectra of the known lines along an axis; of the oblique lines for None."""
        return [line.spectrum for line in self.known_lines if line.axis == axis and line.spectrum]

    @property
    def jump(self) -> Line | None:
        """The line with the largest jump; None without one."""
        jumps = [line for line in self.lines if line.jump > 0]
        return max(jumps, key=lambda line: line.jump) if jumps else None

    @property
    def kind(self) -> str:
        """``"jump"``, ``"unresolved"``, ``"algebraic"``, ``"geometric"``, ``"noise"`` or ``"unknown"``."""
        kinds = [line.spectrum.kind for line in self.known_lines if line.spectrum]
        if self.jump is not None:
            return "jump"
        # Two kinks close together on a single line can look unresolved; a layer is met by many lines.
        if "algebraic" in kinds and kinds.count("unresolved") <= 0.2 * len(kinds):
            return "algebraic"
        for kind in ("unresolved", "algebraic", "geometric", "noise"):
            if kind in kinds:
                return kind
        return "unknown"

    @property
    def order(self) -> float:
        """The lowest algebraic order seen; inf when every line decays geometrically; NaN when unknown."""
        if self.kind == "jump":
            return 0.0
        orders = [line.spectrum.order for line in self.known_lines if line.spectrum]
        orders = [s for s in orders if not math.isnan(s)]
        return min(orders) if orders else math.nan

    @property
    def rho(self) -> tuple[float, ...]:
        """The smallest Bernstein parameter seen along each axis; 1 where it is not geometric."""
        smallest = []
        for axis in range(self.d):
            spectra = self.spectra(axis)
            geometric = spectra and all(s.kind == "geometric" for s in spectra)
            smallest.append(min(s.rho for s in spectra) if geometric else 1.0)
        return tuple(smallest)

    def degrees(self, eps: float) -> list[int | None]:
        """Polynomial degree along each axis for an error of ``eps``, from measured coefficients."""
        degrees: list[int | None] = []
        for axis in range(self.d):
            needed = [s.degree_for(eps) for s in self.spectra(axis)]
            known = [k for k in needed if k is not None]
            degrees.append(max(known) if known and len(known) == len(needed) else None)
        return degrees

    def derivative_scales(self, n: int) -> tuple[float, ...]:
        """Estimated bounds on the derivatives of orders 0 to n on the unit cube, n at most 4, safety factor
        included.

        The k-th derivative along unit directions is the norm of the k-linear form, so its maximum over many
        directions estimates all mixed derivatives of that order from below.
        """
        return (self.half_range, *self._derivatives[:n])

    @cached_property
    def _derivatives(self) -> tuple[float, ...]:
        rows = []
        for k in range(1, HIGHEST + 1):
            seen = [line.spectrum.derivative_maximum(k) for line in self.known_lines if line.spectrum]
            rows.append(SAFETY * max([*seen, 1e-12 * self.half_range]))
        return tuple(rows)

    def class_order(self) -> int:
        """The number of derivatives that the guarantee line may use: at most 4; 0 when not even Lipschitz."""
        if self.kind in ("unknown", "noise", "unresolved"):
            return 1
        # Orders are estimated within .2 (several kinks on one line read as .86).
        return int(min(HIGHEST, math.floor(self.order + 0.2) if math.isfinite(self.order) else HIGHEST))
