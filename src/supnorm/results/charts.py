"""Parts of the record of `audit`: what the page draws, so that a page never evaluates anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, WithJsonSchema

from supnorm.results.encoding import from_json
from supnorm.results.record import Field, Number, Record


def _numbers(values: Any) -> Any:
    """Thousands of numbers at once: a validator of its own for each would take longer than the picture."""
    if not isinstance(values, list | tuple):
        return values
    return [from_json(v) if v is None or isinstance(v, str) else v for v in values]


_Number = Annotated[
    float,
    Field(allow_inf_nan=True),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", None]}]}),
]
Numbers = Annotated[tuple[_Number, ...], BeforeValidator(_numbers)]
Grid = tuple[Numbers, ...]


def numbers(values: NDArray[np.float64] | Sequence[float]) -> tuple[float, ...]:
    """An array ``(n,)`` as a record keeps it.

    >>> numbers(np.array([0.5, np.inf]))
    (0.5, inf)
    """
    return tuple(np.asarray(values, dtype=float).tolist())


def counts(values: NDArray[np.integer[Any]]) -> tuple[int, ...]:
    """Whole numbers ``(n,)`` as a record keeps them."""
    return tuple(values.tolist())


def grid(values: NDArray[np.float64] | Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """An array ``(n, m)`` as a record keeps it, row by row."""
    return tuple(map(numbers, values))


class FineRecord(Record):
    """The model alone, at more points along one input than the reference was called."""

    x: Numbers = Field(description="values of the input")
    model: Numbers = Field(description="the model there")


class SeriesRecord(Record):
    """Model, reference and error at points along one input."""

    x: Numbers = Field(description="values of the input")
    model: Numbers = Field(description="the model there")
    reference: Numbers = Field(description="the reference there")
    error: Numbers = Field(description="the error there")
    status: tuple[str, ...] = Field(description="`ok`, `failed`, `masked` or `outside` (the domain)")
    fine: FineRecord | None = Field(
        default=None,
        description="the model between these points; null unless calls of the reference are expensive and those of the "
        "model are not",
    )


class CutRecord(Record):
    """One input varies, the others stay at the worst point."""

    axis: str = Field(description="name of the input")
    whole: SeriesRecord = Field(description="over the whole range of the input")
    close: SeriesRecord = Field(description="close to the worst point")


class ScatterRecord(Record):
    """Errors at evaluated points, beside one of the inputs."""

    axis: str = Field(description="name of the input")
    x: Numbers = Field(description="values of the input")
    error: Numbers = Field(description="the errors at the points")


class PanelRecord(Record):
    """The largest error in each cell of two inputs."""

    axes: tuple[str, str] = Field(description="names of the two inputs")
    shape: tuple[int, int] = Field(
        description="number of cells along the second input and along the first one"
    )
    values: Grid = Field(
        description="a row for each cell along the second input; null where no point with a value was evaluated"
    )


class ThumbnailRecord(PanelRecord):
    """The error around a peak."""

    ranges: tuple[Numbers, Numbers] = Field(description="ends of the part of each of the two inputs")


class LineMapRecord(SeriesRecord):
    """The whole picture for one input."""

    kind: Literal["line"] = Field(description="`line` for one input, `grid` for two, `pairs` for more")
    data: Numbers | None = Field(description="the training points; null where none are known")


class GridMapRecord(PanelRecord):
    """The whole picture for two inputs."""

    kind: Literal["grid"] = Field(description="as above")


class PairMapsRecord(Record):
    """The whole picture for more inputs."""

    kind: Literal["pairs"] = Field(description="as above")
    panels: tuple[PanelRecord, ...] = Field(
        description="one for each pair of inputs; for more than ten inputs the 45 that vary most"
    )


class HistogramRecord(Record):
    """How many of the independent points have an error between two levels."""

    edges: Numbers = Field(description="the levels, evenly spaced in their logarithm")
    counts: tuple[int, ...] = Field(description="points between each level and the next one")
    below: int = Field(description="points below the first level")
    above: int = Field(description="points above the last level")


class LevelsRecord(Record):
    """How many of the independent points have an error above a level."""

    level: Numbers = Field(description="the levels")
    count: tuple[int, ...] = Field(description="points above each level")
    at_most: Numbers = Field(description="upper limit of the share of the law above it, with 95 % confidence")
    n: int = Field(description="number of points")


class RandomRecord(Record):
    """The worst error of the first points of the sample, in 20 random orders of it."""

    n: tuple[int, ...] = Field(description="numbers of points")
    median: Numbers = Field(description="median over the orders")
    low: Numbers = Field(description="quantile of 0.05 over the orders")
    high: Numbers = Field(description="quantile of 0.95 over the orders")


class ProgressRecord(Record):
    """The worst error so far."""

    search: tuple[tuple[int, Number], ...] = Field(
        description="pairs of evaluations and the worst error found by then"
    )
    random: RandomRecord | None = Field(description="the same of random points; null if there are none")


class ProfileRecord(Record):
    """The error along the outputs."""

    coordinate: tuple[int | Number, ...] = Field(
        description="the numbers that name the outputs, such as wavelengths; else 1, 2, ..."
    )
    label: str = Field(description="what the coordinate is")
    unit: str = Field(description="its unit")
    worst: Numbers = Field(description="largest error of each output")
    rms: Numbers = Field(description="RMS error of each output")


class LocalBoundsRecord(Record):
    """Upper bounds that a certificate proves in parts of the domain."""

    boxes: int = Field(description="number of boxes of the proof")
    target: Number = Field(description="the bound that was asked for")
    proved_volume: Number = Field(description="share of the domain where the bound is as small as that")


class BoundStepsRecord(LocalBoundsRecord):
    """For one input."""

    edges: Numbers = Field(description="for one input: the ends of the steps")
    values: Numbers = Field(
        description="the bound in each step; for two inputs in each cell, in rows as above"
    )


class BoundPanelRecord(Record):
    """The largest bound in each cell of two inputs."""

    axes: tuple[str, str] = Field(description="names of the two inputs")
    values: Grid = Field(description="the bound in each cell, in rows as above")


class BoundMapRecord(LocalBoundsRecord, BoundPanelRecord):
    """For two inputs."""


class BoundPanelsRecord(LocalBoundsRecord):
    """For more inputs."""

    panels: tuple[BoundPanelRecord, ...] = Field(description="for more inputs: one for each pair of inputs")


class PlottedRowsRecord(Record):
    """Rows as points of pictures: every k-th row, and the worst ones."""

    output: str = Field(description="the output that is shown")
    rows: tuple[int, ...] = Field(description="numbers of the rows, counted from 1 below the header")
    worst: int = Field(description="how many of them, at the beginning, are the worst rows")
    model: Numbers = Field(description="predictions")
    reference: Numbers = Field(description="truths")
    error: Numbers = Field(description="errors")
    inputs: Mapping[str, Numbers] = Field(description="inputs by name, of more than 12 the first 12")


class ChartsRecord(Record):
    """Data of the page's pictures."""

    cuts: tuple[CutRecord, ...] = Field(
        description="what happens along each input around the worst point; of many inputs along the 60 in which its "
        "peak is narrowest"
    )
    map: LineMapRecord | GridMapRecord | PairMapsRecord | None = Field(
        description="the whole picture; null if there was no time, and for one input of a table"
    )
    output: str | None = Field(description="the output that these show; null if nothing was drawn")
    histogram: HistogramRecord | None = Field(
        description="distribution of the error; null where no error is positive"
    )
    levels: LevelsRecord | None = Field(description="share above a level; null where no error is positive")
    progress: ProgressRecord = Field(description="how the worst error grew with the evaluations")
    profile: ProfileRecord | None = Field(default=None, description="only with several outputs")
    thumbnails: tuple[ThumbnailRecord | None, ...] = Field(
        description="pictures of the first six peaks; none for one input"
    )
    rows: PlottedRowsRecord | None = Field(default=None, description="rows of a table, as points of pictures")
    local_bounds: BoundStepsRecord | BoundMapRecord | BoundPanelsRecord | None = Field(
        default=None, description="only with an upper bound"
    )
