"""The record of `budget`: what a tolerance costs, on three lines that are never merged, and which tool to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import Sentence
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class StatementRecord(Record):
    """One statement of the theory about a class of functions."""

    name: str = Field(description="short name of the statement")
    line: str = Field(
        description="`guarantee` (what nobody can promise with fewer) or `construction` (a named method and its count)"
    )
    quantity: str = Field(description="`samples`, `weights`, `coefficients` or `collocation points`")
    log10: Number | None = Field(description="the count as a power of ten; null where only a rate is known")
    rate: str = Field(description="how the count grows as the tolerance falls")
    class_: str = Field(description="the class of functions")
    assumptions: tuple[str, ...] = Field(description="assumptions besides the class")
    source: str = Field(description="where the statement and its constant come from")
    status: str = Field(
        description="`proved`, `cited`, `conditional` (on an estimated number) or `heuristic` (an observed law)"
    )
    vacuous: bool = Field(description="whether the statement says nothing at this tolerance")
    adversary: bool = Field(
        description="whether Python can build a fooling function: a member of the class that is 0 at given samples"
    )
    seen: str = Field(description="which part of the source of a cited statement was read; else empty")


class FoolingFunctionRecord(Record):
    """A member of a class that vanishes at all the given points."""

    name: str = Field(description="name of the statement about the class")
    points: int = Field(description="number of given points")
    height: Number = Field(
        description="the error that nobody who knows only the values there can rule out, in the norm of the statement"
    )
    peak: Mapping[str, Number] = Field(
        description="the point where the function is largest, input values by name"
    )


class ErrorForecastRecord(Record):
    """The error of larger trainings."""

    learning_curve: str = Field(description="name of the learning curve; empty where it has none")
    quantity: str = Field(description="what is forecast")
    value: Number = Field(description="the middle of the forecast; a size needed is null where none is known")
    interval: tuple[Number, Number] = Field(description="both ends; null for a size needed")
    confidence: float = Field(description="nominal coverage of the interval")
    regime: str = Field(
        description="what limits the largest size: `data-limited`, `mixed`, `floor-limited`, "
        "`capacity- or optimizer-limited` or `exact` (every error was zero: nothing is forecast)"
    )


class NeedRecord(Record):
    """The size that reaches the tolerance."""

    learning_curve: str = Field(description="name of the learning curve; empty where it has none")
    quantity: str = Field(description="what is needed")
    value: Number | None = Field(description="the size; null where no number is given")
    interval: None = Field(description="null: the size is read off the upper end of the interval")
    confidence: float = Field(description="nominal coverage of the intervals")
    regime: str = Field(description="what limits the largest size")
    reached: str = Field(
        description="of a size needed: `measured` (a training size reaches it), `forecast`, `floor` (more samples do not "
        "help) or `beyond` (not within 8 times the largest size: no number is given)"
    )
    samples: int | None = Field(description="the size needed, in samples")
    weights: int | None = Field(description="number of weights at this size; 0 where unknown")
    iterations: int | None = Field(description="number of iterations at this size; 0 where unknown")


class CaveatRecord(Record):
    """One exception to "a network cannot promise this"."""

    code: str = Field(description="the exception in a word")
    name: str = Field(description="name of the exception")
    test: str = Field(description="the test that decides it")
    outcome: Sentence = Field(
        description="outcome of the test; its text begins with `holds`, `does not hold` or `undecided`"
    )
    effect: Sentence = Field(description="what the exception changes in the budget")


class VerdictRecord(Record):
    """Is a network the tool, and what else."""

    word: str = Field(
        description="verdict on a network: `suitable with guard`, `classical better`, `unsuitable` or `undecided`"
    )
    tool: str = Field(description="the recommended tool")
    evidence: tuple[Sentence, ...] = Field(description="the facts that decided")


class TrialRecord(Record):
    """A pilot fit of one classical tool."""

    tool: str = Field(description="name of the tool")
    samples: int = Field(description="number of samples of the larger fit")
    smaller: Number = Field(
        description="the error with half of these samples; null if the tool needs more than half"
    )
    error: Number = Field(
        description="the error with all of these samples: the largest one found, or the mean of the norm"
    )
    expected: Number = Field(description="the error expected with the whole sample budget")


class SmoothnessRecord(Record):
    """Smoothness along the lines of one axis, or along oblique lines."""

    axis: str = Field(description="name of the input, or `oblique lines`")
    lines: int = Field(description="number of lines that were measured")
    kind: str = Field(description="`geometric`, `algebraic`, `unresolved`, `noise`, or a mixture")
    order: Number | None = Field(description="lowest algebraic order; null where none is known")
    rho: Number = Field(description="smallest Bernstein parameter")
    degree: int | None = Field(
        description="polynomial degree that the tolerance needs; null where none is known"
    )


class ActiveRecord(Record):
    """The directions of the unit cube that matter."""

    dimension: int = Field(description="number of these directions")
    residual: Number = Field(
        description="largest change along the other directions, divided by half the range"
    )
    eigenvalues: tuple[Number, ...] = Field(
        description="eigenvalues of the mean outer product of gradients, in falling order"
    )
    directions: tuple[tuple[Number, ...], ...] = Field(description="orthonormal vectors")


class SensitivityRecord(Record):
    """Sobol indices."""

    first: tuple[Number, ...] = Field(description="indices of first order, by input")
    total: tuple[Number, ...] = Field(description="total indices, by input")
    note: str = Field(description="what these indices do not show")


class DimensionRecord(Record):
    """The intrinsic dimension of the inputs' law."""

    lower: Number = Field(description="lower end of the interval")
    upper: Number = Field(description="upper end of the interval: plan with this one")
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

    calls: int = Field(description="number of evaluations of the profile")
    half_range: Number = Field(description="half the range of the values: the scale of relative numbers")
    noise: Number = Field(description="standard deviation of the noise on the values")
    kind: str = Field(
        description="`jump`, `unresolved`, `algebraic`, `geometric`, `noise` or `unknown` smoothness along lines"
    )
    order: Number = Field(
        description="lowest algebraic order; infinite for geometric decay, null where unknown"
    )
    smoothness: tuple[SmoothnessRecord, ...] = Field(
        description="smoothness by axis, and along oblique lines"
    )
    class_order: int = Field(description="number of derivatives that the guarantee line uses")
    derivative_scales: tuple[Number, ...] = Field(
        description="estimated bounds on the derivatives on the unit cube, by order from 0"
    )
    not_finite: int = Field(description="number of points of the scan without a finite value")
    scanned: int = Field(description="number of points of the scan")
    blow_up: bool = Field(description="whether values grow without bound")
    jump: Number = Field(description="height of the largest jump found; 0 without one")
    inner: tuple[tuple[str, ...], ...] = Field(description="sets of inputs that enter through one number")
    left_out: tuple[Sentence, ...] = Field(description="tests that were not made, with the reason")
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

    size: float = Field(description="number of samples, or width")
    errors: tuple[Number, ...] = Field(description="errors of the trainings")
    train_rms: tuple[Number, ...] = Field(
        description="root-mean-square errors of the trainings on their training data"
    )


class AheadRecord(Record):
    """The forecast of one size."""

    size: Number = Field(description="number of samples, or width")
    value: Number = Field(description="middle of the forecast")
    lower: Number = Field(description="lower end of the forecast")
    upper: Number = Field(description="upper end of the forecast")


class HoldoutRecord(Record):
    """The largest size, left out and forecast from those below."""

    size: Number = Field(description="the size that was held out")
    ahead: Number = Field(description="the size divided by the largest of the other sizes")
    lower: Number = Field(description="lower end of its forecast")
    upper: Number = Field(description="upper end of its forecast")
    errors: tuple[Number, ...] = Field(description="errors of the trainings at this size")
    caught: int = Field(description="how many of these errors lie inside the forecast")
    of: int = Field(description="number of these errors")


class LearningCurveRecord(Record):
    """Trainings of growing size, and what they forecast."""

    name: str = Field(description="what was trained; empty where it has no name")
    axis: str = Field(description="what grows: `samples` or `width`")
    metric: str = Field(description="the error that was measured: `sup` or `rms`")
    level: float = Field(description="nominal coverage of the intervals")
    regime: str = Field(description="what limits the largest size")
    phi: Number = Field(description="training error divided by test error at the largest size")
    exponent: tuple[Number, Number, Number] = Field(
        description="exponent a of error ~ size^-a at the largest size, and both ends of its interval"
    )
    widened: Number = Field(
        description="the factor by which missed hold-outs widened the intervals; 1 if none was missed"
    )
    training_sizes: tuple[SizeRecord, ...] = Field(description="the measured training sizes")
    forecast: tuple[AheadRecord, ...] = Field(description="forecasts from the largest size to 8 times it")
    holdouts: tuple[HoldoutRecord, ...] = Field(description="how well forecasts of measured sizes did")
    seconds: Seconds = Field(description="time of all trainings")


class CheapestRecord(Record):
    """The cheapest construction for one tolerance."""

    log10: Number = Field(description="samples as a power of ten")
    name: str = Field(description="name of the statement")
    status: str = Field(description="status of the statement")


class ToleranceRecord(Record):
    """The three lines for one tolerance, in powers of ten of samples."""

    tolerance: Number = Field(description="the tolerance")
    guarantee: Number | None = Field(description="largest lower bound that is not vacuous; null without one")
    construction: CheapestRecord | None = Field(description="cheapest construction; null without one")
    forecast: Number | None = Field(description="fewest samples by a learning curve; null without a number")
    forecast_reached: str | None = Field(
        description="as `reached` of `forecast`; null without a learning curve"
    )
    forecast_tool: str | None = Field(description="name of that learning curve")


class ChartCurveRecord(Record):
    """A curve of error against samples."""

    line: str = Field(description="`guarantee`, `construction` or `forecast`")
    name: str = Field(description="name of the curve")
    points: tuple[tuple[Number, ...], ...] = Field(
        description="pairs of samples as a power of ten and error; of a forecast also both ends of the interval"
    )
    learning_curve: str | None = Field(default=None, description="name of the learning curve of a forecast")
    measured: tuple[tuple[Number, Number], ...] | None = Field(
        default=None, description="its trainings: samples as a power of ten, and error"
    )


class NodeRecord(Record):
    """An input in the graph."""

    name: str = Field(description="name of the input")
    total_index: Number = Field(description="total Sobol index of the input; null where not measured")


class EdgeRecord(Record):
    """The interaction of two inputs."""

    from_: str = Field(description="one input")
    to: str = Field(description="the other")
    sup: Number = Field(description="largest mixed difference found, divided by half the range")
    rms: Number = Field(description="root mean square of the mixed difference")


class GraphRecord(Record):
    """Which inputs act together."""

    nodes: tuple[NodeRecord, ...] = Field(description="the inputs")
    edges: tuple[EdgeRecord, ...] = Field(description="all pairs of inputs")
    blocks: tuple[tuple[str, ...], ...] = Field(description="groups of inputs whose contributions add up")
    factors: tuple[tuple[str, ...], ...] = Field(description="groups of inputs whose contributions multiply")


class ChartsRecord(Record):
    """Data of the charts."""

    table: tuple[ToleranceRecord, ...] = Field(description="the three lines for several tolerances")
    curves: tuple[ChartCurveRecord, ...] = Field(description="error against samples")
    graph: GraphRecord | None = Field(description="interactions of the inputs; null where not tested")


class CallCostRecord(Record):
    """What a call costs, and what that decided."""

    seconds: Seconds = Field(description="time that a call counts as, for a point")
    by: str = Field(description="`measured` or `declared`")
    calls: int = Field(description="number of evaluations planned")
    tests: int | None = Field(
        description="number of points on which each training is tested; null without a learning curve"
    )


class BudgetRecord(Result):
    """What a surrogate with a given tolerance costs, and which one to take."""

    SCHEMA: ClassVar[str] = "supnorm.budget/1"

    title: str = Field(description="title of the problem; empty from numbers alone")
    inputs: tuple[str, ...] = Field(
        description="names of the inputs; empty for more than 100 from numbers alone"
    )
    output: str = Field(description="name of the planned output; empty from numbers alone")
    unit: str = Field(default="", description="unit of the planned output; empty where none is stated")
    tolerance: float = Field(description="absolute, in the unit of the function")
    norm: str = Field(description="norm of the error: `sup` or `L^p`")
    law: str = Field(description="law of the inputs; empty where none is known")
    status: StatusField = Field(
        description="`code` is the word of the verdict, or `interrupted` (what was measured until then, with the "
        "verdict `undecided`)"
    )
    guarantee: tuple[StatementRecord, ...] = Field(
        description="what nobody can promise with fewer, about a class of functions"
    )
    fooling_functions: tuple[FoolingFunctionRecord, ...] = Field(
        description="members of the classes that are 0 at all the given data; empty without data"
    )
    construction: tuple[StatementRecord, ...] = Field(description="named methods with their counts")
    forecast: tuple[ErrorForecastRecord | NeedRecord, ...] = Field(
        description="forecasts of each learning curve"
    )
    caveats: tuple[CaveatRecord, ...] = Field(description="the eight exceptions")
    verdict: VerdictRecord = Field(description="whether a network is the right tool, and which other tool is")
    pilot: tuple[TrialRecord, ...] = Field(
        description="pilot fits of the classical tools, best expectation first; empty where none were made"
    )
    profile: ProfileRecord | None = Field(
        description="what was measured about the function; null from numbers alone"
    )
    learning_curves: tuple[LearningCurveRecord, ...] = Field(description="the measured learning curves")
    charts: ChartsRecord = Field(description="data of the charts")
    notes: tuple[Sentence, ...] = Field(description="what was converted or assumed")
    cost: CallCostRecord | None = Field(description="what a call costs; null where no function is called")
    command: str = Field(description="the command that repeats the budget; empty if Python started it")
    seed: int = Field(description="seed of all random choices")
    seconds: Seconds = Field(description="wall time")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages")
