"""Cells of a certificate whose proved bound is within the tolerance: only there a guard may say "proven".

The cells of a certificate are halves of halves of the box. They are looked up by a tree of these halvings, some twenty
comparisons a point for a million cells.

Certificates cut the box of the ends of the axes, also where an axis has a list of values. So `in_box` and not
`Domain.to_unit`, which counts the values of a list, says where a point lies among the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import CertifyResult
from supnorm.certification.agreement import Compared
from supnorm.certification.certificate import Certificate
from supnorm.certification.coordinates import box_of
from supnorm.certification.executions import Executions
from supnorm.certification.provable import unknown_as_run
from supnorm.problem import Domain, Function
from supnorm.program import Program, Unsupported, program_of
from supnorm.program.recording import read_meanwhile
from supnorm.results import BadInput

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


MARGIN = 1e-9  # of the unit box, by which a point must lie inside a cell
ROUNDING = 16 * 2.0**-53  # of the ends of an axis, by which a coordinate and a border of a cell may be off


@dataclass(frozen=True, eq=False)
class ProvedCells:
    """Boxes in which the error is proved to be within a tolerance.

    A point within `MARGIN` of the border of a cell counts as not proved, unless the border is one of the whole domain.

    Args:
        low, high: ends of the boxes in the unit box (on logarithmic axes of the logarithm), shapes ``(b, d)``.
        model, reference: `identity` of the programs between which the error is proved; empty where nobody asks.

    >>> cells = ProvedCells(np.array([[0.0], [0.5]]), np.array([[0.25], [1.0]]))
    >>> cells.contain(np.array([[0.0], [0.1], [0.25], [0.3], [0.75], [np.nan]])).tolist()
    [True, True, False, False, True, False]
    """

    low: Array
    high: Array
    model: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", _built(self.low, self.high))

    @classmethod
    def of(cls, proof: CertifyResult, tolerance: float, model: str = "", reference: str = "") -> ProvedCells:
        """The cells of `prove_cells` whose bound, with the rounding of the model as it runs, is within the tolerance.

        Raises:
            BadInput: when the bound rests on declarations, or says nothing of the model as it runs.
        """
        upper = proof.record.sup.upper
        if proof.upper_kind == "conditional" or not proof.runs or not np.isfinite(upper):
            raise BadInput(
                "no cell can be called proven: the bound is conditional, or does not include the rounding of the model"
            )
        if not isinstance(proof.certificate, Certificate):
            raise BadInput("no cell can be called proven: the proof has several parts, as that of a root has")
        boxes = proof.certificate.boxes
        within = np.nextafter(boxes.upper + _beyond(proof.certificate), np.inf) <= tolerance
        size = np.exp2(-boxes.level[within].astype(np.float64))
        low = boxes.index[within].astype(np.float64) * size
        return cls(low, low + size, model, reference)

    def __len__(self) -> int:
        """Number of boxes."""
        return len(self.low)

    def hold(self, x: Array, domain: Domain) -> NDArray[np.bool_]:
        """Whether each point ``x (n, d)``, in the units of the axes, lies in one of the boxes of a proof for this domain."""
        return self.contain(*in_box(x, domain))

    def contain(self, u: Array, margin: Array | float = MARGIN) -> NDArray[np.bool_]:
        """Whether each point of ``u (n, d)`` of the unit box lies in one of the boxes, by the margin of each axis."""
        if not len(self):
            return np.zeros(len(u), dtype=bool)
        axis, cut, left, right, box = self._tree  # type: ignore[attr-defined]
        node, rows = np.zeros(len(u), dtype=np.int64), np.arange(len(u))
        while (inner := axis[node] >= 0).any():
            goes_left = u[rows, np.maximum(axis[node], 0)] <= cut[node]
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        found = np.maximum(box[node], 0)
        low = np.where(self.low[found] > 0.0, self.low[found] + margin, 0.0)
        high = np.where(self.high[found] < 1.0, self.high[found] - margin, 1.0)
        with np.errstate(invalid="ignore"):
            return np.asarray((box[node] >= 0) & ((u >= low) & (u <= high)).all(axis=1))

    def lookup(self, domain: Domain) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
        """What other runtimes need to look a point up: the tree, and for each leaf the box, without the margins.

        Returns:
            axis, cut, left, right and leaf of each node (axis -1: a leaf), then low and high ends of the leaves, shapes
            ``(b + 1, d)``; the last leaf is none, and holds no point.
        """
        axis, cut, left, right, box = self._tree  # type: ignore[attr-defined]
        _, margin = in_box(np.ones((1, domain.d)), domain)
        low = np.where(self.low > 0.0, self.low + margin, 0.0)
        high = np.where(self.high < 1.0, self.high - margin, 1.0)
        none = np.full((1, domain.d), np.inf)
        leaf = np.where(box >= 0, box, len(self))
        return axis, cut, left, right, leaf, np.concatenate([low, none]), np.concatenate([high, -none])


def identity(program: Program, precision: str = "float64") -> str:
    """The hash of a program, of the branches of its code that it does not take, and of the precision in which it runs.

    They are no part of its own hash. A softplus of torch that goes on otherwise above 1 has the program of one that does so
    above 20, and another error; so has code that runs in single precision, where each runtime has a rounding of its own.
    """
    steps = [(i, a.above, a.absolute) for i, node in enumerate(program.nodes) for a in node.discrepancies]
    taken = [(i, above.hex(), far.hex()) for i, above, far in steps if above is not None]
    runtime = "" if precision == "float64" or program.origin is None else program.origin.runtime
    parts = [part for part in (taken, precision, runtime) if part and part != "float64"]
    return sha256(repr((program.hash, *parts)).encode()).hexdigest() if parts else program.hash


def demand_program(side: Function, domain: Domain, program: str, what: str, where: str = "") -> None:
    """Check that a side's program is the one that cells are proved for: a few equal values do not show that.

    Code that asks what it is given may have this program where it is read, and do something else where it runs. So it is
    compared as for a proof. The rounding of a model must have a bound, too: torch may compute the operations of a graph in
    another order than the runtime that the cells are proved for.

    Args:
        side: a model or a reference.
        domain: of the guard.
        program: the `identity` of the program in the proof.
        what: "model" or "reference", for messages.
        where: how these begin.

    Raises:
        BadInput: when it is another, cannot be read, or runs otherwise than it was read.
    """
    try:
        with read_meanwhile() as seen:
            now = program_of(side, domain.d, branches=True)
    except Unsupported as error:
        raise BadInput(f"{where}cells are proved, but the {what} cannot be read: {error}") from None
    if identity(now, side.precision) != program:
        raise BadInput(
            f"{where}its cells are proved for another {what}, though both may agree at many points; make a guard for this "
            f"{what}{'' if what == 'model' else ', or give none'}"
        )
    if what == "model" and (why := unknown_as_run(side, domain.d)):
        raise BadInput(
            f"{where}its cells are proved for a model whose rounding has a bound, and that of this one has none "
            f"({why}); give the network or the ONNX file that the guard was made for"
        )
    Compared(side, now, what, lambda *_: None, Executions.of(side, now, what, seen)).everywhere(domain)


def in_box(x: Array, domain: Domain) -> tuple[Array, Array]:
    """Where points lie in the box that a certificate cuts, from 0 to 1, and the margin that covers the rounding of this.

    >>> from supnorm.problem import Axis
    >>> u, margin = in_box(np.array([[2.0]]), Domain(n=Axis(values=[0.0, 2.0, 100.0])))
    >>> u.tolist(), bool(margin[0] < 2e-9)
    ([[0.02]], True)
    """
    ends, log = box_of(domain), np.array([axis.log for axis in domain.axes])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(log, np.log(np.where(log, np.maximum(x, 0.0), 1.0)), x)
    width = ends[:, 1] - ends[:, 0]
    return (t - ends[:, 0]) / width, MARGIN + ROUNDING * np.abs(ends).sum(axis=1) / width


def _beyond(certificate: Certificate) -> Array:
    """What the rounding of the model as it runs adds to the bound of each box at most, rounded upwards, shape ``(b,)``.

    It is not taken from the bound of the whole domain: beside a bound of 1e20 a rounding of 1e-3 is lost. Nor is that of
    float64 the largest of all boxes: beside a threshold it is the whole jump.
    """
    single = 0.0 if certificate.deployed is None else certificate.deployed.rounding
    return np.asarray(np.nextafter(certificate.leaves.proof.rounding + single, np.inf))


def _built(low: Array, high: Array) -> tuple[Integers, Array, Integers, Integers, Integers]:
    """A tree whose inner nodes send a point left when its coordinate is at most the cut; every leaf has one box or none."""
    nodes: list[tuple[int, float, int, int, int]] = []  # axis, cut, left, right, box

    def node() -> int:
        nodes.append((-1, 0.0, -1, -1, -1))
        return len(nodes) - 1

    pending = [(node(), np.arange(len(low)))]
    while pending:
        here, rows = pending.pop()
        if len(rows) <= 1:
            nodes[here] = (-1, 0.0, -1, -1, int(rows[0]) if len(rows) else -1)
            continue
        k, cut = _cut(low[rows], high[rows])
        left, right = node(), node()
        nodes[here] = (k, cut, left, right, -1)
        pending += [(left, rows[high[rows, k] <= cut]), (right, rows[high[rows, k] > cut])]
    axis, cuts, lefts, rights, boxes = zip(*nodes, strict=True)
    return np.array(axis), np.array(cuts), np.array(lefts), np.array(rights), np.array(boxes)


def _cut(low: Array, high: Array) -> tuple[int, float]:
    """An axis and a plane that no box crosses, with as even a share of the boxes on both sides as there is.

    Boxes that come from halvings always have one: at least the first plane that cut the domain.
    """
    best: tuple[int, int, float] | None = None
    n = len(low)
    for k in range(low.shape[1]):
        ends, starts = np.sort(high[:, k]), np.sort(low[:, k])
        planes = np.unique(high[:, k])[:-1]
        ended = np.searchsorted(ends, planes, side="right")
        begun = np.searchsorted(starts, planes, side="left")
        free = ended == begun  # all boxes that begin before the plane have ended at it
        for plane, count in zip(planes[free], ended[free], strict=True):
            worse = abs(n - 2 * int(count))
            if best is None or worse < best[0]:
                best = (worse, k, float(plane))
    if best is None:
        raise ValueError("the boxes overlap, or are not the cells of a certificate")
    return best[1], best[2]
