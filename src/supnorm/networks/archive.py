"""What a model's ``.npz`` file holds, taken out by name and by type: weights, whole numbers, words.

A file may come from anywhere. Each array is taken once, as what it has to be: real numbers that float64 holds exactly and
that are finite. Text, truth values and rounded integers are refused, and so is a file with arrays that nothing uses:
the model would not be the one that was saved.
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

EXACT = 2**53  # whole numbers beyond it have neighbours that float64 does not tell apart
WordsT = TypeVar("WordsT", bound="Words")


class Words(BaseModel):
    """The JSON part of a file; a subclass lists its keys. Nothing is converted: "1" and 1.5 are no whole numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True)
class Archive:
    """The arrays and words of a file.

    Attributes:
        path: of the file.
        arrays: by name.
        words: the JSON part, as plain data.
        taken: names of the arrays that were used.
    """

    path: Path
    arrays: dict[str, Any]
    words: dict[str, Any]
    taken: set[str] = field(default_factory=set)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """An array of weights.

        Raises:
            BadInput: for anything but finite real numbers that float64 holds exactly.
            KeyError: where there is none.
        """
        given = self.arrays[name]
        self.taken.add(name)
        if given.dtype.kind not in "fiu":
            raise BadInput(f"{name} holds {given.dtype}; the parameters of a model are real numbers")
        if given.dtype.kind in "iu" and ((given > EXACT) | (given < -EXACT)).any():
            raise BadInput(f"{name} holds whole numbers beyond 2^53, which would be rounded")
        found: NDArray[np.float64] = given.astype(np.float64)
        if not np.isfinite(found).all():
            raise BadInput(f"{name}: parameters that are NaN or infinite; train and save the model again")
        return found

    def whole(self, name: str) -> NDArray[np.int64]:
        """An array of whole numbers.

        Raises:
            BadInput: for any other one.
            KeyError: where there is none.
        """
        given = self.arrays[name]
        self.taken.add(name)
        if given.dtype.kind not in "iu":
            raise BadInput(f"{name} holds {given.dtype}, not whole numbers")
        if (given > EXACT).any() or (given < -EXACT).any():
            raise BadInput(f"{name} holds whole numbers beyond 2^53")
        found: NDArray[np.int64] = given.astype(np.int64)
        return found

    def checked(self, kind: type[WordsT]) -> WordsT:
        """The words, by their types.

        Raises:
            BadInput: naming the first word that is missing, unknown or of another type.
        """
        try:
            return kind.model_validate_json(json.dumps(self.words))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = one_line(".".join(map(str, fault["loc"])) or "metadata", 80)
            raise BadInput(f"{key}: {one_line(fault['msg'], 160)}") from None

    def demand_all_used(self) -> None:
        """See that every array was taken.

        Raises:
            BadInput: naming those that were not.
        """
        if left := sorted(set(self.arrays) - self.taken - {"metadata"}):
            names = ", ".join(one_line(name, 40) for name in left[:4]) + ", ..." * (len(left) > 4)
            raise BadInput(f"it holds {names}, which no part of the model uses")

    @contextmanager
    def faults_named(self, what: str) -> Iterator[None]:
        """Inside the model is put together: any exception is a fault of the file.

        Args:
            what: such as ``network``.

        Raises:
            BadInput: with the name of the file.
        """
        try:
            yield
        except BadInput as error:
            raise BadInput(f"{self.path}: {error}") from None
        except Exception as error:  # any exception that its contents cause in our code means a damaged file
            raise BadInput(
                f"{self.path}: damaged {what} file ({cause(error)}); save the {what} again"
            ) from None


def read_archive(path: Path) -> Archive:
    """Arrays and metadata of an ``.npz`` that supnorm has written; nothing is unpickled.

    Raises:
        BadInput: when the file is missing, not an ``.npz``, or has no metadata of ours.
    """
    arrays = read_arrays(
        path, hint=": not an .npz file of arrays; networks are written by supnorm.networks.save"
    )
    wrong = f"{path}: an .npz file, but not a model of supnorm"
    if "metadata" not in arrays:
        raise BadInput(
            f"{wrong}; it holds {', '.join(sorted(arrays)[:8]) or 'nothing'}; computed values are given as .csv, "
            ".parquet or .nc"
        )
    try:
        words = dict(json.loads(str(arrays["metadata"])))
        demand_depth(words)
        return Archive(path, arrays, words)
    except (ValueError, TypeError, RecursionError):
        raise BadInput(f"{wrong}; its metadata cannot be read") from None
