"""The record of `rollout`: a model and a reference stepped side by side from the same initial states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.record import Data, Field, Number, Record, Result, Seconds, StatusField


class PeakRecord(Record):
    """The largest error of a field, where it is, and both values there."""

    error: Number = Field(
        description="the error; infinite where the model has no finite value and the reference has one"
    )
    run: int = Field(description="number of the initial state, from 0")
    step: int = Field(description="number of steps taken, from 1")
    index: tuple[int, ...] = Field(description="the cell, by its indices in the array")
    at: Mapping[str, Number] = Field(
        description="the cell by name of the axes: coordinates, or indices without any"
    )
    model: Number = Field(description="value of the model there")
    reference: Number = Field(description="value of the reference there")


class OriginRecord(Record):
    """Since when the largest error stands near a cell; it may move by a few cells a step."""

    step: int = Field(description="the first step of which that holds without a gap")
    at: Mapping[str, Number] = Field(description="where it was then")
    error: Number = Field(description="the error then")


class FirstRecord(Record):
    """The first step at which something is wrong."""

    kind: str = Field(
        description="`failed` (the model raised an exception), `not-finite` (a value of the model is NaN or "
        "infinite), `bound` "
        "(a value beyond its bounds), `tolerance` (an error above the tolerance), `signal` (an error above the range of the "
        "reference at this step), `outlier` (an error above `kappa` times the RMS error of this step)"
    )
    variable: str = Field(description="the variable; empty where the model raised")
    peak: PeakRecord = Field(
        description="the largest such error, or the cell nearest to the last peak where there is none"
    )
    cells: int = Field(description="number of such cells at this step, in this run")
    runs: int = Field(description="in how many runs it happens at any step")
    origin: OriginRecord = Field(description="since when the largest error of this run stood there")
    message: str = Field(default="", description="what the model raised; only for `failed`")


class StepRecord(Record):
    """One variable after one step, over all runs that still go on."""

    step: int = Field(description="number of steps taken")
    variable: str = Field(description="the variable")
    sup: Number = Field(description="largest error; infinite once a run of the model has ended")
    rms: Number = Field(
        description="root mean square error of the cells with two finite values, weighted by cells"
    )
    quantiles: tuple[Number, ...] = Field(description="quantiles of these errors, for the levels of `levels`")
    low: Number = Field(description="least value of the reference")
    high: Number = Field(description="largest value of the reference")
    not_finite: int = Field(description="cells where the model has no finite value and the reference has one")
    outside: int = Field(description="cells where the model is beyond its bounds")
    going: int = Field(description="number of runs that still went on")


class VariableRecord(Record):
    """One variable of the state."""

    name: str = Field(description="its name")
    shape: tuple[int, ...] = Field(description="shape of its field")
    tolerance: float | None = Field(description="largest error allowed; null without one")
    low: Number = Field(description="lower bound of its values; minus infinity without one")
    high: Number = Field(description="upper bound of its values; infinity without one")
    worst: PeakRecord | None = Field(
        description="largest error over all runs and steps; null where there is no step"
    )
    worst_finite: PeakRecord | None = Field(description="the same among finite errors")
    rms: Number = Field(description="root mean square error at the step of the largest finite error")
    range: Number = Field(description="range of the reference at that step")
    map: Data = Field(
        None,
        description="pictures of that run and step where the field has two axes: `reference` and `model`, `error` "
        "(the largest "
        "of each block of cells), `axes` (names and ends)",
    )


class TotalRecord(Record):
    """A number that is computed from a whole state, such as its mass; how it changed."""

    name: str = Field(description="its name")
    initial: Number = Field(description="its value at the first initial state")
    model: Number = Field(
        description="relative change in the model's run in which it changed most, at the last step of it"
    )
    reference: Number = Field(
        description="relative change in the reference's run in which it changed most, at the last step"
    )
    largest: Number = Field(description="the largest relative difference of model and reference at any step")
    step: int = Field(description="the step of that difference")
    model_by_step: tuple[Number, ...] = Field(
        description="relative change in the model's first run, at the steps of `shown`; of another size than the "
        "value at the "
        "start it cannot be told where that is zero: then the change itself"
    )
    reference_by_step: tuple[Number, ...] = Field(description="the same of the reference")


class GuardedRecord(Record):
    """What a guard did in the runs."""

    flagged: float = Field(
        description="share of the cells (or of the steps, where it judges whole states) that it flagged"
    )
    largest: float = Field(description="the largest share at one step of one run")
    fallback: bool = Field(description="whether the reference took flagged steps in place of the model")
    fallbacks: int = Field(description="number of steps that the reference took")


class RunRecord(Record):
    """One initial state."""

    run: int = Field(description="its number, from 0")
    steps: int = Field(description="steps of which both sides have a value")
    ended: str = Field(
        description="why no further: `done`, `failed`, `not-finite`, `reference-failed` or `unfinished`"
    )
    variable: str = Field(
        description="the variable whose largest error is largest beside the range of the reference"
    )
    error: Number = Field(description="its largest error")
    step: int = Field(description="the step of this error")


class RolloutRecord(Result):
    """A roll-out."""

    SCHEMA: ClassVar[str] = "supnorm.rollout/1"

    status: StatusField = Field(
        description="`code` (`rolled-out`: no tolerance was given, and every value is finite and within its bounds; "
        "`nothing-found`: no error "
        "of these runs "
        "is above the tolerance; `tolerance-exceeded`; `not-finite`: the model raised or has a value that is NaN or "
        "infinite; "
        "`bounds-violated`; `reference-failed`; `unfinished`: the time was over; `interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="title of the problem; empty where it has none")
    steps: int = Field(description="number of steps that were asked for")
    done: int = Field(description="number of steps that were taken")
    runs: int = Field(description="number of initial states")
    kappa: float = Field(description="an error above so many RMS errors of its step is an outlier")
    levels: tuple[float, ...] = Field(description="levels of the quantiles")
    variables: tuple[VariableRecord, ...] = Field(description="the variables")
    first: tuple[FirstRecord, ...] = Field(
        description="the first step at which something is wrong, for each kind of it"
    )
    by_step: tuple[StepRecord, ...] = Field(
        description="errors step by step; of many steps some, at growing distances: `shown`"
    )
    shown: tuple[int, ...] = Field(description="the steps of `by_step`")
    totals: tuple[TotalRecord, ...] = Field(description="totals of the states")
    guard: GuardedRecord | None = Field(description="what the guard did; null without one")
    by_run: tuple[RunRecord, ...] = Field(description="the initial states; of many the first 1,000")
    milliseconds: Mapping[str, float] = Field(
        description="mean wall time of a step of `model` and `reference`"
    )
    command: str = Field(description="the command that repeats it; empty if Python started it")
    seconds: Seconds = Field(description="wall time")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
