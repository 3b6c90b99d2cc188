"""Compares the recorded values of a declared function in a certificate with the function."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import chebyshev
from supnorm.certification.black_box import BlackBox
from supnorm.certification.proved_again import CannotProve
from supnorm.certification.rounding import Array
from supnorm.evaluation.limit import Limit
from supnorm.results.numbers import num

LEAST = 256  # values that are always compared: 2.5 s for a function of 10 ms
SECONDS = 2.0  # time for comparing more values: all 36,000 of examples/seawater/conditional.toml take 0.1 s


def compare_recorded(part: BlackBox, limit: Limit) -> int:
    """Compare recorded values with the function, in an order that no file can foresee.

    Returns:
        The number of values for which there was no time.

    Raises:
        CannotProve: when the function gives another value than the recorded one.
    """
    keys = list(part.values)
    sizes = np.array([len(part.values[k]) for k in keys], dtype=np.int64)
    ends = np.cumsum(sizes)
    total = int(sizes.sum())
    order = np.random.default_rng().permutation(total)
    done, stop = 0, time.perf_counter() + SECONDS
    while done < total and (done < LEAST or not (limit.over or time.perf_counter() > stop)):
        some = np.sort(order[done : done + max(LEAST, done)])
        cells = np.searchsorted(ends, some, side="right")
        drawn = [(keys[c], some[cells == c] - (ends[c] - sizes[c])) for c in np.unique(cells)]
        _compare(part, drawn)
        done += len(some)
    return total - done


def _compare(part: BlackBox, drawn: list[tuple[bytes, NDArray[np.int64]]]) -> None:
    """Compare the values at some nodes of each cell, in one call of the function."""
    points, recorded, allowed = [], [], []
    for name, rows in drawn:
        n, centre, half = _cell(name, len(part.low))
        values = part.values[name]
        largest, tail = np.abs(values).max(0)[None], part.tail(n, centre, half)
        off = 2.0 * part.noise(n, half, largest, tail)
        points.append((centre + half * chebyshev.tensor_nodes(n, len(part.low)))[rows])
        recorded.append(values[rows])
        allowed.append(np.broadcast_to(np.where(np.isfinite(off), off, 0.0), recorded[-1].shape))
    x, stated = part.to_x(np.concatenate(points)), np.concatenate(recorded)
    values_now = part.value(x)
    wrong = ~(np.abs(values_now - stated) <= np.concatenate(allowed))
    if wrong.any():
        i, k = np.argwhere(wrong)[0]
        raise CannotProve(
            f"the recorded value {num(stated[i, k], 12)} of the {part.which} at {x[i].tolist()} is not its value there, "
            f"{num(values_now[i, k], 12)}"
        )


def _cell(name: bytes, d: int) -> tuple[int, Array, Array]:
    """Degree, centre and half-widths, shapes ``(1, d)``, from a key of `black_box.key`."""
    numbers = np.frombuffer(name[1:], dtype=np.float64).reshape(2, 1, d)
    return name[0], numbers[0], numbers[1]
