"""Reads points from a file or a Python function: training data, samples of a law."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.arrays import read_arrays
from supnorm.results.door import reading_table
from supnorm.results.guard import exists
from supnorm.sources.table import SUFFIXES, column_names, read_columns

Array = NDArray[np.float64]


def read_points(text: str, root: Path, names: Sequence[str], where: str) -> tuple[Array, tuple[str, ...]]:
    """Points of shape ``(N, d)`` and the names of their columns.

    Args:
        text: a .csv, .parquet, .nc or .npz file, or ``"file.py:name"``: an array or a function without
            parameters that returns one.
        root: the folder that relative paths start from.
        names: names of the columns; empty for all columns of the file.
        where: file and key, for messages.

    Raises:
        BadInput: for a missing file or column, or points that are not numbers.
    """
    what = f'{where} = "{text}"'
    if ".py:" in text:
        from supnorm.sources.userfile import load_object

        loaded = load_object(text, root, where)
        return _checked(loaded() if callable(loaded) else loaded, names, what)
    path = root / text
    if not exists(path):
        raise BadInput(f"{what}: there is no file {path}; paths start from {root}")
    if path.suffix.lower() in SUFFIXES:
        with reading_table(path, what):
            columns = list(names) or column_names(path, what)
            return _checked(read_columns(path, columns, what), columns, what)
    if path.suffix.lower() == ".npz":
        return _checked(_npz(path, names, what), names, what)
    raise BadInput(f"{what}: points are read from {', '.join(SUFFIXES)}, .npz or file.py:name")


def _npz(path: Path, names: Sequence[str], what: str) -> Array:
    arrays = {
        name: array
        for name, array in read_arrays(path, what, "cannot be read as arrays of numbers").items()
        if array.dtype.kind != "U"
    }
    if names and all(name in arrays for name in names):
        if len({arrays[n].size for n in names}) > 1:
            raise BadInput(f"{what}: the arrays {', '.join(names)} must have the same length")
        return np.stack([arrays[n].astype(np.float64).ravel() for n in names], axis=1)
    if len(arrays) == 1:
        return np.asarray(next(iter(arrays.values())), dtype=np.float64)
    has = ", ".join(arrays)
    raise BadInput(f"{what}: must contain one array (N, d), or one array for each input; it has {has}")


def _checked(points: object, names: Sequence[str], what: str) -> tuple[Array, tuple[str, ...]]:
    try:
        data = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"{what} must be an array of numbers (N, d), got {type(points).__name__}") from None
    if data.ndim != 2 or not len(data):
        raise BadInput(f"{what} must have shape (N, d), got {data.shape}")
    if names and data.shape[1] != len(names):
        raise BadInput(f"{what} has {data.shape[1]} columns for {len(names)} inputs ({', '.join(names)})")
    bad = np.flatnonzero(~np.isfinite(data).all(axis=1))
    if len(bad):
        raise BadInput(
            f"{what}: row {bad[0] + 1} has a value that is not finite; remove {len(bad)} such rows"
        )
    return data, tuple(names) or tuple(f"x{i + 1}" for i in range(data.shape[1]))
