"""The words and numbers that several parts of a page and the terminal derive from the record of an audit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

from supnorm.pages.points import AxisView, PeakView, known
from supnorm.results import rounded_up
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.charts import BoundPanelsRecord, BoundStepsRecord, LineMapRecord, PairMapsRecord
from supnorm.results.numbers import ErrorUnit, num, pretty_unit, with_unit
from supnorm.wording import Narrator, units_of
from supnorm.wording.audit import TEMPLATES
from supnorm.wording.result import AUDIT


class InconsistentResult(RuntimeError):
    """The result contradicts itself: an error shown is larger than ``sup.lower``. A bug of ours."""


class View:
    """The record of an audit, with what its page and its summary derive from it.

    Args:
        record: of the audit.
    """

    def __init__(self, record: AuditRecord) -> None:
        self.record, self.charts = record, record.charts
        self.per_output, self.joint = record.measure.per_output, bool(record.measure.joint)
        self.error = ErrorUnit(record.measure.kind, pretty_unit(record.measure.unit), self.per_output)
        self.tolerance, self.lower = known(record.tolerance), record.sup.lower
        self.upper, self.upper_kind = known(record.sup.upper), record.sup.upper_kind
        # Where errors are infinite: what the others are like.
        self.finite = record.finite if record.finite is not None and record.finite.n else None
        self.rms = record.rms.value if self.finite is None else self.finite.rms
        self.rms_n = record.rms.n if self.finite is None else self.finite.n
        self.law, self.uniform, self.table_only = record.law, record.law_uniform, record.table_only
        self.outputs = [(output.name, pretty_unit(output.unit)) for output in record.outputs]
        self.axes = [AxisView.of(axis) for axis in record.axes]
        self.d = len(self.axes)
        self.say = Narrator({**AUDIT, **TEMPLATES}, self.error, units_of(record.axes))
        self.second_name = record.recheck.name if record.recheck is not None else ""

    @property
    def whole(self) -> str:
        """What shares of random points are shares of, in a word."""
        return "rows" if self.table_only else "domain" if self.uniform else "law"

    @property
    def exhaustive(self) -> bool:
        """Whether every point of a finite domain was evaluated."""
        return self.record.search.exhaustive

    @property
    def every_row(self) -> bool:
        """Whether all rows of a table were compared: a worse one does not exist."""
        return self.table_only and not (self.record.table and self.record.table.left)

    @property
    def complete(self) -> bool:
        """Whether every point was evaluated, and the error of each output is known there and counts."""
        return self.record.search.complete

    @property
    def exact(self) -> bool:
        """Whether the statistics are over all points of the domain and no estimates."""
        return self.record.rms.kind == "exact"

    @property
    def interrupted(self) -> bool:
        """Whether the audit was stopped before its end."""
        return self.record.status.code == "interrupted"

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
    def points(self) -> int:
        """Number of points of a finite domain; 0 where it is not known."""
        return self.record.search.points or 0

    @property
    def odd_law(self) -> str | None:
        """The name of a law that is not uniform: shares of it are no shares of the domain."""
        return None if self.uniform else self.law

    def axis(self, name: str) -> AxisView:
        """The input called ``name``."""
        return next(axis for axis in self.axes if axis.name == name)

    def output_index(self, name: str) -> int:
        """Which of the outputs is called ``name``."""
        return [n for n, _ in self.outputs].index(name)

    def output_name(self, peak: PeakView) -> str:
        """The output that carries the error of a peak; empty with a single one, and for an error of all together."""
        return self.outputs[peak.output][0] if len(self.outputs) > 1 and not self.joint else ""

    def value(self, x: float, output: int, digits: int = 6) -> str:
        """A model or reference value with its unit."""
        return with_unit(x, self.outputs[output][1], digits)

    @cached_property
    def witness(self) -> PeakView | None:
        """The worst point, or None when nothing could be evaluated."""
        return None if self.record.witness is None else self._peak(self.record.witness)

    @cached_property
    def peaks(self) -> list[PeakView]:
        """The distinct peaks, worst first."""
        return [self._peak(peak) for peak in self.record.peaks]

    def _peak(self, peak: PeakRecord) -> PeakView:
        return PeakView(peak, self.output_index(peak.output))

    @property
    def worst_finite(self) -> PeakView | None:
        """The first peak with a finite error."""
        return next((peak for peak in self.peaks if math.isfinite(peak.error)), None)

    def quantile(self, level: str) -> float:
        """A quantile of the error at the independent points."""
        quantiles = self.record.quantiles if self.finite is None else self.finite.quantiles
        return known(quantiles.get(level))

    @property
    def plain(self) -> tuple[int, float]:
        """Number and worst error of the independent random points."""
        return self.record.plain_sample.n, self.record.plain_sample.worst

    @property
    def drawn(self) -> int:
        """Number of independent random points, with or without an error."""
        return self.record.plain_sample.drawn

    @property
    def masked(self) -> bool:
        """Whether the problem's mask has left points out."""
        return self.record.failures.masked > 0

    @property
    def exceeded(self) -> bool:
        """Whether an error above the tolerance was found."""
        return self.lower > self.tolerance

    @property
    def highest(self) -> float:
        """The worst error; where errors are infinite the worst finite one."""
        return self.lower if self.finite is None else known(self.finite.worst)

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
        unproved = self.tolerance > 0 and self.record.status.code == "nothing-found"
        return self.bounded and not self.exceeded and not self.upper > self.tolerance and not unproved

    @property
    def settled(self) -> bool:
        """Whether a bound is proved without conditions: then nothing can have been missed by the search."""
        return self.proven and self.upper_kind in ("certified", "exact-arithmetic")

    @property
    def evaluated(self) -> int:
        """All evaluations, for whatever purpose."""
        done = self.record.evaluations
        return done.search + done.statistics + done.pictures + done.power + done.recheck

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
        yield from (v for v in self.record.quantiles.values() if v is not None)
        for cut in self.charts.cuts:
            yield from (*cut.whole.error, *cut.close.error)
        whole = self.charts.map
        if isinstance(whole, LineMapRecord):
            yield from whole.error
        panels = whole.panels if isinstance(whole, PairMapsRecord) else (whole,)
        for panel in (*panels, *self.charts.thumbnails):
            if panel is not None and not isinstance(panel, LineMapRecord):
                yield from (v for row in panel.values for v in row)
        yield from (error for _, error in self.charts.progress.search)
        if self.charts.progress.random is not None:
            yield from self.charts.progress.random.high
        if self.charts.profile is not None:
            yield from self.charts.profile.worst

    def local_bounds(self) -> Iterator[float]:
        """Every local upper bound that the page shows: no errors, so none of `shown_errors`."""
        drawn = self.charts.local_bounds
        if isinstance(drawn, BoundStepsRecord):
            yield from drawn.values
        elif drawn is not None:
            panels = drawn.panels if isinstance(drawn, BoundPanelsRecord) else (drawn,)
            yield from (v for panel in panels for row in panel.values for v in row)

    def check(self) -> None:
        """Everything evaluated counts, so no number shown may exceed ``sup.lower``.

        Raises:
            InconsistentResult: when one does, by more than ``sup.rounding`` and a relative 1e-6.
        """
        largest = max((e for e in self.shown_errors() if not math.isnan(e)), default=-math.inf)
        rounding = self.record.sup.rounding
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
