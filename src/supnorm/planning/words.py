"""What the record of a budget says in words: each sentence once, for page and terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from supnorm.planning.guarantees import ESTIMATED
from supnorm.results.budget import (
    BudgetRecord,
    ErrorForecastRecord,
    GraphRecord,
    LearningCurveRecord,
    NeedRecord,
    StatementRecord,
    ToleranceRecord,
    VerdictRecord,
)
from supnorm.results.numbers import num, percent, superscript

CONDITIONAL = "conditional"  # the status of a statement that rests on estimated bounds
REACHED = {
    "measured": "a measured training size reaches it",
    "forecast": "the upper end of the forecast reaches it",
    "floor": "it lies below the floor of this learning curve: more samples do not help",
    "beyond": "the upper end of the forecast does not reach it within 8 times the largest size",
}


@dataclass(frozen=True)
class Statement:
    """One statement of the theory in words.

    Attributes:
        name, count, rate, status: of the statement.
        class_, assumptions, source: what it rests on.
    """

    name: str
    count: str
    rate: str
    status: str
    class_: str
    assumptions: str
    source: str


def headline(verdict: VerdictRecord) -> str:
    """The answer in one sentence."""
    if verdict.word == "classical better":
        return f"Take a classical method: {verdict.tool}."
    if verdict.word == "suitable with guard":
        return "A network is the right tool, audited and guarded."
    if verdict.word == "unsuitable":
        tool = f"; {verdict.tool}" if verdict.tool != "none" else ""
        return f"No method known here promises this tolerance{tool}."
    return "Not decided yet."


def samples(log10: float | None) -> str:
    """A count from its power of ten; a dash where there is none.

    >>> samples(2.0), samples(math.inf), samples(None), samples(770.0)
    ('100', 'none is enough', '–', '10⁷⁷⁰')
    """
    if log10 is None or math.isnan(log10):
        return "–"
    if math.isinf(log10):
        return "none is enough"
    if log10 < 6:
        return f"{10**log10:,.0f}"
    if log10 < 300:
        return num(10.0**log10)
    exponent = math.floor(log10)
    head = num(10.0 ** (log10 - exponent))
    return f"{head} × 10{superscript(exponent)}".removeprefix("1 × ")


def statement(row: StatementRecord) -> Statement:
    """A statement in words."""
    count = samples(row.log10)
    if row.vacuous:
        count = "the theory says nothing here"
    elif row.log10 is None:
        count = "rate only"
    elif math.isfinite(row.log10):
        count = f"{'at least' if row.line == 'guarantee' else 'about'} {count} {row.quantity}"
    return Statement(
        name=row.name,
        count=count,
        rate=row.rate,
        status=row.status,
        class_=row.class_,
        assumptions="; ".join(row.assumptions),
        source=row.source[:1].upper() + row.source[1:],
    )


def guaranteed(record: BudgetRecord) -> tuple[list[Statement], list[Statement]]:
    """The statements of the guarantee line that hold without a condition, and those that rest on estimated bounds."""
    rows = [(row.status == CONDITIONAL, statement(row)) for row in record.guarantee]
    return [s for conditional, s in rows if not conditional], [s for conditional, s in rows if conditional]


def bounds(record: BudgetRecord) -> str:
    """The estimated derivative bounds of the class, where a statement rests on them; else empty."""
    used = any(ESTIMATED in row.assumptions for row in record.guarantee)
    scales = record.profile.derivative_scales if record.profile is not None and used else ()
    return ", ".join(f"L{chr(0x2080 + k)} = {num(v)}" for k, v in enumerate(scales))


def fooling_functions(record: BudgetRecord) -> list[str]:
    """What the classes can still hide from the given data."""
    return [
        f"Against the {f.points:,} given points ({f.name}): a member of the class is 0 at all of them and "
        f"{num(f.height)} at " + ", ".join(f"{name} = {num(v, 4)}" for name, v in f.peak.items())
        for f in record.fooling_functions
    ]


def forecast(row: ErrorForecastRecord | NeedRecord) -> tuple[str, str, str]:
    """A row of the forecast: the quantity, its value, and its interval or how it is reached."""
    quantity = ": ".join(part for part in (row.learning_curve, row.quantity) if part)
    if isinstance(row, ErrorForecastRecord):
        low, high = row.interval
        return quantity, num(row.value), f"{num(low)} to {num(high)} ({percent(row.confidence)})"
    counts = ((row.samples, "samples"), (row.weights, "weights"), (row.iterations, "iterations"))
    triple = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    value = "–" if row.value is None or math.isnan(row.value) else num(row.value)
    return quantity, value, REACHED[row.reached] + (f": {triple}" if triple else "")


def law_of(curve: LearningCurveRecord) -> str:
    """How the error of a learning curve falls at its largest size."""
    alpha, low, high = curve.exponent
    name = f"{curve.name}: " if curve.name else ""
    return (
        f"{name}{curve.metric} error ~ {curve.axis}^{num(-alpha, 2)} [{num(-high, 2)}, {num(-low, 2)}] at the largest size; "
        f"{curve.regime}"
    )


def holdouts(curve: LearningCurveRecord) -> list[str]:
    """How well the forecasts of known sizes did."""
    prefix = f"{curve.name}: " if curve.name else ""
    sentences = [
        f"{prefix}Training size {num(h.size)} left out and forecast from below (×{num(h.ahead)}): "
        f"{'caught' if h.caught == h.of else 'missed'}, {h.caught} of {h.of} trainings inside."
        for h in curve.holdouts
    ]
    if (factor := num(curve.widened)) != "1":
        sentences.append(
            f"{prefix}A size that was left out lay outside: every interval is widened by ×{factor}."
        )
    return sentences


def table_row(row: ToleranceRecord, several: bool) -> tuple[str, str, str, str]:
    """The three lines for one tolerance; ``several`` learning curves are named."""
    built, tool = row.construction, f", {row.forecast_tool}" if several else ""
    fewest = REACHED.get(row.forecast_reached or "", "–")
    if row.forecast is not None and not math.isnan(row.forecast):
        fewest = f"{samples(row.forecast)} ({row.forecast_reached}{tool})"
    return (
        num(row.tolerance),
        samples(row.guarantee),
        f"{samples(built.log10)} ({built.name})" if built else "–",
        fewest,
    )


def graph_words(graph: GraphRecord | None) -> str:
    """Blocks and factors in words."""
    sentences = []
    for groups, name in ((graph.blocks, "a sum"), (graph.factors, "a product")) if graph is not None else ():
        if len(groups) > 1:
            listed = ", ".join("{" + ", ".join(group) + "}" for group in groups)
            sentences.append(f"The function is {name} of parts in {listed}, at every point sampled.")
    return " ".join(sentences) or "All inputs act together."
