"""One pass over a pair of fields: everything that can be counted, summed or compared, point by point.

`scan` uses the compiled loop of `supnorm.fields.compiled` where Numba is installed and the NumPy form otherwise. Both give
the same counts, indices and largest errors bit for bit, and sums that differ by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.accumulated import Accumulated, Extremes, Setting
from supnorm.fields.bits import BINS, bins_of
from supnorm.fields.grid import Grid
from supnorm.results import BadInput

Array = NDArray[np.float64]
# Points from which a threshold is guessed: the rank of twice 5 % is known to 2 % then, in 0.2 ms.
SAMPLE = 16_384
WHOLE = 2**53  # up to here double precision holds every whole number


def setting(grid: Grid, whole: NDArray[np.int64], low: float, high: float) -> Setting:
    """What a scan of this grid needs."""
    along, between = grid.spacing
    with np.errstate(divide="ignore"):
        # None at the poles.
        inverse = np.where(along > 1e-9 * max(float(along.max()), 1e-300), 1.0 / along, 0.0)
    return Setting(grid.weights, whole, (inverse, 1.0 / between), grid.periodic, low, high)


def scan(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    unit: int,
    threshold: float,
    into: Accumulated,
    given: Setting,
) -> Extremes:
    """Add a pair of fields to what was accumulated.

    Args:
        prediction, truth: of one shape ``(rows, columns)``.
        unit: number of the pair, for the map of the largest errors.
        threshold: ``|error|`` above which points are returned one by one.
        into: is changed.
        given: weights, distances, bounds.
    """
    return _scanner()(prediction, truth, unit, threshold, into, given)


@cache
def _scanner() -> Callable[..., Extremes]:
    try:
        from supnorm.fields.compiled import scan_compiled
    except ImportError:
        return scan_numpy
    return scan_compiled


def scan_numpy(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    unit: int,
    threshold: float,
    into: Accumulated,
    given: Setting,
) -> Extremes:
    """The same in NumPy alone: the oracle of the compiled loop, and what runs where Numba is not installed."""
    p, t = np.asarray(prediction, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    there_p, there_t = np.isfinite(p), np.isfinite(t)
    both = there_p & there_t
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.where(both, p - t, 0.0)
    size = np.abs(error)
    missing, outside = there_t & ~there_p, there_p & ((p < given.low) | (p > given.high))
    into.counts += [
        both.sum(),
        missing.sum(),
        (there_p & ~there_t).sum(),
        (p < given.low).sum(),
        (p > given.high).sum(),
    ]
    w = given.row_weights
    with np.errstate(over="ignore", invalid="ignore"):
        for k, values in enumerate(
            (both, np.where(both, p, 0.0), np.where(both, t, 0.0), error, error * error)
        ):
            into.sums[k] += w @ values.sum(axis=1, dtype=np.float64)
        into.sums[5:] += _gradients(error, np.where(both, t, 0.0), both, given)
    weights = np.broadcast_to(given.whole[:, None], p.shape)[both]
    into.histogram += np.bincount(bins_of(size[both]), weights, BINS).astype(np.int64)
    with np.errstate(over="ignore"):
        single = np.where(both, size, -1.0).astype(np.float32)
    newer = (single > into.largest) | ((single == into.largest) & (unit < into.when) & both)
    into.largest[newer], into.when[newer] = single[newer], unit
    into.missing += missing
    into.outside += outside
    index = int(np.argmax(np.where(both, size, -1.0))) if both.any() else -1
    with np.errstate(invalid="ignore"):  # an infinite value less an infinite bound
        beyond = np.where(outside, np.maximum(given.low - p, p - given.high), -1.0)
    worst = int(np.argmax(beyond))
    indices = np.flatnonzero((size > threshold).ravel() & both.ravel())
    return Extremes(
        float(size.ravel()[index]) if index >= 0 else 0.0,
        index,
        int(np.argmax(missing)) if missing.any() else -1,
        float(p.ravel()[worst]),
        worst if beyond.ravel()[worst] >= 0 else -1,
        indices,
        error.ravel()[indices],
    )


def likely_threshold(prediction: NDArray[Any], truth: NDArray[Any], wanted: int) -> float:
    """An error that about twice as many points as wanted exceed, from a sample of them; 0 if there are no more points.

    Without it every point of the first field of a lead time would be stored to keep a twentieth of them.
    """
    size = prediction.size
    if size < 4 * wanted:
        return 0.0
    step = max(math.isqrt(size // SAMPLE), 1)
    p, t = (np.asarray(a[::step, ::step], dtype=np.float64).ravel() for a in (prediction, truth))
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(p - t)
    error[~np.isfinite(error)] = 0.0
    rank = min(math.ceil(2 * wanted / size * error.size), error.size - 1)
    return float(np.partition(error, error.size - 1 - rank)[error.size - 1 - rank])


def points_above(prediction: NDArray[Any], truth: NDArray[Any], threshold: float) -> dict[str, Any]:
    """``indices`` and ``errors`` of all points whose ``|error|`` is above a threshold, as `scan` returns them."""
    p, t = (np.asarray(a, dtype=np.float64).ravel() for a in (prediction, truth))
    both = np.isfinite(p) & np.isfinite(t)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.where(both, p - t, 0.0)
    indices = np.flatnonzero(np.abs(error) > threshold)
    return {"indices": indices, "errors": error[indices]}


def _gradients(error: Array, truth: Array, both: NDArray[np.bool_], given: Setting) -> Array:
    """Weighted sums of 1 and of the squared gradients of error and truth, over points with both forward neighbours."""
    along, between = given.inverse
    whole = both[:-1] & both[1:]
    right: list[NDArray[Any]]
    here: list[NDArray[Any]]
    if given.periodic:
        right = [np.roll(a, -1, axis=1)[:-1] for a in (both, error, truth)]
        here = [a[:-1] for a in (both, error, truth)]
    else:
        right = [a[:-1, 1:] for a in (both, error, truth)]
        here = [a[:-1, :-1] for a in (both, error, truth)]
        whole = whole[:, :-1]
    columns = here[0].shape[1]
    whole = whole & right[0].astype(bool)
    w = given.row_weights[:-1]
    found = [float(w @ whole.sum(axis=1, dtype=np.float64))]
    for k, field in ((1, error), (2, truth)):
        dx = (right[k] - here[k]) * along[:-1, None]
        dy = (field[1:, :columns] - field[:-1, :columns]) * between
        found.append(float(w @ np.where(whole, dx * dx + dy * dy, 0.0).sum(axis=1)))
    return np.array(found)


def unmasked(values: Any) -> NDArray[Any]:
    """The values as an array; NaN where a mask hides one.

    Raises:
        BadInput: for whole numbers that double precision does not hold: their differences would be wrong.
    """
    masked = isinstance(values, np.ma.MaskedArray) and values.mask.any() and values.dtype.kind in "fiu"
    array = values.compressed() if masked else np.asarray(values)
    long = array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size > 0
    if long and max(int(array.max()), -int(array.min())) > WHOLE:
        raise BadInput(f"whole numbers beyond {WHOLE:,} cannot be compared exactly: give them as float64")
    if not masked:
        return array
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(np.ma.filled(values.astype(kind), np.nan))
