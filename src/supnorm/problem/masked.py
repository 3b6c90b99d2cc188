"""The one way from an array of anybody's to a plain one: what a mask hides has no value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unmasked(given: Any) -> NDArray[Any]:
    """What NumPy makes of ``given``, with NaN (None where the entries are no numbers) wherever a mask hides an entry.

    `numpy.asarray` drops the mask, and the number below it, which is often a plausible one, would pass for a value.

    >>> unmasked(np.ma.MaskedArray([1, 2], mask=[False, True])), unmasked([np.ma.MaskedArray([3.0], mask=True)])
    (array([ 1., nan]), array([[nan]]))
    """
    if isinstance(given, list | tuple) and any(isinstance(part, np.ma.MaskedArray) for part in given):
        given = np.ma.array(given)
    if not isinstance(given, np.ma.MaskedArray):
        return given if isinstance(given, np.ndarray) else np.asarray(given)
    if not np.ma.is_masked(given):
        return np.asarray(np.ma.getdata(given))
    if given.dtype.kind in "fiub":
        return np.asarray(np.ma.filled(given.astype(np.float64), np.nan))
    plain = np.array(np.ma.getdata(given), dtype=object)
    plain[np.ma.getmaskarray(given)] = None
    return plain


def plain_numbers(given: Any) -> NDArray[np.float64]:
    """``given`` as a new array of float64; what a mask hides, and None, is NaN.

    NumPy would drop imaginary parts, read the text "1_000" and count a date in days.

    Raises:
        TypeError, ValueError: for complex numbers, text, dates and records; the message says which.

    >>> plain_numbers([[1, None]])
    array([[ 1., nan]])
    """
    plain = unmasked(given)
    if np.iscomplexobj(plain) or (isinstance(given, np.ma.MaskedArray) and np.iscomplexobj(given)):
        raise TypeError("complex numbers")
    if plain.dtype.kind in "US" or (plain.dtype == object and any(map(_is_text, plain.flat))):
        raise TypeError("text")
    if plain.dtype.kind in "Mm" or (plain.dtype == object and any(map(_is_date, plain.flat))):
        raise TypeError("dates")
    if plain.dtype.names is not None:
        raise TypeError("records")
    return np.array(plain, dtype=np.float64)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _is_date(value: Any) -> bool:
    return isinstance(value, np.datetime64 | np.timedelta64)
