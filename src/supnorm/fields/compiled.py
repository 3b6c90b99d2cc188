"""The loop of `supnorm.fields.scan` compiled by Numba: a field is read once, row by row.

No fast-math: with reassociation and without signed zeros a compiler may fold ``d - d == 0`` to true, which hides every NaN.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from supnorm.fields.accumulated import Accumulated, Extremes, Setting


def scan_compiled(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    unit: int,
    threshold: float,
    into: Accumulated,
    given: Setting,
) -> Extremes:
    """See `supnorm.fields.scan.scan`."""
    p, t = _plain(prediction), _plain(truth)
    indices, errors = np.empty(p.size, dtype=np.int64), np.empty(p.size)
    along, between = given.inverse
    error, index, first_missing, worst, worst_index, n = _loop(
        p, t, np.int32(unit), threshold, into.sums, into.counts, into.histogram, into.largest, into.when, into.missing,
        into.outside, given.row_weights, given.whole, along, between, given.periodic, given.low, given.high, indices, errors,
    )  # fmt: skip
    return Extremes(error, index, first_missing, worst, worst_index, indices[:n].copy(), errors[:n].copy())


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """In single or double precision, in the order of memory that the loop has been compiled for."""
    kind = np.float32 if values.dtype in (np.float32, np.float16) else np.float64
    return np.ascontiguousarray(values, dtype=kind)


@numba.njit(cache=True, nogil=True)
def _loop(  # type: ignore[no-untyped-def]
    p, t, unit, threshold, sums, counts, histogram, largest, when, missing, outside, weights, whole, along, between,
    periodic, low, high, indices, errors,
):  # fmt: skip
    rows, columns = p.shape
    best, best_index, first_missing, found = -1.0, -1, -1, 0
    worst, beyond, worst_index = 0.0, -1.0, -1
    single = np.empty(columns, dtype=np.float32)
    bits = single.view(np.uint32)
    above_plain = False
    above_ok, above_e, above_t = np.zeros(columns, np.bool_), np.zeros(columns), np.zeros(columns)
    ok, error, true = np.zeros(columns, np.bool_), np.zeros(columns), np.zeros(columns)
    for i in range(rows):
        n = 0
        sp = st = se = sq = 0.0
        plain = True
        for j in range(columns):
            a, b = np.float64(p[i, j]), np.float64(t[i, j])
            e = a - b
            error[j], true[j] = e, b
            single[j] = abs(e)
            plain &= np.isfinite(e) & (a >= low) & (a <= high)
        if plain:  # short loops without branches, which take two thirds of the time of the other one
            n = columns
            ok[:] = True
            sp, st, se, sq, most, where = _plain_row(
                p[i], true, error, single, bits, unit, whole[i], histogram, largest[i], when[i]
            )
            if most > best:
                best, best_index = most, i * columns + where
            found = _collect(most, error, threshold, i * columns, indices, errors, found)
        else:
            for j in range(columns):
                a, b = np.float64(p[i, j]), np.float64(t[i, j])
                there_a, there_b = np.isfinite(a), np.isfinite(b)
                both = there_a and there_b
                ok[j] = both
                if there_a and (a < low or a > high):
                    outside[i, j] += 1
                    off = max(low - a, a - high)
                    if off > beyond:
                        beyond, worst, worst_index = off, a, i * columns + j
                if a < low:
                    counts[3] += 1
                elif a > high:
                    counts[4] += 1
                if not both:
                    error[j] = true[j] = 0.0
                    if there_b:
                        counts[1] += 1
                        missing[i, j] += 1
                        if first_missing < 0:
                            first_missing = i * columns + j
                    elif there_a:
                        counts[2] += 1
                    continue
                e = a - b
                size = abs(e)
                n += 1
                sp += a
                st += b
                se += e
                sq += e * e
                histogram[bits[j] >> 16] += whole[i]
                if single[j] > largest[i, j] or (single[j] == largest[i, j] and unit < when[i, j]):
                    largest[i, j], when[i, j] = single[j], unit
                if size > best:
                    best, best_index = size, i * columns + j
                if size > threshold:
                    indices[found], errors[found] = i * columns + j, e
                    found += 1
        w = weights[i]
        counts[0] += n
        sums[0] += w * n
        sums[1] += w * sp
        sums[2] += w * st
        sums[3] += w * se
        sums[4] += w * sq
        if i:
            _add_both_gradients(
                plain and above_plain,
                above_ok,
                above_e,
                above_t,
                ok,
                error,
                true,
                weights[i - 1],
                along[i - 1],
                between,
                periodic,
                sums,
            )
        above_plain = plain
        above_ok, ok = ok, above_ok
        above_e, error = error, above_e
        above_t, true = true, above_t
    return max(best, 0.0), best_index, first_missing, worst, worst_index, found


@numba.njit(cache=True, nogil=True)
def _plain_row(p, true, error, single, bits, unit, whole, histogram, largest, when):  # type: ignore[no-untyped-def]
    """Add a row with all values; its sums, its largest error, and the first column that has it."""
    columns = len(error)
    sp = st = se = sq = 0.0
    for j in range(columns):
        sp += np.float64(p[j])
        st += true[j]
        se += error[j]
        sq += error[j] * error[j]
    for j in range(columns):
        histogram[bits[j] >> 16] += whole
    for j in range(columns):
        if single[j] > largest[j] or (single[j] == largest[j] and unit < when[j]):
            largest[j], when[j] = single[j], unit
    most = -1.0
    for j in range(columns):
        most = max(most, abs(error[j]))
    where = 0
    while abs(error[where]) != most:
        where += 1
    return sp, st, se, sq, most, where


@numba.njit(cache=True, nogil=True)
def _collect(most, error, threshold, base, indices, errors, found):  # type: ignore[no-untyped-def]
    """Add the points of a row with large errors to the list."""
    if most <= threshold:
        return found
    for j in range(len(error)):
        if abs(error[j]) > threshold:
            indices[found], errors[found] = base + j, error[j]
            found += 1
    return found


@numba.njit(cache=True, nogil=True)
def _add_gradients(ok, error, true, next_ok, next_error, next_true, weight, along, between, periodic, sums):  # type: ignore[no-untyped-def]
    columns = len(ok)
    n = 0
    ge = gt = 0.0
    for j in range(columns if periodic else columns - 1):
        k = j + 1 if j + 1 < columns else 0
        if ok[j] and ok[k] and next_ok[j]:
            n += 1
            dx, dy = (error[k] - error[j]) * along, (next_error[j] - error[j]) * between
            ge += dx * dx + dy * dy
            dx, dy = (true[k] - true[j]) * along, (next_true[j] - true[j]) * between
            gt += dx * dx + dy * dy
    sums[5] += weight * n
    sums[6] += weight * ge
    sums[7] += weight * gt


@numba.njit(cache=True, nogil=True)
def _add_plain_gradients(error, true, next_error, next_true, weight, along, between, periodic, sums):  # type: ignore[no-untyped-def]
    """The same where both rows have all values."""
    columns = len(error)
    ge = gt = 0.0
    for j in range(columns - 1):
        dx, dy = (error[j + 1] - error[j]) * along, (next_error[j] - error[j]) * between
        ge += dx * dx + dy * dy
        dx, dy = (true[j + 1] - true[j]) * along, (next_true[j] - true[j]) * between
        gt += dx * dx + dy * dy
    if periodic:
        j = columns - 1
        dx, dy = (error[0] - error[j]) * along, (next_error[j] - error[j]) * between
        ge += dx * dx + dy * dy
        dx, dy = (true[0] - true[j]) * along, (next_true[j] - true[j]) * between
        gt += dx * dx + dy * dy
    sums[5] += weight * (columns if periodic else columns - 1)
    sums[6] += weight * ge
    sums[7] += weight * gt


@numba.njit(cache=True, nogil=True)
def _add_both_gradients(  # type: ignore[no-untyped-def]
    plain, ok, error, true, next_ok, next_error, next_true, weight, along, between, periodic, sums
):
    """By the loop that suits the two rows."""
    if plain:
        _add_plain_gradients(error, true, next_error, next_true, weight, along, between, periodic, sums)
    else:
        _add_gradients(
            ok, error, true, next_ok, next_error, next_true, weight, along, between, periodic, sums
        )
