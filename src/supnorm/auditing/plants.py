"""Known errors that can be planted in a problem: round bumps and thin sheets.

A *bump* adds h (1 - |u - c|^2 / r^2)_+^2 to the error; its half-height ball fills a fraction p of the domain, also
where faces, constraints or the data cut part of the ball away (`ball`), and nothing shows outside radius r (a bump
with tails would be found by its tails). A *sheet* adds a jump to the model and the same jump, displaced by a little,
to the reference: between the two the error is h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ball import ball_radius, radius_of_share
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Domain, Function, Problem, draw_inside

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bump:
    """A round error; see the module's text. ``centre`` and ``radius`` (half height) are in the unit box."""

    height: float
    volume: float
    centre: Array | None = None
    shape: str = "bump"
    radius: float | None = None
    output: int = 0

    def placed(self, domain: Domain, rng: np.random.Generator, outputs: int = 1) -> Bump:
        """The same bump at a random place of the domain, as wide as its volume asks for there, in a random output."""
        return self.somewhere(domain, rng, outputs).sized(domain, rng)

    def somewhere(self, domain: Domain, rng: np.random.Generator, outputs: int = 1) -> Bump:
        """At a random place and in a random output, but not sized for it yet: that takes most of the time."""
        centre = domain.to_unit(draw_inside(domain, 1, rng))[0]
        return replace(self, centre=centre, output=_one_of(outputs, rng))

    def sized(self, domain: Domain, rng: np.random.Generator) -> Bump:
        """As wide as its volume asks for where it stands."""
        assert self.centre is not None, "place it first"
        return replace(self, radius=radius_of_share(domain, self.centre, self.volume, rng))

    def added(self, u: Array) -> tuple[Array, Array]:
        """What the bump adds to the error at ``u`` (n, d), and its gradient there."""
        assert self.centre is not None, "place it first"
        d = u.shape[1]
        radius = self.radius or ball_radius(self.volume, d)
        reach = radius / math.sqrt(1 - math.sqrt(0.5))
        gap = (u - self.centre) / reach
        inside = np.maximum(1 - (gap**2).sum(axis=1), 0.0)
        return self.height * inside**2, -4 * self.height / reach * gap * inside[:, None]


@dataclass(frozen=True)
class Sheet:
    """Two jumps displaced by ``width`` along ``normal``, through ``centre``; between them the error is ``height``."""

    height: float
    width: float
    normal: Array | None = None
    centre: Array | None = None
    shape: str = "sheet"
    output: int = 0

    @property
    def volume(self) -> float:
        """About: the width times the area of a section of the unit box."""
        return self.width

    def sized(self, domain: Domain, rng: np.random.Generator) -> Sheet:
        """The same: a sheet is as thick everywhere."""
        return self

    def somewhere(self, domain: Domain, rng: np.random.Generator, outputs: int = 1) -> Sheet:
        """The same sheet through a random place, in a random direction, in a random output."""
        normal = rng.standard_normal(domain.d)
        normal /= np.linalg.norm(normal)
        through = domain.to_unit(draw_inside(domain, 1, rng))[0]
        return replace(self, normal=normal, centre=through, output=_one_of(outputs, rng))

    placed = somewhere

    def sides(self, u: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the model and where the reference has jumped."""
        assert self.normal is not None, "place it first"
        assert self.centre is not None, "place it first"
        along = (u - self.centre) @ self.normal
        return along > 0, along > self.width


Plant = Bump | Sheet


def _one_of(outputs: int, rng: np.random.Generator) -> int:
    return int(rng.integers(outputs)) if outputs > 1 else 0


def planted_problem(problem: Problem, plant: Plant, side: str) -> Problem:
    """The problem with a placed plant in one of its outputs: a bump in ``side``, a sheet in both.

    The plant's height in the output's unit is that of the error times what the measure divides by at the place.
    """
    domain = problem.domain
    assert plant.centre is not None, "place it first"
    x = domain.from_unit(plant.centre[None])
    f = problem.reference.columns(x)
    y = guarded(problem.model.value, x, f.shape[1])[0]  # a sheet goes through any place
    k = plant.output
    size = float(problem.error.divisor(f)[0, k]) * apart(problem, y, f, k)
    size *= float(problem.error.tolerances(f.shape[1])[k])
    if isinstance(plant, Sheet):
        size *= plant.height
        model = _raised(problem.model, k, lambda z: np.asarray(size * plant.sides(domain.to_unit(z))[0]))
        reference = _raised(
            problem.reference, k, lambda z: np.asarray(size * plant.sides(domain.to_unit(z))[1])
        )
        return replace(problem, model=model, reference=reference)
    size = size if side == "model" else -size
    chosen = problem.model if side == "model" else problem.reference

    def added(z: Array) -> Array:
        return size * plant.added(domain.to_unit(z))[0]

    def slope(z: Array) -> Array:
        return size * plant.added(domain.to_unit(z))[1] * _rate(domain, z)

    raised = _raised(chosen, k, added, slope)
    return replace(problem, model=raised) if side == "model" else replace(problem, reference=raised)


def apart(problem: Problem, model: Array, reference: Array, output: int = 0) -> float:
    """The sign that a plant in the model needs so that it adds to the error there; values of shape (1, m)."""
    if problem.error.side != "both":
        return 1.0 if problem.error.side == "over" else -1.0
    return -1.0 if model[0, output] < reference[0, output] else 1.0


def _rate(domain: Domain, x: Array) -> Array:
    """Derivative of the unit-box coordinates in the inputs."""
    slope = domain.slope(x)
    value: Array = np.divide(1.0, slope, out=np.zeros_like(slope), where=slope != 0)
    return value


def _raised(
    function: Function,
    output: int,
    added: Callable[[Array], Array],
    slope: Callable[[Array], Array] | None = None,
) -> Function:
    """The function with something added to one of its outputs."""

    def value(x: Array) -> Array:
        y = function.columns(x)
        y[:, output] += added(x)
        return y

    vjp = function.vjp

    def both(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        assert vjp is not None
        y, pull = vjp(x)
        y = np.array(y, dtype=float)
        y[:, output] += added(x)
        extra = 0.0 if slope is None else slope(x)
        return y, lambda w: pull(w) + w[:, output, None] * extra

    return Function(value, vjp=both if vjp is not None else None, name=function.name)


class PlantLens:
    """Shows a search the values of a problem with a planted error (`supnorm.auditing.landscape.Lens`).

    Attributes:
        can_show: whether the error counts in the middle of the plant and grows with it; of a sheet always true.
        worst: the largest error seen where the plant shows.
    """

    def __init__(self, base: Evaluator, plant: Plant) -> None:
        self.problem, self.plant = base.problem, plant
        assert plant.centre is not None, "place it first"
        there = base.values(self.problem.domain.from_unit(plant.centre[None]), "power")
        self._sign = apart(self.problem, there.model, there.reference, plant.output)
        self.can_show = isinstance(plant, Sheet) or self._counts(there)
        self.worst = -np.inf

    def sized(self, rng: np.random.Generator) -> PlantLens:
        """The same with a plant as wide as its volume asks for where it stands."""
        self.plant = self.plant.sized(self.problem.domain, rng)
        return self

    def _counts(self, there: Evaluations) -> bool:
        if there.status[0] != PointStatus.OK or not np.isfinite(there.error[0]):
            return False
        gap = there.model[0, self.plant.output] - there.reference[0, self.plant.output]
        measure = self.problem.error
        one_sided = measure.differentiable and measure.side != "both"
        return bool(np.isfinite(gap) and not (one_sided and self._sign * gap < 0))

    def values(self, done: Evaluations) -> Evaluations:
        """A batch with the plant added."""
        return self._planted(done)[0]

    def gradient(self, done: Evaluations, slope: Array) -> tuple[Evaluations, Array]:
        """A batch and its gradients with the plant added."""
        planted, extra = self._planted(done)
        k = self.plant.output
        gap = planted.model[:, k] - done.reference[:, k]
        turned = np.sign(gap) * np.sign(done.model[:, k] - done.reference[:, k])
        # Where the plant takes over from another output, the slope of that one says nothing.
        factor = np.where((turned < 0) & (done.output == k), -1.0, 1.0)
        factor[planted.output != done.output] = 0.0
        return planted, slope * factor[:, None] + extra

    def _planted(self, done: Evaluations) -> tuple[Evaluations, Array]:
        """The batch with the plant, and what the plant adds to the gradients of its errors."""
        u = self.problem.domain.to_unit(done.x)
        measure = self.problem.error
        ok = done.status == PointStatus.OK
        if not measure.differentiable:  # a user's own error: how it grows with the model is not known
            assert isinstance(self.plant, Bump)
            value, slope = self.plant.added(u)
            return self._seen(replace(done, error=done.error + value), ok & (value > 0)), slope * ok[:, None]
        k = self.plant.output
        size = self._sign * measure.divisor(done.reference)[:, k]
        if measure.per_output:
            size = size * measure.tolerances(done.model.shape[1])[k]
        size = np.where(np.isfinite(size), size, 0.0)  # a reference that is infinite there divides by it
        model, reference = done.model.copy(), done.reference.copy()
        slope = np.zeros_like(u)
        if isinstance(self.plant, Bump):
            value, slope = self.plant.added(u)
            model[:, k] += size * value
            shows = ok & (value > 0)
        else:
            first, second = (size * self.plant.height * side for side in self.plant.sides(u))
            model[:, k] += first
            reference[:, k] += second
            shows = ok & (first != second)
        # Where both sides of a sheet have jumped the error stays the base's own.
        error, output, extra = done.error.copy(), done.output.copy(), np.zeros_like(u)
        rows = np.flatnonzero(shows)
        if len(rows):
            error[rows], output[rows] = measure(model[rows], done.reference[rows], done.x[rows])
            rate = measure.gradient(model[rows], done.reference[rows], output[rows])[0][:, k, None]
            extra[rows] = rate * size[rows, None] * slope[rows]
        return self._seen(Evaluations(done.x, model, reference, error, output, done.status), shows), extra

    def _seen(self, planted: Evaluations, shows: NDArray[np.bool_]) -> Evaluations:
        self.worst = max(self.worst, float(planted.error[shows].max(initial=-np.inf)))
        return planted
