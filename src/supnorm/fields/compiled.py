"""The loop of `supnorm.fields.scan` compiled by Numba: a field is read once, row by row.

A row where every value is there and within its bounds goes through short loops without branches, which a compiler turns into
vector instructions; any other row goes point by point. Whether a value is finite is asked of its bits, as a whole number, so
no compiler option can hide a NaN. Fast-math is off for the same reason: with reassociation and without signed zeros a
compiler may fold ``d - d == 0`` to true. Sums therefore run in `LANES` columns side by side, each in a fixed order, and are
the same on every processor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from supnorm.fields.accumulated import Accumulated, Extremes, Setting

# Columns that are summed side by side: 3.9 ms a pair of 721 x 1440; with 32, 64, 256: 5.6, 4.8, 4.0.
LANES = 128
SIZE = np.int64(0x7FFF_FFFF_FFFF_FFFF)  # the bits of a double without its sign: they grow with its size
INFINITE = np.int64(0x7FF0_0000_0000_0000)  # and from here on it is not finite


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
    arguments = (
        p, t, np.int32(unit), threshold, into.sums, into.counts, into.histogram, into.largest, into.when, into.missing,
        into.outside, given.row_weights, given.whole, along, between, given.periodic, given.low, given.high, indices, errors,
    )  # fmt: skip
    error, index, first_missing, worst, worst_index, n = _called(_loop, arguments)
    return Extremes(error, index, first_missing, worst, worst_index, indices[:n].copy(), errors[:n].copy())


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """In single or double precision, in the order of memory that the loop has been compiled for."""
    kind = np.float32 if values.dtype in (np.float32, np.float16) else np.float64
    return np.ascontiguousarray(values, dtype=kind)


def _cached(function: Callable[..., Any]) -> Any:
    """The compiled function, kept in a file where Numba finds a folder that can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the folder of the package nor that of the user can be written
        return numba.njit(nogil=True)(function)


def _called(function: Any, arguments: tuple[Any, ...], functions: int = 20) -> Any:
    """What a compiled function returns, also where the files of its cache cannot be written.

    Numba compiles a function, then writes it into a file, and then begins it: where that fails it is compiled all the same.

    Args:
        functions: no fewer than those of this module, each of which may fail once.
    """
    for _ in range(functions):
        try:
            return function(*arguments)
        except OSError:
            continue
    return function(*arguments)


@_cached
def _loop(  # type: ignore[no-untyped-def]
    p, t, unit, threshold, sums, counts, histogram, largest, when, missing, outside, weights, whole, along, between,
    periodic, low, high, indices, errors,
):  # fmt: skip
    rows, columns = p.shape
    best, best_index, first_missing, found = -1.0, -1, -1, 0
    worst, beyond, worst_index = 0.0, -1.0, -1
    single = np.empty(columns, dtype=np.float32)
    bits = single.view(np.uint32)
    lanes = np.zeros(LANES)
    peaks = np.zeros((columns + LANES - 1) // LANES, dtype=np.int64)
    above_plain = False
    above_ok, above_e = np.zeros(columns, np.bool_), np.zeros(columns)
    ok, error = np.zeros(columns, np.bool_), np.zeros(columns)
    limit = np.array([threshold]).view(np.int64)[0]
    best_bits = np.int64(-1)
    for i in range(rows):
        n = 0
        within = _errors(p[i], t[i], error, single, low, high)
        top = _peaks(error.view(np.int64), peaks)
        plain = within and top < INFINITE
        if plain:
            n = columns
            ok[:] = True
            _add_row(p[i], t[i], error, lanes, weights[i], sums)
            _count(bits, whole[i], histogram)
            _enlarge(single, unit, largest[i], when[i])
            if top > best_bits:
                best_bits = top
                best, where = _first(error, top)
                best_index = i * columns + where
            if top > limit:
                found = _collect(error, peaks, limit, i * columns, indices, errors, found)
        else:
            n, best, best_index, found, first_missing, beyond, worst, worst_index = _faulty_row(
                p[i],
                t[i],
                unit,
                threshold,
                sums,
                counts,
                histogram,
                largest[i],
                when[i],
                missing[i],
                outside[i],
                weights[i],
                whole[i],
                low,
                high,
                indices,
                errors,
                i * columns,
                ok,
                error,
                single,
                bits,
                best,
                best_index,
                found,
                first_missing,
                beyond,
                worst,
                worst_index,
            )
            best_bits = max(best_bits, np.array([best]).view(np.int64)[0])
        counts[0] += n
        if i:
            if plain and above_plain:
                _add_plain_gradients(
                    above_e,
                    t[i - 1],
                    error,
                    t[i],
                    weights[i - 1],
                    along[i - 1],
                    between,
                    periodic,
                    lanes,
                    sums,
                )
            else:
                _add_gradients(
                    above_ok,
                    above_e,
                    t[i - 1],
                    ok,
                    error,
                    t[i],
                    weights[i - 1],
                    along[i - 1],
                    between,
                    periodic,
                    sums,
                )
        above_plain = plain
        above_ok, ok = ok, above_ok
        above_e, error = error, above_e
    return max(best, 0.0), best_index, first_missing, worst, worst_index, found


@_cached
def _faulty_row(  # type: ignore[no-untyped-def]
    p,
    t,
    unit,
    threshold,
    sums,
    counts,
    histogram,
    largest,
    when,
    missing,
    outside,
    weight,
    whole,
    low,
    high,
    indices,
    errors,
    base,
    ok,
    error,
    single,
    bits,
    best,
    best_index,
    found,
    first_missing,
    beyond,
    worst,
    worst_index,
):
    """Add a row where values are missing or outside of their bounds, point by point."""
    n, columns = 0, len(p)
    sp = st = se = sq = 0.0
    for j in range(columns):
        a, b = np.float64(p[j]), np.float64(t[j])
        there_a, there_b = np.isfinite(a), np.isfinite(b)
        both = there_a and there_b
        ok[j] = both
        if there_a and (a < low or a > high):
            outside[j] += 1
            off = max(low - a, a - high)
            if off > beyond:
                beyond, worst, worst_index = off, a, base + j
        if a < low:
            counts[3] += 1
        elif a > high:
            counts[4] += 1
        if not both:
            error[j] = 0.0
            if there_b:
                counts[1] += 1
                missing[j] += 1
                if first_missing < 0:
                    first_missing = base + j
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
        histogram[bits[j] >> 16] += whole
        if single[j] > largest[j] or (single[j] == largest[j] and unit < when[j]):
            largest[j], when[j] = single[j], unit
        if size > best:
            best, best_index = size, base + j
        if size > threshold:
            indices[found], errors[found] = base + j, e
            found += 1
    sums[0] += weight * n
    sums[1] += weight * sp
    sums[2] += weight * st
    sums[3] += weight * se
    sums[4] += weight * sq
    return n, best, best_index, found, first_missing, beyond, worst, worst_index


@_cached
def _errors(p, t, error, single, low, high):  # type: ignore[no-untyped-def]
    """Fill in the errors of a row; whether every value of the prediction is within the bounds."""
    off = 0
    for j in range(len(error)):
        a = np.float64(p[j])
        e = a - np.float64(t[j])
        error[j] = e
        single[j] = abs(e)
        off += not ((a >= low) & (a <= high))
    return off == 0


@_cached
def _peaks(bits, peaks):  # type: ignore[no-untyped-def]
    """Fill in the largest error of every `LANES` columns, as bits; that of the row."""
    columns, top = len(bits), np.int64(0)
    for block in range(len(peaks)):
        most = np.int64(0)
        for j in range(block * LANES, min((block + 1) * LANES, columns)):
            most = max(most, bits[j] & SIZE)
        peaks[block] = most
        top = max(top, most)
    return top


@_cached
def _first(error, top):  # type: ignore[no-untyped-def]
    """The largest error of a row, given as bits, and the first column that has it."""
    bits = error.view(np.int64)
    where = 0
    while bits[where] & SIZE != top:
        where += 1
    return abs(error[where]), where


@_cached
def _add_row(p, t, error, lanes, weight, sums):  # type: ignore[no-untyped-def]
    """Add a row with all values to the sums."""
    sums[0] += weight * len(error)
    sums[1] += weight * _sum(p, lanes)
    sums[2] += weight * _sum(t, lanes)
    sums[3] += weight * _sum(error, lanes)
    sums[4] += weight * _sum_squares(error, lanes)


@_cached
def _sum(values, lanes):  # type: ignore[no-untyped-def]
    lanes[:] = 0.0
    for start in range(0, len(values), LANES):
        part = values[start : start + LANES]
        for k in range(len(part)):
            lanes[k] += np.float64(part[k])
    return _total(lanes)


@_cached
def _sum_squares(values, lanes):  # type: ignore[no-untyped-def]
    lanes[:] = 0.0
    for start in range(0, len(values), LANES):
        part = values[start : start + LANES]
        for k in range(len(part)):
            lanes[k] += part[k] * part[k]
    return _total(lanes)


@_cached
def _total(lanes):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(LANES):
        total += lanes[k]
    return total


@_cached
def _count(bits, whole, histogram):  # type: ignore[no-untyped-def]
    for j in range(len(bits)):
        histogram[bits[j] >> 16] += whole


@_cached
def _enlarge(single, unit, largest, when):  # type: ignore[no-untyped-def]
    """Write the errors of a row into the map where they are larger than what is there, or equal and earlier."""
    for start in range(0, len(single), LANES):
        new, old = single[start : start + LANES], largest[start : start + LANES]
        news = 0
        for k in range(len(new)):
            news += new[k] >= old[k]
        if news:
            _replace(new, unit, old, when[start : start + LANES])


@_cached
def _replace(new, unit, old, when):  # type: ignore[no-untyped-def]
    for k in range(len(new)):
        a, b, w = new[k], old[k], when[k]
        when[k] = unit if a > b else min(w, unit) if a == b else w
    for k in range(len(new)):
        old[k] = new[k] if new[k] > old[k] else old[k]


@_cached
def _collect(error, peaks, limit, base, indices, errors, found):  # type: ignore[no-untyped-def]
    """Add the points of a row with large errors to the list."""
    columns, bits = len(error), error.view(np.int64)
    for block in range(len(peaks)):
        if peaks[block] > limit:
            for j in range(block * LANES, min((block + 1) * LANES, columns)):
                if bits[j] & SIZE > limit:
                    indices[found], errors[found] = base + j, error[j]
                    found += 1
    return found


@_cached
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
            here = np.float64(true[j])
            dx, dy = (np.float64(true[k]) - here) * along, (np.float64(next_true[j]) - here) * between
            gt += dx * dx + dy * dy
    sums[5] += weight * n
    sums[6] += weight * ge
    sums[7] += weight * gt


@_cached
def _add_plain_gradients(error, true, next_error, next_true, weight, along, between, periodic, lanes, sums):  # type: ignore[no-untyped-def]
    """The same where both rows have all values."""
    sums[5] += weight * (len(error) if periodic else len(error) - 1)
    sums[6] += weight * _sum_gradients(error, next_error, along, between, periodic, lanes)
    sums[7] += weight * _sum_gradients(true, next_true, along, between, periodic, lanes)


@_cached
def _sum_gradients(row, below, along, between, periodic, lanes):  # type: ignore[no-untyped-def]
    lanes[:] = 0.0
    last = len(row) - 1
    for start in range(0, last, LANES):
        end = min(start + LANES, last)
        here, right, down = row[start:end], row[start + 1 : end + 1], below[start:end]
        for k in range(len(here)):
            value = np.float64(here[k])
            dx, dy = (np.float64(right[k]) - value) * along, (np.float64(down[k]) - value) * between
            lanes[k] += dx * dx + dy * dy
    total = _total(lanes)
    if periodic:
        value = np.float64(row[last])
        dx, dy = (np.float64(row[0]) - value) * along, (np.float64(below[last]) - value) * between
        total += dx * dx + dy * dy
    return total
