"""The parts of a proof about a solution: what they are, how far each has to be proved, and the constants that they allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal
from supnorm.certification.checkpoint import Saved
from supnorm.certification.part import Part, PartNarrowed, PartProof, prove
from supnorm.certification.resume import bracket_of
from supnorm.certification.solution.claims import DIFFERENCE, GROWTH, INTERIOR, face_name
from supnorm.certification.solution.programs import (
    Posed,
    face_domain,
    face_program,
    flux_program,
    growth_program,
    residual_program,
    with_equal_ends,
)
from supnorm.certification.solution.theorem import NONE, Barrier, Situation, best
from supnorm.evaluation.limit import Limit
from supnorm.program import Program
from supnorm.program.derived import difference

Array = NDArray[np.float64]
T = TypeVar("T")
SEEN = 1.2  # a part is proved to this factor of its largest value seen, where its share of the bound allows no more
GROWN = 0.02  # of the exponent of growth over the whole time that its proof may lose
SAMPLES = 2048  # points that say how large a part is; the proof does not rest on them


@dataclass(frozen=True)
class Enough(Goal):
    """A ratio, and a bound that is small enough anyway."""

    enough: float = 0.0

    def target(self, lower: float) -> float:
        """The larger one of both."""
        return max(super().target(lower), self.enough)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Largest values that were seen at random points, of what the parts bound."""

    interior: float
    faces: float
    growth: float
    speeds: tuple[float | None, ...]
    gap: float
    fluxes: Mapping[int, float] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        """Whether all of them are numbers."""
        sizes = (self.interior, self.faces, self.growth, self.gap, *self.fluxes.values())
        return all(map(math.isfinite, sizes))


def parts_of(posed: Posed, v: Program, model: Program | None) -> dict[str, Part]:
    """All parts but those of velocities, by name."""
    domain, v = posed.domain, with_equal_ends(posed, v)
    parts = {}
    growth = growth_program(posed, v)
    if growth is not None:
        parts[GROWTH] = Part(GROWTH, growth, domain, "over")
    for axis, at, start in posed.faces():
        name = face_name(axis, "low" if at == domain.axes[axis].low else "high")
        flux = None if start else posed.flux(axis, at)
        if flux is None:
            program = face_program(posed, v, axis, at, posed.initial if start else posed.boundary)
        else:
            program = flux_program(posed, v, axis, at, flux)
        parts[name] = Part(name, program, face_domain(domain, axis))
    parts[INTERIOR] = Part(INTERIOR, residual_program(posed, v), domain)
    if model is not None:
        parts[DIFFERENCE] = Part(DIFFERENCE, difference(model, v), domain)
    return parts


def speed_part(posed: Posed, i: int) -> Part | None:
    """The part that bounds the velocity along the i-th axis of space, if that is a formula."""
    b = posed.velocity[i]
    return Part(f"speed {i}", b, posed.domain) if isinstance(b, Program) else None


def sizes(posed: Posed, parts: Mapping[str, Part], rng: np.random.Generator) -> Sizes:
    """Largest values at random points."""

    def largest(part: Part, signed: bool = False) -> float:
        with np.errstate(all="ignore"):
            y = part.program.value(part.domain.from_unit(_points(part.domain.d, rng)))
        return float(np.max(y if signed else np.abs(y)))

    of_faces = {name: largest(part) for name, part in parts.items() if name.startswith("face ")}
    speeds = []
    for i, b in enumerate(posed.velocity):
        part = speed_part(posed, i)
        speeds.append(
            None
            if isinstance(b, str)
            else abs(b)
            if isinstance(b, float)
            else largest(part or parts[INTERIOR])
        )
    growth = -posed.reaction if isinstance(posed.reaction, float) else 0.0
    return Sizes(
        interior=largest(parts[INTERIOR]),
        faces=max(of_values(posed, of_faces).values(), default=0.0),
        growth=max(largest(parts[GROWTH], signed=True), 0.0) if GROWTH in parts else growth,
        speeds=tuple(speeds),
        gap=largest(parts[DIFFERENCE]) if DIFFERENCE in parts else 0.0,
        fluxes=of_fluxes(posed, of_faces),
    )


def of_values(posed: Posed, faces: Mapping[str, T]) -> dict[str, T]:
    """Those of the faces, by the names of their parts, on which the value is given."""
    fluxes = {face_name(*key) for key in posed.fluxes}
    return {name: one for name, one in faces.items() if name not in fluxes}


def of_fluxes(posed: Posed, faces: Mapping[str, float]) -> dict[int, float]:
    """For each axis of space with fluxes, by position: the largest number of its faces with a flux."""
    made: dict[int, float] = {}
    for axis, end in posed.fluxes:
        i = posed.space.index(axis)
        made[i] = max(made.get(i, 0.0), faces[face_name(axis, end)])
    return made


def _points(d: int, rng: np.random.Generator) -> Array:
    """Random points of the unit box, a third of them near its faces."""
    u = rng.random((SAMPLES, d))
    near = u[: SAMPLES // 3]
    near[:] = 0.5 - 0.5 * np.cos(np.pi * near)
    return u


def situation(posed: Posed, growth: float, speeds: tuple[float | None, ...]) -> Situation:
    """What the constants depend on, with widths rounded up."""
    axes = posed.domain.axes
    widths = [math.nextafter(a.high - a.low, math.inf) for a in axes]
    return Situation(
        diffusivity=posed.diffusivity,
        widths=tuple(widths[i] for i in posed.space),
        speeds=speeds,
        fixed=tuple(isinstance(b, float) for b in posed.velocity),
        growth=growth,
        time=None if posed.time is None else widths[posed.time],
        ends=tuple((_alpha(posed, i, "low"), _alpha(posed, i, "high")) for i in posed.space),
        signs=tuple(b if isinstance(b, float) else 0.0 for b in posed.velocity),
        periodic=tuple(posed.space.index(i) for i in posed.periodic),
    )


def _alpha(posed: Posed, axis: int, end: str) -> float | None:
    if axis in posed.periodic:  # no barrier depends on this axis, as where both derivatives are given
        return 0.0
    flux = posed.fluxes.get((axis, end))
    return None if flux is None else flux.coefficient


@dataclass
class Proving:
    """Proves parts in order, within a limit.

    Attributes:
        posed: the equation.
        parts: all parts but those of velocities, by name.
        limit, seed, executor: as `certify` has them.
        observer: gets a `PartNarrowed` after each batch.
        so_far: makes the statement of what is proved so far.
        held, path: the parts of an earlier file, and that file.
        barrier, growth: the constants for what is proved so far.
        proofs: what is proved so far, by name; a part that is not begun has no bound.
    """

    posed: Posed
    parts: Mapping[str, Part]
    seen: Sizes
    limit: Limit
    seed: int
    executor: Executor | None
    observer: Callable[[PartNarrowed], None]
    so_far: Callable[[], Saved]
    held: Mapping[str, Any] = field(default_factory=dict)
    path: Path | str = ""
    barrier: Barrier = NONE
    growth: float = math.inf
    proofs: dict[str, PartProof] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            self.proofs[name] = PartProof(part, self._begun(part))

    def _begun(self, part: Part) -> Bracket:
        """A bracket as an earlier file states it (believed, not proved), or without a bound."""
        if part.name in self.held:
            return bracket_of(self.held[part.name], self.path, part.error, part.admit, self.seed)
        return replace(Bracket.start(part.error), seed=self.seed)

    def part(self, part: Part, goal: Goal, share: float = 1.0) -> PartProof:
        """Prove a part within a share of the time that is left."""

        def tell(event: BracketNarrowed, narrowed: PartProof) -> None:
            self.proofs[part.name] = narrowed
            number = list(self.proofs).index(part.name) + 1
            self.observer(PartNarrowed(part.name, number, len(self.proofs), event, self.so_far))

        limit = self.limit.within(share)
        limit = limit.upto(self.limit.evaluations - sum(p.bracket.tried for p in self.proofs.values()))
        proof = prove(
            part,
            goal,
            limit,
            seed=self.seed,
            executor=self.executor,
            observer=tell,
            held=self.held.get(part.name),
            path=self.path,
        )
        self.proofs[part.name] = proof
        return proof

    @property
    def proved(self) -> dict[str, PartProof]:
        """The parts, without any bound where one is only stated by an earlier file."""
        return {
            name: PartProof(p.part, Bracket.start(p.part.error), p.end) if p.bracket.believed else p
            for name, p in self.proofs.items()
        }

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it."""
        return any(proof.end == "interrupted" for proof in self.proofs.values())

    def bound(self, residual: float | None = None) -> float:
        """The bound of |u - v| that faces, fluxes and the residual (proved, or this) give so far."""
        faces = {name: p.upper for name, p in self.proved.items() if name.startswith("face ")}
        largest = max(of_values(self.posed, faces).values(), default=0.0)
        interior = self.proved[INTERIOR].upper if residual is None else residual
        return self.barrier.bound(largest, interior, of_fluxes(self.posed, faces))

    def constants(self) -> None:
        """Find the barrier with the smallest bound by what was seen, for the proved growth and velocities.

        Raises:
            BadInput: when there is no barrier.
        """
        seen = self.seen
        growth = seen.growth
        if GROWTH in self.parts:
            time = situation(self.posed, 0.0, seen.speeds).time
            loss = GROWN / time if time else 0.0
            self.part(self.parts[GROWTH], Enough(1.05, None, enough=seen.growth + loss), 0.2)
            growth = self.proved[GROWTH].upper
        speeds = list(seen.speeds)
        for i in range(len(speeds)):
            part = speed_part(self.posed, i)
            if part is not None and not self.interrupted:
                self.part(part, Goal(1.02, None), 0.1)
                speeds[i] = self.proved[part.name].upper
        if not self.interrupted:
            about = situation(self.posed, growth, tuple(speeds))
            self.barrier = best(about, seen.faces, seen.interior, seen.fluxes)
            self.growth = growth
        for i in range(len(speeds)):
            if i not in self.barrier.speeds():
                self.proofs.pop(f"speed {i}", None)
