"""Reads a saved certificate as a bracket to go on with, and proves its statements again before a result uses them.

When the file is read (`load_bracket`): the box, the programs and the declarations are those of the problem; the cells tile
the box (exactly, in integers); the claims agree with the leaves; the witness is a point that counts, and its error is
proved again. Then (`go_on`): the bounds of the leaves are proved again (`proved_again`), without the search that
found them, and recorded values of functions that are only evaluated are compared with these functions. Bounds for
which there is no time are counted (`Bracket.believed`), and no verdict uses them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.black_box import key, unpack
from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.certificate import SCHEMA, digest
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.far import Far, Run
from supnorm.certification.file_leaves import MALFORMED, demand, file_in_lines, leaves_of_file
from supnorm.certification.leaf import Leaves, no_leaves
from supnorm.certification.lines import head_in_lines
from supnorm.certification.lower import proved_error
from supnorm.certification.proved_again import BATCH, CannotProve, ProvedAgain, prove_again
from supnorm.certification.recorded import compare_recorded
from supnorm.certification.rounding import Array
from supnorm.certification.sharing import on_workers
from supnorm.certification.shelf import Shelf, leaves_of
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.workers import seats
from supnorm.results import BadInput
from supnorm.results.door import reading_table
from supnorm.results.numbers import num
from supnorm.results.printable import one_line
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY

Admit = Callable[[Array], NDArray[np.bool_]]


def load_bracket(
    path: Path | str, error: ErrorProgram, admit: Admit, seed: int | None = None, shelf: Shelf | None = None
) -> Bracket:
    """A saved certificate as a bracket that is still to be proved again: all of its leaves are pending.

    Args:
        path: the file.
        error: the error that is bounded now; the file must be about the same one.
        admit: says which points, shape ``(n, d)``, may be a witness.
        seed: seed of the run that goes on; it must be the seed in the file, if there is one. None if it does not matter.
        shelf: a file for leaves that are too many for memory.

    Raises:
        BadInput: when the file is no certificate, was changed, is malformed, contradicts itself, is about another error
            or box, or was begun with another seed.
    """
    data, lines = None, None
    with reading_table(Path(path), missing="; give a saved certificate to resume from"), suppress(*MALFORMED):
        lines = file_in_lines(path, error, shelf)
        data = json.loads(Path(path).read_text(encoding="utf-8")) if lines is None else None
    if lines is not None:
        return _bracket(lines, path, error, admit, seed, shelf)
    return replace(bracket_of(data, path, error, admit, seed), shelf=None if error.declared else shelf)


def bracket_of(
    data: Any, path: Path | str, error: ErrorProgram, admit: Admit, seed: int | None = None
) -> Bracket:
    """`load_bracket` of data that were read from ``path``: a certificate, or a part of a file of several parts."""
    good = False
    with suppress(*MALFORMED):
        good = data["schema"] == SCHEMA and data["digest"] == digest(data)
    if not good:
        raise BadInput(f"{path}: not a whole {SCHEMA} file; start without resume")
    return _bracket(data, path, error, admit, seed)


def _bracket(
    data: Mapping[str, Any],
    path: Path | str,
    error: ErrorProgram,
    admit: Admit,
    seed: int | None,
    shelf: Shelf | None = None,
) -> Bracket:
    """The bracket of a file that is as it was written."""
    try:
        same = _same(data, error)
        leaves = leaves_of_file(data, error) if same else None
        witness = _witness(data, error.d)
    except MALFORMED as fault:
        raise BadInput(f"{path}: malformed certificate ({_reason(fault)}); start without resume") from None
    if leaves is None:
        raise BadInput(f"{path}: certificate of another model, reference or domain; start without resume")
    held = data.get("seed", seed)
    if seed is not None and held != seed:
        raise BadInput(
            f"{path}: begun with seed {one_line(str(held), 40)}, but you ask for seed {seed}; give the first one to go on, "
            "or start without resume"
        )
    far = leaves if isinstance(leaves, Far) else Far(())
    near = leaves if isinstance(leaves, Leaves) else no_leaves(error)
    bracket = Bracket(error, near, seed=held if type(held) is int else None, shelf=shelf, far=far)
    bracket = bracket.raised(witness[admit(witness)], admit, proved_error)
    if bracket.lower > bracket.upper:
        raise contradiction(path, bracket)
    return bracket


def stated_upper(path: Path | str) -> float:
    """The upper bound that a file states, which proves nothing; infinite if it states none."""
    with suppress(BadInput, *MALFORMED), reading_table(Path(path), missing=""):
        return float.fromhex(read_but_leaves(path)["upper"])
    return math.inf


def read_but_leaves(path: Path | str) -> Any:
    """The JSON of a certificate; of one in lines it is the head. Nothing is compared with the digest.

    Raises:
        OSError, ValueError: when it cannot be read, or is not JSON.
    """
    head = head_in_lines(path)
    return json.loads(Path(path).read_text(encoding="utf-8")) if head is None else head


def go_on(
    work: Work,
    path: Path | str,
    goal: Goal,
    limit: Limit,
    executor: Executor | None = None,
    observer: Callable[[ProvedAgain], None] = lambda event: None,
) -> None:
    """Prove the bounds of a saved certificate again; afterwards, leaves above the goal's target are pending.

    The leaves with the largest bounds come first, the others in an order that no file can foresee.

    Raises:
        BadInput: when a stated bound does not follow from its proof, or a recorded value is not the function's.
    """
    try:
        for part in work.bracket.error.declared:
            total = sum(map(len, part.values.values()))
            if left := compare_recorded(part, limit):
                text = CERTIFY.text(
                    fact(
                        "values-of-file", values=total, side=part.which, path=str(path), compared=total - left
                    )
                )
                work.bracket = replace(work.bracket, taken=(*work.bracket.taken, text))
        _prove_leaves(work, limit, executor, observer)
    except CannotProve as why:
        raise BadInput(f"{path}: {why}; start without resume") from None
    finally:
        work.bracket = work.bracket.sorted_by(goal.target(work.bracket.lower))


def _prove_leaves(
    work: Work, limit: Limit, executor: Executor | None, observer: Callable[[ProvedAgain], None]
) -> None:
    """Prove the leaves of the bracket again, some at a time, until the limit is over."""
    held: _InFile | _InMemory = _InFile(work.bracket.far.runs[0]) if work.bracket.far else _InMemory(work)
    size = BATCH if executor is None else 4 * seats(executor) * BATCH
    starts = range(0, held.count, size)
    rest = np.random.default_rng().permutation(np.arange(1, len(starts)))
    run = partial(on_workers, executor)
    done = 0
    observer(ProvedAgain(done, held.count))
    for number in [*range(min(len(starts), 1)), *rest.tolist()]:
        if limit.over:
            return
        leaves = held.take(starts[number], min(starts[number] + size, held.count))
        held.put(starts[number], prove_again(work.bracket.error, leaves, run))
        done += len(leaves)
        observer(ProvedAgain(done, held.count))


class _InMemory:
    """The leaves of a bracket that have a bound, the largest first: to be changed in place.

    An interrupt between two lines leaves bounds that hold.
    """

    def __init__(self, work: Work) -> None:
        self._leaves = leaves = _writable(work.bracket.pending)
        work.bracket = replace(work.bracket, pending=leaves)
        order = np.argsort(-leaves.boxes.upper, kind="stable")
        self._order = order[np.isfinite(leaves.boxes.upper[order])]
        self.count = len(self._order)

    def take(self, start: int, stop: int) -> Leaves:
        """The leaves from a place of the order to another one."""
        return self._leaves.take(self._order[start:stop])

    def put(self, start: int, again: Leaves) -> None:
        """The leaves from a place on with new bounds."""
        leaves, rows = self._leaves, self._order[start : start + len(again)]
        leaves.boxes.upper[rows] = leaves.proof.upper[rows] = again.boxes.upper
        leaves.proof.rounding[rows] = again.proof.rounding
        leaves.proof.proved[rows] = True


class _InFile:
    """The same for a run of a file."""

    def __init__(self, run: Run) -> None:
        self._run, self._first = run, run.above(sys.float_info.max)
        self.count = len(run) - self._first

    def take(self, start: int, stop: int) -> Leaves:
        """The leaves from a place of the order to another one."""
        return leaves_of(self._run.read(self._first + start, self._first + stop))

    def put(self, start: int, again: Leaves) -> None:
        """The leaves from a place on with new bounds."""
        at = self._first + start
        numbers = self._run.read(at, at + len(again))["number"]
        self._run.shelf.write(self._run.start + at, self._run.shelf.records(again, numbers))


def _writable(leaves: Leaves) -> Leaves:
    """The leaves with copies of the columns that are written to."""
    columns = {n: getattr(leaves.proof, n).copy() for n in ("upper", "rounding", "proved")}
    boxes = replace(leaves.boxes, upper=leaves.boxes.upper.copy())
    return replace(leaves, boxes=boxes, proof=replace(leaves.proof, **columns))


def contradiction(path: Path | str, bracket: Bracket) -> BadInput:
    """The message when a proved error is above the upper bound: then a bound of the file is wrong."""
    at = [] if bracket.witness is None else bracket.witness.tolist()
    return BadInput(
        f"{path}: its bounds are wrong: the error at {at} is at least {num(bracket.lower, 6)}, above the upper bound "
        f"{num(bracket.upper, 6)}; start without resume"
    )


def _reason(fault: Exception) -> str:
    text = str(fault)
    return f"no {text}" if isinstance(fault, KeyError) else text[:100] or type(fault).__name__


def _same(data: Mapping[str, Any], error: ErrorProgram) -> bool:
    """Whether the file is about this error; if so, declared functions take over the values that it records."""
    ends = [[float.fromhex(v) for v in data[k]] for k in ("low", "high")]
    entries = data.get("declared", [])
    same = (
        np.array_equal(ends, [error.low, error.high])
        and data["log"] == list(error.log)
        and data["side"] == error.side
        and ("cuts" not in data or data["cuts"] == [[v.hex() for v in k.tolist()] for k in error.cuts])
        and data["hashes"] == [p.hash for p in error.alternatives]
        and len(entries) == len(error.declared)
        and not any(part.differs(e) for e, part in zip(entries, error.declared, strict=True))
    )
    for entry, part in zip(entries if same else (), error.declared, strict=same):
        for name, held in entry["values"].items():
            level, index, n = (list(map(int, numbers.split(","))) for numbers in name.split("/"))
            values, nodes = unpack(held), (n[0] + 1) ** error.d
            if values.shape != (nodes, len(part.weight)) or not np.isfinite(values).all():
                raise ValueError(f"recorded values of {name!r}")
            cell = Boxes(np.array([level]), np.array([index]), np.zeros(1))
            centre, half = cell.centre_and_half(error.low, error.high)
            part.values[key(n[0], centre[0], half[0])] = values
    return same


def _witness(data: Mapping[str, Any], d: int) -> Array:
    """The witness of the file, shape ``(1, d)``, or ``(0, d)`` if it has none."""
    if data["witness"] is None:
        return np.zeros((0, d))
    point = np.array([[float.fromhex(v) for v in data["witness"]]])
    demand(point.shape == (1, d) and bool(np.isfinite(point).all()), "witness")
    return point
