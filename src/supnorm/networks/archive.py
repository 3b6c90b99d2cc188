"""Reads a model's ``.npz`` file by name and by type: weights, whole numbers, words.

A file may come from anywhere. Each array is read once, and it must consist of finite real numbers that float64 represents
exactly. Text, booleans and integers that would be rounded are refused, and so is a file with arrays that nothing uses,
because its model would not be the one that was saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from supnorm.results import BadInput
from supnorm.results.arrays import read_arrays
from supnorm.results.guard import cause, demand_depth
from supnorm.results.printable import one_line

EXACT = 2**53  # float64 represents every whole number up to this one
WordsT = TypeVar("WordsT", bound="Words")


class Words(BaseModel):
    """The JSON part of a file, whose keys a subclass lists. Nothing is converted: "1" and 1.5 are no whole numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True)
class Archive:
    """The arrays and words of a file.

    Attributes:
        path: the file.
        arrays: the arrays by name.
        words: the JSON part as plain data.
        taken: names of the arrays that were read.
    """

    path: Path
    arrays: dict[str, Any]
    words: dict[str, Any]
    taken: set[str] = field(default_factory=set)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """An array of weights.

        Raises:
            BadInput: for anything but finite real numbers that float64 represents exactly.
            KeyError: when there is no such array.
        """
        given = self.arrays[name]
        self.taken.add(name)
        if given.dtype.kind not in "fiu":
            raise BadInput(f"{name} contains {given.dtype}; the parameters of a model are real numbers")
        if given.dtype.kind in "iu" and ((given > EXACT) | (given < -EXACT)).any():
            raise BadInput(f"{name} contains whole numbers beyond 2^53, which would be rounded")
        numbers: NDArray[np.float64] = given.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise BadInput(f"{name}: parameters that are NaN or infinite; train and save the model again")
        return numbers

    def whole(self, name: str) -> NDArray[np.int64]:
        """An array of whole numbers.

        Raises:
            BadInput: for an array of anything else.
            KeyError: when there is no such array.
        """
        given = self.arrays[name]
        self.taken.add(name)
        if given.dtype.kind not in "iu":
            raise BadInput(f"{name} contains {given.dtype}, not whole numbers")
        if (given > EXACT).any() or (given < -EXACT).any():
            raise BadInput(f"{name} contains whole numbers beyond 2^53")
        indices: NDArray[np.int64] = given.astype(np.int64)
        return indices

    def checked(self, kind: type[WordsT]) -> WordsT:
        """The words after a check of their types.

        Raises:
            BadInput: names the first word that is missing, unknown or of another type.
        """
        try:
            return kind.model_validate_json(json.dumps(self.words))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = one_line(".".join(map(str, fault["loc"])) or "metadata", 80)
            raise BadInput(f"{key}: {one_line(fault['msg'], 160)}") from None

    def demand_all_used(self) -> None:
        """Check that every array was read.

        Raises:
            BadInput: names the arrays that were not read.
        """
        if left := sorted(set(self.arrays) - self.taken - {"metadata"}):
            names = ", ".join(one_line(name, 40) for name in left[:4]) + ", ..." * (len(left) > 4)
            raise BadInput(f"it contains {names}, which no part of the model uses")

    @contextmanager
    def faults_named(self, what: str) -> Iterator[None]:
        """A context in which a model is made from the file, so that any exception is a fault of the file.

        Args:
            what: the kind of model, such as ``network``.

        Raises:
            BadInput: names the file.
        """
        try:
            yield
        except BadInput as error:
            raise BadInput(f"{self.path}: {error}") from None
        # Any exception that the contents of the file cause means that it is damaged.
        except Exception as error:
            raise BadInput(
                f"{self.path}: damaged {what} file ({cause(error)}); save the {what} again"
            ) from None


def read_archive(path: Path) -> Archive:
    """Arrays and metadata of an ``.npz`` that supnorm has written; nothing is unpickled.

    Raises:
        BadInput: when the file is missing, is no ``.npz``, or has no metadata of supnorm.
    """
    arrays = read_arrays(path, hint=": not an .npz file of arrays, as supnorm writes networks and guards")
    wrong = f"{path}: an .npz file, but not a model of supnorm"
    if "metadata" not in arrays:
        raise BadInput(
            f"{wrong}; it contains {', '.join(sorted(arrays)[:8]) or 'nothing'}; give computed values as .csv, "
            ".parquet or .nc"
        )
    try:
        words = dict(json.loads(str(arrays["metadata"])))
        demand_depth(words)
        return Archive(path, arrays, words)
    except (ValueError, TypeError, RecursionError):
        raise BadInput(f"{wrong}; its metadata cannot be read") from None
