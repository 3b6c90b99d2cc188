"""The budget as text for a terminal: verdict first, then the three lines under their own headings, then the exceptions.

Statements of the guarantee line that rest on estimated bounds have a heading of their own: they are no guarantee.
"""

from __future__ import annotations

import supnorm.planning.words as words
from supnorm.planning.words import Statement
from supnorm.results.budget import BudgetRecord
from supnorm.results.numbers import num


def summary(record: BudgetRecord) -> str:
    """All of it."""
    title = record.title or "numbers alone"
    held, conditional = words.guaranteed(record)
    lines = [f"Budget: {title}, tolerance {num(record.tolerance)} in the {record.norm} norm"]
    lines += [f"  {note}" for note in record.notes]
    lines += ["", f"VERDICT on a network: {record.verdict.word}; tool: {record.verdict.tool}"]
    lines += [f"  - {fact}" for fact in record.verdict.evidence]
    lines += ["", "GUARANTEE: what nobody can promise with less, about a class of functions, not about yours"]
    lines += _statements(held)
    if conditional:
        lines += [
            "",
            "CONDITIONAL: the same, if the class is as a sample of your function suggests: no guarantee",
        ]
        if bounds := words.bounds(record):
            lines.append(f"  on the unit cube, estimated: {bounds}")
        lines += _statements(conditional)
    lines += [f"  {sentence}" for sentence in words.fooling_functions(record)]
    lines += ["", "CONSTRUCTION: named methods and what they need"]
    lines += _statements([words.statement(row) for row in record.construction])
    lines += ["", "FORECAST: measured on this function, with an interval"]
    lines += _forecast(record) or ["  no learning curve was measured: nothing is forecast"]
    lines += ["", "EXCEPTIONS"]
    lines += [f"  {c.name}: {c.outcome} -> {c.effect}" for c in record.caveats]
    return "\n".join([*lines, "", record.status.advice])


def _statements(statements: list[Statement]) -> list[str]:
    if not statements:
        return ["  nothing applies"]
    lines, last = [], ""
    for s in statements:
        lines.append(f"  {s.name}: {s.count}, {s.rate}  [{s.status}]")
        if s.class_ != last:
            lines.append(f"      class: {s.class_}")
        last = s.class_
        lines.append(f"      {s.source}; assumes: {s.assumptions}")
    return lines


def _forecast(record: BudgetRecord) -> list[str]:
    lines = [f"  {words.law_of(curve)}" for curve in record.learning_curves]
    for row in record.forecast:
        quantity, value, interval = words.forecast(row)
        lines.append(f"  {quantity}: {interval if value == '–' else f'{value}, {interval}'}")
    return lines + [f"  {s}" for curve in record.learning_curves for s in words.holdouts(curve)]
