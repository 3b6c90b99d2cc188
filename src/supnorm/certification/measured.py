"""How far model and reference as they run are from the programs that were read of them, in the unit of the error.

A proof speaks of programs. That they are what runs is measured, not proved: at random points, faces and corners, beside
every kink (`kinks`), at points that the caller knows to be bad (an audit's), and where the proof found the error largest.
For a function in float64 the proved rounding of its evaluation is no disagreement; what is beyond it is, and so is every
difference of a function in lower precision from exact arithmetic. `Agreement` is set against what is claimed (`result`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from supnorm.certification.agreement import FEW, Compared, slack_of
from supnorm.certification.branch_room import has_branches
from supnorm.certification.kinks import beside_kinks
from supnorm.certification.rough import roughest
from supnorm.certification.rounding import Array
from supnorm.problem import Function, Problem
from supnorm.program import Program
from supnorm.results import Witness, rounded_up
from supnorm.results.certify import AgreementRecord, ComputedRecord, SideRecord

SOME = 256  # points beside kinks where calls are cheap, at most; else as many as one call takes
FLAT = 1e-15  # of the largest value: allowed where the bound of the rounding is infinite
BEYOND = 2.0  # a largest difference was seen at some points only; this many times it is set against a claim


@dataclass(frozen=True)
class Difference:
    """The largest difference of one side as it runs from its program, in the unit of the error.

    Attributes:
        side: "model" or "reference".
        size: the largest difference.
        beyond: the largest part of one that is not explained, by proved rounding in float64 and by branches of the code that
            the bound has room for (`branch_room`); in lower precision all of it.
        exact: whether the side runs in float64, so that all beyond rounding is a disagreement.
        x, run, program, output: where ``beyond`` (else ``size``) is largest, both values, and in which output.
        branch: whether a branch explains more of the largest difference than rounding does.
    """

    side: str
    size: float
    beyond: float
    exact: bool
    x: tuple[float, ...]
    run: float
    program: float
    output: int
    branch: bool = False

    def words(self) -> str:
        """Where, and both values."""
        return f"{self.run:.17g} at {list(self.x)}, where its program as read gives {self.program:.17g}"


@dataclass(frozen=True)
class Agreement:
    """What was compared, and how far apart it was.

    Attributes:
        sides: for each side that has a program.
        points: how many were compared.
        worst: the largest error that counts of both as they run at these points; 0 where none is known.
        worst_at: where that was, with both values; None where none is known.
    """

    sides: tuple[Difference, ...] = ()
    points: int = 0
    worst: float = 0.0
    worst_at: Witness | None = None

    @property
    def worst_x(self) -> tuple[float, ...] | None:
        """The point of `worst`."""
        return None if self.worst_at is None else tuple(self.worst_at.x.tolist())

    @property
    def size(self) -> float:
        """The largest difference, both sides together."""
        return sum(s.size for s in self.sides)

    @property
    def hidden(self) -> float:
        """How far functions in float64 were from their programs beyond rounding: something was not read."""
        return sum(s.beyond for s in self.sides if s.exact)

    @property
    def lower_precision(self) -> float:
        """How far functions in lower precision were from exact arithmetic."""
        return sum(s.beyond for s in self.sides if not s.exact)

    @property
    def margin(self) -> float:
        """What a claim about the functions as they run needs beyond the bound of the programs."""
        return BEYOND * (self.hidden + self.lower_precision)

    def sentence(self, unit: str = "") -> str:
        """In words; ``unit`` with a blank before it.

        >>> Agreement(points=256).sentence()
        'what runs is what was read at 256 points, exactly'
        """
        where = f"what runs is what was read at {self.points:,} points"
        if not self.size:
            return f"{where}, exactly"
        beyond = self.hidden + self.lower_precision
        why = f"{rounded_up(beyond, 2):.2g} of it beyond" if beyond else "explained by"
        branch = (
            " and a branch of the code that the bound has room for"
            if any(s.branch for s in self.sides)
            else ""
        )
        return f"{where} within {rounded_up(self.size, 2):.2g}{unit}, {why} rounding in float64{branch}"

    def largest(self, exact: bool) -> Difference:
        """The side with the largest unexplained difference, in float64 or below."""
        return max((s for s in self.sides if s.exact == exact), key=lambda s: s.beyond)

    def record(self, names: tuple[str, ...], outputs: tuple[str, ...]) -> AgreementRecord:
        """As plain data, with the names of the inputs and of the outputs."""
        sides = [
            SideRecord(
                side=s.side,
                difference=s.size,
                beyond_rounding=s.beyond,
                x=dict(zip(names, s.x, strict=True)),
                run=s.run,
                program=s.program,
                output=outputs[s.output] if s.output < len(outputs) else s.output,
            )
            for s in self.sides
        ]
        worst = None
        if self.worst_x is not None:
            worst = ComputedRecord(error=self.worst, x=dict(zip(names, self.worst_x, strict=True)))
        return AgreementRecord(
            points=self.points,
            difference=self.size,
            beyond_rounding=self.hidden + self.lower_precision,
            sides=tuple(sides),
            worst=worst,
        )


NOTHING_SEEN = Agreement()


@dataclass
class Batch:
    """Values of one side at points: as it runs, as read, and the bound of the rounding."""

    x: Array
    run: Array
    read: Array
    slack: Array


@dataclass
class Measuring:
    """Collects the comparisons of both sides of a problem.

    Attributes:
        problem: whose model and reference are compared.
        compared: the sides that have a program.
        batches: by side and label.
    """

    problem: Problem
    compared: dict[str, Compared] = field(default_factory=dict)
    batches: dict[tuple[str, str], Batch] = field(default_factory=dict)

    def enter(self, function: Function, program: Program, what: str) -> None:
        """Compare one side everywhere.

        Raises:
            BadInput: when it is not what its program says.
        """

        def record(label: str, *values: Array) -> None:
            self.batches[what, label] = Batch(*values)

        self.compared[what] = Compared(function, program, what, record)
        self.compared[what].everywhere(self.problem.domain)

    @property
    def most(self) -> int:
        """How many further points one call may take: few where one side is expensive."""
        return min((c.n for c in self.compared.values()), default=FEW)

    def at(self, x: Array, label: str) -> None:
        """Compare both sides at further points of the domain, shape ``(k, d)``; at most as many as one call takes."""
        x = x[self.problem.domain.contains(x)][: self.most]
        for side in self.compared.values():
            side.at(x, label)

    def beside_kinks(self, rng: np.random.Generator) -> None:
        """Compare each of the two beside the kinks of its own program."""
        for side in self.compared.values():
            most = SOME if side.quick else self.most
            side.at(beside_kinks(side.program, self.problem.domain, most, rng), "kinks")

    @property
    def inexact(self) -> list[Compared]:
        """The sides that run in lower precision."""
        return [side for side in self.compared.values() if side.function.precision != "float64"]

    def where_rough(self, x: Array, step: Array, rng: np.random.Generator) -> None:
        """Compare each side in lower precision where its rounding may be largest, from points and steps ``(k, d)`` on."""
        for side in self.inexact:
            bound = partial(slack_of, side.function, side.program)
            side.at(roughest(bound, self.problem.domain, x, step, side.n, rng), "rough")

    def agreement(self) -> Agreement:
        """What was seen so far."""
        sides = [s for what in self.compared if (s := self._side(what)) is not None]
        points = sum(len(b.x) for (what, _), b in self.batches.items() if what == next(iter(self.compared)))
        return Agreement(tuple(sides), points, *self._worst())

    def _side(self, what: str) -> Difference | None:
        side = self.compared[what]
        own = [batch for (of, _), batch in self.batches.items() if of == what]
        x, run, read, slack = (
            np.concatenate([getattr(b, n) for b in own]) for n in ("x", "run", "read", "slack")
        )
        weight = self._weight(what, x, run, read)
        exact = side.function.precision == "float64"
        with np.errstate(all="ignore"):
            size = np.abs(run - read)
            beyond = size
            if exact:
                beyond = np.maximum(size - np.where(np.isfinite(slack), slack, FLAT * side.size), 0.0)
            size, beyond = (np.where(np.isfinite(v), v, 0.0) for v in (size * weight, beyond * weight))
        row, output = np.unravel_index((beyond if beyond.any() else size).argmax(), size.shape)
        return Difference(
            side=what,
            size=float(size.max()),
            beyond=float(beyond.max()),
            exact=exact,
            x=tuple(x[row].tolist()),
            run=float(run[row, output]),
            program=float(read[row, output]),
            output=int(output),
            branch=exact and self._branch(side, x, run, read, size),
        )

    @staticmethod
    def _branch(side: Compared, x: Array, run: Array, read: Array, size: Array) -> bool:
        """Whether the largest difference is more than rounding explains, and the program has branches."""
        if not (size.any() and has_branches(side.program)):
            return False
        row, output = np.unravel_index(size.argmax(), size.shape)
        rounding = slack_of(side.function, side.program, x[row : row + 1], branches=False)[0, output]
        return bool(abs(run[row, output] - read[row, output]) > rounding)

    def _weight(self, what: str, x: Array, run: Array, read: Array) -> Array:
        """What a difference of outputs is worth in the unit of the error, shape ``(n, m)``."""
        measure, m = self.problem.error, read.shape[1]
        weight = 1.0 / measure.weights(m)
        if measure.kind != "relative":
            return np.broadcast_to(weight, read.shape)
        with np.errstate(all="ignore"):
            other = self.compared["model" if what == "reference" else "reference"].program.value(x)
            model, reference = (other, read) if what == "reference" else (read, other)
            divisor = measure.divisor(reference)
            if what == "reference":  # it is in the divisor too
                least = np.minimum(divisor, measure.divisor(run))
                return np.asarray((1.0 + np.abs(model - reference) / divisor) / least * weight)
            return np.asarray(weight / divisor)

    def _worst(self) -> tuple[float, Witness | None]:
        """The largest error of both as they run, where both were called, and where."""
        best: tuple[float, Witness | None] = (0.0, None)
        for (what, label), mine in self.batches.items():
            other = self.batches.get(("reference", label))
            if what != "model" or other is None:
                continue
            n = min(len(mine.x), len(other.x))
            if not np.array_equal(mine.x[:n], other.x[:n]):
                continue
            size, output = self.problem.error(mine.run[:n], other.run[:n], mine.x[:n])
            size = np.where(np.isfinite(size) & self.problem.domain.contains(mine.x[:n]), size, -1.0)
            if len(size) and size.max() > best[0]:
                k = int(size.argmax())
                best = (
                    float(size[k]),
                    Witness(mine.x[k], mine.run[k], other.run[k], float(size[k]), int(output[k])),
                )
        return best
