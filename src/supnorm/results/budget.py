"""The record of `budget`: what a tolerance costs, on three lines that are never merged, and which tool to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class StatementRecord(Record):
    """One statement of the theory about a class of functions."""

    name: str = Field(description="short name")
    line: str = Field(
        description="`guarantee` (what nobody can promise with less) or `construction` (a named method and its count)"
    )
    quantity: str = Field(description="`samples`, `weights`, `coefficients` or `collocation points`")
    log10: Number | None = Field(description="the count as a power of ten; null where only a rate is known")
    rate: str = Field(description="how the count grows as the tolerance falls")
    class_: str = Field(description="the class of functions")
    assumptions: tuple[str, ...] = Field(description="what else must hold")
    source: str = Field(description="where the statement and its constant come from")
    status: str = Field(
        description="`proved`, `cited`, `conditional` (on an estimated number) or `heuristic` (an observed law)"
    )
    vacuous: bool = Field(description="whether it says nothing at this tolerance")
    adversary: bool = Field(
        description="whether Python can build a fooling function: a member of the class that is 0 at given samples"
    )
    seen: str = Field(description="what was read of the source of a cited statement; else empty")


class FoolingFunctionRecord(Record):
    """A member of a class that vanishes at all the given points."""

    name: str = Field(description="of the statement about the class")
    points: int = Field(description="how many points there are")
    height: Number = Field(
        description="the error that nobody who knows only the values there can rule out, in the norm of the statement"
    )
    peak: Mapping[str, Number] = Field(description="where the function is largest: inputs by name")


class ErrorForecastRecord(Record):
    """The error of larger trainings."""

    learning_curve: str = Field(description="name of the learning curve; empty where it has none")
    quantity: str = Field(description="what is forecast")
    value: Number = Field(description="the middle of the forecast; a size needed is null where none is known")
    interval: tuple[Number, Number] = Field(description="both ends; null for a size needed")
    confidence: float = Field(description="nominal coverage of the interval")
    regime: str = Field(
        description="what limits the largest size: `data-limited`, `mixed`, `floor-limited` or "
        "`capacity- or optimizer-limited`"
    )


class NeedRecord(Record):
    """The size that reaches the tolerance."""

    learning_curve: str = Field(description="name of the learning curve; empty where it has none")
    quantity: str = Field(description="what is needed")
    value: Number | None = Field(description="the size; null where no number is given")
    interval: None = Field(description="none: the size is read off the upper end")
    confidence: float = Field(description="nominal coverage of the intervals")
    regime: str = Field(description="what limits the largest size")
    reached: str = Field(
        description="of a size needed: `measured` (a training size reaches it), `forecast`, `floor` (more samples do not "
        "help) or `beyond` (not within 8 times the largest size: no number is given)"
    )
    samples: int | None = Field(description="of a size needed: in samples")
    weights: int | None = Field(description="with so many weights; 0 where unknown")
    iterations: int | None = Field(description="and so many iterations; 0 where unknown")


class CaveatRecord(Record):
    """One exception to "a network cannot promise this"."""

    name: str = Field(description="the exception")
    test: str = Field(description="what decides it")
    outcome: str = Field(description="what was found: begins with `holds`, `does not hold` or `undecided`")
    effect: str = Field(description="what it changes in the budget")


class VerdictRecord(Record):
    """Is a network the tool, and what else."""

    word: str = Field(
        description="said of a network: `suitable with guard`, `classical better`, `unsuitable` or `undecided`"
    )
    tool: str = Field(description="what to use")
    evidence: tuple[str, ...] = Field(description="one line for each fact that decided")


class TrialRecord(Record):
    """A pilot fit of one classical tool."""

    tool: str = Field(description="its name")
    samples: int = Field(description="of the larger fit")
    smaller: Number = Field(
        description="the error with half of them; null where the tool needs more than half"
    )
    error: Number = Field(
        description="the error with all of them: the largest found, or the mean of the norm"
    )
    expected: Number = Field(description="the error expected with the whole sample budget")


class SmoothnessRecord(Record):
    """Smoothness along the lines of one axis, or along oblique lines."""

    axis: str = Field(description="name of the input, or `oblique lines`")
    lines: int = Field(description="how many were measured")
    kind: str = Field(description="`geometric`, `algebraic`, `unresolved`, `noise`, or a mixture")
    order: Number | None = Field(description="lowest algebraic order; null where none is known")
    rho: Number = Field(description="smallest Bernstein parameter")
    degree: int | None = Field(description="polynomial degree for the tolerance; null where none is known")


class ActiveRecord(Record):
    """The directions of the unit cube that matter."""

    dimension: int = Field(description="how many")
    residual: Number = Field(description="largest change along the others, over half the range")
    eigenvalues: tuple[Number, ...] = Field(description="of the mean outer product of gradients, falling")
    directions: tuple[tuple[Number, ...], ...] = Field(description="orthonormal vectors")


class SensitivityRecord(Record):
    """Sobol indices."""

    first: tuple[Number, ...] = Field(description="of first order, by input")
    total: tuple[Number, ...] = Field(description="total, by input")
    note: str = Field(description="what they do not say")


class DimensionRecord(Record):
    """The intrinsic dimension of the inputs' law."""

    lower: Number = Field(description="lower end")
    upper: Number = Field(description="upper end: plan with this one")
    linear: int = Field(description="directions needed for all but 0.001 of the variation")
    single: bool = Field(
        description="whether the estimates of all scales agree; else there is no single dimension"
    )
    two_nn: Number = Field(description="estimate by TwoNN")
    mle: Number = Field(description="estimate by maximum likelihood")
    scales: tuple[tuple[int, Number, Number], ...] = Field(
        description="points and both estimates, for several numbers of points"
    )


class ProfileRecord(Record):
    """What was measured of the function before anything was trained."""

    calls: int = Field(description="evaluations of the profile")
    half_range: Number = Field(description="half the range of the values: the scale of relative numbers")
    noise: Number = Field(description="standard deviation of the noise on the values")
    kind: str = Field(
        description="`jump`, `unresolved`, `algebraic`, `geometric`, `noise` or `unknown` smoothness along lines"
    )
    order: Number = Field(
        description="lowest algebraic order; infinite for geometric decay, null where unknown"
    )
    smoothness: tuple[SmoothnessRecord, ...] = Field(description="by axis, and along oblique lines")
    class_order: int = Field(description="derivatives that the guarantee line uses")
    derivative_scales: tuple[Number, ...] = Field(
        description="estimated bounds on the derivatives on the unit cube, by order from 0"
    )
    not_finite: int = Field(description="points of the scan without a finite value")
    scanned: int = Field(description="points of the scan")
    blow_up: bool = Field(description="whether values grow without bound")
    jump: Number = Field(description="height of the largest jump found; 0 without one")
    inner: tuple[tuple[str, ...], ...] = Field(description="sets of inputs that enter through one number")
    left_out: tuple[str, ...] = Field(description="tests that were not made, with the reason")
    active: ActiveRecord | None = Field(default=None, description="directions that matter, where tested")
    sensitivity: SensitivityRecord | None = Field(default=None, description="Sobol indices, where measured")
    separation_ranks: tuple[int, ...] | None = Field(
        default=None, description="ranks between leading and trailing inputs, where measured"
    )
    dimension: DimensionRecord | None = Field(
        default=None, description="intrinsic dimension of the inputs' law, where data were given"
    )


class SizeRecord(Record):
    """The trainings of one size."""

    size: float = Field(description="samples or width")
    errors: tuple[Number, ...] = Field(description="of the trainings")
    train_rms: tuple[Number, ...] = Field(description="their root mean squares on the training data")


class AheadRecord(Record):
    """The forecast of one size."""

    size: Number = Field(description="samples or width")
    value: Number = Field(description="the middle")
    lower: Number = Field(description="lower end")
    upper: Number = Field(description="upper end")


class HoldoutRecord(Record):
    """The largest size, left out and forecast from those below."""

    size: Number = Field(description="the size left out")
    ahead: Number = Field(description="how many times the largest of the others")
    lower: Number = Field(description="lower end of its forecast")
    upper: Number = Field(description="upper end")
    errors: tuple[Number, ...] = Field(description="of the trainings there")
    caught: int = Field(description="how many of them lie inside")
    of: int = Field(description="how many there are")


class LearningCurveRecord(Record):
    """Trainings of growing size, and what they forecast."""

    name: str = Field(description="what was trained; empty where it has no name")
    axis: str = Field(description="what grows: `samples` or `width`")
    metric: str = Field(description="the error: `sup` or `rms`")
    level: float = Field(description="nominal coverage of the intervals")
    regime: str = Field(description="what limits the largest size")
    phi: Number = Field(description="training error over test error at the largest size")
    exponent: tuple[Number, Number, Number] = Field(
        description="a of error ~ size^-a at the largest size, and both ends of its interval"
    )
    widened: Number = Field(
        description="the factor by which missed hold-outs widened the intervals; 1 without"
    )
    training_sizes: tuple[SizeRecord, ...] = Field(description="what was measured")
    forecast: tuple[AheadRecord, ...] = Field(description="from the largest size to 8 times it")
    holdouts: tuple[HoldoutRecord, ...] = Field(description="how well forecasts of known sizes did")
    seconds: Seconds = Field(description="of all trainings")


class CheapestRecord(Record):
    """The cheapest construction for one tolerance."""

    log10: Number = Field(description="samples as a power of ten")
    name: str = Field(description="of the statement")
    status: str = Field(description="of the statement")


class ToleranceRecord(Record):
    """The three lines for one tolerance, in powers of ten of samples."""

    tolerance: Number = Field(description="the tolerance")
    guarantee: Number | None = Field(description="largest lower bound that says something; null without one")
    construction: CheapestRecord | None = Field(description="cheapest construction; null without one")
    forecast: Number | None = Field(description="fewest samples by a learning curve; null without a number")
    forecast_reached: str | None = Field(
        description="as `reached` of `forecast`; null without a learning curve"
    )
    forecast_tool: str | None = Field(description="name of that learning curve")


class ChartCurveRecord(Record):
    """A curve of error against samples."""

    line: str = Field(description="`guarantee`, `construction` or `forecast`")
    name: str = Field(description="what it says")
    points: tuple[tuple[Number, ...], ...] = Field(
        description="samples as a power of ten and error; of a forecast also both ends"
    )
    learning_curve: str | None = Field(default=None, description="name of the learning curve of a forecast")
    measured: tuple[tuple[Number, Number], ...] | None = Field(
        default=None, description="its trainings: samples as a power of ten, and error"
    )


class NodeRecord(Record):
    """An input in the graph."""

    name: str = Field(description="of the input")
    total_index: Number = Field(description="its total Sobol index; null where not measured")


class EdgeRecord(Record):
    """The interaction of two inputs."""

    from_: str = Field(description="one input")
    to: str = Field(description="the other")
    sup: Number = Field(description="largest mixed difference seen, over half the range")
    rms: Number = Field(description="its root mean square")


class GraphRecord(Record):
    """Which inputs act together."""

    nodes: tuple[NodeRecord, ...] = Field(description="the inputs")
    edges: tuple[EdgeRecord, ...] = Field(description="all pairs")
    blocks: tuple[tuple[str, ...], ...] = Field(description="groups whose parts add up")
    factors: tuple[tuple[str, ...], ...] = Field(description="groups whose parts multiply")


class ChartsRecord(Record):
    """Data of the charts."""

    table: tuple[ToleranceRecord, ...] = Field(description="the three lines for several tolerances")
    curves: tuple[ChartCurveRecord, ...] = Field(description="error against samples")
    graph: GraphRecord | None = Field(description="interactions of the inputs; null where not tested")


class CallCostRecord(Record):
    """What a call costs, and what that decided."""

    seconds: Seconds = Field(description="that a call counts as, for a point")
    by: str = Field(description="`measured` or `declared`")
    calls: int = Field(description="evaluations planned")
    tests: int | None = Field(
        description="points on which each training is tested; null without a learning curve"
    )


class BudgetRecord(Result):
    """What a surrogate with a given tolerance costs, and which one to take."""

    SCHEMA: ClassVar[str] = "supnorm.budget/1"

    title: str = Field(description="of the problem; empty from numbers alone")
    inputs: tuple[str, ...] = Field(description="names; empty for more than 100 from numbers alone")
    output: str = Field(description="the planned output; empty from numbers alone")
    tolerance: float = Field(description="absolute, in the unit of the function")
    norm: str = Field(description="of the error: `sup` or `L^p`")
    law: str = Field(description="of the inputs; empty where none is known")
    status: StatusField = Field(
        description="the `code` is the word of the verdict, or `interrupted` (what was measured until then, with a verdict "
        "that decides nothing)"
    )
    guarantee: tuple[StatementRecord, ...] = Field(
        description="what nobody can promise with less, about a class of functions"
    )
    fooling_functions: tuple[FoolingFunctionRecord, ...] = Field(
        description="members of the classes that are 0 at all the given data; empty without data"
    )
    construction: tuple[StatementRecord, ...] = Field(description="named methods with their counts")
    forecast: tuple[ErrorForecastRecord | NeedRecord, ...] = Field(
        description="what each learning curve says"
    )
    caveats: tuple[CaveatRecord, ...] = Field(description="the eight exceptions")
    verdict: VerdictRecord = Field(description="is a network the tool, and what else")
    pilot: tuple[TrialRecord, ...] = Field(
        description="pilot fits of the classical tools, best expectation first; empty where none were made"
    )
    profile: ProfileRecord | None = Field(description="of the function; null from numbers alone")
    learning_curves: tuple[LearningCurveRecord, ...] = Field(description="measured")
    charts: ChartsRecord = Field(description="data of the charts")
    notes: tuple[str, ...] = Field(description="what was converted or assumed")
    cost: CallCostRecord | None = Field(description="what a call costs; null where no function is called")
    command: str = Field(description="repeats the budget; empty where Python started it")
    seed: int = Field(description="of every random choice")
    seconds: Seconds = Field(description="wall time")
    versions: Mapping[str, str] = Field(description="of Python and the packages")
