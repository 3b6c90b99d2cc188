"""A reading of result.json: missing keys, nulls and "inf" become plain Python numbers and lists.

Every chart and sentence takes its numbers from here, so that none has to know how the JSON says "no value".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from supnorm.pages.points import AxisView, PeakView
from supnorm.results import from_json, rounded_up
from supnorm.results.numbers import ErrorUnit, count, num, pretty_unit, with_unit


class InconsistentResult(RuntimeError):
    """The result contradicts itself: an error shown is larger than ``sup.lower``. A bug of ours."""


def number(value: Any) -> float:
    """One JSON number; NaN for null or anything that is not a number.

    >>> number("inf"), number(None)
    (inf, nan)
    """
    try:
        return from_json(value)
    except (TypeError, ValueError):
        return math.nan


def numbers(values: Any) -> list[float]:
    """A JSON list of numbers; empty for null."""
    return [number(v) for v in values] if isinstance(values, Sequence) and not isinstance(values, str) else []


class View:
    """The result of an audit, ready for words and charts.

    Args:
        data: the dict of schema ``supnorm.audit/1``.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        measure = self.part("measure")
        self.per_output = bool(measure.get("per_output"))
        unit = pretty_unit(str(measure.get("unit") or ""))
        self.error = ErrorUnit(str(measure.get("kind") or "absolute"), unit, self.per_output)
        self.tolerance = number(data.get("tolerance"))
        self.lower = number(self.part("sup").get("lower"))
        self.upper = number(self.part("sup").get("upper"))
        self.upper_kind = str(self.part("sup").get("upper_kind") or "none")
        self.rms = number(self.part("rms").get("value"))
        self.rms_n = int(self.part("rms").get("n") or 0)
        # Where errors are infinite: what the others are like.
        self.finite = self.part("finite") if self.count("finite", "n") else {}
        if self.finite:
            self.rms, self.rms_n = number(self.finite.get("rms")), self.count("finite", "n")
        self.law = str(data.get("law") or "uniform")
        self.uniform = bool(data.get("law_uniform", self.law.startswith("uniform")))
        self.table_only = bool(data.get("table_only"))
        self.joint = bool(self.part("measure").get("joint"))
        self.among_data = self.part("domain").get("kind") == "data"

    @property
    def whole(self) -> str:
        """What shares of random points are shares of, in a word."""
        return "rows" if self.table_only else "domain" if self.uniform else "law"

    @property
    def exhaustive(self) -> bool:
        """Whether every point of a finite domain was evaluated."""
        return bool(self.part("search").get("exhaustive"))

    @property
    def every_row(self) -> bool:
        """Whether all rows of a table were compared: a worse one does not exist."""
        return self.table_only and not self.count("table", "left")

    @property
    def complete(self) -> bool:
        """Whether the error of each output is, besides, known at each of them, and counts."""
        return bool(self.part("search").get("complete"))

    @property
    def lost(self) -> int:
        """Points without a value of model or reference, whatever that counts as."""
        return self.count("failures", "count")

    @property
    def exact(self) -> bool:
        """Whether the statistics are over all points of the domain and no estimates."""
        return self.part("rms").get("kind") == "exact"

    @property
    def sampled(self) -> str:
        """What the statistics are over, in the plural."""
        if self.finite:
            return f"{'rows' if self.table_only else self.drawn_points} with a finite error"
        return "rows of the table" if self.table_only else self.drawn_points

    @property
    def drawn_points(self) -> str:
        """What the statistics of anything but a table are over."""
        return "points of the domain" if self.exact else "random points"

    @property
    def every_point(self) -> str:
        """The points of a finite domain, as in "all 12 points"."""
        points = self.count("search", "points")
        return f"all {count(points)} points" if points > 1 else "the only point"

    @property
    def enumerated(self) -> str:
        """That all of them were evaluated."""
        return f"{self.every_point} of the domain {'were' if self.count('search', 'points') > 1 else 'was'} evaluated"

    def part(self, key: str) -> Mapping[str, Any]:
        """The mapping under ``key``; empty when it is missing or null."""
        value = self.data.get(key)
        return value if isinstance(value, Mapping) else {}

    def items(self, key: str) -> list[Mapping[str, Any]]:
        """The list of mappings under ``key``; empty when it is missing or null."""
        return [v for v in self.data.get(key) or [] if isinstance(v, Mapping)]

    def chart(self, key: str) -> Any:
        """The data of one chart, or None."""
        return self.part("charts").get(key)

    def text(self, *keys: str) -> str:
        """The string at a path of keys; empty when there is none."""
        value: Any = self.data
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)

    def count(self, *keys: str) -> int:
        """The whole number at a path of keys; 0 when there is none."""
        text = self.text(*keys)
        return int(float(text)) if text and text not in ("inf", "nan") else 0

    @cached_property
    def axes(self) -> list[AxisView]:
        """The inputs, in order."""
        return [
            AxisView(
                str(a.get("name")),
                number(a.get("low")),
                number(a.get("high")),
                pretty_unit(str(a.get("unit") or "")),
                str(a.get("scale") or "linear"),
                tuple(numbers(a.get("values"))),
            )
            for a in self.items("axes")
        ]

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.axes)

    def axis(self, name: str) -> AxisView:
        """The input called ``name``; one without a range when it is unknown."""
        return next((a for a in self.axes if a.name == name), AxisView(name, math.nan, math.nan))

    @cached_property
    def outputs(self) -> list[tuple[str, str]]:
        """Names and units of the outputs."""
        return [
            (str(o.get("name") or ""), pretty_unit(str(o.get("unit") or ""))) for o in self.items("outputs")
        ]

    def output_index(self, name: Any) -> int:
        """Index of an output given by name or number."""
        names = [n for n, _ in self.outputs]
        if isinstance(name, int):
            return name
        return names.index(str(name)) if str(name) in names else 0

    def output_name(self, peak: PeakView) -> str:
        """The output that carries the error of a peak; empty with a single one, and for an error of all together."""
        several = len(self.outputs) > 1 and not self.joint
        return self.outputs[peak.output][0] if several and peak.output < len(self.outputs) else ""

    def output_unit(self, index: int) -> str:
        """Unit of one output."""
        return self.outputs[index][1] if index < len(self.outputs) else ""

    def value(self, x: float, output: int, digits: int = 6) -> str:
        """A model or reference value with its unit."""
        return with_unit(x, self.output_unit(output), digits)

    @cached_property
    def witness(self) -> PeakView | None:
        """The worst point, or None when nothing could be evaluated."""
        witness = self.data.get("witness")
        return self._peak(witness) if isinstance(witness, Mapping) else None

    @cached_property
    def peaks(self) -> list[PeakView]:
        """The distinct peaks, worst first."""
        return [self._peak(p) for p in self.items("peaks")]

    def _peak(self, raw: Mapping[str, Any]) -> PeakView:
        x = raw.get("x")
        return PeakView(
            {str(k): number(v) for k, v in x.items()} if isinstance(x, Mapping) else {},
            number(raw.get("error")),
            numbers(raw.get("model")),
            numbers(raw.get("reference")),
            self.output_index(raw.get("output")),
            tuple(str(t) for t in raw.get("tags") or ()),
            number(raw.get("volume")),
            number(raw.get("prominence")),
            str(raw["recheck"]) if raw.get("recheck") else None,
            numbers(raw.get("recheck_value")),
            number(raw.get("off_data")),
            number(raw.get("volume_at_least")),
            number(raw.get("volume_at_most")),
            int(raw["row"]) if raw.get("row") else None,
            {str(k): str(v) for k, v in (raw.get("columns") or {}).items()},
        )

    def quantile(self, level: str) -> float:
        """A quantile of the error at the independent points."""
        return number((self.finite.get("quantiles") or self.part("quantiles")).get(level))

    @property
    def plain(self) -> tuple[int, float]:
        """Number and worst error of the independent random points."""
        return self.count("plain_sample", "n"), number(self.part("plain_sample").get("worst"))

    @property
    def drawn(self) -> int:
        """Number of independent random points, with or without an error."""
        return self.count("plain_sample", "drawn") or self.plain[0]

    @property
    def masked(self) -> bool:
        """Whether the problem's mask has left points out."""
        return number(self.part("failures").get("masked")) > 0

    @property
    def exceeded(self) -> bool:
        """Whether an error above the tolerance was found."""
        return self.lower > self.tolerance

    @property
    def highest(self) -> float:
        """The worst error; where errors are infinite the worst finite one."""
        return number(self.finite.get("worst")) if self.finite else self.lower

    @property
    def bounded(self) -> bool:
        """Whether there is an upper bound of any kind."""
        return math.isfinite(self.upper) and self.upper_kind != "none"

    @property
    def limit(self) -> float:
        """The upper bound as it is shown: in three digits, not below itself."""
        return rounded_up(self.upper, 3)

    @property
    def proven(self) -> bool:
        """Whether a bound without assumptions shows that the tolerance (if any) holds everywhere."""
        unproved = self.tolerance > 0 and self.text("status", "code") == "nothing-found"
        return self.bounded and not self.exceeded and not self.upper > self.tolerance and not unproved

    @property
    def settled(self) -> bool:
        """Whether that is proved on no conditions: what a search may have missed is then no question."""
        return self.proven and self.upper_kind in ("certified", "exact-arithmetic")

    @property
    def evaluated(self) -> int:
        """All evaluations, for whatever purpose."""
        keys = ("search", "statistics", "pictures", "power", "recheck")
        return sum(self.count("evaluations", key) for key in keys)

    @property
    def floor(self) -> float:
        """The typical size of the error, from which logarithmic scales take their floor.

        Never from the largest error: with sup/RMS = 10⁷ that would hide the whole distribution.
        """
        candidates = [self.rms, self.quantile("0.9"), self.quantile("0.99")]
        return min((c for c in candidates if 0 < c < math.inf), default=math.nan)

    def shown_errors(self) -> Iterator[float]:
        """Every error number that the page shows."""
        if self.witness:
            yield self.witness.error
        yield from (p.error for p in self.peaks)
        yield self.plain[1]
        yield from numbers(list(self.part("quantiles").values()))
        yield from self._chart_errors()

    def _chart_errors(self) -> Iterator[float]:
        for cut in self.chart("cuts") or []:
            for part in ("whole", "close"):
                yield from numbers((cut.get(part) or {}).get("error"))
        grid = self.chart("map") or {}
        yield from numbers(grid.get("error"))
        for panel in [grid, *(grid.get("panels") or []), *(self.chart("thumbnails") or [])]:
            for row in (panel or {}).get("values") or []:
                yield from numbers(row)
        progress = self.chart("progress") or {}
        yield from (number(pair[1]) for pair in progress.get("search") or [])
        yield from numbers((progress.get("random") or {}).get("high"))
        yield from numbers((self.chart("profile") or {}).get("worst"))

    def local_bounds(self) -> Iterator[float]:
        """Every local upper bound that the page shows: no errors, so none of `shown_errors`."""
        raw = self.chart("local_bounds") or {}
        yield from numbers(raw.get("values") if raw.get("edges") else None)
        for panel in [raw if raw.get("axes") else {}, *(raw.get("panels") or [])]:
            for row in panel.get("values") or []:
                yield from numbers(row)

    def check(self) -> None:
        """Rule 6: everything evaluated counts, so no number shown may exceed ``sup.lower``.

        Raises:
            InconsistentResult: when one does, by more than ``sup.rounding`` and a relative 1e-6.
        """
        largest = max((e for e in self.shown_errors() if not math.isnan(e)), default=-math.inf)
        rounding = number(self.part("sup").get("rounding"))
        allowed = self.lower * 1e-6 + (rounding if rounding > 0 else 0.0)
        if largest > self.lower + allowed or (math.isnan(self.lower) and largest > 0):
            raise InconsistentResult(
                f"the page would show an error of {num(largest, 8)}, but sup.lower is {num(self.lower, 8)}; "
                "this is a bug of supnorm, please report it with the result.json"
            )
        local = [v for v in self.local_bounds() if not math.isnan(v)]
        if local and max(local) > self.upper * (1 + 1e-6):
            raise InconsistentResult("a local bound is above the upper bound; this is a bug of supnorm")
        if self.bounded and self.lower > self.upper * (1 + 1e-6):
            raise InconsistentResult(
                f"sup.lower = {num(self.lower, 8)} exceeds the {self.upper_kind} bound {num(self.upper, 8)}; "
                "this is a bug of supnorm, please report it with the result.json"
            )
