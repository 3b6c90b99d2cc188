"""Errors with their gradients, by the chain rule through the error measure; expensive calls are stored like values."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import Caller
from supnorm.evaluation.threads import all_threads
from supnorm.problem import Problem

Array = NDArray[np.float64]
Reduced = tuple[Array, NDArray[np.intp]]  # errors and the outputs that carry them
SIDE = "gradient"  # in the store: model values, reference values and slope in one row


class GradientCaller:
    """Both sides and the slope of the error in the unit box, in one call.

    Args:
        problem: a problem whose model and reference both have a ``vjp``.
        model, reference: the callers, for their timing and their store.
    """

    def __init__(self, problem: Problem, model: Caller, reference: Caller) -> None:
        self.problem, self.model, self.reference = problem, model, reference
        self.known = model.store.load(SIDE) if model.store else {}

    def rows(self, x: Array, purpose: str) -> tuple[Array, Array, Array, Reduced | None]:
        """Model (n, m), reference (n, m) and slope (n, d) at points ``x`` (n, d) of the domain.

        Returns the reduced errors and their outputs too, if they were computed on the way.
        """
        # The decision of the probe, not a new measurement: chunks must not change with the load.
        if not (self.model.expensive or self.reference.expensive) or self.model.store is None:
            return self._timed(x)
        size = min(side.rows or 1 for side in (self.model, self.reference) if side.expensive)
        parts = [self._stored(x[i : i + size], purpose) for i in range(0, len(x), size)]
        y, f, slope = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return y, f, slope, None

    def _stored(self, x: Array, purpose: str) -> tuple[Array, Array, Array]:
        keys = [row.tobytes() for row in x]
        missing = np.array([i for i, key in enumerate(keys) if key not in self.known], dtype=int)
        if len(missing):
            start = time.perf_counter()
            with all_threads():
                table = np.concatenate(self._timed(x[missing])[:3], axis=1)
            seconds = time.perf_counter() - start
            assert self.model.store is not None
            self.model.store.append(SIDE, purpose, x[missing], table, {}, seconds)
            for i, row in zip(missing, table, strict=True):
                self.known[keys[i]] = row, None
        table = np.stack([self.known[key][0] for key in keys])
        m = (table.shape[1] - x.shape[1]) // 2
        return table[:, :m], table[:, m : 2 * m], table[:, 2 * m :]

    def _timed(self, x: Array) -> tuple[Array, Array, Array, Reduced]:
        """Values, then pullbacks of the error's weights; the time of each side is added to its seconds."""
        measure = self.problem.error
        clock = [time.perf_counter()]
        with np.errstate(all="ignore"):
            y, pull_model = self.problem.model.vjp(x)
            y = y.copy()  # as in `as_columns`: a derivative of the user's own may fill its array again
            clock.append(time.perf_counter())
            f, pull_reference = self.problem.reference.vjp(x)
            f = f.copy()
            clock.append(time.perf_counter())
            error, output = measure.reduced(y, f, x)
            whole = math.isfinite(np.add.reduce(error))  # a finite sum means that all errors are finite
            by_model, by_reference = measure.gradient(y, f, output)
            if not whole:
                good = np.isfinite(error)
                by_model, by_reference = (np.where(good[:, None], w, 0.0) for w in (by_model, by_reference))
            clock.append(time.perf_counter())
            slope = pull_model(by_model)
            clock.append(time.perf_counter())
            slope = np.add(slope, pull_reference(by_reference), order="C")
            clock.append(time.perf_counter())
            self.problem.domain.chain(slope, x)
            if not (whole and math.isfinite(np.add.reduce(slope, axis=None))):
                slope[~np.isfinite(error) | ~np.isfinite(slope).all(axis=1)] = 0.0
        self.model.seconds += clock[1] - clock[0] + clock[4] - clock[3]
        self.reference.seconds += clock[2] - clock[1] + clock[5] - clock[4]
        self.model.called += len(x)
        self.reference.called += len(x)
        return y, f, slope, (error, output)
