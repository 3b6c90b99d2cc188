"""Coordinates in two NetCDF files, and whether they are the same.

Numbers are compared exactly, and so are times, to the nanosecond. There are two exceptions, and both hold only while all
different values of a file stay different:

* A file in single and one in double precision have the same number if it is the same in single precision.
* A number that was unpacked (``scale_factor``) may differ by what unpacking rounds.

Blanks around a text do not count, under the same condition. Where only one of the two files has text, it must be what the
other value is in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.narrower import in_narrower
from supnorm.problem.units import same_unit

EXACT = 2.0**53  # smaller whole numbers are exact in double precision


@dataclass(frozen=True, eq=False)
class Coordinate:
    """The values of one coordinate.

    Attributes:
        values: an axis for each of ``dims``: numbers of the type that the file has, times (``datetime64``), or text.
        dims: the dimensions that it runs through, in the order of the rows; none for a coordinate that holds for all rows.
        unit: of its numbers; empty if the file states none.
        calendar: of its times; empty for others.
        rounding: by how much unpacking may have changed its numbers.
    """

    values: NDArray[Any]
    dims: tuple[str, ...] = ()
    unit: str = ""
    calendar: str = ""
    rounding: float = 0.0

    @property
    def kind(self) -> str:
        """``"number"``, ``"time"`` or ``"text"``."""
        return {"i": "number", "u": "number", "f": "number", "M": "time"}.get(self.values.dtype.kind, "text")


def value_texts(values: NDArray[Any]) -> list[str]:
    """Values in words: numbers with as few digits as distinguish them from others, dates without midnight.

    >>> value_texts(np.array([0.1, 5000000.5], dtype="f4")), value_texts(np.array([7.0, 0.1, 0.1 + 0.2]))
    (['0.1', '5000000.5'], ['7', '0.1', '0.30000000000000004'])
    >>> value_texts(np.array(["2020-01-01", "2020-01-01T06:00:00.100"], dtype="datetime64[ns]"))
    ['2020-01-01', '2020-01-01T06:00:00.1']
    """
    flat = values.ravel()
    if flat.dtype.kind == "M":
        return [*map(date_text, np.datetime_as_string(flat).tolist())]
    if flat.dtype.kind != "f":
        return [*map(str, flat.tolist())]
    few, all_digits = (7, 9) if flat.dtype.itemsize <= 4 else (15, 17)
    numbers = flat.tolist()
    texts = [f"{v:.{few}g}" for v in numbers]
    changed = np.array([*map(float, texts)], dtype=np.float64).astype(flat.dtype) != flat
    for i in np.flatnonzero(changed & (flat == flat)).tolist():
        texts[i] = f"{numbers[i]:.{all_digits}g}"
    return texts


def date_text(text: str) -> str:
    """A date and a time without what is zero: parts of a second, or the time of day if it is midnight.

    >>> date_text("2020-01-01T06:00:00.100000"), date_text("2020-01-01T00:00:00.000000")
    ('2020-01-01T06:00:00.1', '2020-01-01')
    """
    day, dot, part = text.partition(".")
    part = part.rstrip("0")
    return f"{day}.{part}" if dot and part else day.removesuffix("T00:00:00")


def contradiction(
    name: str, a: Coordinate, b: Coordinate, sizes: Sequence[Mapping[str, int]]
) -> tuple[str, str, str] | None:
    """How two coordinates of this name differ: in what, and both values; None if they do not.

    Args:
        name: of the coordinate, for the words.
        a, b: the coordinate in either file.
        sizes: the dimensions of the rows of both files, which have as many rows.
    """
    meant = meaning(name, a, b)
    if meant is not None:
        return meant
    u, v, in_rows = _beside(a, b, sizes)
    same = _same(a, b, u, v)
    if same.all():
        return None
    index = np.unravel_index(int(np.argmin(same)), same.shape)
    at = [int(i) + 1 for i in index]
    numbers = str(at[0]) if len(at) == 1 else f"({', '.join(map(str, at))})"
    where = "" if u.size == 1 else f" in row {numbers}" if in_rows else f" at position {numbers}"
    one, other = (value_texts(np.asarray(w[index]))[0] for w in (u, v))
    return f"{name}{where}", one, other


def meaning(name: str, a: Coordinate, b: Coordinate) -> tuple[str, str, str] | None:
    """As `contradiction`, of units and calendars alone."""
    if a.calendar and b.calendar and a.calendar != b.calendar:
        return f"the calendar of {name}", a.calendar, b.calendar
    if a.unit and b.unit and not same_unit(a.unit, b.unit):
        return f"the unit of {name}", a.unit, b.unit
    return None


def over_rows(values: NDArray[Any], dims: Sequence[str], sizes: Mapping[str, int]) -> NDArray[Any]:
    """Values with an axis for each of some dimensions, repeated over all dimensions that rows run through."""
    order = [d for d in sizes if d in dims]
    turned = values.transpose([list(dims).index(d) for d in order])
    shape = [n if d in dims else 1 for d, n in sizes.items()]
    return np.broadcast_to(turned.reshape(shape), tuple(sizes.values()))


def _beside(
    a: Coordinate, b: Coordinate, sizes: Sequence[Mapping[str, int]]
) -> tuple[NDArray[Any], NDArray[Any], bool]:
    """Both values in one shape, and whether this is one value for each row."""
    if a.values.size == 1 or b.values.size == 1:
        larger = max(a.values, b.values, key=lambda values: values.size)
        first, second = (
            np.broadcast_to(c.values.ravel()[0] if c.values.size == 1 else c.values, larger.shape)
            for c in (a, b)
        )
        return first, second, False
    if a.dims == b.dims and a.values.shape == b.values.shape and [*sizes[0].items()] == [*sizes[1].items()]:
        return a.values, b.values, False
    first, second = (over_rows(c.values, c.dims, size).ravel() for c, size in zip((a, b), sizes, strict=True))
    return first, second, True


def _same(a: Coordinate, b: Coordinate, u: NDArray[Any], v: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two coordinates have the same value; ``u`` and ``v`` are their values in one shape."""
    if a.kind == b.kind == "number":
        return _same_numbers(a, b, u, v)
    if a.kind == b.kind == "time" and a.values.dtype == b.values.dtype:
        return np.asarray((u == v) | (np.isnat(u) & np.isnat(v)))
    u, v = (np.array(value_texts(w), dtype=object).reshape(w.shape) for w in (u, v))
    same = np.asarray(u == v, dtype=bool)
    plain = [np.array([text.strip() for text in w.ravel()], dtype=object).reshape(w.shape) for w in (u, v)]
    if not same.all() and all(
        len({*w.ravel()}) == len({*p.ravel()}) for w, p in zip((u, v), plain, strict=True)
    ):
        same = np.asarray(plain[0] == plain[1], dtype=bool)
    return same


def _same_numbers(a: Coordinate, b: Coordinate, u: NDArray[Any], v: NDArray[Any]) -> NDArray[np.bool_]:
    same = _equal(u, v)
    if same.all():
        return same
    kinds = a.values.dtype, b.values.dtype
    if kinds[0].kind == kinds[1].kind == "f" and kinds[0].itemsize != kinds[1].itemsize:
        narrow = min(kinds, key=lambda kind: kind.itemsize)
        if in_narrower([a.values, b.values], narrow) is not None:
            with np.errstate(over="ignore", under="ignore"):
                one, other = u.astype(narrow), v.astype(narrow)
            same |= (one == other) & (np.isfinite(u) == np.isfinite(v))
    reach = max(a.rounding, b.rounding)
    if reach and all(_gap(c.values) > 2.0 * reach for c in (a, b)):
        with np.errstate(invalid="ignore"):
            same |= np.abs(u.astype(np.float64) - v.astype(np.float64)) <= reach
    return same


def _equal(u: NDArray[Any], v: NDArray[Any]) -> NDArray[np.bool_]:
    """Where numbers of any two types are equal, or both missing."""
    if u.dtype.kind == v.dtype.kind:
        return np.asarray((u == v) | ((u != u) & (v != v)))
    x, y = u.astype(np.float64), v.astype(np.float64)
    same = np.asarray(x == y)
    for i in np.argwhere(same & (np.abs(x) >= EXACT)):
        one, other = u[tuple(i)].item(), v[tuple(i)].item()
        same[tuple(i)] = one == other  # Python compares a whole number with any other one exactly
    return same


def _gap(values: NDArray[Any]) -> float:
    """The smallest difference of two values that are not equal."""
    different = np.unique(values[np.isfinite(values)].astype(np.float64))
    return float(np.diff(different).min()) if len(different) > 1 else np.inf
