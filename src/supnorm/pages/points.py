"""One input, and one point with both values: how coordinates are placed in their range and written."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from supnorm.pages.svg import Bands, Scale
from supnorm.results import EDGE
from supnorm.results.audit import PeakRecord
from supnorm.results.numbers import count, in_range, pretty_unit, share, with_unit
from supnorm.results.parts import AxisRecord

DATE = re.compile(r"\d{4}-\d\d-\d\d")
NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?|nan|inf", re.I)
LONG = 40  # characters of a column and its cell that stand in a sentence, at most


def known(value: float | None) -> float:
    """A number that may be missing; NaN where it is."""
    return math.nan if value is None else value


@dataclass(frozen=True)
class AxisView:
    """One input: its range and how a coordinate on it is written."""

    name: str
    low: float
    high: float
    unit: str = ""
    scale: str = "linear"
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, axis: AxisRecord) -> AxisView:
        """The input of a record."""
        return cls(axis.name, axis.low, axis.high, pretty_unit(axis.unit), axis.scale, axis.values or ())

    def position(self, x: float) -> float:
        """Where ``x`` lies in the range, from 0 to 1 (NaN when unknown)."""
        low, high = self.low, self.high
        if self.scale == "log" and low > 0 and x > 0:
            low, high, x = math.log(low), math.log(high), math.log(x)
        return (x - low) / (high - low) if high > low else 0.5

    def across(self, start: float, end: float) -> Scale:
        """The scale of a map, whose cells are even on the axis: a list of values has a band for each."""
        if self.values:
            return Bands(self.low, self.high, start, end, values=self.values)
        return Scale(self.low, self.high, start, end, log=self.scale == "log")

    def at(self, x: float) -> str:
        """A coordinate with unit, short."""
        if self.scale == "log" or self.unit == "Pa":
            return with_unit(x, self.unit)
        text = in_range(x, self.low, self.high)
        return f"{text} {self.unit}".rstrip() if math.isfinite(x) else text

    def exact(self, x: float) -> str:
        """A coordinate with unit, six digits."""
        return with_unit(x, self.unit, 6)

    def edge(self, x: float) -> str:
        """ "low" or "high" on an end, where the point is tagged ``"boundary"``, else empty."""
        position = self.position(x)
        return "low" if position <= EDGE else "high" if position >= 1 - EDGE else ""

    @property
    def label(self) -> str:
        """Name and unit, for an axis of a chart."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclass(frozen=True)
class PeakView:
    """The worst point, or another peak, with the number of the output that has its error."""

    record: PeakRecord
    output: int

    @property
    def x(self) -> dict[str, float]:
        """Input values by name."""
        return dict(self.record.x)

    @property
    def error(self) -> float:
        """The error there."""
        return self.record.error

    @property
    def volume(self) -> float:
        """Share of the domain that the peak fills; NaN where it was not measured."""
        return known(self.record.volume)

    def row_words(self, most: int = 3, first: Collection[str] = ()) -> str:
        """Number and other columns of a row of a table, in words, those of ``first`` before others; empty for other points.

        >>> point = PeakRecord.model_construct(row=246, columns={"site": "A", "p": "1.5", "time": "2020-02-27"})
        >>> PeakView(point, 0).row_words()
        'row 246, site A, 2020-02-27'
        >>> PeakView(point, 0).row_words(1, {"time"})
        'row 246, 2020-02-27'
        """
        if self.record.row is None:
            return ""
        named = [
            cell if DATE.match(cell) else f"{name} {cell}"
            for name, cell in sorted(
                (self.record.columns or {}).items(), key=lambda item: item[0] not in first
            )
            if cell and len(name) + len(cell) <= LONG and (DATE.match(cell) or not NUMBER.fullmatch(cell))
        ]
        return ", ".join([f"row {count(self.record.row)}", *named[:most]])

    @property
    def size(self) -> str:
        """Share of the domain that the peak fills; empty when it was not measured."""
        if not self.volume > 0:
            return ""
        part = self.record.volume_at_least is not None and self.record.volume_at_most is None
        return f"at least {share(self.volume)}" if part else share(self.volume)

    @property
    def model_value(self) -> float:
        """The model at the output that carries the error."""
        return self.record.model[self.output]

    @property
    def reference_value(self) -> float:
        """The reference at the output that carries the error."""
        return self.record.reference[self.output]

    @property
    def second_value(self) -> float:
        """The second reference at the output that carries the error."""
        values = self.record.recheck_value
        return math.nan if values is None else values[self.output]

    def digits(self, least: int) -> int:
        """As many digits as tell model and reference apart, with the first two of their difference; at least ``least``."""
        gap, size = (
            abs(self.model_value - self.reference_value),
            max(abs(self.model_value), abs(self.reference_value)),
        )
        if not (0 < gap < math.inf and size < math.inf):
            return least
        return min(max(least, math.ceil(math.log10(size) - math.log10(gap)) + 2), 17)
