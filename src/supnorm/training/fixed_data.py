"""Checks fixed samples, merges those at the same point, and splits them into training, choice and held-out parts.

15 % of the samples choose between the candidates. 20 % are held out and used once, for the root mean square error. The
largest error is taken over all samples. Candidates are trained on the mean of the labels of samples with the same inputs,
but measured against each of them. At most `MOST` samples are trained on; the others
are divided in the same proportion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import described
from supnorm.problem import Domain, ErrorMeasure, Function, Law, Problem
from supnorm.problem.masked import plain_numbers
from supnorm.results import BadInput
from supnorm.results.numbers import count, exact
from supnorm.wording import Fact, Value, fact
from supnorm.wording.fit import FIT

Array = NDArray[np.float64]
MOST = 20_000  # largest number of samples for training


@dataclass(frozen=True, eq=False)
class FixedData:
    """The three parts, each a pair of inputs ``(n, d)`` and labels ``(n, m)``, and notes about the samples.

    Attributes:
        train: different points with the mean of their labels; ``choose`` and ``held``: samples with their own label.
        points: all different points with the mean of their labels.
        repeated: samples that have the inputs of others but another label.
    """

    train: tuple[Array, Array]
    choose: tuple[Array, Array]
    held: tuple[Array, Array]
    domain: Domain
    notes: tuple[str, ...]
    points: tuple[Array, Array]
    repeated: tuple[Array, Array]

    @classmethod
    def split(cls, x: Array, y: Array, domain: Domain | None, rng: np.random.Generator) -> FixedData:
        """Check the samples and split them at random.

        Raises:
            BadInput: for shapes that do not fit, fewer than 20 different points, values that are not finite,
                an input that never varies, or points outside the domain.
        """
        given, labels = _checked(x, y)
        x, y, group, notes = _merged(given, labels)
        if len(x) < 20:
            raise BadInput(f"fitting needs at least 20 samples at different points, got {len(x)}")
        domain = domain or _box(x)
        outside = ~domain.contains(given)
        if outside.any():
            k = int(np.argmax(outside))
            raise BadInput(
                f"{count(outside.sum())} of {count(len(given))} samples lie outside the domain, first in row "
                f"{k + 1} counted from 1 (of a table below its header), {described(domain, given[k])}; widen the axes or "
                "leave these samples out"
            )
        order = rng.permutation(len(x))
        a, b = int(0.65 * len(x)), int(0.8 * len(x))
        if a > MOST:
            a, b = MOST, MOST + (len(x) - MOST) * 3 // 7
            notes = (*notes, fact("trained-on", trained=MOST, samples=len(x)))
        if group is None:
            choose, held = order[a:b], order[b:]
            noisy = held[:0]
        else:
            choose, held = (np.flatnonzero(np.isin(group, rows)) for rows in (order[a:b], order[b:]))
            first = labels[np.unique(group, return_index=True)[1]]
            others = (labels != first[group]).any(axis=1)
            noisy = np.flatnonzero(np.bincount(group, others)[group] > 0)
        if not np.ptp(y, axis=0).any():
            notes = (*notes, fact("constant-labels"))
        parts = [(given[rows], labels[rows]) for rows in (choose, held, noisy)]
        return cls(
            train=(x[order[:a]], y[order[:a]]),
            choose=parts[0],
            held=parts[1],
            domain=domain,
            notes=tuple(map(FIT.text, notes)),
            points=(x, y),
            repeated=parts[2],
        )

    def problem(
        self,
        error: ErrorMeasure | None,
        tolerance: float | tuple[float, ...] | None,
        table: Function | None = None,
    ) -> Problem:
        """A problem for the error measure and the domain; its reference must not be called.

        ``table`` has the names and units of the outputs.
        """

        def unknown(x: Array) -> Array:
            raise BadInput("the reference is known only at the samples")

        measure = error or ErrorMeasure()
        law = Law.from_samples(self.held[0], self.domain, "held-out samples")
        names, units = (table.outputs, table.output_units) if table is not None else ((), ())
        reference = Function(unknown, outputs=names, output_units=units)
        return Problem(None, reference, self.domain, measure, tolerance, law)


def _checked(x: Array, y: Array) -> tuple[Array, Array]:
    x, y = _numbers("inputs", x), _numbers("labels", y)
    x = x[:, None] if x.ndim == 1 else x
    y = y[:, None] if y.ndim == 1 else y
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise BadInput(f"samples must have shapes (n, d) and (n,) or (n, m), got {x.shape} and {y.shape}")
    for what, values in (("inputs", x), ("labels", y)):
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            raise BadInput(
                f"{what} are not finite in {broken.sum()} of {len(x)} samples, first in row "
                f"{int(np.argmax(broken)) + 1} counted from 1 (of a table below its header); remove these rows"
            )
    return x, y


def _numbers(what: str, values: Array) -> Array:
    try:
        return plain_numbers(values)
    except (TypeError, ValueError):
        raise BadInput(f"{what} must be real numbers, got an array of {np.asarray(values).dtype}") from None


def _merged(x: Array, y: Array) -> tuple[Array, Array, NDArray[np.intp] | None, tuple[Fact, ...]]:
    """Equal points become one with the mean label; what their labels differ by is noise no model can fit.

    Returns:
        Points, labels, the number of the point of each sample (None if all points are different), and notes.
    """
    unique, inverse, counts = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    if len(unique) == len(x):
        return x, y, None, ()
    inverse = inverse.reshape(-1)
    mean = np.stack([np.bincount(inverse, column) / counts for column in y.T], axis=1)
    low, high = np.full(mean.shape, np.inf), np.full(mean.shape, -np.inf)
    np.minimum.at(low, inverse, y)
    np.maximum.at(high, inverse, y)
    gap = float((high - low).max())  # half of it is the least largest error: that of the value in the middle
    noise: dict[str, Value] = {"difference": gap, "half": gap / 2} if gap > 0 else {}
    return unique, mean, inverse, (fact("repeated-samples", samples=len(x) - len(unique), **noise),)


def _box(x: Array) -> Domain:
    low, high = x.min(axis=0), x.max(axis=0)
    for i, (a, b) in enumerate(zip(low, high, strict=True)):
        if a == b:
            raise BadInput(f"input x{i + 1} never varies in the samples ({exact(a)}); leave it out")
    return Domain.from_axes(
        {f"x{i + 1}": (float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}
    )
