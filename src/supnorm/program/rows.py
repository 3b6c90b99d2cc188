"""Whether code that is read for several points computes each of them as it computes a point alone.

A program is about one point. Code gets many at once, and may use how many there are (``bump(x) * (len(x) - 1)``), the
place of a point among them (``np.arange(len(x))``, a buffer ``b[: len(x)]``) or another point (``x.max(axis=0)``). On a
small part of the domain no comparison of values shows this. So code is read for two and for `ROWS` points, too, as a
function of all their coordinates. Each result of a point has to be the same operations on its own coordinates as in the
program of one.

Features of both programs get equal numbers if they are the same operation on features of equal numbers; a coordinate has the
same number for all points. Beside its number stands the point on which a feature depends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from supnorm.program.node import Node
from supnorm.program.operations import Unreadable, Unsupported
from supnorm.program.program import Program
from supnorm.program.recording import unrecorded
from supnorm.program.watched import Unlike

Integers: TypeAlias = NDArray[np.int64]
ROWS = 3  # with two points, what is the same for every two of them (`i // 2`) would not be seen
MOST = 16  # a graph of a larger fixed number of points is not read for all of them: the program is so much larger
CHUNK = 2**20  # weights that are looked at together
BEYOND = f"assumed, not proved: a graph for any number of points computes more than {ROWS} of them as it computes {ROWS}"
NONE, SEVERAL = -1, -2  # a feature depends on no point, on more than one
_ONE = threading.local()


@contextmanager
def of_one_point() -> Iterator[None]:
    """A context in which code is read for one point alone, because it was read for several points before."""
    before, _ONE.alone = is_of_one_point(), True
    try:
        yield
    finally:
        _ONE.alone = before


def is_of_one_point() -> bool:
    """Whether code is read for one point alone."""
    return getattr(_ONE, "alone", False)


def rows_of(batch: int | None) -> tuple[int, ...]:
    """For how many points a graph is read, beside one, that takes batches of this size, or of any.

    >>> rows_of(None), rows_of(1), rows_of(8), rows_of(1024)
    ((2, 3), (), (8,), (2, 3))
    """
    if batch is None or batch > MOST:
        return 2, ROWS
    return (batch,) if batch > 1 else ()


def demand_each_alone(one: Program, read: Callable[[int], Program], batch: int | None = None) -> None:
    """Read code for several points, and check that this program is the program of one point for each of them.

    Args:
        one: the program of a point, ``d`` inputs and ``m`` outputs.
        read: reads the code for ``n`` points: ``n * d`` inputs and ``n * m`` outputs, those of the first point first.
        batch: the fixed number of points that the code takes, if it has one.

    Raises:
        Unlike: if a result of a point uses another point, the number of the points or its own place.
        Unsupported: if the code fails for several points.
    """
    known = _Numbers()
    for n in () if is_of_one_point() else rows_of(batch):
        _demand_alone_among(n, one, read, known)


def _demand_alone_among(n: int, one: Program, read: Callable[[int], Program], known: _Numbers) -> None:
    try:
        with unrecorded():
            several = read(n)
    except Unsupported:
        raise
    except Exception as error:  # of the user's code
        first = " ".join(str(error).split())[:120]
        raise Unreadable(
            f"the code takes one point and fails for {n} ({type(error).__name__}: {first})",
            "code that takes any number of points (for a graph, an export with a dynamic batch)",
        ) from None
    with unrecorded():  # otherwise Python calls the trace function at each step of this
        more = _other(one, several, n, known)
    if more:
        raise Unlike(
            f"code whose result for a point depends on more than the point (it {more})",
            "code that computes each point from its own row alone",
        )


def _other(one: Program, several: Program, n: int, known: _Numbers) -> str:
    """How the program of ``n`` points is another one than that of a point for each of them; empty if it is not."""
    features_alone, features = known.alone(one), known.of(several, one.d)
    (alone, _), (together, points) = features_alone[-1], features[-1]
    rows = np.repeat(np.arange(n), len(alone))
    if len(together) != len(rows):
        return f"has another shape for {n} points than for one"
    if not ((points == rows) | (points == NONE)).all():
        return "depends on other points"
    if not (together == np.tile(alone, n)).all():
        return "depends on how many points there are, or on its place among them"
    if not _ends(several, features) <= _ends(one, features_alone):
        return "has tables that end elsewhere where there are several points"
    return ""


def beyond_rows(program: Program, batch: int | None, each_alone: bool) -> Program:
    """The program of a graph, with the remark that it was not read for all numbers of points.

    A graph can know how many points it gets, or the position of one, in many ways: by their number, by a slice, by a sum of
    ones.

    Args:
        program: of the graph.
        batch: the fixed number of points that it takes, if it has one.
        each_alone: whether each of its operators certainly computes each row of two axes for itself.
    """
    if (batch is not None and batch <= MOST) or each_alone:
        return program
    return replace(program, remarks=(*program.remarks, BEYOND))


def _ends(program: Program, features: list[tuple[Integers, Integers]]) -> set[tuple[int, bool, float, float]]:
    """Arguments that may not leave an interval: their numbers, and whether each is of one point."""
    arguments = set()
    for limit in program.limits:
        numbers, points = features[limit.node]
        of_one = bool(points[limit.column] != SEVERAL)
        arguments.add((int(numbers[limit.column]), of_one, limit.low, limit.high))
    return arguments


class _Numbers:
    """Numbers of features; equal features of all programs that are given have equal numbers."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}
        self._keys: list[Any] = []
        self._alone: list[tuple[Integers, Integers]] | None = None

    def alone(self, one: Program) -> list[tuple[Integers, Integers]]:
        """`of` the program of a point, which is the same for all numbers of points."""
        self._alone = self._alone or self.of(one, one.d)
        return self._alone

    def of(self, program: Program, d: int) -> list[tuple[Integers, Integers]]:
        """For each node of a program of points with ``d`` coordinates: numbers of its features, and the point of each."""
        results: list[tuple[Integers, Integers]] = []
        for node in program.nodes:
            if node.op == "input":
                inputs = np.arange(node.width)
                results.append((np.array([self._number(("input", k)) for k in inputs % d]), inputs // d))
            else:
                results.append(self._of_node(node, [results[a] for a in node.args]))
        return results

    def _number(self, key: Any) -> int:
        number = self._known.setdefault(key, len(self._keys))
        if number == len(self._keys):
            self._keys.append(key)
        return number

    def _of_node(self, node: Node, args: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
        if node.op == "constant":
            assert node.value is not None
            numbers = [self._number(("constant", bits)) for bits in _bits(node.value)]
            return np.array(numbers), np.full(node.width, NONE)
        if node.op == "take":
            return args[0][0][node.columns], args[0][1][node.columns]
        if node.op == "concat":
            return np.concatenate([n for n, _ in args]), np.concatenate([p for _, p in args])
        if node.op == "affine":
            return self._of_affine(node, *args[0])
        numbers = [
            self._number(self._key(node, features))
            for features in zip(*(n.tolist() for n, _ in args), strict=True)
        ]
        points = args[0][1]
        if len(args) > 1:
            points = _joined(
                np.stack([p for _, p in args], axis=1).ravel(), len(args) * np.arange(node.width)
            )
        return np.array(numbers), points

    def _of_affine(self, node: Node, features: Integers, points: Integers) -> tuple[Integers, Integers]:
        assert node.weight is not None
        assert node.bias is not None
        order = np.argsort(features, kind="stable")
        features, points = features[order], points[order]
        equal = len(np.unique(features)) < len(features)  # then terms are in the order of their weights, too
        differs, bits = _differs(node), _bits(node.bias)
        numbers, of_points = [], np.full(node.width, NONE)
        step = max(1, CHUNK // len(features))
        for first in range(0, node.width, step):
            weights = node.weight[first : first + step][:, order]
            row, used = np.nonzero(weights)
            weight = weights[row, used]
            if equal:
                terms = np.lexsort((weight, features[used], row))
                used, weight = used[terms], weight[terms]
            feature = features[used]
            ends = np.searchsorted(row, np.arange(len(weights) + 1))
            for bias, start, end in zip(bits[first:], ends.tolist(), ends[1:].tolist(), strict=False):
                key = "affine", (feature[start:end].tobytes(), weight[start:end].tobytes()), bias, differs
                numbers.append(self._number(key if end > start else ("constant", bias)))
            some = np.flatnonzero(np.diff(ends))
            of_points[first + some] = _joined(points[used], ends[some])
        return np.array(numbers), of_points

    def _key(self, node: Node, features: tuple[int, ...]) -> Any:
        """What a feature is; the shorter forms that the `Builder` uses for a whole node count as the same here."""
        keys = [self._keys[f] for f in features]
        if node.op == "mul" and features[0] == features[1]:
            return "pow", (2.0,), "", features[:1]
        for (a, b), other in zip(
            (features, features[::-1]) if len(features) == 2 else (), keys[::-1], strict=False
        ):
            one = self._keys[a]
            if node.op == "add" and one[0] == "affine" and one[2] == 0 and other[0] == "constant":
                return *one[:2], other[1], one[3]
            if node.op == "max" and other == ("constant", 0):
                return "relu", (), "", (a,)
            if node.op == "mul" and one[0] == "sigmoid" and one[3] == (b,):
                return "silu", (), "", (b,)
        differs = "" if node.op in ("pow", "relu", "silu") else _differs(node)
        return node.op, node.parameters, differs, features


def _differs(node: Node) -> str:
    return repr(node.discrepancies) if node.discrepancies else ""


def _bits(numbers: NDArray[np.float64]) -> list[int]:
    """Numbers by their bits: each NaN is equal to all others, and so are both zeros."""
    return np.where(np.isnan(numbers), np.nan, numbers + 0.0).view(np.int64).tolist()  # type: ignore[no-any-return]


def _joined(points: Integers, starts: Integers) -> Integers:
    """The points on which features depend that are made of others: of those from each start to the next one."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    most = np.maximum.reduceat(points, starts)
    other = points != np.repeat(most, np.diff(starts, append=len(points)))
    return np.where(np.logical_or.reduceat(other & (points != NONE), starts), SEVERAL, most)
