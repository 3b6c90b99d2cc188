"""What page and terminal say of the record of a budget, in the words of `supnorm.wording.budget`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
from supnorm.results.numbers import at_least_from_log10, count, from_log10, num, pretty_unit, with_unit
from supnorm.wording.budget import BUDGET
from supnorm.wording.fact import Fact, fact

ESTIMATED = "the derivative bounds L_k, estimated with factor 1.5"
CONDITIONAL = "conditional"  # the status of a statement that rests on estimated bounds
ANSWER = {
    "classical better": "take-classical",
    "suitable with guard": "take-network",
    "unsuitable": "no-promise",
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


def phrase(code: str) -> str:
    """A sentence without values."""
    return BUDGET.text(fact(code))


def answer(verdict: VerdictRecord) -> str:
    """The answer in one sentence."""
    tool = {} if verdict.tool == "none" else {"tool": verdict.tool}
    code = ANSWER.get(verdict.word, "open")
    if code == "take-network" and any(one.code == "measure-first" for one in verdict.evidence):
        code = "try-network"  # nobody has trained one
    return BUDGET.text(fact(code, **tool))


def samples(log10: float | None) -> str:
    """A count of samples from its power of ten.

    >>> samples(2.0), samples(math.inf), samples(None)
    ('100', 'none is enough', '–')
    """
    return phrase("none-is-enough") if log10 == math.inf else from_log10(log10)


def statement(row: StatementRecord) -> Statement:
    """A statement in words."""
    return Statement(
        name=row.name,
        count=BUDGET.text(_count(row)),
        rate=row.rate,
        status=row.status,
        class_=row.class_,
        assumptions="; ".join(row.assumptions),
        source=row.source[:1].upper() + row.source[1:],
    )


def _count(row: StatementRecord) -> Fact:
    if row.vacuous:
        return fact("vacuous")
    if row.log10 is None:
        return fact("rate-only")
    if math.isinf(row.log10):
        return fact("none-is-enough")
    return fact("at-least" if row.line == "guarantee" else "about", log10=row.log10, quantity=row.quantity)


def guaranteed(record: BudgetRecord) -> tuple[list[Statement], list[Statement]]:
    """The statements of the guarantee line that hold without a condition, and those that rest on estimated bounds."""
    rows = [(row.status == CONDITIONAL, statement(row)) for row in record.guarantee]
    return [s for conditional, s in rows if not conditional], [s for conditional, s in rows if conditional]


def conditional(record: BudgetRecord) -> str:
    """What the conditional statements rest on, with the estimated derivative bounds where one of them uses these."""
    used = any(ESTIMATED in row.assumptions for row in record.guarantee)
    scales = record.profile.derivative_scales if record.profile is not None and used else ()
    bounds = ", ".join(f"L{chr(0x2080 + k)} = {num(v)}" for k, v in enumerate(scales))
    return BUDGET.text(fact("conditional"), *([fact("bounds", bounds=bounds)] if bounds else []))


def fooling_functions(record: BudgetRecord) -> list[str]:
    """What the classes can still hide from the given data."""
    return [
        BUDGET.text(fact("fooling-function", points=f.points, name=f.name, height=f.height, peak=_at(f.peak)))
        for f in record.fooling_functions
    ]


def _at(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {num(v, 4)}" for name, v in point.items())


def forecast(row: ErrorForecastRecord | NeedRecord) -> tuple[str, str, str]:
    """A row of the forecast: the quantity, its value, and its interval or how it is reached."""
    quantity = ": ".join(part for part in (row.learning_curve, row.quantity) if part)
    if isinstance(row, ErrorForecastRecord):
        low, high = row.interval
        interval = fact("interval", low=low, high=high, confidence=row.confidence)
        return quantity, num(row.value), BUDGET.text(interval)
    counts = ((row.samples, "samples"), (row.weights, "weights"), (row.iterations, "iterations"))
    needed = ", ".join(f"{count(n)} {word}" for n, word in counts if n)
    value = "–" if row.value is None or math.isnan(row.value) else num(row.value)
    return quantity, value, BUDGET.text(fact(row.reached, **({"needed": needed} if needed else {})))


def law_of(curve: LearningCurveRecord) -> str:
    """How the error of a learning curve falls at its largest size."""
    if curve.regime == "exact":
        return BUDGET.text(fact("exact-law", metric=curve.metric, **_name(curve)))
    alpha, low, high = curve.exponent
    law = fact(
        "law",
        metric=curve.metric,
        axis=curve.axis,
        exponent=-alpha,
        low=-high,
        high=-low,
        regime=curve.regime,
        **_name(curve),
    )
    return BUDGET.text(law)


def _name(curve: LearningCurveRecord) -> dict[str, str]:
    return {"curve": curve.name} if curve.name else {}


def holdouts(curve: LearningCurveRecord) -> list[str]:
    """How well the forecasts of known sizes did."""
    facts = [
        fact("holdout", size=h.size, ahead=h.ahead, caught=h.caught, trainings=h.of, **_name(curve))
        for h in curve.holdouts
    ]
    if num(curve.widened) != "1":
        facts.append(fact("widened", factor=curve.widened, **_name(curve)))
    return list(map(BUDGET.text, facts))


def table_row(row: ToleranceRecord, several: bool) -> tuple[str, str, str, str]:
    """The three lines for one tolerance; of ``several`` learning curves the one that counts is named."""
    built, tool = row.construction, {"tool": row.forecast_tool} if several and row.forecast_tool else {}
    construction = fewest = "–"
    if built is not None:
        construction = BUDGET.text(fact("cheapest-row", count=samples(built.log10), name=built.name))
    if row.forecast is not None and not math.isnan(row.forecast):
        reached = row.forecast_reached or ""
        fewest = BUDGET.text(fact("reached-row", count=samples(row.forecast), reached=reached, **tool))
    elif row.forecast_reached is not None:
        fewest = phrase(row.forecast_reached)
    least = samples(row.guarantee)
    if row.guarantee is not None and math.isfinite(row.guarantee):
        least = at_least_from_log10(row.guarantee)
    return num(row.tolerance), least, construction, fewest


def together(graph: GraphRecord | None) -> str:
    """Which inputs act together."""
    facts = []
    for groups, code in ((graph.blocks, "sum"), (graph.factors, "product")) if graph is not None else ():
        if len(groups) > 1:
            facts.append(fact(code, groups=functions_of(groups, code == "product")))
    return BUDGET.text(*(facts or [fact("together")]))


def functions_of(groups: Iterable[Sequence[str]], product: bool) -> str:
    """A sum or product of functions of some inputs each, as a formula.

    >>> functions_of([["speed"], ["angle", "load"]], product=True)
    'f1(speed) × f2(angle, load)'
    """
    return (" × " if product else " + ").join(
        f"f{k}({', '.join(group)})" for k, group in enumerate(groups, 1)
    )


def summary(record: BudgetRecord) -> str:
    """The budget as text for a terminal: the verdict, the three lines under their own headings, the exceptions.

    Statements of the guarantee line that rest on estimated bounds have a heading of their own: they are no guarantee.
    """
    title = record.title or phrase("class-of-functions")
    held, on_estimates = guaranteed(record)
    tolerance = with_unit(record.tolerance, pretty_unit(record.unit), 3)
    lines = [f"Budget: {title}, tolerance {tolerance} in the {record.norm} norm"]
    lines += [f"  {note.text}" for note in record.notes]
    tool = "" if record.verdict.tool == "none" else f"; tool: {record.verdict.tool}"
    lines += ["", f"VERDICT on a network: {record.verdict.word}{tool}"]
    lines += [f"  - {evidence.text}" for evidence in record.verdict.evidence]
    lines += ["", "GUARANTEE", f"  {phrase('of-a-class')}"]
    lines += _statements(held, "no-guarantee")
    if on_estimates:
        lines += ["", "CONDITIONAL", f"  {conditional(record)}", *_statements(on_estimates, "no-guarantee")]
    lines += [f"  {sentence}" for sentence in fooling_functions(record)]
    built = [statement(row) for row in record.construction]
    lines += ["", "CONSTRUCTION", *_statements(built, "no-construction")]
    lines += ["", "FORECAST", *(_forecast(record) or [f"  {phrase('no-forecast')}"])]
    lines += ["", "EXCEPTIONS"]
    lines += [f"  {c.name}: {c.outcome.text} -> {c.effect.text}" for c in record.caveats]
    return "\n".join([*lines, "", record.status.advice])


def _statements(statements: list[Statement], none: str) -> list[str]:
    if not statements:
        return [f"  {phrase(none)}"]
    lines, last = [], ""
    for s in statements:
        lines.append(f"  {s.name}: {s.count}, {s.rate}  [{s.status}]")
        if s.class_ != last:
            lines.append(f"      class: {s.class_}")
        last = s.class_
        lines.append(f"      {s.source}; assumes: {s.assumptions}")
    return lines


def _forecast(record: BudgetRecord) -> list[str]:
    lines = [f"  {law_of(curve)}" for curve in record.learning_curves]
    for row in record.forecast:
        quantity, value, interval = forecast(row)
        lines.append(f"  {quantity}: {interval if value == '–' else f'{value}, {interval}'}")
    return lines + [f"  {sentence}" for curve in record.learning_curves for sentence in holdouts(curve)]
