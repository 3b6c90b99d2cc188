"""The record of `guard`: what a guard rejects, what is known of the inputs that it accepts, and what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.audit import ShortAuditRecord
from supnorm.results.audit_cost import CostRecord
from supnorm.results.parts import AxisRecord, MeasureRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class LayerRecord(Record):
    """One layer of a guard."""

    name: str = Field(
        description="`glitch` (regions of known peaks), `learned` (error learned from all evaluations), `second` (a "
        "second model, trained on the values of the searches, disagrees), `distance` (to the training data) or "
        "`disagree` (with other networks trained on it)"
    )
    cut: Number = Field(description="the score above which it rejects")
    rejected: float = Field(description="share of the random points that it alone rejects")


class PromiseRecord(Record):
    """What fresh independent points, drawn after the guard was fixed, say about accepted inputs."""

    above: Number = Field(
        description="the level: the one asked for, or the tolerance; without both the largest error of these points"
    )
    count: int = Field(description="how many of the accepted points have an error above the level")
    n: int = Field(description="number of accepted points")
    drawn: int = Field(description="number of points that were drawn")
    fraction_at_most: float = Field(description="upper limit of the share of accepted inputs above the level")
    confidence: float = Field(description="confidence of this limit")
    law: str = Field(description="the law of the points, for which alone the limit holds")


class ChoiceRecord(Record):
    """How the rejected share was chosen."""

    risk: float = Field(description="the largest share of accepted inputs above the level that was asked for")
    share: float | None = Field(
        description="the least rejected share with which the fresh points show this risk; null if they show it for none"
    )
    tested: tuple[float, ...] = Field(
        description="the shares, tested from the one that rejects most until one fails (fixed-sequence testing)"
    )


class CurveRecord(Record):
    """Errors of accepted inputs where a guard of this kind rejects a share of the inputs."""

    rejected: float = Field(description="share of the law that is rejected")
    fresh: Number = Field(description="largest error among accepted fresh points: too kind")
    searched: Number = Field(
        description="largest error among accepted points of the searches: of that from which the guard learned, and of that "
        "among accepted inputs"
    )
    oracle: Number = Field(
        description="largest error of the fresh points if exactly the worst of them were rejected: no guard can do better"
    )


class GuardRecord(Result):
    """A guard."""

    SCHEMA: ClassVar[str] = "supnorm.guard/1"

    status: StatusField = Field(
        description="`code` (`guarded`: a search among accepted inputs found no error above the tolerance, or none was "
        "given; `tolerance-exceeded`: it found one; `guard-not-effective`: it found one of more than half of the unguarded "
        "worst error; `risk-not-shown`: the fresh points show the risk that was asked for with no rejected share), "
        "`advice`, `exit`"
    )
    title: str = Field(description="title of the problem; empty where it has none")
    tolerance: float | None = Field(description="largest error allowed; null without one")
    measure: MeasureRecord = Field(description="how all errors are measured")
    axes: tuple[AxisRecord, ...] = Field(description="the inputs")
    outputs: int = Field(description="number of outputs")
    rejected: float = Field(description="share of the law that the guard rejects, at independent points")
    layers: tuple[LayerRecord, ...] = Field(description="what it looks at, in order")
    worst_unguarded: Number = Field(description="largest error that was found without the guard")
    worst_accepted: Number = Field(
        description="largest error found at an accepted input, by a search among these with a fresh seed or at a known "
        "peak: a lower bound"
    )
    accepted: ShortAuditRecord = Field(description="this search among accepted inputs")
    promise: PromiseRecord = Field(description="what is promised of accepted inputs")
    choice: ChoiceRecord | None = Field(
        description="how the rejected share was chosen by a risk; null where it was given"
    )
    curve: tuple[CurveRecord, ...] = Field(
        description="errors of accepted inputs for several rejected shares"
    )
    proved_cells: int = Field(
        description="number of cells in which a certificate proves the tolerance; 0 without one"
    )
    proved_share: float = Field(description="share of the unit box in these cells")
    microseconds: float = Field(
        description="time of the guard for a point, in a batch of 10,000, without the model"
    )
    probe: Mapping[str, tuple[tuple[float, ...], ...]] = Field(
        description="points `x` and values `y` by which the file knows its model"
    )
    fingerprint: str = Field(
        default="",
        description="fingerprint of the problem that it was made for; empty in a file of an older version, and where it was "
        "made in Python",
    )
    evaluations: Mapping[str, int] = Field(
        description="calls of the reference: `learned`, `audit`, `calibration`"
    )
    cost: CostRecord | None = Field(
        default=None,
        description="what a call counted as, which decides the searches; null in a file of an older version",
    )
    command: str = Field(
        description="the command that repeats it, with the cost that was decided; empty if Python started it"
    )
    seconds: Seconds = Field(description="wall time")
    seed: int = Field(description="seed of all random choices")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
