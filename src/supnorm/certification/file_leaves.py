"""The leaves of a saved certificate, after a check of each column's limits, of the tiling and of the claims."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.balls import BITS
from supnorm.certification.boxes import DEEPEST, Boxes, Integers
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.far import Far, all_waiting
from supnorm.certification.graded import TOP
from supnorm.certification.leaf import PIECES, Bounded, Leaves
from supnorm.certification.lines import columns_in_lines, head_in_lines, read_in_lines
from supnorm.certification.shelf import Records, Shelf

MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
MOST_BITS = BITS[-1]
LARGEST_DEGREE = 250  # of any proof: the keys of nodes have one byte for the degree


def demand(good: bool, what: str) -> None:
    """Raise ValueError unless it is good."""
    if not good:
        raise ValueError(what)


def file_in_lines(path: Path | str, error: ErrorProgram, shelf: Shelf | None) -> dict[str, Any] | None:
    """A file in lines: its head, with its leaves under "leaves"; None for any other file.

    The leaves are columns, or, where they are too many for memory and may be on a shelf, all as waiting boxes there; what is
    wrong with a column stands in their place.

    Raises:
        OSError, ArithmeticError, LookupError, TypeError, ValueError: when it is not a whole file.
    """
    head = head_in_lines(path)
    if head is None or shelf is None or head["leaves"] <= shelf.most:
        return read_in_lines(path)
    shape = len(head["names"]), len(head["programs"])
    if error.declared or shape != (error.d, len(error.alternatives)):  # it is about another error
        for _ in columns_in_lines(path):
            pass  # but must be whole
        return head
    faults: list[Exception] = []

    def records() -> Iterator[Records]:
        number = 0
        for columns in columns_in_lines(path):
            try:
                leaves = _checked(columns, shape, float.fromhex(head.get("rounding", "inf")))
            except MALFORMED as fault:
                faults.append(fault)
            if not faults:
                yield shelf.records(leaves, number + np.arange(len(leaves)))
                number += len(leaves)

    far = all_waiting(shelf, records())
    head["leaves"] = faults[0] if faults else far
    return head


def leaves_of_file(data: Mapping[str, Any], error: ErrorProgram) -> Leaves | Far:
    """The leaves of the file.

    Raises:
        ArithmeticError, LookupError, TypeError, ValueError: naming what is wrong.
    """
    columns, shape = data["leaves"], (error.d, len(error.alternatives))
    rounding = float.fromhex(data.get("rounding", "inf"))
    demand(rounding >= 0.0, "rounding")
    if isinstance(columns, Exception):
        raise columns
    if isinstance(columns, Far):  # the cells of a file in lines tile the box
        _demand_claims(data, columns.runs[0].largest)
        return columns
    leaves = _checked(columns, shape, rounding)
    demand(len(leaves) > 0, "upper of the leaves")
    _demand_claims(data, leaves.largest)
    demand(tiles(leaves.boxes.level, leaves.boxes.index), "the leaves do not tile the box")
    return leaves


def _demand_claims(data: Mapping[str, Any], largest: float) -> None:
    lower, claim = float.fromhex(data["lower"]), float.fromhex(data["upper"])
    demand(claim == largest, "upper is not the largest of the leaves")
    demand(0.0 <= lower <= claim and lower < math.inf, "not 0 <= lower <= upper")


def _checked(columns: Mapping[str, Any], shape: tuple[int, int], rounding: float) -> Leaves:
    """Some leaves of a file, after a check of each column's limits."""
    d, a = shape
    upper = columns["upper"]  # of a file in lines these are numbers
    upper = upper if isinstance(upper, np.ndarray) else np.array([float.fromhex(v) for v in upper])
    count = len(upper)
    none = np.full((count, a), -1)
    level = _whole(columns["level"], "level", (count, d), 0, DEEPEST + 2)
    index = _whole(columns["index"], "index", (count, d), 0, 2 ** (DEEPEST + 2))
    proof_level = _whole(
        columns.get("proof_level", columns["level"]), "proof_level", (count, d), 0, DEEPEST + 2
    )
    degree = _whole(columns["degree"], "degree", (count, a), PIECES, LARGEST_DEGREE)
    grid = _whole(columns["grid"], "grid", (count, a), 0, 10**6)
    # Files of earlier versions have no such column.
    graded = _whole(columns.get("graded", none), "graded", (count, a), -1, TOP - 1)
    bits = _whole(columns.get("bits", np.zeros((count, a), dtype=np.int64)), "bits", (count, a), 0, MOST_BITS)
    rho = np.asarray(columns["rho"], dtype=float)
    demand(rho.shape == (count, a) and bool(np.isfinite(rho).all()), "rho")
    demand(bool((proof_level <= level).all()), "proof_level above level")
    demand(not ((graded >= 0) & ((degree < 1) | (degree >= TOP))).any(), "degree of a graded leaf")
    demand(bool((upper >= 0.0).all()), "upper of the leaves")
    boxes, blank = Boxes(level, index, upper), np.zeros(count, dtype=np.intp)
    proof = Bounded(
        upper=upper,
        degree=degree,
        rho=rho,
        grid=grid,
        graded=graded,
        bits=bits,
        axis=blank,
        second=blank - 1,
        rounding=np.full(count, rounding),
        limited=blank.astype(bool),
        proved=blank.astype(bool),
        points=np.zeros((0, d)),
    )
    return Leaves(boxes, proof, proof_level)


def _whole(rows: Any, what: str, shape: tuple[int, int], least: int, most: int) -> Integers:
    """A column of whole numbers within limits."""
    given = np.asarray(rows)
    demand(given.dtype.kind == "i" and given.shape == shape, what)
    demand(bool(((given >= least) & (given <= most)).all()), what)
    return given.astype(np.int64)


def tiles(level: Integers, index: Integers) -> bool:
    """Whether cells, shapes ``(B, d)``, tile the box by halvings: no gap, no overlap, none outside; exact.

    All cells start in one group, the box. Every group is halved along an axis on which all its cells are
    deeper than the group itself, all groups at once, until each is a single cell that fills it. Cost: one pass over
    the cells for each level of the deepest.

    >>> tiles(np.array([[1, 0], [1, 1], [1, 1]]), np.array([[0, 0], [1, 0], [1, 1]]))
    True
    >>> tiles(np.array([[1, 0], [1, 1]]), np.array([[0, 0], [1, 0]]))
    False
    """
    if not len(level) or (index >> level).any():  # negative indices are not zero after the shift either
        return False
    d = level.shape[1]
    depth = np.zeros((1, d), dtype=np.int64)  # of the groups
    group, rows = np.zeros(len(level), dtype=np.intp), np.arange(len(level))
    while len(rows):
        size = np.bincount(group, minlength=len(depth))
        if not size.all():
            return False  # a gap
        order = np.argsort(group, kind="stable")
        starts = np.cumsum(size) - size
        shallowest = np.minimum.reduceat(level[rows[order]], starts)
        room = shallowest > depth
        full = np.asarray(~room.any(axis=1))
        if (full & (size > 1)).any():
            return False  # an overlap: no axis separates these cells
        axis = room.argmax(axis=1)
        unfinished = ~full[group]
        rows, group = rows[unfinished], group[unfinished]
        along = axis[group]
        bit = (index[rows, along] >> (level[rows, along] - depth[group, along] - 1)) & 1
        name = np.cumsum(~full) - 1  # of the groups that go on
        group = 2 * name[group] + bit
        depth[np.arange(len(depth)), axis] += 1
        depth = np.repeat(depth[~full], 2, axis=0)
    return True
