"""The bound of a box and how it is proved, and the results of a batch of boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.affine_model import AffineModel
from supnorm.certification.boxes import Boxes, Integers
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.rounding import Array, outward
from supnorm.program import Program

PIECES = -2  # in place of a degree: the bound by exact linear pieces
# Limits of the file format, so that no file can stall or fill the machine: the checker refuses a leaf with more numbers at
# its nodes, cosines of an axis, or points of a grid.
LARGEST_EVALUATION = 10_000_000
LARGEST_TABLE = 300_000
LARGEST_WORK = 2_000_000


def fits_a_leaf(program: Program, n: int, grid: int = 0) -> bool:
    """Whether a leaf may be proved by an interpolant of degree n of this program, on the Ehlich-Zeller grid K = ``grid``.

    >>> from supnorm.program import Node
    >>> wide = Program((Node("input", (), 2), *(Node("tanh", (i,), 2) for i in range(16_000))))
    >>> fits_a_leaf(wide, 16), fits_a_leaf(wide, 18)
    (True, False)
    """
    numbers: int = (n + 1) ** program.d * sum(node.width for node in program.nodes)
    side = max(n + 1, grid * n)
    return (
        numbers <= LARGEST_EVALUATION and (n + 1) * side <= LARGEST_TABLE and side**program.d <= LARGEST_WORK
    )


@dataclass(frozen=True, eq=False)
class Bounded:
    """The results for a batch of ``B`` boxes with ``a`` alternatives.

    Attributes:
        upper: proved bound of the error on each box, shape ``(B,)``; ``inf`` where nothing was proved.
        degree: for each alternative n of the interpolant, 0 for the affine bound, `PIECES`, or -1 for no bound, shape
            ``(B, a)``.
        rho: parameter of the ellipse for n > 0, shape ``(B, a)``.
        grid: K of the Ehlich-Zeller grid, 0 for the sum of coefficients, shape ``(B, a)``.
        graded: degree of the tightening rule for graded models (0 for none), -1 elsewhere, shape ``(B, a)``.
        axis: the axis to split, shape ``(B,)``.
        second: the axis along which both halves are split at once, -1 for none, shape ``(B,)``.
        rounding: how much float64 evaluation can add to the bound, shape ``(B,)``.
        limited: whether rounding stands in the way of a smaller bound, shape ``(B,)``.
        proved: whether the bound was proved in this run, shape ``(B,)``; one of a file is not, until it is proved again.
        points: promising places in box coordinates, shape ``(k, d)``.
        bits: precision of the balls in which the values at the nodes were computed, 0 for float64, shape ``(B, a)``; None
            for float64 everywhere.
    """

    upper: Array
    degree: NDArray[np.int64]
    rho: Array
    grid: NDArray[np.int64]
    graded: NDArray[np.int64]
    axis: NDArray[np.intp]
    second: NDArray[np.intp]
    rounding: Array
    limited: NDArray[np.bool_]
    proved: NDArray[np.bool_]
    points: Array
    bits: NDArray[np.int64] = None  # type: ignore[assignment]  # filled below

    def __post_init__(self) -> None:
        if self.bits is None:
            object.__setattr__(self, "bits", np.zeros_like(self.degree))

    @classmethod
    def nothing(cls, alternatives: int, d: int) -> Bounded:
        """One box about which nothing is known."""
        none, zero = np.full((1, alternatives), -1), np.zeros((1, alternatives))
        return cls(
            upper=np.full(1, np.inf),
            degree=none,
            rho=zero,
            grid=zero.astype(np.int64),
            graded=none,
            axis=np.zeros(1, dtype=np.intp),
            second=np.full(1, -1),
            rounding=np.zeros(1),
            limited=np.zeros(1, dtype=bool),
            proved=np.ones(1, dtype=bool),
            points=np.zeros((0, d)),
        )

    @classmethod
    def join(cls, parts: list[Bounded]) -> Bounded:
        """Several batches as one."""
        names = cls.__dataclass_fields__
        return cls(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Bounded:
        """Some of the boxes, without the points."""
        fields = {n: getattr(self, n)[rows] for n in self.__dataclass_fields__ if n != "points"}
        return Bounded(**fields, points=self.points[:0])

    def like(self, row: int) -> NDArray[np.bool_]:
        """Which boxes were bounded as this one: with the same degree, ellipse, grid, rule and precision."""
        columns = (self.degree, self.rho, self.grid, self.graded, self.bits)
        return np.asarray(np.logical_and.reduce([(column == column[row]).all(axis=1) for column in columns]))

    def where(self, mine: NDArray[np.bool_], other: Bounded) -> Bounded:
        """For each box this result where ``mine`` is true and ``other`` elsewhere, without the points."""
        fields = {}
        for n in self.__dataclass_fields__:
            if n != "points":
                first, second = getattr(self, n), getattr(other, n)
                fields[n] = np.where(mine.reshape(-1, *(1,) * (first.ndim - 1)), first, second)
        return Bounded(**fields, points=self.points[:0])


@dataclass(frozen=True, eq=False)
class Leaves:
    """Boxes with their bounds and how each was proved.

    Attributes:
        boxes: the cells.
        proof: how each bound was proved.
        level: level of the cell that the proof is about, shape ``(B, d)``: the box itself or a larger box that contains it
            (a half inherits the bound of its whole).
    """

    boxes: Boxes
    proof: Bounded
    level: Integers

    @classmethod
    def root(cls, d: int, alternatives: int) -> Leaves:
        """The whole domain, bound unknown."""
        boxes = Boxes.root(d)
        return cls(boxes, Bounded.nothing(alternatives, d), boxes.level)

    def __len__(self) -> int:
        return len(self.boxes)

    def parts(self) -> Iterator[Leaves]:
        """All leaves, some at a time where they are not in memory (`Stored`)."""
        yield self

    @property
    def whole(self) -> Leaves:
        """All leaves in memory."""
        return self

    @property
    def largest(self) -> float:
        """The largest bound; 0 without any box."""
        return float(self.boxes.upper.max(initial=0.0))

    @property
    def believed(self) -> int:
        """How many bounds were taken from a file and are not proved again."""
        return int((~self.proof.proved & np.isfinite(self.boxes.upper)).sum())

    def volume_below(self, target: float) -> float:
        """Fraction of the domain where the bound is proved and at most the target."""
        return float(self.boxes.volume()[(self.boxes.upper <= target) & self.proof.proved].sum())

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Leaves:
        """Some of them."""
        return Leaves(self.boxes.take(rows), self.proof.take(rows), self.level[rows])

    def join(self, *others: Leaves) -> Leaves:
        """All together; no copy where all others are empty."""
        parts = [one for one in (self, *others) if len(one)] or [self]
        if len(parts) == 1:
            return parts[0]
        proofs = [replace(one.proof, points=one.proof.points[:0]) for one in parts]
        level = np.concatenate([one.level for one in parts])
        return Leaves(Boxes.join(*(one.boxes for one in parts)), Bounded.join(proofs), level)

    def tightened(self, result: Bounded) -> Leaves:
        """The leaves with the smaller of the inherited and the new bound of each box."""
        better = result.upper <= self.boxes.upper
        boxes = Boxes(self.boxes.level, self.boxes.index, np.minimum(result.upper, self.boxes.upper))
        level = np.where(better[:, None], self.boxes.level, self.level)
        return Leaves(boxes, result.where(better, self.proof), level)

    def split(self, axis: NDArray[np.intp], second: NDArray[np.intp] | None = None) -> Leaves:
        """Each box halved along its axis, its halves along a second one; they inherit bound and proof."""
        proof = self.proof.take(np.arange(len(self)))
        halves = Leaves(
            self.boxes.split(axis), Bounded.join([proof, proof]), np.concatenate([self.level, self.level])
        )
        if second is None or not (second >= 0).any():
            return halves
        again = np.concatenate([second, second])
        return halves.take(again < 0).join(halves.take(again >= 0).split(again[again >= 0]))


def no_leaves(error: ErrorProgram) -> Leaves:
    """None at all."""
    return Leaves.root(error.d, len(error.alternatives)).take(np.arange(0))


def affine_range(model: AffineModel) -> tuple[Array, Array]:
    """Range of the features on the real box by the affine model, shapes ``(B, m)``."""
    reach = outward(model.slope + model.eps[:, 0])
    bad = ~np.isfinite(reach)
    reach = outward(np.where(bad, np.inf, reach + 2e-16 * np.abs(model.c)))
    return np.where(bad, -np.inf, model.c - reach), np.where(bad, np.inf, model.c + reach)


class Batch:
    """Best bounds so far of a batch of boxes: per alternative and output, and how they were proved."""

    def __init__(self, boxes: int, alternatives: int, outputs: int, error: ErrorProgram) -> None:
        self.error = error
        self.bounds = np.full((boxes, alternatives, outputs), np.inf)
        self.degree = np.full((boxes, alternatives), -1, dtype=np.int64)
        self.rho = np.zeros((boxes, alternatives))
        self.grid = np.zeros((boxes, alternatives), dtype=np.int64)
        self.graded = np.full((boxes, alternatives), -1, dtype=np.int64)
        self.bits = np.zeros((boxes, alternatives), dtype=np.int64)
        self.bend = np.zeros((boxes, error.d))
        self.needs = np.full(boxes, 2.0)  # estimate of the number of boxes that each will be split into
        self.err = np.zeros((boxes, alternatives, outputs))  # of float64 evaluation, set by the strategy
        self.limited = np.zeros(boxes, dtype=bool)
        self.points: list[Array] = []

    @classmethod
    def start(cls, boxes: int, alternatives: int, error: ErrorProgram) -> Batch:
        """Nothing proved yet."""
        return cls(boxes, alternatives, error.alternatives[0].m, error)

    def upper(self) -> Array:
        """Bound of each box: for each output the smallest alternative, then the largest output."""
        return np.asarray(self.bounds.min(1).max(1))

    def rounding(self, err: Array | None = None) -> Array:
        """How much float64 evaluation can add to the bound of each box, shape ``(B,)``.

        For every alternative the computed error is at most its bound + err, so it is at most the smallest such sum.
        ``err``: in place of that of the batch.
        """
        upper, err = self.upper(), self.err if err is None else err
        known = np.isfinite(upper)
        beyond = self.bounds - np.where(known, upper, 0.0)[:, None, None]
        added = np.where(known[:, None, None], np.maximum(beyond + err, 0.0), err)
        return outward(added.min(1).max(1))

    def begin(self, a: int, err: Array, bend: Array) -> None:
        """Set for alternative ``a`` what float64 evaluation can add, ``(B, m)``, and how strongly each axis enters."""
        self.err[:, a] = err
        self.bend = np.maximum(self.bend, bend)

    def limit(self, rows: NDArray[np.intp], limited: NDArray[np.bool_]) -> None:
        """Mark those of the boxes ``rows`` for which rounding prevents a smaller bound."""
        self.limited[rows] |= limited

    def offer(
        self,
        a: int,
        rows: NDArray[np.intp],
        low: Array,
        high: Array,
        degree: int,
        rho: Array | float = 0.0,
        grid: int = 0,
        graded: int = -1,
        bits: int = 0,
    ) -> None:
        """Offer a proved range ``[low, high]`` of alternative ``a``; a box takes it if its bound becomes smaller.

        Outputs that have no bound before or after do not count: another alternative may bound them.
        """
        bound = self.size_of(low, high)
        others = np.delete(self.bounds[rows], a, 1).min(1, initial=np.inf)
        new, old = np.minimum(bound, others), np.minimum(self.bounds[rows, a], others)
        known = np.isfinite(new) | np.isfinite(old)
        better = np.max(new, 1, where=known, initial=0.0) < np.max(old, 1, where=known, initial=0.0)
        improved = rows[better]
        self.bounds[improved, a] = bound[better]
        self.degree[improved, a] = degree
        self.rho[improved, a] = np.broadcast_to(rho, rows.shape)[better]
        self.grid[improved, a] = grid
        self.graded[improved, a] = graded
        self.bits[improved, a] = bits

    def size_of(self, low: Array, high: Array) -> Array:
        """Bound of the error in a range ``[low, high]`` of its signed values, by the side that counts."""
        sizes = {
            "both": np.maximum(np.abs(low), np.abs(high)),
            "over": np.maximum(high, 0.0),
            "under": np.maximum(-low, 0.0),
        }
        return outward(sizes[self.error.side], 4)

    def open_outputs(
        self, a: int, rows: NDArray[np.intp], bounded: NDArray[np.bool_], target: float
    ) -> NDArray[np.bool_]:
        """The outputs that alternative ``a`` has to bound by the target and is able to, shape ``(len(rows), m)``."""
        others = np.delete(self.bounds[rows], a, 1).min(1, initial=np.inf)
        return np.asarray(bounded & (others > target))

    def still_open(
        self, a: int, rows: NDArray[np.intp], counts: NDArray[np.bool_], target: float
    ) -> NDArray[np.bool_]:
        """Boxes where alternative ``a`` has not bounded all of the outputs that count, shape ``(len(rows),)``."""
        return np.asarray((counts & (self.bounds[rows, a] > target)).any(1))

    def remember(self, points: Array, values: Array) -> None:
        """Remember the node with the largest value in the batch: it may become the witness."""
        size = self.error.one_sided(values.reshape(-1, values.shape[-1])).max(1)
        size = np.where(np.isnan(size), -1.0, size)
        best = np.argpartition(size, max(len(size) - 4, 0))[-4:]
        self.points.append(points.reshape(-1, points.shape[-1])[best])

    def finish(self, target: float) -> Bounded:
        """The results of the batch."""
        upper = self.upper()
        points = np.concatenate(self.points) if self.points else np.zeros((0, self.error.d))
        axis, rows = self.bend.argmax(1), np.arange(len(upper))
        after = self.bend.copy()
        after[rows, axis] *= 0.5
        second = np.where(self.needs >= 4.0, after.argmax(1), -1)
        return Bounded(
            upper=upper,
            degree=self.degree,
            rho=self.rho,
            grid=self.grid,
            graded=self.graded,
            bits=self.bits,
            axis=axis,
            second=second,
            rounding=self.rounding(),
            limited=self.limited & (upper > target),
            proved=np.ones(len(upper), dtype=bool),
            points=points,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One alternative on a batch of boxes that a strategy bounds.

    Attributes:
        a, program: number and program of the alternative.
        centre, half: centres and half-widths of the boxes in box coordinates, shapes ``(B, d)``.
        target: the bound at which a box is done.
        lower: the proved error of the witness so far.
        state: collects the bounds.
    """

    a: int
    program: Program
    centre: Array
    half: Array
    target: float
    lower: float
    state: Batch

    @property
    def d(self) -> int:
        """Number of inputs."""
        return int(self.centre.shape[1])

    @property
    def todo(self) -> NDArray[np.intp]:
        """The boxes whose bound is above the target."""
        return np.flatnonzero(self.state.upper() > self.target)

    @classmethod
    def all_of(
        cls, error: ErrorProgram, boxes: Boxes, target: float, lower: float, state: Batch
    ) -> list[Task]:
        """One for each alternative of the error."""
        centre, half = boxes.centre_and_half(error.low, error.high)
        return [
            cls(a=a, program=program, centre=centre, half=half, target=target, lower=lower, state=state)
            for a, program in enumerate(error.alternatives)
        ]
