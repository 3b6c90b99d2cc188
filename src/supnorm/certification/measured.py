"""How far model and reference as they run are from their programs, in the unit of the error.

A proof is about programs. That the functions as they run agree with them is measured and not proved: at random points,
on faces and corners, beside every kink (`kinks`), at points of the caller (such as an audit's worst), and where the proof
found the largest errors. For a function in float64, a difference counts as far as it exceeds the proved rounding of the
evaluation; in lower precision every difference counts. `result` compares the `Agreement` with the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from supnorm.certification.agreement import FEW, UNIT, Compared, slack_of, turned
from supnorm.certification.branch_room import has_branches
from supnorm.certification.executions import Executions
from supnorm.certification.kinks import beside_kinks
from supnorm.certification.rough import roughest
from supnorm.certification.rounding import Array, U
from supnorm.evaluation.guarded import values_of
from supnorm.problem import Function, Problem
from supnorm.problem.coded import Coded
from supnorm.program import Program, program_of
from supnorm.program.recording import read_meanwhile
from supnorm.results import Witness
from supnorm.results.certify import AgreementRecord, ComputedRecord, SideRecord
from supnorm.wording import Fact, Value, fact

SOME = 256  # at most this many points beside kinks, and no more than one call takes where calls are expensive
FLAT = 1e-15  # share of the largest value that is allowed where the bound of the rounding is infinite
# The largest difference is known at some points only, so a claim must have room for this many times as much. Of 60 random
# networks in float32 (tanh, ReLU, sine; 1 to 4 inputs) the largest at a million points was 1.4 times that at 2,300 points in
# the median, and 1.95 times at most.
BEYOND = 2.0


@dataclass(frozen=True)
class Difference:
    """The largest difference between one side as it runs and its program, in the unit of the error.

    Attributes:
        side: "model" or "reference".
        size: the largest difference.
        beyond: the largest part of a difference that neither proved rounding nor branches of the code for which the bound
            has room (`branch_room`) explain; in lower precision the whole difference.
        exact: whether the side runs in float64, so that each difference beyond rounding is a disagreement.
        x, run, program, output: the point where ``beyond`` (else ``size``) is largest, both values, and the output.
        branch: whether a branch explains more of the largest difference than rounding does.
        threshold: whether the largest difference is one of two formulas, because rounding takes the other one there.
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
    threshold: bool = False

    def fact(self, names: Sequence[str]) -> Fact:
        """Both values and the point; ``names`` of the inputs."""
        at = dict(zip(names, self.x, strict=False))
        return fact("values-of-side", side=self.side, run=self.run, program=self.program, at=at)


@dataclass(frozen=True)
class Agreement:
    """How well both functions as they run agree with their programs.

    Attributes:
        sides: the largest difference of each side that has a program.
        points: the number of points that were compared.
        worst: the largest error that counts of the functions as they run at these points; 0 where none is known.
        worst_at: the point of that error, with both values; None where none is known.
        coded: the sides whose program was read from code of Python.
        compiled: whether JAX compiles one of them where it runs.
    """

    sides: tuple[Difference, ...] = ()
    points: int = 0
    worst: float = 0.0
    worst_at: Witness | None = None
    coded: tuple[str, ...] = ()
    compiled: bool = False

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
        """How far functions in float64 were from their programs beyond rounding; if so, the program lacks something."""
        return sum(s.beyond for s in self.sides if s.exact)

    @property
    def lower_precision(self) -> float:
        """How far functions in lower precision were from exact arithmetic."""
        return sum(s.beyond for s in self.sides if not s.exact)

    @property
    def below_float64(self) -> list[Fact]:
        """That a statement holds in exact arithmetic, and what was seen of a function in lower precision, if any is."""
        difference = self.lower_precision
        if not difference:
            return []
        return [fact("lower-precision", side=self.largest(exact=False).side, difference=difference)]

    @property
    def margin(self) -> float:
        """What a claim about the functions as they run must add to the bound of the programs."""
        return BEYOND * (self.hidden + self.lower_precision)

    @property
    def fact(self) -> Fact:
        """How well they agree.

        >>> from supnorm.wording.certify import CERTIFY
        >>> CERTIFY.text(Agreement(points=256).fact)
        'what runs is what was read at 256 points, exactly'
        """
        if not self.size:
            return fact("agreement", points=self.points)
        beyond = self.hidden + self.lower_precision
        branch = any(side.branch for side in self.sides)
        threshold = any(side.threshold for side in self.sides)
        unexplained: dict[str, Value] = {"beyond": beyond} if beyond else {}
        return fact(
            "agreement",
            points=self.points,
            difference=self.size,
            branch=branch,
            threshold=threshold,
            **unexplained,
        )

    def largest(self, exact: bool) -> Difference:
        """The side with the largest unexplained difference, in float64 or below."""
        return max((s for s in self.sides if s.exact == exact), key=lambda s: s.beyond)

    def record(self, names: tuple[str, ...], outputs: tuple[str, ...]) -> AgreementRecord:
        """The agreement as plain data, with the names of inputs and outputs."""
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
    """Values of one side at points: of the function as it runs and of its program, and bounds of the rounding."""

    x: Array
    run: Array
    read: Array
    slack: Array


@dataclass
class Measuring:
    """Collects the comparisons of both sides of a problem.

    Attributes:
        problem: the problem whose model and reference are compared.
        compared: the sides that have a program.
        batches: the compared values, by side and label.
    """

    problem: Problem
    compared: dict[str, Compared] = field(default_factory=dict)
    batches: dict[tuple[str, str], Batch] = field(default_factory=dict)

    def enter(
        self, function: Function, program: Program, what: str, executions: Executions | None = None
    ) -> None:
        """Compare one side with its program at points of the whole domain.

        Args:
            executions: what was executed while its code was read, if there is such code.

        Raises:
            BadInput: when they differ, or when something runs that was not read.
        """

        def record(label: str, *values: Array) -> None:
            self.batches[what, label] = Batch(*values)

        self.compared[what] = Compared(function, program, what, record, executions)
        self.compared[what].everywhere(self.problem.domain)
        made_of = function.value.made_of if isinstance(function.value, Coded) else None
        if made_of is not None and isinstance(
            made_of.value, Coded
        ):  # its own values may be those of what was read
            with read_meanwhile() as seen:
                of_values = program_of(made_of, self.problem.domain.d, limited=True, branches=True)
            executions = Executions.of(made_of, of_values, what, seen)
            Compared(made_of, of_values, what, lambda *_: None, executions).everywhere(self.problem.domain)

    @property
    def most(self) -> int:
        """The largest number of further points for one call; it is small where one side is expensive."""
        return min((c.n for c in self.compared.values()), default=FEW)

    def at(self, x: Array, label: str) -> None:
        """Compare both sides at further points of the domain, shape ``(k, d)``, but not at more than one call may take."""
        x = x[self.problem.domain.contains(x)][: self.most]
        for side in self.compared.values():
            side.at(x, label)

    def beside_kinks(self, rng: np.random.Generator) -> None:
        """Compare each side at points beside the kinks of its own program."""
        for side in self.compared.values():
            most = SOME if side.quick else self.most
            precision = side.function.precision
            unit = 0.0 if precision == "float64" else U * UNIT.get(precision, 2.0**45)
            side.at(beside_kinks(side.program, self.problem.domain, most, rng, unit), "kinks")

    @property
    def inexact(self) -> list[Compared]:
        """The sides that run in lower precision."""
        return [side for side in self.compared.values() if side.function.precision != "float64"]

    def where_rough(self, x: Array, step: Array, rng: np.random.Generator) -> None:
        """Compare each side in lower precision where rounding may be largest; a search from ``x`` in steps finds points."""
        for side in self.inexact:
            bound = partial(slack_of, side.function, side.program)
            side.at(roughest(bound, self.problem.domain, x, step, side.n, rng), "rough")

    def agreement(self) -> Agreement:
        """The agreement that was measured so far."""
        sides = [s for what in self.compared if (s := self._side(what)) is not None]
        points = sum(len(b.x) for (what, _), b in self.batches.items() if what == next(iter(self.compared)))
        coded = tuple(what for what, side in self.compared.items() if side.executions.read.readers)
        values = [self.compared[what].function.value for what in coded]
        compiled = any(isinstance(value, Coded) and value.kind == "jax" for value in values)
        return Agreement(tuple(sides), points, *self._worst(), coded, compiled)

    def in_lower_precision(self, what: str) -> Array:
        """The largest difference of each output of a side in lower precision from its program; zeros in float64."""
        differences = [np.abs(b.run - b.read) for (of, _), b in self.batches.items() if of == what]
        if self.compared[what].function.precision == "float64":
            return np.zeros(self.compared[what].program.m)
        finite = np.concatenate([np.where(np.isfinite(v), v, 0.0) for v in differences])
        return np.asarray(finite.max(axis=0))

    def _side(self, what: str) -> Difference | None:
        side = self.compared[what]
        batches = [batch for (of, _), batch in self.batches.items() if of == what]
        x, run, read, slack = (
            np.concatenate([getattr(b, n) for b in batches]) for n in ("x", "run", "read", "slack")
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
            threshold=self._threshold(side, x, run, read, size, slack),
        )

    @staticmethod
    def _threshold(side: Compared, x: Array, run: Array, read: Array, size: Array, slack: Array) -> bool:
        """Whether rounding takes the other formula at the largest difference, and explains no such one elsewhere."""
        row, output = np.unravel_index(size.argmax(), size.shape)
        if not size.any() or not turned(side.function, side.program, x[row : row + 1]).any():
            return False
        certain = slack[~turned(side.function, side.program, x), output]
        return bool(abs(run[row, output] - read[row, output]) > np.max(certain, initial=0.0))

    @staticmethod
    def _branch(side: Compared, x: Array, run: Array, read: Array, size: Array) -> bool:
        """Whether the largest difference is more than rounding explains, and the program has branches."""
        if not (size.any() and has_branches(side.program)):
            return False
        row, output = np.unravel_index(size.argmax(), size.shape)
        rounding = slack_of(side.function, side.program, x[row : row + 1], branches=False)[0, output]
        return bool(abs(run[row, output] - read[row, output]) > rounding)

    def _weight(self, what: str, x: Array, run: Array, read: Array) -> Array:
        """Factors that turn a difference of outputs into the unit of the error, shape ``(n, m)``."""
        measure, m = self.problem.error, read.shape[1]
        weight = 1.0 / measure.weights(m)
        if measure.kind != "relative":
            return np.broadcast_to(weight, read.shape)
        with np.errstate(all="ignore"):
            other = self._values("model" if what == "reference" else "reference", x)
            model, reference = (other, read) if what == "reference" else (read, other)
            divisor = measure.divisor(reference)
            if what == "reference":  # the reference is in the divisor too
                least = np.minimum(divisor, measure.divisor(run))
                return np.asarray((1.0 + np.abs(model - reference) / divisor) / least * weight)
            return np.asarray(weight / divisor)

    def _values(self, what: str, x: Array) -> Array:
        """The values of a side by its program, or as it runs where it has none, as a root."""
        if what in self.compared:
            return np.asarray(self.compared[what].program.value(x))
        function = self.problem.model if what == "model" else self.problem.reference
        assert function is not None
        return values_of(function, x)

    def _worst(self) -> tuple[float, Witness | None]:
        """The largest error of the functions as they run, where both were called at the same points, and its point."""
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
