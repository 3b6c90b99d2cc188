"""Thousands of outputs: the record of an audit lists some of them, the full table stands beside it.

A vector of 100,000 numbers for both sides of every peak came to 55 MB of JSON. Listed are the outputs of the peaks,
those with the largest errors, and the one with the largest error in each of many equal parts of the outputs, so that a
curve along the outputs passes above all that is left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.run import Run
from supnorm.evaluation import Evaluator
from supnorm.problem import Problem
from supnorm.problem.records import output_units
from supnorm.results import Witness
from supnorm.results.audit import OutputRecord
from supnorm.results.printable import in_cell

Array = NDArray[np.float64]
LISTED = 1000  # outputs that a record lists at most, peaks apart: about 1 MB


def listed(worst: Array, peaks: Sequence[int]) -> NDArray[np.intp]:
    """Which outputs are listed, in ascending order.

    Args:
        worst: the largest error of each output, shape ``(m,)``.
        peaks: outputs that are listed whatever their error.

    >>> listed(np.arange(5.0), [0])
    array([0, 1, 2, 3, 4])
    """
    if len(worst) <= LISTED:
        return np.arange(len(worst))
    half = LISTED // 2
    high = np.argsort(-worst, kind="stable")[:half]
    ends = np.linspace(0, len(worst), half + 1).astype(np.intp)
    along = [a + int(np.argmax(worst[a:b])) for a, b in pairwise(ends)]
    return np.unique(np.concatenate([high, along, np.asarray(peaks, dtype=np.intp)])).astype(np.intp)


@dataclass(frozen=True)
class Outputs:
    """The outputs of an audit, and which of them its record lists.

    Attributes:
        names, units: of all of them.
        worst, rms: largest and RMS error of each, shape ``(m,)``, or ``(1,)`` for an error of all together; ``worst`` is
            None for one output, or where none had a value.
        rows: numbers of those that are listed, in ascending order.
    """

    names: Sequence[str]
    units: Sequence[str]
    worst: Array | None
    rms: Array
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, run: Run) -> Outputs:
        """Those of an audit, with all that have a peak among the listed ones."""
        names, worst = output_names(run.problem, run.evaluator), run.recorder.by_output
        sizes = np.zeros(len(names)) if worst is None or len(worst) != len(names) else worst
        rows = (
            np.arange(len(names)) if worst is None else listed(sizes, [p.witness.output for p in run.peaks])
        )
        units, rms = output_units(run.problem, len(names)), run.sample.moments.rms()
        if worst is not None and not run.sample.n:  # errors were found, but none at an independent point
            rms = np.full(len(worst), np.nan)
        return cls(names, units, worst, rms, rows)

    @property
    def each(self) -> bool:
        """Whether each output has an error."""
        return self.worst is not None and len(self.worst) == len(self.names)

    @property
    def records(self) -> tuple[OutputRecord, ...]:
        """The listed ones."""
        return tuple(OutputRecord(name=self.names[i], unit=self.units[i]) for i in self.rows)

    def values(self, vector: Array) -> tuple[float, ...]:
        """A number for each listed output, of a number for each output."""
        if len(vector) < len(self.names):  # a side failed at the point before its number of outputs was known
            vector = np.full(len(self.names), np.nan)
        return tuple(vector[self.rows].tolist())

    def table(self, peaks: Sequence[Witness]) -> str | None:
        """Every output as a line of CSV, where the record lists some: name, unit, errors, both values at each peak."""
        if self.worst is None or len(self.rows) == len(self.names):
            return None
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        sides = [f"{side}_{n}" for n in range(1, len(peaks) + 1) for side in ("model", "reference")]
        writer.writerow(["output", "unit", "largest_error", "rms_error", *sides])
        none = np.full(len(self.names), np.nan)  # an error of all outputs together is that of no output
        columns = [self.worst, self.rms] if self.each else [none, none]
        columns += [side for peak in peaks for side in (peak.model, peak.reference)]
        for name, unit, *numbers in zip(self.names, self.units, *columns, strict=True):
            writer.writerow([in_cell(name), in_cell(unit), *(repr(float(v)) for v in numbers)])
        return text.getvalue()


def output_names(problem: Problem, evaluator: Evaluator) -> tuple[str, ...]:
    """Names of the outputs, as many as the evaluator saw."""
    return problem.output_names(evaluator.reference.outputs or evaluator.model.outputs or 1)
