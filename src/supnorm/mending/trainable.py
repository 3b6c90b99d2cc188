"""A graph of a file that torch runs with any weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from supnorm.sources.ports import Layout


@dataclass(frozen=True, eq=False)
class Trainable:
    """A graph that torch runs with any weights.

    Attributes:
        weights: the numbers that can be trained, by name, as the file has them.
        run: outputs of the graph from weights by name and its inputs, tensors.
        layout: which axes each input takes.
        write: the bytes of the file with other weights.
    """

    weights: Mapping[str, NDArray[Any]]
    run: Callable[[Mapping[str, Any], list[Any]], list[Any]]
    layout: Layout
    write: Callable[[Mapping[str, NDArray[Any]]], bytes]
